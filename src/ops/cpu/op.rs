//! The network as ops of candle, which take apart what a tensor is made of.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use candle_core::backend::{BackendDevice, BackendStorage};
use candle_core::{
    CpuStorage, CudaStorage, CustomOp2, CustomOp3, Device, Error, Layout, Result, Shape as Dims, Storage,
    Tensor,
};

use crate::ops::cpu::{State, lock};
use crate::ops::dropout::Masks;

/// The numbers of a contiguous tensor.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((begin, end)) => Ok(&storage.as_slice::<f32>()?[begin..end]),
        None => Err(Error::Msg("the fused network needs contiguous tensors".into())),
    }
}

/// The network in training mode.
pub(super) struct Train {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) classes: usize,
    pub(super) masks: Option<Masks>,
    /// Number of its pass.
    pub(super) pass: AtomicU64,
}

impl CustomOp2 for Train {
    fn name(&self) -> &'static str {
        "densenet"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Dims)> {
        let images = numbers(images, images_layout)?;
        let mut state = lock(&self.state);
        state.passes += 1;
        self.pass.store(state.passes, Ordering::Relaxed);
        let logits = state.network.forward(images, numbers(parameters, parameters_layout)?, self.masks)?;
        let n = logits.len() / self.classes;
        Ok((CpuStorage::F32(logits), (n, self.classes).into()))
    }

    /// The network's own memory is on the card; what comes and goes is little.
    fn cuda_fwd(
        &self,
        images: &CudaStorage,
        images_layout: &Layout,
        parameters: &CudaStorage,
        parameters_layout: &Layout,
    ) -> Result<(CudaStorage, Dims)> {
        let on_host = [images.to_cpu_storage()?, parameters.to_cpu_storage()?];
        let (logits, dims) = self.cpu_fwd(&on_host[0], images_layout, &on_host[1], parameters_layout)?;
        Ok((images.device().storage_from_cpu_storage(&logits)?, dims))
    }

    fn bwd(
        &self,
        _: &Tensor,
        parameters: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let on_host = parameters.to_device(&Device::Cpu)?;
        let (storage, layout) = on_host.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { unreachable!("it was just brought there") };
        let mut state = lock(&self.state);
        if state.passes != self.pass.load(Ordering::Relaxed) {
            return Err(Error::Msg("the activations of this forward pass are gone".into()));
        }
        let found = state.network.backward(numbers(storage, layout)?, &gradient)?;
        drop(state);
        let found = Tensor::from_vec(found, parameters.shape(), parameters.device())?;
        Ok((None, Some(found)))
    }
}

/// The network in evaluation mode.
pub(super) struct Evaluate {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) classes: usize,
}

impl CustomOp3 for Evaluate {
    fn name(&self) -> &'static str {
        "densenet-evaluation"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
        running: &CpuStorage,
        running_layout: &Layout,
    ) -> Result<(CpuStorage, Dims)> {
        let images = numbers(images, images_layout)?;
        let (parameters, running) =
            (numbers(parameters, parameters_layout)?, numbers(running, running_layout)?);
        let mut state = lock(&self.state);
        state.passes += 1;
        let logits = state.network.evaluate(images, parameters, running)?;
        drop(state);
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
    ) -> Result<(CudaStorage, Dims)> {
        let on_host = [images.to_cpu_storage()?, parameters.to_cpu_storage()?, running.to_cpu_storage()?];
        let [pixels, weights, means] = &on_host;
        let (logits, dims) =
            self.cpu_fwd(pixels, images_layout, weights, parameters_layout, means, running_layout)?;
        Ok((images.device().storage_from_cpu_storage(&logits)?, dims))
    }
}
