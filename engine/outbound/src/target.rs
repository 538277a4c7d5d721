//! Where a post goes: the address read as browsers read it, and its parts kept apart, so that credentials stay out of all
//! that is shown.
//!
//! Not here: whether it may be called (`guard`). `url` turns every spelling of an address (decimal, octal, hexadecimal,
//! short, with a trailing dot, in other scripts' digits) into the one that it stands for.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// An address that can be called. `Debug` shows its host alone.
pub(crate) struct Target {
    /// Without user information and fragment.
    pub(crate) uri: Uri,
    /// As the URL has it.
    pub(crate) host: Host<String>,
    /// `Basic`, where the address has a user or a password.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// Why it is none, in words that hold nothing of it.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        let mut url = Url::parse(text).map_err(|_| "the address is no URL")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the address does not begin with `http://` or `https://`");
        }
        let authorization = authorization(&url)?;
        // Neither fails for a URL with a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        let host = url
            .host()
            .map(|host| host.to_owned())
            .ok_or("the address has no host")?;
        let uri = Uri::try_from(url.as_str()).map_err(|_| "the address cannot be called over HTTP")?;
        Ok(Self {
            uri,
            host,
            authorization,
        })
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.host).finish()
    }
}

/// What a client sends for `https://user:password@…`.
fn authorization(url: &Url) -> Result<Option<HeaderValue>, &'static str> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let mut bytes: Vec<u8> = percent_decode_str(url.username()).collect();
    bytes.push(b':');
    bytes.extend(percent_decode_str(url.password().unwrap_or_default()));
    let text = format!("Basic {}", STANDARD.encode(bytes));
    let mut value = HeaderValue::try_from(text).map_err(|_| "the address has a user that cannot be sent")?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The host of an address that a connection goes to, which is as [`Target::read`] has written it.
pub(crate) fn host_and_port(uri: &Uri) -> Option<(Host<String>, u16)> {
    let usual = if is_secure(uri) { 443 } else { 80 };
    Some((Host::parse(uri.host()?).ok()?, uri.port_u16().unwrap_or(usual)))
}

/// Whether a connection to it is over TLS.
pub(crate) fn is_secure(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        let target = Target::read("HTTPS://ann:p%40ss@Hooks.Example:8443/a%20b?token=c#d").unwrap();
        assert_eq!(target.uri, "https://hooks.example:8443/a%20b?token=c");
        assert_eq!(host_and_port(&target.uri), Some((target.host.clone(), 8443)));
        assert_eq!(target.authorization.as_ref().unwrap(), "Basic YW5uOnBAc3M=");
        assert_eq!(format!("{target:?}"), "Target(Domain(\"hooks.example\"))");
        assert!(Target::read("http://[::1]").unwrap().authorization.is_none());
        let user = Target::read("http://ann@a.example/").unwrap();
        assert_eq!(user.authorization.unwrap(), "Basic YW5uOg==");
    }

    /// What the pool hands to the connector is the same host.
    #[test]
    fn a_connection_goes_to_the_same_host() {
        for (text, port) in [
            ("http://2130706433/", 80),
            ("http://[::1]:8/", 8),
            ("https://A.example.:1/", 1),
            ("https://bücher.example", 443),
            ("http://127.1.:80", 80),
        ] {
            let target = Target::read(text).unwrap();
            assert_eq!(host_and_port(&target.uri), Some((target.host, port)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_called_is_told_without_it() {
        for text in [
            "",
            "hooks.example/secret",
            "ftp://secret@a/",
            "file:///secret",
            "http://",
            "http://sec ret/",
            "data:secret",
        ] {
            let told = Target::read(text).unwrap_err();
            assert!(told.starts_with("the address ") && !told.contains("secret"), "{told}");
        }
        for text in [
            "http://[fe80::1%25eth0]/",
            "http://a.example:65536/",
            "http://256.1.1.1/",
            "http://1.2.3.4.5/",
            "javascript:1",
        ] {
            Target::read(text).expect_err(text);
        }
    }
}
