//! Tests of image folders, on folders made here.

use std::fs;

use image::{ImageFormat, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::data::Images;
use crate::data::report::Settings;
use crate::recipe::Data;

/// Writes an image of one colour.
pub(super) fn paint(path: &Path, colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let format = ImageFormat::from_path(path).unwrap_or(ImageFormat::Jpeg);
    RgbImage::from_pixel(6, 4, Rgb(colour)).save_with_format(path, format).unwrap();
}

/// A folder with these images, each of a colour that its place in the list decides.
pub(super) fn folder(files: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (i, file) in files.iter().enumerate() {
        paint(&root.path().join(file), [i as u8 * 10, 0, 255]);
    }
    root
}

pub(super) fn recipe(path: &Path) -> Recipe {
    Recipe { input_size: 4, validation: Some(0), ..Recipe::defaults(Data::Folder(path.to_owned())) }
}

pub(super) fn read(recipe: &Recipe) -> Result<Parts, DataError> {
    read_with(recipe, Settings::default())
}

pub(super) fn read_with(recipe: &Recipe, settings: Settings) -> Result<Parts, DataError> {
    let Data::Folder(path) = &recipe.data else { unreachable!("tests of folders read folders") };
    let mut on = |_, _| ControlFlow::Continue(());
    Folder(path).load(recipe, &mut Report::new(&mut on).with(settings))
}

/// The first byte of each image: its place in the list, times ten.
pub(super) fn colours(images: &Images) -> Vec<u8> {
    (0..images.len()).map(|i| images.image(i).unwrap()[0]).collect()
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
    assert_eq!(&parts.train.image(0).unwrap()[16..32], &[0; 16]);
    assert_eq!(&parts.train.image(0).unwrap()[32..], &[255; 16]);
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
fn other_files_are_counted_by_extension_and_hidden_ones_are_not_seen() {
    let root = folder(&["a/0.png", "b/1.png", "c.png"]);
    for other in ["a/list.txt", "b/notes", "README.md", "a/below/more.TXT", "a/.hidden.png", "b/.x.xml"] {
        fs::create_dir_all(root.path().join(other).parent().unwrap()).unwrap();
        fs::write(root.path().join(other), "x").unwrap();
    }
    fs::create_dir(root.path().join(".git")).unwrap();
    // What a Mac adds to an archive, and a NAS to every directory: thumbnails among the images.
    for litter in ["__MACOSX/a/x.txt", "a/@eaDir/0.png/thumb.jpg"] {
        paint(&root.path().join(litter).with_extension("jpg"), [0; 3]);
    }
    let parts = read(&recipe(root.path())).unwrap();
    assert_eq!(parts.train.len(), 2);
    assert_eq!(
        parts.notes,
        [
            "4 files passed over: 2 .txt, 1 without an extension, 1 .md",
            "1 image outside the class directories passed over",
        ]
    );
    for i in 0..9 {
        fs::write(root.path().join(format!("b/x.{i}")), "x").unwrap();
    }
    let notes = read(&recipe(root.path())).unwrap().notes;
    assert!(
        notes[0].starts_with("13 files passed over: 2 .txt, ") && notes[0].ends_with(", 6 of 6 other kinds")
    );
}

#[test]
fn images_below_a_class_are_its_images_in_byte_order_of_their_paths() {
    let root = folder(&[
        "train/n02/images/b.JPEG",
        "train/n01/images/2.png",
        "train/n01/images/10.png",
        "train/n01/images.png",
        "train/n01/a/b/c/d.jpe",
        "train/n01/z.jfif",
        "train/n01/.cache/1.png",
    ]);
    let parts = read(&recipe(root.path())).unwrap();
    let read = listed(root.path(), "train");
    assert_eq!(parts.train.labels, [0, 0, 0, 0, 0, 1]);
    let expected = [
        "n01/a/b/c/d.jpe",
        "n01/images.png",
        "n01/images/10.png",
        "n01/images/2.png",
        "n01/z.jfif",
        "n02/images/b.JPEG",
    ];
    assert_eq!(read, expected);
    assert!(parts.notes.is_empty(), "{:?}", parts.notes);
}

/// The paths that a part is read from, relative to it.
fn listed(root: &Path, part: &str) -> Vec<String> {
    let mut on = |_, _| ControlFlow::Continue(());
    let report = &mut Report::new(&mut on);
    let tree = Tree::read(root, &mut Passed::default(), report).unwrap();
    let classes = tree.classes(report).unwrap();
    let part = root.join(part);
    let listing = Listing::read(&part, &classes, &mut Passed::default(), report).unwrap();
    let relative = |file: &PathBuf| file.strip_prefix(&part).unwrap().to_str().unwrap().to_owned();
    listing.files.iter().map(relative).collect()
}

#[test]
fn parts_are_known_by_any_of_their_names_in_any_capitals() {
    for (train, validation, test) in
        [("train", "valid", "test"), ("Train", "Validation", "TEST"), ("TRAIN", "VAL", "Test")]
    {
        let root = folder(&[
            &format!("{train}/a/0.png"),
            &format!("{train}/b/1.png"),
            &format!("{validation}/a/2.png"),
            &format!("{test}/b/3.png"),
            "labels/x.png",
        ]);
        let parts = read(&Recipe { validation: None, ..recipe(root.path()) }).unwrap();
        assert_eq!(parts.classes, ["a", "b"]);
        assert_eq!((colours(&parts.validation), colours(&parts.test)), (vec![20], vec![30]));
        assert_eq!(parts.notes, ["1 directory that is no class passed over"]);
    }
    assert_eq!(
        sentence(&["train/a/0.png", "train/b/1.png", "val/a/0.png", "valid/a/0.png"]),
        "DIR has both `val` and `valid`; put them together or take one away."
    );
    assert_eq!(
        sentence(&["train/a/0.png", "train/b/1.png", "Test/a/0.png", "test/a/0.png"]),
        "DIR has both `Test` and `test`; put them together or take one away."
    );
    // These are classes.
    let root = folder(&["val/0.png", "valid/1.png"]);
    assert_eq!(read(&recipe(root.path())).unwrap().classes, ["val", "valid"]);
}

#[test]
fn a_flat_part_is_named_as_what_it_is() {
    let train = ["train/a/0.png", "train/b/0.png"];
    let flat = |files: &[&str]| sentence(&[&train[..], files].concat());
    assert_eq!(
        flat(&["val/0.png", "val/1.png"]),
        "DIR/val is flat: its 2 images are not in one directory for each class, as those of DIR/train are; sort them into such, or take it away."
    );
    let root = folder(&[&train[..], &["val/images/0.png"]].concat());
    fs::write(root.path().join("val/val_annotations.txt"), "0.png a").unwrap();
    assert_eq!(
        read(&recipe(root.path())).err().unwrap().to_string().replace(root.path().to_str().unwrap(), "DIR"),
        "DIR/val is flat: its image is not in one directory for each class, as those of DIR/train are; sort them into such (perhaps `val_annotations.txt` says which is which), or take it away."
    );
    // With one class sorted it is not.
    assert_eq!(
        flat(&["val/a/0.png", "val/images/0.png"]),
        "DIR/val/images is a class that DIR/train lacks; add it there or take it away."
    );
}

#[test]
fn class_names_are_the_same_however_accents_are_encoded() {
    let (composed, apart) = ("\u{e9}t\u{e9}", "e\u{301}te\u{301}");
    let root = folder(&[
        &format!("train/{apart}/0.png"),
        "train/f/1.png",
        &format!("val/{composed}/2.png"),
        "test/f/3.png",
    ]);
    let parts = read(&Recipe { validation: None, ..recipe(root.path()) }).unwrap();
    // In the order of the composed names, wherever they are written.
    assert_eq!(parts.classes, ["f", composed]);
    assert_eq!(Folder(root.path()).classes(&recipe(root.path())).unwrap(), parts.classes);
    assert_eq!((parts.train.labels, parts.validation.labels), (vec![0, 1], vec![1]));
    let same = format!(
        "has two class directories whose names differ only in how accents are encoded and would both be called `{composed}`; rename one."
    );
    for part in ["train", "val"] {
        let both = [format!("{part}/{composed}/4.png"), format!("{part}/{apart}/5.png")];
        let sentence = sentence(&["train/\u{e9}t\u{e9}/0.png", "train/f/0.png", &both[0], &both[1]]);
        assert_eq!(sentence, format!("DIR/{part} {same}"));
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let root = folder(&["set/a/0.png", "set/a/deep/1.png", "set/b/2.png", "elsewhere/x/3.png"]);
    let at = |path: &str| root.path().join(path);
    symlink(at("elsewhere"), at("set/a/more")).unwrap();
    symlink("..", at("set/a/deep/up")).unwrap();
    symlink(at("set"), at("set/b/all")).unwrap();
    symlink(".", at("set/b/self")).unwrap();
    // Two that lead to each other, through a third place.
    symlink(at("set/b"), at("elsewhere/x/b")).unwrap();
    symlink(at("elsewhere"), at("set/b/there")).unwrap();
    let set = at("set");
    let expected =
        ["a/0.png", "a/deep/1.png", "a/more/x/3.png", "a/more/x/b/2.png", "b/2.png", "b/there/x/3.png"];
    assert_eq!(listed(&set, ""), expected);
    let notes = read(&recipe(&set)).unwrap().notes;
    assert_eq!(notes, ["7 links to directories above them passed over"]);
}

#[test]
fn listing_a_large_directory_can_be_interrupted() {
    let root = folder(&["a/0.png", "b/1.png"]);
    for i in 0..2_000 {
        fs::write(root.path().join(format!("b/{i}.txt")), "").unwrap();
    }
    let mut ticks = 0;
    let mut stop = |_, _| {
        ticks += 1;
        if ticks == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let result = Folder(root.path()).load(&recipe(root.path()), &mut Report::new(&mut stop));
    assert_eq!((result.err(), ticks), (Some(DataError::Interrupted), 10));
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
    let root = folder(&["train/a/0.png", "train/b/0.png"]);
    fs::create_dir(root.path().join("test")).unwrap();
    let empty = read(&recipe(root.path())).err().unwrap().to_string();
    assert!(empty.ends_with("/test has no images; fill it or take it away."), "{empty}");
    assert!(sentence(&["a/0.png", "b/.hidden/0.png"]).starts_with("DIR/b has no images (bmp, gif"));
    let nowhere = read(&recipe(Path::new("no/such/folder"))).err().unwrap().to_string();
    assert_eq!(nowhere, "no/such/folder does not exist; name a folder with one directory for each class.");
}

#[test]
fn a_file_that_is_no_image_ends_the_load_and_is_named() {
    let root = folder(&["a/0.png", "b/1.png"]);
    let path = root.path().join("b/1.png");
    let whole = fs::read(&path).unwrap();
    for (bytes, clause) in [
        (&b""[..], "it is empty"),
        (b"not an image", "it is no picture in BMP, GIF, JPEG, PNG, PNM, TIFF or WebP"),
        (&whole[..whole.len() / 2], "it is cut off"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = read(&recipe(root.path())).err().unwrap().to_string();
        assert_eq!(
            error,
            format!(
                "{}: {clause}; repair it, take it away, or leave it out with --skip-broken.",
                path.display()
            )
        );
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

#[test]
fn pictures_are_counted_while_they_are_found_and_then_while_they_are_read() {
    let root = folder(&["a/0.png", "a/1.png", "b/2.png"]);
    let mut seen = Vec::new();
    let mut on = |done, total| {
        seen.push((done, total));
        ControlFlow::Continue(())
    };
    Folder(root.path()).load(&recipe(root.path()), &mut Report::new(&mut on)).unwrap();
    seen.dedup();
    assert!(
        seen.starts_with(&[(0, 0), (2, 0), (3, 0), (0, 3), (1, 3)]) && seen.ends_with(&[(3, 3)]),
        "{seen:?}"
    );
}

#[test]
fn a_load_is_over_soon_after_it_was_interrupted() {
    let root = folder(&["a/0.png", "a/1.png", "b/2.png", "b/3.png"]);
    let mut on = |done, _| if done < 1 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    let error = Folder(root.path()).load(&recipe(root.path()), &mut Report::new(&mut on)).err();
    assert_eq!(error, Some(DataError::Interrupted));
}
