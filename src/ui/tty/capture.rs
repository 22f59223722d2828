//! Captures what is printed while the interface has the screen: file descriptors 1 and 2 lead into a pipe, whose
//! lines go to the log.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::ui::effect::Msg;
use crate::ui::tty::thread;

/// Lines that are repeated if the program fails.
const KEPT: usize = 20;
/// Longer lines are cut in pieces.
const LONGEST: usize = 4096;
/// How long somebody else may hold the pipe open at the end.
const PATIENCE: Duration = Duration::from_millis(250);

/// File descriptors 1 and 2 as they were.
static SAVED: Mutex<Option<(OwnedFd, OwnedFd)>> = Mutex::new(None);

pub(crate) struct Capture {
    last: Arc<Mutex<VecDeque<String>>>,
    /// Hangs up when everything was read.
    reading: Receiver<()>,
}

impl Capture {
    /// Must come before the screen is taken, so that nothing printed reaches it.
    pub(crate) fn begin(messages: Sender<Msg>) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let (done, reading) = bounded(0);
        let kept = Arc::clone(&last);
        thread::spawn("capture", messages.clone(), move || {
            let _done = done;
            read(reader, |line| {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == KEPT {
                    kept.pop_front();
                }
                kept.push_back(line.clone());
                drop(kept);
                _ = messages.send(Msg::Printed(line));
            });
        })?;
        let saved = (rustix::io::dup(io::stdout())?, rustix::io::dup(io::stderr())?);
        *SAVED.lock().unwrap_or_else(PoisonError::into_inner) = Some(saved);
        rustix::stdio::dup2_stdout(&writer)?;
        rustix::stdio::dup2_stderr(&writer)?;
        Ok(Self { last, reading })
    }

    /// Ends it; after a failure the last lines are repeated on stderr.
    pub(crate) fn end(self, failed: bool) {
        release();
        _ = self.reading.recv_timeout(PATIENCE);
        if failed {
            let mut err = io::stderr().lock();
            for line in &*self.last.lock().unwrap_or_else(PoisonError::into_inner) {
                _ = writeln!(err, "{line}");
            }
        }
    }
}

/// File descriptors 1 and 2 as they were; a second time does nothing.
pub(crate) fn release() {
    if let Some((out, err)) = SAVED.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A failure could not be reported anywhere.
        _ = rustix::stdio::dup2_stdout(&out);
        _ = rustix::stdio::dup2_stderr(&err);
    }
}

/// Reads lines to the end. A line that is rewritten in place counts each time.
fn read(mut pipe: PipeReader, mut emit: impl FnMut(String)) {
    let (mut line, mut chunk) = (Vec::new(), [0; 4096]);
    let mut end = |line: &mut Vec<u8>| {
        let text = plain(line);
        line.clear();
        if !text.is_empty() {
            emit(text);
        }
    };
    loop {
        let count = match pipe.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for &byte in &chunk[..count] {
            if byte == b'\n' || byte == b'\r' {
                end(&mut line);
            } else {
                line.push(byte);
                if line.len() == LONGEST {
                    end(&mut line);
                }
            }
        }
    }
    end(&mut line);
}

/// A line without colours and other control sequences.
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let (mut plain, mut rest) = (String::new(), text.chars());
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                if rest.as_str().starts_with('[') {
                    rest.next();
                    // Up to the letter that ends it.
                    rest.find(|c| ('@'..='~').contains(c));
                }
            }
            '\t' => plain.push(' '),
            _ if c.is_control() => {}
            _ => plain.push(c),
        }
    }
    crate::plain::line(plain.trim_end()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_becomes_lines_without_control_characters() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"one\ntwo \x1b[1;31mred\x1b[0m \n\n10 %\r20 %\r\n\xffrest").unwrap();
        drop(writer);
        let mut lines = Vec::new();
        read(reader, |line| lines.push(line));
        assert_eq!(lines, ["one", "two red", "10 %", "20 %", "\u{fffd}rest"]);
    }

    #[test]
    fn a_line_without_an_end_is_told_in_pieces() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(&[b'x'; LONGEST + 1]).unwrap();
        drop(writer);
        let mut lengths = Vec::new();
        read(reader, |line| lengths.push(line.len()));
        assert_eq!(lengths, [LONGEST, 1]);
    }
}
