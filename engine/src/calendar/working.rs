//! Working time between instants (semantics: calendars). An instant is working if its local date and time lie in a span
//! of that date; what is left out when clocks are changed is never reached, what is repeated counts twice.
//!
//! Between two changes of the clock, local time goes on as time does. So all of this goes from change to change, some
//! two a year, and takes sums along the local clock (`hours`) in between: never from minute to minute or day to day.
//!
//! Not here: which calendar counts (`account/directory`), what is due (`ticket`).

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::hours::Sums;
use super::{Calendar, DAY_MS};
use crate::limits::CALENDAR_HORIZON_MS;
use crate::time::{Timestamp, zone_named};

/// How working time runs: by a calendar, or always. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WorkingTime(Option<Arc<Table>>);

#[derive(Debug)]
struct Table {
    sums: Sums,
    zone: TimeZone,
    day_ms: i64,
}

impl WorkingTime {
    /// Without a calendar, and by one that is gone: every instant is working, a day has 24 hours.
    pub const ALWAYS: Self = Self(None);

    /// By a calendar of a tenant with this zone.
    #[must_use]
    pub fn of(calendar: &Calendar, tenant_zone: &TimeZone) -> Self {
        let own = calendar.zone.as_deref().and_then(zone_named);
        Self(Some(Arc::new(Table {
            sums: Sums::new(calendar),
            zone: own.unwrap_or_else(|| tenant_zone.clone()),
            day_ms: calendar.day_ms,
        })))
    }

    /// Milliseconds of a day of a budget.
    #[must_use]
    pub fn day_ms(&self) -> i64 {
        self.0.as_ref().map_or(DAY_MS, |table| table.day_ms)
    }

    /// Whether an instant is working.
    #[must_use]
    pub fn is_working(&self, at: Timestamp) -> bool {
        let Some(table) = &self.0 else { return true };
        table.sums.is_working(at.0.saturating_add(table.offset(at)))
    }

    /// Milliseconds of working time from an instant on until before another; 0 where that is not later.
    #[must_use]
    pub fn working(&self, from: Timestamp, to: Timestamp) -> i64 {
        let (from, to) = (within(from), within(to));
        match &self.0 {
            None => (to.0 - from.0).max(0),
            Some(table) => Forward::new(&table.zone, from, to)
                .map(|piece| table.sums.before(piece.local_to()) - table.sums.before(piece.local_from()))
                .sum(),
        }
    }

    /// The earliest instant from `from` on until which there are `budget_ms` of working time; `None` where there is none
    /// within [`CALENDAR_HORIZON_MS`].
    #[must_use]
    pub fn due(&self, from: Timestamp, budget_ms: i64) -> Option<Timestamp> {
        if budget_ms <= 0 {
            return Some(from);
        }
        let from = within(from);
        let horizon = horizon_after(from);
        let Some(table) = &self.0 else {
            return Some(Timestamp(from.0.saturating_add(budget_ms))).filter(|due| *due <= horizon);
        };
        let mut rest = budget_ms;
        for piece in Forward::new(&table.zone, from, horizon) {
            let (local_from, local_to) = (piece.local_from(), piece.local_to());
            let before = table.sums.before(local_from);
            let here = table.sums.before(local_to) - before;
            if here >= rest {
                let local = table.sums.earliest(before + rest, local_from, local_to);
                return Some(Timestamp(local - piece.offset));
            }
            rest -= here;
        }
        None
    }

    /// As [`due`](Self::due), and the last instant within reach where there is none: for what must not wait for ever.
    #[must_use]
    pub fn due_at_last(&self, from: Timestamp, budget_ms: i64) -> Timestamp {
        self.due(from, budget_ms).unwrap_or_else(|| horizon_after(from))
    }

    /// The latest instant up to `due` from which there are still `rest_ms` of working time until then; `None` where there
    /// is none within [`CALENDAR_HORIZON_MS`].
    #[must_use]
    pub fn latest(&self, due: Timestamp, rest_ms: i64) -> Option<Timestamp> {
        if rest_ms <= 0 {
            return Some(due);
        }
        let due = within(due);
        let horizon = within(Timestamp(due.0 - CALENDAR_HORIZON_MS));
        let Some(table) = &self.0 else {
            return Some(Timestamp(due.0.saturating_sub(rest_ms))).filter(|from| *from >= horizon);
        };
        let mut rest = rest_ms;
        for piece in Backward::new(&table.zone, horizon, due) {
            let (local_from, local_to) = (piece.local_from(), piece.local_to());
            let until = table.sums.before(local_to);
            let here = until - table.sums.before(local_from);
            if here >= rest {
                let local = table.sums.latest(until - rest, local_from, local_to);
                return Some(Timestamp(local - piece.offset));
            }
            rest -= here;
        }
        None
    }

    /// A due instant moved by working time, forward or back: where a step of a deadline on a field is due.
    #[must_use]
    pub fn moved(&self, due: Timestamp, at_ms: i64) -> Option<Timestamp> {
        if at_ms < 0 {
            self.latest(due, at_ms.saturating_neg())
        } else {
            self.due(due, at_ms)
        }
    }
}

/// The last instant after another at which something can be due.
fn horizon_after(from: Timestamp) -> Timestamp {
    from.plus_ms(CALENDAR_HORIZON_MS)
}

/// An instant of the range that is taken from outside.
fn within(at: Timestamp) -> Timestamp {
    at.plus_ms(0)
}

impl Table {
    fn offset(&self, at: Timestamp) -> i64 {
        offset(&self.zone, at)
    }
}

/// How far a zone's clock is ahead of UTC at an instant, in milliseconds.
fn offset(zone: &TimeZone, at: Timestamp) -> i64 {
    i64::from(zone.to_offset(at.to_jiff()).seconds()) * 1_000
}

/// A stretch of time in which the clock is not changed; not empty.
struct Piece {
    from: i64,
    to: i64,
    offset: i64,
}

impl Piece {
    fn local_from(&self) -> i64 {
        self.from + self.offset
    }

    fn local_to(&self) -> i64 {
        self.to + self.offset
    }
}

/// The pieces between two instants, earliest first.
struct Forward<'a> {
    changes: jiff::tz::TimeZoneFollowingTransitions<'a>,
    at: i64,
    to: i64,
    offset: i64,
}

impl<'a> Forward<'a> {
    fn new(zone: &'a TimeZone, from: Timestamp, to: Timestamp) -> Self {
        Self {
            changes: zone.following(from.to_jiff()),
            at: from.0,
            to: to.0,
            offset: offset(zone, from),
        }
    }
}

impl Iterator for Forward<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.at >= self.to {
            return None;
        }
        let (from, offset) = (self.at, self.offset);
        self.at = self.to;
        // A change of the zone's name alone ends no piece.
        for change in self.changes.by_ref() {
            let at = change.timestamp().as_millisecond();
            if at >= self.to {
                break;
            }
            let next = i64::from(change.offset().seconds()) * 1_000;
            if next != offset && at > from {
                (self.at, self.offset) = (at, next);
                break;
            }
        }
        Some(Piece {
            from,
            to: self.at,
            offset,
        })
    }
}

/// The pieces between two instants, latest first.
struct Backward<'a> {
    zone: &'a TimeZone,
    changes: jiff::tz::TimeZonePrecedingTransitions<'a>,
    from: i64,
    at: i64,
}

impl<'a> Backward<'a> {
    fn new(zone: &'a TimeZone, from: Timestamp, to: Timestamp) -> Self {
        Self {
            zone,
            changes: zone.preceding(to.to_jiff()),
            from: from.0,
            at: to.0,
        }
    }
}

impl Iterator for Backward<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.at <= self.from {
            return None;
        }
        let to = self.at;
        let change = self.changes.next().map(|change| change.timestamp().as_millisecond());
        self.at = change.map_or(self.from, |change| change.clamp(self.from, to));
        Some(Piece {
            from: self.at,
            to,
            offset: offset(self.zone, Timestamp(self.at)),
        })
    }
}
