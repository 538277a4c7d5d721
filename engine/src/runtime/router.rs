//! Live tickets by id: finds a ticket's actor or starts it, and puts idle ones to sleep.
//!
//! Whoever uses a slot holds a lease, and the lease travels with the message. A slot is taken away only when nobody
//! holds one, under the shard's lock that also gives leases out. So no message can wait in the mailbox of an actor
//! that is being stopped, and there are never two actors of one ticket with work to do.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ractor::{ActorCell, ActorRuntime};

use crate::id::{TenantId, TicketId};
use crate::runtime::fault::Fault;
use crate::runtime::slot::{Lease, Published, Shared, Slot};
use crate::runtime::ticket_actor::{Arguments, TicketActor};
use crate::time::Timestamp;

/// Shards of the map: contention falls with their number, and 64 are plenty for a machine's cores.
const SHARDS: usize = 64;

type Key = (TenantId, TicketId);

/// See the module.
pub(crate) struct Router {
    shards: Vec<Mutex<HashMap<Key, Arc<Slot>>>>,
    hasher: RandomState,
    n_live: AtomicUsize,
    live_max: usize,
    pub(crate) shared: Arc<Shared>,
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
            return Ok(slot.lease(now));
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
        let slot = Slot::new(actor, published);
        let lease = slot.lease(now);
        if slots.insert(key, slot).is_none() {
            self.n_live.fetch_add(1, Ordering::Relaxed);
        }
        Ok(lease)
    }

    /// Puts the longest idle ticket of one shard to sleep; with all in use the bound gives way, for requests have a
    /// bound of their own.
    fn evict_one(&self, slots: &mut HashMap<Key, Arc<Slot>>) {
        let idle = slots.iter().filter(|(_, slot)| !slot.is_leased());
        let oldest = idle
            .min_by_key(|(_, slot)| slot.last_used())
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
                let keep = slot.is_leased() || slot.last_used() > since;
                if !keep {
                    self.n_live.fetch_sub(1, Ordering::Relaxed);
                    slot.actor.stop(None);
                }
                keep
            });
        }
    }
}
