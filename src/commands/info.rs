//! `info`: paths, devices and versions.

use serde_json::json;

use crate::cli::usable_threads;
use crate::commands::Context;
use crate::engine;
use crate::headless::{print_json, print_line};
use crate::monitor::Exit;

/// Prints versions, devices and the paths of config, state, runs and data sets.
pub(crate) fn info(context: &Context, json: bool) -> Exit {
    let (version, candle) = (env!("CARGO_PKG_VERSION"), "0.11.1");
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let cuda = cfg!(feature = "cuda");
    let runs = context.config.runs_dir.clone().unwrap_or_else(|| context.paths.runs());
    let config = context.paths.config_file();
    let state = context.paths.state_file();
    let datasets = context.paths.datasets();
    let devices = engine::describe_devices();
    if json {
        // Paths need not be UTF-8, JSON must be.
        let [config, state, runs, datasets] =
            [&config, &state, &runs, &datasets].map(|path| path.to_string_lossy());
        let info = json!({
            "version": version, "candle": candle, "build": build, "cuda": cuda, "threads": usable_threads(),
            "devices": devices, "config": config, "state": state, "runs": runs,
            "datasets": datasets,
        });
        print_json(&info.to_string());
    } else {
        print_line(&format!("densenet-tui {version} ({build} build), candle {candle}"));
        print_line(&format!("devices  {}; {} threads", devices.join("; "), usable_threads()));
        print_line(&format!("config   {}", config.display()));
        print_line(&format!("state    {}", state.display()));
        print_line(&format!("runs     {}", runs.display()));
        print_line(&format!("datasets {}", datasets.display()));
    }
    Exit::FINE
}
