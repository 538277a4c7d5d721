//! Reads the bounds `create_start` and `create_end` of a list.
//!
//! Not here: the bounds that hold when neither is sent, which are the list's own.
//!
//! Forms: RFC 3339; `YYYY-MM-DD HH:MM:SS` with or without `+ZZZZ`; `YYYY-MM-DD`. A time without a zone is in the
//! tenant's. What is named as an end is still inside: a day alone is its first moment as a start and its last as an end,
//! and so are a minute and a second. Answers tell times in whole seconds, so the time of a row is an end that has the
//! row.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use crate::arguments::shortened;
use crate::error::ApiError;

/// Which end of the range a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first moment inside.
    Start,
    /// The last moment inside.
    End,
}

/// The moment that `text` names for argument `name`, in the tenant's `zone`.
///
/// # Errors
/// `invalid_argument` when no form fits or the moment does not exist.
pub fn parse(name: &str, text: &str, zone: &TimeZone, side: Side) -> Result<Timestamp, ApiError> {
    let text = text.trim();
    moment(text, zone, side).ok_or_else(|| {
        ApiError::invalid_argument(
            name,
            format!("argument `{name}` must be a date or a time, got `{}`", shortened(text)),
        )
        .with_hint("send `2026-11-22`, `2026-11-22 09:30:00`, `2026-11-22 09:30:00 +0000` or `2026-11-22T09:30:00Z`")
    })
}

fn moment(text: &str, zone: &TimeZone, side: Side) -> Option<Timestamp> {
    let first = first_moment(text, zone, side)?;
    match side {
        Side::Start => Some(first),
        Side::End => first.checked_add(SignedDuration::from_nanos(rest_of(text))).ok(),
    }
}

/// Nanoseconds from the first moment of what a text names to its last: none of a day, whose last moment is known
/// already.
fn rest_of(text: &str) -> i64 {
    let Some((_, time)) = text.split_once(['T', 't', ' ']) else {
        return 0;
    };
    let clock = time.split(['+', '-', 'Z', 'z', ' ', '[']).next().unwrap_or_default();
    if clock.contains(['.', ',']) {
        0
    } else if clock.matches(':').count() == 1 {
        60_000_000_000 - 1
    } else {
        1_000_000_000 - 1
    }
}

fn first_moment(text: &str, zone: &TimeZone, side: Side) -> Option<Timestamp> {
    if text.len() == "YYYY-MM-DD".len() {
        let day: Date = text.parse().ok()?;
        let zoned = day.to_zoned_datetime(zone.clone()).ok()?;
        return Some(match side {
            Side::Start => zoned.timestamp(),
            Side::End => zoned.end_of_day().ok()?.timestamp(),
        });
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    if let Ok(zoned) = ZonedDateTime::strptime("%Y-%m-%d %H:%M:%S %z", text) {
        return Some(zoned.timestamp());
    }
    if let Ok(moment) = jiff::fmt::strtime::parse("%Y-%m-%d %H:%M:%S %z", text).and_then(|time| time.to_timestamp()) {
        return Some(moment);
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, side: Side) -> String {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone data is compiled in");
        match parse("create_start", text, &zone, side) {
            Ok(moment) => moment.to_string(),
            Err(error) => error.code.to_string(),
        }
    }

    #[test]
    fn every_form_is_read_in_the_tenants_zone() {
        for (text, expected) in [
            ("2026-11-22T09:30:00Z", "2026-11-22T09:30:00Z"),
            ("2026-11-22T09:30:00.250+02:00", "2026-11-22T07:30:00.25Z"),
            ("2026-11-22 09:30:00 +0000", "2026-11-22T09:30:00Z"),
            ("2026-11-22 09:30:00 +0130", "2026-11-22T08:00:00Z"),
            ("2026-11-22 09:30:00", "2026-11-22T01:30:00Z"),
            ("2026-11-22T09:30:00", "2026-11-22T01:30:00Z"),
            (" 2026-11-22 ", "2026-11-21T16:00:00Z"),
        ] {
            assert_eq!(check(text, Side::Start), expected, "{text}");
        }
        for (text, expected) in [
            ("2026-11-22", "2026-11-22T15:59:59.999999999Z"),
            ("2026-11-22T09:30:00Z", "2026-11-22T09:30:00.999999999Z"),
            ("2026-11-22 17:30:00 +0800", "2026-11-22T09:30:00.999999999Z"),
            ("2026-11-22 17:30:00", "2026-11-22T09:30:00.999999999Z"),
            ("2026-11-22T17:30:00+08:00", "2026-11-22T09:30:00.999999999Z"),
            ("2026-11-22T17:30", "2026-11-22T09:30:59.999999999Z"),
            ("2026-11-22T09:30:00.250Z", "2026-11-22T09:30:00.25Z"),
        ] {
            assert_eq!(check(text, Side::End), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-13-01",
            "22.11.2026",
            "1700000000",
            "2026-11-22 25:00:00",
        ] {
            assert_eq!(check(text, Side::Start), "invalid_argument", "{text}");
        }
    }
}
