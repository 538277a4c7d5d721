//! `file erase`: the bytes of a ticket's file go for good.

use std::path::Path;
use std::process::ExitCode;

use loonflow_mcp_facade::cli::File;

use super::door::{Door, Need};
use super::operator::Request;
use super::output::line;

/// Carries it out.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, what: File) -> anyhow::Result<ExitCode> {
    let File::Erase { file_id, email, reason } = what;
    let door = Door::open(data, Need::ExistingEngine).await?;
    let request = Request::EraseFile {
        file_id: file_id.clone(),
        email,
        reason,
    };
    let done = door
        .ask(request, |item| {
            let ticket = item["ticket_id"].as_str().unwrap_or_default();
            line(format_args!(
                "file {file_id} of ticket {ticket} is erased; its bytes stay in exports that were made before"
            ))
        })
        .await;
    door.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}
