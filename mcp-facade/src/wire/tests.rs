//! Whole answers as a client gets them, over the engine: one ticket from its form to its end.

use serde_json::{Value, json};

use crate::error::Code;
use crate::state::Options;
use crate::testing::World;

/// A leave request of dev that waits for erin.
async fn leave(world: &World) -> Value {
    let created = world.call("dev", "ticket_create", json!({
        "workflow_id": "leave",
        "action_id": "submit",
        "fields": { "leave_type": "annual", "leave_start": "2026-12-21", "leave_end": "2026-12-31", "days": 7, "stand_in": world.user("dana").as_str() },
        "action_props": { "comment": "flights are booked" },
    }));
    created.await.expect("is created")
}

#[tokio::test]
async fn a_ticket_in_full() {
    let world = World::new(Options::default()).await;
    let ticket = leave(&world).await["ticket_id"].clone();
    insta::assert_json_snapshot!(
        "created_form",
        world
            .call("dev", "ticket_prepare_create", json!({ "workflow_id": "leave" }))
            .await
            .expect("is there")
    );
    let detail = world
        .call("erin", "ticket_detail", json!({ "ticket_id": ticket }))
        .await
        .expect("is there");
    insta::assert_json_snapshot!("detail_of_the_approver", detail);
    let prepared = world
        .call("erin", "ticket_prepare_handle", json!({ "ticket_id": ticket }))
        .await
        .expect("is there");
    assert_eq!(prepared, detail);
    let of_creator = world
        .call("dev", "ticket_detail", json!({ "ticket_id": ticket }))
        .await
        .expect("is there");
    assert_eq!(of_creator["required_fields"], json!([]));
    let admin = world
        .call("ada", "ticket_detail", json!({ "ticket_id": ticket }))
        .await
        .expect("is there");
    let forced: Vec<&Value> = admin["admin_actions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["type"])
        .collect();
    assert_eq!(
        forced,
        ["force_forward", "return_to", "force_close", "force_alter_node"]
    );
    let unknown = world
        .call("fin", "ticket_detail", json!({ "ticket_id": ticket }))
        .await
        .expect_err("is none of fin's");
    assert_eq!(unknown.code, Code::TicketNotFound);
}

#[tokio::test]
async fn lists_of_every_kind() {
    let world = World::new(Options::default()).await;
    leave(&world).await;
    insta::assert_json_snapshot!(
        "list",
        world.call("erin", "ticket_list", json!({})).await.expect("is there")
    );
    insta::assert_json_snapshot!(
        "workflows",
        world
            .call("dev", "workflow_list", json!({ "per_page": 1 }))
            .await
            .expect("is there")
    );
    insta::assert_json_snapshot!(
        "users",
        world
            .call("dev", "user_list", json!({ "search_value": "ERIN", "simple": false }))
            .await
            .expect("is there")
    );
    let past_the_end = world
        .call("dev", "user_list", json!({ "page": 99, "per_page": 5 }))
        .await
        .expect("is there");
    assert_eq!(
        (&past_the_end["page"], &past_the_end["has_more"]),
        (&json!(3), &json!(false))
    );
    let denied = world
        .call("dev", "ticket_list", json!({ "category": "all" }))
        .await
        .expect_err("not an admin");
    assert_eq!(denied.code, Code::PermissionDenied);
}

#[tokio::test]
async fn a_rehearsal_and_the_real_call() {
    let world = World::new(Options::default()).await;
    let ticket = leave(&world).await["ticket_id"].clone();
    let mut call = json!({
        "ticket_id": ticket, "dry_run": true, "idempotency_key": "k",
        "handle_request": { "action_type": "agree", "action_id": "approve_yes", "action_props": { "comment": "enjoy" }, "fields": { "stand_in": "" } },
    });
    let rehearsed = world.call("erin", "ticket_handle", call.clone()).await.expect("holds");
    insta::assert_json_snapshot!("rehearsed", rehearsed);
    call["dry_run"] = json!(false);
    let handled = world.call("erin", "ticket_handle", call.clone()).await.expect("holds");
    insta::assert_json_snapshot!("handled", handled);
    let again = world
        .call("erin", "ticket_handle", call.clone())
        .await
        .expect("is answered again");
    assert_eq!(
        (&again["replayed"], &again["version"]),
        (&json!(true), &handled["version"])
    );
    call["handle_request"]["action_props"]["comment"] = json!("another");
    let mismatch = world
        .call("erin", "ticket_handle", call)
        .await
        .expect_err("another call");
    assert_eq!(mismatch.code, Code::IdempotencyMismatch);
    insta::assert_json_snapshot!(
        "history",
        world
            .call("dev", "ticket_history", json!({ "ticket_id": ticket }))
            .await
            .expect("is there")
    );
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let world = World::new(Options::default()).await;
    let created = leave(&world).await;
    let ticket = &created["ticket_id"];
    let refused = async |user: &str, tool: &str, arguments: Value| {
        let error = world.call(user, tool, arguments).await.expect_err("refused");
        json!({ "text": error.to_string(), "details": error.details })
    };
    let refusals = json!({
        "fields": refused("dev", "ticket_create", json!({
            "workflow_id": "leave", "action_id": "submit",
            "fields": { "leave_type": "long", "days": -1, "hr_note": "x", "nothing": 1 },
        })).await,
        "a word that is no action": refused("erin", "ticket_handle", json!({ "ticket_id": ticket, "action_type": "approve" })).await,
        "no word": refused("fin", "ticket_handle", json!({ "ticket_id": ticket })).await,
        "not yours": refused("dev", "ticket_handle", json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes" })).await,
        "stale": refused("erin", "ticket_handle", json!({
            "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "expected_version": 1,
        })).await,
        "nobody": refused("erin", "ticket_handle", json!({ "ticket_id": ticket, "action_type": "forward" })).await,
        "no workflow": refused("dev", "ticket_prepare_create", json!({ "workflow_id": "x" })).await,
    });
    insta::assert_json_snapshot!("refusals", refusals);
}

/// What HR writes is for HR: neither the field nor its value appears anywhere for others.
#[tokio::test]
async fn a_hidden_field_leaves_no_trace() {
    let world = World::new(Options::default()).await;
    let ticket = leave(&world).await["ticket_id"].clone();
    for (user, action_type, action_id, fields) in [
        ("erin", "agree", "approve_yes", json!({})),
        ("hana", "accept", "", json!({})),
        ("hana", "agree", "file_done", json!({ "hr_note": "top secret" })),
    ] {
        let call = json!({ "ticket_id": ticket, "action_type": action_type, "action_id": action_id, "fields": fields });
        world.call(user, "ticket_handle", call).await.expect("is offered");
    }
    let hr = world
        .call("hana", "ticket_history", json!({ "ticket_id": ticket }))
        .await
        .expect("is there");
    let _ = hr;
    let on_ticket = json!({ "ticket_id": ticket });
    for (tool, arguments) in [
        ("ticket_prepare_create", json!({ "workflow_id": "leave" })),
        ("ticket_list", json!({ "category": "owner" })),
    ] {
        let answer = world.call("dev", tool, arguments).await.expect("is there").to_string();
        assert!(
            !answer.contains("hr_note") && !answer.contains("top secret"),
            "{tool}: {answer}"
        );
    }
    let detail = world.call("dev", "ticket_detail", on_ticket).await.expect("is there");
    assert_eq!(detail["ticket"]["act_state"], "finished");
}
