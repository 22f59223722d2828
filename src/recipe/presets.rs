//! The named networks: one row each, with the paper's errors beside them.

/// A network by name. A preset sets the network alone, never the data or the training.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name people type.
    pub name: &'static str,
    /// The paper's depth: convolutions and the final linear layer.
    pub depth: usize,
    /// The growth rate *k*.
    pub growth_rate: usize,
    /// Bottleneck and compression 0.5 (DenseNet-BC), or neither.
    pub bc: bool,
    /// Parameters with ten classes.
    pub parameters: u64,
    /// Published test errors in percent.
    pub errors: Errors,
}

/// Published test errors in percent: CIFAR-10 plain and augmented (+), CIFAR-100 plain and augmented.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors {
    /// CIFAR-10, no augmentation, dropout 0.2.
    pub c10: Option<f64>,
    /// CIFAR-10 with standard augmentation.
    pub c10_plus: Option<f64>,
    /// CIFAR-100, no augmentation, dropout 0.2.
    pub c100: Option<f64>,
    /// CIFAR-100 with standard augmentation.
    pub c100_plus: Option<f64>,
}

/// No published figure.
const UNPUBLISHED: Errors = Errors { c10: None, c10_plus: None, c100: None, c100_plus: None };

/// Errors in the order of the table: CIFAR-10, CIFAR-10+, CIFAR-100, CIFAR-100+.
const fn errors(table: [f64; 4]) -> Errors {
    let [plain10, plus10, plain100, plus100] = table;
    Errors { c10: Some(plain10), c10_plus: Some(plus10), c100: Some(plain100), c100_plus: Some(plus100) }
}

/// Errors with augmentation alone: CIFAR-10+, CIFAR-100+.
const fn plus_only(table: [f64; 2]) -> Errors {
    Errors { c10: None, c10_plus: Some(table[0]), c100: None, c100_plus: Some(table[1]) }
}

/// Every preset. Errors: table 2 of Huang et al., "Densely Connected Convolutional Networks" (CVPR 2017);
/// bc-40-48: the authors' repository. bc-22-12 and bc-40-12 are small ones for a CPU, without a published figure.
#[rustfmt::skip]
pub const PRESETS: &[Preset] = &[
    Preset { name: "bc-22-12", depth: 22, growth_rate: 12, bc: true, parameters: 71_686, errors: UNPUBLISHED },
    Preset { name: "bc-40-12", depth: 40, growth_rate: 12, bc: true, parameters: 176_122, errors: UNPUBLISHED },
    Preset { name: "bc-100-12", depth: 100, growth_rate: 12, bc: true, parameters: 769_162, errors: errors([5.92, 4.51, 24.15, 22.27]) },
    Preset { name: "bc-250-24", depth: 250, growth_rate: 24, bc: true, parameters: 15_324_406, errors: errors([5.19, 3.62, 19.64, 17.60]) },
    Preset { name: "bc-190-40", depth: 190, growth_rate: 40, bc: true, parameters: 25_624_430, errors: plus_only([3.46, 17.18]) },
    Preset { name: "bc-40-48", depth: 40, growth_rate: 48, bc: true, parameters: 2_733_130, errors: plus_only([3.99, 20.29]) },
    Preset { name: "40-12", depth: 40, growth_rate: 12, bc: false, parameters: 1_019_722, errors: errors([7.00, 5.24, 27.55, 24.42]) },
    Preset { name: "100-12", depth: 100, growth_rate: 12, bc: false, parameters: 6_979_642, errors: errors([5.77, 4.10, 23.79, 20.20]) },
    Preset { name: "100-24", depth: 100, growth_rate: 24, bc: false, parameters: 27_249_082, errors: errors([5.83, 3.74, 23.42, 19.25]) },
];

impl Preset {
    /// The preset called `name`; the error lists the names there are.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            format!("there is no preset `{name}`; the presets are {}.", names.join(", "))
        })
    }

    /// Dense layers in each of the three blocks.
    pub const fn layers(&self) -> usize {
        (self.depth - 4) / if self.bc { 6 } else { 3 }
    }
}

/// The layers of three equal blocks that make the paper's `depth`; the error says which depths fit.
pub fn layers_of_depth(depth: usize, bottleneck: bool) -> Result<Vec<usize>, String> {
    let per_layer = if bottleneck { 6 } else { 3 };
    if depth < 4 + per_layer || !(depth - 4).is_multiple_of(per_layer) {
        let below = 4 + per_layer * (depth.saturating_sub(4) / per_layer).max(1);
        let (kind, above) = (if bottleneck { "a bottleneck" } else { "no bottleneck" }, below + per_layer);
        return Err(format!(
            "a depth of {depth} does not fit: with three blocks and {kind} it is {per_layer}n + 4, as in {below} or {above}; for other networks give `layers`."
        ));
    }
    Ok(vec![(depth - 4) / per_layer; 3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::arch::words::StemKind;
    use crate::recipe::Stem;

    #[test]
    fn every_preset_has_exactly_its_published_number_of_parameters() {
        for preset in PRESETS {
            let arch = Arch {
                layers: vec![preset.layers(); 3],
                growth_rate: preset.growth_rate,
                bottleneck: preset.bc,
                compression: if preset.bc { 0.5 } else { 1.0 },
                stem: Stem::Auto.channels(preset.growth_rate, preset.bc),
                stem_kind: StemKind::Cifar,
                classes: 10,
                input_size: 32,
            };
            assert_eq!(arch.plan().unwrap().parameters(), preset.parameters, "{}", preset.name);
        }
    }

    #[test]
    fn a_depth_that_does_not_fit_is_answered_with_those_that_do() {
        assert_eq!(layers_of_depth(100, true).unwrap(), [16, 16, 16]);
        assert_eq!(layers_of_depth(40, false).unwrap(), [12, 12, 12]);
        let sentence = layers_of_depth(41, true).unwrap_err();
        assert!(sentence.contains("40 or 46"), "{sentence}");
        assert!(layers_of_depth(0, false).unwrap_err().contains("7 or 10"));
    }
}
