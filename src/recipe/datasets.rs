//! The data sets: one row each, with words, sizes, classes and files.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A data set by name.
#[derive(Clone, Copy, Debug)]
pub struct DataSet {
    /// The word people type. One that ends in `:` is followed by a path.
    pub word: &'static str,
    /// What stands for that path in help, as in `PATH`.
    pub path: &'static str,
    /// Its name in sentences.
    pub title: &'static str,
    /// Classes, where they are known without a look at the disk.
    pub classes: Option<usize>,
    /// Height and width of its images, where all have the same.
    pub side: Option<usize>,
    /// Training images; 0 where only the disk knows.
    pub train: usize,
    /// Test images; 0 where only the disk knows.
    pub test: usize,
    /// Training images kept for validation where the recipe does not say; absent: 10 %.
    pub validation: Option<usize>,
    /// Whether the program draws the images itself, from no file and in no time.
    pub built_in: bool,
    /// How it is published: archives of which each has all of it, or files that are its parts.
    pub archives: &'static [Archive],
    /// For the documentation.
    pub about: &'static str,
}

/// A published archive, or a published file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The folder in it, or that the file belongs into.
    pub folder: &'static str,
    /// Where it is published.
    pub url: &'static str,
    /// Its check sum.
    pub sum: Sum,
    /// Its size.
    pub bytes: u64,
    /// The most that the files in it take; 0 where it is a file by itself.
    pub unpacked: u64,
}

/// A check sum in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// A whole MD5.
    Md5(&'static str),
    /// The beginning of a SHA-256.
    Sha256(&'static str),
}

/// Declares the variants of [`Data`] with their rows.
macro_rules! datasets {
    ($($(#[$doc:meta])* $name:ident $(($path:ident))? = $row:ident,)+) => {
        /// The images a run trains on.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Data { $($(#[$doc])* $name $(($path))?,)+ }

        /// Every data set.
        pub const DATASETS: &[DataSet] = &[$($row),+];

        impl Data {
            /// Its row.
            pub const fn set(&self) -> &'static DataSet {
                match self { $(Self::$name { .. } => &$row,)+ }
            }

            /// Classes, where they are known without a look at the disk.
            pub const fn classes(&self) -> Option<usize> {
                self.set().classes
            }

            /// The data set of a word, without and with the path behind it.
            fn read(word: &str) -> Option<Self> {
                $(if let Some(path) = word.strip_prefix($row.word)
                    && path.is_empty() != $row.word.ends_with(':')
                {
                    return Some(Self::$name $(($path::from(path)))?);
                })+
                None
            }
        }
    };
}

datasets! {
    /// CIFAR-10.
    Cifar10 = CIFAR10,
    /// CIFAR-100, by its fine labels.
    Cifar100 = CIFAR100,
    /// The cropped digits of SVHN.
    Svhn = SVHN,
    /// One directory per class.
    Folder(PathBuf) = FOLDER,
    /// A file of NumPy arrays.
    Npz(PathBuf) = NPZ,
    /// The built-in generated set.
    Shapes = SHAPES,
}

/// The row of CIFAR-10.
#[rustfmt::skip]
pub const CIFAR10: DataSet = DataSet {
    word: "cifar10", path: "", title: "CIFAR-10",
    classes: Some(10), side: Some(32), train: 50_000, test: 10_000, validation: Some(5_000), built_in: false,
    archives: &[
        Archive { folder: "cifar-10-batches-bin", url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", sum: Sum::Md5("c32a1d4ab5d03f1284b67883e8d87530"), bytes: 170_052_171, unpacked: 185_000_000 },
        Archive { folder: "cifar-10-batches-py", url: "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", sum: Sum::Md5("c58f30108f718f92721af3b95e74349a"), bytes: 170_498_071, unpacked: 187_000_000 },
    ],
    about: "photos of ten kinds of vehicles and animals",
};

/// The row of CIFAR-100.
#[rustfmt::skip]
pub const CIFAR100: DataSet = DataSet {
    word: "cifar100", title: "CIFAR-100",
    classes: Some(100),
    archives: &[
        Archive { folder: "cifar-100-binary", url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", sum: Sum::Md5("03b5dce01913d631647c71ecec9e9cb8"), bytes: 168_513_733, unpacked: 185_000_000 },
        Archive { folder: "cifar-100-python", url: "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz", sum: Sum::Md5("eb9058c3a382ffc7106e4002c42a8d85"), bytes: 169_001_437, unpacked: 187_000_000 },
    ],
    about: "photos of a hundred kinds of things, by the fine labels",
    ..CIFAR10
};

/// The row of SVHN: digits of house numbers, each cropped to a square. The training images without the extra ones,
/// which may be absent.
#[rustfmt::skip]
pub const SVHN: DataSet = DataSet {
    word: "svhn", title: "SVHN",
    train: 73_257, test: 26_032, validation: Some(6_000),
    archives: &[
        Archive { folder: "svhn", url: "http://ufldl.stanford.edu/housenumbers/train_32x32.mat", sum: Sum::Md5("e26dedcc434d2e4c54c9b2d4a06d8373"), bytes: 182_040_794, unpacked: 0 },
        Archive { folder: "svhn", url: "http://ufldl.stanford.edu/housenumbers/test_32x32.mat", sum: Sum::Md5("eb5a983be6a315427106f1b164d9cef3"), bytes: 64_275_384, unpacked: 0 },
        Archive { folder: "svhn", url: "http://ufldl.stanford.edu/housenumbers/extra_32x32.mat", sum: Sum::Md5("a93ce644f1a588dc4d68dda5feec44a7"), bytes: 1_329_278_602, unpacked: 0 },
    ],
    about: "photos of the digits of house numbers",
    ..CIFAR10
};

/// The row of a folder of images.
#[rustfmt::skip]
pub const FOLDER: DataSet = DataSet {
    word: "folder:", path: "PATH", title: "a folder",
    classes: None, side: None, train: 0, test: 0, validation: None, built_in: false,
    archives: &[],
    about: "one directory per class, with or without `train/`, `val/`, `test/`",
};

/// The row of a file of NumPy arrays.
#[rustfmt::skip]
pub const NPZ: DataSet = DataSet {
    word: "npz:", path: "FILE", title: "a file of arrays",
    about: "NumPy arrays, as MedMNIST has them",
    ..FOLDER
};

/// The row of the built-in shapes.
#[rustfmt::skip]
pub const SHAPES: DataSet = DataSet {
    word: "shapes", path: "", title: "the shapes",
    classes: Some(10), side: Some(32), train: 5_000, test: 1_000, built_in: true,
    about: "ten shapes, drawn by the program",
    ..FOLDER
};

impl Archive {
    /// Its name as a file.
    pub fn file(&self) -> &'static str {
        self.url.rsplit('/').next().unwrap_or_default()
    }
}

impl Sum {
    /// The sentence's part about a file whose sum is `other`, as in `md5 12, not 34`.
    pub fn unlike(self, other: &str) -> String {
        match self {
            Self::Md5(whole) => format!("md5 {other}, not {whole}"),
            Self::Sha256(beginning) => format!("sha256 {other}, not one that begins with {beginning}"),
        }
    }
}

impl DataSet {
    /// What to type for it, as in `folder:PATH`.
    pub fn usage(&self) -> String {
        format!("{}{}", self.word, self.path)
    }

    /// Training images kept for validation, of `images`, where the recipe does not say.
    pub fn validation_of(&self, images: usize) -> usize {
        self.validation.unwrap_or((images + 5) / 10)
    }
}

/// What to type for each data set, as in `cifar10, folder:PATH, shapes`.
pub fn usages() -> String {
    DATASETS.iter().map(DataSet::usage).collect::<Vec<_>>().join(", ")
}

impl Data {
    /// The path behind its word.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Folder(path) | Self::Npz(path) => Some(path),
            _ => None,
        }
    }

    /// The same, to change it.
    pub fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Folder(path) | Self::Npz(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.set().word)?;
        self.path().map_or(Ok(()), |path| write!(f, "{}", path.display()))
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Md5(sum) => write!(f, "md5 {sum}"),
            Self::Sha256(beginning) => write!(f, "sha256 {beginning}…"),
        }
    }
}

impl From<Data> for String {
    fn from(data: Data) -> Self {
        data.to_string()
    }
}

impl FromStr for Data {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        Self::read(word).ok_or_else(|| format!("`{word}` is not one of {}.", usages()))
    }
}

impl TryFrom<String> for Data {
    type Error = String;
    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_set_reads_the_word_it_writes_and_no_other() {
        for set in DATASETS {
            let word = set.usage();
            let data: Data = word.parse().unwrap();
            assert_eq!((data.to_string(), data.set().word), (word, set.word));
        }
        for word in ["", "cifar", "cifar10:x", "cifar1000", "folder", "folder:", "shapes "] {
            assert!(
                word.parse::<Data>()
                    .unwrap_err()
                    .contains("cifar10, cifar100, svhn, folder:PATH, npz:FILE, shapes.")
            );
        }
    }

    #[test]
    fn the_documentation_has_every_data_set() {
        let docs = include_str!("../../docs/recipes.md");
        for set in DATASETS {
            let number = |n: Option<usize>| n.map_or_else(String::new, |n| n.to_string());
            let images = if set.train > 0 { format!("{} + {}", set.train, set.test) } else { String::new() };
            let validation = set.validation.map_or("10 %".into(), |n| n.to_string());
            let (word, classes, side) = (set.usage(), number(set.classes), number(set.side));
            let row = format!("| `{word}` | {} | {classes} | {images} | {side} | {validation} |", set.about);
            let row = row.replace("|  |", "| |").replace("|  |", "| |");
            assert!(docs.contains(&row), "docs/recipes.md lacks\n{row}");
        }
    }
}
