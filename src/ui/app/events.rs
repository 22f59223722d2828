//! Events of the engine.

use crate::monitor::{Exit, lines};
use crate::protocol::{Event, Outcome, Stamped};
use crate::ui::effect::{Disk, Effect};
use crate::ui::keys::Screen;
use crate::ui::workspace::{App, Leaving};

/// Seconds after which the end of a run is news to somebody who looks elsewhere.
const LONG: f64 = 60.0;

pub(crate) fn hear(app: &mut App, stamped: &Stamped) -> Vec<Effect> {
    app.now = app.now.max(stamped.time);
    let training = app.training();
    app.monitor.apply(stamped);
    // A run whose directory became another one begins again only for those who look for it.
    let is_elsewhere = training && matches!(stamped.event, Event::Started(_));
    if !is_elsewhere {
        app.train.hear(stamped);
    }
    for line in lines::of(&stamped.event, &app.monitor) {
        app.log.say(stamped.time, line);
    }
    match &stamped.event {
        Event::Started(_) if is_elsewhere => {}
        Event::Started(head) => {
            app.inspect.target = None;
            app.screen = Screen::Train;
            app.say("training.");
            // A checkpoint lies in a directory of its run's.
            let before = head.resumed_from.as_ref().and_then(|file| file.parent()?.parent());
            return before.map(|run| Effect::Disk(Disk::ReadPast(run.to_owned()))).into_iter().collect();
        }
        // Those that nobody asked for are in the log.
        Event::Saved { step, .. } if app.train.asked_to_save || app.screen == Screen::Train => {
            app.train.asked_to_save = false;
            app.say(format!("saved after step {step}."));
        }
        Event::Paused { step } => app.say(format!("paused after step {step}; space goes on.")),
        Event::Continued { .. } => app.say("going on."),
        Event::Changed { .. } => app.say("changed from the next step on."),
        Event::Evaluated { figures, .. } => {
            app.say(format!("loss {:.4}, accuracy {:.2} %.", figures.loss, 100.0 * figures.accuracy));
        }
        Event::Previewed(preview) => app.data.take((**preview).clone()),
        Event::Inspected(inspection) => app.inspect.take((**inspection).clone()),
        Event::Warning { message } => app.complain(message.clone()),
        Event::Refused { message } => {
            // While nothing runs, a question that cannot be answered fails; what is refused is something else.
            if app.training() {
                refused(app, message);
            }
            app.complain(message.clone());
        }
        Event::Failed { message, .. } => {
            refused(app, message);
            app.complain(message.clone());
            return ended(app, None, training);
        }
        Event::Finished { outcome, .. } => {
            app.say(format!("the run is {}.", format!("{outcome:?}").to_lowercase()));
            return ended(app, Some(*outcome), training);
        }
        _ => {}
    }
    Vec::new()
}

/// Whatever was asked is not going to be answered.
fn refused(app: &mut App, message: &str) {
    app.inspect.refuse(message);
    app.data.refuse(message);
}

/// The run has ended, or a question has failed while none was in training: whoever waited for that goes now.
fn ended(app: &mut App, outcome: Option<Outcome>, training: bool) -> Vec<Effect> {
    match (app.leaving.take(), outcome) {
        (Some(Leaving::Quit(code)), _) => vec![Effect::Quit(Exit(code))],
        (Some(Leaving::Background(run)), Some(Outcome::Stopped)) => {
            // Where it was at its end. Until another process has it.
            let run = app.monitor.head.as_ref().map_or(run, |head| head.run_dir.clone());
            app.leaving = Some(Leaving::Background(run.clone()));
            vec![Effect::Disk(Disk::Background(run))]
        }
        // There is nothing left to train.
        (Some(Leaving::Background(_)), Some(Outcome::Completed)) => vec![Effect::Quit(Exit::FINE)],
        _ => {
            let mut effects = vec![Effect::Disk(Disk::ListRuns)];
            // Whoever started a long run may be elsewhere.
            if training && app.settings.bell && app.monitor.elapsed_seconds() >= LONG {
                effects.push(Effect::Bell);
            }
            effects
        }
    }
}
