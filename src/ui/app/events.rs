//! Events from the engine, signals, and the results of jobs.

use signal_hook::consts::{SIGHUP, SIGUSR1};

use crate::monitor::{Exit, lines, signals};
use crate::protocol::{Command, Event, Outcome, Stamped, Start, StopReason};
use crate::ui::app::{App, Leaving};
use crate::ui::effect::{Effect, Job, JobResult};
use crate::ui::keys::binding::Tab;
use crate::ui::workspace::{FINISHING, OnHangup};

/// Seconds of training after which the end of a run rings the bell.
const LONG: f64 = 60.0;

impl App {
    pub(crate) fn event(&mut self, stamped: &Stamped) -> Vec<Effect> {
        let ws = &mut self.ws;
        ws.now = ws.now.max(stamped.time);
        let training = ws.live.training();
        let moved = ws.live.apply(stamped);
        for line in lines::of(&stamped.event, &ws.live.monitor) {
            ws.log.push(stamped.time, line);
        }
        if moved {
            return Vec::new();
        }
        self.screens.all().into_iter().for_each(|screen| screen.event(stamped, ws));
        let mut effects = Vec::new();
        match &stamped.event {
            Event::Started(head) => {
                ws.notify("training.");
                effects.push(Effect::Show(Tab::Train));
                // A checkpoint lies in a directory of its run's.
                let before = head.resumed_from.as_ref().and_then(|file| file.parent()?.parent());
                effects.extend(before.map(|run| Effect::Job(Job::ReadPast(run.to_owned()))));
            }
            Event::Warning { message } | Event::Refused { message } => ws.warn(message.clone()),
            Event::Answered { answer: Err(why), .. } => ws.warn(why.message.clone()),
            Event::Failed { message, .. } => {
                ws.warn(message.clone());
                effects.extend(self.ended(None, training));
            }
            Event::Finished { outcome, .. } => {
                ws.notify(format!("the run is {}.", format!("{outcome:?}").to_lowercase()));
                effects.extend(self.ended(Some(*outcome), training));
            }
            _ => {}
        }
        effects
    }

    /// The run has ended: leaves, if that was waited for.
    fn ended(&mut self, outcome: Option<Outcome>, training: bool) -> Vec<Effect> {
        let live = &self.ws.live;
        match (self.leaving.take(), outcome) {
            (Some(Leaving::Quit(code)), _) => vec![Effect::Quit(Exit(code))],
            (Some(Leaving::Background(run)), Some(Outcome::Stopped)) => {
                // Where it was at its end. Until another process has it.
                let run = live.head().map_or(run, |head| head.run_dir.clone());
                self.leaving = Some(Leaving::Background(run.clone()));
                vec![Effect::Job(Job::Background(run))]
            }
            // There is nothing left to train.
            (Some(Leaving::Background(_)), Some(Outcome::Completed)) => vec![Effect::Quit(Exit::FINE)],
            _ => {
                let mut effects = vec![Effect::Job(Job::ListRuns)];
                // Whatever became of this one.
                if let Some(recipe) = self.ws.queue.pop_front() {
                    let options = self.ws.settings.options.clone();
                    effects.push(Effect::send(Command::Start(Box::new(Start {
                        recipe,
                        name: None,
                        options,
                    }))));
                }
                let live = &self.ws.live;
                // Whoever started a long run may be elsewhere.
                if training && self.ws.settings.bell && live.monitor.elapsed_seconds() >= LONG {
                    effects.push(Effect::Bell);
                }
                effects
            }
        }
    }

    /// SIGUSR1 saves the run; SIGHUP and the signals that stop end the program after the run is saved.
    pub(crate) fn signal(&mut self, signal: i32) -> Vec<Effect> {
        let (ws, background) = (&mut self.ws, matches!(self.leaving, Some(Leaving::Background(_))));
        let code = match signal {
            SIGUSR1 if ws.live.training() => return vec![Effect::send(Command::Save)],
            _ if signal == SIGHUP || signals::stops(signal) => u8::try_from(128 + signal).unwrap_or(1),
            _ => return Vec::new(),
        };
        if background && (signal == SIGHUP || !ws.live.training()) {
            // It is on its way to where no terminal is needed.
            return Vec::new();
        }
        if !ws.live.training() {
            return vec![Effect::Quit(Exit(code))];
        }
        let (leaving, reason) = match ws.live.head() {
            Some(head) if signal == SIGHUP && ws.settings.on_hangup == OnHangup::Background => {
                (Leaving::Background(head.run_dir.clone()), StopReason::Asked)
            }
            _ => (Leaving::Quit(code), StopReason::Signal(signal)),
        };
        ws.notify(if signal == SIGHUP { FINISHING } else { signals::sentence(true) });
        match self.leaving.replace(leaving) {
            Some(_) => Vec::new(),
            None => vec![Effect::send(Command::Stop(reason))],
        }
    }

    pub(crate) fn done(&mut self, result: JobResult) -> Vec<Effect> {
        let ws = &mut self.ws;
        let screens = self.screens.all().into_iter();
        let mut effects: Vec<Effect> = screens.flat_map(|screen| screen.done(&result, ws)).collect();
        match result {
            JobResult::Past(events) => ws.live.remember(&events),
            JobResult::Background(Ok(())) => effects.push(Effect::Quit(Exit::FINE)),
            JobResult::Background(Err(sentence)) => {
                self.leaving = None;
                ws.warn(sentence);
            }
            JobResult::WeightsRead(file, found) => {
                if let Err(sentence) = &found {
                    ws.warn(sentence.clone());
                }
                ws.first_weights.take(&file, found);
            }
            JobResult::Completed(typed, paths) => self.overlay.completed(&typed, paths),
            JobResult::Failed(sentence) => ws.warn(sentence),
            _ => {}
        }
        effects
    }
}
