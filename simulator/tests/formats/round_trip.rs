//! A definition, written as BPMN and read again, is the same definition.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use loonflow_engine::workflow::validate::{ValidationContext, check};
use loonflow_simulator::formats::export::bpmn::{NAMESPACE, bpmn};
use loonflow_simulator::formats::export::history::Activities;
use loonflow_simulator::formats::export::junit::{junit, of_definition};
use loonflow_simulator::formats::export::mermaid::{Marked, mermaid};
use loonflow_simulator::formats::export::ocel::ocel;
use loonflow_simulator::formats::export::pnml::pnml;
use loonflow_simulator::formats::export::xes::xes;
use loonflow_simulator::formats::import::bpmn::{BOUNDS, Options, bpmn as import};
use loonflow_simulator::formats::xml::{Element, parse};
use loonflow_simulator::prove::net::net;
use loonflow_simulator::world::inputs::Definition;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::fixtures::{source, sources, version};
use crate::logs::played;

fn again(document: &str) -> Json {
    let imported = import(document.as_bytes(), &Options::default()).expect("a document of ours");
    assert!(imported.is_whole(), "{:?}", imported.findings);
    imported.definition
}

#[test]
fn the_fixtures_come_back_as_they_were() {
    for (name, source) in sources() {
        let version = version(&source);
        let document = bpmn(&version, true);
        assert_eq!(document, bpmn(&version, true), "{name}: other bytes");
        assert_eq!(again(&document), source, "{name}");
        assert_references(&document);
    }
}

/// With the choices behind its tasks it has more shapes than a definition may have nodes.
#[test]
fn a_large_definition_comes_back() {
    let mut source = source("leave");
    let process = source["process_schema"].as_object_mut().expect("a process");
    let nodes = process["node_info_list"].as_array_mut().expect("nodes");
    let (start, mut task, end) = (nodes[0].clone(), nodes[1].clone(), nodes[3].clone());
    task["layout"] = json!({});
    task["props"]
        .as_object_mut()
        .expect("props")
        .remove("field_permissions");
    let n = loonflow_engine::limits::NODES_MAX * 11 / 20;
    let tasks = (0..n).map(|n| {
        let mut task = task.clone();
        task["id"] = json!(format!("n{n}"));
        task
    });
    *nodes = [start].into_iter().chain(tasks).chain([end]).collect();
    let edge = |id: String, kind: &str, from: String, to: String| json!({ "id": id, "name": "x", "type": kind, "source_node_id": from, "target_node_id": to, "props": {} });
    let name = |n: usize| format!("n{n}");
    let on = (0..n - 1).map(|n| edge(format!("e{n}"), "agree", name(n), name(n + 1)));
    let back = (0..n).map(|n| edge(format!("b{n}"), "reject", name(n), "start".to_owned()));
    let ends = [
        edge("first".to_owned(), "agree", "start".to_owned(), name(0)),
        edge("last".to_owned(), "agree", name(n - 1), "end".to_owned()),
    ];
    process["edge_info_list"] = ends.into_iter().chain(on).chain(back).collect();
    assert_eq!(again(&bpmn(&version(&source), true)), source);
}

#[test]
fn secrets_are_left_out_unless_asked_for() {
    let mut source = source("release");
    source["advanced_schema"]["customization_info"]["hook_info_list"] = json!([
        { "id": "h", "name": "Tell", "url": "https://a.example/", "token": "event-hook-token", "event_list": ["finish"] },
    ]);
    let version = version(&source);
    let document = bpmn(&version, false);
    for secret in ["deploy-hook-token", "event-hook-token"] {
        assert!(bpmn(&version, true).contains(secret));
        assert!(!document.contains(secret));
    }
    let imported = import(document.as_bytes(), &Options::default()).expect("a document of ours");
    let codes: Vec<&str> = imported.findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["secrets_left_out", "secrets_left_out"]);
    for (one, place) in imported.findings.iter().zip([
        "advanced_schema.customization_info.hook_info_list.0.token",
        "props.hook_token",
    ]) {
        assert!(one.message.contains(place), "{}", one.message);
    }
    // But for the tokens it is the same.
    let nodes = source["process_schema"]["node_info_list"]
        .as_array_mut()
        .expect("nodes");
    let hook = nodes.iter_mut().find(|one| one["id"] == "deploy").expect("a hook");
    hook["props"].as_object_mut().expect("props").remove("hook_token");
    let hooks = &mut source["advanced_schema"]["customization_info"]["hook_info_list"];
    hooks[0].as_object_mut().expect("a hook").remove("token");
    assert_eq!(imported.definition, source);
}

/// Whatever the engine shows nobody, wherever it stands, and in no format; and what only sounds like it stays.
#[test]
fn no_secret_of_a_definition_goes_from_hand_to_hand() {
    let mut source = source("release");
    source["_note"] = json!({ "api-key": "s3cret", "colour": "green" });
    source["form_schema"]["component_info_list"][0]["label"] = json!({ "client_key": "s3cret" });
    let children = source["form_schema"]["component_info_list"][0]["children"]
        .as_array_mut()
        .expect("components");
    children[0]["props"]["signature_key"] = json!("s3cret");
    children.push(json!({
        "id": "c-stock", "type": "externaldata", "component_key": "stock", "component_name": "Stock",
        "props": { "endpoint": "https://stock.example/s3cret", "headers": { "x": "s3cret" }, "columns": ["a"] },
    }));
    // A field may be called anything; permissions are named by fields.
    children.push(json!({
        "id": "c-token", "type": "text", "component_key": "token_count", "component_name": "Count", "props": {},
    }));
    let process = source["process_schema"].as_object_mut().expect("a process");
    let nodes = process["node_info_list"].as_array_mut().expect("nodes");
    let hook = nodes.iter_mut().find(|one| one["id"] == "deploy").expect("a hook");
    hook["props"]["hook_url"] = json!("https://ann:s3cret@hooks.example/deploy?access_token=s3cret&env=test");
    hook["props"]["hook_token"] = json!("s3cret");
    hook["props"]["private_key"] = json!({ "pem": ["s3cret"] });
    let task = nodes.iter_mut().find(|one| one["type"] == "normal").expect("a task");
    task["props"]["field_permissions"]["token_count"] = json!("optional");
    task["label"] = json!({ "password": "s3cret" });
    let edges = process["edge_info_list"].as_array_mut().expect("edges");
    edges[0]["props"]["signing-key"] = json!("s3cret");
    source["advanced_schema"]["customization_info"]["hook_info_list"] = json!([
        { "id": "h", "name": "Tell", "url": "https://ann:s3cret@hooks.example/", "token": "s3cret", "event_list": ["finish"] },
    ]);
    let version = version(&source);
    assert_eq!(again(&bpmn(&version, true)), source, "with secrets nothing is missing");

    let document = bpmn(&version, false);
    let net = net(&version, &BTreeSet::new()).map_or_else(|_| String::new(), |net| pnml(&net, &version.name));
    let flowchart = mermaid(&version, &Marked::default());
    let read = Definition::from_text(&source.to_string(), Path::new("release.json")).expect("a definition");
    let histories = played(&[Arc::clone(&version)], 2, 21, false).histories;
    for (format, text) in [
        ("bpmn", &document),
        ("mermaid", &flowchart),
        ("pnml", &net),
        ("junit", &junit(&[of_definition(&read)])),
        ("xes", &xes(&histories, Activities::Actions)),
        ("ocel", &ocel(&histories, true)),
    ] {
        assert!(!text.contains("s3cret") && !text.contains("ann:"), "{format}: {text}");
    }
    assert!(!histories.is_empty());
    let imported = import(document.as_bytes(), &Options::default()).expect("a document of ours");
    assert!(
        imported.findings.iter().all(|one| one.code == "secrets_left_out"),
        "{:?}",
        imported.findings
    );
    let told: String = imported
        .findings
        .iter()
        .map(|one| format!("{}\n", one.message))
        .collect();
    for place in [
        "_note.api-key",
        "stock.props.endpoint",
        "stock.props.headers",
        "hook_info_list.0.url",
        "hook_info_list.0.token",
        "props.hook_url",
        "props.hook_token",
        "props.private_key",
        "label.password",
        "props.signing-key",
        "form_schema.component_info_list.0.label.client_key",
    ] {
        assert!(told.contains(place), "{place}: {told}");
    }
    let text = imported.definition.to_string();
    for kept in [
        "https://hooks.example/deploy?env=test",
        "\"token_count\":\"optional\"",
        "green",
        "\"columns\":[\"a\"]",
    ] {
        assert!(text.contains(kept), "{kept}");
    }
    let (read, problems) = check(&imported.definition, None, &ValidationContext::default());
    assert!(read.is_some(), "what is left still runs: {problems:?}");
}

#[test]
fn what_was_moved_or_rewritten_in_a_drawing_tool_counts() {
    let purchase = source("purchase");
    let document = bpmn(&version(&purchase), true);
    // The shape of `manager` is dragged, a condition is edited, a task renamed, the default taken elsewhere.
    let bounds = between(&document, "bpmnElement=\"manager\">", "/>");
    let moved = document
        .replace(bounds, "<dc:Bounds x=\"850\" y=\"-580\" width=\"100\" height=\"80\"")
        .replace(">=amount &gt; 1000<", ">=amount &gt;= 2000 and item != \"\"<")
        .replace("name=\"Manager\"", "name=\"Line manager\"");
    let changed = again(&moved);
    let mut expected = purchase;
    let nodes = expected["process_schema"]["node_info_list"]
        .as_array_mut()
        .expect("nodes");
    let manager = nodes.iter_mut().find(|one| one["id"] == "manager").expect("a node");
    manager["name"] = json!("Line manager");
    manager["layout"] = json!({ "x": 900.0, "y": -540.0 });
    let edges = expected["process_schema"]["edge_info_list"]
        .as_array_mut()
        .expect("edges");
    let edge = edges
        .iter_mut()
        .find(|one| one["id"] == "to_director")
        .expect("an edge");
    edge["props"]["condition_groups"] = json!([{ "conditions": [
        { "field_name": "amount", "operator": ">=", "value": "2000" },
        { "field_name": "item", "operator": "is_not_empty", "value": null },
    ] }]);
    assert_eq!(changed, expected);

    // This one is drawn at twice its size.
    let document = bpmn(&version(&source("nested")), true);
    let bounds = between(&document, "bpmnElement=\"legal\">", "/>");
    let moved = document.replace(bounds, "<dc:Bounds x=\"0\" y=\"-400\" width=\"100\" height=\"80\"");
    let nodes = again(&moved)["process_schema"]["node_info_list"].clone();
    let legal = nodes
        .as_array()
        .and_then(|nodes| nodes.iter().find(|one| one["id"] == "legal"));
    assert_eq!(
        legal.map(|one| &one["layout"]),
        Some(&json!({ "x": 25.0, "y": -180.0 }))
    );
}

#[test]
fn what_was_added_in_a_drawing_tool_is_taken_in() {
    let document = bpmn(&version(&source("leave")), true);
    let more = "<bpmn:userTask id=\"extra\" name=\"Check\" xmlns:c=\"http://camunda.org/schema/1.0/bpmn\" \
        c:candidateGroups=\"checkers\"/><bpmn:sequenceFlow id=\"checked\" name=\"Checked\" sourceRef=\"extra\" \
        targetRef=\"end\"/></bpmn:process>";
    let document = document
        .replace("</bpmn:process>", more)
        .replace("targetRef=\"end\">", "targetRef=\"extra\">");
    let changed = again(&document);
    let nodes = changed["process_schema"]["node_info_list"].as_array().expect("nodes");
    let extra = nodes.iter().find(|one| one["id"] == "extra").expect("the new node");
    assert_eq!(extra["props"]["assignee"], "checkers");
    assert_eq!(extra["props"]["assignment_strategy"], "voluntary");
}

#[test]
fn joins_are_drawn_where_bpmn_would_not_wait() {
    // Branches meet at a task: a gateway is added before it, of the kind of the split.
    let document = bpmn(&version(&source("onboarding")), true);
    assert!(document.contains("<bpmn:parallelGateway id=\"sign_off_join\" loonflow:added=\"join\">"));
    // Branches meet at a gateway of that kind: nothing is added.
    let document = bpmn(&version(&source("nested")), true);
    assert!(!document.contains("loonflow:added=\"join\""));
    assert!(document.contains("Leaves the fork of `split1` early"));
}

#[test]
fn a_flowchart_is_a_contract() {
    let version = version(&source("purchase"));
    let marked = Marked {
        nodes: ["start".into(), "by_amount".into()].into(),
        edges: ["submit".into()].into(),
        now: ["by_amount".into()].into(),
    };
    insta::assert_snapshot!(mermaid(&version, &marked));
}

#[test]
fn a_document_is_a_contract() {
    insta::assert_snapshot!(bpmn(&version(&source("leave")), true));
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).expect("the beginning") + from.len();
    let rest = &text[start..];
    rest[..rest.find(to).expect("the end")].trim()
}

/// Ids are unique and each reference names an element: what XML Schema asks for by `xsd:ID` and `xsd:QName`.
fn assert_references(document: &str) {
    let root = parse(document.as_bytes(), BOUNDS).expect("well formed");
    let (mut ids, mut references) = (BTreeSet::new(), Vec::new());
    collect(&root, &mut ids, &mut references);
    for (what, reference) in references {
        assert!(
            ids.contains(&reference),
            "{what} names `{reference}`, which is not there"
        );
    }
}

fn collect(element: &Element, ids: &mut BTreeSet<String>, references: &mut Vec<(String, String)>) {
    if element.namespace != NAMESPACE
        && let Some(id) = element.attribute("id")
    {
        assert!(ids.insert(id.to_owned()), "the id `{id}` stands twice");
        assert!(loonflow_simulator::formats::xml::is_name(id), "`{id}` is no XML name");
    }
    for name in ["sourceRef", "targetRef", "default", "bpmnElement"] {
        references.extend(element.attribute(name).map(|id| (name.to_owned(), id.to_owned())));
    }
    if matches!(element.name.as_str(), "incoming" | "outgoing") {
        references.push((element.name.clone(), element.text.clone()));
    }
    element
        .children
        .iter()
        .for_each(|child| collect(child, ids, references));
}

/// Odd texts for ids and names, which XML, FEEL and Mermaid must all survive.
const ODD: [&str; 10] = [
    "a b",
    "a_b",
    "<&\"'>",
    "größe",
    "7",
    "start_start",
    "end\nof line\t",
    "\u{1F600} ]]>",
    "definitions",
    "x",
];

/// Changes a definition here and there, as the tape says; may well make nonsense of it.
fn mutate(source: &mut Json, tape: &[u16]) {
    for (step, choice) in tape
        .chunks(2)
        .map(|two| (two[0], usize::from(*two.last().unwrap_or(&0))))
    {
        let process = source["process_schema"].as_object_mut().expect("a process");
        let list = if step % 2 == 0 {
            "node_info_list"
        } else {
            "edge_info_list"
        };
        let items = process[list].as_array_mut().expect("a list");
        let place = choice % items.len();
        match step % 9 {
            0 | 1 => {
                let (old, odd) = (items[place]["id"].clone(), json!(ODD[choice % ODD.len()]));
                items[place]["id"] = odd.clone();
                rename(source, &old, &odd);
            }
            2 => items[place]["name"] = json!(ODD[choice % ODD.len()]),
            3 => items[place]["unknown key"] = json!([1, { "deep": null }]),
            4 => items[place]["layout"] = json!({ "x": choice % 300, "y": 0.5 }),
            5 => {
                let other = (place + 1) % items.len();
                items.swap(place, other);
            }
            6 => {
                items.remove(place);
            }
            7 => {
                let other = items[(place + 1) % items.len()]["id"].clone();
                if list == "edge_info_list" {
                    items[place]["type"] = json!("reject");
                } else {
                    items[place]["props"]["auto_edge"] = other;
                }
            }
            _ => {
                let mut copy = items[place].clone();
                copy["id"] = json!(format!("copy {step}"));
                items.push(copy);
            }
        }
    }
}

/// Renames an id wherever a definition names it.
fn rename(source: &mut Json, old: &Json, new: &Json) {
    let process = source["process_schema"].as_object_mut().expect("a process");
    for edge in process["edge_info_list"].as_array_mut().expect("edges") {
        for end in ["source_node_id", "target_node_id"] {
            if edge[end] == *old {
                edge[end] = new.clone();
            }
        }
    }
    for node in process["node_info_list"].as_array_mut().expect("nodes") {
        if node["props"].get("default_branch") == Some(old) {
            node["props"]["default_branch"] = new.clone();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever can be published comes back as it was, and draws as a document whose references hold.
    #[test]
    fn changed_fixtures_come_back_as_they_were(which in 0usize..7, tape in prop::collection::vec(any::<u16>(), 0..10)) {
        let (name, mut source) = sources().swap_remove(which);
        mutate(&mut source, &tape);
        if let (Some(version), _) = check(&source, None, &ValidationContext::default()) {
            let document = bpmn(&version, true);
            assert_references(&document);
            let imported = import(document.as_bytes(), &Options::default()).expect("a document of ours");
            prop_assert_eq!(&imported.definition, &source, "{}: {:?}", name, imported.findings);
            prop_assert!(imported.is_whole());
            prop_assert!(mermaid(&version, &Marked::default()).lines().count() > source["process_schema"]["node_info_list"].as_array().map_or(0, Vec::len));
        }
    }
}
