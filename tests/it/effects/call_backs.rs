//! An asynchronous hook: it is taken on, and what becomes of it is said at the address that was sent with it, over HTTP.

use std::time::Duration;

use loonflow_tests::{Receiver, Reply};
use serde_json::{Value, json};

use super::World;

/// A release whose hook was taken on, and where it calls back.
async fn taken_on(world: &World) -> (String, String) {
    let n_before = world.receiver.got("/deploy").len();
    let ticket = world.release().await;
    world
        .pass_until(Duration::ZERO, "it is taken on", async || {
            world.detail(&ticket).await["waiting_for"][0]["hook"]["state"] == "accepted"
        })
        .await;
    let got = world.receiver.got("/deploy");
    assert_eq!(got.len(), n_before + 1);
    let url = got[n_before].json()["callback_url"].clone();
    (ticket, url.as_str().expect("it is told where").to_owned())
}

/// The status of a call-back, the code in its answer, and when one may come again.
async fn call_back(url: &str, body: impl Into<reqwest::Body>) -> (u16, i64, Option<u64>) {
    // Headers that pages, and requests to other names, would be refused for elsewhere.
    let request = reqwest::Client::new()
        .post(url)
        .header("origin", "https://evil.example")
        .header("host", "inner.example")
        .header("sec-fetch-site", "cross-site");
    let answer = request.body(body).send().await.expect("answers");
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get("retry-after");
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let answer: Value = answer.json().await.expect("is JSON");
    let mut keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, ["code", "data", "msg"]);
    (status, answer["code"].as_i64().expect("a number"), retry_after)
}

#[tokio::test]
async fn a_hook_calls_back_when_its_work_is_done() {
    let world = World::new(Receiver::start().await, |props| props["is_async"] = json!(true)).await;
    let (ticket, url) = taken_on(&world).await;
    let (before, token) = url.rsplit_once('/').expect("a path");
    assert_eq!(before, format!("http://{}/hooks", world.server.address));
    // Nothing of these uses it up.
    for (body, status) in [
        (String::new(), 400),
        ("nonsense".to_owned(), 400),
        ("[0]".to_owned(), 400),
        ("{\"code\": \"0\"}".to_owned(), 400),
        (" ".repeat(64 * 1024 + 1), 413),
    ] {
        assert_eq!(
            call_back(&url, body.clone()).await,
            (status, -1, None),
            "{}",
            body.len()
        );
    }
    let got = reqwest::get(&url).await.expect("answers");
    assert_eq!(got.status(), 405);
    for other in [
        format!("{token}x"),
        token[..token.len() - 1].to_owned(),
        token.to_uppercase(),
    ] {
        assert_eq!(
            call_back(&format!("{before}/{other}"), "{\"code\": 0}").await.0,
            404,
            "{other}"
        );
    }
    assert_eq!(world.standing(&ticket).await, "on_going: deploy");

    let done = "{\"code\": 0, \"msg\": \"deployed\", \"more\": [1]}";
    assert_eq!(call_back(&url, done).await, (200, 0, None));
    assert_eq!(world.standing(&ticket).await, "on_going: verify");
    assert_eq!(call_back(&url, done).await, (200, 0, None), "said again");
    assert_eq!(
        call_back(&url, "{\"code\": 7}").await,
        (410, -1, None),
        "said otherwise"
    );
    world.finish(&ticket).await;
    assert_eq!(world.receiver.got("/deploy").len(), 1, "it is called once");
}

#[tokio::test]
async fn a_hook_that_failed_says_why() {
    let world = World::new(Receiver::start().await, |props| props["is_async"] = json!(true)).await;
    let (ticket, url) = taken_on(&world).await;
    assert_eq!(
        call_back(&url, "{\"code\": 3, \"msg\": \"no room on the disk\"}").await,
        (200, 0, None)
    );
    let incident = world.incident(&ticket).await;
    assert!(
        incident["last_error"]
            .as_str()
            .is_some_and(|error| error.contains("no room on the disk")),
        "{incident}"
    );
    world.handle("ada", &ticket, "retry_hook/retry_hook", json!({})).await;
    world
        .pass_until(Duration::ZERO, "it is called again", async || {
            world.receiver.got("/deploy").len() == 2
        })
        .await;
    let got = world.receiver.got("/deploy");
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[0].body, got[1].body, "the address is the same for every try");
    assert_eq!(call_back(&url, "{\"code\": 0}").await.0, 200);
    world.comes_to(&ticket, "on_going: verify").await;
}

/// One address has sixty calls a minute; another is none the worse for it, and neither are those that nobody made.
#[tokio::test]
async fn who_calls_back_without_end_is_slowed_down() {
    let world = World::new(Receiver::start().await, |props| props["is_async"] = json!(true)).await;
    world.receiver.always(Reply::Good);
    let (ticket, url) = taken_on(&world).await;
    let (other_ticket, other_url) = taken_on(&world).await;
    let mut n_taken = 0;
    let retry_after = loop {
        match call_back(&url, "nonsense").await {
            (400, -1, None) => n_taken += 1,
            (429, -1, retry_after) => break retry_after,
            other => panic!("{other:?}"),
        }
        assert!(n_taken < 1_000, "nobody slows it down");
    };
    assert!(n_taken >= 60, "{n_taken}");
    assert_eq!(retry_after, Some(1));
    assert_eq!(call_back(&other_url, "{\"code\": 0}").await.0, 200);
    world.comes_to(&other_ticket, "on_going: verify").await;
    assert_eq!(world.standing(&ticket).await, "on_going: deploy");
}
