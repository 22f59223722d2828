//! `curves` and `--tensorboard`: what a journal says in figures comes out whole, each step once, or not at all.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use program::{Place, Said};

/// A place with a run of two epochs that is complete.
fn trained() -> Place {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    place
}

fn curves(place: &Place, more: &[&str]) -> Said {
    place.say(&[&["curves"], more].concat())
}

/// The lines of a table, each as its fields by the names of their columns.
fn rows(csv: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = csv.lines().map(|line| line.split(',').map(str::to_owned));
    let names: Vec<String> = lines.next().unwrap().collect();
    let rows: Vec<Vec<String>> = lines.map(Iterator::collect).collect();
    assert!(rows.iter().all(|row| row.len() == names.len()), "{csv}");
    rows.into_iter().map(|row| names.iter().cloned().zip(row).collect()).collect()
}

/// A column, where it says anything.
fn column(rows: &[BTreeMap<String, String>], name: &str) -> Vec<f64> {
    let fields = rows.iter().map(|row| row[name].as_str()).filter(|field| !field.is_empty());
    fields.map(|field| field.parse().unwrap()).collect()
}

fn journal(place: &Place, run: &str) -> PathBuf {
    place.run_dir(run).join("journal.jsonl")
}

/// Every file below `directory`, relative to it.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(directory).unwrap().to_owned());
            }
        }
    }
    files
}

/// The data of every record in an event file, whose lengths must add up.
fn records(file: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(file).unwrap();
    let (mut rest, mut records) = (&bytes[..], Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        records.push(rest[12..12 + length].to_vec());
        rest = &rest[12 + length + 4..];
    }
    records
}

fn count(records: &[Vec<u8>], word: &str) -> usize {
    records.iter().filter(|record| record.windows(word.len()).any(|part| part == word.as_bytes())).count()
}

#[test]
fn the_journal_comes_out_as_csv_with_the_figures_of_steps_epochs_and_the_test() {
    let place = trained();
    let said = curves(&place, &["a"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(said.stdout.starts_with("step,timestamp,event,epoch,steps,train_loss,train_accuracy,"));
    let rows = rows(&said.stdout);
    let events: Vec<serde_json::Value> = fs::read_to_string(journal(&place, "a"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    let told = |name: &str, pick: fn(&serde_json::Value) -> f64| -> Vec<f64> {
        of(name).into_iter().map(pick).collect()
    };
    assert_eq!(column(&rows, "train_loss"), told("step", |event| event["loss"].as_f64().unwrap()));
    assert_eq!(column(&rows, "steps").iter().sum::<f64>(), 8.0);
    let validation = told("epoch", |event| event["validation"]["accuracy"].as_f64().unwrap());
    assert_eq!((validation.len(), column(&rows, "validation_accuracy")), (2, validation));
    let test = told("finished", |event| event["test"]["loss"].as_f64().unwrap());
    assert_eq!(column(&rows, "test_loss"), test);
    assert!(rows.iter().all(|row| row["timestamp"].ends_with('Z')));
}

#[test]
fn steps_that_a_resumed_run_repeats_are_in_the_table_once() {
    let place = trained();
    // As after a kill: the first epoch was the last that was saved, and the second is done again.
    let text = fs::read_to_string(journal(&place, "a")).unwrap();
    let (head, _) = text.split_once('\n').unwrap();
    let again = head.replacen(r#""step":0"#, r#""step":4"#, 1);
    assert_ne!(head, again);
    let second: String = text
        .lines()
        .filter(|line| line.contains(r#""epoch":2"#))
        .fold(String::new(), |second, line| second + &line.replacen(r#""loss":"#, r#""loss":7"#, 1) + "\n");
    let mut file = File::options().append(true).open(journal(&place, "a")).unwrap();
    write!(file, "{again}\n{second}").unwrap();
    let said = curves(&place, &["a"]);
    let rows = rows(&said.stdout);
    assert_eq!(column(&rows, "steps").iter().sum::<f64>(), 8.0);
    assert_eq!(column(&rows, "validation_accuracy").len(), 2);
    // The later ones count.
    let last: Vec<f64> = rows
        .iter()
        .filter(|row| row["epoch"] == "2")
        .map(|row| row["train_loss"].clone())
        .filter(|loss| !loss.is_empty())
        .map(|loss| loss.parse().unwrap())
        .collect();
    assert!(!last.is_empty() && last.iter().all(|loss| *loss >= 7.0), "{last:?}");
    // What was told of the test belongs to what was discarded.
    assert_eq!(column(&rows, "test_loss"), Vec::<f64>::new());
}

#[test]
fn several_runs_are_one_table_with_a_column_of_their_names() {
    let place = trained();
    assert_eq!(place.train(&["--name", "b", "--seed", "1"]).code, Some(0));
    let directory = place.run_dir("b");
    let said = curves(&place, &["a", directory.to_str().unwrap(), "-o", "both.csv"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""));
    let text = fs::read_to_string(place.path().join("both.csv")).unwrap();
    assert!(text.starts_with("run,step,timestamp,"));
    let rows = rows(&text);
    for run in ["a", "b"] {
        let alone = curves(&place, &[run]).stdout;
        assert_eq!(rows.iter().filter(|row| row["run"] == run).count(), alone.lines().count() - 1);
    }
    assert_eq!(files(place.path()).iter().filter(|file| file.ends_with(".both.csv.tmp")).count(), 0);
}

#[test]
fn for_tensorboard_each_run_has_a_directory_with_one_file_and_writing_it_again_replaces_it() {
    let place = trained();
    let board = place.path().join("board");
    for _ in 0..2 {
        let said = curves(&place, &["a", "--tensorboard", "board"]);
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""));
    }
    let files = files(&board);
    let [file] = &files[..] else { panic!("{files:?}") };
    assert!(file.starts_with("a") && file.to_str().unwrap().contains("events.out.tfevents."), "{file:?}");
    let records = records(&board.join(file));
    assert_eq!(count(&records, "brain.Event:2"), 1);
    assert_eq!(count(&records, "validation/accuracy"), 2 + 1);
    assert_eq!(count(&records, "test/accuracy"), 1 + 1);
    for tag in ["_hparams_/experiment", "_hparams_/session_start_info", "_hparams_/session_end_info"] {
        assert_eq!(count(&records, tag), 1, "{tag}");
    }
    assert_eq!(count(&records, "    batch_size = 16"), 1);
}

#[test]
fn a_run_writes_the_same_for_tensorboard_while_it_is_trained_and_goes_on_there_when_it_is_resumed() {
    let place = Place::new();
    let said = place.train(&["--name", "a", "--tensorboard", "board", "--steps", "6"]);
    assert_eq!((said.code, said.stderr.contains("warning")), (Some(0), false), "{said:?}");
    let said = place.say(&["--no-ui", "--resume", "a", "--steps", "8", "--tensorboard", "board"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let board = place.path().join("board");
    let mut files = files(&board);
    files.sort();
    assert_eq!(files.len(), 2);
    let [first, second] = [&files[0], &files[1]].map(|file| records(&board.join(file)));
    let steps = |records: &[Vec<u8>]| count(records, "train/loss");
    assert!(steps(&first) > 0 && steps(&second) > 0);
    // The second takes back what the first told of later steps, of which there are none here.
    let restart = second.iter().filter(|record| record[9..] == [0x10, 7, 0x3a, 2, 0x08, 1]).count();
    assert_eq!((restart, count(&second, "_hparams_/session_end_info")), (1, 1));
    // The table would have every step twice.
    let refused = curves(&place, &["a", "--tensorboard", "board"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("it has event files already"), "{}", refused.stderr);
}

#[test]
fn a_run_goes_on_where_nothing_can_be_written_for_tensorboard_with_one_warning() {
    let place = Place::new();
    fs::create_dir(place.path().join("board")).unwrap();
    fs::write(place.path().join("board/a"), "in its place").unwrap();
    let said = place.train(&["--name", "a", "--tensorboard", "board"]);
    assert_eq!(said.code, Some(0));
    assert_eq!(said.last()["outcome"], "completed");
    let warnings: Vec<&str> = said.stderr.lines().filter(|line| line.starts_with("warning:")).collect();
    assert_eq!(warnings.len(), 1, "{}", said.stderr);
    assert!(warnings[0].ends_with("The run continues without it."), "{}", warnings[0]);
}

#[test]
fn what_cannot_be_used_is_one_sentence_with_exit_code_2_and_leaves_nothing_behind() {
    let place = trained();
    fs::create_dir_all(place.run_dir("silent").join("checkpoints")).unwrap();
    fs::create_dir_all(place.run_dir("noisy").join("checkpoints")).unwrap();
    fs::write(journal(&place, "noisy"), "noise\n").unwrap();
    fs::write(place.path().join("file"), "").unwrap();
    let before = files(place.path());
    for (args, sentence) in [
        (&["b"][..], "there is no such file and no such run"),
        (&["./file"], "it is a file, not a run"),
        (&["a", "silent"], "it does not exist; without it the run has no curves"),
        (&["a", "noisy", "-o", "x.csv"], "no line of it can be read"),
        (&["a", "silent", "--tensorboard", "board"], "without it the run has no curves"),
        (&["a", "a"], "two of the runs are called so"),
        (&["a", "--tensorboard", "file"], "it is no directory; choose another directory for --tensorboard"),
        (&["a", "--tensorboard", "file/board"], "a part of its path is no directory"),
        (&["a", "-o", "nowhere/x.csv"], "its directory does not exist; choose another --output"),
        (&["a", "-o", "."], "it cannot be written (it is a directory, not a file)"),
    ] {
        let said = curves(&place, args);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(said.stderr.starts_with("error: ") && said.stderr.contains(sentence), "{}", said.stderr);
        assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
        assert_eq!(files(place.path()), before, "{args:?}");
    }
    let said = place.train(&["--name", "b", "--tensorboard", "file"]);
    assert!(said.code == Some(2) && said.stderr.contains("it is no directory"), "{said:?}");
    assert!(!place.run_dir("b").exists());
}

#[test]
fn damaged_lines_are_left_out_and_counted_and_everything_else_is_written() {
    let place = trained();
    let whole = curves(&place, &["a"]).stdout;
    let text = fs::read_to_string(journal(&place, "a")).unwrap();
    fs::write(journal(&place, "a"), text.replacen('\n', "\nnoise\n\u{0}\n", 1)).unwrap();
    let said = curves(&place, &["a"]);
    assert_eq!((said.code, said.stdout), (Some(1), whole));
    assert!(said.stderr.ends_with("journal.jsonl: 2 of its lines are damaged and were left out.\n"));
}

#[test]
fn a_full_disk_is_a_failure_and_a_directory_that_is_closed_is_refused() {
    let place = trained();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = place.command(&["curves", "a"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && stderr.contains("the disk is full"), "{stderr}");
    // A limit for files stands for the disk: the signal that comes with it is ignored.
    let limited = |line: &str| {
        let program = env!("CARGO_BIN_EXE_densenet-tui");
        let line = format!("ulimit -f 0; exec {program} curves a {line}");
        let output = place.command_of("sh", &["-c", &line]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for line in ["-o x.csv", "--tensorboard board"] {
        let (code, stderr) = limited(line);
        assert!(code == Some(1) && stderr.contains("it could not be written because"), "{line}: {stderr}");
    }
    assert!(!place.path().join("board").exists() && !place.path().join("x.csv").exists());
    let closed = place.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    // The administrator may write everywhere.
    if File::create(closed.join("try")).is_err() {
        let said = curves(&place, &["a", "--tensorboard", "closed/board"]);
        assert!(said.code == Some(2) && said.stderr.contains("permission is denied"), "{said:?}");
    }
}
