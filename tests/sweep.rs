//! Sweeps, with the real program: what is run, what is decided, and that a killed one ends as the undisturbed one.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use program::{Place, Said};
use serde_json::Value;

/// Four trials of a network small enough for a test, with rungs of 1, 2 and 4 epochs.
const HALVED: &str = r#"name = "small"
[recipe]
data = "shapes"
layers = [1, 1]
bottleneck = false
train_limit = 60
validation = 20
batch_size = 16
epochs = 4
schedule = "cosine"
[grid]
growth_rate = [2, 4]
connectivity = ["dense", "plain"]
[search]
seeds = 2
halving = { from = 1, factor = 2 }
"#;

fn write(place: &Place, name: &str, text: &str) {
    fs::write(place.path().join(name), text).unwrap();
}

fn sweep(place: &Place, more: &[&str]) -> Said {
    place.say(&[&["sweep", "s.toml"], more].concat())
}

fn dir(place: &Place) -> PathBuf {
    place.run_dir(".sweeps").join("small")
}

/// The CSV without its last column, the times.
fn timeless(csv: &str) -> Vec<String> {
    csv.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect()
}

#[test]
fn a_sweep_ends_with_a_table_and_the_best_recipe_and_its_trials_are_runs() {
    let place = Place::new();
    write(&place, "s.toml", HALVED);
    let said = sweep(&place, &["--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let last = said.last();
    let trials = last["trials"].as_array().unwrap();
    let column = |key: &str| trials.iter().map(|row| row[key].clone()).collect::<Vec<Value>>();
    assert_eq!(column("state"), ["completed", "dropped", "dropped", "dropped"].map(Value::from));
    assert_eq!(column("epochs"), [4, 2, 1, 1].map(Value::from));
    assert_eq!(column("seeds"), [2, 2, 2, 2].map(Value::from));
    // 4 trials and 2 trials and 1, twice each.
    let results = said.events().iter().filter(|event| event["event"] == "result").count();
    assert_eq!(results, 14);
    // The means of a rung are the figures of its runs.
    let listed = place.say(&["runs", "--json", "--runs-dir", dir(&place).to_str().unwrap()]);
    let runs = listed.last()["runs"].as_array().unwrap().clone();
    assert_eq!(runs.len(), 8);
    let best = last["best"].as_str().unwrap();
    let accuracy = |run: &Value| run["summary"]["best"]["accuracy"].as_f64().unwrap();
    let of_best: Vec<f64> = runs
        .iter()
        .filter(|run| run["run"].as_str().unwrap().starts_with(&format!("small/{best}-")))
        .map(accuracy)
        .collect();
    let mean = of_best.iter().sum::<f64>() / 2.0;
    assert!((trials[0]["measure"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    // The best recipe is one that trains, and says where it is from.
    let recipe = dir(&place).join("best.toml");
    assert!(fs::read_to_string(&recipe).unwrap().starts_with(&format!("# {best} of the sweep small")));
    let again = place.say(&["--no-ui", "--json", "--name", "again", "--recipe", recipe.to_str().unwrap()]);
    assert_eq!(again.code, Some(0), "{again:?}");
    // Promoted by exact resume, it is the run that was never stopped.
    let (halved, whole) = (format!(".sweeps/small/{best}-s1"), "again");
    assert_eq!(place.tensors(&halved), place.tensors(whole));
}

#[test]
fn a_sweep_that_is_killed_ten_times_ends_with_the_table_of_the_undisturbed_one() {
    let (calm, place) = (Place::new(), Place::new());
    write(&calm, "s.toml", HALVED);
    write(&place, "s.toml", HALVED);
    let undisturbed = sweep(&calm, &["--csv"]);
    assert_eq!(undisturbed.code, Some(0), "{undisturbed:?}");
    for kill in 0..10_u64 {
        let mut running = place.start_with(&["sweep", "s.toml", "--continue", "--json"]);
        // Wherever it is then; the run under way is killed with it every other time.
        running.for_so_long(Duration::from_millis(37 * (kill * 7 % 11)));
        if kill % 2 == 0 {
            running.signal_tree("KILL");
        } else {
            running.signal("KILL");
        }
        running.end();
    }
    let disturbed = sweep(&place, &["--continue", "--csv"]);
    assert_eq!(disturbed.code, Some(0), "{disturbed:?}");
    assert_eq!(timeless(&disturbed.stdout), timeless(&undisturbed.stdout));
    let text = |place: &Place| sweep(place, &["--continue"]).stdout.split_once("trial").unwrap().1.to_owned();
    let rows =
        |text: String| text.lines().filter(|line| !line.starts_with("best")).collect::<Vec<_>>().join("\n");
    assert_eq!(rows(text(&place)), rows(text(&calm)));
}

#[test]
fn a_sweep_that_is_stopped_saves_and_goes_on() {
    let place = Place::new();
    write(&place, "s.toml", &HALVED.replace("epochs = 4", "epochs = 400"));
    let mut running = place.start_with(&["sweep", "s.toml", "--json"]);
    running.until("started");
    running.signal("TERM");
    let stopped = running.until("stopped");
    assert!(stopped["time"].is_number());
    assert_eq!(running.end(), Some(143));
    let refused = sweep(&place, &[]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("go on with it by --continue"), "{refused:?}");
    write(&place, "s.toml", &HALVED.replace("epochs = 4", "epochs = 5"));
    let other = sweep(&place, &["--continue"]);
    assert!(other.stderr.contains("was begun with `epochs` = 400 in its recipe, not 5"), "{other:?}");
    assert_eq!(other.code, Some(2));
}

#[test]
fn a_trial_that_diverges_or_fails_is_a_row_and_not_the_end() {
    let place = Place::new();
    let text = HALVED
        .replace("connectivity = [\"dense\", \"plain\"]", "lr = [0.1, 1e300]")
        .replace("halving = { from = 1, factor = 2 }", "parallel = 2");
    write(&place, "s.toml", &text);
    let said = sweep(&place, &["--csv"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let rows: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(rows.len(), 5);
    assert!(rows[1].contains(",completed,") && rows[2].contains(",completed,"), "{rows:?}");
    assert!(rows[3].contains(",failed,") && rows[4].contains("not finite"), "{rows:?}");
}

#[test]
fn a_sweep_that_cannot_be_is_refused_with_the_line() {
    let place = Place::new();
    for (from, to, line) in [
        ("growth_rate = [2, 4]", "growth_rate = []", "line 12: `growth_rate`: the list is empty"),
        ("growth_rate = [2, 4]", "groth_rate = [2]", "line 12: `groth_rate` is no key"),
        ("seeds = 2", "seed = -1", "line 15: "),
        ("epochs = 4", "epohcs = 4", "line 2: `epohcs` is no key"),
        (HALVED, "name = \"a\"\nrecipe = \"none.toml\"\n[grid]\nlr = [0.1]", "line 2: `recipe`: "),
    ] {
        write(&place, "s.toml", &HALVED.replace(from, to));
        let said = sweep(&place, &[]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.starts_with("error: s.toml: ") && said.stderr.contains(line), "{to}: {said:?}");
    }
    let many: Vec<String> = (1..=101).map(|number| number.to_string()).collect();
    let many = format!("growth_rate = [{0}]\nwidth = [{0}]", many.join(", "));
    write(&place, "s.toml", &HALVED.replace("growth_rate = [2, 4]", &many));
    let said = sweep(&place, &[]);
    assert!(said.code == Some(2) && said.stderr.contains("it has 20,402 trials; add --yes"), "{said:?}");
    assert!(!place.run_dir(".sweeps").exists());
}

#[test]
fn a_trial_finds_its_data_wherever_the_sweep_is_continued_from() {
    let place = Place::new();
    write(&place, "s.toml", &HALVED.replace("data = \"shapes\"", "data = \"folder:pictures\""));
    let said = sweep(&place, &["--csv"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let recipe = fs::read_to_string(dir(&place).join(".recipes/t1-s1.toml")).unwrap();
    let pictures = place.path().join("pictures");
    assert!(recipe.contains(&format!("data = \"folder:{}\"", pictures.display())), "{recipe}");
    assert!(said.stdout.lines().skip(1).all(|row| row.contains(",failed,")), "{said:?}");
}
