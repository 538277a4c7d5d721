//! Follows the log and keeps the list indexes of all tenants; checkpoints of them are stored beside, so that a restart
//! reads the tail only.
//!
//! Whoever wrote waits here until the list has read its commit, so a client sees its own change in the next list.
//! Nobody waits for a checkpoint (`checkpoint`).

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use loonflow_storage::{Commit, EventLog, Position};
use tokio::sync::watch;

use crate::id::{TenantId, TicketId};
use crate::runtime::streams;
use crate::runtime::unreadable::Unreadables;
use crate::ticket::event::{Event, Meta};
use crate::view::ticket_list::TenantIndex;

mod checkpoint;

/// Pause before a log that could not be read is read again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The list indexes of all tenants.
#[derive(Debug)]
pub(crate) struct Lists {
    tenants: RwLock<BTreeMap<TenantId, Listed>>,
    read: watch::Sender<Position>,
    /// False while the log cannot be followed: nobody need wait.
    is_following: AtomicBool,
    unreadable: Arc<Unreadables>,
    /// Where the list was when the last checkpoint was begun; held while one is being stored.
    stored: Mutex<Position>,
    /// Which fold from the start the segments are of: each deals tickets out to segments anew.
    epoch: AtomicU64,
    /// Whoever stores a checkpoint ends after the segment at hand.
    is_closing: AtomicBool,
}

/// The list of one tenant.
#[derive(Debug, Default)]
struct Listed {
    /// Stands for the tenant in the names of what is stored.
    number: u32,
    index: TenantIndex,
}

/// A commit of a ticket, read.
struct Read<'a> {
    commit: &'a Commit,
    tenant: TenantId,
    ticket: TicketId,
    meta: Meta,
    events: Vec<Event>,
}

impl Lists {
    pub(crate) fn new(unreadable: Arc<Unreadables>) -> Self {
        Self {
            tenants: RwLock::default(),
            read: watch::Sender::new(0),
            is_following: AtomicBool::new(true),
            unreadable,
            stored: Mutex::new(0),
            epoch: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
        }
    }

    /// Asks one tenant's index; `None` for a tenant without tickets.
    pub(crate) fn ask<R>(&self, tenant: &TenantId, question: impl FnOnce(&TenantIndex) -> R) -> Option<R> {
        self.tenants
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .map(|listed| question(&listed.index))
    }

    /// Whether the log is followed; while it is not, the list stays behind.
    pub(crate) fn is_following(&self) -> bool {
        self.is_following.load(Ordering::Acquire)
    }

    /// How far the log has been read.
    pub(crate) fn position(&self) -> Position {
        *self.read.borrow()
    }

    /// Waits until the log has been read up to a position, or for so long.
    pub(crate) async fn caught_up(&self, position: Position, at_most: Duration) -> bool {
        // As a rule the list was faster than the reply.
        if self.position() >= position || !self.is_following() {
            return self.position() >= position;
        }
        let mut read = self.read.subscribe();
        let caught_up = read.wait_for(|read| *read >= position);
        matches!(tokio::time::timeout(at_most, caught_up).await, Ok(Ok(_)))
    }

    /// Folds commits. What cannot be read or does not fold is noted, and its ticket's row stays as it was before.
    fn fold(&self, commits: &[Arc<Commit>], tenant_of: &mut HashMap<String, TenantId>) {
        // Decoding stays outside of the lock.
        let decoded: Vec<Read<'_>> = commits
            .iter()
            .filter_map(|commit| {
                read(commit, tenant_of).unwrap_or_else(|why| {
                    self.unreadable.note(commit.stream.as_str(), &why);
                    None
                })
            })
            .collect();
        if !decoded.is_empty() {
            let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
            for read in decoded {
                let number = u32::try_from(tenants.len()).unwrap_or(u32::MAX);
                let listed = tenants.entry(read.tenant).or_insert_with(|| Listed {
                    number,
                    index: TenantIndex::new(),
                });
                let commit = read.commit;
                let said = (&read.meta, read.events.as_slice());
                let folded = listed
                    .index
                    .fold_at(commit.position, read.ticket, commit.first_version, said);
                if let Err(why) = folded {
                    self.unreadable.note(commit.stream.as_str(), &why);
                }
            }
        }
        if let Some(last) = commits.last() {
            self.read.send_replace(last.position);
        }
    }
}

/// Reads a commit; `None` for one that is of no ticket.
fn read<'a>(commit: &'a Commit, tenant_of: &mut HashMap<String, TenantId>) -> Result<Option<Read<'a>>, String> {
    let Some(ticket) = streams::ticket_of(&commit.stream) else {
        return Ok(None);
    };
    // Whether it follows what is known of its ticket, the index knows.
    let (meta, events) = streams::read_ticket(commit, commit.first_version.saturating_sub(1))?;
    let name = streams::tenant_part(&commit.stream);
    if let Some(Event::TicketCreated(created)) = events.first() {
        tenant_of.insert(name.to_owned(), created.tenant_id.clone());
    }
    let Some(tenant) = tenant_of.get(name).cloned() else {
        return Err("what comes before it cannot be read".into());
    };
    Ok(Some(Read {
        commit,
        tenant,
        ticket,
        meta,
        events,
    }))
}

/// Follows the log until it closes. While it cannot be read the list stays behind, the engine is not ready, and the log
/// says why.
pub(crate) async fn follow(lists: Arc<Lists>, log: Arc<dyn EventLog>, after: Position, checkpoint_commits: u64) {
    let mut tenant_of: HashMap<String, TenantId> = {
        let tenants = lists.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants
            .keys()
            .map(|tenant| (streams::part(tenant.as_str()), tenant.clone()))
            .collect()
    };
    let mut subscription = log.subscribe(after);
    let mut storing: Option<tokio::task::JoinHandle<()>> = None;
    let mut last_error = None;
    loop {
        match subscription.next().await {
            Ok(commits) => {
                lists.is_following.store(true, Ordering::Release);
                last_error = None;
                lists.fold(&commits, &mut tenant_of);
            }
            Err(loonflow_storage::Error::Closed) => break,
            Err(error) => {
                lists.is_following.store(false, Ordering::Release);
                if last_error.as_ref() != Some(&error) {
                    tracing::error!(%error, "the ticket list cannot follow the log; it tries again");
                }
                last_error = Some(error);
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
        let is_storing = storing.as_ref().is_some_and(|storing| !storing.is_finished());
        if !is_storing && lists.is_checkpoint_due(checkpoint_commits) {
            let (lists, log) = (lists.clone(), log.clone());
            storing = Some(tokio::task::spawn_blocking(move || lists.store_or_warn(&*log, None)));
        }
    }
    lists.is_following.store(false, Ordering::Release);
}
