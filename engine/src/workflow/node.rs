//! Nodes of a definition, by kind, with the properties that rules look at (semantics: definitions, assignees).
//!
//! Not here: reading them from JSON (`definition`), what a token does at one (`ticket::flow`).

use std::collections::BTreeMap;

use crate::account::token::Secret;
use crate::id::{DeptId, EdgeId, FieldKey, NodeId, RoleId, UserId, WorkflowId};
use crate::workflow::form::FieldPermission;

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id; nodes and edges share one space.
    pub id: NodeId,
    /// Name shown to people.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// Permission by field; a field that is not there is hidden here (`Form::permission_at` knows the exceptions).
    pub field_permissions: BTreeMap<FieldKey, FieldPermission>,
    /// Whether the creator may withdraw while a token is here.
    pub allow_withdraw: bool,
}

/// Kinds of nodes.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Where a ticket begins; the creator's.
    Start,
    /// Waits for its assignees.
    Normal(Box<NormalProps>),
    /// Where a ticket ends; nobody's.
    End,
    /// Takes the first way out whose conditions hold.
    Exclusive {
        /// Taken when none holds.
        default_branch: Option<EdgeId>,
    },
    /// Takes every way out.
    Parallel,
    /// Takes every way out whose conditions hold.
    Inclusive {
        /// Taken when none holds.
        default_branch: Option<EdgeId>,
    },
    /// Waits for an instant.
    Timer(TimerProps),
    /// Waits for an outside system.
    Hook(Box<HookProps>),
}

impl NodeKind {
    /// The definition's word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Normal(_) => "normal",
            Self::End => "end",
            Self::Exclusive { .. } => "exclusive",
            Self::Parallel => "parallel",
            Self::Inclusive { .. } => "inclusive",
            Self::Timer(_) => "timer",
            Self::Hook(_) => "hook",
        }
    }

    /// Whether a token moves on from here by itself.
    #[must_use]
    pub fn is_gateway(&self) -> bool {
        matches!(self, Self::Exclusive { .. } | Self::Parallel | Self::Inclusive { .. })
    }
}

/// Properties of a normal node.
#[derive(Clone, Debug)]
pub struct NormalProps {
    /// Who is assigned.
    pub assignee: AssigneeRule,
    /// How several assignees act.
    pub strategy: Strategy,
    /// No self-approval: the creator is never an assignee here.
    pub exclude_creator: bool,
    /// A ticket that comes back goes to its last handler here.
    pub remember_last_assignee: bool,
    /// Workflows that may be opened below this node.
    pub sub_workflows: Vec<WorkflowId>,
    /// Edges are refused while children are open.
    pub wait_for_sub_tickets: bool,
    /// Taken when the last child ends.
    pub auto_edge: Option<EdgeId>,
}

/// Who is assigned at a normal node; lists are as given, without duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssigneeRule {
    /// These users.
    Users(Vec<UserId>),
    /// Active members of these departments and their descendants.
    Depts(Vec<DeptId>),
    /// Active members of these roles.
    Roles(Vec<RoleId>),
    /// Found by relation to the creator.
    Variables(Vec<Variable>),
    /// Users named in these fields of the ticket.
    TicketField(Vec<FieldKey>),
    /// Users named in these fields of the parent ticket.
    ParentTicketField(Vec<FieldKey>),
    /// Asked from this URL (semantics: assignees).
    External(String),
}

/// Assignees found by relation to the creator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The creator.
    Creator,
    /// Approvers of the creator's primary department, else of the nearest ancestor that has some.
    CreatorDeptApprover,
    /// Leader of the creator's primary department.
    CreatorDeptLeader,
}

impl Variable {
    /// All, with their words.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Creator, "creator"),
        (Self::CreatorDeptApprover, "creator_dept_approver"),
        (Self::CreatorDeptLeader, "creator_dept_leader"),
    ];
}

/// How several assignees act. With one assignee every strategy is `Direct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Any one of them acts.
    Direct,
    /// One is drawn.
    Random,
    /// Someone must accept first.
    Voluntary,
    /// Everyone acts.
    Whole,
}

/// When a timer is due.
#[derive(Clone, Debug)]
pub enum TimerProps {
    /// So long after it was entered.
    Duration(jiff::Span),
    /// At the instant in a date or datetime field; at once where it is empty or past.
    UntilField(FieldKey),
}

/// Properties of a hook node.
#[derive(Clone)]
pub struct HookProps {
    /// Where it posts.
    pub url: String,
    /// Key of its signatures: a secret.
    pub token: Secret,
    /// Whether it waits for a call-back.
    pub is_async: bool,
}

impl std::fmt::Debug for HookProps {
    /// Without URL (it may carry credentials) and token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookProps")
            .field("is_async", &self.is_async)
            .finish_non_exhaustive()
    }
}
