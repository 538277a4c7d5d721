//! Web pages that call, addresses as people write them, clients that take event streams only.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::raw_http::{answer, post, tool_call};
use super::{options, start};
use crate::state::Options;
use crate::testing::World;

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().expect("is text"))
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_ask_call_and_read() {
    let world = World::new(Options {
        allowed_origins: vec!["https://desk.example".to_owned()],
        ..options()
    })
    .await;
    let address = start(&world.state).await;
    let preflight = async |origin: &str| {
        let request = reqwest::Client::new()
            .request(Method::OPTIONS, format!("http://{address}/mcp"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type,mcp-protocol-version",
            );
        request.send().await.expect("answers")
    };
    let asked = preflight("https://desk.example").await;
    assert_eq!(asked.status(), 204);
    assert_eq!(
        header(&asked, "access-control-allow-origin"),
        Some("https://desk.example")
    );
    assert!(header(&asked, "access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    let allowed = header(&asked, "access-control-allow-headers").expect("is there");
    for name in [
        "authorization",
        "content-type",
        "mcp-protocol-version",
        "mcp-session-id",
        "mcp-method",
    ] {
        assert!(allowed.split(", ").any(|one| one == name), "{name}");
    }
    assert_eq!(header(&asked, "vary"), Some("origin"));
    let body = tool_call("ticket_list", &json!({}));
    let called = post(address, &[("origin", "https://desk.example")], body.clone()).await;
    assert_eq!(called.status(), 200);
    assert_eq!(
        header(&called, "access-control-allow-origin"),
        Some("https://desk.example")
    );
    assert!(header(&called, "access-control-allow-credentials").is_none());
    // A refusal can be read too.
    let refused = post(address, &[("origin", "https://desk.example")], "{").await;
    assert_eq!(refused.status(), 400);
    assert!(header(&refused, "access-control-allow-origin").is_some());

    for origin in ["https://evil.example", "null"] {
        let asked = preflight(origin).await;
        assert!(!asked.status().is_success(), "{origin}");
        assert!(header(&asked, "access-control-allow-origin").is_none(), "{origin}");
        let called = post(address, &[("origin", origin)], body.clone()).await;
        assert_eq!(called.status(), 403, "{origin}");
        assert!(header(&called, "access-control-allow-origin").is_none(), "{origin}");
    }
    // Who is no page is told nothing about pages.
    let called = post(address, &[], body).await;
    assert!(header(&called, "access-control-allow-origin").is_none());
}

#[tokio::test]
async fn the_servers_own_page_may_call_and_a_rebound_name_may_not() {
    let world = World::new(options()).await;
    let address = start(&world.state).await;
    let port = address.port();
    let body = tool_call("ticket_list", &json!({}));
    for (host, origin, status) in [
        ("127.0.0.1", format!("http://127.0.0.1:{port}"), 200),
        ("localhost", format!("http://localhost:{port}"), 200),
        ("localhost", format!("http://127.0.0.1:{port}"), 200),
        ("localhost", "http://localhost:1".to_owned(), 403),
        ("evil.example", format!("http://evil.example:{port}"), 403),
        ("evil.example", format!("http://127.0.0.1:{port}"), 403),
    ] {
        let host = format!("{host}:{port}");
        let called = post(address, &[("host", &host), ("origin", &origin)], body.clone()).await;
        assert_eq!(called.status(), status, "{host} {origin}");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let world = World::new(options()).await;
    let address = start(&world.state).await;
    let request = reqwest::Client::new()
        .post(format!("http://{address}/mcp/"))
        .header("content-type", "application/json")
        .body(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    let response = request.send().await.expect("answers");
    assert_eq!(response.status(), 200);
    let listed = answer(response).await;
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(13));
}

#[tokio::test]
async fn a_client_that_takes_events_only_gets_one() {
    let world = World::new(options()).await;
    let address = start(&world.state).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let response = post(address, &[("accept", "text/event-stream")], body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), Some("text/event-stream"));
    let text = response.text().await.expect("a body");
    let data = text.strip_prefix("event: message\ndata: ").expect("an event");
    let data: Value = serde_json::from_str(data.strip_suffix("\n\n").expect("its end")).expect("is JSON");
    assert_eq!(data["result"]["tools"].as_array().map(Vec::len), Some(13));
    let neither = post(address, &[("accept", "text/html")], body).await;
    assert_eq!(neither.status(), 406);
}
