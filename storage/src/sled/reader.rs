//! Reads of commits: one commit, a stream, everything from a position, heads; and the walk of `verify`.
//!
//! Nothing here waits for the writer. A reader sees commits up to the `durable` position it is given and takes
//! those after it, which the writer has applied and not yet synced, for absent.

use std::sync::Arc;

use super::index::database;
use super::journal::record::RawCommit;
use super::value::{self, CommitHeader, bad};
use crate::error::Error;
use crate::event_log::VerifyReport;
use crate::key;
use crate::record::{Commit, Head, Position, StreamId, StreamVersion};

/// The tree with the position up to which it may be read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) tree: &'a sled::Tree,
    pub(super) durable: Position,
}

/// Chunk 0 of a commit, checked.
struct First<'a> {
    header: CommitHeader,
    body: &'a [u8],
}

impl Reader<'_> {
    /// Where the stream ends.
    pub(super) fn head(&self, stream: &StreamId) -> Result<Option<Head>, Error> {
        let start = key::stream(stream);
        let mut end = key::commit(stream.as_str(), StreamVersion::MAX, u16::MAX);
        // Almost always one step; more only past commits that are applied and not yet durable.
        while let Some(entry) = self.tree.range(start.clone()..end.clone()).next_back() {
            let (last_key, last_value) = entry.map_err(read_error)?;
            let (first_version, chunk) = self.parse(&last_key)?;
            let header = if chunk == 0 {
                first(&last_key, &last_value)?.header
            } else {
                let first_key = key::commit(stream.as_str(), first_version, 0);
                let first_value = self.tree.get(&first_key).map_err(read_error)?;
                let Some(first_value) = first_value else {
                    return Err(bad(None, stream.as_str(), first_version, "has no first chunk"));
                };
                first(&first_key, &first_value)?.header
            };
            if header.position <= self.durable {
                let version = first_version + u64::from(header.n_events) - 1;
                return Ok(Some(Head {
                    version,
                    position: header.position,
                }));
            }
            end = key::commit(stream.as_str(), first_version, 0);
        }
        Ok(None)
    }

    /// Commits of a stream with events after a version.
    pub(super) fn stream(&self, stream: &StreamId, after: StreamVersion) -> Result<Vec<Arc<Commit>>, Error> {
        let Some(wanted) = after.checked_add(1) else {
            return Ok(Vec::new());
        };
        let mut start = key::stream(stream);
        let end = key::commit(stream.as_str(), StreamVersion::MAX, u16::MAX);
        if after > 0 {
            // The commit that holds version `wanted` begins at it or before it.
            let up_to = key::commit(stream.as_str(), wanted, u16::MAX);
            if let Some(entry) = self.tree.range(start.clone()..=up_to).next_back() {
                let (begin, _) = entry.map_err(read_error)?;
                let (first_version, _) = self.parse(&begin)?;
                start = key::commit(stream.as_str(), first_version, 0);
            }
        }
        let mut commits = Vec::new();
        let mut entries = self.tree.range(start..end);
        while let Some(entry) = entries.next() {
            let (first_key, first_value) = entry.map_err(read_error)?;
            let (first_version, chunk) = self.parse(&first_key)?;
            if chunk != 0 {
                return Err(bad(None, stream.as_str(), first_version, "has no first chunk"));
            }
            let First { header, body } = first(&first_key, &first_value)?;
            if header.position > self.durable {
                break;
            }
            let mut more = (1..header.n_chunks).map(|chunk| {
                let (key, value) = entries.next()?.ok()?;
                (*key == key::commit(stream.as_str(), first_version, chunk)).then_some((key, value))
            });
            let commit = assemble(stream, first_version, header, body, &mut more)?;
            if commit.last_version() > after {
                commits.push(Arc::new(commit));
            }
        }
        Ok(commits)
    }

    /// Commits after a position, in order.
    pub(super) fn all(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error> {
        let mut commits = Vec::new();
        if after >= self.durable || n_max == 0 {
            return Ok(commits);
        }
        let wanted = after + 1;
        let Some(entry) = self.tree.range(key::position(0)..=key::position(wanted)).next_back() else {
            return Err(Error::corrupt(Some(wanted), "no page of positions holds it"));
        };
        let (start, _) = entry.map_err(read_error)?;
        let mut expected = None;
        for entry in self.tree.range(start.to_vec()..=key::position(Position::MAX).to_vec()) {
            let (page_key, page) = entry.map_err(read_error)?;
            let (first, entries) = page_of(&page_key, &page)?;
            if expected.is_some_and(|expected| expected != first) {
                break;
            }
            expected = Some(first + entries.len() as u64);
            for (position, (stream, first_version)) in (first..).zip(&entries) {
                if position <= after {
                    continue;
                }
                if position > self.durable || commits.len() == n_max {
                    return Ok(commits);
                }
                commits.push(Arc::new(self.commit(stream, *first_version, position)?));
            }
        }
        let n_wanted = (n_max as u64).min(self.durable - after);
        if (commits.len() as u64) < n_wanted {
            return Err(Error::corrupt(
                Some(wanted + commits.len() as u64),
                "no page of positions holds it",
            ));
        }
        Ok(commits)
    }

    /// One commit, which must lie at this position.
    fn commit(&self, stream: &StreamId, first_version: StreamVersion, position: Position) -> Result<Commit, Error> {
        let first_key = key::commit(stream.as_str(), first_version, 0);
        let missing = || bad(Some(position), stream.as_str(), first_version, "is missing");
        let first_value = self.tree.get(&first_key).map_err(read_error)?.ok_or_else(missing)?;
        let at_position = |error| {
            if let Error::Corrupt { position: None, what } = error {
                return Error::Corrupt {
                    position: Some(position),
                    what,
                };
            }
            error
        };
        let First { header, body } = first(&first_key, &first_value).map_err(at_position)?;
        if header.position != position {
            let why = format!("carries position `{}`", header.position);
            return Err(bad(Some(position), stream.as_str(), first_version, &why));
        }
        let mut more = (1..header.n_chunks).map(|chunk| {
            let key = key::commit(stream.as_str(), first_version, chunk);
            let value = self.tree.get(&key).ok()??;
            Some((sled::IVec::from(key), value))
        });
        assemble(stream, first_version, header, body, &mut more)
    }

    /// Whether a commit of the journal is here as it is there.
    pub(super) fn compare(&self, raw: RawCommit<'_>) -> Result<(), Error> {
        if raw.position > self.durable {
            return Ok(());
        }
        let found = match StreamId::try_new(raw.stream) {
            Some(stream) => self.commit(&stream, raw.first_version, raw.position)?,
            None => return Err(Error::corrupt(Some(raw.position), "its journal has a bad stream name")),
        };
        if value::encode_body(&found.meta, &found.events) == raw.body {
            return Ok(());
        }
        let why = "is not what its journal says";
        Err(bad(Some(raw.position), raw.stream, raw.first_version, why))
    }

    /// Position of the last commit, and a check that the last page and its commits are sound.
    pub(super) fn check_end(tree: &sled::Tree) -> Result<Position, Error> {
        let Some(entry) = tree.range(key::position(0)..=key::position(Position::MAX)).next_back() else {
            return Ok(0);
        };
        let (page_key, page) = entry.map_err(read_error)?;
        let (first, entries) = page_of(&page_key, &page)?;
        let last = first + entries.len() as u64 - 1;
        Reader { tree, durable: last }.all(first - 1, entries.len())?;
        Ok(last)
    }

    /// Walks positions, then streams.
    ///
    /// Positions first, so that the first bad record in the order of the log is the one named. Every position
    /// then has a sound commit of its own; the walk by stream finds gaps in versions and commits that no
    /// position names. Neither walk keeps more than one page in memory.
    ///
    /// `applied` asks for the last position the writer has given out; a commit beyond it has lost its position.
    pub(super) fn verify(&self, applied: &dyn Fn() -> Position) -> Result<VerifyReport, Error> {
        let mut report = VerifyReport::default();
        while report.n_commits < self.durable {
            for commit in self.all(report.n_commits, 256)? {
                report.n_commits += 1;
                report.n_events += commit.events.len() as u64;
            }
        }
        let mut n_in_streams = 0;
        let mut current: Option<(String, StreamVersion)> = None;
        let mut n_chunks_left = 0;
        for entry in self.tree.scan_prefix([key::prefix::COMMIT]) {
            let (commit_key, commit_value) = entry.map_err(read_error)?;
            let Some((name, first_version, chunk)) = key::parse_commit(&commit_key) else {
                return Err(Error::corrupt(
                    None,
                    format!("key `{:?}` is not a commit's", &*commit_key),
                ));
            };
            if chunk > 0 {
                if n_chunks_left == 0 {
                    return Err(bad(None, name, first_version, "has a chunk too many"));
                }
                n_chunks_left -= 1;
                continue;
            }
            let header = first(&commit_key, &commit_value)?.header;
            n_chunks_left = header.n_chunks - 1;
            if header.position > applied() {
                return Err(bad(
                    Some(header.position),
                    name,
                    first_version,
                    "is on no page of positions",
                ));
            }
            if header.position > self.durable {
                continue;
            }
            n_in_streams += 1;
            let expected = match &current {
                Some((stream, next)) if stream == name => *next,
                _ => {
                    report.n_streams += 1;
                    1
                }
            };
            if first_version != expected {
                let why = format!("should begin at version `{expected}`");
                return Err(bad(Some(header.position), name, first_version, &why));
            }
            current = Some((name.to_owned(), first_version + u64::from(header.n_events)));
        }
        if n_in_streams != report.n_commits {
            let n_commits = report.n_commits;
            return Err(Error::corrupt(
                None,
                format!("`{n_in_streams}` commits in streams, `{n_commits}` positions"),
            ));
        }
        Ok(report)
    }

    fn parse(&self, commit_key: &[u8]) -> Result<(StreamVersion, u16), Error> {
        match key::parse_commit(commit_key) {
            Some((_, first_version, chunk)) => Ok((first_version, chunk)),
            None => Err(Error::corrupt(None, format!("key `{commit_key:?}` is not a commit's"))),
        }
    }
}

fn first<'a>(first_key: &[u8], first_value: &'a [u8]) -> Result<First<'a>, Error> {
    let parsed = value::unseal(first_key, first_value).and_then(CommitHeader::parse);
    match (parsed, key::parse_commit(first_key)) {
        (Some((header, body)), Some(_)) => Ok(First { header, body }),
        (_, Some((stream, version, _))) => Err(bad(None, stream, version, "does not match its checksum")),
        (_, None) => Err(Error::corrupt(None, format!("key `{first_key:?}` is not a commit's"))),
    }
}

/// A commit from its first chunk and an iterator over the keys and values of the others.
fn assemble(
    stream: &StreamId,
    first_version: StreamVersion,
    header: CommitHeader,
    body: &[u8],
    more: &mut dyn Iterator<Item = Option<(sled::IVec, sled::IVec)>>,
) -> Result<Commit, Error> {
    let damaged = |why| bad(Some(header.position), stream.as_str(), first_version, why);
    let decoded = if header.n_chunks == 1 {
        value::decode(stream, first_version, header, body)
    } else {
        let mut whole = body.to_vec();
        for chunk in more {
            let Some((key, value)) = chunk else {
                return Err(damaged("misses a chunk"));
            };
            let Some(piece) = value::unseal(&key, &value) else {
                return Err(damaged("does not match its checksum"));
            };
            whole.extend_from_slice(piece);
        }
        value::decode(stream, first_version, header, &whole)
    };
    decoded.ok_or_else(|| damaged("does not decode"))
}

/// First position and entries of a page.
fn page_of(page_key: &[u8], page: &[u8]) -> Result<(Position, Vec<(StreamId, StreamVersion)>), Error> {
    let Some(first) = key::parse_position(page_key).filter(|&first| first > 0) else {
        return Err(Error::corrupt(None, format!("key `{page_key:?}` is not a page's")));
    };
    match value::unseal(page_key, page).and_then(value::parse_page) {
        Some(entries) => Ok((first, entries)),
        None => Err(Error::corrupt(
            Some(first),
            "its page of positions does not match its checksum",
        )),
    }
}

pub(super) fn read_error(error: sled::Error) -> Error {
    database("read the log", error)
}
