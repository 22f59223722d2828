//! `predict` on a network that was trained: the forms of its answers, what it sees, and what is no picture.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use image::{Rgb, RgbImage, imageops};
use program::{Place, Said};
use serde_json::Value;

/// A picture of its own for each number, without symmetry.
fn picture(number: u32, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |a: u32, b: u32| ((x * a + y * b + 37 * number) % 256) as u8;
        Rgb([wave(5, 1 + number), wave(2 + number, 7), wave(x / 9, 3)])
    })
}

/// A folder of two classes with six pictures each.
fn pictures(place: &Place) -> PathBuf {
    let root = place.path().join("pictures");
    for (class, first) in [("disc", 0), ("ring", 6)] {
        fs::create_dir_all(root.join(class)).unwrap();
        for number in first..first + 6 {
            picture(number, 40 + 3 * number, 48)
                .save(root.join(class).join(format!("{number}.png")))
                .unwrap();
        }
    }
    root
}

/// A place with the trained run `a`.
fn trained() -> Place {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    place
}

fn predict(place: &Place, args: &[&str]) -> Said {
    place.say(&[&["predict", "a"], args].concat())
}

fn listed(place: &Place, list: &[u8]) -> Said {
    let mut command = place.command(&["predict", "a", "-", "--csv"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(list).unwrap();
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// All logits of a picture, by class.
fn logits(line: &Value) -> Vec<f64> {
    let mut by_class: Vec<(u64, f64)> = line["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["index"].as_u64().unwrap(), of["logit"].as_f64().unwrap()))
        .collect();
    by_class.sort_by_key(|(class, _)| *class);
    by_class.into_iter().map(|(_, logit)| logit).collect()
}

#[test]
fn evaluate_and_predict_see_the_same_logits() {
    let place = trained();
    let root = pictures(&place);
    let data = format!("folder:{}", root.display());
    let whole = place.say(&["evaluate", "a", "--split", "all", "--json", "--data", &data]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let said = predict(&place, &["--json", "--logits", "--top", "100", root.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines = said.events();
    assert_eq!(lines.len(), 12);
    let loss = |line: &Value| {
        let logits = logits(line);
        let label = usize::from(line["filename"].as_str().unwrap().contains("ring"));
        logits.iter().map(|logit| logit.exp()).sum::<f64>().ln() - logits[label]
    };
    let mean = lines.iter().map(loss).sum::<f64>() / 12.0;
    let evaluated = whole.last()["loss"].as_f64().unwrap();
    assert!((mean - evaluated).abs() < 1e-5 * evaluated, "{mean} and {evaluated}");
    // A mirrored picture averaged with its mirror image is the picture averaged with its own.
    let (one, other) = (place.path().join("one.png"), place.path().join("other.png"));
    picture(3, 50, 50).save(&one).unwrap();
    imageops::flip_horizontal(&picture(3, 50, 50)).save(&other).unwrap();
    let flipped = ["--json", "--logits", "--top", "10", "--flip", "one.png", "other.png"];
    let lines = predict(&place, &flipped).events();
    for (a, b) in logits(&lines[0]).into_iter().zip(logits(&lines[1])) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
}

#[test]
fn a_picture_that_cannot_be_read_has_a_line_and_the_others_go_on() {
    let place = trained();
    fs::create_dir(place.path().join("some")).unwrap();
    picture(1, 20, 20).save(place.path().join("some/a.png")).unwrap();
    fs::write(place.path().join("some/b.png"), "no picture").unwrap();
    picture(2, 20, 20).save(place.path().join("some/c.png")).unwrap();
    let said = predict(&place, &["some", "none.png", "--json", "--top", "2"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines = said.events();
    let names: Vec<&str> = lines.iter().map(|line| line["filename"].as_str().unwrap()).collect();
    assert_eq!(names, ["some/a.png", "some/b.png", "some/c.png", "none.png"]);
    assert_eq!(lines[0]["predictions"].as_array().unwrap().len(), 2);
    let sum: f64 = predict(&place, &["some/a.png", "--json", "--top", "10"]).last()["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["prob"].as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    assert!(lines[1]["error"].as_str().unwrap().contains("it is no picture"), "{said:?}");
    assert_eq!(lines[3]["error"], "it does not exist");
    assert!(said.stderr.contains("2 of 4 pictures could not be read"), "{said:?}");
    let said = predict(&place, &["some"]);
    let text: Vec<&str> = said.stdout.lines().collect();
    assert!(text[1].starts_with("some/b.png  not read: it is no picture"), "{said:?}");
    assert!(text[0].matches(" %").count() == 5, "{said:?}");
}

#[test]
fn a_list_of_paths_comes_on_stdin_and_a_table_has_timms_columns() {
    let place = trained();
    picture(1, 20, 20).save(place.path().join("a b.png")).unwrap();
    for list in [&b"a b.png\n"[..], b"a b.png\0"] {
        let said = listed(&place, list);
        assert_eq!(said.code, Some(0), "{said:?}");
        let lines: Vec<&str> = said.stdout.lines().collect();
        assert_eq!((lines.len(), lines[0]), (2, "filename,index,label,prob"), "{said:?}");
        assert!(lines[1].starts_with("a b.png,"), "{said:?}");
    }
    assert_eq!(listed(&place, b"").code, Some(2));
}

#[test]
fn results_go_to_a_file_once_all_are_there_and_nothing_half_written_is_left() {
    let place = trained();
    picture(1, 20, 20).save(place.path().join("a.png")).unwrap();
    let said = predict(&place, &["a.png", "--csv", "-o", "out.csv"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
    assert!(fs::read_to_string(place.path().join("out.csv")).unwrap().starts_with("filename,"));
    for (output, reason) in [("pictures", "a directory"), ("none/out.csv", "there is no directory")] {
        fs::create_dir_all(place.path().join("pictures")).unwrap();
        let said = predict(&place, &["a.png", "-o", output]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(reason), "{said:?}");
    }
    let script = r#"ulimit -f 0; exec "$0" predict a a.png --csv -o full.csv"#;
    let full = place.command_of("sh", &["-c", script, env!("CARGO_BIN_EXE_densenet-tui")]).output().unwrap();
    assert_eq!(full.status.code(), Some(1), "{full:?}");
    let said = String::from_utf8(full.stderr).unwrap();
    assert!(said.contains("full.csv: it could not be written because it would exceed the limit"), "{said}");
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().contains("full")), "{left:?}");
}

/// The width, the height and the pixels of a picture.
fn read(path: &Path) -> RgbImage {
    image::open(path).unwrap().into_rgb8()
}

#[test]
fn a_map_lies_over_the_picture_in_its_own_size_for_the_class_that_is_asked_for() {
    let place = trained();
    fs::create_dir_all(place.path().join("some/deep")).unwrap();
    picture(1, 300, 200).save(place.path().join("some/a.png")).unwrap();
    picture(2, 40, 90).save(place.path().join("some/deep/b.png")).unwrap();
    let said = predict(&place, &["some", "--map", "maps", "--json", "--top", "1"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.events()[1]["map"], "maps/deep/b.png");
    let (map, own) = (read(&place.path().join("maps/a.png")), read(&place.path().join("some/a.png")));
    assert_eq!(map.dimensions(), (300, 200));
    assert_eq!(read(&place.path().join("maps/deep/b.png")).dimensions(), (40, 90));
    // The network sees the middle; what is beside it is grey and dark.
    let dark = |pixel: &Rgb<u8>| pixel.0.iter().all(|&value| value < 140);
    assert!((0..40).all(|x| dark(map.get_pixel(x, 50))));
    assert!(map.get_pixel(150, 100) != own.get_pixel(150, 100));
    let first = said.events()[0]["predictions"][0]["label"].as_str().unwrap().to_owned();
    let class = if first == "star" { "ring" } else { "star" };
    let other = predict(&place, &["some/a.png", "--map", "others", "--class", class]);
    assert_eq!(other.code, Some(0), "{other:?}");
    assert!(read(&place.path().join("others/a.png")) != map, "{class}");
}

#[test]
fn what_cannot_be_asked_is_one_sentence() {
    let place = trained();
    picture(1, 20, 20).save(place.path().join("a.png")).unwrap();
    fs::create_dir(place.path().join("empty")).unwrap();
    fs::write(place.path().join("b.onnx"), [8, 8, 18, 1, 65]).unwrap();
    for (args, reason) in [
        (&["predict", "a", "empty"][..], "empty has no pictures"),
        (
            &["predict", "a", "a.png", "--map", "m", "--class", "owl"],
            "the network has no class `owl`; it knows",
        ),
        (&["predict", "a", "a.png", "--map", "a.png"], "name another directory"),
        (&["predict", "nobody", "a.png"], "no such run"),
        (&["predict", "a.png", "a.png"], "it is no file with a network"),
        (&["predict", "b.onnx", "a.png"], "it is an ONNX file, which is for other programs"),
        (&["predict", "empty", "a.png"], "it is not a run"),
        (&["predict", "a", "a.png", "--class", "star"], "--map"),
    ] {
        let said = place.say(args);
        assert_eq!(said.code, Some(2), "{args:?}: {said:?}");
        assert!(said.stderr.contains(reason), "{args:?}: {said:?}");
        assert!(said.stdout.is_empty(), "{args:?}: {said:?}");
    }
    assert!(!place.path().join("m").exists());
}
