//! Times the engine's own step on images in memory.

mod on_card;

use std::time::Instant;

use candle_core::{Device, Tensor};

use crate::data::prepare::Batch;
use crate::engine::bench::on_card::OnCard;
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::memory::{Mode, Wanted};
use crate::engine::report::Report;
use crate::engine::session::{new_net, tell_arithmetic, wish};
use crate::engine::step::{Settings, Stepped, step, tensors};
use crate::engine::{device, memory};
use crate::model::{Arithmetic, DenseNet};
use crate::ops::{self, dropout::Masks, loss};
use crate::optim::{Optimizer, Rule};
use crate::protocol::event::{Bench, Comparison, Event, Phase};
use crate::protocol::{Options, StopReason};
use crate::recipe::Recipe;
use crate::rng::{Purpose, Stream};

/// Steps before the clock starts.
const WARMUP: usize = 2;
/// Steps of the reference that are timed at most, after a single one before the clock starts: it is slow.
const REFERENCE_STEPS: usize = 3;

/// What is to be timed.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// The network and the batch size.
    pub(super) recipe: &'a Recipe,
    /// Timed steps.
    pub(super) steps: usize,
    /// Evaluation instead of training.
    pub(super) evaluation: bool,
    /// candle's own layers too, after the fast version.
    pub(super) compare: bool,
    /// Each kernel of a card by itself too.
    pub(super) kernels: bool,
    pub(super) options: &'a Options,
}

/// A batch that every step is done on.
struct Subject<'a> {
    recipe: &'a Recipe,
    evaluation: bool,
    images: Tensor,
    labels: Tensor,
    device: Device,
}

/// Answers with the rate of training steps (or evaluation steps) of the recipe's network.
pub(super) fn bench(order: Order, control: &mut Control, report: &mut Report) -> Result<(), Failure> {
    let Order { recipe, steps, evaluation, compare, kernels, options } = order;
    let classes = recipe.data.classes().unwrap_or(10);
    let (device, device_line) = device::choose(options.device)?;
    let mode = if evaluation { Mode::Evaluation } else { Mode::Training };
    let arch = recipe.arch(classes);
    let room_for = |wish| Wanted { arch: &arch, wish, device: &device, mode }.check(recipe.batch_size);
    room_for(wish(options))?;
    let net = new_net(recipe, classes, &device, wish(options))?;
    if let (true, Some(what)) = (compare, net.without_fast()) {
        return Err(Failure::Input(format!("{what} has no fast version that could be compared.")));
    }
    tell_arithmetic(&net, wish(options), report);
    device::tell_precision(&net, recipe, report);
    let (plan, arithmetic) = (net.plan().clone(), net.arithmetic());
    let n = recipe.batch_size;
    if n == 1 && plan.smallest_map == 1 && !evaluation {
        return Err(Failure::Input(
            "`batch_size`: one image on a 1x1 feature map has no variance; use 2 or more.".into(),
        ));
    }
    if compare {
        room_for(Arithmetic::Reference)?;
    }
    let (images, labels) = tensors(random_batch(recipe, classes), &device)?;
    let subject = Subject { recipe, evaluation, images, labels, device };
    if kernels && net.card().is_none() {
        return Err(Failure::Input("`--kernels`: only a card has kernels to time.".into()));
    }
    let OnCard { times, device_mib, kernels } = if net.card().is_some() {
        on_card::time(&net, order, control, report)?
    } else {
        let times = subject.time(&net, WARMUP, steps, control, report)?;
        OnCard { times, device_mib: None, kernels: Vec::new() }
    };
    let peak_mib = memory::peak_mib();
    let (place, precision) = (net.card().cloned(), net.precision());
    // What it holds is free before another network takes its place.
    drop(net);
    let peaks = place.map(|place| place.peaks(precision)).transpose()?.flatten();
    let machine_peak_gflops = peaks.map_or_else(ops::peak::gflops, |peaks| peaks.gflops);
    let kernels = kernels.into_iter().map(|kernel| on_card::figures(kernel, peaks)).collect();
    let images_per_second = n as f64 / median(&times);
    let comparison = if compare {
        let net = new_net(recipe, classes, &subject.device, Arithmetic::Reference)?;
        let times = subject.time(&net, 1, steps.min(REFERENCE_STEPS), control, report)?;
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
    report.emit(Event::Benched(Box::new(Bench {
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
        reference: arithmetic == Arithmetic::Reference,
        kernels,
        comparison,
    })));
    Ok(())
}

impl Subject<'_> {
    /// The times of `steps` steps of `net` in seconds, ascending, after `warmup` steps untimed.
    fn time(
        &self,
        net: &DenseNet,
        warmup: usize,
        steps: usize,
        control: &mut Control,
        report: &mut Report,
    ) -> Result<Vec<f64>, Failure> {
        let recipe = self.recipe;
        let mut optimizer = Optimizer::new(Rule::of(recipe), recipe.weight_decay, net.parameters())?;
        let mut times = Vec::new();
        for index in 0..warmup + steps {
            if !control.go_on(report) {
                return Err(Failure::Interrupted(control.stop.unwrap_or(StopReason::Asked)));
            }
            report.phase(Phase::Benching, index as u64, (warmup + steps) as u64);
            let begin = Instant::now();
            self.once(net, &mut optimizer, index as u64)?;
            if index >= warmup {
                times.push(begin.elapsed().as_secs_f64());
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(times)
    }

    /// The step numbered `index`, from 0.
    fn once(&self, net: &DenseNet, optimizer: &mut Optimizer, index: u64) -> Result<(), Failure> {
        if self.evaluation {
            loss::per_image(&net.logits(&self.images)?, &self.labels)?;
            return Ok(());
        }
        let Recipe { dropout: rate, seed, .. } = *self.recipe;
        let settings = Settings {
            learning_rate: self.recipe.lr,
            label_smoothing: self.recipe.label_smoothing,
            masks: (rate > 0.0).then_some(Masks { rate, seed, step: index }),
        };
        if let Stepped::Diverged { what } = step(net, optimizer, &self.images, &self.labels, settings)? {
            return Err(Failure::Failed(format!("the {what} of a random batch is not finite; lower `lr`.")));
        }
        Ok(self.device.synchronize()?)
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
