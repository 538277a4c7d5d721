//! From the steps of a case to the engine's commands, and the run of a whole case with every check after every step.
//!
//! Not here: what is checked (`watch`), how a case is told (`story`), how it is made smaller (`shrink`).

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::{FieldKey, TokenId};
use loonflow_engine::ticket::{Act, Command, Create, HookOutcome};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use crate::World;
use crate::case::{CaseStep, action_of};

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
            workflow: Arc::clone(world.workflows.get(workflow)?),
            command: Command::Create(Create {
                via: None,
                ticket_id: world.next_ticket_id(),
                by: creator.clone(),
                app: "loonflow".into(),
                take: action_id.clone(),
                fields: values(fields),
                comment: comment.clone(),
                cc: cc.clone(),
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
            resume,
            fields,
        } => on(
            *ticket,
            Command::Act(Act {
                closes_children: false,
                by: operator.clone(),
                action: action_of(
                    action_type,
                    action_id,
                    target_assignee_id.clone(),
                    target_node_id.clone(),
                )?
                .resuming(*resume),
                at: node_id.clone(),
                comment: comment.clone(),
                fields: values(fields),
            }),
        ),
        CaseStep::ReachDeadline { ticket, token, step } => on(
            *ticket,
            Command::ReachDeadline {
                token: TokenId(*token),
                step: *step,
            },
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
        CaseStep::HandOver { ticket, user } => {
            let (user, by) = (user.clone(), None);
            on(*ticket, Command::HandOver { user, by })
        }
        CaseStep::Migrate {
            ticket,
            operator,
            nodes,
        } => {
            let (operator, nodes) = (operator.clone(), nodes.clone());
            on(*ticket, Command::Migrate { operator, nodes })
        }
    }
}

fn values(fields: &BTreeMap<FieldKey, Json>) -> BTreeMap<FieldKey, Value> {
    fields.iter().map(|(key, value)| (key.clone(), value.into())).collect()
}
