//! The rules read word by word: every minute is looked at by its local date and time, as the time zone library shows it.
//! Slow, and nothing shared with the arithmetic under test. Spans and changes of clocks lie on whole minutes.

use jiff::tz::TimeZone;

use crate::calendar::{Calendar, Hours};
use crate::time::Timestamp;

const MINUTE_MS: i64 = 60_000;

#[derive(Debug)]
pub(super) struct Slow {
    pub(super) calendar: Calendar,
    pub(super) zone: TimeZone,
}

impl Slow {
    /// Whether an instant's local time lies in a span of its local date.
    pub(super) fn is_working(&self, at: i64) -> bool {
        let instant = jiff::Timestamp::from_millisecond(at).unwrap();
        let local = instant.to_zoned_datetime(self.zone.clone()).datetime();
        let days = local.date().duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24;
        let of_week = local.weekday().to_monday_zero_offset();
        let special = self.calendar.special.get(&i32::try_from(days).unwrap());
        let hours: &Hours = special.unwrap_or(&self.calendar.week[usize::try_from(of_week).unwrap()]);
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
        let mut spans = hours.spans().iter();
        spans.any(|span| span.from() <= minute && minute < span.to())
    }

    /// The parts of whole minutes of UTC between two instants.
    fn parts(from: i64, to: i64) -> impl DoubleEndedIterator<Item = (i64, i64)> {
        let minutes = from.div_euclid(MINUTE_MS)..(to + MINUTE_MS - 1).div_euclid(MINUTE_MS);
        minutes
            .map(move |minute| (from.max(minute * MINUTE_MS), to.min((minute + 1) * MINUTE_MS)))
            .filter(|(from, to)| from < to)
    }

    pub(super) fn working(&self, from: Timestamp, to: Timestamp) -> i64 {
        let parts = Self::parts(from.0, to.0).filter(|(from, _)| self.is_working(*from));
        parts.map(|(from, to)| to - from).sum()
    }

    /// The earliest instant from `from` on until which there is the budget; looks no further than `last`.
    pub(super) fn due(&self, from: Timestamp, budget_ms: i64, last: Timestamp) -> Option<Timestamp> {
        let mut rest = budget_ms;
        if rest <= 0 {
            return Some(from);
        }
        for (from, to) in Self::parts(from.0, last.0).filter(|(from, _)| self.is_working(*from)) {
            if to - from >= rest {
                return Some(Timestamp(from + rest));
            }
            rest -= to - from;
        }
        None
    }

    /// The latest instant from which there is still so much until `due`; looks no further back than `first`.
    pub(super) fn latest(&self, due: Timestamp, rest_ms: i64, first: Timestamp) -> Option<Timestamp> {
        let mut rest = rest_ms;
        if rest <= 0 {
            return Some(due);
        }
        for (from, to) in Self::parts(first.0, due.0)
            .rev()
            .filter(|(from, _)| self.is_working(*from))
        {
            if to - from >= rest {
                return Some(Timestamp(to - rest));
            }
            rest -= to - from;
        }
        None
    }
}
