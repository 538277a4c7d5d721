//! Every tool × everybody, on one leave request of dev's that waits for erin: who gets which code.
//!
//! Actions are rehearsed, so each cell finds the ticket as it was. A change of a cell is a change of who may do what.

use loonflow_tests::{Raw, TestServer};
use serde_json::{Value, json};

/// Everybody, in the columns' order; the last speaks through an application that may not use the workflow.
const EVERYBODY: [(&str, &str); 9] = [
    ("anonymous", ""),
    ("stranger", "faye"),
    ("viewer", "hugo"),
    ("assignee", "erin"),
    ("creator", "dev"),
    ("wf-admin", "wes"),
    ("admin", "ada"),
    ("other-tenant", "gina"),
    ("wrong-app", "erin"),
];

/// The rows: what is shown of the call, the tool, its arguments.
fn rows(server: &TestServer, ticket: &str) -> Vec<(String, &'static str, Value)> {
    let mut rows: Vec<(String, &str, Value)> = Vec::new();
    for category in ["duty", "owner", "relation", "worked", "view", "intervene", "all"] {
        rows.push((
            format!("ticket_list {category}"),
            "ticket_list",
            json!({ "category": category }),
        ));
    }
    for tool in ["ticket_detail", "ticket_prepare_handle", "ticket_history"] {
        rows.push((tool.to_owned(), tool, json!({ "ticket_id": ticket })));
    }
    let dana = server.id("dana");
    for (action_type, action_id, props) in [
        ("agree", "approve_yes", json!({})),
        ("reject", "approve_no", json!({})),
        ("accept", "accept", json!({})),
        ("forward", "forward", json!({ "target_assignee_id": dana })),
        ("consult", "consult", json!({ "target_assignee_id": dana })),
        ("consult_submit", "consult_submit", json!({})),
        ("add_comment", "add_comment", json!({ "comment": "x" })),
        ("withdraw", "withdraw", json!({})),
        ("discard", "discard", json!({})),
        ("force_forward", "force_forward", json!({ "target_assignee_id": dana })),
        ("force_close", "force_close", json!({})),
        (
            "force_alter_node",
            "force_alter_node",
            json!({ "target_node_id": "start" }),
        ),
        ("retry_hook", "retry_hook", json!({})),
        ("abstain", "abstain", json!({})),
        ("add_signer", "add_signer", json!({ "target_assignee_id": dana })),
        ("take_back", "take_back", json!({})),
        (
            "return_to",
            "return_to",
            json!({ "target_node_id": "start", "comment": "x" }),
        ),
        ("undo", "undo", json!({})),
        ("give_back", "give_back", json!({})),
    ] {
        let handle = json!({
            "ticket_id": ticket, "action_type": action_type, "action_id": action_id, "action_props": props, "dry_run": true
        });
        rows.push((format!("ticket_handle {action_type}"), "ticket_handle", handle));
    }
    // Refused alike for all who may: none of them changes anything.
    let over = json!({ "user_id": server.id("erin"), "delegate_id": dana, "from": "2020-01-01", "to": "2020-01-02" });
    rows.push(("absence_set".to_owned(), "absence_set", over));
    rows.push((
        "absence_clear".to_owned(),
        "absence_clear",
        json!({ "absence_id": "none" }),
    ));
    let of_erin = json!({ "user_id": server.id("erin") });
    rows.push(("absence_list of the assignee".to_owned(), "absence_list", of_erin));
    rows.push((
        "file_upload".to_owned(),
        "file_upload",
        json!({ "name": "a", "base64": "YQ==" }),
    ));
    rows.push(("user_list".to_owned(), "user_list", json!({})));
    rows.push(("workflow_list".to_owned(), "workflow_list", json!({})));
    for tool in ["ticket_prepare_create", "ticket_create"] {
        rows.push((
            tool.to_owned(),
            tool,
            json!({ "workflow_id": "leave", "dry_run": tool == "ticket_create" }),
        ));
    }
    rows
}

/// The code; of a list also how much is in it.
async fn cell(who: &Raw, is_wrong_app: bool, tool: &str, mut arguments: Value) -> String {
    if tool.starts_with("ticket_prepare_create") {
        arguments.as_object_mut().expect("an object").remove("dry_run");
    }
    if is_wrong_app {
        arguments["app_name"] = "helpdesk-bot".into();
    }
    let outcome = who.call(tool, arguments).await;
    match outcome.structured.get("total") {
        Some(total) => format!("ok {total}"),
        None => outcome.code().to_owned(),
    }
}

#[tokio::test]
async fn who_gets_which_code() {
    let server = TestServer::start().await;
    let fields = json!({ "leave_type": "sick", "leave_start": "2026-12-01", "leave_end": "2026-12-01", "days": 1 });
    let leave = json!({ "workflow_id": "leave", "action_id": "submit", "fields": fields });
    let ticket = server.raw("dev").call("ticket_create", leave).await.ok()["ticket_id"].clone();
    let ticket = ticket.as_str().expect("a ticket has an id");
    let position = server.position();
    let mut table = String::new();
    for (shown, tool, arguments) in rows(&server, ticket) {
        table.push_str(&shown);
        table.push('\n');
        let mut cells = Vec::new();
        for (role, name) in EVERYBODY {
            let cell = cell(&server.raw(name), role == "wrong-app", tool, arguments.clone()).await;
            cells.push((cell, role));
        }
        // Those who get the same code stand in one line.
        while let Some((code, _)) = cells.first().cloned() {
            let roles: Vec<&str> = cells
                .iter()
                .filter(|(other, _)| *other == code)
                .map(|(_, role)| *role)
                .collect();
            table.push_str(&format!("  {code}: {}\n", roles.join(" ")));
            cells.retain(|(other, _)| *other != code);
        }
    }
    assert_eq!(server.position(), position);
    insta::assert_snapshot!(table);
}
