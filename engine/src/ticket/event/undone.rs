//! What an undo puts back: everything of a ticket that the commit had changed, as it was before.

use serde::{Deserialize, Serialize};

use crate::id::{NodeId, TicketId, TokenId, UserId};
use crate::ticket::act_state::ActState;
use crate::ticket::clock::{Clock, LastRun};
use crate::ticket::event::EffectId;
use crate::ticket::round::Round;
use crate::ticket::signer::Signers;
use crate::ticket::substitute::StandIns;
use crate::ticket::token::Token;
use crate::time::Timestamp;

/// See [`Event::Undone`](super::Event::Undone). Values of fields, timers and clocks that run come in events of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The ticket's version with the `UndoKept` of the commit.
    pub commit: u64,
    /// Tokens that the commit brought to rest: these stays are over.
    pub ended: Vec<TokenId>,
    /// All tokens as they are by now, by age: with the ids and stays that they had before the commit.
    pub tokens: Vec<Token>,
    /// Id of the token made last.
    pub last_token: TokenId,
    /// The state.
    pub act_state: ActState,
    /// Nodes with another last handler than before the commit, and who that was.
    pub last_handlers: Vec<(NodeId, Option<UserId>)>,
    /// Nodes that were left by others with shares of a vote than before the commit, and who those were.
    pub last_voters: Vec<(NodeId, Option<Vec<UserId>>)>,
    /// Clocks of the stays that are open again, as the commit stopped them.
    pub clocks: Vec<Clock>,
    /// Nodes where the last clock ran otherwise than before the commit, and how far that was.
    pub last_clocks: Vec<(NodeId, Option<LastRun>)>,
    /// What stays that are open again owe, timers and deadlines aside.
    pub owed: Vec<OwedAgain>,
    /// Who has agreed since the ticket was on its way last.
    pub round: Round,
    /// Who stands in for whom.
    pub stand_ins: StandIns,
    /// Who was added by whom.
    pub signers: Signers,
}

impl OwedAgain {
    /// The sub-ticket that is still to be created.
    #[must_use]
    pub fn child(&self) -> Option<TicketId> {
        if let Self::Child { child, .. } = self {
            return Some(*child);
        }
        None
    }
}

/// An effect that is owed again, under the id that it had. Stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwedAgain {
    /// A call of a hook node.
    Hook {
        /// Its id.
        effect: EffectId,
        /// Since when it is owed.
        since: Timestamp,
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// The request's number.
        attempt: u32,
        /// The number of the visit's first request.
        first_attempt: u32,
        /// Whether it was taken on.
        is_accepted: bool,
        /// Why nobody tries it any more and since when, where that is so.
        failed: Option<(String, Timestamp)>,
    },
    /// The alarm for a call-back that does not come.
    NoCallBack {
        /// Its id.
        effect: EffectId,
        /// Since when it is owed.
        since: Timestamp,
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// When it must have come.
        due: Timestamp,
    },
    /// A sub-ticket that is still to be created.
    Child {
        /// Its id.
        effect: EffectId,
        /// Since when it is owed.
        since: Timestamp,
        /// The token whose stay opens it.
        token: TokenId,
        /// Its node.
        node: NodeId,
        /// Which.
        child: TicketId,
        /// Why nobody tries it any more, after how many tries and since when, where that is so.
        parked: Option<(String, u32, Timestamp)>,
    },
}
