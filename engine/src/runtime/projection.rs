//! What is made from the log and can be made from it again: projections, and the one follower that feeds them.
//!
//! ```text
//! log ─▶ follower ─▶ each commit read once ─▶ fold of every projection ─▶ whoever waits for a position
//!                                               └─ now and then: its checkpoint, stored beside, so that a start reads the tail
//! ```
//! The follower begins behind the projection that is furthest back; the others pass over what they have folded already.
//! So a projection that is new, or whose checkpoint does not read, is folded from the start, and costs the others
//! nothing but the reading. Whoever wrote waits here until all of them have folded the commit, so a client sees its own
//! change in the next answer. Nobody waits for a checkpoint.
//!
//! A new projection is a file with an `impl Projection`, and a line where the engine starts.
//!
//! Not here: what a projection is for, and the form of its checkpoint (`ticket_lists`).

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loonflow_storage::{Commit, EventLog, Position};
use tokio::sync::watch;

use crate::id::{TenantId, TicketId};
use crate::runtime::fault::Fault;
use crate::runtime::streams;
use crate::runtime::unreadable::Unreadables;
use crate::ticket::event::{Event, Meta};

/// Pause before a log that could not be read is read again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Of so many items one commit makes a checkpoint due: storing costs as much as there are items, so where there are many
/// it comes after more commits.
const ITEMS_A_COMMIT: u64 = 8;

/// Something made from the commits of all tickets, in the order of the log.
///
/// Folding must not depend on the clock or on anything else but commits, and must pass over what it has folded already:
/// a start may bring commits again.
pub(crate) trait Projection: fmt::Debug + Send + Sync + 'static {
    /// What it is called in logs, for example `ticket list`.
    fn name(&self) -> &'static str;

    /// Up to where it has folded the log.
    fn position(&self) -> Position;

    /// Folds commits of tickets; afterwards its position is `up_to`, for the log may hold commits of others behind them.
    fn fold(&self, commits: &[TicketCommit<'_>], up_to: Position);

    /// How many items its checkpoint has: what storing it costs.
    fn n_items(&self) -> u64;

    /// Takes its last checkpoint, where there is one that reads; then its position says from where the log is to be
    /// read. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read. A checkpoint that does not read is none.
    fn restore(&self, log: &dyn EventLog) -> Result<(), Fault>;

    /// Stores what changed since the last time, and ends early, with what is stored being of use, once `is_over` says
    /// so. Beside folding. Blocking.
    ///
    /// # Errors
    /// When the log does not take it.
    fn store(&self, log: &dyn EventLog, is_over: &dyn Fn() -> bool) -> Result<(), Fault>;
}

/// A commit of a ticket, read.
pub(crate) struct TicketCommit<'a> {
    pub(crate) commit: &'a Commit,
    pub(crate) tenant: TenantId,
    pub(crate) ticket: TicketId,
    pub(crate) meta: Meta,
    pub(crate) events: Vec<Event>,
}

/// All projections of an engine, and how far they are.
#[derive(Debug)]
pub(crate) struct Projections {
    all: Vec<Followed>,
    /// Up to where all of them have folded the log.
    folded: watch::Sender<Position>,
    /// False while the log cannot be followed: nobody need wait.
    is_following: AtomicBool,
    /// Whoever stores a checkpoint ends soon.
    is_closing: AtomicBool,
    unreadable: Arc<Unreadables>,
}

#[derive(Debug)]
struct Followed {
    projection: Arc<dyn Projection>,
    /// Where it was when its last checkpoint was begun; held while one is being stored.
    stored: Mutex<Position>,
}

impl Projections {
    /// Takes the last checkpoint of each. Blocking.
    pub(crate) fn restore(
        log: &dyn EventLog,
        projections: Vec<Arc<dyn Projection>>,
        unreadable: Arc<Unreadables>,
    ) -> Result<Self, Fault> {
        let mut all = Vec::with_capacity(projections.len());
        for projection in projections {
            projection.restore(log)?;
            let stored = Mutex::new(projection.position());
            all.push(Followed { projection, stored });
        }
        let projections = Self {
            all,
            folded: watch::Sender::new(0),
            is_following: AtomicBool::new(true),
            is_closing: AtomicBool::new(false),
            unreadable,
        };
        projections.folded.send_replace(projections.least(log.last_position()));
        Ok(projections)
    }

    /// Position of the one that is furthest back; without any, the end of the log.
    fn least(&self, end: Position) -> Position {
        let positions = self.all.iter().map(|one| one.projection.position());
        positions.min().unwrap_or(end)
    }

    /// Whether the log is followed; while it is not, projections stay behind.
    pub(crate) fn is_following(&self) -> bool {
        self.is_following.load(Ordering::Acquire)
    }

    /// Up to where all of them have folded the log.
    pub(crate) fn position(&self) -> Position {
        *self.folded.borrow()
    }

    /// Waits until all of them have folded the log up to a position, or for so long.
    pub(crate) async fn caught_up(&self, position: Position, at_most: Duration) -> bool {
        // As a rule they were faster than the reply.
        if self.position() >= position || !self.is_following() {
            return self.position() >= position;
        }
        let mut folded = self.folded.subscribe();
        let caught_up = folded.wait_for(|folded| *folded >= position);
        matches!(tokio::time::timeout(at_most, caught_up).await, Ok(Ok(_)))
    }

    /// Folds commits. What cannot be read is noted, and projections stay for its ticket as they were before.
    fn fold(&self, commits: &[Arc<Commit>], tenant_of: &mut HashMap<String, TenantId>) {
        let Some(up_to) = commits.last().map(|last| last.position) else {
            return;
        };
        let read: Vec<TicketCommit<'_>> = commits
            .iter()
            .filter_map(|commit| {
                read(commit, tenant_of).unwrap_or_else(|why| {
                    self.unreadable.note(commit.stream.as_str(), &why);
                    None
                })
            })
            .collect();
        for Followed { projection, .. } in &self.all {
            let position = projection.position();
            let n_folded = read.partition_point(|read| read.commit.position <= position);
            if position < up_to {
                projection.fold(&read[n_folded..], up_to);
            }
        }
        self.folded.send_replace(up_to);
    }

    /// Stores the checkpoints that are due and not being stored. Blocking.
    fn store_due(&self, log: &dyn EventLog, checkpoint_commits: u64) {
        for one in &self.all {
            if one.is_due(checkpoint_commits) {
                one.store_or_warn(log, &|| self.is_closing.load(Ordering::Acquire));
            }
        }
    }

    fn is_any_due(&self, checkpoint_commits: u64) -> bool {
        self.all.iter().any(|one| one.is_due(checkpoint_commits))
    }

    /// Lets stores that are under way end soon.
    pub(crate) fn stop_storing(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    /// The last store, at a stop: lets those that are under way end, then stores what changed for as long as there is
    /// time. Blocking.
    pub(crate) fn store_last(&self, log: &dyn EventLog, until: Instant) {
        self.stop_storing();
        for one in &self.all {
            one.store_or_warn(log, &|| Instant::now() >= until);
        }
    }
}

impl Followed {
    /// Whether enough has come since the last checkpoint to store another.
    fn is_due(&self, checkpoint_commits: u64) -> bool {
        // Held by somebody who stores one: not due.
        let Ok(stored) = self.stored.try_lock() else {
            return false;
        };
        let n_behind = self.projection.position().saturating_sub(*stored);
        n_behind >= checkpoint_commits.max(1) && n_behind >= self.projection.n_items() / ITEMS_A_COMMIT
    }

    /// Tells the log where storing fails: a checkpoint is disposable, the next start reads more.
    fn store_or_warn(&self, log: &dyn EventLog, is_over: &dyn Fn() -> bool) {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        // Also where it fails: it is tried again after as many commits, not with the next one.
        *stored = self.projection.position();
        if let Err(fault) = self.projection.store(log, is_over) {
            tracing::warn!(
                projection = self.projection.name(),
                error = &fault as &dyn std::error::Error,
                "a checkpoint could not be stored"
            );
        }
    }
}

/// Reads a commit; `None` for one that is of no ticket.
pub(crate) fn read<'a>(
    commit: &'a Commit,
    tenant_of: &mut HashMap<String, TenantId>,
) -> Result<Option<TicketCommit<'a>>, String> {
    let Some(ticket) = streams::ticket_of(&commit.stream) else {
        return Ok(None);
    };
    // Whether it follows what is known of its ticket, projections know.
    let (meta, events) = streams::read_ticket(commit, commit.first_version.saturating_sub(1))?;
    let name = streams::tenant_part(&commit.stream);
    if let Some(Event::TicketCreated(created)) = events.first() {
        tenant_of.insert(name.to_owned(), created.tenant_id.clone());
    }
    let Some(tenant) = tenant_of.get(name).cloned() else {
        return Err("what comes before it cannot be read".into());
    };
    Ok(Some(TicketCommit {
        commit,
        tenant,
        ticket,
        meta,
        events,
    }))
}

/// Starts the follower, and waits until all of them have folded the log as it was. `tenants` are those whose tickets begin
/// before the position of the first commit to come.
///
/// # Errors
/// When the log cannot be followed.
pub(crate) async fn start(
    projections: &Arc<Projections>,
    log: &Arc<dyn EventLog>,
    tenants: Vec<TenantId>,
    checkpoint_commits: u64,
) -> Result<tokio::task::JoinHandle<()>, Fault> {
    let last = log.last_position();
    let follower = tokio::spawn(follow(projections.clone(), log.clone(), tenants, checkpoint_commits));
    while projections.position() < last {
        // A log of a million commits takes seconds.
        projections.caught_up(last, Duration::from_millis(100)).await;
        if !projections.is_following() && projections.position() < last {
            follower.abort();
            return Err(Fault::Inconsistent {
                what: "projections cannot be folded from the log".into(),
            });
        }
    }
    Ok(follower)
}

/// Follows the log until it closes. While it cannot be read projections stay behind, the engine is not ready, and the
/// program's log says why.
async fn follow(
    projections: Arc<Projections>,
    log: Arc<dyn EventLog>,
    tenants: Vec<TenantId>,
    checkpoint_commits: u64,
) {
    let mut tenant_of: HashMap<String, TenantId> = tenants
        .into_iter()
        .map(|tenant| (streams::part(tenant.as_str()), tenant))
        .collect();
    let mut subscription = log.subscribe(projections.position());
    let mut storing: Option<tokio::task::JoinHandle<()>> = None;
    let mut last_error = None;
    loop {
        match subscription.next().await {
            Ok(commits) => {
                projections.is_following.store(true, Ordering::Release);
                last_error = None;
                projections.fold(&commits, &mut tenant_of);
            }
            Err(loonflow_storage::Error::Closed) => break,
            Err(error) => {
                projections.is_following.store(false, Ordering::Release);
                if last_error.as_ref() != Some(&error) {
                    tracing::error!(%error, "projections cannot follow the log; they try again");
                }
                last_error = Some(error);
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
        let is_storing = storing.as_ref().is_some_and(|storing| !storing.is_finished());
        if !is_storing && projections.is_any_due(checkpoint_commits) {
            let (projections, log) = (projections.clone(), log.clone());
            storing = Some(tokio::task::spawn_blocking(move || {
                projections.store_due(&*log, checkpoint_commits);
            }));
        }
    }
    projections.is_following.store(false, Ordering::Release);
}

#[cfg(test)]
mod tests;
