//! The actions and moves of the Recipe screen.

use ratatui::layout::Rect;

use crate::arch::words::StemKind;
use crate::protocol::{Command, Start};
use crate::recipe::Recipe;
use crate::recipe::keys::FORM;
use crate::recipe::presets::PRESETS;
use crate::ui::canvas::Canvas;
use crate::ui::effect::{Acted, DONE, Effect, Job, JobResult, ask};
use crate::ui::keys::Action;
use crate::ui::keys::binding::{Motion, Tab};
use crate::ui::keys::recipe::Do;
use crate::ui::prompt::{Item, Prompt, path};
use crate::ui::screen::{Mouse, Screen, Spot};
use crate::ui::screens::recipe::state::{Of, Pane, RecipeScreen, TreeLine};
use crate::ui::screens::recipe::view;
use crate::ui::workspace::Workspace;
use crate::ui::workspace::draft::Draft;

impl Screen for RecipeScreen {
    fn draw(&self, canvas: &mut Canvas, area: Rect) {
        view::draw(self, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        match (motion, self.pane) {
            (Motion::Enter, _) => return self.act(Do::Edit, None, ws),
            (Motion::NextPane | Motion::PreviousPane, Pane::Form) => self.pane = Pane::Tree,
            (Motion::NextPane | Motion::PreviousPane, Pane::Tree) => self.pane = Pane::Form,
            (Motion::Left | Motion::Right, Pane::Form) => {
                ws.draft.next_choice(self.field(), motion == Motion::Right);
            }
            (_, Pane::Form) => self.row = motion.row(self.row, FORM.len(), 10).unwrap_or(self.row),
            (_, Pane::Tree) => {
                let lines = ws.draft.plan().map_or(0, |plan| self.tree(&plan).len());
                match motion.row(self.tree_row, lines, 10) {
                    Some(_) if lines == 0 => {}
                    Some(row) => self.tree_row = row,
                    None => self.toggle_here(ws),
                }
            }
        }
        DONE
    }

    fn shown(&mut self, ws: &mut Workspace) -> Vec<Effect> {
        ws.first_weights.try_again();
        Vec::new()
    }

    fn mouse(&mut self, mouse: Mouse, spot: Option<Spot>, ws: &mut Workspace) -> Acted {
        let pane = spot.map(|spot| if spot.part == Pane::Form as usize { Pane::Form } else { Pane::Tree });
        match (mouse, pane, spot) {
            (Mouse::Click, Some(Pane::Form), Some(Spot { row, .. })) => {
                let again = self.pane == Pane::Form && self.row == row;
                (self.pane, self.row) = (Pane::Form, row);
                if again {
                    return self.act(Do::Edit, None, ws);
                }
            }
            (Mouse::Click, Some(Pane::Tree), Some(Spot { row, .. })) => {
                (self.pane, self.tree_row) = (Pane::Tree, row);
                if let Ok(plan) = ws.draft.plan()
                    && matches!(self.tree(&plan).get(row), Some(TreeLine { of: Of::Block { .. }, .. }))
                {
                    self.toggle(&plan);
                }
            }
            (Mouse::Scroll { up }, pane, _) => {
                self.pane = pane.unwrap_or(self.pane);
                return self.moved(if up { Motion::Up } else { Motion::Down }, ws);
            }
            _ => {}
        }
        DONE
    }

    fn copied(&self, ws: &Workspace) -> String {
        ws.draft.text(self.field().name)
    }

    fn done(&mut self, result: &JobResult, ws: &mut Workspace) -> Vec<Effect> {
        match result {
            JobResult::RecipeRead(recipe) => {
                self.take(recipe, ws);
                ws.notify("the recipe was read.");
                return vec![Effect::Show(Tab::Recipe)];
            }
            JobResult::RecipeWritten(path) => ws.notify(format!("the recipe is in {}.", path.display())),
            _ => {}
        }
        Vec::new()
    }
}

impl RecipeScreen {
    pub(crate) fn act(&mut self, what: Do, argument: Option<&str>, ws: &mut Workspace) -> Acted {
        match (what, argument) {
            (Do::Start, _) => return self.start(ws),
            (Do::Unqueue, _) => {
                let recipe = ws.queue.pop_back().ok_or("no run waits.")?;
                let left = ws.queue.len();
                ws.notify(format!("taken back into the form; {left} wait."));
                return Ok(vec![Effect::Do(Action::Recipe(Do::Take(Box::new(recipe))), None)]);
            }
            (Do::Edit, _) if self.pane == Pane::Form => {
                let key = self.field().name;
                return ask(Prompt::line(Action::Recipe(Do::Field(key)), key, ws.draft.text(key)));
            }
            (Do::NextChoice, _) if self.pane == Pane::Form => {
                if !ws.draft.next_choice(self.field(), true) {
                    ws.notify("enter edits this field.");
                }
            }
            (Do::Edit | Do::NextChoice, _) => self.toggle_here(ws),
            (Do::Reset, _) if self.pane == Pane::Form => ws.draft.reset(self.field().name),
            (Do::Reset, _) => {}
            (Do::Blocks, _) => self.toggle_all(ws.draft.recipe.layers.len()),
            (Do::Preset, None) => return ask(presets()),
            (Do::Preset, Some(name)) => {
                let preset = PRESETS.iter().find(|row| row.name == name);
                let preset = preset.ok_or_else(|| format!("there is no preset `{name}`; p lists them."))?;
                ws.draft.take_preset(preset);
                ws.notify(match preset.stem_kind {
                    StemKind::Cifar => format!("the network of {name}; data and training are as they were."),
                    StemKind::Imagenet => format!(
                        "the network of {name}; what you did not set is as the paper trains it on ImageNet."
                    ),
                });
            }
            (Do::Write, None) => {
                return ask(Prompt::line(Action::Recipe(Do::Write), "write the recipe to", "recipe.toml"));
            }
            (Do::Write, Some(file)) => {
                let recipe = Box::new(ws.draft.recipe.clone());
                return Ok(vec![Effect::Job(Job::WriteRecipe { path: path(file)?, recipe })]);
            }
            (Do::Open, None) => {
                return ask(Prompt::line(Action::Recipe(Do::Open), "read a recipe from", "recipe.toml"));
            }
            (Do::Open, Some(file)) => return Ok(vec![Effect::Job(Job::ReadRecipe(path(file)?))]),
            (Do::Field(key), text) => ws.draft.set(key, text.unwrap_or_default())?,
            (Do::Set, text) => {
                let words = text.unwrap_or_default().split_once(char::is_whitespace);
                let (key, value) = words.ok_or("set takes a key and a value.")?;
                ws.draft.set(key, value)?;
                ws.notify(format!("{key} is {}.", ws.draft.text(key)));
            }
            (Do::Take(recipe), _) => self.take(&recipe, ws),
        }
        DONE
    }

    fn take(&mut self, recipe: &Recipe, ws: &mut Workspace) {
        (*self, ws.draft) = (Self::default(), Draft::new(recipe));
    }

    fn toggle_here(&mut self, ws: &Workspace) {
        if let Ok(plan) = ws.draft.plan() {
            self.toggle(&plan);
        }
    }

    fn start(&mut self, ws: &mut Workspace) -> Acted {
        if let Some(problem) = ws.draft.problems.first() {
            self.row = FORM.iter().position(|row| row.name == problem.field).unwrap_or(self.row);
            return Err(format!("{}: {}", problem.field, problem.sentence));
        }
        if ws.live.training() {
            ws.queue.push_back(ws.draft.recipe.clone());
            let (count, s) = (ws.queue.len(), if ws.queue.len() == 1 { "s" } else { "" });
            ws.notify(format!(
                "{count} wait{s} for the run in training, each as it is now; u takes the last back."
            ));
            return DONE;
        }
        ws.notify("starting.");
        let (recipe, options) = (ws.draft.recipe.clone(), ws.settings.options.clone());
        let name = ws.settings.name.take();
        let start = Command::Start(Box::new(Start { recipe, name, options }));
        Ok(vec![
            Effect::Show(Tab::Train),
            Effect::send(start),
            Effect::Job(Job::Remember(Box::new(ws.state()), ws.settings.state_file.clone())),
        ])
    }
}

/// The networks of the paper.
fn presets() -> Prompt {
    let items = PRESETS.iter().map(|preset| Item {
        name: preset.name.into(),
        about: format!(
            "{:>5.2} M parameters{}{}",
            preset.parameters as f64 / 1e6,
            preset.errors.c10_plus.map_or_else(String::new, |e| format!(", CIFAR-10+ error {e} %")),
            preset.errors.imagenet.map_or_else(String::new, |e| format!(", ImageNet error {e} %"))
        ),
        action: Action::Recipe(Do::Preset),
        argument: Some(preset.name),
    });
    Prompt::list("a network of the paper", items)
}
