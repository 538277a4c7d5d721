//! What is answered: each response as it is, and what is none.

use std::time::Duration;

use tokio::net::TcpListener;

use crate::server::{Server, Step, failed, local, response, send};

#[tokio::test]
async fn a_response_is_whatever_was_answered() {
    for (status, number) in [
        ("200 OK", 200),
        ("201 Created", 201),
        ("404 Not Found", 404),
        ("500 ", 500),
        ("599 X", 599),
    ] {
        let server = Server::answering(status, "content-type: text/html\r\n", b"{\"code\": 1}").await;
        let response = send(&local(), &server.url("/")).await.unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (number, b"{\"code\": 1}".as_slice())
        );
        assert_eq!(response.retry_after, None);
    }
}

#[tokio::test]
async fn a_response_may_be_empty_in_pieces_or_end_with_its_connection() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx: y\r\n\r\n";
    for (steps, body) in [
        (vec![Step::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())], ""),
        (vec![Step::Send(chunked.to_vec())], "abcde"),
        (
            vec![
                Step::Send(b"HTTP/1.0 200 OK\r\n\r\nab".to_vec()),
                Step::Send(b"c".to_vec()),
                Step::Close,
            ],
            "abc",
        ),
        (
            vec![Step::Send(
                [
                    b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(),
                    response("200 OK", "", b"a"),
                ]
                .concat(),
            )],
            "a",
        ),
    ] {
        let server = Server::start(steps).await;
        let response = send(&local(), &server.url("/")).await.unwrap();
        assert_eq!(String::from_utf8(response.body).unwrap(), body);
    }
}

/// Not even to itself.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answering("200 OK", "", b"").await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let server = Server::answering(status, &format!("location: {}\r\n", elsewhere.url("/")), b"").await;
        let response = send(&local(), &server.url("/")).await.unwrap();
        assert_eq!(response.status.to_string(), status[..3]);
        assert_eq!(server.seen().len(), 1);
    }
    assert_eq!(elsewhere.n_opened(), 0);
}

#[tokio::test]
async fn the_wish_to_wait_is_told() {
    // The post is of 2021-02-25T15:02:10.999Z.
    for (retry_after, wait) in [("7", 7_000), ("Thu, 25 Feb 2021 15:02:40 GMT", 29_001)] {
        let server = Server::answering("429 Too Many Requests", &format!("retry-after: {retry_after}\r\n"), b"").await;
        let response = send(&local(), &server.url("/")).await.unwrap();
        assert_eq!(
            (response.status, response.retry_after),
            (429, Some(Duration::from_millis(wait)))
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_has_failed() {
    let long = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(100_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(150));
    for garbage in [
        b"SSH-2.0-OpenSSH_9.6\r\n".as_slice(),
        b"\x16\x03\x01\x00\xa5",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\na: b\r\n",
        b"",
        long.as_bytes(),
        many.as_bytes(),
    ] {
        let server = Server::start(vec![Step::Send(garbage.to_vec()), Step::Close]).await;
        let answer = send(&local(), &server.url("/secret")).await;
        assert!(
            answer.is_err(),
            "{}",
            String::from_utf8_lossy(&garbage[..garbage.len().min(80)])
        );
        let told = failed(answer);
        assert!(told.starts_with("`127.0.0.1` ") && told.len() < 300, "{told}");
        assert_eq!(server.seen().len(), 1, "tried once: {told}");
    }
}

#[tokio::test]
async fn nobody_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let told = failed(send(&local(), &format!("http://{address}/secret")).await);
    assert_eq!(told, "`127.0.0.1` cannot be connected to: connection refused");
}

/// A connection is used again, unless the server says that it closes it.
#[tokio::test]
async fn connections_are_kept() {
    let server = Server::answering("200 OK", "", b"{}").await;
    let client = local();
    for _ in 0..3 {
        send(&client, &server.url("/")).await.unwrap();
    }
    assert_eq!((server.seen().len(), server.n_opened()), (3, 1));
    let closing = Server::start(vec![
        Step::Send(response("200 OK", "connection: close\r\n", b"")),
        Step::Close,
    ])
    .await;
    for _ in 0..3 {
        send(&client, &closing.url("/")).await.unwrap();
    }
    assert_eq!((closing.seen().len(), closing.n_opened()), (3, 3));
}
