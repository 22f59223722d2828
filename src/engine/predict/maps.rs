//! Pictures with the activation map over them, as PNG files.

use std::collections::HashSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};

use crate::cam::{self, Map};
use crate::data::pictures::{self, Found};
use crate::engine::failure::Failure;
use crate::protocol::event::Prediction;
use crate::recipe::Recipe;
use crate::store::{StoreError, atomic};

/// Where they are written, and of which class they are.
pub(super) struct Maps {
    dir: PathBuf,
    /// The most probable one of each picture where there is none.
    class: Option<usize>,
    taken: HashSet<PathBuf>,
}

impl Maps {
    /// Makes the directory.
    pub(super) fn begin(dir: &Path, class: Option<usize>) -> Result<Self, Failure> {
        fs::create_dir_all(dir).map_err(|error| StoreError::no_directory(dir, &error))?;
        Ok(Self { dir: dir.to_owned(), class, taken: HashSet::new() })
    }

    /// Writes the map of a picture of all `values` `[classes, cells, cells]`; where. What is wrong with the picture is a
    /// clause about "it".
    pub(super) fn write(
        &mut self,
        picture: &Found,
        prediction: &Prediction,
        (values, cells): (&[f32], usize),
        recipe: &Recipe,
    ) -> Result<Result<PathBuf, String>, Failure> {
        let pictures::Whole { size, mut rgb, shown } = match pictures::whole(&picture.path, recipe) {
            Ok(whole) => whole,
            Err(clause) => return Ok(Err(clause)),
        };
        let class = self.class.or_else(|| prediction.ranked().first().copied()).unwrap_or_default();
        let map = Map { cells: &values[class * cells * cells..][..cells * cells], side: cells, shown };
        map.colour(&mut rgb, size.width);
        let share = 100.0 * prediction.probabilities()[class];
        cam::legend(&mut rgb, size.width, &format!("{} {share:.1} %", prediction.classes[class]), map.most());
        let mut bytes = Cursor::new(Vec::new());
        let drawn = RgbImage::from_raw(size.width as u32, size.height as u32, rgb).unwrap_or_default();
        drawn
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|error| Failure::Failed(format!("a map cannot be made a PNG file ({error}).")))?;
        let path = self.free(&picture.below);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| StoreError::failed(parent, error))?;
        }
        atomic::write(&path, &bytes.into_inner())?;
        Ok(Ok(path))
    }

    /// A file for the picture `below`, numbered where another of these pictures has its name.
    fn free(&mut self, below: &Path) -> PathBuf {
        let named = |number: usize| {
            let more = if number > 1 { format!("-{number}") } else { String::new() };
            let mut name = below.file_stem().unwrap_or_default().to_owned();
            name.push(format!("{more}.png"));
            self.dir.join(below.with_file_name(name))
        };
        let (mut number, mut path) = (1, named(1));
        while !self.taken.insert(path.clone()) {
            number += 1;
            path = named(number);
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_one_name_have_maps_of_their_own_and_directories_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut maps = Maps::begin(&folder.path().join("maps"), None).unwrap();
        let mut free = |below: &str| {
            let path = maps.free(Path::new(below));
            path.strip_prefix(folder.path().join("maps")).unwrap().to_str().unwrap().to_owned()
        };
        let names = ["a.jpg", "a.png", "cats/a.jpg", "a.b.jpg", "a"].map(&mut free);
        assert_eq!(names, ["a.png", "a-2.png", "cats/a.png", "a.b.png", "a-3.png"]);
    }
}
