//! A number keeps its digits, however it came, and one that cannot be read is told by name.

use loonflow_tests::{Client, Outcome, Transport};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::{created, server, shown};

/// The body of a creation with a number spelt as given.
fn creation(literal: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"ticket_create","arguments":{{"workflow_id":"w","action_id":"go","fields":{{"title":"x","n":{literal}}}}}}}}}"#
    )
}

const DIGITS: [(&str, &str); 6] = [
    ("100000000.00000001", "100000000.00000001"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("1.50", "1.5"),
    ("12345678901234567890123", r#""12345678901234567890123""#),
    ("0.1234567890123456789", r#""0.1234567890123456789""#),
    ("1000000000000000000.01", r#""1000000000000000000.01""#),
];

#[tokio::test]
async fn no_digit_is_lost_over_http() {
    let server = server().await;
    let cleo = server.raw("cleo");
    for (sent, expected) in DIGITS {
        let (_, answer) = cleo.post_json(&[], creation(sent)).await;
        let ticket = Outcome::of_json(&answer).ok()["ticket_id"].clone();
        let ticket = ticket.as_str().expect("an id");
        let value = shown(&server, "ana", ticket, "n").await;
        assert_eq!(value.to_string(), expected, "{sent}");
        // What is shown may be sent back where it is readonly.
        let arguments = json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "ok",
            "fields": { "rt": "x", "n": value } });
        server.raw("ana").call("ticket_handle", arguments).await.ok();
    }
}

#[tokio::test]
async fn no_digit_is_lost_over_streams_nor_in_a_text_of_json() {
    let server = server().await;
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(far);
    let state = server.state.clone();
    let facade = loonflow_mcp_facade::mcp::TicketServer::new(state.clone());
    tokio::spawn(async move { loonflow_mcp_facade::stdio::serve_streams(facade, &state, input, output).await });
    let (read, mut write) = tokio::io::split(near);
    let mut lines = BufReader::new(read).lines();
    let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } });
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    write
        .write_all(format!("{hello}\n{ready}\n").as_bytes())
        .await
        .expect("written");
    lines.next_line().await.expect("read").expect("an answer");
    for (sent, expected) in DIGITS {
        let body = creation(sent).replacen(
            r#""arguments":{"#,
            &format!(r#""arguments":{{"access_token":"{}","#, server.token("cleo")),
            1,
        );
        write.write_all(format!("{body}\n").as_bytes()).await.expect("written");
        let answer = lines.next_line().await.expect("read").expect("an answer");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let ticket = Outcome::of_json(&answer).ok()["ticket_id"].clone();
        let value = shown(&server, "ana", ticket.as_str().expect("an id"), "n").await;
        assert_eq!(value.to_string(), expected, "{sent}");
    }
    let client = Client::connect(&server, Transport::Http, server.token("cleo")).await;
    let text = r#"{"title": "x", "n": 0.1234567890123456789}"#;
    let arguments = json!({ "workflow_id": "w", "action_id": "go", "fields": text });
    let ticket = client.call("ticket_create", arguments).await.ok()["ticket_id"].clone();
    let value = shown(&server, "ana", ticket.as_str().expect("an id"), "n").await;
    assert_eq!(value, "0.1234567890123456789");
}

#[tokio::test]
async fn a_number_that_cannot_be_is_told_by_name() {
    let server = server().await;
    let cleo = server.raw("cleo");
    for literal in ["1e400", r#""1_000""#, "1e-400", "123456789012345678901234567890"] {
        let (_, answer) = cleo.post_json(&[], creation(literal)).await;
        let error = Outcome::of_json(&answer).refused("invalid_field_value");
        assert_eq!(error["details"][0]["key"], "n", "{literal}");
    }
    let called = |argument: &str, literal: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"ticket_list","arguments":{{"{argument}":{literal}}}}}}}"#
        )
    };
    for argument in ["page", "per_page", "search_value"] {
        let (_, answer) = cleo.post_json(&[], called(argument, "1e400")).await;
        let error = Outcome::of_json(&answer).refused("invalid_argument");
        assert_eq!(error["details"]["argument"], argument);
        assert!(
            error["message"].as_str().expect("text").ends_with("the number `1e400`"),
            "{error}"
        );
    }
    let fields = creation("1").replace(r#"{"title":"x","n":1}"#, "1e400");
    let (_, answer) = cleo.post_json(&[], fields).await;
    assert_eq!(
        Outcome::of_json(&answer).refused("invalid_argument")["details"]["argument"],
        "fields"
    );
    let ticket = created(&server, json!({ "title": "x", "n": "1000.00" })).await;
    assert_eq!(shown(&server, "ana", &ticket, "n").await, "1000.00");
}
