//! All messages: from the engine, the interface, and libraries that print.

use std::collections::VecDeque;

use crate::plain;

const KEPT: usize = 5_000;

/// A line and its time, in seconds since 1970 (0: before the clock was known).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogLine {
    pub(crate) time: f64,
    pub(crate) text: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    lines: VecDeque<LogLine>,
    /// Lines in all, with those that are no longer kept.
    pub(crate) count: usize,
}

impl Log {
    pub(crate) fn push(&mut self, time: f64, text: String) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.count += 1;
        self.lines.push_back(LogLine { time, text: plain::kept(text) });
    }

    /// The lines that contain `filter`, whatever the case.
    pub(crate) fn with(&self, filter: &str) -> Vec<&LogLine> {
        let filter = filter.to_lowercase();
        self.lines.iter().filter(|line| line.text.to_lowercase().contains(&filter)).collect()
    }

    /// The newest lines, oldest of them first.
    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = &LogLine> {
        self.lines.iter().skip(self.lines.len().saturating_sub(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_lines_go_and_a_filter_ignores_case() {
        let mut log = Log::default();
        (0..KEPT + 5).for_each(|i| log.push(0.0, format!("line {i}")));
        assert_eq!(log.with("").len(), KEPT);
        assert_eq!(log.with("")[0].text, "line 5");
        log.push(0.0, "Saved step 3".into());
        assert_eq!(log.with("SAVED").len(), 1);
    }
}
