//! The thread that reads the terminal.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use crossterm::event::MouseEventKind;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio::stdin;
use signal_hook::consts::SIGHUP;

use crate::ui::effect::Msg;
use crate::ui::tty::keyboard::{Input, Keyboard};
use crate::ui::tty::thread;

/// Messages that may wait before more is read: what is typed faster waits in the terminal.
const BACKLOG: usize = 1024;
/// How long that is waited for at a time.
const PAUSE: Duration = Duration::from_millis(5);

/// Starts reading. The thread ends when the terminal is gone, or nobody listens.
///
/// It reads by itself because crossterm 0.29 turns in circles once the terminal is closed
/// (crossterm-rs/crossterm#793), and waits for the rest of a sequence for ever.
pub(crate) fn spawn(messages: Sender<Msg>) -> io::Result<()> {
    thread::spawn("input", messages.clone(), move || {
        if serve(&messages).is_continue() {
            _ = messages.send(Msg::Signal(SIGHUP));
        }
    })
}

/// Reads until the terminal is gone, or breaks off when nobody listens.
fn serve(messages: &Sender<Msg>) -> ControlFlow<()> {
    let (mut keyboard, mut chunk) = (Keyboard::default(), [0; 4096]);
    loop {
        while messages.len() > BACKLOG {
            std::thread::sleep(PAUSE);
        }
        let patience = keyboard.patience().and_then(|patience| Timespec::try_from(patience).ok());
        let mut ready = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
        match poll(&mut ready, patience.as_ref()) {
            Err(Errno::INTR) => continue,
            Err(_) => return ControlFlow::Continue(()),
            Ok(0) => {
                keyboard.give_up().into_iter().try_for_each(|input| send(messages, input))?;
                continue;
            }
            Ok(_) => {}
        }
        if ready[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return ControlFlow::Continue(());
        }
        match rustix::io::read(stdin(), &mut chunk) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => return ControlFlow::Continue(()),
            Ok(count) => {
                let inputs = keyboard.read(&chunk[..count], Instant::now());
                inputs.into_iter().try_for_each(|input| send(messages, input))?;
            }
        }
    }
}

fn send(messages: &Sender<Msg>, input: Input) -> ControlFlow<()> {
    let msg = match input {
        Input::Key(key) => Msg::Key(key),
        Input::Mouse(mouse) if mouse.kind == MouseEventKind::Moved => return ControlFlow::Continue(()),
        Input::Mouse(mouse) => Msg::Mouse(mouse),
        Input::Paste(text) => Msg::Paste(text),
    };
    if messages.send(msg).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
