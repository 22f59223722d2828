//! Runs on folders of pictures: that they are the same images, or what differs.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use program::{Place, Said};

/// A picture whose colour says which it is.
fn paint(path: &Path, colour: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(9, 8, Rgb([colour, 255 - colour, 40])).save(path).unwrap();
}

/// A folder with `count` pictures of each class, in the place's own directory.
fn folder(place: &Place, name: &str, classes: &[&str], count: u8) -> PathBuf {
    let root = place.path().join(name);
    for (number, class) in classes.iter().enumerate() {
        for i in 0..count {
            paint(&root.join(class).join(format!("{i}.png")), 40 * number as u8 + i);
        }
    }
    root
}

/// Trains two steps of a tiny network on the pictures of `root`.
fn train(place: &Place, root: &Path, more: &[&str]) -> Said {
    let data = format!("folder:{}", root.display());
    let own = [
        "--no-ui",
        "--layers",
        "1",
        "--growth-rate",
        "4",
        "--input-size",
        "8",
        "--batch-size",
        "4",
        "--epochs",
        "3",
        "--steps",
        "2",
        "--device",
        "cpu",
        "--name",
        "a",
        "--json",
        "--data",
        &data,
    ];
    place.say(&[&own, more].concat())
}

fn resume(place: &Place) -> Said {
    place.say(&["--no-ui", "--resume", "a", "--steps", "4", "--json"])
}

#[test]
fn a_resume_on_other_images_says_which_have_changed() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 3] = [
        ("the training images", |root| {
            fs::rename(root.join("train/cat/0.png"), root.join("train/dog/x.png")).unwrap();
        }),
        ("the training images", |root| {
            // The same pictures in another order.
            fs::rename(root.join("train/cat/0.png"), root.join("train/cat/z.png")).unwrap();
        }),
        ("the validation images", |root| paint(&root.join("val/dog/1.png"), 200)),
    ];
    for (what, change) in changes {
        let place = Place::new();
        folder(&place, "pictures/train", &["cat", "dog"], 8);
        folder(&place, "pictures/val", &["cat", "dog"], 3);
        let root = place.path().join("pictures");
        assert_eq!(train(&place, &root, &[]).code, Some(0));
        let all = place.say(&["evaluate", "a", "--split", "all", "--json"]);
        assert_eq!(all.last()["images"], 22, "{all:?}");
        change(&root);
        let said = resume(&place);
        assert_eq!(said.code, Some(2), "{said:?}");
        let sentence = format!("{what}, their labels or their order have changed");
        assert!(said.stderr.contains(&sentence), "{sentence}: {said:?}");
    }
}

#[test]
fn a_class_that_comes_or_goes_is_named_by_a_resume() {
    let place = Place::new();
    let root = folder(&place, "pictures", &["cat", "dog", "fox"], 8);
    assert_eq!(train(&place, &root, &[]).code, Some(0));
    fs::rename(root.join("fox"), root.join("owl")).unwrap();
    let said = resume(&place);
    assert!(said.stderr.contains("they have a class `owl`, and none `fox`"), "{said:?}");
    fs::rename(root.join("owl"), root.join("fox")).unwrap();
    assert_eq!(resume(&place).code, Some(0), "the same images again");
}

#[test]
fn an_evaluation_matches_classes_by_name_and_refuses_unknown_ones() {
    let place = Place::new();
    let root = folder(&place, "pictures", &["cat", "dog", "fox"], 8);
    assert_eq!(train(&place, &root, &[]).code, Some(0));
    let evaluate = |name: &str, classes: &[&str]| {
        let root = folder(&place, name, classes, 3);
        let data = format!("folder:{}", root.display());
        place.say(&["evaluate", "a", "--data", &data, "--split", "all", "--json"])
    };
    let said = evaluate("unknown", &["cat", "owl"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("has the class `owl`, which the network of"), "{said:?}");
    assert!(said.stderr.contains("it knows `cat`, `dog`, `fox`."), "{said:?}");
    let said = evaluate("fewer", &["dog", "fox"]);
    assert_eq!((said.code, &said.last()["images"]), (Some(0), &6.into()), "{said:?}");
    assert!(said.stderr.contains("has no images of `cat`."), "{said:?}");
}

#[test]
fn broken_pictures_are_left_out_where_that_was_asked_for_and_a_resume_remembers_it() {
    let place = Place::new();
    let root = folder(&place, "pictures", &["cat", "dog"], 8);
    for name in ["cat/2.png", "dog/5.png"] {
        fs::write(root.join(name), b"no picture").unwrap();
    }
    let said = train(&place, &root, &[]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr.contains("2 pictures cannot be used") && said.stderr.contains("--skip-broken"),
        "{said:?}"
    );
    assert!(said.stderr.contains("cat/2.png (") && said.stderr.contains("dog/5.png ("), "{said:?}");
    assert!(!place.run_dir("a").exists());
    let said = train(&place, &root, &["--skip-broken"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("2 pictures left out: "), "{said:?}");
    assert_eq!(resume(&place).code, Some(0));
}

#[test]
fn a_split_that_leaves_a_class_without_training_images_names_it() {
    let place = Place::new();
    let root = folder(&place, "pictures", &["cat", "dog"], 8);
    fs::remove_dir_all(root.join("dog")).unwrap();
    paint(&root.join("dog/1.png"), 9);
    let said = train(&place, &root, &["--train-limit", "3"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr.contains("the class `dog` has no image left to train on; give a larger `train_limit`"),
        "{said:?}"
    );
}

#[test]
fn a_later_start_reads_the_pictures_from_the_cache_and_another_size_does_not() {
    let place = Place::new();
    let root = folder(&place, "pictures", &["cat", "dog"], 8);
    let cached = || {
        let found = fs::read_dir(place.path().join(".cache/densenet-tui/images"));
        found.map_or(0, Iterator::count)
    };
    let weights = |name: &str| {
        let mut files: Vec<_> = fs::read_dir(place.run_dir(name).join("checkpoints"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let bytes = fs::read(files.pop().unwrap()).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].to_vec()
    };
    assert_eq!(train(&place, &root, &[]).code, Some(0));
    assert_eq!(cached(), 1);
    let first = weights("a");
    for (more, files) in [(&["--name", "b"][..], 1), (&["--name", "b", "--input-size", "12"], 2)] {
        let said = train(&place, &root, more);
        assert_eq!((said.code, cached()), (Some(0), files), "{said:?}");
        if files == 1 {
            assert_eq!(weights("b"), first);
        }
        fs::remove_dir_all(place.run_dir("b")).unwrap();
    }
}
