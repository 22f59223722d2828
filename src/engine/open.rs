//! The start of a run: a recipe or a checkpoint becomes a [`Session`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Tensor};

use crate::data::prepare::Prepare;
use crate::data::{self, Dataset};
use crate::engine::build::{check, new_net, requested};
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::gauges::Gauges;
use crate::engine::report::{Report, now};
use crate::engine::session::Session;
use crate::engine::step::SharedOptimizer;
use crate::engine::{device, first_weights, image_dir, memory, trainer};
use crate::model::{DenseNet, Implementation};
use crate::optim::{self, Optimizer};
use crate::protocol::{Event, Options, Overrides, Start};
use crate::recipe::Recipe;
use crate::recipe::jump::Jump;
use crate::store::catalog::{self, State};
use crate::store::checkpoint::{Checkpoint, Meta, Progress};
use crate::store::run::{self, RunDir, Target};

/// A new run.
pub(super) fn begin(start: Start, control: &mut Control, report: &mut Report) -> Result<Session, Failure> {
    let Start { mut recipe, name, options } = start;
    let begun = Instant::now();
    check(&recipe)?;
    image_dir::check(&recipe)?;
    let (device, device_line) = device::choose(options.device)?;
    // Once for the network alone, before the images are read, and once together with them.
    memory::check_early(&recipe, recipe.data.classes().unwrap_or(2), requested(&options), &device)?;
    run::probe(&options.runs_dir)?;
    let first = first_weights::read(&mut recipe, control, report)?;
    let dataset = control.load(&recipe, options.skip_broken, true, report)?;
    image_dir::remember(&mut recipe, &dataset)?;
    check_classes(&recipe, &dataset)?;
    check_batches(&recipe, &dataset)?;
    memory::check(&recipe, dataset.classes.len(), dataset.train.len(), requested(&options), &device)?;
    let net = new_net(&recipe, dataset.classes.len(), &device, requested(&options))?;
    let weights = first.map(|first| first.give(&net, &recipe)).transpose()?;
    let run = RunDir::create(&options.runs_dir, name.as_deref(), &stem(&recipe), &recipe)?;
    report.guard(&run);
    let optimizer = optim::by_recipe(&recipe, net.parameters())?;
    let mut session = assemble(recipe, options, net, optimizer, dataset, run, device_line, begun, report)?;
    session.created = now();
    session.weights = weights;
    Ok(session)
}

/// Goes on with a run, or with a checkpoint as a new run.
pub(super) fn resume(
    target: &Path,
    overrides: &Overrides,
    options: Options,
    control: &mut Control,
    report: &mut Report,
) -> Result<Session, Failure> {
    let begun = Instant::now();
    let found = run::find(&options.runs_dir, target)?;
    let (device, device_line) = device::choose(options.device)?;
    let (source, run, checkpoint) = take_up(found, report)?;
    let mut recipe = checkpoint.meta.recipe.clone();
    let summary = run.as_ref().and_then(|run| catalog::read_summary(run.path()).ok());
    // How the run ended that the checkpoint belongs to, also where a new one begins with it.
    let origin_ended = run::run_of(&source).and_then(|run| catalog::read_summary(&run).ok());
    let ended = origin_ended.map(|summary| summary.state);
    apply(&mut recipe, overrides, ended == Some(State::Diverged))?;
    check(&recipe)?;
    image_dir::check(&recipe)?;
    let Meta { mut progress, classes, moments, run: origin, parent, weights, fingerprints, .. } =
        checkpoint.meta.clone();
    let Meta { no_test, reference, skip_broken, .. } = checkpoint.meta;
    // A run that was to leave the test split alone still is, and it ends with the weights of the
    // arithmetic it began with.
    let options = Options {
        no_test: options.no_test || no_test,
        reference: options.reference || reference,
        skip_broken: options.skip_broken || skip_broken,
        ..options
    };
    memory::check_early(&recipe, classes.len(), requested(&options), &device)?;
    let dataset = control.load(&recipe, options.skip_broken, true, report)?;
    image_dir::remember(&mut recipe, &dataset)?;
    check_classes(&recipe, &dataset)?;
    check_batches(&recipe, &dataset)?;
    if let Some(what) = difference(&dataset, &classes, &fingerprints, moments) {
        let advice = if recipe.data.set().built_in {
            "use the version of densenet-tui that began the run"
        } else {
            "restore them, or give their place with --data-dir"
        };
        return Err(Failure::Input(format!(
            "the images of `{}` are not those that {} was trained on: {what}; {advice}.",
            recipe.data,
            source.display()
        )));
    }
    let (images, per_epoch) = (dataset.train.len(), recipe.steps_per_epoch(dataset.train.len()));
    progress
        .check(per_epoch, images)
        .map_err(|why| Failure::Input(format!("{}: {why}; use another checkpoint.", source.display())))?;
    let jump = Jump::between(&checkpoint.meta.recipe, &recipe, progress.step, per_epoch);
    let total = recipe.total_steps(images);
    if progress.step < total {
        progress.test = None;
    } else if ended == Some(State::Completed) {
        return Err(Failure::Input(format!(
            "{} is complete at step {total}; give more --epochs{} to go on.",
            source.display(),
            // Steps only end a run before its epochs do.
            if recipe.steps.is_some() { " or --steps" } else { "" }
        )));
    }
    memory::check(&recipe, classes.len(), dataset.train.len(), requested(&options), &device)?;
    let (net, optimizer) = revive(checkpoint, &recipe, &source, &device, requested(&options))?;
    let is_new = run.is_none();
    let run = match run {
        Some(run) => run,
        None => RunDir::create(&options.runs_dir, None, &stem(&recipe), &recipe)?,
    };
    report.guard(&run);
    let mut session = assemble(recipe, options, net, optimizer, dataset, run, device_line, begun, report)?;
    session.created = summary.as_ref().map_or_else(now, |summary| summary.created);
    session.parent = if is_new { Some(origin) } else { parent };
    session.weights = weights;
    session.last = summary.and_then(|summary| summary.last);
    session.kept = progress.clone();
    session.progress = progress;
    session.jump = jump.map(|jump| jump.sentence());
    session.resumed_from = Some(source);
    session.unsaved = is_new || *overrides != Overrides::default();
    Ok(session)
}

/// Refuses a split that leaves a class without an image to train on.
fn check_classes(recipe: &Recipe, dataset: &Dataset) -> Result<(), Failure> {
    let counts = dataset.train.class_counts(dataset.classes.len());
    let without = counts.iter().zip(&dataset.classes).filter(|(count, _)| **count == 0);
    let without: Vec<&str> = without.map(|(_, name)| name.as_str()).collect();
    let [first, others @ ..] = &without[..] else { return Ok(()) };
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    let remedy = match (recipe.train_limit, dataset.validation.is_empty()) {
        (Some(_), _) => "give a larger `train_limit`, or a smaller `validation`",
        (None, false) => "give a smaller `validation`, or 0 for none",
        (None, true) => "add some or take the class away",
    };
    Err(Failure::Input(format!("the class `{first}`{more} has no image left to train on; {remedy}.")))
}

/// What differs between `dataset` and the images that a checkpoint was trained on, as a clause. A file from before there
/// were fingerprints has only the statistics of the training images to compare.
fn difference(
    dataset: &Dataset,
    classes: &[String],
    fingerprints: &[String],
    moments: [[f64; 3]; 2],
) -> Option<String> {
    let same = dataset.classes.len() == classes.len()
        && dataset.classes.iter().zip(classes).all(|(now, then)| data::same_class(now, then));
    if !same {
        let has = |classes: &[String], name: &str| classes.iter().any(|one| data::same_class(one, name));
        let new = dataset.classes.iter().find(|name| !has(classes, name));
        let gone = classes.iter().find(|name| !has(&dataset.classes, name));
        return Some(match (new, gone) {
            (Some(new), Some(gone)) => format!("they have a class `{new}`, and none `{gone}`"),
            (Some(new), None) => format!("they have a class `{new}` more"),
            (None, Some(gone)) => format!("they have no class `{gone}`"),
            (None, None) => "their classes have another order".into(),
        });
    }
    let parts = ["training", "validation", "test"].into_iter().zip(&dataset.fingerprints).zip(fingerprints);
    let others: Vec<&str> = parts.filter(|((_, now), then)| now != then).map(|((name, _), _)| name).collect();
    let changed = if others.is_empty() && [dataset.stats.mean, dataset.stats.std] != moments {
        vec!["training"]
    } else {
        others
    };
    (!changed.is_empty()).then(|| {
        format!("the {} images, their labels or their order have changed", changed.join(" and the "))
    })
}

#[expect(clippy::too_many_arguments, reason = "the parts of a session, each made by its own room")]
fn assemble(
    recipe: Recipe,
    options: Options,
    net: DenseNet,
    optimizer: Optimizer,
    dataset: Dataset,
    run: RunDir,
    device_line: String,
    begun: Instant,
    report: &mut Report,
) -> Result<Session, Failure> {
    for message in &dataset.notes {
        report.emit(Event::Warning { message: message.clone() });
    }
    report.watch(Gauges::open(net.device()));
    let prepare = Prepare::new(&recipe, dataset.stats, dataset.flips);
    let [train, validation, test] = [dataset.train, dataset.validation, dataset.test].map(Arc::new);
    let splits = [&train, &validation, &test].map(Arc::clone);
    let (net, optimizer) = (Arc::new(net), SharedOptimizer::new(optimizer));
    let trainer = trainer::by_recipe(&net, &optimizer, &recipe, &prepare, &splits, report)?;
    Ok(Session {
        recipe,
        options,
        net,
        optimizer,
        trainer,
        classes: dataset.classes,
        moments: dataset.stats,
        fingerprints: dataset.fingerprints,
        train,
        validation,
        test,
        progress: Progress::default(),
        kept: Progress::default(),
        run,
        parent: None,
        weights: None,
        resumed_from: None,
        last: None,
        created: 0.0,
        device_line,
        begun,
        last_save: Instant::now(),
        jump: None,
        unsaved: true,
    })
}

/// The name of a run that was given none: the local time and the data.
fn stem(recipe: &Recipe) -> String {
    let time = jiff::ZonedDateTime::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    let data = recipe.data.to_string();
    format!("{time}-{}", data.split(':').next().unwrap_or_default())
}

/// The network and the optimizer of a checkpoint, with its weights and state.
fn revive(
    checkpoint: Checkpoint,
    recipe: &Recipe,
    path: &Path,
    device: &Device,
    requested: Implementation,
) -> Result<(DenseNet, Optimizer), Failure> {
    let unusable = |why: String| Failure::Input(format!("{}: {why}.", path.display()));
    let mut weights = BTreeMap::new();
    let mut state = BTreeMap::new();
    for (name, array) in checkpoint.tensors {
        let target = if name.starts_with("optimizer.") { &mut state } else { &mut weights };
        target.insert(name, Tensor::from_vec(array.data, array.shape, device)?);
    }
    let net = new_net(recipe, checkpoint.meta.classes.len(), device, requested)?;
    net.load(&weights).map_err(unusable)?;
    let mut optimizer = optim::by_recipe(recipe, net.parameters())?;
    optimizer.load(&state, checkpoint.meta.progress.optimizer_steps).map_err(unusable)?;
    Ok((net, optimizer))
}

/// The checkpoint to go on from, with its file, and the run to go on in; no run where the file is
/// older than the run's newest, or in no run at all.
fn take_up(target: Target, report: &mut Report) -> Result<(PathBuf, Option<RunDir>, Checkpoint), Failure> {
    match target {
        Target::Run(path) => {
            let run = RunDir::open(&path)?;
            report.guard(&run);
            let (file, checkpoint, damaged) = run.newest_good()?;
            for message in damaged {
                report.emit(Event::Warning { message });
            }
            if let Some(recipe) = run.recipe()
                && recipe.arch(2) != checkpoint.meta.recipe.arch(2)
            {
                return Err(Failure::Input(format!(
                    "{}: it is a checkpoint of another network than the run's; take it away, or resume it as a file elsewhere.",
                    file.display()
                )));
            }
            Ok((file, Some(run), checkpoint))
        }
        Target::File(file) => {
            // The new run says where it comes from.
            run::check_text(&file)?;
            let checkpoint = Checkpoint::read(&file)?;
            let home = file.parent().and_then(Path::parent);
            let newest = home.and_then(|home| run::checkpoints(home).pop());
            let run = match (home, newest) {
                (Some(home), Some((_, newest))) if newest == file => Some(RunDir::open(home)?),
                _ => None,
            };
            if let Some(run) = &run {
                report.guard(run);
            }
            Ok((file, run, checkpoint))
        }
    }
}

fn apply(recipe: &mut Recipe, overrides: &Overrides, diverged: bool) -> Result<(), Failure> {
    let Overrides { data_dir, epochs, steps, lr } = overrides.clone();
    if let Some(dir) = data_dir {
        recipe.data_dir = Some(dir);
    }
    if let Some(epochs) = epochs {
        recipe.epochs = epochs;
        // A limit of the first part of a run must not hide the epochs now asked for.
        recipe.steps = None;
    }
    if steps.is_some() {
        recipe.steps = steps;
    }
    if let Some(lr) = lr {
        if !diverged {
            return Err(Failure::Input(
                "--lr beside --resume is only for a run that diverged; this one goes on with its own.".into(),
            ));
        }
        recipe.lr = lr;
    }
    Ok(())
}

/// Refuses a batch that leaves batch normalisation nothing to measure: one image on a 1x1 map.
fn check_batches(recipe: &Recipe, dataset: &Dataset) -> Result<(), Failure> {
    let images = dataset.train.len();
    let smallest_map = recipe.arch(dataset.classes.len()).plan().map_or(0, |plan| plan.smallest_map);
    if smallest_map > 1 {
        return Ok(());
    }
    let last = images % recipe.batch_size;
    if recipe.batch_size == 1 || last == 1 {
        return Err(Failure::Input(format!(
            "`batch_size`: with {images} training images and {} in a batch, one image would meet a 1x1 feature map alone, where batch normalisation has no variance; choose another batch size.",
            recipe.batch_size
        )));
    }
    Ok(())
}
