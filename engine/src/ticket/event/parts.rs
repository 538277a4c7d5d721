//! What some events carry, each whole.

use serde::{Deserialize, Serialize};

use crate::id::{AppName, EdgeId, FieldKey, NodeId, TenantId, TicketId, TokenId, UserId, VersionName, WorkflowId};
use crate::ticket::action_kind::ActionKind;
use crate::value::Value;

/// See [`Event::TicketCreated`](super::Event::TicketCreated).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketCreated {
    /// The ticket.
    pub ticket_id: TicketId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// The version it stays on.
    pub version_name: VersionName,
    /// The start node.
    pub start: NodeId,
    /// Its creator.
    pub creator: UserId,
    /// Through which application.
    pub app: AppName,
    /// Its parent and the parent's node.
    pub parent: Option<(TicketId, NodeId)>,
    /// Who gets to see it.
    pub cc: Vec<UserId>,
}

/// See [`Event::ActionTaken`](super::Event::ActionTaken).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionTaken {
    /// What kind of action.
    pub kind: ActionKind,
    /// Its id: the edge's id, or the action's word.
    pub action_id: String,
    /// At which node.
    pub node: Option<NodeId>,
    /// On which token.
    pub token: Option<TokenId>,
    /// Whom it concerned: the target of forward, consult, force_forward.
    pub target: Option<UserId>,
    /// What was said.
    pub comment: Option<String>,
}

/// One field that got a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which.
    pub key: FieldKey,
    /// What it was; `None` where it had none.
    pub from: Option<Value>,
    /// What it is.
    pub to: Value,
}

impl FieldChange {
    /// About how many bytes it has.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.key.as_str().len() + self.from.as_ref().map_or(0, Value::n_bytes) + self.to.n_bytes()
    }
}

/// One branch of a fork.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// The new token.
    pub token: TokenId,
    /// The edge it took.
    pub edge: EdgeId,
    /// The node it goes into.
    pub to: NodeId,
}
