//! Whether a form was sent by a page of ours. Browsers say where a form comes from in headers that no page can write:
//! `Sec-Fetch-Site`, where they trust the connection, and `Origin`. At least one must be there, and none may name another
//! origin; so forms need no token of their own.
//!
//! Not here: web origins that may call `/mcp` (`http`); none may send a form.

use axum::http::{HeaderMap, header};

use crate::error::{ApiError, Code};
use crate::state::Options;

/// Refuses a form that another origin's page sent, or of which it is not known.
///
/// # Errors
/// `permission_denied`.
pub(super) fn check(options: &Options, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site").map(|site| site == "same-origin");
    let origin = text(header::ORIGIN.as_str()).map(|origin| is_own(options, headers, origin));
    if site.or(origin).is_some() && site.unwrap_or(true) && origin.unwrap_or(true) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::PermissionDenied,
        "this form was not sent by a page of this server, so nothing was done; a program signs in at /api/v1.0/login",
    )
    .with_hint("open the page here and send the form again"))
}

/// By name and port, as the browser addressed this server, and by scheme where the public address says it.
fn is_own(options: &Options, headers: &HeaderMap, origin: &str) -> bool {
    if let Some(public) = &options.public_url
        && public.eq_ignore_ascii_case(origin)
    {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let is_web = scheme == "http" || scheme == "https" && options.public_url.is_none();
    is_web && host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(public: Option<&str>, host: &str, site: Option<&str>, origin: Option<&str>) -> bool {
        let options = Options {
            public_url: public.map(str::to_owned),
            ..Options::default()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [("host", Some(host)), ("sec-fetch-site", site), ("origin", origin)] {
            if let Some(value) = value {
                headers.insert(
                    axum::http::HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                    value.parse().expect("a value"),
                );
            }
        }
        check(&options, &headers).is_ok()
    }

    #[test]
    fn only_own_pages_send_forms() {
        let (own, host) = ("http://localhost:8002", "localhost:8002");
        for (site, origin, expected) in [
            (Some("same-origin"), Some(own), true),
            (None, Some(own), true),
            (Some("same-origin"), None, true),
            (None, None, false),
            (Some("none"), Some(own), false),
            (Some("same-site"), Some(own), false),
            (Some("cross-site"), Some(own), false),
            (Some("same-origin"), Some("http://evil.example"), false),
            (None, Some("http://localhost:3000"), false),
            (None, Some("http://localhost"), false),
            (None, Some("http://localhost:8002.evil.example"), false),
            (None, Some("ftp://localhost:8002"), false),
            (None, Some("null"), false),
            (None, Some(""), false),
        ] {
            assert_eq!(is_taken(None, host, site, origin), expected, "{site:?} {origin:?}");
        }
        let public = Some("https://tickets.example");
        for (host, origin, expected) in [
            ("tickets.example", "https://tickets.example", true),
            // A proxy that addresses the server by an inner name.
            ("inner:8002", "https://tickets.example", true),
            ("tickets.example", "https://tickets.example:444", false),
            ("127.0.0.1:8002", "http://127.0.0.1:8002", true),
            ("127.0.0.1:8002", "https://127.0.0.1:8002", false),
        ] {
            assert_eq!(is_taken(public, host, None, Some(origin)), expected, "{host} {origin}");
        }
        // A proxy with TLS before a server that was not told of it.
        assert!(is_taken(None, "tickets.example", None, Some("https://tickets.example")));
    }
}
