//! What a scenario plays on: the interface without its shell, a screen in memory and a clock that stands
//! still.

use std::collections::BTreeMap;
use std::fmt::Write;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::fixtures;
use super::script::{Head, What};
use super::settings;
use crate::protocol::command::{Change, Command, StopReason};
use crate::ui::app as update;
use crate::ui::effect::{Answer, Disk, Effect, Msg};
use crate::ui::workspace::App;
use crate::ui::{app::view, dump};

/// The interface and what it wanted last.
pub(super) struct Stage {
    pub(super) app: App,
    /// What the last thing that happened made it want.
    pub(super) effects: Vec<Effect>,
    /// Events of each journal that were heard.
    heard: BTreeMap<String, usize>,
}

/// What is on the screen, and where the cursor is.
pub(super) struct Shot {
    pub(super) buffer: Buffer,
    pub(super) cursor: Option<Position>,
}

impl Shot {
    /// What is compared with the expected frame.
    pub(super) fn text(&self) -> String {
        let mut text = dump::styled(&self.buffer);
        if let Some(Position { x, y }) = self.cursor {
            let _ = writeln!(text, "cursor: {x} {y}");
        }
        text
    }
}

impl Stage {
    pub(super) fn new(head: &Head) -> Self {
        let mut app = App::new(settings(head));
        app.size = head.size;
        let stage = Self { app, effects: Vec::new(), heard: BTreeMap::new() };
        // The mouse needs a frame to point into.
        stage.draw();
        stage
    }

    /// Draws, as the shell does.
    pub(super) fn draw(&self) -> Shot {
        let (columns, rows) = self.app.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| view::draw(&self.app, frame)).unwrap();
        let backend = terminal.backend_mut();
        // A hidden cursor stays at the origin, where the interface never has one.
        let cursor = backend.get_cursor_position().unwrap();
        Shot { buffer: backend.buffer().clone(), cursor: (cursor != Position::ORIGIN).then_some(cursor) }
    }

    /// Has the interface take in a message, and draw.
    pub(super) fn say(&mut self, msg: Msg) {
        self.effects = update::update(&mut self.app, msg);
        self.draw();
    }

    /// Does what a line says; the error says why that is impossible.
    pub(super) fn play(&mut self, what: &What) -> Result<(), String> {
        match what {
            What::Key(key) => self.say(Msg::Key(*key)),
            What::Type(text) => {
                for letter in text.chars() {
                    self.say(Msg::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)));
                }
            }
            What::Paste(text) => self.say(Msg::Paste(text.clone())),
            What::Click(at) => {
                self.mouse(MouseEventKind::Down(MouseButton::Left), *at);
                let effects = std::mem::take(&mut self.effects);
                self.mouse(MouseEventKind::Up(MouseButton::Left), *at);
                self.effects.splice(0..0, effects);
            }
            What::Drag(at) => self.mouse(MouseEventKind::Drag(MouseButton::Left), *at),
            What::Scroll { up: true, at } => self.mouse(MouseEventKind::ScrollUp, *at),
            What::Scroll { up: false, at } => self.mouse(MouseEventKind::ScrollDown, *at),
            What::Resize(columns, rows) => self.say(Msg::Resize(*columns, *rows)),
            What::Clock(now) => self.say(Msg::Tick(*now)),
            What::Signal(signal) => self.say(Msg::Signal(*signal)),
            What::Printed(line) => self.say(Msg::Printed(line.clone())),
            What::EngineGone => self.say(Msg::EngineGone),
            What::Event(line) => {
                let event = fixtures::event(line, self.app.now)?;
                self.say(Msg::Event(Box::new(event)));
            }
            What::Answer { file } => {
                let mut answer = fixtures::answer(file)?;
                answer.time = self.app.now;
                self.say(Msg::Event(Box::new(answer)));
            }
            What::Journal { run, until } => {
                let events = fixtures::journal(run)?;
                let heard = self.heard.entry(run.clone()).or_default();
                let end = fixtures::end(&events, *until)?;
                if end <= *heard {
                    return Err(format!("the journal of {run} was already heard so far"));
                }
                let begin = std::mem::replace(heard, end);
                for event in &events[begin..end] {
                    self.effects = update::update(&mut self.app, Msg::Event(Box::new(event.clone())));
                }
                self.draw();
            }
            What::Disk => self.disk()?,
            What::DiskFails(sentence) => self.disk_fails(sentence)?,
            What::Expect(_) | What::Refute(_) | What::Effect(_) | What::Frame(_) | What::Picture(_) => {}
        }
        Ok(())
    }

    fn mouse(&mut self, kind: MouseEventKind, at: Position) {
        let modifiers = KeyModifiers::NONE;
        self.say(Msg::Mouse(MouseEvent { kind, column: at.x, row: at.y, modifiers }));
    }

    /// What is wanted of the disk.
    fn wanted(&mut self) -> Result<Disk, String> {
        let place = self.effects.iter().position(|effect| matches!(effect, Effect::Disk(_)));
        match place.map(|place| self.effects.remove(place)) {
            Some(Effect::Disk(disk)) => Ok(disk),
            _ => Err(format!("nothing is wanted of the disk, but {:?}", self.wishes())),
        }
    }

    /// The disk does what is wanted, and what that makes wanted, until nothing more is.
    fn disk(&mut self) -> Result<(), String> {
        let mut work = vec![self.wanted()?];
        let mut others = Vec::new();
        loop {
            while let Ok(more) = self.wanted() {
                work.push(more);
            }
            others.append(&mut self.effects);
            if work.is_empty() {
                self.effects = others;
                return Ok(());
            }
            self.say(Msg::Answer(Box::new(done(work.remove(0)))));
        }
    }

    fn disk_fails(&mut self, sentence: &str) -> Result<(), String> {
        let sentence = sentence.to_owned();
        let answer = match self.wanted()? {
            Disk::ReadJournal(path) => Answer::Journal(path, Err(sentence)),
            Disk::Delete(_) => Answer::Deleted(Err(sentence)),
            Disk::WriteRecipe { .. } => Answer::RecipeWritten(Err(sentence)),
            Disk::ReadRecipe(_) => Answer::RecipeRead(Err(sentence)),
            Disk::Background(_) => Answer::Background(Err(sentence)),
            Disk::ReadPast(_) => Answer::Past(Err(sentence)),
            Disk::Remember(..) => Answer::Remembered(Err(sentence)),
            Disk::Export { .. } => Answer::Exported(Err(sentence)),
            Disk::TakeBack(_) => Answer::TakenBack(Err(sentence)),
            Disk::ListRuns | Disk::ReadCheckpoints(_) => return Err("a list has no way to fail".into()),
        };
        self.say(Msg::Answer(Box::new(answer)));
        Ok(())
    }

    /// What is wanted, in the words of a scenario.
    pub(super) fn wishes(&self) -> Vec<String> {
        self.effects.iter().map(wish).collect()
    }
}

/// What becomes of work for the disk when all is well.
fn done(work: Disk) -> Answer {
    match work {
        Disk::Delete(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            Answer::Deleted(Ok(name.unwrap_or_default()))
        }
        Disk::WriteRecipe { path, .. } => Answer::RecipeWritten(Ok(path)),
        Disk::Export { to, .. } => Answer::Exported(Ok(to)),
        Disk::TakeBack(path) => Answer::TakenBack(Ok(path)),
        Disk::Background(_) => Answer::Background(Ok(())),
        Disk::Remember(..) => Answer::Remembered(Ok(())),
        Disk::ReadCheckpoints(path) => Answer::Checkpoints(path, fixtures::checkpoints()),
        work => fixtures::on_disk(work),
    }
}

fn wish(effect: &Effect) -> String {
    match effect {
        Effect::Command(command) => format!("command {}", asked(command)),
        Effect::Quit(exit) => format!("quit {}", exit.0),
        Effect::Copy(text) => format!("copy {text}"),
        Effect::Mouse(on) => format!("mouse {}", if *on { "on" } else { "off" }),
        Effect::Disk(Disk::ListRuns) => "list runs".into(),
        Effect::Disk(Disk::ReadJournal(path)) => format!("read journal {}", path.display()),
        Effect::Disk(Disk::Delete(path)) => format!("delete {}", path.display()),
        Effect::Disk(Disk::WriteRecipe { path, .. }) => format!("write recipe {}", path.display()),
        Effect::Disk(Disk::ReadRecipe(path)) => format!("read recipe {}", path.display()),
        Effect::Disk(Disk::ReadPast(path)) => format!("read past {}", path.display()),
        Effect::Disk(Disk::ReadCheckpoints(path)) => format!("read checkpoints {}", path.display()),
        Effect::Disk(Disk::Remember(..)) => "remember".into(),
        Effect::Disk(Disk::Export { to, .. }) => format!("export {}", to.display()),
        Effect::Disk(Disk::TakeBack(path)) => format!("take back {}", path.display()),
        Effect::Disk(Disk::Background(path)) => format!("background {}", path.display()),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn asked(command: &Command) -> String {
    match command {
        Command::Start(start) => format!("start {}", start.recipe.data),
        Command::Resume { target, overrides, .. } => {
            let epochs = overrides.epochs.map_or_else(String::new, |epochs| format!(" epochs {epochs}"));
            let rate = overrides.lr.map_or_else(String::new, |rate| format!(" lr {rate}"));
            format!("resume {}{epochs}{rate}", target.display())
        }
        Command::Change(Change::Lr(rate)) => format!("change lr {rate}"),
        Command::Change(Change::Epochs(epochs)) => format!("change epochs {epochs}"),
        Command::Stop(StopReason::Signal(signal)) => format!("stop by signal {signal}"),
        Command::Stop(reason) => format!("stop {reason:?}").to_lowercase(),
        Command::Preview { recipe, .. } => format!("preview {}", recipe.data),
        Command::Inspect(question) => format!("inspect {}", question.target.display()),
        other => format!("{other:?}").to_lowercase(),
    }
}
