//! Signals become messages; nothing is done in a handler.

use std::io;
use std::time::Instant;

use crossbeam_channel::Sender;
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::monitor::signals::{Asked, CAUGHT, Requests};
use crate::ui::effect::Msg;
use crate::ui::tty::{terminal, thread};

/// Catches the signals of a terminal, its shell and the system. A second request to stop after a while calls
/// `give_back` and exits at once; a SIGHUP never does, because a terminal that closes may send several.
pub(crate) fn listen(messages: Sender<Msg>, give_back: fn()) -> io::Result<()> {
    let mut signals = Signals::new(CAUGHT.iter().chain(&[SIGTSTP, SIGCONT, SIGWINCH]))?;
    thread::spawn("signals", messages.clone(), move || {
        let mut requests = Requests::default();
        for signal in signals.forever() {
            let msg = match signal {
                SIGWINCH => {
                    let (columns, rows) = terminal::size();
                    Msg::Resize(columns, rows)
                }
                SIGCONT => Msg::Resumed,
                SIGTSTP => Msg::Signal(signal),
                _ => match requests.hear(signal, Instant::now()) {
                    Asked::Leave => {
                        give_back();
                        std::process::exit(128 + signal);
                    }
                    Asked::Nothing => continue,
                    Asked::Save | Asked::Stop | Asked::HungUp => Msg::Signal(signal),
                },
            };
            // Where the interface has ended already, the engine is saving.
            _ = messages.send(msg);
        }
    })
}
