//! Odd things in the place of a file: pipes, devices, directories, sizes that only a header claims. The program names
//! them and ends; it never waits.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use program::{Place, Said, TINY};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::Value;

/// Longer than any of these commands takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    _ = fs::remove_file(path);
    mkfifoat(CWD, path, Mode::RWXU).unwrap();
}

/// Runs the program to its end, or kills it and fails.
fn say(place: &Place, args: &[&str]) -> Said {
    let mut child = place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let reader = |mut from: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            from.read_to_string(&mut text).map(|_| text).unwrap()
        })
    };
    let stdout = reader(Box::new(child.stdout.take().unwrap()));
    let stderr = reader(Box::new(child.stderr.take().unwrap()));
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it waits: {args:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Said { code: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// The output for `args`, which must be refused as wrong input in one sentence about `path`.
fn refused(place: &Place, args: &[&str], path: &str) -> String {
    let said = say(place, args);
    assert_eq!(said.code, Some(2), "{args:?}: {said:?}");
    let last = said.stderr.lines().last().unwrap().to_owned();
    assert!(last.starts_with("error: ") && last.contains(path), "{args:?}: {said:?}");
    last
}

/// A folder of two classes with two small images each.
fn photos(place: &Place) -> PathBuf {
    let folder = place.path().join("photos");
    for (class, level) in [("dark", 20), ("light", 200)] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for n in 0..2 {
            let pixels = [b"P6 4 4 255\n".to_vec(), vec![level + n; 48]].concat();
            fs::write(folder.join(class).join(format!("{n}.ppm")), pixels).unwrap();
        }
    }
    folder
}

#[test]
fn a_pipe_a_device_or_a_directory_is_refused_wherever_a_file_is_to_be_read() {
    let place = Place::new();
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    pipe(Path::new(&at("pipe")));
    symlink(at("pipe"), at("link")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    for (path, what) in [
        (at("pipe"), "it is a named pipe, not a file"),
        (at("link"), "it is a named pipe, not a file"),
        (at("directory"), "it is a directory, not a file"),
        ("/dev/zero".into(), "it is a device, not a file"),
    ] {
        for args in [["summary", "--recipe", &path], ["verify", &path, "--json"]] {
            let sentence = refused(&place, &args, &path);
            assert!(sentence.contains(what), "{args:?}: {sentence}");
        }
        if what.contains("directory") {
            continue;
        }
        for args in [["evaluate", &path, "--json"], ["--no-ui", "--resume", &path]] {
            let sentence = refused(&place, &args, &path);
            assert!(sentence.contains(what), "{args:?}: {sentence}");
        }
    }
    pipe(&place.path().join("config/densenet-tui/config.toml"));
    assert!(refused(&place, &["info"], "config.toml").contains("it is a named pipe"));
}

#[test]
fn a_pipe_among_the_images_is_named_and_nothing_is_trained() {
    let place = Place::new();
    let folder = photos(&place);
    pipe(&place.path().join("pipe"));
    let train = [
        "--no-ui",
        "--data",
        "folder:photos",
        "--layers",
        "1",
        "--growth-rate",
        "1",
        "--steps",
        "1",
        "--name",
        "a",
    ];
    for (name, make) in [("x.png", None), ("y.png", Some("pipe")), ("z.jpg", Some("/dev/zero"))] {
        let odd = folder.join("dark").join(name);
        match make {
            None => pipe(&odd),
            Some(target) if target.starts_with('/') => symlink(target, &odd).unwrap(),
            Some(target) => symlink(place.path().join(target), &odd).unwrap(),
        }
        let sentence = refused(&place, &train, name);
        assert!(sentence.contains("not a file; repair it, take it away, or leave it out with"), "{sentence}");
        assert!(!place.run_dir("a").exists());
        fs::remove_file(odd).unwrap();
    }
    assert_eq!(say(&place, &train).code, Some(0));
}

#[test]
fn an_image_that_only_claims_to_be_huge_is_refused_at_once() {
    let place = Place::new();
    let folder = photos(&place);
    let train = ["--no-ui", "--data", "folder:photos", "--layers", "1", "--growth-rate", "1", "--steps", "1"];
    let side = 65_535u32.to_le_bytes();
    let head = [b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".as_slice(), &side, &side];
    let bitmap = [&head.concat(), b"\x01\0\x18\0".as_slice(), &[0; 24]].concat();
    fs::write(folder.join("dark/x.bmp"), bitmap).unwrap();
    assert!(refused(&place, &train, "x.bmp").contains("it has 65535 x 65535 pixels, more than are read"));
    fs::remove_file(folder.join("dark/x.bmp")).unwrap();
    let sparse = fs::File::create(folder.join("dark/x.jpg")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert!(refused(&place, &train, "x.jpg").contains(": it has more than 536870912 bytes; "));
}

#[test]
fn a_pipe_in_place_of_any_file_of_cifar_is_named_in_either_layout() {
    let place = Place::new();
    for (data, folder, names, first) in [
        ("cifar10", "cifar-10-batches-bin", "batches.meta.txt", "data_batch_1.bin"),
        ("cifar10", "cifar-10-batches-py", "batches.meta", "data_batch_1"),
        ("cifar100", "cifar-100-binary", "fine_label_names.txt", "train.bin"),
        ("cifar100", "cifar-100-python", "meta", "train"),
    ] {
        let train = ["--no-ui", "--data", data, "--data-dir", folder, "--steps", "1"];
        for name in [names, first] {
            let odd = place.path().join(folder).join(name);
            pipe(&odd);
            let sentence = refused(&place, &train, name);
            assert!(sentence.contains("it is a named pipe, not a file"), "{sentence}");
            fs::remove_file(odd).unwrap();
        }
    }
}

#[test]
fn a_pickle_whose_size_only_its_shape_claims_is_refused_at_once() {
    let place = Place::new();
    let folder = place.path().join("cifar-10-batches-py");
    fs::create_dir(&folder).unwrap();
    // {"data": an empty array of 2^62 rows and no columns, columns side by side}.
    let array = [
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R".as_slice(),
        b"(K\x01\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40K\x00\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R\x88U\x00tb",
        b"U\x06labels]u.",
    ];
    fs::write(folder.join("data_batch_1"), array.concat()).unwrap();
    let train = ["--no-ui", "--data", "cifar10", "--data-dir", "cifar-10-batches-py", "--steps", "1"];
    let sentence = refused(&place, &train, "data_batch_1");
    assert!(sentence.contains("its `data` is 4611686018427387904 x 0, not 10000 x 3072"), "{sentence}");
}

#[test]
fn a_golden_file_is_held_to_its_header_before_anything_is_made_of_it() {
    let golden =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/decay.safetensors")).unwrap();
    let length = u64::from_le_bytes(golden[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&golden[8..8 + length]).unwrap();
    let place = Place::new();
    let claim = |key: &str, value: &str, reason: &str| {
        let mut header = header.clone();
        header["__metadata__"][key] = value.into();
        let header = header.to_string();
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &golden[8 + length..]].concat();
        fs::write(place.path().join("golden.safetensors"), bytes).unwrap();
        let sentence = refused(&place, &["verify", "golden.safetensors"], "golden.safetensors");
        assert!(sentence.contains(reason), "{key} = {value}: {sentence}");
    };
    claim("classes", "1000000000000", "its network cannot be: `data`: 1000000000000 classes");
    claim("classes", "60000", "the tensor `classifier.bias` has the shape [100], this network needs [60000]");
    claim("steps", "18446744073709551615", "it has no tensor `logits.3`");
    claim("layers", "9000", "this network needs [100, 36006]");
    claim("layers", "18446744073709551615,1", "its network cannot be: `layers`: more than 10000");
    claim("growth_rate", "4096", "this network needs [100, 4102]");
    claim("stem", "60000", "this network needs [100, 60004]");
    claim("stem", &"9".repeat(100_000), "which cannot be");
    // A tensor that claims a size of its own, and one that lies behind the end of the file.
    for (key, value, reason) in [
        ("shape", serde_json::json!([1u64 << 62, 0, 3, 3]), "its images are not"),
        (
            "data_offsets",
            serde_json::json!([1u64 << 40, (1u64 << 40) + 24_576]),
            "`images` cannot be used (unexpected",
        ),
        ("data_offsets", serde_json::json!([0, u64::MAX]), "`images` cannot be used (its place"),
    ] {
        let mut header = header.clone();
        header["images"][key] = value;
        let header = header.to_string();
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &golden[8 + length..]].concat();
        fs::write(place.path().join("golden.safetensors"), bytes).unwrap();
        let sentence = refused(&place, &["verify", "golden.safetensors"], "golden.safetensors");
        assert!(sentence.contains(reason), "{key}: {sentence}");
    }
}

#[test]
fn a_pipe_in_a_run_is_a_damaged_run_among_sound_ones() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "sound"]).code, Some(0));
    for name in ["summary.json", "journal.jsonl", "recipe.toml"] {
        pipe(&place.run_dir(name).join(name));
    }
    pipe(&place.run_dir("both").join("summary.json"));
    fs::create_dir(place.run_dir("both").join("checkpoints")).unwrap();
    pipe(&place.run_dir("both").join("checkpoints/step-00000004.safetensors"));
    let listed = say(&place, &["runs", "--json"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let runs = listed.last()["runs"].clone();
    let mut states: Vec<(&str, &str)> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["run"].as_str().unwrap(), run["state"].as_str().unwrap()))
        .collect();
    states.sort_unstable();
    let damaged = |name| (name, "damaged");
    let expected = [
        damaged("both"),
        damaged("journal.jsonl"),
        damaged("recipe.toml"),
        ("sound", "completed"),
        damaged("summary.json"),
    ];
    assert_eq!(states, expected);
    let lines = say(&place, &["runs"]).stdout;
    assert!(lines.contains("it cannot be read because it is a named pipe, not a file; "), "{lines}");
    assert!(
        lines.contains("the run has no checkpoint to go on from, so delete it and start another."),
        "{lines}"
    );
    let sentence = refused(&place, &["--no-ui", "--resume", "both"], "step-00000004.safetensors");
    assert!(sentence.contains("it is a named pipe, not a file; there is no older good one"), "{sentence}");
}

#[test]
fn a_run_goes_on_where_its_summary_is_a_pipe_and_not_where_its_journal_is() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a", "--steps", "2"]).code, Some(0));
    let resume = ["--no-ui", "--resume", "a", "--steps", "4"];
    let journal = place.run_dir("a").join("journal.jsonl");
    fs::rename(&journal, place.path().join("kept")).unwrap();
    pipe(&journal);
    let sentence = refused(&place, &resume, "journal.jsonl");
    assert!(sentence.ends_with("it is a named pipe, not a file; put a file in its place or take it away."));
    fs::rename(place.path().join("kept"), &journal).unwrap();
    for name in ["summary.json", "recipe.toml"] {
        pipe(&place.run_dir("a").join(name));
    }
    let said = say(&place, &resume);
    assert_eq!(said.code, Some(0), "{said:?}");
    let summary = fs::read_to_string(place.run_dir("a").join("summary.json")).unwrap();
    assert!(summary.contains("\"completed\""), "{summary}");
}

#[test]
fn a_directory_of_runs_that_is_not_text_is_listed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let odd = place.path().join(OsStr::from_bytes(b"r\xffns"));
    fs::create_dir_all(odd.join(OsStr::from_bytes(b"a\xfe")).join("checkpoints")).unwrap();
    let output =
        place.command(&[OsStr::new("runs"), OsStr::new("--json"), OsStr::new("--runs-dir"), odd.as_os_str()]);
    let output = { output }.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed["runs"][0]["run"], "a\u{fffd}");
    let output = place.command(&["info", "--json"]).env("XDG_CONFIG_HOME", &odd).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let info: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(info["config"].as_str().unwrap().contains("r\u{fffd}ns"), "{info}");
}

#[test]
fn a_name_that_is_taken_is_to_be_resumed_only_where_that_is_possible() {
    let place = Place::new();
    fs::create_dir_all(place.run_dir("b").join("checkpoints")).unwrap();
    // Without it a start left nothing there, and the run begins in it again.
    fs::write(place.run_dir("b").join("notes.txt"), "mine").unwrap();
    let sentence = refused(&place, &[&TINY[..], &["--name", "b"]].concat(), "there is such a run already");
    assert!(sentence.ends_with("; choose another --name."), "{sentence}");
    let sentence = refused(&place, &["--no-ui", "--resume", "b"], "it holds no checkpoint");
    assert!(sentence.ends_with("start it again under another name, or delete it first."), "{sentence}");
}
