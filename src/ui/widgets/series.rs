//! A curve of any length in bounded memory: neighbours are merged, the extremes stay.

/// Points that are kept at most, beside the last.
#[cfg(test)]
const CAPACITY: usize = 3 * BUCKETS;

/// Groups of neighbouring points at most; each gives its least, its greatest and a gap.
const BUCKETS: usize = 1024;

/// Neighbouring points as one. Values are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    low: (f64, f64),
    high: (f64, f64),
    /// Where a value was not a number, the last such place.
    gap: Option<f64>,
    /// Values, and their sum; without any, `low` and `high` mean nothing.
    count: u64,
    sum: f64,
    /// Where the first and the last point lie.
    begin: f64,
    end: f64,
}

impl Bucket {
    fn of(x: f64, y: f64) -> Self {
        let finite = y.is_finite();
        Self {
            low: (x, y),
            high: (x, y),
            gap: (!finite).then_some(x),
            count: u64::from(finite),
            sum: if finite { y } else { 0.0 },
            begin: x,
            end: x,
        }
    }

    fn and(self, later: Self) -> Self {
        let (low, high) = match (self.count, later.count) {
            (0, _) => (later.low, later.high),
            (_, 0) => (self.low, self.high),
            _ => (
                if later.low.1 < self.low.1 { later.low } else { self.low },
                if later.high.1 > self.high.1 { later.high } else { self.high },
            ),
        };
        Self {
            low,
            high,
            gap: later.gap.or(self.gap),
            count: self.count + later.count,
            sum: self.sum + later.sum,
            begin: self.begin,
            end: later.end,
        }
    }

    /// Its points in order of x, two at most, and the gap.
    fn points(&self) -> impl Iterator<Item = (f64, f64)> + use<> {
        let (low, high) = (self.low, self.high);
        let mut points = [self.gap.map(|x| (x, f64::NAN)), None, None];
        if self.count > 0 {
            points[1] = Some(low);
            points[2] = (high != low).then_some(high);
        }
        points.sort_by(|a, b| {
            let x = |point: &Option<(f64, f64)>| point.map_or(f64::INFINITY, |(x, _)| x);
            x(a).total_cmp(&x(b))
        });
        points.into_iter().flatten()
    }
}

/// Values along a rising x: steps, epochs or seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    buckets: Vec<Bucket>,
    /// A bucket takes two to the power of this many points.
    doublings: u32,
    filled: u64,
    last: Option<(f64, f64)>,
}

impl Series {
    /// Adds a point; a value that is not finite is a gap. An x at or before the last one takes the
    /// place of everything from there on: the run went back to a checkpoint.
    pub(crate) fn push(&mut self, x: f64, y: f64) {
        if !x.is_finite() {
            return;
        }
        if self.last.is_some_and(|(last, _)| x <= last) {
            self.forget_from(x);
        }
        let point = Bucket::of(x, y);
        match self.buckets.last_mut() {
            Some(bucket) if self.filled < 1 << self.doublings => *bucket = bucket.and(point),
            _ => {
                if self.buckets.len() == BUCKETS {
                    self.halve();
                }
                self.buckets.push(point);
                self.filled = 0;
            }
        }
        self.filled += 1;
        self.last = Some((x, y));
    }

    /// The points that are kept, in order of x, gaps as NaN. The last one is always the last pushed.
    pub(crate) fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let last = self.last.filter(|(x, y)| {
            let kept =
                self.buckets.last().is_some_and(|bucket| bucket.points().any(|(other, _)| other == *x));
            y.is_finite() && !kept
        });
        self.buckets.iter().flat_map(Bucket::points).chain(last)
    }

    /// The debiased exponential average. `weight` (0 to just below 1) is what a point keeps of the
    /// average before it; how far points were merged makes no difference to it. Gaps stay gaps.
    pub(crate) fn smoothed(&self, weight: f64) -> Vec<(f64, f64)> {
        let weight = if weight.is_finite() { weight.clamp(0.0, 0.9999) } else { 0.0 };
        let (mut average, mut bias) = (0.0, 1.0);
        let mut smooth = Vec::with_capacity(self.buckets.len());
        for bucket in &self.buckets {
            let gap = bucket.gap.map(|x| (x, f64::NAN));
            let gap_is_last = bucket.gap == Some(bucket.end);
            if !gap_is_last {
                smooth.extend(gap);
            }
            if bucket.count > 0 {
                let kept = weight.powf(bucket.count as f64);
                average = kept * average + (1.0 - kept) * (bucket.sum / bucket.count as f64);
                bias *= kept;
                let x = if gap_is_last { bucket.low.0.max(bucket.high.0) } else { bucket.end };
                smooth.push((x, average / (1.0 - bias)));
            }
            if gap_is_last {
                smooth.extend(gap);
            }
        }
        smooth
    }

    /// The newest point, as it was pushed.
    pub(crate) fn last(&self) -> Option<(f64, f64)> {
        self.last
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Makes one bucket of every two, so that the curve is as fine at its beginning as at its end.
    fn halve(&mut self) {
        self.buckets =
            self.buckets.chunks(2).map(|pair| pair[1..].iter().fold(pair[0], |a, b| a.and(*b))).collect();
        self.doublings += 1;
    }

    fn forget_from(&mut self, x: f64) {
        self.buckets.retain(|bucket| bucket.begin < x);
        if let Some(bucket) = self.buckets.last_mut()
            && bucket.end >= x
        {
            // The bucket knows its points before x by its extremes only.
            let kept: Vec<Bucket> =
                bucket.points().filter(|(at, _)| *at < x).map(|(x, y)| Bucket::of(x, y)).collect();
            let begin = Bucket { begin: bucket.begin, ..Bucket::of(bucket.begin, f64::NAN) };
            *bucket = kept.into_iter().reduce(Bucket::and).unwrap_or(begin);
        }
        self.filled = 1 << self.doublings;
        self.last = self.buckets.last().and_then(|bucket| bucket.points().last());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(values: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::default();
        for (x, y) in values.into_iter().enumerate() {
            series.push(x as f64, y);
        }
        series
    }

    #[test]
    fn a_short_series_keeps_every_point() {
        let points: Vec<_> = series([3.0, 1.0, 2.0]).points().collect();
        assert_eq!(points, [(0.0, 3.0), (1.0, 1.0), (2.0, 2.0)]);
        assert_eq!(Series::default().points().count(), 0);
    }

    #[test]
    fn a_million_points_stay_bounded_evenly_fine_and_keep_the_spikes() {
        let spike = |x: usize| if x == 31_337 { 99.0 } else { (x % 7) as f64 };
        let series = series((0..1_000_000).map(|x| if x == 700_001 { -5.0 } else { spike(x) }));
        let points: Vec<_> = series.points().collect();
        assert!(points.len() <= CAPACITY + 1, "{}", points.len());
        assert!(points.contains(&(31_337.0, 99.0)) && points.contains(&(700_001.0, -5.0)));
        assert_eq!(points.last(), Some(&(999_999.0, f64::from(999_999 % 7))));
        let first_half = points.iter().filter(|(x, _)| *x < 500_000.0).count();
        assert!((0.4..0.6).contains(&(first_half as f64 / points.len() as f64)));
    }

    #[test]
    fn gaps_outlive_the_merging() {
        let series = series((0..20_000).map(|x| if x == 5_000 { f64::NAN } else { 1.0 }));
        let gap: Vec<f64> = series.points().filter(|(_, y)| y.is_nan()).map(|(x, _)| x).collect();
        assert_eq!(gap, [5_000.0]);
        let smooth = series.smoothed(0.9);
        assert_eq!(smooth.iter().filter(|(_, y)| y.is_nan()).count(), 1);
        assert!(smooth.iter().all(|(_, y)| y.is_nan() || (y - 1.0).abs() < 1e-9));
    }

    #[test]
    fn an_infinite_value_is_a_gap_and_a_place_that_is_not_finite_is_none() {
        let mut series = series([1.0, f64::INFINITY, 2.0]);
        series.push(f64::NAN, 7.0);
        let points: Vec<_> = series.points().collect();
        assert!(points.len() == 3 && points[1].1.is_nan(), "{points:?}");
        assert_eq!(series.smoothed(0.0).last(), Some(&(2.0, 2.0)));
    }

    #[test]
    fn smoothing_starts_at_the_first_value_and_weighs_as_it_says() {
        let smooth = series([1.0, 3.0]).smoothed(0.5);
        assert_eq!(smooth, [(0.0, 1.0), (1.0, (0.5 * 0.5 * 1.0 + 0.5 * 3.0) / 0.75)]);
        assert_eq!(series([1.0, 3.0]).smoothed(0.0), [(0.0, 1.0), (1.0, 3.0)]);
        assert!(series([1.0, 3.0]).smoothed(7.0).iter().all(|(_, y)| y.is_finite()));
    }

    #[test]
    fn merging_hardly_moves_the_smoothed_curve() {
        let values = |x: usize| (x as f64 / 3_000.0).sin() + if x.is_multiple_of(2) { 1.0 } else { -1.0 };
        let smooth = series((0..50_000).map(values)).smoothed(0.999);
        let (x, y) = smooth[smooth.len() / 2];
        let (mut average, mut bias) = (0.0, 1.0);
        for index in 0..=(x as usize) {
            average = 0.999 * average + 0.001 * values(index);
            bias *= 0.999;
        }
        assert!((y - average / (1.0 - bias)).abs() < 0.01, "{y} {average}");
    }

    #[test]
    fn going_back_replaces_what_came_after() {
        let mut series = series([1.0, 2.0, 3.0, 4.0]);
        series.push(2.0, 9.0);
        let points: Vec<_> = series.points().collect();
        assert_eq!(points, [(0.0, 1.0), (1.0, 2.0), (2.0, 9.0)]);
        assert_eq!(series.smoothed(0.0), points, "what is new is not averaged with what is old");
        let mut series = self::series((0..100_000).map(f64::from));
        series.push(40_000.5, -1.0);
        assert_eq!(series.last(), Some((40_000.5, -1.0)));
        assert!(series.points().all(|(x, _)| x <= 40_000.5));
        assert!(series.points().any(|(x, _)| x > 39_000.0 && x < 40_000.0));
    }

    proptest! {
        #[test]
        fn extremes_order_and_bound_hold_for_any_values(
            values in proptest::collection::vec(prop_oneof![8 => -1e3..1e3, 1 => Just(f64::NAN)], 1..9_000),
        ) {
            let series = series(values.iter().copied());
            let points: Vec<_> = series.points().collect();
            prop_assert!(points.len() <= CAPACITY + 1);
            prop_assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let finite = |values: &[f64]| {
                let of = |start: f64, better: fn(f64, f64) -> f64| {
                    values.iter().copied().filter(|y| y.is_finite()).fold(start, better)
                };
                (of(f64::INFINITY, f64::min), of(f64::NEG_INFINITY, f64::max))
            };
            let kept: Vec<f64> = points.iter().map(|point| point.1).collect();
            prop_assert_eq!(finite(&values), finite(&kept));
        }
    }
}
