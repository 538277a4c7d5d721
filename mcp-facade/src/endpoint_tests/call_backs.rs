//! The address at which hooks call back, for whoever has none: what is asked of them, and what they cost.
//!
//! Not here: call-backs that are taken, for which a ticket has to wait (the tests of the whole).

use std::time::Instant;

use reqwest::Method;
use serde_json::Value;

use super::{options, start};
use crate::state::Options;
use crate::testing::World;

/// No credential, origin or name is asked for, whatever is asked for elsewhere; an address that was not made here is told
/// so, and nothing is read of what it brings.
#[tokio::test]
async fn an_address_that_was_not_made_here_is_unknown() {
    let world = World::new(Options {
        require_auth: true,
        ..options()
    })
    .await;
    let address = start(&world.state).await;
    let ask = async |method: Method, token: &str, body: &str| {
        let request = reqwest::Client::new()
            .request(method, format!("http://{address}/hooks/{token}"))
            .header("host", "evil.example")
            .header("origin", "https://evil.example")
            .header("cookie", "loonflow_session=x")
            .body(body.to_owned());
        request.send().await.expect("answers")
    };
    let id = "msg_00000000000070008000000000000001_3_0";
    let forged = format!("lfcb.{id}.{}", "A".repeat(43));
    for token in ["x", "lfcb.", &forged, &"x".repeat(10_000), "%ff%00"] {
        let answer = ask(Method::POST, token, "{\"code\": 0}").await;
        // Bytes that are no text are no token either.
        let expected = if token.starts_with('%') { 400 } else { 404 };
        assert_eq!(answer.status(), expected, "{token}");
        if expected == 404 {
            assert!(answer.headers().contains_key("x-request-id"));
            let answer: Value = answer.json().await.expect("is JSON");
            assert_eq!(answer["code"], -1);
            assert!(!answer.to_string().contains("lfcb."), "{answer}");
        }
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = ask(method.clone(), &forged, "").await;
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST");
    }
    // No allowance is used up, and no time.
    let started = Instant::now();
    for _ in 0..200 {
        assert_eq!(ask(Method::POST, &forged, "").await.status(), 404);
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}
