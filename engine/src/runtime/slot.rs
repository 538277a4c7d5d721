//! A live ticket as others see it: its actor's mailbox and messages, what it shows, and the leases that keep it alive.
//!
//! A message carries the lease under which it was sent, so both are here. Not here: finding and starting actors
//! (`router`), what an actor does with a message (`ticket_actor`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;
use loonflow_storage::EventLog;
use ractor::ActorRef;
use tokio::sync::oneshot;

use crate::id::VersionName;
use crate::runtime::admission::Permit;
use crate::runtime::commit::Origin;
use crate::runtime::fault::Fault;
use crate::runtime::idempotency::Guard;
use crate::runtime::kept_files::Kept;
use crate::runtime::options::Ports;
use crate::runtime::outside::Outsides;
use crate::runtime::registry::Registry;
use crate::runtime::request::{Caller, Done, Idempotency};
use crate::runtime::unreadable::Unreadables;
use crate::ticket::{Command, Question, Refusal, Replies, Ticket};
use crate::time::Timestamp;
use crate::workflow::WorkflowVersion;

/// One live ticket.
pub(crate) struct Slot {
    pub(crate) actor: ActorRef<Message>,
    /// The ticket as of the last answer; `None` until the actor has read it, and again after a write that failed: it
    /// says nothing about whether there is such a ticket.
    pub(crate) published: Arc<Published>,
    n_leases: AtomicUsize,
    /// When a lease was last given out, in milliseconds.
    last_used: AtomicI64,
}

/// What an actor shows of its ticket.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) ticket: ArcSwapOption<Ticket>,
    /// Set when the actor's state is dropped: stopped, or dead.
    pub(crate) is_gone: AtomicBool,
}

/// The right to use a slot; while one is held the actor is not put to sleep.
pub(crate) struct Lease {
    slot: Arc<Slot>,
}

impl Slot {
    pub(crate) fn new(actor: ActorRef<Message>, published: Arc<Published>) -> Arc<Self> {
        Arc::new(Self {
            actor,
            published,
            n_leases: AtomicUsize::new(0),
            last_used: AtomicI64::new(i64::MIN),
        })
    }

    /// Gives a lease out: under the lock of the slot's shard, which also takes slots away.
    pub(crate) fn lease(self: &Arc<Self>, now: Timestamp) -> Lease {
        self.n_leases.fetch_add(1, Ordering::AcqRel);
        self.last_used.store(now.0, Ordering::Relaxed);
        Lease { slot: self.clone() }
    }

    /// Whether anybody holds a lease.
    pub(crate) fn is_leased(&self) -> bool {
        self.n_leases.load(Ordering::Acquire) > 0
    }

    /// When a lease was last given out.
    pub(crate) fn last_used(&self) -> Timestamp {
        Timestamp(self.last_used.load(Ordering::Relaxed))
    }
}

impl Lease {
    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.slot.n_leases.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What every actor needs.
pub(crate) struct Shared {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) ports: Ports,
    pub(crate) registry: Arc<Registry>,
    pub(crate) unreadable: Arc<Unreadables>,
    pub(crate) outsides: Outsides,
    pub(crate) snapshot_events: u64,
    /// `None` where no files are kept.
    pub(crate) files: Option<Arc<Kept>>,
}

/// A command with everything that comes from its caller.
pub(crate) struct Request {
    pub(crate) command: Command,
    /// On which version a new ticket is created.
    pub(crate) create_on: Option<Arc<WorkflowVersion>>,
    /// The version to go over to.
    pub(crate) migrate_to: Option<VersionName>,
    /// The parent as it was when the command was taken in.
    pub(crate) parent: Option<Arc<Ticket>>,
    pub(crate) origin: Origin,
    pub(crate) expected_version: Option<u64>,
    /// What outside addresses have answered so far.
    pub(crate) replies: Replies,
    /// The place among the calls under way: kept until the command is through, whoever has gone away meanwhile.
    pub(crate) _permit: Permit,
    /// Under which key the answer is kept; the guard is held until it is.
    pub(crate) idempotency: Option<(Caller, Idempotency, Guard)>,
}

/// What a command came to.
pub(crate) enum Taken {
    /// It was carried out, and a list must have read this position to show it; 0 where nothing was written.
    Done(Done, u64),
    /// Nothing yet: this has to be asked. The command comes back, with the lease under which it may be sent again.
    Needs(Vec<Question>, Box<Request>, Lease),
}

pub(crate) type Handled = Result<Result<Taken, Refusal>, Fault>;

pub(crate) enum Message {
    /// Read the ticket, publish it and answer it; `None` where the log has no such ticket. Whoever asks takes the
    /// answer and not what is published then: a write that failed meanwhile has taken that back.
    Load {
        reply: oneshot::Sender<Result<Option<Arc<Ticket>>, Fault>>,
        lease: Lease,
    },
    /// Carry a command out.
    Command {
        request: Box<Request>,
        reply: oneshot::Sender<Handled>,
        lease: Lease,
    },
}
