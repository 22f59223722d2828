//! Weights that others have published: one row each. They were trained on ImageNet's 1,000 classes by torchvision.

use std::path::Path;

use crate::recipe::datasets::{Archive, DATASETS, DataSet, Sum};

/// Published weights by name.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The word people type, which is the preset's of its network.
    pub name: &'static str,
    /// The file.
    pub archive: Archive,
}

/// What can be downloaded.
#[derive(Clone, Copy, Debug)]
pub enum Download {
    /// Images.
    Set(&'static DataSet),
    /// Weights.
    Weights(&'static Published),
}

/// Where all of them are.
macro_rules! at {
    ($file:literal) => {
        concat!("https://download.pytorch.org/models/", $file)
    };
}

/// Every row. The name of each file carries the beginning of its SHA-256.
#[rustfmt::skip]
pub const PUBLISHED: &[Published] = &[
    Published { name: "densenet121", archive: Archive { url: at!("densenet121-a639ec97.pth"), sum: Sum::Sha256("a639ec97"), bytes: 32_342_954, ..FILE } },
    Published { name: "densenet161", archive: Archive { url: at!("densenet161-8d451a50.pth"), sum: Sum::Sha256("8d451a50"), bytes: 115_730_790, ..FILE } },
    Published { name: "densenet169", archive: Archive { url: at!("densenet169-b2777c0a.pth"), sum: Sum::Sha256("b2777c0a"), bytes: 57_365_526, ..FILE } },
    Published { name: "densenet201", archive: Archive { url: at!("densenet201-c1103571.pth"), sum: Sum::Sha256("c1103571"), bytes: 81_131_730, ..FILE } },
];

/// What they have in common: a file in no folder.
const FILE: Archive = Archive { folder: "", url: "", sum: Sum::Sha256(""), bytes: 0, unpacked: 0 };

/// The weights of a name.
pub fn find(name: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|published| published.name == name)
}

/// The weights that a path means by being nothing but their name.
pub fn of_path(path: &Path) -> Option<&'static Published> {
    find(path.to_str()?)
}

/// Their names, as in `densenet121, densenet161`.
pub fn names() -> String {
    PUBLISHED.iter().map(|published| published.name).collect::<Vec<_>>().join(", ")
}

impl Download {
    /// Everything that can be.
    pub fn all() -> impl Iterator<Item = Self> {
        let sets = DATASETS.iter().filter(|set| !set.archives.is_empty()).map(Self::Set);
        sets.chain(PUBLISHED.iter().map(Self::Weights))
    }

    /// What people type for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Set(set) => set.word,
            Self::Weights(published) => published.name,
        }
    }

    /// How it is published.
    pub const fn archives(self) -> &'static [Archive] {
        match self {
            Self::Set(set) => set.archives,
            Self::Weights(published) => std::slice::from_ref(&published.archive),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_each_file_carries_its_check_sum() {
        for Published { name, archive } in PUBLISHED {
            let Sum::Sha256(beginning) = archive.sum else { panic!("{name}") };
            assert_eq!(archive.file(), format!("{name}-{beginning}.pth"));
            assert_eq!(beginning.len(), 8);
        }
    }

    #[test]
    fn the_documentation_has_every_row() {
        let docs = include_str!("../../docs/recipes.md");
        for Published { name, archive } in PUBLISHED {
            let row = format!("| `{name}` | <{}> | {} |", archive.url, archive.bytes / 1_000_000);
            assert!(docs.contains(&row), "docs/recipes.md lacks\n{row}");
        }
    }
}
