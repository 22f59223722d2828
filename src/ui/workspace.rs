//! State that all screens share: the live run, the runs on disk, the recipe in the form, the log, and the settings
//! of the charts.

pub(crate) mod draft;
pub(crate) mod first_weights;
pub(crate) mod groups;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod runs;
pub(crate) mod sweeps;

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::plain;
use crate::protocol::event::Preview;
use crate::protocol::{Options, Overrides};
use crate::recipe::Recipe;
use crate::ui::keys::Keys;
use crate::ui::keys::binding::Tab;
use crate::ui::saved_state::{State, ViewState};
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::images::Way;
use crate::ui::style::theme::Theme;
use crate::ui::workspace::draft::Draft;
use crate::ui::workspace::first_weights::FirstWeights;
use crate::ui::workspace::live::Live;
use crate::ui::workspace::log::Log;
use crate::ui::workspace::runs::Runs;
use crate::ui::workspace::sweeps::Sweeps;

/// The notice after a run was asked to end.
pub(crate) const FINISHING: &str = "finishing the step and saving.";

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// From the command line, or the default.
    pub(crate) recipe: Recipe,
    pub(crate) options: Options,
    pub(crate) theme: Theme,
    /// The colours of the terminal.
    pub(crate) level: ColourLevel,
    pub(crate) glyphs: Glyphs,
    pub(crate) pictures: Way,
    pub(crate) keys: Keys,
    /// Bytes that the machine has available, if known.
    pub(crate) memory: Option<u64>,
    /// The run to resume at once, and the changes to it.
    pub(crate) resume: Option<(PathBuf, Overrides)>,
    /// Seconds from UTC to local time.
    pub(crate) utc_offset: i32,
    /// The name of the first run that is started here.
    pub(crate) name: Option<String>,
    /// Whether the mouse is captured.
    pub(crate) mouse: bool,
    pub(crate) state_file: PathBuf,
    /// Whether the end of a long run rings the bell.
    pub(crate) bell: bool,
    /// As it was last time.
    pub(crate) view: ViewState,
    /// Warnings about files that were read, shown at the start.
    pub(crate) notes: Vec<String>,
    pub(crate) on_hangup: OnHangup,
}

/// The fate of a run when the terminal closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnHangup {
    /// It is saved and stops.
    #[default]
    Stop,
    /// It is saved and continues in a process of its own.
    Background,
}

/// A sentence at the bottom, until the next one or the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) bad: bool,
}

/// Everything that screens share. A screen reads all of it; only the application changes which one is shown.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) settings: Settings,
    pub(crate) tab: Tab,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// Seconds since 1970, at the last message.
    pub(crate) now: f64,
    pub(crate) live: Live,
    pub(crate) runs: Runs,
    pub(crate) sweeps: Sweeps,
    pub(crate) draft: Draft,
    /// Recipes that wait for the run in training, as they were when they were queued.
    pub(crate) queue: VecDeque<Recipe>,
    /// The file of weights that the draft names.
    pub(crate) first_weights: FirstWeights,
    /// The last preview of data, and the recipe it is about.
    pub(crate) preview: Option<(Box<Recipe>, Box<Preview>)>,
    pub(crate) log: Log,
    pub(crate) view: ViewState,
    pub(crate) notice: Option<Notice>,
    /// The id of the last question that was asked of the engine.
    pub(crate) questions: u64,
}

impl Workspace {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut new = Self {
            tab: Tab::default(),
            size: (80, 24),
            now: 0.0,
            live: Live::default(),
            runs: Runs::in_order(settings.view.order),
            sweeps: Sweeps::default(),
            queue: VecDeque::new(),
            draft: Draft::new(&settings.recipe),
            first_weights: FirstWeights::default(),
            preview: None,
            log: Log::default(),
            view: settings.view,
            notice: None,
            questions: 0,
            settings,
        };
        for note in new.settings.notes.clone() {
            if new.notice.is_none() {
                new.warn(note.clone());
            }
            new.log.push(0.0, note);
        }
        new
    }

    pub(crate) fn next_question(&mut self) -> u64 {
        self.questions += 1;
        self.questions
    }

    pub(crate) fn notify(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: plain::kept(text.into()), bad: false });
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: plain::kept(text.into()), bad: true });
    }

    /// The state to save for the next time.
    pub(crate) fn state(&self) -> State {
        let view = ViewState { order: self.runs.order(), ..self.view };
        State { view, recipe: Some(self.draft.recipe.clone()) }
    }
}
