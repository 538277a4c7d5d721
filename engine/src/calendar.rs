//! Calendars of working time (semantics: calendars): hours of a week, dates with hours of their own, and what they come
//! to between two instants.
//!
//! Here: the data, as directory files give it and events store it. Reading a file's JSON is in `calendar/read`; the
//! arithmetic in `calendar/working`, over sums along the local clock in `calendar/hours`; durations that are budgets in
//! `calendar/budget`; a clock that pauses, and what repeats, in `calendar/ledger`.
//!
//! Not here: who counts by a calendar (timers in `ticket/flow/timer`), and how a tenant gets one (`account`).
//!
//! Stored by position and field order through `codec`: a changed field is a new schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::CalendarId;

mod budget;
mod hours;
mod ledger;
mod read;
mod working;

pub use budget::Budget;
pub use ledger::{Ledger, Repeat};
pub use working::WorkingTime;

/// Milliseconds of a day whose clock is not changed.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Minutes of such a day.
const DAY_MINUTES: u16 = 1_440;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Hours of work: which instants of the local clock are working time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Its id; definitions name it.
    pub id: CalendarId,
    /// IANA name of the zone of its hours; `None` for the tenant's, whatever it is by then.
    pub zone: Option<String>,
    /// Milliseconds that one day of a budget stands for; above 0, at most 24 h.
    pub day_ms: i64,
    /// Hours of a week, Monday first.
    pub week: [Hours; 7],
    /// Dates that have hours of their own in place of the week's, by days since 1970-01-01.
    pub special: BTreeMap<i32, Hours>,
}

/// Working hours of one date: spans in their order, none within another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours(Vec<Span>);

/// A part of a date, from a minute on until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    from: u16,
    to: u16,
}

impl Span {
    /// From a minute of the date on until before another; `None` where it would be empty or end after the date.
    #[must_use]
    pub fn new(from: u16, to: u16) -> Option<Self> {
        (from < to && to <= DAY_MINUTES).then_some(Self { from, to })
    }

    /// Its first minute, counted from the date's begin.
    #[must_use]
    pub fn from(self) -> u16 {
        self.from
    }

    /// The first minute after it.
    #[must_use]
    pub fn to(self) -> u16 {
        self.to
    }
}

impl Hours {
    /// Hours of these spans, in whatever order they are given; the two that overlap where two do.
    ///
    /// # Errors
    /// Two spans that overlap.
    pub fn new(mut spans: Vec<Span>) -> Result<Self, (Span, Span)> {
        spans.sort_unstable();
        match spans.windows(2).find(|pair| pair[1].from < pair[0].to) {
            Some(pair) => Err((pair[0], pair[1])),
            None => Ok(Self(spans)),
        }
    }

    /// The spans in their order.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
