//! What can be asked of a ticket.

use std::collections::BTreeMap;

use crate::id::{AppName, EdgeId, FieldKey, NodeId, TicketId, TokenId, UserId};
use crate::ticket::action_kind::ActionKind;
use crate::value::Value;

/// A request to a ticket.
#[derive(Clone, Debug)]
pub enum Command {
    /// Bring it into being.
    Create(Create),
    /// A person takes an action.
    Handle(Handle),
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
    pub creator: UserId,
    /// Through which application.
    pub app: AppName,
    /// The edge out of start to take; `None` for a draft.
    pub action_id: Option<EdgeId>,
    /// Values for the form.
    pub fields: BTreeMap<FieldKey, Value>,
    /// What is said with it.
    pub comment: Option<String>,
    /// Who is put in copy.
    pub cc: Vec<UserId>,
    /// The parent and its node; `Context::parent` holds the ticket.
    pub parent: Option<(TicketId, NodeId)>,
}

/// See [`Command::Handle`].
#[derive(Clone, Debug)]
pub struct Handle {
    /// Who acts.
    pub operator: UserId,
    /// What is to be done.
    pub action: ActionRequest,
    /// Values for the form; only an edge action takes them.
    pub fields: BTreeMap<FieldKey, Value>,
}

/// An action as asked for.
#[derive(Clone, Debug)]
pub struct ActionRequest {
    /// What kind.
    pub kind: ActionKind,
    /// The edge's id, or the action's word.
    pub action_id: String,
    /// Which token is meant, by its node.
    pub node_id: Option<NodeId>,
    /// What is said with it.
    pub comment: Option<String>,
    /// Whom it concerns.
    pub target_assignee_id: Option<UserId>,
    /// Where it leads.
    pub target_node_id: Option<NodeId>,
}
