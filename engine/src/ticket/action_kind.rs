//! Kinds of actions, and the words they are stored and known by. What each is, is in `action/<name>.rs`.

use serde::{Deserialize, Serialize};

use crate::id::EdgeId;
use crate::workflow::{Edge, EdgeKind};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal,)*) => {
        /// Kinds of actions. Stored by position: only ever append.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ActionKind {
            $($(#[$doc])* $kind,)*
        }

        impl ActionKind {
            /// All kinds.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$kind),*];

            /// The word that it is known by, in definitions and histories too: `action_type`, and `action_id` of all but
            /// edges.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }
        }
    };
}

kinds! {
    /// Takes an agree edge.
    Agree = "agree",
    /// Takes a reject edge.
    Reject = "reject",
    /// Takes another edge.
    Other = "other",
    /// Claims a node that several may have.
    Accept = "accept",
    /// Gives the place to someone else.
    Forward = "forward",
    /// Asks someone.
    Consult = "consult",
    /// Gives an answer to who asked.
    ConsultSubmit = "consult_submit",
    /// Says something.
    AddComment = "add_comment",
    /// Takes the ticket back to start.
    Withdraw = "withdraw",
    /// Gives a node to someone by force.
    ForceForward = "force_forward",
    /// Ends the ticket by force.
    ForceClose = "force_close",
    /// Moves the ticket to a node by force.
    ForceAlterNode = "force_alter_node",
    /// Tries again what failed for good.
    RetryHook = "retry_hook",
    /// Throws a draft away.
    Discard = "discard",
    /// Goes on without what a timer or hook waits for, or without an effect that failed.
    Skip = "skip",
    /// Goes without a vote.
    Abstain = "abstain",
    /// Has somebody act as well.
    AddSigner = "add_signer",
    /// Takes back what the operator asked of another.
    TakeBack = "take_back",
    /// Sends a token back to a node that it has been on.
    ReturnTo = "return_to",
    /// Takes back what the same person did last.
    Undo = "undo",
    /// Gives a node that was accepted back to all who could have.
    GiveBack = "give_back",
}

impl ActionKind {
    /// The kind with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The action that takes an edge; `None` for one that only a gateway takes.
    #[must_use]
    pub fn of_edge(edge: &Edge) -> Option<Self> {
        match edge.kind {
            EdgeKind::Agree => Some(Self::Agree),
            EdgeKind::Reject => Some(Self::Reject),
            EdgeKind::Other => Some(Self::Other),
            EdgeKind::Condition => None,
        }
    }

    /// The `action_id`: the edge's id, or the action's word.
    pub(crate) fn id(self, edge: Option<&EdgeId>) -> &str {
        edge.map_or(self.word(), EdgeId::as_str)
    }

    /// Whether it is history and nothing else: it makes nobody one who worked on the ticket, and a ticket that was
    /// talked full has no room for it.
    #[must_use]
    pub fn is_remark(self) -> bool {
        matches!(self, Self::AddComment)
    }

    /// Whether it takes an edge.
    #[must_use]
    pub fn is_edge(self) -> bool {
        matches!(self, Self::Agree | Self::Reject | Self::Other)
    }
}
