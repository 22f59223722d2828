//! The options of questions and runs that tests hand to the engine.

use std::path::Path;

use densenet_tui::protocol::Options;
use densenet_tui::protocol::command::{Device, SaveEvery};

/// On the CPU, in two threads, without the test split.
pub(crate) fn options(runs_dir: &Path) -> Options {
    Options {
        runs_dir: runs_dir.to_owned(),
        device: Device::Cpu,
        threads: 2,
        save_every: SaveEvery::default(),
        stop_after: None,
        no_test: true,
        skip_broken: false,
        reference: false,
    }
}
