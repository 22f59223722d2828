//! Fills a part from its source: from where it broke off, and again where it breaks off on the way.

use std::io::Read;
use std::thread;
use std::time::Duration;

use crate::fetch::news::{Failure, Tell, progress};
use crate::fetch::part::{PIECE, Part};
use crate::fetch::reply::Trouble;
use crate::fetch::source::Source;
use crate::format;
use crate::recipe::datasets::Archive;

/// Tries in a row that bring nothing, after which it is given up.
const TRIES: u32 = 4;
/// The wait before the second of them; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(500);
/// Between two looks whether to break off.
const LOOK: Duration = Duration::from_millis(100);

/// Downloads what is missing of `archive` into `part`. The inner error is a clause about the source.
pub(crate) fn download(
    part: &mut Part,
    source: &Source,
    archive: &Archive,
    tell: Tell,
) -> Result<Result<(), String>, Failure> {
    let mut tries = 0;
    loop {
        let before = part.len();
        match attempt(part, source, archive, tell)? {
            Ok(()) => return Ok(Ok(())),
            Err(Trouble::Lasting(why)) => return Ok(Err(why)),
            Err(Trouble::Passing(why)) => {
                tries = if part.len() > before { 1 } else { tries + 1 };
                if tries == TRIES {
                    return Ok(Err(why));
                }
            }
        }
        let wait = WAIT * 2u32.pow(tries - 1);
        for _ in 0..wait.as_millis() / LOOK.as_millis() {
            progress(tell, "waiting for", archive.file(), part.len(), archive.bytes)?;
            thread::sleep(LOOK);
        }
    }
}

/// One request, read as far as it goes.
fn attempt(
    part: &mut Part,
    source: &Source,
    archive: &Archive,
    tell: Tell,
) -> Result<Result<(), Trouble>, Failure> {
    if part.len() > archive.bytes {
        part.clear()?;
    }
    let mut done = part.len();
    progress(tell, "downloading", archive.file(), done, archive.bytes)?;
    if done == archive.bytes {
        return Ok(Ok(()));
    }
    let mut reply = match source.open(done) {
        Ok(reply) => reply,
        Err(trouble) => return Ok(Err(trouble)),
    };
    if let Some(total) = reply.total.filter(|total| *total != archive.bytes) {
        let wanted = archive.bytes;
        return Ok(Err(Trouble::Lasting(format!(
            "it has {total} bytes there, not the {wanted} of the published file"
        ))));
    }
    if reply.at != done {
        // From the beginning, whatever was asked for.
        part.clear()?;
        done = 0;
    }
    let mut block = vec![0; PIECE];
    while done < archive.bytes {
        let most = (archive.bytes - done).min(PIECE as u64) as usize;
        match reply.body.read(&mut block[..most]) {
            Ok(0) => {
                return Ok(Err(Trouble::Passing(format!("it broke off after {}", format::bytes(done)))));
            }
            Ok(n) => {
                part.write(&block[..n])?;
                done += n as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(Trouble::Passing(error.to_string()))),
        }
        progress(tell, "downloading", archive.file(), done, archive.bytes)?;
    }
    if reply.total.is_none() && !matches!(reply.body.read(&mut [0]), Ok(0)) {
        part.clear()?;
        let wanted = archive.bytes;
        return Ok(Err(Trouble::Lasting(format!(
            "it has more bytes there than the {wanted} of the published file"
        ))));
    }
    Ok(Ok(()))
}
