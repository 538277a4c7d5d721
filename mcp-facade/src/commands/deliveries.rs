//! `deliveries`: what became of the last calls to hooks, as the running server remembers it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use loonflow_mcp_facade::{admin, cli};
use serde_json::Value;

use super::door::Door;
use super::operator::Request;
use super::output::line;

/// Prints them, a line each.
///
/// # Errors
/// A sentence for the operator, where no server runs.
pub(crate) async fn run(data: &Path, flags: cli::Deliveries) -> anyhow::Result<ExitCode> {
    if !admin::is_served(data).await {
        bail!(
            "no server runs on `{}`, and only a running one remembers",
            data.display()
        );
    }
    let door = Door::Server(data.to_owned());
    let request = Request::Deliveries {
        ticket: flags.ticket,
        limit: flags.limit,
    };
    door.ask(request, |item| line(shown(&item))).await?;
    door.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// Time, ticket, effect, address, what came of it, duration. Words of others are escaped: a line stays one.
fn shown(item: &Value) -> String {
    let text = |key: &str| item[key].as_str().unwrap_or_default().escape_debug().to_string();
    let status = item["status"].as_u64().map(|status| status.to_string());
    let error = item["error"].as_str().map(|error| error.escape_debug().to_string());
    let result = match (status, error) {
        (Some(status), None) => status,
        (Some(status), Some(error)) => format!("{status}: {error}"),
        (None, Some(error)) => error,
        (None, None) => "no answer".to_owned(),
    };
    format!(
        "{}  {}  {}  {}  {result}  {} ms",
        text("at"),
        text("ticket"),
        text("effect"),
        text("target"),
        item["ms"]
    )
}
