//! How a log comes up: which of journal and index is believed, and what is built anew from the other.
//!
//! | journal | index | then |
//! |---|---|---|
//! | whole | closed whole, with the same last record | both are believed |
//! | whole | opens, and has the journal's tally once the missing records are applied | the same |
//! | whole | anything else | the index is built anew from the journal |
//! | damaged | sound from the first record to the last durable one | the journal is made anew from the index |
//! | none | a log of format 1, or nothing yet | a journal is made of it |
//! | without its manifest | ends before it or with it | the manifest is made anew |
//! | damaged | damaged | an error with the ways out; nothing is touched |
//!
//! A journal counts as damaged where it ends before the watermark, or before the index: the loss of what was durable is
//! never taken for a torn end.

use std::path::Path;

use super::closed::Closed;
use super::index::{Index, guarded};
use super::journal::record::{RawCommit, RecordBuilder};
use super::journal::{Found, Journal, UNMATCHED, damaged};
use super::kv;
use super::reader::Reader;
use super::tally::Tally;
use super::value::{self, bounded};
use super::watermark::Watermark;
use crate::error::Error;
use crate::key;

/// Commits or entries in one record of a journal that is made of an index.
const BITE: usize = 256;
/// Bytes after which such a record ends.
const BITE_BYTES: usize = 1 << 20;

/// Opens journal and index of a locked directory.
///
/// # Errors
/// What the operating system says, [`Error::Full`], [`Error::FormatVersion`], or [`Error::Corrupt`] with the ways out.
pub(super) fn open(directory: &Path, cache_bytes: u64, watermark: &Watermark) -> Result<(Journal, Index), Error> {
    let closed = Closed::take(directory).map_err(|error| Error::io("read `closed` of the log", &error))?;
    let found = match Found::look(directory) {
        Ok(Some(found)) => found,
        Ok(None) => return without_journal(directory, cache_bytes, watermark),
        Err(error @ Error::Corrupt { .. }) => return salvage(directory, cache_bytes, watermark, error),
        Err(error) => return Err(error),
    };
    if !found.is_named {
        return with_unnamed(directory, cache_bytes, watermark, found);
    }
    if let Err(error) = watermark.check(found.mark.position) {
        return salvage(directory, cache_bytes, watermark, error);
    }
    let is_closed = closed
        == Some(Closed {
            generation: found.place.generation(),
            seq: found.mark.seq,
        });
    let mut journal = found.open()?;
    if is_closed {
        match closed_index(directory, cache_bytes, &journal) {
            Ok(index) => return Ok((journal, index)),
            Err(error) if is_final(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "the index of the log is not what was closed; it is compared with the journal")
            }
        }
    }
    match try_index(directory, cache_bytes, &journal) {
        Ok(index) => Ok((journal, index)),
        Err(Wanting::Ahead { applied }) => {
            let seq = journal.mark().seq;
            let what = format!("its journal ends at record `{seq}`, its index at `{applied}`");
            let salvaged = salvage(directory, cache_bytes, watermark, Error::corrupt(None, what));
            match salvaged {
                Ok(both) => Ok(both),
                Err(error) if is_final(&error) => Err(error),
                Err(error) => {
                    let index = build_if_whole(directory, cache_bytes, &mut journal, &error)?;
                    Ok((journal, index))
                }
            }
        }
        Err(Wanting::Other(error)) if is_final(&error) => Err(error),
        Err(Wanting::Other(error)) => match build_if_whole(directory, cache_bytes, &mut journal, &error) {
            Ok(index) => Ok((journal, index)),
            Err(error @ Error::Corrupt { .. }) => salvage(directory, cache_bytes, watermark, error),
            Err(error) => Err(error),
        },
    }
}

/// The index of a whole journal: as it lies there once it has caught up, or built anew.
///
/// # Errors
/// [`Error::Corrupt`] where the journal cannot be read to its end; the index was not touched then.
pub(super) fn index_of(directory: &Path, cache_bytes: u64, journal: &mut Journal) -> Result<Index, Error> {
    let error = match try_index(directory, cache_bytes, journal) {
        Ok(index) => return Ok(index),
        Err(Wanting::Other(error)) if is_final(&error) => return Err(error),
        Err(Wanting::Other(error)) => error,
        Err(Wanting::Ahead { applied }) => Error::corrupt(None, format!("its index is ahead, at record `{applied}`")),
    };
    build_if_whole(directory, cache_bytes, journal, &error)
}

/// Why an index cannot be used as it lies there.
enum Wanting {
    /// It holds records that the journal has not got: the journal was synced before, so it has lost its end.
    Ahead {
        /// The last record in the index.
        applied: u64,
    },
    /// Anything else.
    Other(Error),
}

impl From<Error> for Wanting {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Opens the index, applies what is missing, and compares all of it.
fn try_index(directory: &Path, cache_bytes: u64, journal: &Journal) -> Result<Index, Wanting> {
    let mut ahead = None;
    let found = guarded("open the index of the log", || {
        let index = Index::open(directory, cache_bytes)?;
        index.check_format(true)?;
        let mark = journal.mark();
        let applied = index.applied()?;
        if applied > mark.seq {
            ahead = Some(applied);
        }
        if applied < mark.seq {
            let mut records = journal.place().records(applied)?;
            while let Some(record) = records.next()? {
                // Its tally is not looked at: where the index is another one, the comparison below tells.
                index.replay(&record, Tally::default())?;
            }
        }
        check_end(&index, journal)?;
        if index.tally()? != mark.tally {
            return Err(Error::corrupt(None, "the index does not have the tally of the journal"));
        }
        Ok(index)
    });
    match (found, ahead) {
        (Ok(index), _) => Ok(index),
        (Err(_), Some(applied)) => Err(Wanting::Ahead { applied }),
        (Err(error), None) => Err(error.into()),
    }
}

fn build_if_whole(directory: &Path, cache_bytes: u64, journal: &mut Journal, why: &Error) -> Result<Index, Error> {
    check(journal)?;
    tracing::warn!(error = %why, "the index of the log is not what the journal says; it is built anew");
    let index = build(directory, cache_bytes, journal)?;
    tracing::info!(n_records = journal.mark().seq, "the index of the log was built anew");
    Ok(index)
}

/// Errors that building anew would not mend.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Full | Error::FormatVersion { .. } | Error::AlreadyOpen { .. } => true,
        Error::Io { kind, .. } => *kind == std::io::ErrorKind::WouldBlock,
        Error::Corrupt { .. }
        | Error::Conflict { .. }
        | Error::Stopped { .. }
        | Error::Overloaded { .. }
        | Error::Closed
        | Error::Invalid { .. }
        | Error::Uncertain { .. } => false,
    }
}

fn closed_index(directory: &Path, cache_bytes: u64, journal: &Journal) -> Result<Index, Error> {
    guarded("open the index of the log", || {
        let index = Index::open(directory, cache_bytes)?;
        index.check_format(true)?;
        check_end(&index, journal)?;
        Ok(index)
    })
}

fn check_end(index: &Index, journal: &Journal) -> Result<(), Error> {
    let (applied, position) = (index.applied()?, index.last_position()?);
    let mark = journal.mark();
    if (applied, position) == (mark.seq, mark.position) {
        return Ok(());
    }
    Err(Error::corrupt(
        None,
        format!(
            "the index ends at record `{applied}` and position `{position}`, the journal at `{}` and `{}`",
            mark.seq, mark.position
        ),
    ))
}

/// Reads the journal from its first record to its last.
pub(super) fn check(journal: &Journal) -> Result<(), Error> {
    let end = journal.mark().seq;
    let mut records = journal.place().records(0)?;
    let mut last = 0;
    while let Some(record) = records.next()? {
        last = record.mark.seq;
        record.each(|_| Ok(()), |_, _| Ok(()))?;
    }
    if last == end {
        Ok(())
    } else {
        Err(damaged(last + 1, UNMATCHED))
    }
}

/// Builds the index from nothing. A crash in the midst leaves one that the next opening finds wanting, and builds anew.
fn build(directory: &Path, cache_bytes: u64, journal: &mut Journal) -> Result<Index, Error> {
    let index = Index::open_empty(directory, cache_bytes)?;
    let mut tally = Tally::default();
    let mut records = journal.place().records(0)?;
    while let Some(record) = records.next()? {
        tally = index.replay(&record, tally)?;
    }
    let mark = journal.mark();
    // A journal that was made of an index carries the tally of that one, whose pages were cut otherwise.
    if tally != mark.tally {
        journal.append(RecordBuilder::with_capacity(0), mark.position, tally)?;
        let mut last = journal.place().records(mark.seq)?;
        while let Some(record) = last.next()? {
            index.replay(&record, tally)?;
        }
    }
    Ok(index)
}

/// A journal that no manifest names: it was being made of an index when the process ended, or the manifest is lost.
fn with_unnamed(
    directory: &Path,
    cache_bytes: u64,
    watermark: &Watermark,
    found: Found,
) -> Result<(Journal, Index), Error> {
    let position = found.mark.position;
    // One that is being made gets the entries first, so it is whole once it has the last commit. Without a commit it
    // is taken only where there is nothing else.
    let reaches = guarded("open the index of the log", || {
        let index = Index::open(directory, cache_bytes)?;
        Ok(if position == 0 {
            index.tree().is_empty()
        } else {
            index.last_position()? <= position
        })
    });
    let is_whole = watermark.check(position).is_ok() && reaches.unwrap_or(false);
    if !is_whole {
        return without_journal(directory, cache_bytes, watermark);
    }
    tracing::warn!("the file `journal` of the log is missing; it is made anew, as its segments reach far enough");
    let mut journal = found.open()?;
    let index = index_of(directory, cache_bytes, &mut journal)?;
    journal.publish()?;
    Ok((journal, index))
}

/// No journal: a log of format 1, or a new one.
fn without_journal(directory: &Path, cache_bytes: u64, watermark: &Watermark) -> Result<(Journal, Index), Error> {
    let index = Index::open(directory, cache_bytes)?;
    guarded("open the index of the log", || {
        // Before anything is written into a file that has lost all it held.
        watermark.check(index.last_position()?)?;
        index.check_format(false)
    })?;
    let generation = Found::newest_generation(directory)? + 1;
    let journal = journal_of(directory, &index, generation)?;
    Ok((journal, index))
}

/// The journal cannot be relied on: what the index holds is all there is, if it is sound and reaches far enough.
fn salvage(
    directory: &Path,
    cache_bytes: u64,
    watermark: &Watermark,
    journal: Error,
) -> Result<(Journal, Index), Error> {
    let sound = guarded("open the index of the log", || {
        let index = Index::open(directory, cache_bytes)?;
        index.check_format(true)?;
        let position = index.last_position()?;
        watermark.check(position)?;
        let reader = Reader {
            tree: index.tree(),
            durable: position,
        };
        reader.verify(&|| position)?;
        kv::verify(index.tree())?;
        Ok(index)
    });
    let index = match sound {
        Ok(index) => index,
        Err(error) if is_final(&error) => return Err(error),
        Err(error) => {
            return Err(both_damaged(&journal, error));
        }
    };
    tracing::warn!(error = %journal, "the journal of the log is damaged; it is made anew from the index");
    let generation = Found::newest_generation(directory)? + 1;
    let journal = journal_of(directory, &index, generation)?;
    Ok((journal, index))
}

/// One error of both, at the place in the log where it is known.
fn both_damaged(journal: &Error, index: Error) -> Error {
    let text = |error: &Error| {
        if let Error::Corrupt { what, .. } = error {
            what.clone()
        } else {
            error.to_string()
        }
    };
    let what = format!(
        "{}; and the index cannot stand in for it: {}",
        text(journal),
        text(&index)
    );
    let position = match (journal, index) {
        (Error::Corrupt { position: Some(at), .. }, _) => Some(*at),
        (_, Error::Corrupt { position, .. }) => position,
        _ => None,
    };
    Error::Corrupt { position, what }
}

/// Makes a journal of everything that an index holds, and names it as the one that counts.
fn journal_of(directory: &Path, index: &Index, generation: u32) -> Result<Journal, Error> {
    guarded("make the journal of the log", || {
        let tree = index.tree();
        let position = index.last_position()?;
        let mut journal = Journal::create(directory, generation)?;
        let mut record = RecordBuilder::with_capacity(0);
        let mut n_items = 0;
        for entry in tree.scan_prefix([key::prefix::KV]) {
            let (entry, _) = entry.map_err(super::reader::read_error)?;
            if let Some(value) = kv::read(tree, &entry)? {
                record.write(&entry, Some(&value));
                n_items += 1;
            }
            if n_items == BITE || record.n_bytes() > BITE_BYTES {
                let full = std::mem::replace(&mut record, RecordBuilder::with_capacity(0));
                journal.write(full, 0, Tally::default())?;
                // Reads make the database write, and nothing else syncs it: see `index`.
                index.sync()?;
                n_items = 0;
            }
        }
        let reader = Reader {
            tree,
            durable: position,
        };
        let mut done = 0;
        while done < position {
            for commit in reader.all(done, BITE)? {
                let body = value::encode_body(&commit.meta, &commit.events);
                record.commit(RawCommit {
                    stream: commit.stream.as_str(),
                    first_version: commit.first_version,
                    position: commit.position,
                    n_events: bounded(commit.events.len()),
                    body: &body,
                });
                done = commit.position;
                if record.n_bytes() > BITE_BYTES {
                    let full = std::mem::replace(&mut record, RecordBuilder::with_capacity(0));
                    journal.write(full, done, Tally::default())?;
                }
            }
            let full = std::mem::replace(&mut record, RecordBuilder::with_capacity(0));
            if !full.is_empty() {
                journal.write(full, done, Tally::default())?;
            }
            index.sync()?;
        }
        // The last one, perhaps empty, says what the index is.
        journal.append(record, position, index.tally()?)?;
        index.set_applied(journal.mark().seq)?;
        index.write_format()?;
        index.sync()?;
        journal.publish()?;
        let removed = journal.place().remove_others();
        removed.map_err(|error| Error::io("remove an old journal of the log", &error))?;
        Ok(journal)
    })
}
