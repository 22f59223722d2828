//! The accuracy of every class by epoch: of the run that was inspected, or of the one in training.

use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::workspace::Workspace;
use std::path::Path;

use crate::ui::curves::classes::ClassCurves;

/// Epoch and accuracies by class, oldest first: from the journal, then from the live run.
pub(crate) fn known<'a>(screen: &'a InspectScreen, ws: &'a Workspace) -> Vec<(usize, &'a [f32])> {
    let path = about(screen, ws);
    let read = path.and_then(|path| read(ws, path));
    let own = path == ws.live.head().map(|head| head.run_dir.as_path());
    let live = if own { ws.live.curves.classes.epochs() } else { &[] };
    let begin = live.first().map_or(usize::MAX, |(epoch, _)| *epoch);
    let before = read.map(ClassCurves::epochs).unwrap_or_default().iter().filter(|(epoch, _)| *epoch < begin);
    before.chain(live).map(|(epoch, shares)| (*epoch, shares.as_slice())).collect()
}

/// The curves in the journal of a run.
fn read<'a>(ws: &'a Workspace, run: &Path) -> Option<&'a ClassCurves> {
    ws.runs.curves.get(run)?.as_ref().ok().map(|curves| &curves.classes)
}

/// The directory of the run that the epochs are of.
pub(crate) fn about<'a>(screen: &'a InspectScreen, ws: &'a Workspace) -> Option<&'a Path> {
    let inspected = screen.found.as_ref().map(|(target, _)| target.path.as_path());
    let head = ws.live.head().map(|head| head.run_dir.as_path());
    let known = |path: &&Path| {
        Some(*path) == head || read(ws, path).is_some_and(|classes| !classes.epochs().is_empty())
    };
    inspected.filter(known).or(head)
}
