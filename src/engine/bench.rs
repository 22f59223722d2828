//! Times the engine's own step on images in memory.

use std::time::Instant;

use crate::data::prepare::Batch;
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::engine::session::new_net;
use crate::engine::step::{Settings, Stepped, step, tensors};
use crate::engine::{device, memory};
use crate::ops::{self, loss};
use crate::optim::{Optimizer, Rule};
use crate::protocol::Options;
use crate::protocol::event::{Bench, Event, Phase};
use crate::recipe::Recipe;
use crate::rng::{Purpose, Stream};

/// Steps before the clock starts.
const WARMUP: usize = 2;

/// Answers with the rate of training steps (or evaluation steps) of `recipe`'s network.
pub(super) fn bench(
    recipe: &Recipe,
    steps: usize,
    evaluation: bool,
    options: &Options,
    control: &mut Control,
    report: &mut Report,
) -> Result<(), Failure> {
    let classes = recipe.data.classes().unwrap_or(10);
    let (device, device_line) = device::choose(options.device)?;
    let net = new_net(recipe, classes, &device)?;
    let mut optimizer = Optimizer::new(Rule::of(recipe), recipe.weight_decay, net.parameters())?;
    let batch = random_batch(recipe, classes);
    let n = batch.labels.len();
    if n == 1 && net.plan().smallest_map == 1 && !evaluation {
        return Err(Failure::Input(
            "`batch_size`: one image on a 1x1 feature map has no variance; use 2 or more.".into(),
        ));
    }
    let (images, labels) = tensors(batch, &device)?;
    let masks = |step| {
        (recipe.dropout > 0.0).then_some(ops::dropout::Masks {
            rate: recipe.dropout,
            seed: recipe.seed,
            step,
        })
    };
    let mut times = Vec::with_capacity(steps);
    for index in 0..WARMUP + steps {
        if !control.go_on(report) {
            return Err(Failure::Interrupted(control.stop.unwrap_or(crate::protocol::StopReason::Asked)));
        }
        report.phase(Phase::Benching, index as u64, (WARMUP + steps) as u64);
        let begin = Instant::now();
        if evaluation {
            loss::per_image(&net.logits(&images)?, &labels)?;
        } else {
            let settings = Settings {
                learning_rate: recipe.lr,
                label_smoothing: recipe.label_smoothing,
                masks: masks(index as u64),
            };
            if let Stepped::Diverged { what } = step(&net, &mut optimizer, &images, &labels, settings)? {
                return Err(Failure::Failed(format!(
                    "the {what} of a random batch is not finite; lower `lr`."
                )));
            }
            device.synchronize()?;
        }
        if index >= WARMUP {
            times.push(begin.elapsed().as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let peak_mib = memory::peak_mib();
    let passes = if evaluation { 2.0 } else { 6.0 };
    let gflops = passes * net.plan().macs() as f64 * n as f64 / median / 1e9;
    let machine_peak_gflops = ops::peak::gflops(options.threads);
    report.emit(Event::Benched(Box::new(Bench {
        evaluation,
        batch: n,
        steps,
        parameters: net.plan().parameters(),
        macs: net.plan().macs(),
        images_per_second: n as f64 / median,
        step_ms_median: median * 1e3,
        step_ms_min: times[0] * 1e3,
        peak_mib,
        gflops,
        machine_peak_gflops,
        share_of_peak: gflops / machine_peak_gflops,
        device: device_line,
        threads: options.threads,
    })));
    Ok(())
}

/// A batch of normal noise with random labels.
fn random_batch(recipe: &Recipe, classes: usize) -> Batch {
    let side = recipe.input_size;
    let mut stream = Stream::new(recipe.seed, Purpose::Bench, 0, 0);
    let images = (0..recipe.batch_size * 3 * side * side).map(|_| stream.normal()).collect();
    let labels = (0..recipe.batch_size).map(|_| stream.below(classes as u32)).collect();
    Batch { images, labels, side }
}
