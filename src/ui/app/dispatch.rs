//! The update function, and where actions go.

use std::collections::VecDeque;

use crossterm::event::{KeyEvent, KeyEventKind};

use crate::monitor::Exit;
use crate::protocol::{Command, StopReason};
use crate::ui::app::{App, Leaving};
use crate::ui::effect::{Acted, DONE, Effect, Job, JobResult, Msg, ask};
use crate::ui::keys::binding::Tab;
use crate::ui::keys::{Action, Global, runs};
use crate::ui::prompt::Prompt;
use crate::ui::style::theme::Theme;
use crate::ui::workspace::FINISHING;

impl App {
    /// The effects at the start.
    pub(crate) fn opening(&mut self) -> Vec<Effect> {
        let resume = self.ws.settings.resume.take();
        let go_on = resume.map(|(target, overrides)| runs::Do::GoOn(target, Box::new(overrides)));
        let effects =
            self.settle(go_on.map(|what| Effect::Do(Action::Runs(what), None)).into_iter().collect());
        self.reading_weights(effects)
    }

    /// Applies a message; returns the effects for the shell.
    pub(crate) fn update(&mut self, msg: Msg) -> Vec<Effect> {
        self.dirty |= match &msg {
            Msg::Tick(_) => self.clock_runs(),
            Msg::Done(result) => !matches!(&**result, JobResult::Runs(rows) if self.ws.runs.has(rows)),
            _ => true,
        };
        let effects = match msg {
            Msg::Key(key) => self.press(key),
            Msg::Mouse(mouse) => self.mouse(mouse),
            Msg::Paste(text) => self.overlay.paste(&text, &mut self.ws),
            Msg::Resize(columns, rows) => {
                self.ws.size = (columns, rows);
                Vec::new()
            }
            Msg::Event(stamped) => self.event(&stamped),
            Msg::EngineGone => {
                self.ws.warn("the engine is gone; the last checkpoint is untouched.");
                self.leaving.take().map(|_| Effect::Quit(Exit::FAILED)).into_iter().collect()
            }
            Msg::Printed(line) => {
                self.ws.log.push(self.ws.now, line);
                Vec::new()
            }
            Msg::Signal(signal) => self.signal(signal),
            Msg::Tick(now) => {
                self.ws.now = now;
                self.screens.of(self.ws.tab).tick()
            }
            Msg::Resumed => Vec::new(),
            Msg::Broken => vec![Effect::Quit(Exit::FAILED)],
            Msg::Done(result) => self.done(*result),
        };
        let effects = self.settle(effects);
        self.reading_weights(effects)
    }

    /// The effects, and the reading of the file of weights where the recipe names another one now.
    fn reading_weights(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        let wanted = self.ws.first_weights.wanted(&self.ws.draft.recipe);
        effects.extend(wanted.map(|file| Effect::Job(Job::ReadWeights(file))));
        effects
    }

    fn press(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        self.ws.notice = None;
        if self.overlay.prompt.is_some() {
            return self.overlay.press(key, &mut self.ws);
        }
        let action = self.ws.settings.keys.action(self.ws.tab, key);
        action.map(|action| Effect::Do(action, None)).into_iter().collect()
    }

    /// Carries out the effects that are the application's own, and those that follow; returns the shell's.
    fn settle(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let (mut todo, mut others) = (VecDeque::from(effects), Vec::new());
        while let Some(effect) = todo.pop_front() {
            let more = match effect {
                Effect::Do(action, argument) => match action.seen_on() {
                    Some(tab) if tab != self.ws.tab => vec![Effect::Show(tab), Effect::Do(action, argument)],
                    _ => self.perform(action, argument.as_deref()),
                },
                Effect::Show(tab) => self.show(tab),
                Effect::Ask(prompt) => {
                    self.overlay.prompt = Some(*prompt);
                    Vec::new()
                }
                Effect::Filter(text) => {
                    let filtered = self.screens.of_mut(self.ws.tab).set_filter(text, &mut self.ws);
                    filtered.unwrap_or_else(|sentence| {
                        self.overlay.not_filtered(sentence, &mut self.ws);
                        Vec::new()
                    })
                }
                other => {
                    others.push(other);
                    Vec::new()
                }
            };
            more.into_iter().rev().for_each(|effect| todo.push_front(effect));
        }
        others
    }

    fn show(&mut self, tab: Tab) -> Vec<Effect> {
        self.ws.tab = tab;
        self.screens.of_mut(tab).shown(&mut self.ws)
    }

    /// Does an action. Where that is not possible, the line that it was typed into stays, with the reason below it.
    fn perform(&mut self, action: Action, argument: Option<&str>) -> Vec<Effect> {
        let typed = self.overlay.prompt.take();
        let sentence = match self.act(action, argument) {
            Ok(effects) => return effects,
            Err(sentence) => sentence,
        };
        match typed {
            Some(Prompt::Line { action, title, input, paths, .. }) => {
                let trouble = Some(sentence);
                self.overlay.prompt = Some(Prompt::Line { action, title, input, trouble, paths });
            }
            _ => self.ws.warn(sentence),
        }
        Vec::new()
    }

    fn act(&mut self, action: Action, argument: Option<&str>) -> Acted {
        let (screens, ws) = (&mut self.screens, &mut self.ws);
        match action {
            Action::Global(what) => self.everywhere(what, argument),
            Action::Move(motion) => screens.of_mut(ws.tab).moved(motion, ws),
            Action::Recipe(what) => screens.recipe.act(what, argument, ws),
            Action::Train(what) => screens.train.act(what, argument, ws),
            Action::Runs(what) => screens.runs.act(what, argument, ws),
            Action::Inspect(what) => screens.inspect.act(what, argument, ws),
            Action::Data(what) => screens.data.act(what, ws),
            Action::Sweeps(what) => screens.sweeps.act(what, argument, ws),
        }
    }

    fn everywhere(&mut self, what: Global, argument: Option<&str>) -> Acted {
        let (screen, ws) = (self.screens.of_mut(self.ws.tab), &mut self.ws);
        match (what, argument) {
            (Global::Show(tab), _) => Ok(vec![Effect::Show(tab)]),
            (Global::Help, _) => ask(Prompt::help()),
            (Global::CommandLine, _) => ask(Prompt::line(Action::Global(what), ":", "")),
            (Global::Palette, _) => ask(Prompt::palette()),
            (Global::Filter, None) => {
                let now = screen.filter(ws).ok_or("nothing to filter here; Runs and Log can be.")?;
                ask(Prompt::line(Action::Global(what), "filter", now))
            }
            (Global::Filter, Some(words)) => Ok(vec![Effect::Filter(words.to_owned())]),
            (Global::Back, _) => {
                screen.back(ws);
                DONE
            }
            (Global::Copy, _) => {
                let text = Some(screen.copied(ws)).filter(|text| !text.is_empty());
                let text = text.ok_or("nothing to copy here.")?;
                ws.notify(format!("copied {text}"));
                Ok(vec![Effect::Copy(text)])
            }
            (Global::Theme, None) => ask(Prompt::themes()),
            (Global::Theme, Some(name)) => {
                let none = || format!("there is no theme `{name}`: {}.", Theme::names().join(", "));
                let theme = Theme::builtin(name).ok_or_else(none)?;
                ws.settings.theme = theme.at(ws.settings.level);
                ws.notify(format!("theme {name}; `theme = \"{name}\"` in config.toml keeps it."));
                DONE
            }
            (Global::Mouse, _) => {
                ws.settings.mouse = !ws.settings.mouse;
                let whose = if ws.settings.mouse { "interface" } else { "terminal" };
                ws.notify(format!("the mouse belongs to the {whose}."));
                Ok(vec![Effect::Mouse(ws.settings.mouse)])
            }
            (Global::Redraw, _) => Ok(vec![Effect::Redraw]),
            (Global::Suspend, _) => Ok(vec![Effect::Suspend]),
            (Global::Quit, _) if ws.live.training() => ask(Prompt::leaving(ws.queue.len())),
            // The run may have ended while the question was open.
            (Global::Quit, _) => Ok(vec![Effect::Quit(Exit::FINE)]),
            (Global::LeaveInBackground | Global::StopAndQuit, _) => {
                let run = ws.live.head().filter(|_| ws.live.training()).map(|head| head.run_dir.clone());
                let Some(run) = run else { return Ok(vec![Effect::Quit(Exit::FINE)]) };
                let background = what == Global::LeaveInBackground;
                self.leaving = Some(if background { Leaving::Background(run) } else { Leaving::Quit(0) });
                ws.notify(FINISHING);
                Ok(vec![Effect::send(Command::Stop(StopReason::Asked))])
            }
        }
    }
}
