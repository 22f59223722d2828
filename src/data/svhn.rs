//! SVHN, the cropped digits of house numbers, from its published MAT-files.

use std::path::{Path, PathBuf};

use crate::data::error::{DataError, unusable};
use crate::data::fault::Fault;
use crate::data::images::Images;
use crate::data::mat::Mat;
use crate::data::places;
use crate::data::report::Report;
use crate::data::source::{Parts, Source};
use crate::data::split;
use crate::recipe::Recipe;
use crate::recipe::datasets::SVHN;

/// Height and width.
const SIDE: usize = 32;
/// Pixels of a plane.
const PLANE: usize = SIDE * SIDE;
/// Images between two reports of progress.
const REPORT_EVERY: usize = 500;
/// Advice where memory is short.
const ROOM: &str = "free some memory";

const TRAIN: &str = "train_32x32.mat";
const TEST: &str = "test_32x32.mat";
/// Further training images, easier ones.
const EXTRA: &str = "extra_32x32.mat";

pub(crate) struct Svhn;

/// A file with its labels.
struct Part {
    path: PathBuf,
    mat: Mat,
    labels: Vec<u32>,
}

impl Source for Svhn {
    fn load(&self, recipe: &Recipe, report: &mut Report) -> Result<Parts, DataError> {
        let roots = places::roots(recipe);
        let Some(folder) = locate(&roots) else {
            return unusable(places::absent(&SVHN, &["svhn", TRAIN], &roots, recipe));
        };
        let mut notes = Vec::new();
        let mut training = vec![Part::open(&folder, TRAIN)?];
        if folder.join(EXTRA).exists() {
            training.push(Part::open(&folder, EXTRA)?);
        } else {
            notes.push(format!("{EXTRA} is not in `{}`; {TRAIN} alone is trained on", folder.display()));
        }
        let test = Part::open(&folder, TEST)?;

        let count = |parts: &[Part]| parts.iter().map(|part| part.labels.len()).sum::<usize>();
        let all = count(&training) + test.labels.len();
        report.check_room(all, SIDE, ROOM)?;
        report.expect(all)?;
        let read = |parts: &[Part], report: &mut Report| {
            let mut images = Images::with_room(SIDE, count(parts), ROOM)?;
            parts.iter().try_for_each(|part| part.read(&mut images, report))?;
            Ok::<_, DataError>(images)
        };
        let (train, validation) = split::divide(read(&training, report)?, recipe, &SVHN)?;
        let test = read(&[test], report)?;
        let (classes, dir) = (self.classes(recipe)?, Some(places::absolute(&folder)));
        // A mirrored digit is none.
        Ok(Parts { classes, train, validation, test, flips: false, dir, notes })
    }

    fn classes(&self, _: &Recipe) -> Result<Vec<String>, DataError> {
        Ok((0..10).map(|digit| digit.to_string()).collect())
    }

    fn dir(&self, recipe: &Recipe) -> Option<PathBuf> {
        locate(&places::roots(recipe)).map(|folder| places::absolute(&folder))
    }
}

/// The first root that has one of the files, or the folder of them.
fn locate(roots: &[PathBuf]) -> Option<PathBuf> {
    let has = |folder: &Path| [TRAIN, TEST, EXTRA].iter().any(|file| folder.join(file).is_file());
    let folders = roots.iter().flat_map(|root| [root.clone(), root.join("svhn")]);
    folders.into_iter().find(|folder| has(folder))
}

impl Part {
    /// Reads the labels of `file` and compares the sizes of what is in it.
    fn open(folder: &Path, file: &str) -> Result<Self, DataError> {
        let path = folder.join(file);
        let part = Mat::open(&path).and_then(|mat| {
            let labels = mat.values("y")?.numbers()?.into_iter().enumerate();
            let labels = labels.map(|(i, value)| label(i, value)).collect::<Result<Vec<_>, _>>()?;
            let dims = mat.dims("X")?;
            // The last dimension of one image is not written by all.
            let [wide, one] = [&[SIDE, SIDE, 3, labels.len()][..], &[SIDE, SIDE, 3]];
            if dims != wide && (dims != one || labels.len() != 1) {
                let dims = dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
                let labels = labels.len();
                let what =
                    format!("its `X` is {dims}, not 32 x 32 x 3 x {labels} as its {labels} labels need");
                return Err(Fault::Wrong(what));
            }
            // Also that they are all there, before there is memory for them.
            if !mat.values("X")?.are_bytes() {
                return Err(Fault::Wrong("its `X` is not of the type uint8".into()));
            }
            if labels.is_empty() {
                return Err(Fault::Wrong("it has no image".into()));
            }
            Ok(Self { path: path.clone(), mat, labels })
        });
        part.map_err(|fault| sentence(&path, fault))
    }

    /// Adds its images to `into`.
    fn read(&self, into: &mut Images, report: &mut Report) -> Result<(), DataError> {
        self.read_images(into, report).map_err(|fault| sentence(&self.path, fault))
    }

    fn read_images(&self, into: &mut Images, report: &mut Report) -> Result<(), Fault> {
        let mut values = self.mat.values("X")?;
        let mut block = vec![0; REPORT_EVERY * 3 * PLANE];
        let mut image = [0; 3 * PLANE];
        for labels in self.labels.chunks(REPORT_EVERY) {
            let block = &mut block[..labels.len() * 3 * PLANE];
            values.read(block)?;
            for (columns, &label) in block.chunks_exact(3 * PLANE).zip(labels) {
                for (to, from) in image.chunks_exact_mut(PLANE).zip(columns.chunks_exact(PLANE)) {
                    for (i, pixel) in to.iter_mut().enumerate() {
                        *pixel = from[i % SIDE * SIDE + i / SIDE];
                    }
                }
                into.push(&image, label);
            }
            report.add(labels.len())?;
        }
        values.end()
    }
}

/// The class of label `value` of image `i`: 10 is the digit 0.
fn label(i: usize, value: f64) -> Result<u32, Fault> {
    let label = (1..=10u32).find(|&label| f64::from(label) == value);
    label.map(|label| label % 10).ok_or_else(|| {
        Fault::Wrong(format!("image {} has label {value}, and labels go from 1 to 10 (the digit 0)", i + 1))
    })
}

/// What is wrong with `path`, and what to do.
fn sentence(path: &Path, fault: Fault) -> DataError {
    let what = match fault {
        Fault::Interrupted => return DataError::Interrupted,
        Fault::Missing => "is missing".to_owned(),
        Fault::Io(error) => format!("cannot be read ({error})"),
        Fault::Wrong(what) => format!("is damaged: {what}"),
    };
    let published = SVHN.archives.iter().find(|archive| path.ends_with(archive.file()));
    let again = published.map_or_else(String::new, |file| format!("; get {} ({}) again", file.url, file.sum));
    DataError::Unusable(format!("{} {what}{again}.", path.display()))
}

#[cfg(test)]
mod tests;
