//! Why a request to a ticket was turned down: understood and denied, nothing changed.
//!
//! Every refusal has a stable code, a sentence and the facts for a next step. Not here: the next step in a caller's words,
//! for MCP, REST and an embedding program each have their own (the facade's one table), faults of disk and process
//! (`runtime`).

use crate::id::{EdgeId, FieldKey, NodeId, TicketId};
use crate::limits;
use crate::ticket::action_kind::ActionKind;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such ticket for this caller: it does not exist, belongs to another tenant, or may not be seen.
    #[error("ticket `{id}` was not found")]
    TicketNotFound {
        /// As asked for.
        id: String,
    },
    /// There is no such workflow or version for this caller.
    #[error("workflow `{id}` was not found")]
    WorkflowNotFound {
        /// As asked for.
        id: String,
    },
    /// Someone may do this, but not this user.
    #[error("{what} is not yours to take: {who_may}")]
    PermissionDenied {
        /// What was asked for.
        what: String,
        /// Who may, in words.
        who_may: String,
    },
    /// The application may not use the workflow, or is unknown.
    #[error("application `{app}` may not be used here")]
    AppNotAllowed {
        /// Its name.
        app: String,
    },
    /// The action cannot be taken now.
    #[error("action `{action_type}` with id `{action_id}` is not available now")]
    ActionNotAvailable {
        /// As asked for.
        action_type: &'static str,
        /// As asked for.
        action_id: String,
        /// What this user can do.
        available: Vec<Available>,
    },
    /// The action fits several nodes.
    #[error("action `{action_id}` fits several nodes: {}", list(.nodes))]
    AmbiguousNode {
        /// As asked for.
        action_id: String,
        /// Those it fits.
        nodes: Vec<NodeId>,
    },
    /// Fields cannot be taken as sent; all problems at once, at most `limits::FIELD_PROBLEMS_MAX`.
    #[error("{}", field_sentence(.problems))]
    Fields {
        /// At least one.
        problems: Vec<FieldProblem>,
    },
    /// No way out of a gateway holds and it has no default.
    #[error("no way out of node `{node}` ({name}) fits the values of this ticket")]
    NoBranchMatches {
        /// The gateway.
        node: NodeId,
        /// Its name.
        name: String,
    },
    /// A node would be entered with nobody to act on it.
    #[error("nobody can be assigned at node `{node}` ({name}): {reason}")]
    NoAssignee {
        /// The node.
        node: NodeId,
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// An outside address that the command needs an answer of gave none.
    #[error("`{place}` asks {host}, which gave no answer: {why}")]
    OutsideUnavailable {
        /// The node or event hook that asks.
        place: String,
        /// The host that was asked, without the rest of the address.
        host: String,
        /// Why not.
        why: String,
    },
    /// An event hook that is asked before a ticket is sent did not agree.
    #[error("event hook `{hook}` did not let the ticket be sent; it says: {said}")]
    CreationRefused {
        /// Which hook.
        hook: String,
        /// Its words.
        said: String,
    },
    /// A node takes sub-tickets of other workflows only.
    #[error("node `{node}` takes sub-tickets of {allowed}, and not of `{workflow}`")]
    SubWorkflowNotAllowed {
        /// The node of the parent.
        node: NodeId,
        /// The workflow.
        workflow: String,
        /// Those it takes, in words.
        allowed: String,
    },
    /// There are as many sub-tickets as may be, or they are as deep as may be.
    #[error("a ticket has at most {open_max} open sub-tickets, and they go {depth_max} deep")]
    SubTicketLimit {
        /// Most that are open.
        open_max: usize,
        /// How deep they go.
        depth_max: usize,
    },
    /// Sub-tickets of the node are still open.
    #[error("node `{node}` waits for {} open sub-tickets", .open.len())]
    SubTicketsOpen {
        /// The node.
        node: NodeId,
        /// Those open.
        open: Vec<TicketId>,
    },
    /// A part of the request cannot be taken.
    #[error("{argument} cannot be `{value}`: {problem}")]
    InvalidArgument {
        /// Which.
        argument: Argument,
        /// As given, shortened.
        value: String,
        /// What is wrong and what would do.
        problem: String,
    },
    /// The ticket has moved on since the caller looked.
    #[error("the ticket is at version {current}, not {expected}")]
    VersionConflict {
        /// As the caller said.
        expected: u64,
        /// As it is.
        current: u64,
    },
    /// The idempotency key was used with other arguments.
    #[error("idempotency key `{key}` was used before with other arguments")]
    IdempotencyMismatch {
        /// The key.
        key: String,
    },
    /// The definition moves tokens without end.
    #[error(
        "the workflow made more than {} moves by itself at node `{node}`",
        limits::AUTOMATIC_MOVES_MAX
    )]
    TooManyMoves {
        /// Where it was stopped.
        node: NodeId,
    },
    /// A command of the engine itself that no longer applies: a timer or hook that is not waiting.
    #[error("nothing waits for this: {what}")]
    NotWaiting {
        /// What was reported.
        what: String,
    },
    /// The ticket has as many events, or as much in them, as a ticket may have.
    #[error(
        "the ticket is full{}: it has {n_events} events with {n_bytes} bytes, of {} and {} at most",
        if *.is_for_comments_only { " but for its way to the end" } else { "" },
        limits::TICKET_EVENTS_MAX,
        limits::TICKET_BYTES_MAX
    )]
    TicketFull {
        /// Events so far.
        n_events: u64,
        /// Bytes in them, about.
        n_bytes: u64,
        /// Whether everything but comments is still taken.
        is_for_comments_only: bool,
    },
    /// There is no such file for this caller: it does not exist, belongs to somebody else, or may not be seen.
    #[error("file `{id}` was not found")]
    UnknownFile {
        /// As asked for.
        id: String,
    },
    /// The bytes of the file were taken away for good.
    #[error("file `{id}` was erased")]
    FileErased {
        /// As asked for.
        id: String,
    },
    /// There is no room for another file.
    #[error("{whose} would be {n} {unit}, and may be {n_max}")]
    QuotaExceeded {
        /// Whose files, in words.
        whose: &'static str,
        /// How much there would be.
        n: u64,
        /// How much there may be.
        n_max: u64,
        /// Of what: bytes, or files.
        unit: &'static str,
    },
    /// A file is larger than one may be.
    #[error("a file may have {n_bytes_max} bytes")]
    FileTooLarge {
        /// How many it may have.
        n_bytes_max: u64,
    },
    /// No files are kept here.
    #[error("no files are kept here")]
    FilesNotKept,
    /// The version to migrate to lacks a node that is in use.
    #[error("node `{node}` cannot be mapped to `{target}`: {problem}")]
    MigrationImpossible {
        /// The node in use.
        node: NodeId,
        /// Where it was to go.
        target: NodeId,
        /// Why not.
        problem: String,
    },
}

/// A part of a request. How it is spelt is the caller's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Argument {
    /// The ticket that is meant.
    TicketId,
    /// The workflow that is meant.
    WorkflowId,
    /// The version of a workflow.
    Version,
    /// Which node of a new version stands for which old one.
    NodeMap,
    /// The edge to take.
    ActionId,
    /// The node that an action is taken at.
    Node,
    /// The person that an action concerns.
    TargetUser,
    /// The node that a ticket is moved to.
    TargetNode,
    /// What is said.
    Comment,
    /// Values for the form.
    Fields,
    /// People in copy.
    Cc,
    /// The ticket above a new one.
    ParentTicket,
    /// The node of the ticket above.
    ParentNode,
    /// Which effect of the ticket is meant.
    Effect,
    /// What becomes of open sub-tickets.
    Children,
    /// In which order somebody who is added acts.
    Position,
    /// Whether a ticket that is returned comes straight back.
    Resume,
    /// How many entries a page has.
    PerPage,
    /// The key under which a call may be repeated.
    IdempotencyKey,
}

impl Argument {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::TicketId,
        Self::WorkflowId,
        Self::Version,
        Self::NodeMap,
        Self::ActionId,
        Self::Node,
        Self::TargetUser,
        Self::TargetNode,
        Self::Comment,
        Self::Fields,
        Self::Cc,
        Self::ParentTicket,
        Self::ParentNode,
        Self::Effect,
        Self::Children,
        Self::Position,
        Self::Resume,
        Self::PerPage,
        Self::IdempotencyKey,
    ];
}

impl std::fmt::Display for Argument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TicketId => "the ticket",
            Self::WorkflowId => "the workflow",
            Self::Version => "the version",
            Self::NodeMap => "the map of nodes",
            Self::ActionId => "the action's id",
            Self::Node => "the node",
            Self::TargetUser => "the person",
            Self::TargetNode => "the node to go to",
            Self::Comment => "the comment",
            Self::Fields => "the fields",
            Self::Cc => "the people in copy",
            Self::ParentTicket => "the parent ticket",
            Self::ParentNode => "the node of the parent ticket",
            Self::Effect => "the effect",
            Self::Children => "what becomes of sub-tickets",
            Self::Position => "the position",
            Self::Resume => "whether it comes straight back",
            Self::PerPage => "the size of a page",
            Self::IdempotencyKey => "the idempotency key",
        })
    }
}

/// An action that could be taken instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// What kind.
    pub kind: ActionKind,
    /// The edge it takes; `None` for actions of other kinds.
    pub edge: Option<EdgeId>,
    /// At which node.
    pub node: NodeId,
}

impl Available {
    /// The edge's id, or the action's word.
    #[must_use]
    pub fn id(&self) -> &str {
        self.kind.id(self.edge.as_ref())
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// Which.
    pub key: FieldKey,
    /// In what way.
    pub kind: FieldProblemKind,
    /// In words.
    pub problem: String,
    /// What would do.
    pub allowed: String,
}

/// In what way a field is wrong. The order is the order of reporting: the first kind present names the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldProblemKind {
    /// The form has no such field, or this user cannot see it.
    Unknown,
    /// It may not be written here.
    NotEditable,
    /// Its type does not allow the value.
    Invalid,
    /// It names a file that there is not, or that is not whoever acts' to name.
    UnknownFile,
    /// It does not take files of this type.
    FileType,
    /// It must be filled in.
    Missing,
}

impl FieldProblemKind {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown_field",
            Self::NotEditable => "field_not_editable",
            Self::Invalid => "invalid_field_value",
            Self::UnknownFile => "unknown_file",
            Self::FileType => "file_type_not_allowed",
            Self::Missing => "missing_required_fields",
        }
    }
}

impl Refusal {
    /// Shorthand for an argument that cannot be taken; the value is shortened to 80 characters.
    #[must_use]
    pub fn argument(argument: Argument, value: impl std::fmt::Display, problem: impl Into<String>) -> Self {
        let value: String = value.to_string().chars().take(80).collect();
        Self::InvalidArgument {
            argument,
            value,
            problem: problem.into(),
        }
    }

    /// The stable code (contract: errors).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TicketNotFound { .. } => "ticket_not_found",
            Self::WorkflowNotFound { .. } => "workflow_not_found",
            Self::PermissionDenied { .. } => "permission_denied",
            Self::AppNotAllowed { .. } => "app_not_allowed",
            Self::ActionNotAvailable { .. } => "action_not_available",
            Self::AmbiguousNode { .. } => "ambiguous_node",
            Self::Fields { problems } => problems
                .iter()
                .map(|problem| problem.kind)
                .min()
                .map_or("invalid_field_value", FieldProblemKind::code),
            Self::NoBranchMatches { .. } => "no_branch_matches",
            Self::NoAssignee { .. } => "no_assignee",
            Self::OutsideUnavailable { .. } => "outside_unavailable",
            Self::CreationRefused { .. } => "creation_refused",
            Self::SubTicketsOpen { .. } => "sub_tickets_open",
            Self::SubWorkflowNotAllowed { .. } => "sub_workflow_not_allowed",
            Self::SubTicketLimit { .. } => "sub_ticket_limit",
            Self::InvalidArgument { .. } => "invalid_argument",
            Self::VersionConflict { .. } => "version_conflict",
            Self::IdempotencyMismatch { .. } => "idempotency_mismatch",
            Self::TooManyMoves { .. } => "too_many_moves",
            Self::NotWaiting { .. } => "not_waiting",
            Self::TicketFull { .. } => "ticket_full",
            Self::UnknownFile { .. } => "unknown_file",
            Self::FileErased { .. } => "file_erased",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::FileTooLarge { .. } => "payload_too_large",
            Self::FilesNotKept => "files_not_kept",
            Self::MigrationImpossible { .. } => "migration_impossible",
        }
    }
}

fn list(nodes: &[NodeId]) -> String {
    nodes
        .iter()
        .map(|node| format!("`{node}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn field_sentence(problems: &[FieldProblem]) -> String {
    let shown: Vec<String> = problems
        .iter()
        .take(3)
        .map(|one| format!("field `{}` {}", one.key, one.problem))
        .collect();
    let more = problems.len().saturating_sub(3);
    if more > 0 {
        format!("{}; and {more} more", shown.join("; "))
    } else {
        shown.join("; ")
    }
}
