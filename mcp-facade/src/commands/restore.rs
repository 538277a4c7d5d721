//! `restore`: fills an empty data directory from an export, or from one and the increments that follow it.
//!
//! The log is built beside its place and moved there when it is whole, so a restore that breaks off leaves nothing that
//! could be served by mistake. Before that it is verified as `verify` does: what the server would refuse is named, and
//! is no reason to keep the rest from being served.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use loonflow_engine::runtime::verify::Verified;
use loonflow_mcp_facade::cli;
use loonflow_storage::backup::{self, Part};
use loonflow_storage::{BackupReport, EventLog};
use serde_json::Value;
use tokio::sync::mpsc;

use super::operator::verify_log;
use super::output::line;
use super::store;
use super::verify::print_bad;

/// Findings on their way to the terminal.
const ITEMS_AHEAD_MAX: usize = 64;

/// Restores; exit code 1 where something in the log would be refused by the server.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, flags: cli::Restore) -> anyhow::Result<ExitCode> {
    let (bad, mut found) = mpsc::channel(ITEMS_AHEAD_MAX);
    let place = data.to_owned();
    let restoring = tokio::task::spawn_blocking(move || restore(&place, &flags, &bad));
    while let Some(item) = found.recv().await {
        print_bad(&item)?;
    }
    let (report, verified) = restoring.await.context("the restore broke off")??;
    if report.digest.is_none() {
        eprintln!(
            "Format 1 of exports carries no digests: a change in the file could not be noticed. Export anew to have them."
        );
    }
    let n_bad = verified.n_bad;
    let but = if n_bad > 0 {
        format!("; the log has {n_bad} problem(s), listed above, and all else can be served")
    } else {
        String::new()
    };
    line(format_args!(
        "restored {} commits, {} entries and {} files to `{}`{but}",
        report.n_commits,
        report.n_entries,
        report.n_files,
        data.display()
    ))?;
    Ok(if n_bad > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn restore(data: &Path, flags: &cli::Restore, bad: &mpsc::Sender<Value>) -> anyhow::Result<(BackupReport, Verified)> {
    let place = store::log_path(data);
    if store::has_log(data)? && !is_empty(data)? {
        bail!(
            "there is a log in `{}` already; restore into another directory with `--data`",
            data.display()
        );
    }
    let mut inputs = flags
        .files
        .iter()
        .map(|file| open(file))
        .collect::<Result<Vec<_>, _>>()?;
    let mut parts: Vec<Part<'_>> = inputs
        .iter_mut()
        .map(|(name, input)| Part {
            name: name.clone(),
            input: &mut **input,
        })
        .collect();
    store::make_directory(data)?;
    let (beside, files_beside) = (data.join("log.restoring"), data.join("files.restoring"));
    remove(&beside)?;
    remove(&files_beside)?;
    store::make_directory(&beside)?;
    let restored = match fill(&beside, &files_beside, data, &mut parts, bad) {
        Ok(restored) => restored,
        Err(error) => {
            remove(&beside)?;
            remove(&files_beside)?;
            return Err(error.context("nothing was restored"));
        }
    };
    // The files first: a log is never there without the bytes that it names.
    let files_place = store::files_path(data);
    remove(&files_place)?;
    std::fs::rename(&files_beside, &files_place).context("the restored files cannot be moved to their place")?;
    File::open(data)?.sync_all()?;
    remove(&place)?;
    std::fs::rename(&beside, &place).context("the restored log cannot be moved to its place")?;
    File::open(data)?.sync_all()?;
    Ok(restored)
}

/// An export to read, and what errors call it.
fn open(file: &Path) -> anyhow::Result<(String, Box<dyn BufRead>)> {
    if file.as_os_str() == "-" {
        return Ok(("standard input".to_owned(), Box::new(BufReader::new(io::stdin()))));
    }
    let name = format!("`{}`", file.display());
    let opened = File::open(file).with_context(|| format!("{name} cannot be read"))?;
    if opened.metadata().is_ok_and(|found| found.is_dir()) {
        bail!(
            "{name} is a directory; name the file of an export, or files in the order in which they follow one another"
        );
    }
    Ok((name, Box::new(BufReader::new(opened))))
}

fn fill(
    path: &Path,
    files: &Path,
    data: &Path,
    parts: &mut [Part<'_>],
    bad: &mpsc::Sender<Value>,
) -> anyhow::Result<(BackupReport, Verified)> {
    let log = store::open_at(path, data)?;
    let blobs = store::open_files(files)?;
    let report = backup::import_chain_with_files(&log, Some(&*blobs), parts)?;
    log.verify()?;
    let verified = verify_log(&log, &*blobs, None, bad)?;
    log.close()?;
    Ok((report, verified))
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
