//! Export: the log as lines, whole or from a position on.

use std::io::Write;

use super::line::{
    Bytes, CommitLine, End, Entry, FORMAT, Header, Line, LineWriter, VERSION, VERSION_WITH_FILES, commit_digest,
};
use super::{BackupReport, Digest, Since, files};
use crate::blobs::BlobStore;
use crate::error::Error;
use crate::event_log::EventLog;

/// Commits or entries read at a time.
const BITE: usize = 256;

/// Writes the whole log as it is now; what is appended meanwhile is left out. Blocking. The caller flushes and syncs
/// `out`.
///
/// # Errors
/// What the log or `out` says.
pub fn export(log: &dyn EventLog, out: &mut dyn Write) -> Result<BackupReport, Error> {
    export_since(log, &Since::default(), out)
}

/// Writes what came after an earlier export: all key-value entries as they are now, and the commits after `since`.
/// Blocking. The caller flushes and syncs `out`.
///
/// # Errors
/// [`Error::Invalid`] where the log ends before `since`, or its commit there is another than the one exported; what the
/// log or `out` says.
pub fn export_since(log: &dyn EventLog, since: &Since, out: &mut dyn Write) -> Result<BackupReport, Error> {
    export_with_files(log, None, since, out)
}

/// The same with the bytes of all files, those of earlier exports too: what a commit names is not known here. Blocking.
///
/// The log comes first, so whatever it names is in the export, but for what is erased while it is written.
///
/// # Errors
/// As [`export_since`], and what `blobs` says.
pub fn export_with_files(
    log: &dyn EventLog,
    blobs: Option<&dyn BlobStore>,
    since: &Since,
    out: &mut dyn Write,
) -> Result<BackupReport, Error> {
    // One without a file is as one of a log that keeps none.
    let blobs = match blobs {
        Some(blobs) if !blobs.scan(None, 1)?.is_empty() => Some(blobs),
        Some(_) | None => None,
    };
    let mut commit = digest_at(log, since)?;
    let mut lines = LineWriter::new(out);
    lines.write(&Line::Header(Header {
        format: FORMAT.to_owned(),
        version: if blobs.is_some() { VERSION_WITH_FILES } else { VERSION },
        after: since.position,
        commit,
        previous: since.export,
    }))?;
    let n_entries = write_entries(log, &mut lines)?;
    // Entries are seen only when their commit is durable, so it lies at or before this position.
    let up_to = log.last_position();
    let mut position = since.position;
    while position < up_to {
        for read in log.read_all(position, BITE)? {
            if read.position > up_to {
                break;
            }
            position += 1;
            if read.position != position {
                return Err(Error::corrupt(
                    Some(position),
                    format!("position `{}` follows", read.position),
                ));
            }
            commit = Some(lines.write(&Line::Commit(CommitLine::of(&read)))?);
        }
    }
    let n_files = blobs.map(|blobs| files::write(blobs, &mut lines)).transpose()?;
    let n_commits = position - since.position;
    lines.write(&Line::End(End {
        n_entries,
        n_commits,
        n_files,
        position: Some(position),
        commit,
    }))?;
    Ok(BackupReport {
        n_commits,
        n_entries,
        n_files: n_files.unwrap_or(0),
        position,
        digest: Some(lines.digest),
    })
}

/// Digest of the commit at which an increment begins; `None` for a whole export.
fn digest_at(log: &dyn EventLog, since: &Since) -> Result<Option<Digest>, Error> {
    let Some(before) = since.position.checked_sub(1) else {
        return Ok(None);
    };
    let last = log.last_position();
    if since.position > last {
        return Err(Error::invalid(format!(
            "an export since position `{}` is asked for, and the log ends at position `{last}`; name an earlier \
             position, or export the whole log",
            since.position
        )));
    }
    let found = log.read_all(before, 1)?;
    let Some(commit) = found.first().filter(|commit| commit.position == since.position) else {
        return Err(Error::corrupt(Some(since.position), "the log does not give its commit"));
    };
    let digest = commit_digest(commit)?;
    if since.commit.is_some_and(|exported| exported != digest) {
        return Err(Error::invalid(format!(
            "the commit at position `{}` is another than the one in the export before: that export is of another log, \
             or this log was restored from an older copy; export the whole log",
            since.position
        )));
    }
    Ok(Some(digest))
}

/// Writes every key-value entry; how many.
fn write_entries(log: &dyn EventLog, lines: &mut LineWriter<'_>) -> Result<u64, Error> {
    let mut n_entries = 0;
    for tree in log.kv_trees()? {
        let mut after = None;
        loop {
            let entries = log.kv_scan(&tree, after.as_deref(), BITE)?;
            let Some((last, _)) = entries.last() else { break };
            after = Some(last.clone());
            for (key, value) in entries {
                lines.write(&Line::Entry(Entry {
                    tree: tree.clone(),
                    key: Bytes(key),
                    value: Bytes(value),
                }))?;
                n_entries += 1;
            }
        }
    }
    Ok(n_entries)
}
