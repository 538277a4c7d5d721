//! Durations that are budgets of working time (semantics: calendars): days, hours, minutes and seconds, where a day is
//! as long as the calendar says.
//!
//! Not here: durations of timers without a calendar, which are added to a date (`workflow/node/timer`).

use super::{DAY_MS, WorkingTime};

/// Milliseconds of the longest budget: a century of 24 hours a day, as for every duration.
const BUDGET_MS_MAX: i64 = 100 * 366 * DAY_MS;

/// So much working time. Days are kept apart: how long one is says the calendar of the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    days: i64,
    ms: i64,
}

impl Budget {
    /// Reads an ISO 8601 duration of days, hours, minutes and seconds, not negative and at most a century of days of
    /// 24 hours; what is finer than a millisecond falls away. `None` for anything else: how many working hours a week,
    /// a month or a year has, no calendar says.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (dates, times) = {
            let rest = text.strip_prefix(['P', 'p'])?;
            rest.split_once(['T', 't']).unwrap_or((rest, ""))
        };
        let is_of = |part: &str, units: &str| {
            let mut letters = part.chars().filter(char::is_ascii_alphabetic);
            letters.all(|letter| units.contains(letter.to_ascii_uppercase()))
        };
        if !(is_of(dates, "D") && is_of(times, "HMS")) {
            return None;
        }
        let span: jiff::Span = text.parse().ok()?;
        // The library's own bounds on each unit leave the sum far within the range of the number.
        let ms = i64::from(span.get_hours()) * 3_600_000
            + span.get_minutes() * 60_000
            + span.get_seconds() * 1_000
            + span.get_milliseconds()
            + span.get_microseconds() / 1_000
            + span.get_nanoseconds() / 1_000_000;
        let days = i64::from(span.get_days());
        (days * DAY_MS + ms <= BUDGET_MS_MAX).then_some(Self { days, ms })
    }

    /// As [`parse`](Self::parse), or the same behind a sign: `-P1D`.
    #[must_use]
    pub fn parse_signed(text: &str) -> Option<Self> {
        match text.strip_prefix('-') {
            Some(text) => Self::parse(text).map(|Self { days, ms }| Self { days: -days, ms: -ms }),
            None => Self::parse(text.strip_prefix('+').unwrap_or(text)),
        }
    }

    /// Whether a day is named, so that it depends on the calendar.
    #[must_use]
    pub fn has_days(self) -> bool {
        self.days != 0
    }

    /// Its milliseconds by a calendar.
    #[must_use]
    pub fn ms(self, working: &WorkingTime) -> i64 {
        self.days.saturating_mul(working.day_ms()).saturating_add(self.ms)
    }
}
