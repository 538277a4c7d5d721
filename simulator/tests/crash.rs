//! Crashes at both levels in small numbers: the command runs the same with larger ones.

use std::path::Path;
use std::sync::LazyLock;

use loonflow_simulator::crash::actors_walk::Base;
use loonflow_simulator::crash::case::{CrashCase, FORMAT, Level};
use loonflow_simulator::crash::trouble::Trouble;
use loonflow_simulator::crash::walk::Setting;
use loonflow_simulator::crash::{CrashReport, walks};
use loonflow_simulator::fuzz::Given;
use loonflow_simulator::inputs;
use loonflow_simulator::step::Tape;
use serde_json::Value as Json;

struct Fixtures {
    setting: Setting,
    directory: Json,
    definitions: Vec<Json>,
}

static FIXTURES: LazyLock<Fixtures> = LazyLock::new(|| {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures"));
    let definitions = inputs::definitions(&[root.join("workflows")]).expect("fixtures");
    let workflows: Vec<_> = definitions
        .iter()
        .map(|one| one.runnable().expect("sound").clone())
        .collect();
    let file = root.join("directory/acme.json");
    let (source, directory) = inputs::directory(Some(&file), &workflows).expect("a directory");
    Fixtures {
        setting: Setting { directory, workflows },
        directory: source,
        definitions: definitions.into_iter().map(|one| one.named()).collect(),
    }
});

fn boundary(n_seeds: u64, n_threads: usize) -> CrashReport {
    walks(1, n_seeds, n_threads, &|seed| FIXTURES.setting.walk(seed, 40))
}

/// As a person would see it.
fn told(level: Level, report: &CrashReport) -> String {
    let Some((seed, broken, rounds)) = report.failure.clone() else {
        return String::new();
    };
    let case = CrashCase {
        format: FORMAT,
        level,
        shows: broken.invariant.to_owned(),
        found: broken.found,
        directory: FIXTURES.directory.clone(),
        definitions: FIXTURES.definitions.clone(),
        seed,
        rounds,
    };
    case.story().join("\n")
}

#[test]
fn whatever_dies_nothing_is_lost_halved_or_doubled() {
    let report = boundary(3, 2);
    assert!(report.failure.is_none(), "{}", told(Level::Boundary, &report));
    assert!(report.n_crashes > 1_000, "{report:?}");
    assert_eq!(report.by_trouble.len(), Trouble::ALL.len());
}

#[test]
fn a_walk_is_a_function_of_its_seed_whatever_the_threads() {
    assert_eq!(boundary(2, 1).hash, boundary(2, 2).hash);
}

/// Over definitions that nobody thought of.
#[test]
fn nothing_is_lost_on_random_definitions_either() {
    let report = walks(1, 12, 2, &|seed| {
        let given = Given::random(&mut Tape::random(seed));
        let setting = Setting {
            directory: given.directory,
            workflows: given.versions,
        };
        setting.walk(seed, 12)
    });
    assert!(report.failure.is_none(), "{:?}", report.failure);
}

#[test]
fn an_engine_that_is_killed_loses_halves_and_doubles_nothing() {
    let fixtures = &*FIXTURES;
    let base = Base::new(fixtures.setting.clone(), &fixtures.directory, &fixtures.definitions).expect("a base");
    let report = walks(1, 4, 2, &|seed| base.walk(seed, 25));
    assert!(report.failure.is_none(), "{}", told(Level::Actors, &report));
    assert!(report.n_crashes > 40, "{report:?}");
}
