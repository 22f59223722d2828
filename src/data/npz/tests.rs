//! Tests of .npz files: those that NumPy wrote (`tests/peer/data_files.py`), and every way in which one can be wrong.

use std::fs;
use std::ops::ControlFlow;

use tempfile::TempDir;

use super::*;
use crate::recipe::Data;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/data/npz").join(name)
}

fn recipe(path: &Path) -> Recipe {
    Recipe { input_size: 10, ..Recipe::defaults(Data::Npz(path.to_owned())) }
}

fn read_by(recipe: &Recipe) -> Result<Parts, DataError> {
    let Data::Npz(path) = &recipe.data else { panic!() };
    Npz(path).load(recipe, &mut Report::new(&mut |_, _| ControlFlow::Continue(())))
}

fn read(name: &str) -> Parts {
    read_by(&recipe(&golden(name))).unwrap()
}

/// The sentence for a file, without its folder.
fn sentence(path: &Path) -> String {
    let error = read_by(&recipe(path)).err().unwrap().to_string();
    error.replace(&format!("{}/", path.parent().unwrap().display()), "")
}

/// The pixels of image `i` as the script draws them.
fn pixels(i: usize, channels: usize) -> Vec<u8> {
    let places = (0..300).map(|p| (p / 100 % channels, p / 10 % 10, p % 10));
    places.map(|(c, y, x)| ((57 * i + 31 * c + 13 * x + 7 * y + x * y) % 256) as u8).collect()
}

/// The indices of `images` in the script, by their first pixels.
fn indices(images: &Images) -> Vec<usize> {
    let which = |i: usize| (0..30).find(|&which| pixels(which, 3) == *images.image(i).unwrap()).unwrap();
    (0..images.len()).map(which).collect()
}

#[test]
fn what_numpy_wrote_comes_back_grey_and_rgb_with_its_own_splits() {
    let rgb = read("rgb.npz");
    let grey = read("grey.npz");
    assert_eq!((rgb.train.len(), rgb.validation.len(), rgb.test.len()), (12, 6, 3));
    for i in 0..12 {
        assert_eq!((rgb.train.image(i).unwrap(), rgb.train.labels[i]), (pixels(i, 3).into(), i as u32 % 3));
        assert_eq!((grey.train.image(i).unwrap(), grey.train.labels[i]), (pixels(i, 1).into(), i as u32 % 3));
    }
    assert_eq!(
        (rgb.validation.image(5).unwrap(), rgb.test.image(2).unwrap()),
        (pixels(17, 3).into(), pixels(20, 3).into())
    );
    assert_eq!(grey.test.labels, [0, 1, 2]);
    assert_eq!(rgb.classes, ["0", "1", "2"]);
    assert_eq!(grey.classes, ["cat", "dog", "Öl"]);
    assert!(rgb.notes.is_empty(), "{:?}", rgb.notes);
    assert_eq!(rgb.dir, Some(golden("rgb.npz")));
}

#[test]
fn images_alone_in_fortran_order_are_split_by_the_recipe() {
    let parts = read("fortran.npz");
    assert_eq!((parts.train.len(), parts.validation.class_counts(3), parts.test.len()), (27, vec![1; 3], 0));
    let (train, validation) = (indices(&parts.train), indices(&parts.validation));
    assert!(train.is_sorted() && validation.is_sorted());
    let mut all = [train, validation].concat();
    all.sort_unstable();
    assert_eq!(all, (0..30).collect::<Vec<_>>());
    assert!(parts.train.labels.iter().zip(indices(&parts.train)).all(|(label, i)| *label as usize == i % 3));

    let limited = Recipe { validation: Some(6), train_limit: Some(9), ..recipe(&golden("fortran.npz")) };
    let parts = read_by(&limited).unwrap();
    assert_eq!((parts.train.class_counts(3), parts.validation.class_counts(3)), (vec![3; 3], vec![2; 3]));
}

#[test]
fn a_validation_set_of_its_own_is_limited_by_the_recipe() {
    let recipe = Recipe { validation: Some(3), train_limit: Some(6), ..recipe(&golden("rgb.npz")) };
    let parts = read_by(&recipe).unwrap();
    assert_eq!((parts.train.len(), parts.validation.class_counts(3), parts.test.len()), (6, vec![1; 3], 3));
    assert!(indices(&parts.validation).iter().all(|i| (12..18).contains(i)));
}

#[test]
fn images_of_another_side_are_resized_by_a_triangle_filter_and_it_is_noted() {
    let parts = read_by(&Recipe { input_size: 5, ..recipe(&golden("grey.npz")) }).unwrap();
    assert_eq!(parts.notes, ["images of 10x10 are resized to 5x5, the recipe's `input_size`"]);
    let (image, own) = (parts.train.image(0).unwrap(), pixels(0, 1));
    assert_eq!((parts.train.side().unwrap(), image.len()), (5, 75));
    assert_eq!(image[..25], image[50..]);
    // A pixel in the middle has the weights 1, 3, 3, 1 of its four by four.
    let weights = [1u32, 3, 3, 1];
    let sum: u32 = (0..4)
        .flat_map(|y| (0..4).map(move |x| (y, x)))
        .map(|(y, x)| weights[y] * weights[x] * u32::from(own[(y + 3) * 10 + x + 3]))
        .sum();
    assert!(u32::from(image[2 * 5 + 2]).abs_diff((sum + 32) / 64) <= 1, "{} {}", image[12], sum / 64);
}

#[test]
fn what_cannot_be_trained_on_is_told_with_the_array() {
    for (name, what) in [
        ("float", "its `images` has values of the type `<f8`, not uint8 from 0 to 255"),
        ("oblong", "its `images` has images of 5 x 4 pixels, which are no squares"),
        ("flat", "its `images` has the shape 30 x 48, not images x height x width, or that x 3 for RGB"),
        ("several", "its `labels` has 3 values for each image, and one label an image is what is trained on"),
        ("negative", "its `labels` has the label -1 of image 1, which is no class"),
        ("gap", "it has the label 4, but no training image of label 1; labels go from 0 without a gap"),
        ("fewer", "its `labels` has 29 labels for 30 images"),
        ("real", "its `labels` has values of the type `<f4`, not whole numbers"),
        ("objects", "its `class_names` has values of the type `|O`, which are not read"),
        ("names", "it has the label 2, but `class_names` ends at 2 classes"),
        ("arrays", "nor in `images` and `labels`; its arrays are x, y"),
        ("half", "it has `images`, but no `labels`"),
    ] {
        let told = sentence(&golden(&format!("wrong-{name}.npz")));
        let start = format!("wrong-{name}.npz cannot be trained on: ");
        assert!(told.starts_with(&start) && told.contains(what), "{told}");
        assert!(told.ends_with("; write it again with numpy.savez."), "{told}");
    }
}

#[test]
fn a_damaged_file_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.npz");
    let spoilt = |of: &str, spoil: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(golden(of)).unwrap();
        spoil(&mut bytes);
        fs::write(&path, bytes).unwrap();
        sentence(&path)
    };
    let cut = spoilt("rgb.npz", &|bytes| bytes.truncate(2_000));
    assert!(cut.starts_with("a.npz cannot be trained on: its zip file cannot be read ("), "{cut}");
    assert!(spoilt("rgb.npz", &|bytes| *bytes = b"<html>".to_vec()).contains("its zip file cannot be read"));
    // A pixel of a stored array: only the check sum tells.
    let flipped = spoilt("grey.npz", &|bytes| bytes[900] ^= 1);
    assert!(flipped.contains("_images` is damaged: "), "{flipped}");
    // The size in the header of the array is not that of the array.
    let find = |bytes: &[u8], text: &str| {
        bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
    };
    let shape = spoilt("grey.npz", &|bytes| {
        let at = find(bytes, "(12, 10, 10)");
        bytes[at + 1] = b'9';
    });
    assert!(shape.contains("_images` has 1328 bytes, not those of 92 x 10 x 10 values"), "{shape}");
    let missing = sentence(&folder.path().join("none.npz"));
    assert!(missing.starts_with("none.npz is not there; name another file behind `npz:`"), "{missing}");
}

#[test]
fn a_size_that_the_file_cannot_hold_is_refused_before_any_memory_is_taken() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.npz");
    let mut bytes = fs::read(golden("rgb.npz")).unwrap();
    // The sizes after inflation, in the central directory, whose rows begin with PK 1 2.
    let rows: Vec<usize> = (0..bytes.len() - 4).filter(|&i| &bytes[i..i + 4] == b"PK\x01\x02").collect();
    for row in rows {
        bytes[row + 24..row + 28].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    let told = sentence(&path);
    assert!(told.contains("announces 2147483647 bytes, more than its"), "{told}");
}

#[test]
fn no_changed_byte_is_more_than_an_error() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.npz");
    for name in ["rgb.npz", "grey.npz", "fortran.npz"] {
        let good = fs::read(golden(name)).unwrap();
        for at in (0..good.len()).step_by(13) {
            for bytes in [good[..at].to_vec(), [&good[..at], &[good[at] ^ 0x55], &good[at + 1..]].concat()] {
                fs::write(&path, bytes).unwrap();
                if let Err(error) = read_by(&recipe(&path)) {
                    assert!(error.to_string().starts_with(&path.display().to_string()), "byte {at}: {error}");
                }
            }
        }
    }
}

#[test]
fn a_set_without_images_is_none_whatever_side_it_announces() {
    let parts =
        read_by(&Recipe { input_size: 4, validation: Some(3), ..recipe(&golden("empty.npz")) }).unwrap();
    assert_eq!((parts.train.len(), parts.validation.len(), parts.test.len()), (27, 3, 0));
}

#[test]
fn the_file_is_found_in_the_data_directory_and_where_it_was_moved() {
    let folder = TempDir::new().unwrap();
    let moved = folder.path().join("rgb.npz");
    fs::copy(golden("rgb.npz"), &moved).unwrap();
    let found = |path: &str, dir: &Path| locate(Path::new(path), Some(dir));
    for (path, dir) in
        [("rgb.npz", folder.path()), ("/elsewhere/rgb.npz", folder.path()), ("/elsewhere/rgb.npz", &moved)]
    {
        assert_eq!(found(path, dir), (moved.clone(), None));
    }
    let here = golden("grey.npz");
    let (path, note) = locate(&here, Some(folder.path()));
    assert_eq!(path, here);
    assert!(note.unwrap().ends_with("read from here"));
}

#[test]
fn a_load_can_be_interrupted_at_any_report() {
    let recipe = recipe(&golden("rgb.npz"));
    for last in 0..22 {
        let mut left = last;
        let mut stop = |_, _| {
            left -= 1;
            if left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let result = Npz(&golden("rgb.npz")).load(&recipe, &mut Report::new(&mut stop));
        assert_eq!(result.err(), Some(DataError::Interrupted), "after {last}");
    }
}
