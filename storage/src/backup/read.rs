//! Import: an empty log filled from a whole export, or from one and the increments that follow it.

use std::collections::VecDeque;
use std::io::BufRead;

use super::entries::Entries;
use super::files::Incoming;
use super::line::{
    CheckedLine, CommitLine, End, FORMAT, Header, Line, NO_DIGEST, RawLine, VERSION, VERSION_WITH_FILES,
    VERSION_WITHOUT_DIGESTS,
};
use super::{BackupReport, Digest};
use crate::blobs::BlobStore;
use crate::error::Error;
use crate::event_log::EventLog;
use crate::record::{Head, Position};
use crate::subscription::wait_for;
use futures::future::BoxFuture;

/// Appends of an import on their way at a time; a batch of the writer.
const IN_FLIGHT_MAX: usize = 512;
/// Bytes of lines on their way at a time.
const IN_FLIGHT_BYTES_MAX: usize = 16 << 20;

/// One export of a chain.
pub struct Part<'a> {
    /// What errors call it, for example its path in backticks.
    pub name: String,
    /// Its lines.
    pub input: &'a mut dyn BufRead,
}

/// Fills an empty log from a whole export. Blocking. Everything is durable once the log is closed.
///
/// A failed import leaves a part behind: throw the target away and start with a new one.
///
/// # Errors
/// As [`import_chain`].
pub fn import(log: &dyn EventLog, input: &mut dyn BufRead) -> Result<BackupReport, Error> {
    let name = "the export".to_owned();
    import_chain(log, &mut [Part { name, input }])
}

/// Fills an empty log from a whole export and the increments that follow it, in their order. Blocking. Everything is
/// durable once the log is closed. Key-value entries are those of the last part, which carries them all.
///
/// The report counts the commits of all parts; it names no digest where one of them carries none.
///
/// A failed import leaves a part behind: throw the target away and start with a new one.
///
/// # Errors
/// [`Error::Invalid`] where the log is not empty, or one part does not follow the one before it; [`Error::Corrupt`]
/// where an input is not a whole export, was changed, or its positions and versions have gaps; what the log or an input
/// says.
pub fn import_chain(log: &dyn EventLog, parts: &mut [Part<'_>]) -> Result<BackupReport, Error> {
    import_chain_with_files(log, None, parts)
}

/// The same with the bytes of the files of the last part. Blocking.
///
/// # Errors
/// As [`import_chain`], and what `blobs` says.
pub fn import_chain_with_files(
    log: &dyn EventLog,
    blobs: Option<&dyn BlobStore>,
    parts: &mut [Part<'_>],
) -> Result<BackupReport, Error> {
    if log.last_position() > 0 || !log.kv_trees()?.is_empty() {
        return Err(Error::invalid("the target of an import must be an empty log"));
    }
    let mut import = Import {
        log,
        blobs,
        files: Incoming::default(),
        n_files: 0,
        entries: Entries::default(),
        in_flight: InFlight::default(),
        position: 0,
        commit: None,
        n_entries: 0,
    };
    let mut digest = None;
    let mut have_digests = true;
    let last = parts.len().checked_sub(1);
    let mut before: Option<String> = None;
    for (idx, part) in parts.iter_mut().enumerate() {
        let mut reader = PartReader::new(part);
        let header = reader.header()?;
        import.check_follows(&header, &reader.name, before.as_deref(), digest)?;
        digest = import.fill(&mut reader, Some(idx) == last)?;
        have_digests &= digest.is_some();
        before = Some(reader.name);
    }
    Ok(BackupReport {
        n_commits: import.position,
        n_entries: import.n_entries,
        n_files: import.n_files,
        position: import.position,
        digest: digest.filter(|_| have_digests),
    })
}

/// What was taken so far.
struct Import<'a> {
    log: &'a dyn EventLog,
    blobs: Option<&'a dyn BlobStore>,
    files: Incoming,
    /// Files of the part that is read.
    n_files: u64,
    entries: Entries,
    in_flight: InFlight,
    /// Position of the last commit.
    position: Position,
    /// Digest of the last commit.
    commit: Option<Digest>,
    n_entries: u64,
}

impl Import<'_> {
    /// Whether a part begins where the one before it ended, and was exported from the same log.
    fn check_follows(
        &self,
        header: &Header,
        name: &str,
        before: Option<&str>,
        digest_before: Option<Digest>,
    ) -> Result<(), Error> {
        let ended = self.position;
        let Some(before) = before else {
            if header.after == 0 {
                return Ok(());
            }
            return Err(Error::invalid(format!(
                "{name} holds what came after position `{}`; name the whole export before it",
                header.after
            )));
        };
        if header.after == 0 {
            return Err(Error::invalid(format!(
                "{name} is a whole export; it stands alone, or first"
            )));
        }
        if header.after != ended {
            return Err(Error::invalid(format!(
                "{name} begins after position `{}`, and {before} ends at position `{ended}`: a part is missing, or the \
                 order is another",
                header.after
            )));
        }
        if header.commit.is_none() || header.commit != self.commit {
            return Err(Error::invalid(format!(
                "{name} does not follow {before}: the commit at position `{ended}` is another, so they are of two logs"
            )));
        }
        if let (Some(named), Some(found)) = (header.previous, digest_before)
            && named != found
        {
            return Err(Error::invalid(format!(
                "{name} follows the export with digest `{named}`, and {before} has `{found}`"
            )));
        }
        Ok(())
    }

    /// Takes the lines behind the header up to the end; gives the digest of them all.
    fn fill(&mut self, reader: &mut PartReader<'_>, takes_entries: bool) -> Result<Option<Digest>, Error> {
        let began = self.position;
        let mut n_entries = 0;
        self.n_files = 0;
        loop {
            let (parsed, line) = reader.next_line(self.position)?;
            if self.files.is_cut() && !matches!(parsed, Line::File(_)) {
                return Err(reader.damaged("stands where a file goes on"));
            }
            match parsed {
                Line::Header(_) => return Err(reader.damaged("is a second header")),
                Line::Entry(entry) => {
                    n_entries += 1;
                    if takes_entries {
                        self.entries.push(self.log, entry)?;
                    }
                }
                Line::File(file) => {
                    let is_last = file.at + file.bytes.0.len() as u64 >= file.n_bytes;
                    if let Some(blobs) = self.blobs.filter(|_| takes_entries) {
                        let taken = self.files.take(blobs, file)?;
                        taken.map_err(|what| reader.damaged(what))?;
                    }
                    self.n_files += u64::from(is_last);
                }
                Line::Commit(commit) => {
                    self.take(commit, line.n_bytes, reader)?;
                    self.commit = Some(line.content);
                }
                Line::End(end) => {
                    self.entries.write(self.log)?;
                    self.in_flight.finish()?;
                    self.check_end(&end, (n_entries, self.position - began), reader)?;
                    reader.finish()?;
                    self.n_entries = n_entries;
                    return Ok(reader.chain);
                }
            }
        }
    }

    fn take(&mut self, commit: CommitLine, n_bytes: usize, reader: &PartReader<'_>) -> Result<(), Error> {
        self.position += 1;
        if commit.position != self.position {
            let what = format!("carries position `{}`", commit.position);
            return Err(Error::corrupt(Some(self.position), reader.words(&what)));
        }
        let commit = commit
            .into_new()
            .ok_or_else(|| reader.damaged("has a bad stream name or version"))?;
        self.in_flight.push(self.log.append(commit), self.position, n_bytes)
    }

    fn check_end(&self, end: &End, counted: (u64, u64), reader: &PartReader<'_>) -> Result<(), Error> {
        if (end.n_entries, end.n_commits) != counted || end.n_files.unwrap_or(0) != self.n_files {
            return Err(reader.damaged("counts other lines than came"));
        }
        let names_end = (end.position, end.commit) == (Some(self.position), self.commit);
        if reader.chain.is_some() && !names_end {
            return Err(reader.damaged("names another last commit than came"));
        }
        Ok(())
    }
}

/// Reads the lines of one part.
struct PartReader<'a> {
    name: String,
    input: &'a mut dyn BufRead,
    n_lines: u64,
    /// Digest of the lines so far; `None` where the part carries none.
    chain: Option<Digest>,
}

impl<'a> PartReader<'a> {
    fn new(part: &'a mut Part<'_>) -> Self {
        Self {
            name: part.name.clone(),
            input: part.input,
            n_lines: 0,
            chain: None,
        }
    }

    fn words(&self, what: &str) -> String {
        format!("line `{}` of {} {what}", self.n_lines, self.name)
    }

    fn damaged(&self, what: &str) -> Error {
        Error::corrupt(None, self.words(what))
    }

    fn raw(&mut self) -> Result<RawLine, Error> {
        self.n_lines += 1;
        match RawLine::read(self.input)? {
            Some(raw) => Ok(raw),
            None => Err(self.damaged("is missing: the end line has not come")),
        }
    }

    /// The first line, which says whether the others carry digests. Headers of all versions from 2 on are sealed alike.
    fn header(&mut self) -> Result<Header, Error> {
        let raw = self.raw()?.without_mark().map_err(|what| self.damaged(what))?;
        let line = if raw.has_digest() {
            let mut chain = Digest::START;
            let checked = raw.checked(&mut chain).map_err(|what| self.damaged(what))?;
            self.chain = Some(chain);
            checked
        } else {
            raw.plain()
        };
        match (line.version(), self.chain) {
            (Some(VERSION | VERSION_WITH_FILES), None) => return Err(self.damaged(NO_DIGEST)),
            (None | Some(VERSION | VERSION_WITH_FILES), _) | (Some(VERSION_WITHOUT_DIGESTS), None) => {}
            (Some(found), _) => {
                let supported = VERSION_WITH_FILES;
                return Err(Error::FormatVersion { found, supported });
            }
        }
        let Line::Header(header) = line.parse().map_err(|what| self.damaged(&what))? else {
            return Err(self.damaged("should be the header"));
        };
        if header.format != FORMAT {
            let what = format!("names the format `{}`, not `{FORMAT}`", header.format);
            return Err(self.damaged(&what));
        }
        Ok(header)
    }

    /// The next line behind the header; `position` is that of the commit before it.
    fn next_line(&mut self, position: Position) -> Result<(Line, CheckedLine), Error> {
        let raw = self.raw()?;
        let behind = |what: &str| format!("(behind position `{position}`) {what}");
        let line = match &mut self.chain {
            Some(chain) => raw.checked(chain).map_err(|what| self.damaged(&behind(what)))?,
            None => raw.plain(),
        };
        let parsed = line.parse().map_err(|what| self.damaged(&behind(&what)))?;
        Ok((parsed, line))
    }

    /// Nothing may stand behind the end line.
    fn finish(&mut self) -> Result<(), Error> {
        self.n_lines += 1;
        match RawLine::read(self.input)? {
            None => Ok(()),
            Some(_) => Err(self.damaged("stands behind the end line")),
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
        match wait_for(append) {
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
