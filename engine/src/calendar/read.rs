//! Reads a calendar from a directory file's JSON, with every problem at once: each names the key, the value and the way
//! out, as the end of a sentence whose subject is the calendar.
//!
//! Not here: whether two calendars have one id (`account/import`).

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use serde_json::{Map, Value as Json};

use super::{Budget, Calendar, DAY_MINUTES, DAY_MS, Hours, Span, WorkingTime};
use crate::keys::Unread;
use crate::limits::{CALENDAR_SPANS_MAX, CALENDAR_SPECIAL_DAYS_MAX};
use crate::time::zone_named;

/// Keys of a calendar.
const KEYS: [&str; 5] = ["id", "zone", "day", "week", "special"];
/// Days of the week in their order.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Milliseconds of a day of a budget where the calendar does not say.
const USUAL_DAY_MS: i64 = 8 * 3_600_000;
/// Characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 60;

impl Calendar {
    /// Reads a calendar; its id may be empty.
    ///
    /// # Errors
    /// Ends of sentences, `has the …: …`.
    pub fn read(json: &Json) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        if !json.is_object() {
            return Err(vec![format!(
                "is {}, which is no object: write `{{\"id\": …}}`",
                shown(json)
            )]);
        }
        problems.extend(Unread::default().of(json, &KEYS));
        let calendar = Self {
            id: text(json, "id", &mut problems).unwrap_or_default().into(),
            zone: zone(json, &mut problems),
            day_ms: day_ms(json, &mut problems),
            week: week(&json["week"], &mut problems),
            special: special(&json["special"], &mut problems),
        };
        if problems.is_empty() {
            Ok(calendar)
        } else {
            Err(problems)
        }
    }
}

/// A value as sentences show it.
fn shown(json: &Json) -> String {
    let text = match json {
        Json::String(text) => text.clone(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => json.to_string(),
    };
    let begin: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let mark = if begin.len() < text.len() { "…" } else { "" };
    format!("`{}{mark}`", begin.escape_debug())
}

/// A text that may be missing; of white space alone, it is.
fn text<'a>(json: &'a Json, key: &str, problems: &mut Vec<String>) -> Option<&'a str> {
    match &json[key] {
        Json::Null => None,
        Json::String(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            problems.push(format!("has the `{key}` {}: write a text", shown(&json[key])));
            None
        }
    }
}

fn zone(json: &Json, problems: &mut Vec<String>) -> Option<String> {
    let zone = text(json, "zone", problems)?;
    if zone_named(zone).is_none() {
        let value = shown(&json["zone"]);
        problems.push(format!(
            "has the `zone` {value}, which is not known: take an IANA name, for instance `Europe/Berlin`, or leave it out \
             for the tenant's"
        ));
    }
    Some(zone.to_owned())
}

fn day_ms(json: &Json, problems: &mut Vec<String>) -> i64 {
    let Some(day) = text(json, "day", problems) else {
        return USUAL_DAY_MS;
    };
    let budget = Budget::parse(day.trim()).filter(|budget| !budget.has_days());
    let ms = budget.map(|budget| budget.ms(&WorkingTime::ALWAYS));
    ms.filter(|ms| (1..=DAY_MS).contains(ms)).unwrap_or_else(|| {
        let value = shown(&json["day"]);
        problems.push(format!(
            "has the `day` {value}: write hours and minutes, more than none and at most 24 hours, for instance `PT8H`"
        ));
        USUAL_DAY_MS
    })
}

/// An object that may be missing.
fn object<'a>(json: &'a Json, key: &str, of_what: &str, problems: &mut Vec<String>) -> Option<&'a Map<String, Json>> {
    match json {
        Json::Null => None,
        Json::Object(object) => Some(object),
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            problems.push(format!(
                "has the `{key}` {}: write an object of lists of spans by {of_what}",
                shown(json)
            ));
            None
        }
    }
}

fn week(json: &Json, problems: &mut Vec<String>) -> [Hours; 7] {
    let Some(week) = object(json, "week", "day, `mon` to `sun`", problems) else {
        return <[Hours; 7]>::default();
    };
    let unread = Unread::default().of(json, &WEEKDAYS);
    problems.extend(unread.into_iter().map(|sentence| format!("{sentence}, in `week`")));
    WEEKDAYS.map(|day| {
        week.get(day)
            .map(|json| hours(json, &format!("week.{day}"), problems))
            .unwrap_or_default()
    })
}

fn special(json: &Json, problems: &mut Vec<String>) -> BTreeMap<i32, Hours> {
    let mut special = BTreeMap::new();
    let dates = object(json, "special", "date, `YYYY-MM-DD`", problems)
        .into_iter()
        .flatten();
    let dates = dates.filter(|(key, _)| !(key.as_str() == "label" || key.starts_with(['_', '$'])));
    let n_dates = dates.clone().count();
    if n_dates > CALENDAR_SPECIAL_DAYS_MAX {
        problems.push(format!(
            "has {n_dates} dates in `special`: at most {CALENDAR_SPECIAL_DAYS_MAX} are allowed, leave those out that are over"
        ));
        return special;
    }
    for (key, json) in dates {
        let Some(date) = days_since_1970(key) else {
            problems.push(format!(
                "has in `special` the key {}, which is no date: write `YYYY-MM-DD`, for instance `2026-12-24`",
                shown(&Json::from(key.as_str()))
            ));
            continue;
        };
        special.insert(date, hours(json, &format!("special.{key}"), problems));
    }
    special
}

/// A date, `2026-12-24`, in days.
fn days_since_1970(text: &str) -> Option<i32> {
    let is_plain = |(at, byte): (usize, u8)| {
        if at == 4 || at == 7 {
            byte == b'-'
        } else {
            byte.is_ascii_digit()
        }
    };
    if text.len() != 10 || !text.bytes().enumerate().all(is_plain) {
        return None;
    }
    let parsed: Date = text.parse().ok()?;
    let hours = parsed.duration_since(date(1970, 1, 1)).as_hours();
    i32::try_from(hours / 24).ok()
}

fn hours(json: &Json, key: &str, problems: &mut Vec<String>) -> Hours {
    let items = match json {
        Json::Array(items) if items.len() <= CALENDAR_SPANS_MAX => items,
        Json::Array(items) => {
            problems.push(format!(
                "has {} spans in `{key}`: at most {CALENDAR_SPANS_MAX} are allowed, join those that touch",
                items.len()
            ));
            return Hours::default();
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            problems.push(format!(
                "has in `{key}` {}: write a list of spans, for instance `[\"09:00-17:00\"]`, or `[]` for a day off",
                shown(json)
            ));
            return Hours::default();
        }
    };
    let mut spans = Vec::new();
    for item in items {
        match item.as_str().and_then(span) {
            Some(ends) => match Span::new(ends.0, ends.1) {
                Some(span) => spans.push(span),
                None => problems.push(format!(
                    "has in `{key}` the span {}, which does not end after it begins: put the earlier time first, and part \
                     what goes over midnight at `24:00`",
                    shown(item)
                )),
            },
            None => problems.push(format!(
                "has in `{key}` the span {}: write `HH:MM-HH:MM`, for instance `09:00-12:00`, with `24:00` for the end of the \
                 day",
                shown(item)
            )),
        }
    }
    Hours::new(spans).unwrap_or_else(|(one, other)| {
        let [one, other] = [one, other].map(words);
        problems.push(format!(
            "has in `{key}` the spans `{one}` and `{other}`, which overlap: let one end before the other begins"
        ));
        Hours::default()
    })
}

/// `HH:MM-HH:MM` in minutes of the day.
fn span(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-')?;
    Some((minute(from)?, minute(to)?))
}

/// `HH:MM` in minutes of the day, up to `24:00`.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= DAY_MINUTES).then_some(of_day)
}

/// A span as files write it.
fn words(span: Span) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", time(span.from), time(span.to))
}
