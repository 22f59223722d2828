//! The kernels of a source on a GPU.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::Result;
use candle_core::cuda_backend::cudarc::driver::{CudaContext, CudaFunction, CudaModule, sys};
use candle_core::cuda_backend::cudarc::nvrtc::Ptx;
use sys::CUdevice_attribute_enum::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
use sys::CUfunction_attribute_enum::{
    CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT,
};

use crate::ops::cuda::device::cache::Cache;
use crate::ops::cuda::device::compile::{self, Target};
use crate::ops::cuda::device::failure::Told;
use crate::ops::cuda::program::Launch;
use crate::ops::cuda::source::Source;

/// Loaded functions by the names of their entries.
pub(super) struct Kernels(HashMap<String, CudaFunction>);

impl Kernels {
    /// Loads all kernels of `source`: from `cache`, or compiled now and put there.
    pub(super) fn new(
        context: &Arc<CudaContext>,
        source: &Source,
        cache: Option<&dyn Cache>,
    ) -> Result<Self> {
        let (major, minor) =
            context.compute_capability().told(|| "the GPU does not say what it is".into())?;
        let target = Target::of((10 * major + minor) as u32, source.precision())?;
        let text = source.for_device();
        let key = target.key(&text);
        let kept = cache.and_then(|cache| cache.get(&key)).and_then(|bytes| compile::opened(&bytes));
        let loaded = kept.and_then(|image| context.load_module(Ptx::from_binary(image)).ok());
        let module = if let Some(module) = loaded {
            module
        } else {
            // Nothing was kept, or nothing that this driver takes.
            let image = compile::compile(&text, &target)?;
            if let Some(cache) = cache {
                cache.put(&key, &compile::sealed(&image));
            }
            let refused = || format!("the GPU does not load kernels for {target}");
            context.load_module(Ptx::from_binary(image)).told(refused)?
        };
        Self::of_module(context, &module, source)
    }

    /// Looks up every function now: a driver that loads functions late would do so at their first launch.
    fn of_module(context: &Arc<CudaContext>, module: &Arc<CudaModule>, source: &Source) -> Result<Self> {
        let most = context
            .attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
            .told(|| "the GPU does not say how much shared memory it has".into())?;
        let mut functions = HashMap::new();
        for entry in source.entries() {
            let refused = || format!("the GPU does not load {entry}");
            let function = module.load_function(entry).told(refused)?;
            let fixed = function.shared_size_bytes().told(refused)?;
            for (attribute, value) in [
                // Above 48 KiB a block has only what is allowed here.
                (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, most - fixed),
                // Percent. The same for all, so that a multiprocessor need not change between kernels.
                (CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 100),
            ] {
                function.set_attribute(attribute, value).told(refused)?;
            }
            functions.insert(entry.to_owned(), function);
        }
        Ok(Self(functions))
    }

    /// The function of a launch. Lives as long as `self`. Panics where the source does not have its kernel: a
    /// defect that a test of the programs finds.
    pub(super) fn of(&self, source: &Source, launch: &Launch) -> sys::CUfunction {
        self.0[source.entry(&launch.kernel)].cu_function()
    }
}
