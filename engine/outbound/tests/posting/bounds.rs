//! How long a try takes, and how much it takes: what goes beyond has failed, and the connection goes with it.

use std::future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loonflow_engine::runtime::{NoResponse, Outside, Post, Response};
use loonflow_outbound::{HttpOutside, Resolve, Resolved, Settings};

use crate::server::{Server, Step, failed, local, post, response, send};

async fn try_for(server: &Server, timeout: Duration, response_bytes_max: usize) -> Result<Response, NoResponse> {
    let post = Post {
        timeout,
        response_bytes_max,
        ..post(&server.url("/"))
    };
    local().post(post).await
}

#[tokio::test]
async fn a_body_may_have_as_much_as_was_said_and_no_more() {
    let announced = Server::answering("200 OK", "", &vec![b'x'; 1 << 20]).await;
    let body = try_for(&announced, Duration::from_secs(20), 1 << 20)
        .await
        .unwrap()
        .body;
    assert_eq!(body.len(), 1 << 20);
    let told = failed(try_for(&announced, Duration::from_secs(20), (1 << 20) - 1).await);
    assert_eq!(told, "`127.0.0.1` answers with more than 1048575 bytes");
    let empty = Server::answering("200 OK", "", b"").await;
    assert_eq!(try_for(&empty, Duration::from_secs(20), 0).await.unwrap().body, b"");
}

#[tokio::test]
async fn two_megabytes_are_not_read() {
    let body = vec![b'x'; 2 << 20];
    let unannounced = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body.clone()].concat();
    let chunked = [
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
            body.len()
        )
        .into_bytes(),
        body.clone(),
        b"\r\n0\r\n\r\n".to_vec(),
    ]
    .concat();
    for steps in [
        vec![Step::Send(response("200 OK", "", &body))],
        vec![Step::Send(unannounced), Step::Close],
        vec![Step::Send(chunked)],
        // Without an end.
        vec![
            Step::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            Step::Flood(vec![b'x'; 8_192]),
        ],
    ] {
        let server = Server::start(steps).await;
        let told = failed(try_for(&server, Duration::from_secs(20), 1 << 20).await);
        assert_eq!(told, "`127.0.0.1` answers with more than 1048576 bytes");
        server.closed(1).await;
    }
}

#[tokio::test]
async fn heads_without_an_end_are_not_read() {
    let start = b"HTTP/1.1 200 OK\r\n".to_vec();
    for flood in [b"x: y\r\n".to_vec(), b"x".to_vec(), vec![b'x'; 8_192]] {
        let server = Server::start(vec![Step::Send(start.clone()), Step::Flood(flood)]).await;
        let told = failed(try_for(&server, Duration::from_secs(20), 100).await);
        assert!(told.starts_with("`127.0.0.1` did not answer the request: "), "{told}");
        server.closed(1).await;
    }
}

/// Silence before the head, in the head, before the body and in it.
#[tokio::test]
async fn whoever_is_slow_is_left() {
    for begun in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nx: ",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let server = Server::start(vec![Step::Send(begun.into()), Step::Hold]).await;
        let began = Instant::now();
        let told = failed(try_for(&server, Duration::from_millis(150), 100).await);
        assert_eq!(told, "`127.0.0.1` has not answered within 150 ms", "{begun}");
        assert!(began.elapsed() >= Duration::from_millis(150));
        server.closed(1).await;
    }
}

/// Something all the time, and never an answer.
#[tokio::test]
async fn whoever_only_says_to_go_on_is_left() {
    let server = Server::start(vec![Step::Flood(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec())]).await;
    let told = failed(try_for(&server, Duration::from_millis(150), 100).await);
    assert_eq!(told, "`127.0.0.1` has not answered within 150 ms");
    server.closed(1).await;
}

/// Names whose servers are silent.
struct Silent;

impl Resolve for Silent {
    fn resolve(&self, _: &str) -> Resolved {
        Box::pin(future::pending())
    }
}

/// Names that nobody has.
struct Nobody;

impl Resolve for Nobody {
    fn resolve(&self, _: &str) -> Resolved {
        Box::pin(future::ready(Err(io::Error::other("secret words"))))
    }
}

/// Names without an address.
struct Empty;

impl Resolve for Empty {
    fn resolve(&self, _: &str) -> Resolved {
        Box::pin(future::ready(Ok(Vec::<IpAddr>::new())))
    }
}

fn asking(resolver: impl Resolve) -> HttpOutside {
    HttpOutside::new(Settings {
        resolver: Arc::new(resolver),
        ..Settings::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_within_the_time_to_connect() {
    let began = tokio::time::Instant::now();
    let told = failed(send(&asking(Silent), "http://hooks.example/secret").await);
    assert_eq!(told, "`hooks.example` took more than 5 s to connect to");
    assert_eq!(began.elapsed().as_secs(), 5);
    for client in [asking(Nobody), asking(Empty)] {
        let told = failed(send(&client, "https://hooks.example/secret").await);
        assert_eq!(told, "`hooks.example` cannot be resolved");
    }
}

/// More hosts than connections that may be kept: those that came first stay open, the others are closed at once.
#[tokio::test]
async fn no_more_connections_are_kept_than_may_be() {
    let server = Server::start_at("0.0.0.0:0", vec![Step::Send(response("200 OK", "", b""))]).await;
    let client = local();
    for n in 0..80 {
        send(&client, &format!("http://127.0.1.{n}:{}/", server.port()))
            .await
            .unwrap();
    }
    server.closed(80 - 64).await;
    for n in 0..64 {
        send(&client, &format!("http://127.0.1.{n}:{}/", server.port()))
            .await
            .unwrap();
    }
    assert_eq!((server.seen().len(), server.n_opened()), (144, 80));
}
