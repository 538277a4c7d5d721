//! Laws of working time, and the same answers as a slow reading of the rules, over zones with all kinds of clocks.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::slow::Slow;
use super::*;

/// Clocks that are changed by an hour or by half of one, at night or at midnight, by tables or by a rule, and for which
/// a whole date was left out.
const ZONES: [&str; 10] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Tehran",
    "America/Sao_Paulo",
    "Pacific/Chatham",
];

const DAY_MINUTES: i64 = 1_440;

/// Spans that begin and end often at the same minutes.
fn hours() -> impl Strategy<Value = Hours> {
    let minute = prop_oneof![
        (0..=24_u16).prop_map(|hour| hour * 60),
        (0..=96_u16).prop_map(|n| n * 15),
        0..=1_440_u16
    ];
    proptest::collection::btree_set(minute, 0..7).prop_map(|minutes| {
        let minutes: Vec<u16> = minutes.into_iter().collect();
        let spans = minutes.chunks_exact(2).map(|pair| Span::new(pair[0], pair[1]).unwrap());
        Hours::new(spans.collect()).unwrap()
    })
}

/// An instant near a change of the zone's clock, or anywhere.
fn instants(zone: &TimeZone) -> BoxedStrategy<i64> {
    let [begin, end] =
        ["1990-01-01T00:00:00Z", "2045-01-01T00:00:00Z"].map(|text| text.parse::<jiff::Timestamp>().unwrap());
    let changes = zone.following(begin).map(|change| change.timestamp());
    let changes: Vec<i64> = changes
        .take_while(|at| *at < end)
        .map(jiff::Timestamp::as_millisecond)
        .collect();
    let anywhere = begin.as_millisecond()..end.as_millisecond();
    if changes.is_empty() {
        return anywhere.boxed();
    }
    let near = (proptest::sample::select(changes), -2 * DAY_MS..2 * DAY_MS).prop_map(|(change, ms)| change + ms);
    let minutes = |at: i64| at.div_euclid(MINUTE_MS) * MINUTE_MS;
    prop_oneof![2 => near.clone(), 2 => near.prop_map(minutes), 1 => anywhere].boxed()
}

/// A zone, a calendar with special dates around an instant, and the instant.
fn cases() -> impl Strategy<Value = (Slow, i64)> {
    let zone = proptest::sample::select(&ZONES[..]).prop_map(|name| zone_named(name).unwrap());
    let week = proptest::array::uniform7(hours());
    let special = proptest::collection::btree_map(-4..8_i32, hours(), 0..5);
    let with_instant = zone.prop_flat_map(|zone| instants(&zone).prop_map(move |at| (zone.clone(), at)));
    (with_instant, week, special).prop_map(|((zone, at), week, special)| {
        let today = i32::try_from(at.div_euclid(DAY_MS)).unwrap();
        let calendar = Calendar {
            id: "c".into(),
            zone: None,
            day_ms: 1,
            week,
            special: special.into_iter().map(|(day, hours)| (today + day, hours)).collect(),
        };
        (Slow { calendar, zone }, at)
    })
}

fn of(slow: &Slow) -> WorkingTime {
    WorkingTime::of(&slow.calendar, &slow.zone)
}

proptest! {
    #[test]
    fn sums_are_those_of_every_minute((slow, from) in cases(), length in 0..6 * DAY_MS) {
        let (from, to) = (Timestamp(from), Timestamp(from + length));
        prop_assert_eq!(of(&slow).working(from, to), slow.working(from, to));
        prop_assert_eq!(of(&slow).is_working(from), slow.is_working(from.0));
        prop_assert_eq!(of(&slow).working(to, from), 0);
    }

    #[test]
    fn dues_are_those_of_every_minute((slow, from) in cases(), minutes in -1..3 * DAY_MINUTES, ms in 0..MINUTE_MS) {
        let (from, budget) = (Timestamp(from), minutes * MINUTE_MS + ms);
        let last = Timestamp(from.0 + 9 * DAY_MS);
        let due = of(&slow).due(from, budget);
        prop_assert_eq!(due.filter(|due| *due <= last), slow.due(from, budget, last));
        if slow.calendar.week.iter().all(|hours| hours.spans().is_empty()) && due.is_some() {
            prop_assert!(due <= Some(last), "nothing is working later");
        }
    }

    #[test]
    fn ways_back_are_those_of_every_minute((slow, due) in cases(), minutes in -1..3 * DAY_MINUTES, ms in 0..MINUTE_MS) {
        let (due, rest) = (Timestamp(due), minutes * MINUTE_MS + ms);
        let first = Timestamp(due.0 - 9 * DAY_MS);
        let latest = of(&slow).latest(due, rest);
        prop_assert_eq!(latest.filter(|latest| *latest >= first), slow.latest(due, rest, first));
    }

    /// Before a due there is the budget, and not a moment earlier; more is never due earlier; a pause without working
    /// time changes nothing.
    #[test]
    fn dues_are_the_earliest((slow, from) in cases(), budget in 1..60 * DAY_MS, more in 0..DAY_MS) {
        let (working, from) = (of(&slow), Timestamp(from));
        if let Some(due) = working.due(from, budget) {
            prop_assert_eq!(working.working(from, due), budget);
            prop_assert_eq!(working.working(from, Timestamp(due.0 - 1)), budget - 1);
            prop_assert!(working.is_working(Timestamp(due.0 - 1)), "so it never lies in the night");
            let later = working.due(from, budget + more);
            prop_assert!(later.is_none_or(|later| later >= due));
            // The earliest instant after which there is working time: all before it is a pause.
            let Some(first) = working.due(from, 1) else { unreachable!() };
            let after_pause = Timestamp(first.0 - 1);
            prop_assert_eq!(working.due(after_pause, budget), Some(due));
            let latest = working.latest(due, budget).unwrap();
            prop_assert_eq!(latest, after_pause.max(from), "and back again");
        } else {
            let horizon = from.plus_ms(crate::limits::CALENDAR_HORIZON_MS);
            prop_assert!(working.working(from, horizon) < budget);
            prop_assert_eq!(working.due(from, budget + more), None);
        }
    }

    #[test]
    fn working_time_adds_up((slow, a) in cases(), ab in 0..400 * DAY_MS, bc in 0..4_000 * DAY_MS) {
        let working = of(&slow);
        let (a, b, c) = (Timestamp(a), Timestamp(a + ab), Timestamp(a + ab + bc));
        prop_assert_eq!(working.working(a, c), working.working(a, b) + working.working(b, c));
        prop_assert!((0..=bc).contains(&working.working(b, c)));
    }

    /// What a repeat says of itself is what one finds by going from one to the next.
    #[test]
    fn repeats_are_counted_as_they_are_due(
        (slow, from) in cases(), spent_ms in 0..DAY_MS, budget in 0..DAY_MS, every in 1..DAY_MS, last in 0..6_u32, late in 0..3 * DAY_MS,
    ) {
        let working = of(&slow);
        let ledger = Ledger { working: &working, started: Timestamp(from), spent_ms };
        let due_of = |k: u32| ledger.due(budget + every * i64::from(k));
        let Some(first) = due_of(0) else { return Ok(()) };
        let now = Timestamp(first.0 + late);
        let reached = (0..=last).rev().find(|k| due_of(*k).is_some_and(|due| due <= now)).unwrap();
        let next = (reached < last).then(|| due_of(reached + 1).map(|due| (reached + 1, due))).flatten();
        prop_assert_eq!(ledger.repeat(budget, every, 0, last, now), Repeat { missed: reached, next });
    }
}
