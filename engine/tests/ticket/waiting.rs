//! Timers that count working time (semantics: timers, calendars).

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::define::{Hours, People};
use loonflow_engine::limits::CALENDAR_HORIZON_MS;
use loonflow_engine::test_util::{directory_of, flow};
use loonflow_engine::time::Timestamp;

use crate::play::Play;

const WEEKDAYS: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

/// Ann and bob, who work by an office's hours in UTC or in Berlin, and a calendar that is closed for ever.
fn with_hours() -> Arc<Directory> {
    let office = |id| Hours::of(id).on(WEEKDAYS, &["09:00-17:00"]).on_date("2026-01-05", &[]);
    let people = People::of("t", "x.example").user("ann").user("bob");
    let people = people.calendar(office("office")).calendar(Hours::of("never"));
    directory_of(&people.calendar(office("berlin").zone("Europe/Berlin").day("PT4H")))
}

/// When a timer is due that is entered at an instant.
fn due(timer: &str, entered: &str, directory: &Arc<Directory>) -> String {
    let workflow = flow(&format!(
        "node a normal users:ann
         node wait timer {timer}
         edge submit agree start -> a
         edge go agree a -> wait
         edge done other wait -> end"
    ));
    let mut play = Play::submit(&workflow);
    play.directory = Arc::clone(directory);
    play.now = Timestamp::parse(entered, directory.zone()).expect("an instant");
    play.act("ann", "go");
    play.at()
        .trim_start_matches("on_going wait(")
        .trim_end_matches(".000Z)")
        .to_owned()
}

#[test]
fn a_timer_by_a_calendar_is_due_in_working_time() {
    let directory = with_hours();
    // The Monday is a holiday.
    for (timer, entered, expected) in [
        ("PT8H calendar:office", "2026-01-02 15:00:00", "2026-01-06T15:00:00"),
        ("PT2H calendar:office", "2026-01-02 15:00:00", "2026-01-02T17:00:00"),
        ("P1D calendar:office", "2026-01-03 12:00:00", "2026-01-06T17:00:00"),
        ("P1D calendar:berlin", "2026-01-03 12:00:00", "2026-01-06T12:00:00"),
        ("PT0S calendar:office", "2026-01-03 12:00:00", "2026-01-03T12:00:00"),
        ("P1D calendar:gone", "2026-01-03 12:00:00", "2026-01-04T12:00:00"),
        ("P1D", "2026-01-03 12:00:00", "2026-01-04T12:00:00"),
    ] {
        assert_eq!(due(timer, entered, &directory), expected, "{timer} at {entered}");
    }
}

/// A ticket never waits for an instant that does not come.
#[test]
fn a_timer_that_would_never_be_due_is_after_five_years() {
    let directory = with_hours();
    let entered = "2026-01-03 12:00:00";
    let last = Timestamp::parse(entered, directory.zone())
        .unwrap()
        .plus_ms(CALENDAR_HORIZON_MS);
    for timer in ["PT1S calendar:never", "P3000D calendar:office", "P3000D calendar:gone"] {
        let found = due(timer, entered, &directory);
        assert_eq!(format!("{found}.000Z"), last.to_rfc3339(), "{timer}");
    }
}

/// What is due stands in the event: hours that change later change nothing.
#[test]
fn a_due_stays_when_the_calendar_changes() {
    let workflow = flow(
        "node a normal users:ann
         node wait timer PT2H calendar:office
         edge submit agree start -> a
         edge go agree a -> wait
         edge done other wait -> end",
    );
    let mut play = Play::submit(&workflow);
    play.directory = with_hours();
    play.now = Timestamp::parse("2026-01-06 08:00:00", play.directory.zone()).unwrap();
    play.act("ann", "go");
    assert_eq!(play.at(), "on_going wait(2026-01-06T11:00:00.000Z)");
    play.directory = directory_of(&People::of("t", "x.example").user("ann"));
    play.now = play.now.plus_ms(2 * 3_600_000);
    assert_eq!(play.fire().unwrap_err().code(), "not_waiting");
    play.now = play.now.plus_ms(3_600_000);
    play.fire().unwrap();
    assert_eq!(play.at(), "finished end");
}
