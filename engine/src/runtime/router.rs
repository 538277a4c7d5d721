//! Live tickets by id: finds a ticket's actor or starts it, and puts idle ones to sleep.
//!
//! Whoever uses a slot holds a lease, and the lease travels with the message. A slot is taken away only when nobody
//! holds one, under the shard's lock that also gives leases out. So no message can wait in the mailbox of an actor
//! that is being stopped, and there are never two actors of one ticket with work to do.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use ractor::{ActorCell, ActorRef, ActorRuntime};

use crate::id::{TenantId, TicketId};
use crate::runtime::fault::Fault;
use crate::runtime::ticket_actor::{Arguments, Message, Shared, TicketActor};
use crate::ticket::Ticket;
use crate::time::Timestamp;

/// Shards of the map: contention falls with their number, and 64 are plenty for a machine's cores.
const SHARDS: usize = 64;

type Key = (TenantId, TicketId);

/// One live ticket.
pub(crate) struct Slot {
    pub(crate) actor: ActorRef<Message>,
    /// The ticket as of the last answer; `None` until the actor has read it, and again after a write that failed: it
    /// says nothing about whether there is such a ticket.
    pub(crate) published: Arc<Published>,
    n_leases: AtomicUsize,
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

/// See the module.
pub(crate) struct Router {
    shards: Vec<Mutex<HashMap<Key, Arc<Slot>>>>,
    hasher: RandomState,
    n_live: AtomicUsize,
    live_max: usize,
    shared: Arc<Shared>,
    supervisor: ActorCell,
}

impl Router {
    pub(crate) fn new(shared: Arc<Shared>, supervisor: ActorCell, live_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self {
            shards,
            hasher: RandomState::new(),
            n_live: AtomicUsize::new(0),
            live_max,
            shared,
            supervisor,
        }
    }

    pub(crate) fn n_live(&self) -> usize {
        self.n_live.load(Ordering::Relaxed)
    }

    /// A lease on the ticket's slot; starts an actor where none is live. The ticket need not exist.
    pub(crate) fn lease(&self, tenant: &TenantId, ticket: TicketId, now: Timestamp) -> Result<Lease, Fault> {
        let key = (tenant.clone(), ticket);
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose a shard")]
        let shard = &self.shards[self.hasher.hash_one(&key) as usize % SHARDS];
        let mut slots = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key)
            && !slot.published.is_gone.load(Ordering::Acquire)
        {
            return Ok(lease(slot, now));
        }
        if self.n_live() >= self.live_max {
            self.evict_one(&mut slots);
        }
        let published = Arc::new(Published::default());
        let arguments = Arguments {
            shared: self.shared.clone(),
            tenant: tenant.clone(),
            ticket,
            published: published.clone(),
        };
        let spawned = ActorRuntime::spawn_linked_instant(None, TicketActor, arguments, self.supervisor.clone());
        let (actor, _) = spawned.map_err(|_| Fault::Closed)?;
        let slot = Arc::new(Slot {
            actor,
            published,
            n_leases: AtomicUsize::new(0),
            last_used: AtomicI64::new(now.0),
        });
        let lease = lease(&slot, now);
        if slots.insert(key, slot).is_none() {
            self.n_live.fetch_add(1, Ordering::Relaxed);
        }
        Ok(lease)
    }

    /// Puts the longest idle ticket of one shard to sleep; with all in use the bound gives way, for requests have a
    /// bound of their own.
    fn evict_one(&self, slots: &mut HashMap<Key, Arc<Slot>>) {
        let idle = slots
            .iter()
            .filter(|(_, slot)| slot.n_leases.load(Ordering::Acquire) == 0);
        let oldest = idle
            .min_by_key(|(_, slot)| slot.last_used.load(Ordering::Relaxed))
            .map(|(key, _)| key.clone());
        if let Some(slot) = oldest.and_then(|key| slots.remove(&key)) {
            self.n_live.fetch_sub(1, Ordering::Relaxed);
            slot.actor.stop(None);
        }
    }

    /// Puts every ticket to sleep that nobody has used since an instant; one shard at a time.
    pub(crate) fn sleep_idle(&self, since: Timestamp) {
        for shard in &self.shards {
            let mut slots = shard.lock().unwrap_or_else(PoisonError::into_inner);
            slots.retain(|_, slot| {
                let in_use = slot.n_leases.load(Ordering::Acquire) > 0;
                let keep = in_use || slot.last_used.load(Ordering::Relaxed) > since.0;
                if !keep {
                    self.n_live.fetch_sub(1, Ordering::Relaxed);
                    slot.actor.stop(None);
                }
                keep
            });
        }
    }
}

fn lease(slot: &Arc<Slot>, now: Timestamp) -> Lease {
    slot.n_leases.fetch_add(1, Ordering::AcqRel);
    slot.last_used.store(now.0, Ordering::Relaxed);
    Lease { slot: slot.clone() }
}
