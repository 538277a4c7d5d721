//! Every key that the definition format names, and the rule or the refusal that honours it: a test each, named for the
//! key. What none of them answers for, `every_key_of_the_schema_is_honoured` names.
//!
//! In reading order: `form` (head and fields), `process` (nodes, edges, rights), `people` (who acts), `waiting` (timers,
//! deadlines), `outside` (what is asked and told of other systems, and sub-tickets). `draft` is the definition they change.

mod draft;
mod form;
mod outside;
mod people;
mod process;
mod waiting;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// A key as the schema has it, below the object that holds it, and its test.
type Honoured = (&'static str, fn());

/// Keys whose test stands with the rules that it shows: key, file below `engine/tests`, test.
const ELSEWHERE: [(&str, &str, &str); 15] = [
    (
        "advanced_schema.notification_info.events",
        "ticket/notices.rs",
        "key_notification_events",
    ),
    (
        "advanced_schema.notification_info.fields",
        "ticket/notices/reading.rs",
        "key_notification_fields",
    ),
    (
        "advanced_schema.notification_info.title_template",
        "ticket/notices/reading.rs",
        "key_notification_title_template_and_content_template",
    ),
    (
        "advanced_schema.notification_info.content_template",
        "ticket/notices/reading.rs",
        "key_notification_title_template_and_content_template",
    ),
    (
        "advanced_schema.notification_info.selected_channel_list",
        "ticket/notices.rs",
        "key_notification_selected_channel_list",
    ),
    ("file_props.accept", "ticket/files.rs", "key_file_accept"),
    (
        "normal_props.allow_add_signer",
        "ticket/approving.rs",
        "key_allow_add_signer",
    ),
    (
        "normal_props.skip_same_approver",
        "ticket/approving.rs",
        "key_skip_same_approver",
    ),
    (
        "normal_props.on_creator",
        "ticket/approving.rs",
        "key_on_creator_allow_exclude_next_above",
    ),
    (
        "normal_props.on_nobody",
        "ticket/approving.rs",
        "key_on_nobody_refuse_next_above_admins",
    ),
    ("normal_props.allow_return", "ticket/going_back.rs", "key_allow_return"),
    ("normal_props.allow_resume", "ticket/going_back.rs", "key_allow_resume"),
    (
        "normal_props.allow_undo",
        "ticket/going_back/undone.rs",
        "key_allow_undo",
    ),
    (
        "start_props.allow_undo",
        "ticket/going_back/undone.rs",
        "key_allow_undo",
    ),
    (
        "file_props.multiple",
        "ticket/files.rs",
        "a_value_names_ids_and_the_events_say_what_each_is",
    ),
];

/// A key in `properties` of the whole or of a definition of the schema that is not an object of further keys itself.
fn keys_of(schema: &Json, place: &str, keys: &mut BTreeSet<String>) {
    let properties = schema["properties"].as_object();
    for (key, what) in properties.into_iter().flatten() {
        let at = if place.is_empty() {
            key.clone()
        } else {
            format!("{place}.{key}")
        };
        if !what["properties"].is_null() {
            keys_of(what, &at, keys);
        } else if !is_kept(what) && !is_list_of_objects(what) && key != "props" && key != "$schema" {
            keys.insert(at);
        }
    }
}

/// `label` and `layout`, which the engine keeps and reads nothing of.
fn is_kept(what: &Json) -> bool {
    ["#/$defs/label", "#/$defs/layout"]
        .iter()
        .any(|kept| what["$ref"] == *kept)
}

/// What is in it has keys of its own.
fn is_list_of_objects(what: &Json) -> bool {
    let item = what["items"]["$ref"].as_str();
    item.is_some_and(|item| item.starts_with("#/$defs/"))
}

#[test]
fn every_key_of_the_schema_is_honoured() {
    let schema: Json = serde_json::from_str(include_str!("../../schemas/workflow.json")).unwrap();
    let mut keys = BTreeSet::new();
    keys_of(&schema, "", &mut keys);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        keys_of(definition, name, &mut keys);
    }
    assert!(keys.len() > 100, "{}: the schema reads otherwise now", keys.len());
    let tables = [
        form::HONOURED,
        process::HONOURED,
        people::HONOURED,
        waiting::HONOURED,
        outside::HONOURED,
    ];
    let mut honoured = BTreeMap::new();
    for (key, test) in tables.into_iter().flatten() {
        assert!(honoured.insert((*key).to_owned(), test).is_none(), "{key} stands twice");
    }
    let mut honoured: BTreeSet<_> = honoured.into_keys().collect();
    for (key, file, test) in ELSEWHERE {
        let path = format!("{}/tests/{file}", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(source.contains(&format!("fn {test}()")), "{file} has no test {test}");
        assert!(honoured.insert(key.to_owned()), "{key} stands twice");
    }
    let unanswered: Vec<_> = keys.difference(&honoured).collect();
    assert!(unanswered.is_empty(), "no test answers for {unanswered:#?}");
    let gone: Vec<_> = honoured.difference(&keys).collect();
    assert!(gone.is_empty(), "the schema does not name {gone:#?}");
}
