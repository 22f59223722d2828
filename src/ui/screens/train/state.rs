//! The state of the Train screen: how its charts are shown.

use crate::ui::curves::Curves;
use crate::ui::saved_state::ViewState;

/// The charts, in the order of the panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Loss,
    Accuracy,
    Rate,
    Speed,
}

impl Pane {
    pub(crate) const ALL: [Self; 4] = [Self::Loss, Self::Accuracy, Self::Rate, Self::Speed];
}

/// Smoothing weights that `[` and `]` go through; 0 is none.
pub(crate) const SMOOTHING: [f64; 6] = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98];

/// The weight of the past in the smoothed curve.
pub(crate) fn smoothing(view: ViewState) -> f64 {
    SMOOTHING[view.smoothing.min(SMOOTHING.len() - 1)]
}

#[derive(Clone, Debug, Default)]
pub(crate) struct TrainScreen {
    /// The curves as they were when the view was frozen.
    pub(crate) frozen: Option<Box<Curves>>,
    pub(crate) pane: Pane,
    pub(crate) maximised: bool,
    /// Share of the x axis that is shown, from its left end: begin and end.
    pub(crate) window: Option<(f64, f64)>,
    /// Cursor, as a share of what is shown.
    pub(crate) cursor: Option<f64>,
    /// A save was requested and is not done yet.
    pub(crate) asked_to_save: bool,
    /// Where the mouse took hold of a chart, as a share of what is shown.
    pub(crate) held: Option<f64>,
}

impl TrainScreen {
    pub(crate) fn shown<'a>(&'a self, live: &'a Curves) -> &'a Curves {
        self.frozen.as_deref().unwrap_or(live)
    }

    /// Freezes the curves as they are, or shows those of now again.
    pub(crate) fn freeze(&mut self, live: &Curves) {
        self.frozen = if self.frozen.is_some() { None } else { Some(Box::new(live.clone())) };
    }

    /// Zooms by `factor` about the cursor, or the right end.
    pub(crate) fn zoom(&mut self, factor: f64) {
        self.zoom_about(factor, self.cursor.unwrap_or(1.0));
    }

    /// Zooms by `factor` about a place, a share of what is shown.
    pub(crate) fn zoom_about(&mut self, factor: f64, share: f64) {
        let (begin, end) = self.window.unwrap_or((0.0, 1.0));
        let at = begin + (end - begin) * share;
        let width = ((end - begin) * factor).clamp(0.001, 1.0);
        let begin = (at - share * width).clamp(0.0, 1.0 - width);
        self.window = (width < 1.0).then_some((begin, begin + width));
    }

    /// Moves a zoomed view by a share of its width, to the right above 0.
    pub(crate) fn pan(&mut self, by: f64) {
        if let Some((begin, end)) = self.window {
            let shift = (by * (end - begin)).clamp(-begin, 1.0 - end);
            self.window = Some((begin + shift, end + shift));
        }
    }

    /// Moves the cursor by a step of the screen; past the edge of a zoomed view the view moves.
    pub(crate) fn move_cursor(&mut self, by: f64) {
        let next = self.cursor.unwrap_or(1.0) + by;
        if !(0.0..=1.0).contains(&next) {
            self.pan(by);
        }
        self.cursor = Some(next.clamp(0.0, 1.0));
    }

    pub(crate) fn reset_view(&mut self) {
        (self.window, self.cursor) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn zooming_in_and_out_again_shows_everything() {
        let mut screen = TrainScreen { cursor: Some(0.5), ..TrainScreen::default() };
        screen.zoom(0.5);
        assert_eq!(screen.window, Some((0.25, 0.75)));
        screen.zoom(2.0);
        assert_eq!(screen.window, None);
    }

    #[test]
    fn the_view_moves_when_the_cursor_leaves_it_and_stays_within_the_curve() {
        let mut screen =
            TrainScreen { window: Some((0.5, 0.75)), cursor: Some(1.0), ..TrainScreen::default() };
        screen.move_cursor(0.2);
        assert_eq!(screen.window, Some((0.55, 0.8)));
        (0..20).for_each(|_| screen.move_cursor(0.5));
        let (begin, end) = screen.window.unwrap();
        assert!((end - 1.0).abs() < 1e-9 && (begin - 0.75).abs() < 1e-9);
    }
}
