//! Training, live: what the charts show of it and how.

use crate::protocol::{Event, Stamped};
use crate::ui::curves::{Curves, Over};

/// The charts, in the order of the panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Loss,
    Accuracy,
    Rate,
    Speed,
}

impl Pane {
    pub(crate) const ALL: [Self; 4] = [Self::Loss, Self::Accuracy, Self::Rate, Self::Speed];

    pub(crate) fn other(self, forward: bool) -> Self {
        let place = Self::ALL.iter().position(|&pane| pane == self).unwrap_or(0);
        Self::ALL[(place + if forward { 1 } else { Self::ALL.len() - 1 }) % Self::ALL.len()]
    }
}

/// Smoothing weights that `[` and `]` go through; 0 is none.
const SMOOTHING: [f64; 6] = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98];

/// The state of the view. The curves go on while it is frozen.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrainScreen {
    pub(crate) curves: Curves,
    /// What was heard of a run that went on, until what was before is known.
    unheard: Option<Vec<Stamped>>,
    /// The curves as they were when the view was frozen.
    frozen: Option<Box<Curves>>,
    pub(crate) pane: Pane,
    smoothing: usize,
    pub(crate) log_y: bool,
    pub(crate) log_x: bool,
    pub(crate) over: Over,
    pub(crate) maximised: bool,
    /// Share of the x axis that is shown, from its left end: begin and end.
    pub(crate) window: Option<(f64, f64)>,
    /// Cursor, as a share of what is shown.
    pub(crate) cursor: Option<f64>,
    /// A save was asked for, and is not done yet.
    pub(crate) asked_to_save: bool,
    /// Where the mouse took hold of a chart, as a share of what is shown.
    pub(crate) held: Option<f64>,
}

impl TrainScreen {
    /// Takes in what happened; a run that begins or goes on starts new curves.
    pub(crate) fn hear(&mut self, stamped: &Stamped) {
        if let Event::Started(head) = &stamped.event {
            (self.curves, self.frozen) = (Curves::default(), None);
            self.unheard = (head.step > 0).then(Vec::new);
        }
        if let Some(unheard) = &mut self.unheard {
            unheard.push(stamped.clone());
        }
        self.curves.hear(stamped);
    }

    /// Puts what the journal of the run tells of the time before it went on in front of the curves.
    pub(crate) fn remember(&mut self, journal: &[Stamped]) {
        let Some(live) = self.unheard.take() else {
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
            self.curves.hear(stamped);
        }
    }

    /// What is drawn.
    pub(crate) fn shown(&self) -> &Curves {
        self.frozen.as_deref().unwrap_or(&self.curves)
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    pub(crate) fn freeze(&mut self) {
        self.frozen = if self.frozen.is_some() { None } else { Some(Box::new(self.curves.clone())) };
    }

    /// The weight of the past in the smoothed curve.
    pub(crate) fn smoothing(&self) -> f64 {
        SMOOTHING[self.smoothing]
    }

    pub(crate) fn smooth(&mut self, more: bool) {
        self.smoothing = if more {
            (self.smoothing + 1).min(SMOOTHING.len() - 1)
        } else {
            self.smoothing.saturating_sub(1)
        };
    }

    /// The place of the weight among those that `[` and `]` go through.
    pub(crate) fn smoothing_step(&self) -> usize {
        self.smoothing
    }

    pub(crate) fn set_smoothing_step(&mut self, step: usize) {
        self.smoothing = step.min(SMOOTHING.len() - 1);
    }

    pub(crate) fn no_smoothing(&mut self) {
        self.smoothing = 0;
    }

    /// Zooms by `factor` about the cursor, or the right end.
    pub(crate) fn zoom(&mut self, factor: f64) {
        self.zoom_about(factor, self.cursor.unwrap_or(1.0));
    }

    /// Zooms by `factor` about a place, a share of what is shown.
    pub(crate) fn zoom_about(&mut self, factor: f64, share: f64) {
        let (begin, end) = self.window.unwrap_or((0.0, 1.0));
        let at = begin + (end - begin) * share;
        let width = ((end - begin) * factor).clamp(0.001, 1.0);
        let begin = (at - share * width).clamp(0.0, 1.0 - width);
        self.window = (width < 1.0).then_some((begin, begin + width));
    }

    /// Moves a zoomed view by a share of its width, to the right above 0.
    pub(crate) fn pan(&mut self, by: f64) {
        if let Some((begin, end)) = self.window {
            let shift = (by * (end - begin)).clamp(-begin, 1.0 - end);
            self.window = Some((begin + shift, end + shift));
        }
    }

    /// Moves the cursor by a step of the screen; past the edge of a zoomed view the view moves.
    pub(crate) fn move_cursor(&mut self, by: f64) {
        let next = self.cursor.unwrap_or(1.0) + by;
        if !(0.0..=1.0).contains(&next) {
            self.pan(by);
        }
        self.cursor = Some(next.clamp(0.0, 1.0));
    }

    pub(crate) fn reset_view(&mut self) {
        (self.window, self.cursor) = (None, None);
    }
}

/// The step that an event is about, where it tells of the training.
fn step_of(event: &Event) -> Option<u64> {
    match event {
        Event::Step { step, .. } | Event::Epoch { step, .. } | Event::Changed { step, .. } => Some(*step),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Started;

    fn started(step: u64) -> Event {
        Event::Started(Box::new(Started { step, ..Started::example() }))
    }

    fn step(step: u64, loss: f64) -> Event {
        let (epoch, accuracy, gpu) = (1, 0.5, None);
        let (learning_rate, images_per_second) = (0.1, 1.0);
        Event::Step { epoch, step, steps: 1, loss, accuracy, learning_rate, images_per_second, gpu }
    }

    #[test]
    fn a_run_that_goes_on_has_the_curves_of_before_without_what_was_lost() {
        let at = |time: f64, event: Event| Stamped { event, time };
        let mut screen = TrainScreen::default();
        // Saved after step 2, killed after step 3, resumed at time 10.
        let live = [at(10.0, started(2)), at(11.0, step(3, 0.5))];
        for stamped in &live {
            screen.hear(stamped);
        }
        let mut journal = vec![at(0.0, started(0))];
        journal.extend((1..=3).map(|n| at(n as f64, step(n, 3.0))));
        journal.extend(live);
        screen.remember(&journal);
        screen.hear(&at(12.0, step(4, 0.25)));
        let points: Vec<_> = screen.curves.loss.points().collect();
        assert_eq!(points, [(1.0, 3.0), (2.0, 3.0), (3.0, 0.5), (4.0, 0.25)]);
        assert_eq!(screen.curves.turns.len(), 1);
    }

    #[test]
    fn zooming_in_and_out_again_shows_everything() {
        let mut screen = TrainScreen { cursor: Some(0.5), ..TrainScreen::default() };
        screen.zoom(0.5);
        assert_eq!(screen.window, Some((0.25, 0.75)));
        screen.zoom(2.0);
        assert_eq!(screen.window, None);
    }

    #[test]
    fn the_view_moves_when_the_cursor_leaves_it_and_stays_within_the_curve() {
        let mut screen =
            TrainScreen { window: Some((0.5, 0.75)), cursor: Some(1.0), ..TrainScreen::default() };
        screen.move_cursor(0.2);
        assert_eq!(screen.window, Some((0.55, 0.8)));
        (0..20).for_each(|_| screen.move_cursor(0.5));
        let (begin, end) = screen.window.unwrap();
        assert!((end - 1.0).abs() < 1e-9 && (begin - 0.75).abs() < 1e-9);
    }

    #[test]
    fn panes_go_round() {
        assert_eq!(Pane::Speed.other(true), Pane::Loss);
        assert_eq!(Pane::Loss.other(false), Pane::Speed);
    }
}
