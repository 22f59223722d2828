//! `runs`: the runs on disk, newest first, all that are not archived or those that words choose.

use std::path::Path;

use serde_json::{Value, json};

use crate::commands::usage_error;
use crate::headless::{print_json, print_line};
use crate::monitor::Exit;
use crate::store::catalog::filter::Filter;
use crate::store::catalog::{self, Entry};

/// Lists the runs in `dir` for which all `words` hold.
pub(crate) fn runs(dir: &Path, words: &str, json: bool) -> Exit {
    let filter = match Filter::read(words) {
        Ok(filter) => filter,
        Err(sentence) => return usage_error(&sentence),
    };
    let all = catalog::list(dir);
    let entries: Vec<&Entry> = all.iter().filter(|run| filter.passes(run)).collect();
    if json {
        let runs: Vec<Value> = entries.iter().map(|run| to_json(run)).collect();
        print_json(&json!({ "runs_dir": dir.to_string_lossy(), "runs": runs }).to_string());
    } else if entries.is_empty() && !all.is_empty() && words.is_empty() {
        print_line(&format!("every run in {} is archived; `runs archived` lists them", dir.display()));
    } else if entries.is_empty() && !all.is_empty() {
        let (count, s) = (all.len(), if all.len() == 1 { "" } else { "s" });
        print_line(&format!("none of {count} run{s} in {} is like this", dir.display()));
    } else if entries.is_empty() {
        print_line(&format!("no runs in {}", dir.display()));
    } else {
        print_line(&format!(
            "{:<32} {:<11} {:<18} {:>15} {:>9} {:>9}",
            "run", "state", "network", "step", "best", "test"
        ));
        for entry in entries {
            print_line(&to_line(entry));
        }
    }
    Exit::FINE
}

fn to_json(entry: &Entry) -> Value {
    // Paths need not be UTF-8, JSON must be.
    let path = entry.path.to_string_lossy();
    let mut value = json!({ "run": entry.name, "path": path, "state": entry.state(), "live": entry.live, "labels": entry.labels });
    match &entry.summary {
        Ok(summary) => value["summary"] = json!(summary),
        Err(sentence) => value["problem"] = json!(sentence),
    }
    value
}

/// The line of a run, ending with its star and its tags.
fn to_line(entry: &Entry) -> String {
    let star = entry.labels.star.then(|| "*".to_owned());
    let mut words: Vec<String> = vec![figures(entry)];
    words.extend(star.into_iter().chain(entry.labels.tags.iter().map(|tag| format!("#{tag}"))));
    words.join(" ")
}

fn figures(entry: &Entry) -> String {
    let summary = match &entry.summary {
        Ok(summary) => summary,
        Err(sentence) => return format!("{:<32} {:<11} {sentence}", entry.name, entry.state()),
    };
    let percent =
        |accuracy: Option<f64>| accuracy.map_or("-".into(), |share| format!("{:.2} %", 100.0 * share));
    format!(
        "{:<32} {:<11} {:<18} {:>15} {:>9} {:>9}",
        entry.name,
        entry.state(),
        summary.network,
        format!("{}/{}", summary.step, summary.total_steps),
        percent(summary.best.map(|best| best.accuracy)),
        percent(summary.test.map(|test| test.accuracy)),
    )
}
