//! The bounded queue of writes before the writer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::time::Instant;

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::value;
use crate::error::Error;
use crate::limits;
use crate::lock::lock;
use crate::record::{Head, NewCommit};

/// Most appends waiting: about half a second of the writer's work; an answer later than that serves nobody.
pub(super) const QUEUE_COMMITS_MAX: usize = 8192;
/// Most bytes waiting, so that the queue of large commits is bounded too.
pub(super) const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Most commits in one batch: beyond this a sync costs little per commit, and reads wait while a batch is applied.
const BATCH_COMMITS_MAX: usize = 512;
/// Most bytes in one batch, the last commit excepted: the database applies about 1 MiB in 10 ms.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// One write that waits for its batch.
pub(super) enum Request {
    /// A commit.
    Append {
        commit: NewCommit,
        /// The commit's body, encoded by the caller's thread.
        body: Vec<u8>,
        answer: oneshot::Sender<Result<Head, Error>>,
    },
    /// An entry outside of any commit.
    Entry {
        /// Its key in the index.
        entry: Vec<u8>,
        value: Option<Vec<u8>>,
        /// The caller's thread waits on the other end: there is no runtime that it could block.
        answer: mpsc::SyncSender<Result<(), Error>>,
    },
}

impl Request {
    /// Bytes that it holds, about.
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::Append { commit, body, .. } => {
                let kv = commit.kv.iter();
                body.len() + kv.map(|kv| kv.value.as_ref().map_or(0, Vec::len) + 64).sum::<usize>()
            }
            Self::Entry { entry, value, .. } => entry.len() + value.as_ref().map_or(0, Vec::len) + 64,
        }
    }

    /// Answers that nothing was written.
    pub(super) fn refuse(self, error: &Error) {
        match self {
            Self::Append { answer, .. } => drop(answer.send(Err(error.clone()))),
            Self::Entry { answer, .. } => drop(answer.send(Err(error.clone()))),
        }
    }
}

/// What the writer gets when it asks.
pub(super) enum Taken {
    /// A batch, at least one.
    Batch(Vec<Request>),
    /// Nothing yet, but the time has come or somebody has called.
    Awake,
    /// Nothing will come any more.
    End,
}

#[derive(Default)]
struct State {
    requests: VecDeque<Request>,
    n_bytes: usize,
    is_closed: bool,
    is_called: bool,
}

/// Writes in the order they came.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

impl Queue {
    /// Queues a commit and gives the future of its answer.
    pub(super) fn push(&self, commit: NewCommit) -> Result<BoxFuture<'static, Result<Head, Error>>, Error> {
        limits::check_commit(&commit)?;
        let body = value::encode_body(&commit.meta, &commit.events);
        let (answer, answered) = oneshot::channel();
        self.queue(Request::Append { commit, body, answer })?;
        Ok(Box::pin(async move {
            answered.await.unwrap_or_else(|_| {
                Err(Error::Uncertain {
                    what: "the writer has stopped".to_owned(),
                })
            })
        }))
    }

    /// Queues the write of an entry and waits until it is on disk.
    pub(super) fn put(&self, entry: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), Error> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.queue(Request::Entry { entry, value, answer })?;
        answered.recv().unwrap_or_else(|_| {
            Err(Error::Uncertain {
                what: "the writer has stopped".to_owned(),
            })
        })
    }

    fn queue(&self, request: Request) -> Result<(), Error> {
        let n_bytes = request.n_bytes();
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(Error::Closed);
        }
        let n_queued = state.requests.len();
        // A commit of any size finds its place in an empty queue.
        if n_queued >= QUEUE_COMMITS_MAX || (n_queued > 0 && state.n_bytes + n_bytes > QUEUE_BYTES_MAX) {
            return Err(Error::Overloaded { n_queued });
        }
        state.n_bytes += n_bytes;
        state.requests.push_back(request);
        drop(state);
        if n_queued == 0 {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for writes and takes a batch of them; not beyond `until`, where it is given.
    pub(super) fn take(&self, until: Option<Instant>) -> Taken {
        let mut state = lock(&self.state);
        while state.requests.is_empty() {
            if state.is_closed {
                return Taken::End;
            }
            if std::mem::take(&mut state.is_called) {
                return Taken::Awake;
            }
            let Some(until) = until else {
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Awake;
            }
            let waited = self.filled.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut batch = Vec::with_capacity(state.requests.len().min(BATCH_COMMITS_MAX));
        let mut n_bytes = 0;
        while batch.len() < BATCH_COMMITS_MAX && n_bytes < BATCH_BYTES_MAX {
            let Some(request) = state.requests.pop_front() else {
                break;
            };
            n_bytes += request.n_bytes();
            batch.push(request);
        }
        state.n_bytes -= n_bytes;
        Taken::Batch(batch)
    }

    /// Wakes the writer though nothing is queued.
    pub(super) fn call(&self) {
        lock(&self.state).is_called = true;
        self.filled.notify_all();
    }

    /// Refuses what comes later; what is queued can still be taken.
    pub(super) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.filled.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).is_closed
    }
}
