//! Calendars as the model reads them from a directory file, and when a budget of working time is spent
//! (semantics: calendars): from one edge of the local clock to the next, in the order in which they come.
//!
//! Not here: sums of weeks, which the engine takes; a due far away takes the model its time.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::values;

const DAY_MS: i64 = 86_400_000;
/// How far a due may be away.
const HORIZON_MS: i64 = 5 * 366 * DAY_MS;
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A calendar.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    zone: TimeZone,
    day_ms: i64,
    /// By day of the week, Monday first: spans in milliseconds of the date.
    week: Vec<Vec<(i64, i64)>>,
    special: BTreeMap<Date, Vec<(i64, i64)>>,
}

/// So much working time: days, and milliseconds besides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    days: i64,
    ms: i64,
}

impl Budget {
    pub(super) fn read(text: &str) -> Option<Self> {
        // The library reads a sign too.
        let span: jiff::Span = text.parse().ok()?;
        let rest = span
            .days(0)
            .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
            .ok()?;
        Some(Self {
            days: span.get_days().into(),
            ms: i64::try_from(rest.as_millis()).ok()?,
        })
    }
}

impl Calendar {
    pub(super) fn read(json: &Json, tenant_zone: &TimeZone) -> Result<Self, String> {
        let text = |key: &str| json[key].as_str().unwrap_or_default();
        let zone = match text("zone") {
            "" => tenant_zone.clone(),
            name => TimeZone::get(name).map_err(|_| format!("the time zone `{name}` is not known"))?,
        };
        let day_ms = match text("day") {
            "" => 8 * 3_600_000,
            day => {
                Budget::read(day)
                    .ok_or_else(|| format!("the day `{day}` is not read"))?
                    .ms
            }
        };
        let week = WEEKDAYS.map(|day| spans(&json["week"], day));
        let mut special = BTreeMap::new();
        let dates = json["special"].as_object().into_iter().flat_map(|dates| dates.keys());
        for date in dates.filter(|date| date.starts_with(|c: char| c.is_ascii_digit())) {
            let parsed = date.parse().map_err(|_| format!("the date `{date}` is not read"))?;
            special.insert(parsed, spans(&json["special"], date)?);
        }
        Ok(Self {
            zone,
            day_ms,
            week: week.into_iter().collect::<Result<_, _>>()?,
            special,
        })
    }

    /// Whether an instant is working, and until when it goes on like that at least: to the next edge of a span, the end of
    /// the date or a change of the clock.
    fn stretch(&self, at: i64) -> (bool, i64) {
        let instant = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
        let local = instant.to_zoned_datetime(self.zone.clone()).datetime();
        let of_week = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or_default();
        let spans = self.special.get(&local.date()).unwrap_or(&self.week[of_week]);
        let of_day = local.time().duration_since(jiff::civil::Time::midnight()).as_millis();
        let of_day = i64::try_from(of_day).unwrap_or_default();
        let edges = spans.iter().flat_map(|(from, to)| [*from, *to]).chain([DAY_MS]);
        let next = edges.filter(|edge| *edge > of_day).min().unwrap_or(DAY_MS);
        let change = self.zone.following(instant).next();
        let change = change.map_or(i64::MAX, |change| change.timestamp().as_millisecond());
        let is_working = spans.iter().any(|(from, to)| (*from..*to).contains(&of_day));
        (is_working, change.min(at + next - of_day))
    }
}

/// When a budget is spent that begins to be spent at an instant, all the time where there is no calendar; at the horizon
/// where it is not before.
pub(super) fn due(calendar: Option<&Calendar>, from_ms: i64, budget: Budget) -> i64 {
    let horizon = (from_ms + HORIZON_MS).min(values::LAST_MS);
    let mut rest = budget.days * calendar.map_or(DAY_MS, |calendar| calendar.day_ms) + budget.ms;
    let mut at = from_ms;
    while rest > 0 && at < horizon {
        let (is_working, until) = calendar.map_or((true, horizon), |calendar| calendar.stretch(at));
        let here = until.min(horizon) - at;
        if is_working && here >= rest {
            return at + rest;
        }
        rest -= if is_working { here } else { 0 };
        at += here;
    }
    at
}

impl Budget {
    pub(super) fn ms(self, calendar: Option<&Calendar>) -> i64 {
        self.days * calendar.map_or(DAY_MS, |calendar| calendar.day_ms) + self.ms
    }
}

/// How much working time there is between two instants.
pub(super) fn between(calendar: Option<&Calendar>, from_ms: i64, to_ms: i64) -> i64 {
    let (mut sum, mut at) = (0, from_ms);
    while at < to_ms {
        let (is_working, until) = calendar.map_or((true, to_ms), |calendar| calendar.stretch(at));
        let here = until.min(to_ms) - at;
        sum += if is_working { here } else { 0 };
        at += here;
    }
    sum
}

/// The earliest instant until which there is so much working time; none where it is not in reach.
pub(super) fn reached(calendar: Option<&Calendar>, from_ms: i64, ms: i64) -> Option<i64> {
    if ms <= 0 {
        return Some(from_ms);
    }
    let found = due(calendar, from_ms, Budget { days: 0, ms });
    (between(calendar, from_ms, found) == ms).then_some(found)
}

/// The latest instant from which there is so much working time until another: looked for by halves, as it is less the
/// later one begins.
pub(super) fn before(calendar: Option<&Calendar>, to_ms: i64, ms: i64) -> Option<i64> {
    let (mut low, mut high) = ((to_ms - HORIZON_MS).max(values::FIRST_MS), to_ms);
    if between(calendar, low, to_ms) < ms {
        return None;
    }
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if between(calendar, middle, to_ms) >= ms {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Some(low)
}

/// The spans of a day, in milliseconds of the date.
fn spans(json: &Json, day: &str) -> Result<Vec<(i64, i64)>, String> {
    let read = |span: &Json| {
        let (from, to) = span.as_str()?.split_once('-')?;
        let ms = |time: &str| {
            let (hours, minutes) = time.split_once(':')?;
            Some(hours.parse::<i64>().ok()? * 3_600_000 + minutes.parse::<i64>().ok()? * 60_000)
        };
        Some((ms(from)?, ms(to)?))
    };
    let spans = json[day].as_array().into_iter().flatten();
    spans
        .map(|span| read(span).ok_or_else(|| format!("the span {span} is not read")))
        .collect()
}
