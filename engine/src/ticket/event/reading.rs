//! Events read for one question: what caused a commit, or how tokens moved in it. Whoever asks matches the few answers,
//! without a list of all events that are none; a new event is asked of here once, and a new answer of every reader.
//!
//! Not here: what an event makes of a ticket (`apply`), what it causes outside (`effect`).

use crate::account::notice_event::NoticeEvent;
use crate::id::{EdgeId, FileId, NodeId, TicketId, TokenId, UserId, VersionName};
use crate::ticket::event::{ActionTaken, Branch, ChildEnd, EffectId, Event, OwedEffect, TicketCreated, Undone};
use crate::ticket::token::ForkId;

/// What caused a commit: everything else in it follows from this. A commit without any is the engine's own review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'e> {
    /// See [`Event::TicketCreated`].
    Created(&'e TicketCreated),
    /// See [`Event::ActionTaken`].
    Action(&'e ActionTaken),
    /// See [`Event::TimerFired`].
    TimerFired {
        /// The token that waited.
        token: TokenId,
        /// The timer node.
        node: &'e NodeId,
    },
    /// See [`Event::HookSucceeded`].
    HookSucceeded {
        /// The token that waited.
        token: TokenId,
        /// The hook node.
        node: &'e NodeId,
    },
    /// See [`Event::HookFailed`].
    HookFailed {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: &'e NodeId,
        /// What went wrong.
        reason: &'e str,
    },
    /// See [`Event::Migrated`].
    Migrated {
        /// To which version.
        to: &'e VersionName,
    },
    /// See [`Event::HookAccepted`].
    HookAccepted {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: &'e NodeId,
    },
    /// See [`Event::ChildOpened`].
    ChildOpened {
        /// Its id.
        child: TicketId,
        /// The node.
        node: &'e NodeId,
    },
    /// See [`Event::ChildEnded`].
    ChildEnded {
        /// Which.
        child: TicketId,
        /// How.
        state: ChildEnd,
    },
    /// See [`Event::DeadlineReached`].
    DeadlineReached {
        /// The token that rests.
        token: TokenId,
        /// Its node.
        node: &'e NodeId,
        /// Which step.
        step: u32,
    },
    /// See [`Event::EffectDone`].
    EffectDone {
        /// Which.
        effect: EffectId,
    },
    /// See [`Event::EffectParked`].
    EffectParked {
        /// Which.
        effect: EffectId,
        /// What went wrong.
        reason: &'e str,
    },
    /// See [`Event::FileErased`].
    FileErased {
        /// Which.
        file: FileId,
        /// Why.
        reason: &'e str,
    },
    /// See [`Event::HolderDropped`] and [`Event::ShareDropped`]; an action that drops a share is a cause before it.
    Dropped {
        /// The token that waits.
        token: TokenId,
        /// Who can no longer act.
        user: &'e UserId,
    },
    /// See [`Event::HandedOver`].
    HandedOver {
        /// The token.
        token: TokenId,
        /// Who is absent.
        from: &'e UserId,
        /// Who has it now.
        to: &'e UserId,
        /// Who had it handed over.
        by: Option<&'e UserId>,
    },
}

/// How tokens moved: where they came to be, went and are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'e> {
    /// See [`Event::TicketCreated`].
    Created(&'e TicketCreated),
    /// See [`Event::EdgeTaken`] and [`Event::Resumed`].
    Edge {
        /// Which token.
        token: TokenId,
        /// Over which edge.
        edge: &'e EdgeId,
        /// From which node.
        from: &'e NodeId,
        /// Into which node.
        to: &'e NodeId,
    },
    /// See [`Event::Forked`].
    Forked {
        /// The token that is gone.
        token: TokenId,
        /// The new fork.
        fork: &'e ForkId,
        /// The new tokens.
        branches: &'e [Branch],
    },
    /// See [`Event::Joined`].
    Joined {
        /// The fork that is closed.
        fork: &'e ForkId,
        /// The merge.
        node: &'e NodeId,
        /// All of them.
        tokens: &'e [TokenId],
        /// The one that goes on.
        into: TokenId,
    },
    /// See [`Event::ForkLeft`].
    ForkLeft {
        /// The outermost fork that was left.
        fork: &'e ForkId,
        /// The others of the fork, which are gone.
        cancelled: &'e [TokenId],
    },
    /// See [`Event::TokensReplaced`].
    Replaced {
        /// Those that are gone.
        removed: &'e [TokenId],
        /// Where the new one was put.
        node: &'e NodeId,
    },
    /// See [`Event::Migrated`].
    Migrated {
        /// To which version.
        to: &'e VersionName,
        /// Every token with its new node.
        tokens: &'e [(TokenId, NodeId)],
    },
    /// See [`Event::Discarded`].
    Discarded,
    /// See [`Event::TokenReturned`].
    Returned {
        /// Which token.
        token: TokenId,
        /// From which node.
        from: &'e NodeId,
        /// Into which node.
        to: &'e NodeId,
    },
    /// See [`Event::Undone`].
    Undone(&'e Undone),
}

impl Step<'_> {
    /// Tokens whose stay at a node is over with it.
    #[must_use]
    pub fn ended_stays(&self) -> &[TokenId] {
        match self {
            Self::Edge { token, .. } | Self::Forked { token, .. } | Self::Returned { token, .. } => {
                std::slice::from_ref(token)
            }
            Self::Undone(undone) => &undone.ended,
            Self::Joined { tokens, .. } => tokens,
            Self::Replaced { removed, .. } => removed,
            Self::ForkLeft { cancelled, .. } => cancelled,
            Self::Created(_) | Self::Migrated { .. } | Self::Discarded => &[],
        }
    }
}

impl Event {
    /// Whether it is bookkeeping of effects: a commit of nothing else changes what no person looks at, so it makes no
    /// form stale that somebody fills in, and is no entry of the history they read (semantics: effects).
    #[must_use]
    pub fn is_bookkeeping(&self) -> bool {
        // Admins are told of what was given up in the commit that notes it.
        let is_incident =
            |owed: &OwedEffect| matches!(owed, OwedEffect::Notice(it) if it.event == NoticeEvent::Incident);
        if let Self::EffectsOwed { effects } = self {
            return effects.iter().all(is_incident);
        }
        matches!(
            self,
            Self::EffectDone { .. }
                | Self::EffectParked { .. }
                | Self::EffectRetried { .. }
                | Self::EffectSkipped { .. }
                | Self::HookAccepted { .. }
                | Self::DeadlineSet { .. }
                | Self::InterventionNeeded { .. }
                | Self::InterventionEnded
        )
    }

    /// What caused the commit, where this event says so.
    #[must_use]
    pub fn cause(&self) -> Option<Cause<'_>> {
        match self {
            Self::TicketCreated(created) => Some(Cause::Created(created)),
            Self::ActionTaken(taken) => Some(Cause::Action(taken)),
            Self::TimerFired { token, node } => Some(Cause::TimerFired { token: *token, node }),
            Self::HookSucceeded { token, node } => Some(Cause::HookSucceeded { token: *token, node }),
            Self::HookFailed { token, node, reason } => Some(Cause::HookFailed {
                token: *token,
                node,
                reason,
            }),
            Self::Migrated { to, .. } => Some(Cause::Migrated { to }),
            Self::HookAccepted { token, node, .. } => Some(Cause::HookAccepted { token: *token, node }),
            Self::ChildOpened { child, node, .. } => Some(Cause::ChildOpened { child: *child, node }),
            Self::ChildEnded { child, state } => Some(Cause::ChildEnded {
                child: *child,
                state: *state,
            }),
            Self::DeadlineReached { token, node, step, .. } => Some(Cause::DeadlineReached {
                token: *token,
                node,
                step: *step,
            }),
            Self::EffectDone { effect, .. } => Some(Cause::EffectDone { effect: *effect }),
            Self::EffectParked { effect, reason, .. } => Some(Cause::EffectParked {
                effect: *effect,
                reason,
            }),
            Self::FileErased { file, reason } => Some(Cause::FileErased { file: *file, reason }),
            Self::HolderDropped { token, user } | Self::ShareDropped { token, user, .. } => {
                Some(Cause::Dropped { token: *token, user })
            }
            Self::HandedOver { token, from, to, by } => Some(Cause::HandedOver {
                token: *token,
                from,
                to,
                by: by.as_ref(),
            }),
            Self::FieldsChanged { .. }
            | Self::TitleChanged { .. }
            | Self::EdgeTaken { .. }
            | Self::Forked { .. }
            | Self::JoinAwaited { .. }
            | Self::Joined { .. }
            | Self::ForkLeft { .. }
            | Self::TokensReplaced { .. }
            | Self::NodeEntered { .. }
            | Self::TimerSet { .. }
            | Self::HookRequested { .. }
            | Self::Accepted { .. }
            | Self::Forwarded { .. }
            | Self::Consulted { .. }
            | Self::ConsultSubmitted { .. }
            | Self::VoteCast { .. }
            | Self::ForceForwarded { .. }
            | Self::StateChanged { .. }
            | Self::InterventionNeeded { .. }
            | Self::InterventionEnded
            | Self::Discarded
            | Self::EffectsOwed { .. }
            | Self::EffectRetried { .. }
            | Self::EffectSkipped { .. }
            | Self::Asked { .. }
            | Self::VoteTakenBack { .. }
            | Self::WaitSkipped { .. }
            | Self::DeadlineSet { .. }
            | Self::Escalated { .. }
            | Self::Substituted { .. }
            | Self::SignerAdded { .. }
            | Self::ApprovalSkipped { .. }
            | Self::ConsultTakenBack { .. }
            | Self::GivenBack { .. }
            | Self::TokenReturned { .. }
            | Self::Resumed { .. }
            | Self::UndoKept
            | Self::Undone(_)
            | Self::ActedAs { .. } => None,
        }
    }

    /// How tokens moved, where they did.
    #[must_use]
    pub fn step(&self) -> Option<Step<'_>> {
        match self {
            Self::TicketCreated(created) => Some(Step::Created(created)),
            // Which way it went is in `to`, whatever way the edge leads.
            Self::EdgeTaken { token, edge, from, to } | Self::Resumed { token, from, edge, to } => Some(Step::Edge {
                token: *token,
                edge,
                from,
                to,
            }),
            Self::TokenReturned { token, from, to, .. } => Some(Step::Returned {
                token: *token,
                from,
                to,
            }),
            Self::Undone(undone) => Some(Step::Undone(undone)),
            Self::Forked { token, fork, branches } => Some(Step::Forked {
                token: *token,
                fork,
                branches,
            }),
            Self::Joined {
                fork,
                node,
                tokens,
                into,
            } => Some(Step::Joined {
                fork,
                node,
                tokens,
                into: *into,
            }),
            Self::ForkLeft { fork, cancelled, .. } => Some(Step::ForkLeft { fork, cancelled }),
            Self::TokensReplaced { removed, node, .. } => Some(Step::Replaced { removed, node }),
            Self::Migrated { to, tokens, .. } => Some(Step::Migrated { to, tokens }),
            Self::Discarded => Some(Step::Discarded),
            Self::ActionTaken(_)
            | Self::FieldsChanged { .. }
            | Self::TitleChanged { .. }
            | Self::JoinAwaited { .. }
            | Self::NodeEntered { .. }
            | Self::TimerSet { .. }
            | Self::TimerFired { .. }
            | Self::HookRequested { .. }
            | Self::HookSucceeded { .. }
            | Self::HookFailed { .. }
            | Self::Accepted { .. }
            | Self::Forwarded { .. }
            | Self::Consulted { .. }
            | Self::ConsultSubmitted { .. }
            | Self::VoteCast { .. }
            | Self::ForceForwarded { .. }
            | Self::StateChanged { .. }
            | Self::InterventionNeeded { .. }
            | Self::InterventionEnded
            | Self::EffectsOwed { .. }
            | Self::EffectDone { .. }
            | Self::EffectParked { .. }
            | Self::EffectRetried { .. }
            | Self::EffectSkipped { .. }
            | Self::HookAccepted { .. }
            | Self::WaitSkipped { .. }
            | Self::ChildOpened { .. }
            | Self::ChildEnded { .. }
            | Self::Asked { .. }
            | Self::ShareDropped { .. }
            | Self::VoteTakenBack { .. }
            | Self::HolderDropped { .. }
            | Self::DeadlineSet { .. }
            | Self::DeadlineReached { .. }
            | Self::Escalated { .. }
            | Self::Substituted { .. }
            | Self::HandedOver { .. }
            | Self::SignerAdded { .. }
            | Self::ApprovalSkipped { .. }
            | Self::ConsultTakenBack { .. }
            | Self::GivenBack { .. }
            | Self::UndoKept
            | Self::FileErased { .. }
            | Self::ActedAs { .. } => None,
        }
    }
}
