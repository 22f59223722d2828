//! The run in four lines: its name and network, its progress, its state, its best figures; a fifth has the figures of
//! the GPU, if the driver reports them.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::format::{clock, duration, grouped};
use crate::monitor::{End, Monitor, lines};
use crate::protocol::event::{GpuFigures, Phase, Started};
use crate::ui::canvas::Canvas;
use crate::ui::screens::train::state::TrainScreen;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::widgets::bar::Progress;
use crate::ui::workspace::Workspace;

const GIB: f64 = (1u64 << 30) as f64;

pub(crate) fn height(ws: &Workspace) -> u16 {
    if gpu_figures(ws).is_some() { 5 } else { 4 }
}

/// The figures of the GPU, while a run is in training.
fn gpu_figures(ws: &Workspace) -> Option<GpuFigures> {
    ws.live.monitor.gpu.filter(|_| ws.live.training())
}

pub(crate) fn draw(screen: &TrainScreen, canvas: &mut Canvas, area: Rect) {
    let row = Constraint::Length(1);
    let rows: [Rect; 5] = Layout::vertical([row, row, row, row, Constraint::Min(0)]).areas(area);
    let (ws, theme) = (canvas.ws, canvas.theme);
    let monitor = &ws.live.monitor;
    let Some(head) = &monitor.head else {
        if let Some((phase, done, total)) = monitor.phase.filter(|_| monitor.end.is_none()) {
            let text = lines::loading(monitor).unwrap_or_else(|| activity(phase, done, total));
            canvas.text(text, theme.accent, rows[0]);
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
    canvas.render_widget(Line::from(title), rows[0]);
    let [run, epoch] =
        Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(rows[1]);
    let run = Rect { width: run.width.saturating_sub(2), ..run };
    let text = format!("{:.0} % {}", 100.0 * share(monitor.step, head.total_steps), ending(ws, head));
    progress("run", share(monitor.step, head.total_steps), &text, canvas, run);
    let (label, done, total) = current(monitor, head);
    progress(&label, share(done, total), &format!("{done}/{total}"), canvas, epoch);
    canvas.render_widget(Line::from(now(ws)), rows[2]);
    canvas.render_widget(Line::from(best(screen, ws)), rows[3]);
    if let Some(figures) = gpu_figures(ws) {
        canvas.text(gpu(figures, canvas.glyphs), theme.text, rows[4]);
    }
}

fn progress(label: &str, share: f64, text: &str, canvas: &mut Canvas, area: Rect) {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    canvas.render_widget(&Progress { label, share, text, theme, glyphs }, area);
}

fn share(done: u64, total: u64) -> f64 {
    done as f64 / total.max(1) as f64
}

/// When it will be done, by its pace so far.
fn ending(ws: &Workspace, head: &Started) -> String {
    match (&ws.live.monitor.end, ws.live.monitor.remaining_seconds()) {
        (Some(_), _) => format!("of {} epochs", head.recipe.epochs),
        (None, _) if ws.live.monitor.paused => "paused".into(),
        (None, None) => "ETA -".into(),
        (None, Some(seconds)) => {
            // The clock time only when it would not change with every frame.
            let at = clock(ws.settings.utc_offset, ws.now + seconds);
            let at = if seconds >= 120.0 { &at[..5] } else { &at[..] };
            format!("{}, ends {at}", duration(seconds))
        }
    }
}

/// The second bar: the epoch, or the evaluation that interrupts it.
fn current(monitor: &Monitor, head: &Started) -> (String, u64, u64) {
    match monitor.phase {
        Some((phase @ (Phase::Validating | Phase::Testing), done, total))
            if monitor.end.is_none() && total > 0 =>
        {
            (format!("{phase:?}").to_lowercase(), done, total)
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
fn now<'a>(ws: &Workspace) -> Vec<Span<'a>> {
    let (theme, monitor) = (&ws.settings.theme, &ws.live.monitor);
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
        None if monitor.paused => (format!("{} paused", ws.settings.glyphs.paused()), theme.warn),
        None => match monitor.phase {
            Some((phase, done, total)) => {
                (lines::loading(monitor).unwrap_or_else(|| activity(phase, done, total)), theme.accent)
            }
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

/// The best epoch, the test, and how the charts are shown.
fn best<'a>(screen: &TrainScreen, ws: &Workspace) -> Vec<Span<'a>> {
    let (theme, monitor) = (&ws.settings.theme, &ws.live.monitor);
    let mut spans = Vec::new();
    if let Some(best) = monitor.best {
        let text = format!(
            "{} best epoch {}: accuracy {:.2} %, loss {:.4}  ",
            ws.settings.glyphs.star(),
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
        (screen.frozen.is_some(), "frozen"),
        (ws.view.log_y, "log y"),
        (ws.view.log_x, "log x"),
        (screen.window.is_some(), "zoomed"),
    ];
    let words: Vec<&str> = view.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
    spans.push(Span::styled(words.join(", "), theme.warn));
    spans
}

fn gpu(figures: GpuFigures, glyphs: Glyphs) -> String {
    let GpuFigures { utilisation, memory_used, memory_total, temperature, power } = figures;
    let gib = |bytes: u64| format!("{:.1}", bytes as f64 / GIB);
    let of = memory_total.map_or(String::new(), |total| format!(" of {}", gib(total)));
    let parts = [
        utilisation.map(|share| format!("{:.0} %", 100.0 * share)),
        temperature.map(|degrees| format!("{degrees} {}", glyphs.celsius())),
        power.map(|watts| format!("{watts:.0} W")),
        memory_used.map(|used| format!("memory {}{of} GiB", gib(used))),
    ];
    format!("GPU {}", parts.into_iter().flatten().collect::<Vec<_>>().join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gpu_has_a_line_without_figures_that_the_driver_does_not_report() {
        let figures = GpuFigures {
            utilisation: Some(0.974),
            memory_used: Some(2_254_857_830),
            memory_total: Some(85_040_000_000),
            temperature: Some(41),
            power: Some(411.6),
        };
        let (unicode, plain) = (Glyphs { unicode: true }, Glyphs { unicode: false });
        assert_eq!(gpu(figures, unicode), "GPU 97 %  41 °C  412 W  memory 2.1 of 79.2 GiB");
        assert_eq!(gpu(figures, plain), "GPU 97 %  41 C  412 W  memory 2.1 of 79.2 GiB");
        let less = GpuFigures { utilisation: None, memory_total: None, power: None, ..figures };
        assert_eq!(gpu(less, plain), "GPU 41 C  memory 2.1 GiB");
    }
}
