//! Tests of CIFAR: small data sets of the real layouts, and every way in which a file can be wrong.

use std::fs;
use std::ops::ControlFlow;

use tempfile::TempDir;

use super::*;
use crate::data::cifar::files::PIXELS;
use crate::pickle::build::{STYLES, Style, batch, names as pickled_names};
use crate::recipe::Data;

/// Ten training images in each of five files and ten test images.
const TEN: Variety = small(CIFAR10);
/// The same sizes in one file, with a hundred classes.
const HUNDRED: Variety = small(CIFAR100);

const fn small(variety: Variety) -> Variety {
    Variety { set: DataSet { train: 50, test: 10, validation: Some(10), ..variety.set }, ..variety }
}

/// The pixels of image `i`: every image and every plane differs.
fn pixels(i: usize) -> Vec<u8> {
    (0..PIXELS).map(|p| (i * 31 + p / 16) as u8).collect()
}

/// A directory that holds `variety` in `layout`; image `i` has class `i % classes`.
fn publish(variety: &Variety, layout: &Layout, style: Style) -> TempDir {
    let root = TempDir::new().unwrap();
    let folder = root.path().join(layout.archive.folder);
    fs::create_dir(&folder).unwrap();
    let per_file = variety.set.train / layout.train.len();
    let starts = layout.train.iter().enumerate().map(|(i, file)| (*file, i * per_file, per_file));
    for (file, start, n) in starts.chain([(layout.test, variety.set.train, variety.set.test)]) {
        let class = |i: usize| (i % variety.class_names.len()) as u8;
        let bytes = match layout.labels {
            files::Labels::Bytes(label_bytes) => (start..start + n)
                .flat_map(|i| {
                    let mut record = vec![200; label_bytes - 1];
                    record.push(class(i));
                    record.extend(pixels(i));
                    record
                })
                .collect(),
            files::Labels::Key(key) => {
                let all: Vec<u8> = (start..start + n).flat_map(pixels).collect();
                let labels: Vec<u8> = (start..start + n).map(class).collect();
                batch(style, key, n, &all, &labels)
            }
        };
        fs::write(folder.join(file), bytes).unwrap();
    }
    let names = match layout.names_key {
        None => format!("{}\n\n", variety.class_names.join("\n")).into_bytes(),
        Some(key) => pickled_names(style, key, variety.class_names),
    };
    fs::write(folder.join(layout.names), names).unwrap();
    root
}

fn recipe(data_dir: &Path) -> Recipe {
    Recipe { data_dir: Some(data_dir.to_owned()), ..Recipe::defaults(Data::Cifar10) }
}

fn read(variety: &Variety, data_dir: &Path) -> Result<Parts, DataError> {
    let mut on = |_, _| ControlFlow::Continue(());
    variety.load(&recipe(data_dir), &mut Report::new(&mut on))
}

/// The sentence after `spoil` has had its way with the folder of `layout`.
fn sentence(layout: &Layout, spoil: impl Fn(&Path)) -> String {
    let root = publish(&TEN, layout, Style::Python2);
    let folder = root.path().join(layout.archive.folder);
    spoil(&folder);
    let error = read(&TEN, root.path()).err().unwrap().to_string();
    error.replace(&folder.display().to_string(), "DIR")
}

#[test]
fn both_layouts_give_the_same_images_whoever_pickled_them() {
    for variety in [TEN, HUNDRED] {
        let [binary, python] = variety.layouts;
        let root = publish(&variety, binary, Style::Python2);
        let expected = read(&variety, root.path()).unwrap();
        assert_eq!((expected.train.len(), expected.validation.len()), (40, 10));
        assert_eq!(expected.test.image(3).unwrap(), pixels(53));
        assert_eq!(expected.test.labels[3] as usize, 53 % variety.class_names.len());
        assert_eq!(expected.classes, variety.names());
        for style in STYLES {
            let root = publish(&variety, python, style);
            let found = read(&variety, root.path()).unwrap();
            assert!(found.train == expected.train, "{style:?}");
            assert!(found.validation == expected.validation && found.test == expected.test);
            assert_eq!(found.classes, expected.classes);
        }
    }
}

#[test]
fn a_file_with_other_images_than_the_published_one_is_named_and_read() {
    let other: &[&str] = &["no check sum"; 6];
    for layout in TEN.layouts {
        let root = publish(&TEN, layout, Style::Python2);
        let parts = read(&Variety { check_sums: other, ..TEN }, root.path()).unwrap();
        assert_eq!((parts.train.len(), parts.notes.len()), (40, 6));
        let second = root.path().join(layout.archive.folder).join(layout.train[1]);
        let note = format!("{} is not the published file: its images or their", second.display());
        assert!(parts.notes[1].starts_with(&note), "{:?}", parts.notes);
        assert_eq!(read(&Variety { check_sums: &[], ..TEN }, root.path()).unwrap().notes.len(), 0);
    }
}

#[test]
fn the_folder_is_found_from_its_parent_from_itself_and_under_another_name() {
    let layout = &TEN.layouts[0];
    let root = publish(&TEN, layout, Style::Python2);
    let folder = root.path().join(layout.archive.folder);
    let expected = folder.canonicalize().unwrap();
    assert_eq!(read(&TEN, root.path()).unwrap().dir, Some(expected.clone()));
    assert_eq!(read(&TEN, &folder).unwrap().dir, Some(expected));
    let renamed = root.path().join("ten");
    fs::rename(&folder, &renamed).unwrap();
    assert_eq!(read(&TEN, &renamed).unwrap().dir, Some(renamed.canonicalize().unwrap()));
}

#[test]
fn data_that_is_nowhere_is_answered_with_where_it_was_sought_and_where_it_comes_from() {
    let empty = TempDir::new().unwrap();
    let error = read(&TEN, empty.path()).err().unwrap().to_string();
    for part in [
        &format!("CIFAR-10 is not in `{}`", empty.path().display()),
        "cifar-10-batches-bin",
        "--data-dir",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let nowhere = empty.path().join("nowhere");
    let error = read(&TEN, &nowhere).err().unwrap().to_string();
    assert!(error.contains("there is no such directory"), "{error}");
    // Names are known all the same.
    assert_eq!(TEN.classes(&recipe(&nowhere)).unwrap()[3], "cat");
}

#[test]
fn a_file_that_is_missing_short_long_or_of_another_kind_is_named_with_what_is_wrong() {
    let [binary, python] = TEN.layouts;
    assert_eq!(
        sentence(binary, |dir| fs::remove_file(dir.join("data_batch_3.bin")).unwrap()),
        "DIR/data_batch_3.bin is missing; unpack https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz (md5 c32a1d4ab5d03f1284b67883e8d87530) again."
    );
    for size in [30_729, 30_731, 0] {
        let sentence = sentence(binary, |dir| {
            fs::write(dir.join("test_batch.bin"), vec![0; size]).unwrap();
        });
        let expected = format!("DIR/test_batch.bin is damaged: it has {size} bytes, not 30730; unpack");
        assert!(sentence.starts_with(&expected), "{sentence}");
    }
    let directory = sentence(binary, |dir| {
        fs::remove_file(dir.join("test_batch.bin")).unwrap();
        fs::create_dir(dir.join("test_batch.bin")).unwrap();
    });
    assert!(directory.starts_with("DIR/test_batch.bin "), "{directory}");
    let text = sentence(python, |dir| {
        fs::write(dir.join("data_batch_1"), "<html>").unwrap();
    });
    assert!(
        text.starts_with("DIR/data_batch_1 is damaged: its pickle breaks at byte 0: operation 0x3c"),
        "{text}"
    );
    let huge = sentence(python, |dir| {
        let file = fs::File::create(dir.join("data_batch_1")).unwrap();
        file.set_len(1 << 40).unwrap();
    });
    assert!(huge.contains("it has 1099511627776 bytes, far more than 10 images need"), "{huge}");
}

#[test]
fn a_record_with_an_impossible_label_is_counted_out() {
    let [binary, python] = TEN.layouts;
    let in_binary = sentence(binary, |dir| {
        let path = dir.join("data_batch_2.bin");
        let mut bytes = fs::read(&path).unwrap();
        bytes[6 * (PIXELS + 1)] = 14;
        fs::write(path, bytes).unwrap();
    });
    let expected = "is damaged: record 7 has label 14, and labels go from 0 to 9; unpack";
    assert!(in_binary.contains(expected), "{in_binary}");
    let in_pickle = sentence(python, |dir| {
        let all: Vec<u8> = (0..10).flat_map(pixels).collect();
        let bytes = batch(Style::Python2, "labels", 10, &all, &[1, 2, 3, 4, 5, 6, 14, 8, 9, 0]);
        fs::write(dir.join("data_batch_2"), bytes).unwrap();
    });
    assert!(in_pickle.contains(expected), "{in_pickle}");
}

#[test]
fn a_pickle_of_other_sizes_is_answered_with_both() {
    let python = &TEN.layouts[1];
    let with = |rows: usize, labels: &[u8]| {
        sentence(python, |dir| {
            let bytes = batch(Style::Python2, "labels", rows, &vec![0; rows * PIXELS], labels);
            fs::write(dir.join("test_batch"), bytes).unwrap();
        })
    };
    assert!(with(9, &[0; 9]).contains("its `data` is 9 x 3072, not 10 x 3072"));
    assert!(with(10, &[0; 9]).contains("its `labels` has 9 labels, not 10"));
    let names = sentence(python, |dir| {
        fs::write(dir.join("batches.meta"), pickled_names(Style::Python2, "label_names", &["cat"])).unwrap();
    });
    assert!(names.contains("its `label_names` is not a list of 10 texts"), "{names}");
}

#[test]
fn a_pickle_that_would_run_something_is_refused() {
    let refused = sentence(&TEN.layouts[1], |dir| {
        fs::write(dir.join("data_batch_1"), b"\x80\x02cos\nsystem\nU\x04true\x85R.").unwrap();
    });
    assert!(
        refused.starts_with("DIR/data_batch_1 is damaged: unpickling it would run `os.system`"),
        "{refused}"
    );
}

#[test]
fn class_names_come_from_the_file_and_without_it_from_the_program() {
    for layout in TEN.layouts {
        let root = publish(&TEN, layout, Style::Python2);
        let path = root.path().join(layout.archive.folder).join(layout.names);
        let renamed = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        let bytes = match layout.names_key {
            None => renamed.join("\n").into_bytes(),
            Some(key) => pickled_names(Style::Framed, key, &renamed),
        };
        fs::write(&path, bytes).unwrap();
        assert_eq!(TEN.classes(&recipe(root.path())).unwrap(), renamed);
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&TEN, root.path()).unwrap().classes, TEN.names());
    }
}

#[test]
fn a_load_can_be_interrupted_at_any_report() {
    let root = publish(&TEN, &TEN.layouts[0], Style::Python2);
    let mut reports = 0;
    let mut count = |_, _| {
        reports += 1;
        ControlFlow::Continue(())
    };
    TEN.load(&recipe(root.path()), &mut Report::new(&mut count)).unwrap();
    for last in 0..reports {
        let mut left = last;
        let mut stop = |_, _| {
            left -= 1;
            if left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let result = TEN.load(&recipe(root.path()), &mut Report::new(&mut stop));
        assert_eq!(result.err(), Some(DataError::Interrupted));
    }
}
