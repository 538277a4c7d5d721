//! What follows a position: first history, then live, in order and without gaps.
//!
//! A subscription remembers one number, the last position it delivered. It is woken by the log's tail (a watch
//! channel), takes what it can from the log's memory of recent commits and reads the rest from disk in bounded
//! pieces; so a slow subscriber costs the log nothing and is never cut off.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{self, Either};
use tokio::sync::watch;

use crate::error::Error;
use crate::record::{Commit, Position};

/// Most commits in one delivery: a few hundred KiB, so that history arrives in bites.
pub const DELIVERY_COMMITS_MAX: usize = 1024;

/// Where a log ends, as its subscriptions see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Position of the last durable commit.
    pub position: Position,
    /// No commit will follow.
    pub is_closed: bool,
}

/// What a subscription needs of a log; for implementations of [`EventLog`](crate::EventLog) only.
pub trait Feed: Send + Sync + 'static {
    /// Up to `n_max` commits after `after` if they are in memory, `None` if the disk must be read.
    fn recent(&self, after: Position, n_max: usize) -> Option<Vec<Arc<Commit>>>;

    /// Up to `n_max` commits after `after`; may block on the disk.
    fn read(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error>;
}

/// A reader of everything after a position; see [`EventLog::subscribe`](crate::EventLog::subscribe).
///
/// It keeps the log's files open until it is dropped or has answered [`Error::Closed`].
pub struct Subscription {
    /// `None` once `Closed` was answered.
    feed: Option<Arc<dyn Feed>>,
    tail: watch::Receiver<Tail>,
    /// Last position delivered.
    delivered: Position,
    /// Ends the subscription at once when it turns true (the fault wrapper's crash).
    crash: Option<watch::Receiver<bool>>,
}

impl Subscription {
    /// A subscription to a log's feed, woken by its tail; for implementations of a log only.
    #[must_use]
    pub fn new(feed: Arc<dyn Feed>, tail: watch::Receiver<Tail>, after: Position) -> Self {
        Self {
            feed: Some(feed),
            tail,
            delivered: after,
            crash: None,
        }
    }

    /// Ends at once when the channel says `true`.
    pub(crate) fn until(mut self, crash: watch::Receiver<bool>) -> Self {
        self.crash = Some(crash);
        self
    }

    fn check_crash(&mut self) -> Result<(), Error> {
        if self.crash.as_ref().is_some_and(|crash| *crash.borrow()) {
            self.feed = None;
            return Err(Error::Closed);
        }
        Ok(())
    }

    /// The last position delivered, or the one it started after.
    #[must_use]
    pub fn position(&self) -> Position {
        self.delivered
    }

    /// Waits for commits; the batch is never empty and at most [`DELIVERY_COMMITS_MAX`] long.
    ///
    /// Cancel-safe: a dropped future has delivered nothing.
    ///
    /// # Errors
    /// [`Error::Closed`] after the log was closed and everything was delivered; a read error as it came, after
    /// which the call may be repeated.
    pub async fn next(&mut self) -> Result<Vec<Arc<Commit>>, Error> {
        loop {
            self.check_crash()?;
            let tail = *self.tail.borrow_and_update();
            let Some(feed) = self.feed.clone() else {
                return Err(Error::Closed);
            };
            if tail.position > self.delivered {
                let after = self.delivered;
                let batch = match feed.recent(after, DELIVERY_COMMITS_MAX) {
                    Some(batch) => batch,
                    None => read_off_thread(feed, after).await?,
                };
                return self.deliver(batch);
            }
            if tail.is_closed || wait(&mut self.tail, self.crash.as_mut()).await.is_err() {
                // A tail without a sender is that of a log which was dropped; its last value was seen above
                // unless it moved in between.
                if self.tail.borrow().position > self.delivered {
                    continue;
                }
                self.feed = None;
                return Err(Error::Closed);
            }
        }
    }

    /// What is there now, without waiting; `None` when everything was delivered. May read the disk.
    ///
    /// # Errors
    /// As [`next`](Subscription::next).
    pub fn try_next(&mut self) -> Result<Option<Vec<Arc<Commit>>>, Error> {
        self.check_crash()?;
        // Asked before the tail is read: a sender that is gone has published its last value.
        let is_orphan = self.tail.has_changed().is_err();
        let tail = *self.tail.borrow_and_update();
        let Some(feed) = &self.feed else {
            return Err(Error::Closed);
        };
        if tail.position > self.delivered {
            let after = self.delivered;
            let batch = match feed.recent(after, DELIVERY_COMMITS_MAX) {
                Some(batch) => batch,
                None => feed.read(after, DELIVERY_COMMITS_MAX)?,
            };
            return self.deliver(batch).map(Some);
        }
        if tail.is_closed || is_orphan {
            self.feed = None;
            return Err(Error::Closed);
        }
        Ok(None)
    }

    /// [`next`](Subscription::next) for a thread that may block: one without a runtime, or one of a runtime's blocking
    /// threads.
    ///
    /// # Errors
    /// As [`next`](Subscription::next).
    pub fn next_blocking(&mut self) -> Result<Vec<Arc<Commit>>, Error> {
        wait_for(self.next())
    }

    fn deliver(&mut self, batch: Vec<Arc<Commit>>) -> Result<Vec<Arc<Commit>>, Error> {
        let mut expected = self.delivered + 1;
        for commit in &batch {
            if commit.position != expected {
                return Err(Error::corrupt(
                    Some(expected),
                    format!("position `{}` follows `{}`", commit.position, expected - 1),
                ));
            }
            expected += 1;
        }
        let Some(last) = batch.last() else {
            return Err(Error::corrupt(Some(expected), "the log ends before its last position"));
        };
        self.delivered = last.position;
        Ok(batch)
    }
}

/// Waits until the tail moves or the crash comes; an error when the tail will not move any more.
async fn wait(
    tail: &mut watch::Receiver<Tail>,
    crash: Option<&mut watch::Receiver<bool>>,
) -> Result<(), watch::error::RecvError> {
    let Some(crash) = crash else {
        return tail.changed().await;
    };
    let moved = pin!(tail.changed());
    let crashed = pin!(async {
        // A wrapper that is gone will not crash any more.
        if crash.wait_for(|is_crashed| *is_crashed).await.is_err() {
            future::pending::<()>().await;
        }
    });
    match future::select(moved, crashed).await {
        Either::Left((moved, _)) => moved,
        Either::Right(_) => Ok(()),
    }
}

/// Blocks the thread until the future is done.
///
/// tokio gives each task a budget of 128 steps, after which its channels answer "not yet" until the task has given way.
/// A thread that blocks inside a task never gives way, so here the budget is set aside; without that the wait for the
/// 129th step would never end.
pub(crate) fn wait_for<F: Future>(future: F) -> F::Output {
    futures::executor::block_on(tokio::task::unconstrained(future))
}

/// Reads on the runtime's blocking threads where there is a runtime, else right here.
async fn read_off_thread(feed: Arc<dyn Feed>, after: Position) -> Result<Vec<Arc<Commit>>, Error> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return feed.read(after, DELIVERY_COMMITS_MAX);
    };
    match runtime
        .spawn_blocking(move || feed.read(after, DELIVERY_COMMITS_MAX))
        .await
    {
        Ok(batch) => batch,
        // The runtime stops, or the read panicked.
        Err(_) => Err(Error::Closed),
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}
