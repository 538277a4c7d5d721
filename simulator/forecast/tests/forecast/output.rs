//! What people, programs and files get; comparisons.

use loonflow_forecast::compare::{self, Verdict};
use loonflow_forecast::{files, html, text};

use super::*;

/// A small world whose figures are of sums and uniform draws alone, so that they are the same everywhere.
fn small() -> Json {
    desk_with(json!({
        "stop": { "cases": 40 },
        "replications": 6,
        "people": { "everyone": { "calendar": "office" }, "clerk1": { "speed": 2.0 } },
        "nodes": { "serve": { "work": { "uniform": { "min": "1h", "max": "5h" } } } },
        "goals": [
            { "measure": "utilisation:clerk1", "at_most": 0.01 },
            { "measure": "cycle_time.mean", "at_most": "30d" },
        ],
    }))
}

/// Six digits of every number: the last ones of an interval are the mathematics library's.
fn rounded(json: Json) -> Json {
    match json {
        Json::Number(ref number) if number.is_f64() => {
            let number = number.as_f64().expect("a float");
            json!(format!("{number:.5e}").parse::<f64>().expect("a float"))
        }
        Json::Array(items) => items.into_iter().map(rounded).collect(),
        Json::Object(entries) => entries.into_iter().map(|(key, value)| (key, rounded(value))).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json,
    }
}

#[test]
fn programs_get_a_stable_form() {
    let mut json = serde_json::to_value(forecast_of(small())).expect("JSON");
    // The course is long; its form shows in its beginning.
    json["course"]["open"].as_array_mut().expect("a list").truncate(3);
    for means in json["course"]["queues"]
        .as_object_mut()
        .expect("an object")
        .values_mut()
    {
        means.as_array_mut().expect("a list").truncate(3);
    }
    insta::assert_json_snapshot!(rounded(json));
}

#[test]
fn people_get_tables_and_a_page_that_stands_alone() {
    let found = forecast_of(desk_with(json!({ "name": "<b>Desk</b> & co" })));
    let table = text::forecast(&found);
    for part in ["<b>Desk</b> & co", "Serve", "Clerk 1", "cycle time, mean"] {
        assert!(table.contains(part), "{part} is missing: {table}");
    }
    let page = html::forecast(&found).expect("a page");
    assert!(
        page.contains("&lt;b&gt;Desk") && !page.contains("<b>Desk"),
        "names are escaped"
    );
    let page = page + &html::comparison(&compare::compare(found.clone(), found)).expect("a page");
    for part in ["<script", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(part), "{part} would ask for something outside");
    }
    assert_eq!(page.matches("<svg").count(), 4);
}

#[test]
fn files_hold_every_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let found = forecast_of(small());
    files::forecast(&found, folder.path()).expect("files");
    for (name, n_least) in [
        ("measures", 12),
        ("nodes", 1),
        ("people", 3),
        ("edges", 2),
        ("course", 1),
    ] {
        let text = std::fs::read_to_string(folder.path().join(format!("{name}.csv"))).expect(name);
        let widths: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert!(widths.len() > n_least, "{name}: {text}");
        assert!(
            name == "measures" || widths.iter().all(|width| *width == widths[0]),
            "{name}: {text}"
        );
    }
}

#[test]
fn a_difference_is_shown_where_there_is_one() {
    let before = plan(small());
    let mut faster = small();
    faster["people"]["clerk2"] = json!({ "speed": 3.0 });
    let after = plan(faster);
    compare::check(&before, &after).expect("they can be compared");
    let same = compare::compare(run(&before, 1), run(&before, 1));
    assert!(same.differences.iter().all(|one| one.verdict == Verdict::Same));
    let found = compare::compare(run(&before, 1), run(&after, 1));
    let of = |key: &str| {
        found
            .differences
            .iter()
            .find(|one| one.measure.key == key)
            .expect("a difference")
    };
    let cycle = of("cycle_time.mean");
    assert_eq!(cycle.verdict, Verdict::Better, "{cycle:?}");
    assert_eq!(of("rejections_per_case").verdict, Verdict::Same);
    assert!(text::comparison(&found).contains("better"));
    let mut other = small();
    other["seed"] = json!(7);
    let error = compare::check(&before, &plan(other)).expect_err("another seed");
    assert!(error.to_string().contains("`seed`"), "{error}");
}

/// Common random numbers: both meet the same cases, so the interval of the difference is narrower than that of either.
#[test]
fn the_same_draws_make_differences_sure() {
    let with = |speed: f64| {
        plan(desk_with(json!({
            "stop": { "cases": 600 }, "replications": 6,
            "arrivals": { "interval": { "every": { "exponential": { "mean": "26m" } } } },
            "people": { "clerk1": { "speed": speed } },
            "nodes": { "serve": { "work": { "exponential": { "mean": "1h" } } } },
        })))
    };
    let found = compare::compare(run(&with(1.0), 1), run(&with(1.05), 1));
    let cycle = found
        .differences
        .iter()
        .find(|one| one.measure.key == "cycle_time.mean")
        .expect("a difference");
    let alone = found
        .before
        .estimate("cycle_time.mean")
        .expect("a measure")
        .estimate
        .half();
    assert!(
        cycle.difference.half() < alone.map(|half| half / 2.0),
        "{cycle:?} beside {alone:?}"
    );
    assert_eq!(cycle.verdict, Verdict::Better);
}

/// An exponential desk of three clerks around the clock, with so much work for the time they have.
fn loaded(mean_between: &str) -> Json {
    desk_with(json!({
        "stop": { "cases": 1_500 },
        "replications": 4,
        "arrivals": { "interval": { "every": { "exponential": { "mean": mean_between } } } },
        "nodes": { "serve": { "work": { "exponential": { "mean": "1h" } } } },
    }))
}

/// Three clerks do three cases an hour.
#[test]
fn work_that_comes_faster_than_it_is_done_is_not_told_as_steady() {
    // Four come: 133 % of what can be done.
    let found = forecast_of(loaded("15m"));
    let nodes: Vec<&str> = found.unsteady.iter().map(|one| one.node.as_str()).collect();
    assert_eq!(nodes, ["serve"]);
    let table = text::forecast(&found);
    assert!(
        table.contains("not steady: work at Serve comes faster than it is done"),
        "{table}"
    );
    let page = html::forecast(&found).expect("a page");
    assert!(page.contains("Not steady: work at Serve"));
    let shares = table
        .lines()
        .filter_map(|line| line.split_once(" % of the cycle time")?.0.rsplit(' ').next());
    let shares: Vec<f64> = shares.filter_map(|share| share.parse().ok()).collect();
    assert!(shares.iter().all(|share| *share <= 100.0), "{table}");
    let both = compare::compare(found.clone(), found);
    assert!(text::comparison(&both).contains("before it is not steady"));
    assert!(
        html::comparison(&both)
            .expect("a page")
            .contains("Before, it is not steady")
    );

    // With 50 and 80 % queues come and go.
    for mean_between in ["40m", "25m"] {
        let found = forecast_of(loaded(mean_between));
        assert!(found.unsteady.is_empty(), "{mean_between}: {:?}", found.unsteady);
        assert!(!text::forecast(&found).contains("not steady"));
    }
}

/// Two of three clerks are away for two weeks in a quarter, and the third cannot do it alone.
#[test]
fn an_absence_is_told_as_the_cause() {
    let away = json!({ "away": [{ "from": "2026-02-02", "to": "2026-02-16" }] });
    let with = |people: Json| {
        forecast_of(desk_with(json!({
            "stop": { "cases": 3_000 },
            "arrivals": { "interval": { "every": { "exponential": { "mean": "40m" } } } },
            "people": people,
            "nodes": { "serve": { "work": { "exponential": { "mean": "1h" } } } },
        })))
    };
    let reasons = |found: &Forecast| {
        let serve = found.bottlenecks.iter().find(|one| one.node == "serve");
        serve.map_or_else(String::new, |one| one.reasons.join("; "))
    };
    let told = reasons(&with(json!({ "clerk1": away, "clerk2": away })));
    assert!(told.contains("while Clerk 1 or Clerk 2 is away"), "{told}");
    assert!(told.contains("enough people while all are there"), "{told}");
    assert!(!told.contains("not for want of people"), "{told}");
    // Nobody was missed who was away when nothing was to be done, and nobody is away here.
    let told = reasons(&with(json!({})));
    assert!(
        told.contains("not for want of people") && !told.contains("away"),
        "{told}"
    );
}
