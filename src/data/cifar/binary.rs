//! The binary layout: records of one or two label bytes and 3,072 pixels, nothing else.

use std::io::Read;
use std::path::Path;

use crate::data::cifar::files::{PIXELS, REPORT_EVERY, Variety};
use crate::data::fault::Fault;
use crate::data::images::Images;
use crate::data::report::Report;
use crate::files;

/// Reads a file of exactly `images` records, the last of whose `label_bytes` bytes is the label.
pub(crate) fn read(
    path: &Path,
    label_bytes: usize,
    images: usize,
    variety: &Variety,
    into: &mut Images,
    report: &mut Report,
) -> Result<(), Fault> {
    let record = label_bytes + PIXELS;
    let mut file = files::open(path)?;
    let (found, expected) = (file.metadata()?.len(), (images * record) as u64);
    if found != expected {
        return Err(Fault::Wrong(format!("it has {found} bytes, not {expected}")));
    }
    let mut buffer = vec![0; REPORT_EVERY * record];
    let mut done = 0;
    while done < images {
        let n = REPORT_EVERY.min(images - done);
        let records = &mut buffer[..n * record];
        file.read_exact(records)?;
        for (i, bytes) in records.chunks_exact(record).enumerate() {
            let (labels, pixels) = bytes.split_at(label_bytes);
            let class = labels.last().copied().unwrap_or(0);
            into.push(pixels, variety.label(class.into(), done + i + 1)?);
        }
        done += n;
        report.add(n)?;
    }
    Ok(())
}

/// Class names, one on a line.
pub(crate) fn names(bytes: &[u8], classes: usize) -> Result<Vec<String>, Fault> {
    let text = String::from_utf8_lossy(bytes);
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let names: Vec<String> = names.map(Into::into).collect();
    if names.len() == classes {
        Ok(names)
    } else {
        Err(Fault::Wrong(format!("it has {} class names, not {classes}", names.len())))
    }
}
