//! Durations as people write them: `10s`, `1h 30m`, `7d`, or ISO 8601.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// Reads a duration. A day is 24 hours.
pub(crate) fn read(text: &str) -> Result<Duration, String> {
    let how = "write it like `30s`, `5m`, `1h 30m` or `7d`";
    let span: Span = text.parse().map_err(|_| format!("`{text}` is not a duration; {how}"))?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| format!("`{text}` has no fixed length; {how}"))?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("`{text}` is not longer than nothing; {how}")),
    }
}

/// Writes a duration so that [`read`] gives it back.
pub(super) fn write(duration: Duration) -> String {
    SignedDuration::try_from(duration)
        .map_or_else(|_| format!("{}s", duration.as_secs()), |duration| format!("{duration:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        let cases =
            [("50ms", 50), ("10s", 10_000), ("1h 30m", 5_400_000), ("7d", 604_800_000), ("PT1M", 60_000)];
        for (text, millis) in cases {
            let duration = read(text).unwrap();
            assert_eq!(duration, Duration::from_millis(millis), "{text}");
            assert_eq!(read(&write(duration)).unwrap(), duration, "{text}");
        }
        for text in ["", "7", "soon", "0s", "-5m", "1mo"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
