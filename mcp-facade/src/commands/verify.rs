//! `verify`: walks the whole log and everything in it, also while a server runs.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use loonflow_engine::runtime::verify::FINDINGS_NAMED_MAX;
use loonflow_mcp_facade::{admin, cli};
use serde_json::Value;

use super::door::{Door, Need};
use super::operator::Request;
use super::output::line;

/// Says what the log holds; exit code 1, with every problem by name, where it is not sound.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, flags: &cli::Verify) -> anyhow::Result<ExitCode> {
    let door = if flags.online {
        if !admin::is_served(data).await {
            bail!(
                "no server runs on `{}`; without `--online` the log is verified where it lies",
                data.display()
            );
        }
        Door::Server(data.to_owned())
    } else {
        Door::open(data, Need::ExistingLog).await?
    };
    let mut n_bad = 0;
    let walked = door
        .ask(Request::Verify, |item| {
            print_bad(&item)?;
            let Some(counts) = item.get("counts") else {
                return Ok(());
            };
            n_bad = counts["n_bad"].as_u64().unwrap_or_default();
            line(summary(counts, n_bad))
        })
        .await;
    door.close().await?;
    match walked {
        Ok(()) if n_bad == 0 => Ok(ExitCode::SUCCESS),
        Ok(()) => Ok(ExitCode::FAILURE),
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

/// Prints the problem that an item names, if it names one.
///
/// # Errors
/// When standard output is closed.
pub(super) fn print_bad(item: &Value) -> io::Result<()> {
    match item["bad"].as_str() {
        Some(bad) => line(bad),
        None => Ok(()),
    }
}

fn summary(counts: &Value, n_bad: u64) -> String {
    let what = format!(
        "{} events in {} commits of {} streams; {} directories, {} workflows, {} tickets ({} in the list, {} snapshots), \
         {} files",
        counts["n_events"],
        counts["n_commits"],
        counts["n_streams"],
        counts["n_directories"],
        counts["n_workflows"],
        counts["n_tickets"],
        counts["n_listed"],
        counts["n_snapshots"],
        counts["n_files"]
    );
    if n_bad == 0 {
        return format!("the log is sound: {what}");
    }
    if n_bad <= FINDINGS_NAMED_MAX {
        return format!("the log has {n_bad} problem(s), listed above: {what}");
    }
    format!("the log has {n_bad} problems, the first {FINDINGS_NAMED_MAX} of them listed above: {what}")
}
