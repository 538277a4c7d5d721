//! Style, script and icon of the pages: compiled in, and named by their content, so that browsers keep them for good and get
//! another one when it changes.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use loonflow_engine::account::token;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../assets/console/console.css");
const SCRIPT: &str = include_str!("../../assets/console/console.js");
const ICON: &str = include_str!("../../assets/console/icon.svg");

/// A year: what has a name keeps its content.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Addresses of the files.
pub(super) struct Names {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
}

/// See [`Names`].
pub(super) fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let named = |content: &str, end: &str| {
            let digest = Sha256::digest(content.as_bytes());
            format!("/assets/{}.{end}", token::hex(&digest[..6]))
        };
        Names {
            style: named(STYLE, "css"),
            script: named(SCRIPT, "js"),
            icon: named(ICON, "svg"),
        }
    })
}

/// `GET /assets/…`.
pub(super) async fn get(Path(name): Path<String>) -> Response {
    let names = names();
    let found = [
        (&names.style, STYLE, "text/css; charset=utf-8"),
        (&names.script, SCRIPT, "text/javascript; charset=utf-8"),
        (&names.icon, ICON, "image/svg+xml"),
    ];
    let found = found
        .into_iter()
        .find(|(path, ..)| path.strip_prefix("/assets/") == Some(name.as_str()));
    let Some((_, content, kind)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, FOR_GOOD),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page costs (a budget of the design): styles under 25 kB, script under 4 kB.
    #[test]
    fn they_are_small_and_name_nothing_outside() {
        assert!(STYLE.len() < 25 * 1_024, "{}", STYLE.len());
        assert!(SCRIPT.len() < 4 * 1_024, "{}", SCRIPT.len());
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("@import"));
        }
    }
}
