//! The engine on a GPU, or with its kernels on the host where there is none.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use crossbeam_channel::unbounded;

use super::*;
use crate::arch::words::Precision;
use crate::data::ChannelStats;
use crate::engine::control::EngineOptions;
use crate::engine::{serve, verify};
use crate::model::Implementation;
use crate::ops::backend::Backend;
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::cuda::tests::backend;
use crate::optim::Optimizer;
use crate::protocol::command::{Device, SaveEvery};
use crate::protocol::event::Verification;
use crate::protocol::{Change, Command, Event, Figures, Options, Outcome, Overrides, Start};
use crate::recipe::{Augment, Data};
use crate::rng::{Purpose, Stream};
use crate::store::checkpoint::{Array, Checkpoint};
use crate::store::run::checkpoints;

thread_local! {
    /// Where the networks of this thread's engine are computed, if not where they would be.
    static BACKEND: RefCell<Option<Backend>> = const { RefCell::new(None) };
}

pub(in crate::engine) fn placed(net: DenseNet) -> DenseNet {
    match BACKEND.with_borrow(Clone::clone) {
        Some(backend) => net.with_backend(backend),
        None => net,
    }
}

/// Does `work` with every network on a GPU, or on the CPU.
fn with<T>(gpu: bool, work: impl FnOnce() -> T) -> T {
    BACKEND.set(gpu.then(backend).flatten());
    let found = work();
    BACKEND.set(None);
    found
}

fn golden(name: &str) -> Verification {
    // From where cargo starts tests, and from the folder that `tests/gpu/pack.sh` packs.
    let path = Path::new("tests/golden").join(format!("{name}.safetensors"));
    let device = candle_core::Device::Cpu;
    verify(&path, BatchNormConfig::default(), Implementation::Fused, &device).unwrap()
}

/// Thirty images of 8x8 of each of two classes, one darker than the other.
fn images() -> &'static Path {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut draws = Stream::new(3, Purpose::Bench, 0, 0);
        for (class, darkest) in [("dark", 0), ("light", 90)] {
            std::fs::create_dir(folder.path().join(class)).unwrap();
            for number in 0..30 {
                let pixels = (0..8 * 8 * 3).map(|_| darkest + draws.below(160) as u8).collect();
                let image = image::RgbImage::from_raw(8, 8, pixels).unwrap();
                image.save(folder.path().join(class).join(format!("{number}.png"))).unwrap();
            }
        }
        folder
    });
    FOLDER.path()
}

/// A network with all there is, and two epochs of 16, 16 and 8 images.
fn recipe() -> Recipe {
    Recipe {
        layers: vec![2, 1],
        growth_rate: 4,
        input_size: 8,
        train_limit: Some(40),
        validation: Some(20),
        batch_size: 16,
        epochs: 2,
        dropout: 0.2,
        augment: Augment::Standard,
        warmup: 1.0,
        label_smoothing: 0.1,
        ..Recipe::defaults(Data::Folder(images().to_owned()))
    }
}

/// What an engine says that is given these commands at once.
fn said(commands: impl IntoIterator<Item = Command>) -> Vec<Event> {
    let ((sender, commands_heard), (events, heard)) = (unbounded(), unbounded());
    commands.into_iter().for_each(|command| sender.send(command).unwrap());
    drop(sender);
    serve(&commands_heard, &events, &Arc::default(), EngineOptions { keep_running_unattended: true });
    let all: Vec<Event> = heard.try_iter().map(|stamped| stamped.event).collect();
    assert!(!all.iter().any(|event| matches!(event, Event::Failed { .. })), "{all:?}");
    all
}

fn options(runs_dir: &Path) -> Options {
    Options {
        runs_dir: runs_dir.to_owned(),
        device: Device::Cpu,
        threads: 2,
        save_every: SaveEvery::default(),
        stop_after: None,
        no_test: false,
        skip_broken: false,
        reference: false,
    }
}

fn start(recipe: Recipe, folder: &Path) -> Command {
    Command::Start(Box::new(Start { recipe, name: Some("a".into()), options: options(folder) }))
}

/// The tensors of the newest checkpoint.
fn tensors(folder: &Path) -> BTreeMap<String, Array> {
    let (_, file) = checkpoints(&folder.join("a")).pop().unwrap();
    Checkpoint::read(&file).unwrap().tensors
}

/// A whole run, and `then`.
fn trained(recipe: Recipe, then: &[Command]) -> (BTreeMap<String, Array>, Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let all = said([start(recipe, folder.path())].into_iter().chain(then.to_vec()));
    (tensors(folder.path()), all)
}

/// Relative L2 distance over all tensors whose name begins so.
fn distance(got: &BTreeMap<String, Array>, truth: &BTreeMap<String, Array>, begin: &str) -> f64 {
    let (mut error, mut length) = (0f64, 0f64);
    assert!(got.keys().eq(truth.keys()));
    for (name, truth) in truth.iter().filter(|(name, _)| name.starts_with(begin)) {
        for (a, b) in got[name].data.iter().zip(&truth.data) {
            error += f64::from(a - b).powi(2);
            length += f64::from(*b).powi(2);
        }
    }
    assert!(length > 0.0);
    (error / length).sqrt()
}

fn validations(events: &[Event]) -> Vec<Figures> {
    let epoch = |event: &Event| match event {
        Event::Epoch { validation, .. } => *validation,
        _ => None,
    };
    events.iter().filter_map(epoch).collect()
}

#[test]
fn whole_steps_of_the_gpus_kernels_pass_the_golden_files() {
    if backend().is_none() {
        return;
    }
    let cifar = ["small-bottleneck", "small-basic", "basic", "bottleneck", "decay"];
    let imagenet =
        ["imagenet-32", "imagenet-33-ties", "imagenet-57", "imagenet-64-basic", "imagenet-224-ties"];
    for name in cifar.into_iter().chain(imagenet) {
        let found = with(true, || golden(name));
        assert!(found.passed, "{name}: {found:?}");
    }
}

/// Six steps in two epochs, with everything that draws or counts.
#[test]
fn a_run_on_a_gpu_is_the_run_on_the_cpu_to_rounding_and_nothing_falls_back() {
    if backend().is_none() {
        return;
    }
    for bottleneck in [true, false] {
        let recipe = Recipe { bottleneck, ..recipe() };
        let (truth, host) = with(false, || trained(recipe.clone(), &[]));
        let (got, gpu) = with(true, || trained(recipe, &[]));
        assert!(!gpu.iter().any(|event| matches!(event, Event::Warning { .. })), "{gpu:?}");
        for begin in ["features.", "classifier.", "optimizer."] {
            let distance = distance(&got, &truth, begin);
            assert!(distance < 2e-4, "bottleneck {bottleneck}, {begin}: {distance:.1e}");
        }
        assert_ne!(got, truth, "the GPU computed nothing of its own");
        for (got, truth) in validations(&gpu).into_iter().zip(validations(&host)) {
            assert!((got.loss - truth.loss).abs() < 1e-3 * truth.loss, "{got:?}, {truth:?}");
            assert_eq!(got.accuracy, truth.accuracy);
        }
    }
}

#[test]
fn what_is_asked_between_two_steps_changes_no_bit_of_a_run_on_a_gpu() {
    if backend().is_none() {
        return;
    }
    let (whole, _) = with(true, || trained(recipe(), &[]));
    let asked = [Command::Evaluate, Command::Save, Command::Pause, Command::Continue];
    let (disturbed, events) = with(true, || trained(recipe(), &asked));
    assert!(events.iter().any(|event| matches!(event, Event::Evaluated { .. })), "{events:?}");
    assert_eq!(whole, disturbed);
}

#[test]
fn a_run_on_a_gpu_in_parts_is_the_run_in_one() {
    if backend().is_none() {
        return;
    }
    let (whole, _) = with(true, || trained(recipe(), &[]));
    let folder = tempfile::tempdir().unwrap();
    with(true, || {
        said([start(Recipe { steps: Some(2), ..recipe() }, folder.path())]);
        for steps in [3, 5, 6] {
            said([Command::Resume {
                target: folder.path().join("a"),
                overrides: Box::new(Overrides { steps: Some(steps), ..Overrides::default() }),
                options: Box::new(options(folder.path())),
            }]);
        }
    });
    assert_eq!(whole, tensors(folder.path()));
}

#[test]
fn a_new_learning_rate_is_that_of_the_next_step_on_a_gpu() {
    if backend().is_none() {
        return;
    }
    let recipe = Recipe { warmup: 0.0, ..recipe() };
    let change = [Command::Change(Change::Lr(0.01))];
    let (changed, _) = with(true, || trained(recipe.clone(), &change));
    let (truth, _) = with(false, || trained(Recipe { lr: 0.01, ..recipe.clone() }, &[]));
    let (other, _) = with(false, || trained(recipe, &[]));
    assert!(distance(&changed, &truth, "features.") < 2e-4);
    assert!(distance(&changed, &other, "features.") > 1e-2);
}

#[test]
fn a_run_on_a_gpu_that_diverges_keeps_the_state_before_that_step() {
    if backend().is_none() {
        return;
    }
    // Without a validation, which would find before the next step what is not finite.
    let recipe = Recipe { lr: 1e30, warmup: 0.0, validation: Some(0), ..recipe() };
    let (kept, events) = with(true, || trained(recipe.clone(), &[]));
    let Some(Event::Finished { outcome: Outcome::Diverged, step, .. }) = events.last() else {
        panic!("{:?}", events.last());
    };
    assert!(kept.values().flat_map(|array| &array.data).all(|x| x.is_finite()));
    let (before, _) = with(true, || trained(Recipe { steps: Some(*step), epochs: 2, ..recipe }, &[]));
    assert_eq!(kept, before);
}

#[test]
fn optimizers_of_a_gpu_are_those_of_the_cpu() {
    if backend().is_none() {
        return;
    }
    for optimizer in [crate::recipe::Optimizer::Adam, crate::recipe::Optimizer::Adamw] {
        let recipe = Recipe { optimizer, lr: 1e-3, dropout: 0.0, weight_decay: 0.01, ..recipe() };
        let (truth, _) = with(false, || trained(recipe.clone(), &[]));
        let (got, _) = with(true, || trained(recipe, &[]));
        // Adam divides by gradients near 0, so that their rounding counts.
        assert!(distance(&got, &truth, "features.") < 1e-3);
        assert!(distance(&got, &truth, "optimizer.exp_avg_sq") < 1e-3);
    }
}

#[test]
fn other_precisions_differ_by_their_rounding_and_no_more() {
    if backend().is_none() {
        return;
    }
    let recipe = Recipe { dropout: 0.0, epochs: 1, ..recipe() };
    let (truth, _) = with(true, || trained(recipe.clone(), &[]));
    for (precision, low, high) in [(Precision::Tf32, 1e-6, 2e-2), (Precision::Bf16, 1e-4, 1e-1)] {
        let (got, _) = with(true, || trained(Recipe { precision, ..recipe.clone() }, &[]));
        let distance = distance(&got, &truth, "features.");
        assert!((low..high).contains(&distance), "{precision}: {distance:.1e}");
    }
}

#[test]
fn every_kernel_of_a_step_is_timed_by_itself() {
    let Some(backend) = backend() else { return };
    let recipe = Recipe { layers: vec![1], batch_size: 2, ..recipe() };
    let net = DenseNet::new(&recipe.arch(2), recipe.init, 0, &candle_core::Device::Cpu).unwrap();
    let net = net.with_backend(backend);
    let images = Images::new(8, vec![100; 4 * 3 * 64], vec![0, 1, 1, 0]);
    let prepare = Prepare::new(&recipe, ChannelStats { mean: [90.0; 3], std: [40.0; 3] }, true);
    let optimizer = Optimizer::new(optim::kind(&recipe), recipe.weight_decay, net.parameters()).unwrap();
    let (net, optimizer) = (Arc::new(net), SharedOptimizer::new(optimizer));
    let (events, _heard) = unbounded();
    let mut report = Report::new(events, Arc::default());
    let splits = [Arc::new(images)];
    let mut trainer = by_recipe(&net, &optimizer, &recipe, &prepare, &splits, &mut report).unwrap();
    let kernels = trainer.profile().unwrap();
    let of = |name: &str| kernels.iter().find(|kernel| kernel.kernel == name).unwrap().clone();
    assert_eq!([of("conv3_forward").launches, of("join_weights").launches, of("commit").launches], [2, 3, 1]);
    assert!(kernels.iter().all(|kernel| kernel.seconds > 0.0), "{kernels:?}");
    assert!(kernels.is_sorted_by(|one, other| one.seconds >= other.seconds));
    assert!(of("pointwise_backward").operations > 0.0 && of("pack").bytes > 0.0);
}
