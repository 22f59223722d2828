//! How far a trial came, as a row of rungs.

use crate::sweep::{Record, Standing};
use crate::ui::style::glyphs::Glyphs;

/// Cells of a ladder, and of a rung at least.
pub(super) const CELLS: usize = 24;

/// The rungs of a trial: those that it has behind it, the one it is on, and a cross where it was dropped.
pub(super) fn ladder(record: &Record, trial: usize, running: bool, glyphs: Glyphs) -> String {
    let (plan, standing) = (&record.plan, &record.standing);
    let cells = (CELLS / plan.rungs.len()).max(2);
    let rung = |rung: usize| {
        let done = standing.outcomes(trial, rung).len();
        let all = plan.spec.search.seeds;
        let filled = done * (cells - 1) / all.max(1);
        let out = is_out(standing, trial, rung) && done > 0;
        let sign = match () {
            () if out => glyphs.cross(),
            () if done == all => glyphs.full(),
            () if running && rung == standing.rung() => glyphs.running(),
            () => glyphs.empty(),
        };
        format!("{}{}{sign}", glyphs.full().repeat(filled), glyphs.empty().repeat(cells - 1 - filled))
    };
    (0..plan.rungs.len()).map(rung).collect::<Vec<_>>().concat()
}

/// Whether a trial goes no further than a rung.
fn is_out(standing: &Standing, trial: usize, rung: usize) -> bool {
    standing.failure(trial, rung).is_some()
        || standing.decisions().get(rung).is_some_and(|decision| decision.dropped.contains(&trial))
}

/// The epochs of each rung, above the ladders.
pub(super) fn head(record: &Record) -> String {
    let rungs = &record.plan.rungs;
    let cells = (CELLS / rungs.len()).max(2);
    rungs.iter().map(|epochs| format!("{epochs:>cells$}")).collect::<Vec<_>>().concat()
}
