//! Export of a whole log as JSON lines, and import into an empty one. Both stream, with bounded memory.
//!
//! ```text
//! {"header":{"format":"loonflow-log","version":1}}
//! {"entry":{"tree":"…","key":"<base64>","value":"<base64>"}}                                        every key-value entry
//! {"commit":{"position":1,"stream":"…","first_version":1,"meta":"<base64>","events":[{"kind":"…","schema":1,"payload":"<base64>"}]}}
//! {"end":{"n_entries":0,"n_commits":1}}                                                              nothing is missing
//! ```
//! An export can run while the log is appended to. Entries come first, so every commit whose entries were seen is
//! in the export; entries of commits that came while it ran may be missing, entries without their commit never
//! occur. Snapshots and checkpoints are left out: they are folded again.

use std::collections::VecDeque;
use std::io::{BufRead, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::executor::block_on;
use futures::future::BoxFuture;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::event_log::EventLog;
use crate::record::{Commit, Expected, Head, NewCommit, Position, StoredEvent, StreamId, StreamVersion};

const FORMAT: &str = "loonflow-log";
const VERSION: u32 = 1;
/// Commits or entries read at a time.
const BITE: usize = 256;
/// Longest line taken: the largest commit in base64 with room for its names.
const LINE_BYTES_MAX: u64 = 32 << 20;
/// Appends of an import on their way at a time; a batch of the writer.
const IN_FLIGHT_MAX: usize = 512;
/// Bytes of lines on their way at a time.
const IN_FLIGHT_BYTES_MAX: usize = 16 << 20;

/// What an export or an import has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Commits; equals the last position.
    pub n_commits: u64,
    /// Key-value entries.
    pub n_entries: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header(Header),
    Entry(Entry),
    Commit(CommitLine),
    End(End),
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    tree: String,
    key: Bytes,
    value: Bytes,
}

#[derive(Serialize, Deserialize)]
struct CommitLine {
    position: Position,
    stream: String,
    first_version: StreamVersion,
    meta: Bytes,
    events: Vec<EventLine>,
}

#[derive(Serialize, Deserialize)]
struct EventLine {
    kind: String,
    schema: u16,
    payload: Bytes,
}

#[derive(Serialize, Deserialize)]
struct End {
    n_entries: u64,
    n_commits: u64,
}

/// Bytes that are base64 in a line.
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(&*text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Writes the whole log as it is now; what is appended meanwhile is left out. The caller flushes and syncs `out`.
///
/// # Errors
/// What the log or `out` says.
pub fn export(log: &dyn EventLog, out: &mut dyn Write) -> Result<BackupReport, Error> {
    let mut report = BackupReport::default();
    write_line(
        out,
        &Line::Header(Header {
            format: FORMAT.to_owned(),
            version: VERSION,
        }),
    )?;
    for tree in log.kv_trees()? {
        let mut after = None;
        loop {
            let entries = log.kv_scan(&tree, after.as_deref(), BITE)?;
            let Some((last, _)) = entries.last() else { break };
            after = Some(last.clone());
            for (key, value) in entries {
                write_line(
                    out,
                    &Line::Entry(Entry {
                        tree: tree.clone(),
                        key: Bytes(key),
                        value: Bytes(value),
                    }),
                )?;
                report.n_entries += 1;
            }
        }
    }
    // Entries are seen only when their commit is durable, so it lies at or before this position.
    let up_to = log.last_position();
    while report.n_commits < up_to {
        for commit in log.read_all(report.n_commits, BITE)? {
            if commit.position > up_to {
                break;
            }
            report.n_commits += 1;
            if commit.position != report.n_commits {
                return Err(Error::corrupt(
                    Some(report.n_commits),
                    format!("position `{}` follows", commit.position),
                ));
            }
            write_line(out, &Line::Commit(CommitLine::of(&commit)))?;
        }
    }
    write_line(
        out,
        &Line::End(End {
            n_entries: report.n_entries,
            n_commits: report.n_commits,
        }),
    )?;
    Ok(report)
}

/// Fills an empty log from an export. Everything is durable once the log is closed.
///
/// A failed import leaves a part behind: throw the target away and start with a new one.
///
/// # Errors
/// [`Error::Invalid`] where the log is not empty; [`Error::Corrupt`] where the input is not a whole export or its
/// positions and versions have gaps; what the log or `input` says.
pub fn import(log: &dyn EventLog, input: &mut dyn BufRead) -> Result<BackupReport, Error> {
    if log.last_position() > 0 || !log.kv_trees()?.is_empty() {
        return Err(Error::invalid("the target of an import must be an empty log"));
    }
    let mut report = BackupReport::default();
    let mut in_flight = InFlight::default();
    let mut n_lines = 0;
    loop {
        n_lines += 1;
        let damaged = |what: &str| Error::corrupt(None, format!("line `{n_lines}` of the export {what}"));
        let text = read_line(input)?.ok_or_else(|| damaged("is missing: the end line has not come"))?;
        let line = serde_json::from_slice(&text).map_err(|error| damaged(&format!("is not understood: {error}")))?;
        match line {
            Line::Header(header) if n_lines == 1 => {
                if header.format != FORMAT {
                    return Err(damaged(&format!(
                        "names the format `{}`, not `{FORMAT}`",
                        header.format
                    )));
                }
                if header.version != VERSION {
                    return Err(Error::FormatVersion {
                        found: header.version,
                        supported: VERSION,
                    });
                }
            }
            Line::Header(_) => return Err(damaged("is a second header")),
            Line::Entry(_) | Line::Commit(_) | Line::End(_) if n_lines == 1 => {
                return Err(damaged("should be the header"));
            }
            Line::Entry(entry) => {
                log.kv_put(&entry.tree, &entry.key.0, Some(&entry.value.0))?;
                report.n_entries += 1;
            }
            Line::Commit(commit) => {
                report.n_commits += 1;
                let expected = report.n_commits;
                if commit.position != expected {
                    let what = format!("line `{n_lines}` of the export carries position `{}`", commit.position);
                    return Err(Error::corrupt(Some(expected), what));
                }
                let commit = commit
                    .into_new()
                    .ok_or_else(|| damaged("has a bad stream name or version"))?;
                in_flight.push(log.append(commit), expected, text.len())?;
            }
            Line::End(end) => {
                in_flight.finish()?;
                if (end.n_entries, end.n_commits) != (report.n_entries, report.n_commits) {
                    return Err(damaged("counts other lines than came"));
                }
                return Ok(report);
            }
        }
    }
}

type Answer = BoxFuture<'static, Result<Head, Error>>;

/// Appends that are not answered yet, so that an import writes in batches.
#[derive(Default)]
struct InFlight {
    appends: VecDeque<(Answer, Position, usize)>,
    n_bytes: usize,
}

impl InFlight {
    fn push(&mut self, append: Answer, position: Position, n_bytes: usize) -> Result<(), Error> {
        self.appends.push_back((append, position, n_bytes));
        self.n_bytes += n_bytes;
        while self.appends.len() > IN_FLIGHT_MAX || (self.n_bytes > IN_FLIGHT_BYTES_MAX && self.appends.len() > 1) {
            self.wait()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        while !self.appends.is_empty() {
            self.wait()?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<(), Error> {
        let Some((append, position, n_bytes)) = self.appends.pop_front() else {
            return Ok(());
        };
        self.n_bytes -= n_bytes;
        match block_on(append) {
            Ok(head) if head.position == position => Ok(()),
            Ok(head) => Err(Error::invalid(format!(
                "the target of an import was appended to: position `{position}` became `{}`",
                head.position
            ))),
            Err(Error::Conflict { found, .. }) => {
                let what = format!("the export's versions have a gap: the stream ends at {found:?}");
                Err(Error::corrupt(Some(position), what))
            }
            Err(error) => Err(error),
        }
    }
}

impl CommitLine {
    fn of(commit: &Commit) -> Self {
        let events = commit.events.iter().map(|event| EventLine {
            kind: (*event.kind).to_owned(),
            schema: event.schema,
            payload: Bytes(event.payload.clone()),
        });
        Self {
            position: commit.position,
            stream: commit.stream.as_str().to_owned(),
            first_version: commit.first_version,
            meta: Bytes(commit.meta.clone()),
            events: events.collect(),
        }
    }

    fn into_new(self) -> Option<NewCommit> {
        let stream = StreamId::try_new(self.stream)?;
        let expected = match self.first_version.checked_sub(1)? {
            0 => Expected::NoStream,
            version => Expected::Version(version),
        };
        let events = self.events.into_iter().map(|event| StoredEvent {
            kind: event.kind.into(),
            schema: event.schema,
            payload: event.payload.0,
        });
        Some(NewCommit {
            stream,
            expected,
            meta: self.meta.0,
            events: events.collect(),
            kv: Vec::new(),
        })
    }
}

fn write_line(out: &mut dyn Write, line: &Line) -> Result<(), Error> {
    let mut text = serde_json::to_vec(line).map_err(|error| Error::invalid(error.to_string()))?;
    text.push(b'\n');
    out.write_all(&text)
        .map_err(|error| Error::io("write the export", &error))
}

/// The next line, `None` at the end of the input.
fn read_line(input: &mut dyn BufRead) -> Result<Option<Vec<u8>>, Error> {
    let mut text = Vec::new();
    let n_bytes = input
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut text)
        .map_err(|error| Error::io("read the export", &error))?;
    if n_bytes as u64 == LINE_BYTES_MAX {
        return Err(Error::invalid(format!(
            "a line of the export has more than `{LINE_BYTES_MAX}` bytes"
        )));
    }
    Ok((n_bytes > 0).then_some(text))
}
