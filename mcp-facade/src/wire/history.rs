//! What happened to a ticket, one entry per command.

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{AccessTokenId, AppName};
use loonflow_engine::ticket::ballot::count::Outcome;
use loonflow_engine::view::flow_history;
use serde::Serialize;

use super::account::Person;
use super::action::{FieldChange, Move, field_changes, moves};
use super::node::NamedNode;

/// A row of `ticket_history`. Keys without anything to say are left out, for histories are long.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryEntry {
    /// The ticket's version after it.
    pub version: u64,
    /// When.
    pub created_at: String,
    /// Who or what: `user`, `timer`, `hook`, `system`.
    pub processor: &'static str,
    /// What was done.
    pub action_type: String,
    /// The edge's id, or the same word.
    pub action_id: String,
    /// The state since.
    pub act_state: &'static str,
    /// Values that changed.
    pub field_changes: Vec<FieldChange>,
    /// Steps that tokens made.
    pub moves: Vec<Move>,
    /// The person who did it, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<Person>,
    /// Of a deadline: which step, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// Of a deadline: what that does.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub does: Option<&'static str>,
    /// The edge's name, where it has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action_name: String,
    /// Where, if at a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NamedNode>,
    /// Only for a vote: that it is one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vote: bool,
    /// Only where a vote was decided: `for` or `against`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<&'static str>,
    /// Of a return: the node that it went back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_node: Option<NamedNode>,
    /// Only for a return from which the ticket comes straight back: that it does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resume: bool,
    /// Only for an edge that led straight back to who had returned the ticket: that it did.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resumed: bool,
    /// Only for what was undone since: that it was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub undone: bool,
    /// Whom it concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Person>,
    /// Only for whoever stood in: those in whose place they acted; of what was handed over, whose it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on_behalf_of: Vec<Person>,
    /// Those who need not act, for they had agreed before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped_same_approver: Vec<Person>,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Through which application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<AppName>,
    /// With which personal access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<AccessTokenId>,
}

impl HistoryEntry {
    /// The row of an entry.
    pub(crate) fn of(entry: flow_history::HistoryEntry, directory: &Directory) -> Self {
        Self {
            version: entry.version,
            created_at: entry.at.to_answer(directory.zone()),
            processor: entry.processor,
            action_type: entry.action_type,
            action_id: entry.action_id,
            act_state: entry.act_state.word(),
            field_changes: field_changes(entry.field_changes),
            moves: moves(entry.moves),
            step: entry.deadline.map(|(step, _)| step),
            does: entry.deadline.map(|(_, does)| does),
            operator: entry.by.map(Person::from),
            action_name: entry.action_name,
            node: entry.node.map(NamedNode::from),
            vote: entry.is_vote,
            decided: entry.decided.map(Outcome::word),
            target_node: entry.returned_to.map(NamedNode::from),
            resume: entry.resume,
            resumed: entry.resumed,
            undone: entry.is_undone,
            target: entry.target.map(Person::from),
            on_behalf_of: entry.on_behalf_of.into_iter().map(Person::from).collect(),
            skipped_same_approver: entry.skipped_same_approver.into_iter().map(Person::from).collect(),
            comment: entry.comment,
            app_name: entry.app,
            token_id: entry.access_token,
        }
    }
}
