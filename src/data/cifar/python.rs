//! The python layout: a pickled dict of a numpy matrix and a list of labels.

use std::io::Read;
use std::path::Path;

use crate::data::cifar::files::{PIXELS, REPORT_EVERY, Variety};
use crate::data::fault::Fault;
use crate::data::images::Images;
use crate::data::report::Report;
use crate::files;
use crate::pickle::Pickle;

/// Bytes read between two checks for interruption.
const PIECE: u64 = 4 << 20;

/// Reads a pickle of `images` rows of pixels under `data` and as many labels under `key`.
pub(crate) fn read(
    path: &Path,
    key: &str,
    images: usize,
    variety: &Variety,
    into: &mut Images,
    report: &mut Report,
) -> Result<(), Fault> {
    let bytes = whole(path, images, report)?;
    let pickle = Pickle::read(&bytes).map_err(Fault::Wrong)?;
    report.tick()?;
    let pixels = pickle.matrix("data", images, PIXELS).map_err(Fault::Wrong)?;
    let labels = pickle.integers(key).map_err(Fault::Wrong)?;
    if labels.len() != images {
        return Err(Fault::Wrong(format!("its `{key}` has {} labels, not {images}", labels.len())));
    }
    for (i, (row, &class)) in pixels.chunks_exact(PIXELS).zip(&labels).enumerate() {
        into.push(row, variety.label(class, i + 1)?);
        if (i + 1) % REPORT_EVERY == 0 || i + 1 == images {
            report.add(i % REPORT_EVERY + 1)?;
        }
    }
    Ok(())
}

/// Class names under `key` of a pickled dict.
pub(crate) fn names(bytes: &[u8], key: &str, classes: usize) -> Result<Vec<String>, Fault> {
    Pickle::read(bytes).and_then(|pickle| pickle.texts(key, classes)).map_err(Fault::Wrong)
}

/// All bytes of a file that holds `images` images and not much besides.
fn whole(path: &Path, images: usize, report: &mut Report) -> Result<Vec<u8>, Fault> {
    let mut file = files::open(path)?;
    // Python 3 may write pixels as text, up to two bytes for one; names and labels are small.
    let (found, most) =
        (file.metadata()?.len(), (images * PIXELS) as u64 * 2 + (images as u64) * 1024 + (1 << 20));
    if found > most {
        return Err(Fault::Wrong(format!("it has {found} bytes, far more than {images} images need")));
    }
    let mut bytes = Vec::new();
    loop {
        let n = Read::by_ref(&mut file).take(PIECE).read_to_end(&mut bytes)?;
        report.tick()?;
        if n == 0 || bytes.len() as u64 > most {
            return Ok(bytes);
        }
    }
}
