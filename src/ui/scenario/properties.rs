//! Whatever is pressed, clicked, resized or received, in whatever order: nothing panics, and nothing is drawn
//! outside of the screen (the screen in memory panics at that).

use std::sync::LazyLock;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::fixtures;
use super::script::Head;
use super::stage::Stage;
use crate::protocol::Stamped;
use crate::ui::effect::{Job, Msg};
use crate::ui::keys::binding::Tab;
use crate::ui::keys::{Action, BINDINGS};
use crate::ui::prompt::{Item, Prompt};
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::theme::Theme;

/// Real events of runs and answers, and some that are not meant to come, or not in this order.
static EVENTS: LazyLock<Vec<Stamped>> = LazyLock::new(|| {
    let mut events = Vec::new();
    for run in ["shapes-k8", "shapes-diverged", "shapes-stopped"] {
        events.extend(fixtures::journal(run).unwrap());
    }
    events.extend(["inspected", "previewed", "explained"].map(|name| fixtures::answer(name, 1).unwrap()));
    events.extend(STRANGE.iter().map(|line| fixtures::event(line, 1.0).unwrap()));
    events
});

const STRANGE: &[&str] = &[
    r#"{"event":"step","epoch":0,"step":0,"steps":0,"loss":null,"accuracy":null,"learning_rate":0.0,"images_per_second":0.0}"#,
    r#"{"event":"step","epoch":9,"step":9007199254740993,"steps":1,"loss":1e300,"accuracy":-1.0,"learning_rate":1e-300,"images_per_second":1e300}"#,
    r#"{"event":"epoch","epoch":1,"step":3,"train":{"loss":null,"accuracy":null},"validation":null,"seconds":0.0,"images_per_second":0.0,"best":true}"#,
    r#"{"event":"epoch","epoch":2,"step":6,"train":{"loss":1.0,"accuracy":0.1},"validation":{"loss":null,"accuracy":0.5},"class_accuracy":[0.5,null],"seconds":1e9,"images_per_second":1e-9,"best":false}"#,
    r#"{"event":"phase","phase":"validating","done":7,"total":0}"#,
    r#"{"event":"paused","step":0}"#,
    r#"{"event":"continued","step":0}"#,
    r#"{"event":"changed","change":{"lr":1e-30},"step":2}"#,
    r#"{"event":"changed","change":{"epochs":1},"step":99999}"#,
    r#"{"event":"saved","path":"","step":1}"#,
    r#"{"event":"warning","message":"a word that is as long as a whole screen is wide, 宽字, and then much more of that kind"}"#,
    r#"{"event":"refused","message":""}"#,
    r#"{"event":"failed","message":"it failed","cause":"panic"}"#,
    r#"{"event":"previewed","classes":[],"class_counts":[],"mean":[-1.0,0.0,1e9],"deviation":[0.0,0.0,0.0],"side":0,"samples":[]}"#,
    r#"{"event":"previewed","classes":["a"],"class_counts":[0],"mean":[0.0,0.0,0.0],"deviation":[0.0,0.0,0.0],"side":3,"notes":["",""],"samples":[{"label":0}]}"#,
    r#"{"event":"inspected","split":"validation","figures":{"loss":null,"accuracy":null},"classes":[],"confusion":[],"mistakes":[]}"#,
    r#"{"event":"inspected","split":"test","step":1,"figures":{"loss":0.0,"accuracy":1.0},"classes":["宽字宽字宽字宽字"],"confusion":[[0]],"side":4,"mistakes":[{"index":0,"label":0,"prediction":0,"probability":null}],"reuse":[{"block":1,"cells":[[null]]},{"block":2,"cells":[]}],"scales":[{"name":"","mean":null,"deviation":null,"zeros":0.0,"dead":1.0,"gradient":null}]}"#,
];

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Resize(u16, u16),
    /// By its number in [`EVENTS`].
    Event(usize),
    Other(u8),
    /// The disk does what is wanted of it.
    Disk,
}

fn size() -> impl Strategy<Value = (u16, u16)> {
    let small = (0u16..=70, 0u16..=20);
    let any = (0u16..=300, 0u16..=100);
    prop_oneof![small, any, Just((80, 24)), Just((60, 16)), Just((1, 1)), Just((300, 100))]
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let bound = (0..BINDINGS.len()).prop_map(|row| super::script::key(BINDINGS[row].1.keys[0]).unwrap());
    let typed = "[a-zA-Z0-9 .:/?,-]|é|宽".prop_map(|text| {
        KeyEvent::new(KeyCode::Char(text.chars().next().unwrap_or('a')), KeyModifiers::NONE)
    });
    let ends = prop_oneof![
        Just(KeyCode::Enter),
        Just(KeyCode::Esc),
        Just(KeyCode::Backspace),
        Just(KeyCode::Delete)
    ];
    prop_oneof![4 => bound, 2 => typed, 2 => ends.prop_map(|code| KeyEvent::new(code, KeyModifiers::NONE))]
}

fn mouse() -> impl Strategy<Value = MouseEvent> {
    let kind = prop_oneof![
        Just(MouseEventKind::Down(MouseButton::Left)),
        Just(MouseEventKind::Up(MouseButton::Left)),
        Just(MouseEventKind::Drag(MouseButton::Left)),
        Just(MouseEventKind::Down(MouseButton::Right)),
        Just(MouseEventKind::Moved),
        Just(MouseEventKind::ScrollUp),
        Just(MouseEventKind::ScrollDown),
    ];
    let place = prop_oneof![0u16..120, Just(u16::MAX)];
    (kind, place, 0u16..50).prop_map(|(kind, column, row)| MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => key().prop_map(Happening::Key),
        2 => mouse().prop_map(Happening::Mouse),
        1 => size().prop_map(|(columns, rows)| Happening::Resize(columns, rows)),
        4 => (0..EVENTS.len()).prop_map(Happening::Event),
        1 => (0u8..6).prop_map(Happening::Other),
        2 => Just(Happening::Disk),
    ]
}

fn head() -> impl Strategy<Value = Head> {
    let theme = (0..Theme::names().len()).prop_map(|index| Theme::names()[index].to_owned());
    let levels = [ColourLevel::None, ColourLevel::C16, ColourLevel::C256, ColourLevel::True];
    let colour = (0..levels.len()).prop_map(move |index| levels[index]);
    (size(), theme, colour, any::<bool>()).prop_map(|(size, theme, colour, unicode)| Head {
        size,
        theme,
        colour,
        unicode,
        ..Head::default()
    })
}

impl Stage {
    fn happen(&mut self, what: &Happening) {
        match what {
            Happening::Key(key) => self.send(Msg::Key(*key)),
            Happening::Mouse(mouse) => self.send(Msg::Mouse(*mouse)),
            Happening::Resize(columns, rows) => self.send(Msg::Resize(*columns, *rows)),
            Happening::Event(number) => self.send(Msg::Event(Box::new(EVENTS[*number].clone()))),
            Happening::Other(0) => self.send(Msg::EngineGone),
            Happening::Other(1) => self.send(Msg::Paste("0.5\n\u{1b}宽".into())),
            Happening::Other(2) => self.send(Msg::Printed("\u{1b}[31mred\ttab".into())),
            Happening::Other(3) => self.send(Msg::Signal(15)),
            Happening::Other(4) => self.send(Msg::Tick(0.0)),
            Happening::Other(_) => self.send(Msg::Tick(1e12)),
            Happening::Disk => {
                let wanted = self.effects.drain(..).find_map(|effect| match effect {
                    crate::ui::effect::Effect::Job(work @ (Job::ListRuns | Job::ReadJournal(_))) => {
                        Some(work)
                    }
                    _ => None,
                });
                if let Some(work) = wanted {
                    self.send(Msg::Done(Box::new(fixtures::on_disk(work, "runs"))));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_in_any_order_at_any_size_panics_or_draws_outside(
        head in head(),
        happenings in prop::collection::vec(happening(), 1..40),
    ) {
        let mut stage = Stage::new(&head);
        stage.draw();
        for what in &happenings {
            stage.happen(what);
        }
    }
}

/// The interface after an action was chosen while `tab` is shown.
fn chosen(action: &Action, tab: Tab, training: bool) -> Stage {
    let mut stage = Stage::new(&Head { size: (100, 30), ..Head::default() });
    let events = fixtures::journal("2026-11-24-025717-cifar10").unwrap();
    let end = if training { events.len() / 2 } else { events.len() };
    let answers = ["inspected", "previewed", "explained"].map(|name| fixtures::answer(name, 1).unwrap());
    for event in events.into_iter().take(end).chain(answers) {
        stage.app.update(Msg::Event(Box::new(event)));
    }
    stage.app.update(Msg::Done(Box::new(fixtures::on_disk(Job::ListRuns, "runs"))));
    stage.app.ws.tab = tab;
    stage.app.ws.notice = None;
    let item = Item { name: String::new(), about: String::new(), action: action.clone(), argument: None };
    stage.app.overlay.prompt = Some(Prompt::list("", std::iter::once(item)));
    stage.send(Msg::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
    stage
}

/// The outcome: notice, prompt, effects and frame.
fn outcome(stage: &Stage) -> [String; 4] {
    // Runs and sweeps are listed whenever they are shown.
    let is_list = |effect: &String| ["list runs", "list sweeps"].contains(&effect.as_str());
    let wanted = stage.described().into_iter().filter(|effect| !is_list(effect)).collect::<Vec<_>>();
    let (notice, prompt) = (&stage.app.ws.notice, &stage.app.overlay.prompt);
    [format!("{notice:?}"), format!("{prompt:?}"), wanted.join(", "), stage.draw().text()]
}

#[test]
fn an_action_does_the_same_from_every_screen_as_from_its_own() {
    for (own, binding) in BINDINGS.iter() {
        let Some(own) = *own else { continue };
        for training in [true, false] {
            let there = chosen(&binding.action, own, training);
            for tab in Tab::ALL {
                let mut here = chosen(&binding.action, tab, training);
                if here.app.ws.tab == tab && binding.action.seen_on().is_none() {
                    here.app.ws.tab = there.app.ws.tab;
                }
                let name = binding.name;
                assert_eq!(outcome(&here), outcome(&there), "{name} on {tab:?}, training: {training}");
            }
        }
    }
}

#[test]
fn no_two_actions_have_one_name() {
    let names: std::collections::BTreeSet<&str> = BINDINGS.iter().map(|(_, binding)| binding.name).collect();
    assert_eq!(names.len(), BINDINGS.len());
}

#[test]
fn every_screen_draws_at_every_size_around_the_smallest() {
    let mut stage = Stage::new(&Head::default());
    for run in ["shapes-k8"] {
        for event in fixtures::journal(run).unwrap() {
            stage.send(Msg::Event(Box::new(event)));
        }
    }
    for name in ["inspected", "previewed", "explained"] {
        stage.send(Msg::Event(Box::new(fixtures::answer(name, stage.app.ws.questions).unwrap())));
    }
    for screen in '1'..='6' {
        stage.send(Msg::Key(KeyEvent::new(KeyCode::Char(screen), KeyModifiers::NONE)));
        for columns in [0, 1, 2, 59, 60, 61, 79, 99, 100, 101, 300] {
            for rows in [0, 1, 2, 15, 16, 17, 23, 24, 100] {
                stage.send(Msg::Resize(columns, rows));
            }
        }
    }
}
