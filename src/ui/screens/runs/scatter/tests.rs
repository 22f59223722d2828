//! Points of runs, their means, the front and the cursor.

use std::sync::Arc;

use super::*;
use crate::protocol::Figures;
use crate::protocol::event::Best;
use crate::recipe::{Augment, Data};
use crate::store::catalog::{Entry, State};
use crate::store::{Labels, Summary};

/// A run with these parameters, growth rate, seed and accuracy, on CIFAR-10 with augmentation.
fn run(name: &str, parameters: u64, growth_rate: usize, seed: u64, accuracy: f64) -> Arc<Entry> {
    let augment = Augment::Standard;
    let summary = Summary {
        run: name.into(),
        state: State::Completed,
        message: None,
        network: String::new(),
        parameters,
        step: 100,
        total_steps: 100,
        epoch: 3,
        created: 0.0,
        updated: 0.0,
        seconds: 64.0,
        best: Some(Best { epoch: 3, step: 100, loss: 1.0, accuracy }),
        last: None,
        test: Some(Figures { loss: 1.0, accuracy }),
        parent: None,
        recipe: Recipe { growth_rate, seed, augment, batch_size: 64, ..Recipe::defaults(Data::Cifar10) },
    };
    let labels = Labels::default();
    Arc::new(Entry {
        name: name.into(),
        path: name.into(),
        summary: Ok(summary),
        labels,
        live: false,
        bytes: 1,
    })
}

fn runs() -> Runs {
    let mut runs = Runs::default();
    runs.take(&[
        run("a", 1_000, 4, 1, 0.5),
        run("b", 1_000, 4, 2, 0.7),
        run("c", 5_000, 8, 1, 0.6),
        run("d", 9_000, 12, 1, 0.9),
    ]);
    runs
}

fn names(points: &Points) -> Vec<&str> {
    points.all.iter().map(|point| point.name.as_str()).collect()
}

#[test]
fn the_front_has_what_nothing_cheaper_is_as_good_as() {
    let (runs, mut scatter) = (runs(), Scatter::default());
    let points = scatter.points(&runs);
    assert_eq!(names(&points), ["a", "b", "c", "d"]);
    assert_eq!(scatter.front(&points), [(1_000.0, 0.7), (9_000.0, 0.9)]);
    assert_eq!(stairs(&scatter.front(&points)), [(1_000.0, 0.7), (9_000.0, 0.7), (9_000.0, 0.9)]);
    scatter.measure = Measure::BestError;
    let front = scatter.front(&scatter.points(&runs));
    assert!(
        front.len() == 2 && (front[0].1 - 0.3).abs() < 1e-9 && (front[1].1 - 0.1).abs() < 1e-9,
        "{front:?}"
    );
}

#[test]
fn by_seed_a_point_is_the_mean_of_a_group_with_its_deviation_and_leads_to_its_best_run() {
    let (mut runs, scatter) = (runs(), Scatter::default());
    runs.group_by(Some(SEED));
    let points = scatter.points(&runs);
    let mean = &points.all[0];
    assert_eq!((mean.name.as_str(), mean.runs, mean.key.to_str()), ("growth_rate=4", 2, Some("b")));
    assert!((mean.y - 0.6).abs() < 1e-9 && (mean.deviation - 0.02_f64.sqrt()).abs() < 1e-9, "{mean:?}");
    runs.group_by(Some("growth_rate"));
    let points = scatter.points(&runs);
    assert_eq!(names(&points), ["a", "b", "c", "d"]);
    assert_eq!(points.all.iter().map(|point| point.group).collect::<Vec<_>>(), [0, 0, 1, 2].map(Some));
}

#[test]
fn the_papers_results_are_there_for_the_same_data_and_for_errors_on_test_images_only() {
    let (mut runs, mut scatter) = (runs(), Scatter::default());
    assert_eq!(scatter.points(&runs).paper, None);
    scatter.measure = Measure::TestError;
    let points = scatter.points(&runs);
    assert_eq!((points.paper, points.all.len()), (Some("C10+"), 4 + 6));
    let best = points.all.iter().find(|point| point.name == "DenseNet-BC L=190 k=40").unwrap();
    assert!(best.y == 0.0346 && best.x > 25e6 && best.runs == 0, "{best:?}");
    assert!(scatter.front(&points).iter().all(|(x, _)| *x < 1e4), "they are not on the front of the runs");
    for against in Against::ALL {
        scatter.against = against;
        assert_eq!(scatter.points(&runs).paper.is_some(), against != Against::Seconds, "{against:?}");
    }
    let mut other = Arc::unwrap_or_clone(run("e", 1, 4, 1, 0.5));
    if let Ok(summary) = &mut other.summary {
        summary.recipe.augment = Augment::None;
    }
    runs.take(&[run("a", 1_000, 4, 1, 0.5), Arc::new(other)]);
    scatter.against = Against::Parameters;
    assert_eq!(scatter.points(&runs).paper, None);
}

#[test]
fn the_cursor_begins_at_the_best_and_goes_by_x_and_by_y() {
    let (runs, mut scatter) = (runs(), Scatter::default());
    let points = scatter.points(&runs);
    let mut at = |motion| {
        scatter.walk(motion, &points);
        points.all[scatter.under_cursor(&points).unwrap()].name.clone()
    };
    assert_eq!(at(Motion::Left), "c", "from d, the best");
    assert_eq!(at(Motion::Up), "b");
    assert_eq!(at(Motion::Down), "c");
    assert_eq!(at(Motion::Top), "a");
    assert_eq!(
        (at(Motion::Left), at(Motion::Bottom), at(Motion::Right)),
        ("a".into(), "d".into(), "d".into())
    );
}

#[test]
fn a_run_without_the_figure_or_without_a_place_on_the_axis_is_no_point() {
    let mut scatter = Scatter { measure: Measure::Speed, against: Against::Seconds, ..Scatter::default() };
    let mut young = Arc::unwrap_or_clone(run("young", 1, 4, 1, 0.5));
    if let Ok(summary) = &mut young.summary {
        (summary.seconds, summary.best) = (0.0, None);
    }
    let mut runs = Runs::default();
    runs.take(&[run("a", 1_000, 4, 1, 1.0), Arc::new(young)]);
    let points = scatter.points(&runs);
    assert_eq!((names(&points), points.all[0].y), (vec!["a"], 100.0));
    (scatter.measure, scatter.against, scatter.log_y) = (Measure::BestError, Against::Depth, true);
    assert!(scatter.points(&runs).all.is_empty(), "no error is not above zero");
}
