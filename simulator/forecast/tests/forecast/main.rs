//! Forecasts: exact small worlds, laws that every world obeys, theory where there is some, and what is refused.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use loonflow_forecast::{self as forecast, Forecast, Plan, load};
use serde_json::{Value as Json, json};

mod exact;
mod laws;
mod output;
mod refused;

/// A file of the simulator's folder.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// A desk with three clerks, a case an hour, and no chance in it: tests change what they are about.
fn desk() -> Json {
    json!({
        "name": "A desk",
        "definition": file("scenarios/mmc_desk.definition.json"),
        "directory": file("scenarios/mmc_desk_3.directory.json"),
        "stop": { "cases": 10 },
        "replications": 2,
        "arrivals": { "interval": { "every": { "constant": "1h" } } },
        "creators": { "guest": 1 },
        "calendars": {
            "office": { "hours": [{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00" }] },
        },
        "nodes": { "serve": { "work": { "constant": "30m" } } },
    })
}

/// As `desk`, with some keys put in place of others.
fn desk_with(changes: Json) -> Json {
    let (mut scenario, Json::Object(changes)) = (desk(), changes) else {
        panic!("changes are an object");
    };
    let entries = scenario.as_object_mut().expect("an object");
    entries.extend(changes);
    scenario
}

fn plan(scenario: Json) -> Plan {
    Plan::new(load::from_json(scenario).expect("a scenario")).expect("a plan")
}

fn run(plan: &Plan, n_threads: usize) -> Forecast {
    forecast::run(plan, n_threads, &AtomicU64::new(0)).expect("a forecast")
}

fn forecast_of(scenario: Json) -> Forecast {
    run(&plan(scenario), 1)
}

/// The mean of a measure.
fn mean(found: &Forecast, key: &str) -> f64 {
    found
        .estimate(key)
        .unwrap_or_else(|| panic!("no measure {key}"))
        .estimate
        .mean
}

const HOUR_MS: f64 = 3_600_000.0;
