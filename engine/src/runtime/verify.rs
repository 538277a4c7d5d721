//! Walks the whole log as the engine reads it: decodes every event, folds every directory, workflow and ticket, and
//! compares with the ticket list and with snapshots. Says what the server would refuse, or show otherwise.
//!
//! The log's own [`verify`](EventLog::verify) looks at frames and checksums; here it is what stands in them that counts.
//! A walk reads and never writes. It keeps one stream and a few commits in memory, besides the names of workflow
//! versions; beside writers it rests as long as it works, so that they have at least half of what it would take.
//! Commits that come while it walks are not in it.
//!
//! Reading order: this file (the walk), `fold` (one stream).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loonflow_storage::{BlobStore, EventLog, Position, StreamId, blobs};

use self::fold::{Bad, FoldedTicket};
use crate::codec;
use crate::id::{TenantId, TicketId, VersionName, WorkflowId};
use crate::runtime::engine::Engine;
use crate::runtime::fault::Fault;
use crate::runtime::kept_files::records;
use crate::runtime::projection::Projection;
use crate::runtime::registry::{self, Entry};
use crate::runtime::streams;
use crate::runtime::ticket_lists::TicketLists;
use crate::ticket::Ticket;
use crate::view::ticket_list::TenantIndex;

mod fold;

/// Findings that are named; the others are counted. What is wrong with a hundred streams is wrong with the log.
pub const FINDINGS_NAMED_MAX: u64 = 100;

/// Commits or entries read at a time: the largest are some MiB each.
const BITE: usize = 64;
/// Longest rest after a bite.
const REST_MAX: Duration = Duration::from_millis(50);
/// Times that a ticket is looked at again which changes while it is compared with the list.
const ATTEMPTS_MAX: usize = 20;
/// Time between two of them.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(2);

/// What the server would do with an unreadable directory.
const REFUSES_TENANT: &str = "the server would refuse this tenant";
/// What it would do with an unreadable workflow.
const REFUSES_WORKFLOW: &str = "the server would refuse this workflow and its tickets";
/// What it would do with an unreadable ticket.
const REFUSES_TICKET: &str = "the server would refuse this ticket";
/// What it would do with a stream that nothing leads to.
const NOT_SEEN: &str = "the server would not see it";
/// What it would do with a list that is wrong.
const SHOWS_OTHERWISE: &str = "lists would show something else than the ticket";
/// What it would do with a snapshot that is wrong.
const GOES_ON_WRONG: &str = "the server would go on from the wrong state";

/// What it would do with a file without its bytes.
const LOSES_FILE: &str = "the server would not give it out";

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, for example a ticket and its tenant.
    pub place: String,
    /// Position of the commit, where one is to blame.
    pub position: Option<Position>,
    /// What is wrong.
    pub what: String,
    /// What the server would do.
    pub consequence: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        if let Some(position) = self.position {
            write!(f, " at position `{position}`")?;
        }
        write!(f, ": {}; {}", self.what, self.consequence)
    }
}

/// What a walk has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Directories that the registry names.
    pub n_directories: u64,
    /// Workflows that the registry names.
    pub n_workflows: u64,
    /// Tickets, discarded drafts included.
    pub n_tickets: u64,
    /// Events of all of them that decode.
    pub n_events: u64,
    /// Files of tickets whose bytes were read, the erased aside.
    pub n_files: u64,
    /// Snapshots that were compared.
    pub n_snapshots: u64,
    /// Tickets that were compared with the list and are in it.
    pub n_listed: u64,
    /// Findings, the unnamed included.
    pub n_bad: u64,
}

/// What whoever asked is told while the walk is under way.
pub enum Step<'a> {
    /// Everything up to this position was looked at.
    Moved(Position),
    /// One of the first [`FINDINGS_NAMED_MAX`] findings.
    Bad(&'a Finding),
}

/// Verifies a log that no engine has open, and the bytes of its files where they are kept; the list is that of the last checkpoint. Blocking. `watch` ends the walk by
/// answering `Break`.
///
/// # Errors
/// When the log cannot be read; what can be read and is wrong is a finding.
pub fn verify(
    log: &dyn EventLog,
    blobs: Option<&dyn BlobStore>,
    watch: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
) -> Result<Verified, Fault> {
    let lists = TicketLists::new(Arc::default());
    lists.restore(log)?;
    Walk::new(log, blobs, &lists, watch).run()
}

impl Engine {
    /// Verifies the log and the list while the engine is at work. Blocking: for a thread of its own. `watch` ends the
    /// walk by answering `Break`.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn verify(&self, watch: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>) -> Result<Verified, Fault> {
        let shared = &self.inner.shared;
        Walk::new(&*shared.log, shared.ports.blobs.as_deref(), &self.inner.lists, watch).run()
    }
}

/// Whether the walk goes on: `Break` once whoever asked has enough.
type Walked = Result<ControlFlow<()>, Fault>;

struct Walk<'a> {
    log: &'a dyn EventLog,
    blobs: Option<&'a dyn BlobStore>,
    lists: &'a TicketLists,
    watch: &'a mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
    verified: Verified,
    /// The versions of each workflow, and that of its stream when they were read.
    workflows: BTreeMap<(TenantId, WorkflowId), (u64, BTreeSet<VersionName>)>,
    tenants: BTreeSet<TenantId>,
    /// Cards of tickets that cannot be read: the list shows them as they were before.
    n_cards_unreadable: u64,
    /// When the bite began, and where the log ended then.
    bite: (Instant, Position),
}

impl<'a> Walk<'a> {
    fn new(
        log: &'a dyn EventLog,
        blobs: Option<&'a dyn BlobStore>,
        lists: &'a TicketLists,
        watch: &'a mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Self {
        Self {
            log,
            blobs,
            lists,
            watch,
            verified: Verified::default(),
            workflows: BTreeMap::new(),
            tenants: BTreeSet::new(),
            n_cards_unreadable: 0,
            bite: (Instant::now(), log.last_position()),
        }
    }

    fn run(mut self) -> Result<Verified, Fault> {
        let (up_to, listed_to) = (self.log.last_position(), self.lists.position());
        let walked = self.registry()?.is_continue() && self.streams(up_to)?.is_continue();
        let is_at_rest = self.log.last_position() == up_to && self.lists.position() == listed_to;
        if walked && is_at_rest && listed_to > 0 {
            let _ = self.check_list_length();
        }
        Ok(self.verified)
    }

    /// Every directory and workflow that the registry names.
    fn registry(&mut self) -> Walked {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let entries = self.log.kv_scan(registry::TREE, after.as_deref(), BITE)?;
            let Some((last, _)) = entries.last() else {
                return Ok(ControlFlow::Continue(()));
            };
            after = Some(last.clone());
            for (key, value) in &entries {
                let walked = match codec::decode(registry::TREE, registry::SCHEMA, value) {
                    Ok(Entry::Directory(tenant)) => self.directory(tenant)?,
                    Ok(Entry::Workflow(tenant, workflow)) => self.workflow(tenant, workflow)?,
                    Err(error) => self.bad(
                        format!("entry `{}` of the registry", key.escape_ascii()),
                        Bad::new(None, error),
                        "the server would not start",
                    ),
                };
                if walked.is_break() {
                    return Ok(walked);
                }
            }
            if self.moved(0).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    fn directory(&mut self, tenant: TenantId) -> Walked {
        self.verified.n_directories += 1;
        let commits = self.log.read_stream(&streams::directory(&tenant), 0)?;
        let place = format!("the directory of tenant `{tenant}`");
        self.tenants.insert(tenant.clone());
        Ok(match fold::directory(tenant, &commits) {
            Ok(directory) => {
                self.verified.n_events += directory.version;
                ControlFlow::Continue(())
            }
            Err(bad) => self.bad(place, bad, REFUSES_TENANT),
        })
    }

    fn workflow(&mut self, tenant: TenantId, id: WorkflowId) -> Walked {
        self.verified.n_workflows += 1;
        let commits = self.log.read_stream(&streams::workflow(&tenant, &id), 0)?;
        let place = format!("workflow `{id}` of tenant `{tenant}`");
        Ok(match fold::workflow(tenant.clone(), id.clone(), &commits) {
            Ok(workflow) => {
                self.verified.n_events += workflow.version;
                let names = workflow.versions.keys().cloned().collect();
                self.workflows.insert((tenant, id), (workflow.version, names));
                ControlFlow::Continue(())
            }
            Err(bad) => self.bad(place, bad, REFUSES_WORKFLOW),
        })
    }

    /// Every stream, each where it begins.
    fn streams(&mut self, up_to: Position) -> Walked {
        let mut position = 0;
        while position < up_to {
            let commits = self.log.read_all(position, BITE)?;
            let Some(last) = commits.last().map(|commit| commit.position) else {
                let what = format!("the log gives nothing behind position `{position}`");
                return Err(Fault::Inconsistent { what });
            };
            for commit in commits.iter().filter(|commit| commit.first_version == 1) {
                if commit.position > up_to {
                    break;
                }
                let walked = match streams::ticket_of(&commit.stream) {
                    Some(ticket) => self.ticket(&commit.stream, ticket)?,
                    None => self.other(&commit.stream, commit.position)?,
                };
                if walked.is_break() {
                    return Ok(walked);
                }
            }
            position = last;
            if self.moved(position.min(up_to)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// A stream that is no ticket's: the registry must lead to it, or nobody looks at it.
    fn other(&mut self, stream: &StreamId, position: Position) -> Walked {
        let name = stream.as_str();
        let what = if !name.starts_with("dir/") && !name.starts_with("wf/") {
            "it is of no kind that this program knows"
        } else if self.log.kv_get(registry::TREE, name.as_bytes())?.is_none() {
            "the registry does not name it"
        } else {
            return Ok(ControlFlow::Continue(()));
        };
        Ok(self.bad(format!("stream `{name}`"), Bad::new(Some(position), what), NOT_SEEN))
    }

    fn ticket(&mut self, stream: &StreamId, id: TicketId) -> Walked {
        self.verified.n_tickets += 1;
        let mut place = format!("ticket `{id}` of tenant `{}`", streams::tenant_part(stream));
        let (folded, agrees) = match self.settled(stream, id)? {
            Ok(settled) => settled,
            Err(bad) => {
                self.n_cards_unreadable += u64::from(self.has_card(stream, id));
                return Ok(self.bad(place, bad, REFUSES_TICKET));
            }
        };
        let ticket = &folded.ticket;
        place = format!("ticket `{id}` of tenant `{}`", ticket.tenant_id);
        self.verified.n_events += ticket.version;
        self.verified.n_snapshots += u64::from(folded.has_snapshot);
        self.verified.n_listed += u64::from(!folded.listed.is_empty());
        if !self.tenants.contains(&ticket.tenant_id) {
            self.tenants.insert(ticket.tenant_id.clone());
        }
        if !agrees {
            let what = "the ticket list does not show it as its events make it";
            return Ok(self.bad(place, Bad::new(None, what), SHOWS_OTHERWISE));
        }
        if let Some(what) = folded.snapshot_problem {
            return Ok(self.bad(place, Bad::new(None, what), GOES_ON_WRONG));
        }
        if !self.has_version(&ticket.tenant_id, &ticket.workflow_id, &ticket.version_name)? {
            let what = format!(
                "version `{}` of workflow `{}` is not there",
                ticket.version_name, ticket.workflow_id
            );
            return Ok(self.bad(place, Bad::new(None, what), REFUSES_TICKET));
        }
        let walked = self.files(&place, ticket)?;
        Ok(walked)
    }

    /// The files of a ticket: each that is not erased has its record, and bytes of its size and digest. Those of a draft
    /// that was thrown away are nobody's.
    fn files(&mut self, place: &str, ticket: &Ticket) -> Walked {
        let tenant = &ticket.tenant_id;
        let kept = ticket
            .files
            .values()
            .filter(|file| !file.is_erased && !ticket.is_discarded);
        for file in kept {
            let id = file.info.id;
            self.verified.n_files += 1;
            let blob = records::blob(tenant, &file.info);
            let what = if !records::is_of(self.log, tenant, ticket.id, id)? {
                Some("is not noted as the ticket's")
            } else if let Some(blobs) = self.blobs
                && !blobs::is_sound(blobs, &blob, file.info.n_bytes)?
            {
                Some("has not the bytes that it came with")
            } else {
                None
            };
            // It may have been erased since the ticket was read.
            let is_erased = || records::is_erased(self.log, tenant, id);
            if let Some(what) = what
                && !is_erased()?
            {
                let what = format!("its file `{id}` {what}");
                let walked = self.bad(place.to_owned(), Bad::new(None, what), LOSES_FILE);
                if walked.is_break() {
                    return Ok(walked);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// A ticket's stream, folded, and whether the list shows the ticket as its events make it. The ticket may change
    /// between two looks: a disagreement counts once nothing of it has moved between them.
    fn settled(&self, stream: &StreamId, id: TicketId) -> Result<Result<(FoldedTicket, bool), Bad>, Fault> {
        let mut n_attempts = 0;
        loop {
            n_attempts += 1;
            let listed_to = self.lists.position();
            let version_of = |tenant: &TenantId| self.lists.ask(tenant, |index| index.version_of(id)).flatten();
            // Before the stream, which may otherwise end before the snapshot.
            let snapshot = self.log.snapshot(stream)?;
            let commits = self.log.read_stream(stream, 0)?;
            let folded = match fold::ticket(stream, id, &commits, listed_to, &version_of, snapshot.as_ref()) {
                Ok(folded) => folded,
                Err(bad) => return Ok(Err(bad)),
            };
            let agrees = |index: &TenantIndex| index.agrees_on(&folded.listed, id);
            let agrees = self
                .lists
                .ask(&folded.ticket.tenant_id, agrees)
                .unwrap_or_else(|| folded.listed.is_empty());
            let has_moved = version_of(&folded.ticket.tenant_id) != folded.listed_version
                || folded
                    .listed_version
                    .is_some_and(|version| version > folded.ticket.version);
            if agrees || !has_moved {
                return Ok(Ok((folded, agrees)));
            }
            if n_attempts >= ATTEMPTS_MAX {
                // One that changes all the while is in the next walk.
                return Ok(Ok((folded, true)));
            }
            std::thread::sleep(ATTEMPT_PAUSE);
        }
    }

    /// Whether the list shows a ticket whose stream does not say whose it is.
    fn has_card(&self, stream: &StreamId, id: TicketId) -> bool {
        let part = streams::tenant_part(stream);
        let mut owners = self
            .tenants
            .iter()
            .filter(|tenant| streams::part(tenant.as_str()) == part);
        owners.any(|tenant| self.lists.ask(tenant, |index| index.version_of(id)).flatten().is_some())
    }

    /// Whether a version is there; a workflow that was published while the walk was under way is read again.
    fn has_version(&mut self, tenant: &TenantId, id: &WorkflowId, name: &VersionName) -> Result<bool, Fault> {
        let key = (tenant.clone(), id.clone());
        let known = self.workflows.get(&key);
        if known.is_some_and(|(_, names)| names.contains(name)) {
            return Ok(true);
        }
        let stream = streams::workflow(tenant, id);
        let read_at = known.map_or(0, |(version, _)| *version);
        if self.log.head(&stream)?.is_none_or(|head| head.version == read_at) {
            return Ok(false);
        }
        let commits = self.log.read_stream(&stream, 0)?;
        let Ok(workflow) = fold::workflow(tenant.clone(), id.clone(), &commits) else {
            // Told already, with the workflow.
            return Ok(true);
        };
        let names: BTreeSet<VersionName> = workflow.versions.keys().cloned().collect();
        let is_there = names.contains(name);
        self.workflows.insert(key, (workflow.version, names));
        Ok(is_there)
    }

    fn check_list_length(&mut self) -> ControlFlow<()> {
        let lengths = self
            .tenants
            .iter()
            .filter_map(|tenant| self.lists.ask(tenant, TenantIndex::len));
        let n_listed: u64 = lengths.map(|length| length as u64).sum();
        let n_expected = self.verified.n_listed + self.n_cards_unreadable;
        if n_listed == n_expected {
            return ControlFlow::Continue(());
        }
        let what = format!("it has {n_listed} tickets, and the log {n_expected}");
        self.bad("the ticket list".to_owned(), Bad::new(None, what), SHOWS_OTHERWISE)
    }

    fn bad(&mut self, place: String, bad: Bad, consequence: &'static str) -> ControlFlow<()> {
        self.verified.n_bad += 1;
        if self.verified.n_bad > FINDINGS_NAMED_MAX {
            return ControlFlow::Continue(());
        }
        let finding = Finding {
            place,
            position: bad.position,
            what: bad.what,
            consequence,
        };
        (self.watch)(Step::Bad(&finding))
    }

    /// Tells how far it is, and rests where somebody writes.
    fn moved(&mut self, position: Position) -> ControlFlow<()> {
        let (began, end_then) = self.bite;
        let end = self.log.last_position();
        if end != end_then {
            std::thread::sleep(began.elapsed().min(REST_MAX));
        }
        self.bite = (Instant::now(), end);
        (self.watch)(Step::Moved(position))
    }
}
