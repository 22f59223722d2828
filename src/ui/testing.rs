//! Fixtures for the tests of the interface, and a screen in memory.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use crate::protocol::Options;
use crate::protocol::command::{Device, SaveEvery};
use crate::recipe::{Data, Recipe};
use crate::ui::canvas::Canvas;
use crate::ui::dump;
use crate::ui::keys::Keys;
use crate::ui::saved_state::ViewState;
use crate::ui::screen::Screen;
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::images::Way;
use crate::ui::style::theme::Theme;
use crate::ui::workspace::{OnHangup, Settings, Workspace};

/// The settings of somebody who has none, on a terminal that can do everything, in UTC.
pub(crate) fn settings() -> Settings {
    Settings {
        recipe: Recipe::defaults(Data::Shapes),
        options: Options {
            runs_dir: "runs".into(),
            device: Device::Cpu,
            threads: 2,
            save_every: SaveEvery::default(),
            stop_after: None,
            no_test: false,
            skip_broken: false,
            reference: false,
        },
        theme: Theme::builtin("terminal").unwrap(),
        level: ColourLevel::True,
        glyphs: Glyphs { unicode: true },
        pictures: Way::default(),
        keys: Keys::default(),
        memory: Some(8 << 30),
        resume: None,
        utc_offset: 0,
        name: None,
        mouse: true,
        bell: true,
        view: ViewState::default(),
        state_file: "state.toml".into(),
        notes: Vec::new(),
        on_hangup: OnHangup::Stop,
    }
}

/// A workspace with the dark theme.
pub(crate) fn workspace(level: ColourLevel, unicode: bool) -> Workspace {
    let theme = Theme::builtin("dark").unwrap().at(level);
    Workspace::new(Settings { theme, glyphs: Glyphs { unicode }, level, ..settings() })
}

/// A screen of this size as text.
pub(crate) fn drawn(screen: &dyn Screen, ws: &Workspace, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| screen.draw(&mut Canvas::new(frame, ws), Rect::new(0, 0, width, height))).unwrap();
    dump::text(terminal.backend().buffer())
}
