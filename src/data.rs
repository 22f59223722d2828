//! Data: the images and labels of a recipe, as bytes. No tensor.
//!
//! [`load`] reads, splits and measures; [`prepare`] turns images into the numbers a network sees.

mod cache;
mod cifar;
mod digest;
mod error;
mod fault;
mod fingerprint;
mod folder;
mod images;
mod keep;
mod mat;
mod npz;
pub mod pictures;
mod places;
pub mod prepare;
mod report;
mod resize;
mod shapes;
mod size;
mod source;
mod split;
mod svhn;

use std::path::PathBuf;

use unicode_normalization::UnicodeNormalization;

use crate::data::fingerprint::fingerprint;
use crate::data::folder::Folder;
use crate::data::npz::Npz;
use crate::data::report::Report;
use crate::data::shapes::Shapes;
use crate::data::source::Source;
use crate::data::svhn::Svhn;
use crate::recipe::{Data, Recipe};

pub use error::{DataError, Progress};
pub use images::{ChannelStats, Images};
pub use prepare::{Batch, Prepare, order};
pub use report::Settings;
pub use size::Size;

/// The images of a recipe, split and measured.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Name of each class, by label.
    pub classes: Vec<String>,
    /// Training images; never empty.
    pub train: Images,
    /// Held out of the training images; may be empty.
    pub validation: Images,
    /// Evaluated once, at the end; empty for a folder without `test/`.
    pub test: Images,
    /// Mean and standard deviation of `train`, after the split and the limit.
    pub stats: ChannelStats,
    /// Whether a mirrored image still belongs to its class. The shapes have arrows left and right.
    pub flips: bool,
    /// Absolute path of where the images were found: the `data_dir` that finds them again from any
    /// working directory. None for the shapes.
    pub dir: Option<PathBuf>,
    /// Fingerprints of `train`, `validation` and `test`: of the names of the classes, and of every image's label and
    /// pixels in order.
    pub fingerprints: [String; 3],
    /// Remarks about the load for people, as in "3 files with other extensions passed over".
    pub notes: Vec<String>,
}

/// Reads (or draws) the images of `recipe` and splits them as it says.
pub fn load(recipe: &Recipe, settings: Settings, progress: Progress) -> Result<Dataset, DataError> {
    let report = &mut Report::new(progress).with(settings);
    let parts = source(&recipe.data).load(recipe, report)?;
    report.tick()?;
    let of = |images| fingerprint(&parts.classes, images);
    let fingerprints = [of(&parts.train)?, of(&parts.validation)?, of(&parts.test)?];
    report.tick()?;
    Ok(Dataset {
        fingerprints,
        stats: ChannelStats::of(&parts.train),
        classes: parts.classes,
        train: parts.train,
        validation: parts.validation,
        test: parts.test,
        flips: parts.flips,
        dir: parts.dir,
        notes: parts.notes,
    })
}

/// Whether two names are those of one class, however their accents are encoded.
pub fn same_class(one: &str, other: &str) -> bool {
    one.nfc().eq(other.nfc())
}

/// The source of `data`.
fn source(data: &Data) -> Box<dyn Source + '_> {
    match data {
        Data::Cifar10 => Box::new(cifar::CIFAR10),
        Data::Cifar100 => Box::new(cifar::CIFAR100),
        Data::Svhn => Box::new(Svhn),
        Data::Folder(path) => Box::new(Folder(path)),
        Data::Npz(path) => Box::new(Npz(path)),
        Data::Shapes => Box::new(Shapes),
    }
}

/// The absolute path where the images of `recipe` would be read from; none for the shapes, and where nothing is found.
pub fn dir(recipe: &Recipe) -> Option<PathBuf> {
    source(&recipe.data).dir(recipe)
}

/// Class names without a look at the images: of a folder its directories; of CIFAR those in its
/// files, or the published ones where the files are not here.
pub fn classes(recipe: &Recipe) -> Result<Vec<String>, DataError> {
    source(&recipe.data).classes(recipe)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn channel_stats_are_measured_on_what_trains_after_the_split_and_the_limit() {
        let recipe = Recipe { train_limit: Some(100), ..Recipe::defaults(Data::Shapes) };
        let mut seen = Vec::new();
        let dataset = load(&recipe, Settings::default(), &mut |done, total| {
            seen.push((done, total));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!((dataset.train.len(), dataset.validation.len()), (100, 500));
        assert_eq!(dataset.stats, ChannelStats::of(&dataset.train));
        assert_eq!(dataset.classes, classes(&recipe).unwrap());
        assert!(seen.is_sorted() && seen.last() == Some(&(6_000, 6_000)));
    }

    #[test]
    fn a_broken_off_load_says_that_it_was_interrupted() {
        let recipe = Recipe::defaults(Data::Shapes);
        let error = load(&recipe, Settings::default(), &mut |_, _| ControlFlow::Break(())).unwrap_err();
        assert_eq!(error, DataError::Interrupted);
    }

    #[test]
    fn class_names_are_known_without_any_file() {
        let names = |data| {
            let recipe = Recipe { data_dir: Some("no/such/place".into()), ..Recipe::defaults(data) };
            classes(&recipe).unwrap()
        };
        assert_eq!(names(Data::Cifar10)[9], "truck");
        assert_eq!(names(Data::Cifar100).len(), 100);
        assert_eq!(names(Data::Shapes)[8], "arrow left");
    }
}
