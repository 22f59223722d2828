//! What can be done, and by which keys: one table, from which dispatch, footer, help and palette derive.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something a person can ask the interface to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Action {
    Quit,
    Help,
    Palette,
    CommandLine,
    Filter,
    Redraw,
    Suspend,
    ReleaseMouse,
    Theme,
    Screen(Screen),
    NextPane,
    PreviousPane,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Enter,
    Back,
    Start,
    Preset,
    NextChoice,
    ResetField,
    AllBlocks,
    SaveRecipe,
    LoadRecipe,
    PauseOrContinue,
    Save,
    Evaluate,
    Stop,
    ChangeRate,
    ChangeEpochs,
    MoreSmoothing,
    LessSmoothing,
    NoSmoothing,
    LogY,
    LogX,
    XAxis,
    ZoomIn,
    ZoomOut,
    PanLeft,
    PanRight,
    ResetView,
    Maximise,
    Freeze,
    Mark,
    Sort,
    Resume,
    Clone,
    Delete,
    Export,
    Reload,
    Inspect,
    NextView,
    PreviousView,
    Pair,
    NextBlock,
    PreviousBlock,
    ByRow,
    Split,
    Copy,
}

/// The screens, in the order of their digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Screen {
    #[default]
    Recipe,
    Train,
    Runs,
    Inspect,
    Data,
    Log,
}

impl Screen {
    pub(crate) const ALL: [Self; 6] =
        [Self::Recipe, Self::Train, Self::Runs, Self::Inspect, Self::Data, Self::Log];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Recipe => "Recipe",
            Self::Train => "Train",
            Self::Runs => "Runs",
            Self::Inspect => "Inspect",
            Self::Data => "Data",
            Self::Log => "Log",
        }
    }
}

/// A row of the key table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// Where it holds; `None`: everywhere.
    pub(crate) screen: Option<Screen>,
    /// Keys as they are written in help and key files.
    pub(crate) keys: &'static [&'static str],
    pub(crate) action: Action,
    /// The name in a key file and on the command line.
    pub(crate) name: &'static str,
    /// What it does, in a few words.
    pub(crate) help: &'static str,
    /// Whether the footer shows it.
    pub(crate) footer: bool,
}

const fn everywhere(
    keys: &'static [&'static str],
    action: Action,
    name: &'static str,
    help: &'static str,
) -> Binding {
    Binding { screen: None, keys, action, name, help, footer: false }
}

const fn on(
    screen: Screen,
    keys: &'static [&'static str],
    action: Action,
    name: &'static str,
    help: &'static str,
) -> Binding {
    Binding { screen: Some(screen), keys, action, name, help, footer: true }
}

/// Every key.
#[rustfmt::skip]
pub(crate) const BINDINGS: &[Binding] = &[
    on(Screen::Recipe, &["ctrl-r"], Action::Start, "start", "start training"),
    on(Screen::Recipe, &["enter"], Action::Enter, "edit", "edit the field"),
    on(Screen::Recipe, &["space"], Action::NextChoice, "choice", "next choice"),
    on(Screen::Recipe, &["p"], Action::Preset, "preset", "presets"),
    on(Screen::Recipe, &["x"], Action::ResetField, "reset-field", "back to the default"),
    on(Screen::Recipe, &["ctrl-s"], Action::SaveRecipe, "write", "write the recipe to a file"),
    on(Screen::Recipe, &["ctrl-o"], Action::LoadRecipe, "open", "read a recipe file"),
    on(Screen::Recipe, &["o"], Action::AllBlocks, "blocks", "close or open all blocks"),
    on(Screen::Train, &["space"], Action::PauseOrContinue, "pause", "pause or go on"),
    on(Screen::Train, &["s"], Action::Save, "save", "save now"),
    on(Screen::Train, &["e"], Action::Evaluate, "evaluate", "evaluate now"),
    on(Screen::Train, &["S"], Action::Stop, "stop", "stop and save"),
    on(Screen::Train, &["r"], Action::ChangeRate, "rate", "learning rate"),
    on(Screen::Train, &["E"], Action::ChangeEpochs, "epochs", "epochs"),
    on(Screen::Train, &["]"], Action::MoreSmoothing, "smooth", "smooth more"),
    on(Screen::Train, &["["], Action::LessSmoothing, "rough", "smooth less"),
    on(Screen::Train, &["0"], Action::NoSmoothing, "raw", "no smoothing"),
    on(Screen::Train, &["L"], Action::LogY, "log-y", "logarithmic loss"),
    on(Screen::Train, &["X"], Action::LogX, "log-x", "logarithmic x axis"),
    on(Screen::Train, &["x"], Action::XAxis, "x-axis", "x by step, epoch or time"),
    on(Screen::Train, &["+", "="], Action::ZoomIn, "zoom-in", "zoom in"),
    on(Screen::Train, &["-"], Action::ZoomOut, "zoom-out", "zoom out"),
    on(Screen::Train, &["<"], Action::PanLeft, "pan-left", "move a zoomed view left"),
    on(Screen::Train, &[">"], Action::PanRight, "pan-right", "move it right"),
    on(Screen::Train, &["R"], Action::ResetView, "reset-view", "see everything"),
    on(Screen::Train, &["z"], Action::Maximise, "maximise", "one chart alone"),
    on(Screen::Train, &["f"], Action::Freeze, "freeze", "freeze the view"),
    on(Screen::Runs, &["enter"], Action::Enter, "open-run", "its checkpoints"),
    on(Screen::Runs, &["space"], Action::Mark, "mark", "mark for the chart"),
    on(Screen::Runs, &["r"], Action::Resume, "resume", "go on, or restore"),
    on(Screen::Runs, &["c"], Action::Clone, "clone", "clone into a recipe"),
    on(Screen::Runs, &["i"], Action::Inspect, "inspect", "inspect its best network"),
    on(Screen::Runs, &["o"], Action::Sort, "sort", "next order"),
    on(Screen::Runs, &["D"], Action::Delete, "delete", "delete (asks)"),
    on(Screen::Runs, &["E"], Action::Export, "export", "copy the checkpoint"),
    on(Screen::Runs, &["v"], Action::NextView, "measure", "what the chart shows"),
    on(Screen::Runs, &["x"], Action::XAxis, "runs-x-axis", "x by step, epoch or time"),
    on(Screen::Runs, &["L"], Action::LogY, "runs-log-y", "logarithmic chart"),
    on(Screen::Runs, &["F5"], Action::Reload, "reload", "read again"),
    on(Screen::Inspect, &["v"], Action::NextView, "view", "next view"),
    on(Screen::Inspect, &["V"], Action::PreviousView, "previous-view", "view before"),
    on(Screen::Inspect, &["i", "r"], Action::Inspect, "look", "inspect"),
    on(Screen::Inspect, &["m", "enter"], Action::Pair, "pair", "mistakes of the pair"),
    on(Screen::Inspect, &["o"], Action::Sort, "order", "order of classes"),
    on(Screen::Inspect, &["]"], Action::NextBlock, "next-block", "next block"),
    on(Screen::Inspect, &["["], Action::PreviousBlock, "previous-block", "block before"),
    on(Screen::Inspect, &["n"], Action::ByRow, "by-row", "shade reuse row by row"),
    on(Screen::Inspect, &["t"], Action::Split, "split", "which images"),
    on(Screen::Data, &["enter", "r"], Action::Enter, "preview", "read the data of the recipe"),
    everywhere(&["1"], Action::Screen(Screen::Recipe), "recipe", "Recipe"),
    everywhere(&["2"], Action::Screen(Screen::Train), "train", "Train"),
    everywhere(&["3"], Action::Screen(Screen::Runs), "runs", "Runs"),
    everywhere(&["4"], Action::Screen(Screen::Inspect), "inspection", "Inspect"),
    everywhere(&["5"], Action::Screen(Screen::Data), "data", "Data"),
    everywhere(&["6"], Action::Screen(Screen::Log), "log", "Log"),
    everywhere(&["?", "F1"], Action::Help, "help", "all keys"),
    everywhere(&[":"], Action::CommandLine, "command-line", "command line"),
    everywhere(&["ctrl-p"], Action::Palette, "palette", "find an action"),
    everywhere(&["/"], Action::Filter, "filter", "filter what is shown"),
    everywhere(&["tab"], Action::NextPane, "next-pane", "next pane"),
    everywhere(&["backtab"], Action::PreviousPane, "previous-pane", "previous pane"),
    everywhere(&["up", "k"], Action::Up, "up", "up"),
    everywhere(&["down", "j"], Action::Down, "down", "down"),
    everywhere(&["left", "h"], Action::Left, "left", "left"),
    everywhere(&["right", "l"], Action::Right, "right", "right"),
    everywhere(&["pageup"], Action::PageUp, "page-up", "a page up"),
    everywhere(&["pagedown"], Action::PageDown, "page-down", "a page down"),
    everywhere(&["g", "home"], Action::Top, "top", "to the first"),
    everywhere(&["G", "end"], Action::Bottom, "bottom", "to the last"),
    everywhere(&["enter"], Action::Enter, "enter", "open"),
    everywhere(&["esc"], Action::Back, "back", "one layer out"),
    everywhere(&["y"], Action::Copy, "copy", "copy the value"),
    everywhere(&["T"], Action::Theme, "theme", "another theme"),
    everywhere(&["M"], Action::ReleaseMouse, "mouse", "let the mouse go, or take it"),
    everywhere(&["ctrl-l"], Action::Redraw, "redraw", "draw again"),
    everywhere(&["ctrl-z"], Action::Suspend, "suspend", "suspend (training pauses too)"),
    everywhere(&["q", "ctrl-c"], Action::Quit, "quit", "quit"),
];

/// The keys in force: the table with a person's own.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// For each row of the table, its keys.
    keys: Vec<Vec<String>>,
}

impl Default for Keys {
    fn default() -> Self {
        let own = |binding: &Binding| binding.keys.iter().map(|&key| key.to_owned()).collect();
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
            let rows: Vec<usize> = (0..BINDINGS.len()).filter(|&row| BINDINGS[row].name == name).collect();
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
                    format!("{place}: `{key}` is also the key of `{}` there.", BINDINGS[other].name)
                }));
            }
        }
        (all, warnings)
    }

    /// Rows at the place of `row` that have one of its keys too.
    fn clashes(&self, row: usize) -> impl Iterator<Item = (String, usize)> {
        let same = move |other: &usize| *other != row && BINDINGS[*other].screen == BINDINGS[row].screen;
        (0..BINDINGS.len()).filter(same).filter_map(move |other| {
            let shared = self.keys[row].iter().find(|key| self.keys[other].contains(key))?;
            Some((shared.clone(), other))
        })
    }

    /// What `key` means on `screen`: its own keys before those that hold everywhere.
    pub(crate) fn action(&self, screen: Screen, key: KeyEvent) -> Option<Action> {
        let name = name_of(key)?;
        let holds = |row: &usize| self.keys[*row].contains(&name);
        let of = |place: Option<Screen>| {
            (0..BINDINGS.len()).filter(|&row| BINDINGS[row].screen == place).find(holds)
        };
        of(Some(screen)).or_else(|| of(None)).map(|row| BINDINGS[row].action)
    }

    /// Rows for `screen`, its own first, with their keys.
    pub(crate) fn rows(&self, screen: Screen) -> Vec<(&'static Binding, String)> {
        let of = |place: Option<Screen>| {
            (0..BINDINGS.len())
                .filter(move |&row| BINDINGS[row].screen == place)
                .map(|row| (&BINDINGS[row], self.keys[row].join(" ")))
        };
        of(Some(screen)).chain(of(None)).collect()
    }
}

/// A key event in the words of the table; `None` for what has no name there.
fn name_of(key: KeyEvent) -> Option<String> {
    let named = match key.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "enter".into(),
        KeyCode::Esc => "esc".into(),
        KeyCode::Tab => "tab".into(),
        KeyCode::BackTab => return Some("backtab".into()),
        KeyCode::Up => "up".into(),
        KeyCode::Down => "down".into(),
        KeyCode::Left => "left".into(),
        KeyCode::Right => "right".into(),
        KeyCode::PageUp => "pageup".into(),
        KeyCode::PageDown => "pagedown".into(),
        KeyCode::Home => "home".into(),
        KeyCode::End => "end".into(),
        KeyCode::F(n) => format!("F{n}"),
        _ => return None,
    };
    if key.modifiers.contains(KeyModifiers::ALT) {
        return Some(format!("alt-{named}"));
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) { Some(format!("ctrl-{named}")) } else { Some(named) }
}

fn is_key(word: &str) -> bool {
    let bare = word.strip_prefix("ctrl-").or_else(|| word.strip_prefix("alt-")).unwrap_or(word);
    let named =
        ["space", "enter", "esc", "tab", "backtab", "up", "down", "left", "right", "pageup", "pagedown"];
    bare.chars().count() == 1
        || named.contains(&bare)
        || ["home", "end"].contains(&bare)
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
        assert_eq!(keys.action(Screen::Train, x), Some(Action::XAxis));
        assert_eq!(keys.action(Screen::Recipe, x), Some(Action::ResetField));
        assert_eq!(keys.action(Screen::Log, x), None);
        let quit = key(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(keys.action(Screen::Log, quit), Some(Action::Quit));
    }

    #[test]
    fn no_key_means_two_things_at_one_place() {
        for screen in Screen::ALL {
            for place in [Some(screen), None] {
                let mut seen = std::collections::BTreeSet::new();
                for binding in BINDINGS.iter().filter(|binding| binding.screen == place) {
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
        assert_eq!(keys.action(Screen::Log, key(KeyCode::Char('q'), KeyModifiers::NONE)), None);
        assert_eq!(keys.action(Screen::Log, key(KeyCode::Char('Q'), KeyModifiers::NONE)), Some(Action::Quit));
        assert_eq!(
            warnings,
            [
                "line 2: `fly` is no action; `?` lists them.",
                "line 3: `hyper-s` is no key, as in ctrl-r, F5, enter or x.",
                "line 4: `e` is also the key of `evaluate` there.",
            ]
        );
    }

    /// The table of `docs/keys.md`: where, keys, what for, name.
    fn markdown() -> String {
        let mut text = String::from("| where | keys | what | name |\n|---|---|---|---|\n");
        for place in [None].into_iter().chain(Screen::ALL.map(Some)) {
            for binding in BINDINGS.iter().filter(|binding| binding.screen == place) {
                let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
                let place = place.map_or("everywhere", Screen::title);
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
