//! The export of a model: which form, then where, then the question to the engine.

use std::path::{Path, PathBuf};

use crate::protocol::question::{Around, Form};
use crate::protocol::{ExportQuery, Exported, Question};
use crate::store::catalog::{Entry, State};
use crate::ui::effect::{Acted, ask};
use crate::ui::keys::Action;
use crate::ui::keys::runs::Do;
use crate::ui::prompt::{Item, Prompt, path};
use crate::ui::screens::runs::state::RunsScreen;
use crate::ui::workspace::Workspace;

/// Asks in which form the model of `from`, a run or a checkpoint of one, is to be written.
pub(super) fn ask_form(from: &Path) -> Acted {
    let item = |name: &str, about: &str, action: Do| Item {
        name: name.into(),
        about: about.into(),
        action: Action::Runs(action),
        argument: None,
    };
    let onnx = |around| Do::AskExport(from.to_owned(), Form::Onnx(around));
    let mut items = vec![
        item("onnx", "for other engines", onnx(Around::default())),
        item("onnx raw", "takes pixels from 0 to 255", onnx(Around { raw: true, softmax: false })),
        item("safetensors", "for PyTorch and timm", Do::AskExport(from.to_owned(), Form::Safetensors)),
    ];
    if !from.is_run() {
        items.push(item("checkpoint", "a copy of the file itself", Do::AskCopy(from.to_owned())));
    }
    ask(Prompt::list("export as", items.into_iter()))
}

/// Asks where it is to be written.
pub(super) fn ask_file(from: PathBuf, form: Form) -> Acted {
    let name = format!("{}.{}", from.model_name(), form.word());
    ask(Prompt::line(Action::Runs(Do::ExportTo(from, form)), "write the model to", name))
}

/// Asks where a checkpoint is to be copied.
pub(super) fn ask_copy(from: PathBuf) -> Acted {
    let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
    ask(Prompt::line(Action::Runs(Do::CopyTo(from)), "copy the checkpoint to", name))
}

impl RunsScreen {
    /// Has the engine write the model of `from` to the file that was typed.
    pub(super) fn export(&mut self, from: PathBuf, form: Form, typed: &str, ws: &mut Workspace) -> Acted {
        if self.asked.waits() {
            return Err("another model is being exported; ask again after that.".into());
        }
        let output = Some(path(typed)?);
        let untested = (!is_complete(&from, ws))
            .then(|| "the run was not complete, and its test images stay unseen until it is.".to_owned());
        let options = ws.settings.options.clone();
        ws.notify(format!("exporting {}.", from.model_name()));
        let query = ExportQuery { target: from, form, output, untested, data_dir: None, options };
        Ok(vec![self.asked.ask(Question::Export(Box::new(query)), ws)])
    }
}

/// What became of an export.
pub(super) fn done(exported: &Exported) -> String {
    let files: Vec<String> = exported.files.iter().map(|(path, _)| path.display().to_string()).collect();
    format!("step {} of {} is exported: {}.", exported.step, exported.run, files.join(", "))
}

/// Whether the run of `from` is complete, so that its test images were seen already.
fn is_complete(from: &Path, ws: &Workspace) -> bool {
    let summary = ws.runs.find(from.run()).and_then(Entry::summary);
    summary.is_some_and(|summary| summary.state == State::Completed)
}

/// The path of a run, or of a checkpoint in one.
trait ModelPath {
    fn is_run(&self) -> bool;
    /// The directory of the run.
    fn run(&self) -> &Path;
    /// The name of a file of the model, without ending.
    fn model_name(&self) -> String;
}

impl ModelPath for Path {
    fn is_run(&self) -> bool {
        self.extension().is_none_or(|kind| kind != "safetensors")
    }

    fn run(&self) -> &Path {
        if self.is_run() { self } else { self.ancestors().nth(2).unwrap_or(self) }
    }

    fn model_name(&self) -> String {
        let run = self.run().file_name().unwrap_or_default().to_string_lossy().into_owned();
        match self.file_stem() {
            Some(step) if !self.is_run() => format!("{run}-{}", step.to_string_lossy()),
            _ => run,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_after_its_run_and_that_of_a_checkpoint_after_the_step_too() {
        let name = |path: &str| Path::new(path).model_name();
        assert_eq!(name("/runs/2026-11-24.a"), "2026-11-24.a");
        assert_eq!(name("/runs/a/checkpoints/step-00000012.safetensors"), "a-step-00000012");
        assert_eq!(Path::new("/runs/a/checkpoints/step-00000012.safetensors").run(), Path::new("/runs/a"));
    }
}
