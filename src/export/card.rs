//! A model card: what a network is, what it was trained on, how good it is and how to load it, for people.

use std::fmt::Write;

use crate::arch::words::{Connectivity, StemKind};
use crate::export::facts::{VERSION, normalisation, shipped};
use crate::export::onnx::INPUT;
use crate::export::python;
use crate::format::{bytes, duration, grouped};
use crate::plain;
use crate::protocol::Figures;
use crate::protocol::question::Around;
use crate::recipe::Recipe;
use crate::store::catalog::Summary;
use crate::store::checkpoint::Meta;

/// Classes up to which all pairs of them are a table.
const WHOLE: usize = 20;
/// Pairs that are listed where there are more classes.
const PAIRS: usize = 20;

/// What a card is about.
#[derive(Debug)]
pub struct Card<'a> {
    /// The weights.
    pub meta: &'a Meta,
    /// The name of the file.
    pub file: &'a str,
    /// Its size.
    pub bytes: u64,
    /// What is around the network in an ONNX file; none: it is safetensors.
    pub onnx: Option<Around>,
    /// What the run says of itself, where it is there.
    pub summary: Option<&'a Summary>,
    /// What the weights answer to the test images, or the sentence that says why that is not known.
    pub test: Result<&'a Tested, String>,
}

/// What the weights answer to the test images.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// Loss and accuracy.
    pub figures: Figures,
    /// `confusion[label][prediction]`: images.
    pub confusion: Vec<Vec<usize>>,
}

impl Card<'_> {
    /// The card in Markdown.
    pub fn text(&self) -> String {
        let meta = self.meta;
        let mut card = Markdown::default();
        card.line(&format!("# {}", plain_text(&meta.run)));
        card.line(&self.sentence());
        card.heading("Network");
        self.network(&mut card);
        card.heading("Input");
        self.input(&mut card);
        card.heading("Data");
        self.data(&mut card);
        card.heading("Training");
        self.training(&mut card);
        card.heading("Test");
        match &self.test {
            Ok(tested) => self.tested(tested, &mut card),
            Err(reason) => card.line(&format!("These weights were not evaluated: {}", plain::line(reason))),
        }
        card.heading("In Python");
        self.python(&mut card);
        card.heading("Recipe");
        card.fenced("toml", shipped(&meta.recipe).to_toml().unwrap_or_default().trim_end());
        card.text
    }

    fn sentence(&self) -> String {
        let (meta, form) = (self.meta, if self.onnx.is_some() { "ONNX" } else { "safetensors" });
        format!(
            "A {} for {} classes: the weights of step {} of the run `{}`, as {form} in `{}` ({}), written by {VERSION}.",
            family(&meta.recipe),
            meta.classes.len(),
            grouped(meta.progress.step),
            plain_text(&meta.run),
            plain_text(self.file),
            bytes(self.bytes),
        )
    }

    fn network(&self, card: &mut Markdown) {
        let arch = self.meta.recipe.arch(self.meta.classes.len());
        let layers: Vec<String> = arch.layers.iter().map(usize::to_string).collect();
        let stem = match arch.stem_kind {
            StemKind::Cifar => format!("3x3 to {} channels", arch.stem),
            StemKind::Imagenet => {
                format!("7x7 of stride 2 to {} channels, 3x3 maximum of stride 2", arch.stem)
            }
        };
        card.head(&["", ""]);
        card.row(&["dense layers", &layers.join(", ")]);
        match arch.connectivity {
            Connectivity::Dense => card.row(&["growth rate", &arch.growth_rate.to_string()]),
            other => {
                card.row(&["connectivity", other.word()]);
                card.row(&["width", &arch.width.to_string()]);
            }
        }
        card.row(&["bottleneck", if arch.bottleneck { "yes" } else { "no" }]);
        card.row(&["compression", &arch.compression.to_string()]);
        card.row(&["stem", &stem]);
        if let Ok(plan) = arch.plan() {
            card.row(&["parameters", &grouped(plan.parameters())]);
            card.row(&["multiply-adds an image", &grouped(plan.macs())]);
        }
    }

    fn input(&self, card: &mut Markdown) {
        let (recipe, [mean, std]) = (&self.meta.recipe, normalisation(self.meta));
        let (side, resized) = (recipe.input_size, recipe.resized());
        let numbers = |numbers: [f64; 3]| numbers.map(|number| format!("{number:.5}")).join(", ");
        let cut = if resized == side {
            format!("its shorter side resized to {side} (bilinear, with antialiasing), its middle cut out")
        } else {
            format!(
                "its shorter side resized to {resized} (bilinear, with antialiasing), a middle of {side}x{side} cut out"
            )
        };
        let normalised = "(x / 255 - mean) / std";
        let pixels = match self.onnx {
            Some(Around { raw: true, .. }) => {
                format!(
                    "Pixels stay from 0 to 255: the file itself computes `{normalised}` with `Sub` and `Div`, not in its first convolution, whose padding would not be exact then."
                )
            }
            _ => format!("Pixels are normalised before: `{normalised}`."),
        };
        card.line(&format!("`[batch, 3, {side}, {side}]`, f32, RGB. Of a picture, {cut}. {pixels}"));
        card.head(&["", "red, green, blue"]);
        card.row(&["mean", &numbers(mean)]);
        card.row(&["std", &numbers(std)]);
        if let Some(around) = self.onnx {
            card.line(&format!(
                "The input is called `{INPUT}`, the output `{}`: `[batch, {}]`.",
                around.output(),
                self.meta.classes.len()
            ));
        }
    }

    fn data(&self, card: &mut Markdown) {
        let recipe = shipped(&self.meta.recipe);
        card.line(&format!(
            "Trained on {}: `{}`.",
            recipe.data.set().title,
            plain_text(&recipe.data.to_string())
        ));
        if self.meta.fingerprints.is_empty() {
            card.line("The run is from before there were fingerprints of the images.");
        } else {
            card.head(&["images", "fingerprint"]);
            for (split, print) in ["training", "validation", "test"].iter().zip(&self.meta.fingerprints) {
                card.row(&[split, &format!("`{print}`")]);
            }
        }
        let names: Vec<String> = self.meta.classes.iter().map(|name| cell(name)).collect();
        card.line(&format!("Classes, in the order of the outputs: {}.", names.join(", ")));
        if let Some(origin) = &self.meta.weights {
            let name = origin.path.file_name().unwrap_or_default().to_string_lossy();
            let layers = origin.layers;
            card.line(&format!(
                "{layers} layers began with the weights of `{}` (SHA-256 `{}`).",
                plain_text(&name),
                origin.sha256
            ));
        }
    }

    fn training(&self, card: &mut Markdown) {
        let progress = &self.meta.progress;
        card.line(&format!(
            "{} epochs and {} steps in {}.",
            progress.closed_epochs,
            grouped(progress.step),
            duration(progress.seconds)
        ));
        card.head(&["", "loss", "accuracy"]);
        let mut figures = |what: &str, Figures { loss, accuracy }: Figures| {
            card.row(&[what, &format!("{loss:.4}"), &percent(accuracy)]);
        };
        if let Some(best) = progress.best {
            let these = if best.step == progress.step { ", these weights" } else { "" };
            let split = if self.meta.recipe.validation == Some(0) { "training" } else { "validation" };
            figures(
                &format!("best epoch ({}{these}), {split}", best.epoch),
                Figures { loss: best.loss, accuracy: best.accuracy },
            );
        }
        if let Some(last) = self.summary.and_then(|summary| summary.last) {
            figures(&format!("last epoch ({}), training", last.epoch), last.train);
            if let Some(validation) = last.validation {
                figures(&format!("last epoch ({}), validation", last.epoch), validation);
            }
        }
        let test = self.summary.map_or(progress.test, |summary| summary.test);
        if let Some(test) = test {
            figures("test, by the run's last weights", test);
        }
    }

    fn tested(&self, tested: &Tested, card: &mut Markdown) {
        let images: usize = tested.confusion.iter().flatten().sum();
        card.line(&format!(
            "These weights on {} test images: loss {:.4}, accuracy {}.",
            grouped(images as u64),
            tested.figures.loss,
            percent(tested.figures.accuracy)
        ));
        let classes = &self.meta.classes;
        card.head(&["class", "images", "accuracy"]);
        for (label, row) in tested.confusion.iter().enumerate() {
            let images: usize = row.iter().sum();
            let right = row[label] as f64 / images as f64;
            let right = if images == 0 { "-".into() } else { percent(right) };
            card.row(&[&cell(&classes[label]), &grouped(images as u64), &right]);
        }
        if classes.len() <= WHOLE {
            card.line("Confusion: a row is what the images are, a column is what the network says.");
            let names: Vec<String> = classes.iter().map(|name| cell(name)).collect();
            let heads: Vec<&str> = std::iter::once("").chain(names.iter().map(String::as_str)).collect();
            card.head(&heads);
            for (name, row) in names.iter().zip(&tested.confusion) {
                let counts = row.iter().map(usize::to_string);
                let cells: Vec<String> = std::iter::once(name.clone()).chain(counts).collect();
                card.row(&cells.iter().map(String::as_str).collect::<Vec<_>>());
            }
            return;
        }
        let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
        for (label, row) in tested.confusion.iter().enumerate() {
            let wrong = row.iter().enumerate().filter(|(said, count)| *said != label && **count > 0);
            pairs.extend(wrong.map(|(said, count)| (*count, label, said)));
        }
        pairs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        card.line(&format!("Confusion: the {PAIRS} most frequent of all pairs of classes."));
        card.head(&["is", "the network says", "images"]);
        for (count, label, said) in pairs.into_iter().take(PAIRS) {
            card.row(&[&cell(&classes[label]), &cell(&classes[said]), &count.to_string()]);
        }
    }

    fn python(&self, card: &mut Markdown) {
        let arch = self.meta.recipe.arch(self.meta.classes.len());
        if let Some(around) = self.onnx {
            return card.fenced("python", &python::of_onnx(self.file, &arch, around).join("\n"));
        }
        if !python::is_torchvisions(&arch) {
            card.line(
                "torchvision has no such network: its layers all have a bottleneck, and its transitions keep half of the channels. These lines read the tensors; the same model as ONNX runs without any of that.",
            );
        }
        card.fenced("python", &python::of_safetensors(self.file, &arch).join("\n"));
    }
}

/// The kind of network, as the paper calls it.
fn family(recipe: &Recipe) -> String {
    recipe.family()
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A text on one line without what Markdown would read as its own: names of classes and runs can hold anything.
fn plain_text(text: &str) -> String {
    plain::line(text).replace('`', "'")
}

/// The same for a cell of a table or between commas.
fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for c in plain_text(text).chars() {
        if "|*_<>[]\\#".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Markdown in the making.
#[derive(Default)]
struct Markdown {
    text: String,
}

impl Markdown {
    /// A paragraph.
    fn line(&mut self, text: &str) {
        self.gap();
        _ = writeln!(self.text, "{text}");
    }

    fn heading(&mut self, text: &str) {
        self.line(&format!("## {text}"));
    }

    /// The head of a table.
    fn head(&mut self, cells: &[&str]) {
        self.gap();
        self.row(cells);
        self.row(&vec!["---"; cells.len()]);
    }

    fn row(&mut self, cells: &[&str]) {
        _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }

    fn fenced(&mut self, language: &str, text: &str) {
        self.gap();
        _ = write!(self.text, "```{language}\n{text}\n```\n");
    }

    /// An empty line before what is not the first.
    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;
    use crate::store::checkpoint::example;

    fn tested() -> Tested {
        Tested {
            figures: Figures { loss: 0.5, accuracy: 0.75 },
            confusion: vec![vec![1_200, 300], vec![0, 0]],
        }
    }

    fn card(meta: &Meta, test: Result<&Tested, String>) -> String {
        Card { meta, file: "a.onnx", bytes: 5_000_000, onnx: Some(Around::default()), summary: None, test }
            .text()
    }

    #[test]
    fn the_test_images_are_counted_class_by_class_and_pair_by_pair() {
        let text = card(&example(7).meta, Ok(&tested()));
        assert!(
            text.contains("These weights on 1,500 test images: loss 0.5000, accuracy 75.00 %."),
            "{text}"
        );
        assert!(text.contains("| circle | 1,500 | 80.00 % |\n| a \"quoted\" name | 0 | - |"), "{text}");
        assert!(
            text.contains("|  | circle | a \"quoted\" name |\n| --- | --- | --- |\n| circle | 1200 | 300 |")
        );
    }

    #[test]
    fn without_the_images_the_card_says_why() {
        let text = card(&example(7).meta, Err("there is no folder `x`.".into()));
        assert!(text.contains("These weights were not evaluated: there is no folder `x`."), "{text}");
    }

    #[test]
    fn of_many_classes_the_most_frequent_confusions_are_listed() {
        let mut meta = example(7).meta;
        meta.classes = (0..30).map(|class| format!("class {class}")).collect();
        let mut confusion = vec![vec![1; 30]; 30];
        confusion[3][4] = 9;
        let text = card(&meta, Ok(&Tested { confusion, ..tested() }));
        assert!(
            text.contains(
                "| is | the network says | images |\n| --- | --- | --- |\n| class 3 | class 4 | 9 |"
            )
        );
        let ones = text.lines().filter(|line| line.starts_with("| class") && line.ends_with("| 1 |"));
        assert_eq!(ones.count(), PAIRS - 1);
    }

    #[test]
    fn names_stay_in_their_cells_and_lines_whatever_they_contain() {
        let mut meta = example(7).meta;
        meta.classes = vec!["a|b\n# c".into(), "<img>`x`".into()];
        let text = card(&meta, Ok(&tested()));
        assert!(text.contains("| a\\|b\u{fffd}\\# c | 1,500 |"), "{text}");
        assert!(!text.contains("\n# c") && text.contains("\\<img\\>'x'"), "{text}");
    }

    #[test]
    fn the_card_of_a_folder_does_not_say_where_it_was() {
        let mut meta = example(7).meta;
        meta.recipe.data = Data::Folder("/home/somebody/photos".into());
        let text = card(&meta, Err("x.".into()));
        assert!(text.contains("folder:photos") && !text.contains("somebody"), "{text}");
    }

    #[test]
    fn the_lines_of_python_are_those_of_the_form() {
        let meta = example(7).meta;
        let onnx = card(&meta, Err("x.".into()));
        assert!(onnx.contains("```python\nimport json, numpy, onnxruntime\n"), "{onnx}");
        let card = Card {
            meta: &meta,
            file: "a.safetensors",
            bytes: 1,
            onnx: None,
            summary: None,
            test: Err("x.".into()),
        };
        let text = card.text();
        assert!(
            text.contains("torchvision has no such network")
                && text.contains("safe_open('a.safetensors', 'pt')")
        );
    }
}
