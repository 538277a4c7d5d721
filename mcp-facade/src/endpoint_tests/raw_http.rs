//! Raw HTTP: what no well-behaved client sends, and what happens around the protocol.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::FutureExt;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::{behind, declare, goes_on, options, serve, start, toolset, until};
use crate::http::app_with_server;
use crate::mcp::TicketServer;
use crate::mcp::tools::Toolset;
use crate::state::Options;
use crate::testing::World;

/// A raw JSON-RPC call of a tool in the era of sessions, which needs no session here.
pub(super) async fn post(
    address: SocketAddr,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> reqwest::Response {
    let mut request = reqwest::Client::new()
        .post(format!("http://{address}/mcp"))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).send().await.expect("answers")
}

pub(super) fn tool_call(tool: &str, arguments: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
        .to_string()
}

pub(super) async fn answer(response: reqwest::Response) -> Value {
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("is JSON")
}

#[tokio::test]
async fn clients_that_accept_anything_are_served() {
    let world = World::new(options()).await;
    let good = world.token("ada").await;
    let address = start(&world.state).await;
    for accept in ["*/*", "application/json", "application/json, text/event-stream"] {
        let response = post(
            address,
            &[("accept", accept), ("authorization", &format!("Bearer {good}"))],
            tool_call("ticket_list", &json!({})),
        )
        .await;
        assert_eq!(response.status(), 200, "{accept}");
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(answer(response).await["result"]["isError"], false);
    }
}

#[tokio::test]
async fn bad_requests_get_json_rpc_errors() {
    let world = World::new(options()).await;
    let address = start(&world.state).await;
    let rows: Vec<(Vec<u8>, u16, i64)> = vec![
        (b"{".to_vec(), 400, -32700),
        (b"".to_vec(), 400, -32700),
        (vec![0xff, 0x00, 0x9f], 400, -32700),
        (b"[]".to_vec(), 400, -32600),
        (b"{\"jsonrpc\":\"1.0\"}".to_vec(), 400, -32600),
        (vec![b'x'; 1024 * 1024 + 1], 413, -32600),
        (vec![b'x'; 5 * 1024 * 1024], 413, -32600),
        (br#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#.to_vec(), 200, -32601),
        (
            br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ticket_list","arguments":[1]}}"#
                .to_vec(),
            200,
            -32602,
        ),
        (
            br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}"#.to_vec(),
            200,
            -32602,
        ),
        (
            br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#.to_vec(),
            200,
            -32602,
        ),
    ];
    for (body, status, code) in rows {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let response = post(address, &[], body).await;
        assert_eq!(response.status(), status, "{shown}");
        assert_eq!(answer(response).await["error"]["code"], code, "{shown}");
    }
    let response = post(
        address,
        &[("host", "evil.example.com")],
        tool_call("ticket_list", &json!({})),
    )
    .await;
    assert_eq!(response.status(), 403);
    assert_eq!(answer(response).await["error"]["code"], -32600);
    let response = post(
        address,
        &[("origin", "https://evil.example.com")],
        tool_call("ticket_list", &json!({})),
    )
    .await;
    assert_eq!(response.status(), 403);
    let response = reqwest::get(format!("http://{address}/mcp")).await.expect("answers");
    assert_eq!(response.status(), 405);
}

#[tokio::test]
async fn required_tokens_are_asked_for_before_any_protocol() {
    let world = World::new(Options {
        require_auth: true,
        ..options()
    })
    .await;
    let good = world.token("ada").await;
    let address = start(&world.state).await;
    let response = post(address, &[], "no protocol").await;
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.headers()["www-authenticate"],
        r#"Bearer realm="loonflow-ticket""#
    );
    let response = post(address, &[("authorization", "Bearer lfpat.ada.wrong")], "no protocol").await;
    assert_eq!(response.status(), 401);
    assert!(
        response.headers()["www-authenticate"]
            .to_str()
            .expect("text")
            .contains("invalid_token")
    );
    // A token in the arguments comes too late.
    let body = tool_call("ticket_list", &json!({ "access_token": good }));
    assert_eq!(post(address, &[], body.clone()).await.status(), 401);
    assert_eq!(
        post(address, &[("authorization", &format!("Bearer {good}"))], body)
            .await
            .status(),
        200
    );
    let health = reqwest::get(format!("http://{address}/healthz"))
        .await
        .expect("answers");
    assert_eq!(health.status(), 200);
    let ready = reqwest::get(format!("http://{address}/readyz")).await.expect("answers");
    assert_eq!(ready.status(), 200);
}

#[tokio::test]
async fn a_user_who_calls_too_often_is_slowed_down_whatever_the_tokens() {
    let world = World::new(Options {
        rate_limit_per_s: Some(2),
        ..options()
    })
    .await;
    let address = start(&world.state).await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        let fresh = world.token("ada").await;
        let body = tool_call("ticket_list", &json!({ "access_token": fresh }));
        let answer = answer(post(address, &[], body).await).await;
        codes.push(
            answer["result"]["structuredContent"]["error"]["code"]
                .as_str()
                .unwrap_or("ok")
                .to_owned(),
        );
    }
    assert_eq!(&codes[..2], ["ok", "ok"]);
    assert!(codes.contains(&"overloaded".to_owned()), "{codes:?}");
    let other = tool_call("ticket_list", &json!({ "access_token": world.token("dev").await }));
    let answer = answer(post(address, &[], other).await).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}

fn misbehaving() -> &'static Toolset {
    toolset(&[
        declare("panics", |_, _| async { panic!("a bug with a secret in it") }.boxed()),
        declare("panics_at_once", |_, _| panic!("a bug")),
        declare("hangs", |_, _| std::future::pending().boxed()),
        declare("is_large", |_, _| {
            // Texts and lists are cut to fit, keys are not.
            let entries = (0..200_000).map(|n| (format!("key {n}"), json!(n)));
            async { Ok(entries.collect::<serde_json::Map<_, _>>().into()) }.boxed()
        }),
    ])
}

#[tokio::test]
async fn a_tool_that_panics_or_hangs_is_answered_for() {
    let world = World::new(Options {
        call_deadline: Duration::from_millis(300),
        ..options()
    })
    .await;
    let (state, good) = (world.state.clone(), world.token("ada").await);
    let server = TicketServer::with_tools(state.clone(), misbehaving());
    let (address, _) = serve(&state, app_with_server(state.clone(), server)).await;
    for (tool, expected) in [
        ("panics", "internal_error"),
        ("panics_at_once", "internal_error"),
        ("hangs", "overloaded"),
        ("is_large", "answer_too_large"),
    ] {
        let started = Instant::now();
        let answer = answer(post(address, &[], tool_call(tool, &json!({ "access_token": good }))).await).await;
        assert_eq!(
            answer["result"]["structuredContent"]["error"]["code"], expected,
            "{answer}"
        );
        assert!(!answer.to_string().contains("secret"), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(5), "{tool}");
    }
}

#[tokio::test]
async fn a_stop_finishes_the_calls_in_flight() {
    static GO_ON: Notify = Notify::const_new();
    let world = World::new(options()).await;
    let (state, good) = (world.state.clone(), world.token("ada").await);
    let server = TicketServer::with_tools(state.clone(), behind!(GO_ON));
    let (address, mut serving) = serve(&state, app_with_server(state.clone(), server)).await;
    // A connection that idles keeps nobody waiting.
    let idle = tokio::net::TcpStream::connect(address).await.expect("connects");
    let body = tool_call("waits", &json!({ "access_token": good }));
    let waits = tokio::spawn(async move { answer(post(address, &[], body).await).await });
    until("the call is there", || !state.calls().is_empty()).await;
    let started = Instant::now();
    state.stop().cancel();
    let is_closed = || std::net::TcpStream::connect(address).is_err();
    until("no more connections are taken", is_closed).await;
    assert!(goes_on(&mut serving).await, "a call is in flight");
    GO_ON.notify_one();
    assert_eq!(waits.await.expect("ends")["result"]["isError"], false);
    assert!(serving.await.expect("ends"), "drained");
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(idle);
}

/// Nagle's delay would hold each answer for 40 ms; a call on an open connection takes a few.
#[tokio::test]
async fn no_answer_waits_40_ms() {
    let world = World::new(options()).await;
    let good = world.token("ada").await;
    let address = start(&world.state).await;
    let client = reqwest::Client::new();
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let request = client
            .post(format!("http://{address}/mcp"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {good}"))
            .body(tool_call("ticket_list", &json!({})));
        let started = Instant::now();
        let _ = answer(request.send().await.expect("answers")).await;
        fastest = fastest.min(started.elapsed());
    }
    assert!(fastest < Duration::from_millis(35), "{fastest:?}");
}

/// A raw request of the newest revision: no `initialize`, version and client in `_meta`, headers that match.
#[tokio::test]
async fn the_newest_revision_needs_no_handshake() {
    let world = World::new(options()).await;
    let good = world.token("ada").await;
    let address = start(&world.state).await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut params: Map<String, Value> = Map::new();
    params.insert("_meta".to_owned(), meta);
    let body = |method: &str, params: &Map<String, Value>| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    let version = ("mcp-protocol-version", "2026-07-28");
    let list = answer(
        post(
            address,
            &[version, ("mcp-method", "tools/list")],
            body("tools/list", &params),
        )
        .await,
    )
    .await;
    assert_eq!(list["result"]["tools"].as_array().map(Vec::len), Some(13), "{list}");
    assert_eq!(list["result"]["resultType"], "complete", "{list}");
    params.insert("name".to_owned(), json!("ticket_list"));
    params.insert("arguments".to_owned(), json!({ "access_token": good }));
    let headers = [version, ("mcp-method", "tools/call"), ("mcp-name", "ticket_list")];
    let called = answer(post(address, &headers, body("tools/call", &params)).await).await;
    assert_eq!(called["result"]["isError"], false, "{called}");
    let headers = [version, ("mcp-method", "tools/call"), ("mcp-name", "user_list")];
    let mismatch = answer(post(address, &headers, body("tools/call", &params)).await).await;
    assert!(mismatch["error"]["code"].is_i64(), "{mismatch}");
}
