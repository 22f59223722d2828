//! What a network does with each image: the last inspection, and what of it is shown.

use std::path::PathBuf;

use crate::protocol::command::Split;
use crate::protocol::event::{Inspection, Mistake};
use crate::ui::screens::inspect::words;

/// The views.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    #[default]
    Confusion,
    Classes,
    Epochs,
    Mistakes,
    Reuse,
    Scales,
}

impl View {
    pub(crate) const ALL: [Self; 6] =
        [Self::Confusion, Self::Classes, Self::Epochs, Self::Mistakes, Self::Reuse, Self::Scales];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Confusion => "confusion",
            Self::Classes => "classes",
            Self::Epochs => "by epoch",
            Self::Mistakes => "mistakes",
            Self::Reuse => "reuse",
            Self::Scales => "scales",
        }
    }
}

/// A run, by its name and directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The order of the classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Label,
    /// Least accurate first.
    Worst,
}

/// The screen's state.
#[derive(Clone, Debug)]
pub(crate) struct InspectScreen {
    /// The last answer, and the run it is about.
    pub(crate) found: Option<(Target, Box<Inspection>)>,
    /// The run that was asked about last.
    pub(crate) target: Option<Target>,
    /// The run that an answer is awaited about.
    asked: Option<Target>,
    /// Whether an answer is awaited.
    pub(crate) waiting: bool,
    /// The id of the last question.
    pub(crate) question: u64,
    /// Why there was no answer to the last question.
    pub(crate) trouble: Option<String>,
    /// The images that the next inspection is to run over.
    pub(crate) split: Split,
    pub(crate) view: View,
    /// Label and prediction under the cursor.
    pub(crate) cell: (usize, usize),
    /// The label of the class under the cursor, and the order they stand in.
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
}

impl Default for InspectScreen {
    fn default() -> Self {
        Self {
            found: None,
            target: None,
            asked: None,
            waiting: false,
            question: 0,
            trouble: None,
            split: Split::Validation,
            view: View::default(),
            cell: (0, 0),
            class: 0,
            order: Order::default(),
            back: 0,
            mistake: 0,
            pair: None,
            block: 0,
            link: (0, 0),
            by_row: false,
            layer: 0,
        }
    }
}

impl InspectScreen {
    pub(crate) fn ask(&mut self, target: Target) {
        self.target = Some(target.clone());
        self.asked = Some(target);
        (self.waiting, self.trouble) = (true, None);
    }

    /// Whether the answer to this question is awaited.
    pub(crate) fn awaits(&self, id: u64) -> bool {
        self.waiting && self.question == id
    }

    /// The run that is asked about, while the answer is awaited.
    pub(crate) fn awaited(&self) -> Option<&Target> {
        self.asked.as_ref().filter(|_| self.waiting)
    }

    pub(crate) fn take(&mut self, inspection: Inspection) {
        let Some(target) = self.asked.clone() else { return };
        (self.waiting, self.trouble) = (false, None);
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

    pub(crate) fn refuse(&mut self, sentence: &str) {
        if std::mem::take(&mut self.waiting) {
            self.trouble = Some(sentence.to_owned());
        }
    }

    pub(crate) fn inspection(&self) -> Option<&Inspection> {
        self.found.as_ref().map(|(_, found)| &**found)
    }

    pub(crate) fn turn(&mut self, forward: bool) {
        let all = View::ALL.len();
        let place = View::ALL.iter().position(|&view| view == self.view).unwrap_or(0);
        self.view = View::ALL[(place + if forward { 1 } else { all - 1 }) % all];
    }

    /// The mistakes that pass the filter.
    pub(crate) fn mistakes(&self) -> Vec<&Mistake> {
        let passes = |of: &&Mistake| self.pair.is_none_or(|pair| pair == (of.label, of.prediction));
        self.inspection().map_or_else(Vec::new, |found| found.mistakes.iter().filter(passes).collect())
    }

    /// The mistake under the cursor.
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

    /// What the cursor points at, in words; empty where it points at nothing.
    pub(crate) fn pointed(&self) -> String {
        let Some(found) = self.inspection() else { return String::new() };
        match self.view {
            View::Confusion => words::cell(found, self.cell),
            View::Classes | View::Epochs => words::class(found, self.class),
            View::Mistakes => self.mistake().map(|of| words::mistake(found, of)).unwrap_or_default(),
            View::Reuse => words::link(found, self.block, self.link),
            View::Scales => words::scale(found, self.layer),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
