//! Calendars: the examples of the rules, what files may say, and laws against a slow second reading.

use super::*;
use crate::time::{Timestamp, zone_named};

mod examples;
mod files;
mod laws;
mod slow;

/// A calendar of a text of JSON.
fn calendar(json: &str) -> Calendar {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    Calendar::read(&json).unwrap_or_else(|problems| panic!("{json}: {problems:?}"))
}

/// Working time by a calendar of a text of JSON, which names its zone or is in UTC.
fn working(json: &str) -> WorkingTime {
    WorkingTime::of(&calendar(json), &jiff::tz::TimeZone::UTC)
}

/// An instant by its local time, `2026-11-02 09:00:00` or with an offset, ` +0100`.
fn at(text: &str, zone: &str) -> Timestamp {
    Timestamp::parse(text, &zone_named(zone).unwrap()).unwrap_or_else(|| panic!("{text}"))
}
