//! The question by which key the runs are to be grouped.

use crate::recipe::keys;
use crate::ui::effect::{Acted, ask};
use crate::ui::keys::Action;
use crate::ui::keys::runs::Do;
use crate::ui::prompt::{Item, Prompt};
use crate::ui::workspace::Workspace;
use crate::ui::workspace::groups::SEED;

/// Asks for the key: the seed first, which groups what differs in nothing else, then those that differ.
pub(super) fn ask_key(ws: &Workspace) -> Acted {
    let differing: Vec<&'static str> = ws.runs.differences().iter().map(|of| of.key).collect();
    if differing.is_empty() {
        return Err("the recipes of all runs are the same: there is nothing to group by.".into());
    }
    let item = |name: &str, about: String, key| Item {
        name: name.into(),
        about,
        action: Action::Runs(Do::GroupBy(key)),
        argument: None,
    };
    let none = ws.runs.group().map(|_| item("none", "each run by itself".into(), None));
    let seed = differing
        .contains(&SEED)
        .then(|| item(SEED, "runs that differ in nothing else, as one".into(), Some(SEED)));
    let others = differing.iter().filter(|key| **key != SEED).map(|&key| {
        item(key, keys::find(key).map_or_else(String::new, |key| key.help().into_owned()), Some(key))
    });
    ask(Prompt::list("group by", none.into_iter().chain(seed).chain(others)))
}
