//! `status`: how the server that runs on a data directory is.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use loonflow_mcp_facade::admin;

use super::door::Door;
use super::operator::Request;
use super::output::line;

/// Says whether the server takes calls, and names what it does not serve; exit code 1 where it is not as it should be.
///
/// # Errors
/// A sentence for the operator, where no server runs or it does not answer.
pub(crate) async fn run(data: &Path) -> anyhow::Result<ExitCode> {
    if !admin::is_served(data).await {
        bail!("no server runs on `{}`; start one with `serve`", data.display());
    }
    let door = Door::Server(data.to_owned());
    let mut is_well = true;
    door.ask(Request::Status, |item| {
        if let (Some(stream), Some(why)) = (item["stream"].as_str(), item["why"].as_str()) {
            is_well = false;
            return line(format!("not served: `{stream}`: {why}"));
        }
        let position = &item["position"];
        let effects = match item["n_open_effects"].as_u64().unwrap_or_default() {
            1 => "1 effect open".to_owned(),
            n => format!("{n} effects open"),
        };
        match item["not_ready"].as_str() {
            None => line(format!("ready, at position {position} of its log, {effects}")),
            Some(reason) => {
                is_well = false;
                line(format!(
                    "not ready ({reason}), at position {position} of its log, {effects}"
                ))
            }
        }
    })
    .await?;
    door.close().await?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
