//! What all screens may read, and what they change together: the live run, the runs on disk, the recipe in the form,
//! the log, and how charts are looked at.

pub(crate) mod draft;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod runs;

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
use crate::ui::style::theme::Theme;
use crate::ui::workspace::draft::Draft;
use crate::ui::workspace::live::Live;
use crate::ui::workspace::log::Log;
use crate::ui::workspace::runs::Runs;

/// What is said when a run was asked to end.
pub(crate) const FINISHING: &str = "finishing the step and saving.";

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

/// Everything that screens share. A screen reads all of it; which one is shown, only the application changes.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) settings: Settings,
    /// The screen that is shown.
    pub(crate) tab: Tab,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// Seconds since 1970, as the last message said.
    pub(crate) now: f64,
    pub(crate) live: Live,
    pub(crate) runs: Runs,
    pub(crate) draft: Draft,
    /// The last preview of data, and the recipe it is about.
    pub(crate) preview: Option<(Box<Recipe>, Box<Preview>)>,
    pub(crate) log: Log,
    /// How charts are looked at.
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
            draft: Draft::new(&settings.recipe),
            preview: None,
            log: Log::default(),
            view: settings.view,
            notice: None,
            questions: 0,
            settings,
        };
        for note in new.settings.notes.clone() {
            if new.notice.is_none() {
                new.complain(note.clone());
            }
            new.log.say(0.0, note);
        }
        new
    }

    /// The id of a question that is about to be asked.
    pub(crate) fn next_question(&mut self) -> u64 {
        self.questions += 1;
        self.questions
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: plain::kept(text.into()), bad: false });
    }

    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: plain::kept(text.into()), bad: true });
    }

    /// What is remembered for the next time.
    pub(crate) fn state(&self) -> State {
        let view = ViewState { order: self.runs.order, ..self.view };
        State { view, recipe: Some(self.draft.recipe.clone()) }
    }
}
