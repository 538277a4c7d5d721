//! A refusal of the engine in the words of the wire: the same code and sentence, what the caller can do next, and details
//! for a program.
//!
//! Not here: the codes (`error`), faults (`fault`). Invariant: what was sent is repeated shortened, so that no answer
//! grows with its request.

use loonflow_engine::runtime::AuthProblem;
use loonflow_engine::ticket::{Argument, Refusal};
use serde_json::{Value, json};

use super::{ApiError, Code};
use crate::limits::PROBLEMS_MAX;
use crate::spelling::spelt;

/// Characters of a message: a form's field problems and names of people fit, a pasted text does not.
const MESSAGE_CHARS_MAX: usize = 3_000;
/// Characters of a name or id in the details.
const NAME_CHARS_MAX: usize = 200;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = code_of(refusal.code());
        let Worded { message, hint } = worded(&refusal);
        let message = message.unwrap_or_else(|| refusal.to_string());
        let hint = hint.unwrap_or_else(|| code.default_hint().to_owned());
        Self::new(code, clipped(&message, MESSAGE_CHARS_MAX))
            .with_hint(clipped(&hint, MESSAGE_CHARS_MAX))
            .with_details(details(&refusal))
    }
}

/// Where the wire says more than the engine's sentence and the code's row of the table.
#[derive(Default)]
struct Worded {
    message: Option<String>,
    /// What the caller can do next.
    hint: Option<String>,
}

fn worded(refusal: &Refusal) -> Worded {
    let hint = |hint: String| Worded {
        hint: Some(hint),
        ..Worded::default()
    };
    match refusal {
        Refusal::InvalidArgument {
            argument,
            value,
            problem,
        } => {
            let name = spelt(*argument);
            let message = if value.is_empty() {
                format!("argument `{name}` is missing: {problem}")
            } else {
                format!("argument `{name}` cannot be `{value}`: {problem}")
            };
            Worded {
                message: Some(message),
                hint: where_to_find(*argument, value),
            }
        }
        // Some clients show the text alone, so it names every field and what would do.
        Refusal::Fields { problems } => {
            let each = problems.iter().take(PROBLEMS_MAX).map(|one| {
                let key = name(one.key.as_str());
                format!("field `{key}` {} (allowed: {})", one.problem, one.allowed)
            });
            Worded {
                message: Some(each.collect::<Vec<_>>().join("; ")),
                ..Worded::default()
            }
        }
        Refusal::ActionNotAvailable { available, .. } if !available.is_empty() => {
            let words: Vec<String> = available
                .iter()
                .map(|one| format!("`{}`/`{}`", one.kind.word(), one.id()))
                .collect();
            hint(format!("available now (type/id): {}", words.join(", ")))
        }
        Refusal::TicketFull {
            is_for_comments_only: true,
            ..
        } => hint("bring it to its end without a further comment, and go on in a new ticket".to_owned()),
        Refusal::TicketNotFound { .. }
        | Refusal::WorkflowNotFound { .. }
        | Refusal::PermissionDenied { .. }
        | Refusal::AppNotAllowed { .. }
        | Refusal::ActionNotAvailable { .. }
        | Refusal::AmbiguousNode { .. }
        | Refusal::NoBranchMatches { .. }
        | Refusal::NoAssignee { .. }
        | Refusal::OutsideUnavailable { .. }
        | Refusal::CreationRefused { .. }
        | Refusal::SubWorkflowNotAllowed { .. }
        | Refusal::SubTicketLimit { .. }
        | Refusal::SubTicketsOpen { .. }
        | Refusal::VersionConflict { .. }
        | Refusal::IdempotencyMismatch { .. }
        | Refusal::TooManyMoves { .. }
        | Refusal::NotWaiting { .. }
        | Refusal::TicketFull { .. }
        | Refusal::UnknownFile { .. }
        | Refusal::FileErased { .. }
        | Refusal::QuotaExceeded { .. }
        | Refusal::FilesNotKept
        | Refusal::MigrationImpossible { .. } => Worded::default(),
        Refusal::FileTooLarge { .. } => hint("send a smaller file".to_owned()),
    }
}

/// Where the right value of an argument is found.
fn where_to_find(argument: Argument, value: &str) -> Option<String> {
    let found = match argument {
        _ if value.is_empty() => return Some(format!("send `{}`", spelt(argument))),
        Argument::TargetUser | Argument::Cc if value.contains('@') => {
            return Some(format!(
                "this is an e-mail address: call `user_list` with `search_value` `{value}` and send the `id`"
            ));
        }
        Argument::TargetUser | Argument::Cc => "call `user_list` to find people, and send the `id`",
        Argument::Node => "call `ticket_prepare_handle`, whose actions name their `node_id`",
        Argument::TargetNode => "call `ticket_history` to see the ids of nodes the ticket was at",
        Argument::ActionId => {
            "call `ticket_prepare_handle` or `ticket_prepare_create` to see the actions and their ids"
        }
        Argument::ParentTicket => "call `ticket_list` to find the ticket",
        Argument::ParentNode => "call `ticket_detail` of the parent: `ticket.current_nodes` says where it is",
        Argument::Effect => "call `ticket_detail`: its `incidents` name the effects that failed",
        Argument::Version => "name one of these versions, or publish another first",
        Argument::NodeMap => {
            "map only nodes that the ticket is at, or whose branches are open: `ticket_detail` names where it is"
        }
        Argument::WorkflowId => "call `workflow_list` to find workflows you may start",
        Argument::Resume => "leave it out: the ticket goes the way that its edges lead",
        Argument::Children
        | Argument::Position
        | Argument::TicketId
        | Argument::Comment
        | Argument::Fields
        | Argument::PerPage
        | Argument::IdempotencyKey => {
            return None;
        }
    };
    Some(found.to_owned())
}

impl From<AuthProblem> for ApiError {
    fn from(problem: AuthProblem) -> Self {
        let message = match problem {
            AuthProblem::Invalid => "the token is unknown, or belongs to nobody here",
            AuthProblem::Expired => "the token's time is over",
            AuthProblem::Revoked => "the token was revoked",
            AuthProblem::UserInactive => "the token's user is deactivated",
            AuthProblem::DirectoryUnreadable => {
                "the directory of the token's user cannot be read from the server's log"
            }
        };
        Self::new(code_of(problem.code()), message)
    }
}

/// The row of a code. That every code of the engine is one, a test says.
pub(super) fn code_of(word: &str) -> Code {
    Code::from_wire(word).unwrap_or(Code::Internal)
}

fn details(refusal: &Refusal) -> Value {
    match refusal {
        Refusal::TicketNotFound { id } => json!({ "ticket_id": name(id) }),
        Refusal::WorkflowNotFound { id } => json!({ "workflow_id": name(id) }),
        Refusal::PermissionDenied { who_may, .. } => json!({ "who_may": clipped(who_may, MESSAGE_CHARS_MAX) }),
        Refusal::AppNotAllowed { app } => json!({ "app_name": name(app) }),
        Refusal::ActionNotAvailable { available, .. } => available
            .iter()
            .take(PROBLEMS_MAX)
            .map(|one| {
                json!({
                    "action_type": one.kind.word(),
                    "action_id": one.id(),
                    "node_id": one.node.as_str(),
                })
            })
            .collect(),
        Refusal::AmbiguousNode { nodes, .. } => nodes
            .iter()
            .take(PROBLEMS_MAX)
            .map(|node| json!({ "node_id": node.as_str() }))
            .collect(),
        Refusal::Fields { problems } => problems
            .iter()
            .take(PROBLEMS_MAX)
            .map(|one| {
                json!({
                    "key": name(one.key.as_str()),
                    "code": one.kind.code(),
                    "problem": clipped(&one.problem, MESSAGE_CHARS_MAX),
                    "allowed": clipped(&one.allowed, MESSAGE_CHARS_MAX),
                })
            })
            .collect(),
        Refusal::NoBranchMatches { node, name } => json!({ "node_id": node.as_str(), "name": name }),
        Refusal::NoAssignee { node, name, reason } => {
            json!({ "node_id": node.as_str(), "name": name, "reason": reason })
        }
        Refusal::OutsideUnavailable { place, host, .. } => json!({ "place": name(place), "host": name(host) }),
        Refusal::CreationRefused { hook, said } => json!({ "hook": name(hook), "said": said }),
        Refusal::SubWorkflowNotAllowed { node, workflow, .. } => {
            json!({ "node_id": node.as_str(), "workflow_id": name(workflow) })
        }
        Refusal::SubTicketLimit { open_max, depth_max } => json!({ "open_max": open_max, "depth_max": depth_max }),
        Refusal::SubTicketsOpen { open, .. } => open
            .iter()
            .take(PROBLEMS_MAX)
            .map(|ticket| json!({ "ticket_id": ticket.to_string() }))
            .collect(),
        Refusal::InvalidArgument { argument, value, .. } => json!({ "argument": spelt(*argument), "got": name(value) }),
        Refusal::VersionConflict { expected, current } => {
            json!({ "current_version": current, "expected_version": expected })
        }
        Refusal::IdempotencyMismatch { key } => json!({ "idempotency_key": name(key) }),
        Refusal::TooManyMoves { node } => json!({ "node_id": node.as_str() }),
        Refusal::NotWaiting { .. } => json!({}),
        Refusal::TicketFull { n_events, n_bytes, .. } => json!({ "events": n_events, "bytes": n_bytes }),
        Refusal::UnknownFile { id } | Refusal::FileErased { id } => json!({ "file_id": name(id) }),
        Refusal::QuotaExceeded { n, n_max, unit, .. } => json!({ "would_be": n, "at_most": n_max, "unit": unit }),
        Refusal::FileTooLarge { n_bytes_max } => json!({ "bytes_at_most": n_bytes_max }),
        Refusal::FilesNotKept => json!({}),
        Refusal::MigrationImpossible { node, target, .. } => {
            json!({ "node_id": node.as_str(), "target_node_id": target.as_str() })
        }
    }
}

fn name(text: &str) -> String {
    clipped(text, NAME_CHARS_MAX)
}

fn clipped(text: &str, n_chars: usize) -> String {
    match text.char_indices().nth(n_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
