//! The one writer: takes whatever is queued, appends it to the journal as one record, syncs once, applies it to the
//! index, answers all.
//!
//! ```text
//! take ─▶ check heads ─▶ one record ─▶ journal ─▶ fdatasync ─▶ watermark ─▶ index ─▶ publish ─▶ answer
//!             └─ Conflict (nothing written)  └───────┴─ failed: cut off again, then the error (nothing written);
//!                                                       where even that fails: Uncertain, and the log is stopped
//! ```
//! While a batch is synced the next one gathers, so batches grow with the load by themselves; a single producer
//! never waits for others to come.
//!
//! After a failure the log tries again by itself: at once, then after 100 ms, 200 ms and so on up to every five seconds. It cuts the
//! journal back to what is durable, opens the index anew where that gave way, and appends an empty record as a trial.
//! Until that succeeds every write is refused.
//!
//! Invariant: a position is given only to a commit in the record, and the record after a failed one begins where
//! the last durable one ended.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::batch::{Changes, IndexBatch};
use super::index::{Index, guarded, panic_text};
use super::journal::Journal;
use super::journal::record::{RawCommit, RecordBuilder};
use super::queue::{Request, Taken};
use super::reader::Reader;
use super::value::bounded;
use super::{Shared, opening};
use crate::error::Error;
use crate::key;
use crate::record::{Commit, Expected, Head, NewCommit, Position, StreamId, StreamVersion};

/// Heads kept in each of the two halves of the cache: twice as many streams as an engine keeps live.
const HEADS_MAX: usize = 32_768;
/// First pause before another try; doubled with each.
const RETRY_MIN: Duration = Duration::from_millis(100);
/// Longest pause before another try: soon enough for an operator who has made room, seldom enough to cost nothing.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// The writer's thread and what only it knows.
pub(super) struct Writer {
    shared: Arc<Shared>,
    journal: Journal,
    heads: Heads,
    last: Position,
    /// When and after which pause to try again; there while the log is stopped.
    retry: Option<(Instant, Duration)>,
}

/// An answer that is given once the batch is durable.
enum Answer {
    Append(oneshot::Sender<Result<Head, Error>>, Result<Head, Error>),
    Entry(mpsc::SyncSender<Result<(), Error>>),
}

impl Answer {
    fn send(self) {
        // The caller may have gone; the commit is written all the same.
        match self {
            Self::Append(answer, result) => drop(answer.send(result)),
            Self::Entry(answer) => drop(answer.send(Ok(()))),
        }
    }

    /// Refusals stay what they are; what was to be written failed.
    fn fail(self, error: &Error) {
        match self {
            Self::Append(answer, result) => drop(answer.send(result.and(Err(error.clone())))),
            Self::Entry(answer) => drop(answer.send(Err(error.clone()))),
        }
    }
}

/// One batch on its way to disk.
struct Prepared<'a> {
    index: IndexBatch<'a>,
    record: RecordBuilder,
    commits: Vec<Arc<Commit>>,
    answers: Vec<Answer>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, journal: Journal) -> Self {
        Self {
            last: journal.mark().position,
            shared,
            journal,
            heads: Heads::default(),
            retry: None,
        }
    }

    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        loop {
            let requests = match self.shared.queue.take(self.retry.map(|(at, _)| at)) {
                Taken::Batch(requests) => requests,
                Taken::Awake => Vec::new(),
                Taken::End => break,
            };
            // A panic drops the answers of this batch, which reads as `Uncertain`.
            let done = catch_unwind(AssertUnwindSafe(|| self.step(requests)));
            if let Err(panic) = done {
                self.stop(Error::Stopped {
                    what: panic_text(panic.as_ref()),
                });
            }
        }
        if self.shared.stopped().is_none() {
            let mark = self.journal.mark();
            self.shared.finish(self.journal.place().generation(), mark.seq);
        }
    }

    fn step(&mut self, requests: Vec<Request>) {
        if self.shared.stopped().is_some() {
            self.try_again();
        }
        if let Some(stopped) = self.shared.stopped() {
            requests.into_iter().for_each(|request| request.refuse(&stopped));
        } else if !requests.is_empty() {
            self.write(requests);
        }
    }

    fn stop(&mut self, error: Error) {
        if self.retry.is_none() {
            tracing::error!(%error, "the log has stopped: writes are refused until it works again; it is tried again and again");
            self.retry = Some((Instant::now() + RETRY_MIN, RETRY_MIN));
        }
        self.shared.stop(error);
    }

    fn try_again(&mut self) {
        // Somebody else may have stopped the log: a reader whose database gave way. That is tried at once.
        if self.retry.is_some_and(|(at, _)| Instant::now() < at) {
            return;
        }
        match self.restore() {
            Ok(()) => {
                self.retry = None;
                tracing::warn!("the log works again; writes are taken");
                self.shared.resume();
            }
            Err(error) => {
                let pause = self.retry.map_or(RETRY_MIN, |(_, pause)| (pause * 2).min(RETRY_MAX));
                self.stop(error);
                self.retry = Some((Instant::now() + pause, pause));
            }
        }
    }

    /// Brings journal and index to where the last durable record left them, and shows that a record can be written.
    fn restore(&mut self) -> Result<(), Error> {
        // Commits that are not there must not be taken for heads.
        self.heads = Heads::default();
        self.last = self.journal.mark().position;
        self.journal.recover()?;
        let index = match self.shared.current_index() {
            Some(index) => index,
            None => {
                let (directory, cache_bytes) = (self.shared.directory.path(), self.shared.cache_bytes);
                let index = Arc::new(opening::index_of(directory, cache_bytes, &mut self.journal)?);
                self.shared.put_index(&index);
                index
            }
        };
        let mark = self.journal.mark();
        self.shared.jump(mark.position);
        let written = self
            .journal
            .append(RecordBuilder::with_capacity(0), mark.position, mark.tally);
        if let Err(error) = written {
            // Where this fails too, the next try begins with it.
            let _ = self.journal.recover();
            return Err(error);
        }
        self.shared.written(self.journal.mark());
        if let Err(error) = index.set_applied(self.journal.mark().seq) {
            self.shared.fail_index(&index, &error);
            return Err(error);
        }
        self.shared.applied();
        Ok(())
    }

    fn write(&mut self, requests: Vec<Request>) {
        let shared = Arc::clone(&self.shared);
        let n_bytes = requests.iter().map(Request::n_bytes).sum::<usize>();
        let ready = shared
            .directory
            .check_free_space((n_bytes + 256 * requests.len()) as u64)
            .and_then(|()| shared.index());
        let index = match ready {
            Ok(index) => index,
            Err(error) => {
                requests.into_iter().for_each(|request| request.refuse(&error));
                return;
            }
        };
        let mut prepared = Prepared {
            index: IndexBatch::new(index.tree(), self.journal.mark().tally),
            record: RecordBuilder::with_capacity(n_bytes),
            commits: Vec::with_capacity(requests.len()),
            answers: Vec::with_capacity(requests.len()),
        };
        for request in requests {
            self.prepare(&index, &mut prepared, request);
        }
        let Prepared {
            index: changes,
            record,
            commits,
            answers,
        } = prepared;
        if !record.is_empty() {
            let changes = changes.finish(self.journal.mark().seq + 1);
            if let Err(error) = self.carry_out(index, record, changes, commits) {
                answers.into_iter().for_each(|answer| answer.fail(&error));
                return;
            }
        }
        answers.into_iter().for_each(Answer::send);
    }

    /// Writes the record, then the index. An error says what the callers are told.
    fn carry_out(
        &mut self,
        index: Arc<Index>,
        record: RecordBuilder,
        changes: Changes,
        commits: Vec<Arc<Commit>>,
    ) -> Result<(), Error> {
        let Changes {
            batch,
            tally,
            old_entries,
        } = changes;
        if let Err(error) = self.journal.append(record, self.last, tally) {
            tracing::error!(%error, "a batch could not be written");
            let was_cut = self.journal.recover();
            if let Err(again) = self.restore() {
                self.stop(again);
            }
            return Err(match was_cut {
                Ok(()) => error,
                Err(again) => Error::Uncertain {
                    what: format!("{error}; {again}"),
                },
            });
        }
        // What is durable is answered whether or not this works: it guards against damage, not for the commits.
        if let Err(error) = self.shared.watermark.raise(self.last) {
            tracing::warn!(%error, "the watermark of the log could not be written");
        }
        self.shared.written(self.journal.mark());
        self.shared.kv_in_flight.begin(old_entries);
        let Err(error) = index.apply(batch) else {
            self.shared.publish(commits);
            return Ok(());
        };
        // The batch is durable, and readers cannot see it: the index is opened again, and gets it from the journal.
        self.shared.fail_index(&index, &error);
        drop(index);
        match self.restore() {
            Ok(()) => {
                self.shared.resume();
                Ok(())
            }
            Err(again) => {
                self.stop(again);
                Err(Error::Uncertain {
                    what: format!("it is in the journal, and is seen once the index is open again: {error}"),
                })
            }
        }
    }

    /// Puts one request into the batch, or its refusal among the answers.
    fn prepare(&mut self, index: &Arc<Index>, prepared: &mut Prepared<'_>, request: Request) {
        let is_taken = guarded("read the log", || match &request {
            Request::Append { commit, .. } => {
                let first_version = self.check(index, &commit.stream, commit.expected)?;
                for kv in &commit.kv {
                    prepared.index.load(&key::kv(kv.tree, &kv.key))?;
                }
                Ok(first_version)
            }
            Request::Entry { entry, .. } => prepared.index.load(entry).map(|()| 0),
        });
        let first_version = match is_taken {
            Ok(first_version) => first_version,
            Err(error) => {
                if let Error::Io { .. } | Error::Full = &error {
                    self.shared.fail_index(index, &error);
                }
                request.refuse(&error);
                return;
            }
        };
        match request {
            Request::Append { commit, body, answer } => {
                let head = self.add(prepared, commit, &body, first_version);
                prepared.answers.push(Answer::Append(answer, Ok(head)));
            }
            Request::Entry { entry, value, answer } => {
                prepared.record.write(&entry, value.as_deref());
                prepared.index.write(&entry, value.as_deref());
                prepared.answers.push(Answer::Entry(answer));
            }
        }
    }

    fn add(
        &mut self,
        prepared: &mut Prepared<'_>,
        commit: NewCommit,
        body: &[u8],
        first_version: StreamVersion,
    ) -> Head {
        self.last += 1;
        let NewCommit {
            stream,
            meta,
            events,
            kv,
            expected: _,
        } = commit;
        let raw = RawCommit {
            stream: stream.as_str(),
            first_version,
            position: self.last,
            n_events: bounded(events.len()),
            body,
        };
        prepared.record.commit(raw);
        prepared.index.commit(raw);
        for kv in kv {
            let entry = key::kv(kv.tree, &kv.key);
            prepared.record.write(&entry, kv.value.as_deref());
            prepared.index.write(&entry, kv.value.as_deref());
        }
        let commit = Commit {
            stream,
            first_version,
            position: self.last,
            meta,
            events,
        };
        let head = Head {
            version: commit.last_version(),
            position: self.last,
        };
        self.heads.insert(commit.stream.clone(), Some(head));
        prepared.commits.push(Arc::new(commit));
        head
    }

    /// The version of the next event, if the stream ends where it is expected to.
    fn check(&mut self, index: &Index, stream: &StreamId, expected: Expected) -> Result<u64, Error> {
        let found = match self.heads.get(stream) {
            Some(head) => head,
            None => {
                let reader = Reader {
                    tree: index.tree(),
                    durable: self.journal.mark().position,
                };
                let head = reader.head(stream)?;
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
