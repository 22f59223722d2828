//! A learning rate that jumps where a run gets other epochs: a schedule in shares of them is stretched.

use crate::recipe::Recipe;
use crate::recipe::schedule::{Drop, Schedule};

/// Rates that differ by less than this share of each other are the same to a training.
const NOTICEABLE: f64 = 0.1;

/// A jump of the learning rate between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Jump {
    /// Of the last step that was done.
    pub before: f64,
    /// Of the next one.
    pub after: f64,
    /// The learning rate before the schedule with which the next step has the rate of the last one.
    pub keeping: f64,
    /// The schedule as it was, with its drops at epochs; none where it cannot be written so.
    pub in_epochs: Option<Schedule>,
    schedule: Schedule,
    epochs: [usize; 2],
}

impl Jump {
    /// The jump after `step` steps, `per_epoch` in an epoch, where a run trained by `old` so far continues by `new`. None before the first step, and where `old` would have changed the rate as much.
    pub fn between(old: &Recipe, new: &Recipe, step: u64, per_epoch: u64) -> Option<Self> {
        let last = step.checked_sub(1)?;
        let (before, after) = (old.learning_rate(last, per_epoch), new.learning_rate(step, per_epoch));
        // Another rate before the schedule is what somebody asked for.
        let [was, is] = [before / old.lr, after / new.lr];
        let ended = step >= old.epochs as u64 * per_epoch;
        let due = if ended { was } else { old.learning_rate(step, per_epoch) / old.lr };
        let differs = |a: f64, b: f64| (a - b).abs() > NOTICEABLE * a.max(b);
        if !differs(is, was) || !differs(is, due) {
            return None;
        }
        Some(Self {
            before,
            after,
            keeping: before / is,
            in_epochs: in_epochs(old),
            schedule: old.schedule.clone(),
            epochs: [old.epochs, new.epochs],
        })
    }

    /// What happens, in a clause with both rates.
    pub fn clause(&self) -> String {
        let [was, is] = self.epochs;
        format!(
            "with {is} epochs instead of {was} the schedule {} is {}, and the learning rate goes from {} to {}",
            self.schedule,
            if is > was { "stretched" } else { "compressed" },
            short(self.before),
            short(self.after)
        )
    }

    /// The same, and what keeps the rate, as a sentence.
    pub fn sentence(&self) -> String {
        let begun_so = self.in_epochs.as_ref().map_or_else(String::new, |schedule| {
            format!("a run that is begun with --schedule {schedule} keeps its drops, and ")
        });
        format!(
            "{}; {begun_so}in the workbench a learning rate of {} (r on the Train screen) keeps it as it was in this one.",
            self.clause(),
            short(self.keeping)
        )
    }
}

/// The schedule of `recipe` with its drops at epochs, so that more of them move no drop; drops that never come are
/// left out. None where a run of that many epochs could not begin with it.
fn in_epochs(recipe: &Recipe) -> Option<Schedule> {
    let Schedule::Step(drops) = &recipe.schedule else { return None };
    let comes = |drop: &&Drop| drop.after(recipe.epochs, recipe.drop_counting) < recipe.epochs;
    let drops: Vec<Drop> =
        drops.iter().filter(comes).map(|drop| Drop::Epoch(drop.epoch(recipe.epochs))).collect();
    let schedule = if drops.is_empty() { Schedule::Constant } else { Schedule::Step(drops) };
    schedule.validate(recipe.epochs).is_ok().then_some(schedule)
}

fn short(rate: f64) -> String {
    format!("{rate:.2e}").parse().map_or_else(|_| rate.to_string(), |rate: f64| rate.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Data, DropCounting};

    fn recipe(schedule: &str, epochs: usize) -> Recipe {
        Recipe { schedule: schedule.parse().unwrap(), epochs, ..Recipe::defaults(Data::Cifar10) }
    }

    fn rates(old: &Recipe, new: &Recipe, step: u64) -> Option<[String; 2]> {
        Jump::between(old, new, step, 10).map(|jump| [jump.before, jump.after].map(short))
    }

    #[test]
    fn a_run_that_ended_at_4_epochs_and_gets_16_jumps_back_to_its_first_rate() {
        let (old, new) = (recipe("step", 4), recipe("step", 16));
        assert_eq!(rates(&old, &new, 40), Some(["0.001".into(), "0.1".into()]));
        // In the middle too, and the other way round.
        assert_eq!(rates(&old, &new, 25), Some(["0.01".into(), "0.1".into()]));
        assert_eq!(rates(&new, &old, 25), Some(["0.1".into(), "0.01".into()]));
        let sentence = Jump::between(&old, &new, 40, 10).unwrap().sentence();
        assert_eq!(
            sentence,
            "with 16 epochs instead of 4 the schedule step:50%,75% is stretched, and the learning rate goes from 0.001 \
             to 0.1; a run that is begun with --schedule step:2,3 keeps its drops, and in the workbench a learning \
             rate of 0.001 (r on the Train screen) keeps it as it was in this one."
        );
    }

    #[test]
    fn a_cosine_rises_again() {
        let (old, new) = (recipe("cosine", 4), recipe("cosine", 8));
        let jump = Jump::between(&old, &new, 40, 10).unwrap();
        assert!(jump.before < 0.001 && (jump.after - 0.05).abs() < 1e-9, "{jump:?}");
        let kept = Recipe { lr: jump.keeping, ..new };
        assert!((kept.learning_rate(40, 10) / jump.before - 1.0).abs() < 1e-9);
        assert!(!jump.sentence().contains("--schedule"));
    }

    #[test]
    fn what_the_old_recipe_would_have_done_too_is_no_jump() {
        // Nothing done yet, the same rate, a drop that is due anyway, one that is only put off, a constant rate.
        assert_eq!(rates(&recipe("step", 4), &recipe("step", 16), 0), None);
        assert_eq!(rates(&recipe("step", 4), &recipe("step", 16), 5), None);
        assert_eq!(rates(&recipe("step:2", 4), &recipe("step:2", 16), 20), None);
        assert_eq!(rates(&recipe("step", 4), &recipe("step", 16), 20), None);
        assert_eq!(rates(&recipe("constant", 4), &recipe("constant", 16), 40), None);
        assert_eq!(rates(&recipe("step:2,3", 4), &recipe("step:2,3", 16), 40), None);
        // A cosine over one epoch in a hundred more.
        assert_eq!(rates(&recipe("cosine", 100), &recipe("cosine", 101), 500), None);
        // A warm-up is a number of epochs, whatever the epochs of the run.
        let warm = |epochs| Recipe { warmup: 2.0, ..recipe("constant", epochs) };
        assert_eq!(rates(&warm(4), &warm(16), 10), None);
        // A rate that was asked for.
        assert_eq!(rates(&recipe("step", 4), &Recipe { lr: 0.01, ..recipe("step", 4) }, 25), None);
    }

    #[test]
    fn the_schedule_in_epochs_has_the_same_rates_with_either_counting_or_is_none() {
        for counting in [DropCounting::From0, DropCounting::From1] {
            for epochs in [1, 2, 4, 7, 300] {
                let old = Recipe { drop_counting: counting, ..recipe("step:33%,75%", epochs) };
                let Some(schedule) = in_epochs(&old) else {
                    assert!(counting == DropCounting::From1 && epochs < 4, "{epochs}");
                    continue;
                };
                let same = Recipe { schedule, ..old.clone() };
                assert_eq!(same.validate(), Ok(()));
                for step in 0..10 * epochs as u64 {
                    assert_eq!(old.learning_rate(step, 10), same.learning_rate(step, 10));
                }
            }
        }
        assert_eq!(in_epochs(&recipe("step", 2)).unwrap().to_string(), "step:1");
        assert_eq!(in_epochs(&recipe("step", 1)), Some(Schedule::Constant));
    }
}
