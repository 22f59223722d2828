//! Keys while something lies over the screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::monitor::Exit;
use crate::protocol::{Command, StopReason};
use crate::ui::app::FINISHING;
use crate::ui::app::dispatch::act;
use crate::ui::effect::{Disk, Effect};
use crate::ui::overlay::command_line as typing;
use crate::ui::prompt::{Choice, LONGEST, Prompt, Purpose, Question, Reply, matching};
use crate::ui::screens::runs::epochs;
use crate::ui::style::theme::Theme;
use crate::ui::workspace::{App, Leaving};

pub(crate) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    let Some(prompt) = &mut app.prompt else {
        return Vec::new();
    };
    let fitted = prompt.insert(text);
    let effects = look(app);
    if !fitted {
        app.complain(format!("what was pasted is cut: a line has at most {LONGEST} characters."));
    }
    effects
}

pub(crate) fn press(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let Some(prompt) = &mut app.prompt else {
        return Vec::new();
    };
    let leaves = key.code == KeyCode::Esc
        || key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    if leaves {
        let filters = matches!(prompt, Prompt::Line { purpose: Purpose::Filter, .. });
        app.prompt = None;
        return if filters { typing::set_filter(app, String::new()) } else { Vec::new() };
    }
    match prompt {
        Prompt::Line { purpose: Purpose::CommandLine, input, .. } if key.code == KeyCode::Tab => {
            if let Some(name) = typing::completion(input.value()) {
                *input = tui_input::Input::new(name);
            }
        }
        Prompt::Line { purpose: Purpose::CommandLine, .. } if is_up_or_down(key) => {
            typing::recall(app, key.code == KeyCode::Up);
        }
        Prompt::Line { purpose, input, .. } if matches!(key.code, KeyCode::Enter | KeyCode::Tab) => {
            let (purpose, text) = (purpose.clone(), input.value().to_owned());
            return typed(app, &purpose, &text);
        }
        Prompt::Question(question) => {
            let last = question.answers.len() - 1;
            match key.code {
                KeyCode::Up | KeyCode::Left | KeyCode::Char('k' | 'h') => {
                    question.row = question.row.saturating_sub(1);
                }
                KeyCode::Down | KeyCode::Right | KeyCode::Char('j' | 'l') | KeyCode::Tab => {
                    question.row = (question.row + 1).min(last);
                }
                KeyCode::Enter => {
                    let row = question.row;
                    return choose(app, row);
                }
                _ => {}
            }
        }
        Prompt::List { items, input, row, .. } => {
            let found = matching(items, input.value()).len();
            match key.code {
                KeyCode::Enter => {
                    let row = *row;
                    return choose(app, row);
                }
                _ => {
                    if scroll(row, key, found).is_none() {
                        edit(app, key);
                    }
                }
            }
        }
        Prompt::Help { row, .. } => {
            if matches!(key.code, KeyCode::Enter | KeyCode::F(1) | KeyCode::Char('?')) {
                app.prompt = None;
            } else if scroll(row, key, usize::MAX).is_none() {
                edit(app, key);
            }
        }
        Prompt::Line { .. } => {
            if edit(app, key) {
                return look(app);
            }
        }
    }
    Vec::new()
}

/// Edits what is typed; whether there was room for it.
fn edit(app: &mut App, key: KeyEvent) -> bool {
    let fitted = app.prompt.as_mut().is_none_or(|prompt| prompt.edit(key));
    if !fitted {
        app.complain(format!("there is no room for it: a line has at most {LONGEST} characters."));
    }
    fitted
}

fn is_up_or_down(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Up | KeyCode::Down)
}

/// Moves `row` within `count` rows; `None` where the key is no move.
fn scroll(row: &mut usize, key: KeyEvent, count: usize) -> Option<()> {
    let last = count.saturating_sub(1);
    *row = match key.code {
        KeyCode::Up => row.saturating_sub(1),
        KeyCode::Down => row.saturating_add(1).min(last),
        KeyCode::PageUp => row.saturating_sub(10),
        KeyCode::PageDown => row.saturating_add(10).min(last),
        _ => return None,
    };
    Some(())
}

/// What is typed takes effect where that harms nothing: a filter filters, a wrong value is told at once.
fn look(app: &mut App) -> Vec<Effect> {
    let Some(Prompt::Line { purpose, input, .. }) = &app.prompt else {
        return Vec::new();
    };
    let text = input.value().to_owned();
    let found = match purpose {
        Purpose::Filter => return typing::set_filter(app, text),
        Purpose::Field(key) => app.recipe.would_be_wrong(key, &text),
        _ => return Vec::new(),
    };
    if let Some(Prompt::Line { trouble, .. }) = &mut app.prompt {
        *trouble = found;
    }
    Vec::new()
}

/// A line was accepted; where it cannot be, it stays with the reason below it.
fn typed(app: &mut App, purpose: &Purpose, text: &str) -> Vec<Effect> {
    let before = app.prompt.take();
    match typing::accept(app, purpose, text) {
        Ok(effects) => effects,
        Err(sentence) => {
            app.prompt = before;
            if let Some(Prompt::Line { trouble, .. }) = &mut app.prompt {
                *trouble = Some(sentence);
            }
            Vec::new()
        }
    }
}

/// Takes the answer or item in a row of what lies over the screen.
pub(crate) fn choose(app: &mut App, row: usize) -> Vec<Effect> {
    match app.prompt.take() {
        Some(Prompt::Question(mut question)) if row < question.answers.len() => {
            replied(app, question.answers.swap_remove(row).1)
        }
        Some(Prompt::List { items, input, .. }) => {
            let choice = matching(&items, input.value()).get(row).map(|item| item.choice);
            choice.map_or_else(Vec::new, |choice| chosen(app, choice))
        }
        other => {
            app.prompt = other;
            Vec::new()
        }
    }
}

fn chosen(app: &mut App, choice: Choice) -> Vec<Effect> {
    match choice {
        Choice::Do(action) => return act(app, action),
        Choice::Preset(place) => typing::take_preset(app, place),
        Choice::Theme(name) => set_theme(app, name),
    }
    Vec::new()
}

pub(crate) fn set_theme(app: &mut App, name: &str) {
    match Theme::builtin(name) {
        Some(theme) => {
            app.settings.theme = theme.at(app.settings.level);
            app.say(format!("theme {name}; `theme = \"{name}\"` in config.toml keeps it."));
        }
        None => app.complain(format!("there is no theme `{name}`: {}.", Theme::names().join(", "))),
    }
}

/// The question of someone who wants to leave while a run is trained.
pub(crate) fn leaving() -> Prompt {
    Prompt::Question(Question {
        text: "A run is being trained. What shall become of it?".into(),
        answers: vec![
            ("keep training in the background", Reply::Background),
            ("stop and save", Reply::StopAndSave),
            ("cancel", Reply::Nothing),
        ],
        row: 0,
    })
}

fn replied(app: &mut App, reply: Reply) -> Vec<Effect> {
    let leaving = match reply {
        Reply::Nothing => return Vec::new(),
        Reply::Delete(path) => return vec![Effect::Disk(Disk::Delete(path))],
        Reply::Epochs(epochs) if app.training() => return epochs::changed(app, epochs),
        Reply::Epochs(_) => {
            app.complain("nothing is being trained any more.");
            return Vec::new();
        }
        Reply::Longer(run, epochs) => return epochs::gone_on(app, run, epochs),
        Reply::TakeBack(path) => {
            app.say("it saves and stops there.");
            return vec![Effect::Disk(Disk::TakeBack(path))];
        }
        Reply::StopAndSave => Leaving::Quit(0),
        Reply::Background => match &app.monitor.head {
            Some(head) => Leaving::Background(head.run_dir.clone()),
            None => return Vec::new(),
        },
    };
    if !app.training() {
        // The run ended while the question stood there.
        return vec![Effect::Quit(Exit::FINE)];
    }
    app.leaving = Some(leaving);
    app.say(FINISHING);
    vec![Effect::Command(Box::new(Command::Stop(StopReason::Asked)))]
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::ui::app::update;
    use crate::ui::effect::Msg;

    /// An interface in which this is typed.
    fn typing(purpose: Purpose) -> App {
        let mut app = App::new(crate::ui::testing::settings());
        app.prompt = Some(Prompt::line(purpose, "", "12"));
        app
    }

    fn press(app: &mut App, code: KeyCode) {
        update(app, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    fn typed(app: &App) -> &str {
        match &app.prompt {
            Some(Prompt::Line { input, .. } | Prompt::List { input, .. } | Prompt::Help { input, .. }) => {
                input.value()
            }
            _ => panic!("no line"),
        }
    }

    #[test]
    fn a_paste_stands_where_the_cursor_is_and_the_cursor_behind_it() {
        let mut app = typing(Purpose::Rate);
        press(&mut app, KeyCode::Left);
        update(&mut app, Msg::Paste("a\n\x1bé".into()));
        press(&mut app, KeyCode::Char('x'));
        assert_eq!(typed(&app), "1aéx2");
        assert_eq!(app.notice, None);
    }

    #[test]
    fn a_megabyte_is_pasted_in_no_time_and_cut_and_said_to_be() {
        let purposes =
            [Purpose::Field("lr"), Purpose::Field("layers"), Purpose::Filter, Purpose::CommandLine];
        let prompts = purposes.map(|purpose| typing(purpose).prompt);
        for prompt in prompts.into_iter().chain([Some(Prompt::palette()), Some(Prompt::help())]) {
            let mut app = typing(Purpose::Rate);
            app.screen = crate::ui::keys::Screen::Runs;
            app.prompt = prompt;
            let begin = Instant::now();
            update(&mut app, Msg::Paste("1,".repeat(1 << 19)));
            assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
            assert_eq!(typed(&app).chars().count(), LONGEST);
            assert!(app.notice.as_ref().unwrap().text.contains("cut"));
            // A full line takes no more keys, says so, and can be made shorter.
            let begin = Instant::now();
            (0..100).for_each(|_| press(&mut app, KeyCode::Char('1')));
            assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
            assert_eq!(typed(&app).chars().count(), LONGEST);
            assert!(app.notice.as_ref().unwrap().text.contains("no room"));
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
    fn what_was_cut_out_brings_no_line_beyond_its_length() {
        let mut app = typing(Purpose::Rate);
        update(&mut app, Msg::Paste("x".repeat(3000)));
        for key in ['u', 'y', 'y', 'y'] {
            update(&mut app, Msg::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL)));
        }
        assert_eq!(typed(&app).chars().count(), 3002);
    }
}
