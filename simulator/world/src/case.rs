//! A case: everything that is needed to see a run again. Concrete steps, not a seed, so that a case outlives changes of
//! the generators; `loonflow-simulate replay CASE` runs it.
//!
//! Not here: how steps are found (generators) or carried out (`world`). The form is stored in files that people keep:
//! a changed form is a new [`FORMAT`], and older ones stay readable.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::{EdgeId, FieldKey, NodeId, UserId, WorkflowId};
use loonflow_engine::ticket::{Act, Action, ActionKind, Command, HookOutcome, SignerPosition};
use loonflow_engine::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Number of the form below. In 1, which is read too, there was no [`Case::checked`].
pub const FORMAT: u32 = 2;

/// A run, ready to be repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// [`FORMAT`].
    pub format: u32,
    /// The invariant that failed, or what else the case shows.
    pub shows: String,
    /// What was found, in one sentence.
    pub found: String,
    /// The directory, as a directory file has it.
    pub directory: Json,
    /// Definitions in the order of publishing before the first step, as their files have them.
    pub definitions: Vec<Json>,
    /// Seed of the world's draws.
    pub seed: u64,
    /// The steps.
    pub steps: Vec<CaseStep>,
    /// Where `check` found it; none where something else did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}

/// Where `check` found what a case shows, and what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The node it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The edge it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// The field it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Two nodes that one person must never both do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separate: Option<(NodeId, NodeId)>,
    /// States that were kept at most.
    pub states: usize,
}

/// Values by field key.
pub type Fields = BTreeMap<FieldKey, Json>;

/// Old node to new node.
pub type Renamed = BTreeMap<NodeId, NodeId>;

/// One step. Tickets are named by their order of creation in this case, from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum CaseStep {
    /// Time passes.
    Pass {
        /// How long.
        ms: i64,
    },
    /// A definition is published as the default version of its workflow.
    Publish {
        /// As its file has it.
        definition: Arc<Json>,
    },
    /// The directory becomes another one: someone leaves, comes back, changes roles.
    Directory {
        /// As a directory file has it.
        directory: Arc<Json>,
    },
    /// A ticket is created.
    Create {
        /// The workflow's id; its default version is taken.
        workflow: WorkflowId,
        /// Who creates it.
        creator: UserId,
        /// The edge out of start; none for a draft.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action_id: Option<EdgeId>,
        /// Values by field key.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        fields: Fields,
        /// What is said with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
        /// Who is put in copy.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cc: Vec<UserId>,
    },
    /// A person takes an action.
    Handle {
        /// Which ticket.
        ticket: usize,
        /// Who.
        operator: UserId,
        /// `action_type`.
        action_type: String,
        /// `action_id`.
        action_id: String,
        /// `action_props.node_id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node_id: Option<NodeId>,
        /// `action_props.comment`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
        /// `action_props.target_assignee_id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target_assignee_id: Option<UserId>,
        /// `action_props.target_node_id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target_node_id: Option<NodeId>,
        /// `action_props.resume`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        resume: bool,
        /// Values by field key.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        fields: Fields,
    },
    /// A timer fires.
    FireTimer {
        /// Which ticket.
        ticket: usize,
        /// The token that waits.
        token: u64,
    },
    /// A step of a deadline is due.
    ReachDeadline {
        /// Which ticket.
        ticket: usize,
        /// The token that rests.
        token: u64,
        /// Which step.
        step: u32,
    },
    /// A hook answers.
    ReportHook {
        /// Which ticket.
        ticket: usize,
        /// The token that waits.
        token: u64,
        /// Which request.
        attempt: u32,
        /// Why it failed; none where it went well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
    },
    /// The engine looks again whether somebody can act.
    ReviewHolders {
        /// Which ticket.
        ticket: usize,
    },
    /// What somebody who is absent holds goes to whoever stands in for them.
    HandOver {
        /// Which ticket.
        ticket: usize,
        /// Who is absent.
        user: UserId,
    },
    /// A ticket goes over to the default version of its workflow.
    Migrate {
        /// Which ticket.
        ticket: usize,
        /// The admin; none for the operator at the machine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<UserId>,
        /// Old node to new node.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        nodes: Renamed,
    },
}

impl CaseStep {
    /// A command of the engine as a step: on the ticket of this place, or, where it creates one, on the default version
    /// of this workflow. `None` for what a step cannot say: a creation below a parent, another command without a ticket,
    /// an edge that is taken for whatever it is, and what names an effect by its id.
    #[must_use]
    pub fn from_command(ticket: Option<usize>, workflow: &WorkflowId, command: &Command) -> Option<Self> {
        let fields_of = |fields: &BTreeMap<FieldKey, Value>| -> Fields {
            let fields = fields.iter();
            fields.map(|(key, value)| (key.clone(), value.into())).collect()
        };
        let step = match command {
            Command::Create(create) => {
                if create.parent.is_some() {
                    return None;
                }
                return Some(Self::Create {
                    workflow: workflow.clone(),
                    creator: create.by.clone(),
                    action_id: create.take.clone(),
                    fields: fields_of(&create.fields),
                    comment: create.comment.clone(),
                    cc: create.cc.clone(),
                });
            }
            Command::Act(act) if act.action.effect().is_some() => return None,
            // A step says who is added, and not in which order.
            Command::Act(Act {
                action:
                    Action::AddSigner {
                        position: SignerPosition::Before | SignerPosition::After,
                        ..
                    },
                ..
            }) => return None,
            Command::Act(act) => Self::Handle {
                ticket: ticket?,
                operator: act.by.clone(),
                action_type: act.action.said_kind()?.word().to_owned(),
                action_id: act.action.id().to_owned(),
                node_id: act.at.clone(),
                comment: act.comment.clone(),
                target_assignee_id: act.action.to_user().cloned(),
                target_node_id: act.action.to_node().cloned(),
                resume: matches!(act.action, Action::ReturnTo { resume: true, .. }),
                fields: fields_of(&act.fields),
            },
            Command::FireTimer { token } => Self::FireTimer {
                ticket: ticket?,
                token: token.0,
            },
            Command::ReachDeadline { token, step } => Self::ReachDeadline {
                ticket: ticket?,
                token: token.0,
                step: *step,
            },
            Command::ReportHook {
                token,
                attempt,
                outcome,
            } => Self::ReportHook {
                ticket: ticket?,
                token: token.0,
                attempt: *attempt,
                failed: match outcome {
                    HookOutcome::Succeeded => None,
                    HookOutcome::Failed(why) => Some(why.clone()),
                },
            },
            Command::CloseEffect { .. }
            | Command::OpenChild(_)
            | Command::EndChild { .. }
            | Command::EraseFile { .. }
            | Command::ReviewDeadlines { .. } => return None,
            Command::ReviewHolders => Self::ReviewHolders { ticket: ticket? },
            Command::HandOver { user, .. } => Self::HandOver {
                ticket: ticket?,
                user: user.clone(),
            },
            Command::Migrate { operator, nodes } => Self::Migrate {
                ticket: ticket?,
                operator: operator.clone(),
                nodes: nodes.clone(),
            },
        };
        Some(step)
    }
}

/// The action that the words of a step name, as a client of the endpoint writes them: `accept` with another id is the
/// agree edge of that id (semantics: actions). `None` for a word that is no action.
#[must_use]
pub fn action_of(action_type: &str, id: &str, to_user: Option<UserId>, to_node: Option<NodeId>) -> Option<Action> {
    let mut kind = ActionKind::parse(action_type)?;
    if kind == ActionKind::Accept && id != kind.word() {
        kind = ActionKind::Agree;
    }
    Some(Action::of(kind, id, to_user, to_node))
}
