//! `workflow list`, `workflow state`: which version new tickets start on.

use std::path::Path;
use std::process::ExitCode;

use loonflow_mcp_facade::cli::Workflow;
use serde_json::Value;

use super::door::{Door, Need};
use super::operator::Request;
use super::output::line;

/// Carries one of them out.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, what: Workflow) -> anyhow::Result<ExitCode> {
    let door = Door::open(data, Need::ExistingEngine).await?;
    let done = match what {
        Workflow::List { tenant } => list(&door, tenant).await,
        Workflow::State {
            workflow_id,
            version,
            state,
            tenant,
        } => {
            let request = Request::SetVersionState {
                tenant,
                workflow_id,
                version,
                state,
            };
            door.ask(request, |item| line(sentence(&item))).await
        }
    };
    door.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn list(door: &Door, tenant: Option<String>) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    door.ask(Request::ListVersions { tenant }, |item| {
        rows.push(item);
        Ok(())
    })
    .await?;
    line("workflow  version  state  published")?;
    for row in rows {
        let [id, version, state, at] =
            ["workflow_id", "version_name", "state", "published_at"].map(|key| row[key].as_str().unwrap_or_default());
        line(format_args!("{id}  {version}  {state}  {at}"))?;
    }
    Ok(())
}

fn sentence(report: &Value) -> String {
    let text = |key: &str| report[key].as_str().unwrap_or_default();
    let already = if report["is_new"] == true { "" } else { " already" };
    let starts = match report["starts_on"].as_str() {
        Some(version) => format!("new tickets start on `{version}`"),
        None => "no version is the default, so that tickets start only on a candidate they name".to_owned(),
    };
    format!(
        "workflow `{}` version `{}`: {}{already}; {starts}",
        text("workflow_id"),
        text("version_name"),
        text("state")
    )
}
