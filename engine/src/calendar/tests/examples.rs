//! The examples of the rules, in words.

use super::*;

const HOUR: i64 = 3_600_000;
const BERLIN: &str = "Europe/Berlin";
/// Monday to Friday, nine to five, in Berlin.
const OFFICE: &str = r#"{"id":"office","zone":"Europe/Berlin","week":{
    "mon":["09:00-17:00"],"tue":["09:00-17:00"],"wed":["09:00-17:00"],"thu":["09:00-17:00"],"fri":["09:00-17:00"]}}"#;

#[test]
fn a_calendar_of_every_key() {
    let office = calendar(
        r#"{"id":"office","zone":"Europe/Berlin","day":"PT7H30M",
            "week":{"mon":["13:00-18:00","09:00-12:00"],"fri":["09:00-15:00"],"sun":["00:00-24:00"]},
            "special":{"2026-12-24":["09:00-12:00"],"2026-12-25":[]},"label":1,"_note":"ours"}"#,
    );
    assert_eq!((office.id.as_str(), office.zone.as_deref()), ("office", Some(BERLIN)));
    assert_eq!(office.day_ms, 27_000_000);
    let spans = |hours: &Hours| {
        let spans = hours.spans().iter();
        spans.map(|span| (span.from(), span.to())).collect::<Vec<_>>()
    };
    assert_eq!(spans(&office.week[0]), [(540, 720), (780, 1_080)]);
    assert_eq!(spans(&office.week[6]), [(0, 1_440)]);
    assert_eq!(spans(&office.special[&20_811]), [(540, 720)], "2026-12-24");
    assert_eq!(spans(&office.special[&20_812]), []);

    let bare = calendar(r#"{"id":"bare"}"#);
    assert_eq!((bare.zone, bare.day_ms), (None, 8 * HOUR));
    assert_eq!((bare.week, bare.special), (Default::default(), BTreeMap::new()));
}

#[test]
fn a_special_date_is_in_place_of_the_week() {
    let working = working(
        r#"{"id":"o","zone":"Europe/Berlin","week":{"thu":["09:00-17:00"],"fri":["09:00-17:00"]},
            "special":{"2026-12-24":["09:00-12:00"],"2026-12-25":[],"2026-12-26":["10:00-11:00"]}}"#,
    );
    let span = |from, to| working.working(at(from, BERLIN), at(to, BERLIN));
    assert_eq!(span("2026-12-24", "2026-12-25"), 3 * HOUR);
    assert_eq!(span("2026-12-25", "2026-12-26"), 0);
    assert_eq!(span("2026-12-26", "2026-12-27"), HOUR, "a Saturday");
    assert_eq!(span("2026-12-17", "2026-12-18"), 8 * HOUR);
    assert_eq!(span("2026-12-14", "2027-01-02"), (16 + 3 + 1 + 16) * HOUR);
}

/// An hour that is left out is never worked, one that is repeated is worked twice.
#[test]
fn changes_of_the_clock_are_counted_as_they_pass() {
    let night = working(r#"{"id":"n","zone":"Europe/Berlin","week":{"sun":["01:00-03:00"]}}"#);
    let quarter = working(r#"{"id":"q","zone":"Europe/Berlin","week":{"sun":["02:15-02:45"]}}"#);
    for (day, next, of_night, of_quarter) in [
        ("2026-03-29", "2026-03-30", HOUR, 0),
        ("2026-10-25", "2026-10-26", 3 * HOUR, HOUR),
        ("2026-11-01", "2026-11-02", 2 * HOUR, HOUR / 2),
    ] {
        let (from, to) = (at(day, BERLIN), at(next, BERLIN));
        assert_eq!(night.working(from, to), of_night, "{day}");
        assert_eq!(quarter.working(from, to), of_quarter, "{day}");
    }
    let from = at("2026-10-25", BERLIN);
    let due = |minutes: i64| quarter.due(from, minutes * 60_000).unwrap();
    assert_eq!(due(30), at("2026-10-25 02:45:00 +0200", BERLIN));
    assert_eq!(due(31), at("2026-10-25 02:16:00 +0100", BERLIN));
    assert_eq!(due(60), at("2026-10-25 02:45:00 +0100", BERLIN));
    assert_eq!(due(61), at("2026-11-01 02:16:00 +0100", BERLIN));
    let left_out = quarter.due(at("2026-03-29", BERLIN), 1).unwrap();
    assert_eq!(left_out.0, at("2026-04-05 02:15:00", BERLIN).0 + 1, "the Sunday after");
}

/// Samoa had no 30 December 2011.
#[test]
fn a_date_that_is_left_out_is_never_worked() {
    let apia = working(
        r#"{"id":"a","zone":"Pacific/Apia","special":{"2011-12-30":["00:00-24:00"],"2011-12-31":["08:00-09:00"]}}"#,
    );
    let (from, to) = (at("2011-12-29", "Pacific/Apia"), at("2012-01-02", "Pacific/Apia"));
    assert_eq!(apia.working(from, to), HOUR);
    assert_eq!(apia.due(from, HOUR), Some(at("2011-12-31 09:00:00", "Pacific/Apia")));
}

#[test]
fn a_due_never_lies_in_the_night() {
    let office = working(OFFICE);
    let due = |from, budget| office.due(at(from, BERLIN), budget).unwrap();
    assert_eq!(due("2026-11-06 15:00:00", 8 * HOUR), at("2026-11-09 15:00:00", BERLIN));
    assert_eq!(due("2026-11-06 15:00:00", 2 * HOUR), at("2026-11-06 17:00:00", BERLIN));
    assert_eq!(
        due("2026-11-06 18:00:00", 1),
        Timestamp(at("2026-11-09 09:00:00", BERLIN).0 + 1)
    );
    assert_eq!(
        due("2026-11-07 03:00:00", 0),
        at("2026-11-07 03:00:00", BERLIN),
        "nothing to wait for"
    );
    assert_eq!(due("2026-11-07 03:00:00", -5), at("2026-11-07 03:00:00", BERLIN));

    let latest = |due, rest| office.latest(at(due, BERLIN), rest).unwrap();
    assert_eq!(
        latest("2026-11-09 11:00:00", 2 * HOUR),
        at("2026-11-09 09:00:00", BERLIN)
    );
    assert_eq!(
        latest("2026-11-09 11:00:00", 3 * HOUR),
        at("2026-11-06 16:00:00", BERLIN)
    );
    assert_eq!(latest("2026-11-08", 8 * HOUR), at("2026-11-06 09:00:00", BERLIN));
    assert_eq!(latest("2026-11-08", 0), at("2026-11-08", BERLIN));
    assert_eq!(
        office.moved(at("2026-11-08", BERLIN), -8 * HOUR),
        Some(at("2026-11-06 09:00:00", BERLIN))
    );
    assert_eq!(
        office.moved(at("2026-11-08", BERLIN), 8 * HOUR),
        Some(at("2026-11-09 17:00:00", BERLIN))
    );
    assert!(office.is_working(at("2026-11-06 09:00:00", BERLIN)));
    assert!(!office.is_working(at("2026-11-06 17:00:00", BERLIN)));
}

#[test]
fn what_is_further_than_five_years_is_no_due() {
    let once = working(r#"{"id":"once","special":{"2030-01-01":["00:00-00:01"]}}"#);
    let from = at("2026-01-01", "UTC");
    assert_eq!(once.due(from, 60_000), Some(at("2030-01-01 00:01:00", "UTC")));
    assert_eq!(once.due(from, 60_001), None);
    assert_eq!(once.due(at("2020-01-01", "UTC"), 60_000), None);
    assert_eq!(
        once.latest(at("2031-01-01", "UTC"), 60_000),
        Some(at("2030-01-01", "UTC"))
    );
    assert_eq!(once.latest(at("2040-01-01", "UTC"), 60_000), None);
    assert_eq!(working(r#"{"id":"never"}"#).due(from, 1), None);

    let horizon = crate::limits::CALENDAR_HORIZON_MS;
    assert_eq!(WorkingTime::ALWAYS.due(from, horizon), Some(from.plus_ms(horizon)));
    assert_eq!(WorkingTime::ALWAYS.due(from, horizon + 1), None);
    assert_eq!(WorkingTime::ALWAYS.latest(from, horizon), Some(from.plus_ms(-horizon)));
    assert_eq!(WorkingTime::ALWAYS.latest(from, horizon + 1), None);
}

#[test]
fn without_a_calendar_every_instant_is_working() {
    let (from, to) = (Timestamp(-5), Timestamp(7));
    let always = WorkingTime::ALWAYS;
    assert!(always.is_working(from));
    assert_eq!((always.working(from, to), always.working(to, from)), (12, 0));
    assert_eq!((always.due(from, 12), always.latest(to, 12)), (Some(to), Some(from)));
    assert_eq!(always.day_ms(), 24 * HOUR);
}

/// The ends of the range of instants, and numbers beyond them, are no panics.
#[test]
fn the_ends_of_time_are_no_panics() {
    let office = working(OFFICE);
    let (first, last) = Timestamp::RANGE;
    for working in [&office, &WorkingTime::ALWAYS] {
        for at in [first, last, Timestamp(i64::MIN), Timestamp(i64::MAX), Timestamp(0)] {
            for ms in [i64::MIN, -1, 0, 1, HOUR, i64::MAX] {
                let _ = (working.due(at, ms), working.latest(at, ms), working.moved(at, ms));
                let _ = Ledger {
                    working,
                    started: at,
                    spent_ms: ms,
                }
                .repeat(ms, ms, 0, 9, at);
            }
            assert!(working.working(first, at) >= 0 && working.working(at, first) == 0);
            let _ = working.is_working(at);
        }
    }
    let whole = office.working(first, last);
    let n_days = (last.0 - first.0) / DAY_MS;
    assert!((whole / HOUR - n_days * 40 / 7).abs() < 50, "{whole}");
}

/// Entered on Friday at 15:00, consulted from Monday 10:00 to Tuesday 12:00.
#[test]
fn a_ledger_with_a_pause() {
    let office = working(OFFICE);
    let budget = Budget::parse("PT8H").unwrap().ms(&office);
    let entered = Ledger {
        working: &office,
        started: at("2026-11-06 15:00:00", BERLIN),
        spent_ms: 0,
    };
    assert_eq!(entered.due(budget), Some(at("2026-11-09 15:00:00", BERLIN)));
    let spent_ms = entered.spent_by(at("2026-11-09 10:00:00", BERLIN));
    assert_eq!(spent_ms, 3 * HOUR);
    let again = Ledger {
        started: at("2026-11-10 12:00:00", BERLIN),
        spent_ms,
        ..entered
    };
    assert_eq!(again.due(budget), Some(at("2026-11-10 17:00:00", BERLIN)));
    assert_eq!(again.due(3 * HOUR), Some(again.started), "spent already");
}

#[test]
fn budgets_of_steps() {
    let office = working(OFFICE);
    let after = Budget::parse("P3D").unwrap();
    for (step, ms) in [("-P1D", 16), ("PT0S", 24), ("P2DT1H", 41), ("-P4D", 0), ("+PT1H", 25)] {
        let at = Budget::parse_signed(step).unwrap();
        assert_eq!(Ledger::budget_ms(&office, after, at), ms * HOUR, "{step}");
    }
    assert_eq!(after.ms(&WorkingTime::ALWAYS), 72 * HOUR);
}

/// Reminders at 1 h, 3 h, 5 h, … of working time, ten of them.
#[test]
fn late_repeats_are_one() {
    let office = working(OFFICE);
    let ledger = Ledger {
        working: &office,
        started: at("2026-11-06 15:00:00", BERLIN),
        spent_ms: 0,
    };
    let repeat = |nth, now| ledger.repeat(HOUR, 2 * HOUR, nth, 9, at(now, BERLIN));
    let of = |missed, next: Option<(u32, &str)>| Repeat {
        missed,
        next: next.map(|(nth, due)| (nth, at(due, BERLIN))),
    };
    assert_eq!(
        repeat(0, "2026-11-06 16:00:00"),
        of(0, Some((1, "2026-11-09 10:00:00")))
    );
    assert_eq!(
        repeat(0, "2026-11-09 09:59:59"),
        of(0, Some((1, "2026-11-09 10:00:00")))
    );
    assert_eq!(
        repeat(0, "2026-11-09 10:00:00"),
        of(1, Some((2, "2026-11-09 12:00:00")))
    );
    assert_eq!(
        repeat(1, "2026-11-09 20:00:00"),
        of(3, Some((5, "2026-11-10 10:00:00")))
    );
    assert_eq!(repeat(1, "2026-12-09 20:00:00"), of(8, None));
    assert_eq!(repeat(9, "2026-12-09 20:00:00"), of(0, None));
}

#[test]
fn budgets_have_few_units() {
    let always = WorkingTime::ALWAYS;
    for (text, ms) in [
        ("PT0S", 0),
        ("P0D", 0),
        ("P1D", 86_400_000),
        ("P1DT2H3M4S", 93_784_000),
        ("pt90m", 5_400_000),
        ("PT1.5H", 5_400_000),
        ("PT0.0019S", 1),
        ("P36600D", 36_600 * 86_400_000),
    ] {
        assert_eq!(Budget::parse(text).map(|budget| budget.ms(&always)), Some(ms), "{text}");
        let negative = Budget::parse_signed(&format!("-{text}"));
        assert_eq!(negative.map(|budget| budget.ms(&always)), Some(-ms), "-{text}");
    }
    for text in [
        "",
        "P",
        "PT",
        "-P1D",
        "+P1D",
        "P1W",
        "P1M",
        "P1Y",
        "P0Y1D",
        "P1DT",
        "1d",
        "2 hours",
        "P1.5D",
        "P1H",
        "PT1D",
        "P36601D",
        "P36600DT1S",
        "P99999999999D",
        "PT1H ",
        "P1D P1D",
    ] {
        assert_eq!(Budget::parse(text), None, "{text}");
    }
    for text in ["--P1D", "-", "+-P1D", "-P1W"] {
        assert_eq!(Budget::parse_signed(text), None, "{text}");
    }
    assert!(Budget::parse("P1DT1H").unwrap().has_days() && !Budget::parse("PT24H").unwrap().has_days());
}
