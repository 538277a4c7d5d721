//! The settings of a serving process, checked before anything is opened.
//!
//! Not here: the flags' help (`cli`). A flag wins over its environment variable; a blank variable counts as not set.
//! A bad value stops the start with a sentence that names the setting by flag and variable. Secrets come from the
//! environment only, so that they show in no process list.

use std::net::IpAddr;
use std::path::PathBuf;

use axum::http::Uri;
use axum::http::uri::Authority;
use loonflow_outbound::AllowList;

use crate::limits::{JWT_SECRET_BYTES_MIN, RATE_OF_ADDRESS_USUAL, RATE_OF_USER_USUAL};
use crate::secret::Secret;
use crate::shifted_clock::{parse_span, span_text};
use crate::state::Options;

/// Variable of the token that stands in for a missing one.
pub const ACCESS_TOKEN_VARIABLE: &str = "LOONFLOW_MCP_ACCESS_TOKEN";
/// Variable of the HS256 key.
pub const JWT_SECRET_VARIABLE: &str = "LOONFLOW_JWT_SECRET";

/// How clients reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTP at `/mcp`.
    StreamableHttp,
    /// The process's own standard streams.
    Stdio,
}

/// Settings as written, before they are checked. `None` and blank mean the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// `--host`
    pub host: Option<String>,
    /// `--port`
    pub port: Option<String>,
    /// `--transport`
    pub transport: Option<String>,
    /// `--allowed-host`, each possibly several, comma separated
    pub allowed_hosts: Vec<String>,
    /// `--allowed-origin`, likewise
    pub allowed_origins: Vec<String>,
    /// `--allow-outbound`, likewise
    pub allow_outbound: Vec<String>,
    /// `--public-url`
    pub public_url: Option<String>,
    /// `--clock`
    pub clock: Option<String>,
    /// `--require-auth`
    pub require_auth: bool,
    /// `--env-token-for-http`
    pub env_token_for_http: bool,
    /// `--rate-limit`
    pub rate_limit: Option<String>,
    /// `--address-rate-limit`
    pub address_rate_limit: Option<String>,
    /// `--file-room`
    pub file_room: Option<String>,
}

/// Settings that hold.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name or address to listen on.
    pub host: String,
    /// 0 asks for any free one.
    pub port: u16,
    /// How clients reach the server.
    pub transport: Transport,
    /// What the endpoint needs to know.
    pub options: Options,
    /// What definitions may have called beside the public internet.
    pub allow_outbound: AllowList,
    /// Milliseconds that the engine's clock is ahead, and may be moved on from; `None` for the machine's own.
    pub clock_ahead_ms: Option<i64>,
    /// Bytes that the files of one tenant may have; `None` for the usual room.
    pub file_bytes_of_tenant_max: Option<u64>,
    /// What is allowed but deserves a line in the log.
    pub warnings: Vec<String>,
}

/// A setting that stops the start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}")]
pub struct Error {
    /// The setting by flag and variable.
    pub setting: &'static str,
    /// What is wrong and what is allowed, as the rest of a sentence.
    pub problem: String,
}

const HOST: &str = "`--host` (LOONFLOW_MCP_HOST)";
const PORT: &str = "`--port` (LOONFLOW_MCP_PORT)";
const TRANSPORT: &str = "`--transport` (LOONFLOW_MCP_TRANSPORT)";
const ALLOWED_HOST: &str = "`--allowed-host` (LOONFLOW_MCP_ALLOWED_HOSTS)";
const ALLOWED_ORIGIN: &str = "`--allowed-origin` (LOONFLOW_MCP_ALLOWED_ORIGINS)";
const ALLOW_OUTBOUND: &str = "`--allow-outbound` (LOONFLOW_ALLOW_OUTBOUND)";
const PUBLIC_URL: &str = "`--public-url` (LOONFLOW_PUBLIC_URL)";
const CLOCK: &str = "`--clock`";
const RATE_LIMIT: &str = "`--rate-limit` (LOONFLOW_MCP_RATE_LIMIT)";
const ADDRESS_RATE_LIMIT: &str = "`--address-rate-limit` (LOONFLOW_MCP_ADDRESS_RATE_LIMIT)";
const FILE_ROOM: &str = "`--file-room` (LOONFLOW_FILE_ROOM)";
const JWT_SECRET: &str = "`LOONFLOW_JWT_SECRET`";
const ACCESS_TOKEN: &str = "`LOONFLOW_MCP_ACCESS_TOKEN`";
const DATA: &str = "`--data` (LOONFLOW_DATA)";

fn bad<T>(setting: &'static str, problem: impl Into<String>) -> Result<T, Error> {
    Err(Error {
        setting,
        problem: problem.into(),
    })
}

impl Config {
    /// Checks every setting. `variable` looks an environment variable up.
    ///
    /// # Errors
    /// The first setting that does not hold.
    pub fn check(written: &Written, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let host = set(written.host.as_deref()).unwrap_or("127.0.0.1").to_owned();
        if host.contains(|c: char| c.is_whitespace() || c == '/' || c == '@') {
            return bad(HOST, format!("must be a name or an address, got `{host}`"));
        }
        let port = match set(written.port.as_deref()) {
            None => 8002,
            Some(text) => match text.parse() {
                Ok(port) => port,
                Err(_) => return bad(PORT, format!("must be a number from 0 to 65535, got `{text}`")),
            },
        };
        let transport = transport(set(written.transport.as_deref()).unwrap_or("streamable-http"))?;
        let is_public = transport == Transport::StreamableHttp && !is_loopback(&host);
        let rate_limit_per_s = rate_limit(RATE_LIMIT, written.rate_limit.as_deref(), is_public, RATE_OF_USER_USUAL)?;
        let address_rate_limit_per_s = rate_limit(
            ADDRESS_RATE_LIMIT,
            written.address_rate_limit.as_deref(),
            is_public,
            RATE_OF_ADDRESS_USUAL,
        )?;
        let allowed_hosts = list(&written.allowed_hosts);
        for entry in &allowed_hosts {
            if entry.parse::<Authority>().is_err() && entry.parse::<IpAddr>().is_err() || entry.contains('@') {
                return bad(
                    ALLOWED_HOST,
                    format!("must be names like `tickets.example.com` or `[::1]:8002`, got `{entry}`"),
                );
            }
        }
        let allowed_origins = list(&written.allowed_origins);
        for entry in &allowed_origins {
            if entry != "null" && !is_origin(entry) {
                return bad(
                    ALLOWED_ORIGIN,
                    format!("must be origins like `https://app.example.com`, got `{entry}`"),
                );
            }
        }
        let allow_outbound = allow_outbound(&written.allow_outbound)?;
        let public_url = public_url(written.public_url.as_deref())?;
        let mut allowed_hosts = allowed_hosts;
        // Whoever comes by the public address addresses its name.
        allowed_hosts.extend(
            public_url
                .iter()
                .filter_map(|url| url.split_once("://"))
                .map(|(_, host)| host.to_owned()),
        );
        let mut warnings = Vec::new();
        let environment_token =
            environment_token(&variable, transport, &host, written.env_token_for_http, &mut warnings)?;
        if is_public && allowed_hosts.is_empty() {
            warnings.push(format!(
                "the server listens on `{host}` but answers only to loopback names; name the others with {ALLOWED_HOST}"
            ));
        }
        let clock_ahead_ms = match set(written.clock.as_deref()) {
            None => None,
            Some(text) => Some(parse_span(text).or_else(|problem| bad(CLOCK, problem))?),
        };
        if let Some(ahead_ms) = clock_ahead_ms {
            warnings.push(format!(
                "the clock is {} ahead of the machine's and can be moved on (`--clock`): this is for trying out, not for work",
                span_text(ahead_ms)
            ));
        }
        Ok(Self {
            host,
            port,
            transport,
            options: Options {
                environment_token,
                jwt_secret: jwt_secret(&variable)?,
                require_auth: written.require_auth,
                rate_limit_per_s,
                address_rate_limit_per_s,
                allowed_hosts,
                allowed_origins,
                public_url,
                ..Options::default()
            },
            allow_outbound,
            clock_ahead_ms,
            file_bytes_of_tenant_max: file_room(written.file_room.as_deref())?,
            warnings,
        })
    }

    /// Where hooks call back: the public address, else the address that is listened on, where it is one that can be called
    /// and is known beforehand. Over stdio nobody listens.
    #[must_use]
    pub fn call_back_url(&self) -> Option<String> {
        if self.transport == Transport::Stdio {
            return None;
        }
        if let Some(url) = &self.options.public_url {
            return Some(url.clone());
        }
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let host = match bare.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => return None,
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            Ok(IpAddr::V4(_)) | Err(_) => bare.to_owned(),
        };
        (self.port != 0).then(|| format!("http://{host}:{}", self.port))
    }
}

/// The data directory: as written, else the variable, else the platform's for `loonflow-ticket`.
///
/// # Errors
/// When the platform names no home to put it in.
pub fn data_directory(written: Option<PathBuf>) -> Result<PathBuf, Error> {
    if let Some(path) = written.filter(|path| !path.as_os_str().is_empty()) {
        return Ok(path);
    }
    match directories::ProjectDirs::from("", "", "loonflow-ticket") {
        Some(directories) => Ok(directories.data_dir().to_owned()),
        None => bad(
            DATA,
            "is not set, and this account has no home directory to take its place",
        ),
    }
}

/// Whether only this machine can connect to an address.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn set(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn list(written: &[String]) -> Vec<String> {
    let entries = written.iter().flat_map(|entry| entry.split(','));
    entries
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}

fn allow_outbound(written: &[String]) -> Result<AllowList, Error> {
    let entries = list(written);
    AllowList::parse(entries.iter().map(String::as_str))
        .or_else(|entry| bad(ALLOW_OUTBOUND, format!("has an entry that cannot be read: {entry}")))
}

fn transport(word: &str) -> Result<Transport, Error> {
    match word.to_ascii_lowercase().as_str() {
        "streamable-http" | "streamable_http" | "http" => Ok(Transport::StreamableHttp),
        "stdio" => Ok(Transport::Stdio),
        "sse" => bad(
            TRANSPORT,
            "`sse` is no longer served; use its successor `streamable-http`, at the path `/mcp`",
        ),
        _ => bad(TRANSPORT, format!("must be `streamable-http` or `stdio`, got `{word}`")),
    }
}

/// A rate as written, else the usual one where other machines can connect, else none.
fn rate_limit(
    setting: &'static str,
    written: Option<&str>,
    is_public: bool,
    usual_per_s: u32,
) -> Result<Option<u32>, Error> {
    match set(written) {
        None => Ok(is_public.then_some(usual_per_s)),
        Some(text) => match text.parse::<u32>() {
            Ok(per_s) => Ok(Some(per_s).filter(|per_s| *per_s > 0)),
            Err(_) => bad(
                setting,
                format!("must be a number per second, 0 for no limit, got `{text}`"),
            ),
        },
    }
}

/// Bytes of a number of GiB.
fn file_room(written: Option<&str>) -> Result<Option<u64>, Error> {
    let Some(text) = set(written) else { return Ok(None) };
    let n_bytes = text.parse::<u64>().ok().and_then(|gib| gib.checked_mul(1 << 30));
    match n_bytes {
        Some(n_bytes) => Ok(Some(n_bytes)),
        None => bad(
            FILE_ROOM,
            format!("must be a whole number of GiB, 0 for no files, got `{text}`"),
        ),
    }
}

/// `scheme://host`, with a port or `:*`, and nothing behind it.
fn is_origin(text: &str) -> bool {
    let text = text.strip_suffix(":*").unwrap_or(text);
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    !rest.is_empty()
        && !rest.contains(['/', '?', '#', '@'])
        && text
            .parse::<Uri>()
            .is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// `http://` or `https://`, a name, perhaps a port, and nothing behind it but a slash, which goes.
fn public_url(written: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = set(written) else { return Ok(None) };
    let url = text.strip_suffix('/').unwrap_or(text);
    let is_web = url
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
    if !is_web || !is_origin(url) || url.ends_with(":*") {
        return bad(
            PUBLIC_URL,
            format!("must be an address like `https://tickets.example.com`, without a path, got `{text}`"),
        );
    }
    Ok(Some(url.to_ascii_lowercase()))
}

fn jwt_secret(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<Secret>, Error> {
    // Not trimmed: every byte of a key counts.
    match variable(JWT_SECRET_VARIABLE).filter(|text| !text.trim().is_empty()) {
        None => Ok(None),
        Some(text) if text.len() < JWT_SECRET_BYTES_MIN => bad(
            JWT_SECRET,
            format!("must have {JWT_SECRET_BYTES_MIN} bytes or more, got {}", text.len()),
        ),
        Some(text) => Ok(Some(Secret::new(text))),
    }
}

/// The stand-in token, where it may serve: stdio, HTTP on a loopback address, or HTTP with the operator's word.
fn environment_token(
    variable: &impl Fn(&str) -> Option<String>,
    transport: Transport,
    host: &str,
    env_token_for_http: bool,
    warnings: &mut Vec<String>,
) -> Result<Option<Secret>, Error> {
    let Some(token) = variable(ACCESS_TOKEN_VARIABLE).filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    if !token.trim().bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return bad(ACCESS_TOKEN, "must be one line of ASCII text");
    }
    let serves = match transport {
        Transport::Stdio => true,
        Transport::StreamableHttp => is_loopback(host) || env_token_for_http,
    };
    if !serves {
        warnings.push(format!(
            "{ACCESS_TOKEN} is not used: over HTTP it would stand in for everybody who can reach `{host}`; \
             `--env-token-for-http` allows that"
        ));
    }
    Ok(serves.then(|| Secret::new(token.trim())))
}

#[cfg(test)]
mod tests;
