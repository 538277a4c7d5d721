//! Why a request to a ticket was turned down: understood and denied, nothing changed.
//!
//! Every refusal has a stable code, a sentence and a hint that names the next step. Not here: how codes go over the
//! wire (the facade's one table), faults of disk and process (`runtime`).

use crate::id::{EdgeId, FieldKey, NodeId, TicketId};
use crate::limits;
use crate::ticket::action::ActionKind;

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
    /// Sub-tickets of the node are still open.
    #[error("node `{node}` waits for {} open sub-tickets", .open.len())]
    SubTicketsOpen {
        /// The node.
        node: NodeId,
        /// Those open.
        open: Vec<TicketId>,
    },
    /// An argument cannot be taken.
    #[error("argument `{argument}` cannot be `{value}`: {problem}")]
    InvalidArgument {
        /// Its name as the caller knows it.
        argument: String,
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
            Self::Missing => "missing_required_fields",
        }
    }
}

impl Refusal {
    /// Shorthand for an argument that cannot be taken; the value is shortened to 80 characters.
    #[must_use]
    pub fn argument(argument: &str, value: impl std::fmt::Display, problem: impl Into<String>) -> Self {
        let value: String = value.to_string().chars().take(80).collect();
        Self::InvalidArgument {
            argument: argument.to_owned(),
            value,
            problem: problem.into(),
        }
    }

    /// The stable code (contract, errors).
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
            Self::SubTicketsOpen { .. } => "sub_tickets_open",
            Self::InvalidArgument { .. } => "invalid_argument",
            Self::VersionConflict { .. } => "version_conflict",
            Self::IdempotencyMismatch { .. } => "idempotency_mismatch",
            Self::TooManyMoves { .. } => "too_many_moves",
            Self::NotWaiting { .. } => "not_waiting",
            Self::TicketFull { .. } => "ticket_full",
            Self::MigrationImpossible { .. } => "migration_impossible",
        }
    }

    /// What the caller can do next, as a sentence without a full stop.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::TicketNotFound { .. } => "call `ticket_list` to see the tickets you may open".into(),
            Self::WorkflowNotFound { .. } => "call `workflow_list` to see the workflows you may start".into(),
            Self::PermissionDenied { .. } => {
                "ask one of them, or call `ticket_prepare_handle` to see what you can do".into()
            }
            Self::AppNotAllowed { .. } => "use an `app_name` that is allowed for this workflow, or leave it out".into(),
            Self::ActionNotAvailable { available, .. } if available.is_empty() => {
                "there is nothing you can do on this ticket now".into()
            }
            Self::ActionNotAvailable { available, .. } => {
                let words: Vec<String> = available
                    .iter()
                    .map(|one| format!("`{}`/`{}`", one.kind.word(), one.id()))
                    .collect();
                format!("available now (type/id): {}", words.join(", "))
            }
            Self::AmbiguousNode { .. } => "say which in `action_props.node_id`".into(),
            Self::Fields { .. } => {
                "mend the fields listed in the details; `ticket_prepare_handle` shows what each takes".into()
            }
            Self::NoBranchMatches { .. } => {
                "change the values it decides on, or ask the workflow's admin for a default way out".into()
            }
            Self::NoAssignee { .. } => {
                "choose other values, or ask the workflow's admin to mend the assignees of that node".into()
            }
            Self::SubTicketsOpen { .. } => "finish the sub-tickets listed in the details first".into(),
            Self::InvalidArgument { argument, value, .. } => argument_hint(argument, value),
            Self::VersionConflict { .. } => "read the ticket again and decide anew".into(),
            Self::IdempotencyMismatch { .. } => "use a new key for a new request".into(),
            Self::TooManyMoves { .. } => "ask the workflow's admin to mend the loop".into(),
            Self::NotWaiting { .. } => "read the ticket again".into(),
            Self::TicketFull {
                is_for_comments_only: true,
                ..
            } => "bring it to its end without a further comment, and go on in a new ticket".into(),
            Self::TicketFull { .. } => {
                "ask one of the workflow's admins to close it with `force_close`, and go on in a new ticket".into()
            }
            Self::MigrationImpossible { .. } => "map the node to one of the same type in the new version".into(),
        }
    }

    /// The edge or node the refusal is about, where it is about one.
    #[must_use]
    pub fn node(&self) -> Option<&NodeId> {
        match self {
            Self::NoBranchMatches { node, .. }
            | Self::NoAssignee { node, .. }
            | Self::SubTicketsOpen { node, .. }
            | Self::TooManyMoves { node }
            | Self::MigrationImpossible { node, .. } => Some(node),
            Self::TicketNotFound { .. }
            | Self::WorkflowNotFound { .. }
            | Self::PermissionDenied { .. }
            | Self::AppNotAllowed { .. }
            | Self::ActionNotAvailable { .. }
            | Self::AmbiguousNode { .. }
            | Self::Fields { .. }
            | Self::InvalidArgument { .. }
            | Self::VersionConflict { .. }
            | Self::IdempotencyMismatch { .. }
            | Self::NotWaiting { .. }
            | Self::TicketFull { .. } => None,
        }
    }
}

/// Where the right value of an argument is found.
fn argument_hint(argument: &str, value: &str) -> String {
    match argument.strip_prefix("action_props.").unwrap_or(argument) {
        "target_assignee_id" | "cc_to_user_id_list" if value.contains('@') => {
            format!("this is an e-mail address: call `user_list` with `search_value` `{value}` and send the `id`")
        }
        "target_assignee_id" | "cc_to_user_id_list" => "call `user_list` to find people, and send the `id`".into(),
        "node_id" => "call `ticket_prepare_handle`, whose actions name their `node_id`".into(),
        "target_node_id" => "call `ticket_history` to see the ids of nodes the ticket was at".into(),
        "action_id" => {
            "call `ticket_prepare_handle` or `ticket_prepare_create` to see the actions and their ids".into()
        }
        "parent_ticket_id" => "call `ticket_list` to find the ticket".into(),
        "parent_ticket_node_id" => "call `ticket_detail` of the parent: `ticket.current_nodes` says where it is".into(),
        "version" => "name one of these versions, or publish another first".into(),
        "nodes" => {
            "map only nodes that the ticket is at, or whose branches are open: `ticket_detail` names where it is".into()
        }
        "workflow_id" => "call `workflow_list` to find workflows you may start".into(),
        _ => "correct the argument and call again".into(),
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
