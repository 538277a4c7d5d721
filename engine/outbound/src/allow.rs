//! The operator's list of addresses that are called although they are not public.
//!
//! ```text
//! hooks.example   *.example   10.1.2.3   10.0.0.0/8   fd00::/8   each with `:PORT`; IPv6 then in brackets, `[fd00::1]:8443`
//! ```
//!
//! Not here: which addresses are public (`address`), and asking the list (`guard`).
//!
//! A name that is listed is trusted with whatever it resolves to. `*.example` is every name below `example`, at any depth,
//! and not `example` itself.

use std::fmt;
use std::net::IpAddr;

use url::Host;

use crate::address::Network;

/// What may be called beside the public internet; nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    what: What,
    /// `None`: each.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// As `url` writes it: lower case, no trailing dot.
    Name(String),
    /// What is before it, with a dot in front.
    Below(String),
    Network(Network),
}

/// An entry that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` {problem}")]
pub struct BadEntry {
    /// The entry as written.
    pub entry: String,
    /// What is wrong and what to write, as the rest of a sentence.
    pub problem: String,
}

const USUAL: &str = "write a name, an address or a network, as `hooks.example`, `*.example`, `10.1.2.3`, `10.0.0.0/8` or \
                     `[fd00::1]`, each perhaps with a port, as `hooks.example:8443`";

impl AllowList {
    /// Reads entries; blank ones are passed over.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, BadEntry> {
        let written = entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty());
        let read = written.map(|entry| {
            Entry::parse(entry).map_err(|problem| BadEntry {
                entry: entry.to_owned(),
                problem,
            })
        });
        let entries = read.collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Whether nothing but the public internet may be called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a name may be called at a port, wherever it leads. The name is as `url` writes it.
    pub(crate) fn has_name(&self, name: &str, port: u16) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.at(port).any(|what| match what {
            What::Name(listed) => listed == name,
            What::Below(dotted) => name.len() > dotted.len() && name.ends_with(dotted.as_str()),
            What::Network(_) => false,
        })
    }

    /// Whether an address may be called at a port.
    pub(crate) fn has_address(&self, address: IpAddr, port: u16) -> bool {
        self.at(port).any(|what| match what {
            What::Network(network) => network.contains(address),
            What::Name(_) | What::Below(_) => false,
        })
    }

    fn at(&self, port: u16) -> impl Iterator<Item = &What> {
        let entries = self.entries.iter();
        entries
            .filter(move |entry| entry.port.is_none_or(|listed| listed == port))
            .map(|entry| &entry.what)
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Err(
                "would allow every address; write `0.0.0.0/0` and `[::]/0` if that is meant, or a name".to_owned(),
            );
        }
        if text.contains("://") {
            return Err(
                "is a whole address; write its host alone, as `hooks.example` or `hooks.example:8443`".to_owned(),
            );
        }
        if text.contains(|c: char| c.is_whitespace() || "@?#\\".contains(c)) {
            return Err(format!("is none; {USUAL}"));
        }
        let (host, port) = parts(text)?;
        let port = port.map(read_port).transpose()?;
        let what = match host.split_once('/') {
            Some((address, prefix)) => What::Network(network(address, prefix)?),
            None => single(host)?,
        };
        Ok(Self { what, port })
    }
}

/// Host or network, and port. An IPv6 address without brackets has no port.
fn parts(text: &str) -> Result<(&str, Option<&str>), String> {
    if text.starts_with('[') {
        // Both `[fd00::]/8:443` and `[fd00::/8]:443` are read.
        return match text.rsplit_once(':') {
            Some((host, port)) if host.contains(']') => Ok((host, Some(port))),
            _ if text.contains(']') => Ok((text, None)),
            _ => Err("has no `]`; write IPv6 as `[fd00::1]` or `[fd00::1]:8443`".to_owned()),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Ok((text, None)),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn read_port(text: &str) -> Result<u16, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(format!(
            "has the port `{text}`; write a number from 1 to 65535 behind the colon, or no colon"
        )),
    }
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// A network: whoever writes bits behind the prefix may have meant another.
fn network(written: &str, prefix: &str) -> Result<Network, String> {
    let (written, prefix) = (
        written.trim_start_matches('[').trim_end_matches(']'),
        prefix.trim_end_matches(']'),
    );
    let Some(address) = address(written) else {
        return Err(format!(
            "is no network, for `{written}` is no address; write one as `10.0.0.0/8` or `fd00::/8`"
        ));
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let network = prefix
        .parse()
        .ok()
        .filter(|_| prefix.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|prefix| Network::new(address, prefix));
    let Some(network) = network else {
        return Err(format!(
            "has the prefix `{prefix}`; write a number from 0 to {most} behind the slash"
        ));
    };
    if network.contains(address) && network.first() != address.to_canonical() {
        return Err(format!(
            "has bits behind its prefix; write `{}/{}` for the network, or `{address}` for the one address",
            network.first(),
            network.prefix()
        ));
    }
    Ok(network)
}

/// A name, names below it, or one address.
fn single(host: &str) -> Result<What, String> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = address(bare.unwrap_or(host)) {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        return Network::new(address, prefix)
            .map(What::Network)
            .ok_or_else(|| format!("is none; {USUAL}"));
    }
    let (below, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host),
    };
    if name.contains('*') {
        return Err("has a `*` that is not in front; write `*.example` for the names below `example`".to_owned());
    }
    match Host::parse(name) {
        Ok(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            if name.is_empty() || name.split('.').any(str::is_empty) {
                return Err(format!("is no name; {USUAL}"));
            }
            Ok(if below {
                What::Below(format!(".{name}"))
            } else {
                What::Name(name.to_owned())
            })
        }
        // `010.0.0.1` is 8.0.0.1 to one reader and 10.0.0.1 to another.
        Ok(Host::Ipv4(address)) if !below => Err(format!("is an unusual spelling; write `{address}` if that is meant")),
        Ok(Host::Ipv6(address)) if !below => {
            Err(format!("is an unusual spelling; write `[{address}]` if that is meant"))
        }
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => {
            Err("has an address behind its `*.`; write a network as `10.0.0.0/8`".to_owned())
        }
        Err(_) => Err(format!("is none; {USUAL}")),
    }
}

impl fmt::Display for AllowList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, entry) in self.entries.iter().enumerate() {
            if idx > 0 {
                f.write_str(", ")?;
            }
            match &entry.what {
                What::Name(name) => f.write_str(name)?,
                What::Below(dotted) => write!(f, "*{dotted}")?,
                What::Network(network) => match network.first() {
                    IpAddr::V4(first) => write!(f, "{first}/{}", network.prefix())?,
                    IpAddr::V6(first) => write!(f, "[{first}]/{}", network.prefix())?,
                },
            }
            if let Some(port) = entry.port {
                write!(f, ":{port}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
