//! Event files for TensorBoard: a run's figures, its recipe as text and as hyperparameters.
//!
//! A run has a directory of its own in the one that TensorBoard is shown, and in it a file for each process that trained
//! it, or one for all of its journal.

mod hparams;
mod live;
mod log;
mod message;
mod place;
mod record;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::files;
use crate::protocol::Stamped;
use crate::store::{StoreError, atomic};
use log::Log;
use place::{ELSEWHERE, PREFIX, file_name};

pub use live::Live;
pub use place::check;

/// A file that is being written; TensorBoard must not take it for one of events.
const UNFINISHED: &str = ".densenet-tui.tmp";
/// Bytes that are put together before they are written.
const PIECE: usize = 64 << 10;

/// Writes the `events` of the run called `name`, in their order, to a file in `directory`, and returns its path. It has
/// its name once it is whole; the file of an earlier time is replaced. Files of others there are refused, because
/// TensorBoard would draw the same run twice.
pub fn write(
    directory: &Path,
    name: &str,
    mut events: impl Iterator<Item = Result<Stamped, StoreError>>,
) -> Result<PathBuf, StoreError> {
    check(directory)?;
    let first = events.next().transpose()?;
    let directory = directory.join(name);
    let path = directory.join(file_name(first.as_ref().map_or(0.0, |first| first.time)));
    refuse_others(&directory, &path)?;
    let made: Vec<PathBuf> =
        directory.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect();
    let fill = |file: &mut fs::File| {
        let failed = |error: io::Error| StoreError::failed(&path, error);
        let (mut log, mut piece) = (Log::default(), Vec::new());
        for stamped in first.into_iter().map(Ok).chain(events) {
            log.put(&stamped?, &mut piece);
            if piece.len() >= PIECE {
                file.write_all(&piece).map_err(failed)?;
                piece.clear();
            }
        }
        log.close(&mut piece);
        file.write_all(&piece).map_err(failed)
    };
    fs::create_dir_all(&directory)
        .map_err(|error| StoreError::failed(&directory, error))
        .and_then(|()| atomic::write_beside(&path, UNFINISHED, fill))
        .inspect_err(|_| {
            // Only what is empty goes.
            for path in &made {
                _ = fs::remove_dir(path);
            }
        })?;
    Ok(path)
}

/// Refuses a run's directory with files of events other than `own`.
fn refuse_others(directory: &Path, own: &Path) -> Result<(), StoreError> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files = entries.filter(|file| file.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    if files.any(|file| file.path() != own) {
        let problem = "it has event files already, of this run while it was trained or of another program";
        return Err(StoreError::unusable(directory, problem, ELSEWHERE));
    }
    files::check_replaceable(own).map_err(|error| StoreError::unreadable(own, &error))
}
