//! The runs as points: a measure of each against what it costs.

use std::path::PathBuf;

use crate::recipe::Recipe;
use crate::store::catalog::Summary;
use crate::sweep::measure::mean_and_deviation;
use crate::ui::keys::binding::Motion;
use crate::ui::screens::runs::measure::{Against, Measure, depth};
use crate::ui::screens::runs::paper;
use crate::ui::workspace::groups::SEED;
use crate::ui::workspace::runs::{Row, Runs};

/// How the runs are drawn as points.
#[derive(Clone, Debug)]
pub(crate) struct Scatter {
    pub(crate) measure: Measure,
    pub(crate) against: Against,
    pub(crate) log_x: bool,
    pub(crate) log_y: bool,
    /// What is under the cursor: [`Point::key`].
    pub(crate) cursor: Option<PathBuf>,
}

impl Default for Scatter {
    fn default() -> Self {
        let (measure, against) = (Measure::default(), Against::default());
        Self { measure, against, log_x: true, log_y: false, cursor: None }
    }
}

/// A run, the mean of a group, or a result of the paper.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) name: String,
    /// The directory of the run, of a group its best; of a result of the paper, its name.
    pub(crate) key: PathBuf,
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Standard deviation of the measure in the group.
    pub(crate) deviation: f64,
    /// Runs that it is the mean of; 0 for a result of the paper.
    pub(crate) runs: usize,
    pub(crate) group: Option<usize>,
}

/// The points, and what is drawn with them.
#[derive(Debug, Default)]
pub(crate) struct Points {
    /// In order of x.
    pub(crate) all: Vec<Point>,
    /// What the paper calls the data, where its results are among them.
    pub(crate) paper: Option<&'static str>,
}

impl Scatter {
    /// The points of the runs that are shown, and the paper's where the data is the same.
    pub(crate) fn points(&self, runs: &Runs) -> Points {
        let has_place = |point: &Point| {
            point.x.is_finite()
                && point.y.is_finite()
                && (!self.log_x || point.x > 0.0)
                && (!self.log_y || point.y > 0.0)
        };
        let single: Vec<Point> =
            runs.shown().filter_map(|row| self.point(row, runs)).filter(has_place).collect();
        let mut all = if runs.group() == Some(SEED) { self.means(runs, &single) } else { single };
        let paper = self.published(runs).map(|(name, points)| {
            all.extend(points.into_iter().filter(has_place));
            name
        });
        all.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
        Points { all, paper }
    }

    fn point(&self, row: &Row, runs: &Runs) -> Option<Point> {
        Some(Point {
            name: row.name.clone(),
            key: row.path.clone(),
            x: self.against.of(row)?,
            y: self.measure.of(row.summary()?)?,
            deviation: 0.0,
            runs: 1,
            group: runs.group_of(&row.path),
        })
    }

    /// The mean of each group.
    fn means(&self, runs: &Runs, points: &[Point]) -> Vec<Point> {
        let names = runs.groups().names().iter().enumerate();
        let mut members: Vec<Vec<&Point>> = vec![Vec::new(); names.len()];
        for point in points {
            if let Some(group) = point.group {
                members[group].push(point);
            }
        }
        let merit = |point: &&&Point| self.measure.merit(point.y);
        let point = |(number, name): (usize, &String)| {
            let of = &members[number];
            let values = |value: fn(&Point) -> f64| of.iter().map(|&point| value(point)).collect::<Vec<_>>();
            let best = of.iter().max_by(|a, b| merit(a).total_cmp(&merit(b)))?;
            let ((x, _), (y, deviation)) =
                (mean_and_deviation(&values(|of| of.x))?, mean_and_deviation(&values(|of| of.y))?);
            let (name, key) = (name.clone(), best.key.clone());
            Some(Point { name, key, x, y, deviation, runs: of.len(), group: Some(number) })
        };
        names.filter_map(point).collect()
    }

    /// The paper's results, where every run has the same data and augmentation.
    fn published(&self, runs: &Runs) -> Option<(&'static str, Vec<Point>)> {
        let mut recipes = runs.shown().filter_map(|row| row.summary()).map(|run: &Summary| &run.recipe);
        let first = recipes.next()?;
        if recipes.any(|other| (&other.data, other.augment) != (&first.data, first.augment)) {
            return None;
        }
        let (name, results) = paper::results(first)?;
        let point = |(of, error): (&paper::Published, f64)| {
            let recipe = of.recipe(&first.data);
            Some(Point {
                name: of.name(),
                key: PathBuf::from(of.name()),
                x: self.against_of(&recipe)?,
                y: self.measure.of_error(error)?,
                deviation: 0.0,
                runs: 0,
                group: None,
            })
        };
        let points: Vec<Point> = results.filter_map(point).collect();
        (!points.is_empty()).then_some((name, points))
    }

    /// What a network of the paper costs.
    fn against_of(&self, recipe: &Recipe) -> Option<f64> {
        let plan = || recipe.arch(recipe.data.classes()?).plan().ok();
        Some(match self.against {
            Against::Parameters => plan()?.parameters() as f64,
            Against::Macs => plan()?.macs() as f64,
            Against::Depth => depth(&recipe.layers, recipe.bottleneck) as f64,
            Against::GrowthRate => recipe.growth_rate as f64,
            Against::Epochs => recipe.epochs as f64,
            Against::Seconds => return None,
        })
    }

    /// Moves the cursor to the next point by x, or by y.
    pub(crate) fn walk(&mut self, motion: Motion, points: &Points) {
        let count = points.all.len();
        let Some(here) = self.under_cursor(points) else { return };
        let mut order: Vec<usize> = (0..count).collect();
        let row = match motion {
            Motion::Left => here.saturating_sub(1),
            Motion::Right => (here + 1).min(count - 1),
            Motion::Top => 0,
            Motion::Bottom => count - 1,
            Motion::Enter | Motion::NextPane | Motion::PreviousPane => here,
            _ => {
                order.sort_by(|a, b| points.all[*b].y.total_cmp(&points.all[*a].y));
                let row = order.iter().position(|index| *index == here).unwrap_or(0);
                motion.row(row, count, 10).unwrap_or(row)
            }
        };
        self.cursor = Some(points.all[order[row]].key.clone());
    }

    /// The number of the point under the cursor: without one, the best.
    pub(crate) fn under_cursor(&self, points: &Points) -> Option<usize> {
        let there = |key: &PathBuf| points.all.iter().position(|point| point.key == *key);
        let merit = |point: &Point| (point.runs > 0, self.measure.merit(point.y));
        let best = || {
            let better = |a: &(usize, &Point), b: &(usize, &Point)| {
                let (a, b) = (merit(a.1), merit(b.1));
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
            };
            points.all.iter().enumerate().max_by(better).map(|(index, _)| index)
        };
        self.cursor.as_ref().and_then(there).or_else(best)
    }

    /// The corners of the Pareto front of the runs: none is at once cheaper and better than one of these.
    pub(crate) fn front(&self, points: &Points) -> Vec<(f64, f64)> {
        let mut front: Vec<(f64, f64)> = Vec::new();
        for point in points.all.iter().filter(|point| point.runs > 0) {
            if front.last().is_some_and(|(_, y)| self.measure.merit(point.y) <= self.measure.merit(*y)) {
                continue;
            }
            // Of equal cost, the better one.
            front.pop_if(|(x, _)| *x == point.x);
            front.push((point.x, point.y));
        }
        front
    }
}

/// A front as a line: level up to the next corner.
pub(crate) fn stairs(front: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let steps = front.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    steps.chain(front.last().copied()).collect()
}

#[cfg(test)]
mod tests;
