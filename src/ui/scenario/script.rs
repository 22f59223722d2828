//! A scenario as a text: what the terminal is, what happens, and what must then be seen.
//! `tests/scenarios/README.md` lists the words.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;

use crate::recipe::layered::{ConfigLayer, resolve};
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::theme::Theme;

/// The terminal, and the settings of the interface.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) size: (u16, u16),
    pub(super) theme: String,
    pub(super) colour: ColourLevel,
    pub(super) unicode: bool,
    /// The folder of the fixtures in which the runs lie.
    pub(super) runs: String,
    /// The recipe that was typed, as TOML.
    pub(super) recipe: String,
    /// Warnings at the start.
    pub(super) notes: Vec<String>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            size: (80, 24),
            theme: "dark".into(),
            runs: "runs".into(),
            colour: ColourLevel::True,
            unicode: true,
            recipe: String::new(),
            notes: Vec::new(),
        }
    }
}

/// A line that does something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) what: What,
}

/// The step of a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Key(KeyEvent),
    Type(String),
    Paste(String),
    Click(Position),
    Drag(Position),
    Scroll {
        up: bool,
        at: Position,
    },
    Resize(u16, u16),
    Clock(f64),
    Signal(i32),
    Printed(String),
    /// A run's journal, from where it was left.
    Journal {
        run: String,
        until: Option<Until>,
    },
    /// An event of the engine, as a line of `--json`; without a time it happens now.
    Event(String),
    /// The answer to an inspection, or a preview.
    Answer {
        file: String,
    },
    EngineGone,
    /// The disk does what was wanted of it last.
    Disk,
    /// The disk fails at it, with this sentence.
    DiskFails(String),
    Expect(String),
    Refute(String),
    /// Of the last key: begins with these words.
    Effect(String),
    Frame(String),
    Picture(String),
}

/// Where a journal is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The end of this epoch.
    Epoch(usize),
    /// The first line that is at least this far.
    Step(u64),
    /// The head of the run.
    Started,
}

/// A scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Script {
    pub(super) head: Head,
    pub(super) steps: Vec<Step>,
}

impl Script {
    /// Names of the frames it stores, and whether they are pictures.
    pub(super) fn frames(&self) -> impl Iterator<Item = (&str, bool)> {
        self.steps.iter().filter_map(|step| match &step.what {
            What::Frame(name) => Some((name.as_str(), false)),
            What::Picture(name) => Some((name.as_str(), true)),
            _ => None,
        })
    }

    /// Reads `text`; the errors are sentences, each behind the number of its line.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let (mut script, mut errors) = (Self::default(), Vec::new());
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
            let result = match head(&mut script.head, word, rest.trim()) {
                Some(_) if !script.steps.is_empty() => {
                    Err(format!("`{word}` belongs above the first thing that happens"))
                }
                Some(result) => result,
                None => what(word, rest.trim()).map(|what| script.steps.push(Step { line, what })),
            };
            errors.extend(result.err().map(|error| (line, error)));
        }
        if errors.is_empty() { Ok(script) } else { Err(errors) }
    }
}

/// A line about the terminal; `None` where it is about something else.
fn head(head: &mut Head, word: &str, rest: &str) -> Option<Result<(), String>> {
    Some(match word {
        "size" => size(rest).map(|size| head.size = size),
        "theme" if Theme::names().contains(&rest) => {
            rest.clone_into(&mut head.theme);
            Ok(())
        }
        "theme" => Err(format!("`{rest}` is none of the themes {}", Theme::names().join(", "))),
        "colour" => match rest {
            "truecolor" => Ok(ColourLevel::True),
            "256" => Ok(ColourLevel::C256),
            "16" => Ok(ColourLevel::C16),
            "none" => Ok(ColourLevel::None),
            _ => Err(format!("`{rest}` is none of truecolor, 256, 16, none")),
        }
        .map(|level| head.colour = level),
        "ascii" => nothing(rest).map(|()| head.unicode = false),
        "recipe" => {
            let layer = ConfigLayer::parse("the scenario", rest).and_then(|layer| resolve(&[layer]));
            layer.map(|_| head.recipe.extend([rest, "\n"])).map_err(|error| error.to_string())
        }
        "runs" => text(rest).map(|folder| head.runs = folder),
        "note" => text(rest).map(|note| head.notes.push(note)),
        _ => return None,
    })
}

fn what(word: &str, rest: &str) -> Result<What, String> {
    Ok(match word {
        "key" => What::Key(key(rest)?),
        "type" => What::Type(text(rest)?),
        "paste" => What::Paste(text(rest)?),
        "click" => What::Click(place(rest)?),
        "drag" => What::Drag(place(rest)?),
        "scroll" => match rest.split_once(' ') {
            Some(("up", rest)) => What::Scroll { up: true, at: place(rest)? },
            Some(("down", rest)) => What::Scroll { up: false, at: place(rest)? },
            _ => return Err(format!("`{rest}` is not `up X Y` or `down X Y`")),
        },
        "resize" => size(rest).map(|(columns, rows)| What::Resize(columns, rows))?,
        "clock" => What::Clock(number(rest)?),
        "signal" => What::Signal(number(rest)?),
        "printed" => What::Printed(text(rest)?),
        "journal" => journal(rest)?,
        "event" => What::Event(text(rest)?),
        "answer" => What::Answer { file: name(rest)? },
        "gone" => nothing(rest).map(|()| What::EngineGone)?,
        "disk" if rest.is_empty() => What::Disk,
        "disk" => {
            let sentence = rest.strip_prefix("fails ");
            What::DiskFails(text(sentence.ok_or_else(|| format!("`{rest}` is not `fails SENTENCE`"))?)?)
        }
        "expect" => What::Expect(text(rest)?),
        "refute" => What::Refute(text(rest)?),
        "effect" => What::Effect(text(rest)?),
        "frame" => What::Frame(name(rest)?),
        "picture" => What::Picture(name(rest)?),
        _ => return Err(format!("`{word}` is no word of a scenario")),
    })
}

fn journal(rest: &str) -> Result<What, String> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (run, until) = match words[..] {
        [run] => (run, None),
        [run, "until", "started"] => (run, Some(Until::Started)),
        [run, "until", "epoch", n] => (run, Some(Until::Epoch(number(n)?))),
        [run, "until", "step", n] => (run, Some(Until::Step(number(n)?))),
        _ => return Err(format!("`{rest}` is not `RUN [until started | until epoch N | until step N]`")),
    };
    Ok(What::Journal { run: name(run)?, until })
}

/// Text, in quotes where its ends are blank.
fn text(rest: &str) -> Result<String, String> {
    let bare = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(rest);
    if bare.is_empty() { Err("something must follow".into()) } else { Ok(bare.to_owned()) }
}

fn nothing(rest: &str) -> Result<(), String> {
    if rest.is_empty() { Ok(()) } else { Err(format!("`{rest}` follows a word that stands alone")) }
}

/// The name of a file or a directory in the fixtures.
fn name(rest: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !rest.is_empty() && rest.chars().all(fits) {
        Ok(rest.to_owned())
    } else {
        Err(format!("`{rest}` is not a name of letters, digits and dashes"))
    }
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number that fits here"))
}

fn size(rest: &str) -> Result<(u16, u16), String> {
    let (columns, rows) = rest.split_once('x').ok_or_else(|| format!("`{rest}` is not COLUMNSxROWS"))?;
    Ok((number(columns)?, number(rows)?))
}

fn place(rest: &str) -> Result<Position, String> {
    let (x, y) = rest.split_once(' ').ok_or_else(|| format!("`{rest}` is not X Y"))?;
    Ok(Position::new(number(x)?, number(y.trim())?))
}

/// A key as help and key files write it.
pub(super) fn key(word: &str) -> Result<KeyEvent, String> {
    let (modifiers, bare) = match word.strip_prefix("ctrl-") {
        Some(bare) => (KeyModifiers::CONTROL, bare),
        None => (KeyModifiers::NONE, word),
    };
    let code = match bare {
        "space" => KeyCode::Char(' '),
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "backspace" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        _ => {
            let mut letters = bare.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) => KeyCode::Char(letter),
                (Some('F'), Some(_)) => KeyCode::F(number(&bare[1..])?),
                _ => return Err(format!("`{word}` is no key, as in ctrl-r, F5, enter or x")),
            }
        }
    };
    Ok(KeyEvent::new(code, modifiers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_reads_with_the_lines_its_words_stand_on() {
        let text =
            "# what it is about\nsize 100x30\n\nkey ctrl-r\nexpect \" a b \"\njournal a until epoch 4\n";
        let script = Script::parse(text).unwrap();
        assert_eq!(script.head, Head { size: (100, 30), ..Head::default() });
        let ctrl_r = KeyEvent::new(KeyCode::Char('r'), KeyModifiers::CONTROL);
        let step = |line, what| Step { line, what };
        let until = Some(Until::Epoch(4));
        assert_eq!(
            script.steps,
            [
                step(4, What::Key(ctrl_r)),
                step(5, What::Expect(" a b ".into())),
                step(6, What::Journal { run: "a".into(), until }),
            ]
        );
    }

    #[test]
    fn whatever_is_wrong_is_told_with_its_line() {
        let text = "key hyper-x\nfly\nclick 3\nresize 10\nframe ../a\nkey x\nsize 9x9\ntheme blue\ndisk full";
        let errors = Script::parse(text).unwrap_err();
        let lines: Vec<usize> = errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 7, 8, 9]);
        assert!(errors[1].1.contains("`fly`") && errors[5].1.contains("above"), "{errors:?}");
    }
}
