//! The engine behind its link, as any front end meets it: asked between steps, never waiting, never
//! taken down by whoever listens.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use densenet_tui::engine::{Promise, spawn};
use densenet_tui::protocol::command::{Device, EvaluateFile, SaveEvery, Split};
use densenet_tui::protocol::event::Cause;
use densenet_tui::protocol::{Change, Command, Event, Link, Options, Outcome, Start, StopReason};
use densenet_tui::recipe::{Augment, Data, Recipe};
use densenet_tui::store::run::checkpoints;

fn recipe() -> Recipe {
    Recipe {
        layers: vec![1, 1],
        growth_rate: 4,
        train_limit: Some(48),
        validation: Some(20),
        batch_size: 16,
        epochs: 2,
        augment: Augment::Standard,
        ..Recipe::defaults(Data::Shapes)
    }
}

fn options(runs_dir: &Path) -> Options {
    Options {
        runs_dir: runs_dir.to_owned(),
        device: Device::Cpu,
        threads: 2,
        save_every: SaveEvery::default(),
        stop_after: None,
        no_test: true,
        reference: false,
    }
}

/// An engine and a folder for its runs.
struct Stand {
    folder: tempfile::TempDir,
    link: Link,
}

impl Stand {
    fn new() -> Self {
        let (link, _) = spawn(Promise::default()).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), link }
    }

    fn start(&self, recipe: Recipe) {
        let start = Start { recipe, name: Some("a".into()), options: options(self.folder.path()) };
        self.send(Command::Start(Box::new(start)));
    }

    fn send(&self, command: Command) {
        self.link.commands.send(command).unwrap();
    }

    /// The next event that `wanted` takes.
    fn until<T>(&self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        loop {
            let stamped = self.link.events.recv().expect("the engine is gone");
            if let Some(found) = wanted(&stamped.event) {
                return found;
            }
            assert!(!matches!(stamped.event, Event::Failed { .. }), "{stamped:?}");
        }
    }

    fn finished(&self) -> (Outcome, u64) {
        self.until(|event| match event {
            Event::Finished { outcome, step, .. } => Some((*outcome, *step)),
            _ => None,
        })
    }
}

#[test]
fn a_pause_holds_between_two_steps_until_it_is_ended_and_answers_meanwhile() {
    let bench = Stand::new();
    bench.send(Command::Pause);
    bench.until(|event| matches!(event, Event::Refused { .. }).then_some(()));
    bench.start(Recipe { epochs: 500, ..recipe() });
    bench.until(|event| matches!(event, Event::Step { .. }).then_some(()));
    bench.send(Command::Pause);
    let paused = bench.until(|event| if let Event::Paused { step } = event { Some(*step) } else { None });
    bench.send(Command::Save);
    let saved = bench.until(|event| if let Event::Saved { step, .. } = event { Some(*step) } else { None });
    assert_eq!(paused, saved);
    bench.send(Command::Evaluate);
    bench.until(|event| match event {
        Event::Evaluated { split: Split::Validation, images: 20, step, .. } if *step == paused => Some(()),
        _ => None,
    });
    bench.send(Command::Continue);
    assert_eq!(
        bench.until(|event| if let Event::Continued { step } = event { Some(*step) } else { None }),
        paused
    );
    bench.send(Command::Stop(StopReason::Asked));
    let (outcome, step) = bench.finished();
    assert_eq!(outcome, Outcome::Stopped);
    assert!(step >= paused);
}

#[test]
fn a_live_change_is_saved_at_once_and_a_wrong_one_is_refused() {
    let bench = Stand::new();
    bench.start(Recipe { epochs: 500, ..recipe() });
    bench.until(|event| matches!(event, Event::Step { .. }).then_some(()));
    bench.send(Command::Change(Change::Lr(-1.0)));
    let refused = bench
        .until(|event| if let Event::Refused { message } = event { Some(message.clone()) } else { None });
    assert!(refused.contains("`lr`"), "{refused}");
    bench.send(Command::Change(Change::Lr(0.05)));
    let changed =
        bench.until(|event| if let Event::Changed { step, .. } = event { Some(*step) } else { None });
    let saved = bench.until(|event| if let Event::Saved { step, .. } = event { Some(*step) } else { None });
    assert_eq!(changed, saved);
    bench.until(|event| match event {
        Event::Step { learning_rate, .. } if *learning_rate == 0.05 => Some(()),
        _ => None,
    });
    // The run ends where the new number of epochs says.
    bench.send(Command::Change(Change::Epochs(1)));
    assert_eq!(bench.finished().0, Outcome::Completed);
}

#[test]
fn questions_are_answered_without_a_run_and_within_one() {
    let bench = Stand::new();
    bench.send(Command::Preview { recipe: Box::new(recipe()), count: 5 });
    let preview =
        bench.until(|event| if let Event::Previewed(preview) = event { Some(preview.clone()) } else { None });
    assert_eq!((preview.samples.len(), preview.class_counts.iter().sum::<usize>()), (5, 48));
    assert_eq!(preview.samples[0].after.len(), 3 * 32 * 32);
    bench.start(recipe());
    bench.finished();
    let (_, target) = checkpoints(&bench.folder.path().join("a")).pop().unwrap();
    let question = EvaluateFile {
        target,
        data: None,
        data_dir: None,
        split: Split::Validation,
        options: options(bench.folder.path()),
    };
    bench.start(Recipe { seed: 1, ..recipe() });
    bench.until(|event| matches!(event, Event::Failed { cause: Cause::Input, .. }).then_some(()));
    bench.send(Command::Inspect(question));
    let inspection =
        bench.until(|event| if let Event::Inspected(it) = event { Some(it.clone()) } else { None });
    let images: usize = inspection.confusion.iter().flatten().sum();
    let right: usize = (0..10).map(|class| inspection.confusion[class][class]).sum();
    assert_eq!(images, 20);
    assert_eq!(inspection.figures.accuracy, right as f64 / 20.0);
    assert_eq!(inspection.mistakes.len(), 20 - right);
}

#[test]
fn a_listener_that_never_reads_neither_stalls_the_run_nor_loses_its_news() {
    let (link, thread) = spawn(Promise { unheard: true }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = Start { recipe: recipe(), name: None, options: options(folder.path()) };
    link.commands.send(Command::Start(Box::new(start))).unwrap();
    // With nothing left to hear, the engine ends when the run does; until then nothing is read.
    let Link { commands, events } = link;
    drop(commands);
    thread.join().unwrap();
    let events: Vec<Event> = events.iter().map(|stamped| stamped.event).collect();
    let steps = events.iter().map(|event| if let Event::Step { steps, .. } = event { *steps } else { 0 });
    assert_eq!(steps.sum::<u64>(), 6);
    assert!(matches!(events.last(), Some(Event::Finished { outcome: Outcome::Completed, .. })), "{events:?}");
}

#[test]
fn a_listener_that_vanishes_leaves_a_saved_run_behind() {
    let (link, thread) = spawn(Promise::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = Start {
        recipe: Recipe { epochs: 500, ..recipe() },
        name: Some("a".into()),
        options: options(folder.path()),
    };
    link.commands.send(Command::Start(Box::new(start))).unwrap();
    for stamped in &link.events {
        if matches!(stamped.event, Event::Step { .. }) {
            break;
        }
    }
    drop(link);
    thread.join().unwrap();
    let (step, _) = checkpoints(&folder.path().join("a")).pop().unwrap();
    assert!(step > 0);
}
