//! Which cards are stored together, and which of them changed since.
//!
//! A card goes into the segment that is open when its ticket comes to be, and stays there whatever its ordinal: so a
//! change touches one segment only, and a checkpoint stores the segments that changed. Each is a whole for itself: cards
//! carry their tickets' versions, and a commit that a card has in it already is passed over when the log is read again.

use std::sync::Arc;

use super::index::TenantIndex;
use crate::codec::{self, CodecError};
use crate::id::TicketId;
use crate::ticket::Ticket;

/// Cards of a full segment: a few MiB, so that one is taken and written in milliseconds.
const CARDS_MAX: usize = if cfg!(test) { 3 } else { 4_096 };

/// Cards that are stored together.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    /// Those that came into it, discarded ones included until it is taken.
    tickets: Vec<TicketId>,
    /// Position of the first commit that changed it since it was taken.
    changed_at: Option<u64>,
    /// Counts its stores; `None` while it was never stored.
    generation: Option<u64>,
}

/// The segments of a tenant, by number; the last is open.
#[derive(Clone, Debug, Default)]
pub(super) struct Segments(Vec<Segment>);

impl Segments {
    /// Puts a new ticket into the open segment; its number.
    pub(super) fn add(&mut self, ticket: TicketId) -> u32 {
        if self.0.last().is_none_or(|open| open.tickets.len() >= CARDS_MAX) {
            self.0.push(Segment::default());
        }
        let number = self.0.len() - 1;
        self.0[number].tickets.push(ticket);
        number_of(number)
    }

    /// Notes that a segment changed with the commit at a position.
    pub(super) fn change(&mut self, number: u32, position: u64) {
        if let Some(segment) = self.0.get_mut(number as usize) {
            segment.changed_at.get_or_insert(position);
        }
    }

    /// A segment as it was stored, at its number.
    pub(super) fn restore(&mut self, number: u32, generation: u64, tickets: Vec<TicketId>) {
        let idx = number as usize;
        if self.0.len() <= idx {
            self.0.resize(idx + 1, Segment::default());
        }
        self.0[idx] = Segment {
            tickets,
            changed_at: None,
            generation: Some(generation),
        };
    }
}

impl TenantIndex {
    /// The segment that changed first among those not stored since, and the position of that change.
    pub(crate) fn changed_first(&self) -> Option<(u64, u32)> {
        let all = (0..).zip(&self.segments().0);
        all.filter_map(|(number, segment)| Some((segment.changed_at?, number)))
            .min()
    }

    /// The cards of a segment, which counts as unchanged from here on.
    pub(crate) fn take_segment(&mut self, number: u32) -> Vec<Arc<Ticket>> {
        let Some(segment) = self.segments_mut().0.get_mut(number as usize) else {
            return Vec::new();
        };
        segment.changed_at = None;
        let mut tickets = std::mem::take(&mut segment.tickets);
        let mut cards = Vec::with_capacity(tickets.len());
        tickets.retain(|ticket| {
            let card = self.ordinal(*ticket).and_then(|ordinal| self.card(ordinal));
            cards.extend(card.cloned());
            card.is_some()
        });
        if let Some(segment) = self.segments_mut().0.get_mut(number as usize) {
            segment.tickets = tickets;
        }
        cards
    }

    /// How many times a segment was stored; `None` for never.
    pub(crate) fn segment_generation(&self, number: u32) -> Option<u64> {
        self.segments().0.get(number as usize)?.generation
    }

    /// Notes that a segment that was taken is stored.
    pub(crate) fn segment_stored(&mut self, number: u32, generation: u64) {
        if let Some(segment) = self.segments_mut().0.get_mut(number as usize) {
            segment.generation = Some(generation);
        }
    }

    /// Notes that a segment that was taken could not be stored: it has changed since `position` after all.
    pub(crate) fn segment_not_stored(&mut self, number: u32, position: u64) {
        if let Some(segment) = self.segments_mut().0.get_mut(number as usize) {
            segment.changed_at = Some(position);
        }
    }

    /// Numbers of the segments that were ever stored, and how many times each was.
    pub(crate) fn stored_segments(&self) -> Vec<(u32, u64)> {
        let all = (0..).zip(&self.segments().0);
        all.filter_map(|(number, segment)| Some((number, segment.generation?)))
            .collect()
    }

    /// Takes in the cards of a segment as they were stored; they are in no list before [`settle`](Self::settle). Each
    /// shares what it can at once, so that a start needs no more memory than what it leads to.
    ///
    /// # Errors
    /// As [`decode_cards`].
    pub(crate) fn restore_segment(
        &mut self,
        (number, generation): (u32, u64),
        bytes: &[u8],
        unsettled: &mut Vec<(u32, Arc<Ticket>)>,
    ) -> Result<(), CodecError> {
        let mut ids = Vec::new();
        decode_cards(bytes, |card| {
            ids.push(card.id);
            unsettled.push((number, self.shared(card)));
        })?;
        self.segments_mut().restore(number, generation, ids);
        Ok(())
    }

    /// Puts the cards of all segments into the lists.
    ///
    /// # Errors
    /// Where two segments hold the same ticket.
    pub(crate) fn settle(&mut self, mut cards: Vec<(u32, Arc<Ticket>)>) -> Result<(), CodecError> {
        cards.sort_by_key(|(_, card)| (card.created_at, card.id));
        for (number, card) in cards {
            self.push_next(card, number)?;
        }
        Ok(())
    }
}

/// Cards as bytes: the schema, then each card after its length.
pub(crate) fn encode_cards<'a>(cards: impl IntoIterator<Item = &'a Arc<Ticket>>) -> Vec<u8> {
    let mut bytes = super::index::SCHEMA.to_le_bytes().to_vec();
    for card in cards {
        let start = bytes.len();
        bytes.extend([0; 4]);
        codec::encode_into(card.as_ref(), &mut bytes);
        let n_bytes = number_of(bytes.len() - start - 4).to_le_bytes();
        bytes[start..start + 4].copy_from_slice(&n_bytes);
    }
    bytes
}

/// Reads what [`encode_cards`] wrote. Cards are decoded one by one: the codec bounds each, not their sum.
///
/// # Errors
/// Bytes of another schema, and damaged ones. Neither loses anything: the log has it all.
pub(super) fn decode_cards(bytes: &[u8], mut take: impl FnMut(Ticket)) -> Result<(), CodecError> {
    use super::index::{KIND, SCHEMA, damaged};
    let (schema, mut rest) = bytes.split_first_chunk().ok_or_else(|| damaged("no schema"))?;
    let schema = u16::from_le_bytes(*schema);
    if schema != SCHEMA {
        return Err(CodecError::Unknown {
            kind: KIND.to_owned(),
            schema,
        });
    }
    while !rest.is_empty() {
        let (n_bytes, behind) = rest.split_first_chunk().ok_or_else(|| damaged("no length"))?;
        let n_bytes = u32::from_le_bytes(*n_bytes) as usize;
        let (card, behind) = behind.split_at_checked(n_bytes).ok_or_else(|| damaged("cut short"))?;
        take(codec::decode(KIND, schema, card)?);
        rest = behind;
    }
    Ok(())
}

/// A tenant has fewer cards, and a card fewer bytes, than a number counts.
fn number_of(idx: usize) -> u32 {
    u32::try_from(idx).unwrap_or(u32::MAX)
}
