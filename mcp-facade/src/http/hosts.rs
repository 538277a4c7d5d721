//! Names under which the REST interface and the console may be addressed: loopback names, those that the operator allows, and
//! that of the public address. rmcp asks the same of `/mcp`.
//!
//! A page that has rebound its own name to this machine sends that name as `Host`, and is refused here.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use crate::arguments::shortened;
use crate::config::is_loopback;
use crate::error::{ApiError, Code};
use crate::state::Options;

/// Refuses a request that addresses another name.
///
/// # Errors
/// `permission_denied`, which names the name and the setting.
pub(super) fn check(options: &Options, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    let sent = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default(),
    };
    let public = options.public_url.as_deref().and_then(|url| url.split_once("://"));
    let mut allowed = options.allowed_hosts.iter().map(String::as_str);
    let is_own = sent.parse::<Authority>().is_ok_and(|sent| {
        is_loopback(sent.host())
            || allowed.any(|entry| is_covered(entry, &sent))
            || public.is_some_and(|(_, entry)| is_covered(entry, &sent))
    });
    if is_own {
        return Ok(());
    }
    let message = format!("this server is not addressed as `{}`", shortened(sent));
    Err(ApiError::new(Code::PermissionDenied, message)
        .with_hint("use its own name, or ask the operator to name this one with `--allowed-host` or `--public-url`"))
}

/// Whether a name, perhaps with a port, is the one that was sent; without a port every port is meant.
fn is_covered(entry: &str, sent: &Authority) -> bool {
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    match entry.parse::<Authority>() {
        Ok(entry) => {
            bare(entry.host()) == bare(sent.host()) && (entry.port().is_none() || entry.port_u16() == sent.port_u16())
        }
        // An IPv6 address without brackets.
        Err(_) => bare(entry) == bare(sent.host()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_answered() {
        let options = Options {
            allowed_hosts: ["desk.example", "Other.example:8443", "2001:db8::1"]
                .map(str::to_owned)
                .to_vec(),
            public_url: Some("https://tickets.example".to_owned()),
            ..Options::default()
        };
        for (host, expected) in [
            ("127.0.0.1:8002", true),
            ("localhost", true),
            ("[::1]:8002", true),
            ("desk.example", true),
            ("DESK.example:1234", true),
            ("other.example:8443", true),
            ("other.example", false),
            ("tickets.example", true),
            ("[2001:db8::1]:8002", true),
            ("evil.example", false),
            ("desk.example.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
            ("user@desk.example@evil.example", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a value"));
            let checked = check(&options, &Uri::from_static("/sign-in"), &headers);
            assert_eq!(checked.is_ok(), expected, "{host}");
        }
    }
}
