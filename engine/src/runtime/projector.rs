//! Follows the log and keeps the list indexes of all tenants; stores a checkpoint now and then, so that a restart
//! reads the tail only.
//!
//! Whoever wrote waits here until the list has read its commit, so a client sees its own change in the next list.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use loonflow_storage::{Checkpoint, Commit, EventLog, Position};
use tokio::sync::watch;

use crate::codec;
use crate::id::TenantId;
use crate::runtime::fault::Fault;
use crate::runtime::streams;
use crate::ticket::event::Event;
use crate::view::ticket_list::TenantIndex;

/// Name of the projection's checkpoint.
const PROJECTION: &str = "ticket_list";
/// Schema number of the checkpoint; one with another is ignored and the list is folded from the start.
const SCHEMA: u16 = 1;

/// The list indexes of all tenants.
#[derive(Debug)]
pub(crate) struct Lists {
    tenants: RwLock<BTreeMap<TenantId, TenantIndex>>,
    read: watch::Sender<Position>,
    /// False once the log is followed no longer: nobody need wait.
    is_following: AtomicBool,
}

impl Lists {
    pub(crate) fn new() -> Self {
        Self {
            tenants: RwLock::default(),
            read: watch::Sender::new(0),
            is_following: AtomicBool::new(true),
        }
    }

    /// Asks one tenant's index; `None` for a tenant without tickets.
    pub(crate) fn ask<R>(&self, tenant: &TenantId, question: impl FnOnce(&TenantIndex) -> R) -> Option<R> {
        self.tenants
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .map(question)
    }

    /// Whether the log is followed; once it is not, the list stays behind until a restart.
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

    /// Takes the last checkpoint; the position after which the log has to be read. Blocking.
    pub(crate) fn restore(&self, log: &dyn EventLog) -> Result<Position, Fault> {
        let Some(checkpoint) = log
            .checkpoint(PROJECTION)?
            .filter(|checkpoint| checkpoint.schema == SCHEMA)
        else {
            return Ok(0);
        };
        let Ok(tenants) = decode(&checkpoint.state) else {
            tracing::warn!("the checkpoint of the ticket list does not read; the list is folded from the start");
            return Ok(0);
        };
        *self.tenants.write().unwrap_or_else(PoisonError::into_inner) = tenants;
        self.read.send_replace(checkpoint.position);
        Ok(checkpoint.position)
    }

    /// Stores a checkpoint of what has been read. Blocking.
    pub(crate) fn store(&self, log: &dyn EventLog) -> Result<(), Fault> {
        let (position, state) = {
            // The projector alone writes, so position and indexes stay together while this lock is held.
            let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
            (self.position(), encode(&tenants))
        };
        Ok(log.put_checkpoint(
            PROJECTION,
            &Checkpoint {
                position,
                schema: SCHEMA,
                state,
            },
        )?)
    }

    fn fold(&self, commits: &[Arc<Commit>], tenant_of: &mut HashMap<String, TenantId>) -> Result<(), Fault> {
        // Decoding stays outside of the lock.
        let mut decoded = Vec::with_capacity(commits.len());
        for commit in commits {
            let Some(ticket) = streams::ticket_of(&commit.stream) else {
                continue;
            };
            let events = streams::read_ticket_events(commit)?;
            let name = streams::tenant_part(&commit.stream).to_owned();
            if let Some(Event::TicketCreated(created)) = events.first() {
                tenant_of.insert(name.clone(), created.tenant_id.clone());
            }
            let Some(tenant) = tenant_of.get(&name).cloned() else {
                return Err(Fault::Inconsistent {
                    what: format!("stream `{}` without a creation", commit.stream),
                });
            };
            decoded.push((tenant, ticket, streams::read_meta(commit)?, events));
        }
        if !decoded.is_empty() {
            let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
            for (tenant, ticket, meta, events) in decoded {
                tenants.entry(tenant).or_default().fold(ticket, &meta, &events);
            }
        }
        if let Some(last) = commits.last() {
            self.read.send_replace(last.position);
        }
        Ok(())
    }
}

/// Follows the log until it closes, or something in it cannot be read: then the list stays behind, the engine is no
/// longer ready, and the log says why.
pub(crate) async fn follow(lists: Arc<Lists>, log: Arc<dyn EventLog>, after: Position, checkpoint_commits: u64) {
    follow_while_readable(&lists, log, after, checkpoint_commits).await;
    lists.is_following.store(false, Ordering::Release);
}

async fn follow_while_readable(lists: &Arc<Lists>, log: Arc<dyn EventLog>, after: Position, checkpoint_commits: u64) {
    let mut tenant_of: HashMap<String, TenantId> = {
        let tenants = lists.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants
            .keys()
            .map(|tenant| (streams::part(tenant.as_str()), tenant.clone()))
            .collect()
    };
    let mut subscription = log.subscribe(after);
    let mut stored_at = after;
    loop {
        let commits = match subscription.next().await {
            Ok(commits) => commits,
            Err(loonflow_storage::Error::Closed) => return,
            Err(error) => {
                tracing::error!(%error, "the ticket list cannot follow the log");
                return;
            }
        };
        if let Err(fault) = lists.fold(&commits, &mut tenant_of) {
            tracing::error!(error = &fault as &dyn std::error::Error, "the ticket list stays behind");
            return;
        }
        if lists.position() >= stored_at + checkpoint_commits.max(1) {
            stored_at = lists.position();
            let (lists, log) = (lists.clone(), log.clone());
            let stored = tokio::task::spawn_blocking(move || lists.store(&*log)).await;
            if let Ok(Err(fault)) = stored {
                // Disposable: the next start reads more.
                tracing::warn!(
                    error = &fault as &dyn std::error::Error,
                    "a checkpoint could not be stored"
                );
            }
        }
    }
}

/// Tenants one after the other: id and index, each with its length in front.
fn encode(tenants: &BTreeMap<TenantId, TenantIndex>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tenant, index) in tenants {
        for part in [codec::encode(tenant), index.encode()] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(&part);
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Result<BTreeMap<TenantId, TenantIndex>, codec::CodecError> {
    let cut = || codec::CodecError::Damaged {
        kind: PROJECTION.into(),
        schema: SCHEMA,
        reason: "cut off".into(),
    };
    let mut next = || -> Result<Option<&[u8]>, codec::CodecError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| cut())?;
        let (part, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        bytes = rest;
        Ok(Some(part))
    };
    let mut tenants = BTreeMap::new();
    while let Some(tenant) = next()? {
        let tenant: TenantId = codec::decode(PROJECTION, SCHEMA, tenant)?;
        let index = next()?.ok_or_else(cut)?;
        tenants.insert(tenant, TenantIndex::decode(index)?);
    }
    Ok(tenants)
}
