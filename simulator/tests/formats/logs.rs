//! Logs of tickets: complete, in order, the same whether they were recorded or played.

use std::collections::BTreeSet;
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::formats::export::history::{Activities, recorded};
use loonflow_simulator::formats::export::junit::{junit, of_definition, of_import};
use loonflow_simulator::formats::export::ocel::ocel;
use loonflow_simulator::formats::export::play::{Play, Played, play};
use loonflow_simulator::formats::export::xes::xes;
use loonflow_simulator::formats::import::bpmn::{BOUNDS, Options, bpmn};
use loonflow_simulator::formats::xml::{Element, parse};
use loonflow_simulator::world::directory_from;
use loonflow_simulator::world::inputs::Definition;
use serde_json::Value as Json;

use crate::fixtures::{directory_source, root, source, sources, version};
use crate::recording::Recording;

const XES: &str = "http://www.xes-standard.org/";

fn directory() -> Arc<Directory> {
    directory_from(&directory_source()).expect("a directory")
}

pub(crate) fn played(versions: &[Arc<WorkflowVersion>], n_cases: usize, seed: u64, is_plain: bool) -> Played {
    let what = Play {
        n_cases,
        seed,
        is_plain,
    };
    play(versions, &directory(), &what)
}

fn value<'a>(element: &'a Element, key: &str) -> &'a str {
    let mut found = element
        .children
        .iter()
        .filter(|child| child.attribute("key") == Some(key));
    found
        .next()
        .and_then(|child| child.attribute("value"))
        .unwrap_or_default()
}

#[test]
fn every_fixture_is_played_to_its_end() {
    for (name, source) in sources() {
        let versions = [version(&source)];
        let played = played(&versions, 100, 1, false);
        assert!(played.histories.len() > 80, "{name}: {} of 100", played.histories.len());
        let text = xes(&played.histories, Activities::Moves);
        let log = parse(text.as_bytes(), BOUNDS).expect("well formed");
        let traces: Vec<&Element> = log.children_named(XES, "trace").collect();
        assert_eq!(traces.len(), played.histories.len());
        let mut seen = BTreeSet::new();
        for trace in traces {
            let events: Vec<&Element> = trace.children_named(XES, "event").collect();
            assert_eq!(value(events[0], "concept:name"), "create", "{name}");
            let times: Vec<&str> = events.iter().map(|event| value(event, "time:timestamp")).collect();
            assert!(times.is_sorted(), "{name}: {times:?}");
            seen.extend(events.iter().map(|event| value(event, "concept:name").to_owned()));
            let branches = events
                .iter()
                .flat_map(|event| value(event, "loonflow:name").split(", "));
            seen.extend(branches.map(str::to_owned));
        }
        // So many tickets take every edge at least once.
        for edge in &versions[0].edges {
            assert!(seen.contains(edge.id.as_str()), "{name}: `{}` is never taken", edge.id);
        }
    }
}

#[test]
fn a_log_is_a_function_of_its_seed() {
    let versions: Vec<Arc<WorkflowVersion>> = sources().iter().map(|(_, source)| version(source)).collect();
    let text = |seed| xes(&played(&versions, 40, seed, false).histories, Activities::Moves);
    assert_eq!(text(3), text(3));
    assert_ne!(text(3), text(4));
    let log = |seed| ocel(&played(&versions, 40, seed, false).histories, true);
    assert_eq!(log(3), log(3));
}

#[test]
fn a_plain_log_leaves_no_fork_early() {
    let versions: Vec<Arc<WorkflowVersion>> = ["nested", "onboarding"]
        .iter()
        .map(|name| version(&source(name)))
        .collect();
    let count = |is_plain| {
        let text = xes(&played(&versions, 60, 5, is_plain).histories, Activities::Moves);
        text.matches("value=\"leave:").count()
    };
    assert!(count(false) > 0);
    assert_eq!(count(true), 0);
}

#[test]
fn what_was_recorded_gives_the_log_of_what_was_played() {
    let versions: Vec<Arc<WorkflowVersion>> = sources().iter().map(|(_, source)| version(source)).collect();
    let played = played(&versions, 70, 9, false);
    let mut recording = Recording::new(&directory_source(), &versions);
    recording.tickets(&played.histories);
    let read = recorded(&recording.log, None).expect("a recording");
    assert_eq!(read.len(), played.histories.len());
    for activities in [Activities::Moves, Activities::Actions] {
        assert_eq!(xes(&read, activities), xes(&played.histories, activities));
    }
    assert_eq!(ocel(&read, true), ocel(&played.histories, true));
    let only = recorded(&recording.log, Some(&"leave".into())).expect("a recording");
    assert!(only.iter().all(|history| history.workflow.as_str() == "leave") && only.len() == 10);
}

#[test]
fn an_object_centric_log_names_only_what_it_has() {
    let versions: Vec<Arc<WorkflowVersion>> = sources().iter().map(|(_, source)| version(source)).collect();
    let text = ocel(&played(&versions, 70, 2, false).histories, true);
    let log: Json = serde_json::from_str(&text).expect("JSON");
    let list = |json: &Json, name: &str| json[name].as_array().expect("a list").clone();
    let names = |items: &[Json], name: &str| -> BTreeSet<String> {
        items
            .iter()
            .map(|one| one[name].as_str().expect("a text").to_owned())
            .collect()
    };
    let (objects, events) = (list(&log, "objects"), list(&log, "events"));
    let ids = names(&objects, "id");
    assert_eq!(ids.len(), objects.len(), "an object stands twice");
    assert_eq!(names(&events, "id").len(), events.len(), "an event stands twice");
    for (items, types) in [(&objects, "objectTypes"), (&events, "eventTypes")] {
        let types = list(&log, types);
        for item in items {
            let kind = types
                .iter()
                .find(|one| one["name"] == item["type"])
                .expect("a declared type");
            let declared = names(&list(kind, "attributes"), "name");
            for attribute in list(item, "attributes") {
                assert!(
                    declared.contains(attribute["name"].as_str().unwrap_or_default()),
                    "{attribute}"
                );
            }
            for relation in list(item, "relationships") {
                assert!(
                    ids.contains(relation["objectId"].as_str().unwrap_or_default()),
                    "{relation}"
                );
            }
        }
    }
    let times: Vec<String> = events
        .iter()
        .map(|one| one["time"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(times.is_sorted());
    // Values only where they are asked for.
    let without = ocel(&played(&versions, 70, 2, false).histories, false);
    assert!(text.contains("field:amount") && !without.contains("field:"));
}

#[test]
fn logs_are_contracts() {
    let versions = [version(&source("leave"))];
    let played = played(&versions, 1, 11, false);
    insta::assert_snapshot!("xes", xes(&played.histories, Activities::Moves));
    insta::assert_snapshot!("ocel", ocel(&played.histories, false));
}

#[test]
fn findings_are_a_contract() {
    let path = root().join("invalid/unnamed_node.json");
    let text = std::fs::read_to_string(&path).expect("a fixture");
    let definition = Definition::from_text(&text, std::path::Path::new("unnamed_node.json")).expect("JSON");
    let document = crate::foreign::process("<b:userTask id=\"x\"/>");
    let imported = bpmn(document.as_bytes(), &Options::default()).expect("a process");
    insta::assert_snapshot!(junit(&[of_definition(&definition), of_import("x.bpmn", &imported)]));
}
