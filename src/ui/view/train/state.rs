//! The run in four lines: what it is, how far it is, what it does now, how well it does.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::monitor::lines::duration;
use crate::monitor::{End, Monitor};
use crate::protocol::event::{Phase, Started};
use crate::ui::app::App;
use crate::ui::view::{clock, grouped};
use crate::ui::widgets::bar::Progress;

pub(super) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let rows: [Rect; 4] = Layout::vertical([Constraint::Length(1); 4]).areas(area);
    let (theme, monitor) = (&app.settings.theme, &app.monitor);
    let Some(head) = &monitor.head else {
        if let Some((phase, done, total)) = monitor.phase.filter(|_| monitor.end.is_none()) {
            frame.render_widget(Span::styled(activity(phase, done, total), theme.accent), rows[0]);
        }
        return;
    };
    let about = format!(
        "  {}, {} parameters, {}, {} threads",
        head.recipe.data,
        grouped(head.parameters),
        head.device.split(" (").next().unwrap_or_default(),
        head.threads
    );
    let title = vec![Span::styled(head.run.as_str(), theme.title), Span::styled(about, theme.dim)];
    frame.render_widget(Line::from(title), rows[0]);
    let [run, epoch] =
        Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(rows[1]);
    let run = Rect { width: run.width.saturating_sub(2), ..run };
    let text = format!("{:.0} % {}", 100.0 * share(monitor.step, head.total_steps), ending(app, head));
    progress(app, "run", share(monitor.step, head.total_steps), &text, frame, run);
    let (label, done, total) = current(monitor, head);
    progress(app, &label, share(done, total), &format!("{done}/{total}"), frame, epoch);
    frame.render_widget(Line::from(now(app)), rows[2]);
    frame.render_widget(Line::from(best(app)), rows[3]);
}

fn progress(app: &App, label: &str, share: f64, text: &str, frame: &mut Frame, area: Rect) {
    let (theme, glyphs) = (&app.settings.theme, app.settings.glyphs);
    frame.render_widget(&Progress { label, share, text, theme, glyphs }, area);
}

fn share(done: u64, total: u64) -> f64 {
    done as f64 / total.max(1) as f64
}

/// When it will be done, by its pace so far.
fn ending(app: &App, head: &Started) -> String {
    match (&app.monitor.end, app.monitor.remaining_seconds()) {
        (Some(_), _) => format!("of {} epochs", head.recipe.epochs),
        (None, _) if app.monitor.paused => "paused".into(),
        (None, None) => "ETA -".into(),
        (None, Some(seconds)) => {
            // The clock time only when it would not change with every frame.
            let at = clock(app, app.now + seconds);
            let at = if seconds >= 120.0 { &at[..5] } else { &at[..] };
            format!("{}, ends {at}", duration(seconds))
        }
    }
}

/// What the second bar shows: the epoch, or what interrupts it.
fn current(monitor: &Monitor, head: &Started) -> (String, u64, u64) {
    match monitor.phase {
        Some((Phase::Validating, done, total)) if monitor.end.is_none() && total > 0 => {
            ("validating".into(), done, total)
        }
        Some((Phase::Testing, done, total)) if monitor.end.is_none() && total > 0 => {
            ("testing".into(), done, total)
        }
        _ => {
            let per_epoch = head.steps_per_epoch.max(1);
            let epoch = (monitor.step.saturating_sub(1) / per_epoch).min(head.recipe.epochs as u64);
            let done = monitor.step - (epoch * per_epoch).min(monitor.step);
            (format!("epoch {}/{}", epoch + 1, head.recipe.epochs), done, per_epoch)
        }
    }
}

/// The last figures and what the engine does.
fn now<'a>(app: &App) -> Vec<Span<'a>> {
    let (theme, monitor) = (&app.settings.theme, &app.monitor);
    let mut spans = Vec::new();
    if let Some(steps) = monitor.steps {
        spans.push(Span::styled(
            format!(
                "step {}  loss {:.4}  accuracy {:.1} %  lr {:.4}  {:.0} images/s  ",
                grouped(monitor.step),
                steps.figures.loss,
                100.0 * steps.figures.accuracy,
                steps.learning_rate,
                steps.images_per_second
            ),
            theme.text,
        ));
    }
    let (doing, style) = match &monitor.end {
        Some(End::Finished(outcome, _)) => (format!("{outcome:?}").to_lowercase(), theme.good),
        Some(End::Failed(..)) => ("failed".to_owned(), theme.bad),
        None if monitor.paused => (format!("{} paused", app.settings.glyphs.paused()), theme.warn),
        None => match monitor.phase {
            Some((phase, done, total)) => (activity(phase, done, total), theme.accent),
            None => ("training".to_owned(), theme.accent),
        },
    };
    spans.push(Span::styled(doing, style));
    spans
}

fn activity(phase: Phase, done: u64, total: u64) -> String {
    let word = match phase {
        Phase::Training => return "training".into(),
        phase => format!("{phase:?}").to_lowercase(),
    };
    if total > 0 { format!("{word} {} of {}", grouped(done), grouped(total)) } else { word }
}

/// The best epoch, the test, and how the charts are looked at.
fn best<'a>(app: &App) -> Vec<Span<'a>> {
    let (theme, monitor, train) = (&app.settings.theme, &app.monitor, &app.train);
    let mut spans = Vec::new();
    if let Some(best) = monitor.best {
        let text = format!(
            "{} best epoch {}: accuracy {:.2} %, loss {:.4}  ",
            app.settings.glyphs.star(),
            best.epoch,
            100.0 * best.accuracy,
            best.loss
        );
        spans.push(Span::styled(text, theme.good));
    }
    if let Some(test) = monitor.test {
        spans.push(Span::styled(format!("test accuracy {:.2} %  ", 100.0 * test.accuracy), theme.title));
    }
    let view = [
        (train.is_frozen(), "frozen"),
        (train.log_y, "log y"),
        (train.log_x, "log x"),
        (train.window.is_some(), "zoomed"),
    ];
    let words: Vec<&str> = view.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
    spans.push(Span::styled(words.join(", "), theme.warn));
    spans
}
