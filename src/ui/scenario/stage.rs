//! The stage of a scenario: the interface without its shell, a screen in memory and a clock that stands still.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::fixtures;
use super::script::{Head, What};
use super::settings;
use crate::protocol::command::{Change, Command, StopReason};
use crate::protocol::{Picture, Question};
use crate::ui::app::App;
use crate::ui::dump;
use crate::ui::effect::{Effect, Job, JobResult, Msg};
use crate::ui::hits::Hits;

/// The interface and its last effects.
pub(super) struct Stage {
    pub(super) app: App,
    /// The effects of the last message.
    pub(super) effects: Vec<Effect>,
    /// Where the runs lie.
    runs: String,
    /// The number of events of each journal that were sent.
    sent: BTreeMap<String, usize>,
}

/// The screen and its cursor.
pub(super) struct Shot {
    pub(super) buffer: Buffer,
    pub(super) cursor: Option<Position>,
}

impl Shot {
    /// The text to compare with the expected frame.
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
        app.ws.size = head.size;
        let mut stage = Self { app, effects: Vec::new(), runs: head.runs.clone(), sent: BTreeMap::new() };
        // The mouse needs a frame to point into.
        stage.show();
        stage
    }

    /// Draws, as the shell does.
    pub(super) fn draw(&self) -> Shot {
        self.frame().0
    }

    /// Draws, and points the mouse into what was drawn.
    fn show(&mut self) {
        self.app.hits = self.frame().1;
    }

    fn frame(&self) -> (Shot, Hits) {
        let (columns, rows) = self.app.ws.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let mut hits = Hits::default();
        terminal.draw(|frame| hits = self.app.draw(frame).0).unwrap();
        let backend = terminal.backend_mut();
        // A hidden cursor stays at the origin, where the interface never has one.
        let cursor = backend.get_cursor_position().unwrap();
        let cursor = (cursor != Position::ORIGIN).then_some(cursor);
        (Shot { buffer: backend.buffer().clone(), cursor }, hits)
    }

    /// Has the interface take in a message, and draw.
    pub(super) fn send(&mut self, msg: Msg) {
        self.effects = self.app.update(msg);
        self.show();
    }

    /// Does what a line says; the error says why that is impossible.
    pub(super) fn play(&mut self, what: &What) -> Result<(), String> {
        match what {
            What::Key(key) => self.send(Msg::Key(*key)),
            What::Type(text) => {
                for letter in text.chars() {
                    self.send(Msg::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)));
                }
            }
            What::Paste(text) => self.send(Msg::Paste(text.clone())),
            What::Click(at) => {
                self.mouse(MouseEventKind::Down(MouseButton::Left), *at);
                let effects = std::mem::take(&mut self.effects);
                self.mouse(MouseEventKind::Up(MouseButton::Left), *at);
                self.effects.splice(0..0, effects);
            }
            What::Drag(at) => self.mouse(MouseEventKind::Drag(MouseButton::Left), *at),
            What::Scroll { up: true, at } => self.mouse(MouseEventKind::ScrollUp, *at),
            What::Scroll { up: false, at } => self.mouse(MouseEventKind::ScrollDown, *at),
            What::Resize(columns, rows) => self.send(Msg::Resize(*columns, *rows)),
            What::Clock(now) => self.send(Msg::Tick(*now)),
            What::Signal(signal) => self.send(Msg::Signal(*signal)),
            What::Printed(line) => self.send(Msg::Printed(line.clone())),
            What::EngineGone => self.send(Msg::EngineGone),
            What::Event(line) => {
                let event = fixtures::event(line, self.app.ws.now)?;
                self.send(Msg::Event(Box::new(event)));
            }
            What::Answer { file } => {
                let mut answer = fixtures::answer(file, self.app.ws.questions)?;
                answer.time = self.app.ws.now;
                self.send(Msg::Event(Box::new(answer)));
            }
            What::Journal { run, until } => {
                let events = fixtures::journal(run)?;
                let sent = self.sent.entry(run.clone()).or_default();
                let end = fixtures::end(&events, *until)?;
                if end <= *sent {
                    return Err(format!("the journal of {run} was already sent up to there"));
                }
                let begin = std::mem::replace(sent, end);
                for event in &events[begin..end] {
                    self.effects = self.app.update(Msg::Event(Box::new(event.clone())));
                }
                self.show();
            }
            What::Disk => self.disk()?,
            What::DiskFails(sentence) => self.disk_fails(sentence)?,
            What::Expect(_) | What::Refute(_) | What::Effect(_) | What::Frame(_) | What::Picture(_) => {}
        }
        Ok(())
    }

    fn mouse(&mut self, kind: MouseEventKind, at: Position) {
        let modifiers = KeyModifiers::NONE;
        self.send(Msg::Mouse(MouseEvent { kind, column: at.x, row: at.y, modifiers }));
    }

    /// The jobs that were requested.
    fn wanted(&mut self) -> Result<Job, String> {
        let index = self.effects.iter().position(|effect| matches!(effect, Effect::Job(_)));
        match index.map(|index| self.effects.remove(index)) {
            Some(Effect::Job(job)) => Ok(job),
            _ => Err(format!("nothing is wanted of the disk, but {:?}", self.described())),
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
            self.send(Msg::Done(Box::new(done(work.remove(0), &self.runs))));
        }
    }

    fn disk_fails(&mut self, sentence: &str) -> Result<(), String> {
        let sentence = sentence.to_owned();
        let result = match self.wanted()? {
            Job::ReadJournal(path) => JobResult::Journal(path, Err(sentence)),
            Job::Background(_) => JobResult::Background(Err(sentence)),
            Job::Fetch(word) => JobResult::Fetched(word, Err(sentence)),
            Job::ReadWeights(path) => JobResult::WeightsRead(path, Err(sentence)),
            Job::ListRuns | Job::ReadCheckpoints(_) => return Err("a list has no way to fail".into()),
            _ => JobResult::Failed(sentence),
        };
        self.send(Msg::Done(Box::new(result)));
        Ok(())
    }

    /// The effects, in the words of a scenario.
    pub(super) fn described(&self) -> Vec<String> {
        self.effects.iter().map(describe).collect()
    }
}

/// The result of a job that succeeds, where the runs lie in this folder of the fixtures.
fn done(work: Job, runs: &str) -> JobResult {
    match work {
        Job::Delete(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            JobResult::Deleted(name.unwrap_or_default())
        }
        Job::Label(..) => JobResult::Labelled,
        Job::WriteRecipe { path, .. } => JobResult::RecipeWritten(path),
        Job::Export { to, .. } => JobResult::Exported(to),
        Job::TakeBack(path) => JobResult::TakenBack(path),
        Job::StopSweep(path) => JobResult::SweepStopped(path),
        Job::CarryOnSweep(file) => JobResult::SweepStarted(file.parent().unwrap_or(&file).to_owned()),
        Job::StartSweep { name, .. } => JobResult::SweepStarted(Path::new("runs/.sweeps").join(name)),
        Job::Background(_) => JobResult::Background(Ok(())),
        Job::Fetch(set) => JobResult::Fetched(set, Ok(())),
        Job::Remember(..) => JobResult::Remembered,
        Job::ReadCheckpoints(path) => JobResult::Checkpoints(path, fixtures::checkpoints()),
        work => fixtures::on_disk(work, runs),
    }
}

fn describe(effect: &Effect) -> String {
    match effect {
        Effect::Command(command) => format!("command {}", asked(command)),
        Effect::Quit(exit) => format!("quit {}", exit.0),
        Effect::Copy(text) => format!("copy {text}"),
        Effect::Mouse(on) => format!("mouse {}", if *on { "on" } else { "off" }),
        Effect::Job(Job::ListRuns) => "list runs".into(),
        Effect::Job(Job::ReadJournal(path)) => format!("read journal {}", path.display()),
        Effect::Job(Job::Delete(path)) => format!("delete {}", path.display()),
        Effect::Job(Job::Label(path, change)) => {
            format!("label {} {change:?}", path.display()).to_lowercase()
        }
        Effect::Job(Job::WriteRecipe { path, .. }) => format!("write recipe {}", path.display()),
        Effect::Job(Job::ReadRecipe(path)) => format!("read recipe {}", path.display()),
        Effect::Job(Job::ListSweeps) => "list sweeps".into(),
        Effect::Job(Job::StopSweep(path)) => format!("stop sweep {}", path.display()),
        Effect::Job(Job::CarryOnSweep(file)) => format!("carry on {}", file.display()),
        Effect::Job(Job::StartSweep { name, .. }) => format!("start sweep {name}"),
        Effect::Job(Job::ReadPast(path)) => format!("read past {}", path.display()),
        Effect::Job(Job::ReadCheckpoints(path)) => format!("read checkpoints {}", path.display()),
        Effect::Job(Job::Remember(..)) => "remember".into(),
        Effect::Job(Job::Export { to, .. }) => format!("export {}", to.display()),
        Effect::Job(Job::TakeBack(path)) => format!("take back {}", path.display()),
        Effect::Job(Job::Background(path)) => format!("background {}", path.display()),
        Effect::Job(Job::Fetch(word)) => format!("fetch {word}"),
        Effect::Job(Job::ReadWeights(path)) => format!("read weights {}", path.display()),
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
        Command::Change(Change::Freeze(freeze)) => format!("change freeze {freeze}"),
        Command::Stop(StopReason::Signal(signal)) => format!("stop by signal {signal}"),
        Command::Stop(reason) => format!("stop {reason:?}").to_lowercase(),
        Command::Ask { question: Question::Preview { recipe, .. }, .. } => format!("preview {}", recipe.data),
        Command::Ask { question: Question::Inspect(query), .. } => {
            format!("inspect {}", query.target.display())
        }
        Command::Ask { question: Question::Explain { picture: Picture::Image(number), .. }, .. } => {
            format!("explain image {number}")
        }
        Command::Ask { question: Question::Export(query), .. } => {
            let to = query.output.as_deref().unwrap_or(Path::new("")).display();
            let unseen = if query.untested.is_some() { " without the test images" } else { "" };
            format!("export {} as {} to {to}{unseen}", query.target.display(), query.form.word())
        }
        other => format!("{other:?}").to_lowercase(),
    }
}
