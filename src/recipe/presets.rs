//! The named networks: one row each, with the published errors beside them.

use crate::arch::words::StemKind;

/// A network by name. A preset sets the network alone, never the data; its stem chooses the defaults of the training.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name people type.
    pub name: &'static str,
    /// Dense layers in each dense block.
    pub layers: &'static [usize],
    /// The growth rate *k*.
    pub growth_rate: usize,
    /// Bottleneck and compression 0.5 (DenseNet-BC), or neither.
    pub bc: bool,
    /// The first convolution: that of CIFAR, or that of ImageNet.
    pub stem_kind: StemKind,
    /// Parameters with ten classes; with a thousand where the first convolution is that of ImageNet.
    pub parameters: u64,
    /// Published test errors in percent.
    pub errors: Errors,
}

/// Published errors in percent: CIFAR-10 plain and augmented (+), CIFAR-100 plain and augmented, ImageNet.
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
    /// The first answer to the middle of ImageNet's validation images.
    pub imagenet: Option<f64>,
}

/// No published figure.
const UNPUBLISHED: Errors = Errors { c10: None, c10_plus: None, c100: None, c100_plus: None, imagenet: None };

/// Errors in the order of the table: CIFAR-10, CIFAR-10+, CIFAR-100, CIFAR-100+.
const fn errors(table: [f64; 4]) -> Errors {
    let [plain10, plus10, plain100, plus100] = table;
    Errors {
        c10: Some(plain10),
        c10_plus: Some(plus10),
        c100: Some(plain100),
        c100_plus: Some(plus100),
        imagenet: None,
    }
}

/// Errors with augmentation alone: CIFAR-10+, CIFAR-100+.
const fn plus_only(table: [f64; 2]) -> Errors {
    Errors { c10_plus: Some(table[0]), c100_plus: Some(table[1]), ..UNPUBLISHED }
}

/// The error on ImageNet.
const fn imagenet(error: f64) -> Errors {
    Errors { imagenet: Some(error), ..UNPUBLISHED }
}

/// A network of the paper's table 1, of bottlenecks, behind the stem of ImageNet.
const fn table1(
    name: &'static str,
    layers: &'static [usize],
    growth_rate: usize,
    parameters: u64,
    error: f64,
) -> Preset {
    let stem_kind = StemKind::Imagenet;
    Preset { name, layers, growth_rate, bc: true, stem_kind, parameters, errors: imagenet(error) }
}

/// Every preset. Errors: table 2 of Huang et al., "Densely Connected Convolutional Networks" (CVPR 2017), and table 3 for
/// densenet264; bc-40-48: the authors' repository; the others on ImageNet: torchvision's, for the weights it publishes. bc-22-12 and bc-40-12 are small ones for a CPU, without a published figure.
#[rustfmt::skip]
pub const PRESETS: &[Preset] = &[
    Preset { name: "bc-22-12", layers: &[3; 3], growth_rate: 12, bc: true, stem_kind: StemKind::Cifar, parameters: 71_686, errors: UNPUBLISHED },
    Preset { name: "bc-40-12", layers: &[6; 3], growth_rate: 12, bc: true, stem_kind: StemKind::Cifar, parameters: 176_122, errors: UNPUBLISHED },
    Preset { name: "bc-100-12", layers: &[16; 3], growth_rate: 12, bc: true, stem_kind: StemKind::Cifar, parameters: 769_162, errors: errors([5.92, 4.51, 24.15, 22.27]) },
    Preset { name: "bc-250-24", layers: &[41; 3], growth_rate: 24, bc: true, stem_kind: StemKind::Cifar, parameters: 15_324_406, errors: errors([5.19, 3.62, 19.64, 17.60]) },
    Preset { name: "bc-190-40", layers: &[31; 3], growth_rate: 40, bc: true, stem_kind: StemKind::Cifar, parameters: 25_624_430, errors: plus_only([3.46, 17.18]) },
    Preset { name: "bc-40-48", layers: &[6; 3], growth_rate: 48, bc: true, stem_kind: StemKind::Cifar, parameters: 2_733_130, errors: plus_only([3.99, 20.29]) },
    Preset { name: "40-12", layers: &[12; 3], growth_rate: 12, bc: false, stem_kind: StemKind::Cifar, parameters: 1_019_722, errors: errors([7.00, 5.24, 27.55, 24.42]) },
    Preset { name: "100-12", layers: &[32; 3], growth_rate: 12, bc: false, stem_kind: StemKind::Cifar, parameters: 6_979_642, errors: errors([5.77, 4.10, 23.79, 20.20]) },
    Preset { name: "100-24", layers: &[32; 3], growth_rate: 24, bc: false, stem_kind: StemKind::Cifar, parameters: 27_249_082, errors: errors([5.83, 3.74, 23.42, 19.25]) },
    table1("densenet121", &[6, 12, 24, 16], 32, 7_978_856, 25.57),
    table1("densenet161", &[6, 12, 36, 24], 48, 28_681_000, 22.86),
    table1("densenet169", &[6, 12, 32, 32], 32, 14_149_480, 24.40),
    table1("densenet201", &[6, 12, 48, 32], 32, 20_013_928, 23.10),
    table1("densenet264", &[6, 12, 64, 48], 32, 33_337_704, 22.15),
];

impl Preset {
    /// The preset called `name`; the error lists the names there are.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            format!("there is no preset `{name}`; the presets are {}.", names.join(", "))
        })
    }

    /// Share of channels that its transitions keep.
    pub const fn compression(&self) -> f64 {
        if self.bc { 0.5 } else { 1.0 }
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
    use crate::arch::words::Connectivity;
    use crate::recipe::Stem;

    #[test]
    fn every_preset_has_exactly_its_published_number_of_parameters() {
        for preset in PRESETS {
            let (classes, input_size) = match preset.stem_kind {
                StemKind::Cifar => (10, 32),
                StemKind::Imagenet => (1000, 224),
            };
            let arch = Arch {
                layers: preset.layers.to_vec(),
                growth_rate: preset.growth_rate,
                connectivity: Connectivity::Dense,
                width: 0,
                bottleneck: preset.bc,
                compression: preset.compression(),
                stem: Stem::Auto.channels(preset.growth_rate, preset.bc),
                stem_kind: preset.stem_kind,
                classes,
                input_size,
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
