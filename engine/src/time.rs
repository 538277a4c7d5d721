//! Instants, in UTC milliseconds, and their text forms (semantics: time).
//!
//! Not here: the clock (`port::Clock`). The core never asks what time it is.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The earliest and latest instants that are taken from outside: years 1 to 9999.
    pub const RANGE: (Self, Self) = (Self(-62_135_596_800_000), Self(253_402_300_799_999));

    /// The instants of the library end a day before the year 9999 does; later ones become its last.
    pub(crate) fn to_jiff(self) -> jiff::Timestamp {
        let clamped = self.0.clamp(Self::RANGE.0.0, Self::RANGE.1.0);
        jiff::Timestamp::from_millisecond(clamped).unwrap_or(jiff::Timestamp::MAX)
    }

    /// This instant moved by `ms` milliseconds, at the ends of the range where it would leave it.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms).clamp(Self::RANGE.0.0, Self::RANGE.1.0))
    }

    /// This instant plus a calendar span counted in a time zone; at the end of the range where it would leave it.
    #[must_use]
    pub fn plus_span(self, span: &jiff::Span, zone: &TimeZone) -> Self {
        let moved = self.to_jiff().to_zoned_datetime(zone.clone()).checked_add(*span);
        moved.map_or(Self::RANGE.1, |moved| Self(moved.timestamp().as_millisecond()))
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-22T09:30:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        format!("{:.3}", self.to_jiff())
    }

    /// `2026-11-22 09:30:00 +0000` in a time zone: the form of tool answers.
    #[must_use]
    pub fn to_answer(self, zone: &TimeZone) -> String {
        self.to_jiff()
            .to_zoned_datetime(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S %z")
            .to_string()
    }

    /// The day of this instant in a time zone.
    #[must_use]
    pub fn day_in(self, zone: &TimeZone) -> jiff::civil::Date {
        let offset_s = i64::from(zone.to_offset(self.to_jiff()).seconds());
        let local = jiff::SignedDuration::from_millis(self.0.saturating_add(offset_s * 1_000));
        EPOCH.saturating_add(local).date()
    }

    /// Reads RFC 3339, `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS` or the latter with ` +ZZZZ`; without an offset the
    /// text is in `zone`. A date alone is its first instant. `None` where it is none of these.
    #[must_use]
    pub fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        let text = text.trim();
        let exact = || {
            // A day alone, as most dates are, has the length of none of these forms.
            if text.len() == 10 {
                return None;
            }
            text.parse::<jiff::Timestamp>().ok().or_else(|| {
                ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z"]
                    .iter()
                    .find_map(|form| jiff::fmt::strtime::parse(form, text).ok()?.to_timestamp().ok())
            })
        };
        let found = match exact() {
            Some(exact) => Self(exact.as_millisecond()),
            None => Self::of_local(text.parse().ok()?, zone),
        };
        (Self::RANGE.0 <= found && found <= Self::RANGE.1).then_some(found)
    }

    /// The instant of a time in a zone. `9999-12-31`, which people write for "never", is later than any instant of the
    /// library: it is counted by hand, from the zone's last offset.
    fn of_local(local: jiff::civil::DateTime, zone: &TimeZone) -> Self {
        match local.to_zoned_datetime(zone.clone()) {
            Ok(zoned) => Self(zoned.timestamp().as_millisecond()),
            Err(_) => {
                let offset = zone.to_offset(jiff::Timestamp::MAX);
                let since = local.duration_since(EPOCH) - jiff::SignedDuration::from_secs(offset.seconds().into());
                Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
        }
    }
}

/// 1970-01-01T00:00:00.
const EPOCH: jiff::civil::DateTime = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// A time zone by its IANA name, from the data compiled in; `None` for a name that is not there.
#[must_use]
pub fn zone_named(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_every_form() {
        let shanghai = zone_named("Asia/Shanghai").unwrap();
        let instant = Timestamp(1_795_339_800_000);
        assert_eq!(instant.to_rfc3339(), "2026-11-22T09:30:00.000Z");
        assert_eq!(instant.to_answer(&TimeZone::UTC), "2026-11-22 09:30:00 +0000");
        assert_eq!(instant.to_answer(&shanghai), "2026-11-22 17:30:00 +0800");
        for text in [
            "2026-11-22T09:30:00Z",
            "2026-11-22T17:30:00+08:00",
            "2026-11-22 17:30:00",
            "2026-11-22 17:30:00 +0800",
            "2026-11-22T17:30:00",
        ] {
            assert_eq!(Timestamp::parse(text, &shanghai), Some(instant), "{text}");
        }
        assert_eq!(
            Timestamp::parse("2026-11-22", &TimeZone::UTC).unwrap().to_rfc3339(),
            "2026-11-22T00:00:00.000Z"
        );
        for text in ["", "yesterday", "2026-13-01", "2026-02-30", "99999-01-01", "0000-12-31"] {
            assert_eq!(Timestamp::parse(text, &shanghai), None, "{text}");
        }
    }
    #[test]
    fn the_last_day_is_a_day() {
        for name in ["UTC", "Asia/Shanghai", "America/New_York"] {
            let zone = zone_named(name).unwrap();
            let (last, before) = ["9999-12-31", "9999-12-30"]
                .map(|text| Timestamp::parse(text, &zone).unwrap())
                .into();
            assert_eq!(last.0 - before.0, 86_400_000, "{name}");
            assert_eq!(last.day_in(&zone).to_string(), "9999-12-31", "{name}");
            assert_eq!(before.day_in(&zone).to_string(), "9999-12-30", "{name}");
            assert!(
                last.to_rfc3339().starts_with("9999-12-30"),
                "shown as late as can be, {name}"
            );
        }
        let first = Timestamp::parse("0001-01-01", &TimeZone::UTC).unwrap();
        assert_eq!(first.day_in(&TimeZone::UTC).to_string(), "0001-01-01");
    }
}
