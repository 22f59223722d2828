//! The published files of CIFAR: names, sizes, check sums.

use std::path::Path;

use crate::data::cifar::names;
use crate::data::fault::Fault;
use crate::files;
use crate::recipe::datasets::{self, Archive, DataSet};

/// Height and width.
pub(crate) const SIDE: usize = 32;
/// Bytes of an image.
pub(crate) const PIXELS: usize = 3 * SIDE * SIDE;
/// Images between two reports of progress.
pub(crate) const REPORT_EVERY: usize = 500;

/// Files of names are a few hundred bytes; nothing larger is read as one.
const MOST_NAME_BYTES: u64 = 1 << 20;

/// One of the two data sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variety {
    pub(crate) set: DataSet,
    /// The layouts it comes in, the one that needs no pickle first.
    pub(crate) layouts: &'static [Layout; 2],
    pub(crate) class_names: &'static [&'static str],
    /// Check sums of the images of each published file, in either layout: those to train on, then the test's. Empty where
    /// they are not known.
    pub(crate) check_sums: &'static [&'static str],
}

/// One way in which a data set is published.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) archive: Archive,
    /// Files of training images, equally large.
    pub(crate) train: &'static [&'static str],
    pub(crate) test: &'static str,
    pub(crate) names: &'static str,
    /// The key of the class names, where the files are pickles.
    pub(crate) names_key: Option<&'static str>,
    /// Where an image's label is.
    pub(crate) labels: Labels,
}

/// Where an image's label is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Labels {
    /// The last of this many bytes before the pixels.
    Bytes(usize),
    /// In the list under this key of a pickled dict.
    Key(&'static str),
}

impl Layout {
    /// Whether `folder` is this layout's folder: by its name, or by at least two of its files.
    pub(crate) fn is(&self, folder: &Path) -> bool {
        let files = self.train.iter().chain([&self.test, &self.names]);
        let named = folder.file_name().is_some_and(|name| name == self.archive.folder);
        folder.is_dir() && (named || files.filter(|file| folder.join(file).is_file()).count() >= 2)
    }
}

impl Variety {
    pub(crate) fn names(&self) -> Vec<String> {
        self.class_names.iter().map(|&name| name.into()).collect()
    }

    /// The label of record `record` (from 1), if there is such a class.
    pub(crate) fn label(&self, label: i64, record: usize) -> Result<u32, Fault> {
        match u32::try_from(label) {
            Ok(class) if (class as usize) < self.class_names.len() => Ok(class),
            _ => Err(Fault::Wrong(format!(
                "record {record} has label {label}, and labels go from 0 to {}",
                self.class_names.len() - 1
            ))),
        }
    }
}

pub(crate) fn read_small(path: &Path) -> Result<Vec<u8>, Fault> {
    Ok(files::read(path, MOST_NAME_BYTES)?)
}

pub(crate) const CIFAR10: Variety = Variety {
    set: datasets::CIFAR10,
    class_names: &names::CIFAR10,
    check_sums: &[
        "061934f8c34db5b3e70029bba7d299b8c25003f7b355d828cf35b3519b1a003a",
        "7ebc1ce9ce0c9bdd9350afd57526fac422f1346583fb6514263edc845056e6f6",
        "0b99f0592475a10367bdf761b670ee4c58084ba3283765ff7daa48ad5854cea4",
        "63f0a2dba9dc45d88b41377a5e68cd6a9af3ece9a9828fa9045ca47603d35aa8",
        "9d85fb0839c8d685c763ba5417b837f6c38222c581b89a810750b22dc6bc3310",
        "5d9ddbef2e11f7d8c2b09f949b62e2b5ea633d24d285991a5a7a1e9a71a29ba8",
    ],
    layouts: &[
        Layout {
            archive: datasets::CIFAR10.archives[0],
            train: &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            test: "test_batch.bin",
            names: "batches.meta.txt",
            names_key: None,
            labels: Labels::Bytes(1),
        },
        Layout {
            archive: datasets::CIFAR10.archives[1],
            train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
            test: "test_batch",
            names: "batches.meta",
            names_key: Some("label_names"),
            labels: Labels::Key("labels"),
        },
    ],
};

/// CIFAR-100, by its fine labels.
pub(crate) const CIFAR100: Variety = Variety {
    set: datasets::CIFAR100,
    class_names: &names::CIFAR100,
    check_sums: &[],
    layouts: &[
        Layout {
            archive: datasets::CIFAR100.archives[0],
            train: &["train.bin"],
            test: "test.bin",
            names: "fine_label_names.txt",
            names_key: None,
            labels: Labels::Bytes(2),
        },
        Layout {
            archive: datasets::CIFAR100.archives[1],
            train: &["train"],
            test: "test",
            names: "meta",
            names_key: Some("fine_label_names"),
            labels: Labels::Key("fine_labels"),
        },
    ],
};
