//! What the linear layer sees the averages of: the last block's features after their normalisation and ReLU.

use rayon::prelude::*;

use crate::ops::cpu::network::Network;

impl Network {
    /// Those of the evaluation just done, `[n, channels, side, side]`.
    pub(super) fn features_of_last_block(&mut self) -> Vec<f32> {
        let last = self.net.blocks.len() - 1;
        let block = &self.net.blocks[last];
        let (channels, plane, lanes) = (block.channels, self.planes.blocks[last], self.isa.lanes());
        let states = self.blocks[last].states;
        let begin = states.begin(block.layers.len());
        let (side, images) = (plane.side, plane.images);
        // Where each pixel of an image lies: its part's lane among those of the image, and its place in the part.
        let (_, columns) = plane.grid();
        let places: Vec<(usize, usize, usize)> = (0..side * side)
            .map(|pixel| {
                let (y, x) = (pixel / side, pixel % side);
                (y / plane.height * columns + x / plane.width, y % plane.height, x % plane.width)
            })
            .collect();
        let features = &*self.blocks[last].features.as_mut_slice();
        let (affine, places) = (&self.affine, &places);
        let mut maps = vec![0.0; images * channels * side * side];
        maps.par_chunks_exact_mut((side * side).max(1)).enumerate().for_each(|(index, map)| {
            let (image, channel) = (index / channels, index % channels);
            let (group, (first, _)) = (image / plane.per_group(), plane.lanes_of(image));
            let (a, mean, bias) = (affine.a[channel], affine.mean[channel], affine.bias[channel]);
            for (to, &(lane, y, x)) in map.iter_mut().zip(places) {
                let line = (group * plane.height + y) * states.channels + begin + channel;
                let value = features[(line * plane.width + x) * lanes + first + lane];
                *to = a.mul_add(value - mean, bias).max(0.0);
            }
        });
        maps
    }
}
