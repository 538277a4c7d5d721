//! Work of the outside: what it is to be told because of a commit, and what a ticket waits for (semantics: effects).
//!
//! Both are a function of events, so they are found again after a crash. Not here: carrying them out.

pub mod answer;
pub mod body;

use crate::id::{NodeId, TicketId, TokenId, UserId, WorkflowId};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::{ActState, Event, OwedAgain, OwedEffect, OwedNotice, Rest, Ticket};
use crate::time::Timestamp;
use crate::workflow::{Edge, EdgeKind, Node, WorkflowVersion};

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
    /// Post to a hook node's address.
    Hook {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// Which request this is: a late answer to an earlier one is refused.
        attempt: u32,
    },
    /// Tell people something.
    Notice(Box<OwedNotice>),
    /// Post to an event hook of the workflow.
    CallEventHook {
        /// Its id in the definition.
        hook: String,
        /// The event's word.
        event: String,
    },
    /// Create a sub-ticket.
    CreateChild {
        /// Of which workflow.
        workflow: WorkflowId,
        /// Who is its creator.
        creator: UserId,
    },
    /// Close a sub-ticket with its parent.
    CloseChild {
        /// Which.
        child: TicketId,
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
            Self::Deadline { .. } => "deadline",
            Self::Hook { .. } => "hook",
            Self::Notice(_) => "notice",
            Self::CallEventHook { .. } => "event_hook",
            Self::CreateChild { .. } => "child",
            Self::CloseChild { .. } => "close_child",
            Self::TellParent { .. } => "parent",
        }
    }

    /// When it is due, where it waits for an instant.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        if let Self::Timer { due, .. } | Self::Deadline { due, .. } = self {
            return Some(*due);
        }
        None
    }

    /// What it concerns, without addresses or secrets. Which ticket a parent is, is not said: whoever acts on a ticket may
    /// not be allowed to view its parent.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Timer { node, .. } => node.to_string(),
            Self::Deadline { node, step, .. } => format!("step {step} of {node}"),
            Self::Hook { node, .. } => node.to_string(),
            Self::Notice(notice) => notice.target(),
            Self::CallEventHook { hook, event } => format!("{hook} on {event}"),
            Self::CreateChild { workflow, creator } => format!("{workflow} by {creator}"),
            Self::CloseChild { child } => child.to_string(),
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
            | Rest::Voting(_)
            | Rest::Ended => None,
        }
    });
    awaited.collect()
}

/// What a commit owes the outside because of these events, in their order; recorded with them, so that another release
/// owes the same. `was_draft`: whether the ticket was a draft before, for leaving that is what `create` means to others.
#[must_use]
pub(crate) fn owed(events: &[Event], was_draft: bool, workflow: &WorkflowVersion) -> Vec<OwedEffect> {
    let mut found = Vec::new();
    if workflow.event_hooks.is_empty() {
        return found;
    }
    let on = |word: &'static str| {
        let wanting = workflow
            .event_hooks
            .iter()
            .filter(move |hook| hook.events.iter().any(|wanted| wanted == word));
        wanting.map(move |hook| OwedEffect::EventHook {
            hook: hook.shown_id().to_owned(),
            event: word.to_owned(),
        })
    };
    let mut is_sent = !was_draft;
    for event in events {
        match event {
            // A reject out of the start node is the creator's own.
            Event::EdgeTaken { edge, from, .. } => {
                let is_normal = |node: &Node| node.kind.as_normal().is_some();
                let rejects = |edge: &Edge| edge.kind == EdgeKind::Reject;
                if workflow.node(from).is_some_and(is_normal) && workflow.edge(edge).is_some_and(rejects) {
                    found.extend(on("reject"));
                }
            }
            Event::ActionTaken(taken) if taken.kind == ActionKind::Withdraw => found.extend(on("withdraw")),
            Event::ActionTaken(taken) if taken.kind == ActionKind::ForceClose => found.extend(on("force_close")),
            Event::StateChanged { to } => {
                if !is_sent && *to != ActState::InDraft {
                    is_sent = true;
                    found.extend(on("create"));
                }
                if *to == ActState::Finished {
                    found.extend(on("finish"));
                }
            }
            Event::ActionTaken(_)
            | Event::TicketCreated(_)
            | Event::FieldsChanged { .. }
            | Event::TitleChanged { .. }
            | Event::Forked { .. }
            | Event::JoinAwaited { .. }
            | Event::Joined { .. }
            | Event::ForkLeft { .. }
            | Event::TokensReplaced { .. }
            | Event::NodeEntered { .. }
            | Event::TimerSet { .. }
            | Event::TimerFired { .. }
            | Event::HookRequested { .. }
            | Event::HookSucceeded { .. }
            | Event::HookFailed { .. }
            | Event::Accepted { .. }
            | Event::Forwarded { .. }
            | Event::Consulted { .. }
            | Event::ConsultSubmitted { .. }
            | Event::VoteCast { .. }
            | Event::ForceForwarded { .. }
            | Event::InterventionNeeded { .. }
            | Event::InterventionEnded
            | Event::Discarded
            | Event::Migrated { .. }
            | Event::EffectsOwed { .. }
            | Event::EffectDone { .. }
            | Event::EffectParked { .. }
            | Event::EffectRetried { .. }
            | Event::EffectSkipped { .. }
            | Event::HookAccepted { .. }
            | Event::WaitSkipped { .. }
            | Event::ChildOpened { .. }
            | Event::ChildEnded { .. }
            | Event::Asked { .. }
            | Event::ShareDropped { .. }
            | Event::VoteTakenBack { .. }
            | Event::HolderDropped { .. }
            | Event::DeadlineSet { .. }
            | Event::DeadlineReached { .. }
            | Event::Escalated { .. }
            | Event::Substituted { .. }
            | Event::HandedOver { .. }
            | Event::SignerAdded { .. }
            | Event::ApprovalSkipped { .. }
            | Event::ConsultTakenBack { .. }
            | Event::GivenBack { .. }
            | Event::TokenReturned { .. }
            | Event::Resumed { .. }
            | Event::UndoKept
            | Event::Undone(_)
            | Event::FileErased { .. }
            | Event::ActedAs { .. } => {}
        }
    }
    found
}

/// The call that an undo owes again. Whose a sub-ticket is to be, only the event that owed it first says.
fn again(owed: &OwedAgain) -> Option<Effect> {
    match owed {
        OwedAgain::Hook {
            token, node, attempt, ..
        } => Some(Effect::Hook {
            token: *token,
            node: node.clone(),
            attempt: *attempt,
        }),
        OwedAgain::NoCallBack { .. } | OwedAgain::Child { .. } => None,
    }
}

/// The work that the events of one commit cause, in their order.
#[must_use]
pub fn effects(events: &[Event]) -> Vec<Effect> {
    let mut found = Vec::new();
    for event in events {
        match event {
            Event::TimerSet { token, node, due } => found.push(Effect::Timer {
                token: *token,
                node: node.clone(),
                due: *due,
            }),
            Event::DeadlineSet { token, node, steps, .. } => {
                found.extend(steps.iter().map(|(step, due)| Effect::Deadline {
                    token: *token,
                    node: node.clone(),
                    step: *step,
                    due: *due,
                }));
            }
            Event::DeadlineReached {
                token,
                node,
                step,
                next: Some(due),
                ..
            } => found.push(Effect::Deadline {
                token: *token,
                node: node.clone(),
                step: *step,
                due: *due,
            }),
            Event::Undone(undone) => found.extend(undone.owed.iter().filter_map(again)),
            Event::HookRequested { token, node, attempt } => found.push(Effect::Hook {
                token: *token,
                node: node.clone(),
                attempt: *attempt,
            }),
            Event::EffectsOwed { effects } => found.extend(effects.iter().map(|owed| match owed {
                OwedEffect::EventHook { hook, event } => Effect::CallEventHook {
                    hook: hook.clone(),
                    event: event.clone(),
                },
                OwedEffect::Child(child) => Effect::CreateChild {
                    workflow: child.workflow_id.clone(),
                    creator: child.creator.clone(),
                },
                OwedEffect::TellParent { parent, .. } => Effect::TellParent { parent: *parent },
                OwedEffect::CloseChild { child, .. } => Effect::CloseChild { child: *child },
                OwedEffect::Notice(notice) => Effect::Notice(notice.clone()),
            })),
            Event::TicketCreated(_)
            | Event::ActionTaken(_)
            | Event::StateChanged { .. }
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
            | Event::Migrated { .. }
            | Event::EffectDone { .. }
            | Event::EffectParked { .. }
            | Event::EffectRetried { .. }
            | Event::EffectSkipped { .. }
            | Event::HookAccepted { .. }
            | Event::WaitSkipped { .. }
            | Event::ChildOpened { .. }
            | Event::ChildEnded { .. }
            | Event::Asked { .. }
            | Event::ShareDropped { .. }
            | Event::VoteTakenBack { .. }
            | Event::HolderDropped { .. }
            | Event::DeadlineReached { next: None, .. }
            | Event::Substituted { .. }
            | Event::ApprovalSkipped { .. }
            | Event::ConsultTakenBack { .. }
            | Event::TokenReturned { .. }
            | Event::Resumed { .. }
            | Event::UndoKept
            | Event::HandedOver { .. }
            | Event::SignerAdded { .. }
            | Event::GivenBack { .. }
            | Event::NodeEntered { .. }
            | Event::Escalated { .. }
            | Event::Forwarded { .. }
            | Event::Consulted { .. }
            | Event::ForceForwarded { .. }
            | Event::FileErased { .. }
            | Event::ActedAs { .. } => {}
        }
    }
    found
}
