//! Work of the outside: what it is to be told because of a commit, and what a ticket waits for (semantics: effects).
//!
//! Both are a function of events, so they are found again after a crash. Not here: carrying them out.

use crate::id::{NodeId, TicketId, TokenId, UserId};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::{ActState, Event, Rest, Ticket};
use crate::time::Timestamp;
use crate::workflow::WorkflowVersion;

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Fire a timer.
    Timer {
        /// The token that waits.
        token: TokenId,
        /// The timer node.
        node: NodeId,
        /// When.
        due: Timestamp,
    },
    /// Post to a hook node's address.
    Hook {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// Which request this is: a late answer to an earlier one is refused.
        attempt: u32,
    },
    /// Tell new assignees.
    Notify {
        /// Whom.
        user: UserId,
    },
    /// Post to an event hook of the workflow.
    CallEventHook {
        /// Its name.
        hook: String,
        /// The event's word.
        event: &'static str,
    },
    /// Look whether a parent's node waits for this ticket.
    TellParent {
        /// The parent.
        parent: TicketId,
    },
}

impl Effect {
    /// Stable word of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Timer { .. } => "timer",
            Self::Hook { .. } => "hook",
            Self::Notify { .. } => "notify",
            Self::CallEventHook { .. } => "event_hook",
            Self::TellParent { .. } => "parent",
        }
    }

    /// What it concerns, without addresses or secrets. Which ticket a parent is, is not said: whoever acts on a ticket may
    /// not be allowed to view its parent.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Timer { node, due, .. } => format!("{node} at {due}"),
            Self::Hook { node, .. } => node.to_string(),
            Self::Notify { user } => user.to_string(),
            Self::CallEventHook { hook, event } => format!("{hook} on {event}"),
            Self::TellParent { .. } => "parent ticket".to_owned(),
        }
    }
}

/// Work that a ticket waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// A timer or a hook.
    pub effect: Effect,
    /// Why it failed for good, where it did: then it waits for somebody who tries it again.
    pub failed: Option<String>,
}

/// What a ticket waits for, by age of the token; found in its state, so a crash loses none.
#[must_use]
pub fn awaited(ticket: &Ticket) -> Vec<Awaited> {
    let awaited = ticket.tokens.iter().filter_map(|token| {
        let (token_id, node) = (token.id, token.node.clone());
        match &token.rest {
            Rest::Timer { due } => Some(Awaited {
                effect: Effect::Timer {
                    token: token_id,
                    node,
                    due: *due,
                },
                failed: None,
            }),
            Rest::Hook { attempt, failed } => Some(Awaited {
                effect: Effect::Hook {
                    token: token_id,
                    node,
                    attempt: *attempt,
                },
                failed: failed.clone(),
            }),
            Rest::Moving
            | Rest::Joining
            | Rest::Unassigned
            | Rest::Held { .. }
            | Rest::Offered { .. }
            | Rest::Shared { .. }
            | Rest::Ended => None,
        }
    });
    awaited.collect()
}

/// The work that the events of one commit cause, in their order. People are told only where the workflow has a
/// channel to tell them over.
#[must_use]
pub fn effects(events: &[Event], workflow: &WorkflowVersion, parent: Option<TicketId>) -> Vec<Effect> {
    let mut found = Vec::new();
    let has_channel = !workflow.notification.channels.is_empty();
    let notify = |users: Vec<UserId>| {
        users
            .into_iter()
            .filter(|_| has_channel)
            .map(|user| Effect::Notify { user })
    };
    let on = |event: &'static str| {
        let wanting = workflow
            .event_hooks
            .iter()
            .filter(move |hook| hook.events.iter().any(|wanted| wanted == event));
        wanting.map(move |hook| Effect::CallEventHook {
            hook: hook.name.clone(),
            event,
        })
    };
    for event in events {
        match event {
            Event::TicketCreated(_) => found.extend(on("create")),
            Event::ActionTaken(taken) => match taken.kind {
                ActionKind::Reject => found.extend(on("reject")),
                ActionKind::Withdraw => found.extend(on("withdraw")),
                ActionKind::ForceClose => found.extend(on("force_close")),
                ActionKind::Agree
                | ActionKind::Other
                | ActionKind::Accept
                | ActionKind::Forward
                | ActionKind::Consult
                | ActionKind::ConsultSubmit
                | ActionKind::AddComment
                | ActionKind::ForceForward
                | ActionKind::ForceAlterNode
                | ActionKind::RetryHook
                | ActionKind::Discard => {}
            },
            Event::NodeEntered { rest: Rest::Ended, .. } => {
                found.extend(parent.map(|parent| Effect::TellParent { parent }));
            }
            Event::NodeEntered { rest, .. } => found.extend(notify(rest.waiting_for())),
            Event::TimerSet { token, node, due } => found.push(Effect::Timer {
                token: *token,
                node: node.clone(),
                due: *due,
            }),
            Event::HookRequested { token, node, attempt } => found.push(Effect::Hook {
                token: *token,
                node: node.clone(),
                attempt: *attempt,
            }),
            Event::Forwarded { to, .. } | Event::Consulted { to, .. } | Event::ForceForwarded { to, .. } => {
                found.extend(notify(vec![to.clone()]));
            }
            Event::StateChanged { to: ActState::Finished } => found.extend(on("finish")),
            Event::StateChanged { .. }
            | Event::FieldsChanged { .. }
            | Event::TitleChanged { .. }
            | Event::EdgeTaken { .. }
            | Event::Forked { .. }
            | Event::JoinAwaited { .. }
            | Event::Joined { .. }
            | Event::ForkLeft { .. }
            | Event::TokensReplaced { .. }
            | Event::TimerFired { .. }
            | Event::HookSucceeded { .. }
            | Event::HookFailed { .. }
            | Event::Accepted { .. }
            | Event::ConsultSubmitted { .. }
            | Event::VoteCast { .. }
            | Event::InterventionNeeded { .. }
            | Event::InterventionEnded
            | Event::Discarded
            | Event::Migrated { .. } => {}
        }
    }
    found
}
