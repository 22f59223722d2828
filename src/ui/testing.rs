//! What the tests of the interface start with.

use crate::protocol::Options;
use crate::protocol::command::{Device, SaveEvery};
use crate::recipe::{Data, Recipe};
use crate::ui::keys::Keys;
use crate::ui::saved_state::ViewState;
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use crate::ui::workspace::{OnHangup, Settings};

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
            reference: false,
        },
        theme: Theme::builtin("terminal").unwrap(),
        level: ColourLevel::True,
        glyphs: Glyphs { unicode: true },
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
