//! What is kept for the lists of one tenant, and how a commit changes it.
//!
//! A *card* is a ticket without its fields, folded by the ticket's own `apply`. Cards stand in the order of
//! `(created_at, id)`; a card's place is its *ordinal*, the number in every bitmap, so order by time costs nothing.
//! A creation in the midst renumbers those behind it: few, as commits come nearly in the order of their times.
//!
//! ```text
//!  ordinal      0     1     2     3        a discarded draft leaves a gap (2), which a later renumbering,
//!  cards        A     B     -     C        or decoding, closes
//!  duty(hana)   x           .     x
//! ```
//!
//! Invariant: bitmaps and titles are those of the cards, and `live` holds the ordinals that have one.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::due::Dues;
use super::membership::{Key, Memberships};
use super::pool::Pool;
use super::segments::{Segments, decode_cards, encode_cards};
use super::title::Titles;
use crate::codec::CodecError;
use crate::id::{TicketId, UserId, VersionName, WorkflowId};
use crate::ticket::{self, Event, Meta, Ticket};
use crate::time::Timestamp;

/// Number of the form that [`TenantIndex::encode`] writes. Another one is not decoded: the log is read again instead.
pub(super) const SCHEMA: u16 = 5;
/// What the form is called when it does not decode.
pub(super) const KIND: &str = "ticket_list";

/// The lists of one tenant.
#[derive(Clone, Debug, Default)]
pub struct TenantIndex {
    slots: Vec<Slot>,
    ordinals: HashMap<TicketId, u32>,
    live: RoaringBitmap,
    memberships: Memberships,
    titles: Titles,
    dues: Dues,
    segments: Segments,
    pool: Pool,
    /// Position of the commit that is folded.
    position: u64,
}

/// One ordinal.
#[derive(Clone, Debug)]
struct Slot {
    /// What places are sorted by.
    place: (Timestamp, TicketId),
    /// The ticket without its fields; `None` once it was discarded.
    card: Option<Arc<Ticket>>,
    /// Which segment it is stored in.
    segment: u32,
}

impl TenantIndex {
    /// The lists of a tenant without tickets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tickets in all, drafts included and discarded ones not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ordinals.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ordinals.is_empty()
    }

    /// Folds one commit of one ticket. Commits of one ticket come in their order; those of several may mix.
    ///
    /// # Panics
    /// With more than `u32::MAX` tickets: a hundred a second for a year are fewer.
    pub fn fold(&mut self, ticket: TicketId, meta: &Meta, events: &[Event]) {
        let Some(&ordinal) = self.ordinals.get(&ticket) else {
            let card = events.iter().fold(None, |card, event| {
                let mut card = ticket::apply(card, event, meta)?;
                leave_fields_out(&mut card);
                Some(card)
            });
            if let Some(mut card) = card.filter(|card| !card.is_discarded) {
                self.pool.share(None, &mut card);
                self.insert(Arc::new(card));
            }
            return;
        };
        let Some(before) = self.card(ordinal).cloned() else {
            return;
        };
        let mut after = Ticket::clone(&before);
        for event in events {
            after.apply(event, meta);
            leave_fields_out(&mut after);
        }
        self.segments
            .change(self.slots[ordinal as usize].segment, self.position);
        self.slots[ordinal as usize].card = if after.is_discarded {
            self.forget(ordinal, &before);
            None
        } else {
            self.memberships.update(ordinal, &before, &after);
            self.titles.update(ordinal, &before.title, &after.title);
            self.dues.update(ordinal, before.clocks.due(), after.clocks.due());
            self.pool.share(Some(&before), &mut after);
            Some(Arc::new(after))
        };
    }

    /// Folds the commit at a position of the log, unless it is in already: a checkpoint's cards may be younger than the
    /// position from which the log is read again.
    ///
    /// # Errors
    /// In words, where the commit does not follow what is known of the ticket; then nothing changes.
    pub(crate) fn fold_at(
        &mut self,
        position: u64,
        ticket: TicketId,
        first_version: u64,
        (meta, events): (&Meta, &[Event]),
    ) -> Result<(), String> {
        let known = self.ordinal(ticket).and_then(|ordinal| self.card(ordinal));
        if let Some(card) = known {
            let last_version = (first_version + events.len() as u64).saturating_sub(1);
            if last_version <= card.version {
                return Ok(());
            }
            if first_version != card.version + 1 {
                return Err(format!("version {first_version} follows version {}", card.version));
            }
        }
        self.position = position;
        self.fold(ticket, meta, events);
        Ok(())
    }

    /// The version up to which a ticket's events are in its card; `None` for one that is not shown.
    #[must_use]
    pub fn version_of(&self, ticket: TicketId) -> Option<u64> {
        let card = self.ordinal(ticket).and_then(|ordinal| self.card(ordinal));
        card.map(|card| card.version)
    }

    /// Whether two indexes show a ticket alike, or neither shows it.
    #[must_use]
    pub fn agrees_on(&self, other: &Self, ticket: TicketId) -> bool {
        let card = |index: &Self| index.ordinal(ticket).and_then(|ordinal| index.card(ordinal).cloned());
        card(self) == card(other)
    }

    /// The versions that tickets are on, sorted: what a caller works out rights for.
    #[must_use]
    pub fn versions(&self) -> Vec<(WorkflowId, VersionName)> {
        self.memberships.by_version().keys().cloned().collect()
    }

    /// The tickets on which a user has a place: besides those on which they can act, those on which they wait for their
    /// turn in a vote or for what they asked somebody. Drafts included, oldest first.
    #[must_use]
    pub fn held_by(&self, user: &UserId) -> Vec<TicketId> {
        let of = |key: Key| self.memberships.of(&key).into_iter().flatten();
        let has_place = |ordinal: &u32| {
            let card = self.slots[*ordinal as usize].card.as_ref();
            let mut tokens = card.into_iter().flat_map(|card| &card.tokens);
            tokens.any(|token| token.rest.assignees().any(|one| one == user))
        };
        let waiting = of(Key::Related(user.clone())).filter(has_place);
        let held: BTreeSet<u32> = of(Key::Duty(user.clone())).chain(waiting).collect();
        let slots = held.into_iter().map(|ordinal| &self.slots[ordinal as usize]);
        slots.map(|slot| slot.place.1).collect()
    }

    /// The tickets that have a deadline which is due some time, by that.
    #[must_use]
    pub fn with_due(&self) -> Vec<TicketId> {
        let ordinals = self.dues.in_order();
        ordinals.map(|ordinal| self.slots[ordinal as usize].place.1).collect()
    }

    /// Takes a new card to its place.
    fn insert(&mut self, card: Arc<Ticket>) {
        let place = (card.created_at, card.id);
        let idx = self.slots.partition_point(|slot| slot.place < place);
        let displaced = self.slots.split_off(idx);
        for (ordinal, slot) in (idx..).zip(&displaced) {
            if let Some(card) = &slot.card {
                self.forget(ordinal_of(ordinal), card);
            }
        }
        let segment = self.segments.add(card.id);
        self.segments.change(segment, self.position);
        self.push(card, segment);
        for slot in displaced {
            if let Some(card) = slot.card {
                self.push(card, slot.segment);
            }
        }
    }

    /// Puts a card behind all others.
    fn push(&mut self, card: Arc<Ticket>, segment: u32) {
        let ordinal = ordinal_of(self.slots.len());
        self.ordinals.insert(card.id, ordinal);
        self.live.insert(ordinal);
        self.memberships.insert(ordinal, &card);
        self.titles.update(ordinal, "", &card.title);
        self.dues.update(ordinal, None, card.clocks.due());
        self.slots.push(Slot {
            place: (card.created_at, card.id),
            card: Some(card),
            segment,
        });
    }

    /// Takes a card out of everything but its slot.
    fn forget(&mut self, ordinal: u32, card: &Ticket) {
        self.ordinals.remove(&card.id);
        self.live.remove(ordinal);
        self.memberships.remove(ordinal, card);
        self.titles.update(ordinal, &card.title, "");
        self.dues.update(ordinal, card.clocks.due(), None);
    }

    /// The cards as bytes in the order of their places. Bitmaps are not kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode_cards(self.slots.iter().filter_map(|slot| slot.card.as_ref()))
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// Bytes of another schema, and damaged ones. Neither loses anything: the log has it all.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let (mut index, mut cards) = (Self::new(), Vec::new());
        decode_cards(bytes, |card| cards.push(index.shared(card)))?;
        for card in cards {
            let segment = index.segments.add(card.id);
            index.push_next(card, segment)?;
        }
        Ok(index)
    }

    /// A card that was stored, with what it shares with others.
    pub(super) fn shared(&mut self, mut card: Ticket) -> Arc<Ticket> {
        self.pool.share(None, &mut card);
        Arc::new(card)
    }

    /// Puts a card that was stored behind all others.
    pub(super) fn push_next(&mut self, card: Arc<Ticket>, segment: u32) -> Result<(), CodecError> {
        let place = (card.created_at, card.id);
        if self.slots.last().is_some_and(|last| last.place >= place) {
            return Err(damaged("not in order"));
        }
        self.push(card, segment);
        Ok(())
    }

    /// The card at an ordinal.
    pub(super) fn card(&self, ordinal: u32) -> Option<&Arc<Ticket>> {
        self.slots.get(ordinal as usize)?.card.as_ref()
    }

    /// The ordinal of a ticket.
    pub(super) fn ordinal(&self, ticket: TicketId) -> Option<u32> {
        self.ordinals.get(&ticket).copied()
    }

    /// Ordinals in use, gaps included.
    pub(super) fn n_ordinals(&self) -> u64 {
        self.slots.len() as u64
    }

    /// The ordinals of tickets created within a range, both ends included.
    pub(super) fn ordinals_created(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> Range<u32> {
        let start = from.map_or(0, |from| self.slots.partition_point(|slot| slot.place.0 < from));
        let end = to.map_or(self.slots.len(), |to| {
            self.slots.partition_point(|slot| slot.place.0 <= to)
        });
        ordinal_of(start)..ordinal_of(end)
    }

    /// All ordinals with a card.
    pub(super) fn live(&self) -> &RoaringBitmap {
        &self.live
    }

    pub(super) fn memberships(&self) -> &Memberships {
        &self.memberships
    }

    pub(super) fn titles(&self) -> &Titles {
        &self.titles
    }

    pub(super) fn dues(&self) -> &Dues {
        &self.dues
    }

    pub(super) fn segments(&self) -> &Segments {
        &self.segments
    }

    pub(super) fn segments_mut(&mut self) -> &mut Segments {
        &mut self.segments
    }
}

/// Why bytes are no checkpoint.
pub(super) fn damaged(reason: &str) -> CodecError {
    CodecError::Damaged {
        kind: KIND.to_owned(),
        schema: SCHEMA,
        reason: reason.to_owned(),
    }
}

/// A ticket as lists have it: without its fields and files, without what it owes and opened, and without how it could go
/// back or who agreed to it.
#[must_use]
pub fn as_listed(ticket: &Ticket) -> Ticket {
    let mut card = Ticket::clone(ticket);
    card.undoable = None;
    (card.fields, card.files, card.round) = Default::default();
    (card.effects, card.children, card.answered_hooks) = Default::default();
    for token in &mut card.tokens {
        (token.path, token.candidates, token.back) = Default::default();
    }
    card
}

/// Fields and files are in no list, as they are or were; an emptied map is not made anew at every event.
fn leave_fields_out(card: &mut Ticket) {
    card.undoable = None;
    if !card.fields.is_empty() {
        Arc::make_mut(&mut card.fields).clear();
    }
    if !card.files.is_empty() {
        Arc::make_mut(&mut card.files).clear();
    }
}

fn ordinal_of(idx: usize) -> u32 {
    u32::try_from(idx).expect("a tenant has fewer tickets than there are ordinals")
}
