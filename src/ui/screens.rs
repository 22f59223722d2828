//! The screens, one folder each.

pub(crate) mod asked;
pub(crate) mod data;
pub(crate) mod inspect;
pub(crate) mod log;
pub(crate) mod recipe;
pub(crate) mod runs;
pub(crate) mod sweeps;
pub(crate) mod train;

use crate::ui::keys::binding::Tab;
use crate::ui::screen::Screen;
use crate::ui::screens::data::state::DataScreen;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::log::state::LogScreen;
use crate::ui::screens::recipe::state::RecipeScreen;
use crate::ui::screens::runs::state::RunsScreen;
use crate::ui::screens::sweeps::state::SweepsScreen;
use crate::ui::screens::train::state::TrainScreen;

#[derive(Debug, Default)]
pub(crate) struct Screens {
    pub(crate) recipe: RecipeScreen,
    pub(crate) train: TrainScreen,
    pub(crate) runs: RunsScreen,
    pub(crate) inspect: InspectScreen,
    pub(crate) data: DataScreen,
    pub(crate) log: LogScreen,
    pub(crate) sweeps: SweepsScreen,
}

impl Screens {
    /// In the order of [`Tab::ALL`].
    pub(crate) fn all(&mut self) -> [&mut dyn Screen; 7] {
        let Self { recipe, train, runs, inspect, data, log, sweeps } = self;
        [recipe, train, runs, inspect, data, log, sweeps]
    }

    pub(crate) fn of(&self, tab: Tab) -> &dyn Screen {
        let Self { recipe, train, runs, inspect, data, log, sweeps } = self;
        let all: [&dyn Screen; 7] = [recipe, train, runs, inspect, data, log, sweeps];
        all[tab as usize]
    }

    pub(crate) fn of_mut(&mut self, tab: Tab) -> &mut dyn Screen {
        &mut *self.all()[tab as usize]
    }
}
