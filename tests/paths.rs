//! Paths: home directories, files that contain relative ones, and names that are not UTF-8.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use program::{Place, Said, TINY};

/// A name that is not UTF-8.
fn odd(name: &str) -> OsString {
    OsStr::from_bytes(&[name.as_bytes(), b"\xff"].concat()).to_owned()
}

/// A folder of two classes with enough images for the tiny run.
fn images(folder: &Path) {
    for class in ["a", "b"] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for shade in 0..10u8 {
            let image = [b"P6 32 32 255\n".as_slice(), &[shade * 20; 3 * 32 * 32]].concat();
            fs::write(folder.join(class).join(format!("{shade}.ppm")), image).unwrap();
        }
    }
}

/// One epoch of a tiny network.
const SMALL: [&str; 12] = [
    "--no-ui",
    "--layers",
    "1",
    "--growth-rate",
    "4",
    "--batch-size",
    "8",
    "--epochs",
    "1",
    "--seed",
    "1",
    "--json",
];

fn words(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}

/// Runs the program in `directory`.
fn say_in(place: &Place, directory: &Path, args: &[OsString]) -> Said {
    let output = place.command(args).current_dir(directory).output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Asserts that it was refused in one sentence, and that nothing was created in `directory`.
fn is_refused(said: &Said, directory: &Path, before: usize) {
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.starts_with("error: ") && said.stderr.contains("UTF-8"), "{said:?}");
    assert!(!said.stderr.contains("defect"), "{said:?}");
    assert_eq!(fs::read_dir(directory).unwrap().count(), before, "{said:?}");
}

#[test]
fn a_working_directory_that_is_no_text_serves_where_nothing_has_to_remember_it() {
    let place = Place::new();
    let here = place.path().join(odd("here"));
    fs::create_dir(&here).unwrap();
    let said = say_in(&place, &here, &[words(&TINY), words(&["--name", "a"])].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let events: Vec<_> =
        said.events().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    assert!(events.contains(&"started".to_owned()) && events.contains(&"saved".to_owned()), "{events:?}");
    assert_eq!(say_in(&place, &here, &words(&["evaluate", "a"])).code, Some(0));
    assert_eq!(say_in(&place, &here, &words(&["--no-ui", "--resume", "a", "--epochs", "3"])).code, Some(0));

    images(&here.join("pics"));
    // An absolute path of images that is text, through a link.
    std::os::unix::fs::symlink(here.join("pics"), place.path().join("link")).unwrap();
    let linked = format!("folder:{}", place.path().join("link").display());
    let said = say_in(&place, &here, &[words(&SMALL), words(&["--data", &linked])].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.events()[0]["recipe"]["data"], linked);
    let runs = place.run_dir("");
    let before = fs::read_dir(&runs).unwrap().count();
    is_refused(
        &say_in(&place, &here, &[words(&SMALL), words(&["--data", "folder:pics"])].concat()),
        &runs,
        before,
    );
}

#[test]
fn a_place_of_runs_that_is_no_text_is_refused_before_anything_is_made_and_can_be_looked_at() {
    let place = Place::new();
    let runs = place.path().join(odd("runs"));
    let with = |args: &[&str]| [words(args), vec!["--runs-dir".into(), runs.clone().into()]].concat();
    let said = say_in(&place, place.path(), &with(&TINY));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("not UTF-8") && said.stderr.contains("another --runs-dir"), "{said:?}");
    assert!(!runs.exists() && said.events().iter().all(|event| event["event"] == "failed"), "{said:?}");
    // A run that was moved there.
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    fs::create_dir(&runs).unwrap();
    fs::rename(place.run_dir("a"), runs.join("a")).unwrap();
    assert!(say_in(&place, place.path(), &with(&["runs"])).stdout.contains("completed"));
    assert_eq!(say_in(&place, place.path(), &with(&["evaluate", "a"])).code, Some(0));
    let (_, file) = densenet_tui::store::run::checkpoints(&runs.join("a")).pop().unwrap();
    assert_eq!(say_in(&place, place.path(), &["evaluate".into(), file.clone().into()]).code, Some(0));
    let resumed = say_in(&place, place.path(), &with(&["--no-ui", "--resume", "a", "--epochs", "3"]));
    is_refused(&resumed, &runs, 1);
    let file = [words(&["--no-ui", "--resume"]), vec![file.into()]].concat();
    is_refused(&say_in(&place, place.path(), &file), &runs, 1);
    let relative = [words(&TINY), words(&["--runs-dir", "r"])].concat();
    is_refused(&say_in(&place, &runs, &relative), &runs, 1);
}

#[test]
fn images_at_a_place_that_is_no_text_are_refused_by_name_where_a_run_would_remember_it() {
    let place = Place::new();
    let data = place.path().join(odd("data"));
    images(&data);
    fs::create_dir(data.join("cifar-10-batches-bin")).unwrap();
    let folder = [OsStr::new("folder:"), data.as_os_str()].concat_all();
    let runs = place.path().join("data");
    fs::create_dir(&runs).unwrap();
    let given = |option: &str, value: &OsStr| {
        [words(&SMALL), words(&["--data", "cifar10"]), vec![option.into(), value.to_owned()]].concat()
    };
    for args in [given("--data-dir", data.as_os_str()), given("--data", &folder)] {
        let said = say_in(&place, place.path(), &args);
        assert_eq!(said.code, Some(2), "{said:?}");
        let first = said.stderr.lines().next().unwrap();
        assert!(
            first.contains("--data") && first.contains("UTF-8") && first.contains("rename it"),
            "{said:?}"
        );
    }
    // From inside, where the place is found without being named.
    is_refused(&say_in(&place, &data, &[words(&SMALL), words(&["--data", "cifar10"])].concat()), &runs, 0);
    // Resuming remembers it too, even if nothing is read there.
    let run = place.train(&["--name", "a", "--data", "shapes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let data = || vec![data.clone().into()];
    let moved = [words(&["--no-ui", "--resume", "a", "--epochs", "3", "--data-dir"]), data()].concat();
    is_refused(&say_in(&place, place.path(), &moved), &place.run_dir("a/checkpoints"), 2);
    // Commands that only read work.
    let tried = [words(&["evaluate", "a", "--data", "shapes", "--data-dir"]), data()].concat();
    assert_eq!(say_in(&place, place.path(), &tried).code, Some(0));
}

/// Parts of a word, each not UTF-8.
trait ConcatAll {
    fn concat_all(&self) -> OsString;
}

impl ConcatAll for [&OsStr; 2] {
    fn concat_all(&self) -> OsString {
        let mut whole = self[0].to_owned();
        whole.push(self[1]);
        whole
    }
}

#[test]
fn a_home_that_is_no_text_is_refused_with_the_way_out() {
    let place = Place::new();
    let home = place.path().join(odd("home"));
    fs::create_dir(&home).unwrap();
    let start = |more: &[&str]| {
        let mut command = place.command(&[&TINY, more].concat());
        command.env("HOME", &home).env("XDG_DATA_HOME", home.join("data")).env("XDG_STATE_HOME", &home);
        let output = command.env("XDG_CONFIG_HOME", home.join("config")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = start(&[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("use another --runs-dir"), "{said}");
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
    let (code, said) = start(&["--runs-dir", "r"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = start(&["--data-dir=~/x", "--runs-dir", "r"]);
    assert!(code == Some(2) && said.contains("UTF-8"), "{said}");
}

#[test]
fn classes_that_would_have_the_same_name_as_text_are_refused() {
    let place = Place::new();
    let folder = place.path().join("pics");
    images(&folder);
    fs::rename(folder.join("a"), folder.join(OsStr::from_bytes(b"x\xff"))).unwrap();
    let train = || place.say(&[&SMALL[..], &["--data", "folder:pics"]].concat());
    let said = train();
    assert_eq!((said.code, &said.events()[0]["classes"][1]), (Some(0), &"x\u{fffd}".into()), "{said:?}");
    fs::rename(folder.join("b"), folder.join(OsStr::from_bytes(b"x\xfe"))).unwrap();
    let said = train();
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("would both be called `x\u{fffd}`; rename one"), "{said:?}");
}

#[test]
fn a_word_that_is_no_text_is_wrong_usage() {
    let place = Place::new();
    for option in ["--name", "--set", "--device", "--data", "--preset"] {
        let said = say_in(&place, place.path(), &[words(&["--no-ui", option]), vec![odd("x")]].concat());
        assert_eq!(said.code, Some(2), "{option}: {said:?}");
        assert!(said.stderr.contains("UTF-8"), "{option}: {said:?}");
    }
}

/// Every way to say where the images are, with the folder `pics` of the home directory.
const AT_HOME: [&[&str]; 6] = [
    &["--data", "folder:~/pics"],
    &["--data=folder:~/pics"],
    &["--set", "data=folder:~/pics"],
    &["--data", "folder:pics", "--data-dir=~"],
    &["--data", "folder:pics", "--data-dir=~/"],
    &["--data", "folder:pics", "--set", "data_dir=~"],
];

#[test]
fn a_tilde_is_the_home_directory_wherever_a_path_is_taken() {
    let place = Place::new();
    images(&place.path().join("pics"));
    let elsewhere = place.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let expected = format!("folder:{}", place.path().join("pics").display());
    for data in AT_HOME {
        let said = say_in(&place, &elsewhere, &words(&[&SMALL[..], data, &["--runs-dir=~/r"]].concat()));
        assert_eq!(said.code, Some(0), "{data:?}: {said:?}");
        assert_eq!(said.events()[0]["recipe"]["data"], expected.as_str(), "{data:?}");
    }
    assert_eq!(fs::read_dir(place.path().join("r")).unwrap().count(), AT_HOME.len());
    let said = say_in(&place, &elsewhere, &words(&[&TINY[..], &["--name", "a", "--runs-dir=~/r"]].concat()));
    assert_eq!(said.code, Some(0), "{said:?}");
    for args in [
        &["--no-ui", "--resume=~/r/a", "--epochs", "3"][..],
        &["evaluate", "~/r/a", "--data=folder:~/pics"],
        &["evaluate", "a", "--runs-dir=~/r", "--data=shapes", "--data-dir=~/pics"],
        &["runs", "--runs-dir=~/r"],
        &["summary", "--recipe=~/r/a/recipe.toml"],
    ] {
        let said = say_in(&place, &elsewhere, &words(args));
        // Its classes are others than those of the pictures: both were found and read.
        let read = said.code == Some(0) || said.stderr.contains("does not know; it knows");
        assert!(read, "{args:?}: {said:?}");
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decay.safetensors");
    fs::copy(golden, place.path().join("golden.safetensors")).unwrap();
    assert_eq!(say_in(&place, &elsewhere, &words(&["verify", "~/golden.safetensors"])).code, Some(0));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "nothing is called `~`");
}

#[test]
fn a_directory_that_is_called_tilde_and_other_peoples_homes_are_written_otherwise() {
    let place = Place::new();
    let said = place.train(&["--runs-dir", "./~", "--name", "a"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(place.path().join("~/a/summary.json").is_file());
    for args in [
        &["--runs-dir=~bob/r"][..],
        &["--data=folder:~bob/x"],
        &["--set", "data_dir=~bob/x"],
        &["--recipe=~bob"],
    ] {
        let said = place.train(args);
        assert_eq!(said.code, Some(2), "{args:?}: {said:?}");
        assert!(said.stderr.contains("write the whole path, or ./~bob"), "{args:?}: {said:?}");
    }
    assert!(!place.path().join("~bob").exists());
}

fn config(place: &Place, text: &str) -> PathBuf {
    let directory = place.path().join("config/densenet-tui");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.toml"), text).unwrap();
    directory
}

#[test]
fn a_path_in_the_configuration_is_at_home_or_relative_to_its_file() {
    let place = Place::new();
    images(&place.path().join("pics"));
    let directory = config(&place, "runs_dir = \"~/r\"\n[recipe]\ndata = \"folder:~/pics\"\n");
    let said = place.say(&[&SMALL[..], &["--name", "a"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(place.path().join("r/a/summary.json").is_file());

    images(&directory.join("near/a/pics"));
    config(&place, "runs_dir = \"r\"\n[recipe]\ndata = \"folder:a/pics\"\ndata_dir = \"near\"\n");
    let said = place.say(&[&SMALL[..], &["--name", "b"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(directory.join("r/b/summary.json").is_file());
    let near = format!("folder:{}", directory.join("near/a/pics").display());
    assert_eq!(said.events()[0]["recipe"]["data"], near.as_str());
    assert!(place.say(&["info"]).stdout.contains(directory.join("r").to_str().unwrap()));

    config(&place, "runs_dir = \"~bob/r\"\n");
    let said = place.say(&SMALL);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("config.toml: `runs_dir`: ~bob/r"), "{said:?}");
}

#[test]
fn a_path_in_a_recipe_file_is_at_home_or_relative_to_that_file_and_one_that_was_typed_is_not() {
    let place = Place::new();
    let shelf = place.path().join("shelf");
    images(&shelf.join("pics"));
    images(&place.path().join("pics"));
    for (text, typed, folder) in [
        ("data = \"folder:pics\"\n", None, "shelf/pics"),
        ("data = \"folder:../pics\"\n", None, "shelf/../pics"),
        ("data = \"folder:~/pics\"\n", None, "pics"),
        ("data = \"folder:pics\"\n", Some("folder:pics"), "pics"),
    ] {
        fs::write(shelf.join("r.toml"), text).unwrap();
        let more = typed.map_or(vec![], |data| vec!["--data", data]);
        let said = place.say(&[&SMALL[..], &["--recipe", "shelf/r.toml"], &more].concat());
        assert_eq!(said.code, Some(0), "{text}: {said:?}");
        let folder = format!("folder:{}", place.path().join(folder).display());
        assert_eq!(said.events()[0]["recipe"]["data"], folder.as_str(), "{text}");
    }
}

#[test]
fn without_a_home_a_tilde_is_a_sentence_or_the_one_of_the_user_database() {
    let place = Place::new();
    let output = place.command(&["runs", "--runs-dir=~/no-such-place"]).env_remove("HOME").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || said.contains("no home directory"), "{said}");
    assert!(!place.path().join("~").exists());
}

#[test]
fn a_directory_may_be_called_by_a_number() {
    let place = Place::new();
    images(&place.path().join("2024/pics"));
    let said = place.say(&[&SMALL[..], &["--data", "folder:pics", "--set", "data_dir=2024"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn the_workbench_in_a_directory_that_is_no_text_says_so_and_trains_what_lies_nowhere() {
    let place = Place::new();
    let here = place.path().join(odd("here"));
    fs::create_dir(&here).unwrap();
    images(&here.join("pics"));
    let program = env!("CARGO_BIN_EXE_densenet-tui");
    let line =
        r#"cd "$(printf 'here\377')" && exec "$0" --data folder:pics --layers 1 --growth-rate 4 --epochs 1"#;
    let mut terminal = place.terminal().run(&["sh", "-c", line, program]);
    terminal.until_shown("Recipe");
    terminal.press("\x12");
    terminal.until_shown("not UTF-8");
    assert!(!place.run_dir("").exists());
    terminal.press(":set data shapes\r");
    terminal.until_shown("data is shapes");
    terminal.press("1\x12");
    terminal.until_shown("the run is completed");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    assert_eq!(fs::read_dir(place.run_dir("")).unwrap().count(), 1);
}

#[test]
fn a_path_typed_into_the_workbench_is_taken_as_on_the_command_line() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&["--data", "folder:pics"]);
    terminal.until_shown("Recipe");
    terminal.press(":write ~bob/r.toml\r");
    terminal.until_shown("write the whole path");
    terminal.press("\x03:set data_dir ~bob\r");
    terminal.until_shown("./~bob");
    terminal.press("\x03:write ~/w.toml\r");
    terminal.until_shown("the recipe is in");
    // Relative paths become what they mean here: a reader of the file resolves them from its directory.
    let written = fs::read_to_string(place.path().join("w.toml")).unwrap();
    assert!(
        written.contains(&format!("data = \"folder:{}\"", place.path().join("pics").display())),
        "{written}"
    );
    fs::create_dir(place.path().join("shelf")).unwrap();
    fs::write(place.path().join("shelf/r.toml"), "data = \"folder:own\"\nepochs = 7\n").unwrap();
    terminal.press(":open ~/shelf/r.toml\r");
    terminal.until_shown("the recipe was read");
    terminal.press(":set data_dir ~\r");
    terminal.until_shown(&format!("data_dir is {}", place.path().display()));
    terminal.press(":set data_dir auto\r:write w2.toml\r");
    terminal.until_shown("w2.toml");
    let written = fs::read_to_string(place.path().join("w2.toml")).unwrap();
    assert!(written.contains(place.path().join("shelf/own").to_str().unwrap()), "{written}");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}
