//! The delivery log: what became of each try of a call, for whoever wonders why a receiver was not told.
//!
//! In memory, and no part of what a replay sees: it is bounded, and a restart begins an empty one. What matters of it, that
//! an effect was closed or parked and why, is in the ticket's own events.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::{TenantId, TicketId};
use crate::ticket::EffectId;
use crate::time::Timestamp;

/// Tries kept of one tenant: some days of a busy one, at about 200 bytes each.
const OF_TENANT_MAX: usize = 100_000;
/// Tries kept in all, whatever the number of tenants: some 200 MiB.
const ALL_MAX: usize = 1_000_000;

/// A try of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// When it began.
    pub at: Timestamp,
    /// Whose effect.
    pub ticket: TicketId,
    /// Which effect.
    pub effect: EffectId,
    /// Host and path of the address, and nothing else of it.
    pub target: String,
    /// What was answered; `None` where nothing was.
    pub status: Option<u16>,
    /// How many milliseconds it took.
    pub ms: u32,
    /// Why it failed, without secrets; `None` where it did not.
    pub error: Option<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Deliveries(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    of_tenant: HashMap<TenantId, VecDeque<Delivery>>,
    n: usize,
}

impl Deliveries {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a try; where there are too many, the oldest goes: the tenant's own, else that of whoever has most.
    pub(crate) fn note(&self, tenant: &TenantId, delivery: Delivery) {
        let mut kept = self.kept();
        let own = kept.of_tenant.entry(tenant.clone()).or_default();
        own.push_back(delivery);
        let mut n_more = 1;
        if own.len() > OF_TENANT_MAX {
            own.pop_front();
            n_more = 0;
        }
        kept.n += n_more;
        if kept.n > ALL_MAX {
            let most = kept.of_tenant.values_mut().max_by_key(|own| own.len());
            if most.and_then(VecDeque::pop_front).is_some() {
                kept.n -= 1;
            }
        }
    }

    /// Tries of a tenant, of one ticket or of all, the newest first.
    pub(crate) fn of(&self, tenant: &TenantId, ticket: Option<TicketId>, n_max: usize) -> Vec<Delivery> {
        let kept = self.kept();
        let own = kept.of_tenant.get(tenant).into_iter().flatten().rev();
        own.filter(|one| ticket.is_none_or(|ticket| one.ticket == ticket))
            .take(n_max)
            .cloned()
            .collect()
    }
}
