//! The contract of the tool list: clean for strict clients, small, and every argument of the contract is there.

mod output;

use serde_json::{Map, Value, json};

use super::*;
use crate::call::{
    absence_clear, absence_list, absence_set, file_upload, ticket_create, ticket_detail, ticket_handle, ticket_history,
    ticket_list, ticket_prepare_create, ticket_prepare_handle, user_list, workflow_list,
};
use crate::limits::TOOLS_LIST_BYTES_MAX;

fn list() -> Value {
    serde_json::to_value(rmcp::model::ListToolsResult::with_all_items(all().listed())).expect("is JSON")
}

fn arguments(tool: &str, sent: Value) -> Result<Arguments, ApiError> {
    let Value::Object(sent) = sent else {
        unreachable!("an object")
    };
    Arguments::new(sent, &all().find(tool).expect("a tool").arguments)
}

#[test]
fn the_list_is_the_contract() {
    insta::assert_json_snapshot!(list());
}

#[test]
fn the_list_is_small() {
    let bytes = list().to_string().len();
    assert!(bytes < TOOLS_LIST_BYTES_MAX, "{bytes} bytes");
}

#[test]
fn schemas_are_plain() {
    fn plain(path: &str, schema: &Value, described: bool) {
        let schema = schema.as_object().unwrap_or_else(|| panic!("{path} is no schema"));
        let kind = schema
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{path} has not one type"));
        assert!(
            ["string", "integer", "boolean", "object", "array"].contains(&kind),
            "{path}: {kind}"
        );
        for key in schema.keys() {
            let known = [
                "type",
                "description",
                "default",
                "enum",
                "minimum",
                "maximum",
                "properties",
                "required",
                "items",
            ];
            assert!(known.contains(&key.as_str()), "{path}: {key}");
        }
        assert!(!schema.values().any(Value::is_null), "{path} has a null");
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        assert!(!described || !text.is_empty(), "{path} has no description");
        if kind == "array" {
            plain(&format!("{path}[]"), &schema["items"], false);
        }
        for (key, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            plain(&format!("{path}.{key}"), property, true);
        }
    }
    for tool in all().listed() {
        plain(&tool.name, &Value::Object((*tool.input_schema).clone()), false);
        plain(
            &tool.name,
            &Value::Object((*tool.output_schema.expect("has one")).clone()),
            false,
        );
        assert!(
            tool.title.is_some() && tool.description.is_some() && tool.annotations.is_some(),
            "{}",
            tool.name
        );
    }
}

#[test]
fn an_error_fits_every_output_schema() {
    for tool in all().listed() {
        let schema = tool.output_schema.expect("has one");
        assert!(
            !schema.contains_key("required") && !schema.contains_key("additionalProperties"),
            "{}",
            tool.name
        );
    }
}

#[test]
fn annotations_are_honest() {
    for tool in all().listed() {
        let annotations = tool.annotations.expect("has some");
        let changes = ["ticket_handle", "absence_set", "absence_clear"].contains(&tool.name.as_ref());
        let reads = !changes && !["ticket_create", "file_upload"].contains(&tool.name.as_ref());
        assert_eq!(annotations.read_only_hint, Some(reads), "{}", tool.name);
        assert_eq!(annotations.destructive_hint, Some(changes), "{}", tool.name);
    }
}

#[test]
fn ticket_list_has_the_defaults_of_the_contract() {
    let params = ticket_list::Params::parse(&mut arguments("ticket_list", json!({})).expect("known")).expect("parses");
    assert_eq!(
        (
            params.category.as_str(),
            params.reverse,
            params.page.page,
            params.page.per_page
        ),
        ("duty", true, 1, 10)
    );
    assert!(params.search_value.is_none() && params.workflow_ids.is_empty() && params.create_start.is_none());
    let sent = json!({ "category": "all", "workflow_ids": "a, b", "reverse": "0", "per_page": 100.0, "page": null });
    let params = ticket_list::Params::parse(&mut arguments("ticket_list", sent).expect("known")).expect("parses");
    assert_eq!(
        (params.workflow_ids.len(), params.reverse, params.page.per_page),
        (2, false, 100)
    );
    for sent in [
        json!({ "category": "mine" }),
        json!({ "reverse": 2 }),
        json!({ "per_page": 0 }),
        json!({ "page": "x" }),
    ] {
        let refused = ticket_list::Params::parse(&mut arguments("ticket_list", sent.clone()).expect("known"));
        assert!(refused.is_err(), "{sent}");
    }
}

fn handle(sent: Value) -> Result<ticket_handle::Params, String> {
    arguments("ticket_handle", sent)
        .and_then(|mut arguments| ticket_handle::Params::parse(&mut arguments))
        .map_err(|error| error.to_string())
}

#[test]
fn handle_request_wins_and_objects_are_merged() {
    let sent = json!({
        "ticket_id": " 7 ",
        "action_type": "agree",
        "action_id": "e1",
        "action_props": "{\"comment\": \"a\", \"node_id\": \"n\"}",
        "fields": { "x": 1, "y": null },
        "handle_request": { "action_id": "e2", "action_type": null, "action_props": { "comment": "b" }, "fields": "{\"x\": 2}" },
        "dry_run": "true",
        "expected_version": "4",
    });
    let expected = ticket_handle::Params {
        ticket_id: "7".to_owned(),
        action_type: "agree".to_owned(),
        action_id: "e2".to_owned(),
        action_props: map(json!({ "comment": "b", "node_id": "n" })),
        fields: map(json!({ "x": 2, "y": null })),
        dry_run: true,
        expected_version: Some(4),
        idempotency_key: None,
    };
    assert_eq!(handle(sent.clone()), Ok(expected.clone()));
    // The request may come as a text as well.
    let mut as_text = sent;
    as_text["handle_request"] = json!(as_text["handle_request"].to_string());
    assert_eq!(handle(as_text), Ok(expected));
}

#[test]
fn handle_request_has_four_keys() {
    let refuse = |request: Value| handle(json!({ "ticket_id": "7", "handle_request": request })).expect_err("refused");
    insta::assert_snapshot!(refuse(json!({ "action": "x" })), @"invalid_argument: `handle_request` has no key `action`. Send `action_type` and `action_id`, the `type` and `id` of an action that `ticket_prepare_handle` offers.");
    insta::assert_snapshot!(refuse(json!({ "action_id": 5 })), @"invalid_argument: argument `handle_request.action_id` must be a string, got the number `5`. Send `handle_request.action_id` as a string.");
    insta::assert_snapshot!(refuse(json!("not json")), @r#"invalid_argument: argument `handle_request` must be an object, got the string `"not json"`. Send `handle_request` as an object."#);
    insta::assert_snapshot!(refuse(json!({ "fields": [1] })), @"invalid_argument: argument `handle_request.fields` must be an object, got the array `[1]`. Send `handle_request.fields` as an object.");
}

#[test]
fn a_ticket_must_be_named() {
    assert!(
        handle(json!({ "ticket_id": " " }))
            .expect_err("blank")
            .contains("`ticket_id` is required")
    );
    assert!(
        handle(json!({}))
            .expect_err("missing")
            .contains("`ticket_id` is required")
    );
    assert_eq!(
        handle(json!({ "ticket_id": "7", "expected_version": 0 }))
            .expect("any")
            .expected_version,
        None
    );
}

#[test]
fn departments_that_mean_all_filter_nothing() {
    for dept in ["0", "", user_list::NIL_UUID] {
        let mut arguments = arguments("user_list", json!({ "dept_id": dept })).expect("known");
        assert_eq!(user_list::Params::parse(&mut arguments).expect("parses").dept_id, None);
    }
}

#[test]
fn create_takes_people_as_a_list_or_a_text() {
    for cc in [json!(["a", "b"]), json!("a, b")] {
        let sent = json!({ "workflow_id": "w", "cc_to_user_id_list": cc });
        let mut arguments = arguments("ticket_create", sent).expect("known");
        let params = ticket_create::Params::parse(&mut arguments).expect("parses");
        assert_eq!((params.cc_to_user_ids.len(), params.action_id), (2, None));
    }
}

/// Every declared argument is read by its tool: a value of a type that no argument has is refused for each.
#[test]
fn every_declared_argument_is_read() {
    for entry in &all().entries {
        for name in entry
            .arguments
            .iter()
            .filter(|name| ![ACCESS_TOKEN, APP_NAME].contains(name))
        {
            let sent = [((*name).to_owned(), json!([{}]))];
            let mut sent: Map<String, Value> = sent.into_iter().collect();
            for required in ["ticket_id", "workflow_id", "delegate_id", "from", "to", "name"] {
                if entry.arguments.contains(&required) && !sent.contains_key(required) {
                    sent.insert(required.to_owned(), json!("x"));
                }
            }
            let mut arguments = Arguments::new(sent, &entry.arguments).expect("known");
            let refused = match entry.tool.name.as_ref() {
                "ticket_list" => ticket_list::Params::parse(&mut arguments).err(),
                "ticket_detail" => ticket_detail::Params::parse(&mut arguments).err(),
                "ticket_prepare_handle" => ticket_prepare_handle::Params::parse(&mut arguments).err(),
                "ticket_handle" => ticket_handle::Params::parse(&mut arguments).err(),
                "user_list" => user_list::Params::parse(&mut arguments).err(),
                "workflow_list" => workflow_list::Params::parse(&mut arguments).err(),
                "ticket_prepare_create" => ticket_prepare_create::Params::parse(&mut arguments).err(),
                "ticket_create" => ticket_create::Params::parse(&mut arguments).err(),
                "ticket_history" => ticket_history::Params::parse(&mut arguments).err(),
                "absence_set" => absence_set::Params::parse(&mut arguments).err(),
                "absence_clear" => absence_clear::Params::parse(&mut arguments).err(),
                "absence_list" => absence_list::Params::parse(&mut arguments).err(),
                "file_upload" => file_upload::Params::parse(&mut arguments).err(),
                other => panic!("no row for {other}"),
            };
            let refused = refused.unwrap_or_else(|| panic!("{}: `{name}` is not read", entry.tool.name));
            assert_eq!(refused.details["argument"], *name, "{}", entry.tool.name);
        }
    }
}

fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else {
        unreachable!("an object")
    };
    map
}
