//! An axis: how values become shares of its length, where its ticks lie and how numbers are written.

pub(crate) mod ticks;
pub(crate) mod unit;

use ticks::Tick;
use unit::Unit;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Axis {
    pub(crate) label: String,
    /// Whether it is logarithmic, truly: what is not above zero has no place on it.
    pub(crate) log: bool,
    /// Its ends; fitted to the values where `None`.
    pub(crate) bounds: Option<(f64, f64)>,
    pub(crate) unit: Unit,
}

/// Beyond this, differences of values would overflow.
const FAR: f64 = 1e300;

impl Axis {
    /// Whether a value has a place on an axis of this kind.
    pub(crate) fn takes(&self, value: f64) -> bool {
        value.is_finite() && (!self.log || value > 0.0)
    }

    /// The ends that were asked for, where they can be ends.
    pub(crate) fn asked(&self) -> Option<(f64, f64)> {
        let (low, high) = self.bounds?;
        let fit = self.takes(low) && self.takes(high) && low < high && low.abs() <= FAR && high.abs() <= FAR;
        fit.then_some((low, high))
    }

    /// Ends around the values: those that were asked for, or fitted with `margin` of the length (a
    /// share) on both sides.
    pub(crate) fn fit(&self, values: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
        if let Some(asked) = self.asked() {
            return asked;
        }
        let taken = values.filter(|value| self.takes(*value)).map(|value| value.clamp(-FAR, FAR));
        let (low, high) =
            taken.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
        if low > high {
            return if self.log { (1.0, 10.0) } else { (0.0, 1.0) };
        }
        if self.log {
            let apart = (high / low).ln();
            let pad = if apart < 1e-9 { 0.5 } else { apart * margin };
            return ((low / pad.exp()).max(f64::MIN_POSITIVE), (high * pad.exp()).min(FAR));
        }
        let apart = high - low;
        // Below this, neighbouring numbers of the computer are further apart than ticks would be.
        let least = 1e-9 * low.abs().max(high.abs());
        let pad = match (apart <= least, low == 0.0 && high == 0.0) {
            (_, true) => 0.5,
            (true, _) => 0.1 * low.abs().max(high.abs()),
            _ => apart * margin,
        };
        match self.unit {
            // A share has ends of its own.
            Unit::Percent if (0.0..=1.0).contains(&low) && high <= 1.0 => {
                ((low - pad).max(0.0), (high + pad).min(1.0))
            }
            _ => (low - pad, high + pad),
        }
    }

    /// Where a value lies between the ends, 0 to 1 and beyond; `None` where it has no place.
    pub(crate) fn share(&self, (low, high): (f64, f64), value: f64) -> Option<f64> {
        if !self.takes(value) {
            return None;
        }
        let share = if self.log {
            (value.ln() - low.ln()) / (high.ln() - low.ln())
        } else {
            (value.clamp(-FAR, FAR) - low) / (high - low)
        };
        share.is_finite().then_some(share)
    }

    pub(crate) fn at(&self, (low, high): (f64, f64), share: f64) -> f64 {
        if self.log { (low.ln() + share * (high.ln() - low.ln())).exp() } else { low + share * (high - low) }
    }

    pub(crate) fn ticks(&self, bounds: (f64, f64), fits: impl Fn(&[Tick]) -> bool) -> Vec<Tick> {
        ticks::ticks(self.log, self.unit, bounds, fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(log: bool) -> Axis {
        Axis { log, ..Axis::default() }
    }

    #[test]
    fn ends_fit_the_values_that_have_a_place() {
        let values = || [2.0, f64::NAN, 8.0, f64::INFINITY].into_iter();
        assert_eq!(axis(false).fit(values(), 0.0), (2.0, 8.0));
        assert_eq!(axis(false).fit(values(), 0.5), (-1.0, 11.0));
        let (low, high) = axis(true).fit([-3.0, 0.0, 1.0, 100.0].into_iter(), 0.0);
        assert_eq!((low, high), (1.0, 100.0));
    }

    #[test]
    fn nothing_one_value_and_huge_values_still_make_an_axis() {
        assert_eq!(axis(false).fit([].into_iter(), 0.1), (0.0, 1.0));
        assert_eq!(axis(true).fit([-1.0].into_iter(), 0.1), (1.0, 10.0));
        assert_eq!(axis(false).fit([0.0].into_iter(), 0.0), (-0.5, 0.5));
        for value in [5.0, -5.0, 1e-12, 1e18, f64::MAX, f64::MIN] {
            let (low, high) = axis(false).fit([value].into_iter(), 0.0);
            assert!(low < high && (high - low).is_finite(), "{value}: {low} {high}");
        }
        let (low, high) = axis(false).fit([f64::MIN, f64::MAX].into_iter(), 0.1);
        assert!((high - low).is_finite());
    }

    #[test]
    fn ends_that_cannot_be_are_fitted_instead() {
        for bounds in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            let axis = Axis { bounds: Some(bounds), ..axis(false) };
            assert_eq!(axis.fit([3.0, 4.0].into_iter(), 0.0), (3.0, 4.0), "{bounds:?}");
        }
        assert_eq!(Axis { bounds: Some((0.0, 1.0)), ..axis(true) }.asked(), None);
        assert_eq!(Axis { bounds: Some((0.0, 1.0)), ..axis(false) }.asked(), Some((0.0, 1.0)));
    }

    #[test]
    fn a_logarithm_is_a_true_one() {
        let share = |value| axis(true).share((1.0, 100.0), value);
        assert!(share(10.0).is_some_and(|share| (share - 0.5).abs() < 1e-12));
        assert_eq!((share(0.0), share(-1.0), share(f64::NAN)), (None, None, None));
        assert!((axis(true).at((1.0, 100.0), 0.5) - 10.0).abs() < 1e-9);
        assert_eq!(axis(false).share((0.0, 4.0), -1.0), Some(-0.25));
    }
}
