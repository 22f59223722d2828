//! The launches of a program one after the other, without a graph: the slow, obvious way.
#![expect(unsafe_code, reason = "the driver's functions are foreign")]

use candle_core::cuda_backend::cudarc::driver::result;

use super::*;

pub(super) fn run(gpu: &Gpu, program: &Program) -> Result<()> {
    for launch in program.launches.iter() {
        let function = gpu.kernels.of(&gpu.source, launch);
        let mut of = gpu.source.pack(launch, |buffer| gpu.arena.address(buffer));
        let mut parameters = [of.as_mut_ptr().cast()];
        let ([x, y, z], shared) = (launch.grid, launch.shared as u32);
        let stream = gpu.stream.raw()?;
        // SAFETY: the function takes one struct by value, as long as `of`, which is copied before the call
        // returns; what it points to is memory of the GPU, which waits for its stream before it is dropped.
        unsafe {
            let block = (launch.block, 1, 1);
            result::launch_kernel(function, (x, y, z), block, shared, stream, &mut parameters)
        }
        .told(|| format!("the GPU does not run {}", launch.kernel))?;
    }
    Ok(())
}
