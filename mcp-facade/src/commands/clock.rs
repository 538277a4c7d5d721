//! `clock`: what a server's clock shows, and moving it on.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use loonflow_mcp_facade::shifted_clock::parse_span;
use loonflow_mcp_facade::{admin, cli};

use super::door::Door;
use super::operator::Request;
use super::output::line;

/// Moves the clock of the server that runs on a data directory.
///
/// # Errors
/// A sentence for the operator, where no server runs, or not on such a clock.
pub(crate) async fn run(data: &Path, flags: cli::Clock) -> anyhow::Result<ExitCode> {
    let by_ms = match flags.span {
        None => None,
        Some(text) => Some(parse_span(&text).map_err(|problem| anyhow!("the span {problem}"))?),
    };
    if !admin::is_served(data).await {
        bail!(
            "no server runs on `{}`; start one with `serve --clock +0s`",
            data.display()
        );
    }
    let door = Door::Server(data.to_owned());
    door.ask(Request::Clock { by_ms }, |item| {
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        line(format_args!("{}, {} ahead of the machine", text("now"), text("ahead")))
    })
    .await?;
    door.close().await?;
    Ok(ExitCode::SUCCESS)
}
