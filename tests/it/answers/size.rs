//! Bounds that add up: whatever a ticket holds, it can be read, and a row stays a row.

use loonflow_tests::{TestServer, yard};
use serde_json::{Value, json};

use super::created;

/// Five long texts that `a` may write, and an edge that stays there.
fn long_workflow() -> Value {
    let mut workflow = yard::workflow();
    let children = yard::at(&mut workflow, "/form_schema/component_info_list/0/children");
    for n in 0..5 {
        children.as_array_mut().expect("a list").push(json!({
            "id": format!("t{n}"), "type": "textarea", "component_key": format!("t{n}"), "component_name": "Text" }));
    }
    for n in 0..5 {
        yard::at(
            &mut workflow,
            "/process_schema/node_info_list/1/props/field_permissions",
        )[format!("t{n}")] = json!("optional");
    }
    let edges = yard::at(&mut workflow, "/process_schema/edge_info_list");
    edges.as_array_mut().expect("a list").push(json!({
        "id": "keep", "name": "Keep", "type": "other", "source_node_id": "a", "target_node_id": "a" }));
    workflow
}

#[tokio::test]
async fn a_ticket_with_long_values_can_be_read() {
    let server = TestServer::yard(vec![long_workflow()]).await;
    let ticket = created(&server, json!({ "title": "k" })).await;
    let ana = server.raw("ana");
    let long = "字".repeat(90_000);
    for n in 0..5 {
        let key = format!("t{n}");
        let arguments = json!({ "ticket_id": ticket, "action_type": "other", "action_id": "keep",
            "fields": { key: long, "rt": "x" }, "action_props": { "comment": long } });
        ana.call("ticket_handle", arguments).await.ok();
    }
    for tool in ["ticket_detail", "ticket_prepare_handle", "ticket_history"] {
        let outcome = ana.call(tool, json!({ "ticket_id": ticket })).await;
        assert!(outcome.text.len() <= 1 << 20, "{tool}");
        let answer = outcome.ok();
        assert!(answer["cut"]["whole"].is_string(), "{tool}");
        assert!(
            answer.to_string().contains("… [cut: 90000 characters in all]"),
            "{tool}"
        );
    }
    let whole = json!({ "ticket_id": ticket, "whole_field": "t3" });
    let detail = ana.call("ticket_detail", whole).await.ok();
    assert_eq!(detail.get("cut"), None);
    let children = detail["form_schema"]["component_info_list"][0]["children"]
        .as_array()
        .expect("a list");
    let value = |key: &str| {
        let mut found = children.iter().filter(|one| one["component_key"] == key);
        found.next().expect("is shown")["props"]["value"]
            .as_str()
            .expect("a text")
            .chars()
            .count()
    };
    assert_eq!(value("t3"), 90_000);
    assert!(value("t4") < 300);
    let unknown = json!({ "ticket_id": ticket, "whole_field": "t9" });
    let error = ana.call("ticket_detail", unknown).await.refused("invalid_argument");
    assert_eq!(error["details"]["argument"], "whole_field");
    assert!(error["hint"].as_str().expect("a text").contains("`t0`"), "{error}");
}

#[tokio::test]
async fn a_row_has_the_first_ten_people_and_a_count() {
    let mut directory = yard::directory();
    for n in 0..150 {
        directory["users"].as_array_mut().expect("a list").push(
            json!({ "id": format!("u-{n:03}"), "name": format!("n{n}"),
            "email": format!("n{n}@kestrel.example"), "type": "normal",
            "depts": [{ "dept_id": "d-yard", "is_primary": true }] }),
        );
    }
    let mut workflow = yard::workflow();
    let props = yard::at(&mut workflow, "/process_schema/node_info_list/1/props");
    props["assignee_type"] = json!("depts");
    props["assignee"] = json!("d-yard");
    let server = TestServer::of(Default::default(), vec![(directory, vec![workflow])]).await;
    let ticket = created(&server, json!({ "title": "k" })).await;
    let ana = server.raw("ana");
    let list = ana.call("ticket_list", json!({})).await.ok();
    let node = &list["ticket_list"][0]["current_nodes"][0];
    assert_eq!(node["assignees"].as_array().map(Vec::len), Some(10));
    assert_eq!(node["n_assignees"], 153);
    let detail = ana.call("ticket_detail", json!({ "ticket_id": ticket })).await.ok();
    assert_eq!(detail["ticket"]["current_nodes"][0]["n_assignees"], 153);
    assert_eq!(detail["waiting_for"][0]["people"].as_array().map(Vec::len), Some(100));
    assert_eq!(detail["waiting_for"][0]["n_people"], 153);
}

#[tokio::test]
async fn a_call_does_bounded_work() {
    let server = super::server().await;
    let cleo = server.raw("cleo");
    let fields: serde_json::Map<String, Value> = (0..60_000).map(|n| (format!("f{n}"), json!(n))).collect();
    let arguments = json!({ "workflow_id": "w", "action_id": "go", "fields": fields });
    let outcome = cleo.call("ticket_create", arguments).await;
    assert!(outcome.text.len() < 64 * 1024, "{}", outcome.text.len());
    assert_eq!(
        outcome.refused("unknown_field")["details"].as_array().map(Vec::len),
        Some(64)
    );
    let many: Vec<String> = (0..120_000).map(|n| n.to_string()).collect();
    for (tool, argument, more) in [
        ("user_list", "user_ids", json!({})),
        ("ticket_list", "ticket_ids", json!({})),
        ("ticket_list", "workflow_ids", json!({})),
        ("ticket_create", "cc_to_user_id_list", json!({ "workflow_id": "w" })),
    ] {
        let arguments = crate::bad_input::with(more, &json!({ argument: many.join(",") }));
        let error = cleo.call(tool, arguments).await.refused("invalid_argument");
        assert_eq!(error["details"]["argument"], argument, "{tool}");
        assert!(
            error["message"].as_str().expect("a text").contains("more than 1000"),
            "{error}"
        );
    }
}
