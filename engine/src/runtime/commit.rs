//! One command as one commit, and back: what a ticket's actor appends, and what is read of it after a restart.
//! Plain functions over a log, without actors or waiting, so that a simulation cuts the power between any two of them.
//!
//! Not here: who waits for whom (`ticket_actor`, `idempotency`), bytes of one event (`codec`).

use loonflow_storage::{Commit, Error, EventLog, NewCommit, StreamId};

use crate::codec::{self, CodecError};
use crate::id::{AccessTokenId, AppName, TenantId, TicketId};
use crate::runtime::fault::Fault;
use crate::runtime::request::{Caller, Done, Idempotency};
use crate::runtime::{idempotency, kept_files, streams};
use crate::ticket::event::{Event, Meta};
use crate::ticket::place::current_nodes;
use crate::ticket::{Command, Context, Question, Refusal, Ticket, Verdict, apply, decide_or_ask};
use crate::time::Timestamp;

/// Schema number of stored snapshots; one with another is ignored. 2 counts the requests of hooks, 3 the bytes, 4 has
/// what is owed, 5 has votes with their rules and the clocks of deadlines, 6 who stands in for whom, who was added by whom,
/// who has agreed, where tokens have been, what can be undone, notices, and files.
pub(crate) const SNAPSHOT_SCHEMA: u16 = 6;

/// How a command came in.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Through which application.
    pub app: Option<AppName>,
    /// With which personal access token.
    pub access_token: Option<AccessTokenId>,
}

/// A command that was decided.
#[derive(Clone, Debug)]
pub struct Decided {
    /// What is to be appended: events, and the answer under its idempotency key; `None` where nothing changes.
    pub commit: Option<NewCommit>,
    /// The ticket once that is on disk.
    pub after: Ticket,
    /// The answer once that is on disk.
    pub done: Done,
}

/// Refuses a call that was made for another version of the ticket; 0 is one that is not there (semantics: commands). What
/// has come since that is bookkeeping of effects does not count: a delivered notice spoils nobody's form.
///
/// # Errors
/// `version_conflict`.
pub fn check_version(expected: Option<u64>, ticket: Option<&Ticket>) -> Result<(), Refusal> {
    let current = ticket.map_or(0, |ticket| ticket.version);
    let settled = ticket.map_or(0, |ticket| ticket.settled_version);
    match expected.filter(|expected| !(settled..=current).contains(expected)) {
        Some(expected) => Err(Refusal::VersionConflict { expected, current }),
        None => Ok(()),
    }
}

/// When a command on a ticket is decided: by the clock, but never before the ticket's last commit, whatever the clock does.
#[must_use]
pub fn decided_at(now: Timestamp, ticket: Option<&Ticket>) -> Timestamp {
    ticket.map_or(now, |ticket| now.max(ticket.decided_at))
}

/// What deciding a command comes to, but for a refusal.
#[derive(Clone, Debug)]
pub enum Step {
    /// It can be appended.
    Decided(Box<Decided>),
    /// These have to be answered first.
    Needs(Vec<Question>),
}

/// Decides a command and puts everything that it does into one commit; changes nothing.
///
/// # Errors
/// A refusal; then nothing may be appended.
pub fn decided(
    before: Option<&Ticket>,
    command: &Command,
    context: &Context<'_>,
    origin: &Origin,
    keep: Option<(&Caller, &Idempotency)>,
) -> Result<Step, Refusal> {
    let (events, after) = match decide_or_ask(before, command, context)? {
        Verdict::Events { events, after } => (events, *after),
        Verdict::Needs { questions, .. } => return Ok(Step::Needs(questions)),
    };
    let mut meta = command.meta(context);
    meta.app.clone_from(&origin.app);
    meta.access_token.clone_from(&origin.access_token);
    let on = context.migrate_to.unwrap_or(context.workflow);
    let done = Done {
        ticket_id: after.id,
        version: after.version,
        act_state: after.act_state,
        current_nodes: current_nodes(&after, on, context.directory),
        replayed: false,
    };
    let commit = (!events.is_empty()).then(|| {
        let stream = ticket_stream(&after.tenant_id, after.id);
        let current = before.map_or(0, |ticket| ticket.version);
        let mut commit = streams::ticket_commit(stream, current, &meta, &events);
        commit.kv = keep
            .map(|(caller, asked)| idempotency::entry(caller, asked, &done, context.now))
            .into_iter()
            .collect();
        commit
            .kv
            .extend(kept_files::records::moved(before, &after, meta.by.user()));
        commit
    });
    Ok(Step::Decided(Box::new(Decided { commit, after, done })))
}

/// The first answer that was given under a key; `None` where there is none. Blocking.
///
/// # Errors
/// A fault of the log; inside, `idempotency_mismatch` for other arguments and `invalid_argument` for a key too long.
pub fn answered(
    log: &dyn EventLog,
    caller: &Caller,
    asked: &Idempotency,
) -> Result<Result<Option<Done>, Refusal>, Fault> {
    match idempotency::check_key(asked) {
        Ok(()) => idempotency::look_up(log, &idempotency::hash_of(caller, &asked.key), asked),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// The stream of a ticket.
#[must_use]
pub fn ticket_stream(tenant: &TenantId, ticket: TicketId) -> StreamId {
    streams::ticket(tenant, ticket)
}

/// The ticket of a stream; `None` for a directory's or a workflow's.
#[must_use]
pub fn ticket_of(stream: &StreamId) -> Option<TicketId> {
    streams::ticket_of(stream)
}

/// What a commit of a ticket says.
///
/// # Errors
/// Where it does not decode.
pub fn read(commit: &Commit) -> Result<(Meta, Vec<Event>), CodecError> {
    Ok((streams::read_meta(commit)?, streams::read_ticket_events(commit)?))
}

/// A ticket from its snapshot and the events after it, with the version of the snapshot; `None` only where the log has
/// no such stream. Blocking.
///
/// # Errors
/// When the log cannot be read, and [`Fault::Unreadable`] where it holds what does not decode or does not fold.
pub fn replay(log: &dyn EventLog, stream: &StreamId) -> Result<(Option<Ticket>, u64), Fault> {
    let stored = log
        .snapshot(stream)?
        .filter(|snapshot| snapshot.schema == SNAPSHOT_SCHEMA);
    let mut ticket: Option<Ticket> =
        stored.and_then(|snapshot| codec::decode("snapshot", SNAPSHOT_SCHEMA, &snapshot.state).ok());
    let snapshot_version = ticket.as_ref().map_or(0, |ticket| ticket.version);
    let commits = log.read_stream(stream, snapshot_version).map_err(|error| {
        if matches!(error, Error::Corrupt { .. }) {
            streams::unreadable_ticket(stream, error.to_string())
        } else {
            error.into()
        }
    })?;
    for commit in commits {
        let version = ticket.as_ref().map_or(0, |ticket| ticket.version);
        let (meta, events) =
            streams::read_ticket(&commit, version).map_err(|why| streams::unreadable_ticket(stream, why))?;
        for event in &events {
            ticket = apply(ticket, event, &meta);
        }
    }
    Ok((ticket, snapshot_version))
}

/// A ticket as a commit left it, and the commit.
#[derive(Clone, Debug)]
pub struct Then {
    /// The ticket.
    pub ticket: Ticket,
    /// When and by whom.
    pub meta: Meta,
    /// What happened in it.
    pub events: Vec<Event>,
}

/// A ticket as the commit left it that holds an event's version; `None` where there is none. Blocking.
///
/// # Errors
/// As [`replay`].
pub fn replay_to(log: &dyn EventLog, stream: &StreamId, version: u64) -> Result<Option<Then>, Fault> {
    let stored = log
        .snapshot(stream)?
        .filter(|snapshot| snapshot.schema == SNAPSHOT_SCHEMA && snapshot.version < version);
    let mut ticket: Option<Ticket> =
        stored.and_then(|snapshot| codec::decode("snapshot", SNAPSHOT_SCHEMA, &snapshot.state).ok());
    let from = ticket.as_ref().map_or(0, |ticket| ticket.version);
    for commit in log.read_stream(stream, from)? {
        let known = ticket.as_ref().map_or(0, |ticket| ticket.version);
        let (meta, events) =
            streams::read_ticket(&commit, known).map_err(|why| streams::unreadable_ticket(stream, why))?;
        for event in &events {
            ticket = apply(ticket, event, &meta);
        }
        if let Some(ticket) = ticket.take_if(|ticket| ticket.version >= version) {
            return Ok(Some(Then { ticket, meta, events }));
        }
    }
    Ok(None)
}

/// One event of a ticket, by its version; `None` where there is none. Blocking.
///
/// # Errors
/// As [`replay`].
pub fn event_at(log: &dyn EventLog, stream: &StreamId, version: u64) -> Result<Option<Event>, Fault> {
    let commits = log.read_stream(stream, version.saturating_sub(1))?;
    let Some(commit) = commits.first() else { return Ok(None) };
    let events =
        streams::read_ticket_events(commit).map_err(|error| streams::unreadable_ticket(stream, error.to_string()))?;
    let place = version
        .checked_sub(commit.first_version)
        .and_then(|place| usize::try_from(place).ok());
    Ok(place.and_then(|place| events.into_iter().nth(place)))
}

/// A ticket's state as it is stored beside its stream.
#[must_use]
pub fn snapshot_of(ticket: &Ticket) -> loonflow_storage::Snapshot {
    loonflow_storage::Snapshot {
        version: ticket.version,
        schema: SNAPSHOT_SCHEMA,
        state: codec::encode(ticket),
    }
}
