//! Every row of the token table. The first credential that is present decides, and no answer repeats a token.

use std::time::Duration;

use loonflow_mcp_facade::secret::Secret;
use loonflow_mcp_facade::state::Options;
use loonflow_tests::TestServer;
use loonflow_tests::server::JWT_KEY;
use serde_json::{Value, json};

const OTHER_KEY: &str = "another-key-of-thirty-two-bytes!";

/// Calls a tool with a token in the argument and with headers, over HTTP and with `--require-auth` off.
async fn check(server: &TestServer, argument: &str, headers: &[(&str, &str)], expected: &str) {
    let position = server.position();
    let arguments = json!({ "access_token": argument, "workflow_id": "leave" });
    for (tool, changes) in [("ticket_prepare_create", false), ("ticket_create", true)] {
        if changes && expected == "ok" {
            continue;
        }
        let outcome = server.raw("").call_with(headers, tool, arguments.clone()).await;
        assert_eq!(
            outcome.code(),
            expected,
            "{tool} {argument:?} {headers:?}: {}",
            outcome.text
        );
        let sent = headers.iter().map(|(_, value)| *value).chain([argument]);
        for token in sent.filter(|token| token.len() > 8) {
            assert!(!outcome.text.contains(token), "a token is repeated: {}", outcome.text);
        }
    }
    assert_eq!(server.position(), position);
}

/// The same token in each of the three places.
async fn check_everywhere(server: &TestServer, token: &str, expected: &str) {
    check(server, token, &[], expected).await;
    check(server, "", &[("authorization", &format!("Bearer {token}"))], expected).await;
    check(server, "", &[("x-loonflow-access-token", token)], expected).await;
}

async fn check_jwt(claims: Value, key: &str, expected: &str) {
    let server = TestServer::start().await;
    check_everywhere(&server, &TestServer::jwt(&claims, key), expected).await;
}

fn dev() -> Value {
    json!({ "email": "dev@acme.example" })
}

const LATER: i64 = 4_000_000_000;

#[tokio::test]
async fn missing() {
    let server = TestServer::start().await;
    check(&server, "", &[], "token_missing").await;
}

#[tokio::test]
async fn blank_is_missing() {
    let server = TestServer::start().await;
    check(&server, "  \t", &[("x-loonflow-access-token", " ")], "token_missing").await;
    check(
        &server,
        " ",
        &[("authorization", "Basic ZGV2OmRldg==")],
        "token_missing",
    )
    .await;
}

#[tokio::test]
async fn bearer_with_nothing_behind_it_is_bad() {
    let server = TestServer::start().await;
    let good = server.token("dev").to_owned();
    let headers = [("authorization", "Bearer"), ("x-loonflow-access-token", good.as_str())];
    check(&server, "", &headers, "token_invalid").await;
    check(
        &server,
        "Bearer ",
        &[("x-loonflow-access-token", &good)],
        "token_invalid",
    )
    .await;
}

#[tokio::test]
async fn good_in_each_place_and_spelling() {
    let server = TestServer::start().await;
    let good = server.token("dev").to_owned();
    check_everywhere(&server, &good, "ok").await;
    check(&server, &format!("Bearer {good}"), &[], "ok").await;
    check(&server, &format!("  bEARER   {good} "), &[], "ok").await;
    check(&server, "", &[("authorization", &format!("bearer {good}"))], "ok").await;
    check(
        &server,
        "",
        &[("x-loonflow-access-token", &format!("Bearer {good}"))],
        "ok",
    )
    .await;
}

#[tokio::test]
async fn malformed() {
    let server = TestServer::start().await;
    let long = "x".repeat(9_000);
    for token in [
        "lfpat",
        "lfpat.",
        "lfpat.x",
        "lfpat..y",
        "lfpat.a.b.c",
        "a.b.c",
        "no-token-at-all",
        long.as_str(),
    ] {
        check_everywhere(&server, token, "token_invalid").await;
    }
    check(&server, "zwei wörter", &[], "token_invalid").await;
}

#[tokio::test]
async fn unknown() {
    let server = TestServer::start().await;
    check_everywhere(&server, "lfpat.0123456789abcdef.0123456789abcdef", "token_invalid").await;
}

#[tokio::test]
async fn wrong_secret() {
    let server = TestServer::start().await;
    let good = server.token("dev").to_owned();
    let (id, _) = good.rsplit_once('.').expect("three parts");
    let (_, other_secret) = server.token("erin").rsplit_once('.').expect("three parts");
    check_everywhere(&server, &format!("{id}.{other_secret}"), "token_invalid").await;
    check_everywhere(&server, &good[..good.len() - 1], "token_invalid").await;
    check_everywhere(&server, &format!("{good}0"), "token_invalid").await;
}

#[tokio::test]
async fn expired() {
    let server = TestServer::start().await;
    let (_, token) = server.new_token("dev", Some(1)).await;
    server.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    check_everywhere(&server, &token, "ok").await;
    server.clock.advance(Duration::from_secs(1));
    check_everywhere(&server, &token, "token_expired").await;
    // Nobody without the secret learns that it has ended.
    check_everywhere(&server, &format!("{token}0"), "token_invalid").await;
}

#[tokio::test]
async fn revoked() {
    let server = TestServer::start().await;
    let (id, token) = server.new_token("dev", None).await;
    check_everywhere(&server, &token, "ok").await;
    server.revoke("dev", &id).await;
    check_everywhere(&server, &token, "token_revoked").await;
    check_everywhere(&server, &format!("{token}0"), "token_invalid").await;
}

#[tokio::test]
async fn inactive_user() {
    let server = TestServer::start().await;
    let token = server.token("dana").to_owned();
    let jwt = TestServer::jwt(
        &json!({ "exp": LATER, "data": { "email": "dana@acme.example" } }),
        JWT_KEY,
    );
    check_everywhere(&server, &token, "ok").await;
    check_everywhere(&server, &jwt, "ok").await;
    server.deactivate("dana").await;
    check_everywhere(&server, &token, "user_inactive").await;
    check_everywhere(&server, &jwt, "user_inactive").await;
}

#[tokio::test]
async fn jwt_good() {
    check_jwt(json!({ "exp": LATER, "data": dev() }), JWT_KEY, "ok").await;
    check_jwt(
        json!({ "exp": LATER, "data": { "email": " DEV@Acme.Example " } }),
        JWT_KEY,
        "ok",
    )
    .await;
}

#[tokio::test]
async fn jwt_with_alg_none() {
    let server = TestServer::start().await;
    // {"alg":"none","typ":"JWT"} and the claims of `jwt_good`.
    let head = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let claims = "eyJleHAiOjQwMDAwMDAwMDAsImRhdGEiOnsiZW1haWwiOiJkZXZAYWNtZS5leGFtcGxlIn19";
    check_everywhere(&server, &format!("{head}.{claims}."), "token_invalid").await;
    check_everywhere(&server, &format!("{head}.{claims}"), "token_invalid").await;
    let signed = TestServer::jwt(&json!({ "exp": LATER, "data": dev() }), JWT_KEY);
    let (_, rest) = signed.split_once('.').expect("three parts");
    check_everywhere(&server, &format!("{head}.{rest}"), "token_invalid").await;
}

#[tokio::test]
async fn jwt_of_another_key() {
    check_jwt(json!({ "exp": LATER, "data": dev() }), OTHER_KEY, "token_invalid").await;
}

#[tokio::test]
async fn jwt_changed_after_signing() {
    let server = TestServer::start().await;
    let dev = TestServer::jwt(&json!({ "exp": LATER, "data": dev() }), JWT_KEY);
    let ada = TestServer::jwt(
        &json!({ "exp": LATER, "data": { "email": "ada@acme.example" } }),
        OTHER_KEY,
    );
    let dev: Vec<&str> = dev.split('.').collect();
    let ada: Vec<&str> = ada.split('.').collect();
    check_everywhere(&server, &[dev[0], ada[1], dev[2]].join("."), "token_invalid").await;
}

#[tokio::test]
async fn jwt_without_end() {
    check_jwt(json!({ "data": dev() }), JWT_KEY, "token_invalid").await;
    check_jwt(json!({ "exp": "never", "data": dev() }), JWT_KEY, "token_invalid").await;
}

#[tokio::test]
async fn jwt_expired() {
    let server = TestServer::start().await;
    let at = |exp: i64| TestServer::jwt(&json!({ "exp": exp, "data": dev() }), JWT_KEY);
    check_everywhere(&server, &at(server.clock.now_s() + 1), "ok").await;
    check_everywhere(&server, &at(server.clock.now_s()), "token_expired").await;
    check_everywhere(&server, &at(0), "token_expired").await;
}

#[tokio::test]
async fn jwt_without_an_e_mail() {
    for data in [
        json!({}),
        json!(null),
        json!({ "email": "" }),
        json!({ "email": 7 }),
        json!("dev@acme.example"),
    ] {
        check_jwt(
            json!({ "exp": LATER, "data": data, "email": "dev@acme.example" }),
            JWT_KEY,
            "token_invalid",
        )
        .await;
    }
}

#[tokio::test]
async fn jwt_of_an_unknown_e_mail() {
    check_jwt(
        json!({ "exp": LATER, "data": { "email": "nobody@acme.example" } }),
        JWT_KEY,
        "token_invalid",
    )
    .await;
}

/// A bad one that comes first is not passed over for a good one behind it.
#[tokio::test]
async fn the_first_that_is_present_decides() {
    let server = TestServer::start_with(Options {
        environment_token: Some(Secret::new("lfpat.environment.unknown")),
        ..Options::default()
    })
    .await;
    let good = server.token("dev").to_owned();
    let bearer = format!("Bearer {good}");
    check(
        &server,
        "lfpat.x.y",
        &[("authorization", &bearer), ("x-loonflow-access-token", &good)],
        "token_invalid",
    )
    .await;
    check(
        &server,
        "",
        &[
            ("authorization", "Bearer lfpat.x.y"),
            ("x-loonflow-access-token", &good),
        ],
        "token_invalid",
    )
    .await;
    check(
        &server,
        "",
        &[("x-loonflow-access-token", "lfpat.x.y")],
        "token_invalid",
    )
    .await;
    check(&server, "", &[], "token_invalid").await;
    check(&server, &good, &[("authorization", "Bearer lfpat.x.y")], "ok").await;
    check(
        &server,
        "",
        &[("authorization", &bearer), ("x-loonflow-access-token", "lfpat.x.y")],
        "ok",
    )
    .await;
    check(&server, "", &[("x-loonflow-access-token", &good)], "ok").await;
}

#[tokio::test]
async fn unknown_application() {
    let server = TestServer::start().await;
    for app_name in ["no-such-app", "Loonflow"] {
        let arguments = json!({ "app_name": app_name });
        server
            .raw("dev")
            .call("ticket_list", arguments)
            .await
            .refused("app_not_allowed");
    }
    let arguments = json!({ "app_name": "helpdesk-bot", "workflow_id": "leave" });
    server
        .raw("dev")
        .call("ticket_create", arguments)
        .await
        .refused("app_not_allowed");
    let arguments = json!({ "app_name": "helpdesk-bot" });
    let workflows = server.raw("dev").call("workflow_list", arguments).await.ok();
    assert_eq!(workflows["total"], 1, "{workflows}");
    assert_eq!(workflows["workflow_list"][0]["id"], "incident");
}

#[tokio::test]
async fn with_required_tokens_nothing_is_said_without_one() {
    let server = TestServer::start_with(Options {
        require_auth: true,
        ..Options::default()
    })
    .await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    for token in ["", "Bearer lfpat.x.y"] {
        let headers: Vec<(&str, &str)> = Some(("authorization", token))
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let (status, answer) = server.raw("").post_json(&headers, list.clone()).await;
        assert_eq!(status, 401);
        assert!(
            answer["error"]["message"].is_string() && answer.get("result").is_none(),
            "{answer}"
        );
    }
    let (status, _) = server.raw("dev").post_json(&[], list).await;
    assert_eq!(status, 200);
}
