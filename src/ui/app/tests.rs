//! Signals, the clock, the end of a run, and what lies over pictures.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use crate::monitor::Exit;
use crate::protocol::event::{Preview, Sample, Started};
use crate::protocol::{Command, Event, Outcome, Stamped, StopReason};
use crate::ui::app::{App, Leaving};
use crate::ui::effect::{Effect, Job, JobResult, Msg};
use crate::ui::keys::binding::Tab;
use crate::ui::style::images::{Images, Way};
use crate::ui::widgets::picture::Placed;
use crate::ui::workspace::OnHangup;

fn app() -> App {
    App::new(crate::ui::testing::settings())
}

fn event(event: Event) -> Msg {
    Msg::Event(Box::new(Stamped { event, time: 1.0 }))
}

/// An interface with a run in training.
fn training() -> App {
    let mut app = app();
    let started = Started::example();
    app.update(event(Event::Started(Box::new(started))));
    app
}

fn finished(outcome: Outcome) -> Msg {
    event(Event::Finished { outcome, reason: None, best: None, test: None, step: 3 })
}

/// The stop that is requested of the engine.
fn stop_of(effects: &[Effect]) -> Option<StopReason> {
    match effects {
        [Effect::Command(command)] => match **command {
            Command::Stop(reason) => Some(reason),
            _ => None,
        },
        _ => None,
    }
}

fn exit_of(effects: &[Effect]) -> Option<Exit> {
    match effects {
        [Effect::Quit(exit)] => Some(*exit),
        _ => None,
    }
}

#[test]
fn a_signal_ends_an_idle_interface_with_its_code() {
    for (signal, code) in [(SIGHUP, 129), (SIGINT, 130), (SIGTERM, 143)] {
        assert_eq!(exit_of(&app().update(Msg::Signal(signal))), Some(Exit(code)));
    }
}

#[test]
fn a_signal_in_a_run_stops_it_and_then_ends_with_its_code() {
    for (signal, code) in [(SIGHUP, 129), (SIGINT, 130), (SIGTERM, 143)] {
        let mut app = training();
        let effects = app.update(Msg::Signal(signal));
        assert_eq!(stop_of(&effects), Some(StopReason::Signal(signal)));
        // The window that closes after the shell got the signal changes nothing.
        assert!(app.update(Msg::Signal(signal)).is_empty());
        assert_eq!(exit_of(&app.update(finished(Outcome::Stopped))), Some(Exit(code)));
    }
}

#[test]
fn sigusr1_saves_and_nothing_more() {
    let effects = training().update(Msg::Signal(SIGUSR1));
    assert!(matches!(&effects[..], [Effect::Command(command)] if matches!(**command, Command::Save)));
    assert!(app().update(Msg::Signal(SIGUSR1)).is_empty());
}

#[test]
fn a_hangup_moves_the_run_to_the_background_where_that_is_settled() {
    let mut app = training();
    app.ws.settings.on_hangup = OnHangup::Background;
    assert_eq!(stop_of(&app.update(Msg::Signal(SIGHUP))), Some(StopReason::Asked));
    assert!(app.update(Msg::Signal(SIGHUP)).is_empty());
    let effects = app.update(finished(Outcome::Stopped));
    assert!(matches!(&effects[..], [Effect::Job(Job::Background(run))] if run.ends_with("a")));
    // Until the other process has the run, nothing takes it away.
    assert!(app.update(Msg::Signal(SIGHUP)).is_empty());
    assert!(app.update(Msg::Signal(SIGTERM)).is_empty());
    let answer = Msg::Done(Box::new(JobResult::Background(Ok(()))));
    assert_eq!(exit_of(&app.update(answer)), Some(Exit::FINE));
}

#[test]
fn a_hangup_lets_go_a_run_that_is_on_its_way_to_the_background_and_sigterm_does_not() {
    let mut app = training();
    app.leaving = Some(Leaving::Background("runs/a".into()));
    assert!(app.update(Msg::Signal(SIGHUP)).is_empty());
    assert!(matches!(app.leaving, Some(Leaving::Background(_))));
    app.update(Msg::Signal(SIGTERM));
    assert_eq!(app.leaving, Some(Leaving::Quit(143)));
}

#[test]
fn a_run_that_is_complete_meanwhile_needs_no_background() {
    let mut app = training();
    app.leaving = Some(Leaving::Background("runs/a".into()));
    assert_eq!(exit_of(&app.update(finished(Outcome::Completed))), Some(Exit::FINE));
}

#[test]
fn a_background_that_fails_is_told_and_the_interface_stays() {
    let mut app = training();
    app.leaving = Some(Leaving::Background("runs/a".into()));
    app.update(finished(Outcome::Stopped));
    assert!(app.update(Msg::Done(Box::new(JobResult::Background(Err("no.".into()))))).is_empty());
    assert_eq!((app.leaving, app.ws.notice.unwrap().text), (None, "no.".into()));
}

/// Whether a message makes the screen be drawn again.
fn draws(app: &mut App, msg: Msg) -> bool {
    app.dirty = false;
    app.update(msg);
    app.dirty
}

#[test]
fn the_clock_draws_only_while_a_run_is_being_trained() {
    assert!(!draws(&mut app(), Msg::Tick(2.0)));
    let mut app = training();
    assert!(draws(&mut app, Msg::Tick(2.0)));
    app.update(event(Event::Paused { step: 1 }));
    assert!(!draws(&mut app, Msg::Tick(3.0)));
}

#[test]
fn runs_that_are_as_they_were_are_not_drawn_again() {
    let mut app = app();
    app.ws.tab = Tab::Runs;
    assert!(!draws(&mut app, Msg::Tick(2.0)));
    let none = || Msg::Done(Box::new(JobResult::Runs(Vec::new())));
    assert!(draws(&mut app, none()), "that there are none was not known");
    assert!(!draws(&mut app, none()));
    assert!(draws(&mut app, Msg::Printed("more".into())));
}

#[test]
fn the_end_of_a_long_run_rings_and_what_fails_later_does_not() {
    let mut app = training();
    let rings = |app: &mut App, event, time| {
        let msg = Msg::Event(Box::new(Stamped { event, time }));
        app.update(msg).iter().any(|effect| matches!(effect, Effect::Bell))
    };
    let failed = || Event::Failed { message: "no.".into(), cause: crate::protocol::event::Cause::Failure };
    assert!(rings(&mut app, failed(), 100.0));
    assert!(!rings(&mut app, failed(), 200.0));
    let mut app = training();
    assert!(!rings(&mut app, failed(), 20.0), "it was short");
}

/// An interface that shows samples of a data set, on a terminal that shows pictures this way.
fn with_samples(images: Images) -> App {
    let mut app = app();
    app.ws.settings.pictures = Way { images, tmux: false };
    app.ws.size = (100, 30);
    app.ws.tab = Tab::Data;
    let sample = |label: u8| Sample { label: label.into(), before: vec![label; 12], after: vec![99; 12] };
    let preview = Preview {
        classes: vec!["a".into(), "b".into()],
        class_counts: vec![1, 1],
        validation_images: 0,
        test_images: 0,
        mean: [1.0; 3],
        deviation: [1.0; 3],
        side: 2,
        notes: Vec::new(),
        samples: (0..2).map(sample).collect(),
    };
    app.ws.preview = Some((Box::new(app.ws.draft.recipe.clone()), Box::new(preview)));
    app
}

fn drawn(app: &App) -> (Buffer, Vec<Placed>) {
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
    let mut placed = Vec::new();
    terminal.draw(|frame| placed = app.draw(frame).1).unwrap();
    (terminal.backend().buffer().clone(), placed)
}

fn blocks(buffer: &Buffer) -> usize {
    buffer.content.iter().filter(|cell| cell.symbol() == "▀").count()
}

#[test]
fn a_terminal_that_draws_pictures_gets_them_apart_from_the_cells_and_none_below_a_prompt() {
    let mut app = with_samples(Images::Kitty);
    let (buffer, placed) = drawn(&app);
    assert_eq!((placed.len(), blocks(&buffer)), (4, 0));
    assert!(placed.iter().all(|one| one.is_free(&buffer)));
    app.update(Msg::Key(KeyEvent::new(KeyCode::Char('?'), KeyModifiers::NONE)));
    let (below, placed) = drawn(&app);
    assert!(app.overlay.prompt.is_some() && placed.is_empty());
    // As it is where the terminal draws none.
    app.ws.settings.pictures = Way::default();
    assert_eq!(drawn(&app).0, below);
    app.update(Msg::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)));
    assert!(blocks(&drawn(&app).0) > 0);
}

#[test]
fn pictures_in_cells_are_half_blocks_or_signs_of_ascii() {
    let (buffer, placed) = drawn(&with_samples(Images::HalfBlocks));
    assert!(placed.is_empty() && blocks(&buffer) > 0);
    let mut app = with_samples(Images::Ascii);
    app.ws.settings.glyphs.unicode = false;
    let (buffer, placed) = drawn(&app);
    assert!(placed.is_empty() && buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
}
