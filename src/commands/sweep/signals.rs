//! The signals of a sweep: what they ask for, in a channel.

use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, unbounded};
use signal_hook::iterator::Signals;

use crate::headless::answers::complain;
use crate::headless::output::{self, leave};
use crate::monitor::signals::{Asked, CAUGHT, Requests, sentence};

/// A request, and the signal that it came by.
pub(super) type Heard = (Asked, i32);

/// Catches what a run without an interface catches.
pub(super) fn listen() -> std::io::Result<Receiver<Heard>> {
    output::begin();
    let mut signals = Signals::new(CAUGHT)?;
    let (heard, listener) = unbounded();
    thread::Builder::new().name("signals".into()).spawn(move || {
        let mut requests = Requests::default();
        for signal in signals.forever() {
            match requests.hear(signal, Instant::now()) {
                Asked::Leave => leave(u8::try_from(128 + signal).unwrap_or(1)),
                asked => {
                    if asked == Asked::Stop {
                        complain(sentence(true));
                    }
                    _ = heard.send((asked, signal));
                }
            }
        }
    })?;
    Ok(listener)
}
