//! Output schemas and answers are held against each other, both ways: no key comes that is not declared, and none is
//! declared that never comes.
//!
//! Not here: `cut`, which comes too seldom to be listed, and what of an answer the schema leaves open.

use std::sync::Arc;

use loonflow_engine::define::{Assign, Field, Node, Workflow};
use loonflow_engine::demo;
use loonflow_engine::id::{TicketId, TokenId};
use loonflow_engine::runtime::PublishRequest;
use loonflow_engine::ticket::HookOutcome;
use loonflow_engine::workflow::Variable;
use serde_json::{Map, Value, json};

use crate::mcp::tools::all;
use crate::state::Options;
use crate::testing::World;

/// What a tool answered, here and there.
type Answers = Vec<(&'static str, Value)>;

#[tokio::test]
async fn every_key_is_declared_and_every_declared_key_comes() {
    let answers = everything().await;
    for tool in all().listed() {
        let of_tool: Vec<&Value> = answers
            .iter()
            .filter(|(name, _)| *name == tool.name)
            .map(|(_, answer)| answer)
            .collect();
        assert!(!of_tool.is_empty(), "{} was not called", tool.name);
        let schema = tool.output_schema.expect("has one");
        hold(&tool.name, &schema, &of_tool);
    }
}

/// Holds answers against a schema, and what is in them against what is in it.
fn hold(path: &str, schema: &Map<String, Value>, answers: &[&Value]) {
    for answer in answers {
        let is_so = match schema["type"].as_str().expect("one type") {
            "string" => answer.is_string(),
            "integer" => answer.is_u64(),
            "boolean" => answer.is_boolean(),
            "array" => answer.is_array(),
            "object" => answer.is_object(),
            other => panic!("{path} is a {other}"),
        };
        assert!(is_so, "{path}: {answer}");
    }
    if let Some(items) = schema.get("items") {
        let items = items.as_object().expect("a schema");
        let all: Vec<&Value> = answers.iter().filter_map(|one| one.as_array()).flatten().collect();
        hold(&format!("{path}[]"), items, &all);
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for key in answers.iter().filter_map(|one| one.as_object()).flat_map(Map::keys) {
        assert!(properties.contains_key(key), "{path}.{key} is not declared");
    }
    for (key, property) in properties {
        let path = format!("{path}.{key}");
        let found: Vec<&Value> = answers.iter().filter_map(|one| one.get(key)).collect();
        assert!(!found.is_empty(), "{path} never comes");
        hold(&path, property.as_object().expect("a schema"), &found);
    }
}

/// Answers of every tool, among which each key comes somewhere.
async fn everything() -> Answers {
    let world = World::new(Options::default()).await;
    // One waits for sub-tickets, about which there is a note; the other comes to a hook that cannot be reached.
    let release = demo::workflow("release").expect("is one of them");
    let release = serde_json::from_str(release).expect("is JSON");
    for source in [release, hooked().definition(), above().definition()] {
        let publish = PublishRequest::new(world.tenant.clone(), Arc::new(source));
        let published = world.engine.workflows().publish(publish).await;
        published.expect("no fault").expect("publishes");
    }
    let mut answers = Answers::new();
    let mut call = async |user: &str, tool: &'static str, arguments: Value| {
        let answer = world.call(user, tool, arguments).await.expect("is answered");
        answers.push((tool, answer.clone()));
        answer
    };
    let mut create = json!({
        "workflow_id": "leave", "action_id": "submit", "dry_run": true,
        "fields": { "leave_type": "annual", "leave_start": "2026-12-21", "leave_end": "2026-12-31", "days": 7 },
    });
    call("dev", "ticket_create", create.clone()).await;
    create["dry_run"] = json!(false);
    let ticket = call("dev", "ticket_create", create).await["ticket_id"].clone();
    let on_ticket = json!({ "ticket_id": ticket });
    call("dev", "file_upload", json!({ "name": "a.txt", "base64": "YQ==" })).await;
    call("erin", "ticket_list", json!({ "creator_id": "nobody" })).await;
    call("erin", "ticket_list", json!({})).await;
    call("erin", "ticket_detail", on_ticket.clone()).await;
    call("ada", "ticket_prepare_handle", on_ticket.clone()).await;
    call("erin", "ticket_prepare_handle", on_ticket.clone()).await;
    call("dev", "user_list", json!({ "user_ids": "nobody" })).await;
    call("dev", "workflow_list", json!({})).await;
    let away = json!({
        "delegate_id": world.user("dana"), "from": "2026-11-01", "to": "2026-12-31", "hand_over": true,
        "workflow_ids": "release",
    });
    let set = call("hugo", "absence_set", away).await;
    call("hugo", "absence_list", json!({})).await;
    call("hugo", "absence_clear", json!({ "absence_id": set["absence"]["id"] })).await;
    call("dev", "ticket_prepare_create", json!({ "workflow_id": "release" })).await;
    let mut handle =
        json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "dry_run": true });
    call("erin", "ticket_handle", handle.clone()).await;
    handle["dry_run"] = json!(false);
    call("erin", "ticket_handle", handle).await;
    call("dev", "ticket_history", on_ticket).await;
    let create = json!({ "workflow_id": "hooked", "action_id": "go", "fields": { "title": "T" } });
    let ticket = call("dev", "ticket_create", create).await["ticket_id"].clone();
    let id = ticket.as_str().and_then(TicketId::parse).expect("an id");
    let failed = HookOutcome::Failed("no answer".to_owned());
    let reported = world.engine.effects().report_hook(id, TokenId(1), 1, failed).await;
    reported.expect("no fault").expect("it was waited for");
    let on_ticket = json!({ "ticket_id": ticket });
    call("ada", "ticket_detail", on_ticket.clone()).await;
    call("ada", "ticket_prepare_handle", on_ticket).await;
    // One above, whose creator does not see what is below.
    let create = json!({ "workflow_id": "above", "action_id": "go", "fields": { "title": "T" } });
    let parent = call("dev", "ticket_create", create).await["ticket_id"].clone();
    let below = json!({ "workflow_id": "hooked", "action_id": "go", "fields": { "title": "T" },
        "parent_ticket_id": parent, "parent_ticket_node_id": "parts" });
    let child = call("erin", "ticket_create", below).await["ticket_id"].clone();
    for tool in ["ticket_detail", "ticket_prepare_handle"] {
        call("erin", tool, json!({ "ticket_id": child })).await;
        call("erin", tool, json!({ "ticket_id": parent })).await;
        call("dev", tool, json!({ "ticket_id": parent })).await;
    }
    answers
}

/// A workflow whose node takes sub-tickets of that with a hook.
fn above() -> Workflow {
    let parts = Node::step("parts", Assign::variables([Variable::CreatorDeptApprover])).prop("sub_workflows", "hooked");
    Workflow::new("above", "1")
        .field(Field::title())
        .node(parts)
        .agree("go", "start", "parts")
        .agree("done", "parts", "end")
}

/// A workflow with a hook.
fn hooked() -> Workflow {
    Workflow::new("hooked", "1")
        .field(Field::title())
        .node(Node::hook("call", "https://ci.example/", ""))
        .agree("go", "start", "call")
        .way("done", "call", "end")
}
