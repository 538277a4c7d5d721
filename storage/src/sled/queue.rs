//! The bounded queue of appends before the writer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

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

/// One append that waits to be written.
pub(super) struct Request {
    pub(super) commit: NewCommit,
    /// The commit's body, encoded by the caller's thread.
    pub(super) body: Vec<u8>,
    pub(super) answer: oneshot::Sender<Result<Head, Error>>,
    n_bytes: usize,
}

#[derive(Default)]
struct State {
    requests: VecDeque<Request>,
    n_bytes: usize,
    is_closed: bool,
}

/// Appends in the order they came.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

impl Queue {
    /// Queues a commit and gives the future of its answer.
    pub(super) fn push(&self, commit: NewCommit) -> Result<BoxFuture<'static, Result<Head, Error>>, Error> {
        limits::check_commit(&commit)?;
        let body = value::encode_body(&commit);
        let n_kv_bytes: usize = commit
            .kv
            .iter()
            .map(|kv| kv.value.as_ref().map_or(0, Vec::len) + 64)
            .sum();
        let n_bytes = body.len() + n_kv_bytes;
        let (answer, answered) = oneshot::channel();
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
        state.requests.push_back(Request {
            commit,
            body,
            answer,
            n_bytes,
        });
        drop(state);
        if n_queued == 0 {
            self.filled.notify_one();
        }
        Ok(Box::pin(async move {
            answered.await.unwrap_or_else(|_| {
                Err(Error::Uncertain {
                    what: "the writer has stopped".to_owned(),
                })
            })
        }))
    }

    /// Waits for appends and takes a batch of them; `None` once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Request>> {
        let mut state = lock(&self.state);
        while state.requests.is_empty() {
            if state.is_closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut batch = Vec::with_capacity(state.requests.len().min(BATCH_COMMITS_MAX));
        let mut n_bytes = 0;
        while batch.len() < BATCH_COMMITS_MAX && n_bytes < BATCH_BYTES_MAX {
            let Some(request) = state.requests.pop_front() else {
                break;
            };
            n_bytes += request.n_bytes;
            batch.push(request);
        }
        state.n_bytes -= n_bytes;
        Some(batch)
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
