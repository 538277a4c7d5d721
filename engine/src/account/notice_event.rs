//! What people are told of: the events that channels, definitions and tickets name (semantics: notices).
//!
//! Not here: who is told (`ticket::notices`), in which words (`notice`).

use serde::{Deserialize, Serialize};

/// What people are told of. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeEvent {
    /// Somebody can act who could not before.
    Assigned,
    /// A step of a deadline reminds people.
    Reminder,
    /// Whoever was consulted has answered.
    Answered,
    /// The ticket is back at its start.
    Returned,
    /// The ticket has come to its end.
    Finished,
    /// The ticket was closed by force.
    Closed,
    /// Somebody has commented.
    Commented,
    /// What somebody was told before is no longer so.
    Recalled,
    /// Something has failed, or nobody can act.
    Incident,
}

impl NoticeEvent {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Assigned,
        Self::Reminder,
        Self::Answered,
        Self::Returned,
        Self::Finished,
        Self::Closed,
        Self::Commented,
        Self::Recalled,
        Self::Incident,
    ];
    /// Those of a workflow that does not say which.
    pub const USUAL: [Self; 3] = [Self::Assigned, Self::Returned, Self::Reminder];

    /// The word of definitions and directories.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Reminder => "reminder",
            Self::Answered => "answered",
            Self::Returned => "returned",
            Self::Finished => "finished",
            Self::Closed => "closed",
            Self::Commented => "commented",
            Self::Recalled => "recalled",
            Self::Incident => "incident",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
    }

    /// Whether a workflow says if people are told of it: an incident is always told of, and a correction goes where went
    /// what it corrects.
    #[must_use]
    pub fn is_chosen(self) -> bool {
        !matches!(self, Self::Recalled | Self::Incident)
    }

    /// Whether a person may do without it: work cannot be refused by not reading of it, nor the care for what failed.
    #[must_use]
    pub fn can_be_off(self) -> bool {
        !matches!(self, Self::Assigned | Self::Incident)
    }

    /// Whether it is held back with others, where somebody wants that.
    #[must_use]
    pub fn can_wait(self) -> bool {
        self != Self::Incident
    }

    /// Whether it ends with the stay of a token that it is about.
    #[must_use]
    pub fn ends_with_visit(self) -> bool {
        matches!(self, Self::Assigned | Self::Reminder)
    }
}
