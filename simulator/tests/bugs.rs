//! Bugs planted in the engine are found. In builds with the feature `planted` alone; the command `bugs` hunts them all.
#![cfg(feature = "planted")]

use loonflow_engine::planted::{Bug, switch_on};
use loonflow_simulator::crash::case::{CrashCase, FORMAT, Level};
use loonflow_simulator::crash::walk::Setting;
use loonflow_simulator::fuzz::Given;
use loonflow_simulator::selftest::bugs::{Ground, hunt};
use loonflow_simulator::step::Tape;
use serde_json::Value as Json;

/// One test, for a bug is switched on for the whole process.
#[test]
fn planted_bugs_are_found_and_a_crash_is_told_again() {
    let ground = Ground {
        definitions: Vec::new(),
        directory: None,
        setting: None,
        n_turns: 40,
        seed: 1,
    };
    for bug in [
        Bug::StartIsForwarded,
        Bug::RejectForgotten,
        Bug::HiddenIsShown,
        Bug::ReplayLosesTitle,
        Bug::ListKeepsOldDuty,
        Bug::KeyIsNotKept,
        Bug::VersionIsNotChecked,
        Bug::CommitLosesLastEvent,
    ] {
        let done = hunt(bug, &ground).expect("the fuzz runs");
        assert!(done.found.is_some(), "{} after {} steps", bug.name(), done.n_steps);
    }

    switch_on(Some(Bug::KeyIsNotKept));
    let given = Given::random(&mut Tape::random(1));
    let setting = Setting {
        directory: given.directory,
        workflows: given.versions.clone(),
    };
    let (broken, rounds) = setting.walk(1, 20).failure.expect("a key that is not kept is missed");
    let mut case = CrashCase {
        format: FORMAT,
        level: Level::Boundary,
        shows: broken.invariant.to_owned(),
        found: broken.found,
        directory: given.source,
        definitions: given.versions.iter().map(|one| Json::clone(&one.source)).collect(),
        seed: 1,
        rounds,
    };
    case.shrink(2_000).expect("the case plays");
    assert_eq!(case.rounds.len(), 1, "{:#?}", case.story());
    let text = serde_json::to_string(&case).expect("JSON");
    let read = CrashCase::from_text(&text).expect("a case");
    let again = read.replay().expect("the case plays");
    assert_eq!(
        again.map(|(broken, _)| broken.invariant.to_owned()),
        Some(read.shows.clone())
    );
    assert!(read.story().len() <= 20);
    switch_on(None);
    assert_eq!(
        read.replay().expect("the case plays"),
        None,
        "without the bug it does not fail"
    );
}
