//! The units of an axis, and how it and a read-out write their numbers.

use crate::format::grouped;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Plain numbers; thousands shortened as 12.5k.
    #[default]
    Number,
    /// Shares, 1 is 100 %.
    Percent,
    /// Seconds, shown in their larger units.
    Seconds,
    /// Whole numbers: steps, epochs, images.
    Step,
}

const THOUSANDS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];

/// A value in a read-out: four digits that count, percent with two decimals, steps in full.
pub(crate) fn value(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    match unit {
        Unit::Percent => format!("{:.2}%", 100.0 * value),
        Unit::Seconds => seconds(value, 0.1),
        Unit::Step if value.abs() < 1e15 => {
            let sign = if value <= -0.5 { "-" } else { "" };
            format!("{sign}{}", grouped(value.round().abs() as u64))
        }
        Unit::Step | Unit::Number => {
            let size = value.abs();
            match size {
                0.0 => "0".into(),
                ..1e-4 | 1e15.. => format!("{value:.2e}"),
                ..1.0 => format!("{value:.4}"),
                ..10_000.0 => format!("{value:.*}", 3 - size.log10().floor() as usize),
                _ => thousands(value, size / 1000.0),
            }
        }
    }
}

/// A value at a tick, with the decimals that distinguish it from one `step` away.
pub(super) fn tick(value: f64, step: f64, unit: Unit) -> String {
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    match unit {
        Unit::Percent => {
            let decimals = decimals(100.0 * step).min(6);
            format!("{:.decimals$}%", 100.0 * value)
        }
        Unit::Seconds => seconds(value, step),
        Unit::Number | Unit::Step => {
            let size = value.abs();
            if value == 0.0 {
                "0".into()
            } else if size >= 1e15 || (size < 1e-2 && step < 1e-4) {
                let digits = (size.log10().floor() - step.log10().floor()).clamp(0.0, 6.0) as usize;
                format!("{value:.digits$e}")
            } else if size >= 1000.0 {
                thousands(value, step)
            } else {
                format!("{value:.*}", decimals(step).min(9))
            }
        }
    }
}

/// 12.5k: thousands shortened, with the decimals that a step needs, none of them a trailing zero.
fn thousands(value: f64, step: f64) -> String {
    let (scale, suffix) = THOUSANDS.into_iter().find(|(scale, _)| value.abs() >= *scale).unwrap_or((1.0, ""));
    let text = format!("{:.*}", decimals(step / scale).min(6), value / scale);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{suffix}")
}

/// Decimals that a step of one, two or five times a power of ten needs.
fn decimals(step: f64) -> usize {
    if step.is_finite() && step > 0.0 { (-(step.log10() + 1e-9).floor()).max(0.0) as usize } else { 0 }
}

/// A length of time in its two largest units, as fine as `step`.
fn seconds(value: f64, step: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    if size < 60.0 {
        return format!("{sign}{size:.*}s", decimals(step).min(6));
    }
    if size >= 1e12 {
        return format!("{value:.1e}s");
    }
    let whole = size.round() as u64;
    let (large, small, letters) = match whole {
        0..3600 => (whole / 60, whole % 60, ["m", "s"]),
        3600..86_400 => (whole / 3600, whole / 60 % 60, ["h", "m"]),
        _ => (whole / 86_400, whole / 3600 % 24, ["d", "h"]),
    };
    let [large_letter, small_letter] = letters;
    if small == 0 {
        format!("{sign}{large}{large_letter}")
    } else {
        format!("{sign}{large}{large_letter}{small:02}{small_letter}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_out_has_four_digits_that_count() {
        let number = |v| value(v, Unit::Number);
        assert_eq!(
            [0.0, 0.123_456, 2.345_678, 12.345_6, 1234.5, 12_345.6, 3.2e-5, -0.5].map(number),
            ["0", "0.1235", "2.346", "12.35", "1234", "12.35k", "3.20e-5", "-0.5000"]
        );
        assert_eq!(value(0.912_34, Unit::Percent), "91.23%");
        assert_eq!(value(12_345.0, Unit::Step), "12,345");
        assert_eq!(value(f64::NAN, Unit::Percent), "-");
    }

    #[test]
    fn times_are_in_their_two_largest_units() {
        let time = |v| value(v, Unit::Seconds);
        assert_eq!(
            [0.5, 59.0, 60.0, 95.0, 3600.0, 5400.0, 90_000.0].map(time),
            ["0.5s", "59.0s", "1m", "1m35s", "1h", "1h30m", "1d01h"]
        );
    }

    #[test]
    fn ticks_have_the_decimals_of_their_step() {
        assert_eq!(tick(12_500.0, 500.0, Unit::Number), "12.5k");
        assert_eq!(tick(10_000.0, 500.0, Unit::Number), "10k");
        assert_eq!(tick(0.25, 0.05, Unit::Number), "0.25");
        assert_eq!(tick(2e-5, 1e-5, Unit::Number), "2e-5");
        assert_eq!(tick(1.0, 0.5, Unit::Number), "1.0");
        assert_eq!(tick(1e-17, 0.5, Unit::Number), "0");
        assert_eq!(tick(0.875, 0.005, Unit::Percent), "87.5%");
        assert_eq!(tick(2_000_000.0, 1e6, Unit::Step), "2M");
    }
}
