//! The binary: runs `densenet_tui::run` and returns its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(densenet_tui::run().0)
}
