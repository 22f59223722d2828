//! Times the engine's own step on images in memory.

use std::sync::Arc;
use std::time::Instant;

use crate::data::prepare::{Batch, Prepare};
use crate::data::{ChannelStats, Images};
use crate::engine::build::{new_net, requested, warn_no_fused_version};
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::host::Source;
use crate::engine::in_flight::InFlight;
use crate::engine::memory::{Mode, Wanted};
use crate::engine::report::Report;
use crate::engine::step::SharedOptimizer;
use crate::engine::worker::PULSE;
use crate::engine::{device, memory, trainer};
use crate::model::{DenseNet, Implementation};
use crate::ops;
use crate::ops::loss::Loss;
use crate::ops::trainer::Peaks;
use crate::ops::trainer::{Epoch, Feed, KernelTime, StepResult, Trainer};
use crate::optim;
use crate::protocol::Options;
use crate::protocol::event::{Bench, Comparison, KernelFigures, Phase};
use crate::recipe::Recipe;
use crate::rng::{Purpose, Stream};

/// Steps before the clock starts.
const WARMUP: usize = 2;
/// Steps of the reference that are timed at most, after a single one before the clock starts: it is slow.
const REFERENCE_STEPS: usize = 3;
const MIB: f64 = (1u64 << 20) as f64;

/// What is to be timed.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// The network and the batch size.
    pub(super) recipe: &'a Recipe,
    /// Timed steps.
    pub(super) steps: usize,
    /// Evaluation instead of training.
    pub(super) evaluation: bool,
    /// candle's own layers too, after the fused version.
    pub(super) compare: bool,
    /// Each kernel of a GPU by itself too.
    pub(super) kernels: bool,
    pub(super) options: &'a Options,
}

/// The rate of training steps (or evaluation steps) of the recipe's network.
pub(super) fn bench(order: Order, control: &mut Control, report: &mut Report) -> Result<Bench, Failure> {
    let Order { recipe, steps, evaluation, compare, kernels, options } = order;
    let classes = recipe.data.classes().unwrap_or(10);
    let (device, device_line) = device::choose(options.device)?;
    let mode = if evaluation { Mode::Evaluation } else { Mode::Training };
    let arch = recipe.arch(classes);
    let room_for =
        |requested| Wanted { arch: &arch, requested, device: &device, mode }.check(recipe.batch_size);
    room_for(requested(options))?;
    let net = new_net(recipe, classes, &device, requested(options))?;
    if let (true, Some(what)) = (compare, net.no_fused_version()) {
        return Err(Failure::Input(format!("{what} has no fused version that could be compared.")));
    }
    warn_no_fused_version(&net, requested(options), report);
    device::warn_precision_ignored(&net, recipe, report);
    let (plan, arithmetic) = (net.plan().clone(), net.implementation());
    let n = recipe.batch_size;
    if n == 1 && plan.smallest_map == 1 && !evaluation {
        return Err(Failure::Input(
            "`batch_size`: one image on a 1x1 feature map has no variance; use 2 or more.".into(),
        ));
    }
    if compare {
        room_for(Implementation::Reference)?;
    }
    if kernels && net.gpu().is_none() {
        return Err(Failure::Input("`--kernels`: only a GPU has kernels to time.".into()));
    }
    let (backend, precision) = (net.gpu().map(|(backend, _)| backend.clone()), net.precision());
    // The network ends with its measurement: what it holds is free before another takes its place.
    let Measured { times, device_mib, kernels } = measure(net, order, WARMUP, control, report)?;
    let peak_mib = memory::peak_mib();
    let peaks = backend.map(|backend| backend.peaks(precision)).transpose()?.flatten();
    let machine_peak_gflops = peaks.map_or_else(ops::peak::gflops, |peaks| peaks.gflops);
    let kernels = kernels.into_iter().map(|kernel| figures(kernel, peaks)).collect();
    let images_per_second = n as f64 / median(&times);
    let comparison = if compare {
        let net = new_net(recipe, classes, &device, Implementation::Reference)?;
        let order = Order { steps: steps.min(REFERENCE_STEPS), kernels: false, ..order };
        let Measured { times, .. } = measure(net, order, 1, control, report)?;
        let reference_images_per_second = n as f64 / median(&times);
        Some(Comparison {
            reference_steps: times.len(),
            reference_images_per_second,
            ratio: images_per_second / reference_images_per_second,
        })
    } else {
        None
    };
    let passes = if evaluation { 2.0 } else { 6.0 };
    let gflops = passes * plan.macs() as f64 * images_per_second / 1e9;
    Ok(Bench {
        evaluation,
        batch: n,
        steps,
        parameters: plan.parameters(),
        macs: plan.macs(),
        images_per_second,
        step_ms_median: median(&times) * 1e3,
        step_ms_min: times[0] * 1e3,
        peak_mib,
        device_mib,
        gflops,
        machine_peak_gflops,
        share_of_peak: gflops / machine_peak_gflops,
        device: device_line,
        threads: options.threads,
        reference: arithmetic == Implementation::Reference,
        kernels,
        comparison,
    })
}

/// What was measured of a network.
struct Measured {
    /// Of steps, in seconds, ascending.
    times: Vec<f64>,
    /// Memory that they take on a device of its own.
    device_mib: Option<f64>,
    kernels: Vec<KernelTime>,
}

/// Times the steps of `order` with `net`, after `warmup` steps untimed.
fn measure(
    net: DenseNet,
    order: Order,
    warmup: usize,
    control: &mut Control,
    report: &mut Report,
) -> Result<Measured, Failure> {
    let Order { recipe, steps, evaluation, kernels, .. } = order;
    let (all, classes, net) = (warmup + steps, net.arch().classes, Arc::new(net));
    net.freeze(recipe.frozen_blocks(1));
    let optimizer = optim::by_recipe(recipe, net.parameters())?;
    let optimizer = SharedOptimizer::new(optimizer);
    let mut trainer = if net.gpu().is_some() {
        let images = Arc::new(noise(recipe, classes, all * recipe.batch_size));
        // Bytes are spread evenly: mean 127.5, standard deviation 73.9.
        let prepare = Prepare::new(recipe, ChannelStats { mean: [127.5; 3], std: [73.9; 3] }, true);
        trainer::by_recipe(&net, &optimizer, recipe, &prepare, &[images], report)?
    } else {
        let training = trainer::plan(recipe, recipe.batch_size, Loss::default(), Feed::Given);
        let mut trainer = trainer::on(&net, &optimizer, training, Source::Given(None))?;
        let Batch { images, labels, .. } = random_batch(recipe, classes);
        trainer.give(&images, &labels)?;
        trainer
    };
    let mib = trainer.bytes() as f64 / MIB;
    let time = if evaluation { evaluations } else { updates };
    let mut times = time(&mut *trainer, recipe, all, control, report)?.split_off(warmup);
    times.sort_by(f64::total_cmp);
    let kernels = if kernels { trainer.profile()? } else { Vec::new() };
    Ok(Measured { times, device_mib: (mib > 0.0).then_some(mib), kernels })
}

/// The times of `all` steps of training, in seconds.
fn updates(
    trainer: &mut dyn Trainer,
    recipe: &Recipe,
    all: usize,
    control: &mut Control,
    report: &mut Report,
) -> Result<Vec<f64>, Failure> {
    trainer.begin(&Epoch {
        number: 1,
        order: (0..(all * recipe.batch_size) as u32).collect(),
        learning_rates: vec![recipe.lr; all],
        first: 0,
        step: 0,
        updates: 0,
    })?;
    let (mut steps, mut times) = (InFlight::none(), Vec::new());
    while times.len() < all {
        report.phase(Phase::Benching, times.len() as u64, all as u64);
        if !control.go_on(report) {
            return Err(control.interrupted());
        }
        while times.len() + steps.count() < all && !steps.is_full(trainer) {
            steps.submit(trainer, recipe.batch_size)?;
        }
        let collected = control.wait_for(report, |_, _| steps.collect(trainer, PULSE))?;
        let Some((StepResult { failed, .. }, seconds)) = collected else { return Err(control.interrupted()) };
        if let Some(what) = failed {
            return Err(Failure::Failed(format!("the {what} of a random batch is not finite; lower `lr`.")));
        }
        times.push(seconds);
    }
    Ok(times)
}

/// The times of the evaluation of `all` batches, in seconds.
fn evaluations(
    trainer: &mut dyn Trainer,
    _: &Recipe,
    all: usize,
    control: &mut Control,
    report: &mut Report,
) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::new();
    // One at a time of a batch that was handed over, all at once of a split.
    while times.len() < all {
        if !control.go_on(report) {
            return Err(control.interrupted());
        }
        let mut since = Instant::now();
        trainer.evaluate(0, &mut |_, outcome| {
            if outcome.is_none() {
                control.poll_commands(report);
                return !control.is_overdue();
            }
            times.push(since.elapsed().as_secs_f64());
            report.phase(Phase::Benching, times.len() as u64, all as u64);
            since = Instant::now();
            control.go_on(report)
        })?;
    }
    Ok(times)
}

/// The figures of a kernel compared with what the GPU's peaks allow: the slower of its products and its bytes.
fn figures(kernel: KernelTime, peaks: Option<Peaks>) -> KernelFigures {
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

/// The middle of `times`, ascending; the later of two.
fn median(times: &[f64]) -> f64 {
    times[times.len() / 2]
}

/// A batch of normal noise with random labels.
fn random_batch(recipe: &Recipe, classes: usize) -> Batch {
    let side = recipe.input_size;
    let mut stream = Stream::new(recipe.seed, Purpose::Bench, 0, 0);
    let images = (0..recipe.batch_size * 3 * side * side).map(|_| stream.normal()).collect();
    let labels = (0..recipe.batch_size).map(|_| stream.below(classes as u32)).collect();
    Batch { images, labels, side }
}

/// Random bytes with random labels.
fn noise(recipe: &Recipe, classes: usize, count: usize) -> Images {
    let side = recipe.input_size;
    let mut draws = Stream::new(recipe.seed, Purpose::Bench, 0, 0);
    let pixels = (0..count * 3 * side * side).map(|_| (draws.bits() >> 24) as u8).collect();
    let labels = (0..count).map(|_| draws.below(classes as u32)).collect();
    Images::new(side, pixels, labels)
}
