//! Compares the network with PyTorch, number by number. The golden files were written by
//! `tests/peer/densenet_torch.py` (torch 2.15):
//!
//! ```text
//! golden --layers 2,3,1 --growth 5 --compression 0.7 --stem 9 --basic --batch 3 --steps 3 --out basic.safetensors
//! golden --layers 2,1,1 --growth 6 --batch 1 --steps 3 --out bottleneck.safetensors
//! golden --layers 1 --growth 4 --stem 6 --classes 100 --batch 2 --steps 3 --weight-decay 0.05 --out decay.safetensors
//! golden --layers 2,1 --growth 6 --batch 3 --steps 3 --out small-bottleneck.safetensors
//! golden --layers 2,1 --growth 6 --basic --batch 3 --steps 3 --out small-basic.safetensors
//! golden --stem-kind imagenet --layers 1,1,1,1 --growth 4 --stem 6 --input-size 32 --batch 16 --steps 3 --compact --out imagenet-32.safetensors
//! golden --stem-kind imagenet --layers 1,1 --growth 4 --stem 6 --input-size 33 --batch 3 --steps 3 --ties --out imagenet-33-ties.safetensors
//! golden --stem-kind imagenet --layers 2,1 --growth 6 --stem 8 --input-size 57 --batch 3 --steps 3 --compact --out imagenet-57.safetensors
//! golden --stem-kind imagenet --layers 2,1,1 --growth 5 --stem 9 --basic --input-size 64 --batch 1 --steps 3 --compact --out imagenet-64-basic.safetensors
//! golden --stem-kind imagenet --layers 1,1,1,1 --growth 4 --stem 5 --input-size 224 --batch 1 --steps 3 --ties --out imagenet-224-ties.safetensors
//! golden --connectivity residual --width 7 --layers 2,3,1 --basic --batch 3 --steps 3 --compact --out residual-basic.safetensors
//! golden --connectivity residual --width 6 --layers 2,1 --batch 3 --steps 3 --compact --out residual-bottleneck.safetensors
//! golden --stem-kind imagenet --connectivity residual --width 4 --layers 2,1,2 --input-size 57 --batch 3 --steps 3 --seed 1 --compact --out imagenet-57-residual.safetensors
//! golden --connectivity plain --width 6 --layers 2,2 --basic --batch 3 --steps 3 --compact --out plain.safetensors
//! ```

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use candle_core::Device;
use densenet_tui::engine::verify;
use densenet_tui::model::Implementation;
use densenet_tui::ops::batch_norm::BatchNormConfig;
use densenet_tui::protocol::event::Verification;

const FILES: [&str; 14] = [
    "basic",
    "bottleneck",
    "decay",
    "small-bottleneck",
    "small-basic",
    "imagenet-32",
    "imagenet-33-ties",
    "imagenet-57",
    "imagenet-64-basic",
    "imagenet-224-ties",
    "residual-basic",
    "residual-bottleneck",
    "imagenet-57-residual",
    "plain",
];
const BOTH: [Implementation; 2] = [Implementation::Fused, Implementation::Reference];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.safetensors"))
}

fn verified(path: &Path, batch_norm: BatchNormConfig, arithmetic: Implementation) -> Verification {
    verify(path, batch_norm, arithmetic, &Device::Cpu).unwrap()
}

/// The names of the groups that are over their tolerance, over all files.
fn groups_over(batch_norm: BatchNormConfig, arithmetic: Implementation) -> Vec<String> {
    let all = FILES.iter().flat_map(|name| verified(&golden(name), batch_norm, arithmetic).groups);
    all.filter(|group| group.error > group.tolerance).map(|group| group.group).collect()
}

/// A golden file whose header says `to` where it said `from`: PyTorch's numbers, another optimizer here.
fn with_header(name: &str, from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
    let bytes = std::fs::read(golden(name)).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    assert!(header.contains(from));
    let header = header.replace(from, to);
    let spoiled = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[8 + length..]].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spoiled.safetensors");
    std::fs::write(&path, spoiled).unwrap();
    (folder, path)
}

/// The error and the tolerance of the final weights.
fn final_weights(path: &Path, arithmetic: Implementation) -> (f64, f64) {
    let verification = verified(path, BatchNormConfig::default(), arithmetic);
    let group = verification.groups.into_iter().find(|group| group.group == "final.weights").unwrap();
    assert_eq!(verification.passed, group.error <= group.tolerance);
    (group.error, group.tolerance)
}

#[test]
fn three_steps_and_an_evaluation_are_pytorchs_in_every_group_by_either_arithmetic() {
    for arithmetic in BOTH {
        for name in FILES {
            let verification = verified(&golden(name), BatchNormConfig::default(), arithmetic);
            assert!(verification.passed, "{name}, {arithmetic:?}: {verification:#?}");
            assert_eq!(verification.groups.len(), 10, "{name}");
        }
    }
}

#[test]
fn another_epsilon_shows_from_the_first_logits_on() {
    for arithmetic in BOTH {
        let over = groups_over(BatchNormConfig { epsilon: 1e-3, ..BatchNormConfig::default() }, arithmetic);
        assert!(over.contains(&"logits.0".to_owned()), "{arithmetic:?}: {over:?}");
    }
}

#[test]
fn a_biased_running_variance_shows_in_the_statistics_alone() {
    for arithmetic in BOTH {
        let over = groups_over(BatchNormConfig { unbiased: false, ..BatchNormConfig::default() }, arithmetic);
        assert!(over.contains(&"final.stats".to_owned()), "{arithmetic:?}: {over:?}");
        assert!(!over.contains(&"final.weights".to_owned()), "{arithmetic:?}: {over:?}");
    }
}

#[test]
fn the_momentum_of_another_framework_shows_in_the_statistics() {
    for arithmetic in BOTH {
        let over = groups_over(BatchNormConfig { momentum: 0.9, ..BatchNormConfig::default() }, arithmetic);
        assert!(over.contains(&"final.stats".to_owned()), "{arithmetic:?}: {over:?}");
    }
}

#[test]
fn plain_momentum_shows_in_the_weights() {
    let (_folder, path) = with_header("basic", r#""nesterov":"true""#, r#""nesterov":"false""#);
    for arithmetic in BOTH {
        let (error, tolerance) = final_weights(&path, arithmetic);
        assert!(error > tolerance, "{arithmetic:?}: {error} is not over {tolerance}");
    }
}

#[test]
fn no_weight_decay_shows_in_the_weights() {
    let (_folder, path) = with_header("decay", r#""weight_decay":"0.05""#, r#""weight_decay":"0""#);
    for arithmetic in BOTH {
        let (error, tolerance) = final_weights(&path, arithmetic);
        assert!(error > tolerance, "{arithmetic:?}: {error} is not over {tolerance}");
    }
}

#[test]
fn what_is_no_golden_file_is_named_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    std::fs::write(&path, "not safetensors").unwrap();
    let sentence =
        verify(&path, BatchNormConfig::default(), Implementation::Fused, &Device::Cpu).unwrap_err();
    assert!(sentence.contains("x.safetensors: it is not a golden file"), "{sentence}");
    let (_folder, path) = with_header("decay", r#""layers":"1""#, r#""layers":"2""#);
    let sentence =
        verify(&path, BatchNormConfig::default(), Implementation::Fused, &Device::Cpu).unwrap_err();
    assert!(sentence.contains("the tensor `classifier.weight` has the shape [100, 10]"), "{sentence}");
}
