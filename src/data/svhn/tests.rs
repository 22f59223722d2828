//! Tests of SVHN: files that SciPy wrote (`tests/peer/data_files.py`), and every way in which one can be wrong.

use std::fs;
use std::ops::ControlFlow;

use tempfile::TempDir;

use super::*;
use crate::data::prepare::Prepare;
use crate::recipe::Data;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/data").join(name)
}

fn recipe(dir: &Path) -> Recipe {
    Recipe { data_dir: Some(dir.to_owned()), validation: Some(10), ..Recipe::defaults(Data::Svhn) }
}

fn read(recipe: &Recipe) -> Result<Parts, DataError> {
    Svhn.load(recipe, &mut Report::new(&mut |_, _| ControlFlow::Continue(())))
}

/// The pixels of image `i` as the script draws them.
fn pixels(i: usize) -> Vec<u8> {
    let places = (0..3 * PLANE).map(|p| (p / PLANE, p / SIDE % SIDE, p % SIDE));
    places.map(|(c, y, x)| ((57 * i + 31 * c + 13 * x + 7 * y + x * y) % 256) as u8).collect()
}

/// A copy of SciPy's files.
fn copy(of: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for entry in fs::read_dir(golden(of)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// The sentence after `spoil` had the bytes of `train_32x32.mat` of `of`.
fn sentence(of: &str, spoil: impl Fn(&mut Vec<u8>)) -> String {
    let folder = copy(of);
    let path = folder.path().join(TRAIN);
    let mut bytes = fs::read(&path).unwrap();
    spoil(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let error = read(&recipe(folder.path())).err().unwrap().to_string();
    error.replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn what_scipy_wrote_compressed_comes_back_and_train_and_extra_are_one() {
    let parts = read(&Recipe { validation: Some(0), ..recipe(&golden("")) }).unwrap();
    assert_eq!((parts.train.len(), parts.validation.len(), parts.test.len()), (30, 0, 4));
    for i in 0..30 {
        assert_eq!(parts.train.image(i).unwrap(), pixels(i), "image {i}");
        // The label of image 9 is 10.
        assert_eq!(parts.train.labels[i] as usize, (i + 1) % 10);
    }
    assert_eq!(parts.test.image(3).unwrap(), pixels(33));
    assert_eq!(parts.classes[0], "0");
    assert!(!parts.flips && parts.notes.is_empty());
    assert_eq!(parts.dir, Some(golden("svhn").canonicalize().unwrap()));
}

#[test]
fn validation_is_drawn_from_train_and_extra_alike_and_a_missing_extra_is_noted() {
    let parts = read(&recipe(&golden("svhn"))).unwrap();
    assert_eq!((parts.train.len(), parts.validation.class_counts(10)), (20, vec![1; 10]));
    // Uncompressed files, one with a single image.
    let plain = read(&Recipe { validation: Some(2), ..recipe(&golden("svhn-plain")) }).unwrap();
    assert_eq!((plain.train.len(), plain.validation.len(), plain.test.len()), (10, 2, 1));
    assert_eq!((plain.test.image(0).unwrap(), plain.test.labels[0]), (pixels(12).into(), 3));
    assert!(plain.notes[0].starts_with("extra_32x32.mat is not in"), "{:?}", plain.notes);
}

#[test]
fn its_defaults_divide_by_255_and_change_no_image() {
    let recipe = Recipe { validation: Some(0), ..recipe(&golden("svhn")) };
    let dataset =
        crate::data::load(&recipe, crate::data::Settings::default(), &mut |_, _| ControlFlow::Continue(()))
            .unwrap();
    let prepare = Prepare::new(&recipe, dataset.stats, dataset.flips);
    let batch = prepare.training(&dataset.train, &[3], 7).unwrap();
    let expected = pixels(3).into_iter().map(|pixel| f32::from(pixel) / 255.0);
    assert!(batch.images.iter().zip(expected).all(|(found, wanted)| (found - wanted).abs() < 1e-6));
}

#[test]
fn a_damaged_file_is_named_with_what_is_wrong_and_where_it_comes_from() {
    let cut = sentence("svhn", |bytes| bytes.truncate(9_000));
    assert_eq!(
        cut,
        "DIR/train_32x32.mat is damaged: it is cut off in the element at byte 128; get \
         http://ufldl.stanford.edu/housenumbers/train_32x32.mat (md5 e26dedcc434d2e4c54c9b2d4a06d8373) again."
    );
    let short = sentence("svhn-plain", |bytes| bytes.truncate(50));
    assert!(short.contains("is damaged: it is no MAT-file: it has less than 128 bytes"), "{short}");
    let page = sentence("svhn-plain", |bytes| *bytes = b"<html>".repeat(100));
    assert!(page.contains("it is no MAT-file of version 5"), "{page}");
    // A bit of the compressed pixels: the stream breaks, or its check sum differs.
    for at in [500, 5_000, 12_000] {
        let flipped = sentence("svhn", |bytes| bytes[at] ^= 4);
        assert!(flipped.starts_with("DIR/train_32x32.mat is damaged: "), "{flipped}");
    }
}

#[test]
fn another_type_shape_or_label_is_told() {
    // The bytes of the uncompressed file: X has its dimensions from 160 on, its tag at 184, its data from 192 on;
    // y's data follow the last tag.
    let with = |at: usize, word: u32| {
        sentence("svhn-plain", move |bytes| bytes[at..at + 4].copy_from_slice(&word.to_le_bytes()))
    };
    assert!(
        with(160, 16).contains("its `X` is 16 x 32 x 3 x 12, not 32 x 32 x 3 x 12 as its 12 labels need")
    );
    assert!(with(172, 13).contains("its `X` is 32 x 32 x 3 x 13, not 32 x 32 x 3 x 12"));
    assert!(with(184, 1).contains("its `X` is not of the type uint8"));
    assert!(with(188, 0xffff_fff0).contains("its `X` of 32 x 32 x 3 x 12 values has 4294967280 bytes"));
    assert!(with(132, 0xffff_fff0).contains("it is cut off in the element at byte 128"));
    let named = sentence("svhn-plain", |bytes| bytes[180] = b'Z');
    assert!(named.contains("it has no array `X` of numbers"), "{named}");
    for wrong in [0, 11, 255] {
        let label = sentence("svhn-plain", |bytes| {
            let end = bytes.len();
            // Twelve labels and four bytes that fill them up.
            assert_eq!(bytes[end - 16..end - 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2]);
            bytes[end - 15] = wrong;
        });
        let expected = format!("image 2 has label {wrong}, and labels go from 1 to 10 (the digit 0)");
        assert!(label.contains(&expected), "{label}");
    }
}

#[test]
fn no_changed_byte_is_more_than_an_error() {
    let folder = copy("svhn-plain");
    let recipe = Recipe { validation: Some(0), ..recipe(folder.path()) };
    for name in [TRAIN, TEST] {
        let path = folder.path().join(name);
        let good = fs::read(&path).unwrap();
        // The heads of both arrays: what is between them are pixels.
        let heads = (124..200).chain(good.len() - 80..good.len());
        for (at, value) in heads.flat_map(|at| [0, 1, 0x7f, 0xff].map(|value| (at, value))) {
            let mut bytes = good.clone();
            bytes[at] = value;
            fs::write(&path, bytes).unwrap();
            if let Err(error) = read(&recipe) {
                assert!(error.to_string().contains(name), "byte {at}: {error}");
            }
        }
        fs::write(&path, good).unwrap();
    }
    let compressed = copy("svhn");
    let path = compressed.path().join(TRAIN);
    let good = fs::read(&path).unwrap();
    for at in (128..good.len()).step_by(197) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x55;
        fs::write(&path, &bytes).unwrap();
        assert!(
            read(&Recipe { data_dir: Some(compressed.path().into()), ..recipe.clone() }).is_err(),
            "byte {at}"
        );
        fs::write(&path, &good[..at]).unwrap();
        assert!(
            read(&Recipe { data_dir: Some(compressed.path().into()), ..recipe.clone() }).is_err(),
            "{at} bytes"
        );
    }
}

#[test]
fn a_huge_announced_size_is_refused_before_any_memory_is_taken() {
    use flate2::{Compression, write::ZlibEncoder};
    use std::io::Write;
    let bomb = sentence("svhn-plain", |bytes| {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&[14u32.to_le_bytes(), 0xffff_fff0u32.to_le_bytes()].concat()).unwrap();
        zlib.write_all(&[0; 4096]).unwrap();
        let element = zlib.finish().unwrap();
        bytes.truncate(128);
        bytes.extend([15u32.to_le_bytes(), (element.len() as u32).to_le_bytes()].concat());
        bytes.extend(element);
    });
    assert!(bomb.contains("it announces 4294967280 bytes, more than its"), "{bomb}");
}

#[test]
fn data_that_is_nowhere_and_a_missing_file_are_answered_with_where_they_come_from() {
    let empty = TempDir::new().unwrap();
    let error = read(&recipe(empty.path())).err().unwrap().to_string();
    for part in ["SVHN is not in", "`svhn` or `train_32x32.mat`", "`densenet-tui fetch svhn` downloads it."] {
        assert!(error.contains(part), "{error}");
    }
    let folder = copy("svhn");
    fs::remove_file(folder.path().join(TEST)).unwrap();
    let error = read(&recipe(folder.path())).err().unwrap().to_string();
    assert!(error.contains("test_32x32.mat is missing; get http://ufldl"), "{error}");
}

#[test]
fn a_load_can_be_interrupted_at_any_report() {
    let recipe = recipe(&golden("svhn"));
    let mut reports = 0;
    let mut count = |_, _| {
        reports += 1;
        ControlFlow::Continue(())
    };
    Svhn.load(&recipe, &mut Report::new(&mut count)).unwrap();
    assert_eq!(reports, 4);
    for last in 0..reports {
        let mut left = last;
        let mut stop = |_, _| {
            left -= 1;
            if left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let result = Svhn.load(&recipe, &mut Report::new(&mut stop));
        assert_eq!(result.err(), Some(DataError::Interrupted));
    }
}
