//! The JSON Schemas that editors use, and the pages on how to write a workflow: both say what the parser reads.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use loonflow_engine::account::command::{Command, Context, Foreign};
use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::import::{self, DirectoryFile};
use loonflow_engine::account::{apply, decide};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::definition;
use loonflow_engine::workflow::validate::{ValidationContext, check};
use loonflow_tests::fixtures;
use serde_json::{Map, Value, json};

use crate::pages::page;

/// A key that no object has and that is like no other.
const STRANGE: &str = "qqqqq";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn validator(schema: &Value) -> Validator {
    assert!(jsonschema::draft202012::meta::is_valid(schema));
    jsonschema::draft202012::new(schema).expect("a schema")
}

fn errors(validator: &Validator, instance: &Value) -> Vec<String> {
    let errors = validator.iter_errors(instance);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

// ── what a schema describes, written out ──

/// Everything a schema knows of, as one value: every key of every object, every type of node and field.
fn written_out(schema: &Value, root: &Value) -> Vec<Value> {
    if let Some(example) = schema["examples"].get(0) {
        return vec![example.clone()];
    }
    if let Some(name) = schema["$ref"].as_str() {
        return written_out(root.pointer(name.trim_start_matches('#')).expect("a definition"), root);
    }
    if let Some(word) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return vec![word.clone()];
    }
    if let Some(properties) = schema["properties"].as_object() {
        return objects(schema, properties, root);
    }
    if let Some(either) = schema["anyOf"].get(0) {
        return written_out(either, root);
    }
    vec![match schema["type"].as_str() {
        Some("array") => Value::Array(written_out(&schema["items"], root)),
        Some("boolean") => json!(true),
        Some("string") => json!("x"),
        Some("object") | None | Some(_) => json!({}),
    }]
}

/// One object, or one for each type where `allOf` tells types apart.
fn objects(schema: &Value, properties: &Map<String, Value>, root: &Value) -> Vec<Value> {
    let one = |name: &str, schema: &Value| {
        let value = written_out(schema, root);
        assert!(value.len() == 1, "{name}");
        value.into_iter().next().expect("one")
    };
    let base: Map<String, Value> = properties
        .iter()
        .map(|(name, schema)| (name.clone(), one(name, schema)))
        .collect();
    let branches = schema["allOf"].as_array().into_iter().flatten();
    let typed: Vec<Value> = branches
        .filter(|branch| branch["then"]["properties"]["props"].is_object())
        .flat_map(|branch| {
            let word = &branch["if"]["properties"]["type"];
            let words = word["enum"].as_array().cloned();
            let words = words.unwrap_or_else(|| vec![word["const"].clone()]);
            let props = one("props", &branch["then"]["properties"]["props"]);
            let object = |word| {
                let mut object = base.clone();
                object.insert("type".to_owned(), word);
                object.insert("props".to_owned(), props.clone());
                Value::Object(object)
            };
            words.into_iter().map(object).collect::<Vec<_>>()
        })
        .collect();
    if typed.is_empty() {
        vec![Value::Object(base)]
    } else {
        typed
    }
}

/// Pointers to all objects within a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            found.push(at.to_owned());
            for (name, entry) in entries {
                places(
                    entry,
                    &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(entries) => {
            for (n, entry) in entries.iter().enumerate() {
                places(entry, &format!("{at}/{n}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Words in backticks.
fn quoted(sentence: &str) -> BTreeSet<String> {
    sentence.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A schema knows the keys that the parser knows, object by object: a strange key is an error to the one exactly where
/// it is a warning to the other, and the keys that the warning lists are those the schema has there, `label` aside, which
/// every object may have.
fn same_keys(schema: &Value, unknown_keys: impl Fn(&Value) -> Vec<String>) {
    let validator = validator(schema);
    let [full] = written_out(schema, schema).try_into().expect("one");
    assert_eq!(errors(&validator, &full), [] as [String; 0]);
    assert_eq!(unknown_keys(&full), [] as [String; 0]);
    let mut found = Vec::new();
    places(&full, "", &mut found);
    assert!(found.len() > 10, "{full}");
    let mut n_checked = 0;
    for place in found {
        let mut strange = full.clone();
        let object = strange
            .pointer_mut(&place)
            .and_then(Value::as_object_mut)
            .expect("an object");
        let keys: BTreeSet<String> = object
            .keys()
            .filter(|key| *key != "label" && !key.starts_with('$'))
            .cloned()
            .collect();
        object.insert(STRANGE.to_owned(), json!("readonly"));
        let unknown = unknown_keys(&strange);
        assert_eq!(validator.is_valid(&strange), unknown.is_empty(), "{place}: {unknown:?}");
        // Its keys are dates, which nobody can list.
        if place.ends_with("/special") {
            assert_eq!(unknown.len(), 1, "{place}");
        } else if let Some(sentence) = unknown.first() {
            let (_, listed) = sentence.split_once("there are ").expect("lists those there are");
            let (listed, _) = listed.split_once("; a key for").expect("ends with the way out");
            let listed: BTreeSet<String> = quoted(listed).into_iter().filter(|key| key != "label").collect();
            assert_eq!(listed, keys, "{place}");
            n_checked += 1;
        }
    }
    assert!(n_checked > 5, "{n_checked}");
}

#[test]
fn a_definition_has_the_keys_of_its_schema() {
    same_keys(&json(definition::SCHEMA), |source| {
        // Of some objects it is an error, which is told of where everything is checked.
        let (_, problems) = check(source, None, &ValidationContext::default());
        let unknown = problems.into_iter().filter(|problem| problem.code == "unknown_key");
        unknown.map(|problem| problem.message).collect()
    });
}

#[test]
fn a_directory_has_the_keys_of_its_schema() {
    same_keys(&json(import::SCHEMA), |source| {
        // Within a calendar, a key that nothing reads is an error.
        let problems = match DirectoryFile::parse(source) {
            Ok(file) => file.warnings,
            Err(problems) => {
                assert!(
                    problems.iter().all(|problem| problem.code == "bad_calendar"),
                    "{problems:?}"
                );
                problems
            }
        };
        problems.into_iter().map(|problem| problem.message).collect()
    });
}

/// Editors show it while one writes.
fn described(schema: &Value, at: &str) {
    match schema {
        Value::Object(entries) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let is_told = property["description"].is_string() || property["$ref"].is_string();
                // Conditions between keys are no keys.
                let is_condition = at.contains("/if") || at.contains("/then") || at.contains("/contains");
                assert!(is_told || is_condition, "{at}/{name}");
            }
            for (name, entry) in entries {
                described(entry, &format!("{at}/{name}"));
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| described(entry, at)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_is_described() {
    for schema in [definition::SCHEMA, import::SCHEMA] {
        described(&json(schema), "");
    }
}

// ── the fixtures ──

/// Faults of which a schema can say something.
const OF_SHAPE: [&str; 9] = [
    "assignee_missing",
    "calendar_without_duration",
    "deadline_misplaced",
    "hook_without_url",
    "no_end_node",
    "several_start_nodes",
    "start_without_input",
    "timer_without_duration",
    "unnamed_node",
];

#[test]
fn fixtures_that_run_are_valid_and_faults_of_shape_are_not() {
    let schema = validator(&json(definition::SCHEMA));
    for (stem, source) in fixtures::folder("workflows") {
        assert_eq!(errors(&schema, &source), [] as [String; 0], "{stem}");
    }
    assert_eq!(errors(&schema, &fixtures::memo()), [] as [String; 0]);
    for (stem, source) in fixtures::folder("invalid") {
        assert_eq!(schema.is_valid(&source), !OF_SHAPE.contains(&stem.as_str()), "{stem}");
    }
    let schema = validator(&json(import::SCHEMA));
    for (stem, source) in fixtures::folder("directory") {
        assert_eq!(errors(&schema, &source), [] as [String; 0], "{stem}");
    }
}

// ── the pages ──

/// The JSON examples of a page, in order.
fn examples(path: &str) -> Vec<Value> {
    let page = page(path);
    let blocks = page.split("```json\n").skip(1);
    blocks
        .map(|block| json(block.split("```").next().unwrap_or(block)))
        .collect()
}

/// The directory of the page, as one that holds it: its people, then the hours in which they work.
fn directory() -> Directory {
    let found = examples("engine/docs/directory.md");
    assert_eq!(found.len(), 2);
    found.iter().fold(Directory::empty("acme".into()), |directory, source| {
        assert_eq!(errors(&validator(&json(import::SCHEMA)), source), [] as [String; 0]);
        let file = DirectoryFile::parse(source).expect("reads");
        assert_eq!(file.warnings, []);
        let command = Command::Import {
            file: Box::new(file),
            hashes: BTreeMap::new(),
        };
        let context = Context {
            now: Timestamp(0),
            foreign: &Foreign::default(),
        };
        let events = decide::decide(&directory, &command, &context).expect("fits together");
        events.iter().fold(directory, apply::apply)
    })
}

fn in_order(source: &Value, directory: &Directory) {
    let context = ValidationContext {
        directory: Some(directory),
        known_workflows: None,
    };
    let (version, problems) = check(source, None, &context);
    assert!(version.is_some() && problems.is_empty(), "{problems:#?}\n{source:#}");
}

/// A node with a start before it and an end behind it, and with the fields that examples of nodes name.
fn around_node(node: &Value) -> Value {
    let id = &node["id"];
    let field = |kind: &str, key: &str| json!({ "id": key, "type": kind, "component_key": key });
    let is_left_by_people = node["type"] == "normal";
    let kind = if is_left_by_people { "agree" } else { "condition" };
    json!({
        "basic_info": { "id": "example", "version": "1" },
        "form_schema": { "component_info_list": [{ "id": "row", "type": "row", "children": [
            field("title", "title"), field("number", "amount"), field("date", "due"), field("user", "owner"),
        ] }] },
        "process_schema": {
            "node_info_list": [
                { "id": "start", "name": "Start", "type": "start", "props": { "field_permissions": { "title": "required" } } },
                node,
                { "id": "end", "name": "End", "type": "end" },
            ],
            "edge_info_list": [
                { "id": "submit", "name": "Submit", "type": "agree", "source_node_id": "start", "target_node_id": id },
                { "id": "done", "name": "Done", "type": kind, "source_node_id": id, "target_node_id": "end" },
            ],
        },
    })
}

/// The list at a pointer of a definition.
fn list<'a>(definition: &'a mut Value, pointer: &str) -> &'a mut Vec<Value> {
    definition
        .pointer_mut(pointer)
        .and_then(Value::as_array_mut)
        .expect("a list")
}

const ROWS: &str = "/form_schema/component_info_list";
const NODES: &str = "/process_schema/node_info_list";
const EDGES: &str = "/process_schema/edge_info_list";

/// A definition with an edge in the place of the one of its id.
fn with_edge(definition: &Value, edge: &Value) -> Value {
    let mut definition = definition.clone();
    let old = list(&mut definition, EDGES)
        .iter_mut()
        .find(|one| one["id"] == edge["id"]);
    *old.expect("an edge of that id") = edge.clone();
    definition
}

/// A definition with one more field; a title takes the place of the one there is, and is hidden at start.
fn with_field(definition: &Value, field: &Value) -> Value {
    let mut definition = definition.clone();
    if field["type"] == "title" {
        list(&mut definition, ROWS)[0]["children"][0] = field.clone();
        list(&mut definition, NODES)[0]["props"]["field_permissions"]["title"] = "hidden".into();
    } else {
        list(&mut definition, ROWS).push(json!({ "id": "more", "type": "row", "children": [field] }));
    }
    definition
}

/// Whoever follows the page gets what it says: each example, whole or spliced into the last whole one, has no problem.
#[test]
fn every_example_of_the_page_is_in_order() {
    let directory = directory();
    let schema = json(definition::SCHEMA);
    let part = |name: &str| validator(&json!({ "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] }));
    let (whole, edge, component, node) = (validator(&schema), part("edge"), part("component"), part("node"));
    let found = examples("engine/docs/definition.md");
    let wholes: Vec<&Value> = found.iter().filter(|one| one.get("basic_info").is_some()).collect();
    let last = wholes.last().expect("whole examples");
    assert!(wholes.len() >= 4 && found.len() > 15, "{}", found.len());
    for example in &found {
        let (validator, spliced) = if example.get("basic_info").is_some() {
            (&whole, example.clone())
        } else if example.get("source_node_id").is_some() {
            (&edge, with_edge(last, example))
        } else if example.get("component_key").is_some() {
            (&component, with_field(last, example))
        } else {
            (&node, around_node(example))
        };
        assert_eq!(errors(validator, example), [] as [String; 0], "{example}");
        in_order(&spliced, &directory);
    }
}

/// Every key that the schema has is told on the page.
#[test]
fn every_key_is_on_the_page() {
    for (schema, path) in [
        (definition::SCHEMA, "engine/docs/definition.md"),
        (import::SCHEMA, "engine/docs/directory.md"),
    ] {
        let page = page(path);
        let mut open = vec![json(schema)];
        while let Some(part) = open.pop() {
            for name in part["properties"].as_object().into_iter().flat_map(Map::keys) {
                let is_told = page.contains(&format!("`{name}`")) || page.contains(&format!("\"{name}\""));
                assert!(is_told, "{path}: `{name}`");
            }
            match part {
                Value::Object(entries) => open.extend(entries.into_iter().map(|(_, entry)| entry)),
                Value::Array(entries) => open.extend(entries),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
    }
}
