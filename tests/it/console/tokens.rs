//! Tokens that people make on a page: shown once, listed, revoked, nobody else's.

use std::time::Duration;

use loonflow_tests::{Browser, Page, Raw, TestServer};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{TOKENS, signed_in};

/// The token that a page shows.
fn token_on(page: &Page) -> String {
    page.value_of("id=\"token\"")
}

async fn made(browser: &mut Browser, label: &str, days: &str) -> Page {
    let page = browser
        .post(TOKENS, &[("label", label), ("expires_in_days", days)])
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    page
}

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_taken_back() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    let page = made(&mut browser, "Desk assistant", "30").await;
    let token = token_on(&page);
    assert!(page.text.contains("“Desk assistant” is made"), "{}", page.text);
    // The configuration is ready to paste.
    let (_, config) = page.text.split_once("mcpServers configuration\">").expect("is there");
    let config = config.split("</pre>").next().expect("ends").replace("&#34;", "\"");
    let config: Value = serde_json::from_str(&config).unwrap_or_else(|error| panic!("{error}: {config}"));
    assert_eq!(
        config["mcpServers"]["loonflow-ticket"],
        json!({ "type": "http", "url": format!("http://{}/mcp", server.address),
            "headers": { "Authorization": format!("Bearer {token}") } })
    );
    let raw = Raw::new(server.address, &token);
    server.clock.advance(Duration::from_secs(60));
    raw.call("ticket_list", json!({})).await.ok();
    server.clock.advance(Duration::from_secs(12 * 60));

    let list = browser.get(TOKENS).await;
    assert!(!list.text.contains(&token), "shown once");
    for words in ["Desk assistant", "12 minutes ago", "22 Dec 2026", "13 minutes ago"] {
        assert!(list.text.contains(words), "{words}: {}", list.text);
    }
    let id = token.split('.').nth(1).unwrap();
    let ask = browser.get(&format!("/me/tokens/{id}/revoke")).await;
    assert!(ask.text.contains("Revoke “Desk assistant”?") && ask.text.contains("It was last used 12 minutes ago."));
    raw.call("ticket_list", json!({})).await.ok();
    let gone = browser.post(&format!("/me/tokens/{id}/revoke"), &[]).await;
    assert_eq!(
        (gone.status, gone.location()),
        (StatusCode::SEE_OTHER, format!("{TOKENS}?revoked={id}").as_str())
    );
    let list = browser.get(gone.location()).await;
    assert!(list.text.contains("“Desk assistant” is revoked."), "{}", list.text);
    assert!(list.text.contains(">Revoked<"), "{}", list.text);
    assert_eq!(raw.call("ticket_list", json!({})).await.code(), "token_revoked");
    // Once more there is nothing to do, as for a token that nobody has.
    let again = browser.post(&format!("/me/tokens/{id}/revoke"), &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_revokes_or_sees_another_ones_token() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    let mut told = Vec::new();
    for id in [
        server.token("dev").split('.').nth(1).unwrap(),
        server.token("gina").split('.').nth(1).unwrap(),
        "0123456789abcdef",
        "%3Cscript%3E",
    ] {
        let path = format!("/me/tokens/{id}/revoke");
        let (ask, done) = (browser.get(&path).await, browser.post(&path, &[]).await);
        assert_eq!(
            (ask.status, done.status),
            (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
            "{id}"
        );
        told.extend([ask.text, done.text]);
        let note = browser.get(&format!("{TOKENS}?revoked={id}")).await;
        assert!(!note.text.contains("is revoked."), "{id}");
    }
    assert!(told.iter().all(|text| *text == told[0]), "the same to the letter");
    for name in ["dev", "gina"] {
        server.raw(name).call("ticket_list", json!({})).await.ok();
    }
    let list = browser.get(TOKENS).await.text;
    assert_eq!(
        list.matches("<tr role=\"row\"").count(),
        2,
        "the head and her own: {list}"
    );
}

#[tokio::test]
async fn what_somebody_typed_stays_text() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    let label = "<script>alert(1)</script>\"'&";
    let page = made(&mut browser, label, "0").await;
    let id = token_on(&page).split('.').nth(1).unwrap().to_owned();
    let pages = [
        page,
        browser.get(TOKENS).await,
        browser.get(&format!("/me/tokens/{id}/revoke")).await,
        browser
            .post(TOKENS, &[("label", label), ("expires_in_days", "9999")])
            .await,
    ];
    for page in &pages {
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
        assert!(
            page.text
                .contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;"),
            "{}",
            page.text
        );
    }
    assert!(pages[0].text.contains("never"), "an end was not asked for");
}

#[tokio::test]
async fn bounds_are_told_beside_what_was_typed() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    let before = server.position();
    let long = "x".repeat(201);
    for (label, days, words) in [
        ("", "30", "Enter a label"),
        ("  ", "30", "Enter a label"),
        ("a", "731", "A token lives 1 to 730 days, not 731."),
        ("a", "-1", "not -1"),
        ("a", "soon", "Choose when the token expires."),
        (long.as_str(), "30", "The label has 201 characters, over 200."),
    ] {
        let page = browser
            .post(TOKENS, &[("label", label), ("expires_in_days", days)])
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{label} {days}");
        assert!(page.text.contains(words), "{words}: {}", page.text);
        assert!(page.text.contains("<title>Error: New token"), "{}", page.text);
        assert_eq!(page.value_of("id=\"label\""), label);
    }
    assert_eq!(server.position(), before, "nothing was written");
    for n in 0..99 {
        made(&mut browser, &format!("token {n}"), "30").await;
    }
    let page = browser.post(TOKENS, &[("label", "one more")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text.contains("There are 100 access tokens that work"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("Revoke one that you no longer use."),
        "{}",
        page.text
    );
}

/// A browser that loads the page of a new token again sends its form again.
#[tokio::test]
async fn a_page_that_is_loaded_again_makes_nothing_more() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    let form = browser.get("/me/tokens/new").await;
    let once = form.value_of("name=\"once\"");
    let fields = [("once", once.as_str()), ("label", "desk"), ("expires_in_days", "30")];
    let first = browser.post(TOKENS, &fields).await;
    assert_eq!(first.status, StatusCode::OK);
    let before = server.position();
    let again = browser.post(TOKENS, &fields).await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, TOKENS));
    assert_eq!(server.position(), before);
    assert_ne!(browser.get("/me/tokens/new").await.value_of("name=\"once\""), once);
}

/// The pages as they are, without what differs from run to run.
#[tokio::test]
async fn the_pages_read_well() {
    let server = TestServer::with_passwords(Default::default()).await;
    let mut browser = signed_in(&server, "erin").await;
    // After the token that everybody begins with.
    server.clock.advance(Duration::from_secs(60));
    let form = browser.get("/me/tokens/new").await;
    let made = made(&mut browser, "Desk assistant", "90").await;
    let token = token_on(&made);
    let id = token.split('.').nth(1).unwrap().to_owned();
    let own = server.token("erin").split('.').nth(1).unwrap().to_owned();
    let still = |page: &Page| {
        let once = page
            .text
            .contains("name=\"once\"")
            .then(|| page.value_of("name=\"once\""));
        let mut text = page
            .text
            .replace(&token, "TOKEN")
            .replace(&id, "ID")
            .replace(&own, "OWN");
        text = text.replace(&server.address.to_string(), "HOST");
        // Their names are digests of what they hold.
        for end in [".css", ".js", ".svg"] {
            let at = text.find(end).expect("is named");
            text.replace_range(at - 12..at, "DIGEST");
        }
        once.iter().fold(text, |text, once| text.replace(once.as_str(), "ONCE"))
    };
    insta::assert_snapshot!("sign_in", still(&server.browser().get("/sign-in").await));
    insta::assert_snapshot!("new_token", still(&form));
    insta::assert_snapshot!("token_made", still(&made));
    insta::assert_snapshot!("revoke", still(&browser.get(&format!("/me/tokens/{id}/revoke")).await));
    insta::assert_snapshot!("problem", still(&browser.get("/me/tokens/none/revoke").await));
}
