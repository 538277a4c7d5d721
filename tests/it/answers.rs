//! What answers say and how large they are, mostly at Kestrel Yard, where each of these was seen to go wrong.

/// What counts as empty, and as the same.
mod blank;
/// Where a call that goes astray is sent, and what does not run.
mod hints;
/// Digits of numbers.
mod numbers;
/// What is not told.
mod secrets;
/// How large answers are, and how much work a call is.
mod size;

use loonflow_tests::{TestServer, yard};
use serde_json::{Value, json};

/// Kestrel Yard with its workflow.
async fn server() -> TestServer {
    TestServer::yard(vec![yard::workflow()]).await
}

/// A ticket of cleo's at `a`, with these fields: its id.
async fn created(server: &TestServer, fields: Value) -> String {
    let arguments = json!({ "workflow_id": "w", "action_id": "go", "fields": fields });
    let answer = server.raw("cleo").call("ticket_create", arguments).await.ok();
    answer["ticket_id"].as_str().expect("a ticket has an id").to_owned()
}

/// The value of a field as somebody sees it.
async fn shown(server: &TestServer, name: &str, ticket: &str, key: &str) -> Value {
    let detail = server
        .raw(name)
        .call("ticket_detail", json!({ "ticket_id": ticket }))
        .await
        .ok();
    let rows = detail["form_schema"]["component_info_list"].as_array().expect("rows");
    let children = rows
        .iter()
        .flat_map(|row| row["children"].as_array().expect("children"));
    let mut found = children.filter(|child| child["component_key"] == key);
    found.next().expect("the field is shown")["props"]["value"].clone()
}
