//! Working time by a calendar: dues in an hour, in a week and at the end of five years, by a zone whose clock is changed
//! twice a year, with as many dates of their own as a calendar may have.
//!
//! `cargo bench -p loonflow-engine --bench calendar`; with `--test` a tiny run.
//!
//! Aimed at: some microseconds for the furthest, which crosses ten changes of the clock; a walk by minutes would be a
//! hundred milliseconds.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use jiff::tz::TimeZone;
use loonflow_engine::calendar::{Calendar, WorkingTime};
use loonflow_engine::time::Timestamp;
use serde_json::{Map, Value, json};

const HOUR_MS: i64 = 3_600_000;
const FROM: Timestamp = Timestamp(1_795_339_800_000);

fn main() {
    let n_times = if std::env::args().any(|arg| arg == "--test") {
        10
    } else {
        100_000
    };
    let office = ["09:00-12:00", "13:00-18:00"];
    let first = jiff::civil::date(2026, 1, 1);
    let special: Map<String, Value> = (0..1_000)
        .map(|n| (first + jiff::SignedDuration::from_hours(n * 48)).to_string())
        .map(|date| (date, json!(["09:00-12:00"])))
        .collect();
    let calendar = Calendar::read(&json!({
        "id": "office",
        "zone": "Europe/Berlin",
        "week": { "mon": office, "tue": office, "wed": office, "thu": office, "fri": office },
        "special": special,
    }));
    let working = WorkingTime::of(&calendar.expect("a calendar"), &TimeZone::UTC);
    let last = FROM.plus_ms(5 * 365 * 24 * HOUR_MS);
    let of_years = working.working(FROM, last);
    for (what, budget_ms) in [
        ("due after 1 h", HOUR_MS),
        ("due after 40 h", 40 * HOUR_MS),
        ("due after 5 years", of_years),
    ] {
        timed(what, n_times, || {
            working.due(black_box(FROM), black_box(budget_ms)).is_some()
        });
    }
    timed("no due", n_times, || {
        working.due(black_box(FROM), black_box(i64::MAX)).is_none()
    });
    timed("back 5 years", n_times, || {
        working.latest(black_box(last), black_box(of_years)).is_some()
    });
    timed("sum of 5 years", n_times, || {
        working.working(black_box(FROM), black_box(last)) == of_years
    });
}

fn timed(what: &str, n_times: u32, mut run: impl FnMut() -> bool) {
    let begin = Instant::now();
    assert!((0..n_times).all(|_| run()), "{what}");
    let each = begin.elapsed() / n_times;
    writeln!(std::io::stdout(), "{what:<20} {each:>10.2?}").expect("stdout");
}
