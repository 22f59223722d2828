//! Which of the messages are in view.

use crate::ui::workspace::log::{Log, LogLine};

#[derive(Clone, Debug, Default)]
pub(crate) struct LogScreen {
    /// Only lines that contain this, whatever their case.
    pub(crate) filter: String,
    /// Lines that were below the view when it was scrolled last; 0 follows the end.
    below: usize,
    /// Lines that there were then.
    then: usize,
}

impl LogScreen {
    pub(crate) fn shown<'a>(&self, log: &'a Log) -> Vec<&'a LogLine> {
        log.with(&self.filter)
    }

    /// Lines that are below the view, which stays where it is while lines are added.
    pub(crate) fn behind(&self, log: &Log) -> usize {
        if self.below == 0 { 0 } else { self.below + log.count - self.then }
    }

    pub(crate) fn last_shown(&self, log: &Log) -> Option<String> {
        let shown = self.shown(log);
        shown.get(shown.len().checked_sub(1 + self.behind(log))?).map(|line| line.text.clone())
    }

    /// Scrolls by `lines`, up below 0.
    pub(crate) fn scroll(&mut self, lines: isize, log: &Log) {
        let last = self.shown(log).len().saturating_sub(1);
        (self.below, self.then) = (self.behind(log).saturating_add_signed(-lines).min(last), log.count);
    }

    /// Follows the end.
    pub(crate) fn follow(&mut self) {
        self.below = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_stays_where_it_is_while_lines_are_added() {
        let (mut log, mut screen) = (Log::default(), LogScreen::default());
        (0..20).for_each(|i| log.push(0.0, format!("line {i}")));
        screen.scroll(-3, &log);
        log.push(0.0, "more".into());
        assert_eq!(screen.behind(&log), 4);
        assert_eq!(screen.last_shown(&log).as_deref(), Some("line 16"));
        screen.scroll(100, &log);
        assert_eq!(screen.behind(&log), 0);
    }
}
