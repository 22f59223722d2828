//! Everything that was said: by the engine, the interface, and whatever libraries print.

use std::collections::VecDeque;

use crate::plain;

/// Lines that are kept.
const KEPT: usize = 5_000;

/// A line and when it was said, in seconds since 1970 (0: before the clock was known).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) time: f64,
    pub(crate) text: String,
}

/// The lines, and what of them is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogScreen {
    lines: VecDeque<Said>,
    /// Only lines that contain this, whatever their case.
    pub(crate) filter: String,
    /// Lines that are below the view; 0 follows the end.
    pub(crate) behind: usize,
}

impl LogScreen {
    pub(crate) fn say(&mut self, time: f64, text: String) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        if self.behind > 0 {
            self.behind += 1;
        }
        self.lines.push_back(Said { time, text: plain::kept(text) });
    }

    /// The lines that pass the filter.
    pub(crate) fn shown(&self) -> Vec<&Said> {
        let filter = self.filter.to_lowercase();
        self.lines.iter().filter(|said| said.text.to_lowercase().contains(&filter)).collect()
    }

    /// The last line in view.
    pub(crate) fn last_shown(&self) -> Option<String> {
        let shown = self.shown();
        shown.get(shown.len().checked_sub(1 + self.behind)?).map(|said| said.text.clone())
    }

    /// The newest lines, oldest of them first.
    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = &Said> {
        self.lines.iter().skip(self.lines.len().saturating_sub(count))
    }

    /// Scrolls by `lines`, up below 0.
    pub(crate) fn scroll(&mut self, lines: isize) {
        let last = self.shown().len().saturating_sub(1);
        self.behind = self.behind.saturating_add_signed(-lines).min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_stays_where_it_is_while_more_is_said_and_old_lines_go() {
        let mut log = LogScreen::default();
        (0..KEPT + 5).for_each(|i| log.say(0.0, format!("line {i}")));
        assert_eq!(log.shown().len(), KEPT);
        assert_eq!(log.shown()[0].text, "line 5");
        log.scroll(-3);
        log.say(0.0, "more".into());
        assert_eq!(log.behind, 4);
        log.scroll(100);
        assert_eq!(log.behind, 0);
    }

    #[test]
    fn a_filter_ignores_case() {
        let mut log = LogScreen::default();
        log.say(0.0, "Saved step 3".into());
        log.say(0.0, "epoch 1".into());
        log.filter = "SAVED".into();
        assert_eq!(log.shown().len(), 1);
    }
}
