//! Signing in and out, the cookie, and who is refused.

use std::time::Duration;

use loonflow_mcp_facade::state::Options;
use loonflow_tests::{PASSWORD, TestServer};
use reqwest::{Method, StatusCode};

use super::{TOKENS, signed_in};

#[tokio::test]
async fn the_cookie_is_for_this_server_alone() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = server.browser();
    let page = browser.get(TOKENS).await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/sign-in?next=%2Fme%2Ftokens")
    );
    let page = browser.sign_in(&server.person("erin").email, PASSWORD).await;
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("loonflow_session="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(browser.get(TOKENS).await.status, StatusCode::OK);

    // Over TLS, which ends before the server.
    let options = Options {
        public_url: Some("https://tickets.example".to_owned()),
        ..Options::default()
    };
    let server = TestServer::with_passwords(options).await;
    let mut browser = server.browser();
    let from = [("origin", "https://tickets.example"), ("host", "tickets.example")];
    let email = server.person("erin").email.clone();
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    let page = browser.post_from(&from, "/sign-in", &fields).await;
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-loonflow_session="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    assert_eq!(browser.get(TOKENS).await.status, StatusCode::OK);
    // Under the name that anybody's plain page could have set it is nothing.
    browser.cookie = browser.cookie.replace("__Host-", "");
    assert_eq!(browser.get(TOKENS).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_a_word_too_many() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = server.browser();
    let email = server.person("erin").email.clone();
    let wrong = browser.sign_in(&email, "wrong <b>").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(
        wrong.text.contains("E-mail or password is not right."),
        "{}",
        wrong.text
    );
    assert!(wrong.text.contains("<title>Error: Sign in"), "{}", wrong.text);
    assert!(wrong.headers.get("set-cookie").is_none());
    assert!(
        !wrong.text.contains("wrong <b>") && !wrong.text.contains("wrong &#"),
        "a password comes back"
    );
    let nobody = browser.sign_in("nobody@acme.example", PASSWORD).await;
    assert_eq!(nobody.status, wrong.status);
    assert_eq!(
        nobody.text.replace("nobody@acme.example", &email),
        wrong.text,
        "the same to the letter"
    );
    let injected = browser.sign_in("\"><script>alert(1)</script>", "x").await;
    assert!(!injected.text.contains("<script>alert"), "{}", injected.text);
    let empty = browser.sign_in("", "").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);

    for _ in 0..4 {
        browser.sign_in(&email, "wrong").await;
    }
    let waits = browser.sign_in(&email, PASSWORD).await;
    assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(waits.header("retry-after"), "2");
    assert!(waits.text.contains("You can try again in 2 seconds."), "{}", waits.text);
}

#[tokio::test]
async fn a_copied_cookie_dies_when_one_signs_out() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    let mut thief = browser.clone();
    assert_eq!(thief.get(TOKENS).await.status, StatusCode::OK);
    let page = browser.post("/sign-out", &[]).await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/sign-in?out=1")
    );
    assert!(
        page.header("set-cookie").contains("Max-Age=0"),
        "{}",
        page.header("set-cookie")
    );
    assert!(browser.cookie.is_empty());
    for path in [TOKENS, "/me/tokens/new"] {
        let page = thief.get(path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.location().starts_with("/sign-in"), "{}", page.location());
    }
    let made = thief.post(TOKENS, &[("label", "x")]).await;
    assert_eq!((made.status, made.location()), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(browser.get("/sign-in?out=1").await.text.contains("You are signed out."));
}

/// Whoever set a cookie in another's browser does not share what is signed in with it.
#[tokio::test]
async fn signing_in_begins_another_session() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "dev").await;
    let planted = browser.cookie.clone();
    browser.sign_in(&server.person("erin").email, PASSWORD).await;
    assert_ne!(browser.cookie, planted);
    let mut attacker = server.browser();
    attacker.cookie = planted;
    assert_eq!(
        attacker.get(TOKENS).await.status,
        StatusCode::SEE_OTHER,
        "the one before has ended"
    );
    assert!(browser.get(TOKENS).await.text.contains("Erin Eng-Lead"));
    for made_up in [
        "loonflow_session=0123",
        "loonflow_session=",
        "other=1",
        "loonflow_session",
    ] {
        attacker.cookie = made_up.to_owned();
        assert_eq!(attacker.get(TOKENS).await.status, StatusCode::SEE_OTHER, "{made_up}");
    }
}

#[tokio::test]
async fn a_session_ends_by_time_password_and_deactivation() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    server.clock.advance(Duration::from_secs(12 * 3_600));
    assert_eq!(
        browser.get(TOKENS).await.status,
        StatusCode::SEE_OTHER,
        "nobody used it"
    );

    let mut browser = signed_in(&server, "erin").await;
    for _ in 0..7 * 4 - 1 {
        server.clock.advance(Duration::from_secs(6 * 3_600));
        assert_eq!(browser.get(TOKENS).await.status, StatusCode::OK);
    }
    server.clock.advance(Duration::from_secs(6 * 3_600));
    assert_eq!(
        browser.get(TOKENS).await.status,
        StatusCode::SEE_OTHER,
        "seven days old"
    );

    let mut browser = signed_in(&server, "erin").await;
    server.set_passwords(&["erin"], "another").await;
    assert_eq!(
        browser.get(TOKENS).await.status,
        StatusCode::SEE_OTHER,
        "another password"
    );

    let mut browser = signed_in(&server, "dev").await;
    server.deactivate("dev").await;
    assert_eq!(browser.get(TOKENS).await.status, StatusCode::SEE_OTHER, "deactivated");
    let page = browser.sign_in(&server.person("dev").email, PASSWORD).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("Your account is not active."), "{}", page.text);
    server.set_passwords(&["ada"], PASSWORD).await;
    assert_eq!(
        browser.get(TOKENS).await.status,
        StatusCode::SEE_OTHER,
        "active again, and signs in again"
    );
    signed_in(&server, "dev").await;
}

#[tokio::test]
async fn forms_of_other_pages_are_refused() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    let email = server.person("erin").email.clone();
    let own = format!("http://{}", server.address);
    let before = server.position();
    for headers in [
        &[][..],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
        &[("sec-fetch-site", "same-site"), ("origin", own.as_str())],
        &[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")],
    ] {
        for (path, fields) in [
            ("/sign-in", &[("email", email.as_str()), ("password", PASSWORD)][..]),
            ("/sign-out", &[]),
            (TOKENS, &[("label", "stolen")]),
            ("/me/tokens/0123/revoke", &[]),
        ] {
            let page = browser.post_from(headers, path, fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?} {path}: {}", page.text);
            assert!(page.text.contains("not sent by a page of this server"), "{}", page.text);
        }
    }
    assert_eq!(server.position(), before, "nothing was written");
    assert_eq!(
        browser.get(TOKENS).await.status,
        StatusCode::OK,
        "nor has the session ended"
    );
    // Cookies do not go where a name was rebound to this machine, and the name is refused too.
    let page = browser
        .send(Method::GET, TOKENS, &[("host", "evil.example")], String::new())
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn one_goes_on_to_own_pages_only() {
    let server = TestServer::with_passwords(Default::default()).await;
    let email = server.person("erin").email.clone();
    for (next, goes_to) in [
        ("/me/tokens/new", "/me/tokens/new"),
        ("//evil.example", TOKENS),
        ("https://evil.example", TOKENS),
        ("/\\evil.example", TOKENS),
        ("/x\r\nset-cookie: a=b", TOKENS),
    ] {
        let mut browser = server.browser();
        let fields = [("email", email.as_str()), ("password", PASSWORD), ("next", next)];
        let page = browser.post("/sign-in", &fields).await;
        assert_eq!(page.location(), goes_to, "{next}");
    }
    let mut browser = server.browser();
    let page = browser.get("/me/tokens/new").await;
    assert_eq!(page.location(), "/sign-in?next=%2Fme%2Ftokens%2Fnew");
    let page = browser.get(page.location()).await;
    assert_eq!(page.value_of("name=\"next\""), "/me/tokens/new");
    let mut browser = signed_in(&server, "erin").await;
    assert_eq!(
        browser.get("/sign-in").await.location(),
        TOKENS,
        "who is signed in needs no form"
    );
    assert_eq!(browser.get("/").await.location(), TOKENS);
}

#[tokio::test]
async fn every_page_is_guarded() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    let mut stranger = server.browser();
    let pages = [
        browser.get(TOKENS).await,
        browser.get("/me/tokens/new").await,
        browser.get("/me/tokens/none/revoke").await,
        browser.post(TOKENS, &[("label", "x")]).await,
        stranger.get("/sign-in").await,
        stranger.get(TOKENS).await,
        stranger.post_from(&[], "/sign-out", &[]).await,
        stranger.send(Method::DELETE, "/sign-in", &[], String::new()).await,
        stranger.post("/sign-in", &[("email", &"x".repeat(70_000))]).await,
    ];
    for page in &pages {
        let told = format!("{} {}", page.status, page.text);
        assert_eq!(page.header("cache-control"), "no-store", "{told}");
        assert!(
            page.header("content-security-policy")
                .starts_with("default-src 'none'; "),
            "{told}"
        );
        assert!(!page.header("content-security-policy").contains("unsafe"));
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(page.headers.contains_key("x-request-id"));
        assert!(
            !page.text.contains(" style=") && !page.text.contains(" onclick="),
            "{told}"
        );
        assert!(!page.text.contains("<script>"), "{told}");
    }
    assert_eq!(pages[8].status, StatusCode::PAYLOAD_TOO_LARGE);
    // Style, script and icon are there under the names that pages have for them, and are kept.
    for (before, kind) in [
        ("stylesheet\" href=\"", "text/css"),
        ("script src=\"", "text/javascript"),
        ("svg+xml\" href=\"", "image/svg+xml"),
    ] {
        let (_, rest) = pages[0].text.split_once(before).expect("is named");
        let path = rest.split('"').next().expect("ends").to_owned();
        let file = stranger.get(&path).await;
        assert!(
            file.status.is_success() && file.header("content-type").starts_with(kind),
            "{path}"
        );
        assert!(file.header("cache-control").contains("immutable"));
    }
    assert_eq!(stranger.get("/assets/other.js").await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.get("/sign-in/").await.status, StatusCode::NOT_FOUND);
    let head = stranger.send(Method::HEAD, "/sign-in", &[], String::new()).await;
    assert!(head.status.is_success() && head.text.is_empty());
}
