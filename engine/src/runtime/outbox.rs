//! The outbox: what all tickets owe the outside, as a projection of the log (semantics: effects).
//!
//! ```text
//! log ─▶ Outbox (projection) ── what is owed, by ticket; alarms by when they are due
//!          │  wakes
//!          ▼
//!        Runner (actor) ─────── which calls may run now: lanes, hosts, tenants, pauses
//!          ├─▶ alarm ──▶ CloseEffect through the ticket's actor
//!          └─▶ call ───▶ the port `Outside` ──▶ CloseEffect through the ticket's actor
//! ```
//! An effect is owed from the moment its event is on disk until an event closes it, whatever crashes in between: after a
//! start the projection has what was open, and the runner begins anew with it. Nothing is carried out by a replay.
//!
//! The table of one ticket is folded by the same code as the ticket's own ([`EffectTable`]). Not here: which calls run
//! when (`runner`), how one is made (`attempt`), what is stored of it (`checkpoint`).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use loonflow_storage::{EventLog, Position};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::account::directory::Directory;
use crate::id::{ChannelId, TenantId, TicketId, UserId};
use crate::port::Clock;
use crate::runtime::Answer;
use crate::runtime::call_backs::CallBacks;
use crate::runtime::deliveries::Deliveries;
use crate::runtime::fault::Fault;
use crate::runtime::outbox::hold::Holding;
use crate::runtime::outside::Outside;
use crate::runtime::projection::{Projection, TicketCommit};
use crate::runtime::request::Done;
use crate::ticket::event::{OwedChild, OwedNotice};
use crate::ticket::{Command, EffectId, EffectTable, Ticket, Work};
use crate::time::Timestamp;
use crate::workflow::WorkflowVersion;

pub(crate) mod attempt;
mod checkpoint;
mod dispatch;
pub(crate) mod hold;
pub(crate) mod keeper;
pub(crate) mod message;
mod notice;
mod pause;
pub(crate) mod runner;

/// An effect of a ticket.
pub(crate) type Key = (TicketId, EffectId);

/// Who is told over a channel of a tenant: one person, or a group.
pub(crate) type Receiver = (TenantId, ChannelId, Option<UserId>);

/// A ticket with the version that it is on.
pub(crate) type Current = (Arc<Ticket>, Arc<WorkflowVersion>);

/// What carrying out needs of the engine.
pub(crate) trait Door: Send + Sync + 'static {
    /// The log that everything is in.
    fn log(&self) -> Arc<dyn EventLog>;

    /// A ticket as of the last answer, with the version that it is on; `None` where there is none.
    fn current<'a>(
        self: Arc<Self>,
        tenant: &'a TenantId,
        ticket: TicketId,
    ) -> BoxFuture<'a, Result<Option<Current>, Fault>>;

    /// The directory of a tenant as it is now; `None` where there is none.
    fn directory(&self, tenant: &TenantId) -> Result<Option<Arc<Directory>>, Fault>;

    /// Creates a sub-ticket that a node of its parent opened.
    fn create<'a>(
        self: Arc<Self>,
        tenant: &'a TenantId,
        parent: TicketId,
        owed: OwedChild,
    ) -> BoxFuture<'a, Answer<()>>;

    /// A command of the engine's own that has asked outside in vain as often as it may: whoever is asked for is nobody.
    fn command_alone<'a>(
        self: Arc<Self>,
        tenant: &'a TenantId,
        ticket: TicketId,
        command: Command,
    ) -> BoxFuture<'a, Answer<Done>>;

    /// A command of the engine's own through the ticket's actor.
    fn command<'a>(
        self: Arc<Self>,
        tenant: &'a TenantId,
        ticket: TicketId,
        command: Command,
    ) -> BoxFuture<'a, Answer<Done>>;
}

/// What carrying out stands on besides. It does not hold the log: whoever sleeps with it would keep that from being
/// opened again.
pub(crate) struct Parts {
    pub(crate) clock: Arc<dyn Clock>,
    /// `None` where nobody posts: then calls are owed and wait.
    pub(crate) outside: Option<Arc<dyn Outside>>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) call_backs: CallBacks,
    pub(crate) deliveries: Deliveries,
    pub(crate) holding: Holding,
    /// Where links in notices lead.
    pub(crate) link_url: Option<String>,
}

/// Both, for as long as something is under way.
#[derive(Clone)]
pub(crate) struct Hands {
    pub(crate) door: Arc<dyn Door>,
    pub(crate) parts: Arc<Parts>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    position: AtomicU64,
    /// Something is owed, or no longer.
    pub(crate) changed: Notify,
}

/// What is owed.
#[derive(Debug, Default)]
struct State {
    tickets: BTreeMap<TicketId, Owing>,
    /// Alarms that are not parked, by when they are due.
    alarms: BTreeSet<(Timestamp, TicketId, EffectId)>,
    /// Notices that are not parked, by who is told.
    notices: BTreeMap<Receiver, BTreeSet<Key>>,
    /// Tickets whose calls changed since the runner looked.
    touched: HashSet<TicketId>,
}

/// What one ticket owes; tickets that owe nothing are not kept.
#[derive(Clone, Debug)]
pub(crate) struct Owing {
    pub(crate) tenant: TenantId,
    /// The ticket's version up to which this is folded.
    version: u64,
    pub(crate) table: EffectTable,
    /// Calls that failed and are tried again: after how many tries, and when.
    pub(crate) tries: BTreeMap<EffectId, Tries>,
}

/// How often a call was tried, and when it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tries {
    pub(crate) n: u32,
    pub(crate) next: Timestamp,
    /// Whether it is held back to be sent with others.
    pub(crate) is_held: bool,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            position: AtomicU64::new(0),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a ticket owes; `None` for nothing.
    pub(crate) fn owing(&self, ticket: TicketId) -> Option<Owing> {
        self.state().tickets.get(&ticket).cloned()
    }

    /// Tickets of a tenant with alarms of deadlines.
    pub(crate) fn with_deadlines(&self, tenant: &TenantId) -> Vec<TicketId> {
        let state = self.state();
        let is_of = |owing: &Owing| {
            let mut open = owing.table.iter();
            owing.tenant == *tenant && open.any(|(_, effect)| effect.work.step().is_some())
        };
        let found = state.tickets.iter().filter(|(_, owing)| is_of(owing));
        found.map(|(ticket, _)| *ticket).collect()
    }

    /// How often an effect was tried, where it was.
    pub(crate) fn tries_of(&self, (ticket, effect): Key) -> Option<Tries> {
        self.state().tickets.get(&ticket)?.tries.get(&effect).copied()
    }

    /// A notice that is owed, and since when; `None` for any other effect.
    pub(crate) fn notice_of(&self, (ticket, effect): Key) -> Option<(OwedNotice, Timestamp)> {
        let state = self.state();
        let open = state.tickets.get(&ticket)?.table.get(effect)?;
        if let Work::Notice(notice) = &open.work {
            return Some((OwedNotice::clone(notice), open.since));
        }
        None
    }

    /// Who a notice goes to.
    pub(crate) fn receiver_of(&self, tenant: &TenantId, notice: &OwedNotice) -> Receiver {
        notice::receiver(tenant, notice)
    }

    /// Notices that are owed to a receiver, at most so many; those that can wait, or those that cannot.
    pub(crate) fn owed_to(&self, receiver: &Receiver, can_wait: bool, n_max: usize) -> Vec<Key> {
        let state = self.state();
        let fits = |(ticket, effect): &&Key| {
            let open = state.tickets.get(ticket).and_then(|owing| owing.table.get(*effect));
            open.is_some_and(|open| matches!(&open.work, Work::Notice(notice) if notice.event.can_wait() == can_wait))
        };
        let keys = state.notices.get(receiver).into_iter().flatten();
        keys.filter(fits).take(n_max).copied().collect()
    }

    /// How many effects are open, parked ones included.
    pub(crate) fn n_open(&self) -> usize {
        self.state().tickets.values().map(|owing| owing.table.len()).sum()
    }

    /// Tickets whose calls changed since the last time this was asked, at most so many; the others are left.
    fn take_touched(&self, n_max: usize) -> Vec<TicketId> {
        let mut state = self.state();
        if state.touched.len() <= n_max {
            return state.touched.drain().collect();
        }
        let taken: Vec<TicketId> = state.touched.iter().take(n_max).copied().collect();
        for ticket in &taken {
            state.touched.remove(ticket);
        }
        taken
    }

    /// Lets the runner look at every ticket again.
    fn touch_all(&self) {
        let mut state = self.state();
        state.touched = state.tickets.keys().copied().collect();
    }

    /// When the first alarm is due.
    fn first_due(&self) -> Option<Timestamp> {
        self.state().alarms.first().map(|(due, ..)| *due)
    }

    /// Takes alarms that are due, the oldest first; whoever takes one fires it, or puts it back.
    fn take_due(&self, now: Timestamp, n_max: usize) -> Vec<(TenantId, Timestamp, Key)> {
        let mut state = self.state();
        let mut taken = Vec::new();
        while taken.len() < n_max && state.alarms.first().is_some_and(|(due, ..)| *due <= now) {
            let Some((due, ticket, effect)) = state.alarms.pop_first() else {
                break;
            };
            if let Some(owing) = state.tickets.get(&ticket) {
                taken.push((owing.tenant.clone(), due, (ticket, effect)));
            }
        }
        taken
    }

    /// Lets an alarm fire later, where it is still owed.
    fn put_back(&self, (ticket, effect): Key, due: Timestamp) {
        let mut state = self.state();
        let owing = state.tickets.get(&ticket);
        let open = owing.and_then(|owing| owing.table.get(effect));
        if open.is_some_and(|open| open.is_owed() && open.work.due().is_some()) {
            state.alarms.insert((due, ticket, effect));
        }
    }

    /// Notes how often a call was tried, so that a start goes on counting. `None` forgets it.
    fn note_tries(&self, (ticket, effect): Key, tries: Option<Tries>) {
        if let Some(owing) = self.state().tickets.get_mut(&ticket) {
            match tries {
                Some(tries) if owing.table.get(effect).is_some() => owing.tries.insert(effect, tries),
                Some(_) | None => owing.tries.remove(&effect),
            };
        }
    }
}

impl State {
    fn fold(&mut self, read: &TicketCommit<'_>) {
        let ticket = read.ticket;
        let last = read.commit.first_version + read.events.len() as u64 - 1;
        let known = self.tickets.get(&ticket);
        if known.is_some_and(|owing| last <= owing.version) {
            return;
        }
        let nothing = EffectTable::default();
        let table = known.map_or(&nothing, |owing| &owing.table);
        if !read.events.iter().any(|event| table.is_changed_by(event)) {
            if let Some(owing) = self.tickets.get_mut(&ticket) {
                owing.version = last;
            }
            return;
        }
        self.forget_indexed(ticket);
        let owing = self.tickets.entry(ticket).or_insert_with(|| Owing {
            tenant: read.tenant.clone(),
            version: 0,
            table: EffectTable::default(),
            tries: BTreeMap::new(),
        });
        for (version, event) in (read.commit.first_version..).zip(&read.events) {
            if version > owing.version {
                owing.table.apply(event, version, read.meta.at);
            }
        }
        owing.version = last;
        let table = &owing.table;
        owing
            .tries
            .retain(|effect, _| table.get(*effect).is_some_and(|open| open.is_owed()));
        self.touched.insert(ticket);
        if owing.table.is_empty() {
            self.tickets.remove(&ticket);
        } else {
            self.note_indexed(ticket);
        }
    }

    fn note_indexed(&mut self, ticket: TicketId) {
        let Some(owing) = self.tickets.get(&ticket) else { return };
        for (effect, open) in owing.table.iter().filter(|(_, open)| open.is_owed()) {
            if let Work::Notice(notice) = &open.work {
                let receiver = notice::receiver(&owing.tenant, notice);
                self.notices.entry(receiver).or_default().insert((ticket, effect));
            }
            if let Some(due) = open.work.due() {
                // One that is put back after a try that failed is due later.
                let due = owing.tries.get(&effect).map_or(due, |tries| due.max(tries.next));
                self.alarms.insert((due, ticket, effect));
            }
        }
    }

    fn forget_indexed(&mut self, ticket: TicketId) {
        let Some(owing) = self.tickets.get(&ticket) else { return };
        for (effect, open) in owing.table.iter() {
            if let Work::Notice(notice) = &open.work {
                let receiver = notice::receiver(&owing.tenant, notice);
                if let Some(keys) = self.notices.get_mut(&receiver) {
                    keys.remove(&(ticket, effect));
                    if keys.is_empty() {
                        self.notices.remove(&receiver);
                    }
                }
            }
            if let Some(due) = open.work.due() {
                let due = owing.tries.get(&effect).map_or(due, |tries| due.max(tries.next));
                self.alarms.remove(&(due, ticket, effect));
            }
        }
    }
}

impl Projection for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn position(&self) -> Position {
        self.position.load(Ordering::Acquire)
    }

    fn fold(&self, commits: &[TicketCommit<'_>], up_to: Position) {
        {
            let mut state = self.state();
            for read in commits {
                state.fold(read);
            }
        }
        self.position.store(up_to, Ordering::Release);
        self.changed.notify_one();
    }

    fn n_items(&self) -> u64 {
        self.state().tickets.len() as u64
    }

    fn restore(&self, log: &dyn EventLog) -> Result<(), Fault> {
        self.read_checkpoint(log)
    }

    fn store(&self, log: &dyn EventLog, is_over: &dyn Fn() -> bool) -> Result<(), Fault> {
        self.store_pages(log, is_over)
    }
}
