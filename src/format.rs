//! Numbers, sizes and times as people write them.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::Offset;

pub(crate) mod csv;

/// The time of day, `utc_offset` seconds from UTC; blanks before the clock is known.
pub(crate) fn clock(utc_offset: i32, time: f64) -> String {
    written(utc_offset, time, "%H:%M:%S").unwrap_or_else(|| " ".repeat(8))
}

/// The day and the time of day.
pub(crate) fn day(utc_offset: i32, time: f64) -> String {
    written(utc_offset, time, "%Y-%m-%d %H:%M").unwrap_or_else(|| "-".into())
}

/// A time in UTC, to the millisecond, as programs read it.
pub(crate) fn instant(time: f64) -> String {
    let time = Timestamp::from_millisecond((1000.0 * time).round() as i64).unwrap_or_default();
    Offset::UTC.to_datetime(time).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn written(utc_offset: i32, time: f64, format: &str) -> Option<String> {
    let time = Timestamp::from_second(time as i64).ok().filter(|_| time > 0.0)?;
    let offset = Offset::from_seconds(utc_offset).ok()?;
    Some(offset.to_datetime(time).strftime(format).to_string())
}

/// Bytes in the unit that suits them.
pub(crate) fn bytes(n: u64) -> String {
    let n = n as f64;
    if n < 1024.0 * 1024.0 {
        format!("{:.0} KiB", n / 1024.0)
    } else if n < 1024.0 * 1024.0 * 1024.0 {
        format!("{:.1} MiB", n / 1024.0 / 1024.0)
    } else {
        format!("{:.2} GiB", n / 1024.0 / 1024.0 / 1024.0)
    }
}

/// A number with commas between its thousands.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// A duration in its two largest units.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds < 9.95 => format!("{seconds:.1} s"),
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest:02} s"),
        (0, _, _) => format!("{hours} h {minutes:02} min"),
        _ => format!("{days} d {hours:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(769_162), "769,162");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        assert_eq!(duration(4.21), "4.2 s");
        assert_eq!(duration(59.7), "1 min 00 s");
        assert_eq!(duration(3_661.0), "1 h 01 min");
        assert_eq!(duration(90_000.0), "1 d 01 h");
    }
}
