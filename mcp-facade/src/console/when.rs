//! Times as people read them: near ones as distances, far ones as days of the tenant's zone, the exact one behind either.

use jiff::tz::TimeZone;
use loonflow_engine::time::Timestamp;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A time on a page.
pub(super) struct When {
    /// `12 minutes ago`, `25 Feb 2027`.
    pub(super) words: String,
    /// `2027-02-25 14:05:00 +0100`.
    pub(super) exact: String,
    /// For programs.
    pub(super) iso: String,
}

/// A time that is over.
pub(super) fn past(at: Timestamp, now: Timestamp, zone: &TimeZone) -> When {
    let ago = now.0 - at.0;
    let counted = |n: i64, one: &str| format!("{n} {one}{} ago", if n == 1 { "" } else { "s" });
    let words = if ago < MINUTE_MS {
        "just now".to_owned()
    } else if ago < HOUR_MS {
        counted(ago / MINUTE_MS, "minute")
    } else if at.day_in(zone) == now.day_in(zone) {
        counted(ago / HOUR_MS, "hour")
    } else if at.day_in(zone) == now.plus_ms(-24 * HOUR_MS).day_in(zone) {
        "yesterday".to_owned()
    } else {
        day(at, zone)
    };
    written(words, at, zone)
}

/// A day, whether it is over or to come.
pub(super) fn on(at: Timestamp, zone: &TimeZone) -> When {
    written(day(at, zone), at, zone)
}

fn written(words: String, at: Timestamp, zone: &TimeZone) -> When {
    When {
        words,
        exact: at.to_answer(zone),
        iso: at.to_rfc3339(),
    }
}

fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.day_in(zone).strftime("%-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_read_as_people_say_them() {
        let zone = TimeZone::UTC;
        // 2026-11-22 09:30.
        let now = Timestamp(1_795_339_800_000);
        for (ms, words) in [
            (0, "just now"),
            (-5, "just now"),
            (59_000, "just now"),
            (60_000, "1 minute ago"),
            (12 * MINUTE_MS + 5, "12 minutes ago"),
            (HOUR_MS, "1 hour ago"),
            (9 * HOUR_MS, "9 hours ago"),
            (10 * HOUR_MS, "yesterday"),
            (33 * HOUR_MS, "yesterday"),
            (34 * HOUR_MS, "20 Nov 2026"),
            (500 * 24 * HOUR_MS, "10 Jul 2025"),
        ] {
            assert_eq!(past(now.plus_ms(-ms), now, &zone).words, words, "{ms}");
        }
        let end = on(now.plus_ms(90 * 24 * HOUR_MS), &zone);
        assert_eq!(
            (end.words.as_str(), end.exact.as_str()),
            ("20 Feb 2027", "2027-02-20 09:30:00 +0000")
        );
    }
}
