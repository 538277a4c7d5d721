//! Web origins that may call, and what browsers have to be told so that they let them (CORS).
//!
//! Not here: names under which the server may be addressed, which rmcp checks: a page that has rebound its own name to
//! this machine sends that name as `Host` and is refused there.
//!
//! Allowed are the origins that the operator names, and the server's own on a loopback address.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::config::is_loopback;

/// What a page may send; browsers ask before they do.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id, \
     x-loonflow-access-token, traceparent, tracestate",
);
/// What a page may read beside the body.
const ANSWER_HEADERS: HeaderValue =
    HeaderValue::from_static("x-request-id, retry-after, www-authenticate, mcp-session-id");
const METHODS: HeaderValue = HeaderValue::from_static("POST, GET, DELETE, OPTIONS");
/// Seconds for which a browser need not ask again: two hours, as long as any of them remembers.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("7200");

/// The allowed origins.
pub(super) struct Origins(Vec<Origin>);

/// `null`, or scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Null,
    Of {
        scheme: String,
        host: String,
        /// `None`: the origin does not say, or any.
        port: Option<u16>,
    },
}

impl Origins {
    /// As the operator wrote them; `config` has checked that they can be read.
    pub(super) fn new(written: &[String]) -> Self {
        Self(
            written
                .iter()
                .filter_map(|text| Origin::parse(text.strip_suffix(":*").unwrap_or(text)))
                .collect(),
        )
    }

    /// The origin that a request comes from, where it says one and it is allowed.
    pub(super) fn of_request(&self, uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
        let sent = headers.get(header::ORIGIN)?;
        let origin = Origin::parse(sent.to_str().ok()?)?;
        let is_named = self.0.iter().any(|allowed| allowed.covers(&origin));
        (is_named || origin.is_own(uri, headers)).then(|| sent.clone())
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        if text.eq_ignore_ascii_case("null") {
            return Some(Self::Null);
        }
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        Some(Self::Of {
            scheme: uri.scheme_str()?.to_ascii_lowercase(),
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16(),
        })
    }

    /// Whether an allowed origin, `self`, is this one. One without a port stands for every port, as it does for rmcp.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Of { .. }, Self::Null) | (Self::Null, Self::Of { .. }) => false,
            (
                Self::Of { scheme, host, port },
                Self::Of {
                    scheme: of, host: at, ..
                },
            ) => scheme == of && host == at && (port.is_none() || *port == other.port()),
        }
    }

    /// Whether it is this server's, addressed by a loopback name: a page from there, or a tool that plays one.
    fn is_own(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Self::Of { scheme, host, .. } = self else {
            return false;
        };
        let addressed = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let addressed = addressed.map_or_else(|| uri.authority().cloned(), |host| host.parse::<Authority>().ok());
        let Some(addressed) = addressed else { return false };
        // TLS ends before this server, where it is not on a loopback address.
        scheme == "http"
            && is_loopback(host)
            && is_loopback(addressed.host())
            && self.port() == addressed.port_u16().or(Some(80))
    }

    fn port(&self) -> Option<u16> {
        match self {
            Self::Null => None,
            Self::Of { port: Some(port), .. } => Some(*port),
            Self::Of { scheme, .. } if scheme == "http" => Some(80),
            Self::Of { scheme, .. } if scheme == "https" => Some(443),
            Self::Of { .. } => None,
        }
    }
}

/// Whether a browser asks what it may send.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that.
pub(super) fn preflight(origin: &HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
    readable(&mut response, origin);
    response
}

/// Lets a page of that origin read an answer. No cookies: whoever calls sends a token.
pub(super) fn readable(response: &mut Response, origin: &HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(allowed: &[&str], origin: &str, host: &str) -> bool {
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().expect("a value"));
        headers.insert(header::HOST, host.parse().expect("a value"));
        Origins::new(&allowed)
            .of_request(&Uri::from_static("/mcp"), &headers)
            .is_some()
    }

    #[test]
    fn origins_that_are_named_are_allowed() {
        for (allowed, origin, expected) in [
            ("https://desk.example", "https://desk.example", true),
            ("https://desk.example", "HTTPS://DESK.example", true),
            ("https://desk.example", "https://desk.example:8443", true),
            ("https://desk.example:*", "https://desk.example:8443", true),
            ("https://desk.example:443", "https://desk.example", true),
            ("https://desk.example:443", "https://desk.example:8443", false),
            ("https://desk.example", "http://desk.example", false),
            ("https://desk.example", "https://desk.example.evil.example", false),
            ("https://desk.example", "null", false),
            ("null", "null", true),
        ] {
            assert_eq!(
                is_allowed(&[allowed], origin, "t.example"),
                expected,
                "{allowed} {origin}"
            );
        }
    }

    #[test]
    fn the_servers_own_origin_is_allowed_by_loopback_names_only() {
        for (origin, host, expected) in [
            ("http://127.0.0.1:8002", "127.0.0.1:8002", true),
            ("http://localhost:8002", "127.0.0.1:8002", true),
            ("http://[::1]:8002", "[::1]:8002", true),
            ("http://localhost", "localhost", true),
            // Another server on this machine.
            ("http://localhost:3000", "localhost:8002", false),
            ("https://localhost:8002", "localhost:8002", false),
            // A name that was rebound to this machine.
            ("http://evil.example:8002", "evil.example:8002", false),
            ("http://evil.example:8002", "127.0.0.1:8002", false),
            ("http://127.0.0.1:8002", "evil.example:8002", false),
            ("http://127.0.0.1.evil.example:8002", "127.0.0.1:8002", false),
        ] {
            assert_eq!(is_allowed(&[], origin, host), expected, "{origin} {host}");
        }
    }
}
