//! What a person does to a ticket: an action with all that it needs, and nothing that another would need.

use std::collections::BTreeMap;

use crate::id::{EdgeId, FieldKey, NodeId, UserId};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::event::{EffectId, SignerPosition};
use crate::value::Value;
use crate::workflow::WorkflowVersion;

/// An action as asked for. Each is described in the file of its name in `action`, and by its [`ActionKind`].
///
/// An id that is empty names nobody and nothing; the decision refuses it with the argument it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Takes an edge: agree, reject or other, as the workflow has it.
    Take {
        /// Which edge.
        edge: EdgeId,
        /// What the caller takes it for; refused where the edge is something else. `None` for whatever it is.
        kind: Option<ActionKind>,
    },
    /// Claims a node that several may have.
    Accept,
    /// Gives the place to someone else.
    Forward {
        /// To whom.
        to: UserId,
    },
    /// Asks someone.
    Consult {
        /// Whom.
        to: UserId,
    },
    /// Gives an answer to who asked.
    ConsultSubmit,
    /// Says something.
    AddComment,
    /// Takes the ticket back to start.
    Withdraw,
    /// Gives a node to someone by force.
    ForceForward {
        /// To whom.
        to: UserId,
    },
    /// Ends the ticket by force.
    ForceClose,
    /// Moves the ticket to a node by force.
    ForceAlterNode {
        /// Where to.
        to: NodeId,
    },
    /// Tries again what failed for good: one effect, those of the node that is named, or all.
    RetryHook {
        /// Which one.
        effect: Option<EffectId>,
    },
    /// Throws a draft away.
    Discard,
    /// Goes on without what a timer or hook waits for, or without an effect that failed: the one that is named, that of
    /// the node that is named, or the only one.
    Skip {
        /// Which one.
        effect: Option<EffectId>,
    },
    /// Goes without a vote.
    Abstain,
    /// Has somebody act as well.
    AddSigner {
        /// Whom.
        to: UserId,
        /// In which order.
        position: SignerPosition,
    },
    /// Takes back what somebody was asked, or that they were to act as well.
    TakeBack {
        /// Who was; needed where several could be meant.
        from: Option<UserId>,
    },
    /// Sends a token back to a node that it has been on.
    ReturnTo {
        /// Where to.
        to: NodeId,
        /// Whether the next edge that is no reject leads straight back.
        resume: bool,
    },
    /// Takes back what the same person did last: an edge, or a vote.
    Undo,
    /// Gives a node that was accepted back to all who could have.
    GiveBack,
}

impl Action {
    /// Takes an edge, whatever it is.
    #[must_use]
    pub fn take(edge: impl Into<EdgeId>) -> Self {
        Self::Take {
            edge: edge.into(),
            kind: None,
        }
    }

    /// The action that a kind and an id name, as histories hold them: the id of an action that takes no edge is its
    /// word. With another id it is an edge that is taken for this kind, which no edge is, so the decision refuses it.
    /// `to_user` and `to_node` are looked at where the action has use for them.
    #[must_use]
    pub fn of(kind: ActionKind, id: &str, to_user: Option<UserId>, to_node: Option<NodeId>) -> Self {
        let user = || to_user.clone().unwrap_or_else(|| UserId::from(""));
        let node = || to_node.unwrap_or_else(|| NodeId::from(""));
        let take = || Self::Take {
            edge: id.into(),
            kind: Some(kind),
        };
        if id != kind.word() {
            return take();
        }
        match kind {
            ActionKind::Agree | ActionKind::Reject | ActionKind::Other => take(),
            ActionKind::Accept => Self::Accept,
            ActionKind::Forward => Self::Forward { to: user() },
            ActionKind::Consult => Self::Consult { to: user() },
            ActionKind::ConsultSubmit => Self::ConsultSubmit,
            ActionKind::AddComment => Self::AddComment,
            ActionKind::Withdraw => Self::Withdraw,
            ActionKind::ForceForward => Self::ForceForward { to: user() },
            ActionKind::ForceClose => Self::ForceClose,
            ActionKind::ForceAlterNode => Self::ForceAlterNode { to: node() },
            ActionKind::RetryHook => Self::RetryHook { effect: None },
            ActionKind::Discard => Self::Discard,
            ActionKind::Skip => Self::Skip { effect: None },
            ActionKind::Abstain => Self::Abstain,
            ActionKind::AddSigner => Self::AddSigner {
                to: user(),
                position: SignerPosition::With,
            },
            ActionKind::TakeBack => Self::TakeBack { from: to_user },
            ActionKind::ReturnTo => Self::ReturnTo {
                to: node(),
                resume: false,
            },
            ActionKind::Undo => Self::Undo,
            ActionKind::GiveBack => Self::GiveBack,
        }
    }

    /// The same, so that what is returned comes straight back, where it is a return.
    #[must_use]
    pub fn resuming(self, resume: bool) -> Self {
        if let Self::ReturnTo { to, .. } = self {
            return Self::ReturnTo { to, resume };
        }
        self
    }

    /// Its kind, where it says so: an edge that is taken for whatever it is does not.
    #[must_use]
    pub fn said_kind(&self) -> Option<ActionKind> {
        Some(match self {
            Self::Take { kind, .. } => return *kind,
            Self::Accept => ActionKind::Accept,
            Self::Forward { .. } => ActionKind::Forward,
            Self::Consult { .. } => ActionKind::Consult,
            Self::ConsultSubmit => ActionKind::ConsultSubmit,
            Self::AddComment => ActionKind::AddComment,
            Self::Withdraw => ActionKind::Withdraw,
            Self::ForceForward { .. } => ActionKind::ForceForward,
            Self::ForceClose => ActionKind::ForceClose,
            Self::ForceAlterNode { .. } => ActionKind::ForceAlterNode,
            Self::RetryHook { .. } => ActionKind::RetryHook,
            Self::Discard => ActionKind::Discard,
            Self::Skip { .. } => ActionKind::Skip,
            Self::Abstain => ActionKind::Abstain,
            Self::AddSigner { .. } => ActionKind::AddSigner,
            Self::TakeBack { .. } => ActionKind::TakeBack,
            Self::ReturnTo { .. } => ActionKind::ReturnTo,
            Self::Undo => ActionKind::Undo,
            Self::GiveBack => ActionKind::GiveBack,
        })
    }

    /// Its kind; agree for an edge that is not there.
    #[must_use]
    pub fn kind(&self, workflow: &WorkflowVersion) -> ActionKind {
        let of_edge = || self.edge().and_then(|edge| ActionKind::of_edge(workflow.edge(edge)?));
        self.said_kind().or_else(of_edge).unwrap_or(ActionKind::Agree)
    }

    /// What a history calls it: the edge's id, or the action's word.
    #[must_use]
    pub fn id(&self) -> &str {
        let word = || self.said_kind().map_or("", ActionKind::word);
        self.edge().map_or_else(word, EdgeId::as_str)
    }

    /// The edge it takes.
    #[must_use]
    pub fn edge(&self) -> Option<&EdgeId> {
        if let Self::Take { edge, .. } = self {
            return Some(edge);
        }
        None
    }

    /// The person it concerns.
    #[must_use]
    pub fn to_user(&self) -> Option<&UserId> {
        if let Self::Forward { to } | Self::Consult { to } | Self::ForceForward { to } | Self::AddSigner { to, .. } =
            self
        {
            return Some(to);
        }
        if let Self::TakeBack { from } = self {
            return from.as_ref();
        }
        None
    }

    /// The effect it concerns.
    #[must_use]
    pub fn effect(&self) -> Option<EffectId> {
        if let Self::RetryHook { effect } | Self::Skip { effect } = self {
            return *effect;
        }
        None
    }

    /// The node it leads to.
    #[must_use]
    pub fn to_node(&self) -> Option<&NodeId> {
        if let Self::ForceAlterNode { to } | Self::ReturnTo { to, .. } = self {
            return Some(to);
        }
        None
    }
}

/// An action by somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Who acts.
    pub by: UserId,
    /// What they do.
    pub action: Action,
    /// Which token is meant, by its node; needed where several would do.
    pub at: Option<NodeId>,
    /// What is said with it.
    pub comment: Option<String>,
    /// Values for the form; only an action that takes an edge takes them.
    pub fields: BTreeMap<FieldKey, Value>,
    /// Of an action that takes all tokens away: whether open sub-tickets are closed too, as far as whoever acts may.
    pub closes_children: bool,
}

impl Act {
    /// An action without comment and fields, at the only node where it is open.
    #[must_use]
    pub fn new(by: impl Into<UserId>, action: Action) -> Self {
        Self {
            by: by.into(),
            action,
            at: None,
            comment: None,
            fields: BTreeMap::new(),
            closes_children: false,
        }
    }
}

/// An act that a decision takes, borrowed from where it came.
#[derive(Clone, Copy)]
pub(crate) struct Taking<'a> {
    pub(crate) by: &'a UserId,
    pub(crate) action: &'a Action,
    pub(crate) kind: ActionKind,
    pub(crate) at: Option<&'a NodeId>,
    pub(crate) comment: Option<&'a str>,
    pub(crate) fields: &'a BTreeMap<FieldKey, Value>,
    pub(crate) closes_children: bool,
}

impl<'a> Taking<'a> {
    pub(crate) fn of(act: &'a Act, workflow: &WorkflowVersion) -> Self {
        Self {
            by: &act.by,
            action: &act.action,
            kind: act.action.kind(workflow),
            at: act.at.as_ref(),
            comment: act.comment.as_deref(),
            fields: &act.fields,
            closes_children: act.closes_children,
        }
    }

    /// The edge's id, or the action's word.
    pub(crate) fn id(&self) -> &'a str {
        self.kind.id(self.action.edge())
    }
}
