//! The outbox's checkpoint: what is owed as of a position, so that a start finds a million alarms without reading the log.
//!
//! It is written in parts while the log goes on, and stored as one. So parts are of different moments, each at least as
//! young as the position. That does no harm: an entry carries its ticket's version and passes over what is in it already;
//! and a ticket without entry owed nothing at a moment after the position, which the commits since then come to again.

use std::ops::Bound;
use std::sync::atomic::Ordering;

use loonflow_storage::{Checkpoint, EventLog, Position};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::id::{TenantId, TicketId};
use crate::runtime::fault::Fault;
use crate::runtime::outbox::{Outbox, Owing, State, Tries};
use crate::runtime::projection::Projection;
use crate::ticket::{EffectId, EffectTable};

const PROJECTION: &str = "outbox";
/// Schema number; another one is ignored and the outbox is folded from the start.
const SCHEMA: u16 = 3;
/// Tickets of one part: so many are encoded while the follower waits, in about a millisecond.
const PART_TICKETS: usize = 2_000;

/// A ticket as stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    ticket: TicketId,
    tenant: TenantId,
    version: u64,
    table: EffectTable,
    tries: Vec<(EffectId, Tries)>,
}

impl Outbox {
    /// Stores all of it.
    pub(super) fn store_pages(&self, log: &dyn EventLog, is_over: &dyn Fn() -> bool) -> Result<(), Fault> {
        let position = self.position();
        let mut state = Vec::new();
        let mut after = None;
        while let Some(last) = self.encode_part(after, &mut state) {
            // A part alone is of no use: what was stored before stays.
            if is_over() {
                return Ok(());
            }
            after = Some(last);
        }
        let checkpoint = Checkpoint {
            position,
            schema: SCHEMA,
            state,
        };
        Ok(log.put_checkpoint(PROJECTION, &checkpoint)?)
    }

    /// Encodes the tickets that come after one; the last of them, `None` where there are none.
    fn encode_part(&self, after: Option<TicketId>, bytes: &mut Vec<u8>) -> Option<TicketId> {
        let state = self.state();
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let part = state.tickets.range((after, Bound::Unbounded)).take(PART_TICKETS);
        let part: Vec<Stored> = part
            .map(|(ticket, owing)| Stored {
                ticket: *ticket,
                tenant: owing.tenant.clone(),
                version: owing.version,
                table: owing.table.clone(),
                tries: owing.tries.iter().map(|(effect, tries)| (*effect, *tries)).collect(),
            })
            .collect();
        drop(state);
        let last = part.last()?.ticket;
        let encoded = codec::encode(&part);
        let n_bytes = u32::try_from(encoded.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&n_bytes.to_be_bytes());
        bytes.extend_from_slice(&encoded);
        Some(last)
    }

    /// Takes the last checkpoint, where it reads. Blocking.
    pub(super) fn read_checkpoint(&self, log: &dyn EventLog) -> Result<(), Fault> {
        let Some(stored) = log.checkpoint(PROJECTION)?.filter(|stored| stored.schema == SCHEMA) else {
            return Ok(());
        };
        let Some(restored) = read(&stored.state).filter(|_| stored.position <= log.last_position()) else {
            tracing::warn!("the checkpoint of the outbox does not read; it is folded from the start");
            return Ok(());
        };
        self.settle(restored, stored.position);
        Ok(())
    }

    fn settle(&self, restored: Vec<Stored>, position: Position) {
        let mut state = self.state();
        *state = State::default();
        for one in restored {
            let owing = Owing {
                tenant: one.tenant,
                version: one.version,
                table: one.table,
                tries: one.tries.into_iter().collect(),
            };
            state.tickets.insert(one.ticket, owing);
            state.note_indexed(one.ticket);
        }
        self.position.store(position, Ordering::Release);
    }
}

fn read(mut bytes: &[u8]) -> Option<Vec<Stored>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (n_bytes, rest) = bytes.split_first_chunk()?;
        let (part, rest) = rest.split_at_checked(u32::from_be_bytes(*n_bytes) as usize)?;
        let part: Vec<Stored> = codec::decode(PROJECTION, SCHEMA, part).ok()?;
        all.extend(part);
        bytes = rest;
    }
    Some(all)
}
