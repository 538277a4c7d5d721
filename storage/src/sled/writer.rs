//! The one writer: takes whatever is queued, applies it as one batch, syncs once, answers all.
//!
//! ```text
//! take ─▶ check heads ─▶ one batch ─▶ apply ─▶ flush ─▶ fdatasync ─▶ watermark ─▶ publish ─▶ answer
//!             └─ Conflict (nothing written)     └────────┴─ failed: Uncertain, and the log is stopped
//! ```
//! While a batch is synced the next one gathers, so batches grow with the load by themselves; a single producer
//! never waits for others to come.
//!
//! Invariant: a position is given only to a commit in the batch, and a batch that failed is the last one.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use super::kv::KvBatch;
use super::queue::Request;
use super::trees::{database, panic_text};
use super::value::{self, CommitHeader};
use crate::error::Error;
use crate::key;
use crate::lock::lock;
use crate::record::{Commit, Expected, Head, Position, StreamId};

/// Heads kept in each of the two halves of the cache: twice as many streams as an engine keeps live.
const HEADS_MAX: usize = 32_768;

/// The writer's thread and what only it knows.
pub(super) struct Writer {
    shared: Arc<Shared>,
    heads: Heads,
    last: Position,
}

type Answer = (tokio::sync::oneshot::Sender<Result<Head, Error>>, Result<Head, Error>);

/// One batch on its way to disk.
struct Prepared<'a> {
    batch: sled::Batch,
    kv: KvBatch<'a>,
    commits: Vec<Arc<Commit>>,
    answers: Vec<Answer>,
    n_bytes: u64,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, last: Position) -> Self {
        Self {
            shared,
            heads: Heads::default(),
            last,
        }
    }

    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        while let Some(requests) = self.shared.queue.take() {
            if let Some(stopped) = self.shared.stopped() {
                requests
                    .into_iter()
                    .for_each(|request| drop(request.answer.send(Err(stopped.clone()))));
                continue;
            }
            // A panic of the database drops the answers of this batch, which reads as `Uncertain`.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.write(requests))) {
                let what = panic_text(panic.as_ref());
                tracing::error!(%what, "the log's writer panicked; appends are refused until the log is reopened");
                self.shared.stop(Error::Io {
                    doing: "append to a log that has stopped".to_owned(),
                    kind: std::io::ErrorKind::Other,
                    message: what,
                });
            }
        }
    }

    fn write(&mut self, requests: Vec<Request>) {
        let shared = Arc::clone(&self.shared);
        let n_bytes: u64 = requests.iter().map(|request| request.body.len() as u64 + 256).sum();
        if let Err(error) = shared.disk.check_free_space(n_bytes) {
            requests
                .into_iter()
                .for_each(|request| drop(request.answer.send(Err(error.clone()))));
            return;
        }
        let tree = shared.disk.tree();
        let first = self.last + 1;
        let mut prepared = Prepared {
            batch: sled::Batch::default(),
            kv: KvBatch::new(tree),
            commits: Vec::with_capacity(requests.len()),
            answers: Vec::with_capacity(requests.len()),
            n_bytes,
        };
        // Held from the reads of old entries to the apply, so that a write outside of commits cannot come between.
        let gate = lock(&shared.kv_gate);
        for request in requests {
            self.prepare(&mut prepared, request);
        }
        let Prepared {
            mut batch,
            kv,
            commits,
            answers,
            n_bytes,
        } = prepared;
        if !commits.is_empty() {
            insert_pages(&mut batch, first, &commits);
            shared.applied.store(self.last, Ordering::Release);
            shared.kv_in_flight.begin(kv.into_old());
            let applied = tree
                .apply_batch(batch)
                .map_err(|error| database("apply a batch", error));
            drop(gate);
            if let Err(error) = applied.and_then(|()| shared.disk.sync()) {
                tracing::error!(%error, n_bytes, "a batch failed; appends are refused until the log is reopened");
                fail(answers, &error);
                shared.stop(error);
                return;
            }
            // What is durable is answered whether or not this works: it guards against damage, not for the commits.
            if let Err(error) = shared.disk.watermark().raise(self.last) {
                tracing::warn!(%error, "the watermark of the log could not be written");
            }
            shared.publish(commits);
        }
        for (answer, result) in answers {
            // The caller may have gone; the commit is written all the same.
            drop(answer.send(result));
        }
    }

    /// Puts one request into the batch, or its refusal among the answers.
    fn prepare(&mut self, prepared: &mut Prepared<'_>, request: Request) {
        let Request {
            commit, body, answer, ..
        } = request;
        let result = self.check(&commit.stream, commit.expected).and_then(|next_version| {
            prepared.kv.write(&mut prepared.batch, &commit.kv)?;
            Ok(next_version)
        });
        let first_version = match result {
            Ok(first_version) => first_version,
            Err(error) => {
                prepared.answers.push((answer, Err(error)));
                return;
            }
        };
        self.last += 1;
        let position = self.last;
        let header = CommitHeader::of(&body, commit.events.len(), position);
        let header_bytes = header.to_bytes();
        for (chunk, piece) in (0..header.n_chunks).zip(value::pieces(&body)) {
            let commit_key = key::commit(&commit.stream, first_version, chunk);
            let sealed = if chunk == 0 {
                value::seal(&commit_key, &[&header_bytes, piece])
            } else {
                value::seal(&commit_key, &[piece])
            };
            prepared.batch.insert(commit_key, sealed);
        }
        let crate::record::NewCommit {
            stream, meta, events, ..
        } = commit;
        let commit = Commit {
            stream,
            first_version,
            position,
            meta,
            events,
        };
        let head = Head {
            version: commit.last_version(),
            position,
        };
        self.heads.insert(commit.stream.clone(), Some(head));
        prepared.answers.push((answer, Ok(head)));
        prepared.commits.push(Arc::new(commit));
    }

    /// The version of the next event, if the stream ends where it is expected to.
    fn check(&mut self, stream: &StreamId, expected: Expected) -> Result<u64, Error> {
        let found = match self.heads.get(stream) {
            Some(head) => head,
            None => {
                let head = self.shared.reader().head(stream)?;
                self.heads.insert(stream.clone(), head);
                head
            }
        };
        match (expected, found) {
            (Expected::NoStream, None) => Ok(1),
            (Expected::Version(version), Some(head)) if head.version == version => Ok(version + 1),
            _ => Err(Error::Conflict { expected, found }),
        }
    }
}

/// The pages of positions of one batch.
fn insert_pages(batch: &mut sled::Batch, first: Position, commits: &[Arc<Commit>]) {
    let mut page_first = first;
    let mut page = Vec::new();
    let mut finish = |page_first: Position, page: &mut Vec<u8>| {
        let page_key = key::position(page_first);
        let sealed = value::seal(&page_key, &[page]);
        batch.insert(&page_key, sealed);
        page.clear();
    };
    for commit in commits {
        if !value::push_page_entry(&mut page, &commit.stream, commit.first_version) {
            finish(page_first, &mut page);
            page_first = commit.position;
            value::push_page_entry(&mut page, &commit.stream, commit.first_version);
        }
    }
    finish(page_first, &mut page);
}

/// Conflicts stay what they are; what was to be written is uncertain.
fn fail(answers: Vec<Answer>, error: &Error) {
    for (answer, result) in answers {
        let result = result.and(Err(Error::Uncertain {
            what: error.to_string(),
        }));
        drop(answer.send(result));
    }
}

/// Heads of the streams used last, in two halves: a full young half becomes the old one, and what the old one
/// held is forgotten. Bounded like a least-recently-used list, without its links.
#[derive(Default)]
struct Heads {
    young: HashMap<StreamId, Option<Head>>,
    old: HashMap<StreamId, Option<Head>>,
}

impl Heads {
    fn get(&mut self, stream: &StreamId) -> Option<Option<Head>> {
        if let Some(head) = self.young.get(stream) {
            return Some(*head);
        }
        let head = self.old.remove(stream)?;
        self.insert(stream.clone(), head);
        Some(head)
    }

    fn insert(&mut self, stream: StreamId, head: Option<Head>) {
        if self.young.len() >= HEADS_MAX && !self.young.contains_key(&stream) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, head);
    }
}

impl Shared {
    /// Makes durable commits visible and wakes who waits for them.
    fn publish(&self, commits: Vec<Arc<Commit>>) {
        let Some(position) = commits.last().map(|commit| commit.position) else {
            return;
        };
        // In this order: an export takes entries first and the position after them, so an entry may not be seen
        // before its position; a subscriber is woken last, when all of it can be seen.
        self.durable.store(position, Ordering::Release);
        self.kv_in_flight.end();
        let mut recent = lock(&self.recent);
        commits.into_iter().for_each(|commit| recent.push(commit));
        drop(recent);
        self.tail.send_modify(|tail| tail.position = position);
    }
}
