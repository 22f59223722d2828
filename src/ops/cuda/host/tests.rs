//! The kernels one by one against obvious loops, in all precisions: what a test launches runs in both orders
//! of blocks and must give the same bits.

mod conv3;
mod head;
mod join;
mod numbers;
mod pointwise;
mod prepare;
mod stem;
mod strict;
mod update;
mod weights;

use std::sync::Arc;

use super::*;
use crate::ops::cuda::Precision;
use crate::ops::cuda::program::{Address, Arg, Lane, Work};
use numbers::{from_bf16, to_bf16};

const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::Tf32, Precision::Bf16];

/// What the loops say about what the kernels left.
type Check = Box<dyn Fn(&Ran)>;

/// Buffers, what is in them, launches, and what must come of them.
struct Bench {
    precision: Precision,
    buffers: Buffers,
    contents: Vec<Vec<u8>>,
    program: Program,
    checks: Vec<Check>,
    /// What a test breaks in the kernels: this text, and what stands there instead.
    broken: Option<(&'static str, &'static str)>,
}

impl Bench {
    fn new(precision: Precision) -> Self {
        let program = Program { name: "a test".into(), launches: Arc::default() };
        let (buffers, contents, checks) = (Buffers::default(), Vec::new(), Vec::new());
        Self { precision, buffers, contents, program, checks, broken: None }
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Address {
        let buffer = self.buffers.declare("of a test", bytes.len());
        self.contents.push(bytes);
        Address { buffer, offset: 0 }
    }

    fn floats(&mut self, numbers: &[f32]) -> Address {
        self.bytes(numbers.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    fn doubles(&mut self, numbers: &[f64]) -> Address {
        self.bytes(numbers.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    fn ints(&mut self, numbers: &[i32]) -> Address {
        self.bytes(numbers.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// As feature maps or packed weights hold them.
    fn maps(&mut self, numbers: &[f32]) -> Address {
        match self.precision {
            Precision::Bf16 => self.bytes(numbers.iter().flat_map(|&x| to_bf16(x).to_le_bytes()).collect()),
            _ => self.floats(numbers),
        }
    }

    fn launch(
        &mut self,
        kernel: impl Into<String>,
        takes: &'static str,
        (grid, block, shared): ([usize; 3], usize, usize),
        args: Vec<(&'static str, Arg)>,
    ) {
        Arc::make_mut(&mut self.program.launches).push(Launch {
            kernel: kernel.into(),
            takes,
            args,
            grid: grid.map(|n| n as u32),
            block: block as u32,
            shared,
            lane: Lane::Main,
            after: Vec::new(),
            work: Work::default(),
        });
    }

    fn check(&mut self, check: impl Fn(&Ran) + 'static) {
        self.checks.push(Box::new(check));
    }

    /// Everything in the buffers after the launches, or why they ended.
    fn ran(&self, options: Options) -> Result<Ran> {
        let mut host = self.host(options)?;
        host.run(&self.program)?;
        let mut after = self.contents.clone();
        for (number, bytes) in after.iter_mut().enumerate() {
            host.read(BufferId(number), 0, bytes)?;
        }
        Ok(Ran { precision: self.precision, contents: after })
    }

    /// The kernels of all launches, and the buffers with what is in them.
    fn host(&self, options: Options) -> Result<Host> {
        let source = Source::new(self.precision, [&self.program]);
        let mut text = source.for_host(HEADER, FOOTER);
        if let Some((from, to)) = self.broken {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text = text.replace(from, to);
        }
        let mut host = Host::of_text(&text, source, &self.buffers, options)?;
        for (number, bytes) in self.contents.iter().enumerate() {
            host.write(BufferId(number), 0, bytes)?;
        }
        Ok(host)
    }

    /// Whether every launch has just as much shared memory as it needs: with 4 bytes less it ends.
    fn needs_all_its_shared_memory(&self) {
        #[cfg(feature = "cuda")]
        if crate::ops::cuda::tests::gpu().is_some() {
            return;
        }
        for launch in self.program.launches.iter() {
            let less = Launch { shared: launch.shared - 4, ..launch.clone() };
            let program = Program { name: "less".into(), launches: Arc::new(vec![less]) };
            let said = self.host(Options::default()).unwrap().run(&program).unwrap_err().to_string();
            assert!(said.contains("beyond its shared memory"), "{}: {said}", launch.kernel);
        }
    }

    /// The same on a GPU.
    #[cfg(feature = "cuda")]
    fn ran_on(&self, device: &candle_core::Device) -> Ran {
        let source = Source::new(self.precision, [&self.program]);
        let device = device.as_cuda_device().unwrap();
        let mut gpu = crate::ops::cuda::device::Gpu::new(device, source, self.buffers.clone(), None).unwrap();
        for (number, bytes) in self.contents.iter().enumerate() {
            gpu.write(BufferId(number), 0, bytes).unwrap();
        }
        gpu.run(&self.program).unwrap();
        let mut after = self.contents.clone();
        for (number, bytes) in after.iter_mut().enumerate() {
            gpu.read(BufferId(number), 0, bytes).unwrap();
        }
        Ran { precision: self.precision, contents: after }
    }

    /// Runs, and checks. Where there is a GPU the same is asked of it, and not of the host.
    fn run(self) {
        #[cfg(feature = "cuda")]
        if let Some(device) = crate::ops::cuda::tests::gpu() {
            let (one, other) = (self.ran_on(&device), self.ran_on(&device));
            assert!(one.contents == other.contents, "the GPU gives other bits the second time");
            return self.checks.iter().for_each(|check| check(&one));
        }
        let options = Options::of_environment();
        let one = self.ran(options).unwrap();
        let other = self.ran(Options { backwards: true, ..options }).unwrap();
        for (number, (one, other)) in one.contents.iter().zip(&other.contents).enumerate() {
            assert!(one == other, "buffer {number} depends on the order of blocks or threads");
        }
        self.checks.iter().for_each(|check| check(&one));
    }
}

/// The buffers after the launches.
struct Ran {
    precision: Precision,
    contents: Vec<Vec<u8>>,
}

impl Ran {
    fn bytes(&self, place: Address) -> &[u8] {
        &self.contents[place.buffer.0]
    }

    fn floats(&self, place: Address) -> Vec<f32> {
        self.bytes(place).as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    fn doubles(&self, place: Address) -> Vec<f64> {
        self.bytes(place).as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
    }

    fn ints(&self, place: Address) -> Vec<i32> {
        self.bytes(place).as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()
    }

    fn maps(&self, place: Address) -> Vec<f32> {
        match self.precision {
            Precision::Bf16 => {
                let bits = self.bytes(place).as_chunks().0.iter();
                bits.map(|bytes| from_bf16(u16::from_le_bytes(*bytes))).collect()
            }
            _ => self.floats(place),
        }
    }
}

/// A kernel's arguments: `args!(maps: place, channels: 3)`.
macro_rules! args {
    ($($name:ident: $value:expr),* $(,)?) => {
        vec![$((stringify!($name), $crate::ops::cuda::host::tests::Into_::into_($value))),*]
    };
}
use args;

/// What can be an argument.
trait Into_ {
    fn into_(self) -> Arg;
}

impl Into_ for Address {
    fn into_(self) -> Arg {
        Arg::At(self)
    }
}

impl Into_ for Option<Address> {
    fn into_(self) -> Arg {
        self.map_or(Arg::Nowhere, Arg::At)
    }
}

impl Into_ for usize {
    fn into_(self) -> Arg {
        Arg::Int(self as i32)
    }
}

impl Into_ for f32 {
    fn into_(self) -> Arg {
        Arg::Float(self)
    }
}
