//! How much room a ticket has left: its events and what they hold have a bound (`limits`), as everything that grows has.
//!
//! Comments end a little earlier than everything else, so that a ticket that was talked full can be brought to its end.
//! At the bound itself it can only be ended. A single command may exceed a bound by what it brings, which has bounds of
//! its own. What the engine itself does to a ticket (looking at its holders again, taking it to another version) needs
//! no room: it is seldom, and no user's doing.

use crate::limits::{TICKET_BYTES_MAX, TICKET_COMMENTS_PERCENT_MAX, TICKET_EVENTS_MAX};
use crate::ticket::refusal::Refusal;
use crate::ticket::{ActionKind, Ticket};

/// What a ticket has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Everything.
    Free,
    /// Everything but comments.
    Talked,
    /// Its end.
    Full,
}

impl Room {
    /// The room a ticket has.
    pub(crate) fn of(ticket: &Ticket) -> Self {
        let reaches = |percent: u64| {
            ticket.version >= TICKET_EVENTS_MAX / 100 * percent || ticket.n_bytes >= TICKET_BYTES_MAX / 100 * percent
        };
        if reaches(100) {
            Self::Full
        } else if reaches(TICKET_COMMENTS_PERCENT_MAX) {
            Self::Talked
        } else {
            Self::Free
        }
    }

    /// Whether there is room for an action.
    pub(crate) fn takes(self, kind: ActionKind) -> bool {
        match self {
            Self::Free => true,
            Self::Talked => !kind.is_remark(),
            Self::Full => matches!(kind, ActionKind::ForceClose | ActionKind::Discard),
        }
    }

    /// Refuses what there is no room for.
    pub(crate) fn check(ticket: &Ticket, kind: Option<ActionKind>) -> Result<(), Refusal> {
        let room = Self::of(ticket);
        let is_taken = kind.map_or(room != Self::Full, |kind| room.takes(kind));
        if is_taken {
            return Ok(());
        }
        Err(Refusal::TicketFull {
            n_events: ticket.version,
            n_bytes: ticket.n_bytes,
            is_for_comments_only: room == Self::Talked,
        })
    }
}
