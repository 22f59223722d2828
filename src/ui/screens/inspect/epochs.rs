//! The accuracy of every class by epoch: of the run that was inspected, or of the one in training.

use std::path::Path;

use crate::ui::curves::classes::ClassCurves;
use crate::ui::workspace::App;

/// Epoch and accuracies by class, oldest first: what the journal told and what was heard after it.
pub(crate) fn known(app: &App) -> Vec<(usize, &[f32])> {
    let heard_of = app.monitor.head.as_ref().map(|head| head.run_dir.as_path());
    let path = about(app);
    let read = path.and_then(|path| read(app, path));
    let heard = (path == heard_of).then_some(&app.train.curves.classes);
    let live = heard.map(ClassCurves::epochs).unwrap_or_default();
    let begin = live.first().map_or(usize::MAX, |(epoch, _)| *epoch);
    let before = read.map(ClassCurves::epochs).unwrap_or_default().iter().filter(|(epoch, _)| *epoch < begin);
    before.chain(live).map(|(epoch, shares)| (*epoch, shares.as_slice())).collect()
}

/// What the journal of a run told.
fn read<'a>(app: &'a App, run: &Path) -> Option<&'a ClassCurves> {
    app.runs.curves.get(run)?.as_ref().ok().map(|curves| &curves.classes)
}

/// The directory of the run that the epochs are of.
pub(crate) fn about(app: &App) -> Option<&Path> {
    let inspected = app.inspect.found.as_ref().map(|(target, _)| target.path.as_path());
    let head = app.monitor.head.as_ref().map(|head| head.run_dir.as_path());
    let known = |path: &&Path| {
        Some(*path) == head || read(app, path).is_some_and(|classes| !classes.epochs().is_empty())
    };
    inspected.filter(known).or(head)
}
