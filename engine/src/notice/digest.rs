//! Several notices as one message, and when somebody who wants that is told (semantics: notices).

use jiff::tz::TimeZone;
use jiff::{RoundMode, Unit, ZonedDateTimeRound};

use super::Lang;
use super::draft::Notice;
use crate::account::channel::Digest;
use crate::notice::escape;
use crate::time::Timestamp;

/// Notices that one message lists; it counts the others.
pub const LISTED_MAX: usize = 50;
/// Hour of the day at which a daily message goes out.
const DAILY_HOUR: i8 = 8;

/// When a notice that is owed since an instant is sent; `None` for at once.
#[must_use]
pub fn due(digest: Digest, since: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let at = since.to_jiff().to_zoned_datetime(zone.clone());
    let due = match digest {
        Digest::None => return None,
        Digest::Hourly => at.round(ZonedDateTimeRound::new().smallest(Unit::Hour).mode(RoundMode::Ceil)),
        Digest::Daily => {
            let of_day = |date: jiff::civil::Date| date.at(DAILY_HOUR, 0, 0, 0).to_zoned_datetime(zone.clone());
            of_day(at.date()).and_then(|today| {
                if today >= at {
                    Ok(today)
                } else {
                    of_day(at.date().tomorrow()?)
                }
            })
        }
    };
    // At the end of all time it is sent at once.
    due.ok().map(|due| Timestamp(due.timestamp().as_millisecond()))
}

/// Notices as one, of which there are `n_all`.
#[must_use]
pub fn combined(notices: &[Notice], n_all: usize, lang: Lang) -> Notice {
    let listed = &notices[..notices.len().min(LISTED_MAX)];
    let mut lines: Vec<String> = Vec::new();
    for notice in listed {
        lines.push(format!("• {}", notice.title));
        lines.extend(notice.link.as_ref().map(|link| format!("  {link}")));
    }
    if n_all > listed.len() {
        lines.push(lang.more(n_all - listed.len()));
    }
    Notice {
        lang,
        title: escape::line(&lang.several(n_all), super::draft::NOTICE_TITLE_CHARS_MAX),
        text: lines.join("\n"),
        facts: Vec::new(),
        link: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_due_by_the_tenants_clock() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| Timestamp::parse(text, &berlin).unwrap();
        for (digest, since, expected) in [
            (Digest::Hourly, "2026-11-02 09:00:00", "2026-11-02 09:00:00"),
            (Digest::Hourly, "2026-11-02 09:00:01", "2026-11-02 10:00:00"),
            (Digest::Daily, "2026-11-02 07:59:59", "2026-11-02 08:00:00"),
            (Digest::Daily, "2026-11-02 08:00:00", "2026-11-02 08:00:00"),
            (Digest::Daily, "2026-11-02 08:00:01", "2026-11-03 08:00:00"),
            // The night in which the clocks go forward has an hour less.
            (Digest::Daily, "2027-03-27 12:00:00", "2027-03-28 08:00:00"),
        ] {
            assert_eq!(due(digest, at(since), &berlin), Some(at(expected)), "{since}");
        }
        assert_eq!(due(Digest::None, at("2026-11-02 09:00:00"), &berlin), None);
    }
}
