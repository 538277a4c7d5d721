//! What one record of the journal is as keys and values of the index, and what it does to the tally.
//!
//! The writer makes it for a new batch, the opening for a record that the index has not got yet: one function, so that
//! an index built from the journal is the index that was.

use std::collections::BTreeMap;

use super::journal::record::RawCommit;
use super::kv::KvBatch;
use super::tally::Tally;
use super::value::{self, CommitHeader};
use crate::error::Error;
use crate::key;
use crate::record::Position;

/// Collects the changes of one record.
pub(super) struct IndexBatch<'a> {
    batch: sled::Batch,
    tally: Tally,
    kv: KvBatch<'a>,
    page: Vec<u8>,
    page_first: Position,
}

/// The changes, ready to be applied.
pub(super) struct Changes {
    pub(super) batch: sled::Batch,
    /// The index after them.
    pub(super) tally: Tally,
    /// What each entry held before them.
    pub(super) old_entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> IndexBatch<'a> {
    /// Changes of an index with this tally.
    pub(super) fn new(tree: &'a sled::Tree, tally: Tally) -> Self {
        Self {
            batch: sled::Batch::default(),
            tally,
            kv: KvBatch::new(tree),
            page: Vec::new(),
            page_first: 0,
        }
    }

    /// Puts a commit in; positions follow each other.
    pub(super) fn commit(&mut self, commit: RawCommit<'_>) {
        let header = CommitHeader::of(commit.body, commit.n_events, commit.position).to_bytes();
        for (chunk, piece) in (0..).zip(value::pieces(commit.body)) {
            let commit_key = key::commit(commit.stream, commit.first_version, chunk);
            let sealed = if chunk == 0 {
                value::seal(&commit_key, &[&header, piece])
            } else {
                value::seal(&commit_key, &[piece])
            };
            self.tally.add(&sealed);
            self.batch.insert(commit_key, sealed);
        }
        if self.page.is_empty() {
            self.page_first = commit.position;
        }
        if !value::push_page_entry(&mut self.page, commit.stream, commit.first_version) {
            self.finish_page();
            self.page_first = commit.position;
            value::push_page_entry(&mut self.page, commit.stream, commit.first_version);
        }
    }

    /// Notes what an entry holds before it is written; writes of one commit are all loaded before the first is put.
    pub(super) fn load(&mut self, entry: &[u8]) -> Result<(), Error> {
        self.kv.load(entry)
    }

    /// Puts the write of a loaded entry in.
    pub(super) fn write(&mut self, entry: &[u8], value: Option<&[u8]>) {
        self.kv.put(&mut self.batch, &mut self.tally, entry, value);
    }

    /// The changes of record `seq`.
    pub(super) fn finish(mut self, seq: u64) -> Changes {
        if !self.page.is_empty() {
            self.finish_page();
        }
        self.batch
            .insert(key::APPLIED, value::seal(key::APPLIED, &[&seq.to_le_bytes()]));
        Changes {
            batch: self.batch,
            tally: self.tally,
            old_entries: self.kv.into_old(),
        }
    }

    fn finish_page(&mut self) {
        let page_key = key::position(self.page_first);
        let sealed = value::seal(&page_key, &[&self.page]);
        self.tally.add(&sealed);
        self.batch.insert(&page_key, sealed);
        self.page.clear();
    }
}
