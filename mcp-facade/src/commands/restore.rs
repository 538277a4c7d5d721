//! `restore`: fills an empty data directory from an export.
//!
//! The log is built beside its place and moved there when it is whole, so a restore that breaks off leaves nothing that
//! could be served by mistake.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use loonflow_mcp_facade::cli;
use loonflow_storage::{BackupReport, EventLog, backup};

use super::output::line;
use super::store;

/// Restores.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn run(data: &Path, flags: &cli::Restore) -> anyhow::Result<ExitCode> {
    let shown = data.display();
    let place = store::log_path(data);
    if place.exists() && !is_empty(data)? {
        bail!("there is a log in `{shown}` already; restore into another directory with `--data`");
    }
    let mut input: Box<dyn BufRead> = if flags.file.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let file = File::open(&flags.file).with_context(|| format!("`{}` cannot be read", flags.file.display()))?;
        Box::new(BufReader::new(file))
    };
    store::make_directory(data)?;
    let beside = data.join("log.restoring");
    remove(&beside)?;
    store::make_directory(&beside)?;
    let restored = fill(&beside, data, &mut *input);
    let report = match restored {
        Ok(report) => report,
        Err(error) => {
            remove(&beside)?;
            return Err(error.context("nothing was restored"));
        }
    };
    remove(&place)?;
    std::fs::rename(&beside, &place).context("the restored log cannot be moved to its place")?;
    File::open(data)?.sync_all()?;
    line(format_args!(
        "restored {} commits and {} entries to `{shown}`",
        report.n_commits, report.n_entries
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn fill(path: &Path, data: &Path, input: &mut dyn BufRead) -> anyhow::Result<BackupReport> {
    let log = store::open_at(path, data)?;
    let report = backup::import(&log, input)?;
    log.verify()?;
    log.close()?;
    Ok(report)
}

/// Whether the log in its place holds nothing, as after a server that never did anything.
fn is_empty(data: &Path) -> anyhow::Result<bool> {
    let log = store::open_log(data)?;
    let empty = log.last_position() == 0;
    log.close()?;
    Ok(empty)
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("`{}` cannot be removed", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
