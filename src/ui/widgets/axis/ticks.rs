//! Round places on an axis: 1, 2 and 5 times powers of ten, decades on a logarithm, minutes and hours
//! of time.

use super::unit::{Unit, tick};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// Steps of time in seconds; days go on by 1, 2 and 5.
const TIMES: [f64; 16] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0,
    43_200.0,
];

const DAY: f64 = 86_400.0;

/// More ticks than any screen has room for.
const MANY: f64 = 200.0;

/// Ticks at round values, from low to high: as many as `fits` accepts.
pub(super) fn ticks(log: bool, unit: Unit, bounds: (f64, f64), fits: impl Fn(&[Tick]) -> bool) -> Vec<Tick> {
    if log {
        for candidate in log_candidates(bounds) {
            let ticks: Vec<Tick> = candidate
                .into_iter()
                .filter(|value| (bounds.0..=bounds.1).contains(value))
                .map(|value| Tick { value, label: tick(value, decade(value), unit) })
                .collect();
            if ticks.len() >= 2 && fits(&ticks) {
                return ticks;
            }
        }
    }
    let mut some = Vec::new();
    for step in steps(unit, bounds.1 - bounds.0) {
        let mut ticks = at_steps(unit, bounds, step);
        ticks.retain(|tick| !log || tick.value > 0.0);
        if !fits(&ticks) {
            continue;
        }
        if ticks.len() >= 2 {
            return ticks;
        }
        if some.is_empty() {
            some = ticks;
        }
    }
    some
}

/// The power of ten at or below.
fn decade(value: f64) -> f64 {
    10f64.powi((value.log10() + 1e-9).floor() as i32)
}

/// Choices for a logarithm, from many ticks to few: 1-2-5, 1-3, decades, every second decade …
fn log_candidates((low, high): (f64, f64)) -> Vec<Vec<f64>> {
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let by = |every: usize, digits: &[f64]| -> Vec<f64> {
        let decades = (first..=last).filter(|exponent| exponent.rem_euclid(every as i32) == 0);
        let values = decades.flat_map(|exponent| digits.iter().map(move |digit| digit_at(*digit, exponent)));
        values.collect()
    };
    let mut candidates = Vec::new();
    // Within a few decades the digits between them help; beyond, they are clutter.
    if last - first <= 4 {
        candidates.push(by(1, &[1.0, 2.0, 5.0]));
    }
    candidates.extend([1, 2, 3, 5, 10, 20, 50, 100].map(|every| by(every, &[1.0])));
    candidates
}

/// A digit times a power of ten, as the text `2e-5` would be read.
fn digit_at(digit: f64, exponent: i32) -> f64 {
    format!("{digit}e{exponent}").parse().unwrap_or(f64::NAN)
}

/// Steps from fine to coarse for an axis of this length.
fn steps(unit: Unit, length: f64) -> Vec<f64> {
    if !(length.is_finite() && length > 0.0) {
        return Vec::new();
    }
    let finest = length / MANY;
    let powers = |from: f64| {
        let first = from.log10().floor() as i32;
        (first..first + 5).flat_map(|exponent| [1.0, 2.0, 5.0].map(|digit| digit_at(digit, exponent)))
    };
    let steps: Vec<f64> = match unit {
        Unit::Seconds if finest >= DAY => powers(finest / DAY).map(|days| days * DAY).collect(),
        Unit::Seconds if length > 10.0 => TIMES
            .into_iter()
            .chain([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0].map(|d| d * DAY))
            .collect(),
        Unit::Step => powers(finest.max(1.0)).collect(),
        _ => powers(finest).collect(),
    };
    steps.into_iter().filter(|step| *step >= finest).collect()
}

fn at_steps(unit: Unit, (low, high): (f64, f64), step: f64) -> Vec<Tick> {
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    // Beyond 2^53 steps from zero, neighbouring multiples are the same number.
    if last - first > MANY || first.abs().max(last.abs()) > 9e15 {
        return Vec::new();
    }
    let count = (last - first + 1.0).max(0.0) as usize;
    let values = (0..count).map(|index| (first + index as f64) * step).filter(|value| value.is_finite());
    values.map(|value| Tick { value, label: tick(value, step, unit) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::axis::Axis;
    use proptest::prelude::*;

    fn labels(log: bool, unit: Unit, bounds: (f64, f64), most: usize) -> Vec<String> {
        let axis = Axis { log, unit, ..Axis::default() };
        axis.ticks(bounds, |ticks| ticks.len() <= most).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_lie_at_one_two_and_five() {
        assert_eq!(labels(false, Unit::Number, (0.0, 1.0), 6), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(false, Unit::Number, (0.13, 2.4), 5), ["0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(labels(false, Unit::Number, (0.0, 12_500.0), 4), ["0", "5k", "10k"]);
        assert_eq!(labels(false, Unit::Percent, (0.1, 0.95), 5), ["20%", "40%", "60%", "80%"]);
        assert_eq!(labels(false, Unit::Number, (-1.0, 1.0), 5), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
    }

    #[test]
    fn steps_are_whole_and_times_are_round_in_minutes_and_hours() {
        assert_eq!(labels(false, Unit::Step, (1.0, 4.0), 9), ["1", "2", "3", "4"]);
        assert_eq!(labels(false, Unit::Seconds, (0.0, 400.0), 5), ["0s", "2m", "4m", "6m"]);
        assert_eq!(labels(false, Unit::Seconds, (0.0, 9000.0), 4), ["0s", "1h", "2h"]);
    }

    #[test]
    fn a_logarithm_has_decades_and_digits_between_where_it_is_short() {
        assert_eq!(labels(true, Unit::Number, (1e-4, 1.0), 6), ["0.0001", "0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(true, Unit::Number, (0.04, 2.5), 9), ["0.05", "0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(true, Unit::Step, (1.0, 1e6), 4), ["1", "100", "10k", "1M"]);
        assert_eq!(labels(true, Unit::Number, (2.1, 3.9), 5), ["2.5", "3.0", "3.5"]);
    }

    proptest! {
        #[test]
        fn any_ends_give_ticks_within_them_that_fit(
            low in -1e9..1e9f64, length in 1e-6..1e9f64, log: bool, unit in 0..4usize, most in 0..20usize,
        ) {
            let unit = [Unit::Number, Unit::Percent, Unit::Seconds, Unit::Step][unit];
            let axis = Axis { log, unit, ..Axis::default() };
            let low = if log { low.abs() + 1e-9 } else { low };
            let bounds = (low, low + length);
            let ticks = axis.ticks(bounds, |ticks| ticks.len() <= most);
            prop_assert!(ticks.len() <= most);
            let slack = 1e-6 * length;
            prop_assert!(ticks.iter().all(|t| t.value >= bounds.0 - slack && t.value <= bounds.1 + slack));
            prop_assert!(ticks.windows(2).all(|pair| pair[0].value < pair[1].value));
        }
    }
}
