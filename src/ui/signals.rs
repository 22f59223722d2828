//! Signals become messages; nothing is done in a handler.

use std::io;

use crossbeam_channel::Sender;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGUSR1, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::ui::message::Msg;
use crate::ui::{capture, terminal, thread};

/// Catches what a terminal, its shell and the system have to say. A second SIGTERM or SIGINT leaves at once;
/// a SIGHUP never hastens anything, because a terminal that closes may send several.
pub(crate) fn listen(messages: Sender<Msg>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGTSTP, SIGCONT, SIGWINCH])?;
    thread("signals", messages.clone(), move || {
        let mut asked = false;
        for signal in signals.forever() {
            let msg = match signal {
                SIGWINCH => {
                    let (columns, rows) = terminal::size();
                    Msg::Resize(columns, rows)
                }
                SIGCONT => Msg::Resumed,
                SIGTERM | SIGINT if std::mem::replace(&mut asked, true) => {
                    terminal::give_back();
                    capture::release();
                    std::process::exit(128 + signal);
                }
                _ => Msg::Signal(signal),
            };
            // Where the interface has ended already, the engine is saving.
            _ = messages.send(msg);
        }
    })
}
