//! The engine: one thread that owns the device and the clock, behind a [`Link`].
//!
//! It lives as long as the program and answers with or without a run. It knows no front end: what
//! happens goes out as events, and whether anyone listens changes nothing about the weights.

mod bench;
mod build;
mod control;
mod device;
mod evaluate;
mod failure;
mod fit;
mod gauges;
mod heartbeat;
mod host;
mod image_dir;
mod in_flight;
mod inspect;
mod layer_stats;
mod loaded;
mod loader;
mod memory;
mod open;
mod questions;
mod report;
mod saving;
mod session;
mod step;
mod trainer;
mod validate;
mod verify;
mod worker;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};

pub use control::EngineOptions;
pub use device::{describe as describe_devices, keep_kernels};
pub use memory::available_bytes;
pub use saving::is_saving;
pub use verify::verify;

use crate::protocol::{Command, Event, Link, Stamped, event};
use control::Control;
use failure::Failure;
use report::Report;

/// Starts the engine's thread. It ends after [`Command::Quit`], or when the link is gone and nothing
/// runs.
pub fn spawn(options: EngineOptions) -> std::io::Result<(Link, JoinHandle<()>)> {
    let (command_sender, commands) = unbounded();
    let (events, event_receiver) = unbounded();
    let behind = Arc::<AtomicBool>::default();
    let thread = std::thread::Builder::new().name("engine".into()).spawn({
        let behind = Arc::clone(&behind);
        move || serve(&commands, &events, &behind, options)
    })?;
    Ok((Link { commands: command_sender, events: event_receiver, behind }, thread))
}

/// Carries out commands until there are no more.
fn serve(
    commands: &Receiver<Command>,
    events: &Sender<Stamped>,
    behind: &Arc<AtomicBool>,
    options: EngineOptions,
) {
    // Questions that were asked while the engine was at something else.
    let mut waiting = VecDeque::new();
    while let Some(command) = waiting.pop_front().or_else(|| commands.recv().ok()) {
        if matches!(command, Command::Quit) {
            return;
        }
        let mut control = Control::new(commands.clone(), options);
        let mut report = Report::new(events.clone(), Arc::clone(behind));
        if let Some(event) = failure_of(|| carry_out(command, &mut control, &mut report)) {
            report.emit(event);
        }
        if control.quit {
            return;
        }
        waiting.append(&mut control.questions);
    }
}

/// Does `work`; the event that tells its failure or its panic, if it has one.
fn failure_of(work: impl FnOnce() -> Result<(), Failure>) -> Option<Event> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure.into_event()),
        Err(panic) => Some(Event::Failed { message: panic_message(&*panic), cause: event::Cause::Panic }),
    }
}

fn carry_out(command: Command, control: &mut Control, report: &mut Report) -> Result<(), Failure> {
    match command {
        Command::Start(start) => {
            let mut session = open::begin(*start, control, report)?;
            fit::fit(&mut session, control, report)
        }
        Command::Resume { target, overrides, options } => {
            let mut session = open::resume(&target, &overrides, *options, control, report)?;
            fit::fit(&mut session, control, report)
        }
        Command::Bench { recipe, steps, evaluation, compare, kernels, options } => {
            let order =
                bench::Order { recipe: &recipe, steps, evaluation, compare, kernels, options: &options };
            bench::bench(order, control, report)
        }
        Command::Pause | Command::Continue | Command::Save | Command::Evaluate | Command::Change(_) => {
            report.emit(Event::Refused { message: "Nothing is being trained.".into() });
            Ok(())
        }
        Command::Stop(_) | Command::Quit => Ok(()),
        question => questions::answer(question, control, report),
    }
}

/// A panic as a sentence.
fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    format!("the engine met a defect of the program ({text}); the last checkpoint is untouched.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_event_with_its_message() {
        let event = failure_of(|| panic!("index {} is out of bounds", 7));
        let Some(Event::Failed { message, cause: event::Cause::Panic }) = event else { panic!("{event:?}") };
        assert!(message.contains("(index 7 is out of bounds)"), "{message}");
        assert_eq!(failure_of(|| Ok(())), None);
    }

    #[test]
    fn a_question_that_is_asked_while_another_is_answered_is_answered_too() {
        let recipe = crate::recipe::Recipe::defaults(crate::recipe::Data::Shapes);
        let ask = |count| Command::Preview { recipe: Box::new(recipe.clone()), count };
        let ((sender, commands), (events, heard)) = (unbounded(), unbounded());
        (1..=3).for_each(|count| sender.send(ask(count)).unwrap());
        drop(sender);
        serve(&commands, &events, &Arc::default(), EngineOptions { keep_running_unattended: true });
        let samples = heard.try_iter().filter_map(|stamped| match stamped.event {
            Event::Previewed(preview) => Some(preview.samples.len()),
            _ => None,
        });
        assert_eq!(samples.collect::<Vec<_>>(), [1, 2, 3]);
    }
}
