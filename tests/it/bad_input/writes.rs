//! Calls that would change something: fields that may not be written, versions that are stale, keys that come again.

use futures::future::join_all;
use loonflow_tests::{Raw, TestServer};
use serde_json::{Value, json};

use super::{leave, leave_at_erin, with};

fn agree(ticket: &str) -> Value {
    json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes" })
}

/// Refused alike dry and real, and nothing is written.
async fn refused(server: &TestServer, who: &Raw, arguments: &Value, code: &str) -> Value {
    let position = server.position();
    let dry = who
        .call("ticket_handle", with(arguments.clone(), &json!({ "dry_run": true })))
        .await;
    let real = who.call("ticket_handle", arguments.clone()).await;
    assert_eq!(dry, real);
    assert_eq!(server.position(), position);
    real.refused(code)
}

#[tokio::test]
async fn fields_that_may_not_be_written() {
    let server = TestServer::start().await;
    let ticket = leave_at_erin(&server).await;
    let erin = server.raw("erin");
    for (fields, code, keys) in [
        (json!({ "no_such": 1 }), "unknown_field", vec!["no_such"]),
        (json!({ "days": 2 }), "field_not_editable", vec!["days"]),
        (json!({ "hr_note": "x" }), "field_not_editable", vec!["hr_note"]),
        (
            json!({ "creator_info": "x" }),
            "field_not_editable",
            vec!["creator_info"],
        ),
        (
            json!({ "act_state": "finished" }),
            "field_not_editable",
            vec!["act_state"],
        ),
        (json!({ "title": "x" }), "field_not_editable", vec!["title"]),
        (json!({ "stand_in": "nobody" }), "invalid_field_value", vec!["stand_in"]),
        (
            json!({ "stand_in": server.id("gone") }),
            "invalid_field_value",
            vec!["stand_in"],
        ),
        (
            json!({ "stand_in": [server.id("dana"), server.id("sec")] }),
            "invalid_field_value",
            vec!["stand_in"],
        ),
        (
            json!({ "days": 2, "no_such": 1, "stand_in": "nobody" }),
            "unknown_field",
            vec!["days", "no_such", "stand_in"],
        ),
    ] {
        let error = refused(
            &server,
            &erin,
            &with(agree(&ticket), &json!({ "fields": fields })),
            code,
        )
        .await;
        let told: Vec<&str> = error["details"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["key"].as_str())
            .collect();
        assert_eq!(told, keys, "all problems of one request at once: {error}");
        for one in error["details"].as_array().into_iter().flatten() {
            assert!(one["problem"].is_string() && one["allowed"].is_string(), "{one}");
        }
    }
    // What a read-only field has already may be repeated.
    let same = with(agree(&ticket), &json!({ "fields": { "days": 1 }, "dry_run": true }));
    erin.call("ticket_handle", same).await.ok();
    let comment = json!({ "ticket_id": ticket, "action_type": "add_comment", "action_props": { "comment": "x" }, "fields": { "days": 2 } });
    refused(&server, &erin, &comment, "invalid_argument").await;
}

#[tokio::test]
async fn values_that_do_not_fit() {
    let server = TestServer::start().await;
    let dev = server.raw("dev");
    let position = server.position();
    for (key, value) in [
        ("leave_type", json!("holiday")),
        ("leave_type", json!(["annual", "sick"])),
        ("leave_type", json!(1)),
        ("leave_start", json!("tomorrow")),
        ("leave_start", json!("2026-02-30")),
        ("leave_start", json!(20261201)),
        ("days", json!(0)),
        ("days", json!(61)),
        ("days", json!(-1)),
        ("days", json!(1.25)),
        ("days", json!("one")),
        ("days", json!([1])),
        ("reason", json!({ "text": "x" })),
        ("reason", json!("x".repeat(100_001))),
        ("stand_in", json!(5)),
    ] {
        let create = with(leave(), &json!({ "action_id": "", "fields": { key: value.clone() } }));
        let outcome = dev.call("ticket_create", create).await;
        assert!(outcome.is_error, "{key}: {value}");
        let error = outcome.refused("invalid_field_value");
        assert_eq!(error["details"][0]["key"], key, "{error}");
        assert!(error.to_string().len() < 2_000, "{error}");
    }
    assert_eq!(server.position(), position);
}

#[tokio::test]
async fn more_problems_than_anyone_reads_are_cut() {
    let server = TestServer::start().await;
    let fields: serde_json::Map<String, Value> = (0..1_000).map(|n| (format!("no_such_{n}"), json!(n))).collect();
    let create = with(leave(), &json!({ "fields": fields }));
    let error = server
        .raw("dev")
        .call("ticket_create", create)
        .await
        .refused("unknown_field");
    assert_eq!(error["details"].as_array().map(Vec::len), Some(64));
}

#[tokio::test]
async fn actions_that_are_none() {
    let server = TestServer::start().await;
    let ticket = leave_at_erin(&server).await;
    let erin = server.raw("erin");
    for (action_type, action_id) in [
        ("", ""),
        ("approve", "approve_yes"),
        ("agree", ""),
        ("agree", "approve_no"),
        ("agree", "submit"),
        ("reject", "approve_yes"),
        ("accept", "accept"),
        ("withdraw", "withdraw_all"),
        ("agree", "no_such_edge"),
    ] {
        let handle = json!({ "ticket_id": ticket, "action_type": action_type, "action_id": action_id });
        let error = refused(&server, &erin, &handle, "action_not_available").await;
        let listed = error["details"].as_array().expect("what is open is listed").clone();
        assert!(listed.iter().any(|one| one["action_id"] == "approve_yes"), "{error}");
    }
    // `accept` with the id of an agree edge is that edge.
    let accept = json!({ "ticket_id": ticket, "action_type": "accept", "action_id": "approve_yes", "dry_run": true });
    erin.call("ticket_handle", accept).await.ok();
}

#[tokio::test]
async fn a_stale_version_is_refused_dry_and_real() {
    let server = TestServer::start().await;
    let ticket = leave_at_erin(&server).await;
    let erin = server.raw("erin");
    let seen = erin.call("ticket_detail", json!({ "ticket_id": ticket })).await.ok()["version"]
        .as_u64()
        .expect("a version");
    let comment = json!({ "ticket_id": ticket, "action_type": "add_comment", "action_props": { "comment": "first" } });
    let current = server.raw("dev").call("ticket_handle", comment).await.ok()["version"].clone();
    for expected in [seen, 1, 999] {
        let stale = with(agree(&ticket), &json!({ "expected_version": expected }));
        let error = refused(&server, &erin, &stale, "version_conflict").await;
        assert_eq!(error["details"]["current_version"], current);
        assert_eq!(error["details"]["expected_version"], expected);
    }
    let fresh = with(agree(&ticket), &json!({ "expected_version": current }));
    erin.call("ticket_handle", fresh).await.ok();
}

/// The answer of a repeat is the first one; only `replayed` tells them apart.
fn assert_repeated(first: &Value, repeat: &Value) {
    assert_eq!(first["replayed"], false);
    assert_eq!(&with(first.clone(), &json!({ "replayed": true })), repeat);
}

#[tokio::test]
async fn a_key_that_comes_again_is_answered_and_not_done_again() {
    let server = TestServer::start().await;
    let dev = server.raw("dev");
    let create = with(leave(), &json!({ "idempotency_key": "create-1" }));
    let created = dev.call("ticket_create", create.clone()).await.ok();
    let ticket = created["ticket_id"].as_str().expect("an id").to_owned();
    let erin = server.raw("erin");
    let version = created["version"].clone();
    let handle = with(
        agree(&ticket),
        &json!({ "idempotency_key": "agree-1", "expected_version": version }),
    );
    let handled = erin.call("ticket_handle", handle.clone()).await.ok();
    let position = server.position();
    assert_repeated(&created, &dev.call("ticket_create", create.clone()).await.ok());
    // The key is looked up before the version, which is stale by now.
    assert_repeated(&handled, &erin.call("ticket_handle", handle.clone()).await.ok());
    // Another token of the same person is no other call, nor are other spellings of the same arguments.
    let (_, other) = server.new_token("erin", None).await;
    let position_with_token = server.position();
    let spelt = with(
        handle,
        &json!({ "access_token": other, "handle_request": { "action_type": "agree" }, "dry_run": "false" }),
    );
    assert_repeated(&handled, &erin.call("ticket_handle", spelt).await.ok());
    assert!(position_with_token > position, "a token is an event of its own");
    assert_eq!(server.position(), position_with_token, "a repeat wrote something");
    let owned = dev.call("ticket_list", json!({ "category": "owner" })).await.ok();
    assert_eq!(owned["total"], 1);
}

#[tokio::test]
async fn a_key_with_other_arguments_is_a_mismatch() {
    let server = TestServer::start().await;
    let dev = server.raw("dev");
    let create = with(leave(), &json!({ "idempotency_key": "k" }));
    let ticket = dev.call("ticket_create", create.clone()).await.ok()["ticket_id"].clone();
    let position = server.position();
    for other in [
        json!({ "action_id": "" }),
        json!({ "fields": {} }),
        json!({ "workflow_id": "nested" }),
        json!({ "cc_to_user_id_list": [server.id("fin")] }),
        json!({ "action_props": { "comment": "x" } }),
    ] {
        dev.call("ticket_create", with(create.clone(), &other))
            .await
            .refused("idempotency_mismatch");
    }
    let comment = json!({
        "ticket_id": ticket, "action_type": "add_comment", "action_props": { "comment": "x" }, "idempotency_key": "k"
    });
    dev.call("ticket_handle", comment.clone())
        .await
        .refused("idempotency_mismatch");
    assert_eq!(server.position(), position);
    // A key is its user's own.
    server.raw("erin").call("ticket_handle", comment).await.ok();
}

#[tokio::test]
async fn refusals_and_rehearsals_keep_no_key() {
    let server = TestServer::start().await;
    let ticket = leave_at_erin(&server).await;
    let erin = server.raw("erin");
    let keyed = with(agree(&ticket), &json!({ "idempotency_key": "k" }));
    erin.call("ticket_handle", with(keyed.clone(), &json!({ "dry_run": true })))
        .await
        .ok();
    let bad = with(keyed.clone(), &json!({ "fields": { "days": 9 } }));
    erin.call("ticket_handle", bad).await.refused("field_not_editable");
    assert_eq!(erin.call("ticket_handle", keyed).await.ok()["replayed"], false);
}

#[tokio::test]
async fn many_calls_with_one_key_are_one() {
    let server = TestServer::start().await;
    let dev = server.raw("dev");
    let create = with(leave(), &json!({ "idempotency_key": "storm" }));
    let answers = join_all((0..32).map(|_| dev.call("ticket_create", create.clone()))).await;
    let answers: Vec<Value> = answers.into_iter().map(loonflow_tests::Outcome::ok).collect();
    let firsts: Vec<&Value> = answers.iter().filter(|answer| answer["replayed"] == false).collect();
    assert_eq!(firsts.len(), 1);
    for answer in answers.iter().filter(|answer| answer["replayed"] == true) {
        assert_repeated(firsts[0], answer);
    }
    assert_eq!(
        dev.call("ticket_list", json!({ "category": "owner" })).await.ok()["total"],
        1
    );
}

/// One of two who claim at once is told that it came too late, and of many agrees one is taken.
#[tokio::test]
async fn of_many_who_act_at_once_one_is_taken() {
    let server = TestServer::start().await;
    let (hana, hugo, erin) = (server.raw("hana"), server.raw("hugo"), server.raw("erin"));
    for _ in 0..20 {
        let ticket = leave_at_erin(&server).await;
        let agrees = join_all((0..8).map(|_| erin.call("ticket_handle", agree(&ticket)))).await;
        assert_eq!(agrees.iter().filter(|outcome| outcome.code() == "ok").count(), 1);
        let accept = json!({ "ticket_id": ticket, "action_type": "accept", "action_id": "accept" });
        let claims = [
            hana.call("ticket_handle", accept.clone()),
            hugo.call("ticket_handle", accept.clone()),
        ];
        let codes: Vec<String> = join_all(claims)
            .await
            .iter()
            .map(|outcome| outcome.code().to_owned())
            .collect();
        assert_eq!(codes.iter().filter(|code| *code == "ok").count(), 1, "{codes:?}");
    }
}
