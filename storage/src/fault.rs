//! A log that fails on schedule: for tests of what stands above it.
//!
//! Appends are counted from 1, and the schedule says what happens to which; there is no chance in it. After a
//! crash or an uncertain write the log stays down until [`FaultyLog::reopen`]: writes are refused with
//! [`Error::Stopped`], as by a log on disk whose write failed, or with [`Error::Closed`] after a crash.
//!
//! Differences to a disk: a commit that was answered [`Error::Uncertain`] is read back at once, not only after
//! the log was opened again; and the log does not come back by itself, so that a test says when.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{self, BoxFuture};
use tokio::sync::watch;

use crate::error::Error;
use crate::event_log::{EventLog, LogStatus, VerifyReport};
use crate::lock::lock;
use crate::record::{Checkpoint, Commit, Head, KvEntry, NewCommit, Position, Snapshot, StreamId, StreamVersion};
use crate::subscription::Subscription;

/// What happens to one append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused with this error; nothing is written, and the log goes on.
    Refuse(Error),
    /// It is written and answered [`Error::Uncertain`]; later writes are [`Error::Stopped`] until the log is reopened.
    UncertainWritten,
    /// It is not written and answered [`Error::Uncertain`]; later writes are [`Error::Stopped`] until the log is
    /// reopened.
    UncertainLost,
    /// It is written at once and answered after this time (tokio's clock, which a test may pause).
    Delay(Duration),
    /// It is written at once and answered after [`FaultyLog::release`].
    Hold,
    /// The process dies before the write: this call and all later ones, reads too, fail with [`Error::Closed`].
    CrashBefore,
    /// The process dies between write and answer: this call is [`Error::Uncertain`], all later ones are
    /// [`Error::Closed`].
    CrashAfter,
}

/// A wrapper around any log that lets a schedule decide which appends fail.
pub struct FaultyLog {
    inner: Arc<dyn EventLog>,
    state: Mutex<State>,
    releases: watch::Sender<u64>,
}

struct State {
    schedule: BTreeMap<u64, Fault>,
    n_appends: u64,
    mode: Mode,
    /// Ends the subscriptions at a crash; another one after each reopening.
    crash: watch::Sender<bool>,
    after_scan: Option<Meanwhile>,
    before_checkpoint: Option<Gate>,
}

/// Says whether a checkpoint is stored, given its name; may let its caller wait.
type Gate = Arc<dyn Fn(&str) -> Result<(), Error> + Send + Sync>;

/// What somebody else does to the log at a moment that a test chooses.
type Meanwhile = Box<dyn FnOnce(&dyn EventLog) + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Running,
    /// Takes no appends, can be read.
    Stopped,
    Crashed,
}

impl FaultyLog {
    /// Wraps a log; the schedule names appends by their number, counted from 1.
    #[must_use]
    pub fn new(inner: Arc<dyn EventLog>, schedule: impl IntoIterator<Item = (u64, Fault)>) -> Self {
        let state = State {
            schedule: schedule.into_iter().collect(),
            n_appends: 0,
            mode: Mode::Running,
            crash: watch::Sender::new(false),
            after_scan: None,
            before_checkpoint: None,
        };
        Self {
            inner,
            state: Mutex::new(state),
            releases: watch::Sender::new(0),
        }
    }

    /// Appends seen so far, refused ones included.
    #[must_use]
    pub fn n_appends(&self) -> u64 {
        lock(&self.state).n_appends
    }

    /// Adds to the schedule: `fault` happens to the append after `n_between` others from now on.
    pub fn schedule(&self, n_between: u64, fault: Fault) {
        let mut state = lock(&self.state);
        let n_append = state.n_appends + n_between + 1;
        state.schedule.insert(n_append, fault);
    }

    /// Lets something happen to the log between the next scan of a key-value tree and what its caller makes of it.
    pub fn after_scan(&self, meanwhile: impl FnOnce(&dyn EventLog) + Send + 'static) {
        lock(&self.state).after_scan = Some(Box::new(meanwhile));
    }

    /// Asks a gate before each checkpoint is stored, on the thread that stores it: it may fail the call or let it wait.
    pub fn before_checkpoint(&self, gate: impl Fn(&str) -> Result<(), Error> + Send + Sync + 'static) {
        lock(&self.state).before_checkpoint = Some(Arc::new(gate));
    }

    /// Takes back what is scheduled and has not happened.
    pub fn clear(&self) {
        lock(&self.state).schedule.clear();
    }

    /// Answers the appends that are held.
    pub fn release(&self) {
        self.releases.send_modify(|n_releases| *n_releases += 1);
    }

    /// Kills the log between two appends: all later calls fail with [`Error::Closed`].
    pub fn crash(&self) {
        lock(&self.state).crash();
    }

    /// Ends a crash or stop, as opening the log again does. The schedule goes on.
    pub fn reopen(&self) {
        let mut state = lock(&self.state);
        state.mode = Mode::Running;
        state.crash = watch::Sender::new(false);
    }

    fn alive(&self) -> Result<&dyn EventLog, Error> {
        match lock(&self.state).mode {
            Mode::Running | Mode::Stopped => Ok(&*self.inner),
            Mode::Crashed => Err(Error::Closed),
        }
    }

    fn writable(&self) -> Result<&dyn EventLog, Error> {
        lock(&self.state).check_writable()?;
        Ok(&*self.inner)
    }
}

impl State {
    fn crash(&mut self) {
        self.mode = Mode::Crashed;
        self.crash.send_replace(true);
    }

    fn check_writable(&self) -> Result<(), Error> {
        match self.mode {
            Mode::Running => Ok(()),
            Mode::Stopped => Err(Error::Stopped {
                what: "scheduled".to_owned(),
            }),
            Mode::Crashed => Err(Error::Closed),
        }
    }
}

fn uncertain() -> Error {
    Error::Uncertain {
        what: "scheduled".to_owned(),
    }
}

fn ready(result: Result<Head, Error>) -> BoxFuture<'static, Result<Head, Error>> {
    Box::pin(future::ready(result))
}

impl EventLog for FaultyLog {
    fn append(&self, commit: NewCommit) -> BoxFuture<'static, Result<Head, Error>> {
        // Held over the inner append, so that the order of the schedule is that of the log.
        let mut state = lock(&self.state);
        state.n_appends += 1;
        let n_append = state.n_appends;
        let fault = state.schedule.remove(&n_append);
        if let Err(error) = state.check_writable() {
            return ready(Err(error));
        }
        let Some(fault) = fault else {
            return self.inner.append(commit);
        };
        match fault {
            Fault::Refuse(error) => ready(Err(error)),
            Fault::UncertainLost => {
                state.mode = Mode::Stopped;
                ready(Err(uncertain()))
            }
            Fault::UncertainWritten => {
                state.mode = Mode::Stopped;
                let written = self.inner.append(commit);
                Box::pin(async move { written.await.and(Err(uncertain())) })
            }
            Fault::Delay(time) => {
                let written = self.inner.append(commit);
                Box::pin(async move {
                    tokio::time::sleep(time).await;
                    written.await
                })
            }
            Fault::Hold => {
                let written = self.inner.append(commit);
                let mut releases = self.releases.subscribe();
                Box::pin(async move {
                    // An error means that the wrapper is gone, so nobody will release.
                    let _ = releases.changed().await;
                    written.await
                })
            }
            Fault::CrashBefore => {
                state.crash();
                ready(Err(Error::Closed))
            }
            Fault::CrashAfter => {
                state.crash();
                let written = self.inner.append(commit);
                Box::pin(async move { written.await.and(Err(uncertain())) })
            }
        }
    }

    fn head(&self, stream: &StreamId) -> Result<Option<Head>, Error> {
        self.alive()?.head(stream)
    }

    fn read_stream(&self, stream: &StreamId, after: StreamVersion) -> Result<Vec<Arc<Commit>>, Error> {
        self.alive()?.read_stream(stream, after)
    }

    fn read_all(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error> {
        self.alive()?.read_all(after, n_max)
    }

    fn last_position(&self) -> Position {
        self.inner.last_position()
    }

    fn subscribe(&self, after: Position) -> Subscription {
        let crash = lock(&self.state).crash.subscribe();
        self.inner.subscribe(after).until(crash)
    }

    fn put_snapshot(&self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), Error> {
        self.writable()?.put_snapshot(stream, snapshot)
    }

    fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, Error> {
        self.alive()?.snapshot(stream)
    }

    fn put_checkpoint(&self, projection: &str, checkpoint: &Checkpoint) -> Result<(), Error> {
        let log = self.writable()?;
        let gate = lock(&self.state).before_checkpoint.clone();
        gate.map_or(Ok(()), |gate| gate(projection))?;
        log.put_checkpoint(projection, checkpoint)
    }

    fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, Error> {
        self.alive()?.checkpoint(projection)
    }

    fn kv_get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.alive()?.kv_get(tree, key)
    }

    fn kv_put(&self, tree: &str, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        self.writable()?.kv_put(tree, key, value)
    }

    fn kv_scan(&self, tree: &str, after: Option<&[u8]>, n_max: usize) -> Result<Vec<KvEntry>, Error> {
        let found = self.alive()?.kv_scan(tree, after, n_max)?;
        let meanwhile = lock(&self.state).after_scan.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile(&*self.inner);
        }
        Ok(found)
    }

    fn kv_trees(&self) -> Result<Vec<String>, Error> {
        self.alive()?.kv_trees()
    }

    fn verify(&self) -> Result<VerifyReport, Error> {
        self.alive()?.verify()
    }

    fn status(&self) -> LogStatus {
        match self.writable() {
            Ok(log) => log.status(),
            Err(Error::Closed) => LogStatus::Closed,
            Err(Error::Stopped { what }) => LogStatus::Stopped { what },
            Err(error) => LogStatus::Stopped {
                what: error.to_string(),
            },
        }
    }

    fn close(&self) -> Result<(), Error> {
        self.alive()?.close()
    }
}

impl fmt::Debug for FaultyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyLog")
            .field("n_appends", &self.n_appends())
            .finish_non_exhaustive()
    }
}
