//! Working time along the local clock of a calendar, as if that clock were never changed: a sum that only grows, and
//! its two inverses. Whole weeks cost nothing: they are multiplied, and dates with hours of their own are corrections
//! with sums kept beside them.
//!
//! Not here: zones and instants (`working`). Local times are milliseconds since 1970-01-01T00:00:00 on that clock.

use super::{Calendar, DAY_MS, Hours, MINUTE_MS};

/// A date's hours in milliseconds of the date.
#[derive(Debug)]
struct Day {
    spans: Vec<(i64, i64)>,
    total: i64,
}

impl Day {
    fn new(hours: &Hours) -> Self {
        let spans = hours.spans().iter();
        let spans: Vec<(i64, i64)> = spans
            .map(|span| (i64::from(span.from) * MINUTE_MS, i64::from(span.to) * MINUTE_MS))
            .collect();
        let total = spans.iter().map(|(from, to)| to - from).sum();
        Self { spans, total }
    }

    /// Working time of the date before one of its milliseconds.
    fn before(&self, of_day: i64) -> i64 {
        self.spans
            .iter()
            .map(|(from, to)| (of_day.min(*to) - from).max(0))
            .sum()
    }
}

/// A date with hours of its own.
#[derive(Debug)]
struct Special {
    date: i64,
    day: Day,
    /// What this date and those before it have more than the week would give them.
    more: i64,
}

/// A calendar's hours, ready to be summed.
#[derive(Debug)]
pub(super) struct Sums {
    week: [Day; 7],
    /// By weekday: working time of the week before it.
    before: [i64; 7],
    of_week: i64,
    special: Vec<Special>,
}

/// Day of the week, Monday 0, and the week it is in, of days since 1970-01-01, which was a Thursday.
fn weekday(date: i64) -> (usize, i64) {
    let since_monday = date + 3;
    let weekday = usize::try_from(since_monday.rem_euclid(7)).unwrap_or_default();
    (weekday, since_monday.div_euclid(7))
}

impl Sums {
    pub(super) fn new(calendar: &Calendar) -> Self {
        let week = calendar.week.each_ref().map(Day::new);
        let mut before = [0; 7];
        for weekday in 1..7 {
            before[weekday] = before[weekday - 1] + week[weekday - 1].total;
        }
        let mut more = 0;
        let special = calendar.special.iter().map(|(date, hours)| {
            let (date, day) = (i64::from(*date), Day::new(hours));
            more += day.total - week[weekday(date).0].total;
            Special { date, day, more }
        });
        Self {
            special: special.collect(),
            of_week: before[6] + week[6].total,
            before,
            week,
        }
    }

    fn day(&self, date: i64) -> &Day {
        match self.special.binary_search_by_key(&date, |special| special.date) {
            Ok(found) => &self.special[found].day,
            Err(_) => &self.week[weekday(date).0],
        }
    }

    /// Working time before a date, from a beginning that is the same for all.
    fn before_day(&self, date: i64) -> i64 {
        let (weekday, week) = weekday(date);
        let n_special = self.special.partition_point(|special| special.date < date);
        let more = n_special.checked_sub(1).map_or(0, |last| self.special[last].more);
        week * self.of_week + self.before[weekday] + more
    }

    /// Whether a local time is working time.
    pub(super) fn is_working(&self, local: i64) -> bool {
        let of_day = local.rem_euclid(DAY_MS);
        let day = self.day(local.div_euclid(DAY_MS));
        day.spans.iter().any(|(from, to)| (*from..*to).contains(&of_day))
    }

    /// Working time before a local time. Never falls, and grows by at most what the clock does.
    pub(super) fn before(&self, local: i64) -> i64 {
        let date = local.div_euclid(DAY_MS);
        self.before_day(date) + self.day(date).before(local.rem_euclid(DAY_MS))
    }

    /// The earliest local time before which there is so much: `sum` above `before(from)`, at most `before(to)`.
    pub(super) fn earliest(&self, sum: i64, from: i64, to: i64) -> i64 {
        let (first, last) = (from.div_euclid(DAY_MS), to.div_euclid(DAY_MS));
        let date = first_where(first, last, |date| self.before_day(date + 1) >= sum);
        let mut rest = sum - self.before_day(date);
        for (from, to) in &self.day(date).spans {
            if rest <= to - from {
                return date * DAY_MS + from + rest;
            }
            rest -= to - from;
        }
        to
    }

    /// The latest local time before which there is no more than this: `sum` at least `before(from)`, below `before(to)`.
    pub(super) fn latest(&self, sum: i64, from: i64, to: i64) -> i64 {
        let (first, last) = (from.div_euclid(DAY_MS), to.div_euclid(DAY_MS));
        let date = first_where(first, last, |date| self.before_day(date + 1) > sum);
        let mut rest = sum - self.before_day(date);
        for (from, to) in &self.day(date).spans {
            if rest < to - from {
                return date * DAY_MS + from + rest;
            }
            rest -= to - from;
        }
        to
    }
}

/// The first of some dates of which something holds that holds of all after it too; the last where it holds of none.
fn first_where(mut first: i64, mut last: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while first < last {
        let middle = first + (last - first) / 2;
        if holds(middle) {
            last = middle;
        } else {
            first = middle + 1;
        }
    }
    first
}
