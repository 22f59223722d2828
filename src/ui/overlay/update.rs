//! The keys of what lies over the screens.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use crate::paths::common;
use crate::ui::effect::{Effect, Job};
use crate::ui::keys::{Action, Global, inspect, recipe, runs};
use crate::ui::overlay::command_line::{CommandLine, completion};
use crate::ui::prompt::{LONGEST, Prompt, matching};
use crate::ui::workspace::Workspace;

const FILTER: Action = Action::Global(Global::Filter);
const COMMAND_LINE: Action = Action::Global(Global::CommandLine);

/// The prompt over the screens, which takes the keys.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) prompt: Option<Prompt>,
    command_line: CommandLine,
}

impl Overlay {
    pub(crate) fn paste(&mut self, text: &str, ws: &mut Workspace) -> Vec<Effect> {
        let Some(prompt) = &mut self.prompt else { return Vec::new() };
        if !prompt.insert(text) {
            ws.warn(format!("what was pasted is cut: a line has at most {LONGEST} characters."));
        }
        self.look(ws)
    }

    pub(crate) fn press(&mut self, key: KeyEvent, ws: &mut Workspace) -> Vec<Effect> {
        let Some(prompt) = &mut self.prompt else { return Vec::new() };
        let leaves = key.code == KeyCode::Esc
            || key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        if leaves {
            let filters = matches!(self.prompt.take(), Some(Prompt::Line { action: FILTER, .. }));
            return filters.then(|| Effect::Filter(String::new())).into_iter().collect();
        }
        match prompt {
            Prompt::Line { action: COMMAND_LINE, input, trouble, .. } => match key.code {
                KeyCode::Tab => {
                    if let Some(name) = completion(input.value()) {
                        *input = Input::new(name);
                    }
                }
                KeyCode::Up | KeyCode::Down => {
                    *input = Input::new(self.command_line.recall(key.code == KeyCode::Up));
                    *trouble = None;
                }
                KeyCode::Enter => match self.command_line.read(input.value()) {
                    Ok(Some((action, argument))) => return vec![Effect::Do(action, argument)],
                    Ok(None) => self.prompt = None,
                    Err(sentence) => *trouble = Some(sentence),
                },
                _ => self.edit(key, ws),
            },
            Prompt::Line { action, input, trouble, paths, .. } => match key.code {
                KeyCode::Enter | KeyCode::Tab if *action == FILTER => {
                    // The filter is applied already, if it was understood.
                    if trouble.is_none() {
                        self.prompt = None;
                    }
                }
                KeyCode::Tab if takes_a_path(action) && paths.is_empty() => return self.look(ws),
                KeyCode::Tab if !paths.is_empty() => {
                    // As far as there is no choice; then the first.
                    let common = common(paths);
                    let path = if common.len() > input.value().len() { common } else { &paths[0] };
                    *input = Input::new(path.to_owned());
                    return self.look(ws);
                }
                KeyCode::Enter | KeyCode::Tab => {
                    return vec![Effect::Do(action.clone(), Some(input.value().trim().to_owned()))];
                }
                _ => {
                    self.edit(key, ws);
                    return self.look(ws);
                }
            },
            Prompt::Question { row, .. } | Prompt::List { row, .. } if key.code == KeyCode::Enter => {
                let row = *row;
                return self.choose(row);
            }
            Prompt::Question { answers, row, .. } => match key.code {
                KeyCode::Up | KeyCode::Left | KeyCode::Char('k' | 'h') => *row = row.saturating_sub(1),
                KeyCode::Down | KeyCode::Right | KeyCode::Char('j' | 'l') | KeyCode::Tab => {
                    *row = (*row + 1).min(answers.len() - 1);
                }
                _ => {}
            },
            Prompt::List { items, input, row, .. } => {
                if !scroll(row, key, matching(items, input.value()).len()) {
                    self.edit(key, ws);
                }
            }
            Prompt::Help { row, .. } => {
                if matches!(key.code, KeyCode::Enter | KeyCode::F(1) | KeyCode::Char('?')) {
                    self.prompt = None;
                } else if !scroll(row, key, usize::MAX) {
                    self.edit(key, ws);
                }
            }
        }
        Vec::new()
    }

    /// Edits what is typed, as far as there is room.
    fn edit(&mut self, key: KeyEvent, ws: &mut Workspace) {
        if self.prompt.as_mut().is_some_and(|prompt| !prompt.edit(key)) {
            ws.warn(format!("there is no room for it: a line has at most {LONGEST} characters."));
        }
    }

    /// Applies the typed text early where that is harmless: a filter filters, a wrong value shows its error.
    fn look(&mut self, ws: &Workspace) -> Vec<Effect> {
        match &mut self.prompt {
            Some(Prompt::Line { action: FILTER, input, .. }) => {
                return vec![Effect::Filter(input.value().to_owned())];
            }
            Some(Prompt::Line { action: Action::Recipe(recipe::Do::Field(key)), input, trouble, .. }) => {
                *trouble = ws.draft.would_be_wrong(key, input.value());
            }
            Some(Prompt::Line { action, input, .. }) if takes_a_path(action) => {
                return vec![Effect::Job(Job::Complete(input.value().to_owned()))];
            }
            _ => {}
        }
        Vec::new()
    }

    /// Says what is not understood of a filter: below the line, or by itself where the line is closed.
    pub(crate) fn not_filtered(&mut self, sentence: String, ws: &mut Workspace) {
        match &mut self.prompt {
            Some(Prompt::Line { action: FILTER, trouble, .. }) => *trouble = Some(sentence),
            _ => ws.warn(sentence),
        }
    }

    /// Takes over the paths that what is typed may become.
    pub(crate) fn completed(&mut self, typed: &str, found: Vec<String>) {
        if let Some(Prompt::Line { input, paths, .. }) = &mut self.prompt
            && input.value() == typed
        {
            // What is typed whole becomes nothing else.
            *paths = found.into_iter().filter(|path| path != typed).collect();
        }
    }

    /// Takes the answer or item in a row.
    pub(crate) fn choose(&mut self, row: usize) -> Vec<Effect> {
        let chosen = match &self.prompt {
            Some(Prompt::Question { answers, .. }) if row < answers.len() => {
                answers[row].1.clone().map(|action| Effect::Do(action, None))
            }
            Some(Prompt::List { items, input, .. }) => matching(items, input.value())
                .get(row)
                .map(|item| Effect::Do(item.action.clone(), item.argument.map(str::to_owned))),
            _ => return Vec::new(),
        };
        self.prompt = None;
        chosen.into_iter().collect()
    }
}

/// Whether what is typed for an action is a path.
fn takes_a_path(action: &Action) -> bool {
    matches!(
        action,
        Action::Inspect(inspect::Do::Picture)
            | Action::Recipe(recipe::Do::Open | recipe::Do::Write)
            | Action::Runs(runs::Do::CopyTo(_))
    )
}

/// Moves `row` within `count` rows; whether the key is a move.
fn scroll(row: &mut usize, key: KeyEvent, count: usize) -> bool {
    let last = count.saturating_sub(1);
    *row = match key.code {
        KeyCode::Up => row.saturating_sub(1),
        KeyCode::Down => row.saturating_add(1).min(last),
        KeyCode::PageUp => row.saturating_sub(10),
        KeyCode::PageDown => row.saturating_add(10).min(last),
        _ => return false,
    };
    true
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::ui::app::App;
    use crate::ui::effect::{JobResult, Msg};
    use crate::ui::keys::{recipe, train};

    const RATE: Action = Action::Train(train::Do::Rate);

    /// An interface in which this is typed.
    fn typing(action: Action) -> App {
        let mut app = App::new(crate::ui::testing::settings());
        app.overlay.prompt = Some(Prompt::line(action, "", "12"));
        app
    }

    fn press(app: &mut App, code: KeyCode) {
        app.update(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    fn typed(app: &App) -> &str {
        match &app.overlay.prompt {
            Some(Prompt::Line { input, .. } | Prompt::List { input, .. } | Prompt::Help { input, .. }) => {
                input.value()
            }
            _ => panic!("no line"),
        }
    }

    #[test]
    fn a_paste_stands_where_the_cursor_is_and_the_cursor_behind_it() {
        let mut app = typing(RATE);
        press(&mut app, KeyCode::Left);
        app.update(Msg::Paste("a\n\x1bé".into()));
        press(&mut app, KeyCode::Char('x'));
        assert_eq!(typed(&app), "1aéx2");
        assert_eq!(app.ws.notice, None);
    }

    #[test]
    fn a_megabyte_is_pasted_in_no_time_and_cut_and_said_to_be() {
        let actions = [
            Action::Recipe(recipe::Do::Field("lr")),
            Action::Recipe(recipe::Do::Field("layers")),
            FILTER,
            COMMAND_LINE,
        ];
        let prompts = actions.map(|action| typing(action).overlay.prompt);
        for prompt in prompts.into_iter().chain([Some(Prompt::palette()), Some(Prompt::help())]) {
            let mut app = typing(RATE);
            app.ws.tab = crate::ui::keys::binding::Tab::Runs;
            app.overlay.prompt = prompt;
            let begin = Instant::now();
            app.update(Msg::Paste("1,".repeat(1 << 19)));
            assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
            assert_eq!(typed(&app).chars().count(), LONGEST);
            assert!(app.ws.notice.as_ref().unwrap().text.contains("cut"));
            // A full line takes no more keys, says so, and can be made shorter.
            let begin = Instant::now();
            (0..100).for_each(|_| press(&mut app, KeyCode::Char('1')));
            assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
            assert_eq!(typed(&app).chars().count(), LONGEST);
            assert!(app.ws.notice.as_ref().unwrap().text.contains("no room"));
            press(&mut app, KeyCode::Backspace);
            assert_eq!(typed(&app).chars().count(), LONGEST - 1);
            let begin = Instant::now();
            (0..20).for_each(|key| {
                press(&mut app, if key % 2 == 0 { KeyCode::Char('1') } else { KeyCode::Backspace });
            });
            assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        }
    }

    #[test]
    fn a_path_is_completed_as_it_is_typed_and_tab_takes_what_there_is_no_choice_about() {
        let mut app = typing(Action::Inspect(inspect::Do::Picture));
        let listed = |app: &mut App, typed: &str, paths: &[&str]| {
            let paths = paths.iter().map(|&path| path.to_owned()).collect();
            app.update(Msg::Done(Box::new(JobResult::Completed(typed.into(), paths))));
        };
        let effects = app.update(Msg::Key(KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE)));
        assert!(matches!(&effects[..], [Effect::Job(Job::Complete(typed))] if typed == "12a"), "{effects:?}");
        // An answer to what is not typed any more changes nothing.
        listed(&mut app, "12", &["12abcx"]);
        listed(&mut app, "12a", &["12abcd.png", "12abce/"]);
        press(&mut app, KeyCode::Tab);
        assert_eq!(typed(&app), "12abc");
        listed(&mut app, "12abc", &["12abcd.png", "12abce/"]);
        press(&mut app, KeyCode::Tab);
        assert_eq!(typed(&app), "12abcd.png");
    }

    #[test]
    fn what_was_cut_out_brings_no_line_beyond_its_length() {
        let mut app = typing(RATE);
        app.update(Msg::Paste("x".repeat(3000)));
        for key in ['u', 'y', 'y', 'y'] {
            app.update(Msg::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL)));
        }
        assert_eq!(typed(&app).chars().count(), 3002);
    }
}
