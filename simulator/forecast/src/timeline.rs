//! Working time: weekly hours in a time zone, holidays and times away, unrolled week by week as far as needed.
//!
//! All instants are milliseconds since 1970 in UTC. Work is counted in whole milliseconds, so sums are exact.

use std::sync::Arc;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

/// An instant, in milliseconds since 1970 in UTC.
pub type Instant = i64;

/// How long a world may run: a calendar that has no hour left before is a mistake.
pub const YEARS_MAX: i64 = 100;
const WEEKS_MAX: i64 = YEARS_MAX * 53;
const DAY_MS: i64 = 86_400_000;

/// When somebody works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Weekly hours; none for around the clock.
    pub weekly: Option<Arc<Weekly>>,
    /// Times away, any order.
    pub away: Vec<(Instant, Instant)>,
}

/// Weekly hours in a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weekly {
    /// Where.
    pub zone: TimeZone,
    /// Day, from, and to as a time some days later.
    pub hours: Vec<(Weekday, Time, Time, i64)>,
    /// Days off, sorted.
    pub holidays: Vec<Date>,
}

impl Rule {
    /// Times away and holidays, sorted, none of them touching another.
    #[must_use]
    pub fn absences(&self) -> Vec<(Instant, Instant)> {
        let midnight = |day: Date, zone: &TimeZone| {
            let instant = zone.to_timestamp(day.to_datetime(Time::midnight()));
            instant.map(|instant| instant.as_millisecond()).ok()
        };
        let holidays = self.weekly.iter().flat_map(|weekly| {
            let span = |day: &Date| {
                let next = day.saturating_add(jiff::Span::new().days(1));
                Some((midnight(*day, &weekly.zone)?, midnight(next, &weekly.zone)?))
            };
            weekly.holidays.iter().filter_map(span)
        });
        merged(self.away.iter().copied().chain(holidays).collect())
    }
}

/// Spans in their order, those that touch as one.
#[must_use]
pub fn merged(mut spans: Vec<(Instant, Instant)>) -> Vec<(Instant, Instant)> {
    spans.sort_unstable();
    let mut found: Vec<(Instant, Instant)> = Vec::new();
    for (from, to) in spans {
        match found.last_mut() {
            Some((_, last)) if from <= *last => *last = to.max(*last),
            Some(_) | None => found.push((from, to)),
        }
    }
    found
}

/// Working time of one or of several together, growing as it is asked about later instants.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Any of them works; empty for around the clock.
    rules: Vec<Rule>,
    origin: Instant,
    first_day: Date,
    n_weeks: i64,
    /// Spans that begin before this instant are all there.
    settled_to: Instant,
    /// Where the last question was answered: the next one is as a rule about the same span or the one after.
    hint: usize,
    /// Not yet merged: later weeks, in other zones, may begin before these.
    pending: Vec<(Instant, Instant)>,
    spans: Vec<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    from: Instant,
    to: Instant,
    /// Work in all spans before.
    before: i64,
}

/// No working time is left within [`YEARS_MAX`] years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTimeLeft;

impl Timeline {
    /// From an instant on; of several rules, the time when any of them works.
    #[must_use]
    pub fn new(rules: Vec<Rule>, origin: Instant) -> Self {
        let always = rules.is_empty() || rules.iter().any(|rule| rule.weekly.is_none() && rule.away.is_empty());
        let rules = if always { Vec::new() } else { rules };
        let day = jiff::Timestamp::from_millisecond(origin).unwrap_or_default();
        // A week earlier, so that no shift that began before the origin is missed in any zone.
        let first_day = day
            .to_zoned_datetime(TimeZone::UTC)
            .date()
            .saturating_sub(jiff::Span::new().days(7));
        Self {
            rules,
            origin,
            first_day,
            n_weeks: 0,
            settled_to: Instant::MIN,
            hint: 0,
            pending: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// Whether it is around the clock.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.rules.is_empty()
    }

    /// Work from the origin up to an instant.
    pub fn worked(&mut self, at: Instant) -> i64 {
        if self.is_always() {
            return at - self.origin;
        }
        self.reach(at);
        match self.begun(at) {
            Some(span) => span.before + at.min(span.to) - span.from,
            None => 0,
        }
    }

    /// Whether there is work at an instant.
    pub fn is_open(&mut self, at: Instant) -> bool {
        if self.is_always() {
            return true;
        }
        self.reach(at);
        self.begun(at).is_some_and(|span| at < span.to)
    }

    /// The last span that begins at or before an instant.
    fn begun(&mut self, at: Instant) -> Option<Span> {
        for idx in [self.hint, self.hint + 1] {
            let next = self.spans.get(idx + 1);
            if let Some(span) = self.spans.get(idx).filter(|span| span.from <= at)
                && next.is_none_or(|next| at < next.from)
            {
                self.hint = idx;
                return Some(*span);
            }
        }
        let idx = self.spans.partition_point(|span| span.from <= at).checked_sub(1)?;
        self.hint = idx;
        self.spans.get(idx).copied()
    }

    /// The first working instant that is not before one.
    ///
    /// # Errors
    /// Where there is none.
    pub fn next_open(&mut self, at: Instant) -> Result<Instant, NoTimeLeft> {
        if self.is_always() {
            return Ok(at);
        }
        loop {
            self.reach(at);
            let idx = self.spans.partition_point(|span| span.to <= at);
            if let Some(span) = self.spans.get(idx) {
                return Ok(span.from.max(at));
            }
            self.grow()?;
        }
    }

    /// When work that begins at an instant is done.
    ///
    /// # Errors
    /// Where too little working time is left.
    pub fn after(&mut self, from: Instant, work_ms: i64) -> Result<Instant, NoTimeLeft> {
        if self.is_always() {
            return Ok(from.saturating_add(work_ms));
        }
        if work_ms == 0 {
            return Ok(from);
        }
        let target = self.worked(from) + work_ms;
        loop {
            let idx = self.spans.partition_point(|span| span.before < target);
            if let Some(span) = idx.checked_sub(1).and_then(|idx| self.spans.get(idx)) {
                let end = span.from + target - span.before;
                if end <= span.to {
                    return Ok(end);
                }
            }
            self.grow()?;
        }
    }

    /// Unrolls until every span that begins at or before the instant is there; gives up at the bound, where nothing
    /// follows.
    fn reach(&mut self, at: Instant) {
        while self.settled_to <= at && self.grow().is_ok() {}
    }

    fn grow(&mut self) -> Result<(), NoTimeLeft> {
        if self.n_weeks >= WEEKS_MAX {
            return Err(NoTimeLeft);
        }
        let week = self.first_day.saturating_add(jiff::Span::new().days(self.n_weeks * 7));
        for rule in &self.rules {
            let mut found = Vec::new();
            match &rule.weekly {
                Some(weekly) => weekly.unroll(week, &mut found),
                None => found.push((utc_midnight(week), utc_midnight(week) + 7 * DAY_MS)),
            }
            self.pending
                .extend(found.into_iter().flat_map(|span| without(span, &rule.away)));
        }
        self.n_weeks += 1;
        let next = self.first_day.saturating_add(jiff::Span::new().days(self.n_weeks * 7));
        // Zones are at most 14 hours ahead of UTC, with an hour for its changes.
        let settled_to = utc_midnight(next) - 15 * 3_600_000;
        self.settled_to = settled_to;
        self.pending.sort_unstable();
        let n_settled = self.pending.partition_point(|(from, _)| *from < settled_to);
        for (from, to) in self.pending.drain(..n_settled) {
            let from = from.max(self.origin);
            if from >= to {
                continue;
            }
            match self.spans.last_mut() {
                Some(last) if from <= last.to => last.to = last.to.max(to),
                last => {
                    let before = last.map_or(0, |last| last.before + last.to - last.from);
                    self.spans.push(Span { from, to, before });
                }
            }
        }
        Ok(())
    }
}

impl Weekly {
    fn unroll(&self, week: Date, found: &mut Vec<(Instant, Instant)>) {
        let mut day = week;
        for _ in 0..7 {
            let is_off = self.holidays.binary_search(&day).is_ok();
            for (weekday, from, to, n_days) in &self.hours {
                if is_off || *weekday != day.weekday() {
                    continue;
                }
                // Where the clock jumps over the hour, jiff takes the hour after the jump.
                let last = day.saturating_add(jiff::Span::new().days(*n_days));
                let from = self.zone.to_timestamp(day.to_datetime(*from));
                let to = self.zone.to_timestamp(last.to_datetime(*to));
                if let (Ok(from), Ok(to)) = (from, to) {
                    found.push((from.as_millisecond(), to.as_millisecond()));
                }
            }
            day = day.saturating_add(jiff::Span::new().days(1));
        }
    }
}

fn utc_midnight(day: Date) -> Instant {
    TimeZone::UTC
        .to_timestamp(day.to_datetime(Time::midnight()))
        .map_or(Instant::MAX / 2, |instant| instant.as_millisecond())
}

/// What is left of a span outside of some others.
fn without(span: (Instant, Instant), away: &[(Instant, Instant)]) -> Vec<(Instant, Instant)> {
    let mut left = vec![span];
    for (from, to) in away {
        left = left
            .into_iter()
            .flat_map(|(start, end)| [(start, end.min(*from)), (start.max(*to), end)])
            .filter(|(start, end)| start < end)
            .collect();
    }
    left
}

#[cfg(test)]
mod tests;
