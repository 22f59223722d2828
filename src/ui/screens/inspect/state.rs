//! The state of the Inspect screen: the last inspection, and how it is shown.

use std::path::PathBuf;

use crate::protocol::command::Split;
use crate::protocol::event::{Inspection, Mistake};
use crate::ui::keys::binding::next_of;
use crate::ui::screens::asked::Asked;
use crate::ui::screens::inspect::predict::Predict;
use crate::ui::screens::inspect::words;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    #[default]
    Confusion,
    Classes,
    Epochs,
    Mistakes,
    Reuse,
    Scales,
    Predict,
}

impl View {
    pub(crate) const ALL: [Self; 7] = [
        Self::Confusion,
        Self::Classes,
        Self::Epochs,
        Self::Mistakes,
        Self::Reuse,
        Self::Scales,
        Self::Predict,
    ];

    pub(crate) const fn title(self) -> &'static str {
        ["confusion", "classes", "by epoch", "mistakes", "reuse", "scales", "predict"][self as usize]
    }
}

/// A run, by its name and directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Label,
    /// Least accurate first.
    Worst,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct InspectScreen {
    /// The last answer, and the run it is about.
    pub(crate) found: Option<(Target, Box<Inspection>)>,
    /// The run that was asked about last.
    pub(crate) target: Option<Target>,
    /// The run that the last question was about.
    pub(crate) about: Option<Target>,
    pub(crate) asked: Asked,
    /// The images of the next inspection; those for validation where `None`.
    pub(crate) split: Option<Split>,
    pub(crate) view: View,
    /// Label and prediction under the cursor.
    pub(crate) cell: (usize, usize),
    /// The label of the class under the cursor, and the order of the list.
    pub(crate) class: usize,
    pub(crate) order: Order,
    /// How many epochs before the newest the cursor is.
    pub(crate) back: usize,
    /// The mistake under the cursor, among those that pass.
    pub(crate) mistake: usize,
    /// Only the mistakes of this label and prediction.
    pub(crate) pair: Option<(usize, usize)>,
    /// The dense block of the reuse map, from 0, and the target and source under the cursor.
    pub(crate) block: usize,
    pub(crate) link: (usize, usize),
    /// Whether each target's row is shaded by its own greatest value.
    pub(crate) by_row: bool,
    pub(crate) layer: usize,
    pub(crate) predict: Predict,
}

impl InspectScreen {
    pub(crate) fn split(&self) -> Split {
        self.split.unwrap_or(Split::Validation)
    }

    /// The run that is asked about, while the answer is awaited.
    pub(crate) fn awaited(&self) -> Option<&Target> {
        self.about.as_ref().filter(|_| self.asked.waits())
    }

    pub(crate) fn take(&mut self, inspection: Inspection) {
        let Some(target) = self.about.clone() else { return };
        let classes = inspection.classes.len();
        if self.found.as_ref().is_none_or(|(_, before)| before.classes != inspection.classes) {
            (self.cell, self.class) = ((0, 0), 0);
        }
        if self.pair.is_some_and(|(label, prediction)| label.max(prediction) >= classes) {
            self.pair = None;
        }
        self.mistake = 0;
        self.found = Some((target, Box::new(inspection)));
        self.block = self.block.min(self.blocks().saturating_sub(1));
        self.link = self.clamped(self.link);
    }

    pub(crate) fn inspection(&self) -> Option<&Inspection> {
        self.found.as_ref().map(|(_, found)| &**found)
    }

    pub(crate) fn turn(&mut self, forward: bool) {
        self.view = next_of(&View::ALL, self.view, forward);
    }

    /// The mistakes that pass the filter.
    pub(crate) fn mistakes(&self) -> Vec<&Mistake> {
        let passes = |of: &&Mistake| self.pair.is_none_or(|pair| pair == (of.label, of.prediction));
        self.inspection().map_or_else(Vec::new, |found| found.mistakes.iter().filter(passes).collect())
    }

    pub(crate) fn mistake(&self) -> Option<&Mistake> {
        self.mistakes().get(self.mistake).copied()
    }

    /// Labels in the order they are listed in, with their accuracies.
    pub(crate) fn classes(&self) -> Vec<(usize, Option<f64>)> {
        let accuracy = self.inspection().map(Inspection::class_accuracy).unwrap_or_default();
        let mut classes: Vec<_> = accuracy.into_iter().enumerate().collect();
        if self.order == Order::Worst {
            let key = |of: &(usize, Option<f64>)| of.1.unwrap_or(f64::INFINITY);
            classes.sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        classes
    }

    /// Only the mistakes of a pair of label and prediction.
    pub(crate) fn show_pair(&mut self, pair: (usize, usize)) {
        (self.pair, self.mistake, self.view) = (Some(pair), 0, View::Mistakes);
    }

    /// Dense blocks of the network.
    pub(crate) fn blocks(&self) -> usize {
        self.inspection().map_or(0, |found| found.reuse.len())
    }

    /// A target and a source of the block that the target reads.
    pub(crate) fn clamped(&self, (to, from): (usize, usize)) -> (usize, usize) {
        let cells = self.inspection().and_then(|found| found.reuse.get(self.block)).map(|of| &of.cells);
        let to = to.min(cells.map_or(0, |cells| cells.len().saturating_sub(1)));
        let read = |row: &Vec<Option<f64>>| row.iter().rposition(Option::is_some).unwrap_or(0);
        (to, from.min(cells.and_then(|cells| cells.get(to)).map_or(0, read)))
    }

    /// A description of what is under the cursor; empty if nothing is.
    pub(crate) fn pointed(&self) -> String {
        if self.view == View::Predict {
            return self.predict.pointed();
        }
        let Some(found) = self.inspection() else { return String::new() };
        match self.view {
            View::Confusion => words::cell(found, self.cell),
            View::Classes | View::Epochs => words::class(found, self.class),
            View::Mistakes => self.mistake().map(|of| words::mistake(found, of)).unwrap_or_default(),
            View::Reuse => words::link(found, self.block, self.link),
            View::Scales => words::scale(found, self.layer),
            View::Predict => self.predict.pointed(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
