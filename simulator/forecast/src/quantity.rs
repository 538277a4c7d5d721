//! Quantities with units, as scenarios spell them: `20m`, `1h 30m`, `2w`, `PT20M`.
//!
//! A day has 24 hours and a week 7 days here; working hours are the calendars' business.

use std::fmt;

use jiff::{Span, SpanRelativeTo};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest length taken from outside: a hundred years.
const LENGTH_MS_MAX: f64 = 100.0 * 366.0 * 86_400_000.0;

/// A length of time, never negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Length {
    /// In milliseconds.
    pub ms: f64,
}

impl Length {
    /// Whole milliseconds, rounded.
    #[must_use]
    pub fn whole_ms(self) -> i64 {
        round_ms(self.ms)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// A sentence with the text and how to spell it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let how = "spell it like `20m`, `1h 30m`, `5d`, `2w` or `PT20M`";
        let span: Span = text
            .trim()
            .parse()
            .map_err(|_| format!("`{text}` is no length of time: {how}"))?;
        let duration = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| format!("`{text}` has months or years, which differ in length: {how}"))?;
        let ms = duration.as_secs_f64() * 1_000.0;
        if ms < 0.0 {
            return Err(format!("`{text}` is negative: {how}"));
        }
        if ms > LENGTH_MS_MAX {
            return Err(format!("`{text}` is longer than a hundred years: {how}"));
        }
        Ok(Self { ms })
    }
}

/// Rounds to whole milliseconds; what is no number, or negative, is none at all.
pub(crate) fn round_ms(ms: f64) -> i64 {
    // The cast saturates, and NaN becomes 0; the bound keeps sums of many lengths within range.
    (ms.round().clamp(0.0, LENGTH_MS_MAX)) as i64
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}ms", self.whole_ms()))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_ms(self.ms))
    }
}

/// A length for people: three digits in the unit that fits.
#[must_use]
pub fn shown_ms(ms: f64) -> String {
    let units = [
        (86_400_000.0, "d"),
        (3_600_000.0, "h"),
        (60_000.0, "min"),
        (1_000.0, "s"),
    ];
    let size = ms.abs();
    let (unit, word) = units.into_iter().find(|(unit, _)| size >= *unit).unwrap_or((1.0, "ms"));
    format!("{} {word}", shown_number(ms / unit))
}

/// Three digits that count; no digits that do not.
#[must_use]
pub fn shown_number(number: f64) -> String {
    let size = number.abs();
    if size >= 100.0 || number.fract() == 0.0 {
        format!("{number:.0}")
    } else if size >= 10.0 {
        format!("{number:.1}")
    } else if size >= 1.0 {
        format!("{number:.2}")
    } else {
        format!("{number:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_lengths() {
        for (text, ms, shown) in [
            ("20m", 1_200_000.0, "20 min"),
            ("1h 30m", 5_400_000.0, "1.50 h"),
            ("PT20M", 1_200_000.0, "20 min"),
            ("2w", 14.0 * 86_400_000.0, "14 d"),
            ("0s", 0.0, "0 ms"),
            ("1.5h", 5_400_000.0, "1.50 h"),
            ("250ms", 250.0, "250 ms"),
        ] {
            let length = Length::parse(text).expect(text);
            assert_eq!((length.ms, length.to_string().as_str()), (ms, shown), "{text}");
        }
        for bad in ["", "20", "soon", "1 month", "2y", "-5m", "101 weeks and more"] {
            assert!(Length::parse(bad).is_err(), "{bad}");
        }
    }
}
