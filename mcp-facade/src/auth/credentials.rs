//! Finds the one credential that decides, among the places it may come from.
//!
//! Not here: what the credential says (`auth::identify`).
//!
//! Order: argument `access_token`, header `Authorization: Bearer …`, header `X-Loonflow-Access-Token`, environment. The
//! first that is present decides, and a bad one does not fall through to the next. Blank means absent in an argument,
//! in `X-Loonflow-Access-Token` and in the environment; `Authorization: Bearer` with nothing behind it is present and
//! bad. An `Authorization` of another scheme is not ours (a proxy in front may need it) and is passed over.

use axum::http::{HeaderMap, HeaderName, header::AUTHORIZATION};

use crate::error::{ApiError, Code};
use crate::secret::Secret;

/// The second header a token may come in, for clients behind a proxy that keeps `Authorization` for itself.
pub static ACCESS_TOKEN_HEADER: HeaderName = HeaderName::from_static("x-loonflow-access-token");

/// Where a credential came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The tool argument `access_token`.
    Argument,
    /// `Authorization: Bearer …`.
    AuthorizationHeader,
    /// `X-Loonflow-Access-Token`.
    AccessTokenHeader,
    /// `LOONFLOW_MCP_ACCESS_TOKEN`.
    Environment,
}

impl Source {
    /// An error of a token that came from here: one from the environment is no client's to change.
    #[must_use]
    pub fn explain(self, error: ApiError) -> ApiError {
        let is_of_token = matches!(error.code, Code::TokenInvalid | Code::TokenExpired | Code::TokenRevoked);
        if self != Self::Environment || !is_of_token {
            return error;
        }
        error.with_hint(
            "start the server with another token in the environment variable `LOONFLOW_MCP_ACCESS_TOKEN`, or send one in \
             the argument `access_token`",
        )
    }

    /// The place in words of an error message.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Argument => "the argument `access_token`",
            Self::AuthorizationHeader => "the header `Authorization`",
            Self::AccessTokenHeader => "the header `X-Loonflow-Access-Token`",
            Self::Environment => "the server's `LOONFLOW_MCP_ACCESS_TOKEN`",
        }
    }
}

/// The credential that decides. The token may be empty or malformed: it was present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Where it was found.
    pub source: Source,
    /// The token without `Bearer` and surrounding blanks.
    pub token: Secret,
}

/// The deciding credential, if any is present.
///
/// `headers` is absent on stdio; `environment` is absent where the operator set none or it may not serve this transport.
#[must_use]
pub fn find(argument: Option<&str>, headers: Option<&HeaderMap>, environment: Option<&Secret>) -> Option<Credential> {
    let found = |source, token: &str| {
        Some(Credential {
            source,
            token: Secret::new(token),
        })
    };
    if let Some(text) = argument.map(str::trim).filter(|text| !text.is_empty()) {
        return found(Source::Argument, bearer(text).unwrap_or(text));
    }
    if let Some(headers) = headers {
        for value in headers.get_all(AUTHORIZATION) {
            // A value that is not even text still counts as present: an empty token, which is malformed.
            let Ok(text) = value.to_str() else {
                return found(Source::AuthorizationHeader, "");
            };
            if let Some(token) = bearer(text.trim()) {
                return found(Source::AuthorizationHeader, token);
            }
        }
        if let Some(value) = headers.get(&ACCESS_TOKEN_HEADER) {
            let Ok(text) = value.to_str() else {
                return found(Source::AccessTokenHeader, "");
            };
            let text = text.trim();
            if !text.is_empty() {
                return found(Source::AccessTokenHeader, bearer(text).unwrap_or(text));
            }
        }
    }
    let text = environment
        .map(Secret::expose)
        .map(str::trim)
        .filter(|text| !text.is_empty())?;
    found(Source::Environment, bearer(text).unwrap_or(text))
}

/// What stands behind the scheme `Bearer`, in whatever case; `None` for another scheme or none.
fn bearer(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked("bearer".len())?;
    let parted = rest.is_empty() || rest.starts_with([' ', '\t']);
    (parted && scheme.eq_ignore_ascii_case("bearer")).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `argument | authorization | x-loonflow-access-token | environment` to `source token`.
    fn check(argument: &str, authorization: &str, header: &str, environment: &str, expected: Option<(Source, &str)>) {
        let mut headers = HeaderMap::new();
        if authorization != "-" {
            headers.insert(AUTHORIZATION, authorization.parse().expect("header value"));
        }
        if header != "-" {
            headers.insert(&ACCESS_TOKEN_HEADER, header.parse().expect("header value"));
        }
        let environment = (environment != "-").then(|| Secret::new(environment));
        let found = find(
            (argument != "-").then_some(argument),
            Some(&headers),
            environment.as_ref(),
        );
        let found = found
            .as_ref()
            .map(|credential| (credential.source, credential.token.expose()));
        assert_eq!(
            found, expected,
            "{argument} | {authorization} | {header} | {environment:?}"
        );
    }

    #[test]
    fn the_first_that_is_present_decides() {
        check("a", "Bearer b", "c", "d", Some((Source::Argument, "a")));
        check("-", "Bearer b", "c", "d", Some((Source::AuthorizationHeader, "b")));
        check("-", "-", "c", "d", Some((Source::AccessTokenHeader, "c")));
        check("-", "-", "-", "d", Some((Source::Environment, "d")));
        check("-", "-", "-", "-", None);
    }

    #[test]
    fn blank_is_absent() {
        check("", "Bearer b", "c", "d", Some((Source::AuthorizationHeader, "b")));
        check("  \t", "-", "c", "d", Some((Source::AccessTokenHeader, "c")));
        check(" ", "-", "", "d", Some((Source::Environment, "d")));
        check("", "-", " ", " ", None);
    }

    #[test]
    fn the_scheme_may_be_written_in_any_case_and_in_the_argument_too() {
        check("Bearer a", "-", "-", "-", Some((Source::Argument, "a")));
        check("bEARER   a ", "-", "-", "-", Some((Source::Argument, "a")));
        check("-", "bearer b", "-", "-", Some((Source::AuthorizationHeader, "b")));
        check("-", "BEARER  b", "-", "-", Some((Source::AuthorizationHeader, "b")));
        check("-", "-", "Bearer c", "-", Some((Source::AccessTokenHeader, "c")));
        check("bearertoken", "-", "-", "-", Some((Source::Argument, "bearertoken")));
    }

    #[test]
    fn a_bad_one_does_not_fall_through() {
        check("Bearer", "Bearer good", "-", "-", Some((Source::Argument, "")));
        check("-", "Bearer", "c", "d", Some((Source::AuthorizationHeader, "")));
        check("-", "Bearer ", "c", "d", Some((Source::AuthorizationHeader, "")));
    }

    #[test]
    fn another_scheme_is_not_ours() {
        check(
            "-",
            "Basic dXNlcjpwYXNz",
            "c",
            "-",
            Some((Source::AccessTokenHeader, "c")),
        );
        check("-", "Basic dXNlcjpwYXNz", "-", "-", None);
    }

    #[test]
    fn a_header_that_is_no_text_is_present() {
        let mut headers = HeaderMap::new();
        headers.insert(
            AUTHORIZATION,
            axum::http::HeaderValue::from_bytes(&[0xff, 0xfe]).expect("opaque value"),
        );
        let found = find(None, Some(&headers), Some(&Secret::new("d"))).expect("present");
        assert_eq!((found.source, found.token.expose()), (Source::AuthorizationHeader, ""));
    }
}
