//! `ticket migrate`: a running ticket goes over to another version of its workflow.

use std::path::Path;
use std::process::ExitCode;

use loonflow_mcp_facade::cli::Ticket;

use super::door::{Door, Need};
use super::operator::Request;
use super::output::line;

/// Carries it out.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, what: Ticket) -> anyhow::Result<ExitCode> {
    let Ticket::Migrate {
        ticket_id,
        to,
        email,
        nodes,
    } = what;
    let door = Door::open(data, Need::ExistingEngine).await?;
    let request = Request::MigrateTicket {
        ticket_id: ticket_id.clone(),
        version: to.clone(),
        nodes: nodes.into_iter().collect(),
        email,
    };
    let done = door
        .ask(request, |item| {
            let nodes: Vec<&str> = item["nodes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one.as_str())
                .collect();
            line(format_args!(
                "ticket {ticket_id} is on version `{to}` of its workflow, at `{}`",
                nodes.join("`, `")
            ))
        })
        .await;
    door.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}
