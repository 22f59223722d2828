//! Events as lines for people.

use crate::arch::words::Connectivity;
use crate::format::{duration, grouped};
use crate::monitor::Monitor;
use crate::protocol::event::{Best, Phase, Started, balanced_accuracy};
use crate::protocol::{Change, Event, Figures, NoAnswer, Outcome, StopReason};

/// Cells of the progress bar.
const BAR: usize = 8;

/// The lines of an event; none where it is of no interest to people.
pub(crate) fn of(event: &Event, monitor: &Monitor) -> Vec<String> {
    match event {
        Event::Started(head) => started(head),
        Event::Epoch {
            epoch, train, validation, seconds, images_per_second, best, class_accuracy, ..
        } => {
            let epochs = monitor.head.as_ref().map_or(*epoch, |head| head.recipe.epochs);
            let width = epochs.to_string().len();
            let short = |figures: Figures| format!("{:.4} {:>6.2} %", figures.loss, 100.0 * figures.accuracy);
            let validation = validation.map_or(String::new(), |figures| {
                format!("  validation {}{}", short(figures), balanced(figures.accuracy, class_accuracy))
            });
            let mark = if *best && !validation.is_empty() { "  best" } else { "" };
            let (train, time) = (short(*train), duration(*seconds));
            vec![format!(
                "epoch {epoch:>width$}/{epochs}  train {train}{validation}  {time}  {images_per_second:.0}/s{mark}"
            )]
        }
        Event::Warning { message } | Event::Refused { message } => vec![format!("warning: {message}")],
        Event::Paused { step } => vec![format!("paused after step {step}")],
        Event::Continued { step } => vec![format!("continued after step {step}")],
        Event::Changed { change: Change::Lr(lr), step } => {
            vec![format!("learning rate {lr} from step {} on", step + 1)]
        }
        Event::Changed { change: Change::Epochs(epochs), step } => {
            vec![format!("{epochs} epochs in all, decided after step {step}")]
        }
        Event::Changed { change: Change::Freeze(freeze), step } => {
            vec![format!("freeze {freeze} from step {} on", step + 1)]
        }
        Event::Failed { message, .. } | Event::Answered { answer: Err(NoAnswer { message, .. }), .. } => {
            message.lines().map(|line| format!("error: {line}")).collect()
        }
        Event::Finished { outcome, reason, best, test, step } => {
            vec![finished(*outcome, *reason, *best, *test, *step)]
        }
        _ => Vec::new(),
    }
}

/// The balanced accuracy, the mean of those within the classes, where it is another: where classes are unequal.
pub(crate) fn balanced(accuracy: f64, class_accuracy: &[f64]) -> String {
    match balanced_accuracy(class_accuracy) {
        Some(mean) if (mean - accuracy).abs() >= 0.0005 => format!(" (balanced {:.2} %)", 100.0 * mean),
        _ => String::new(),
    }
}

/// The growth rate of a dense network, the width of another.
fn size(head: &Started) -> String {
    let recipe = &head.recipe;
    match recipe.connectivity {
        Connectivity::Dense => format!("growth rate {}", recipe.growth_rate),
        _ => format!("width {}", recipe.arch(head.classes.len().max(2)).width),
    }
}

fn started(head: &Started) -> Vec<String> {
    let recipe = &head.recipe;
    let layers: Vec<String> = recipe.layers.iter().map(ToString::to_string).collect();
    let mut lines = vec![
        format!(
            "{}: {} {} layers, {}, {} parameters, on {}",
            head.run,
            recipe.family(),
            layers.join("+"),
            size(head),
            grouped(head.parameters),
            recipe.data,
        ),
        format!("device {}, {} threads; {}", head.device, head.threads, head.run_dir.display()),
        format!(
            "{} training, {} validation, {} test images; {} epoch{}, {} steps of {}; loss and accuracy:",
            grouped(head.train_images as u64),
            grouped(head.validation_images as u64),
            grouped(head.test_images as u64),
            recipe.epochs,
            if recipe.epochs == 1 { "" } else { "s" },
            grouped(head.total_steps),
            recipe.batch_size,
        ),
    ];
    if let (Some(origin), None) = (&head.weights, &head.resumed_from) {
        lines.insert(1, origin.line(head.classes.len()));
    }
    if let Some(file) = &head.resumed_from {
        lines.push(format!("continues after step {} from {}", head.step, file.display()));
    }
    lines
}

fn finished(
    outcome: Outcome,
    reason: Option<StopReason>,
    best: Option<Best>,
    test: Option<Figures>,
    step: u64,
) -> String {
    let how = match (outcome, reason) {
        (Outcome::Completed, _) => format!("completed after {} steps", grouped(step)),
        (Outcome::Diverged, _) => format!("diverged after step {}", grouped(step)),
        (Outcome::Stopped, Some(StopReason::Signal(signal))) => {
            format!("stopped by signal {signal} after step {}, saved", grouped(step))
        }
        (Outcome::Stopped, Some(StopReason::TimeUp)) => {
            format!("its time was up after step {}, saved", grouped(step))
        }
        (Outcome::Stopped, Some(StopReason::EpochsDone)) => {
            format!("its epochs for now were done after step {}, saved", grouped(step))
        }
        (Outcome::Stopped, _) => format!("stopped after step {}, saved", grouped(step)),
    };
    let best = best.map_or(String::new(), |best| {
        let figures = Figures { loss: best.loss, accuracy: best.accuracy };
        format!("; best epoch {} with {}", best.epoch, loss_and_accuracy(figures))
    });
    let test = test.map_or(String::new(), |test| format!("; test {}", loss_and_accuracy(test)));
    format!("{how}{best}{test}")
}

/// Where the run is now, in one line of less than 80 cells; none before it has begun and after its end.
pub(crate) fn progress(monitor: &Monitor) -> Option<String> {
    if monitor.end.is_some() {
        return None;
    }
    let Some(head) = &monitor.head else {
        return match monitor.phase {
            Some((Phase::Loading, ..)) => loading(monitor),
            Some((Phase::Compiling, ..)) => Some("compiling the GPU's kernels".to_owned()),
            _ => None,
        };
    };
    let doing = match monitor.phase {
        _ if monitor.paused => "paused".to_owned(),
        Some((Phase::Validating, done, total)) if total > 0 => format!("validating {}", percent(done, total)),
        Some((Phase::Testing, done, total)) if total > 0 => format!("testing {}", percent(done, total)),
        _ => match monitor.steps {
            None => "first step".to_owned(),
            Some(steps) => format!(
                "loss {:.3} acc {:.1} % {:.0}/s",
                steps.figures.loss,
                100.0 * steps.figures.accuracy,
                steps.images_per_second
            ),
        },
    };
    let epoch = (monitor.step / head.steps_per_epoch.max(1) + 1).min(head.recipe.epochs as u64);
    let eta =
        monitor.remaining_seconds().map_or(String::new(), |seconds| format!(" ETA {}", duration(seconds)));
    Some(format!(
        "epoch {epoch}/{} {} {}  {doing}{eta}",
        head.recipe.epochs,
        bar(monitor.step, head.total_steps),
        percent(monitor.step, head.total_steps)
    ))
}

/// How far the images are read: pictures found while a folder is listed, then how many of them are read, at which rate
/// and for how long still. `None` before there is one.
pub(crate) fn loading(monitor: &Monitor) -> Option<String> {
    let (Phase::Loading, done, total) = monitor.phase? else { return None };
    match (done, total, monitor.phase_pace()) {
        (0, 0, _) => None,
        (_, 0, _) => Some(format!("listing the folder, {} pictures", grouped(done))),
        (_, _, Some((rate, left))) if done < total => Some(format!(
            "loading {} of {} {rate:.0}/s ETA {}",
            grouped(done),
            grouped(total),
            duration(left)
        )),
        _ => Some(format!("loading {} of {}", grouped(done), grouped(total))),
    }
}

fn bar(done: u64, total: u64) -> String {
    let filled = (BAR as u64 * done / total.max(1)).min(BAR as u64) as usize;
    format!("[{}{}]", "#".repeat(filled), "-".repeat(BAR - filled))
}

fn percent(done: u64, total: u64) -> String {
    format!("{:.0} %", 100.0 * done as f64 / total.max(1) as f64)
}

fn loss_and_accuracy(figures: Figures) -> String {
    format!("loss {:.4} acc {:.2} %", figures.loss, 100.0 * figures.accuracy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Steps;

    #[test]
    fn progress_fits_a_line_of_a_terminal() {
        let mut monitor = Monitor::default();
        assert_eq!(progress(&monitor), None);
        monitor.phase = Some((Phase::Compiling, 0, 0));
        assert_eq!(progress(&monitor).unwrap(), "compiling the GPU's kernels");
        monitor.phase = Some((Phase::Loading, 500, 60_000));
        assert_eq!(progress(&monitor).unwrap(), "loading 500 of 60,000");
        (monitor.phase_begun, monitor.told) = ((10.0, 0), 12.0);
        assert_eq!(progress(&monitor).unwrap(), "loading 500 of 60,000 250/s ETA 3 min 58 s");
        monitor.phase = Some((Phase::Loading, 12_345, 0));
        assert_eq!(progress(&monitor).unwrap(), "listing the folder, 12,345 pictures");
        monitor.head = Some(Started {
            recipe: crate::recipe::Recipe::defaults(crate::recipe::Data::Cifar10),
            steps_per_epoch: 704,
            total_steps: 211_200,
            ..Started::example()
        });
        monitor.step = 105_600;
        let figures = Figures { loss: 0.123_45, accuracy: 0.987_65 };
        monitor.steps = Some(Steps { epoch: 151, figures, learning_rate: 0.01, images_per_second: 10_432.1 });
        monitor.phase = Some((Phase::Training, 0, 0));
        let line = progress(&monitor).unwrap();
        assert_eq!(line, "epoch 151/300 [####----] 50 %  loss 0.123 acc 98.8 % 10432/s");
        assert!(line.len() + " ETA 10 h 00 min".len() < 80);
        monitor.phase = Some((Phase::Validating, 2_500, 5_000));
        assert_eq!(progress(&monitor).unwrap(), "epoch 151/300 [####----] 50 %  validating 50 %");
    }

    #[test]
    fn an_end_is_one_sentence() {
        let best = Best { epoch: 3, step: 30, loss: 0.5, accuracy: 0.875 };
        let test = Figures { loss: 0.6, accuracy: 0.85 };
        assert_eq!(
            finished(Outcome::Completed, None, Some(best), Some(test), 1200),
            "completed after 1,200 steps; best epoch 3 with loss 0.5000 acc 87.50 %; test loss 0.6000 acc 85.00 %"
        );
        assert_eq!(
            finished(Outcome::Stopped, Some(StopReason::Signal(15)), None, None, 7),
            "stopped by signal 15 after step 7, saved"
        );
    }
}
