//! A run's events as the records of an event file.

use crate::protocol::event::{Cause, Started};
use crate::protocol::{Event, Outcome, Stamped};
use crate::scalars::Point;
use crate::tensorboard::{hparams, message, record};
use crate::wire::Message;

/// The tag of the recipe's text.
const RECIPE: &str = "recipe";

/// What was put into a file so far. Nothing is before the run has begun.
#[derive(Default)]
pub(super) struct Log {
    begun: bool,
    /// When and how the run ended, if it did.
    end: Option<(f64, Outcome)>,
}

impl Log {
    /// Appends what `stamped` says to `file`.
    pub(super) fn put(&mut self, stamped: &Stamped, file: &mut Vec<u8>) {
        let Stamped { event, time } = stamped;
        match event {
            Event::Started(started) => self.start(started, *time, file),
            Event::Finished { outcome, .. } => self.end = Some((*time, *outcome)),
            Event::Failed { cause: Cause::Failure | Cause::Panic, .. } => {
                self.end = Some((*time, Outcome::Diverged));
            }
            _ => {}
        }
        if let (true, Some(point)) = (self.begun, Point::of(event)) {
            let values = point.values.iter().map(|(scalar, value)| (scalar.tag(), *value));
            put(file, message::scalars(*time, point.step, values));
        }
    }

    fn start(&mut self, started: &Started, time: f64, file: &mut Vec<u8>) {
        let recipe = &started.recipe;
        if !self.begun {
            put(file, message::version(time));
            put(file, hparams::experiment(time));
            put(file, hparams::session_start(time, recipe));
        }
        (self.begun, self.end) = (true, None);
        if started.step > 0 {
            put(file, message::restart(time, started.step + 1));
        }
        // Indented: as it is, in Markdown.
        let toml = recipe.to_toml().unwrap_or_default();
        let text: String = toml.lines().flat_map(|line| ["    ", line, "\n"]).collect();
        put(file, message::text(time, started.step, RECIPE, &text));
    }

    /// Appends how the run ended.
    pub(super) fn close(&mut self, file: &mut Vec<u8>) {
        if let (true, Some((time, outcome))) = (self.begun, self.end.take())
            && let Some(end) = hparams::session_end(time, outcome)
        {
            put(file, end);
        }
    }
}

fn put(file: &mut Vec<u8>, message: Message) {
    record::put(file, &message.into_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(event: Event) -> Stamped {
        Stamped { event, time: 1.0 }
    }

    fn started(step: u64) -> Stamped {
        stamped(Event::Started(Box::new(Started { step, ..Started::example() })))
    }

    fn finished(outcome: Outcome) -> Stamped {
        stamped(Event::Finished { outcome, reason: None, best: None, test: None, step: 1 })
    }

    /// The messages in a file.
    fn messages(file: &[u8]) -> Vec<Vec<u8>> {
        let (mut rest, mut messages) = (file, Vec::new());
        while let Some((head, tail)) = rest.split_first_chunk::<8>() {
            let length = u64::from_le_bytes(*head) as usize;
            messages.push(tail[4..4 + length].to_vec());
            rest = &tail[4 + length + 4..];
        }
        messages
    }

    fn have(file: &[u8], word: &str) -> usize {
        messages(file)
            .iter()
            .filter(|one| one.windows(word.len()).any(|part| part == word.as_bytes()))
            .count()
    }

    #[test]
    fn a_run_that_goes_on_takes_back_what_was_told_of_the_steps_it_repeats() {
        let (mut log, mut file) = (Log::default(), Vec::new());
        log.put(&started(0), &mut file);
        let first = messages(&file);
        assert_eq!(first[0], message::version(1.0).into_bytes());
        log.put(&started(7), &mut file);
        let second = messages(&file)[first.len()..].to_vec();
        assert_eq!(second[0], message::restart(1.0, 8).into_bytes());
        assert_eq!(have(&file, "_hparams_/session_start_info"), 1);
        assert_eq!(have(&file, "batch_size = 10"), 2);
    }

    #[test]
    fn only_an_end_for_good_is_told_and_a_failure_that_was_got_over_is_none() {
        let end = |events: &[Stamped]| {
            let (mut log, mut file) = (Log::default(), Vec::new());
            for event in events {
                log.put(event, &mut file);
            }
            log.close(&mut file);
            let messages = messages(&file);
            let end = |outcome| hparams::session_end(1.0, outcome).map(Message::into_bytes);
            [Outcome::Completed, Outcome::Diverged]
                .into_iter()
                .find(|outcome| messages.last().is_some_and(|last| Some(last) == end(*outcome).as_ref()))
        };
        let failed = stamped(Event::Failed { message: "no.".into(), cause: Cause::Failure });
        assert_eq!(end(&[started(0), finished(Outcome::Completed)]), Some(Outcome::Completed));
        assert_eq!(end(&[started(0), failed.clone()]), Some(Outcome::Diverged));
        assert_eq!(end(&[started(0), finished(Outcome::Stopped)]), None);
        assert_eq!(end(&[started(0), failed, started(0)]), None);
        assert_eq!(end(&[finished(Outcome::Completed)]), None);
    }
}
