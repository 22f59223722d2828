//! The live run, the last one that began in the engine: its state and its curves.

use crate::monitor::Monitor;
use crate::protocol::event::Started;
use crate::protocol::{Event, Stamped};
use crate::ui::curves::Curves;

#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    pub(crate) monitor: Monitor,
    pub(crate) curves: Curves,
    /// The events of a run that was resumed, until those before them are read.
    resumed: Option<Vec<Stamped>>,
}

impl Live {
    pub(crate) fn head(&self) -> Option<&Started> {
        self.monitor.head.as_ref()
    }

    /// Whether a run is being trained.
    pub(crate) fn training(&self) -> bool {
        self.monitor.head.is_some() && self.monitor.end.is_none()
    }

    /// Applies an event; whether it only renames the directory of the run in training. Any other run that
    /// begins or resumes starts new curves.
    pub(crate) fn apply(&mut self, stamped: &Stamped) -> bool {
        let moved = self.training() && matches!(stamped.event, Event::Started(_));
        self.monitor.apply(stamped);
        if moved {
            return true;
        }
        if let Event::Started(head) = &stamped.event {
            self.curves = Curves::default();
            self.resumed = (head.step > 0).then(Vec::new);
        }
        if let Some(resumed) = &mut self.resumed {
            resumed.push(stamped.clone());
        }
        self.curves.apply(stamped);
        false
    }

    /// Puts the journal of the time before the run was resumed in front of the curves.
    pub(crate) fn remember(&mut self, journal: &[Stamped]) {
        let mut past = Monitor::default();
        for event in journal {
            past.apply(event);
        }
        self.monitor.best = self.monitor.best.or(past.best);
        let Some(live) = self.resumed.take() else {
            return;
        };
        let Some(Stamped { event: Event::Started(head), time }) = live.first() else {
            return;
        };
        let before = |stamped: &&Stamped| {
            stamped.time < *time && step_of(&stamped.event).is_none_or(|step| step <= head.step)
        };
        self.curves = Curves::default();
        for stamped in journal.iter().filter(before).chain(&live) {
            self.curves.apply(stamped);
        }
    }
}

/// The step of an event that is about training.
fn step_of(event: &Event) -> Option<u64> {
    match event {
        Event::Step { step, .. } | Event::Epoch { step, .. } | Event::Changed { step, .. } => Some(*step),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(step: u64) -> Event {
        Event::Started(Box::new(Started { step, ..Started::example() }))
    }

    fn step(step: u64, loss: f64) -> Event {
        let (epoch, accuracy, gpu) = (1, 0.5, None);
        let (learning_rate, images_per_second) = (0.1, 1.0);
        Event::Step { epoch, step, steps: 1, loss, accuracy, learning_rate, images_per_second, gpu }
    }

    #[test]
    fn a_resumed_run_has_the_curves_of_before_without_the_steps_that_were_lost() {
        let at = |time: f64, event: Event| Stamped { event, time };
        let mut live = Live::default();
        // Saved after step 2, killed after step 3, resumed at time 10.
        let events = [at(10.0, started(2)), at(11.0, step(3, 0.5))];
        for stamped in &events {
            live.apply(stamped);
        }
        let mut journal = vec![at(0.0, started(0))];
        journal.extend((1..=3).map(|n| at(n as f64, step(n, 3.0))));
        journal.extend(events);
        live.remember(&journal);
        live.apply(&at(12.0, step(4, 0.25)));
        let points: Vec<_> = live.curves.loss.points().collect();
        assert_eq!(points, [(1.0, 3.0), (2.0, 3.0), (3.0, 0.5), (4.0, 0.25)]);
        assert_eq!(live.curves.annotations.len(), 1);
    }
}
