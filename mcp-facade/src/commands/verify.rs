//! `verify`: walks the whole log, also while a server runs.

use std::path::Path;
use std::process::ExitCode;

use loonflow_mcp_facade::admin;

use super::door::{Door, Need};
use super::operator::Request;
use super::output::line;

/// Says what the log holds; exit code 1 and the first bad record where it is damaged.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path) -> anyhow::Result<ExitCode> {
    let door = Door::open(data, Need::ExistingLog).await?;
    let walked = door
        .ask(Request::Verify, |item| {
            line(format_args!(
                "the log is sound: {} events in {} commits of {} streams",
                item["n_events"], item["n_commits"], item["n_streams"]
            ))
        })
        .await;
    door.close().await?;
    match walked {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error)
            if error
                .downcast_ref::<admin::Error>()
                .is_some_and(admin::Error::is_connection) =>
        {
            Err(error)
        }
        Err(bad) => {
            line(bad)?;
            Ok(ExitCode::FAILURE)
        }
    }
}
