//! Kernels from text to a program, once for each text.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use candle_core::{Error, Result};

/// Only what the kernels fuse is fused; an address that a GPU would refuse for its alignment ends the program.
const FLAGS: &[&str] = &[
    "-std=c++20",
    "-O2",
    "-w",
    "-ffp-contract=off",
    "-fsanitize=alignment",
    "-fsanitize-undefined-trap-on-error",
];
const ADDRESS: &[&str] = &[
    "-std=c++20",
    "-O1",
    "-g1",
    "-w",
    "-ffp-contract=off",
    "-fsanitize=address,undefined",
    "-DHOST_ADDRESS_SANITIZER",
];
const THREAD: &[&str] =
    &["-std=c++20", "-O1", "-g1", "-w", "-ffp-contract=off", "-fsanitize=thread", "-DHOST_THREAD_SANITIZER"];

/// A compiler's check of every access to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sanitizer {
    /// AddressSanitizer, and undefined behaviour: finds what reads or writes beyond a buffer.
    Address,
    /// ThreadSanitizer: finds a place that two threads use with no barrier between.
    Thread,
}

/// The program of `text`. It is next to the executable of the tests, in `host-kernels`, and is kept there:
/// the next tests find it.
pub(super) fn compiled(text: &str, sanitizer: Option<Sanitizer>) -> Result<PathBuf> {
    /// Two compilers at once for the same text would be wasted.
    static COMPILING: Mutex<()> = Mutex::new(());
    let _alone = COMPILING.lock().unwrap_or_else(PoisonError::into_inner);
    let flags = match sanitizer {
        None => FLAGS,
        Some(Sanitizer::Address) => ADDRESS,
        Some(Sanitizer::Thread) => THREAD,
    };
    let compiler = compiler()?;
    let mut hasher = DefaultHasher::new();
    (text, flags, &compiler).hash(&mut hasher);
    let here = std::env::current_exe()?;
    let folder = here.parent().unwrap_or(Path::new(".")).join("host-kernels");
    let program = folder.join(format!("{:016x}", hasher.finish()));
    if program.exists() {
        return Ok(program);
    }
    fs::create_dir_all(&folder)?;
    // Beside it first, under a name that no other process has.
    let mine = program.with_extension(std::process::id().to_string());
    let source = program.with_extension(format!("{}.cpp", std::process::id()));
    fs::write(&source, text)?;
    let Output { status, stderr, .. } =
        Command::new(&compiler).args(flags).arg(&source).arg("-o").arg(&mine).output()?;
    if !status.success() {
        let said = String::from_utf8_lossy(&stderr);
        return Err(Error::msg(format!("the kernels do not compile on the host: {said}")));
    }
    fs::rename(&mine, &program)?;
    fs::remove_file(&source)?;
    Ok(program)
}

/// The command of the first compiler that answers.
fn compiler() -> Result<OsString> {
    let named = std::env::var_os("CXX").filter(|name| !name.is_empty());
    let choices = named.map_or_else(|| vec!["g++".into(), "clang++".into()], |name| vec![name]);
    let answers =
        |name: &OsString| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success());
    choices.iter().find(|name| answers(name)).cloned().ok_or_else(|| {
        Error::msg(format!(
            "the GPU's kernels run on the host with a C++20 compiler, and {} is not there: install g++ or \
             clang++, or name one in CXX",
            choices.join(", ".as_ref()).display()
        ))
    })
}
