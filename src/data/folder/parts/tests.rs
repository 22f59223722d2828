//! Tests of where the pictures of a folder are kept, and of what is kept of them.

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::data::ChannelStats;
use crate::data::fingerprint::fingerprint;
use crate::data::folder::tests::{colours, folder, paint, read, read_with, recipe};
use crate::data::prepare::Prepare;
use crate::data::report::Settings;
use crate::data::source::Parts;
use crate::recipe::Augment;

/// Where images may be: in memory, in the cache, found there again, and nowhere but in their files.
fn ways(cache: &Path) -> [(&'static str, Settings); 4] {
    let few = Settings::default();
    let many = Settings { most_in_memory: 0, ..Settings::default() };
    let kept = || Some(cache.to_owned());
    [
        ("in memory", few),
        ("decoded into the cache", Settings { cache: kept(), ..many.clone() }),
        ("from the cache", Settings { cache: kept(), ..many.clone() }),
        ("decoded every time", many),
    ]
}

/// A folder of pictures of different sizes and colours.
fn photographs() -> TempDir {
    let root = TempDir::new().unwrap();
    for (i, (width, height)) in
        [(30, 20), (20, 31), (9, 9), (16, 12), (50, 11), (70, 7)].into_iter().enumerate()
    {
        for class in ["a", "b"] {
            let path = root.path().join(class).join(format!("{i}.png"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let shade = |x: u32, y: u32| [(7 * x + i as u32) as u8, (11 * y) as u8, (x * y) as u8];
            RgbImage::from_fn(width, height, |x, y| Rgb(shade(x, y))).save(path).unwrap();
        }
    }
    root
}

#[test]
fn a_batch_has_the_same_bits_wherever_the_images_are_and_with_any_number_of_threads() {
    let root = photographs();
    for (augment, files) in [(Augment::Standard, 1), (Augment::Imagenet, 2)] {
        let recipe = Recipe { validation: Some(2), augment, input_size: 8, ..recipe(root.path()) };
        check_that_bits_are_the_same(&recipe, files);
    }
}

/// Compares the batches of `recipe` wherever the images are, for which the cache has `files`.
fn check_that_bits_are_the_same(recipe: &Recipe, files: usize) {
    let cache = TempDir::new().unwrap();
    let mut seen = Vec::new();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for (way, settings) in ways(cache.path()) {
            let in_memory = settings.most_in_memory > 0;
            let parts = pool.install(|| read_with(recipe, settings).unwrap());
            assert_eq!(parts.train.is_in_memory(), in_memory, "{way}");
            assert_eq!(parts.validation.is_in_memory(), in_memory, "{way}");
            let stats = ChannelStats::of(&parts.train);
            let prepare = Prepare::new(recipe, stats, true);
            let batch = pool.install(|| prepare.training(&parts.train, &[5, 0, 3, 5], 2).unwrap());
            let plain = pool.install(|| prepare.plain(&parts.validation, 0..2).unwrap());
            let prints =
                [&parts.train, &parts.validation].map(|part| fingerprint(&parts.classes, part).unwrap());
            seen.push((stats, batch, plain, prints));
        }
    }
    assert_eq!(cache.path().read_dir().unwrap().count(), files, "the same files for all of them");
    assert!(seen.iter().all(|one| *one == seen[0]));
}

#[test]
fn pictures_to_train_on_are_kept_whole_and_others_as_an_evaluation_sees_them() {
    let root = photographs();
    let recipe = Recipe { augment: Augment::Imagenet, input_size: 8, ..recipe(root.path()) };
    assert_eq!(recipe.resized(), 9);
    let Parts { train, .. } = read(&recipe).unwrap();
    let sizes: Vec<_> = (0..6).map(|i| (train.size(i).width, train.size(i).height)).collect();
    // The shorter side of 13 pixels at most, and the longer one four times the shorter.
    assert_eq!(sizes, [(19, 13), (13, 20), (9, 9), (16, 12), (44, 11), (28, 7)]);
    assert_eq!((train.side(), train.image(3).unwrap().len()), (None, 3 * 16 * 12));
    let trains = Settings { trains: false, ..Settings::default() };
    let Parts { train: shown, .. } = read_with(&recipe, trains).unwrap();
    assert_eq!(shown.side(), Some(8));
    let prepare = Prepare::new(&recipe, ChannelStats::of(&train), true);
    for i in 0..shown.len() {
        assert_eq!(*shown.image(i).unwrap(), prepare.plain_pixels(&shown, i).unwrap());
        // The same from the picture itself, where all of it was kept.
        if matches!(i % 6, 2 | 3) {
            assert_eq!(*shown.image(i).unwrap(), prepare.plain_pixels(&train, i).unwrap(), "picture {i}");
        }
    }
}

#[test]
fn all_broken_pictures_are_found_in_one_go_and_ten_of_them_named() {
    let names: Vec<String> = (10..30).map(|i| format!("{}/{i}.png", ["a", "b"][i % 2])).collect();
    let root = folder(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let cache = TempDir::new().unwrap();
    for name in &names[..12] {
        fs::write(root.path().join(name), b"\x89PNG\r\n\x1a\n and no more").unwrap();
    }
    let recipe = recipe(root.path());
    for (way, settings) in ways(cache.path()) {
        let refused = read_with(&recipe, settings.clone()).err().unwrap().to_string();
        assert!(refused.starts_with("12 pictures cannot be used: "), "{way}: {refused}");
        assert_eq!(refused.matches(".png (").count(), 10, "{way}: {refused}");
        assert!(
            refused
                .ends_with("and 2 more; repair them, take them away, or leave them out with --skip-broken.")
        );
        let parts = read_with(&recipe, Settings { skip_broken: true, ..settings }).unwrap();
        assert_eq!(colours(&parts.train), [120, 140, 160, 180, 130, 150, 170, 190], "{way}");
        assert_eq!(parts.train.labels, [0, 0, 0, 0, 1, 1, 1, 1]);
        assert!(parts.notes[0].starts_with("12 pictures left out: "), "{:?}", parts.notes);
    }
    fs::write(root.path().join(&names[12]), b"").unwrap();
    for name in &names[..12] {
        paint(&root.path().join(name), [0; 3]);
    }
    let one = read(&recipe).err().unwrap().to_string();
    assert!(one.starts_with(&root.path().join(&names[12]).display().to_string()), "{one}");
    assert!(one.ends_with("; repair it, take it away, or leave it out with --skip-broken."), "{one}");
}

#[test]
fn a_picture_that_changes_while_it_is_used_is_named() {
    let root = folder(&["a/0.png", "a/1.png", "b/2.png", "b/3.png"]);
    let parts =
        read_with(&recipe(root.path()), Settings { most_in_memory: 0, ..Settings::default() }).unwrap();
    paint(&root.path().join("b/2.png"), [9; 3]);
    let error = parts.train.image(2).unwrap_err().to_string();
    assert!(error.contains("b/2.png has changed since the start"), "{error}");
    fs::remove_file(root.path().join("b/3.png")).unwrap();
    assert!(parts.train.image(3).unwrap_err().to_string().contains("b/3.png: "));
}

#[test]
fn a_picture_that_could_not_be_read_when_the_cache_was_made_is_tried_again() {
    let root = folder(&["a/0.png", "b/1.png"]);
    let cache = TempDir::new().unwrap();
    let files = ["a/0.png", "b/1.png"].map(|name| root.path().join(name));
    let name = crate::data::cache::key(&files, Keep::Square { side: 4 }).unwrap();
    let writing = crate::data::cache::Writing::begin(cache.path(), &name, 2, 48).unwrap();
    writing.finish().unwrap();
    let settings = Settings { cache: Some(cache.path().to_owned()), ..Settings::default() };
    assert_eq!(colours(&read_with(&recipe(root.path()), settings).unwrap().train), [0, 10]);
}
