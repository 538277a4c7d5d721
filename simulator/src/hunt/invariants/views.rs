//! What viewers are shown: nothing hidden, in no view, list, preview, history or refusal.
//!
//! Worked out here from the definition's JSON and the tokens, without the engine's own functions for permissions.
//! Leaks of a value into texts are found by texts that occur nowhere else: people in a run write such as
//! `zq17-reason`, see [`MARK`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loonflow_engine::id::{FieldKey, NodeId, UserId};
use loonflow_engine::ticket::{Context, Draw, Event, Meta, Refusal, Rest, Ticket, visibility};
use loonflow_engine::value::Value;
use loonflow_engine::view::{flow_history, preview, ticket_detail};
use loonflow_engine::workflow::{FieldPermission, WorkflowVersion};
use serde_json::Value as Json;

use crate::world::{Recorded, World};

/// Texts with this in them are unique: where one shows up, its field was shown.
pub const MARK: &str = "zq";

/// What a viewer may do with each field, by the definition's JSON: the permissions of the first node where it can act;
/// where there is none, read-only whatever at least one node does not hide.
#[must_use]
pub fn permissions(
    ticket: &Ticket,
    workflow: &WorkflowVersion,
    world: &World,
    user: &UserId,
) -> BTreeMap<FieldKey, FieldPermission> {
    let empty = Vec::new();
    let list = |json: &Json| json.as_array().unwrap_or(&empty).clone();
    let nodes = list(&workflow.source["process_schema"]["node_info_list"]);
    let said = |node: &Json, key: &str, kind: &str| {
        let word = node["props"]["field_permissions"][key].as_str();
        let is_information = matches!(
            kind,
            "creator_info"
                | "created_at"
                | "act_state"
                | "workflow_info"
                | "current_assignee_infos"
                | "ticket_node_infos"
        );
        match word {
            Some("required") => FieldPermission::Required,
            Some("optional") => FieldPermission::Optional,
            Some("readonly") => FieldPermission::Readonly,
            None if is_information => FieldPermission::Readonly,
            Some(_) | None => FieldPermission::Hidden,
        }
    };
    let acting = acting_node(ticket, world, user);
    let mut found = BTreeMap::new();
    for row in list(&workflow.source["form_schema"]["component_info_list"]) {
        for component in list(&row["children"]) {
            let (Some(key), Some(kind)) = (component["component_key"].as_str(), component["type"].as_str()) else {
                continue;
            };
            let acted = acting.and_then(|id| nodes.iter().find(|node| node["id"] == id.as_str()));
            let permission = match acted {
                Some(node) => said(node, key, kind),
                None if nodes
                    .iter()
                    .any(|node| said(node, key, kind) != FieldPermission::Hidden) =>
                {
                    FieldPermission::Readonly
                }
                None => FieldPermission::Hidden,
            };
            found.insert(key.into(), permission);
        }
    }
    found
}

/// The node of the oldest token on which a user can act.
fn acting_node<'a>(ticket: &'a Ticket, world: &World, user: &UserId) -> Option<&'a NodeId> {
    world.directory.active_user(user)?;
    let acts = |rest: &Rest| match rest {
        Rest::Held { holders, consult: None } => holders.contains(user),
        Rest::Held {
            consult: Some(consult), ..
        } => consult.to == *user,
        Rest::Offered { candidates } => candidates.contains(user),
        Rest::Voting(ballot) => {
            let is_asked = ballot.kept().any(|share| share.consulted.as_ref() == Some(user));
            let mut turns = ballot.actionable();
            is_asked || turns.any(|share| share.consulted.is_none() && share.holder == *user)
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => false,
    };
    ticket
        .tokens
        .iter()
        .find(|token| acts(&token.rest))
        .map(|token| &token.node)
}

/// Nothing hidden is ever shown: a viewer is given just the fields that its node, or for other viewers some node,
/// shows; the value of any other is in no part of the ticket's view, nor in its history.
pub fn nothing_hidden_is_shown(world: &World, recorded: &Recorded, user: &UserId) -> Result<(), String> {
    let ticket = &recorded.ticket;
    let Some(workflow) = world.workflow_of(ticket) else {
        return Err(format!("the version of {ticket:?} is gone"));
    };
    if !visibility::may_view(ticket, user, &world.directory, workflow) {
        return Ok(());
    }
    let permissions = permissions(ticket, workflow, world, user);
    let detail = ticket_detail::detail(ticket, workflow, &world.directory, user, world.now);
    if detail.permissions != permissions {
        let (shown, said) = (&detail.permissions, &permissions);
        return Err(format!("{user} is shown the permissions {shown:?}, not {said:?}"));
    }
    let is_hidden = |key: &FieldKey| permissions.get(key).is_none_or(|one| *one == FieldPermission::Hidden);
    if let Some(key) = detail.values.keys().find(|key| is_hidden(key)) {
        return Err(format!("{user} is shown the value of `{key}`"));
    }
    for (key, value) in ticket
        .fields
        .iter()
        .filter(|(key, value)| !is_hidden(key) && !value.is_empty())
    {
        if detail.values.get(key) != Some(&Json::from(value)) {
            return Err(format!("{user} is not shown the value of `{key}`"));
        }
    }
    let secrets = secrets(recorded, &is_hidden);
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        detail.row, detail.values, detail.field_errors, detail.offered, detail.waiting_for, detail.intervention
    );
    says_none(&shown, &secrets, &recorded.commits).map_err(|key| format!("{user} is shown `{key}` in the ticket"))?;
    let history = flow_history::entries(&recorded.commits, workflow, &world.directory, &detail.permissions);
    let title = workflow.form.title_key();
    for change in history.iter().flat_map(|entry| &entry.field_changes) {
        if is_hidden(&change.key) && title != Some(&change.key) {
            return Err(format!("{user} is shown a change of `{}` in the history", change.key));
        }
    }
    says_none(&format!("{history:?}"), &secrets, &recorded.commits)
        .map_err(|key| format!("{user} is shown `{key}` in the history"))
}

/// A preview shows its operator no hidden value other than those sent with the request.
pub fn previews_hide(
    world: &World,
    recorded: &Recorded,
    user: &UserId,
    events: &[Event],
    meta: &Meta,
) -> Result<(), String> {
    let ticket = &recorded.ticket;
    let Some(workflow) = world.workflow_of(ticket) else {
        return Err(format!("the version of {ticket:?} is gone"));
    };
    let secrets = hidden_values(world, recorded, workflow, user);
    let context: Context<'_> = world.context(workflow, Draw::Preview);
    let shown = preview::preview(Some(ticket), events, meta, &context);
    let mut known = recorded.commits.clone();
    known.push((meta.clone(), events.to_vec()));
    says_none(&format!("{shown:?}"), &secrets, &known).map_err(|key| format!("a preview shows {user} `{key}`"))
}

/// A refusal tells its operator no hidden value.
pub fn refusals_hide(world: &World, recorded: &Recorded, user: &UserId, refusal: &Refusal) -> Result<(), String> {
    let Some(workflow) = world.workflow_of(&recorded.ticket) else {
        return Err(format!("the version of {:?} is gone", recorded.ticket));
    };
    let secrets = hidden_values(world, recorded, workflow, user);
    let said = format!("{refusal} {refusal:?}");
    says_none(&said, &secrets, &recorded.commits).map_err(|key| format!("a refusal tells {user} `{key}`"))
}

/// Marked values that a user who acts at several nodes sees at none of them.
fn hidden_values(
    world: &World,
    recorded: &Recorded,
    workflow: &Arc<WorkflowVersion>,
    user: &UserId,
) -> Vec<(FieldKey, String)> {
    let held = recorded
        .ticket
        .tokens
        .iter()
        .filter(|token| token.rest.waiting_for().contains(user));
    let held: BTreeSet<&NodeId> = held.map(|token| &token.node).collect();
    let shown = permissions(&recorded.ticket, workflow, world, user);
    let is_hidden = |key: &FieldKey| {
        let here = |node: &&NodeId| {
            let node = workflow.node(node);
            node.is_some_and(|node| {
                node.field_permissions
                    .get(key)
                    .is_some_and(|one| *one != FieldPermission::Hidden)
            })
        };
        shown.get(key).is_none_or(|one| *one == FieldPermission::Hidden) && !held.iter().any(here)
    };
    secrets(recorded, &is_hidden)
}

/// Every marked text that a hidden field has or had.
fn secrets(recorded: &Recorded, is_hidden: &dyn Fn(&FieldKey) -> bool) -> Vec<(FieldKey, String)> {
    let mut found = Vec::new();
    let mut add = |key: &FieldKey, value: &Value| {
        if let Some(text) = value.as_text().filter(|text| text.contains(MARK))
            && is_hidden(key)
        {
            found.push((key.clone(), text.to_owned()));
        }
    };
    for (key, value) in &*recorded.ticket.fields {
        add(key, value);
    }
    for event in recorded.commits.iter().flat_map(|(_, events)| events) {
        if let Event::FieldsChanged { changes } = event {
            for change in changes {
                add(&change.key, &change.to);
            }
        }
    }
    found
}

/// Whether a text says none of the secrets; a title is no secret, whatever it was made from (semantics: hidden-values).
fn says_none(said: &str, secrets: &[(FieldKey, String)], commits: &[(Meta, Vec<Event>)]) -> Result<(), FieldKey> {
    let Some(_) = secrets.iter().find(|(_, secret)| said.contains(secret.as_str())) else {
        return Ok(());
    };
    let mut said = said.to_owned();
    for event in commits.iter().flat_map(|(_, events)| events) {
        if let Event::TitleChanged { title } = event {
            said = said.replace(title.as_str(), "");
        }
    }
    match secrets.iter().find(|(_, secret)| said.contains(secret.as_str())) {
        Some((key, _)) => Err(key.clone()),
        None => Ok(()),
    }
}
