//! One record of the journal: everything that one batch of the writer changes, under one checksum.
//!
//! ```text
//! record   length u32 │ crc32 u32 over the seed and what follows │ seq u64 │ position u64 │ tally 16 bytes │
//!          n_commits u32 │ n_writes u32 │ commits… │ writes…
//! commit   stream length u8 │ stream │ first_version u64 │ position u64 │ n_events u32 │ body length u32 │ body
//! write    entry length u16 │ entry │ 0: removed, 1: value length u32 │ value
//! ```
//! Numbers are little-endian; the body is that of `value`. `position` is the last position up to and including this
//! record, `tally` the index after it. A batch is whole or not there: it has no more than one record.

use super::super::tally::{TALLY_BYTES, Tally};
use super::super::value::{bounded, take, take_slice};
use super::damaged;
use crate::error::Error;
use crate::record::{Position, StreamVersion};

/// Length and checksum before a record.
pub(crate) const FRAME_BYTES: usize = 8;
/// What a record has at the least after its frame.
const FIXED_BYTES: usize = 8 + 8 + TALLY_BYTES + 4 + 4;
/// No record is longer: a batch has at most one commit beyond its bound, and a commit has a bound itself. A length above
/// it is damage, which must not become an allocation.
pub(crate) const RECORD_BYTES_MAX: usize = 256 << 20;

/// A commit as journal and index carry it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawCommit<'a> {
    pub(crate) stream: &'a str,
    pub(crate) first_version: StreamVersion,
    pub(crate) position: Position,
    pub(crate) n_events: u32,
    /// Meta and events, as `value::encode_body` makes them.
    pub(crate) body: &'a [u8],
}

/// Collects one record.
pub(crate) struct RecordBuilder {
    commits: Vec<u8>,
    writes: Vec<u8>,
    n_commits: u32,
    n_writes: u32,
}

impl RecordBuilder {
    /// An empty record with room for so many bytes.
    pub(crate) fn with_capacity(n_bytes: usize) -> Self {
        let mut commits = Vec::with_capacity(FRAME_BYTES + FIXED_BYTES + n_bytes);
        commits.resize(FRAME_BYTES + FIXED_BYTES, 0);
        Self {
            commits,
            writes: Vec::new(),
            n_commits: 0,
            n_writes: 0,
        }
    }

    pub(crate) fn commit(&mut self, commit: RawCommit<'_>) {
        let bytes = &mut self.commits;
        bytes.push(bounded(commit.stream.len()));
        bytes.extend_from_slice(commit.stream.as_bytes());
        bytes.extend_from_slice(&commit.first_version.to_le_bytes());
        bytes.extend_from_slice(&commit.position.to_le_bytes());
        bytes.extend_from_slice(&commit.n_events.to_le_bytes());
        bytes.extend_from_slice(&bounded::<u32>(commit.body.len()).to_le_bytes());
        bytes.extend_from_slice(commit.body);
        self.n_commits += 1;
    }

    pub(crate) fn write(&mut self, entry: &[u8], value: Option<&[u8]>) {
        let bytes = &mut self.writes;
        bytes.extend_from_slice(&bounded::<u16>(entry.len()).to_le_bytes());
        bytes.extend_from_slice(entry);
        match value {
            None => bytes.push(0),
            Some(value) => {
                bytes.push(1);
                bytes.extend_from_slice(&bounded::<u32>(value.len()).to_le_bytes());
                bytes.extend_from_slice(value);
            }
        }
        self.n_writes += 1;
    }

    /// Bytes so far.
    pub(crate) fn n_bytes(&self) -> usize {
        self.commits.len() + self.writes.len()
    }

    /// Whether nothing was put in.
    pub(crate) fn is_empty(&self) -> bool {
        self.n_commits == 0 && self.n_writes == 0
    }

    /// The bytes of the record in a segment with this seed.
    pub(crate) fn finish(self, mark: Mark, seed: u32) -> Vec<u8> {
        let mut bytes = self.commits;
        bytes.extend_from_slice(&self.writes);
        let n_bytes: u32 = bounded(bytes.len() - FRAME_BYTES);
        let fixed = [
            &mark.seq.to_le_bytes()[..],
            &mark.position.to_le_bytes(),
            &mark.tally.to_bytes(),
            &self.n_commits.to_le_bytes(),
            &self.n_writes.to_le_bytes(),
        ]
        .concat();
        bytes[FRAME_BYTES..FRAME_BYTES + FIXED_BYTES].copy_from_slice(&fixed);
        let crc = checksum(seed, &bytes[FRAME_BYTES..]);
        bytes[..4].copy_from_slice(&n_bytes.to_le_bytes());
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// Where the journal stands after a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Number of the record, from 1 without gaps.
    pub(crate) seq: u64,
    /// Last position given to a commit.
    pub(crate) position: Position,
    /// The index when it holds everything up to here.
    pub(crate) tally: Tally,
}

/// A record as read back.
pub(crate) struct Record {
    pub(crate) mark: Mark,
    n_commits: u32,
    n_writes: u32,
    /// After the frame and the fixed part.
    items: Vec<u8>,
}

impl Record {
    /// A record from what follows its frame; `None` where it is not one.
    pub(crate) fn parse(mut bytes: Vec<u8>, crc: u32, seed: u32) -> Option<Self> {
        if checksum(seed, &bytes) != crc {
            return None;
        }
        let mut rest = &bytes[..];
        let seq = u64::from_le_bytes(take(&mut rest)?);
        let position = u64::from_le_bytes(take(&mut rest)?);
        let tally = Tally::parse(take(&mut rest)?);
        let n_commits = u32::from_le_bytes(take(&mut rest)?);
        let n_writes = u32::from_le_bytes(take(&mut rest)?);
        bytes.drain(..FIXED_BYTES);
        Some(Self {
            mark: Mark { seq, position, tally },
            n_commits,
            n_writes,
            items: bytes,
        })
    }

    /// Gives every commit, then every write, in order.
    ///
    /// # Errors
    /// What the functions answer, or [`Error::Corrupt`] where the bytes do not hold what is counted.
    pub(crate) fn each(
        &self,
        mut commit: impl FnMut(RawCommit<'_>) -> Result<(), Error>,
        mut write: impl FnMut(&[u8], Option<&[u8]>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let undecoded = || damaged(self.mark.seq, "does not decode");
        let mut rest = &self.items[..];
        for _ in 0..self.n_commits {
            commit(take_commit(&mut rest).ok_or_else(undecoded)?)?;
        }
        for _ in 0..self.n_writes {
            let (entry, value) = take_write(&mut rest).ok_or_else(undecoded)?;
            write(entry, value)?;
        }
        if rest.is_empty() { Ok(()) } else { Err(undecoded()) }
    }
}

fn take_commit<'a>(rest: &mut &'a [u8]) -> Option<RawCommit<'a>> {
    let [n_name_bytes] = take(rest)?;
    let stream = std::str::from_utf8(take_slice(rest, n_name_bytes.into())?).ok()?;
    let first_version = u64::from_le_bytes(take(rest)?);
    let position = u64::from_le_bytes(take(rest)?);
    let n_events = u32::from_le_bytes(take(rest)?);
    let n_body_bytes = u32::from_le_bytes(take(rest)?);
    Some(RawCommit {
        stream,
        first_version,
        position,
        n_events,
        body: take_slice(rest, n_body_bytes as usize)?,
    })
}

fn take_write<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let n_entry_bytes = u16::from_le_bytes(take(rest)?);
    let entry = take_slice(rest, n_entry_bytes.into())?;
    let value = match take(rest)? {
        [0] => None,
        [1] => {
            let n_bytes = u32::from_le_bytes(take(rest)?);
            Some(take_slice(rest, n_bytes as usize)?)
        }
        _ => return None,
    };
    Some((entry, value))
}

fn checksum(seed: u32, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&seed.to_le_bytes());
    crc.update(bytes);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_went_and_only_with_its_seed() {
        let mut record = RecordBuilder::with_capacity(0);
        record.commit(RawCommit {
            stream: "a",
            first_version: 3,
            position: 9,
            n_events: 2,
            body: b"body",
        });
        record.write(b"kt\0k", Some(b"v"));
        record.write(b"kt\0l", None);
        let mark = Mark {
            seq: 4,
            position: 9,
            tally: Tally::default(),
        };
        let bytes = record.finish(mark, 77);
        let crc = u32::from_le_bytes(bytes[4..8].try_into().expect("four bytes"));
        let parse = |seed| Record::parse(bytes[FRAME_BYTES..].to_vec(), crc, seed);
        assert!(parse(78).is_none());
        let record = parse(77).expect("a record");
        assert_eq!(record.mark, mark);
        let seen = std::cell::RefCell::new(Vec::new());
        let whole = record.each(
            |commit| {
                seen.borrow_mut()
                    .push(format!("{}@{} {:?}", commit.stream, commit.first_version, commit.body));
                Ok(())
            },
            |entry, value| {
                seen.borrow_mut().push(format!("{} {value:?}", entry.escape_ascii()));
                Ok(())
            },
        );
        assert_eq!(whole, Ok(()));
        assert_eq!(
            seen.into_inner(),
            ["a@3 [98, 111, 100, 121]", "kt\\x00k Some([118])", "kt\\x00l None"]
        );
    }
}
