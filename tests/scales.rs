//! Prints how large outputs and gradients are in each layer of trained networks, for `tests/peer/connectivity.py`.

#[path = "support/options.rs"]
mod options;

use std::path::Path;

use densenet_tui::engine::{EngineOptions, spawn};
use densenet_tui::protocol::command::Split;
use densenet_tui::protocol::{Answer, CheckpointQuery, Command, Event, Question};
use options::options;

#[test]
#[ignore = "needs trained runs in DENSENET_TUI_RUNS"]
fn every_layer_of_the_runs_has_its_scales() {
    let runs = std::env::var("DENSENET_TUI_RUNS").unwrap();
    for run in runs.split(':').map(Path::new) {
        let options = options(run.parent().unwrap());
        let query = CheckpointQuery {
            target: run.into(),
            data: None,
            data_dir: None,
            split: Split::Validation,
            options,
        };
        let (link, _engine) = spawn(EngineOptions::default()).unwrap();
        link.commands.send(Command::Ask { id: 1, question: Question::Inspect(query) }).unwrap();
        let answer = link.events.iter().find_map(|stamped| match stamped.event {
            Event::Answered { answer, .. } => Some(answer.unwrap()),
            _ => None,
        });
        let Some(Answer::Inspection(found)) = answer.map(|answer| *answer) else { panic!("no inspection") };
        assert!(found.scales.iter().all(|row| row.gradient.is_some()), "{}", run.display());
        let scales = serde_json::json!({ "run": run.file_name().unwrap().to_str(), "scales": found.scales });
        println!("{scales}");
    }
}
