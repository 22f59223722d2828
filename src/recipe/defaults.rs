//! The defaults: what a recipe is where nothing is said.

use crate::arch::words::{Connectivity, DropoutPlaces, Init, Precision, StemKind};
use crate::recipe::{
    Augment, ClassWeights, Data, DropCounting, Freeze, Normalization, Optimizer, Pad, Recipe, Schedule, Stem,
    Width,
};

/// What the defaults depend on, beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The first convolution: that of ImageNet comes with the training of ImageNet.
    pub stem_kind: StemKind,
    /// Whether weights are given, so that they are fine-tuned.
    pub weights: bool,
}

impl Default for Basis {
    fn default() -> Self {
        Self { stem_kind: StemKind::Cifar, weights: false }
    }
}

/// Smallest share of an image in a random crop, also of recipes from before there was a choice.
pub(crate) const fn crop_scale() -> f64 {
    0.08
}

/// The classifier's rate is that of the rest.
pub(crate) const fn head_lr() -> f64 {
    1.0
}

impl Recipe {
    /// The defaults that go with `data`: the paper's for CIFAR, or the small recipe of the built-in shapes.
    pub fn defaults(data: Data) -> Self {
        Self::defaults_on(data, Basis::default())
    }

    /// The defaults of `basis` and `data`. What `basis` holds is not set in them: it is for others to say.
    pub fn defaults_on(data: Data, basis: Basis) -> Self {
        let recipe = match basis.stem_kind {
            StemKind::Cifar => Self::by_data(Self::paper(data)),
            StemKind::Imagenet => Self::imagenet(Self::paper(data)),
        };
        if basis.weights { Self::fine_tuning(recipe) } else { recipe }
    }

    /// What the defaults of this recipe depend on.
    pub fn basis(&self) -> Basis {
        Basis { stem_kind: self.stem_kind, weights: self.weights.is_some() }
    }

    /// The paper's rules for CIFAR.
    fn paper(data: Data) -> Self {
        Self {
            layers: vec![16, 16, 16],
            growth_rate: 12,
            bottleneck: true,
            compression: 0.5,
            connectivity: Connectivity::Dense,
            width: Width::Auto,
            stem: Stem::Auto,
            stem_kind: StemKind::Cifar,
            dropout: 0.0,
            dropout_places: DropoutPlaces::Paper,
            init: Init::FanOut,
            weights: None,
            data,
            data_dir: None,
            input_size: 32,
            validation: None,
            train_limit: None,
            augment: Augment::None,
            resize: None,
            crop_scale: crop_scale(),
            pad: Pad::Normalised,
            normalization: Normalization::Dataset,
            epochs: 300,
            steps: None,
            batch_size: 64,
            optimizer: Optimizer::Sgd,
            lr: 0.1,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 1e-4,
            schedule: Schedule::default(),
            drop_counting: DropCounting::From0,
            warmup: 0.0,
            label_smoothing: 0.0,
            class_weights: ClassWeights::None,
            freeze: Freeze::None,
            freeze_epochs: 0,
            head_lr: head_lr(),
            seed: 0,
            precision: Precision::F32,
        }
    }

    /// `paper` as it suits its data.
    fn by_data(paper: Self) -> Self {
        match paper.data {
            // Seconds on two cores: see "First run" in the README.
            Data::Shapes => {
                Self { layers: vec![1, 1, 1], growth_rate: 8, epochs: 8, batch_size: 32, ..paper }
            }
            // The paper's rules for these images.
            Data::Svhn => Self { normalization: Normalization::Unit, epochs: 40, dropout: 0.2, ..paper },
            _ => paper,
        }
    }

    /// The paper's rules for ImageNet: 90 epochs, divided by 10 after 30 and after 60, or at the same shares of others.
    fn imagenet(paper: Self) -> Self {
        Self {
            input_size: 224,
            augment: Augment::Imagenet,
            epochs: 90,
            batch_size: 256,
            schedule: Schedule::thirds(),
            ..paper
        }
    }

    /// `recipe` where weights are given: they are good already, so a tenth of the rate, on its way to nothing, for a few
    /// epochs; small batches, as sets of one's own are small; and the pixels as the published weights know them.
    fn fine_tuning(recipe: Self) -> Self {
        Self {
            normalization: Normalization::Imagenet,
            epochs: 10,
            batch_size: 32,
            lr: recipe.optimizer.fine_tuning_lr(),
            schedule: Schedule::Cosine,
            ..recipe
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGENET: Basis = Basis { stem_kind: StemKind::Imagenet, weights: false };

    #[test]
    fn the_stem_of_imagenet_comes_with_its_training_whatever_the_data() {
        for data in [Data::Cifar10, Data::Svhn, Data::Shapes, Data::Folder("x".into())] {
            let recipe = Recipe::defaults_on(data, IMAGENET);
            assert_eq!((recipe.input_size, recipe.resized(), recipe.augment), (224, 256, Augment::Imagenet));
            assert_eq!((recipe.epochs, recipe.batch_size, recipe.dropout), (90, 256, 0.0));
            let rates = [0, 29, 30, 59, 60, 89].map(|epoch| recipe.learning_rate(epoch, 1));
            let expected = [0.1, 0.1, 0.01, 0.01, 0.001, 0.001];
            assert!(rates.iter().zip(expected).all(|(rate, wanted)| (rate / wanted - 1.0).abs() < 1e-9));
            assert_eq!((recipe.weight_decay, recipe.momentum, recipe.nesterov), (1e-4, 0.9, true));
            assert_eq!(recipe.normalization, Normalization::Dataset);
            assert_eq!(recipe.validate(), Ok(()));
        }
    }

    #[test]
    fn given_weights_are_tuned_for_a_few_epochs_at_a_small_rate_on_pixels_as_they_know_them() {
        for stem_kind in [StemKind::Cifar, StemKind::Imagenet] {
            let recipe = Recipe::defaults_on(Data::Cifar10, Basis { stem_kind, weights: true });
            assert_eq!((recipe.epochs, recipe.batch_size, recipe.lr), (10, 32, 0.01));
            assert_eq!((recipe.schedule, recipe.normalization), (Schedule::Cosine, Normalization::Imagenet));
            assert_eq!(recipe.input_size, if stem_kind == StemKind::Imagenet { 224 } else { 32 });
        }
    }

    #[test]
    fn the_shorter_side_is_resized_in_the_proportion_of_256_to_224_for_imagenet_alone() {
        let resized = |augment, input_size, resize| {
            Recipe { input_size, augment, resize, ..Recipe::defaults(Data::Cifar10) }.resized()
        };
        assert_eq!(
            [32, 64, 96, 97, 224].map(|side| resized(Augment::Imagenet, side, None)),
            [37, 73, 110, 111, 256]
        );
        assert_eq!(resized(Augment::Standard, 64, None), 64);
        assert_eq!(resized(Augment::None, 64, Some(80)), 80);
    }
}
