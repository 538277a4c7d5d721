//! A hidden value never leaves the engine for a user for whom it is hidden: not in a detail, a history, a list, a
//! rehearsal, nor in an error.

use loonflow_tests::{TestServer, Transport, Walk};
use serde_json::{Value, json};

const SECRET: &str = "zebra-4711";

/// A leave request that HR has written a note on and sent back to erin, at whose node the note is hidden.
async fn sent_back(server: &TestServer) -> Walk<'_> {
    let asked = json!({ "leave_type": "sick", "leave_start": "2026-12-01", "leave_end": "2026-12-01", "days": 1 });
    let mut walk = Walk::new(server, Transport::Http);
    walk.create(
        "dev",
        "leave",
        "submit",
        json!({ "fields": asked }),
        "on_going: approve(erin)",
    )
    .await;
    walk.step("erin", "agree/approve_yes", json!({}), "on_going: file(hana,hugo)")
        .await;
    walk.step("hugo", "accept/accept", json!({}), "on_going: file(hugo)")
        .await;
    let note = json!({ "fields": { "hr_note": SECRET } });
    walk.step("hugo", "reject/file_back", note, "rejected: approve(erin)")
        .await;
    walk
}

/// Every question a user can ask of the ticket, and calls that are refused.
async fn everything(walk: &mut Walk<'_>, who: &str, edge: &str) -> Vec<(String, String)> {
    let ticket = walk.ticket.clone();
    let handle = |more: Value| {
        let mut handle = json!({ "ticket_id": ticket, "action_type": "agree", "action_id": edge, "dry_run": true });
        handle
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().unwrap_or_default());
        ("ticket_handle", handle)
    };
    let calls = [
        ("ticket_detail", json!({ "ticket_id": ticket })),
        ("ticket_prepare_handle", json!({ "ticket_id": ticket })),
        ("ticket_history", json!({ "ticket_id": ticket, "per_page": 100 })),
        (
            "ticket_history",
            json!({ "ticket_id": ticket, "per_page": 100, "reverse": 1 }),
        ),
        ("ticket_list", json!({ "category": "duty" })),
        ("ticket_list", json!({ "category": "relation" })),
        ("ticket_list", json!({ "category": "view", "search_value": "zebra" })),
        handle(json!({})),
        handle(json!({ "fields": { "hr_note": "zebra-4712" } })),
        handle(json!({ "fields": { "hr_note": null } })),
        handle(json!({ "fields": { "hr_note": "zebra", "days": 9, "no_such": 1 } })),
        handle(json!({ "expected_version": 1 })),
        handle(json!({ "action_type": "withdraw", "action_id": "withdraw" })),
        handle(json!({ "action_type": "add_comment", "action_id": "", "action_props": { "comment": "?" } })),
        handle(json!({ "action_type": "force_close", "action_id": "" })),
        handle(json!({ "action_type": "agree", "action_id": "no_such" })),
    ];
    let mut told = Vec::new();
    for (tool, arguments) in calls {
        let outcome = walk.call(who, tool, arguments.clone()).await;
        told.push((
            format!("{who} {tool} {arguments}"),
            format!("{} {}", outcome.text, outcome.structured),
        ));
    }
    told
}

#[tokio::test]
async fn a_hidden_value_is_in_no_answer() {
    let server = TestServer::start().await;
    let mut walk = sent_back(&server).await;
    for (call, answer) in everything(&mut walk, "erin", "approve_yes").await {
        assert!(!answer.contains(SECRET), "{call}: {answer}");
    }
    let detail = walk.detail("erin").await;
    assert!(detail["field_permissions"].get("hr_note").is_none(), "{detail}");
    // At start, which does not mention the note, it is hidden from the creator.
    walk.step("erin", "reject/approve_no", json!({}), "rejected: start(dev)")
        .await;
    for (call, answer) in everything(&mut walk, "dev", "submit").await {
        assert!(!answer.contains(SECRET), "{call}: {answer}");
    }
    // Whoever may not see the ticket sees nothing of it, nor does another tenant.
    for who in ["faye", "gina"] {
        for (call, answer) in everything(&mut walk, who, "submit").await {
            assert!(
                !answer.contains(SECRET) && !answer.contains("Dev Patel"),
                "{call}: {answer}"
            );
        }
    }
}

/// The value is there all along: HR sees it, in the detail and in the history.
#[tokio::test]
async fn whoever_may_see_it_sees_it() {
    let server = TestServer::start().await;
    let mut walk = sent_back(&server).await;
    let detail = walk.detail("hana").await;
    assert_eq!(detail["field_permissions"]["hr_note"], "readonly");
    assert!(detail.to_string().contains(SECRET));
    let history = walk
        .call(
            "hana",
            "ticket_history",
            json!({ "ticket_id": walk.ticket, "per_page": 100 }),
        )
        .await
        .ok();
    assert!(history.to_string().contains(SECRET));
    walk.step("erin", "agree/approve_yes", json!({}), "on_going: file(hana,hugo)")
        .await;
    walk.step("hana", "accept/accept", json!({}), "on_going: file(hana)")
        .await;
    let detail = walk.detail("hana").await;
    assert_eq!(detail["field_permissions"]["hr_note"], "required");
    assert!(detail.to_string().contains(SECRET));
}

/// Secrets of a definition are in no form: the hook's token and address are the operator's.
#[tokio::test]
async fn secrets_of_a_definition_are_in_no_answer() {
    let server = TestServer::start().await;
    let mut walk = Walk::new(&server, Transport::Http);
    let plan = json!({ "title": "R1", "service": "web", "version": "1" });
    walk.create(
        "erin",
        "release",
        "submit",
        json!({ "fields": plan }),
        "on_going: prepare(erin)",
    )
    .await;
    for who in ["erin", "wes", "ada"] {
        for (call, answer) in everything(&mut walk, who, "ready").await {
            for secret in ["deploy-hook-token", "audit-token", "lfpat."] {
                assert!(!answer.contains(secret), "{call}: {answer}");
            }
        }
        let form = walk
            .call(who, "ticket_prepare_create", json!({ "workflow_id": "release" }))
            .await;
        let workflows = walk.call(who, "workflow_list", json!({})).await;
        let users = walk
            .call(who, "user_list", json!({ "simple": false, "per_page": 100 }))
            .await;
        for outcome in [form, workflows, users] {
            for secret in ["deploy-hook-token", "audit-token", "argon2", "password", "lfpat."] {
                assert!(!outcome.text.contains(secret), "{}", outcome.text);
            }
        }
    }
}
