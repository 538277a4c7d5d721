//! Bodies that are too large, or no protocol at all: an answer every time, and the server stays well.

use std::time::{Duration, Instant};

use futures::StreamExt;
use loonflow_mcp_facade::limits::BODY_BYTES_MAX;
use loonflow_tests::raw::tool_call;
use loonflow_tests::{TestServer, Transport};
use serde_json::{Value, json};

use super::leave_at_erin;

/// A call whose body has exactly so many bytes.
fn call_of(n_bytes: usize) -> String {
    let empty = tool_call("ticket_list", &json!({ "search_value": "" })).len();
    let body = tool_call("ticket_list", &json!({ "search_value": "x".repeat(n_bytes - empty) }));
    assert_eq!(body.len(), n_bytes);
    body
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_refused() {
    let server = TestServer::start().await;
    let raw = server.raw("dev");
    for n_bytes in [BODY_BYTES_MAX + 1, 4 * BODY_BYTES_MAX] {
        let (status, answer) = raw.post_json(&[], call_of(n_bytes)).await;
        assert_eq!(status, 413, "{n_bytes}");
        assert_eq!(answer["error"]["data"]["code"], "payload_too_large");
        assert!(answer.to_string().len() < 1_000, "{answer}");
    }
    // The connection is good for the next call.
    raw.call("ticket_list", json!({})).await.ok();
}

#[tokio::test]
async fn a_body_just_below_is_taken() {
    let server = TestServer::start().await;
    let (status, answer) = server.raw("dev").post_json(&[], call_of(BODY_BYTES_MAX)).await;
    assert_eq!(status, 200);
    assert_eq!(answer["result"]["structuredContent"]["total"], 0);
}

#[tokio::test]
async fn over_streams_too_much_is_a_tool_error() {
    let server = TestServer::start().await;
    let client = server.client_over(Transport::Streams, "dev").await;
    let large = json!({ "search_value": "x".repeat(BODY_BYTES_MAX) });
    client.call("ticket_list", large).await.refused("payload_too_large");
    client
        .call("ticket_list", json!({ "search_value": "x".repeat(1_000) }))
        .await
        .ok();
}

/// Deep nesting would overflow the stack of a careless parser.
#[tokio::test]
async fn deep_nesting_is_answered() {
    let server = TestServer::start().await;
    let raw = server.raw("dev");
    let position = server.position();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let (status, _) = raw.post_json(&[], deep.clone()).await;
        assert_eq!(status, 400);
        let body = tool_call("ticket_create", &json!({ "workflow_id": "leave", "fields": "@" }));
        let (status, _) = raw.post_json(&[], body.replace("\"@\"", &deep)).await;
        assert_eq!(status, 400);
        // As deep as a reader of JSON goes: what the engine stores is bounded further.
        let deep = format!("{}1{}", open.repeat(100), close.repeat(100));
        let deep: Value = serde_json::from_str(&deep).expect("is JSON");
        let create = json!({ "workflow_id": "leave", "fields": { "reason": deep } });
        raw.call("ticket_create", create).await.refused("invalid_field_value");
        let text = "[".repeat(100_000);
        let create = json!({ "workflow_id": "leave", "fields": text });
        raw.call("ticket_create", create).await.refused("invalid_argument");
    }
    assert_eq!(server.position(), position);
}

#[tokio::test]
async fn requests_that_are_no_protocol() {
    let server = TestServer::start().await;
    let raw = server.raw("dev");
    for (body, status, code) in [
        (&b"{"[..], 400, -32700),
        (b"", 400, -32700),
        (&[0xff, 0x00, 0x9f], 400, -32700),
        (b"[]", 400, -32600),
        (b"null", 400, -32600),
        (b"{\"jsonrpc\":\"1.0\"}", 400, -32600),
    ] {
        let (found, answer) = raw.post_json(&[], body.to_vec()).await;
        assert_eq!(found, status, "{answer}");
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
    for (name, value, status) in [("host", "evil.example", 403), ("origin", "https://evil.example", 403)] {
        let body = tool_call("ticket_list", &json!({}));
        let (found, answer) = raw.post_json(&[(name, value)], body).await;
        assert_eq!(found, status, "{answer}");
    }
}

/// Xorshift with multiplication: reproducible, and good enough to be rubbish.
struct Rubbish(u64);

impl Rubbish {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % bound
    }

    /// Random bytes, or a good body with some bytes changed, cut off, or repeated.
    fn body(&mut self, good: &[String]) -> Vec<u8> {
        let n_bytes = 1 + self.below(300);
        if self.below(2) == 0 {
            return (0..n_bytes).map(|_| self.next().to_le_bytes()[3]).collect();
        }
        let mut body = good[self.below(good.len())].clone().into_bytes();
        for _ in 0..=self.below(4) {
            let at = self.below(body.len());
            match self.below(4) {
                0 => body.truncate(at.max(1)),
                1 => body.insert(at, self.next().to_le_bytes()[3]),
                2 => body[at] = b"{}[]\",:0"[self.below(8)],
                _ => body[at] = self.next().to_le_bytes()[3],
            }
        }
        body
    }
}

/// 10,000 of them, a few at a time over connections that stay open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_bytes_are_always_answered_and_change_nothing() {
    let server = TestServer::start().await;
    let ticket = leave_at_erin(&server).await;
    // Rehearsals and reads only: a changed byte can make a good call of one of these, and it must not write then.
    let good = [
        tool_call("ticket_list", &json!({ "category": "relation", "per_page": 5 })),
        tool_call("ticket_detail", &json!({ "ticket_id": ticket })),
        tool_call(
            "ticket_handle",
            &json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "dry_run": true, "expected_version": 1 }),
        ),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string(),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" }
        } })
        .to_string(),
    ];
    let raw = server.raw("erin");
    let before = raw.call("ticket_detail", json!({ "ticket_id": ticket })).await;
    let position = server.position();
    let mut rubbish = Rubbish(0x9e37_79b9_7f4a_7c15);
    let bodies: Vec<Vec<u8>> = (0..10_000).map(|_| rubbish.body(&good)).collect();
    let mut waits: Vec<Duration> = futures::stream::iter(bodies)
        .map(|body| {
            let raw = raw.clone();
            async move {
                let started = Instant::now();
                let (status, answer) = raw.post(&[], body.clone()).await;
                let waited = started.elapsed();
                let shown = || format!("{status}: {} for {body:02x?}", String::from_utf8_lossy(&answer));
                assert!(status.as_u16() < 500, "{}", shown());
                if status == 202 {
                    assert!(answer.is_empty(), "{}", shown());
                } else {
                    let answer: Value = serde_json::from_slice(&answer).unwrap_or_else(|_| panic!("{}", shown()));
                    assert!(
                        answer.get("result").is_some() || answer["error"]["code"].is_i64(),
                        "{}",
                        shown()
                    );
                    assert_ne!(
                        answer["result"]["structuredContent"]["error"]["code"],
                        "internal_error",
                        "{}",
                        shown()
                    );
                }
                waited
            }
        })
        .buffer_unordered(8)
        .collect()
        .await;
    waits.sort();
    // A busy machine may stop the test itself for a while; one in a thousand is not the server's doing.
    let slow = waits[waits.len() - 10];
    assert!(slow < Duration::from_millis(500), "{slow:?}");
    assert_eq!(server.position(), position);
    assert_eq!(raw.call("ticket_detail", json!({ "ticket_id": ticket })).await, before);
    assert_eq!(raw.get("/readyz").await, 200);
}
