//! The lines of a journal, one after the other, with never more than one of them in memory.

use std::io::{self, BufRead, Read};

use crate::protocol::{Event, Stamped};

/// Largest journal that is read, in bytes: many months of training.
pub(super) const LARGEST: u64 = 4 << 30;
/// Longest line that is read, in bytes: the inspection of a network for thousands of classes.
pub(super) const LONGEST_LINE: u64 = 64 << 20;

/// A line of a journal, without looking at what it says.
pub(super) enum Line<'a> {
    /// As it was written.
    Whole(&'a [u8]),
    /// Longer than a line may be.
    TooLong,
}

/// Goes through the lines of `file`; of one that is longer than `longest` bytes only a piece at a time is in memory.
pub(super) struct Lines<R> {
    file: R,
    longest: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn of(file: R, longest: u64) -> Self {
        Self { file, longest, line: Vec::new() }
    }

    /// What is read from.
    pub(super) fn into_inner(self) -> R {
        self.file
    }

    /// The next line. One without its end is being written, or was torn by a kill: it is none.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut from_its_beginning = true;
        loop {
            self.line.clear();
            Read::by_ref(&mut self.file).take(self.longest).read_until(b'\n', &mut self.line)?;
            if self.line.last() == Some(&b'\n') {
                return Ok(Some(if from_its_beginning { Line::Whole(&self.line) } else { Line::TooLong }));
            }
            if (self.line.len() as u64) < self.longest {
                return Ok(None);
            }
            from_its_beginning = false;
        }
    }
}

/// The events of `file` and how many of its lines are damaged.
pub(super) fn read_lines(file: impl BufRead, longest: u64) -> io::Result<(Vec<Stamped>, usize)> {
    let (mut events, mut damaged, mut lines) = (Vec::new(), 0, Lines::of(file, longest));
    while let Some(line) = lines.next()? {
        match line.event() {
            Some(event) => events.push(event),
            None => damaged += 1,
        }
    }
    Ok((events, damaged))
}

impl Line<'_> {
    /// The event on it; `None` where it is damaged, or holds a recipe that no run can have.
    pub(super) fn event(&self) -> Option<Stamped> {
        let Self::Whole(line) = self else { return None };
        let stamped: Stamped = serde_json::from_slice(line).ok()?;
        match &stamped.event {
            Event::Started(started) if started.recipe.validate().is_err() => None,
            _ => Some(stamped),
        }
    }

    /// Whether it has `word` anywhere.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        matches!(self, Self::Whole(line) if line.windows(word.len()).any(|part| part == word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Started;

    #[test]
    fn a_line_that_is_too_long_is_damaged_and_the_next_ones_are_read() {
        let line = |step: u64| format!("{{\"event\":\"paused\",\"step\":{step},\"time\":{step}.1}}\n");
        let longest = line(1).len() as u64;
        let read = |text: String| {
            let (events, damaged) = read_lines(text.as_bytes(), longest).unwrap();
            let step = |event: &Stamped| match event.event {
                Event::Paused { step } => step,
                _ => panic!("{event:?}"),
            };
            (events.iter().map(step).collect::<Vec<_>>(), damaged)
        };
        assert_eq!(read(line(1) + &line(10) + &line(2)), (vec![1, 2], 1));
        assert_eq!(read("x".repeat(500) + "\n" + &line(3)), (vec![3], 1));
        // One that is as long as a line may be without its end, or longer, was torn like a shorter one.
        let torn = line(3).trim_end().to_owned();
        assert_eq!(read(line(1) + &torn), (vec![1], 0));
        assert_eq!(read(line(1) + &torn + " "), (vec![1], 0));
        assert_eq!(read(line(1) + &torn + "  "), (vec![1], 0));
        assert_eq!(read(line(1) + &"x".repeat(500)), (vec![1], 0));
    }

    #[test]
    fn a_recipe_that_no_run_can_have_is_a_damaged_line() {
        let mut head = Started::example();
        head.recipe.batch_size = 0;
        let line = serde_json::to_vec(&Stamped { event: Event::Started(Box::new(head)), time: 1.0 }).unwrap();
        assert_eq!(
            read_lines([&line, b"\n".as_slice()].concat().as_slice(), LONGEST_LINE).unwrap(),
            (vec![], 1)
        );
    }
}
