//! `demo`: an example organisation with its workflows and a few dozen tickets, served with passwords and tokens for three
//! people.
//!
//! Its data directory is its own, marked as such, so that no other data can be thrown away or mixed with it; it is kept
//! between runs, passwords and tokens too, so that a client which was set up once goes on working.

mod kept;
mod passwords;
mod seed;
mod tokens;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use loonflow_engine::demo as acme;
use loonflow_engine::runtime::{Engine, PublishRequest};
use loonflow_mcp_facade::config::{Config, Transport};
use loonflow_mcp_facade::console::SIGN_IN_PATH;
use loonflow_mcp_facade::http::MCP_PATH;
use loonflow_mcp_facade::{cli, config};
use serde_json::{Value, json};

use self::tokens::DemoPerson;
use super::serve::{serve_store, serving};
use super::store::{self, Store};
use super::whole_file::WholeFile;

/// Who gets a password and a token: what the demo shows with them, and their account names.
const PEOPLE: [(&str, &str); 3] = [("admin", "ada"), ("approver", "erin"), ("creator", "dev")];
/// The file that marks a data directory as a demo's.
const MARK: &str = "demo";

/// Prepares what is missing, and serves.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: Option<PathBuf>, flags: cli::Demo) -> anyhow::Result<ExitCode> {
    let config = super::serve::config(flags.serve)?;
    let data = match data.filter(|data| !data.as_os_str().is_empty()) {
        Some(data) => data,
        None => config::data_directory(None)?.join("demo"),
    };
    claim(&data, flags.fresh)?;
    let store = Store::open(&data, Some(serving(&config))).await?;
    let tokens = match prepare(&store.engine, &data).await {
        Ok(tokens) => tokens,
        Err(error) => {
            store.close().await?;
            return Err(error.context("the demo cannot be prepared; `--fresh` starts it anew"));
        }
    };
    if config.transport == Transport::Stdio {
        // Standard output belongs to the protocol.
        io::stderr().write_all(people_text(&tokens).as_bytes())?;
    }
    let listening = |address| {
        io::stdout()
            .lock()
            .write_all(text(&config, address, &tokens).as_bytes())
    };
    serve_store(&config, &data, store, listening).await
}

/// Makes the directory a demo's, or finds that it is one; with `fresh` what is in it is thrown away.
fn claim(data: &Path, fresh: bool) -> anyhow::Result<()> {
    let mark = data.join(MARK);
    if store::has_log(data)? {
        if !mark.exists() {
            bail!(
                "`{}` holds data that is not the demo's; name another directory with `--data`",
                data.display()
            );
        }
        if fresh {
            // Refuses while a server has it open.
            drop(store::open_log(data)?);
            std::fs::remove_dir_all(store::log_path(data))
                .and_then(|()| kept::forget(data))
                .with_context(|| format!("the demo's data in `{}` cannot be removed", data.display()))?;
        }
    }
    store::make_directory(data)?;
    let mut file = WholeFile::create(&mark)?;
    file.write_all(b"The data beside this file is a demo's: `loonflow-ticket demo --fresh` removes it.\n")?;
    file.finish()
        .with_context(|| format!("`{}` cannot be written", mark.display()))
}

/// Imports, seeds, and makes the passwords and tokens that are not there from a run before.
async fn prepare(engine: &Engine, data: &Path) -> anyhow::Result<Vec<DemoPerson>> {
    let mut file: Value = serde_json::from_str(acme::DIRECTORY)?;
    let passwords = passwords::keep(data)?;
    passwords::put(&mut file, &passwords);
    let imported = engine
        .directories()
        .import(&file)
        .await?
        .map_err(|refusal| anyhow!("{refusal}"))?;
    for (_, source) in acme::WORKFLOWS {
        let source: Value = serde_json::from_str(source)?;
        let published = engine
            .workflows()
            .publish(PublishRequest::new(imported.tenant_id.clone(), source))
            .await?;
        published.map_err(|refusal| anyhow!("{refusal}"))?;
    }
    let directory = engine
        .directories()
        .of(&imported.tenant_id)
        .context("the demo's tenant is missing")?;
    let n_tickets = seed::seed(engine, &directory, PEOPLE[0].1).await?;
    tracing::info!(n_tickets, "the demo is prepared");
    tokens::keep(engine, &directory, data, &passwords).await
}

/// What the operator reads: the address, who is who, and what to paste.
fn text(config: &Config, address: SocketAddr, tokens: &[DemoPerson]) -> String {
    let url = url(config, address);
    let approver = tokens
        .iter()
        .find(|token| token.role == "approver")
        .map_or("", |token| token.token.as_str());
    let servers = json!({ "mcpServers": { "loonflow-ticket": {
        "type": "http",
        "url": url,
        "headers": { "Authorization": format!("Bearer {approver}") },
    }}});
    format!(
        "The demo is served at {url}\nPeople sign in at     {}\n\n{}\nPaste this into your client's configuration (here as the approver):\n{servers:#}\n",
        url.replace(MCP_PATH, SIGN_IN_PATH),
        people_text(tokens)
    )
}

fn people_text(tokens: &[DemoPerson]) -> String {
    let head = format!("{:<9} {:<18} {:<16} {}\n", "role", "e-mail", "password", "token");
    tokens
        .iter()
        .map(|one| format!("{:<9} {:<18} {:<16} {}\n", one.role, one.email, one.password, one.token))
        .fold(head, |text, line| text + &line)
}

/// An address that a client on this machine can use.
fn url(config: &Config, address: SocketAddr) -> String {
    let host = match address.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST).to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(_) if config.host == "localhost" => config.host.clone(),
        IpAddr::V4(ip) => ip.to_string(),
    };
    format!("http://{host}:{}{MCP_PATH}", address.port())
}
