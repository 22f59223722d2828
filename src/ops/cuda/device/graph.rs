//! A program as a graph of the driver: handed to the GPU at once, instead of launch after launch.
//!
//! The graph is made from the program itself, not recorded from a stream: what a launch waits for is known,
//! and nothing that happens elsewhere meanwhile can get in between.
#![expect(unsafe_code, reason = "the driver's functions are foreign")]

use std::ptr;
use std::sync::Arc;

use candle_core::cuda_backend::cudarc::driver::{CudaContext, result, sys};
use candle_core::{Error, Result};

use crate::ops::cuda::device::failure::Told;
use crate::ops::cuda::device::stream::Stream;
use crate::ops::cuda::program::{Launch, Program};

/// A graph that is ready to run. The functions in it and what they point to must outlive it.
pub(super) struct Graph {
    ready: sys::CUgraphExec,
    context: Arc<CudaContext>,
    name: String,
}

// SAFETY: a graph belongs to a context, not to a thread, and one owner uses it at a time.
unsafe impl Send for Graph {}

/// A graph under construction.
struct ProgramBuilder(sys::CUgraph);

impl Drop for ProgramBuilder {
    fn drop(&mut self) {
        // SAFETY: made by `cuGraphCreate`; a graph made ready from it does not need it any more.
        let _ = unsafe { result::graph::destroy(self.0) };
    }
}

impl Graph {
    /// The graph of `program`. `find` says the function and the struct of a launch.
    pub(super) fn new(
        stream: &Stream,
        program: &Program,
        find: impl Fn(&Launch) -> (sys::CUfunction, Vec<u8>),
    ) -> Result<Self> {
        stream.raw()?;
        let name = program.name.clone();
        let mut builder = ProgramBuilder(ptr::null_mut());
        // SAFETY: the context is current; the handle is written to `builder`, which frees it.
        unsafe { sys::cuGraphCreate(&raw mut builder.0, 0) }
            .result()
            .told(|| format!("the GPU has no graph for {name}"))?;
        let mut nodes: Vec<sys::CUgraphNode> = Vec::with_capacity(program.launches.len());
        for (launch, before) in program.launches.iter().zip(dependencies(program)?) {
            let before: Vec<sys::CUgraphNode> = before.into_iter().map(|number| nodes[number]).collect();
            let (function, mut of) = find(launch);
            nodes.push(add(&builder, launch, &before, function, &mut of)?);
        }
        let flags = sys::CUgraphInstantiate_flags(0);
        // SAFETY: the builder is whole. What it makes is freed on drop and nowhere else.
        let ready = unsafe { result::graph::instantiate(builder.0, flags) }
            .told(|| format!("the GPU does not take the graph of {name}"))?;
        Ok(Self { ready, context: stream.context(), name })
    }

    /// Runs it after everything that the stream was asked for before.
    pub(super) fn launch(&self, stream: &Stream) -> Result<()> {
        let raw = stream.raw()?;
        // SAFETY: both handles are alive; the functions and their memory are (see `Graph`).
        unsafe { result::graph::launch(self.ready, raw) }
            .told(|| format!("the GPU does not run {}", self.name))
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        let _ = self.context.bind_to_thread();
        // SAFETY: made in `new`. A run that is under way is finished first.
        let _ = unsafe { result::graph::exec_destroy(self.ready) };
    }
}

/// Adds one launch after `before`.
fn add(
    builder: &ProgramBuilder,
    launch: &Launch,
    before: &[sys::CUgraphNode],
    function: sys::CUfunction,
    of: &mut [u8],
) -> Result<sys::CUgraphNode> {
    let [x, y, z] = launch.grid;
    let mut parameters = [of.as_mut_ptr().cast()];
    let node = sys::CUDA_KERNEL_NODE_PARAMS {
        func: function,
        gridDimX: x,
        gridDimY: y,
        gridDimZ: z,
        blockDimX: launch.block,
        blockDimY: 1,
        blockDimZ: 1,
        sharedMemBytes: launch.shared as u32,
        kernelParams: parameters.as_mut_ptr(),
        extra: ptr::null_mut(),
        kern: ptr::null_mut(),
        ctx: ptr::null_mut(),
    };
    let mut added: sys::CUgraphNode = ptr::null_mut();
    // SAFETY: the function takes one struct by value, as long as `of`, which is copied before the call returns;
    // `before` are nodes of the same graph. Without a context of its own the node takes the current one.
    unsafe {
        sys::cuGraphAddKernelNode_v2(
            &raw mut added,
            builder.0,
            before.as_ptr(),
            before.len(),
            &raw const node,
        )
    }
    .result()
    .told(|| format!("the GPU does not take {}", launch.kernel))?;
    Ok(added)
}

/// The numbers of the launches that each launch waits for: the one before it in its lane, and those it names.
fn dependencies(program: &Program) -> Result<Vec<Vec<usize>>> {
    let mut last = Vec::new();
    let mut all = Vec::with_capacity(program.launches.len());
    for (number, launch) in program.launches.iter().enumerate() {
        let mut before = launch.after.clone();
        if before.iter().any(|&other| other >= number) {
            let text =
                format!("in {} launch {number} ({}) waits for a later one", program.name, launch.kernel);
            return Err(Error::Msg(text));
        }
        match last.iter_mut().find(|(lane, _)| *lane == launch.lane) {
            Some((_, latest)) => before.push(std::mem::replace(latest, number)),
            None => last.push((launch.lane, number)),
        }
        // The driver refuses a dependency that is named twice.
        before.sort_unstable();
        before.dedup();
        all.push(before);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::cuda::program::{Lane, Work};

    fn program(launches: &[(Lane, &[usize])]) -> Program {
        let launches = launches.iter().map(|&(lane, after)| Launch {
            kernel: "some".into(),
            takes: "Some",
            args: Vec::new(),
            grid: [1; 3],
            block: 32,
            shared: 0,
            lane,
            after: after.to_vec(),
            work: Work::default(),
        });
        Program { name: "test".into(), launches: std::sync::Arc::new(launches.collect()) }
    }

    #[test]
    fn a_launch_waits_for_its_lane_and_for_what_it_names_once_each() {
        use Lane::{Main, Side};
        let program =
            program(&[(Main, &[]), (Side, &[0]), (Main, &[]), (Main, &[2, 1]), (Side, &[3, 1]), (Main, &[])]);
        let expected: [&[usize]; 6] = [&[], &[0], &[0], &[1, 2], &[1, 3], &[3]];
        assert_eq!(dependencies(&program).unwrap(), expected);
    }

    #[test]
    fn a_launch_that_waits_for_itself_or_a_later_one_is_refused() {
        for after in [1, 2] {
            let program = program(&[(Lane::Main, &[]), (Lane::Side, &[after]), (Lane::Main, &[])]);
            let text = dependencies(&program).unwrap_err().to_string();
            assert_eq!(text, "in test launch 1 (some) waits for a later one");
        }
    }
}
