//! The actions and moves of the Runs screen.

use std::path::PathBuf;

use ratatui::layout::Rect;

use crate::protocol::{Answer, Command, Overrides, Stamped};
use crate::recipe::Recipe;
use crate::recipe::jump::Jump;
use crate::store::catalog::filter::Filter;
use crate::store::catalog::{CheckpointRow, Entry, Summary};
use crate::store::labels::Change;
use crate::ui::canvas::Canvas;
use crate::ui::curves::Curves;
use crate::ui::effect::{Acted, DONE, Effect, Job, JobResult, ask};
use crate::ui::keys::binding::{Motion, Tab, next_of};
use crate::ui::keys::runs::Do;
use crate::ui::keys::{Action, inspect, recipe, sweeps};
use crate::ui::prompt::{Prompt, epochs, path, rate};
use crate::ui::screen::{Mouse, Screen, Spot};
use crate::ui::screens::runs::measure::{Against, Measure};
use crate::ui::screens::runs::state::{Lower, Metric, Pane, RunsScreen};
use crate::ui::screens::runs::{differences, exports, grouping, points, view};
use crate::ui::workspace::Workspace;
use crate::ui::workspace::groups::SEED;

impl Screen for RunsScreen {
    fn draw(&self, canvas: &mut Canvas, area: Rect) {
        view::draw(self, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        let here = self.pane;
        match (here, motion) {
            (Pane::Table, Motion::Left) => self.column = self.column.saturating_sub(1),
            (Pane::Table, Motion::Right) => {
                self.column = (self.column + 1).min(ws.runs.differences().len().saturating_sub(1));
            }
            (Pane::Table, Motion::Enter) => return self.act(Do::Open, None, ws),
            (_, Motion::NextPane | Motion::PreviousPane) => {
                let next = self.next_pane(motion == Motion::NextPane);
                if next == here {
                    return self.act(Do::Open, None, ws);
                }
                self.pane = next;
            }
            (Pane::Lower, _) if self.lower == Lower::Scatter => return self.in_scatter(motion, ws),
            (Pane::Lower, _) => self.scroll(motion, ws),
            (Pane::Table, _) => {
                let count = ws.runs.shown().len();
                ws.runs.row = motion.row(ws.runs.row, count, 10).unwrap_or(ws.runs.row);
                return Ok(curves(ws));
            }
            (Pane::Checkpoints, _) => {
                let count = self.opened.as_ref().map_or(0, |(_, rows)| rows.len());
                self.checkpoint = motion.row(self.checkpoint, count, 10).unwrap_or(self.checkpoint);
            }
        }
        DONE
    }

    fn reading(&self) -> Vec<Effect> {
        reload()
    }

    fn mouse(&mut self, mouse: Mouse, spot: Option<Spot>, ws: &mut Workspace) -> Acted {
        match (mouse, spot) {
            (Mouse::Click, Some(Spot { part, row, .. })) if part == Pane::Table as usize => {
                let again = self.pane == Pane::Table && ws.runs.row == row;
                (self.pane, ws.runs.row) = (Pane::Table, row);
                if again { self.act(Do::Open, None, ws) } else { Ok(curves(ws)) }
            }
            (Mouse::Click, Some(Spot { part, row, .. })) if part == Pane::Lower as usize => {
                let points = self.scatter.points(&ws.runs);
                let again = self.pane == Pane::Lower && self.scatter.under_cursor(&points) == Some(row);
                self.pane = Pane::Lower;
                self.scatter.cursor = points.all.get(row).map(|point| point.key.clone());
                self.in_scatter(if again { Motion::Enter } else { Motion::NextPane }, ws)
            }
            (Mouse::Click, Some(Spot { row, .. })) => {
                (self.pane, self.checkpoint) = (Pane::Checkpoints, row);
                DONE
            }
            (Mouse::Scroll { up }, _) => self.moved(if up { Motion::Up } else { Motion::Down }, ws),
            _ => DONE,
        }
    }

    fn back(&mut self, ws: &mut Workspace) {
        if self.opened.is_some() {
            self.close();
        } else if self.lower != Lower::Curves {
            self.show(self.lower);
        } else if ws.runs.filter().text().is_empty() {
            ws.runs.marked.clear();
        } else {
            ws.runs.filter_by(Filter::default());
        }
    }

    fn copied(&self, ws: &Workspace) -> String {
        if self.pane == Pane::Lower && self.lower == Lower::Scatter {
            let points = self.scatter.points(&ws.runs);
            let here = self.scatter.under_cursor(&points).unwrap_or(0);
            return points::words(&self.scatter, &points, here, ws.runs.group() == Some(SEED));
        }
        let path = self.chosen().map(|row| &row.path).or(ws.runs.current().map(|row| &row.path));
        path.map(|path| path.display().to_string()).unwrap_or_default()
    }

    fn filter(&self, ws: &Workspace) -> Option<String> {
        Some(ws.runs.filter().text().to_owned())
    }

    fn set_filter(&mut self, text: String, ws: &mut Workspace) -> Acted {
        let (filter, problem) = Filter::as_far_as_understood(&text);
        ws.runs.filter_by(filter);
        problem.map_or_else(|| Ok(curves(ws)), Err)
    }

    fn event(&mut self, stamped: &Stamped, ws: &mut Workspace) {
        if let Some(Answer::Export(exported)) = self.asked.answered(&stamped.event) {
            ws.notify(exports::done(exported));
        }
    }

    fn done(&mut self, result: &JobResult, ws: &mut Workspace) -> Vec<Effect> {
        match result {
            JobResult::Runs(rows) => {
                ws.runs.take(rows);
                if self.opened.as_ref().is_some_and(|(path, _)| ws.runs.find(path).is_none()) {
                    self.close();
                }
                return curves(ws);
            }
            JobResult::Journal(path, read) => {
                let curves = read.as_ref().map_err(String::clone).map(|(events, damaged)| {
                    let mut curves = Curves::default();
                    curves.damaged = *damaged;
                    for event in events {
                        curves.apply(event);
                    }
                    curves
                });
                ws.runs.keep(path.clone(), curves);
                return self::curves(ws);
            }
            JobResult::Checkpoints(path, rows) => {
                if let Some((_, known)) = self.opened.as_mut().filter(|(opened, _)| opened == path) {
                    known.clone_from(rows);
                }
            }
            JobResult::Labelled => return reload(),
            JobResult::Exported(path) => ws.notify(format!("the copy is {}.", path.display())),
            JobResult::TakenBack(path) => return resume(ws, path.clone(), Overrides::default()),
            JobResult::Deleted(name) => {
                ws.notify(format!("{name} was deleted."));
                self.close();
                return reload();
            }
            _ => {}
        }
        Vec::new()
    }
}

impl RunsScreen {
    pub(crate) fn act(&mut self, what: Do, argument: Option<&str>, ws: &mut Workspace) -> Acted {
        let text = argument.unwrap_or_default();
        match what {
            Do::Scatter => self.show(Lower::Scatter),
            Do::Differences => self.show(Lower::Differences),
            Do::Group => return grouping::ask_key(ws),
            Do::GroupBy(key) => {
                ws.runs.group_by(key);
                return Ok(curves(ws));
            }
            Do::Metric | Do::XAxis | Do::LogY | Do::LogX => self.change_chart(&what, ws),
            Do::Remove(run) => return Ok(vec![Effect::Job(Job::Delete(run))]),
            Do::SetTags(run) => return Ok(label(run, Change::Tags(text.into()))),
            Do::SetNote(run) => return Ok(label(run, Change::Note(text.into()))),
            Do::GoOn(target, overrides) => return Ok(resume(ws, target, *overrides)),
            Do::ExtendEpochs(run) => return extend(ws, run, epochs(text)?),
            Do::LowerLearningRate(run) => {
                let overrides = Overrides { lr: Some(rate(text)?), ..Overrides::default() };
                return Ok(resume(ws, run, overrides));
            }
            Do::TakeBack(run) => {
                ws.notify("it is saving and stopping there.");
                return Ok(vec![Effect::Job(Job::TakeBack(run))]);
            }
            Do::AskCopy(from) => return exports::ask_copy(from),
            Do::AskExport(from, form) => return exports::ask_file(from, form),
            Do::ExportTo(from, form) => return self.export(from, form, text, ws),
            Do::CopyTo(from) => return Ok(vec![Effect::Job(Job::Export { from, to: path(text)? })]),
            Do::Open if self.pane == Pane::Lower => return self.moved(Motion::Enter, ws),
            what if self.pane == Pane::Checkpoints => return self.with_checkpoint(&what, ws),
            Do::Sort => {
                ws.runs.sort_by(ws.runs.order().next());
                ws.notify(ws.runs.order().word());
            }
            Do::ShowArchived => {
                ws.runs.toggle_archived();
                let what = if ws.runs.shows_archived() { "shown, too" } else { "not shown" };
                ws.notify(format!("archived runs are {what}."));
                return Ok(curves(ws));
            }
            Do::Reload => return Ok(reload()),
            Do::Sweep => return Ok(vec![Effect::Do(Action::Sweeps(sweeps::Do::New), None)]),
            what => {
                let row = Entry::clone(ws.runs.current().ok_or("there is no run here.")?);
                return self.with_run(&what, row, ws);
            }
        }
        DONE
    }

    /// Changes what is drawn, of the points while those are shown, and otherwise of the curves.
    fn change_chart(&mut self, what: &Do, ws: &mut Workspace) {
        let scatter = (self.lower == Lower::Scatter).then_some(&mut self.scatter);
        match (what, scatter) {
            (Do::Metric, Some(of)) => of.measure = next_of(&Measure::ALL, of.measure, true),
            (Do::Metric, None) => self.metric = next_of(&Metric::ALL, self.metric, true),
            (Do::XAxis, Some(of)) => of.against = next_of(&Against::ALL, of.against, true),
            (Do::XAxis, None) => ws.view.x_axis = ws.view.x_axis.next(),
            (Do::LogX, Some(of)) => of.log_x = !of.log_x,
            (Do::LogX, None) => ws.view.log_x = !ws.view.log_x,
            (_, Some(of)) => of.log_y = !of.log_y,
            (_, None) => ws.view.log_y = !ws.view.log_y,
        }
    }

    /// Moves among the points, and in the table along with them; or back to the table.
    fn in_scatter(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        let points = self.scatter.points(&ws.runs);
        self.scatter.walk(motion, &points);
        let here = self.scatter.under_cursor(&points).ok_or("there is no run here.")?;
        let is_run = ws.runs.point_at(&points.all[here].key);
        match motion {
            Motion::Enter if !is_run => return Err("that is a result of the paper, not a run.".into()),
            Motion::Enter => self.pane = Pane::Table,
            _ => {}
        }
        Ok(curves(ws))
    }

    /// Scrolls the differences.
    fn scroll(&mut self, motion: Motion, ws: &Workspace) {
        let runs = ws.runs.compared();
        let (row, column) = self.scrolled;
        let last = runs.len().saturating_sub(1);
        self.scrolled = match motion {
            Motion::Left => (row, column.saturating_sub(1)),
            Motion::Right => (row, (column + 1).min(last)),
            _ => (motion.row(row, differences::rows(&runs).len(), 10).unwrap_or(row), column),
        };
    }

    fn with_run(&mut self, what: &Do, row: Entry, ws: &mut Workspace) -> Acted {
        match what {
            Do::Mark => {
                ws.runs.mark();
                Ok(curves(ws))
            }
            Do::Open => {
                self.opened = Some((row.path.clone(), Vec::new()));
                (self.pane, self.checkpoint) = (Pane::Checkpoints, 0);
                let mut effects = curves(ws);
                effects.push(Effect::Job(Job::ReadCheckpoints(row.path)));
                Ok(effects)
            }
            Do::Resume if ws.live.training() => Err("a run is being trained here; stop it first.".into()),
            Do::Resume => go_on(ws, row),
            Do::Clone => {
                let recipe = row.summary?.recipe;
                ws.notify(format!("the recipe of {}; ctrl-r starts a new run with it.", row.name));
                Ok(vec![Effect::Do(Action::Recipe(recipe::Do::Take(Box::new(recipe))), None)])
            }
            Do::Star => Ok(label(row.path, Change::Star(!row.labels.star))),
            Do::Archive => {
                let archived = !row.labels.archived;
                ws.notify(match archived {
                    true if ws.runs.shows_archived() => format!("{} is in the archive.", row.name),
                    true => format!("{} is in the archive; A shows it.", row.name),
                    false => format!("{} is back from the archive.", row.name),
                });
                Ok(label(row.path, Change::Archive(archived)))
            }
            Do::Tags => {
                let title = format!("tags of {}, between blanks", row.name);
                ask(Prompt::line(Action::Runs(Do::SetTags(row.path)), title, row.labels.tags.join(" ")))
            }
            Do::Note => {
                let title = format!("note on {}", row.name);
                ask(Prompt::line(Action::Runs(Do::SetNote(row.path)), title, row.labels.note))
            }
            Do::Inspect => Ok(vec![inspect(row.name, row.path)]),
            Do::Export => exports::ask_form(&row.path),
            Do::Delete if row.live => Err(format!("{} is being trained; stop it first.", row.name)),
            Do::Delete => {
                let text = format!("Delete {} with all its checkpoints? This cannot be undone.", row.name);
                ask(Prompt::confirm(text, "keep it", "delete it", Action::Runs(Do::Remove(row.path))))
            }
            _ => DONE,
        }
    }

    fn with_checkpoint(&mut self, what: &Do, ws: &mut Workspace) -> Acted {
        let Some(CheckpointRow { path, step, trouble, .. }) = self.chosen().cloned() else {
            return DONE;
        };
        match (what, trouble) {
            (Do::Resume | Do::Inspect, Some(trouble)) => Err(trouble),
            (Do::Resume, _) if ws.live.training() => {
                Err("a run is being trained here; stop it first.".into())
            }
            (Do::Resume, _) => Ok(resume(ws, path, Overrides::default())),
            (Do::Inspect, _) => Ok(vec![inspect(format!("step {step}"), path)]),
            (Do::Export, _) => exports::ask_form(&path),
            _ => DONE,
        }
    }
}

fn reload() -> Vec<Effect> {
    vec![Effect::Job(Job::ListRuns)]
}

/// Reads the journals that the chart lacks.
fn curves(ws: &mut Workspace) -> Vec<Effect> {
    ws.runs.wanted().into_iter().map(|path| Effect::Job(Job::ReadJournal(path))).collect()
}

fn label(run: PathBuf, change: Change) -> Vec<Effect> {
    vec![Effect::Job(Job::Label(run, change))]
}

fn inspect(name: String, path: PathBuf) -> Effect {
    Effect::Do(Action::Inspect(inspect::Do::Ask(name, path)), None)
}

/// Resumes a run; one that is complete needs more epochs, one that diverged a lower learning rate, and one that
/// another process trains has to stop there.
fn go_on(ws: &mut Workspace, row: Entry) -> Acted {
    let recipe = row.summary().map(|summary| &summary.recipe);
    match row.state() {
        _ if row.live => {
            let text = format!(
                "{} is being trained by another process. Have it save and stop there, and continue here?",
                row.name
            );
            let take_back = Action::Runs(Do::TakeBack(row.path));
            ask(Prompt::confirm(text, "leave it there", "take it back", take_back))
        }
        "completed" => {
            let epochs = recipe.map_or(0, |recipe| recipe.epochs);
            let title = format!("{} is complete; resume it up to this many epochs in all", row.name);
            let extend = Action::Runs(Do::ExtendEpochs(row.path));
            ask(Prompt::line(extend, title, (2 * epochs).to_string()))
        }
        "diverged" => {
            let rate = recipe.map_or(0.1, |recipe| recipe.lr);
            let title = format!("{} diverged; resume it with this learning rate", row.name);
            let lower = Action::Runs(Do::LowerLearningRate(row.path));
            ask(Prompt::line(lower, title, (rate / 2.0).to_string()))
        }
        _ => Ok(resume(ws, row.path, Overrides::default())),
    }
}

/// Resumes a complete run up to `epochs`; asks first if the learning rate would jump.
fn extend(ws: &mut Workspace, run: PathBuf, epochs: usize) -> Acted {
    let jump = ws.runs.find(&run).and_then(|row| {
        let summary = row.summary()?;
        let longer = Recipe { epochs, ..summary.recipe.clone() };
        Jump::between(&summary.recipe, &longer, summary.step, steps_per_epoch(summary)?)
    });
    let overrides = Overrides { epochs: Some(epochs), ..Overrides::default() };
    match jump {
        Some(jump) => {
            let go_on = Action::Runs(Do::GoOn(run, Box::new(overrides)));
            ask(Prompt::jump(&jump, "leave it as it is", go_on))
        }
        None => Ok(resume(ws, run, overrides)),
    }
}

/// Steps in an epoch of a run on disk. One that a limit of steps ended within an epoch does not record it; as few as
/// can be puts its last step into the epoch it was in.
fn steps_per_epoch(run: &Summary) -> Option<u64> {
    let (steps, epochs) = match run.recipe.steps {
        None => (run.total_steps, run.recipe.epochs),
        Some(_) => (run.step, run.epoch),
    };
    Some(steps.div_ceil(epochs.max(1) as u64)).filter(|&steps| steps > 0)
}

/// Resumes a run, or begins a new one with the checkpoint in a file.
fn resume(ws: &mut Workspace, target: PathBuf, overrides: Overrides) -> Vec<Effect> {
    ws.notify(format!("resuming {}.", target.file_name().unwrap_or_default().display()));
    let (overrides, options) = (Box::new(overrides), Box::new(ws.settings.options.clone()));
    let command = Command::Resume { target, overrides, options };
    vec![Effect::Show(Tab::Train), Effect::send(command)]
}
