//! The actions and their keys: the tables from which dispatch, footer, help and palette derive.

pub(crate) mod binding;
pub(crate) mod data;
pub(crate) mod inspect;
pub(crate) mod recipe;
pub(crate) mod runs;
pub(crate) mod sweeps;
pub(crate) mod train;

use std::sync::LazyLock;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::ui::keys::binding::{Binding, Motion, Tab, bind};

/// An action that a user can request, with the screen that performs it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Global(Global),
    Move(Motion),
    Recipe(recipe::Do),
    Train(train::Do),
    Runs(runs::Do),
    Inspect(inspect::Do),
    Data(data::Do),
    Sweeps(sweeps::Do),
}

impl Action {
    /// The screen where its effect is visible; `None` if any will do.
    pub(crate) fn seen_on(&self) -> Option<Tab> {
        use recipe::Do::{Open, Preset, Set, Start, Write};
        match self {
            Self::Global(_) | Self::Move(_) | Self::Recipe(Start | Preset | Write | Open | Set) => None,
            Self::Recipe(_) => Some(Tab::Recipe),
            Self::Train(what) => (!what.steers()).then_some(Tab::Train),
            Self::Runs(what) => what.is_about_the_cursor().then_some(Tab::Runs),
            Self::Inspect(_) => Some(Tab::Inspect),
            Self::Data(_) => Some(Tab::Data),
            Self::Sweeps(what) => what.is_about_the_screen().then_some(Tab::Sweeps),
        }
    }
}

/// The actions of every screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Global {
    Show(Tab),
    Help,
    CommandLine,
    Palette,
    /// Of the screen that is shown; with an argument: by these words.
    Filter,
    Back,
    Copy,
    /// With an argument: the theme of that name.
    Theme,
    Mouse,
    Redraw,
    Suspend,
    Quit,
    /// Quits, and lets another process continue the run.
    LeaveInBackground,
    StopAndQuit,
}

#[rustfmt::skip]
const EVERYWHERE: &[Binding<Action>] = &[
    bind(&["1"], Action::Global(Global::Show(Tab::Recipe)), "recipe", "Recipe"),
    bind(&["2"], Action::Global(Global::Show(Tab::Train)), "train", "Train"),
    bind(&["3"], Action::Global(Global::Show(Tab::Runs)), "runs", "Runs"),
    bind(&["4"], Action::Global(Global::Show(Tab::Inspect)), "inspection", "Inspect"),
    bind(&["5"], Action::Global(Global::Show(Tab::Data)), "data", "Data"),
    bind(&["6"], Action::Global(Global::Show(Tab::Log)), "log", "Log"),
    bind(&["7"], Action::Global(Global::Show(Tab::Sweeps)), "sweeps", "Sweeps"),
    bind(&["?", "F1"], Action::Global(Global::Help), "help", "all keys"),
    bind(&[":"], Action::Global(Global::CommandLine), "command-line", "command line"),
    bind(&["ctrl-p"], Action::Global(Global::Palette), "palette", "find an action"),
    bind(&["/"], Action::Global(Global::Filter), "filter", "filter what is shown"),
    bind(&["tab"], Action::Move(Motion::NextPane), "next-pane", "next pane"),
    bind(&["backtab"], Action::Move(Motion::PreviousPane), "previous-pane", "previous pane"),
    bind(&["up", "k"], Action::Move(Motion::Up), "up", "up"),
    bind(&["down", "j"], Action::Move(Motion::Down), "down", "down"),
    bind(&["left", "h"], Action::Move(Motion::Left), "left", "left"),
    bind(&["right", "l"], Action::Move(Motion::Right), "right", "right"),
    bind(&["pageup"], Action::Move(Motion::PageUp), "page-up", "a page up"),
    bind(&["pagedown"], Action::Move(Motion::PageDown), "page-down", "a page down"),
    bind(&["g", "home"], Action::Move(Motion::Top), "top", "to the first"),
    bind(&["G", "end"], Action::Move(Motion::Bottom), "bottom", "to the last"),
    bind(&["enter"], Action::Move(Motion::Enter), "enter", "open"),
    bind(&["esc"], Action::Global(Global::Back), "back", "back"),
    bind(&["y"], Action::Global(Global::Copy), "copy", "copy the value"),
    bind(&["T"], Action::Global(Global::Theme), "theme", "choose a theme"),
    bind(&["M"], Action::Global(Global::Mouse), "mouse", "toggle mouse capture"),
    bind(&["ctrl-l"], Action::Global(Global::Redraw), "redraw", "redraw"),
    bind(&["ctrl-z"], Action::Global(Global::Suspend), "suspend", "suspend (training pauses too)"),
    bind(&["q", "ctrl-c"], Action::Global(Global::Quit), "quit", "quit"),
];

/// Former names, which key files may still have.
const FORMER: [(&str, &str); 2] = [("rough", "smooth-less"), ("look", "inspect-again")];

/// Every key, with the screen where it holds; `None`: everywhere.
pub(crate) static BINDINGS: LazyLock<Vec<(Option<Tab>, Binding<Action>)>> = LazyLock::new(|| {
    let mut all = Vec::new();
    on(Tab::Recipe, recipe::KEYS, Action::Recipe, &mut all);
    on(Tab::Train, train::KEYS, Action::Train, &mut all);
    on(Tab::Runs, runs::KEYS, Action::Runs, &mut all);
    on(Tab::Inspect, inspect::KEYS, Action::Inspect, &mut all);
    on(Tab::Data, data::KEYS, Action::Data, &mut all);
    on(Tab::Sweeps, sweeps::KEYS, Action::Sweeps, &mut all);
    all.extend(EVERYWHERE.iter().map(|binding| (None, binding.clone())));
    all
});

fn on<A: Clone>(
    tab: Tab,
    table: &[Binding<A>],
    whole: fn(A) -> Action,
    all: &mut Vec<(Option<Tab>, Binding<Action>)>,
) {
    let row = |of: &Binding<A>| (Some(tab), bind(of.keys, whole(of.action.clone()), of.name, of.help));
    all.extend(table.iter().map(row));
}

/// Rows of the table by an action's name, in use or former.
fn rows_of(name: &str) -> impl Iterator<Item = usize> {
    let name = FORMER.iter().find(|(former, _)| *former == name).map_or(name, |(_, now)| now);
    (0..BINDINGS.len()).filter(move |&row| BINDINGS[row].1.name == name)
}

pub(crate) fn action(name: &str) -> Option<&'static Action> {
    rows_of(name).next().map(|row| &BINDINGS[row].1.action)
}

/// The keys in force: the table with a person's own.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// For each row of the table, its keys.
    keys: Vec<Vec<String>>,
}

impl Default for Keys {
    fn default() -> Self {
        let own = |(_, binding): &(Option<Tab>, Binding<Action>)| {
            binding.keys.iter().map(|&key| key.to_owned()).collect()
        };
        Self { keys: BINDINGS.iter().map(own).collect() }
    }
}

impl Keys {
    /// The table with a person's own keys: place in a file, action's name, keys. What is wrong with those is
    /// returned as sentences.
    pub(crate) fn with<'a>(
        own: impl IntoIterator<Item = (&'a str, &'a str, &'a [String])>,
    ) -> (Self, Vec<String>) {
        let (mut all, mut warnings) = (Self::default(), Vec::new());
        for (place, name, keys) in own {
            let rows: Vec<usize> = rows_of(name).collect();
            if rows.is_empty() {
                warnings.push(format!("{place}: `{name}` is no action; `?` lists them."));
            }
            if let Some(bad) = keys.iter().find(|key| !is_key(key)) {
                warnings.push(format!("{place}: `{bad}` is no key, as in ctrl-r, F5, enter or x."));
                continue;
            }
            for row in rows {
                all.keys[row].clone_from(&keys.to_vec());
                warnings.extend(all.clashes(row).map(|(key, other)| {
                    format!("{place}: `{key}` is also the key of `{}` there.", BINDINGS[other].1.name)
                }));
            }
        }
        (all, warnings)
    }

    /// Rows at the place of `row` that have one of its keys too.
    fn clashes(&self, row: usize) -> impl Iterator<Item = (String, usize)> {
        rows_at(BINDINGS[row].0).filter(move |&other| other != row).filter_map(move |other| {
            let shared = self.keys[row].iter().find(|key| self.keys[other].contains(key))?;
            Some((shared.clone(), other))
        })
    }

    /// The action of `key` on a screen: its own keys come before those that hold everywhere.
    pub(crate) fn action(&self, tab: Tab, key: KeyEvent) -> Option<Action> {
        let name = name_of(key)?;
        let holds = |row: &usize| self.keys[*row].contains(&name);
        let row = rows_at(Some(tab)).chain(rows_at(None)).find(holds)?;
        Some(BINDINGS[row].1.action.clone())
    }

    /// Rows with their keys: those of a screen, or those that hold everywhere.
    pub(crate) fn rows(&self, place: Option<Tab>) -> Vec<(&'static Binding<Action>, String)> {
        rows_at(place).map(|row| (&BINDINGS[row].1, self.keys[row].join(" "))).collect()
    }
}

/// Rows that hold at a place.
fn rows_at(place: Option<Tab>) -> impl Iterator<Item = usize> {
    (0..BINDINGS.len()).filter(move |&row| BINDINGS[row].0 == place)
}

/// Keys that are not one letter.
const NAMED: [(KeyCode, &str); 13] = [
    (KeyCode::Char(' '), "space"),
    (KeyCode::Enter, "enter"),
    (KeyCode::Esc, "esc"),
    (KeyCode::Tab, "tab"),
    (KeyCode::BackTab, "backtab"),
    (KeyCode::Up, "up"),
    (KeyCode::Down, "down"),
    (KeyCode::Left, "left"),
    (KeyCode::Right, "right"),
    (KeyCode::PageUp, "pageup"),
    (KeyCode::PageDown, "pagedown"),
    (KeyCode::Home, "home"),
    (KeyCode::End, "end"),
];

/// A key event in the words of the table; `None` if it has no name there.
fn name_of(key: KeyEvent) -> Option<String> {
    let name = match (NAMED.iter().find(|(code, _)| *code == key.code), key.code) {
        (Some((_, name)), _) => (*name).to_owned(),
        (None, KeyCode::Char(c)) => c.to_string(),
        (None, KeyCode::F(n)) => format!("F{n}"),
        _ => return None,
    };
    let held = |modifier| key.code != KeyCode::BackTab && key.modifiers.contains(modifier);
    Some(if held(KeyModifiers::ALT) {
        format!("alt-{name}")
    } else if held(KeyModifiers::CONTROL) {
        format!("ctrl-{name}")
    } else {
        name
    })
}

fn is_key(word: &str) -> bool {
    let bare = word.strip_prefix("ctrl-").or_else(|| word.strip_prefix("alt-")).unwrap_or(word);
    bare.chars().count() == 1
        || NAMED.iter().any(|(_, name)| *name == bare)
        || bare.strip_prefix('F').is_some_and(|n| n.parse::<u8>().is_ok_and(|n| (1..=12).contains(&n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn a_screens_own_key_comes_before_one_that_holds_everywhere() {
        let keys = Keys::default();
        let x = key(KeyCode::Char('x'), KeyModifiers::NONE);
        assert_eq!(keys.action(Tab::Train, x), Some(Action::Train(train::Do::XAxis)));
        assert_eq!(keys.action(Tab::Recipe, x), Some(Action::Recipe(recipe::Do::Reset)));
        assert_eq!(keys.action(Tab::Log, x), None);
        let quit = key(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(keys.action(Tab::Log, quit), Some(Action::Global(Global::Quit)));
    }

    #[test]
    fn no_key_means_two_things_at_one_place() {
        for screen in Tab::ALL {
            for place in [Some(screen), None] {
                let mut seen = std::collections::BTreeSet::new();
                for (_, binding) in BINDINGS.iter().filter(|(at, _)| *at == place) {
                    for key in binding.keys {
                        assert!(is_key(key), "{key}");
                        assert!(seen.insert(key), "{key} twice on {place:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn own_keys_replace_those_of_the_table_and_wrong_ones_are_told() {
        let words = |word: &str| vec![word.to_owned()];
        let (quit, fly, save, pause) = (words("Q"), words("f"), words("hyper-s"), words("e"));
        let (keys, warnings) = Keys::with([
            ("line 1", "quit", &quit[..]),
            ("line 2", "fly", &fly[..]),
            ("line 3", "save", &save[..]),
            ("line 4", "pause", &pause[..]),
        ]);
        assert_eq!(keys.action(Tab::Log, key(KeyCode::Char('q'), KeyModifiers::NONE)), None);
        assert_eq!(
            keys.action(Tab::Log, key(KeyCode::Char('Q'), KeyModifiers::NONE)),
            Some(Action::Global(Global::Quit))
        );
        assert_eq!(
            warnings,
            [
                "line 2: `fly` is no action; `?` lists them.",
                "line 3: `hyper-s` is no key, as in ctrl-r, F5, enter or x.",
                "line 4: `e` is also the key of `evaluate` there.",
            ]
        );
    }

    #[test]
    fn a_former_name_still_means_its_action() {
        let own = ["F2".to_owned()];
        let (keys, warnings) = Keys::with([("line 1", "rough", &own[..]), ("line 2", "look", &own[..])]);
        assert!(warnings.is_empty(), "{warnings:?}");
        let f2 = key(KeyCode::F(2), KeyModifiers::NONE);
        assert_eq!(keys.action(Tab::Train, f2), Some(Action::Train(train::Do::SmoothLess)));
        assert_eq!(keys.action(Tab::Inspect, f2), Some(Action::Inspect(inspect::Do::Inspect)));
        assert_eq!(action("rough"), Some(&Action::Train(train::Do::SmoothLess)));
    }

    /// The table of `docs/keys.md`: where, keys, what for, name.
    fn markdown() -> String {
        let mut text = String::from("| where | keys | what | name |\n|---|---|---|---|\n");
        for place in [None].into_iter().chain(Tab::ALL.map(Some)) {
            for (_, binding) in BINDINGS.iter().filter(|(at, _)| *at == place) {
                let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
                let place = place.map_or("everywhere", Tab::title);
                let row =
                    format!("| {place} | {} | {} | `{}` |\n", keys.join(" "), binding.help, binding.name);
                text.push_str(&row);
            }
        }
        text
    }

    #[test]
    fn the_page_of_keys_has_the_keys_of_the_table() {
        const BOUNDS: [&str; 2] = ["<!-- keys -->\n", "<!-- /keys -->\n"];
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
        let page = std::fs::read_to_string(file).unwrap();
        let (before, rest) = page.split_once(BOUNDS[0]).expect("where the keys begin");
        let (found, after) = rest.split_once(BOUNDS[1]).expect("where the keys end");
        if std::env::var_os("DENSENET_TUI_PICTURES").is_some_and(|word| word == "write") {
            let text = [before, BOUNDS[0], &markdown(), BOUNDS[1], after].concat();
            std::fs::write(file, text).unwrap();
        } else {
            assert_eq!(found, markdown(), "DENSENET_TUI_PICTURES=write cargo test --lib ui:: updates it");
        }
    }
}
