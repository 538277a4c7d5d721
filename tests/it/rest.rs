//! The REST interface: `login` and personal access tokens, in the shapes that clients know (contract: rest).

use std::time::Duration;

use loonflow_mcp_facade::limits::JWT_LIFE;
use loonflow_tests::{Browser, PASSWORD, Page, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const TOKENS: &str = "/accounts/personal_access_tokens";

async fn login(server: &TestServer, email: &str, password: &str) -> Page {
    let body = json!({ "email": email, "password": password });
    server.browser().rest(Method::POST, "/login", "", &body).await
}

async fn jwt(server: &TestServer, name: &str) -> String {
    let page = login(server, &server.person(name).email, PASSWORD).await;
    let answer = page.json();
    assert_eq!((page.status, &answer["code"]), (StatusCode::OK, &json!(0)), "{answer}");
    answer["data"]["jwt"].as_str().expect("is there").to_owned()
}

async fn call(server: &TestServer, method: Method, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
    let page = server.browser().rest(method, path, token, &body).await;
    assert_eq!(page.header("content-type"), "application/json", "{}", page.text);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.headers.get("set-cookie").is_none());
    let answer = page.json();
    let keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["code", "data", "msg"], "{answer}");
    (page.status, answer)
}

async fn refused(server: &TestServer, method: Method, path: &str, token: &str, body: Value) -> (u16, String) {
    let (status, answer) = call(server, method, path, token, body).await;
    assert_eq!((&answer["code"], &answer["data"]), (&json!(-1), &json!({})), "{answer}");
    (status.as_u16(), answer["msg"].as_str().expect("a text").to_owned())
}

#[tokio::test]
async fn a_jwt_of_login_is_taken_by_mcp_until_its_end() {
    let server = TestServer::with_passwords(Default::default()).await;
    let jwt = jwt(&server, "erin").await;
    let raw = loonflow_tests::Raw::new(server.address, &jwt);
    raw.call("ticket_list", json!({})).await.ok();
    server.clock.advance(JWT_LIFE - Duration::from_secs(1));
    raw.call("ticket_list", json!({})).await.ok();
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(raw.call("ticket_list", json!({})).await.code(), "token_expired");

    let jwt = self::jwt(&server, "erin").await;
    server.deactivate("erin").await;
    let raw = loonflow_tests::Raw::new(server.address, &jwt);
    assert_eq!(raw.call("ticket_list", json!({})).await.code(), "user_inactive");
    let (status, msg) = refused(&server, Method::GET, TOKENS, &jwt, json!(null)).await;
    assert!(
        status == 401 && msg.contains("the token's user is deactivated"),
        "{status} {msg}"
    );
}

#[tokio::test]
async fn login_says_no_more_than_it_must() {
    let server = TestServer::with_passwords(Default::default()).await;
    let email = &server.person("erin").email;
    let wrong = (200, "username or password is incorrect".to_owned());
    for body in [
        json!({ "email": email, "password": "wrong" }),
        json!({ "email": email, "password": "" }),
        json!({ "email": "nobody@acme.example", "password": PASSWORD }),
        json!({ "email": email }),
        json!({}),
    ] {
        assert_eq!(
            refused(&server, Method::POST, "/login", "", body.clone()).await,
            wrong,
            "{body}"
        );
    }
    for body in [
        json!(null),
        json!([]),
        json!("x"),
        json!({ "email": 5, "password": {} }),
    ] {
        let (_, msg) = refused(&server, Method::POST, "/login", "", body.clone()).await;
        assert!(msg.starts_with("invalid params"), "{body}: {msg}");
    }
    server.deactivate("erin").await;
    let body = json!({ "email": email, "password": PASSWORD });
    let told = refused(&server, Method::POST, "/login", "", body).await;
    assert_eq!(told, (200, "user is not active".to_owned()));
}

#[tokio::test]
async fn passwords_are_not_guessed() {
    let server = TestServer::with_passwords(Default::default()).await;
    let email = &server.person("erin").email;
    for _ in 0..5 {
        login(&server, email, "wrong").await;
    }
    // Neither a right password nor another spelling of the address is let through while one has to wait.
    for (email, password) in [(email.as_str(), PASSWORD), (" ERIN@acme.example", "wrong")] {
        let page = login(&server, email, password).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.text);
        assert_eq!(page.header("retry-after"), "2");
        assert_eq!(page.json()["code"], -1);
    }
    // An address that nobody has waits alike.
    for _ in 0..5 {
        login(&server, "nobody@acme.example", "wrong").await;
    }
    let page = login(&server, "nobody@acme.example", "wrong").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    jwt(&server, "ada").await;
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let server = TestServer::with_passwords(Default::default()).await;
    let jwt = jwt(&server, "erin").await;
    // After the token that everybody begins with.
    server.clock.advance(Duration::from_secs(60));
    let body = json!({ "label": " desk ", "expires_in_days": 30 });
    let (status, made) = call(&server, Method::POST, TOKENS, &jwt, body).await;
    assert_eq!(
        (status, &made["code"], &made["msg"]),
        (StatusCode::OK, &json!(0), &json!(""))
    );
    let (id, token) = (
        made["data"]["id"].as_str().unwrap(),
        made["data"]["token"].as_str().unwrap(),
    );
    assert!(token.starts_with(&format!("lfpat.{id}.")));
    assert_eq!(made["data"]["label"], "desk");
    assert_eq!(made["data"]["expires_at"], "2026-12-22 09:31:00");
    assert_eq!(made["data"]["masked_hint"], format!("lfpat.{id}.…"));

    let raw = loonflow_tests::Raw::new(server.address, token);
    server.clock.advance(Duration::from_secs(60));
    raw.call("ticket_list", json!({})).await.ok();
    let (_, listed) = call(&server, Method::GET, TOKENS, &jwt, json!(null)).await;
    assert!(!listed.to_string().contains(token), "shown once");
    let rows = listed["data"]["personal_access_token_list"].as_array().unwrap();
    assert_eq!(
        rows[0],
        json!({ "id": id, "label": "desk", "masked_token": format!("lfpat.{id}.…"), "expires_at": "2026-12-22 09:31:00",
            "created_at": "2026-11-22 09:31:00", "last_used_at": "2026-11-22 09:32:00", "revoked": false })
    );

    let path = format!("{TOKENS}/{id}");
    let (_, revoked) = call(&server, Method::DELETE, &path, &jwt, json!(null)).await;
    assert_eq!(revoked, json!({ "code": 0, "data": {}, "msg": "" }));
    assert_eq!(raw.call("ticket_list", json!({})).await.code(), "token_revoked");
    let gone = (200, "Token not found or already revoked".to_owned());
    assert_eq!(refused(&server, Method::DELETE, &path, &jwt, json!(null)).await, gone);
    let (_, listed) = call(&server, Method::GET, TOKENS, &jwt, json!(null)).await;
    assert_eq!(listed["data"]["personal_access_token_list"][0]["revoked"], true);

    // Somebody else's, another tenant's and none answer alike, and go on working.
    for name in ["dev", "gina"] {
        let token = server.token(name);
        let id = token.split('.').nth(1).unwrap();
        let path = format!("{TOKENS}/{id}");
        assert_eq!(
            refused(&server, Method::DELETE, &path, &jwt, json!(null)).await,
            gone,
            "{name}"
        );
        server.raw(name).call("ticket_list", json!({})).await.ok();
    }
    let path = format!("{TOKENS}/0123");
    assert_eq!(refused(&server, Method::DELETE, &path, &jwt, json!(null)).await, gone);
}

#[tokio::test]
async fn bodies_are_strict_and_bounds_are_told() {
    let server = TestServer::with_passwords(Default::default()).await;
    let jwt = jwt(&server, "erin").await;
    let position = server.position();
    for (body, words) in [
        (
            json!({ "lable": "x" }),
            "Request data is invalid:Wrong key 'lable'; send a JSON object with label, expires_in_days",
        ),
        (json!({ "label": 5 }), "Request data is invalid:'label' must be a text"),
        (
            json!({ "expires_in_days": "30" }),
            "Request data is invalid:'expires_in_days' must be a whole number",
        ),
        (json!({ "expires_in_days": 1.5 }), "must be a whole number"),
        (
            json!({ "expires_in_days": 731 }),
            "a token lives 1 to 730 days, not 731; send 1 to 730, or 0",
        ),
        (json!({ "expires_in_days": -1 }), "not -1"),
        (json!([]), "Request data is invalid:not an object"),
        (json!(null), "Request data is invalid:not JSON"),
    ] {
        let (status, msg) = refused(&server, Method::POST, TOKENS, &jwt, body.clone()).await;
        assert!(status == 200 && msg.contains(words), "{body}: {msg}");
    }
    assert_eq!(server.position(), position, "nothing was written");
    let (_, made) = call(&server, Method::POST, TOKENS, &jwt, json!({ "label": "é".repeat(300) })).await;
    assert_eq!(made["data"]["label"], "é".repeat(200), "cut, as the other server does");
    assert_eq!(made["data"]["expires_at"], "2027-02-20 09:30:00", "ninety days");
    let (_, made) = call(&server, Method::POST, TOKENS, &jwt, json!({ "expires_in_days": 0 })).await;
    assert_eq!(
        (&made["data"]["expires_at"], &made["data"]["label"]),
        (&json!(""), &json!(""))
    );
    let large = json!({ "label": "x".repeat(70_000) });
    assert_eq!(refused(&server, Method::POST, TOKENS, &jwt, large).await.0, 413);
}

#[tokio::test]
async fn only_whoever_signed_in_has_to_do_with_tokens() {
    let server = TestServer::with_passwords(Default::default()).await;
    let id = server.token("erin").split('.').nth(1).unwrap();
    let one = format!("{TOKENS}/{id}");
    for (method, path) in [
        (Method::GET, TOKENS),
        (Method::POST, TOKENS),
        (Method::DELETE, one.as_str()),
    ] {
        let token = server.token("erin").to_owned();
        let (status, msg) = refused(&server, method.clone(), path, &token, json!({})).await;
        assert!(
            status == 200 && msg.starts_with("has no permission: a personal access token"),
            "{msg}"
        );
        for (token, words) in [
            ("", "permission check fail：no token came with the call"),
            ("nonsense", "permission check fail：the JWT is not valid"),
            ("lfpat.a.b", "permission check fail：the token is unknown"),
        ] {
            let (status, msg) = refused(&server, method.clone(), path, token, json!({})).await;
            assert!(
                status == 401 && msg.starts_with(words),
                "{method} {token}: {status} {msg}"
            );
        }
    }
    // Nor does the operator's token stand in: a page of another origin could have sent the call.
    let options = loonflow_mcp_facade::state::Options {
        environment_token: Some(loonflow_mcp_facade::secret::Secret::new(jwt(&server, "ada").await)),
        ..Default::default()
    };
    let other = TestServer::start_with(options).await;
    other.raw("").call("ticket_list", json!({})).await.ok();
    let (status, _) = refused(&other, Method::GET, TOKENS, "", json!(null)).await;
    assert_eq!(status, 401);
    // A cookie is no credential here: no page of another origin calls in somebody's name.
    let mut browser = server.browser();
    assert_eq!(
        browser.sign_in(&server.person("erin").email, PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(!browser.cookie.is_empty());
    let page = browser.rest(Method::GET, TOKENS, "", &json!(null)).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_frame_is_as_clients_know_it() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = server.browser();
    for (method, path, status) in [
        (Method::GET, "/login", 405),
        (Method::PUT, TOKENS, 405),
        (Method::POST, "/login/", 404),
        (Method::GET, "/nothing", 404),
        (Method::GET, "/", 404),
        (Method::OPTIONS, "/login", 200),
        (Method::HEAD, TOKENS, 401),
    ] {
        let page = browser.rest(method.clone(), path, "", &json!(null)).await;
        assert_eq!(page.status.as_u16(), status, "{method} {path}: {}", page.text);
        if status >= 400 && method != Method::HEAD {
            assert_eq!(page.json()["code"], -1, "{method} {path}");
        }
    }
    let page = browser.rest(Method::GET, TOKENS, "", &json!(null)).await;
    assert!(page.headers.contains_key("x-request-id"));
    let allowed = browser.rest(Method::OPTIONS, TOKENS, "", &json!(null)).await;
    assert_eq!(allowed.header("allow"), "GET,HEAD,POST,OPTIONS");
    // A name that was rebound to this machine.
    let page = browser
        .send(
            Method::POST,
            "/api/v1.0/login",
            &[("host", "evil.example")],
            "{}".to_owned(),
        )
        .await;
    assert!(
        page.json()["msg"]
            .as_str()
            .unwrap()
            .contains("not addressed as `evil.example`"),
        "{}",
        page.text
    );
}

/// A server that embeds the facade without a key takes no JWT and makes none.
#[tokio::test]
async fn without_a_key_login_says_what_is_missing() {
    use loonflow_mcp_facade::state::Options;
    use loonflow_mcp_facade::{AppState, app, http::listen};

    let server = TestServer::with_passwords(Default::default()).await;
    let state = AppState::new(server.engine.clone(), server.clock.clone(), Options::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(listen::serve(listener, app(state), server.state.stop().clone()));
    let body = json!({ "email": server.person("erin").email, "password": PASSWORD });
    let page = Browser::new(address).rest(Method::POST, "/login", "", &body).await;
    assert_eq!(page.status, StatusCode::NOT_IMPLEMENTED);
    assert!(
        page.json()["msg"].as_str().unwrap().contains("LOONFLOW_JWT_SECRET"),
        "{}",
        page.text
    );
}
