//! The forward pass, layer by layer, as the paper draws it.

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module};

use crate::arch::plan::{Kind, Row};
use crate::arch::words::{Connectivity, DropoutPlaces, StemKind};
use crate::model::DenseNet;
use crate::ops::batch_norm::{self, Norm};
use crate::ops::conv::conv2d;
use crate::ops::dropout::Masks;
use crate::ops::{pool, relu};

/// Is shown the name of a row and an output of it.
pub(super) type Observer<'a> = &'a mut dyn FnMut(&str, &Tensor);

/// One walk through the network, and what it collects on the way.
pub(super) struct Walk<'a> {
    net: &'a DenseNet,
    /// Training: by the batch's own statistics.
    training: bool,
    masks: Option<Masks>,
    /// Convolutions passed so far.
    convolution: u32,
    /// New running statistics (training).
    pub(super) statistics: Vec<Tensor>,
    /// Is shown every output that counts as an activation.
    pub(super) observer: Option<Observer<'a>>,
}

impl<'a> Walk<'a> {
    pub(super) fn evaluation(net: &'a DenseNet) -> Self {
        Self { net, training: false, masks: None, convolution: 0, statistics: Vec::new(), observer: None }
    }

    pub(super) fn training(net: &'a DenseNet, masks: Option<Masks>) -> Self {
        Self { training: true, masks, ..Self::evaluation(net) }
    }

    /// Images `[n, 3, s, s]` to logits `[n, classes]`.
    pub(super) fn network(&mut self, images: &Tensor) -> Result<Tensor> {
        let training = self.training;
        self.net.plan.rows.iter().try_fold(images.clone(), |xs, row| {
            // What is frozen is evaluated, and nothing of it is differentiated.
            self.training = training && self.net.is_trained(row.kind);
            let xs = if training && !self.training { xs.detach() } else { xs };
            self.row(row, &xs)
        })
    }

    /// What the linear layer sees the averages of, `[n, channels, side, side]`: the last block's features after
    /// normalisation and ReLU.
    pub(super) fn last_maps(&mut self, images: &Tensor) -> Result<Tensor> {
        self.net.plan.rows.iter().try_fold(images.clone(), |xs, row| match row.kind {
            Kind::Head => relu(&self.norm(row, "norm5", &xs)?),
            Kind::Classifier => Ok(xs),
            _ => self.row(row, &xs),
        })
    }

    fn row(&mut self, row: &Row, xs: &Tensor) -> Result<Tensor> {
        match row.kind {
            Kind::Stem => self.stem(row, xs),
            Kind::DenseLayer { .. } => self.dense_layer(row, xs),
            Kind::Transition { .. } => {
                let ys = self.norm_relu_conv(row, "norm", "conv", xs, 0)?;
                let ys = self.dropout(&ys, DropoutPlaces::Paper)?;
                let ys = pool::average(&ys)?;
                self.show(row, &ys);
                Ok(ys)
            }
            Kind::Head => {
                let ys = relu(&self.norm(row, "norm5", xs)?)?.mean((2, 3))?;
                self.show(row, &ys);
                Ok(ys)
            }
            Kind::Classifier => {
                let (weight, bias) = (self.tensor(row, "weight"), self.tensor(row, "bias"));
                let ys = Linear::new(weight, Some(bias)).forward(xs)?;
                self.show(row, &ys);
                Ok(ys)
            }
        }
    }

    fn stem(&mut self, row: &Row, xs: &Tensor) -> Result<Tensor> {
        match self.net.arch.stem_kind {
            StemKind::Cifar => self.conv(row, "conv0", xs, 1, 1),
            StemKind::Imagenet => {
                let ys = self.conv(row, "conv0", xs, 3, 2)?;
                let ys = pool::maximum(&relu(&self.norm(row, "norm0", &ys)?)?)?;
                self.show(row, &ys);
                Ok(ys)
            }
        }
    }

    fn dense_layer(&mut self, row: &Row, xs: &Tensor) -> Result<Tensor> {
        let ys = if self.net.arch.bottleneck {
            let ys = self.norm_relu_conv(row, "norm1", "conv1", xs, 0)?;
            let ys = self.dropout(&ys, DropoutPlaces::Paper)?;
            self.norm_relu_conv(row, "norm2", "conv2", &ys, 1)?
        } else {
            self.norm_relu_conv(row, "norm1", "conv1", xs, 1)?
        };
        let ys = self.dropout(&ys, DropoutPlaces::Last)?;
        match self.net.arch.connectivity {
            Connectivity::Dense => Tensor::cat(&[xs, &ys], 1),
            Connectivity::Residual => xs + ys,
            Connectivity::Plain => Ok(ys),
        }
    }

    fn norm_relu_conv(
        &mut self,
        row: &Row,
        norm: &str,
        conv: &str,
        xs: &Tensor,
        padding: usize,
    ) -> Result<Tensor> {
        let ys = relu(&self.norm(row, norm, xs)?)?;
        self.conv(row, conv, &ys, padding, 1)
    }

    fn conv(&mut self, row: &Row, layer: &str, xs: &Tensor, padding: usize, stride: usize) -> Result<Tensor> {
        let ys = conv2d(xs, &self.tensor(row, &format!("{layer}.weight")), padding, stride)?;
        self.convolution += 1;
        self.show(row, &ys);
        Ok(ys)
    }

    fn norm(&mut self, row: &Row, layer: &str, xs: &Tensor) -> Result<Tensor> {
        let tensor = |name: &str| self.tensor(row, &format!("{layer}.{name}"));
        let (weight, bias) = (tensor("weight"), tensor("bias"));
        let (mean, variance) = (tensor("running_mean"), tensor("running_var"));
        let norm = Norm { weight: &weight, bias: &bias, mean: &mean, variance: &variance };
        if !self.training {
            return batch_norm::evaluate(xs, norm, self.net.batch_norm);
        }
        let (ys, mean, variance) = batch_norm::train(xs, norm, self.net.batch_norm)?;
        self.statistics.extend([mean, variance]);
        Ok(ys)
    }

    /// Drops after the convolution just passed, where the recipe wants it: `Last` marks the last
    /// convolution of a dense layer, `Paper` any other.
    fn dropout(&self, xs: &Tensor, place: DropoutPlaces) -> Result<Tensor> {
        let here = place == DropoutPlaces::Last || self.net.dropout_places == DropoutPlaces::Paper;
        match self.masks {
            Some(masks) if here && self.training => masks.apply(xs, self.convolution),
            _ => Ok(xs.clone()),
        }
    }

    /// A tensor of the row. Only training is differentiated: an evaluation keeps nothing it has passed.
    fn tensor(&self, row: &Row, name: &str) -> Tensor {
        let var = &self.net.tensors[&format!("{}.{name}", row.name)];
        if self.training { var.as_tensor().clone() } else { var.as_detached_tensor() }
    }

    fn show(&mut self, row: &Row, ys: &Tensor) {
        if let Some(observer) = &mut self.observer {
            observer(&row.name, ys);
        }
    }
}
