//! Threads that the interface cannot do without: when one panics, the interface ends.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::Sender;

use crate::ui::effect::Msg;

thread_local! {
    /// Whether the interface needs this thread.
    static OWN: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn own() {
    OWN.set(true);
}

pub(crate) fn is_own() -> bool {
    OWN.get()
}

/// Starts such a thread.
pub(crate) fn spawn(
    name: &str,
    messages: Sender<Msg>,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let guarded = move || {
        own();
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            _ = messages.send(Msg::Broken);
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(guarded).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_ends_the_interface() {
        let (messages, inbox) = crossbeam_channel::unbounded();
        spawn("disk", messages, || panic!("a defect")).unwrap();
        assert!(matches!(inbox.recv(), Ok(Msg::Broken)));
    }
}
