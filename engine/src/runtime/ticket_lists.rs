//! The list indexes of all tenants: the first projection (`projection`). Its checkpoints are stored in segments
//! (`checkpoint`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use loonflow_storage::{EventLog, Position};

use crate::id::TenantId;
use crate::runtime::fault::Fault;
use crate::runtime::projection::{Projection, TicketCommit};
use crate::runtime::unreadable::Unreadables;
use crate::view::ticket_list::TenantIndex;

mod checkpoint;

/// See the module.
#[derive(Debug)]
pub(crate) struct TicketLists {
    tenants: RwLock<BTreeMap<TenantId, Listed>>,
    position: AtomicU64,
    unreadable: Arc<Unreadables>,
    /// Which fold from the start the segments are of: each deals tickets out to segments anew.
    epoch: AtomicU64,
}

/// The list of one tenant.
#[derive(Debug, Default)]
struct Listed {
    /// Stands for the tenant in the names of what is stored.
    number: u32,
    index: TenantIndex,
}

impl TicketLists {
    pub(crate) fn new(unreadable: Arc<Unreadables>) -> Self {
        Self {
            tenants: RwLock::default(),
            position: AtomicU64::new(0),
            unreadable,
            epoch: AtomicU64::new(0),
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

    /// Tenants that have tickets.
    pub(crate) fn tenants(&self) -> Vec<TenantId> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.keys().cloned().collect()
    }
}

impl Projection for TicketLists {
    fn name(&self) -> &'static str {
        "ticket list"
    }

    fn position(&self) -> Position {
        self.position.load(Ordering::Acquire)
    }

    fn n_items(&self) -> u64 {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.values().map(|listed| listed.index.len() as u64).sum()
    }

    /// A commit that does not fold is noted, and its ticket's row stays as it was before.
    fn fold(&self, commits: &[TicketCommit<'_>], up_to: Position) {
        if !commits.is_empty() {
            let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
            for read in commits {
                let number = u32::try_from(tenants.len()).unwrap_or(u32::MAX);
                let listed = tenants.entry(read.tenant.clone()).or_insert_with(|| Listed {
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
        self.position.store(up_to, Ordering::Release);
    }

    fn restore(&self, log: &dyn EventLog) -> Result<(), Fault> {
        self.read_last_checkpoint(log)
    }

    fn store(&self, log: &dyn EventLog, is_over: &dyn Fn() -> bool) -> Result<(), Fault> {
        self.store_segments(log, is_over)
    }
}
