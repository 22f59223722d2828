//! The compiler of the driver's makers, NVRTC, and how what it made is kept.
#![expect(unsafe_code, reason = "the compiler's functions are foreign")]

use std::ffi::CString;
use std::fmt::{self, Write};

use candle_core::cuda_backend::cudarc::nvrtc::{result, sys};
use candle_core::{Error, Result};
use sha2::{Digest, Sha256};

use crate::arch::words::Precision;

/// C++17, and arithmetic as IEEE 754 has it: neither approximate division nor numbers too small taken as 0.
/// A product and a sum may become one operation, always the same for one compiler and GPU.
const OPTIONS: [&str; 2] = ["--std=c++17", "--fmad=true"];

/// Kernels are optimised on all processors, by a compiler from this version on. Their number changes nothing
/// in what comes out.
const PARALLEL: &str = "--split-compile=0";
const PARALLEL_FROM: (i32, i32) = (13, 0);

/// The oldest GPUs: for f32, and with matrix units for TF32 and bf16.
const OLDEST: u32 = 75;
const OLDEST_WITH_MATRICES: u32 = 80;

/// Lines of the compiler's own words in an error.
const LINES: usize = 12;

/// What is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Ten times the compute capability.
    compute: u32,
    /// Whether this compiler makes machine code for it; else PTX, which the driver compiles further.
    known: bool,
    /// The compiler's version.
    version: (i32, i32),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", if self.known { "sm" } else { "compute" }, self.compute)
    }
}

impl Target {
    /// For a GPU of ten times its compute capability.
    pub(super) fn of(compute: u32, precision: Precision) -> Result<Self> {
        let (version, supported) = compiler()?;
        choose(compute, precision, version, &supported)
    }

    /// What the compiler is told.
    fn options(&self) -> Vec<String> {
        let parallel = (self.version >= PARALLEL_FROM).then_some(PARALLEL);
        let mut options: Vec<String> = OPTIONS.into_iter().chain(parallel).map(str::to_owned).collect();
        options.push(format!("--gpu-architecture={self}"));
        options
    }

    /// A name for what comes of `text`, the same only where that is the same.
    pub(super) fn key(&self, text: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{:?} {:?}\n", self.version, self.options()));
        hasher.update(text);
        hasher.finalize().iter().fold(String::new(), |mut key, byte| {
            // Writing to a String cannot fail.
            let _ = write!(key, "{byte:02x}");
            key
        })
    }
}

fn choose(compute: u32, precision: Precision, version: (i32, i32), supported: &[u32]) -> Result<Target> {
    let told = |compute: u32| format!("{}.{}", compute / 10, compute % 10);
    let least = if precision == Precision::F32 { OLDEST } else { OLDEST_WITH_MATRICES };
    if compute < least {
        let text =
            format!("the GPU is of compute capability {}, {} or newer is needed", told(compute), told(least));
        return Err(Error::Msg(text));
    }
    if supported.contains(&compute) {
        return Ok(Target { compute, known: true, version });
    }
    let near = supported.iter().copied().filter(|&other| other >= least && other < compute).max();
    let Some(near) = near else {
        let (major, minor) = version;
        let text = format!("NVRTC {major}.{minor} does not compile for compute capability {}", told(compute));
        return Err(Error::Msg(text));
    };
    Ok(Target { compute: near, known: false, version })
}

/// Version of the compiler, and the architectures it makes machine code for.
fn compiler() -> Result<((i32, i32), Vec<u32>)> {
    let (mut major, mut minor, mut count) = (0, 0, 0);
    // SAFETY: numbers are written to the variables pointed to.
    unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }.result().map_err(missing)?;
    // SAFETY: as above.
    unsafe { sys::nvrtcGetNumSupportedArchs(&raw mut count) }.result().map_err(missing)?;
    let mut found = vec![0; usize::try_from(count).unwrap_or_default()];
    // SAFETY: `count` numbers are written to as many.
    unsafe { sys::nvrtcGetSupportedArchs(found.as_mut_ptr()) }.result().map_err(missing)?;
    Ok(((major, minor), found.into_iter().map(|arch| arch as u32).collect()))
}

fn missing(error: result::NvrtcError) -> Error {
    Error::Msg(format!(
        "the compiler for CUDA kernels, NVRTC, does not answer ({error}): install CUDA's libnvrtc, of the \
         version this program was built with, where the loader finds it (LD_LIBRARY_PATH)"
    ))
}

/// A program of the compiler.
struct Unit(sys::nvrtcProgram);

impl Drop for Unit {
    fn drop(&mut self) {
        // SAFETY: created once, and destroyed here only.
        let _ = unsafe { sys::nvrtcDestroyProgram(&raw mut self.0) };
    }
}

impl Unit {
    fn new(text: &str) -> Result<Self> {
        let text = CString::new(text).map_err(Error::wrap)?;
        // The compiler keeps a copy of the text.
        result::create_program(&text, Some(c"kernels.cu")).map(Self).map_err(missing)
    }

    fn compile(&self, options: &[String]) -> std::result::Result<(), result::NvrtcError> {
        // SAFETY: the program is alive.
        unsafe { result::compile_program(self.0, options) }
    }

    /// The compiler's words.
    fn log(&self) -> String {
        // SAFETY: the program is alive.
        let log = unsafe { result::get_program_log(self.0) }.unwrap_or_default();
        let bytes: Vec<u8> = log.into_iter().map(|byte| byte as u8).take_while(|&byte| byte != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Machine code.
    fn cubin(&self) -> std::result::Result<Vec<u8>, result::NvrtcError> {
        let mut size = 0;
        // SAFETY: the program is alive, and a number is written to the variable pointed to.
        unsafe { sys::nvrtcGetCUBINSize(self.0, &raw mut size) }.result()?;
        let mut bytes = vec![0u8; size];
        // SAFETY: as many bytes are written as there are.
        unsafe { sys::nvrtcGetCUBIN(self.0, bytes.as_mut_ptr().cast()) }.result()?;
        Ok(bytes)
    }

    /// PTX with the zero that ends it.
    fn ptx(&self) -> std::result::Result<Vec<u8>, result::NvrtcError> {
        // SAFETY: the program is alive.
        let text = unsafe { result::get_ptx(self.0) }?;
        Ok(text.into_iter().map(|byte| byte as u8).collect())
    }
}

/// Compiles CUDA C++ to what a driver loads.
pub(super) fn compile(text: &str, target: &Target) -> Result<Vec<u8>> {
    let unit = Unit::new(text)?;
    unit.compile(&target.options()).map_err(|error| {
        let log = unit.log();
        let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).take(LINES).collect();
        Error::Msg(format!("the kernels do not compile for {target} ({error}):\n{}", lines.join("\n")))
    })?;
    let image = if target.known { unit.cubin() } else { unit.ptx() };
    image.map_err(|error| Error::Msg(format!("NVRTC made nothing for {target} ({error})")))
}

/// Bytes of a hash.
const SEAL: usize = 32;

/// `image` with its hash before it: the driver reads what it is given without knowing where it ends.
pub(super) fn sealed(image: &[u8]) -> Vec<u8> {
    let mut bytes = Sha256::digest(image).to_vec();
    bytes.extend_from_slice(image);
    bytes
}

/// The image in `bytes`, if it is whole.
pub(super) fn opened(bytes: &[u8]) -> Option<Vec<u8>> {
    let (seal, image) = bytes.split_at_checked(SEAL)?;
    (Sha256::digest(image).as_slice() == seal).then(|| image.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: (i32, i32) = (13, 0);

    fn target(compute: u32, precision: Precision, supported: &[u32]) -> Result<String> {
        choose(compute, precision, VERSION, supported).map(|target| target.to_string())
    }

    #[test]
    fn machine_code_is_made_for_a_gpu_the_compiler_knows_and_ptx_for_one_it_does_not() {
        let supported = [75, 80, 90];
        assert_eq!(target(90, Precision::F32, &supported).unwrap(), "sm_90");
        assert_eq!(target(120, Precision::Bf16, &supported).unwrap(), "compute_90");
        assert_eq!(target(86, Precision::Tf32, &supported).unwrap(), "compute_80");
    }

    #[test]
    fn a_gpu_that_is_too_old_is_told_what_is_needed() {
        let told = |compute, precision| target(compute, precision, &[75, 80]).unwrap_err().to_string();
        assert_eq!(told(70, Precision::F32), "the GPU is of compute capability 7.0, 7.5 or newer is needed");
        assert_eq!(told(75, Precision::Bf16), "the GPU is of compute capability 7.5, 8.0 or newer is needed");
        let none = target(75, Precision::F32, &[90]).unwrap_err().to_string();
        assert_eq!(none, "NVRTC 13.0 does not compile for compute capability 7.5");
    }

    #[test]
    fn a_key_tells_text_architecture_and_compiler_apart() {
        let target = |compute, version| Target { compute, known: true, version };
        let one = target(90, VERSION).key("text");
        assert_eq!(one, target(90, VERSION).key("text"));
        assert!(one.len() == 64 && one.chars().all(|c| c.is_ascii_hexdigit()));
        for other in [
            target(90, VERSION).key("texts"),
            target(80, VERSION).key("text"),
            target(90, (13, 1)).key("text"),
            Target { known: false, ..target(90, VERSION) }.key("text"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn an_image_comes_back_whole_or_not_at_all() {
        let bytes = sealed(b"image");
        assert_eq!(opened(&bytes).as_deref(), Some(&b"image"[..]));
        assert_eq!(opened(&bytes[..bytes.len() - 1]), None);
        assert_eq!(opened(b"short"), None);
    }
}
