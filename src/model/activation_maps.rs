//! Where in an image a network sees a class.

use candle_core::{Result, Tensor};

use crate::model::forward::Walk;
use crate::model::{DenseNet, Implementation};

impl DenseNet {
    /// Logits `[n, classes]` in evaluation mode, and the class activation maps `[n, classes, side, side]`
    /// (Zhou et al. 2016): `Σ_c w[class, c] · f_c(y, x)` over the channels of the last block. Exact in a network that
    /// ends with an average and one linear layer: a class's logit is the mean of its map and its bias.
    pub fn activation_maps(&self, images: &Tensor) -> Result<(Tensor, Tensor)> {
        let (logits, features) = match self.implementation() {
            Implementation::Fused => self.fused_with_maps(images)?,
            Implementation::Reference => (self.logits(images)?, None),
        };
        let features = match features {
            Some(features) => features,
            None => Walk::evaluation(self).last_maps(images)?,
        };
        let (n, channels, side, _) = features.dims4()?;
        let weight = self.tensors["classifier.weight"].as_detached_tensor();
        let classes = weight.dim(0)?;
        let weights = weight.unsqueeze(0)?.broadcast_as((n, classes, channels))?.contiguous()?;
        let maps = weights.matmul(&features.reshape((n, channels, side * side))?)?;
        Ok((logits, maps.reshape((n, classes, side, side))?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{D, Device};

    use super::*;
    use crate::arch::words::{Connectivity, Init, StemKind};
    use crate::recipe::{Data, Recipe};
    use crate::rng::{Purpose, Stream};

    fn net(recipe: &Recipe, implementation: Implementation) -> DenseNet {
        let net = DenseNet::new(&recipe.arch(3), Init::FanOut, 0, &Device::Cpu).unwrap();
        net.with_implementation(implementation)
    }

    fn images(n: usize, side: usize) -> Tensor {
        let mut stream = Stream::new(1, Purpose::Bench, 0, 0);
        let pixels: Vec<f32> = (0..n * 3 * side * side).map(|_| stream.normal()).collect();
        Tensor::from_vec(pixels, (n, 3, side, side), &Device::Cpu).unwrap()
    }

    fn largest(xs: &Tensor) -> f32 {
        xs.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn a_logit_is_the_mean_of_its_map_and_its_bias_by_either_implementation_and_in_any_batch() {
        let small = Recipe { layers: vec![2, 1], growth_rate: 5, ..Recipe::defaults(Data::Shapes) };
        let odd = Recipe { input_size: 13, bottleneck: false, ..small.clone() };
        let imagenet = Recipe { stem_kind: StemKind::Imagenet, input_size: 97, ..small.clone() };
        let residual = Recipe { connectivity: Connectivity::Residual, ..odd.clone() };
        let plain = Recipe { connectivity: Connectivity::Plain, ..small.clone() };
        for recipe in [small, odd, imagenet, residual, plain] {
            let (fused, reference) =
                (net(&recipe, Implementation::Fused), net(&recipe, Implementation::Reference));
            for n in [1, 2, 3, 7, 20] {
                let images = images(n, recipe.input_size);
                let (logits, maps) = fused.activation_maps(&images).unwrap();
                assert_eq!(
                    logits.to_vec2::<f32>().unwrap(),
                    fused.logits(&images).unwrap().to_vec2::<f32>().unwrap()
                );
                let means = maps.flatten_from(2).unwrap().mean(D::Minus1).unwrap();
                let bias = fused.tensors["classifier.bias"].as_detached_tensor();
                let by_maps = means.broadcast_add(&bias).unwrap();
                assert!(largest(&(by_maps - &logits).unwrap()) < 1e-4 * largest(&logits), "{n} images");
                let (_, others) = reference.activation_maps(&images).unwrap();
                assert!(largest(&(&others - &maps).unwrap()) < 1e-4 * largest(&maps), "{n} images");
            }
        }
    }

    /// One 3x3 convolution whose only weight is 1 shows red as it is; the class is as red as a pixel is redder than 0.25.
    #[test]
    fn with_weights_set_by_hand_the_map_shows_the_very_cells() {
        let recipe = Recipe {
            layers: vec![1],
            growth_rate: 1,
            bottleneck: false,
            stem: crate::recipe::Stem::Channels(1),
            input_size: 4,
            ..Recipe::defaults(Data::Shapes)
        };
        for implementation in [Implementation::Fused, Implementation::Reference] {
            let net = net(&recipe, implementation);
            let mut tensors: BTreeMap<String, Tensor> =
                net.tensors().map(|(name, tensor)| (name.to_owned(), tensor.zeros_like().unwrap())).collect();
            let mut set = |name: &str, values: &[f32]| {
                let shape = tensors[name].shape().clone();
                let tensor = Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
                tensors.insert(name.into(), tensor);
            };
            let mut first = [0.0; 27];
            first[4] = 1.0;
            set("features.conv0.weight", &first);
            set("features.norm5.weight", &[1.0, 0.0]);
            set("features.norm5.running_mean", &[0.25, 0.0]);
            set("features.norm5.running_var", &[1.0 - 1e-5; 2]);
            set("classifier.weight", &[2.0, 0.0, -1.0, 0.0, 0.0, 0.0]);
            set("classifier.bias", &[0.5, 0.0, 0.0]);
            net.load(&tensors).unwrap();
            let mut pixels = [0f32; 48];
            (pixels[1], pixels[6], pixels[15]) = (1.25, 0.75, 0.125);
            let image = Tensor::from_slice(&pixels, (1, 3, 4, 4), &Device::Cpu).unwrap();
            let (logits, maps) = net.activation_maps(&image).unwrap();
            let maps = maps.flatten_from(2).unwrap().squeeze(0).unwrap().to_vec2::<f32>().unwrap();
            let mut cells = [0f32; 16];
            (cells[1], cells[6]) = (2.0, 1.0);
            let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(close(&maps[0], &cells), "{:?}", maps[0]);
            assert!(close(&maps[1], &cells.map(|cell| -cell / 2.0)), "{:?}", maps[1]);
            assert!(close(&maps[2], &[0.0; 16]));
            let logits = logits.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(close(&logits, &[3.0 / 16.0 + 0.5, -1.5 / 16.0, 0.0]), "{logits:?}");
        }
    }
}
