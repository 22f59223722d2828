//! The terminal as the interface needs it, and as it was, whatever happens.
//!
//! Frames are drawn on paper and carried out by a thread of their own: a terminal that takes nothing, or is
//! gone, holds up nobody.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, TerminalOptions, Viewport};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, getpid, getsid, kill_current_process_group};
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::ui::effect::Msg;
use crate::ui::style::images::Way;
use crate::ui::tty::pictures::{self, Pictures};
use crate::ui::tty::thread;
use crate::ui::widgets::picture::Placed;

/// The alternate screen, empty, with pastes marked and no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?25l\x1b[2J";
/// Ends a frame that was cut off, and undoes [`ENTER`] and [`MOUSE_ON`].
const LEAVE: &str = "\x1b[?2026l\x1b[0m\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[?1049l\x1b[?25h";
/// Clicks, drags and the wheel, but not every move.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// How long a terminal that takes nothing is waited for at the end.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether the screen is the interface's.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the mouse is to be captured.
static MOUSE: AtomicBool = AtomicBool::new(true);
/// What takes pictures away that do not go with the screen.
static PICTURES_OFF: Mutex<&str> = Mutex::new("");
/// The terminal itself; file descriptor 1 is captured.
static DOOR: Mutex<Option<File>> = Mutex::new(None);
/// The modes of the terminal as they were.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

pub(crate) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Paper>>,
    paper: Paper,
    pictures: Pictures,
    size: (u16, u16),
    /// Draw every cell, whatever is thought to be there.
    whole: bool,
    outbox: Sender<Vec<u8>>,
    /// For everything in the outbox: whether the terminal took it.
    pub(crate) receipts: Receiver<bool>,
    /// How much of the outbox has no receipt yet.
    under_way: usize,
    gone: bool,
}

/// A frame is written here first.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Duplicates the terminal. Must come before file descriptor 1 is captured.
pub(crate) fn open() -> io::Result<()> {
    let door = File::from(rustix::io::dup(io::stdout())?);
    *DOOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(door);
    Ok(())
}

impl Terminal {
    pub(crate) fn take(messages: Sender<Msg>, mouse: bool, way: Way) -> io::Result<Self> {
        MOUSE.store(mouse, Ordering::SeqCst);
        *locked(&PICTURES_OFF) = pictures::off(way);
        // The theme does without colours by itself; crossterm 0.29 loses bold and reverse under NO_COLOR.
        crossterm::style::force_color_output(true);
        let (outbox, letters) = unbounded();
        let (signed, receipts) = unbounded();
        thread::spawn("screen", messages, move || carry(&letters, &signed))?;
        enter()?;
        let (paper, size) = (Paper::default(), size());
        let inner = blank(&paper, size)?;
        let pictures = Pictures::new(way, std::process::id());
        Ok(Self { inner, paper, pictures, size, whole: false, outbox, receipts, under_way: 0, gone: false })
    }

    /// Whether a frame could be shown now.
    pub(crate) fn is_free(&self) -> bool {
        self.under_way == 0 && !self.gone && TAKEN.load(Ordering::SeqCst)
    }

    /// Takes a receipt in; whether the terminal is still there.
    pub(crate) fn signed(&mut self, taken: bool) -> bool {
        self.under_way = self.under_way.saturating_sub(1);
        self.gone |= !taken;
        taken
    }

    /// Draws a frame, to be shown in one piece with the pictures that `draw` places in it.
    pub(crate) fn draw(
        &mut self,
        size: (u16, u16),
        draw: impl FnOnce(&mut Frame) -> Vec<Placed>,
    ) -> io::Result<()> {
        queue!(self.paper, BeginSynchronizedUpdate)?;
        if self.size != size || std::mem::take(&mut self.whole) {
            self.size = size;
            self.inner = blank(&self.paper, self.size)?;
            self.pictures.forget(&mut self.paper)?;
            queue!(self.paper, Clear(ClearType::All))?;
        }
        let mut placed = Vec::new();
        self.inner.draw(|frame| placed = draw(frame))?;
        self.pictures.show(placed, cell(), &mut self.paper)?;
        queue!(self.paper, EndSynchronizedUpdate)?;
        let frame = std::mem::take(&mut *self.paper.0.borrow_mut());
        self.send(frame);
        Ok(())
    }

    /// Forgets what is on the screen, so that the next frame is drawn whole.
    pub(crate) fn forget(&mut self) {
        self.whole = true;
    }

    pub(crate) fn mouse(&mut self, on: bool) {
        MOUSE.store(on, Ordering::SeqCst);
        self.send(if on { MOUSE_ON } else { MOUSE_OFF }.into());
    }

    pub(crate) fn ring(&mut self) {
        self.send(b"\x07".into());
    }

    /// Hands `text` to the terminal's clipboard (OSC 52), which works through SSH.
    pub(crate) fn copy(&mut self, text: &str) {
        let mut bytes = Vec::new();
        // Nothing that is written to memory fails.
        _ = queue!(bytes, CopyToClipboard::to_clipboard_from(text));
        self.send(bytes);
    }

    /// Gives the terminal back and stops this process and its group, as ctrl-z does elsewhere.
    pub(crate) fn suspend(&mut self) {
        give_back();
        if kill_current_process_group(Signal::STOP).is_err() {
            self.resume();
        }
    }

    /// Takes the terminal again, whatever became of it meanwhile.
    pub(crate) fn resume(&mut self) {
        // The thread that reads it notices a terminal that is gone.
        _ = enter();
        self.forget();
    }

    fn send(&mut self, bytes: Vec<u8>) {
        if self.outbox.send(bytes).is_ok() {
            self.under_way += 1;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Columns and rows.
pub(crate) fn size() -> (u16, u16) {
    match tcgetwinsize(stdin()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

/// Pixels across and down of a cell, where the terminal says so.
fn cell() -> Option<(u16, u16)> {
    let size = tcgetwinsize(stdin()).ok()?;
    let cell = (size.ws_xpixel.checked_div(size.ws_col)?, size.ws_ypixel.checked_div(size.ws_row)?);
    (cell.0 > 0 && cell.1 > 0).then_some(cell)
}

/// Whether this process leads its session: then no shell waits for it to be suspended.
pub(crate) fn is_first() -> bool {
    getsid(None).is_ok_and(|leader| leader == getpid())
}

/// A screen with nothing on it yet. Its size is given, because ratatui would ask file descriptor 1.
fn blank(
    paper: &Paper,
    (width, height): (u16, u16),
) -> io::Result<ratatui::Terminal<CrosstermBackend<Paper>>> {
    let viewport = Viewport::Fixed(Rect::new(0, 0, width, height));
    ratatui::Terminal::with_options(CrosstermBackend::new(paper.clone()), TerminalOptions { viewport })
}

fn enter() -> io::Result<()> {
    let mut raw = tcgetattr(stdin())?;
    if !TAKEN.load(Ordering::SeqCst) {
        *locked(&BEFORE) = Some(raw.clone());
    }
    raw.make_raw();
    // In the background this stops the process until its shell takes it to the foreground.
    tcsetattr(stdin(), OptionalActions::Now, &raw)?;
    TAKEN.store(true, Ordering::SeqCst);
    let mouse = if MOUSE.load(Ordering::SeqCst) { MOUSE_ON } else { "" };
    match &*locked(&DOOR) {
        Some(door) => write(door, format!("{ENTER}{mouse}").as_bytes()),
        None => Err(ErrorKind::NotConnected.into()),
    }
}

/// The terminal as it was; a second time does nothing.
pub(crate) fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let begin = Instant::now();
    loop {
        match DOOR.try_lock() {
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(PATIENCE / 50);
                continue;
            }
            Ok(door) => {
                let text = format!("{}{LEAVE}", locked(&PICTURES_OFF));
                _ = door.as_ref().map(|door| write(door, text.as_bytes()));
            }
            Err(_) => {}
        }
        break;
    }
    if let Some(before) = locked(&BEFORE).take() {
        _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}

/// Carries letters to the terminal, and signs for each.
fn carry(letters: &Receiver<Vec<u8>>, receipts: &Sender<bool>) {
    for letter in letters {
        let door = locked(&DOOR);
        let taken = match &*door {
            Some(door) if TAKEN.load(Ordering::SeqCst) => write(door, &letter).is_ok(),
            _ => true,
        };
        drop(door);
        if receipts.send(taken).is_err() {
            return;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Writes everything, also where somebody else has set the terminal not to wait.
fn write(mut door: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match door.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                _ = poll(&mut [PollFd::from_borrowed_fd(door.as_fd(), PollFlags::OUT)], None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
