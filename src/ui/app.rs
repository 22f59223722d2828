//! The application: the workspace, the screens and what lies over them. [`App::update`] applies a message and returns
//! the effects for the shell; [`App::draw`] draws a frame.

mod dispatch;
mod events;
mod mouse;
#[cfg(test)]
mod tests;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use crate::ui::hits::Hits;
use crate::ui::overlay::update::Overlay;
use crate::ui::screens::Screens;
use crate::ui::workspace::{Settings, Workspace};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) ws: Workspace,
    pub(crate) screens: Screens,
    pub(crate) overlay: Overlay,
    /// Where the last frame put what can be clicked.
    pub(crate) hits: Hits,
    /// What to do when the run has ended.
    pub(crate) leaving: Option<Leaving>,
    pub(crate) dirty: bool,
}

/// The reason for waiting for the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// To quit, with this exit code.
    Quit(u8),
    /// To quit and let another process continue the run.
    Background(PathBuf),
}

impl App {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            ws: Workspace::new(settings),
            screens: Screens::default(),
            overlay: Overlay::default(),
            hits: Hits::default(),
            leaving: None,
            dirty: true,
        }
    }

    /// Whether a clock on the screen runs.
    pub(crate) fn clock_runs(&self) -> bool {
        self.ws.live.training() && !self.ws.live.monitor.paused
    }

    /// The interval of [`crate::ui::effect::Msg::Tick`].
    pub(crate) fn pulse(&self) -> Option<Duration> {
        let own = self.screens.of(self.ws.tab).pulse();
        own.or_else(|| self.clock_runs().then_some(SECOND))
    }
}
