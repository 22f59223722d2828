//! Programs of real networks, looked at without a GPU.

use crate::arch::Arch;
use crate::arch::blocks::Net;
use crate::arch::words::{Connectivity, DropoutPlaces, Precision, StemKind};
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::cuda::geometry::MOST_SHARED;
use crate::ops::cuda::layout::Layout;
use crate::ops::cuda::program::{Arg, Lane, Program};
use crate::ops::cuda::source::Source;
use crate::ops::cuda::trainer::{before_evaluation, evaluation, layout_of, step};
use crate::ops::passes::NetworkConfig;
use crate::ops::trainer::{Feed, OptimizerKind, Training};

/// The first GPU, for tests that need one; `None`, and said so, where there is none.
#[cfg(feature = "cuda")]
pub(crate) fn gpu() -> Option<candle_core::Device> {
    use std::io::Write;
    let error = match candle_core::Device::new_cuda(0) {
        Ok(device) => {
            // The same network is built again and again; a compiler takes seconds for each.
            crate::ops::cuda::keep_kernels(Box::new(Memory::default()));
            return Some(device);
        }
        Err(error) => error.to_string(),
    };
    let (thread, why) = (std::thread::current(), error.lines().next().unwrap_or_default());
    let name = thread.name().unwrap_or("a test");
    // Not by `eprintln`: the output of a test that passes is captured.
    writeln!(std::io::stderr(), "skipped: {name}: no CUDA device ({why})").unwrap();
    None
}

/// Compiled kernels, for as long as the tests run.
#[cfg(feature = "cuda")]
#[derive(Default)]
struct Memory(std::sync::Mutex<std::collections::HashMap<String, Vec<u8>>>);

#[cfg(feature = "cuda")]
impl crate::ops::cuda::Cache for Memory {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.0.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
    }
}

/// Where tests of whole networks run: on a GPU, or on the host with a GPU's kernels.
pub(crate) fn backend() -> Option<crate::ops::backend::Backend> {
    #[cfg(feature = "cuda")]
    if let Some(device) = gpu() {
        return crate::ops::backend::Backend::of(&device);
    }
    #[cfg(feature = "host-kernels")]
    let backend = Some(crate::ops::backend::Backend::Gpu(super::Machine::Host(
        crate::ops::cuda::host::Options::of_environment(),
    )));
    #[cfg(not(feature = "host-kernels"))]
    let backend = None;
    backend
}

const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::Tf32, Precision::Bf16];

/// CIFAR networks by growth rate, layers of a block, whether with bottleneck and compression.
fn arch(growth_rate: usize, layers: usize, bottleneck: bool) -> Arch {
    Arch {
        layers: vec![layers; 3],
        growth_rate,
        connectivity: Connectivity::Dense,
        width: 0,
        bottleneck,
        compression: if bottleneck { 0.5 } else { 1.0 },
        stem: if bottleneck { 2 * growth_rate } else { 16 },
        stem_kind: StemKind::Cifar,
        classes: 10,
        input_size: 32,
    }
}

/// An ImageNet network with pictures of `input_size`.
fn imagenet(layers: [usize; 4], growth_rate: usize, input_size: usize) -> Arch {
    Arch {
        layers: layers.into(),
        stem: 2 * growth_rate,
        stem_kind: StemKind::Imagenet,
        classes: 1000,
        input_size,
        ..arch(growth_rate, 1, true)
    }
}

/// The networks of the paper's tables 1 and 2, and two small odd ones.
fn archs() -> Vec<(&'static str, Arch)> {
    vec![
        ("bc-22-12", arch(12, 3, true)),
        ("bc-100-12", arch(12, 16, true)),
        ("bc-250-24", arch(24, 41, true)),
        ("bc-190-40", arch(40, 31, true)),
        ("bc-40-48", arch(48, 6, true)),
        ("40-12", arch(12, 12, false)),
        ("100-24", arch(24, 32, false)),
        ("odd", Arch { input_size: 27, classes: 3, ..arch(5, 2, true) }),
        ("densenet121", imagenet([6, 12, 24, 16], 32, 224)),
        ("densenet161", imagenet([6, 12, 36, 24], 48, 224)),
        ("densenet169", imagenet([6, 12, 32, 32], 32, 225)),
        ("densenet201", imagenet([6, 12, 48, 32], 32, 224)),
        ("densenet264", imagenet([6, 12, 64, 48], 32, 224)),
        ("odd with pictures", Arch { bottleneck: false, ..imagenet([1, 2, 1, 1], 5, 97) }),
    ]
}

fn config(arch: &Arch, precision: Precision) -> NetworkConfig {
    NetworkConfig {
        net: Net::new(arch, &arch.plan().unwrap()),
        precision,
        batch_norm: BatchNormConfig::default(),
        dropout_places: DropoutPlaces::Paper,
    }
}

fn training(dropout: f64, batch: usize) -> Training {
    Training {
        dropout,
        optimizer: OptimizerKind::Sgd { momentum: 0.9, nesterov: true },
        weight_decay: 1e-4,
        loss: crate::ops::loss::Loss::default(),
        batch,
        steps_per_epoch: 782,
        seed: 0,
        feed: Feed::Splits {
            counts: vec![50_000, 0, 10_000],
            augment: true,
            flips: true,
            table: vec![0.0; 771],
        },
    }
}

/// Everything that a run launches, for a full batch and for one of `last` images.
fn programs(training: &Training, layout: &Layout, last: usize) -> Vec<Program> {
    let mut all = vec![before_evaluation(layout)];
    for images in [training.batch, last] {
        all.extend([step(layout, training, images), evaluation(layout, 2, images)]);
    }
    all
}

/// Panics where an argument is missing or of another kind.
#[test]
fn every_launch_of_every_network_is_complete_and_within_what_a_gpu_has() {
    for (name, arch) in archs() {
        for precision in PRECISIONS {
            for dropout in [0.0, 0.2] {
                let (config, training) = (config(&arch, precision), training(dropout, 64));
                let layout = layout_of(&config, &training);
                let programs = programs(&training, &layout, 16);
                let source = Source::new(precision, &programs);
                for launch in programs.iter().flat_map(|program| program.launches.iter()) {
                    source.pack(launch, |buffer| buffer.0 as u64);
                    let said = format!("{name} {precision:?} {launch:?}");
                    let wide = name.starts_with("bc-190") || name.starts_with("100-24");
                    assert!(wide || launch.shared <= MOST_SHARED, "{said}");
                    assert!(launch.shared <= 99 << 10 && (1..=256).contains(&launch.block), "{said}");
                    let [x, y, z] = launch.grid;
                    assert!(x > 0 && (1..65_536).contains(&y) && (1..65_536).contains(&z), "{said}");
                    for (_, arg) in &launch.args {
                        if let Arg::At(place) = arg {
                            assert!(place.offset <= layout.buffers.bytes(place.buffer), "{said}");
                            assert!(layout.buffers.bytes(place.buffer) > 0, "{said}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_smaller_batch_needs_no_other_kernels() {
    for (name, arch) in archs() {
        let (config, training) = (config(&arch, Precision::Bf16), training(0.2, 64));
        let layout = layout_of(&config, &training);
        let kernels = |images| {
            let program = step(&layout, &training, images);
            program.launches.iter().map(|launch| launch.kernel.clone()).collect::<Vec<_>>()
        };
        for images in [1, 16, 63] {
            assert_eq!(kernels(images), kernels(64), "{name}, {images} images");
        }
    }
}

/// The side lane waits for the main one, and the main one for what still reads its buffers.
#[test]
fn nothing_of_a_step_waits_for_what_comes_later() {
    let (config, training) = (config(&arch(12, 16, true), Precision::F32), training(0.0, 64));
    let program = step(&layout_of(&config, &training), &training, 64);
    let beside = program.launches.iter().filter(|launch| launch.lane == Lane::Side).count();
    // Both convolutions of 48 layers, two transitions and the stem, each with its join; the linear layer.
    assert_eq!(beside, 2 * (2 * 48 + 2 + 1) + 1);
    for (number, launch) in program.launches.iter().enumerate() {
        for &before in &launch.after {
            assert!(before < number && program.launches[before].lane != launch.lane, "{number}: {launch:?}");
        }
    }
}

/// 110.6 GFLOP a step: 287.9 million multiply-adds an image forward and twice that backward, less the
/// gradient of the images and the three quarters that a pool before the product saves.
#[test]
fn the_work_of_a_step_is_that_of_the_network() {
    let (config, training) = (config(&arch(12, 16, true), Precision::F32), training(0.0, 64));
    let program = step(&layout_of(&config, &training), &training, 64);
    let operations: f64 = program.launches.iter().map(|launch| launch.work.operations).sum();
    let (macs, stem, pools) = (287.9e6, 0.7e6, 0.75 * (24.0e6 + 11.5e6));
    let expected = 64.0 * 2.0 * (3.0 * macs - stem - pools);
    assert!((operations / expected - 1.0).abs() < 0.01, "{operations:e}, {expected:e}");
}

/// PyTorch holds 3,191 MiB for the same network and batch on the CPU; a third of that is allowed.
#[test]
fn bc_100_12_takes_half_a_gibibyte_beside_its_images() {
    let taken = |precision| {
        let (config, training) = (config(&arch(12, 16, true), precision), training(0.0, 64));
        let layout = layout_of(&config, &training);
        let images: usize = layout.splits.iter().map(|split| layout.buffers.bytes(split.pixels)).sum();
        (layout.buffers.total() - images) as f64 / f64::from(1 << 20)
    };
    let (f32, bf16) = (taken(Precision::F32), taken(Precision::Bf16));
    assert!((450.0..560.0).contains(&f32), "{f32} MiB");
    assert!((260.0..340.0).contains(&bf16), "{bf16} MiB");
}

#[cfg(feature = "cuda")]
#[test]
fn the_kernels_of_real_networks_compile_for_the_gpus_they_are_for() {
    use crate::ops::cuda::device::compile_for;

    let cases = [
        (arch(12, 16, true), Precision::F32, 0.0, "sm_75"),
        (arch(12, 16, true), Precision::Tf32, 0.0, "sm_90"),
        (arch(12, 16, true), Precision::Bf16, 0.0, "sm_90"),
        (arch(12, 12, false), Precision::Bf16, 0.2, "sm_80"),
        (imagenet([1, 1, 1, 1], 32, 224), Precision::Tf32, 0.0, "sm_90"),
        (imagenet([1, 1, 1, 1], 48, 97), Precision::Bf16, 0.0, "sm_80"),
    ];
    for (arch, precision, dropout, gpu) in cases {
        let (config, training) = (config(&arch, precision), training(dropout, 64));
        let layout = layout_of(&config, &training);
        let source = Source::new(precision, &programs(&training, &layout, 16));
        let compiled = compile_for(&source, gpu);
        assert!(compiled.is_ok_and(|image| !image.is_empty()), "{precision:?} for {gpu}");
    }
}
