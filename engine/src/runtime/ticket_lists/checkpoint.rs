//! Checkpoints of the lists: segments of cards, each stored when it changed, and one page that says which there are and
//! from which position on the log is to be read again.
//!
//! ```text
//! ticket_list                page: position P, tenants with the numbers of their segments, what cannot be read
//! ticket_list/<t>/<s>        segment s of tenant number t: whose it is and how many times it was stored, then cards
//! ```
//!
//! Nothing stops for it. A segment is taken (pointers to its cards, well under a millisecond in which the follower
//! waits), then encoded and written while the log goes on; so segments are of different moments, each at least as young
//! as P. That does no harm: a card carries its ticket's version, and a commit that is in it already is passed over.
//! P is the position before the first change that is not stored. Storing may end after any segment; a crash finds old
//! and new segments. Should it find one that is older than the page says, which takes a loss of power, the list is
//! folded from the start.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use loonflow_storage::{Checkpoint, EventLog, Position};
use serde::{Deserialize, Serialize};

use super::{Listed, TicketLists};
use crate::codec::{self, CodecError};
use crate::id::TenantId;
use crate::runtime::fault::Fault;
use crate::runtime::projection::Projection;
use crate::view::ticket_list::{TenantIndex, encode_cards};

/// Name of the page, and beginning of the names of segments.
const PROJECTION: &str = "ticket_list";
/// Schema number of page and segments; another one is ignored and the list is folded from the start.
const SCHEMA: u16 = 4;
/// What the page says.
#[derive(Serialize, Deserialize)]
struct Page {
    /// Which fold from the start it is of.
    epoch: u64,
    tenants: Vec<StoredTenant>,
    /// Streams that cannot be read, and why: they may lie before the position from which a start reads.
    unreadable: Vec<(String, String)>,
}

/// A tenant on the page.
#[derive(Serialize, Deserialize)]
struct StoredTenant {
    id: TenantId,
    number: u32,
    /// Numbers, and how many times each was stored.
    segments: Vec<(u32, u64)>,
}

/// What stands before the cards of a segment.
#[derive(Serialize, Deserialize)]
struct SegmentHead {
    /// Which fold from the start it is of.
    epoch: u64,
    tenant: TenantId,
    /// Goes on counting whatever life of the process stored the segment, so that an older one is known for what it is.
    generation: u64,
}

/// Takes a stored segment apart.
fn parse_segment(state: &[u8]) -> Result<(SegmentHead, &[u8]), Fault> {
    let (n_bytes, rest) = state.split_first_chunk().ok_or_else(|| damaged("cut off"))?;
    let (head, cards) = rest
        .split_at_checked(u32::from_be_bytes(*n_bytes) as usize)
        .ok_or_else(|| damaged("cut off"))?;
    Ok((codec::decode(PROJECTION, SCHEMA, head)?, cards))
}

/// How many times a segment was stored: what this process knows of it, else what an earlier one left under its name.
fn stored_so_far(log: &dyn EventLog, name: &str, known: Option<u64>) -> Result<u64, Fault> {
    if let Some(known) = known {
        return Ok(known);
    }
    let left = log.checkpoint(name)?.filter(|left| left.schema == SCHEMA);
    let head = left.as_ref().and_then(|left| parse_segment(&left.state).ok());
    Ok(head.map_or(0, |(head, _)| head.generation))
}

fn segment_name(tenant: u32, segment: u32) -> String {
    format!("{PROJECTION}/{tenant}/{segment}")
}

fn damaged(reason: &str) -> Fault {
    Fault::Codec(CodecError::Damaged {
        kind: PROJECTION.into(),
        schema: SCHEMA,
        reason: reason.into(),
    })
}

impl TicketLists {
    /// Stores segments that changed, those first that have waited longest, then the page.
    pub(super) fn store_segments(&self, log: &dyn EventLog, is_over: &dyn Fn() -> bool) -> Result<(), Fault> {
        let begun = self.position();
        while !is_over() && self.store_segment(log, begun)? {}
        let (position, page) = self.page();
        log.put_checkpoint(
            PROJECTION,
            &Checkpoint {
                position,
                schema: SCHEMA,
                state: codec::encode(&page),
            },
        )?;
        Ok(())
    }

    /// Stores the segment that has waited longest, where one changed up to a position.
    fn store_segment(&self, log: &dyn EventLog, changed_up_to: Position) -> Result<bool, Fault> {
        let (changed_at, segment, tenant, number, generation, position, cards) = {
            let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
            let changed = tenants.iter().filter_map(|(tenant, listed)| {
                let (changed_at, segment) = listed.index.changed_first()?;
                Some((changed_at, segment, tenant.clone()))
            });
            let first = changed.min().filter(|(changed_at, ..)| *changed_at <= changed_up_to);
            let Some((changed_at, segment, tenant)) = first else {
                return Ok(false);
            };
            let Some(listed) = tenants.get_mut(&tenant) else {
                return Ok(false);
            };
            let cards = listed.index.take_segment(segment);
            let generation = listed.index.segment_generation(segment);
            // The follower sets the position after this lock: cards may be younger than it, never older.
            let position = self.position();
            (changed_at, segment, tenant, listed.number, generation, position, cards)
        };
        let name = segment_name(number, segment);
        let put = stored_so_far(log, &name, generation).and_then(|n_stored| {
            let generation = n_stored + 1;
            let head = codec::encode(&SegmentHead {
                epoch: self.epoch.load(Ordering::Acquire),
                tenant: tenant.clone(),
                generation,
            });
            let n_bytes = u32::try_from(head.len()).unwrap_or(u32::MAX);
            let state = [&n_bytes.to_be_bytes()[..], &head, &encode_cards(&cards)].concat();
            log.put_checkpoint(
                &name,
                &Checkpoint {
                    position,
                    schema: SCHEMA,
                    state,
                },
            )?;
            Ok(generation)
        });
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(listed) = tenants.get_mut(&tenant) {
            match &put {
                Ok(generation) => listed.index.segment_stored(segment, *generation),
                Err(_) => listed.index.segment_not_stored(segment, changed_at),
            }
        }
        put?;
        Ok(true)
    }

    /// The page for what is stored now, and the position that it speaks for.
    fn page(&self) -> (Position, Page) {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let changed = tenants.values().filter_map(|listed| listed.index.changed_first());
        let position = changed
            .map(|(changed_at, _)| changed_at.saturating_sub(1))
            .min()
            .unwrap_or_else(|| self.position());
        let page = Page {
            epoch: self.epoch.load(Ordering::Acquire),
            tenants: tenants
                .iter()
                .map(|(id, listed)| StoredTenant {
                    id: id.clone(),
                    number: listed.number,
                    segments: listed.index.stored_segments(),
                })
                .collect(),
            unreadable: self
                .unreadable
                .all()
                .into_iter()
                .map(|one| (one.stream, one.why))
                .collect(),
        };
        (position.min(self.position()), page)
    }

    /// Takes the last checkpoint, where it reads. Blocking.
    pub(super) fn read_last_checkpoint(&self, log: &dyn EventLog) -> Result<(), Fault> {
        let Some(page) = log
            .checkpoint(PROJECTION)?
            .filter(|checkpoint| checkpoint.schema == SCHEMA)
        else {
            return Ok(());
        };
        let (position, tenants) = match self.read_checkpoint(log, &page) {
            Ok(found) => found,
            Err(Fault::Codec(error)) => {
                // What is stored from here on is told apart from what the page on disk speaks of.
                self.epoch.fetch_add(1, Ordering::AcqRel);
                tracing::warn!(%error, "the checkpoint of the ticket list does not read; the list is folded from the start");
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        *self.tenants.write().unwrap_or_else(PoisonError::into_inner) = tenants;
        self.position.store(position, Ordering::Release);
        Ok(())
    }

    fn read_checkpoint(
        &self,
        log: &dyn EventLog,
        checkpoint: &Checkpoint,
    ) -> Result<(Position, BTreeMap<TenantId, Listed>), Fault> {
        let page: Page = codec::decode(PROJECTION, SCHEMA, &checkpoint.state)?;
        self.epoch.fetch_max(page.epoch, Ordering::AcqRel);
        let last = log.last_position();
        let position = checkpoint.position;
        let mut tenants = BTreeMap::new();
        for tenant in page.tenants {
            let (mut index, mut cards) = (TenantIndex::new(), Vec::new());
            for (number, generation) in tenant.segments {
                let stored = log
                    .checkpoint(&segment_name(tenant.number, number))?
                    .filter(|stored| stored.schema == SCHEMA && stored.position <= last)
                    .ok_or_else(|| damaged("a segment is missing"))?;
                let (head, bytes) = parse_segment(&stored.state)?;
                self.epoch.fetch_max(head.epoch, Ordering::AcqRel);
                if head.epoch != page.epoch || head.tenant != tenant.id || head.generation < generation {
                    return Err(damaged("a segment is not the one that was stored last"));
                }
                index.restore_segment((number, head.generation), bytes, &mut cards)?;
            }
            index.settle(cards)?;
            let listed = Listed {
                number: tenant.number,
                index,
            };
            tenants.insert(tenant.id, listed);
        }
        if position > last {
            return Err(damaged("it is ahead of the log"));
        }
        for (stream, why) in page.unreadable {
            self.unreadable.note(&stream, &why);
        }
        Ok((position, tenants))
    }
}

#[cfg(test)]
mod tests;
