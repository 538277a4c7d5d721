//! What a commit owes the outside, and the id by which it is known until it is closed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of an effect within its ticket: the version of the event that owes it, and its place in that event (0 where
/// the event owes just one). Written `12.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// The ticket's version with the event that owes it.
    pub version: u64,
    /// Its place there, from 0.
    pub index: u32,
}

impl EffectId {
    /// The only effect of an event.
    #[must_use]
    pub fn of(version: u64) -> Self {
        Self { version, index: 0 }
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.version, self.index)
    }
}

impl FromStr for EffectId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (version, index) = text.split_once('.').ok_or(())?;
        let id = Self {
            version: version.parse().map_err(drop)?,
            index: index.parse().map_err(drop)?,
        };
        // `012.0` and `+12.0` parse too: one effect has one name.
        if id.to_string() == text { Ok(id) } else { Err(()) }
    }
}

/// One debt of [`Event::EffectsOwed`](super::Event::EffectsOwed). Stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwedEffect {
    /// An event hook of the workflow is to be posted to.
    EventHook {
        /// Its id in the definition.
        hook: String,
        /// The event's word, as definitions have it.
        event: String,
    },
}

impl OwedEffect {
    /// About how many bytes its texts have.
    #[must_use]
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::EventHook { hook, event } => hook.len() + event.len(),
        }
    }
}
