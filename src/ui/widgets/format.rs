//! Times and sizes as people write them.

use jiff::Timestamp;
use jiff::tz::Offset;

/// The time of day, `utc_offset` seconds from UTC; blanks before the clock is known.
pub(crate) fn clock(utc_offset: i32, time: f64) -> String {
    written(utc_offset, time, "%H:%M:%S").unwrap_or_else(|| " ".repeat(8))
}

/// The day and the time of day.
pub(crate) fn day(utc_offset: i32, time: f64) -> String {
    written(utc_offset, time, "%Y-%m-%d %H:%M").unwrap_or_else(|| "-".into())
}

fn written(utc_offset: i32, time: f64, format: &str) -> Option<String> {
    let time = Timestamp::from_second(time as i64).ok().filter(|_| time > 0.0)?;
    let offset = Offset::from_seconds(utc_offset).ok()?;
    Some(offset.to_datetime(time).strftime(format).to_string())
}

/// Bytes as people say them.
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
