//! The console from outside: what its pages answer, to whom, and what they refuse (contract: console).

/// Signing in and out, the cookie, and who is refused.
mod sessions;
/// Tokens that people make on a page.
mod tokens;

use loonflow_tests::{Browser, PASSWORD, TestServer};
use reqwest::StatusCode;

/// Where one is after signing in.
const TOKENS: &str = "/me/tokens";

/// A browser in which somebody has signed in.
async fn signed_in(server: &TestServer, name: &str) -> Browser {
    let mut browser = server.browser();
    let page = browser.sign_in(&server.person(name).email, PASSWORD).await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, TOKENS),
        "{}",
        page.text
    );
    browser
}
