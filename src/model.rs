//! `DenseNet` (Huang, Liu, van der Maaten, Weinberger: "Densely Connected Convolutional Networks",
//! CVPR 2017), for training and evaluation.
//!
//! - dense layer: BN-ReLU-3x3 convolution to k maps, or BN-ReLU-1x1 to 4k, BN-ReLU-3x3 to k
//!   (bottleneck); its output joins its input along the channels
//! - transition: BN-ReLU-1x1 to ⌊θ·C⌋ channels, 2x2 average pool
//! - stem: 3x3 convolution, or the 7x7 ImageNet stem; end: BN-ReLU, global average, linear
//!
//! There are two implementations: `forward` is the reference, candle-nn's convolutions and autograd, slow and
//! obvious; `fused` hands the whole network to `ops::op`. Both have the same methods ([`Implementation`]
//! chooses). Tensor names are torchvision's; images are `[n, 3, s, s]` f32.

mod activation_maps;
mod forward;
mod fused;
mod init;
mod reuse;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::arch::Arch;
use crate::arch::plan::{Kind, Parameter, Plan, STATISTICS};
use crate::arch::words::{Connectivity, Precision};
use crate::arch::words::{DropoutPlaces, Init};
use crate::ops;
use crate::ops::backend::Backend;
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::dropout::Masks;
use crate::ops::loss::{self, Loss};
use crate::ops::op::Fused;
use crate::ops::passes::NetworkConfig;

pub use reuse::ReuseMap;

/// How a network is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// As one fused operation (`ops::op`).
    Fused,
    /// candle's own layers and autograd: slow and obvious, for every network and device.
    Reference,
}

/// A network with its weights and running statistics on a device.
#[derive(Debug)]
pub struct DenseNet {
    arch: Arch,
    plan: Plan,
    dropout_places: DropoutPlaces,
    batch_norm: BatchNormConfig,
    device: Device,
    requested: Implementation,
    /// Computes the fused version; `None` where the device has none.
    backend: Option<Backend>,
    /// How the fused version computes products, where there is a choice.
    precision: Precision,
    /// The fused network, made when it is first used.
    fused: OnceLock<Fused>,
    /// Parameters and statistics as the fused version reads them, once evaluated, until they change.
    joined: Mutex<Option<(Tensor, Tensor)>>,
    /// Whether parts of it are trained in ways of their own.
    in_parts: bool,
    /// The stem and this many blocks with what follows them are not trained.
    frozen: AtomicUsize,
    /// By name, for the forward pass: weights and running statistics.
    tensors: BTreeMap<String, Var>,
    /// Names of the parameters in the order of the forward pass: the order of every gradient.
    parameters: Vec<Parameter>,
    /// Names of the running statistics, mean and variance of each normalisation in turn.
    statistics: Vec<String>,
}

/// What one pass forward and backward over a batch found. Nothing of the network has changed yet.
#[derive(Debug)]
pub struct Pass {
    /// The logits `[n, classes]`.
    pub logits: Tensor,
    /// Mean loss over the batch, in nats.
    pub loss: f64,
    /// Images that were right.
    pub correct: u64,
    /// Gradients of the parameters that are trained: the last ones, in the order of [`DenseNet::parameters`].
    pub gradients: Vec<Tensor>,
    /// New running statistics of the normalisations that are trained: the last ones, in the order of
    /// [`DenseNet::statistics`].
    pub statistics: Vec<Tensor>,
}

impl Pass {
    fn new(
        logits: &Tensor,
        labels: &Tensor,
        loss: &Tensor,
        gradients: Vec<Tensor>,
        statistics: Vec<Tensor>,
    ) -> Result<Self> {
        let (correct, loss) = (loss::correct(logits, labels)?, f64::from(loss.to_scalar::<f32>()?));
        Ok(Self { logits: logits.detach(), loss, correct, gradients, statistics })
    }

    /// Whether the loss, every gradient and every running statistic is finite.
    pub fn is_finite(&self) -> Result<bool> {
        if !self.loss.is_finite() {
            return Ok(false);
        }
        for tensor in self.gradients.iter().chain(&self.statistics) {
            if !ops::is_finite(tensor)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl DenseNet {
    /// A fresh network: weights drawn from `seed`, BN 1 and 0, running statistics 0 and 1.
    /// The architecture must have a plan (see [`Arch::plan`]).
    pub fn new(arch: &Arch, init: Init, seed: u64, device: &Device) -> Result<Self> {
        let plan = arch.plan().map_err(candle_core::Error::wrap)?;
        let parameters: Vec<Parameter> = plan.rows.iter().flat_map(|row| row.parameters.clone()).collect();
        let mut tensors = BTreeMap::new();
        for (index, parameter) in parameters.iter().enumerate() {
            let values = init::values(parameter, init, seed, index as u32);
            let var = Var::from_vec(values, parameter.shape.as_slice(), device)?;
            tensors.insert(parameter.name.clone(), var);
        }
        let mut statistics = Vec::new();
        for (norm, channels) in plan.rows.iter().flat_map(|row| &row.norms) {
            for (name, value) in STATISTICS {
                let name = format!("{norm}.{name}");
                tensors.insert(name.clone(), Var::from_vec(vec![value; *channels], *channels, device)?);
                statistics.push(name);
            }
        }
        Ok(Self {
            arch: arch.clone(),
            plan,
            dropout_places: DropoutPlaces::Paper,
            batch_norm: BatchNormConfig::default(),
            device: device.clone(),
            requested: Implementation::Fused,
            backend: Backend::of(device),
            precision: Precision::F32,
            fused: OnceLock::new(),
            joined: Mutex::new(None),
            in_parts: false,
            frozen: AtomicUsize::new(0),
            tensors,
            parameters,
            statistics,
        })
    }

    /// The same network with dropout after other convolutions.
    #[must_use]
    pub fn with_dropout_places(mut self, places: DropoutPlaces) -> Self {
        self.dropout_places = places;
        self
    }

    /// The same network with other constants of batch normalisation.
    #[must_use]
    pub fn with_batch_norm(mut self, batch_norm: BatchNormConfig) -> Self {
        self.batch_norm = batch_norm;
        self
    }

    /// The same network by another implementation, where it has that.
    #[must_use]
    pub fn with_implementation(mut self, requested: Implementation) -> Self {
        self.requested = requested;
        self
    }

    /// The same network with products in another precision, where the fused version has the choice.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// How the fused version computes products, where there is a choice.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The same network with the fused version computed by another backend.
    #[cfg(all(test, any(feature = "cuda", feature = "host-kernels")))]
    #[must_use]
    pub(crate) fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// The backend that computes this network and what it needs to know of it, where that is a GPU.
    pub fn gpu(&self) -> Option<(&Backend, NetworkConfig)> {
        let backend = self.backend.as_ref().filter(|backend| backend.is_gpu())?;
        (self.implementation() == Implementation::Fused).then(|| (backend, self.config()))
    }

    /// The implementation that computes it: the one requested, where it has that.
    pub fn implementation(&self) -> Implementation {
        if self.no_fused_version().is_some() { Implementation::Reference } else { self.requested }
    }

    /// The part of this network that has no fused version, as the subject of a sentence; `None` where it has one.
    pub fn no_fused_version(&self) -> Option<&'static str> {
        match &self.backend {
            None => Some("this device"),
            Some(backend) if backend.is_gpu() => match self.arch.connectivity {
                Connectivity::Residual => Some("a residual network on a GPU"),
                Connectivity::Plain => Some("a plain network on a GPU"),
                Connectivity::Dense => {
                    self.in_parts.then_some("training with `freeze` or `head_lr` on a GPU")
                }
            },
            Some(_) => None,
        }
    }

    /// Its shape.
    pub fn arch(&self) -> &Arch {
        &self.arch
    }

    /// Its layers by arithmetic.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where its tensors are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The trainable tensors, in the order of the forward pass.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Var)> + Clone {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), &self.tensors[&parameter.name]))
    }

    /// The running statistics, in the order of the forward pass.
    pub fn statistics(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.statistics.iter().map(|name| (name.as_str(), &self.tensors[name]))
    }

    /// Every tensor of the network by torchvision's name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, var)| (name.as_str(), var.as_tensor()))
    }

    /// Takes over `tensors`: all names and shapes must be the network's own; the error names the first
    /// that is not, and then nothing has changed.
    pub fn load(&self, tensors: &BTreeMap<String, Tensor>) -> std::result::Result<(), String> {
        self.forget_joined();
        self.plan.check_tensors(tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.dims())))?;
        for (name, var) in &self.tensors {
            let set =
                || -> Result<()> { var.set(&tensors[name].to_device(&self.device)?.to_dtype(DType::F32)?) };
            set().map_err(|error| format!("the tensor `{name}` cannot be used: {error}"))?;
        }
        Ok(())
    }

    /// Logits `[n, classes]` in evaluation mode, by the running statistics.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        if self.implementation() == Implementation::Fused {
            return self.fused_logits(images);
        }
        let mut walk = forward::Walk::evaluation(self);
        walk.network(images)
    }

    /// Logits in evaluation mode; `observe` is shown the output of every convolution, pooling and
    /// linear layer with the name of its row in the plan.
    pub fn observe(&self, images: &Tensor, observe: &mut dyn FnMut(&str, &Tensor)) -> Result<Tensor> {
        let mut walk = forward::Walk::evaluation(self);
        walk.observer = Some(observe);
        walk.network(images)
    }

    /// One pass forward and backward over a batch with `labels` `[n]` (u32).
    pub fn pass(
        &self,
        images: &Tensor,
        labels: &Tensor,
        target: &Loss,
        masks: Option<Masks>,
    ) -> Result<Pass> {
        if self.implementation() == Implementation::Fused {
            return self.fused_pass(images, labels, target, masks);
        }
        let mut walk = forward::Walk::training(self, masks);
        let logits = walk.network(images)?;
        let statistics = walk.statistics;
        let loss = target.of(&logits, labels)?;
        let store = loss.backward()?;
        let gradients = self
            .parameters()
            .skip(self.first_trained())
            .map(|(_, var)| match store.get(var.as_tensor()) {
                Some(gradient) => Ok(gradient.detach()),
                None => var.as_tensor().zeros_like(),
            })
            .collect::<Result<Vec<_>>>()?;
        Pass::new(&logits, labels, &loss, gradients, statistics)
    }

    /// With parts that are trained in ways of their own, or without.
    #[must_use]
    pub fn with_parts(self, in_parts: bool) -> Self {
        Self { in_parts, ..self }
    }

    /// From now on the stem and `blocks` blocks, each with what follows it, are not trained: they are evaluated
    /// by their running statistics. With all blocks only the classifier is.
    pub fn freeze(&self, blocks: usize) {
        self.frozen.store(blocks.min(self.arch.layers.len()), Ordering::Relaxed);
    }

    /// How many blocks are not trained.
    pub fn frozen(&self) -> usize {
        self.frozen.load(Ordering::Relaxed)
    }

    /// Whether a row of the plan is trained.
    pub fn is_trained(&self, kind: Kind) -> bool {
        let frozen = self.frozen();
        match kind {
            Kind::Classifier => true,
            Kind::Stem => frozen == 0,
            Kind::DenseLayer { block, .. } | Kind::Transition { block } => block > frozen,
            Kind::Head => frozen < self.arch.layers.len(),
        }
    }

    /// The number of the first parameter that is trained.
    pub fn first_trained(&self) -> usize {
        let frozen = self.plan.rows.iter().take_while(|row| !self.is_trained(row.kind));
        frozen.map(|row| row.parameters.len()).sum()
    }

    /// Takes over new weights and running statistics of what is trained, the last of [`Self::parameters`] and
    /// [`Self::statistics`].
    pub fn commit(&self, weights: &[Tensor], statistics: &[Tensor]) -> Result<()> {
        self.forget_joined();
        let parameters = self.parameters().skip(self.parameters.len() - weights.len());
        let running = self.statistics().skip(self.statistics.len() - statistics.len());
        let vars = parameters.chain(running).map(|(_, var)| var);
        vars.zip(weights.iter().chain(statistics)).try_for_each(|(var, tensor)| var.set(tensor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::words::StemKind;
    use crate::recipe::{Data, Recipe, Width};
    use crate::rng::{Purpose, Stream};

    fn images(n: usize, side: usize) -> Tensor {
        // The same every time: where a ReLU turns, a difference over a step is no slope.
        let mut stream = Stream::new(1, Purpose::Bench, 0, 0);
        let pixels: Vec<f32> = (0..n * 3 * side * side).map(|_| stream.normal()).collect();
        Tensor::from_vec(pixels, (n, 3, side, side), &Device::Cpu).unwrap()
    }

    #[test]
    fn every_rows_arithmetic_is_that_of_the_real_tensors() {
        let small = Recipe {
            layers: vec![2, 3, 1],
            growth_rate: 5,
            compression: 0.7,
            ..Recipe::defaults(Data::Shapes)
        };
        let basic = Recipe { bottleneck: false, input_size: 18, ..small.clone() };
        let imagenet = Recipe { stem_kind: StemKind::Imagenet, input_size: 46, ..small.clone() };
        let residual = Recipe { connectivity: Connectivity::Residual, ..small.clone() };
        let plain = Recipe { connectivity: Connectivity::Plain, bottleneck: false, ..small.clone() };
        for recipe in [small, basic, imagenet, residual, plain] {
            let arch = recipe.arch(7);
            let net = DenseNet::new(&arch, Init::FanOut, 0, &Device::Cpu).unwrap();
            let mut written: BTreeMap<String, u64> = BTreeMap::new();
            net.observe(&images(2, arch.input_size), &mut |name, xs| {
                *written.entry(name.to_owned()).or_default() += (xs.elem_count() / 2 * 4) as u64;
            })
            .unwrap();
            let mut planned: BTreeMap<String, u64> = BTreeMap::new();
            for row in &net.plan().rows {
                *planned.entry(row.name.clone()).or_default() += row.activation_bytes;
            }
            assert_eq!(written, planned);
            let held: usize = net.parameters().map(|(_, var)| var.elem_count()).sum();
            assert_eq!(held as u64, net.plan().parameters());
        }
    }

    #[test]
    fn the_names_are_torchvisions() {
        let arch = Recipe { layers: vec![1, 1], ..Recipe::defaults(Data::Shapes) }.arch(10);
        let net = DenseNet::new(&arch, Init::FanOut, 0, &Device::Cpu).unwrap();
        let names: Vec<&str> = net.parameters().map(|(name, _)| name).collect();
        assert_eq!(names[0], "features.conv0.weight");
        assert_eq!(names[1], "features.denseblock1.denselayer1.norm1.weight");
        for name in [
            "features.denseblock2.denselayer1.conv2.weight",
            "features.transition1.norm.bias",
            "features.transition1.conv.weight",
            "features.norm5.weight",
            "classifier.bias",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        let statistics: Vec<&str> = net.statistics().map(|(name, _)| name).collect();
        assert_eq!(statistics[0], "features.denseblock1.denselayer1.norm1.running_mean");
        assert_eq!(statistics.len(), 2 * 6);
    }

    #[test]
    fn the_arithmetic_is_the_one_wished_for() {
        let cifar = Recipe { layers: vec![1], ..Recipe::defaults(Data::Shapes) };
        let imagenet = Recipe { stem_kind: StemKind::Imagenet, ..cifar.clone() };
        for requested in [Implementation::Fused, Implementation::Reference] {
            let what_runs = |recipe: &Recipe| {
                let net = DenseNet::new(&recipe.arch(3), Init::FanOut, 0, &Device::Cpu).unwrap();
                net.with_implementation(requested).implementation()
            };
            assert_eq!(what_runs(&cifar), requested);
            assert_eq!(what_runs(&imagenet), requested);
        }
    }

    /// Central differences in the one direction that matters: each gradient tensor's own.
    #[test]
    fn every_gradient_agrees_with_finite_differences() {
        let dense =
            Recipe { layers: vec![2, 1], growth_rate: 4, input_size: 8, ..Recipe::defaults(Data::Shapes) };
        let linked = |connectivity, bottleneck| {
            let width = Width::Maps(6);
            Recipe { connectivity, bottleneck, width, layers: vec![3, 1], ..dense.clone() }
        };
        let (plain, residual) = (Connectivity::Plain, Connectivity::Residual);
        for recipe in [&linked(plain, false), &linked(residual, false), &linked(residual, true), &dense] {
            // A step on which one of a few units passes the kink of its ReLU says little.
            let steps: &[f64] =
                if recipe.connectivity == Connectivity::Dense { &[2e-3] } else { &[2e-3, 1e-3, 5e-4, 2e-4] };
            gradients_are_slopes(recipe, steps);
        }
    }

    fn gradients_are_slopes(recipe: &Recipe, steps: &[f64]) {
        let net = DenseNet::new(&recipe.arch(3), Init::FanOut, 5, &Device::Cpu).unwrap();
        assert_eq!(net.implementation(), Implementation::Fused);
        let target = Loss { smoothing: 0.1, class_weights: Vec::new() };
        let (xs, labels) = (images(3, 8), Tensor::new(&[0u32, 2, 1], &Device::Cpu).unwrap());
        let pass = net.pass(&xs, &labels, &target, None).unwrap();
        for ((name, var), gradient) in net.parameters().zip(&pass.gradients) {
            let norm = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
            let start = var.as_tensor().copy().unwrap();
            let loss_at = |step: f64| {
                var.set(&(&start + (gradient * (step / f64::from(norm))).unwrap()).unwrap()).unwrap();
                net.pass(&xs, &labels, &target, None).unwrap().loss
            };
            let slopes: Vec<f64> = steps.iter().map(|h| (loss_at(*h) - loss_at(-h)) / (2.0 * h)).collect();
            var.set(&start).unwrap();
            let error = |slope: &f64| (slope - f64::from(norm)).abs() / f64::from(norm).max(1e-2);
            let error = slopes.iter().map(error).fold(f64::INFINITY, f64::min);
            let which = recipe.connectivity;
            assert!(error < 0.05, "{which}, {name}: the slopes are {slopes:?}, the gradient's length {norm}");
        }
    }

    #[test]
    fn a_pass_changes_nothing_and_a_foreign_tensor_is_refused_by_name() {
        let recipe =
            Recipe { layers: vec![1], growth_rate: 4, input_size: 4, ..Recipe::defaults(Data::Shapes) };
        let net = DenseNet::new(&recipe.arch(3), Init::FanOut, 5, &Device::Cpu).unwrap();
        let snapshot = |net: &DenseNet| -> Vec<Vec<f32>> {
            net.tensors().map(|(_, xs)| xs.flatten_all().unwrap().to_vec1().unwrap()).collect()
        };
        let before = snapshot(&net);
        net.pass(&images(2, 4), &Tensor::new(&[0u32, 1], &Device::Cpu).unwrap(), &Loss::default(), None)
            .unwrap();
        assert_eq!(before, snapshot(&net));
        let mut tensors: BTreeMap<String, Tensor> =
            net.tensors().map(|(name, xs)| (name.to_owned(), xs.copy().unwrap())).collect();
        tensors.insert("features.conv9.weight".into(), images(1, 1));
        assert_eq!(
            net.load(&tensors).unwrap_err(),
            "the tensor `features.conv9.weight` is not one of this network"
        );
        tensors.remove("classifier.bias");
        assert_eq!(net.load(&tensors).unwrap_err(), "the tensor `classifier.bias` is missing");
    }
}
