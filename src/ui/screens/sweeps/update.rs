//! The actions and moves of the Sweeps screen.

use std::path::Path;

use ratatui::layout::Rect;

use crate::ui::canvas::Canvas;
use crate::ui::effect::{Acted, DONE, Effect, Job, JobResult, ask};
use crate::ui::keys::binding::{Motion, Tab};
use crate::ui::keys::sweeps::Do;
use crate::ui::keys::{Action, recipe};
use crate::ui::prompt::Prompt;
use crate::ui::screen::{Mouse, Screen, Spot};
use crate::ui::screens::sweeps::form::{FIELDS, Form};
use crate::ui::screens::sweeps::state::{Pane, SweepsScreen};
use crate::ui::screens::sweeps::view;
use crate::ui::workspace::Workspace;
use crate::ui::workspace::sweeps::SweepEntry;

impl Screen for SweepsScreen {
    fn draw(&self, canvas: &mut Canvas, area: Rect) {
        view::draw(self, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        if let Some(form) = &mut self.form {
            if motion == Motion::Enter {
                let (row, text) = (form.row, form.texts[form.row].clone());
                let title = format!("{}: {}", FIELDS[row].name, FIELDS[row].help);
                return ask(Prompt::line(Action::Sweeps(Do::Set(row)), title, text));
            }
            form.row = motion.row(form.row, FIELDS.len(), FIELDS.len()).unwrap_or(form.row);
            return DONE;
        }
        match (self.pane, motion) {
            (_, Motion::NextPane | Motion::PreviousPane) => {
                self.pane = if self.pane == Pane::Sweeps { Pane::Trials } else { Pane::Sweeps };
            }
            (Pane::Sweeps, Motion::Enter) => self.pane = Pane::Trials,
            (Pane::Trials, Motion::Enter) => return self.to_runs(ws),
            (Pane::Sweeps, _) => {
                let here = self.row(&ws.sweeps);
                let row = motion.row(here, ws.sweeps.rows.len(), 10).unwrap_or(here);
                self.chosen = ws.sweeps.rows.get(row).map(|sweep| sweep.place.path().to_owned());
                self.trial = 0;
            }
            (Pane::Trials, _) => {
                let count = self.trials(ws);
                self.trial = motion.row(self.trial, count, 10).unwrap_or(self.trial);
            }
        }
        DONE
    }

    fn reading(&self) -> Vec<Effect> {
        reload()
    }

    fn mouse(&mut self, mouse: Mouse, spot: Option<Spot>, ws: &mut Workspace) -> Acted {
        match (mouse, spot) {
            (Mouse::Click, Some(Spot { part: view::FORM, row, .. })) => {
                let Some(form) = &mut self.form else { return DONE };
                let again = form.row == row;
                form.row = row;
                if again { self.moved(Motion::Enter, ws) } else { DONE }
            }
            (Mouse::Click, Some(Spot { part, row, .. })) if part == Pane::Sweeps as usize => {
                self.pane = Pane::Sweeps;
                self.chosen = ws.sweeps.rows.get(row).map(|sweep| sweep.place.path().to_owned());
                DONE
            }
            (Mouse::Click, Some(Spot { row, .. })) => {
                let again = self.pane == Pane::Trials && self.trial == row;
                (self.pane, self.trial) = (Pane::Trials, row);
                if again { self.to_runs(ws) } else { DONE }
            }
            (Mouse::Scroll { up }, _) => self.moved(if up { Motion::Up } else { Motion::Down }, ws),
            _ => DONE,
        }
    }

    fn back(&mut self, _ws: &mut Workspace) {
        if self.form.take().is_none() {
            self.pane = Pane::Sweeps;
        }
    }

    fn copied(&self, ws: &Workspace) -> String {
        let place = self.current(&ws.sweeps).map(|sweep| sweep.place.path().display().to_string());
        place.unwrap_or_default()
    }

    fn done(&mut self, result: &JobResult, ws: &mut Workspace) -> Vec<Effect> {
        match result {
            JobResult::Sweeps(rows) => {
                ws.sweeps.take(rows.clone());
                self.trial = self.trial.min(self.trials(ws).saturating_sub(1));
                Vec::new()
            }
            JobResult::SweepStarted(path) => {
                (self.form, self.chosen) = (None, Some(path.clone()));
                ws.notify(format!("{} is under way.", name(path)));
                reload()
            }
            JobResult::SweepStopped(path) => {
                ws.notify(format!("{} is paused; all of it is saved.", name(path)));
                reload()
            }
            _ => Vec::new(),
        }
    }
}

impl SweepsScreen {
    pub(crate) fn act(&mut self, what: Do, argument: Option<&str>, ws: &mut Workspace) -> Acted {
        match what {
            Do::New => {
                self.form.get_or_insert_with(Form::default);
                DONE
            }
            Do::Set(row) => {
                if let (Some(form), Some(text)) = (&mut self.form, argument) {
                    text.clone_into(&mut form.texts[row]);
                }
                DONE
            }
            Do::Start => self.start(ws),
            Do::Reload => Ok(reload()),
            Do::Pause | Do::Stop => {
                let sweep = self.sweep(ws)?;
                let path = sweep.place.path().to_owned();
                match (sweep.live, sweep.state(), what) {
                    (true, ..) => {
                        ws.notify("its runs are saving and stopping.");
                        Ok(vec![Effect::Job(Job::StopSweep(path))])
                    }
                    (_, "paused", Do::Pause) => {
                        let file = sweep.place.file();
                        ws.notify("it goes on.");
                        Ok(vec![Effect::Job(Job::CarryOnSweep(file))])
                    }
                    (_, state, _) => Err(format!("{} is {state}.", name(&path))),
                }
            }
            Do::Take => {
                let sweep = self.sweep(ws)?;
                let record = sweep.record.as_ref().map_err(String::clone)?;
                let ranking = record.standing.ranking();
                let trial = ranking.get(if self.pane == Pane::Trials { self.trial } else { 0 });
                let trial = *trial.ok_or("there is no trial here.")?;
                let recipe = record.plan.recipe(trial, 0);
                let text = format!(
                    "the recipe of {}/{}; ctrl-r starts a run with it.",
                    sweep.place.name(),
                    record.plan.name(trial)
                );
                ws.notify(text);
                Ok(vec![Effect::Do(Action::Recipe(recipe::Do::Take(Box::new(recipe))), None)])
            }
        }
    }

    fn sweep<'a>(&self, ws: &'a Workspace) -> Result<&'a SweepEntry, String> {
        self.current(&ws.sweeps).ok_or_else(|| "there is no sweep here.".into())
    }

    fn start(&self, ws: &Workspace) -> Acted {
        let form = self.form.as_ref().ok_or("there is no form of a sweep here; n opens one.")?;
        let (plan, text) = form.plan(&ws.draft.recipe)?;
        if ws.sweeps.rows.iter().any(|row| row.place.name() == plan.spec.name) {
            return Err(format!("there is a sweep {} already; choose another name.", plan.spec.name));
        }
        Ok(vec![Effect::Job(Job::StartSweep { name: plan.spec.name, text })])
    }

    /// Trials of the sweep under the cursor.
    fn trials(&self, ws: &Workspace) -> usize {
        let record = self.current(&ws.sweeps).and_then(|sweep| sweep.record.as_ref().ok());
        record.map_or(0, |record| record.plan.trials.len())
    }

    /// Shows the runs of the trial under the cursor.
    fn to_runs(&self, ws: &Workspace) -> Acted {
        let sweep = self.sweep(ws)?;
        let record = sweep.record.as_ref().map_err(String::clone)?;
        let trial = record.standing.ranking().get(self.trial).copied().ok_or("there is no trial here.")?;
        let words = format!("{}/{}", sweep.place.name(), record.plan.name(trial));
        Ok(vec![Effect::Show(Tab::Runs), Effect::Filter(words)])
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into()
}

fn reload() -> Vec<Effect> {
    vec![Effect::Job(Job::ListSweeps)]
}
