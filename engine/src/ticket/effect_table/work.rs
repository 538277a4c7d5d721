//! What an open effect is about, and what it has to wait for.
//!
//! Not here: how it is owed and closed (`effect_table`), how it is carried out (the runtime's `outbox`).

use serde::{Deserialize, Serialize};

use crate::account::notice_event::NoticeEvent;
use crate::id::{ChannelId, NodeId, TicketId, TokenId, UserId};
use crate::ticket::event::{ChildEnd, OwedNotice};
use crate::time::Timestamp;

/// What is to be done. Stored by position in snapshots and checkpoints, which are made anew under another schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Fire a timer node.
    Timer {
        /// The token that waits.
        token: TokenId,
        /// The timer node.
        node: NodeId,
        /// When.
        due: Timestamp,
    },
    /// Do a step of a deadline.
    Deadline {
        /// The token that rests.
        token: TokenId,
        /// Its node.
        node: NodeId,
        /// Which step.
        step: u32,
        /// When.
        due: Timestamp,
    },
    /// Post to a hook node's address, and once it was taken on wait for its call-back.
    Hook {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// The request's number.
        attempt: u32,
        /// The number of the visit's first request: an answer to any of them since is an answer.
        first_attempt: u32,
        /// Whether it was taken on.
        is_accepted: bool,
    },
    /// Note that a hook that was taken on has not called back.
    NoCallBack {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// When it must have.
        due: Timestamp,
    },
    /// Post to an event hook of the workflow.
    EventHook {
        /// Its id in the definition.
        hook: String,
        /// The event's word.
        event: String,
    },
    /// Create a sub-ticket; what it takes is in the event that owes it.
    Child {
        /// Its id.
        child: TicketId,
        /// The token whose stay opens it.
        token: TokenId,
        /// Its node.
        node: NodeId,
    },
    /// Look whether a sub-ticket that somebody was about to create is there.
    Reserved {
        /// Its id.
        child: TicketId,
        /// When it must be.
        due: Timestamp,
    },
    /// Tell the parent how this ticket ended.
    TellParent {
        /// The parent.
        parent: TicketId,
        /// How.
        state: ChildEnd,
    },
    /// Close a sub-ticket with its parent.
    CloseChild {
        /// Which.
        child: TicketId,
        /// Who closes both.
        by: UserId,
    },
    /// Tell people something.
    Notice(Box<OwedNotice>),
}

/// What must be carried out in order: an effect of a lane starts when every earlier one of it is closed or parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane<'e> {
    /// Calls of one visit of a hook node.
    Visit(TokenId),
    /// Calls of one event hook.
    EventHook(&'e str),
    /// Commands to another ticket.
    Ticket(TicketId),
    /// Messages to a person, or to a group, over a channel. One about an incident waits for no other.
    Notice {
        /// The channel.
        channel: &'e ChannelId,
        /// The person; `None` for a group.
        to: Option<&'e UserId>,
        /// Whether it is about an incident.
        is_incident: bool,
    },
}

impl Work {
    /// Stable word of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Timer { .. } => "timer",
            Self::Deadline { .. } => "deadline",
            Self::Hook { .. } => "hook",
            Self::NoCallBack { .. } => "call_back",
            Self::EventHook { .. } => "event_hook",
            Self::Child { .. } | Self::Reserved { .. } => "child",
            Self::TellParent { .. } => "parent",
            Self::CloseChild { .. } => "close_child",
            Self::Notice(_) => "notice",
        }
    }

    /// The token whose visit it belongs to: it ends with it.
    #[must_use]
    pub fn token(&self) -> Option<TokenId> {
        match self {
            Self::Timer { token, .. }
            | Self::Deadline { token, .. }
            | Self::Hook { token, .. }
            | Self::NoCallBack { token, .. }
            | Self::Child { token, .. } => Some(*token),
            Self::Notice(notice) => notice.visit(),
            Self::EventHook { .. } | Self::Reserved { .. } | Self::TellParent { .. } | Self::CloseChild { .. } => None,
        }
    }

    /// The node whose visit it belongs to.
    #[must_use]
    pub fn node(&self) -> Option<&NodeId> {
        match self {
            Self::Timer { node, .. }
            | Self::Deadline { node, .. }
            | Self::Hook { node, .. }
            | Self::NoCallBack { node, .. }
            | Self::Child { node, .. } => Some(node),
            Self::Notice(notice) => notice.node.as_ref(),
            Self::EventHook { .. } | Self::Reserved { .. } | Self::TellParent { .. } | Self::CloseChild { .. } => None,
        }
    }

    /// When it is due, where it waits for an instant and for nothing else.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Timer { due, .. }
            | Self::Deadline { due, .. }
            | Self::NoCallBack { due, .. }
            | Self::Reserved { due, .. } => Some(*due),
            Self::Hook { .. }
            | Self::EventHook { .. }
            | Self::Child { .. }
            | Self::TellParent { .. }
            | Self::CloseChild { .. }
            | Self::Notice(_) => None,
        }
    }

    /// The token, step and due instant of a deadline's alarm.
    #[must_use]
    pub fn step(&self) -> Option<(TokenId, u32, Timestamp)> {
        if let Self::Deadline { token, step, due, .. } = self {
            return Some((*token, *step, *due));
        }
        None
    }

    /// The lane of a call; `None` for what waits for an instant.
    #[must_use]
    pub fn lane(&self) -> Option<Lane<'_>> {
        match self {
            Self::Hook { token, .. } => Some(Lane::Visit(*token)),
            Self::EventHook { hook, .. } => Some(Lane::EventHook(hook)),
            Self::Child { child, .. } | Self::CloseChild { child, .. } => Some(Lane::Ticket(*child)),
            Self::TellParent { parent, .. } => Some(Lane::Ticket(*parent)),
            Self::Notice(notice) => Some(Lane::Notice {
                channel: &notice.channel,
                to: notice.to.first().filter(|_| notice.to.len() == 1),
                is_incident: notice.event == NoticeEvent::Incident,
            }),
            Self::Timer { .. } | Self::Deadline { .. } | Self::NoCallBack { .. } | Self::Reserved { .. } => None,
        }
    }

    /// Whether it is carried out by a command to another ticket, and by no call to the outside.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(self.lane(), Some(Lane::Ticket(_)))
    }

    /// The sub-ticket that it is to create.
    #[must_use]
    pub fn child(&self) -> Option<TicketId> {
        if let Self::Child { child, .. } = self {
            return Some(*child);
        }
        None
    }

    /// What it concerns, for people: a node, or a hook with its event; no address.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Timer { node, .. } | Self::Hook { node, .. } | Self::NoCallBack { node, .. } => node.to_string(),
            Self::Deadline { node, step, .. } => format!("step {step} of {node}"),
            Self::EventHook { hook, event } => format!("{hook} on {event}"),
            Self::Child { child, .. } | Self::Reserved { child, .. } | Self::CloseChild { child, .. } => {
                child.to_string()
            }
            Self::TellParent { .. } => "parent ticket".to_owned(),
            Self::Notice(notice) => notice.target(),
        }
    }
}
