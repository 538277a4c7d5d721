//! Duties that are to be separate, and cases of `check` that are judged again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loonflow_simulator::prove::check::{Again, Options, Outcome, Report, again, check};
use loonflow_simulator::world::case::{Case, CaseStep};
use loonflow_simulator::world::inputs;
use serde_json::{Value as Json, json};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Checks a definition for the two nodes.
fn report(definition: &Json, directory: Option<&Path>, separate: Option<(&str, &str)>) -> Report {
    let version = loonflow_engine::workflow::WorkflowVersion::load(definition).expect("it can be published");
    let version = Arc::new(version);
    let (source, directory) = inputs::directory(directory, &[Arc::clone(&version)]).expect("a directory");
    let options = Options {
        separate: separate.map(|(one, other)| (one.into(), other.into())),
        ..Options::default()
    };
    check(&version, &directory, &source, &options)
}

fn read(name: &str) -> Json {
    let text = std::fs::read_to_string(file(name)).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

/// Bob could approve where Ann asks, and Ann pays then; where Bob asks, no ticket comes to the approval.
#[test]
fn one_person_has_to_do_both_in_one_run() {
    let directory = file("tests/check/cases/ann_and_bob.directory.json");
    let mut definition = read("tests/check/cases/separate_and_yet_alarmed.json");
    let apart = report(&definition, Some(&directory), Some(("approve", "pay")));
    assert!(
        apart.findings.iter().all(|one| one.code != "same_person"),
        "{:?}",
        apart.findings
    );
    assert!(apart.bounds.is_empty(), "{:?}", apart.bounds);

    // Now the gate lets Bob's tickets through.
    definition["process_schema"]["node_info_list"][1]["props"]["assignee"] = json!("ann,bob");
    let together = report(&definition, Some(&directory), Some(("approve", "pay")));
    let found = together
        .findings
        .iter()
        .find(|one| one.code == "same_person")
        .expect("it is found");
    let story = found.story.as_ref().expect("a story");
    assert!(
        found
            .message
            .contains("`ann` can do both `approve` and `pay` in a ticket that `bob` creates"),
        "{}",
        found.message
    );
    assert!(story.is_played);
    assert_eq!(who_did(&story.case, &["approve", "pay"]), ["ann", "ann"]);
}

/// Who acted at each of these nodes.
fn who_did(case: &Case, nodes: &[&str]) -> Vec<String> {
    let at = |node: &&str| {
        case.steps.iter().find_map(|step| {
            if let CaseStep::Create { creator, .. } = step {
                return (*node == "start").then(|| creator.to_string());
            }
            let CaseStep::Handle {
                operator,
                node_id,
                action_type,
                ..
            } = step
            else {
                return None;
            };
            let is_there = node_id.as_ref().is_some_and(|id| id.as_str() == *node);
            (is_there && action_type != "accept").then(|| operator.to_string())
        })
    };
    nodes.iter().filter_map(at).collect()
}

#[test]
fn the_story_shows_the_one_person() {
    for name in ["orders_and_pays", "approves_her_own"] {
        let definition = read(&format!("selftest/defects/{name}.json"));
        let pair = definition["selftest"]["separate"]
            .as_str()
            .expect("two nodes")
            .to_owned();
        let (one, other) = pair.split_once(',').expect("two nodes");
        let (one, other) = (one.trim(), other.trim());
        let found = report(&definition, None, Some((one, other)));
        let found = found
            .findings
            .into_iter()
            .find(|one| one.code == "same_person")
            .expect("it is found");
        let story = found.story.expect("a story");
        let people = who_did(&story.case, &[one, other]);
        assert!(
            people.len() == 2 && people[0] == people[1],
            "{name}: {people:?}, {:?}",
            story.lines
        );
    }
}

/// Whatever `check` saves is found again in it, and no more once the definition is mended.
#[test]
fn a_case_of_check_is_judged_by_check() {
    let mut codes = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(file("selftest/defects")).expect("a folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let definition = read(&format!("selftest/defects/{name}"));
        let pair = definition["selftest"]["separate"].as_str().map(str::to_owned);
        let separate = pair.as_deref().and_then(|pair| pair.split_once(','));
        let found = report(
            &definition,
            None,
            separate.map(|(one, other)| (one.trim(), other.trim())),
        );
        for story in found.findings.iter().filter_map(|one| one.story.as_ref()) {
            codes.insert(story.case.shows.clone());
            let judged = again(&story.case).expect("it can be judged");
            assert!(matches!(judged, Again::Found(_)), "{name}: {judged:?}");
            // One of format 1 does not say where.
            let mut older = story.case.clone();
            (older.format, older.checked) = (1, None);
            match again(&older) {
                Ok(judged) => assert!(matches!(judged, Again::Found(_)), "{name}: {judged:?}"),
                Err(error) => assert!(error.to_string().contains("--separate NODE,NODE"), "{name}: {error:#}"),
            }
            let twin = read(&format!("selftest/twins/{name}"));
            if found.findings.len() == 1 && twin["selftest"].get("directory").is_none() {
                let mut mended = story.case.clone();
                mended.definitions = vec![twin];
                let judged = again(&mended).expect("it can be judged");
                assert!(!matches!(judged, Again::Found(_)), "{name}: {judged:?}");
            }
        }
    }
    let expected = ["condition_gap", "livelock", "no_assignee", "same_person", "stuck"];
    assert!(expected.iter().all(|code| codes.contains(*code)), "{codes:?}");
}

#[test]
fn what_was_mended_and_what_is_not_known_are_told_apart() {
    let definition = read("selftest/defects/gap_behind_a_merge.json");
    let found = report(&definition, None, None);
    let story = found
        .findings
        .iter()
        .find_map(|one| one.story.as_ref())
        .expect("a story");
    let mut case = story.case.clone();
    if let Some(checked) = &mut case.checked {
        checked.states = 1;
    }
    assert!(matches!(again(&case).expect("judged"), Again::Unknown(_)));
    let mut case = story.case.clone();
    case.definitions = vec![read("selftest/twins/gap_behind_a_merge.json")];
    assert!(matches!(again(&case).expect("judged"), Again::Gone));
    assert_eq!(found.outcome, Outcome::Unsound);
}
