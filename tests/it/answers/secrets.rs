//! What an answer does not tell: parents that one may not view, and secrets of a definition.

use loonflow_tests::{TestServer, yard};
use serde_json::json;

use super::created;

#[tokio::test]
async fn a_parent_is_told_to_whoever_may_view_it() {
    let mut child = yard::workflow();
    child["basic_info"]["id"] = json!("child");
    yard::at(&mut child, "/process_schema/node_info_list/1/props")["assignee"] = json!("u-bob");
    let mut directory = yard::directory();
    directory["users"]
        .as_array_mut()
        .expect("a list")
        .push(json!({ "id": "u-bob", "name": "bob",
        "email": "bob@kestrel.example", "type": "normal", "is_active": true, "depts": [{ "dept_id": "d-yard", "is_primary": true }] }));
    let mut above = yard::workflow();
    let props = yard::at(&mut above, "/process_schema/node_info_list/1/props");
    props["sub_workflows"] = json!(["child"]);
    props["assignee"] = json!("u-cleo");
    let server = TestServer::of(Default::default(), vec![(directory, vec![above, child])]).await;
    let parent = created(&server, json!({ "title": "parent" })).await;
    let arguments = json!({ "workflow_id": "child", "action_id": "go", "fields": { "title": "child" },
        "parent_ticket_id": parent, "parent_ticket_node_id": "a" });
    let child = server.raw("cleo").call("ticket_create", arguments).await.ok()["ticket_id"].clone();
    let children = json!({ "category": "relation", "parent_ticket_id": parent });
    for (who, told) in [("cleo", parent.as_str()), ("mira", parent.as_str()), ("bob", "")] {
        let raw = server.raw(who);
        let detail = raw.call("ticket_detail", json!({ "ticket_id": child })).await.ok();
        assert_eq!(detail["ticket"]["parent_ticket_id"], told, "{who}");
        let category = if who == "mira" { "all" } else { "relation" };
        let list = raw
            .call("ticket_list", json!({ "category": category, "ticket_ids": child }))
            .await
            .ok();
        assert_eq!(list["ticket_list"][0]["parent_ticket_id"], told, "{who}");
    }
    let found = server.raw("cleo").call("ticket_list", children.clone()).await.ok();
    assert_eq!(found["total"], 1);
    let found = server.raw("bob").call("ticket_list", children).await.ok();
    assert_eq!(found["total"], 0);
    assert!(
        found["notes"][0].as_str().expect("a note").contains("no ticket"),
        "{found}"
    );
    // Neither does a rehearsal tell it.
    let agree = json!({ "ticket_id": child, "action_type": "agree", "action_id": "ok", "fields": { "rt": "x" }, "dry_run": true });
    let dry = server.raw("bob").call("ticket_handle", agree).await;
    assert!(!dry.text.contains(&parent), "{}", dry.text);
}

#[tokio::test]
async fn secrets_of_a_definition_stay_inside() {
    let mut workflow = yard::workflow();
    yard::at(&mut workflow, "/process_schema/edge_info_list/1")["props"] =
        json!({ "token": "s3cret", "hook_token": "s3cret", "colour": "green" });
    yard::at(&mut workflow, "/process_schema/edge_info_list/0")["props"] = json!({ "signature_key": "s3cret" });
    let field = yard::at(&mut workflow, "/form_schema/component_info_list/0/children/0");
    field["props"] = json!({ "private_key": "s3cret", "signature_key": "s3cret", "privateKey": "s3cret", "hint": "h" });
    field["label"] = json!({ "apiKey": "s3cret" });
    let server = TestServer::yard(vec![workflow]).await;
    let ticket = created(&server, json!({ "title": "k" })).await;
    let ana = server.raw("ana");
    for (tool, arguments) in [
        ("ticket_detail", json!({ "ticket_id": ticket })),
        ("ticket_prepare_handle", json!({ "ticket_id": ticket })),
        ("ticket_prepare_create", json!({ "workflow_id": "w" })),
    ] {
        let outcome = ana.call(tool, arguments).await;
        assert!(!outcome.text.contains("s3cret"), "{tool}: {}", outcome.text);
        outcome.ok();
    }
    let detail = ana.call("ticket_detail", json!({ "ticket_id": ticket })).await.ok();
    assert_eq!(detail["actions"][0]["props"], json!({ "colour": "green" }));
}
