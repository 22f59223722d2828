//! The engine: one thread that owns the device and the clock, behind a [`Link`].
//!
//! It lives as long as the program and answers with or without a run. It knows no front end: what
//! happens goes out as events, and whether anyone listens changes nothing about the weights.

mod bench;
mod bench_loading;
mod build;
mod control;
mod device;
mod evaluate;
mod export;
mod failure;
mod first_weights;
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
mod network;
mod open;
mod predict;
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
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};

pub use control::EngineOptions;
pub use device::{describe as describe_devices, keep_kernels};
pub use image_dir::keep_images;
pub use memory::available_bytes;
pub use saving::is_saving;
pub use verify::verify;

use crate::protocol::{Command, Event, Link, Stamped};
use control::Control;
use failure::{Failure, caught};
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
        if let Err((message, cause)) = caught(|| carry_out(command, &mut control, &mut report)) {
            report.emit(Event::Failed { message, cause });
        }
        if control.quit {
            return;
        }
        waiting.extend(control.questions.into_iter().map(|(id, question)| Command::Ask { id, question }));
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
        Command::Pause | Command::Continue | Command::Save | Command::Evaluate | Command::Change(_) => {
            report.emit(Event::Refused { message: "Nothing is being trained.".into() });
            Ok(())
        }
        Command::Ask { id, question } => {
            questions::answer(id, question, control, report);
            Ok(())
        }
        Command::Stop(_) | Command::Quit => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Answer, Question};

    #[test]
    fn a_question_that_is_asked_while_another_is_answered_is_answered_too() {
        let recipe = crate::recipe::Recipe::defaults(crate::recipe::Data::Shapes);
        let ask = |count| Command::Ask {
            id: 10 + count as u64,
            question: Question::Preview { recipe: Box::new(recipe.clone()), count },
        };
        let ((sender, commands), (events, heard)) = (unbounded(), unbounded());
        (1..=3).for_each(|count| sender.send(ask(count)).unwrap());
        drop(sender);
        serve(&commands, &events, &Arc::default(), EngineOptions { keep_running_unattended: true });
        let samples = heard.try_iter().filter_map(|stamped| match stamped.event {
            Event::Answered { id, answer: Ok(answer) } => match *answer {
                Answer::Preview(preview) => Some((id, preview.samples.len())),
                _ => None,
            },
            _ => None,
        });
        assert_eq!(samples.collect::<Vec<_>>(), [(11, 1), (12, 2), (13, 3)]);
    }
}
