//! Timelines against hours counted by hand.

use jiff::civil::{date, time};

use super::*;

const HOUR: i64 = 3_600_000;

/// Monday 2026-01-05 00:00 UTC.
const MONDAY: Instant = 1_767_571_200_000;

fn office(zone: &str, away: Vec<(Instant, Instant)>) -> Rule {
    let days = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
    ];
    let halves = [
        (time(9, 0, 0, 0), time(12, 0, 0, 0)),
        (time(13, 0, 0, 0), time(17, 0, 0, 0)),
    ];
    let hours = days.iter().flat_map(|day| halves.map(|(from, to)| (*day, from, to, 0)));
    Rule {
        weekly: Some(Arc::new(Weekly {
            zone: TimeZone::get(zone).expect("zone"),
            hours: hours.collect(),
            holidays: vec![date(2026, 1, 6)],
        })),
        away,
    }
}

#[test]
fn counts_office_hours() {
    let mut line = Timeline::new(vec![office("UTC", Vec::new())], MONDAY);
    assert_eq!(line.next_open(MONDAY), Ok(MONDAY + 9 * HOUR));
    assert!(!line.is_open(MONDAY + 9 * HOUR - 1) && line.is_open(MONDAY + 9 * HOUR));
    assert!(!line.is_open(MONDAY + 12 * HOUR) && line.is_open(MONDAY + 13 * HOUR));
    assert_eq!(line.worked(MONDAY + 14 * HOUR), 4 * HOUR);
    // A shift that is used up ends with it, and what is left of the work goes on after the holiday.
    assert_eq!(line.after(MONDAY + 9 * HOUR, 7 * HOUR), Ok(MONDAY + 17 * HOUR));
    assert_eq!(line.after(MONDAY + 16 * HOUR, 2 * HOUR), Ok(MONDAY + (48 + 10) * HOUR));
    // Work that begins at night begins in the morning.
    assert_eq!(line.after(MONDAY, HOUR), Ok(MONDAY + 10 * HOUR));
    // A year of 52 weeks: 260 days of 7 hours, less the holiday.
    assert_eq!(line.worked(MONDAY + 364 * 24 * HOUR), 259 * 7 * HOUR);
}

#[test]
fn takes_times_away_and_adds_people_up() {
    let away = vec![
        (MONDAY + 9 * HOUR, MONDAY + 10 * HOUR),
        (MONDAY + 16 * HOUR, MONDAY + 100 * HOUR),
    ];
    let mut one = Timeline::new(vec![office("UTC", away.clone())], MONDAY);
    assert_eq!(one.next_open(MONDAY), Ok(MONDAY + 10 * HOUR));
    assert_eq!(one.worked(MONDAY + 90 * HOUR), 5 * HOUR);
    // Zones apart: together they are there for longer, and time that both work counts once.
    let mut both = Timeline::new(vec![office("UTC", away), office("Asia/Tokyo", Vec::new())], MONDAY);
    // Tokyo 9 to 12 and 13 to 17 is 0 to 3 and 4 to 8 in UTC.
    assert_eq!(both.next_open(MONDAY), Ok(MONDAY));
    assert_eq!(both.worked(MONDAY + 24 * HOUR), (7 + 5) * HOUR);
    let mut twice = Timeline::new(vec![office("UTC", Vec::new()), office("UTC", Vec::new())], MONDAY);
    assert_eq!(twice.worked(MONDAY + 24 * HOUR), 7 * HOUR);
}

#[test]
fn shifts_cross_midnight_and_changes_of_the_clock() {
    // Around the clock in a zone with summer time: no gap and no overlap where the clock changes.
    let days = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    let rule = |from, to, n_days| Rule {
        weekly: Some(Arc::new(Weekly {
            zone: TimeZone::get("Europe/Berlin").expect("zone"),
            hours: days.iter().map(|day| (*day, from, to, n_days)).collect(),
            holidays: Vec::new(),
        })),
        away: Vec::new(),
    };
    let mut all = Timeline::new(vec![rule(Time::midnight(), Time::midnight(), 1)], MONDAY);
    assert_eq!(all.worked(MONDAY + 364 * 24 * HOUR), 364 * 24 * HOUR);
    let mut night = Timeline::new(vec![rule(time(22, 0, 0, 0), time(6, 0, 0, 0), 1)], MONDAY);
    // Sunday's shift is still on when the world begins: until 5 in UTC.
    assert!(night.is_open(MONDAY));
    assert_eq!(night.worked(MONDAY + 24 * HOUR), (5 + 3) * HOUR);
}

#[test]
fn says_when_no_time_is_left() {
    let mut never = Timeline::new(vec![office("UTC", vec![(Instant::MIN / 2, Instant::MAX / 2)])], MONDAY);
    assert_eq!(never.next_open(MONDAY), Err(NoTimeLeft));
    assert_eq!(never.after(MONDAY, 1), Err(NoTimeLeft));
    assert_eq!(never.worked(MONDAY + HOUR), 0);
}
