//! What a network says of pictures, and where in them it sees that.

mod maps;

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::Tensor;

use crate::data;
use crate::data::Images;
use crate::data::pictures::{self, Found, Reading};
use crate::data::prepare::Prepare;
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::loaded::LoadedCheckpoint;
use crate::engine::network::{FoundModel, LoadedNetwork, some};
use crate::engine::predict::maps::Maps;
use crate::engine::report::Report;
use crate::engine::step::tensors;
use crate::engine::worker::PULSE;
use crate::model::DenseNet;
use crate::plain;
use crate::protocol::event::{Explanation, Phase, Predicted, Prediction, Predictions};
use crate::protocol::{CheckpointQuery, Event, Picture, PredictQuery};
use crate::recipe::Recipe;

/// Pictures of a batch at most: more do not make it faster, and the first answer comes later.
const BATCH: usize = 64;

/// Pictures of the network's size and what is to be made of them.
struct Batch {
    /// Height and width.
    side: usize,
    /// `[n, 3, side, side]`.
    pixels: Vec<u8>,
    /// Averages over the mirror images, too.
    flip: bool,
    /// Wants the activation maps.
    maps: bool,
}

/// What a network makes of a batch.
struct Outcome {
    /// For each picture, one for each class.
    logits: Vec<Vec<f32>>,
    /// For each picture `[classes, cells, cells]`; empty where they are not wanted.
    maps: Vec<Vec<f32>>,
    /// Rows and columns of a map.
    cells: usize,
}

/// Says what each of the pictures of `query` is, in order.
pub(super) fn predict(
    query: &PredictQuery,
    control: &mut Control,
    report: &mut Report,
) -> Result<Predictions, Failure> {
    let PredictQuery { target, pictures, flip, map_dir, class, options } = query;
    let found = FoundModel::read(target, options, control, report)?;
    let batch = found.model.meta.recipe.batch_size.min(BATCH);
    found.check(options, batch)?;
    let class = class.as_deref().map(|class| number_of(class, &found.model.meta.classes)).transpose()?;
    let given = pictures.clone();
    let pictures = control.attended(report, move || {
        pictures::find(&given, &mut |_, _| std::ops::ControlFlow::Continue(()))
    })??;
    let files: Arc<[PathBuf]> = pictures.iter().map(|picture| picture.path.clone()).collect();
    let mut reading = Reading::begin(&files, &found.model.meta.recipe, options.threads)?;
    let mut maps = map_dir.as_deref().map(|dir| Maps::begin(dir, class)).transpose()?;
    let network = found.network(options, control, report)?;
    let (prepare, classes) = (network.prepare(false), network.classes.clone().into());
    let (mut broken, mut pending) = (0, None);
    let (total, mut begin) = (pictures.len(), 0);
    loop {
        // The next batch is read while the last is computed.
        let read = if reading.is_over() { Vec::new() } else { read(&mut reading, batch, control, report)? };
        let next = (!read.is_empty()).then(|| {
            let pixels = read.iter().flatten().flatten().copied().collect();
            let of = Batch { side: prepare.side(), pixels, flip: *flip, maps: maps.is_some() };
            let (net, prepare) = (Arc::clone(&network.net), prepare.clone());
            let pending = network.worker.begin(move || classify(&net, &prepare, of));
            let numbers = begin..begin + read.len();
            begin = numbers.end;
            let troubles: Vec<Option<String>> = read.into_iter().map(Result::err).collect();
            (numbers, troubles, pending)
        });
        if let Some((numbers, troubles, work)) = std::mem::replace(&mut pending, next) {
            let outcome = control.wait_for(report, |_, _| Ok::<_, Failure>(work.take(PULSE)))?;
            let Outcome { logits, maps: values, cells } = outcome.ok_or_else(|| control.interrupted())??;
            let mut found =
                logits.into_iter().zip(values.into_iter().map(Some).chain(std::iter::repeat(None)));
            for (picture, clause) in pictures[numbers.clone()].iter().zip(troubles) {
                let outcome = if let Some(clause) = clause {
                    Err(clause)
                } else {
                    let (logits, values) = found.next().unwrap_or_default();
                    let prediction = Prediction { classes: Arc::clone(&classes), logits, map: None };
                    told(prediction, picture, &mut maps, (values, cells), &network)?
                };
                broken += usize::from(outcome.is_err());
                let path = picture.path.clone();
                report.emit(Event::Predicted(Box::new(Predicted { path, outcome })));
            }
            report.phase(Phase::Predicting, numbers.end as u64, total as u64);
        }
        if pending.is_none() && reading.is_over() {
            return Ok(Predictions { pictures: total, broken, step: network.step });
        }
        if !control.go_on(report) {
            return Err(control.interrupted());
        }
    }
}

/// A prediction with its map written, where maps are; what is wrong with the picture then is its clause.
fn told(
    prediction: Prediction,
    picture: &Found,
    maps: &mut Option<Maps>,
    (values, cells): (Option<Vec<f32>>, usize),
    network: &LoadedNetwork,
) -> Result<Result<Prediction, String>, Failure> {
    let Some((maps, values)) = maps.as_mut().zip(values) else { return Ok(Ok(prediction)) };
    let written = maps.write(picture, &prediction, (&values, cells), &network.recipe)?;
    Ok(written.map(|path| Prediction { map: Some(path), ..prediction }))
}

/// The next pictures, up to a batch.
fn read(
    reading: &mut Reading,
    batch: usize,
    control: &mut Control,
    report: &mut Report,
) -> Result<Vec<Result<Vec<u8>, String>>, Failure> {
    let mut pictures = Vec::with_capacity(batch);
    while pictures.len() < batch && !reading.is_over() {
        let picture = control.wait_for(report, |_, _| Ok::<_, Failure>(reading.take(PULSE)))?;
        pictures.push(picture.ok_or_else(|| control.interrupted())?);
    }
    Ok(pictures)
}

/// What `net` makes of a batch, which may be empty.
fn classify(net: &DenseNet, prepare: &Prepare, batch: Batch) -> Result<Outcome, Failure> {
    let Batch { side, pixels, flip, maps } = batch;
    let n = pixels.len() / (3 * side * side);
    if n == 0 {
        return Ok(Outcome { logits: Vec::new(), maps: Vec::new(), cells: 0 });
    }
    let mirrored = flip.then(|| mirrored(&pixels, side));
    let (mut logits, mut found, cells) = pass(net, prepare, side, pixels, maps)?;
    if let Some(pixels) = mirrored {
        let (others, mut turned, _) = pass(net, prepare, side, pixels, maps)?;
        turned.chunks_exact_mut(cells.max(1)).for_each(<[f32]>::reverse);
        let halve = |(a, b): (&mut f32, &f32)| *a = f32::midpoint(*a, *b);
        logits.iter_mut().zip(&others).for_each(halve);
        found.iter_mut().zip(&turned).for_each(halve);
    }
    let rows = |values: Vec<f32>| values.chunks((values.len() / n).max(1)).map(<[f32]>::to_vec).collect();
    Ok(Outcome { logits: rows(logits), maps: rows(found), cells })
}

/// Logits, activation maps where they are wanted, and the rows of a map.
fn pass(
    net: &DenseNet,
    prepare: &Prepare,
    side: usize,
    pixels: Vec<u8>,
    maps: bool,
) -> Result<(Vec<f32>, Vec<f32>, usize), Failure> {
    let n = pixels.len() / (3 * side * side);
    let images = Images::new(side, pixels, vec![0; n]).fitted();
    let (images, _) = tensors(prepare.plain(&images, 0..n)?, net.device())?;
    let flat = |tensor: Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    if !maps {
        return Ok((flat(net.logits(&images)?)?, Vec::new(), 0));
    }
    let (logits, maps) = net.activation_maps(&images)?;
    let cells = maps.dim(3)?;
    Ok((flat(logits)?, flat(maps)?, cells))
}

/// Every row of every plane the other way round.
fn mirrored(pixels: &[u8], side: usize) -> Vec<u8> {
    pixels.chunks_exact(side).flat_map(|row| row.iter().rev().copied()).collect()
}

/// The number of a class by its name, or by the number itself.
fn number_of(class: &str, classes: &[String]) -> Result<usize, Failure> {
    let named = classes.iter().position(|name| data::same_class(name, class));
    let counted = || class.parse().ok().filter(|number| *number < classes.len());
    named.or_else(counted).ok_or_else(|| {
        let class = plain::line(class);
        Failure::Input(format!("the network has no class `{class}`; it knows {}.", some(classes)))
    })
}

/// What one picture is, and where the network of `query` sees each class in it.
pub(super) fn explain(
    query: &CheckpointQuery,
    picture: &Picture,
    control: &mut Control,
    report: &mut Report,
) -> Result<Explanation, Failure> {
    let (network, pixels, label) = match picture {
        Picture::File(path) => {
            let found = FoundModel::read(&query.target, &query.options, control, report)?;
            found.check(&query.options, 1)?;
            let (path, recipe): (_, Recipe) = (path.clone(), found.model.meta.recipe.clone());
            let read = control.attended(report, move || {
                pictures::read(&path, &recipe)
                    .map_err(|clause| Failure::Input(format!("{}: {clause}.", path.display())))
            })?;
            (found.network(&query.options, control, report)?, read?, None)
        }
        Picture::Image(number) => {
            let loaded = LoadedCheckpoint::load(query, control, report)?;
            if *number >= loaded.images.len() {
                let (split, images) = (loaded.split.word(), loaded.images.len());
                return Err(Failure::Input(format!(
                    "there is no {split} image {number}; there are {images}, counted from 0."
                )));
            }
            let pixels = loaded.prepare.plain_pixels(&loaded.images, *number)?;
            let label = loaded.images.labels[*number] as usize;
            (loaded.network, pixels, Some(label))
        }
    };
    let (prepare, net) = (network.prepare(false), Arc::clone(&network.net));
    let side = prepare.side();
    let batch = Batch { side, pixels: pixels.clone(), flip: false, maps: true };
    let Outcome { mut logits, mut maps, cells } =
        control.attended(report, move || classify(&net, &prepare, batch))??;
    let prediction =
        Prediction { classes: network.classes.into(), logits: logits.pop().unwrap_or_default(), map: None };
    let maps = maps.pop().unwrap_or_default();
    Ok(Explanation { prediction, label, side, pixels, cells, maps, step: network.step })
}

#[cfg(test)]
mod tests;
