//! `sweep`: many runs from one file, one after the other or a few at a time, and what is decided between them.

mod children;
mod clock;
mod outcome;
mod signals;
mod supervise;
mod telling;

use std::path::Path;

use toml::{Table, Value};

use crate::cli::SweepArgs;
use crate::commands::sweep::clock::now;
use crate::commands::sweep::supervise::Supervisor;
use crate::commands::{Context, one_line, usage_error};
use crate::files;
use crate::format::grouped;
use crate::headless::print_line;
use crate::monitor::Exit;
use crate::paths;
use crate::recipe::layered::{ConfigLayer, text};
use crate::store::atomic;
use crate::store::run::{self, Hold};
use crate::sweep::plan::{MANY, described};
use crate::sweep::record::Line;
use crate::sweep::spec::Base;
use crate::sweep::{Place, Plan, Problem, Record, Recorder, Spec, Standing};

/// Carries out the sweep of a file.
pub(crate) fn sweep(context: &Context, args: &SweepArgs) -> Exit {
    let (place, plan) = match plan(context, args) {
        Ok(planned) => planned,
        Err(sentence) => return usage_error(&sentence),
    };
    if args.dry_run {
        return show(&plan);
    }
    if args.detached {
        // This fails only if the process already leads a session.
        _ = rustix::process::setsid();
    }
    let signals = match signals::listen() {
        Ok(signals) => signals,
        Err(error) => return usage_error(&format!("signals cannot be caught ({error}).")),
    };
    match open(&place, &plan, args) {
        Ok(Opened { hold, recorder, standing, finished }) => {
            let supervisor = Supervisor::new(&plan, &place, args, recorder, hold, standing);
            if finished { supervisor.report() } else { supervisor.carry_out(&signals) }
        }
        Err(sentence) => usage_error(&sentence),
    }
}

/// The sweep's place and the trials of its file; the error has a sentence with the file and the line.
fn plan(context: &Context, args: &SweepArgs) -> Result<(Place, Plan), String> {
    let path = &args.file;
    // A sweep's own file needs no recipe beside it.
    if let Some(place) = Place::of_file(path) {
        return Record::read(&place).map(|record| (place, record.plan));
    }
    let file = files::read_text(path)
        .map_err(|error| format!("{}: it cannot be read ({error}).", path.display()))?;
    let wrong = |problem: Problem| one_line(format!("{}: {problem}", path.display()));
    let spec = Spec::read(&file).map_err(wrong)?;
    let trials = spec.trials();
    if trials > MANY && !args.yes {
        let many = u64::try_from(trials).unwrap_or(u64::MAX);
        return Err(format!(
            "{}: it has {} trials; add --yes if that is what you want, or draw fewer by [random] and `trials`.",
            path.display(),
            grouped(many)
        ));
    }
    let base = base(context, &spec, args).map_err(one_line)?;
    let plan = Plan::of(spec, base).map_err(wrong)?;
    Ok((Place::new(&context.runs_dir(&args.place), &plan.spec.name), plan))
}

/// The keys that all recipes share: of the config file, the recipe and the command line.
fn base(context: &Context, spec: &Spec, args: &SweepArgs) -> Result<Table, String> {
    let source = args.file.display().to_string();
    let directory = args.file.parent().unwrap_or(Path::new(""));
    let (mut recipe, directory) = match &spec.base {
        Base::Keys(table) => (ConfigLayer { source, table: table.clone() }, directory.to_owned()),
        Base::File(named) => {
            let wrong = |clause: &dyn std::fmt::Display| {
                format!("{source}: {}", spec.problem("recipe", format!("`recipe`: {clause}.")))
            };
            let path = paths::meant_in(directory, named).map_err(|clause| wrong(&clause))?;
            let text = files::read_text(&path)
                .map_err(|error| wrong(&format!("{} cannot be read ({error})", path.display())))?;
            let layer =
                ConfigLayer::parse(path.display().to_string(), &text).map_err(|error| error.to_string())?;
            (layer, path.parent().unwrap_or(Path::new("")).to_owned())
        }
    };
    // The runs may be gone on with from anywhere.
    let settle = |path: &Path| {
        std::path::absolute(paths::meant_in(&directory, path)?).map_err(|error| error.to_string())
    };
    recipe.settle_paths(&settle).map_err(|error| error.to_string())?;
    let mut base = context.config.recipe.clone().map_or_else(Table::new, |layer| layer.table);
    // A network's depth and its layers are two words for one thing.
    for (one, other) in [("layers", "depth"), ("depth", "layers")] {
        if recipe.table.contains_key(one) {
            base.remove(other);
        }
    }
    base.extend(recipe.table);
    if let Some(dir) = &args.data_dir {
        let dir = std::path::absolute(dir).map_err(|error| error.to_string())?;
        base.insert("data_dir".into(), Value::String(text(&dir)?.to_owned()));
    }
    Ok(base)
}

/// A sweep in the hands of this process.
struct Opened {
    hold: Hold,
    recorder: Recorder,
    standing: Standing,
    /// Whether there is nothing left to do.
    finished: bool,
}

/// Takes the sweep's directory; makes it where there is none.
fn open(place: &Place, plan: &Plan, args: &SweepArgs) -> Result<Opened, String> {
    let path = place.path();
    let name = &plan.spec.name;
    if place.record().exists() && !args.carry_on {
        return Err(format!(
            "{}: there is a sweep {name} already; go on with it by --continue, or choose another name.",
            path.display()
        ));
    }
    run::check_text(path).map_err(|error| error.to_string())?;
    let unwritable = |error: std::io::Error| format!("{}: it cannot be written ({error}).", path.display());
    place.make().map_err(unwritable)?;
    if run::held(path) {
        return Err(format!(
            "{}: another process carries out the sweep {name}; wait for it to end.",
            path.display()
        ));
    }
    let hold = run::hold(path).map_err(|error| error.to_string())?;
    if place.record().exists() && Record::has_begun(place) {
        let record = Record::read(place)?;
        if let Some(difference) = plan.differs_from(&record.plan) {
            return Err(format!(
                "{}: the sweep {name} was begun with {difference}; give it its own file, {}, or choose another name.",
                path.display(),
                place.file().display()
            ));
        }
        let finished = record.is_finished();
        let mut recorder = Recorder::open(place).map_err(unwritable)?;
        if !finished {
            recorder.append(&Line::Continued { time: now() }).map_err(unwritable)?;
        }
        return Ok(Opened { hold, recorder, standing: record.standing, finished });
    }
    // The file first: a record without it could not be read.
    let file = files::read_text(&args.file).map_err(unwritable)?;
    atomic::write(&place.file(), file.as_bytes()).map_err(|error| error.to_string())?;
    let mut recorder = Recorder::open(place).map_err(unwritable)?;
    let begun = Line::Begun {
        sweep: name.clone(),
        base: plan.base.clone(),
        trials: plan.trials.len(),
        seeds: plan.spec.search.seeds,
        rungs: plan.rungs.clone(),
        time: now(),
    };
    recorder.append(&begun).map_err(unwritable)?;
    Ok(Opened { hold, recorder, standing: Standing::new(plan), finished: false })
}

/// Says what would be run.
fn show(plan: &Plan) -> Exit {
    let rungs: Vec<String> = plan.rungs.iter().map(ToString::to_string).collect();
    print_line(&format!(
        "{}: {} trials, {} runs, {} epochs, by {}",
        plan.spec.name,
        grouped(plan.trials.len() as u64),
        grouped(plan.runs() as u64),
        rungs.join(", "),
        plan.spec.search.measure
    ));
    for (index, trial) in plan.trials.iter().enumerate() {
        print_line(&format!("{}  {}", plan.name(index), described(&trial.values)));
    }
    Exit::FINE
}
