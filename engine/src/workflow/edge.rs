//! Edges of a definition (semantics: definitions).

use crate::id::{EdgeId, NodeId};
use crate::text::is_blank;
use crate::workflow::condition::ConditionGroups;

/// One edge.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Its id, which is the `action_id` of the action that takes it.
    pub id: EdgeId,
    /// Name shown to people; may be empty where no person takes it.
    pub name: String,
    /// What it is.
    pub kind: EdgeKind,
    /// Where it leaves.
    pub source: NodeId,
    /// Where it leads.
    pub target: NodeId,
    /// What must hold for a gateway to take it.
    pub conditions: ConditionGroups,
    /// Required fields need not be filled in to take it.
    pub skip_fields_required_check: bool,
    /// `props` as given; with the action they are shown without secrets (`without_secrets`).
    pub props: serde_json::Value,
}

/// Kinds of edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// A person agrees; `accept` in older definitions.
    Agree,
    /// A person rejects.
    Reject,
    /// A person does something else.
    Other,
    /// A gateway chooses.
    Condition,
}

impl Edge {
    /// The name, or the id where it has none.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        if is_blank(&self.name) {
            self.id.as_str()
        } else {
            &self.name
        }
    }
}

impl EdgeKind {
    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Reject => "reject",
            Self::Other => "other",
            Self::Condition => "condition",
        }
    }

    /// Reads the definition's word; `accept` is an older spelling of `agree`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "agree" | "accept" => Some(Self::Agree),
            "reject" => Some(Self::Reject),
            "other" => Some(Self::Other),
            "condition" => Some(Self::Condition),
            _ => None,
        }
    }
}
