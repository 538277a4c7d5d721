//! From the steps of a case to the engine's commands, and the run of a whole case with every check after every step.
//!
//! Not here: what is checked (`checker`), how a case is told (`story`), how it is made smaller (`shrink`).

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::{FieldKey, NodeId, TokenId, UserId, WorkflowId};
use loonflow_engine::ticket::action::ActionKind;
use loonflow_engine::ticket::{ActionRequest, Command, Create, Handle, HookOutcome};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use crate::case::CaseStep;
use crate::world::World;

/// A step's command, with what it is carried out on.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The ticket; `None` creates one.
    pub ticket: Option<usize>,
    /// The version it runs on.
    pub workflow: Arc<WorkflowVersion>,
    /// What is asked for.
    pub command: Command,
}

/// The command of a step on a ticket; `None` where the step is none (time, publishing, the directory), where the world
/// has no such ticket or workflow, or where `action_type` is no word of ours.
#[must_use]
pub fn command_of(world: &World, step: &CaseStep) -> Option<Translated> {
    let on = |ticket: usize, command: Command| {
        let workflow = world.workflow_of(&world.tickets.get(ticket)?.ticket)?;
        Some(Translated {
            ticket: Some(ticket),
            workflow: Arc::clone(workflow),
            command,
        })
    };
    match step {
        CaseStep::Pass { .. } | CaseStep::Publish { .. } | CaseStep::Directory { .. } => None,
        CaseStep::Create {
            workflow,
            creator,
            action_id,
            fields,
            comment,
            cc,
        } => Some(Translated {
            ticket: None,
            workflow: Arc::clone(world.workflows.get(&WorkflowId::from(workflow.as_str()))?),
            command: Command::Create(Create {
                ticket_id: world.next_ticket_id(),
                creator: user_id(world, creator),
                app: "loonflow".into(),
                action_id: action_id.as_deref().map(Into::into),
                fields: values(world.workflows.get(workflow.as_str())?, fields),
                comment: comment.clone(),
                cc: cc.iter().map(|user| user_id(world, user)).collect(),
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
                operator: user_id(world, operator),
                action: ActionRequest {
                    kind: ActionKind::parse(action_type, action_id)?,
                    action_id: action_id.clone(),
                    node_id: node_id.as_deref().map(NodeId::from),
                    comment: comment.clone(),
                    target_assignee_id: target_assignee_id.as_deref().map(|user| user_id(world, user)),
                    target_node_id: target_node_id.as_deref().map(NodeId::from),
                },
                fields: values(world.workflow_of(&world.tickets.get(*ticket)?.ticket)?, fields),
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
        CaseStep::Migrate {
            ticket,
            operator,
            nodes,
        } => {
            let nodes = nodes
                .iter()
                .map(|(from, to)| (from.as_str().into(), to.as_str().into()));
            on(
                *ticket,
                Command::Migrate {
                    operator: operator.as_deref().map(|user| user_id(world, user)),
                    nodes: nodes.collect(),
                },
            )
        }
    }
}

/// The directory's own copy of an id where it has one: most steps name people who exist.
fn user_id(world: &World, id: &str) -> UserId {
    let known = world.directory.users.get_key_value(id);
    known.map_or_else(|| id.into(), |(id, _)| id.clone())
}

/// With the form's own copies of keys, for the same reason.
fn values(workflow: &WorkflowVersion, fields: &BTreeMap<String, Json>) -> BTreeMap<FieldKey, Value> {
    let form = &workflow.form;
    let key_of = |key: &str| form.key(key).cloned().unwrap_or_else(|| key.into());
    let values = fields.iter().map(|(key, value)| (key_of(key), value.into()));
    values.collect()
}
