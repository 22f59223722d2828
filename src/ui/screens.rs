//! The screens, one folder each.

pub(crate) mod data;
pub(crate) mod inspect;
pub(crate) mod log;
pub(crate) mod recipe;
pub(crate) mod runs;
pub(crate) mod train;

use crate::ui::keys::binding::Tab;
use crate::ui::screen::Screen;
use crate::ui::screens::data::state::DataScreen;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::log::state::LogScreen;
use crate::ui::screens::recipe::state::RecipeScreen;
use crate::ui::screens::runs::state::RunsScreen;
use crate::ui::screens::train::state::TrainScreen;

#[derive(Debug, Default)]
pub(crate) struct Screens {
    pub(crate) recipe: RecipeScreen,
    pub(crate) train: TrainScreen,
    pub(crate) runs: RunsScreen,
    pub(crate) inspect: InspectScreen,
    pub(crate) data: DataScreen,
    pub(crate) log: LogScreen,
}

impl Screens {
    /// In the order of [`Tab::ALL`].
    pub(crate) fn all(&mut self) -> [&mut dyn Screen; 6] {
        let Self { recipe, train, runs, inspect, data, log } = self;
        [recipe, train, runs, inspect, data, log]
    }

    pub(crate) fn of(&self, tab: Tab) -> &dyn Screen {
        match tab {
            Tab::Recipe => &self.recipe,
            Tab::Train => &self.train,
            Tab::Runs => &self.runs,
            Tab::Inspect => &self.inspect,
            Tab::Data => &self.data,
            Tab::Log => &self.log,
        }
    }

    pub(crate) fn of_mut(&mut self, tab: Tab) -> &mut dyn Screen {
        let [recipe, train, runs, inspect, data, log] = self.all();
        match tab {
            Tab::Recipe => recipe,
            Tab::Train => train,
            Tab::Runs => runs,
            Tab::Inspect => inspect,
            Tab::Data => data,
            Tab::Log => log,
        }
    }
}
