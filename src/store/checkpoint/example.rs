//! A small checkpoint for the tests of this room.

use crate::protocol::event::Best;
use crate::recipe::{Data, Recipe, Stem};
use crate::store::checkpoint::{Array, Checkpoint, Meta, Progress};

/// A small state to try things on, at `step`.
pub(crate) fn example(step: u64) -> Checkpoint {
    let array = |shape: &[usize], scale: f32| Array {
        shape: shape.to_vec(),
        data: (0..shape.iter().product()).map(|i| i as f32 * scale - 1.0).collect(),
    };
    let recipe = Recipe {
        layers: vec![1],
        growth_rate: 1,
        bottleneck: false,
        stem: Stem::Channels(2),
        ..Recipe::defaults(Data::Shapes)
    };
    let plan = recipe.arch(2).plan().unwrap();
    let network = plan.tensors().into_iter().map(|(name, shape)| (name, array(&shape, 0.1)));
    let state = [
        ("optimizer.empty".into(), array(&[0, 4], 0.0)),
        ("optimizer.scalar".into(), array(&[], 0.0)),
        ("optimizer.velocity.classifier.bias".into(), array(&[2], 1e-30)),
    ];
    Checkpoint {
        tensors: network.chain(state).collect(),
        meta: Meta {
            recipe,
            classes: vec!["circle".into(), "a \"quoted\" name".into()],
            moments: [[0.1 + 0.2, 0.5, 0.3], [0.25, 0.26, 1.0 / 3.0]],
            progress: Progress {
                step,
                loss_sum: 0.1 + 0.7,
                seconds: 123.456_789_012_345_67,
                best: Some(Best { epoch: 1, step: 2, loss: 2.0 / 3.0, accuracy: 0.9 }),
                ..Progress::default()
            },
            parent: None,
            weights: None,
            run: "a".into(),
            no_test: false,
            reference: false,
            skip_broken: false,
            fingerprints: Vec::new(),
            saved_at: 1.7e9 + 0.1,
            version: env!("CARGO_PKG_VERSION").into(),
        },
    }
}
