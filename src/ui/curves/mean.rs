//! The mean of several curves, with their standard deviation.

use crate::sweep::measure::mean_and_deviation;

/// Places where it is taken at most.
const PLACES: usize = 400;

/// The mean of several curves at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct At {
    pub(crate) x: f64,
    pub(crate) mean: f64,
    /// Of the sample; 0 where one curve alone has a value.
    pub(crate) deviation: f64,
}

/// The mean of curves, each in order of x, wherever one of them has a point: over those that reach there, by
/// interpolation between their points.
pub(crate) fn of_curves(curves: &[Vec<(f64, f64)>]) -> Vec<At> {
    let mut places: Vec<f64> = curves.iter().flatten().map(|(x, _)| *x).filter(|x| x.is_finite()).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let step = places.len().div_ceil(PLACES).max(1);
    let last = places.last().copied();
    let places =
        places.iter().copied().step_by(step).chain(last.filter(|_| !(places.len() - 1).is_multiple_of(step)));
    let mut walks: Vec<Walk> = curves.iter().map(|points| Walk { points, next: 0 }).collect();
    let mut values = Vec::with_capacity(curves.len());
    let at = |x| {
        values.clear();
        values.extend(walks.iter_mut().filter_map(|walk| walk.at(x)));
        mean_and_deviation(&values).map(|(mean, deviation)| At { x, mean, deviation })
    };
    places.filter_map(at).collect()
}

/// A walk along a curve.
struct Walk<'a> {
    points: &'a [(f64, f64)],
    /// The first point that was not passed.
    next: usize,
}

impl Walk<'_> {
    /// Its value at an `x` that is not before the last one; `None` beside it and in its gaps.
    fn at(&mut self, x: f64) -> Option<f64> {
        while self.points.get(self.next).is_some_and(|(place, _)| *place < x) {
            self.next += 1;
        }
        let (place, value) = *self.points.get(self.next)?;
        if place <= x {
            return value.is_finite().then_some(value);
        }
        let (before, old) = *self.points.get(self.next.checked_sub(1)?)?;
        let between = old + (x - before) / (place - before) * (value - old);
        between.is_finite().then_some(between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_with_other_places_are_interpolated() {
        let curves = [vec![(0.0, 0.0), (10.0, 10.0)], vec![(0.0, 2.0), (5.0, 7.0), (10.0, 12.0)]];
        let found: Vec<(f64, f64)> = of_curves(&curves).iter().map(|at| (at.x, at.mean)).collect();
        assert_eq!(found, [(0.0, 1.0), (5.0, 6.0), (10.0, 11.0)]);
        assert!(of_curves(&curves).iter().all(|at| (at.deviation - 2.0_f64.sqrt()).abs() < 1e-12));
    }

    #[test]
    fn a_curve_counts_only_where_it_is_and_not_in_a_gap() {
        let curves = [vec![(0.0, 1.0), (1.0, 1.0)], vec![(1.0, 3.0), (2.0, f64::NAN), (3.0, 5.0)]];
        let found: Vec<(f64, f64, f64)> =
            of_curves(&curves).iter().map(|at| (at.x, at.mean, at.deviation)).collect();
        assert_eq!(found, [(0.0, 1.0, 0.0), (1.0, 2.0, 2.0_f64.sqrt()), (3.0, 5.0, 0.0)]);
    }

    #[test]
    fn of_many_places_some_are_taken_and_the_last() {
        let long: Vec<(f64, f64)> = (0..10_000).map(|x| (f64::from(x), 1.0)).collect();
        let found = of_curves(&[long.clone(), long]);
        assert!(found.len() <= PLACES + 1);
        assert_eq!(found.last(), Some(&At { x: 9999.0, mean: 1.0, deviation: 0.0 }));
        assert!(of_curves(&[]).is_empty() && of_curves(&[Vec::new()]).is_empty());
    }
}
