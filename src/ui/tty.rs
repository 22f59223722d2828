//! The terminal: taken and given back, what is typed there, what is printed meanwhile, signals.

pub(crate) mod capture;
mod input;
mod keyboard;
mod pictures;
pub(crate) mod signals;
pub(crate) mod terminal;
pub(crate) mod thread;

pub(crate) use input::spawn as read_input;

/// The terminal, and what the program prints to, as they were before the interface: for an end that comes at once.
pub(crate) fn give_back() {
    terminal::give_back();
    capture::release();
}

/// A panic in a thread of the interface gives the terminal back before its message; the message of any other goes
/// to the log, like everything that is printed.
pub(crate) fn guard_panics() {
    thread::own();
    let next = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::is_own() {
            give_back();
        }
        next(panic);
    }));
}
