//! What is wrong with a definition: one problem, with a stable code, its place, and a sentence that says how to mend it.
//!
//! Not here: the rules that find them (`definition` for shapes, `validate` for the rest).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{EdgeId, FieldKey, NodeId};

/// Whether a problem blocks publishing (semantics: validation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Blocks publishing.
    Error,
    /// Worth a look; does not block.
    Warning,
}

/// One problem of a definition (semantics: validation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable word for programs.
    pub code: &'static str,
    /// Whether it blocks publishing.
    pub severity: Severity,
    /// The node it is about.
    pub node: Option<NodeId>,
    /// The edge it is about.
    pub edge: Option<EdgeId>,
    /// The field it is about.
    pub field: Option<FieldKey>,
    /// What is wrong and how to mend it, for people.
    pub message: String,
}

impl Problem {
    /// An error without a place.
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            node: None,
            edge: None,
            field: None,
            message: message.into(),
        }
    }

    /// Something names a field that the form does not have.
    pub(crate) fn unknown_field(key: &FieldKey, what: &str) -> Self {
        Self::error("unknown_field", format!("{what}: correct the key, or add the field")).at_field(key)
    }

    /// A warning without a place.
    pub(crate) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The same, about a node.
    pub(crate) fn at_node(self, node: &NodeId) -> Self {
        Self {
            node: Some(node.clone()),
            ..self
        }
    }

    /// The same, about an edge.
    pub(crate) fn at_edge(self, edge: &EdgeId) -> Self {
        Self {
            edge: Some(edge.clone()),
            ..self
        }
    }

    /// The same, about a field.
    pub(crate) fn at_field(self, field: &FieldKey) -> Self {
        Self {
            field: Some(field.clone()),
            ..self
        }
    }

    /// Whether it blocks publishing.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
