//! What can be asked of a ticket.

use std::collections::BTreeMap;

use crate::id::{AppName, EdgeId, FieldKey, NodeId, TicketId, TokenId, UserId};
use crate::ticket::act::Act;
use crate::value::Value;

/// A request to a ticket.
#[derive(Clone, Debug)]
pub enum Command {
    /// Bring it into being.
    Create(Create),
    /// A person takes an action.
    Act(Act),
    /// A timer came due.
    FireTimer {
        /// The token that waits.
        token: TokenId,
    },
    /// A hook answered, or failed for good.
    ReportHook {
        /// The token that waits.
        token: TokenId,
        /// Which request this is about: a late answer to an earlier one is refused.
        attempt: u32,
        /// How it went.
        outcome: HookOutcome,
    },
    /// Go over to `Context::migrate_to`; an admin's or the operator's.
    Migrate {
        /// The admin; `None` for the operator at the machine.
        operator: Option<UserId>,
        /// Old node to new node; nodes not named keep their id.
        nodes: BTreeMap<NodeId, NodeId>,
    },
    /// Look again whether somebody can act, after users changed.
    ReviewHolders,
}

/// How a hook went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// Well.
    Succeeded,
    /// Not at all; the reason is shown to admins and holds no secret.
    Failed(String),
}

/// See [`Command::Create`].
#[derive(Clone, Debug)]
pub struct Create {
    /// A fresh id.
    pub ticket_id: TicketId,
    /// Who creates it.
    pub by: UserId,
    /// Through which application.
    pub app: AppName,
    /// The edge out of start to take; `None` for a draft.
    pub take: Option<EdgeId>,
    /// Values for the form.
    pub fields: BTreeMap<FieldKey, Value>,
    /// What is said with it.
    pub comment: Option<String>,
    /// Who is put in copy.
    pub cc: Vec<UserId>,
    /// The parent and its node; `Context::parent` holds the ticket.
    pub parent: Option<(TicketId, NodeId)>,
}
