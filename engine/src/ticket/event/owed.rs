//! What a commit owes the outside, and the id by which it is known until it is closed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::account::notice_event::NoticeEvent;
use crate::id::{ChannelId, FieldKey, NodeId, TicketId, TokenId, UserId, WorkflowId};
use crate::value::Value;

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
    /// A sub-ticket is to be created.
    Child(Box<OwedChild>),
    /// The parent is to learn how this ticket ended.
    TellParent {
        /// The parent.
        parent: TicketId,
        /// How it ended.
        state: ChildEnd,
    },
    /// A sub-ticket is to be closed with its parent.
    CloseChild {
        /// Which.
        child: TicketId,
        /// Who closes both.
        by: UserId,
    },
    /// People are to be told something.
    Notice(Box<OwedNotice>),
}

/// See [`OwedEffect::Notice`]. What it says is made when it is sent, from the ticket as the commit left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedNotice {
    /// What they are told of.
    pub event: NoticeEvent,
    /// Over which channel of the tenant.
    pub channel: ChannelId,
    /// Who: one person, or all that a message to a group names.
    pub to: Vec<UserId>,
    /// The token that it is about.
    pub token: Option<TokenId>,
    /// Its node.
    pub node: Option<NodeId>,
}

impl OwedNotice {
    /// The token whose stay it ends with.
    #[must_use]
    pub fn visit(&self) -> Option<TokenId> {
        self.token.filter(|_| self.event.ends_with_visit())
    }

    /// What it is about, for people; no address.
    #[must_use]
    pub fn target(&self) -> String {
        let to: Vec<&str> = self.to.iter().take(NAMED_MAX).map(UserId::as_str).collect();
        let more = self.to.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("{} over {} to {}{more}", self.event.word(), self.channel, to.join(", "))
    }
}

/// People whom one line names.
const NAMED_MAX: usize = 10;

/// See [`OwedEffect::Child`]: everything that its creation takes, so it is the same in every try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedChild {
    /// Its id.
    pub child: TicketId,
    /// Of which workflow.
    pub workflow_id: WorkflowId,
    /// Who is its creator.
    pub creator: UserId,
    /// The edge out of its start: `None` for the only agree edge, an empty text for none.
    pub action_id: Option<String>,
    /// What it is filled in with.
    pub fields: BTreeMap<FieldKey, Value>,
    /// The token of the parent whose stay opens it.
    pub token: TokenId,
    /// The parent's node.
    pub node: NodeId,
}

/// A question that was asked outside before a commit was decided, and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedQuestion {
    /// The same for the same question.
    pub id: String,
    /// `assignees` or `pre_create`.
    pub kind: String,
    /// The node or event hook that asks.
    pub place: String,
    /// The host that was asked.
    pub host: String,
    /// `people`, `agreed` or `refused`.
    pub outcome: String,
    /// How many people were named.
    pub n: u32,
}

/// How a sub-ticket ended. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChildEnd {
    /// At its end.
    Finished,
    /// Rejected for good.
    Rejected,
    /// Closed by force.
    Closed,
    /// Discarded as a draft.
    Discarded,
    /// It never came to be.
    None,
}

impl ChildEnd {
    /// Its stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Rejected => "rejected",
            Self::Closed => "closed",
            Self::Discarded => "discarded",
            Self::None => "none",
        }
    }
}

impl OwedEffect {
    /// About how many bytes its texts have.
    #[must_use]
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::EventHook { hook, event } => hook.len() + event.len(),
            Self::Child(child) => {
                let fields = child.fields.iter();
                fields.map(|(key, value)| key.as_str().len() + value.n_bytes()).sum()
            }
            Self::TellParent { .. } | Self::CloseChild { .. } => 0,
            Self::Notice(notice) => notice.to.iter().map(|user| user.as_str().len()).sum(),
        }
    }
}
