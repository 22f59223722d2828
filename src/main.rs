//! The binary: the exit code of what `densenet_tui::run` did.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(densenet_tui::run().0)
}
