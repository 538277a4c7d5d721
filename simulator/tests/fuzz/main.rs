//! The search itself: it is repeatable, it reaches what it should, and what it finds it tells in the shortest way.

mod cases;
mod commands;
mod generators;
mod invariants;
mod runs;

use loonflow_simulator::hunt::fuzz::Report;
use serde_json::Value as Json;

/// A fixture's definition.
fn fixture(name: &str) -> Json {
    let path = format!(
        "{}/../engine/fixtures/workflows/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

/// The fixtures' directory.
fn acme() -> Json {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures/directory/acme.json");
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

/// Nothing failed, or the shortest story of what did.
fn assert_nothing_failed(report: &Report) {
    if let Some(story) = report.first_story() {
        panic!(
            "{} of {} runs failed, for instance:\n{story}",
            report.n_failed, report.n_seeds
        );
    }
}
