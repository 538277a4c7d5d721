//! What a post looks like on the wire, and whether a signature is one to others.

use loonflow_engine::account::token::Secret;
use loonflow_engine::port::Clock;
use loonflow_engine::runtime::system_ports::SystemClock;
use loonflow_engine::runtime::{Outside, Post};
use standardwebhooks::Webhook;

use crate::server::{Seen, Server, local, post, send};

const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECOND: &str = "whsec_c2Vjb25kIHNlY3JldCBvZiBhIGNoYW5nZQ==";

async fn seen(post: impl FnOnce(Post) -> Post) -> Seen {
    let server = Server::answering("200 OK", "", b"").await;
    let sent = local().post(post(self::post(&server.url("/hook?a=1#b")))).await;
    assert_eq!(sent.unwrap().status, 200);
    let mut seen = server.seen();
    assert_eq!(seen.len(), 1);
    seen.remove(0)
}

#[tokio::test]
async fn a_post_is_json_with_the_headers_of_a_webhook() {
    let seen = seen(|post| Post {
        body: "{\"a\": \"ä\"}".into(),
        ..post
    })
    .await;
    assert_eq!(seen.line, "POST /hook?a=1 HTTP/1.1");
    assert_eq!(seen.body, "{\"a\": \"ä\"}".as_bytes());
    let mut headers = seen.headers;
    assert!(headers.remove("host").unwrap().starts_with("127.0.0.1:"));
    assert!(headers.remove("user-agent").unwrap().starts_with("loonflow/"));
    let rest: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    // No signature without a token, and nothing that asks for compression, sends cookies or an `expect`.
    assert_eq!(
        rest,
        [
            "accept: application/json",
            "content-length: 11",
            "content-type: application/json",
            "timestamp: 1614265330",
            "webhook-id: msg_1",
            "webhook-timestamp: 1614265330",
        ]
    );
}

#[tokio::test]
async fn the_signatures_are_those_that_were_recorded() {
    let seen = seen(|post| Post {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
        body: br#"{"test": 2432232314}"#.to_vec(),
        token: Secret::new(FIRST),
        ..post
    })
    .await;
    assert_eq!(
        seen.headers["webhook-signature"],
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
    assert_eq!(
        seen.headers["signature"],
        "e96203c6de850e7dc1fde7489ef6140b402d3a5a64fe250cd2eef9830fac1cef"
    );
}

/// A receiver that knows one secret of several takes the post; whoever changes a byte of it does not get through.
#[tokio::test]
async fn a_receivers_own_library_takes_the_signature() {
    let seen = seen(|post| Post {
        at: SystemClock.now(),
        body: "{\"title\": \"Stühle\"}".into(),
        token: Secret::new(format!("{FIRST} {SECOND} plain")),
        ..post
    })
    .await;
    let mut headers = hyper::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, seen.headers[name].parse().unwrap());
    }
    let judges = [
        Webhook::new(FIRST).unwrap(),
        Webhook::new(SECOND).unwrap(),
        Webhook::from_bytes(b"plain".to_vec()).unwrap(),
    ];
    for judge in &judges {
        judge.verify(&seen.body, &headers).unwrap();
        judge
            .verify(&[&seen.body, " ".as_bytes()].concat(), &headers)
            .unwrap_err();
    }
    Webhook::from_bytes(b"other".to_vec())
        .unwrap()
        .verify(&seen.body, &headers)
        .unwrap_err();
    headers.insert("webhook-id", "msg_2".parse().unwrap());
    judges[0].verify(&seen.body, &headers).unwrap_err();
}

#[tokio::test]
async fn users_of_an_address_are_sent_as_basic_and_leave_the_line() {
    let server = Server::answering("200 OK", "", b"").await;
    let url = format!("http://ann:p%40ss@{}/a", server.address);
    send(&local(), &url).await.unwrap();
    let seen = server.seen().remove(0);
    assert_eq!(seen.line, "POST /a HTTP/1.1");
    assert_eq!(seen.headers["authorization"], "Basic YW5uOnBAc3M=");
    assert_eq!(seen.headers["host"], server.address.to_string());
}

/// Four megabytes are what the engine sends at most.
#[tokio::test]
async fn a_large_body_arrives_whole() {
    let body = vec![b'x'; 4 << 20];
    let seen = seen(|post| Post {
        body: body.clone(),
        ..post
    })
    .await;
    assert!(seen.body == body);
}
