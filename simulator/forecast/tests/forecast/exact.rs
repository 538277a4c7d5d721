//! Worlds without chance: what comes out is known to the millisecond.

use super::*;

/// One case and when it is over, for a clerk with office hours.
fn cycle_of(arrival: &str, work: &str) -> f64 {
    let found = forecast_of(desk_with(json!({
        "directory": file("scenarios/mmc_desk_1.directory.json"),
        "stop": { "cases": 1 },
        "arrivals": { "times": [arrival] },
        "people": { "everyone": { "calendar": "office" } },
        "nodes": { "serve": { "work": { "constant": work } } },
    })));
    mean(&found, "cycle_time.mean") / HOUR_MS
}

#[test]
fn nobody_works_at_night_or_on_a_sunday() {
    // Monday, 2026-01-05.
    assert_eq!(cycle_of("2026-01-05 10:00:00", "1h"), 1.0);
    assert_eq!(cycle_of("2026-01-05 16:30:00", "1h"), 17.0);
    assert_eq!(cycle_of("2026-01-05 08:00:00", "1h"), 2.0);
    assert_eq!(cycle_of("2026-01-05 16:00:00", "1h"), 1.0);
    assert_eq!(cycle_of("2026-01-05 17:00:00", "1h"), 17.0);
    // Friday afternoon to Monday morning, and a Sunday.
    assert_eq!(cycle_of("2026-01-09 16:00:00", "2h"), 1.0 + 64.0 + 1.0);
    assert_eq!(cycle_of("2026-01-11 12:00:00", "1h"), 22.0);
    // Sixty working hours are seven and a half days of eight.
    assert_eq!(cycle_of("2026-01-05 09:00:00", "60h"), 9.0 * 24.0 + 4.0);
}

#[test]
fn speed_hands_and_times_away_count() {
    let of = |person: Json| {
        let found = forecast_of(desk_with(json!({
            "directory": file("scenarios/mmc_desk_1.directory.json"),
            "stop": { "cases": 2 },
            "arrivals": { "times": ["2026-01-05 10:00:00", "2026-01-05 10:00:00"] },
            "people": { "clerk1": person },
            "nodes": { "serve": { "work": { "constant": "1h" } } },
        })));
        mean(&found, "cycle_time.mean") / HOUR_MS
    };
    assert_eq!(of(json!({})), 1.5);
    assert_eq!(of(json!({ "speed": 2.0 })), 0.75);
    assert_eq!(of(json!({ "at_once": 2 })), 1.0);
    assert_eq!(
        of(json!({ "away": [{ "from": "2026-01-05 10:30:00", "to": "2026-01-05 12:00:00" }] })),
        3.0
    );
}

/// Three cases wait for one clerk until 9 o'clock; who goes first is the scenario's.
#[test]
fn queues_keep_their_order() {
    let waits = |changes: Json| {
        let mut scenario = desk_with(json!({
            "directory": file("scenarios/mmc_desk_1.directory.json"),
            "stop": { "cases": 3 },
            "arrivals": { "times": ["2026-01-05 06:00:00", "2026-01-05 07:00:00", "2026-01-05 08:00:00"] },
            "people": { "everyone": { "calendar": "office" } },
            "nodes": { "serve": { "work": { "constant": "1h" } } },
        }));
        scenario
            .as_object_mut()
            .expect("an object")
            .extend(changes.as_object().expect("an object").clone());
        forecast_of(scenario).cycle_time.max_ms / HOUR_MS
    };
    // First come: 9 to 10, 10 to 11, 11 to 12. Last come: the first one ends at 12, after six hours.
    assert_eq!(waits(json!({ "queue": "fifo" })), 4.0);
    assert_eq!(waits(json!({ "queue": "lifo" })), 6.0);
    assert_eq!(waits(json!({ "queue": "oldest_case" })), 4.0);
}

/// One chief signs small orders at one node and large ones at another: what is urgent there goes first.
#[test]
fn what_is_urgent_goes_first() {
    let waits = |priority: Json| {
        let found = forecast_of(json!({
            "name": "Orders", "definition": file("../engine/fixtures/workflows/purchase.json"),
            "directory": file("../engine/fixtures/directory/acme.json"),
            "stop": { "cases": 60 }, "replications": 1, "priority": priority,
            "arrivals": { "interval": { "every": { "constant": "1m" } } },
            "creators": { "fin": 1 },
            "fields": { "amount": { "one_of": [{ "value": 20000 }, { "value": 50, "weight": 3 }] } },
            "nodes": {
                "manager": { "work": { "constant": "1h" } }, "cfo": { "work": { "constant": "1h" } },
                "director": { "work": { "constant": "1h" } }, "booking": { "work": { "constant": "0s" } },
            },
        }));
        (
            mean(&found, "wait:cfo") / HOUR_MS,
            mean(&found, "wait:manager") / HOUR_MS,
        )
    };
    let (large, small) = waits(Json::Null);
    let (large_first, small_last) = waits(json!({ "field": "amount", "order": [20000] }));
    let (large_last, small_first) = waits(json!({ "field": "amount", "order": [50] }));
    assert!(
        large_first < large / 2.0 && small_last > small,
        "{large_first} {large} {small_last} {small}"
    );
    assert!(
        large_last > large * 1.5 && small_first < small,
        "{large_last} {large} {small_first} {small}"
    );
}

/// An hour's distance and half an hour's work: half of one clerk, nobody waits, half a case is open.
#[test]
fn a_steady_desk_is_half_busy() {
    let found = forecast_of(desk_with(json!({
        "directory": file("scenarios/mmc_desk_1.directory.json"),
        "stop": { "after": "101h" }, "warm_up": { "time": "1h" }, "drain": true,
    })));
    assert_eq!(mean(&found, "utilisation"), 0.5);
    assert_eq!(mean(&found, "open_cases"), 0.5);
    assert_eq!(mean(&found, "throughput_per_day"), 24.0);
    assert_eq!(mean(&found, "wait:serve"), 0.0);
    assert_eq!(found.cycle_time.p99_ms, 0.5 * HOUR_MS);
}

/// Work of somebody who never comes back stays where it is, and is told.
#[test]
fn cases_that_nobody_can_move_on_are_told() {
    let found = forecast_of(desk_with(json!({
        "directory": file("scenarios/mmc_desk_1.directory.json"),
        "people": { "clerk1": { "away": [{ "from": "2026-01-05 03:00:00", "to": "2199-01-01" }] } },
    })));
    // Two replications of ten: those of hours 1 and 2 are done.
    let counts = &found.counts;
    assert_eq!(
        (counts.ended["finished"], counts.open, counts.stuck),
        (4, 16, 16),
        "{counts:?}"
    );
}

/// What the engine refuses is counted, told, and lost to nobody.
#[test]
fn refusals_are_told() {
    let found = forecast_of(json!({
        "name": "Too long a leave", "definition": file("../engine/fixtures/workflows/leave.json"),
        "directory": file("../engine/fixtures/directory/acme.json"),
        "stop": { "cases": 20 }, "replications": 1,
        "arrivals": { "interval": { "every": { "constant": "1h" } } },
        "creators": { "dev": 1 },
        // More than 60 days are not allowed.
        "fields": { "days": { "number": { "from": { "uniform": { "min": 40, "max": 80 } } } } },
        "nodes": { "approve": { "work": { "constant": "1m" } }, "file": { "work": { "constant": "1m" } } },
    }));
    let counts = &found.counts;
    assert!(counts.refused > 0 && counts.ended["finished"] > 0, "{counts:?}");
    assert_eq!(counts.refused + counts.ended["finished"], 20);
    let (text, n) = found.refusals.first_key_value().expect("a refusal");
    assert!(text.contains("days") && *n == counts.refused, "{text}");
}
