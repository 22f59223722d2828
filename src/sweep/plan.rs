//! The trials of a sweep, and the rungs that they climb.

use toml::{Table, Value};

use crate::recipe::Recipe;
use crate::recipe::keys::text_of;
use crate::recipe::layered::{ConfigLayer, LayerError, resolve};
use crate::sweep::spec::{Problem, Spec};

/// Trials that are started without being asked again.
pub const MANY: u128 = 10_000;

/// A choice of values for the keys of a sweep, and the recipe with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The keys that tell it from others, in the order of the file.
    pub values: Vec<(String, Value)>,
    /// What its first run trains.
    pub recipe: Recipe,
}

/// A sweep that can be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What its file says.
    pub spec: Spec,
    /// What all recipes have in common.
    pub base: Table,
    /// Its trials.
    pub trials: Vec<Trial>,
    /// Epochs of each rung; those of the recipe are the last.
    pub rungs: Vec<usize>,
}

impl Plan {
    /// The trials of `spec` over `base`. Every recipe is checked before anything begins.
    pub fn of(spec: Spec, base: Table) -> Result<Self, Problem> {
        let common = settled(&base, &[]).map_err(|error| spec.problem("recipe", error.sentence))?;
        if spec.search.measure.needs_validation() && common.validation == Some(0) {
            let sentence =
                "the recipe keeps no validation images to measure; give it some, or measure train.loss.";
            return Err(spec.problem("measure", sentence));
        }
        let mut trials = Vec::new();
        for index in 0..usize::try_from(spec.trials()).unwrap_or(usize::MAX) {
            let values = values(&spec, index);
            let recipe = settled(&base, &values)
                .map_err(|error| wrong(&spec, index, &values, None, &error.sentence))?;
            if let Err(problems) = recipe.validate() {
                let problem = &problems[0];
                return Err(wrong(&spec, index, &values, Some(problem.field), &problem.to_string()));
            }
            trials.push(Trial { values, recipe });
        }
        let rungs = rungs(&spec, &trials[0].recipe)?;
        Ok(Self { spec, base, trials, rungs })
    }

    /// Runs in all, if every trial is trained to its end.
    pub fn runs(&self) -> usize {
        self.trials.len() * self.spec.search.seeds
    }

    /// What the run numbered `seed` of a trial trains; both from 0.
    pub fn recipe(&self, trial: usize, seed: usize) -> Recipe {
        let recipe = self.trials[trial].recipe.clone();
        Recipe { seed: recipe.seed + seed as u64, ..recipe }
    }

    /// The name of that run.
    pub fn run(&self, trial: usize, seed: usize) -> String {
        let trial = self.name(trial);
        if self.spec.search.seeds == 1 { trial } else { format!("{trial}-s{}", seed + 1) }
    }

    /// The name of a trial: its number, from 1.
    pub fn name(&self, trial: usize) -> String {
        let width = self.trials.len().to_string().len();
        format!("t{:0width$}", trial + 1)
    }

    /// Why this plan is not `begun`, which has gone some way already; `None` if it is. Only how many runs there are at a
    /// time may differ, and where the data is.
    pub fn differs_from(&self, begun: &Self) -> Option<String> {
        let (is, was) = (&self.spec, &begun.spec);
        let changed = |what: &str| Some(format!("another {what}"));
        if is.grid != was.grid {
            return changed("[grid]");
        }
        if is.random != was.random {
            return changed("[random]");
        }
        let mut search = is.search.clone();
        search.parallel = was.search.parallel;
        if search != was.search {
            return changed("[search]");
        }
        let keys = self.base.keys().chain(begun.base.keys()).filter(|key| *key != "data_dir");
        let key = keys.into_iter().find(|key| self.base.get(*key) != begun.base.get(*key))?;
        let value = |base: &Table| base.get(key).map_or("nothing".into(), ToString::to_string);
        Some(format!("`{key}` = {} in its recipe, not {}", value(&begun.base), value(&self.base)))
    }
}

/// The values of the trial numbered `index`: combinations of the grid in the order of an odometer, again from the first
/// after the last, and a draw for every other key.
fn values(spec: &Spec, index: usize) -> Vec<(String, Value)> {
    let mut rest = index as u128 % spec.combinations();
    let mut chosen: Vec<(String, Value)> = Vec::new();
    for (key, values) in spec.grid.iter().rev() {
        let count = values.len() as u128;
        chosen.push((key.clone(), values[(rest % count) as usize].clone()));
        rest /= count;
    }
    chosen.reverse();
    let drawn = spec.random.iter().enumerate();
    chosen.extend(drawn.map(|(place, (key, distribution))| {
        (key.clone(), distribution.draw(spec.search.seed, index, place))
    }));
    chosen
}

/// The recipe of `base` with `values` over it.
fn settled(base: &Table, values: &[(String, Value)]) -> Result<Recipe, LayerError> {
    let layer = |source: &str, table: Table| ConfigLayer { source: source.into(), table };
    resolve(&[layer("the recipe", base.clone()), layer("the sweep", values.iter().cloned().collect())])
}

/// The problem with a trial's recipe, in the line of the key that it is about.
fn wrong(
    spec: &Spec,
    index: usize,
    values: &[(String, Value)],
    field: Option<&str>,
    sentence: &str,
) -> Problem {
    let of_sweep = |field: &&str| values.iter().any(|(key, _)| key == field);
    let key =
        field.filter(of_sweep).or_else(|| values.last().map(|(key, _)| key.as_str())).unwrap_or("recipe");
    spec.problem(key, format!("trial {} ({}): {sentence}", index + 1, described(values)))
}

/// Values as a clause: `growth_rate = 8, lr = 0.1`.
pub fn described(values: &[(String, Value)]) -> String {
    values.iter().map(|(key, value)| format!("{key} = {}", text_of(value))).collect::<Vec<_>>().join(", ")
}

fn rungs(spec: &Spec, recipe: &Recipe) -> Result<Vec<usize>, Problem> {
    let Some(halving) = spec.search.halving else { return Ok(vec![recipe.epochs]) };
    if let Some(steps) = recipe.steps {
        let sentence =
            format!("halving goes by epochs, and the recipe ends after {steps} steps; leave `steps` out.");
        return Err(spec.problem("halving", sentence));
    }
    if halving.from >= recipe.epochs {
        let sentence = format!(
            "the first rung is at {} epochs, and the recipe ends after {}.",
            halving.from, recipe.epochs
        );
        return Err(spec.problem("halving", sentence));
    }
    let below = std::iter::successors(Some(halving.from), |epochs| epochs.checked_mul(halving.factor));
    let mut rungs: Vec<usize> = below.take_while(|epochs| *epochs < recipe.epochs).collect();
    rungs.push(recipe.epochs);
    Ok(rungs)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::sweep) fn plan(text: &str) -> Result<Plan, Problem> {
        let spec = Spec::read(text)?;
        let base: Table = "data = \"shapes\"\nlayers = [2, 2]\nepochs = 36".parse().unwrap();
        Plan::of(spec, base)
    }

    fn growth_rates(plan: &Plan) -> Vec<usize> {
        plan.trials.iter().map(|trial| trial.recipe.growth_rate).collect()
    }

    #[test]
    fn a_grid_is_every_combination_the_last_key_changing_fastest() {
        let plan = plan("name = \"a\"\n[grid]\ngrowth_rate = [8, 4]\nlr = [0.1, 0.2, 0.3]").unwrap();
        assert_eq!(growth_rates(&plan), [8, 8, 8, 4, 4, 4]);
        assert_eq!(
            plan.trials.iter().map(|trial| trial.recipe.lr).collect::<Vec<_>>(),
            [0.1, 0.2, 0.3, 0.1, 0.2, 0.3]
        );
        assert_eq!(described(&plan.trials[5].values), "growth_rate = 4, lr = 0.3");
        assert_eq!(plan.rungs, [36]);
    }

    #[test]
    fn drawn_trials_go_round_the_grid_and_seeds_follow_the_recipes() {
        let text = "name = \"a\"\n[grid]\ngrowth_rate = [8, 4]\n[random]\nlr = { log = [0.01, 0.5] }\n[search]\ntrials = 5\nseeds = 2";
        let plan = plan(text).unwrap();
        assert_eq!(growth_rates(&plan), [8, 4, 8, 4, 8]);
        let mut rates: Vec<f64> = plan.trials.iter().map(|trial| trial.recipe.lr).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        assert_eq!(rates.len(), 5);
        assert_eq!((plan.run(4, 0), plan.run(4, 1), plan.runs()), ("t5-s1".into(), "t5-s2".into(), 10));
        assert_eq!([0, 1].map(|seed| plan.recipe(4, seed).seed), [0, 1]);
    }

    #[test]
    fn rungs_multiply_up_to_the_recipes_epochs() {
        let halving = |from, factor| {
            let text = format!(
                "name = \"a\"\n[grid]\nlr = [0.1]\n[search]\nhalving = {{ from = {from}, factor = {factor} }}"
            );
            plan(&text).map(|plan| plan.rungs)
        };
        assert_eq!(halving(4, 3), Ok(vec![4, 12, 36]));
        assert_eq!(halving(5, 2), Ok(vec![5, 10, 20, 36]));
        assert!(halving(36, 3).unwrap_err().to_string().contains("line 5: the first rung is at 36 epochs"));
    }

    #[test]
    fn a_trial_that_no_run_can_be_is_refused_with_its_values_and_the_line() {
        let problem = plan("name = \"a\"\n[grid]\nlr = [0.1]\ngrowth_rate = [8, 0]").unwrap_err();
        assert_eq!(problem.line, 4);
        assert!(
            problem.sentence.starts_with("trial 2 (lr = 0.1, growth_rate = 0): `growth_rate`"),
            "{problem}"
        );
        let spec = Spec::read("name = \"a\"\n[grid]\nlr = [0.1]\n[search]\nmeasure = \"accuracy\"").unwrap();
        let problem = Plan::of(spec, "validation = 0".parse().unwrap()).unwrap_err();
        assert!(
            problem.to_string().starts_with("line 5: the recipe keeps no validation images"),
            "{problem}"
        );
    }

    #[test]
    fn a_plan_is_another_if_its_decisions_could_be() {
        let text = "name = \"a\"\n[grid]\nlr = [0.1, 0.2]\n[search]\nseeds = 2\nparallel = 2";
        let begun = plan(text).unwrap();
        let after = |from: &str, to: &str| plan(&text.replace(from, to)).unwrap().differs_from(&begun);
        assert_eq!(after("parallel = 2", "parallel = 1"), None);
        assert_eq!(after("0.2", "0.3").as_deref(), Some("another [grid]"));
        assert_eq!(after("seeds = 2", "seeds = 3").as_deref(), Some("another [search]"));
        let mut other = begun.clone();
        other.base.insert("layers".into(), vec![3_i64].into());
        other.base.insert("data_dir".into(), "x".into());
        assert_eq!(other.differs_from(&begun).as_deref(), Some("`layers` = [2, 2] in its recipe, not [3]"));
    }
}
