//! The types of the key tables: the screens, the moves, and a row that binds keys to an action.

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
    Sweeps,
}

impl Tab {
    pub(crate) const ALL: [Self; 7] =
        [Self::Recipe, Self::Train, Self::Runs, Self::Inspect, Self::Data, Self::Log, Self::Sweeps];

    pub(crate) const fn title(self) -> &'static str {
        ["Recipe", "Train", "Runs", "Inspect", "Data", "Log", "Sweeps"][self as usize]
    }
}

/// The value after `now`, or before it, in a list that goes round.
pub(crate) fn next_of<T: Copy + PartialEq>(all: &[T], now: T, forward: bool) -> T {
    let index = all.iter().position(|&value| value == now).unwrap_or(0);
    all[(index + if forward { 1 } else { all.len() - 1 }) % all.len()]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_goes_round() {
        assert_eq!(next_of(&Tab::ALL, Tab::Sweeps, true), Tab::Recipe);
        assert_eq!(next_of(&Tab::ALL, Tab::Recipe, false), Tab::Sweeps);
        assert_eq!(next_of(&Tab::ALL, Tab::Train, true), Tab::Runs);
    }
}
