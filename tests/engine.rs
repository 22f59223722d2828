//! The engine behind its link, as a front end sees it: commands act between steps, it never waits for a
//! listener and never fails because of one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/options.rs"]
mod options;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use densenet_tui::data::{self, Dataset};
use densenet_tui::engine::{EngineOptions, spawn};
use densenet_tui::protocol::command::Split;
use densenet_tui::protocol::event::{Cause, Inspection, Phase};
use densenet_tui::protocol::{
    Answer, Change, CheckpointQuery, Command, Event, Link, NoAnswer, Outcome, Question, Start, StopReason,
};
use densenet_tui::recipe::{Augment, Data, Recipe};
use densenet_tui::store::checkpoint::Checkpoint;
use densenet_tui::store::run::checkpoints;
use options::options;

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

fn dataset() -> Dataset {
    data::load(&recipe(), data::Settings::default(), &mut |_, _| ControlFlow::Continue(())).unwrap()
}

/// An engine and a folder for its runs.
struct Stand {
    folder: tempfile::TempDir,
    link: Link,
}

impl Stand {
    fn new() -> Self {
        let (link, _) = spawn(EngineOptions::default()).unwrap();
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

    /// Has the run inspected on its validation images.
    fn inspect(&self) -> Inspection {
        match self.ask(5, Question::Inspect(self.query("a"))) {
            Ok(Answer::Inspection(inspection)) => inspection,
            other => panic!("{other:?}"),
        }
    }

    fn query(&self, target: &str) -> CheckpointQuery {
        CheckpointQuery {
            target: target.into(),
            data: None,
            data_dir: None,
            split: Split::Validation,
            options: options(self.folder.path()),
        }
    }

    /// The answer to a question.
    fn ask(&self, id: u64, question: Question) -> Result<Answer, NoAnswer> {
        self.send(Command::Ask { id, question });
        self.until(|event| match event {
            Event::Answered { id: of, answer } if *of == id => Some(answer.clone().map(|answer| *answer)),
            _ => None,
        })
    }

    /// The bits of the run's newest checkpoint, by name of the tensor.
    fn bits(&self) -> BTreeMap<String, Vec<u32>> {
        let (_, newest) = checkpoints(&self.folder.path().join("a")).pop().unwrap();
        let tensors = Checkpoint::read(&newest).unwrap().tensors.into_iter();
        tensors.map(|(name, array)| (name, array.data.into_iter().map(f32::to_bits).collect())).collect()
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
    let question = Question::Preview { recipe: Box::new(recipe()), count: 5 };
    let Ok(Answer::Preview(preview)) = bench.ask(1, question) else { panic!("there is no preview") };
    assert_eq!((preview.samples.len(), preview.class_counts.iter().sum::<usize>()), (5, 48));
    assert_eq!((preview.validation_images, preview.test_images), (20, 1000));
    assert_eq!(preview.samples[0].after.len(), 3 * 32 * 32);
    bench.start(recipe());
    bench.finished();
    bench.start(Recipe { seed: 1, ..recipe() });
    bench.until(|event| matches!(event, Event::Failed { cause: Cause::Input, .. }).then_some(()));
    let inspection = bench.inspect();
    let images: usize = inspection.confusion.iter().flatten().sum();
    let right: usize = (0..10).map(|class| inspection.confusion[class][class]).sum();
    assert_eq!(images, 20);
    assert_eq!(inspection.figures.accuracy, right as f64 / 20.0);
    assert_eq!(inspection.mistakes.len(), 20 - right);
}

/// A question about another run's checkpoint, one that fails and a refusal, while a run trains: each has its own
/// answer, and the run's journal has nothing of the questions.
#[test]
fn a_question_asked_while_a_run_trains_is_no_part_of_it() {
    let bench = Stand::new();
    bench.start(recipe());
    bench.finished();
    let begin = Start {
        recipe: Recipe { epochs: 500, ..recipe() },
        name: Some("b".into()),
        options: options(bench.folder.path()),
    };
    bench.send(Command::Start(Box::new(begin)));
    bench.until(|event| matches!(event, Event::Step { .. }).then_some(()));
    bench.send(Command::Change(Change::Epochs(0)));
    let no = bench.ask(1, Question::Inspect(bench.query("nothing"))).unwrap_err();
    assert_eq!(no.cause, Cause::Input);
    assert!(no.message.contains("nothing"), "{no:?}");
    assert!(matches!(bench.ask(2, Question::Inspect(bench.query("a"))), Ok(Answer::Inspection(_))));
    assert!(matches!(
        bench.ask(3, Question::Evaluate(bench.query("a"))),
        Ok(Answer::Evaluation { images: 20, .. })
    ));
    let options = Box::new(options(bench.folder.path()));
    let busy = bench.ask(4, Question::Verify { path: "golden".into(), options }).unwrap_err();
    assert!(busy.message.contains("busy"), "{busy:?}");
    bench.send(Command::Evaluate);
    bench.until(|event| matches!(event, Event::Evaluated { .. }).then_some(()));
    bench.send(Command::Stop(StopReason::Asked));
    assert_eq!(bench.finished().0, Outcome::Stopped);
    let journal = std::fs::read_to_string(bench.folder.path().join("b/journal.jsonl")).unwrap();
    let of = |word: &str| journal.matches(&format!("{{\"event\":\"{word}\"")).count();
    assert_eq!(
        [of("inspected"), of("answered"), of("failed"), of("evaluated"), of("refused")],
        [0, 0, 0, 1, 1]
    );
    assert!(!journal.contains("nothing") && !journal.contains("busy"), "{journal}");
}

#[test]
fn an_inspection_shows_the_very_images_and_every_part_of_the_network() {
    let bench = Stand::new();
    bench.start(recipe());
    bench.finished();
    let inspection = bench.inspect();
    let dataset = dataset();
    assert_eq!((inspection.side, &inspection.classes), (32, &dataset.classes));
    assert!(!inspection.mistakes.is_empty(), "nobody learns ten shapes from 48 images in 6 steps");
    for mistake in &inspection.mistakes {
        assert_eq!(dataset.validation.labels[mistake.index] as usize, mistake.label);
        assert_eq!(*dataset.validation.image(mistake.index).unwrap(), mistake.pixels);
    }
    for (index, map) in inspection.reuse.iter().enumerate() {
        // One layer and what is behind the block, by the block's input and the layer.
        let read: Vec<Vec<bool>> =
            map.cells.iter().map(|cells| cells.iter().map(Option::is_some).collect()).collect();
        assert_eq!((map.block, read), (index + 1, vec![vec![true, false], vec![true, true]]));
    }
    assert_eq!(inspection.reuse.len(), 2);
    let rows = recipe().arch(10).plan().unwrap().rows;
    assert_eq!(inspection.scales.len(), rows.len());
    for (scale, row) in inspection.scales.iter().zip(&rows) {
        assert_eq!(scale.name, row.name);
        assert!(scale.deviation > 0.0 && scale.gradient.unwrap() > 0.0, "{scale:?}");
    }
}

#[test]
fn a_run_that_was_inspected_in_the_middle_ends_with_the_weights_of_the_one_that_was_not() {
    // Everything that draws, and a learning rate that no number of epochs changes.
    let recipe = Recipe { dropout: 0.2, schedule: "constant".parse().unwrap(), ..recipe() };
    let inspected = Stand::new();
    inspected.start(Recipe { epochs: 500, ..recipe.clone() });
    inspected.until(|event| matches!(event, Event::Step { .. }).then_some(()));
    // Between two steps of a run that goes on, and of one that waits.
    inspected.inspect();
    let phase =
        inspected.until(|event| if let Event::Phase { phase, .. } = event { Some(*phase) } else { None });
    assert_eq!(phase, Phase::Training);
    inspected.send(Command::Pause);
    let step = inspected.until(|event| if let Event::Paused { step } = event { Some(*step) } else { None });
    let inspection = inspected.inspect();
    assert!(step > 0 && inspection.step <= step, "{step}");
    let epochs = step as usize / 3 + 2;
    inspected.send(Command::Change(Change::Epochs(epochs)));
    inspected.send(Command::Continue);
    assert_eq!(inspected.finished(), (Outcome::Completed, 3 * epochs as u64));

    let whole = Stand::new();
    whole.start(Recipe { epochs, ..recipe });
    whole.finished();
    assert_eq!(inspected.bits(), whole.bits());
}

#[test]
fn every_epoch_tells_the_accuracy_within_each_class_of_the_validation_images() {
    let counts = dataset().validation.class_counts(10);
    for validation in [20, 0] {
        let bench = Stand::new();
        bench.start(Recipe { validation: Some(validation), ..recipe() });
        let (classes, figures) = bench.until(|event| match event {
            Event::Epoch { class_accuracy, validation, .. } => Some((class_accuracy.clone(), *validation)),
            _ => None,
        });
        assert_eq!((classes.len(), figures.is_some()), if validation > 0 { (10, true) } else { (0, false) });
        let right: f64 = classes.iter().zip(&counts).map(|(share, &images)| share * images as f64).sum();
        let all = figures.map_or(0.0, |figures| figures.accuracy * f64::from(validation as u32));
        assert!((right - all).abs() < 1e-9, "{classes:?} {figures:?}");
        bench.finished();
    }
}

#[test]
fn a_listener_that_never_reads_neither_stalls_the_run_nor_loses_its_news() {
    let (link, thread) = spawn(EngineOptions { keep_running_unattended: true }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = Start { recipe: recipe(), name: None, options: options(folder.path()) };
    link.commands.send(Command::Start(Box::new(start))).unwrap();
    // With no commands left, the engine ends when the run does; until then nothing is read.
    let Link { commands, events, .. } = link;
    drop(commands);
    thread.join().unwrap();
    let events: Vec<Event> = events.iter().map(|stamped| stamped.event).collect();
    let steps = events.iter().map(|event| if let Event::Step { steps, .. } = event { *steps } else { 0 });
    assert_eq!(steps.sum::<u64>(), 6);
    assert!(matches!(events.last(), Some(Event::Finished { outcome: Outcome::Completed, .. })), "{events:?}");
}

#[test]
fn a_listener_that_vanishes_leaves_a_saved_run_behind() {
    let (link, thread) = spawn(EngineOptions::default()).unwrap();
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
