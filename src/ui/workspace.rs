//! What the interface knows and shows. Messages change it (`update`), drawing reads it (`view`).

use std::path::PathBuf;

use crate::monitor::Monitor;
use crate::plain;
use crate::protocol::{Options, Overrides};
use crate::recipe::Recipe;
use crate::ui::hits::Hits;
use crate::ui::keys::{Keys, Screen};
use crate::ui::prompt::Prompt;
use crate::ui::saved_state::ViewState;
use crate::ui::screens::data::state::DataScreen;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::log::state::LogScreen;
use crate::ui::screens::recipe::state::RecipeScreen;
use crate::ui::screens::runs::state::RunsScreen;
use crate::ui::screens::train::state::TrainScreen;
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;

/// What the interface starts with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The recipe that was typed, or the default.
    pub(crate) recipe: Recipe,
    /// How runs are carried out.
    pub(crate) options: Options,
    pub(crate) theme: Theme,
    /// The colours of the terminal.
    pub(crate) level: ColourLevel,
    pub(crate) glyphs: Glyphs,
    pub(crate) keys: Keys,
    /// Bytes that the machine has available, where it tells.
    pub(crate) memory: Option<u64>,
    /// The run to go on with at once, and what of it is to be otherwise.
    pub(crate) resume: Option<(PathBuf, Overrides)>,
    /// Seconds from UTC to the time of this place.
    pub(crate) utc_offset: i32,
    /// The name of the first run that is started here.
    pub(crate) name: Option<String>,
    /// Whether the mouse is taken.
    pub(crate) mouse: bool,
    /// Where that is kept.
    pub(crate) state_file: PathBuf,
    /// Whether the end of a long run rings the bell.
    pub(crate) bell: bool,
    /// How things were looked at last time.
    pub(crate) view: ViewState,
    /// What is to be said at once: warnings about files that were read.
    pub(crate) notes: Vec<String>,
    pub(crate) on_hangup: OnHangup,
}

/// What becomes of a run when the terminal goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnHangup {
    /// It is saved and stops.
    #[default]
    Stop,
    /// It is saved and goes on in a process of its own.
    Background,
}

/// A sentence at the bottom, until something else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) bad: bool,
}

impl Notice {
    fn new(text: String, bad: bool) -> Self {
        Self { text: plain::kept(text), bad }
    }
}

/// Everything.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) screen: Screen,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// Seconds since 1970, as the last message said.
    pub(crate) now: f64,
    /// The run of the engine: the last one that began.
    pub(crate) monitor: Monitor,
    pub(crate) recipe: RecipeScreen,
    pub(crate) train: TrainScreen,
    pub(crate) runs: RunsScreen,
    pub(crate) inspect: InspectScreen,
    pub(crate) data: DataScreen,
    pub(crate) log: LogScreen,
    /// What lies over the screen and takes the keys.
    pub(crate) prompt: Option<Prompt>,
    pub(crate) notice: Option<Notice>,
    /// Lines of the command line, oldest first, and which one was brought back.
    pub(crate) history: Vec<String>,
    pub(crate) recalled: usize,
    /// Where the last frame put what can be clicked.
    pub(crate) hits: Hits,
    /// The mouse is the interface's, not the terminal's.
    pub(crate) mouse: bool,
    /// What is to be done when the run has ended.
    pub(crate) leaving: Option<Leaving>,
    pub(crate) dirty: bool,
}

/// Why the interface waits for the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// To quit, with this exit code.
    Quit(u8),
    /// To quit and let another process go on with the run.
    Background(PathBuf),
}

impl App {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut log = LogScreen::default();
        for note in &settings.notes {
            log.say(0.0, note.clone());
        }
        let view = settings.view;
        let mut train = TrainScreen::default();
        (train.log_y, train.log_x, train.over) = (view.log_y, view.log_x, view.x_axis);
        train.set_smoothing_step(view.smoothing);
        let mut runs = RunsScreen::default();
        runs.order = view.order;
        Self {
            recipe: RecipeScreen::new(&settings.recipe),
            train,
            runs,
            inspect: InspectScreen::default(),
            data: DataScreen::default(),
            log,
            mouse: settings.mouse,
            notice: settings.notes.first().map(|note| Notice::new(note.clone(), true)),
            settings,
            screen: Screen::Recipe,
            size: (80, 24),
            now: 0.0,
            monitor: Monitor::default(),
            prompt: None,
            history: Vec::new(),
            recalled: 0,
            hits: Hits::default(),
            leaving: None,
            dirty: true,
        }
    }

    /// Whether a run is being trained.
    pub(crate) fn training(&self) -> bool {
        self.monitor.head.is_some() && self.monitor.end.is_none()
    }

    /// Whether what is shown depends on the time of day.
    pub(crate) fn clock_runs(&self) -> bool {
        self.training() && !self.monitor.paused
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice::new(text.into(), false));
    }

    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice::new(text.into(), true));
    }
}
