//! Turns signals into commands; the handlers themselves do nothing.

use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use signal_hook::iterator::Signals;

use crate::headless::answers::complain;
use crate::headless::output::leave;
use crate::monitor::signals::{Asked, CAUGHT, LIMIT, Requests, sentence};
use crate::protocol::{Command, StopReason};

/// Catches SIGINT, SIGTERM, SIGUSR2 and SIGXCPU (save and stop; a second one after a while exits at once),
/// SIGUSR1 (save) and SIGHUP (ignored). Call it before the first line of output. `saving` says whether a
/// checkpoint is being written: then the program is given more time.
pub fn listen(commands: Sender<Command>, training: bool, saving: fn() -> bool) -> std::io::Result<()> {
    let mut signals = Signals::new(CAUGHT)?;
    let (armed, alarm) = bounded(1);
    thread::Builder::new().name("deadline".into()).spawn(move || leave_in_time(&alarm, saving))?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        let mut requests = Requests::default();
        for signal in signals.forever() {
            match requests.hear(signal, Instant::now()) {
                // A receiver that is gone has nothing left to save.
                Asked::Save => _ = commands.send(Command::Save),
                Asked::Stop => {
                    _ = commands.send(Command::Stop(StopReason::Signal(signal)));
                    _ = armed.send(signal);
                    complain(sentence(training));
                }
                Asked::Leave => leave(code(signal)),
                Asked::HungUp | Asked::Nothing => {}
            }
        }
    })?;
    Ok(())
}

/// Ends the program if it has not ended by itself some time after a signal. Whatever delays it (a disk that
/// hangs, a batch that takes minutes), the files it leaves are whole, because each is renamed only once complete.
fn leave_in_time(alarm: &Receiver<i32>, saving: fn() -> bool) {
    let Ok(signal) = alarm.recv() else { return };
    thread::sleep(LIMIT);
    let begin = Instant::now();
    while saving() && begin.elapsed() < LIMIT * 2 {
        thread::sleep(LIMIT / 100);
    }
    complain("it could not end in time; the last checkpoint is untouched.");
    leave(code(signal));
}

fn code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(1)
}
