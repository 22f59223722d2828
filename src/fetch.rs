//! Downloads published data sets and weights: whole, or from where it broke off; checked; unpacked beside and renamed.

mod download;
mod http;
mod news;
mod part;
mod proxy;
mod reply;
mod source;
mod unpack;

use std::fs;
use std::path::{Path, PathBuf};

use crate::fetch::part::Part;
use crate::fetch::source::Source;
use crate::recipe::datasets::Archive;

pub use news::{Failure, News, Tell};

/// What to download, where to, and from where if not from where it is published.
#[derive(Clone, Debug)]
pub struct Order {
    /// What people type for it.
    pub word: &'static str,
    /// How it is published.
    pub archives: &'static [Archive],
    /// The directory for it.
    pub into: PathBuf,
    /// The URL or path of a copy: of the file itself, or of the directory that has it.
    pub from: Option<String>,
}

/// Downloads what is not there yet; `tell` hears of it, and may break it off.
pub fn fetch(order: &Order, tell: Tell) -> Result<(), Failure> {
    for (archive, source) in plan(order)? {
        let place = place(order, archive);
        if is_there(&place, archive)? {
            _ = tell(News::Said(format!("{} is there already", place.display())));
            continue;
        }
        let parent = if archive.unpacked > 0 { &order.into } else { &order.into.join(archive.folder) };
        fs::create_dir_all(parent).map_err(|error| Failure::at(parent, "cannot be created", &error))?;
        let mut part = Part::take(parent, archive.file())?;
        if let Err(why) = download::download(&mut part, &source, archive, tell)? {
            return Err(Failure::Sentence(remedy(order, archive, &source, &part, &why)));
        }
        part.check(&source, archive, tell)?;
        if archive.unpacked > 0 {
            unpack::unpack(&mut part, &order.into, archive, tell)?;
            part.remove()?;
        } else {
            part.rename(&place)?;
        }
        _ = tell(News::Said(format!("{} is complete", place.display())));
    }
    Ok(())
}

/// What is downloaded from where: of archives that each have everything one, of files all.
fn plan(order: &Order) -> Result<Vec<(&'static Archive, Source)>, Failure> {
    let archives = order.archives;
    let whole = archives.iter().any(|archive| archive.unpacked > 0);
    let Some(from) = &order.from else {
        let wanted = if whole { &archives[..1] } else { archives };
        return Ok(wanted.iter().map(|archive| (archive, Source::Web(archive.url.into()))).collect());
    };
    let (above, last) = from.rsplit_once('/').map_or(("", from.as_str()), |(above, last)| (above, last));
    let named = archives.iter().find(|archive| archive.file() == last);
    match (named, archives) {
        (Some(archive), _) if whole => Ok(vec![(archive, Source::of(from)?)]),
        (None, [first, ..]) if whole && !from.ends_with('/') && !Source::is_directory(from) => {
            Ok(vec![(first, Source::of(from)?)])
        }
        (None, [first, ..]) if whole => Ok(vec![(first, Source::of(&below(from, first))?)]),
        _ => {
            let base = if named.is_some() { above } else { from };
            archives.iter().map(|archive| Ok((archive, Source::of(&below(base, archive))?))).collect()
        }
    }
}

/// The address of an archive in the directory `base`.
fn below(base: &str, archive: &Archive) -> String {
    match base.trim_end_matches('/') {
        "" if base.is_empty() => archive.file().to_owned(),
        base => format!("{base}/{}", archive.file()),
    }
}

/// Where an archive's folder, or a file, is in the end.
fn place(order: &Order, archive: &Archive) -> PathBuf {
    let folder = order.into.join(archive.folder);
    if archive.unpacked > 0 { folder } else { folder.join(archive.file()) }
}

/// Whether it is there already. A folder is whole, since it came by a rename; a file has its size.
fn is_there(place: &Path, archive: &Archive) -> Result<bool, Failure> {
    let Ok(found) = fs::metadata(place) else { return Ok(false) };
    let shown = place.display();
    match (archive.unpacked > 0, found.is_dir()) {
        // A rename replaces an empty one.
        (true, true) => Ok(fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some())),
        (false, false) if found.len() == archive.bytes => Ok(true),
        (false, false) => Err(Failure::Sentence(format!(
            "{shown} has {} bytes, not the {} of the published file; take it away to have it downloaded.",
            found.len(),
            archive.bytes
        ))),
        (true, false) => Err(Failure::Sentence(format!("{shown} is no directory; take it away."))),
        (false, true) => Err(Failure::Sentence(format!("{shown} is a directory; take it away."))),
    }
}

/// The sentence for a download that failed because of `why`.
fn remedy(order: &Order, archive: &Archive, source: &Source, part: &Part, why: &str) -> String {
    let kept = match part.len() {
        0 => String::new(),
        bytes => {
            let bytes = crate::format::bytes(bytes);
            format!("; the {bytes} that have arrived are kept, and the same command goes on behind them")
        }
    };
    let word = order.word;
    format!(
        "{source} cannot be had: {why}{kept}; without a network, get {} ({}) on another machine, and give it to `densenet-tui fetch {word} --from PATH`.",
        archive.url, archive.sum
    )
}

#[cfg(test)]
mod tests;
