//! Those who hold connections, heads, bodies and answers, and those who want to be served beside them.
//!
//! At small scale; the limits of the whole scale in the same proportion.

use std::net::SocketAddr;

use futures::FutureExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::raw_http::{answer, post, tool_call};
use super::{behind, declare, options, serve, toolset, until};
use crate::http::{app, app_with_server, listen};
use crate::mcp::TicketServer;
use crate::testing::World;

async fn serve_few(world: &World, connections_max: usize) -> SocketAddr {
    serve_app_to_few(world, app(world.state.clone()), connections_max).await
}

async fn serve_app_to_few(world: &World, app: axum::Router, connections_max: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has one");
    let stop = world.state.stop().clone();
    tokio::spawn(listen::serve_at_most(listener, app, stop, connections_max));
    address
}

/// Connections that send a text and then nothing.
async fn hold(address: SocketAddr, n_connections: usize, sent: &str) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for _ in 0..n_connections {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        // One that has been closed meanwhile takes nothing.
        let _ = stream.write_all(sent.as_bytes()).await;
        held.push(stream);
    }
    held
}

async fn probe(address: SocketAddr, path: &str) -> u16 {
    let response = reqwest::get(format!("http://{address}{path}")).await.expect("answers");
    response.status().as_u16()
}

fn unfinished(n_bytes: usize) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
        n_bytes + 1,
        " ".repeat(n_bytes)
    )
}

/// More of each than there are places: silent ones, heads that trickle in, bodies that stop short.
#[tokio::test]
async fn who_holds_connections_keeps_nobody_out() {
    let world = World::new(options()).await;
    let bearer = format!("Bearer {}", world.token("ada").await);
    for (kind, sent) in [
        ("silent", String::new()),
        (
            "slow heads",
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nx-a: ".to_owned(),
        ),
        ("small bodies", unfinished(100)),
        ("large bodies", unfinished(200_000)),
    ] {
        let address = serve_few(&world, 20).await;
        let held = hold(address, 60, &sent).await;
        for _ in 0..5 {
            let response = post(
                address,
                &[("authorization", &bearer)],
                tool_call("ticket_list", &json!({})),
            )
            .await;
            assert_eq!(response.status(), 200, "{kind}");
            assert_eq!(answer(response).await["result"]["isError"], false, "{kind}");
            assert_eq!(probe(address, "/healthz").await, 200, "{kind}");
            assert_eq!(probe(address, "/readyz").await, 200, "{kind}");
        }
        drop(held);
    }
}

/// Only calls are under way: the next one is told to come again, and probes are answered.
#[tokio::test]
async fn where_nothing_gives_way_probes_are_answered_and_calls_told_to_wait() {
    static GO_ON: Notify = Notify::const_new();
    let world = World::new(options()).await;
    let (state, good) = (world.state.clone(), world.token("ada").await);
    let server = TicketServer::with_tools(state.clone(), behind!(GO_ON));
    let address = serve_app_to_few(&world, app_with_server(state.clone(), server), 1).await;
    let body = tool_call("waits", &json!({ "access_token": good }));
    let busy = tokio::spawn(async move { answer(post(address, &[], body).await).await });
    until("the call is there", || !state.calls().is_empty()).await;
    let told = post(address, &[], tool_call("waits", &json!({}))).await;
    assert_eq!(told.status(), 503);
    assert_eq!(told.headers()["retry-after"], "5");
    assert_eq!(answer(told).await["error"]["data"]["code"], "overloaded");
    assert_eq!(probe(address, "/healthz").await, 200);
    assert_eq!(probe(address, "/readyz").await, 200);
    GO_ON.notify_one();
    assert_eq!(busy.await.expect("ends")["result"]["isError"], false);
}

/// What one program reads as one thing and another as another is refused; so is a head that no client sends.
#[tokio::test]
async fn heads_that_are_ambiguous_or_too_large_are_refused() {
    let world = World::new(options()).await;
    let (address, _) = serve(&world.state, app(world.state.clone())).await;
    let long = |n_bytes: usize| format!("host: localhost\r\nx-long: {}", "x".repeat(n_bytes));
    for (headers, status) in [
        ("host: localhost".to_owned(), "200"),
        ("host: localhost\r\nhost: localhost".to_owned(), "400"),
        ("host: localhost\r\nHOST: evil.example".to_owned(), "400"),
        ("host: evil.example\r\nhost: localhost".to_owned(), "400"),
        (long(60 * 1024), "200"),
        (long(64 * 1024), "431"),
        (long(100_000), "431"),
        (long(1_000_000), "431"),
    ] {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let request = format!("GET /healthz HTTP/1.1\r\n{headers}\r\nconnection: close\r\n\r\n");
        // It may be answered before the last byte is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let shown = &headers[..headers.len().min(60)];
        // A head over the bound is cut off: the answer may be lost with the bytes that nobody reads.
        let is_lost = status == "431" && answer.is_empty();
        assert!(is_lost || answer.split(' ').nth(1) == Some(status), "{shown}: {answer}");
    }
}

/// An answer that its client does not take is not in the way of the server's stop, nor of others.
#[tokio::test]
async fn an_answer_comes_whole_however_slowly_it_is_taken() {
    let world = World::new(options()).await;
    let (address, _) = serve(&world.state, app(world.state.clone())).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("is sent");
    let mut taken = Vec::new();
    let mut piece = [0; 700];
    loop {
        let n_bytes = stream.read(&mut piece).await.expect("comes");
        if n_bytes == 0 {
            break;
        }
        taken.extend_from_slice(&piece[..n_bytes]);
        tokio::task::yield_now().await;
    }
    let text = String::from_utf8(taken).expect("is text");
    let (head, body) = text.split_once("\r\n\r\n").expect("has a body");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
}
