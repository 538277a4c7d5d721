//! A refusal of the engine in the words of the wire: the same code, sentence and next step, and details for a program.
//!
//! Not here: the codes (`error`), faults (`fault`). Invariant: what was sent is repeated shortened, so that no answer
//! grows with its request.

use loonflow_engine::runtime::AuthProblem;
use loonflow_engine::ticket::Refusal;
use serde_json::{Value, json};

use super::{ApiError, Code};
use crate::limits::PROBLEMS_MAX;

/// Characters of a message: a form's field problems and names of people fit, a pasted text does not.
const MESSAGE_CHARS_MAX: usize = 3_000;
/// Characters of a name or id in the details.
const NAME_CHARS_MAX: usize = 200;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let mut message = refusal.to_string();
        let mut hint = refusal.hint();
        if let Refusal::InvalidArgument {
            argument,
            value,
            problem,
        } = &refusal
            && value.is_empty()
        {
            message = format!("argument `{argument}` is missing: {problem}");
            hint = format!("send `{argument}`");
        }
        // Some clients show the text alone, so it names every field and what would do.
        if let Refusal::Fields { problems } = &refusal {
            let each = problems.iter().take(PROBLEMS_MAX).map(|one| {
                format!(
                    "field `{}` {} (allowed: {})",
                    name(one.key.as_str()),
                    one.problem,
                    one.allowed
                )
            });
            message = each.collect::<Vec<_>>().join("; ");
            hint = "mend these fields and call again".to_owned();
        }
        Self::new(code_of(refusal.code()), clipped(&message, MESSAGE_CHARS_MAX))
            .with_hint(clipped(&hint, MESSAGE_CHARS_MAX))
            .with_details(details(&refusal))
    }
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
fn code_of(word: &str) -> Code {
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
        Refusal::SubTicketsOpen { open, .. } => open
            .iter()
            .take(PROBLEMS_MAX)
            .map(|ticket| json!({ "ticket_id": ticket.to_string() }))
            .collect(),
        Refusal::InvalidArgument { argument, value, .. } => json!({ "argument": argument, "got": name(value) }),
        Refusal::VersionConflict { expected, current } => {
            json!({ "current_version": current, "expected_version": expected })
        }
        Refusal::IdempotencyMismatch { key } => json!({ "idempotency_key": name(key) }),
        Refusal::TooManyMoves { node } => json!({ "node_id": node.as_str() }),
        Refusal::NotWaiting { .. } => json!({}),
        Refusal::TicketFull { n_events, n_bytes, .. } => json!({ "events": n_events, "bytes": n_bytes }),
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
