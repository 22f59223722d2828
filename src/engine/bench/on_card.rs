//! The same for a card: the steps of training, submitted ahead as training does it.

use std::time::Instant;

use crate::data::prepare::Prepare;
use crate::data::{Images, Moments};
use crate::engine::bench::{Order, WARMUP};
use crate::engine::card;
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::model::DenseNet;
use crate::ops::backend::Peaks;
use crate::ops::trainer::{Epoch, KernelTime, Trainer};
use crate::optim::{Optimizer, Rule};
use crate::protocol::StopReason;
use crate::protocol::event::{KernelFigures, Phase};
use crate::recipe::Recipe;
use crate::rng::{Purpose, Stream};

const MIB: f64 = (1u64 << 20) as f64;
/// Steps under way at once.
const AHEAD: usize = 8;

/// What was measured.
pub(super) struct OnCard {
    /// Of steps, in seconds, ascending.
    pub(super) times: Vec<f64>,
    /// Memory that they take on the card.
    pub(super) device_mib: Option<f64>,
    pub(super) kernels: Vec<KernelTime>,
}

/// Times the steps of `order`, after some untimed.
pub(super) fn time(
    net: &DenseNet,
    order: Order,
    control: &mut Control,
    report: &mut Report,
) -> Result<OnCard, Failure> {
    let Order { recipe, steps, evaluation, kernels, .. } = order;
    let all = WARMUP + steps;
    let images = noise(recipe, net.arch().classes, all * recipe.batch_size);
    // Bytes are spread evenly: mean 127.5, deviation 73.9.
    let prepare = Prepare::new(recipe, Moments { mean: [127.5; 3], deviation: [73.9; 3] }, true);
    let optimizer = Optimizer::new(Rule::of(recipe), recipe.weight_decay, net.parameters())?;
    let trainer = card::trainer(net, &optimizer, recipe, &prepare, &[&images], report)?;
    let Some(mut trainer) = trainer else {
        return Err(Failure::Failed("there is no card.".into()));
    };
    let mib = trainer.bytes() as f64 / MIB;
    let mut clock = Clock { times: Vec::new(), since: Instant::now() };
    let mut heard = |done: usize| {
        report.phase(Phase::Benching, done as u64, all as u64);
        control.go_on(report)
    };
    let whole = if evaluation {
        trainer.evaluate(0, &mut |_, _| {
            clock.tick();
            heard(clock.times.len())
        })?;
        clock.times.len() == all
    } else {
        training(&mut *trainer, recipe, all, &mut clock, &mut heard)?
    };
    if !whole {
        return Err(Failure::Interrupted(control.stop.unwrap_or(StopReason::Asked)));
    }
    let mut times = clock.times.split_off(WARMUP);
    times.sort_by(f64::total_cmp);
    let kernels = if kernels { trainer.profile()? } else { Vec::new() };
    Ok(OnCard { times, device_mib: Some(mib), kernels })
}

/// A kernel beside what the card's peaks allow: the slower of its products and its bytes.
pub(super) fn figures(kernel: KernelTime, peaks: Option<Peaks>) -> KernelFigures {
    let KernelTime { kernel, launches, seconds, operations, bytes } = kernel;
    let at_least =
        peaks.map_or(f64::NAN, |peaks| (operations / (peaks.gflops * 1e9)).max(bytes / (peaks.gbytes * 1e9)));
    KernelFigures {
        kernel,
        launches,
        ms: seconds * 1e3,
        gflop: operations / 1e9,
        mib: bytes / MIB,
        share_of_roofline: at_least / seconds,
    }
}

/// Whether all steps were done.
fn training(
    trainer: &mut dyn Trainer,
    recipe: &Recipe,
    all: usize,
    clock: &mut Clock,
    heard: &mut dyn FnMut(usize) -> bool,
) -> Result<bool, Failure> {
    trainer.begin(&Epoch {
        number: 1,
        order: (0..(all * recipe.batch_size) as u32).collect(),
        learning_rates: vec![recipe.lr; all],
        first: 0,
        step: 0,
        updates: 0,
    })?;
    let mut submitted = 0;
    while clock.times.len() < all {
        if !heard(clock.times.len()) {
            return Ok(false);
        }
        while submitted < all && submitted - clock.times.len() < AHEAD {
            trainer.step(recipe.batch_size)?;
            submitted += 1;
        }
        if let Some(stepped) = trainer.collect(true)? {
            if let Some(what) = stepped.failed {
                let what = card::what_of(what);
                return Err(Failure::Failed(format!(
                    "the {what} of a random batch is not finite; lower `lr`."
                )));
            }
            clock.tick();
        }
    }
    Ok(true)
}

/// Times from one thing done to the next.
struct Clock {
    times: Vec<f64>,
    since: Instant,
}

impl Clock {
    fn tick(&mut self) {
        self.times.push(self.since.elapsed().as_secs_f64());
        self.since = Instant::now();
    }
}

/// Random bytes with random labels.
fn noise(recipe: &Recipe, classes: usize, count: usize) -> Images {
    let side = recipe.input_size;
    let mut draws = Stream::new(recipe.seed, Purpose::Bench, 0, 0);
    let pixels = (0..count * 3 * side * side).map(|_| (draws.bits() >> 24) as u8).collect();
    let labels = (0..count).map(|_| draws.below(classes as u32)).collect();
    Images { side, pixels, labels }
}
