//! Typed ids. One macro makes the textual ones: any non-empty string, kept as given (semantics: definitions); what may
//! become an id from now on says `problem_of`.
//!
//! Not here: how ids are made (`port::IdSource`).

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::ID_CHARS_MAX;

/// An id whose text may be one copy for many.
#[cfg(feature = "runtime")]
pub(crate) trait SharedText {
    /// Its copy.
    fn text_mut(&mut self) -> &mut Arc<str>;
}

/// Why a text is no id for something new, with the text and the way out; `None` where it is one.
///
/// Tool arguments and definitions name several things in one text parted by commas, and trim what they read; logs and
/// messages show ids. So an id holds no comma, no white space at its ends and no control characters, and is bounded.
/// Only commands that bring an id in ask this: what a log holds already is read as it is.
#[must_use]
pub fn problem_of(text: &str) -> Option<String> {
    // That an id is missing is another problem.
    if text.trim().is_empty() {
        return None;
    }
    let n_chars = text.chars().count();
    if n_chars > ID_CHARS_MAX {
        let begin: String = text.chars().take(40).collect();
        let begin = begin.escape_debug();
        return Some(format!(
            "`{begin}…` of {n_chars} characters: give it at most {ID_CHARS_MAX}"
        ));
    }
    let shown = text.escape_debug();
    if text.contains(',') {
        Some(format!(
            "`{shown}` with a comma, at which lists of ids are parted: leave commas out"
        ))
    } else if text.trim() != text {
        Some(format!("`{shown}` with white space at an end: take it off"))
    } else if text.chars().any(char::is_control) {
        Some(format!("`{shown}` with a control character: leave it out"))
    } else {
        None
    }
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl Ord for $name {
            /// As texts. Most comparisons end at the same id, whose copies share one text.
            fn cmp(&self, other: &Self) -> Ordering {
                if Arc::ptr_eq(&self.0, &other.0) {
                    return Ordering::Equal;
                }
                self.0.cmp(&other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// Takes the text as it is.
            #[must_use]
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        #[cfg(feature = "runtime")]
        impl SharedText for $name {
            fn text_mut(&mut self) -> &mut Arc<str> {
                &mut self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

text_id! {
    /// A tenant.
    TenantId;
    /// A user, unique over all tenants by convention, looked up only within one.
    UserId;
    /// A department.
    DeptId;
    /// A role.
    RoleId;
    /// An application; its name is its id.
    AppName;
    /// A workflow within its tenant.
    WorkflowId;
    /// Name of one version of a workflow.
    VersionName;
    /// A node of a definition; nodes and edges share one space of ids.
    NodeId;
    /// An edge of a definition, which is the `action_id` of the action that takes it.
    EdgeId;
    /// Key of a form field.
    FieldKey;
    /// Public part of a personal access token.
    AccessTokenId;
    /// A calendar of a tenant.
    CalendarId;
    /// An absence of a user.
    AbsenceId;
    /// A channel of a tenant, over which people are told.
    ChannelId;
}

/// A ticket: a UUIDv7, so that ids sort by time of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(pub Uuid);

impl TicketId {
    /// Reads the usual hyphenated or plain form; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text.trim()).ok().map(Self)
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A file: a fresh UUID, never the digest of its bytes, so that whoever has the same bytes cannot tell it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub Uuid);

impl FileId {
    /// Reads the usual hyphenated or plain form; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text.trim()).ok().map(Self)
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A token of the game on a workflow's graph, numbered per ticket from 1 in the order of creation: lower is older.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(transparent)]
pub struct TokenId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_stand_in_a_list() {
        for text in [
            "u-ana",
            "01939f5a-3c00-7000-8000-000000000001",
            "Größe 2",
            "a.b/c@d",
            "审批",
        ] {
            assert_eq!(problem_of(text), None, "{text}");
        }
        let long = "x".repeat(ID_CHARS_MAX);
        assert_eq!(problem_of(&long), None);
        for (text, word) in [
            ("CN=Lia,OU=Yard", "comma"),
            (" a", "white space"),
            ("a\n", "white space"),
            ("a\u{3000}", "white space"),
            ("a\0b", "control"),
            ("a\u{85}b", "control"),
            (&format!("{long}x"), "characters"),
        ] {
            let problem = problem_of(text).expect("is no id");
            assert!(
                problem.contains(word) && !problem.contains(char::is_control),
                "{problem}"
            );
        }
    }
}
