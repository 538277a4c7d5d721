//! A call that means something else than it says is told what it means, and an answer says what does not run.

use loonflow_tests::{TestServer, yard};
use serde_json::{Value, json};

use super::{created, server};

/// The hint of a refusal.
fn hint(error: &Value) -> &str {
    error["hint"].as_str().expect("a text")
}

#[tokio::test]
async fn the_time_of_a_row_is_a_bound_that_has_the_row() {
    let server = server().await;
    server.clock.advance(std::time::Duration::from_millis(345));
    let ticket = created(&server, json!({ "title": "k" })).await;
    let cleo = server.raw("cleo");
    let list = cleo.call("ticket_list", json!({ "category": "owner" })).await.ok();
    let at = list["ticket_list"][0]["created_at"].clone();
    for bounds in [
        json!({ "create_end": at }),
        json!({ "create_start": at }),
        json!({ "create_start": at, "create_end": at }),
    ] {
        let arguments = crate::bad_input::with(json!({ "category": "owner" }), &bounds);
        let found = cleo.call("ticket_list", arguments).await.ok();
        assert_eq!(found["ticket_list"][0]["id"], ticket.as_str(), "{bounds}");
    }
}

#[tokio::test]
async fn a_value_that_names_nothing_gets_the_tool_that_finds_it() {
    let server = server().await;
    let ticket = created(&server, json!({ "title": "k" })).await;
    let ana = server.raw("ana");
    let forward = |target: &str| json!({ "ticket_id": ticket, "action_type": "forward", "action_props": { "target_assignee_id": target } });
    let error = ana
        .call("ticket_handle", forward("cleo@kestrel.example"))
        .await
        .refused("invalid_argument");
    assert!(
        hint(&error).contains("e-mail address") && hint(&error).contains("`user_list`"),
        "{error}"
    );
    let error = ana
        .call("ticket_handle", forward("nobody"))
        .await
        .refused("invalid_argument");
    assert!(hint(&error).contains("`user_list`"), "{error}");
    for (tool, arguments, says) in [
        (
            "ticket_list",
            json!({ "creator_id": "cleo@kestrel.example" }),
            "e-mail address",
        ),
        ("ticket_list", json!({ "creator_id": "nobody" }), "`user_list`"),
        ("ticket_list", json!({ "workflow_ids": "w,none" }), "`workflow_list`"),
        ("ticket_list", json!({ "node_ids": "none" }), "`current_nodes`"),
        ("ticket_list", json!({ "ticket_ids": "7" }), "`7`"),
        (
            "user_list",
            json!({ "user_ids": "u-ana,ana@kestrel.example" }),
            "e-mail address",
        ),
        ("user_list", json!({ "dept_id": "none" }), "`dept_info_list`"),
    ] {
        let answer = ana.call(tool, arguments.clone()).await.ok();
        assert_eq!(answer["notes"].as_array().map(Vec::len), Some(1), "{arguments}");
        assert!(answer["notes"][0].as_str().expect("a text").contains(says), "{answer}");
    }
    let answer = ana
        .call(
            "ticket_list",
            json!({ "workflow_ids": "w", "node_ids": "a", "creator_id": "u-cleo" }),
        )
        .await
        .ok();
    assert_eq!((answer.get("notes"), &answer["total"]), (None, &json!(1)));
}

#[tokio::test]
async fn an_action_without_its_type_is_told_it() {
    let server = server().await;
    let ticket = created(&server, json!({ "title": "k" })).await;
    let refuse = |arguments: Value| {
        let arguments = crate::bad_input::with(json!({ "ticket_id": ticket }), &arguments);
        let ana = server.raw("ana");
        async move {
            ana.call("ticket_handle", arguments)
                .await
                .refused("action_not_available")
        }
    };
    let error = refuse(json!({ "action_id": "forward" })).await;
    assert_eq!(
        error["message"],
        "`action_type` is missing: that of `forward` is `forward`"
    );
    let error = refuse(json!({ "action_id": "no_such" })).await;
    assert_eq!(error["message"], "`action_type` is missing");
    assert!(hint(&error).contains("`forward`/`forward`"), "{error}");
}

#[tokio::test]
async fn what_is_meant_is_told() {
    let server = server().await;
    let ana = server.raw("ana");
    let ticket = created(&server, json!({ "title": "k" })).await;
    for (tool, arguments, says) in [
        ("ticket_list", json!({ "pageSize": 5 }), "use `per_page` instead"),
        (
            "ticket_handle",
            json!({ "ticket_id": ticket, "comment": "hello" }),
            "put it into `action_props`, as `{\"comment\": …}`",
        ),
        (
            "ticket_handle",
            json!({ "ticket_id": ticket, "action": "agree" }),
            "send `action_type` and `action_id`",
        ),
    ] {
        let error = ana.call(tool, arguments).await.refused("invalid_argument");
        assert!(hint(&error).starts_with(says), "{error}");
    }
    let answer = ana
        .request("tools/call", json!({ "name": "ticket_search", "arguments": {} }))
        .await;
    let message = answer["error"]["message"].as_str().expect("a message");
    assert!(message.contains("`ticket_list`"), "{message}");
}

#[tokio::test]
async fn a_key_knows_the_call_as_it_was_understood() {
    let server = server().await;
    let cleo = server.raw("cleo");
    let call = json!({ "workflow_id": "w", "action_id": "go", "fields": { "title": "x" }, "idempotency_key": "k" });
    let first = cleo.call("ticket_create", call.clone()).await.ok();
    for more in [
        json!({ "action_props": { "comment": null } }),
        json!({ "action_props": { "comment": " " }, "version_name": "" }),
        json!({ "fields": "{\"title\":\"x\"}", "cc_to_user_id_list": [] }),
    ] {
        let again = cleo
            .call("ticket_create", crate::bad_input::with(call.clone(), &more))
            .await
            .ok();
        assert_eq!(
            (&again["ticket_id"], &again["replayed"]),
            (&first["ticket_id"], &json!(true)),
            "{more}"
        );
    }
    let other = crate::bad_input::with(call, &json!({ "fields": { "title": "y" } }));
    cleo.call("ticket_create", other).await.refused("idempotency_mismatch");
}

#[tokio::test]
async fn a_draft_is_called_one() {
    let server = server().await;
    let arguments = json!({ "workflow_id": "w", "fields": { "title": "x" } });
    let draft = server.raw("cleo").call("ticket_create", arguments).await.ok();
    assert_eq!(
        (&draft["status"], &draft["act_state"]),
        (&json!("draft"), &json!("in_draft"))
    );
}

#[tokio::test]
async fn a_node_takes_the_sub_tickets_it_names() {
    let mut workflow = yard::workflow();
    yard::at(&mut workflow, "/process_schema/node_info_list/1/props")["sub_workflows"] = json!(["part"]);
    let mut part = yard::workflow();
    part["basic_info"]["id"] = json!("part");
    let server = TestServer::yard(vec![part, workflow]).await;
    let parent = created(&server, json!({ "title": "k" })).await;
    let child = |workflow: &str| {
        json!({ "workflow_id": workflow, "action_id": "go", "fields": { "title": "k" },
            "parent_ticket_id": parent, "parent_ticket_node_id": "a" })
    };
    let cleo = server.raw("cleo");
    let error = cleo
        .call("ticket_create", child("w"))
        .await
        .refused("sub_workflow_not_allowed");
    assert_eq!(error["details"]["workflow_id"], "w");
    assert!(error["message"].as_str().expect("a text").contains("`part`"), "{error}");
    cleo.call("ticket_create", child("part"))
        .await
        .refused("permission_denied");
    let ana = server.raw("ana");
    ana.call("ticket_create", child("part")).await.ok();
}

#[tokio::test]
async fn a_leaver_is_not_waited_for_while_others_are() {
    let mut workflow = yard::workflow();
    yard::at(&mut workflow, "/process_schema/node_info_list/1/props")["assignee"] = json!("u-ana,u-mira");
    let server = TestServer::yard(vec![workflow]).await;
    let ticket = created(&server, json!({ "title": "k" })).await;
    let mut directory = yard::directory();
    directory["users"][1]["is_active"] = json!(false);
    let imported = server.engine.directories().import(&directory).await.expect("no fault");
    imported.expect("is taken");
    let detail = server
        .raw("cleo")
        .call("ticket_detail", json!({ "ticket_id": ticket }))
        .await
        .ok();
    assert_eq!(detail["waiting_for"][0]["n_people"], 1);
    assert_eq!(detail["waiting_for"][0]["people"][0]["id"], "u-mira");
    assert_eq!(detail["ticket"]["current_nodes"][0]["assignees"][0]["id"], "u-mira");
    let error = server
        .raw("cleo")
        .call(
            "ticket_handle",
            json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "ok" }),
        )
        .await;
    let message = error.refused("permission_denied")["message"].to_string();
    assert!(message.contains("mira") && !message.contains("ana"), "{message}");
}

#[tokio::test]
async fn a_department_lists_who_is_linked_to_it() {
    let mut directory = yard::directory();
    directory["depts"]
        .as_array_mut()
        .expect("a list")
        .push(json!({ "id": "d-top", "name": "Top" }));
    directory["depts"][0]["parent_id"] = json!("d-top");
    directory["users"][0]["depts"][0]["dept_id"] = json!("d-top");
    let server = TestServer::of(Default::default(), vec![(directory, vec![])]).await;
    let found = server
        .raw("cleo")
        .call("user_list", json!({ "dept_id": "d-top" }))
        .await
        .ok();
    assert_eq!(
        (&found["total"], &found["user_list"][0]["id"]),
        (&json!(1), &json!("u-mira"))
    );
}
