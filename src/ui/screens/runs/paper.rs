//! The paper's own results, to compare runs with.
//!
//! Table 2 of G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger: "Densely Connected Convolutional Networks", CVPR
//! 2017, <https://arxiv.org/abs/1608.06993>: errors in percent on the test images.

use crate::recipe::{Augment, Data, Recipe};

/// A network of the table.
pub(crate) struct Published {
    pub(crate) bottleneck: bool,
    pub(crate) depth: usize,
    pub(crate) growth_rate: usize,
    /// On C10, C10+, C100, C100+ and SVHN.
    errors: [Option<f64>; 5],
}

const TABLE: [Published; 6] = [
    network(false, 40, 12, [Some(7.00), Some(5.24), Some(27.55), Some(24.42), Some(1.79)]),
    network(false, 100, 12, [Some(5.77), Some(4.10), Some(23.79), Some(20.20), Some(1.67)]),
    network(false, 100, 24, [Some(5.83), Some(3.74), Some(23.42), Some(19.25), Some(1.59)]),
    network(true, 100, 12, [Some(5.92), Some(4.51), Some(24.15), Some(22.27), Some(1.76)]),
    network(true, 250, 24, [Some(5.19), Some(3.62), Some(19.64), Some(17.60), Some(1.74)]),
    network(true, 190, 40, [None, Some(3.46), None, Some(17.18), None]),
];

const fn network(bottleneck: bool, depth: usize, growth_rate: usize, errors: [Option<f64>; 5]) -> Published {
    Published { bottleneck, depth, growth_rate, errors }
}

impl Published {
    pub(crate) fn name(&self) -> String {
        let variant = if self.bottleneck { "DenseNet-BC" } else { "DenseNet" };
        format!("{variant} L={} k={}", self.depth, self.growth_rate)
    }

    /// It as a recipe for `data`, trained for as many epochs as there.
    pub(crate) fn recipe(&self, data: &Data) -> Recipe {
        let layers = (self.depth - 4) / if self.bottleneck { 6 } else { 3 };
        Recipe {
            layers: vec![layers; 3],
            growth_rate: self.growth_rate,
            bottleneck: self.bottleneck,
            compression: if self.bottleneck { 0.5 } else { 1.0 },
            epochs: if *data == Data::Svhn { 40 } else { 300 },
            ..Recipe::defaults(data.clone())
        }
    }
}

/// What the paper calls the data of a recipe with its augmentation, and each network with its error there, a share.
/// `None` for data that the table does not have.
pub(crate) fn results(
    recipe: &Recipe,
) -> Option<(&'static str, impl Iterator<Item = (&'static Published, f64)>)> {
    let (column, name) = match (&recipe.data, recipe.augment) {
        (Data::Cifar10, Augment::None) => (0, "C10"),
        (Data::Cifar10, Augment::Standard) => (1, "C10+"),
        (Data::Cifar100, Augment::None) => (2, "C100"),
        (Data::Cifar100, Augment::Standard) => (3, "C100+"),
        (Data::Svhn, Augment::None) => (4, "SVHN"),
        _ => return None,
    };
    let networks = TABLE.iter().filter_map(move |of| Some((of, of.errors[column]? / 100.0)));
    Some((name, networks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::screens::runs::measure::depth;

    #[test]
    fn each_network_of_the_table_has_its_depth_and_its_parameters() {
        let millions = [1.0, 7.0, 27.2, 0.8, 15.3, 25.6];
        for (of, printed) in TABLE.iter().zip(millions) {
            let recipe = of.recipe(&Data::Cifar10);
            assert_eq!(depth(&recipe.layers, recipe.bottleneck), of.depth, "{}", of.name());
            let counted = recipe.arch(10).plan().unwrap().parameters() as f64 / 1e6;
            assert!((counted - printed).abs() < 0.1, "{}: {counted}", of.name());
        }
    }

    #[test]
    fn only_the_papers_data_has_results_and_a_dash_is_none() {
        let with = |data, augment| Recipe { augment, ..Recipe::defaults(data) };
        let count = |recipe: &Recipe| results(recipe).map(|(name, found)| (name, found.count()));
        assert_eq!(count(&with(Data::Cifar10, Augment::None)), Some(("C10", 5)));
        assert_eq!(count(&with(Data::Cifar100, Augment::Standard)), Some(("C100+", 6)));
        assert_eq!(count(&with(Data::Svhn, Augment::Standard)), None);
        assert_eq!(count(&with(Data::Shapes, Augment::None)), None);
    }
}
