//! The address guard: may this host be called at these addresses? (semantics: effects)
//!
//! Not here: which addresses are public (`address`), what the operator allows (`allow`), resolving (`resolve`).
//!
//! A name that is not listed is refused if only one of its addresses is not allowed: whoever mixes a private address into
//! an answer means to be called there at the second try.

use std::net::{IpAddr, SocketAddr};

use url::Host;

use crate::address::is_public;
use crate::allow::AllowList;

/// A host that may not be called. What it resolves to is not told: that would be a way to ask our resolver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` {what} of the public internet, and nothing that the operator allows")]
pub(crate) struct NotAllowed {
    host: String,
    what: &'static str,
}

/// The addresses to connect to, which are all that were given: IPv4 as itself, however it was written.
///
/// # Errors
/// When one of them is neither public nor allowed.
pub(crate) fn admit(
    allow: &AllowList,
    host: &Host<String>,
    port: u16,
    addresses: &[IpAddr],
) -> Result<Vec<SocketAddr>, NotAllowed> {
    let is_name_allowed = match host {
        Host::Domain(name) => allow.has_name(name, port),
        Host::Ipv4(_) | Host::Ipv6(_) => false,
    };
    let admitted = addresses.iter().map(|address| {
        let address = address.to_canonical();
        let is_allowed = is_name_allowed || is_public(address) || allow.has_address(address, port);
        is_allowed.then(|| SocketAddr::new(address, port))
    });
    let admitted: Option<Vec<SocketAddr>> = admitted.collect();
    admitted.ok_or_else(|| NotAllowed {
        host: host.to_string(),
        what: match host {
            Host::Domain(_) => "resolves to an address that is not",
            Host::Ipv4(_) | Host::Ipv6(_) => "is no address",
        },
    })
}

#[cfg(test)]
mod tests;
