//! All output without the interface: a queue for stdout and one for stderr, and a thread that writes both, in the
//! order in which the lines were queued.
//!
//! Printing never blocks, because training must not depend on a reader. A slow reader gets every line whole; one that
//! is gone gets none; a full disk is retried until the end.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::termios::tcgetwinsize;

use crate::monitor::Exit;
use crate::plain;

/// How long to wait at the end for a reader that reads nothing.
const PATIENCE: Duration = Duration::from_secs(4);
/// The same for the last sentence on stderr, and after a request to exit at once.
const SHORT: Duration = Duration::from_millis(500);
/// Interval between retries of a failed write.
const RETRY: Duration = Duration::from_secs(1);
/// How long the thread waits for one reader before it serves the other.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// Bytes that a pipe accepts as a whole or not at all (PIPE_BUF), without blocking once it reports room.
const PIECE: usize = 4096;
/// With more queued bytes than these, the reader is behind.
const BEHIND: usize = 64 << 10;
/// The most queued bytes; beyond them the oldest lines are dropped.
const MOST: usize = 64 << 20;
/// Returns to the start of the terminal's line and clears it.
const WIPE: &str = "\r\x1b[2K";
/// Width of a terminal that does not report one.
const USUAL_WIDTH: u16 = 80;

/// The output of this process.
static OUTPUT: LazyLock<Output> =
    LazyLock::new(|| Output::new([rustix::stdio::stdout(), rustix::stdio::stderr()]));

/// The stream of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Out,
    /// Messages.
    Err,
}

/// Lines that wait to be written.
#[derive(Default)]
struct Queue {
    /// Each with its position among the lines of both streams.
    lines: VecDeque<(u64, Vec<u8>)>,
    /// Bytes of the first line that are written.
    written: usize,
    /// Bytes of all lines.
    bytes: usize,
    terminal: bool,
    /// A terminal, also one that is closed already.
    device: bool,
    /// The reader is gone.
    gone: bool,
    /// Why the last write failed, how many failed in a row, and when the next try is due.
    trouble: Option<(Errno, u32, Instant)>,
    left_out: u64,
}

struct State {
    queues: [Queue; 2],
    said: u64,
    /// The progress line is on the screen.
    progress: bool,
    /// When something was last written.
    taken: Instant,
    /// Lines are written as they are queued, not only at the end.
    begun: bool,
    /// Nothing is retried any more.
    ending: bool,
}

struct Output {
    streams: [BorrowedFd<'static>; 2],
    state: Mutex<State>,
    /// A line was queued or written.
    news: Condvar,
}

/// From now on lines are written as they are queued. Starts a thread, so it must be called after all changes of the
/// environment; if no thread can be started, lines are written at the end.
pub(crate) fn begin() {
    OUTPUT.begin();
}

/// A line of text for people.
pub fn say(stream: Stream, line: &str) {
    OUTPUT.push(stream, format!("{}\n", plain::line(line)).into_bytes());
}

/// A line of JSON, on stdout.
pub(crate) fn say_json(json: &str) {
    OUTPUT.push(Stream::Out, format!("{}\n", plain::json(json)).into_bytes());
}

/// Text with its escape codes, unfiltered.
pub(crate) fn say_raw(stream: Stream, text: &str) {
    OUTPUT.push(stream, text.as_bytes().to_owned());
}

/// Whether stderr is a terminal that can rewrite a line.
pub(crate) fn can_rewrite() -> bool {
    OUTPUT.lock().queue(Stream::Err).terminal && !is_dumb()
}

/// Whether stdout is a terminal with colours and `NO_COLOR` is not set.
pub(crate) fn is_coloured() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|word| !word.is_empty());
    OUTPUT.lock().queue(Stream::Out).terminal && !is_dumb() && !unwanted
}

/// Whether the terminal supports no escape codes, or does not name its type.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// Rewrites the progress line, cut to the terminal's width.
pub(crate) fn progress(line: &str) {
    OUTPUT.progress(line);
}

/// Whether a reader is slower than the lines arrive.
pub(crate) fn is_behind() -> bool {
    OUTPUT.lock().queues.iter().any(|queue| queue.bytes > BEHIND)
}

/// Waits until the reader of stdout has caught up; false where there is none, or where nothing can be written.
pub(crate) fn catch_up() -> bool {
    OUTPUT.catch_up()
}

/// Waits until everything is written; output that could not be written makes the exit code a failure.
pub(crate) fn finish(exit: Exit) -> Exit {
    OUTPUT.finish(exit, PATIENCE)
}

/// Ends the program at once, after writing what is queued.
pub fn leave(code: u8) -> ! {
    OUTPUT.finish(Exit(code), SHORT);
    std::process::exit(code.into())
}

impl State {
    fn queue(&mut self, stream: Stream) -> &mut Queue {
        &mut self.queues[stream as usize]
    }

    fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| queue.lines.is_empty())
    }

    fn push(&mut self, stream: Stream, bytes: Vec<u8>) {
        self.said += 1;
        let said = self.said;
        let queue = self.queue(stream);
        if queue.gone {
            return;
        }
        queue.bytes += bytes.len();
        queue.lines.push_back((said, bytes));
        // The first line may be partly written; the last ones say how the run ended.
        while queue.bytes > MOST && queue.lines.len() > 2 {
            queue.bytes -= queue.lines.remove(1).map_or(0, |(_, line)| line.len());
            queue.left_out += 1;
        }
    }

    /// Clears the progress line if a line of `stream` is to be written over it.
    fn wipe(&mut self, stream: Stream) {
        if self.progress && (stream == Stream::Err || self.queue(Stream::Out).terminal) {
            self.progress = false;
            self.push(Stream::Err, WIPE.into());
        }
    }

    /// The next piece to write and its stream: what was queued first, of the streams that are `open`.
    fn next(&self, open: [bool; 2]) -> Option<(Stream, Vec<u8>)> {
        let firsts = [Stream::Out, Stream::Err].into_iter().zip(&self.queues).zip(open);
        let firsts = firsts.filter_map(|((stream, queue), open)| {
            let (said, line) = queue.lines.front().filter(|_| open)?;
            let rest = &line[queue.written..];
            Some((*said, stream, &rest[..rest.len().min(PIECE)]))
        });
        firsts.min_by_key(|(said, ..)| *said).map(|(_, stream, piece)| (stream, piece.to_owned()))
    }

    /// Handles the result of a write.
    fn wrote(&mut self, stream: Stream, result: Result<usize, Errno>) {
        let ending = self.ending;
        let queue = self.queue(stream);
        match result {
            Ok(count) => {
                queue.written += count;
                queue.trouble = None;
                if queue.lines.front().is_some_and(|(_, line)| line.len() <= queue.written) {
                    queue.written = 0;
                    queue.bytes -= queue.lines.pop_front().map_or(0, |(_, line)| line.len());
                }
                self.taken = Instant::now();
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) if is_gone(error, queue.device) => {
                queue.gone = true;
                queue.drop_lines();
            }
            Err(error) => {
                let tries = queue.trouble.map_or(0, |(_, tries, _)| tries) + 1;
                queue.trouble = Some((error, tries, Instant::now() + RETRY));
                if ending {
                    queue.drop_lines();
                } else if tries == 2 && stream == Stream::Out {
                    let warning = format!("warning: {}; trying again.\n", cannot_be(error));
                    self.wipe(Stream::Err);
                    self.push(Stream::Err, warning.into_bytes());
                }
            }
        }
    }
}

impl Queue {
    fn drop_lines(&mut self) {
        (self.written, self.bytes) = (0, 0);
        self.lines.clear();
    }
}

/// Whether an error means that there is no reader: a closed pipe or socket, or a terminal that is gone.
fn is_gone(error: Errno, device: bool) -> bool {
    matches!(error, Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) || device && error == Errno::IO
}

fn cannot_be(error: Errno) -> String {
    let why = match error {
        Errno::NOSPC => "the disk is full".into(),
        Errno::DQUOT => "the quota of the disk is used up".into(),
        Errno::FBIG => "the file would be larger than this process may write".into(),
        Errno::BADF => "it is not open for writing".into(),
        error => std::io::Error::from(error).to_string(),
    };
    format!("the output cannot be written because {why}")
}

impl Output {
    fn new(streams: [BorrowedFd<'static>; 2]) -> Self {
        let is_device = |stream| {
            let kind = fstat(stream).map(|stat| FileType::from_raw_mode(stat.st_mode));
            kind == Ok(FileType::CharacterDevice)
        };
        let queues = streams.map(|stream| Queue {
            terminal: stream.is_terminal(),
            device: is_device(stream),
            ..Queue::default()
        });
        let state =
            State { queues, said: 0, progress: false, taken: Instant::now(), begun: false, ending: false };
        Self { streams, state: Mutex::new(state), news: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, stream: Stream, bytes: Vec<u8>) {
        let mut state = self.lock();
        state.wipe(stream);
        state.push(stream, bytes);
        drop(state);
        self.news.notify_all();
    }

    fn progress(&self, line: &str) {
        let width = match tcgetwinsize(self.streams[Stream::Err as usize]) {
            Ok(size) if size.ws_col > 0 => size.ws_col,
            _ => USUAL_WIDTH,
        };
        // The last cell stays free: some terminals wrap when it is filled.
        let line = format!("{WIPE}{}", plain::cut(&plain::line(line), usize::from(width - 1)));
        let mut state = self.lock();
        // A terminal that is stalled needs no progress.
        if state.queue(Stream::Err).lines.is_empty() {
            state.push(Stream::Err, line.into_bytes());
            state.progress = true;
            drop(state);
            self.news.notify_all();
        }
    }

    fn begin(&'static self) {
        let mut state = self.lock();
        if state.begun {
            return;
        }
        let thread = std::thread::Builder::new().name("output".into());
        state.begun = thread.spawn(|| self.serve()).is_ok();
    }

    fn serve(&self) {
        loop {
            let state = self.lock();
            if state.is_empty() {
                drop(self.news.wait(state));
                continue;
            }
            drop(state);
            self.write_a_piece();
        }
    }

    /// Writes the next piece to a stream that is ready, or waits a moment.
    fn write_a_piece(&self) {
        let state = self.lock();
        let now = Instant::now();
        let due = |queue: &Queue| {
            let waits = |(_, _, next): (_, _, Instant)| !state.ending && now < next;
            !queue.lines.is_empty() && !queue.trouble.is_some_and(waits)
        };
        let due = [due(&state.queues[0]), due(&state.queues[1])];
        drop(state);
        let mut open = self.wait(due, &Timespec { tv_sec: 0, tv_nsec: 0 });
        if open == [false; 2] {
            open = self.wait(due, &LOOK);
        }
        let Some((stream, piece)) = self.lock().next(open) else {
            return;
        };
        let result = rustix::io::write(self.streams[stream as usize], &piece);
        self.lock().wrote(stream, result);
        self.news.notify_all();
        if result == Err(Errno::AGAIN) {
            // It has room, but not enough.
            std::thread::sleep(SHORT / 100);
        }
    }

    /// Which of the `wanted` streams are writable or have an error.
    fn wait(&self, wanted: [bool; 2], time: &Timespec) -> [bool; 2] {
        // With none wanted this only sleeps.
        let mut all: Vec<PollFd> = self
            .streams
            .iter()
            .zip(wanted)
            .filter(|(_, wanted)| *wanted)
            .map(|(stream, _)| PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::OUT))
            .collect();
        if !matches!(poll(&mut all, Some(time)), Ok(1..)) {
            return [false; 2];
        }
        let mut answers = all.iter().map(|one| !one.revents().is_empty());
        wanted.map(|wanted| wanted && answers.next().unwrap_or(false))
    }

    fn catch_up(&self) -> bool {
        let mut state = self.lock();
        loop {
            let out = state.queue(Stream::Out);
            if out.gone || out.trouble.is_some() {
                return false;
            }
            if out.bytes <= BEHIND {
                return true;
            }
            if state.begun {
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                drop(state);
                self.write_a_piece();
                state = self.lock();
            }
        }
    }

    fn finish(&'static self, exit: Exit, patience: Duration) -> Exit {
        let mut state = self.lock();
        state.wipe(Stream::Err);
        state.ending = true;
        let nothing = state.is_empty();
        drop(state);
        if nothing && self.lock().queues.iter().all(|queue| queue.trouble.is_none()) {
            return exit;
        }
        self.begin();
        self.news.notify_all();
        self.empty(patience);
        let mut state = self.lock();
        let out = state.queue(Stream::Out);
        let (trouble, left_out) = (out.trouble, out.left_out + out.lines.len() as u64);
        out.drop_lines();
        if let Some((error, ..)) = trouble {
            state.push(
                Stream::Err,
                format!("error: {}; write it elsewhere.\n", cannot_be(error)).into_bytes(),
            );
        } else if left_out > 0 {
            let sentence =
                format!("warning: {left_out} lines of the output were left out: nobody read them.\n");
            state.push(Stream::Err, sentence.into_bytes());
        }
        drop(state);
        self.news.notify_all();
        self.empty(SHORT);
        let failed = self.lock().queues.iter().any(|queue| queue.trouble.is_some());
        if failed && exit == Exit::FINE { Exit::FAILED } else { exit }
    }

    /// Waits until everything is written, or until nothing was written for `patience`.
    fn empty(&self, patience: Duration) {
        let begin = Instant::now();
        let mut state = self.lock();
        while !state.is_empty() {
            let left = (state.taken.max(begin) + patience).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            if state.begun {
                state = self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            } else {
                drop(state);
                self.write_a_piece();
                state = self.lock();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, pipe};
    use std::os::fd::OwnedFd;

    use super::*;

    /// An output into two pipes, and their other ends.
    fn output() -> (&'static Output, PipeReader, PipeReader) {
        let ((out, out_end), (err, err_end)) = (pipe().unwrap(), pipe().unwrap());
        let forever = |end: std::io::PipeWriter| {
            let end: &'static OwnedFd = Box::leak(Box::new(end.into()));
            end.as_fd()
        };
        (Box::leak(Box::new(Output::new([forever(out_end), forever(err_end)]))), out, err)
    }

    /// What a pipe has now.
    fn waiting(pipe: &mut PipeReader) -> String {
        let mut bytes = [0; PIECE];
        let count = pipe.read(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn where_no_thread_can_be_started_lines_are_written_at_the_end() {
        let (output, mut out, mut err) = output();
        output.push(Stream::Out, b"answer\n".into());
        output.push(Stream::Err, b"warning\n".into());
        output.empty(PATIENCE);
        assert_eq!((waiting(&mut out), waiting(&mut err)), ("answer\n".into(), "warning\n".into()));
    }

    #[test]
    fn a_stream_that_takes_nothing_holds_up_only_itself_and_is_given_up() {
        let (output, _out, mut err) = output();
        // More than a pipe holds.
        (0..20).for_each(|_| output.push(Stream::Out, vec![b'x'; 16 << 10]));
        output.push(Stream::Err, b"warning\n".into());
        output.begin();
        assert_eq!(waiting(&mut err), "warning\n");
        assert!(output.lock().queues[0].bytes > BEHIND);
        assert_eq!(output.finish(Exit::FINE, SHORT), Exit::FINE);
        assert!(waiting(&mut err).ends_with("lines of the output were left out: nobody read them.\n"));
    }

    #[test]
    fn of_more_than_can_wait_the_last_lines_stay() {
        let (output, ..) = output();
        (0..=MOST >> 20).for_each(|line| output.push(Stream::Out, vec![line as u8; 1 << 20]));
        let state = output.lock();
        let queue = &state.queues[0];
        assert_eq!((queue.left_out, queue.bytes), (1, MOST));
        let first_of = |line: Option<&(u64, Vec<u8>)>| line.map(|(_, line)| line[0]);
        assert_eq!(first_of(queue.lines.front()), Some(0));
        assert_eq!(first_of(queue.lines.back()), Some((MOST >> 20) as u8));
    }

    #[test]
    fn the_progress_line_is_wiped_before_a_line_and_not_written_while_another_waits() {
        let (output, _out, mut err) = output();
        output.progress("epoch 1");
        output.progress("epoch 2");
        output.push(Stream::Err, b"warning\n".into());
        output.empty(SHORT);
        assert_eq!(waiting(&mut err), format!("{WIPE}epoch 1{WIPE}warning\n"));
    }
}
