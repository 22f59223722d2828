//! The stem in the forward pass of [`Network`]: one convolution, or that of ImageNet with its maximum.

use crate::arch::blocks::{Conv, Net, Norm};
use crate::ops::cpu::forward::{CONVOLVE_PIXELS, Grow, Source, Then};
use crate::ops::cpu::memory::{Maps, Tiles, run};
use crate::ops::cpu::network::{Network, Order};
use crate::ops::cpu::norm::MomentsOut;
use crate::ops::cpu::stem::{self, Maximum, Wide};

impl Network {
    /// A CIFAR stem, or an ImageNet stem in training.
    pub(super) fn stem_forward(&mut self, net: &Net, parameters: &[f32], training: bool) {
        let conv = net.stem;
        self.pack(conv, parameters, Order::Forward);
        let images = self.image_maps();
        if let Some(pool) = net.pool {
            self.wide_forward(images, conv);
            self.set_stem_affine(pool.norm, parameters);
            self.maximum_forward(conv);
            return;
        }
        let tiles = Tiles::several(self.planes.blocks[0], CONVOLVE_PIXELS);
        let phase = Grow {
            tiles,
            source: Source::Bordered(images, 3),
            outputs: conv.outputs,
            output: self.features(0),
            then: if training { self.measured(conv.outputs, None) } else { Then::Left },
            weights: &self.packed,
        };
        run(self.isa, tiles.count(), &phase);
        if training {
            self.blocks[0].statistics.join(tiles, conv.outputs, &self.moments);
        }
    }

    /// The output of an ImageNet stem's convolution.
    pub(super) fn convolved(&mut self) -> Maps {
        Maps::of(&mut self.stem.convolved, self.net.stem.outputs, self.planes.stem)
    }

    fn wide_forward(&mut self, images: Maps, conv: Conv) {
        let tiles = Tiles::several(self.planes.stem, stem::PIXELS);
        let phase = Wide {
            tiles,
            images,
            outputs: conv.outputs,
            output: self.convolved(),
            moments: MomentsOut { at: self.moments.as_mut_ptr(), channels: conv.outputs },
            weights: &self.packed,
        };
        run(self.isa, tiles.count(), &phase);
        self.stem.statistics.join(tiles, conv.outputs, &self.moments);
    }

    fn maximum_forward(&mut self, conv: Conv) {
        let plane = self.planes.blocks[0];
        let tiles = Tiles::several(plane, stem::POOL_PIXELS);
        let phase = Maximum {
            tiles,
            input: self.convolved(),
            plane: self.planes.stem,
            output: self.features(0),
            places: Maps::of(&mut self.stem.places, conv.outputs, plane),
            moments: MomentsOut { at: self.moments.as_mut_ptr(), channels: conv.outputs },
            by: self.affine.view(),
        };
        run(self.isa, tiles.count(), &phase);
        self.blocks[0].statistics.join(tiles, conv.outputs, &self.moments);
    }

    /// What the normalisation of an ImageNet stem does, by the statistics of the batch.
    pub(super) fn set_stem_affine(&mut self, norm: Norm, parameters: &[f32]) {
        self.affine.set_by(self.batch_norm, norm, parameters, (&self.stem.statistics, 0));
    }
}
