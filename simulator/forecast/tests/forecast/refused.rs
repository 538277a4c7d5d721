//! Scenarios that cannot be run, each with a sentence that names the key.

use super::*;

#[test]
fn every_mistake_is_named() {
    let bad: Vec<(&str, Json, &str)> = vec![
        ("an unknown key", json!({ "arivals": 1 }), "arivals"),
        ("an unknown key inside", json!({ "stop": { "case": 3 } }), "`stop`"),
        ("no name", json!({ "name": " " }), "`name`"),
        ("no such file", json!({ "definition": "nowhere.json" }), "`definition`"),
        (
            "no such directory",
            json!({ "directory": "nowhere.json" }),
            "`directory`",
        ),
        ("no such zone", json!({ "time_zone": "Mars/Olympus" }), "`time_zone`"),
        ("no instant", json!({ "start": "soon" }), "`start`"),
        ("no cases", json!({ "stop": { "cases": 0 } }), "`stop.cases`"),
        ("no time", json!({ "stop": { "after": "0s" } }), "`stop.after`"),
        (
            "a length without unit",
            json!({ "stop": { "after": "20" } }),
            "`stop.after`",
        ),
        ("only warm-up", json!({ "warm_up": { "cases": 10 } }), "`warm_up.cases`"),
        (
            "warm-up of all the time",
            json!({ "stop": { "after": "1d" }, "warm_up": { "time": "2d" } }),
            "`warm_up.time`",
        ),
        ("no replications", json!({ "replications": 0 }), "`replications`"),
        ("too sure", json!({ "confidence": 1.0 }), "`confidence`"),
        (
            "all at once",
            json!({ "arrivals": { "interval": { "every": { "constant": "0s" } } } }),
            "`arrivals.interval.every`",
        ),
        (
            "a mean of nothing",
            json!({ "arrivals": { "interval": { "every": { "exponential": { "mean": "0s" } } } } }),
            "`mean`",
        ),
        (
            "a mean that is a number",
            json!({ "arrivals": { "interval": { "every": { "exponential": { "mean": 5 } } } } }),
            "`arrivals.interval.every.exponential.mean`",
        ),
        (
            "no such calendar",
            json!({ "arrivals": { "rates": [{ "calendar": "nights", "per_hour": 1 }] } }),
            "`arrivals.rates[0].calendar`",
        ),
        (
            "no rate",
            json!({ "arrivals": { "rates": [{ "calendar": "office", "per_hour": 0 }] } }),
            "`arrivals.rates[0].per_hour`",
        ),
        ("no rates", json!({ "arrivals": { "rates": [] } }), "`arrivals.rates`"),
        (
            "before the start",
            json!({ "arrivals": { "times": ["2025-01-01"] } }),
            "`arrivals.times[0]`",
        ),
        (
            "nobody of this name",
            json!({ "creators": { "nobody": 1 } }),
            "`creators`",
        ),
        (
            "a negative weight",
            json!({ "creators": { "guest": -1 } }),
            "`creators`",
        ),
        (
            "no such field",
            json!({ "fields": { "colour": { "value": "red" } } }),
            "`colour`",
        ),
        (
            "a value of the wrong type",
            json!({ "fields": { "title": { "value": { "a": 1 } } } }),
            "`title`",
        ),
        (
            "a number for a text",
            json!({ "fields": { "title": { "number": { "from": { "constant": 1 } } } } }),
            "`title`",
        ),
        (
            "no hours",
            json!({ "calendars": { "none": { "hours": [] } } }),
            "`calendars.none.hours`",
        ),
        (
            "no such hour",
            json!({ "calendars": { "odd": { "hours": [{ "days": ["mon"], "from": "25:00", "to": "26:00" }] } } }),
            "`calendars.odd.hours[0].from`",
        ),
        (
            "no such day",
            json!({ "calendars": { "odd": { "hours": [{ "days": ["moon"], "from": "09:00", "to": "10:00" }] } } }),
            "`calendars.odd.hours[0].days[0]`",
        ),
        (
            "hours of nothing",
            json!({ "calendars": { "odd": { "hours": [{ "days": ["mon"], "from": "09:00", "to": "09:00" }] } } }),
            "`calendars.odd.hours[0]`",
        ),
        (
            "no such holiday",
            json!({ "calendars": { "odd": { "hours": [{ "days": ["mon"], "from": "09:00", "to": "10:00" }], "holidays": ["Easter"] } } }),
            "`calendars.odd.holidays[0]`",
        ),
        (
            "nobody of this name works",
            json!({ "people": { "nobody": {} } }),
            "`nobody`",
        ),
        (
            "no such role",
            json!({ "people": { "role:kings": {} } }),
            "`role:kings`",
        ),
        (
            "no such department",
            json!({ "people": { "dept:moon": {} } }),
            "`dept:moon`",
        ),
        (
            "no speed",
            json!({ "people": { "clerk1": { "speed": 0 } } }),
            "`people.clerk1.speed`",
        ),
        (
            "no hands",
            json!({ "people": { "clerk1": { "at_once": 0 } } }),
            "`people.clerk1.at_once`",
        ),
        (
            "away backwards",
            json!({ "people": { "clerk1": { "away": [{ "from": "2026-02-01", "to": "2026-01-01" }] } } }),
            "`people.clerk1.away[0]`",
        ),
        (
            "no such node",
            json!({ "nodes": { "serve": { "work": { "constant": "1m" } }, "dance": {} } }),
            "`dance`",
        ),
        ("no work", json!({ "nodes": {} }), "`nodes.serve`"),
        (
            "work at the end",
            json!({ "nodes": { "serve": { "work": { "constant": "1m" } }, "end": { "work": { "constant": "1m" } } } }),
            "`nodes.end`",
        ),
        (
            "no such edge",
            json!({ "nodes": { "serve": { "work": { "constant": "1m" }, "choices": { "come": 1 } } } }),
            "`nodes.serve.choices`",
        ),
        (
            "an answer of people",
            json!({ "nodes": { "serve": { "work": { "constant": "1m" }, "failure": 0.5 } } }),
            "`nodes.serve`",
        ),
        (
            "a deviation of nothing",
            json!({ "nodes": { "serve": { "work": { "lognormal": { "mean": "1m", "sd": "0s" } } } } }),
            "`nodes.serve.work`",
        ),
        (
            "a cut that leaves nothing",
            json!({ "nodes": { "serve": { "work": { "normal": { "mean": "1m", "sd": "1m", "min": "2h" } } } } }),
            "`nodes.serve.work`",
        ),
        (
            "triangle on its head",
            json!({ "nodes": { "serve": { "work": { "triangular": { "min": "3m", "mode": "2m", "max": "1m" } } } } }),
            "`nodes.serve.work`",
        ),
        (
            "nothing seen",
            json!({ "nodes": { "serve": { "work": { "empirical": [] } } } }),
            "`nodes.serve.work`",
        ),
        (
            "no such field to go by",
            json!({ "priority": { "field": "colour", "order": [] } }),
            "`priority.field`",
        ),
        (
            "no such measure",
            json!({ "goals": [{ "measure": "joy", "at_least": 1 }] }),
            "`goals[0].measure`",
        ),
        (
            "a goal without bound",
            json!({ "goals": [{ "measure": "utilisation" }] }),
            "`goals[0]`",
        ),
        (
            "a goal of the wrong unit",
            json!({ "goals": [{ "measure": "cycle_time.mean", "at_most": 5 }] }),
            "`goals[0].at_most`",
        ),
    ];
    for (what, changes, key) in bad {
        let made = load::from_json(desk_with(changes)).and_then(Plan::new);
        let Err(error) = made else { panic!("{what} is taken") };
        let sentence = format!("{error:#}");
        assert!(sentence.contains(key), "{what}: {sentence}");
    }
}

/// Worlds that begin well and cannot go on.
#[test]
fn worlds_that_cannot_go_on_end_with_a_sentence() {
    let fails = |scenario: Json, part: &str| {
        let error = forecast::run(&plan(scenario), 1, &AtomicU64::new(0)).expect_err(part);
        let sentence = format!("{error:#}");
        assert!(sentence.contains(part), "{sentence}");
    };
    // Round and round: it is always rejected.
    let round = json!({
        "name": "Never", "definition": file("../engine/fixtures/workflows/leave.json"),
        "directory": file("../engine/fixtures/directory/acme.json"),
        "stop": { "cases": 1 }, "replications": 1, "creators": { "dev": 1 },
        "arrivals": { "interval": { "every": { "constant": "1h" } } },
        "nodes": {
            "approve": { "work": { "constant": "1s" }, "choices": { "approve_no": 1 } },
            "file": { "work": { "constant": "1s" } },
        },
    });
    fails(round, "`choices`");
    // A century is not enough: one case an hour, a year's work each.
    let slow = json!({
        "stop": { "cases": 500 },
        "nodes": { "serve": { "work": { "constant": "9000h" } } },
    });
    fails(desk_with(slow), "years");
}

/// A what-if is a change to another file; what it says is merged, what it takes away is gone.
#[test]
fn files_build_on_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, json: &Json| {
        let path = folder.path().join(name);
        std::fs::write(&path, json.to_string()).expect("written");
        path
    };
    let base = desk_with(json!({ "people": { "clerk1": { "speed": 2.0 }, "clerk2": { "speed": 3.0 } } }));
    write("base.json", &base);
    let change =
        json!({ "based_on": "base.json", "name": "Other", "people": { "clerk1": null, "clerk3": { "speed": 4.0 } } });
    let scenario = load::scenario(&write("change.json", &change)).expect("a scenario");
    assert_eq!(scenario.name, "Other");
    assert_eq!(scenario.people.keys().collect::<Vec<_>>(), ["clerk2", "clerk3"]);
    let looped = write("loop.json", &json!({ "based_on": "loop.json" }));
    let error = load::scenario(&looped).expect_err("a loop");
    assert!(format!("{error:#}").contains("`based_on`"), "{error:#}");
    let error = load::scenario(&write("text.json", &json!("hello"))).expect_err("a text");
    assert!(format!("{error:#}").contains("text.json"), "{error:#}");
}
