//! Steps of a case from the engine's commands and back, as far as crashes need them.
//!
//! Not here: publishing, directories, migration, which are no calls on one ticket.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::{FieldKey, TokenId, WorkflowId};
use loonflow_engine::ticket::{ActionKind, ActionRequest, Command, Create, Handle, HookOutcome};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use crate::case::CaseStep;
use crate::world::World;

/// A step with the ticket and version that its command is for.
pub(super) struct Translated {
    pub(super) ticket: Option<usize>,
    pub(super) workflow: Arc<WorkflowVersion>,
    pub(super) command: Command,
}

/// The command of a step; `None` where it is none on a ticket or workflow that the world has.
pub(super) fn command_of(world: &World, step: &CaseStep) -> Option<Translated> {
    let on = |ticket: usize, command: Command| {
        let workflow = world.workflow_of(&world.tickets.get(ticket)?.ticket)?.clone();
        Some(Translated {
            ticket: Some(ticket),
            workflow,
            command,
        })
    };
    match step {
        CaseStep::Create {
            workflow,
            creator,
            action_id,
            fields,
            comment,
            cc,
        } => Some(Translated {
            ticket: None,
            workflow: world.workflows.get(&WorkflowId::from(workflow.as_str()))?.clone(),
            command: Command::Create(Create {
                ticket_id: world.next_ticket_id(),
                creator: creator.as_str().into(),
                app: "loonflow".into(),
                action_id: action_id.as_deref().map(Into::into),
                fields: values(fields),
                comment: comment.clone(),
                cc: cc.iter().map(|user| user.as_str().into()).collect(),
                parent: None,
            }),
        }),
        CaseStep::Handle {
            ticket,
            operator,
            action_type,
            action_id,
            node_id,
            comment,
            target_assignee_id,
            target_node_id,
            fields,
        } => on(
            *ticket,
            Command::Handle(Handle {
                operator: operator.as_str().into(),
                action: ActionRequest {
                    kind: ActionKind::parse(action_type, action_id)?,
                    action_id: action_id.clone(),
                    node_id: node_id.as_deref().map(Into::into),
                    comment: comment.clone(),
                    target_assignee_id: target_assignee_id.as_deref().map(Into::into),
                    target_node_id: target_node_id.as_deref().map(Into::into),
                },
                fields: values(fields),
            }),
        ),
        CaseStep::FireTimer { ticket, token } => on(*ticket, Command::FireTimer { token: TokenId(*token) }),
        CaseStep::ReportHook {
            ticket,
            token,
            attempt,
            failed,
        } => on(
            *ticket,
            Command::ReportHook {
                token: TokenId(*token),
                attempt: *attempt,
                outcome: failed.clone().map_or(HookOutcome::Succeeded, HookOutcome::Failed),
            },
        ),
        CaseStep::ReviewHolders { ticket } => on(*ticket, Command::ReviewHolders),
        CaseStep::Pass { .. } | CaseStep::Publish { .. } | CaseStep::Directory { .. } | CaseStep::Migrate { .. } => {
            None
        }
    }
}

/// The step of a command; `None` for one that is no call on a ticket.
pub(super) fn step_of(ticket: usize, workflow: &WorkflowVersion, command: &Command) -> Option<CaseStep> {
    let texts = |fields: &BTreeMap<FieldKey, Value>| -> BTreeMap<String, Json> {
        let pairs = fields
            .iter()
            .map(|(key, value)| (key.as_str().to_owned(), Json::from(value)));
        pairs.collect()
    };
    Some(match command {
        Command::Create(create) => CaseStep::Create {
            workflow: workflow.workflow_id.as_str().to_owned(),
            creator: create.creator.as_str().to_owned(),
            action_id: create.action_id.as_ref().map(|id| id.as_str().to_owned()),
            fields: texts(&create.fields),
            comment: create.comment.clone(),
            cc: create.cc.iter().map(|user| user.as_str().to_owned()).collect(),
        },
        Command::Handle(handle) => CaseStep::Handle {
            ticket,
            operator: handle.operator.as_str().to_owned(),
            action_type: handle.action.kind.word().to_owned(),
            action_id: handle.action.action_id.clone(),
            node_id: handle.action.node_id.as_ref().map(|id| id.as_str().to_owned()),
            comment: handle.action.comment.clone(),
            target_assignee_id: handle
                .action
                .target_assignee_id
                .as_ref()
                .map(|id| id.as_str().to_owned()),
            target_node_id: handle.action.target_node_id.as_ref().map(|id| id.as_str().to_owned()),
            fields: texts(&handle.fields),
        },
        Command::FireTimer { token } => CaseStep::FireTimer { ticket, token: token.0 },
        Command::ReportHook {
            token,
            attempt,
            outcome,
        } => CaseStep::ReportHook {
            ticket,
            token: token.0,
            attempt: *attempt,
            failed: match outcome {
                HookOutcome::Succeeded => None,
                HookOutcome::Failed(reason) => Some(reason.clone()),
            },
        },
        Command::ReviewHolders => CaseStep::ReviewHolders { ticket },
        Command::Migrate { .. } => return None,
    })
}

fn values(fields: &BTreeMap<String, Json>) -> BTreeMap<FieldKey, Value> {
    let values = fields.iter().map(|(key, value)| (key.as_str().into(), value.into()));
    values.collect()
}
