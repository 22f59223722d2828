//! Tests of image folders, on folders made here.

use std::fs;
use std::ops::ControlFlow;

use image::{Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::recipe::Data;

/// Writes an image of one colour.
fn paint(path: &Path, colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(6, 4, Rgb(colour)).save(path).unwrap();
}

/// A folder with these images, each of a colour that its place in the list decides.
fn folder(files: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (i, file) in files.iter().enumerate() {
        paint(&root.path().join(file), [i as u8 * 10, 0, 255]);
    }
    root
}

fn recipe(path: &Path) -> Recipe {
    Recipe { input_size: 4, validation: Some(0), ..Recipe::defaults(Data::Folder(path.to_owned())) }
}

fn read(recipe: &Recipe) -> Result<Parts, DataError> {
    let Data::Folder(path) = &recipe.data else { unreachable!("tests of folders read folders") };
    let mut on = |_, _| ControlFlow::Continue(());
    Folder(path).load(recipe, &mut Report::new(&mut on))
}

/// The first byte of each image: its place in the list, times ten.
fn colours(images: &Images) -> Vec<u8> {
    (0..images.len()).map(|i| images.image(i)[0]).collect()
}

/// The sentence about a folder of `files`, its path shortened.
fn sentence(files: &[&str]) -> String {
    let root = folder(files);
    let error = read(&recipe(root.path())).err().unwrap().to_string();
    error.replace(&root.path().display().to_string(), "DIR")
}

#[test]
fn classes_and_files_come_in_byte_order_whatever_the_case_of_an_extension() {
    let root = folder(&["cat/b.png", "cat/a.BMP", "Zebra/2.ppm", "Zebra/10.png", "ant/x.GIF"]);
    let parts = read(&recipe(root.path())).unwrap();
    assert_eq!(parts.classes, ["Zebra", "ant", "cat"]);
    assert_eq!(parts.train.labels, [0, 0, 1, 2, 2]);
    assert_eq!(colours(&parts.train), [30, 20, 40, 10, 0]);
    assert_eq!(&parts.train.image(0)[16..32], &[0; 16]);
    assert_eq!(&parts.train.image(0)[32..], &[255; 16]);
    assert_eq!(parts.dir, Some(root.path().to_owned()));
    assert!(parts.notes.is_empty() && parts.test.is_empty() && parts.flips);
    assert_eq!(Folder(root.path()).classes(&recipe(root.path())).unwrap(), parts.classes);
}

#[test]
fn jpeg_and_webp_are_read_and_a_wrong_extension_is_forgiven() {
    let root = folder(&["a/1.jpg", "a/2.webp", "b/3.jpeg"]);
    fs::rename(root.path().join("b/3.jpeg"), root.path().join("b/3.png")).unwrap();
    let parts = read(&recipe(root.path())).unwrap();
    assert_eq!(parts.train.labels, [0, 0, 1]);
}

#[test]
fn a_divided_folder_keeps_its_parts() {
    let root = folder(&[
        "train/a/0.png",
        "train/b/1.png",
        "val/a/2.png",
        "val/b/3.png",
        "val/b/4.png",
        "test/b/5.png",
    ]);
    let mut recipe = recipe(root.path());
    recipe.validation = None;
    let parts = read(&recipe).unwrap();
    assert_eq!(colours(&parts.train), [0, 10]);
    assert_eq!(colours(&parts.validation), [20, 30, 40]);
    assert_eq!((colours(&parts.test), parts.test.labels.clone()), (vec![50], vec![1]));
    recipe.validation = Some(2);
    assert_eq!(read(&recipe).unwrap().validation.labels, [0, 1]);
    recipe.validation = Some(0);
    assert!(read(&recipe).unwrap().validation.is_empty());
}

#[test]
fn an_undivided_folder_gives_a_tenth_to_validation() {
    let names: Vec<String> = (0..20).map(|i| format!("{}/{i}.png", ["a", "b"][i % 2])).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let root = folder(&names);
    let mut recipe = recipe(root.path());
    recipe.validation = None;
    let parts = read(&recipe).unwrap();
    assert_eq!((parts.train.len(), parts.validation.labels), (18, vec![0, 1]));
    recipe.train_limit = Some(4);
    assert_eq!(read(&recipe).unwrap().train.labels, [0, 0, 1, 1]);
}

#[test]
fn a_class_may_be_called_train() {
    let root = folder(&["car/0.png", "train/1.png"]);
    assert_eq!(read(&recipe(root.path())).unwrap().classes, ["car", "train"]);
}

#[test]
fn other_files_are_counted_and_hidden_ones_are_not_seen() {
    let root = folder(&["a/0.png", "b/1.png", "c.png", "a/deep/2.png"]);
    for other in ["a/list.txt", "b/notes", "README.md", "a/.hidden.png"] {
        fs::write(root.path().join(other), "x").unwrap();
    }
    fs::create_dir(root.path().join(".git")).unwrap();
    let parts = read(&recipe(root.path())).unwrap();
    assert_eq!(parts.train.len(), 2);
    assert_eq!(
        parts.notes,
        [
            "3 files with other extensions passed over",
            "1 image outside the class directories passed over",
            "1 directory that is no class passed over",
        ]
    );
}

#[test]
fn a_folder_that_cannot_be_trained_on_is_one_sentence() {
    assert_eq!(sentence(&[]), "DIR has no directories; make one for each class, with its images.");
    assert_eq!(
        sentence(&["cat/0.png"]),
        "DIR has only one class directory, `cat`; a classifier needs at least two."
    );
    assert_eq!(
        sentence(&["train/a/0.png", "train/b/0.png", "val/c/0.png"]),
        "DIR/val/c is a class that DIR/train lacks; add it there or take it away."
    );
    assert_eq!(
        sentence(&["train/a/0.png", "train/b/0.png", "test/0.png"]),
        "DIR/test has no images; fill it or take it away."
    );
    assert!(sentence(&["a/0.png", "b/deep/0.png"]).starts_with("DIR/b has no images (bmp, gif"));
    let nowhere = read(&recipe(Path::new("no/such/folder"))).err().unwrap().to_string();
    assert_eq!(nowhere, "no/such/folder does not exist; name a folder with one directory for each class.");
}

#[test]
fn a_file_that_is_no_image_ends_the_load_and_is_named() {
    let root = folder(&["a/0.png", "b/1.png"]);
    let path = root.path().join("b/1.png");
    let whole = fs::read(&path).unwrap();
    for bytes in [&b""[..], b"not an image", &whole[..whole.len() / 2]] {
        fs::write(&path, bytes).unwrap();
        let error = read(&recipe(root.path())).err().unwrap().to_string();
        assert!(error.starts_with(&format!("{} cannot be decoded (", path.display())), "{error}");
        assert!(error.ends_with("); repair it or take it away."), "{error}");
    }
}

#[test]
fn a_data_directory_is_the_folder_or_its_parent_and_what_was_found_finds_it_again() {
    let root = folder(&["pets/a/0.png", "pets/b/1.png", "pets/pets/2.png"]);
    let pets = root.path().join("pets");
    let found = |path: &str, data_dir: &Path| {
        let recipe = Recipe { data_dir: Some(data_dir.to_owned()), ..recipe(Path::new(path)) };
        read(&recipe).map(|parts| parts.dir.unwrap())
    };
    assert_eq!(found("pets", root.path()), Ok(pets.clone()));
    assert_eq!(found("pets", &pets), Ok(pets.clone()));
    assert_eq!(found("/elsewhere/pets", root.path()), Ok(pets.clone()));
    assert_eq!(found("/elsewhere/animals", &pets), Ok(pets.clone()));
    let here = root.path().join("here");
    fs::create_dir(&here).unwrap();
    let recipe = Recipe { data_dir: Some(here), ..recipe(&pets) };
    let parts = read(&recipe).unwrap();
    assert_eq!(parts.dir, Some(pets));
    assert!(parts.notes[0].contains("is not in the data directory"));
}

#[test]
fn a_load_can_be_interrupted_between_two_images() {
    let root = folder(&["a/0.png", "b/1.png", "b/2.png"]);
    let mut seen = Vec::new();
    let mut stop = |done, total| {
        seen.push((done, total));
        if done == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let result = Folder(root.path()).load(&recipe(root.path()), &mut Report::new(&mut stop));
    assert_eq!(result.err(), Some(DataError::Interrupted));
    assert_eq!(&seen[seen.len() - 3..], [(0, 3), (1, 3), (2, 3)]);
}
