//! The loop with a trainer that computes nothing: what it asks for, in which order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use candle_core::Device;
use crossbeam_channel::{Receiver, Sender, unbounded};

use super::*;
use crate::arch::words::Init;
use crate::data::{ChannelStats, Images};
use crate::engine::control::EngineOptions;
use crate::engine::step::SharedOptimizer;
use crate::model::DenseNet;
use crate::ops::trainer::{self, KernelTime, NonFinite, Trainer};
use crate::optim::{self, Optimizer};
use crate::protocol::command::SaveEvery;
use crate::protocol::{Command, Options, Stamped, command};
use crate::recipe::{Data, Recipe};
use crate::store::RunDir;
use crate::store::checkpoint::{Checkpoint, Progress};
use crate::store::run::checkpoints;

/// What a trainer was asked for.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    Begin { first: usize, ordered: bool, rate: f64 },
    Submit(usize),
    Collect,
    State,
    Evaluate(usize),
}

/// A trainer whose weights are all the number of steps that it has done, and whose steps are done when somebody waits
/// for them.
#[derive(Debug)]
struct MockTrainer {
    depth: usize,
    calls: Arc<Mutex<Vec<Call>>>,
    /// Numbers in the network's parameters and its statistics.
    sizes: [usize; 2],
    under_way: VecDeque<usize>,
    submitted: usize,
    done: usize,
    /// The step that finds something that is not finite.
    fails: Option<usize>,
    /// What a person asks for while a step is submitted.
    asked: BTreeMap<usize, Command>,
    commands: Sender<Command>,
}

impl MockTrainer {
    fn note(&self, call: Call) {
        self.calls.lock().unwrap().push(call);
    }
}

impl Trainer for MockTrainer {
    fn depth(&self) -> usize {
        self.depth
    }

    fn load(&mut self, _: &trainer::State) -> candle_core::Result<()> {
        Ok(())
    }

    fn state(&mut self) -> candle_core::Result<Option<trainer::State>> {
        self.note(Call::State);
        assert!(self.under_way.is_empty(), "the state is wanted while steps are under way");
        let [parameters, running] = self.sizes.map(|size| vec![self.done as f32; size]);
        Ok(Some(trainer::State { parameters, running, slots: Vec::new() }))
    }

    fn begin(&mut self, epoch: &Epoch) -> candle_core::Result<()> {
        assert!(self.under_way.is_empty(), "an epoch begins while steps are under way");
        let (first, ordered) = (epoch.first, !epoch.order.is_empty());
        assert_eq!((epoch.step, epoch.updates), (self.done as u64, self.done as u64));
        let rate = epoch.learning_rates.get(first).copied().unwrap_or_default();
        self.note(Call::Begin { first, ordered, rate });
        Ok(())
    }

    fn give(&mut self, _: &[f32], _: &[u32]) -> candle_core::Result<()> {
        Ok(())
    }

    fn submit(&mut self, images: usize) -> candle_core::Result<()> {
        self.note(Call::Submit(images));
        self.submitted += 1;
        self.under_way.push_back(self.submitted);
        assert!(self.under_way.len() <= self.depth, "more steps are under way than the trainer takes");
        if let Some(command) = self.asked.remove(&self.submitted) {
            self.commands.send(command).unwrap();
        }
        Ok(())
    }

    fn collect(&mut self, wait: Duration) -> candle_core::Result<Option<StepResult>> {
        let Some(step) = self.under_way.pop_front_if(|_| !wait.is_zero()) else { return Ok(None) };
        self.note(Call::Collect);
        let failed = self.fails.filter(|fails| *fails <= step).map(|_| NonFinite::Gradient);
        self.done += usize::from(failed.is_none());
        Ok(Some(StepResult { loss: 1.0, correct: 1, failed }))
    }

    fn evaluate(
        &mut self,
        split: usize,
        each: &mut dyn FnMut(usize, Option<trainer::Outcome>) -> bool,
    ) -> candle_core::Result<()> {
        assert!(self.under_way.is_empty(), "an evaluation while steps are under way");
        self.note(Call::Evaluate(split));
        each(0, Some(trainer::Outcome { losses: vec![0.5; 2], predictions: vec![0, 1] }));
        Ok(())
    }

    fn last(&mut self, _: usize) -> candle_core::Result<(Vec<f32>, Vec<f32>)> {
        Ok(Default::default())
    }

    fn profile(&mut self) -> candle_core::Result<Vec<KernelTime>> {
        Ok(Vec::new())
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// A run of two epochs of five steps on nine images, and what became of it.
struct Run {
    calls: Vec<Call>,
    events: Vec<Event>,
    /// A weight of the newest checkpoint, and its step.
    kept: (f32, u64),
}

fn train_with(
    depth: usize,
    fails: Option<usize>,
    asked: impl IntoIterator<Item = (usize, Command)>,
    save_every: SaveEvery,
) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        layers: vec![1],
        growth_rate: 1,
        input_size: 4,
        batch_size: 2,
        epochs: 2,
        warmup: 0.0,
        momentum: 0.0,
        nesterov: false,
        ..Recipe::defaults(Data::Folder("images".into()))
    };
    assert_eq!(recipe.validate(), Ok(()));
    let net = Arc::new(DenseNet::new(&recipe.arch(2), Init::FanOut, 0, &Device::Cpu).unwrap());
    let optimizer = Optimizer::new(optim::kind(&recipe), recipe.weight_decay, net.parameters()).unwrap();
    let (sender, commands) = unbounded();
    let calls = Arc::<Mutex<Vec<Call>>>::default();
    let (parameters, running) = net.to_packed().unwrap();
    let trainer = MockTrainer {
        depth,
        calls: Arc::clone(&calls),
        sizes: [parameters.len(), running.len()],
        under_way: VecDeque::new(),
        submitted: 0,
        done: 0,
        fails,
        asked: asked.into_iter().collect(),
        commands: sender.clone(),
    };
    let images =
        |n: usize| Arc::new(Images::new(4, vec![0; n * 48], (0..n as u32).map(|label| label % 2).collect()));
    let run = RunDir::create(folder.path(), Some("a"), "", &recipe).unwrap();
    let mut session = Session {
        recipe,
        options: Options {
            runs_dir: folder.path().to_owned(),
            device: command::Device::Cpu,
            threads: 1,
            save_every,
            stop_after: None,
            no_test: false,
            skip_broken: false,
            reference: false,
        },
        net,
        optimizer: SharedOptimizer::new(optimizer),
        trainer: Box::new(trainer),
        classes: vec!["a".into(), "b".into()],
        moments: ChannelStats { mean: [0.0; 3], std: [1.0; 3] },
        fingerprints: Default::default(),
        train: images(9),
        validation: images(2),
        test: images(0),
        progress: Progress::default(),
        kept: Progress::default(),
        run,
        parent: None,
        weights: None,
        resumed_from: None,
        last: None,
        created: 0.0,
        device_line: String::new(),
        begun: Instant::now(),
        last_save: Instant::now(),
        jump: None,
        unsaved: false,
    };
    let (events, heard): (_, Receiver<Stamped>) = unbounded();
    let mut control = Control::new(commands, EngineOptions { keep_running_unattended: true });
    let mut report = Report::new(events, Arc::default());
    let person = std::thread::spawn(move || {
        let heard = heard.iter().map(|stamped| stamped.event);
        let continued = heard.inspect(|event| {
            if matches!(event, Event::Paused { .. }) {
                sender.send(Command::Continue).unwrap();
            }
        });
        continued.collect()
    });
    fit(&mut session, &mut control, &mut report).unwrap();
    let (_, file) = checkpoints(&folder.path().join("a")).pop().unwrap();
    let checkpoint = Checkpoint::read(&file).unwrap();
    let weight = checkpoint.tensors["classifier.bias"].data[0];
    drop((session, report));
    Run {
        calls: Arc::into_inner(calls).unwrap().into_inner().unwrap(),
        events: person.join().unwrap(),
        kept: (weight, checkpoint.meta.progress.step),
    }
}

fn rarely() -> SaveEvery {
    SaveEvery::Steps(1000)
}

/// How many calls there are of each kind before the first `until`.
fn before(calls: &[Call], until: impl Fn(&Call) -> bool) -> (usize, usize) {
    let calls: Vec<&Call> = calls.iter().take_while(|call| !until(call)).collect();
    let count = |of: &dyn Fn(&Call) -> bool| calls.iter().filter(|call| of(call)).count();
    (count(&|call| matches!(call, Call::Submit(_))), count(&|call| *call == Call::Collect))
}

#[test]
fn steps_are_submitted_as_far_ahead_as_the_trainer_takes_and_an_epoch_settles_before_it_is_validated() {
    for depth in [1, 3, 8] {
        let run = train_with(depth, None, [], rarely());
        assert_eq!(run.kept, (10.0, 10));
        let (submitted, _) = before(&run.calls, |call| *call == Call::Collect);
        assert_eq!(submitted, depth.min(5), "depth {depth}");
        let (submitted, collected) = before(&run.calls, |call| matches!(call, Call::Evaluate(_)));
        assert_eq!((submitted, collected), (5, 5), "depth {depth}");
        let epoch: Vec<&Call> = run.calls.iter().filter(|call| **call != Call::Collect).take(9).collect();
        let [begin, steps @ .., state, evaluate, next] = epoch.as_slice() else { panic!("{epoch:?}") };
        assert!(matches!(begin, Call::Begin { first: 0, ordered: true, .. }), "{begin:?}");
        assert_eq!(steps, [2, 2, 2, 2, 1].map(Call::Submit).each_ref(), "depth {depth}");
        assert_eq!((*state, *evaluate), (&Call::State, &Call::Evaluate(1)));
        assert!(matches!(next, Call::Begin { first: 0, ordered: true, .. }), "{next:?}");
    }
}

#[test]
fn a_step_that_is_not_finite_leaves_the_state_before_it_whatever_was_submitted_behind_it() {
    for depth in [1, 4] {
        let run = train_with(depth, Some(4), [], rarely());
        assert_eq!(run.kept, (3.0, 3), "depth {depth}");
        let finished = run.events.last().unwrap();
        assert!(
            matches!(finished, Event::Finished { outcome: Outcome::Diverged, step: 3, .. }),
            "{finished:?}"
        );
        let (submitted, collected) = before(&run.calls, |call| *call == Call::State);
        assert_eq!(submitted, collected, "a step is left under way");
        let told = |event: &Event| matches!(event, Event::Warning { message } if message.contains("the gradient of step 4 is not finite"));
        assert!(run.events.iter().any(told), "{:?}", run.events);
    }
}

#[test]
fn whatever_is_asked_in_the_middle_is_done_after_every_step_submitted() {
    let saved = |run: &Run| {
        run.events.iter().find_map(|event| match event {
            Event::Saved { step, .. } => Some(*step),
            _ => None,
        })
    };
    for depth in [1, 4] {
        // The second step is submitted when the command arrives, and no other before it is heard.
        let run = train_with(depth, None, [(2, Command::Save)], rarely());
        assert_eq!(saved(&run), Some(2), "depth {depth}");
        assert_eq!(before(&run.calls, |call| *call == Call::State), (2, 2), "depth {depth}");
        assert_eq!(run.kept, (10.0, 10));

        let stop = Command::Stop(StopReason::Asked);
        let run = train_with(depth, None, [(3, stop)], rarely());
        assert_eq!(run.kept, (3.0, 3), "depth {depth}");
        let finished = run.events.last().unwrap();
        assert!(
            matches!(finished, Event::Finished { outcome: Outcome::Stopped, step: 3, .. }),
            "{finished:?}"
        );

        let run = train_with(depth, None, [(3, Command::Evaluate)], rarely());
        assert_eq!(before(&run.calls, |call| *call == Call::Evaluate(1)), (3, 3), "depth {depth}");
    }
}

#[test]
fn a_pause_settles_and_a_new_learning_rate_is_that_of_the_next_step() {
    let change = Command::Change(Change::Lr(0.0625));
    let run = train_with(4, None, [(2, change)], rarely());
    let begun: Vec<(usize, bool)> = run
        .calls
        .iter()
        .filter_map(|call| match call {
            Call::Begin { first, ordered, .. } => Some((*first, *ordered)),
            _ => None,
        })
        .collect();
    assert_eq!(begun, [(0, true), (2, false), (0, true)]);
    let rate = |call: &Call| matches!(call, Call::Begin { first: 2, rate, .. } if *rate == 0.0625);
    assert!(run.calls.iter().any(rate), "{:?}", run.calls);

    let run = train_with(4, None, [(2, Command::Pause)], rarely());
    let paused = run.events.iter().position(|event| *event == Event::Paused { step: 2 }).unwrap();
    assert!(run.events[paused..].contains(&Event::Continued { step: 2 }), "{:?}", run.events);
    assert_eq!((before(&run.calls, |call| *call == Call::State), run.kept), ((2, 2), (10.0, 10)));
}

#[test]
fn saves_come_at_their_steps_and_at_the_end_of_an_epoch_once() {
    for depth in [1, 8] {
        let run = train_with(depth, None, [], SaveEvery::Steps(2));
        let saved: Vec<u64> = run
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Saved { step, .. } => Some(*step),
                _ => None,
            })
            .collect();
        assert_eq!(saved, [2, 4, 5, 6, 8, 10, 10], "depth {depth}");
    }
}
