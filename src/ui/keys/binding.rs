//! The words of the key tables: the screens, the moves, and a row that binds keys to an action.

/// The screens, in the order of their digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Recipe,
    Train,
    Runs,
    Inspect,
    Data,
    Log,
}

impl Tab {
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

/// A move within the screen that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
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
}

impl Motion {
    /// Where this moves from `row` of `count` rows, `page` at a time; `None` where it is no move by rows.
    pub(crate) fn row(self, row: usize, count: usize, page: usize) -> Option<usize> {
        let last = count.saturating_sub(1);
        Some(match self {
            Self::Up => row.saturating_sub(1),
            Self::Down => (row + 1).min(last),
            Self::PageUp => row.saturating_sub(page),
            Self::PageDown => (row + page).min(last),
            Self::Top => 0,
            Self::Bottom => last,
            _ => return None,
        })
    }
}

/// A row of a key table.
#[derive(Clone, Debug)]
pub(crate) struct Binding<A: 'static> {
    /// Keys as they are written in help and key files.
    pub(crate) keys: &'static [&'static str],
    pub(crate) action: A,
    /// The name in a key file and on the command line.
    pub(crate) name: &'static str,
    /// What it does, in a few words.
    pub(crate) help: &'static str,
}

pub(crate) const fn bind<A>(
    keys: &'static [&'static str],
    action: A,
    name: &'static str,
    help: &'static str,
) -> Binding<A> {
    Binding { keys, action, name, help }
}
