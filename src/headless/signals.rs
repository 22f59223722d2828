//! Signals become commands; nothing is done in a handler.

use crossbeam_channel::Sender;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use crate::protocol::{Command, StopReason};

/// Catches SIGINT, SIGTERM (finish the step, save, stop; a second one leaves at once), SIGUSR1 (save)
/// and SIGHUP (go on). Call it before the first line of output.
pub fn listen(commands: Sender<Command>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGUSR1])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut stopping = false;
        for signal in signals.forever() {
            match signal {
                // A receiver that is gone has nothing left to save.
                SIGUSR1 => _ = commands.send(Command::Save),
                SIGHUP => {}
                _ if stopping => std::process::exit(128 + signal),
                _ => {
                    stopping = true;
                    _ = commands.send(Command::Stop(StopReason::Signal(signal)));
                }
            }
        }
    })?;
    Ok(())
}
