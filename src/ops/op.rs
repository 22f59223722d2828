//! A network's passes as operations of candle on tensors of its devices.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::backend::{BackendDevice, BackendStorage};
use candle_core::{
    CpuStorage, CudaStorage, CustomOp3, Device, Error, Layout, Result, Shape, Storage, Tensor,
};

use crate::arch::blocks::Net;
use crate::ops::dropout::Masks;
use crate::ops::passes::{BatchStatistics, Frozen, Passes};

/// A network with its own memory, which is taken at the first batch and used again by all
/// later ones.
#[derive(Debug)]
pub struct Fused {
    state: Arc<Mutex<State>>,
    classes: usize,
    /// Height and width of the images.
    side: usize,
    /// Those of the last block's maps.
    last_side: usize,
    /// Length of the packed parameters.
    parameters: usize,
}

/// The number of a pass in training mode.
#[derive(Clone, Copy, Debug)]
pub struct PassNumber(u64);

#[derive(Debug)]
struct State {
    network: Box<dyn Passes>,
    /// Passes so far, of either mode: a backward pass must belong to the last.
    passes: u64,
}

impl Fused {
    /// `net` as one operation, computed by `network`.
    pub(crate) fn new(net: &Net, network: Box<dyn Passes>) -> Self {
        let Net { classes, input_size: side, parameters, .. } = *net;
        let last_side = net.blocks.last().map_or(0, |block| block.side);
        Self {
            state: Arc::new(Mutex::new(State { network, passes: 0 })),
            classes,
            side,
            last_side,
            parameters,
        }
    }

    /// Logits `[n, classes]` of `images` `[n, 3, s, s]` in training mode by `parameters`: all parameters,
    /// flattened and joined in torchvision's order. The stem and `frozen` blocks with what follows them are
    /// evaluated by `running`, as [`Self::evaluate`] has it. Only the last call's logits can be differentiated.
    pub fn train(
        &self,
        images: &Tensor,
        parameters: &Tensor,
        running: &Tensor,
        masks: Option<Masks>,
        frozen: usize,
    ) -> Result<(Tensor, PassNumber)> {
        self.check(images, parameters)?;
        let mode = Mode::Training { masks, frozen, number: AtomicU64::new(0) };
        let op = Pass { state: self.state.clone(), classes: self.classes, mode };
        let logits = images.contiguous()?.apply_op3_no_bwd(parameters, running, &op)?;
        let Mode::Training { number, .. } = op.mode else { unreachable!("it was made for training") };
        Ok((logits, PassNumber(number.into_inner())))
    }

    /// The gradient of `parameters`, joined as they are, from that of the logits of a pass in training mode.
    pub fn backward(&self, pass: PassNumber, parameters: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let on_host = parameters.to_device(&Device::Cpu)?;
        let (storage, layout) = on_host.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { unreachable!("it was just brought there") };
        let mut state = lock(&self.state);
        if pass.0 != state.passes {
            return Err(Error::Msg("the activations of this forward pass are gone".into()));
        }
        let found = state.network.backward(numbers(storage, layout)?, &gradient)?;
        drop(state);
        Tensor::from_vec(found, parameters.shape(), parameters.device())
    }

    /// The statistics of the last batch in training mode, normalisation by normalisation, from the first that was
    /// not frozen on.
    pub fn statistics(&self) -> Result<Vec<BatchStatistics>> {
        lock(&self.state).network.statistics()
    }

    /// Logits `[n, classes]` of `images` `[n, 3, s, s]` by running statistics: `running` joins mean and
    /// variance of each normalisation in turn.
    pub fn evaluate(&self, images: &Tensor, parameters: &Tensor, running: &Tensor) -> Result<Tensor> {
        self.check(images, parameters)?;
        let op = Pass { state: self.state.clone(), classes: self.classes, mode: Mode::Evaluation };
        images.contiguous()?.apply_op3_no_bwd(parameters, running, &op)
    }

    /// The logits of [`Self::evaluate`], and what the linear layer saw the averages of, `[n, channels, side, side]`,
    /// where this device can tell.
    pub fn evaluate_with_maps(
        &self,
        images: &Tensor,
        parameters: &Tensor,
        running: &Tensor,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let logits = self.evaluate(images, parameters, running)?;
        let maps = lock(&self.state).network.last_maps();
        let maps = maps.map(|maps| {
            let n = images.dim(0)?;
            let pixels = self.last_side * self.last_side;
            let channels = maps.len() / (n * pixels);
            Tensor::from_vec(maps, (n, channels, self.last_side, self.last_side), images.device())
        });
        Ok((logits, maps.transpose()?))
    }

    /// Refuses images and parameters of another network.
    fn check(&self, images: &Tensor, parameters: &Tensor) -> Result<()> {
        let (n, channels, height, width) = images.dims4()?;
        if n == 0 || channels != 3 || height != self.side || width != self.side {
            candle_core::bail!("{:?} are no images [n, 3, {side}, {side}]", images.dims(), side = self.side);
        }
        if parameters.dims() != [self.parameters] {
            candle_core::bail!("{:?} are no {} parameters", parameters.dims(), self.parameters);
        }
        Ok(())
    }

    /// Bytes of its memory so far.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        lock(&self.state).network.bytes()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A panic in a pass leaves numbers that the next pass overwrites.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The numbers of a contiguous tensor.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((begin, end)) => Ok(&storage.as_slice::<f32>()?[begin..end]),
        None => Err(Error::Msg("the fused network needs contiguous tensors".into())),
    }
}

/// A pass over the network.
struct Pass {
    state: Arc<Mutex<State>>,
    classes: usize,
    mode: Mode,
}

/// What the statistics of the normalisations are.
enum Mode {
    /// The batch's own. `number` is that of the pass, once it was done.
    Training { masks: Option<Masks>, frozen: usize, number: AtomicU64 },
    /// The running ones.
    Evaluation,
}

impl CustomOp3 for Pass {
    fn name(&self) -> &'static str {
        "densenet"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
        running: &CpuStorage,
        running_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (images, parameters) = (numbers(images, images_layout)?, numbers(parameters, parameters_layout)?);
        let mut state = lock(&self.state);
        state.passes += 1;
        let logits = match &self.mode {
            Mode::Training { masks, frozen, number } => {
                number.store(state.passes, Ordering::Relaxed);
                let running = numbers(running, running_layout)?;
                let frozen = (*frozen > 0).then_some(Frozen { blocks: *frozen, running });
                state.network.forward(images, parameters, *masks, frozen)?
            }
            Mode::Evaluation => {
                state.network.evaluate(images, parameters, numbers(running, running_layout)?)?
            }
        };
        let n = logits.len() / self.classes;
        Ok((CpuStorage::F32(logits), (n, self.classes).into()))
    }

    fn cuda_fwd(
        &self,
        images: &CudaStorage,
        images_layout: &Layout,
        parameters: &CudaStorage,
        parameters_layout: &Layout,
        running: &CudaStorage,
        running_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let on_host = [images.to_cpu_storage()?, parameters.to_cpu_storage()?, running.to_cpu_storage()?];
        let [pixels, weights, means] = &on_host;
        let (logits, shape) =
            self.cpu_fwd(pixels, images_layout, weights, parameters_layout, means, running_layout)?;
        Ok((images.device().storage_from_cpu_storage(&logits)?, shape))
    }
}
