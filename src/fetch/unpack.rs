//! Unpacks a checked archive: into a directory beside, which gets its name once everything in it is on the disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Entry, EntryType};

use crate::fetch::news::{Failure, Tell, progress};
use crate::fetch::part::{PIECE, Part, sync_above};
use crate::recipe::datasets::Archive;

/// Bytes of heads and filling in an archive, beside its files.
const HEADS: u64 = 1 << 20;
/// The deepest path in an archive.
const DEEPEST: usize = 8;

/// Unpacks the folder of `archive`, which `part` is, into `into`.
pub(crate) fn unpack(part: &mut Part, into: &Path, archive: &Archive, tell: Tell) -> Result<(), Failure> {
    let beside = into.join(format!(".{}.unpacking", archive.folder));
    // Left by a process that was killed; the part is held, so no other one is at it.
    remove(&beside)?;
    let unpacked = all(part, &beside, archive, tell).and_then(|()| {
        let folder = into.join(archive.folder);
        let renamed = fs::rename(beside.join(archive.folder), &folder).and_then(|()| sync_above(&folder));
        renamed.map_err(|error| Failure::at(&folder, "cannot be written", &error))
    });
    let removed = remove(&beside);
    unpacked.and(removed)
}

/// Unpacks everything into `beside`, and makes sure that it is on the disk.
fn all(part: &mut Part, beside: &Path, archive: &Archive, tell: Tell) -> Result<(), Failure> {
    fs::create_dir(beside).map_err(|error| Failure::at(beside, "cannot be created", &error))?;
    let refused = |why: &str| Failure::Sentence(format!("{} is not unpacked: {why}.", archive.file()));
    let broken = |error: io::Error| refused(&format!("it is damaged ({error})"));
    // What is beyond the announced size is not even inflated.
    let inflated = GzDecoder::new(part.read()?).take(archive.unpacked + HEADS);
    let mut tar = tar::Archive::new(inflated);
    let (mut folders, mut bytes) = (BTreeSet::new(), 0u64);
    for entry in tar.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let path = inside(&entry, archive).map_err(|why| refused(&why))?;
        if kind == EntryType::Directory {
            continue;
        }
        if kind != EntryType::Regular {
            return Err(refused(&format!("`{}` in it is {}, not a file", path.display(), word(kind))));
        }
        let (before, size) = (bytes, entry.size());
        bytes = bytes.saturating_add(size);
        if bytes > archive.unpacked {
            let most = archive.unpacked;
            return Err(refused(&format!("its files take more than the {most} bytes that were announced")));
        }
        let path = beside.join(path);
        let failed = |error: io::Error| Failure::at(&path, "cannot be written", &error);
        let parent = path.parent().unwrap_or(beside).to_owned();
        fs::create_dir_all(&parent).map_err(failed)?;
        folders.insert(parent);
        // A file that is twice in an archive is an error, too.
        let mut file = File::create_new(&path).map_err(failed)?;
        let (mut block, mut done) = (vec![0; PIECE], 0);
        loop {
            progress(tell, "unpacking", archive.file(), before + done, archive.unpacked)?;
            let n = entry.read(&mut block).map_err(broken)?;
            if n == 0 {
                break;
            }
            file.write_all(&block[..n]).map_err(failed)?;
            done += n as u64;
        }
        if done != size {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        file.sync_all().map_err(failed)?;
    }
    if folders.is_empty() {
        return Err(refused("there is no file in it"));
    }
    let synced = folders.iter().try_for_each(|folder| File::open(folder)?.sync_all());
    synced.map_err(|error| Failure::at(beside, "cannot be written", &error))
}

/// Removes a directory that is not complete, if it is there.
fn remove(beside: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::at(beside, "cannot be deleted", &error))
        }
        _ => Ok(()),
    }
}

/// The path of an entry: below the archive's folder, whatever it says.
fn inside<R: Read>(entry: &Entry<R>, archive: &Archive) -> Result<PathBuf, String> {
    let path = entry.path().map_err(|error| format!("a path in it cannot be read ({error})"))?;
    let outside = || format!("`{}` in it does not lie in `{}`", path.display(), archive.folder);
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => inside.push(name),
            _ => return Err(outside()),
        }
    }
    let depth = inside.components().count();
    if inside.starts_with(archive.folder) && depth <= DEEPEST { Ok(inside) } else { Err(outside()) }
}

/// What an entry is that is neither a file nor a directory.
fn word(entry: EntryType) -> &'static str {
    match entry {
        EntryType::Symlink | EntryType::Link => "a link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a named pipe",
        _ => "something else",
    }
}
