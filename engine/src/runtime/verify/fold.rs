//! One stream: every event decoded, and what it folds to.

use std::fmt::Display;
use std::sync::Arc;

use loonflow_storage::{Commit, Position, Snapshot, StoredEvent, StreamId};

use crate::account::{self, directory::Directory};
use crate::codec::{self, CodecError};
use crate::id::{TenantId, TicketId, WorkflowId};
use crate::runtime::commit::SNAPSHOT_SCHEMA;
use crate::runtime::streams;
use crate::ticket::{self, Event, Ticket};
use crate::view::ticket_list::TenantIndex;
use crate::workflow::{self, Workflow};

/// Characters of a reason that are told: a definition may have hundreds of problems.
const REASON_CHARS_MAX: usize = 500;

/// What is wrong with a stream, and where.
pub(super) struct Bad {
    pub(super) position: Option<Position>,
    pub(super) what: String,
}

impl Bad {
    pub(super) fn new(position: Option<Position>, what: impl Display) -> Self {
        let what = what.to_string();
        let what = match what.char_indices().nth(REASON_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &what[..end]),
            None => what,
        };
        Self { position, what }
    }
}

/// Decodes the events of a commit one by one; the first that cannot be taken is named with its version.
fn each<E>(
    commit: &Commit,
    decode: fn(&str, u16, &[u8]) -> Result<E, CodecError>,
    mut take: impl FnMut(E) -> Result<(), String>,
) -> Result<(), Bad> {
    for (version, stored) in (commit.first_version..).zip(&commit.events) {
        let StoredEvent { kind, schema, payload } = stored;
        let taken = decode(kind, *schema, payload).map_err(|error| error.to_string());
        taken
            .and_then(&mut take)
            .map_err(|why| Bad::new(Some(commit.position), format!("event {version}: {why}")))?;
    }
    Ok(())
}

/// A stream that the registry names has events.
fn require_events(commits: &[Arc<Commit>]) -> Result<(), Bad> {
    if commits.is_empty() {
        return Err(Bad::new(None, "the registry names it, and it has no event"));
    }
    Ok(())
}

pub(super) fn directory(tenant: TenantId, commits: &[Arc<Commit>]) -> Result<Directory, Bad> {
    require_events(commits)?;
    let mut directory = Some(Directory::empty(tenant));
    for commit in commits {
        each(commit, codec::decode_account, |event| {
            directory = directory.take().map(|before| account::apply::apply(before, &event));
            Ok(())
        })?;
    }
    directory.ok_or_else(|| Bad::new(None, "it folds to nothing"))
}

pub(super) fn workflow(tenant: TenantId, id: WorkflowId, commits: &[Arc<Commit>]) -> Result<Workflow, Bad> {
    require_events(commits)?;
    let mut workflow = Workflow::new(tenant, id);
    for commit in commits {
        each(commit, codec::decode_workflow, |event| {
            workflow = workflow::apply::try_apply(workflow.clone(), &event)?;
            Ok(())
        })?;
    }
    Ok(workflow)
}

/// A ticket as its events make it.
pub(super) struct FoldedTicket {
    pub(super) ticket: Ticket,
    /// A list of nothing but this ticket, as far as the real one has read it.
    pub(super) listed: TenantIndex,
    /// How far that is; `None` where the real list does not show it.
    pub(super) listed_version: Option<u64>,
    /// Whether there is a snapshot that the engine would take.
    pub(super) has_snapshot: bool,
    /// What is wrong with it.
    pub(super) snapshot_problem: Option<String>,
}

/// Folds a ticket. `listed_version` asks how far the list has read it: a card may be younger than the position up to which
/// the list has read the log, so each is compared at its own version. One that is not shown is compared at
/// `listed_to`.
pub(super) fn ticket(
    stream: &StreamId,
    id: TicketId,
    commits: &[Arc<Commit>],
    listed_to: Position,
    listed_version: &dyn Fn(&TenantId) -> Option<u64>,
    snapshot: Option<&Snapshot>,
) -> Result<FoldedTicket, Bad> {
    // The engine passes over a snapshot that it does not know or cannot decode.
    let snapshot: Option<Ticket> = snapshot
        .filter(|snapshot| snapshot.schema == SNAPSHOT_SCHEMA)
        .and_then(|snapshot| codec::decode("snapshot", SNAPSHOT_SCHEMA, &snapshot.state).ok());
    let mut snapshot_problem = snapshot.as_ref().map(|snapshot| {
        format!(
            "its snapshot is of version {}, which it does not have",
            snapshot.version
        )
    });
    let mut ticket: Option<Ticket> = None;
    let mut listed = TenantIndex::new();
    let mut version = None;
    for commit in commits {
        let at = |what: String| Bad::new(Some(commit.position), what);
        let meta = streams::read_meta(commit).map_err(|error| at(error.to_string()))?;
        let mut events: Vec<Event> = Vec::with_capacity(commit.events.len());
        each(commit, codec::decode_ticket, |event| {
            let after = match (ticket.take(), &event) {
                (None, Event::TicketCreated(created))
                    if streams::ticket(&created.tenant_id, created.ticket_id) != *stream =>
                {
                    return Err(format!("it creates ticket `{}`", created.ticket_id));
                }
                (before, event) => ticket::apply(before, event, &meta),
            };
            let after = after.ok_or("the ticket was not created before")?;
            if let Some(snapshot) = snapshot.as_ref().filter(|one| one.version == after.version) {
                let is_same = *snapshot == after;
                snapshot_problem = (!is_same)
                    .then(|| format!("its snapshot at version {} is not what its events make", after.version));
            }
            ticket = Some(after);
            events.push(event);
            Ok(())
        })?;
        if let (1, Some(ticket)) = (commit.first_version, &ticket) {
            version = listed_version(&ticket.tenant_id);
        }
        let is_listed = version.map_or(commit.position <= listed_to, |version| commit.last_version() <= version);
        if is_listed {
            listed.fold(id, &meta, &events);
        }
    }
    let ticket = ticket.ok_or_else(|| Bad::new(None, "it has no event"))?;
    Ok(FoldedTicket {
        ticket,
        listed,
        listed_version: version,
        has_snapshot: snapshot.is_some(),
        snapshot_problem,
    })
}
