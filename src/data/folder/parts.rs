//! The pictures of a folder's parts as images: those that train, those that validate and those that test.

use std::sync::Arc;

use crate::data::error::DataError;
use crate::data::folder::collect::{Broken, Collected, collect};
use crate::data::folder::listing::Listing;
use crate::data::images::Images;
use crate::data::keep::Keep;
use crate::data::report::Report;
use crate::recipe::Recipe;

/// The images of three parts, and what else was found.
pub(crate) struct Read {
    pub(crate) images: [Images; 3],
    pub(crate) broken: Vec<Broken>,
    pub(crate) notes: Vec<String>,
}

/// Reads the pictures of `listings`: those that train, that validate, and that test.
pub(crate) fn read(listings: [Listing; 3], recipe: &Recipe, report: &mut Report) -> Result<Read, DataError> {
    let counts = listings.each_ref().map(|listing| listing.files.len());
    let total: usize = counts.iter().sum();
    let [of_training, of_others] = Keep::of(recipe, report.settings().trains);
    let mut most = report.settings().most_in_memory;
    if let Some(side) = of_training.side()
        && (total * of_training.bytes()) as u64 <= most
    {
        report.check_room(total, side, "give a smaller `input_size` or a `train_limit`")?;
    }
    report.expect(total)?;
    let (mut images, mut broken, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let [training, validating, tested] = listings;
    let groups = if of_training == of_others {
        vec![(of_training, vec![training, validating, tested])]
    } else {
        vec![(of_training, vec![training]), (of_others, vec![validating, tested])]
    };
    for (keep, listings) in groups {
        let group = read_group(listings, keep, most, report)?;
        most -= group.bytes_in_memory;
        images.extend(group.images);
        broken.extend(group.broken);
        notes.extend(group.note.filter(|note| !notes.contains(note)));
    }
    let mut images = images.into_iter();
    let images = [(); 3].map(|()| images.next().unwrap_or_default());
    Ok(Read { images, broken, notes })
}

/// Parts of which the same is kept.
struct Group {
    images: Vec<Images>,
    bytes_in_memory: u64,
    broken: Vec<Broken>,
    note: Option<String>,
}

/// Reads the pictures of some parts, numbered as they come, of which `most` bytes may be in memory.
fn read_group(
    listings: Vec<Listing>,
    keep: Keep,
    most: u64,
    report: &mut Report,
) -> Result<Group, DataError> {
    let (mut files, mut labels) = (Vec::new(), Vec::new());
    for listing in listings {
        // There may be millions of paths.
        files.reserve_exact(listing.files.len());
        files.extend(listing.files);
        labels.push(listing.labels);
    }
    let (side, count) = (keep.side(), files.len());
    let collected = collect(files, keep, most, report)?;
    // Those of one size are joined below.
    let collected = if side.is_none() { collected.in_memory(count) } else { collected };
    let Collected { store, few, broken, note } = collected;
    let mut first = 0;
    let mut part = |labels: Vec<u32>| {
        let numbers = first..first + labels.len();
        first = numbers.end;
        let whole = |number: &usize| broken.binary_search_by_key(number, |one| one.number).is_err();
        let kept = numbers.zip(labels).filter(|(number, _)| whole(number));
        let (numbers, labels) = kept.map(|(number, label)| (number as u32, label)).unzip();
        let images = Images::stored(side, Arc::clone(&store), numbers, labels);
        match side {
            None => images,
            Some(_) if few.is_some() => images.gathered().fitted(),
            Some(_) => images.fitted(),
        }
    };
    let images = labels.into_iter().map(&mut part).collect();
    Ok(Group { images, bytes_in_memory: few.unwrap_or(0), broken, note })
}

#[cfg(test)]
mod tests;
