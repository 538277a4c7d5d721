//! The form of a definition: components, their types, what a node lets one do with a field, and which values a
//! field takes (semantics 2 and 6).
//!
//! Not here: which fields one command may write (`ticket::field_rules`), how a condition compares (`condition`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::directory::Directory;
use crate::id::FieldKey;
use crate::value::Value;
use crate::workflow::node::Node;

/// What a node lets one do with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FieldPermission {
    /// Not there.
    Hidden,
    /// Seen, not written.
    Readonly,
    /// May be written.
    Optional,
    /// Must be there.
    Required,
}

impl FieldPermission {
    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Readonly => "readonly",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }

    /// Reads the wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Hidden, Self::Readonly, Self::Optional, Self::Required].into_iter().find(|one| one.word() == word)
    }

    /// Whether the field may be written.
    #[must_use]
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Optional | Self::Required)
    }
}
