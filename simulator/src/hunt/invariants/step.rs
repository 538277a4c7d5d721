//! What one step may do to a ticket: invariants that look at the ticket before and after it.

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{NodeId, TokenId, UserId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{Event, Ticket};
use loonflow_engine::workflow::WorkflowVersion;

use crate::world::case::CaseStep;

/// A step raises a ticket's version by the number of its events; with none it changes nothing at all.
pub fn version_grows_by_events(before: Option<&Ticket>, after: &Ticket, events: &[Event]) -> Result<(), String> {
    let was = before.map_or(0, |ticket| ticket.version);
    if after.version != was + events.len() as u64 {
        return Err(format!("{} events, version {was} to {}", events.len(), after.version));
    }
    match before {
        Some(before) if events.is_empty() && before != after => Err(format!("no event, yet {before:?} is {after:?}")),
        Some(_) | None => Ok(()),
    }
}

/// `finished`, `closed` and a `rejected` at end are final: only comments remain, and they change nothing but the
/// count of events.
pub fn final_stays_final(before: Option<&Ticket>, after: &Ticket, events: &[Event]) -> Result<(), String> {
    let Some(before) = before.filter(|ticket| ticket.is_final()) else {
        return Ok(());
    };
    if before.is_discarded {
        return Err("something was done to a draft that was thrown away".into());
    }
    let is_comment = |event: &Event| {
        if let Event::ActionTaken(taken) = event {
            taken.kind == ActionKind::AddComment
        } else {
            false
        }
    };
    if let Some(event) = events.iter().find(|event| !is_comment(event)) {
        return Err(format!("{event:?} happened to a ticket that is over"));
    }
    let stays = before.act_state == after.act_state
        && before.tokens == after.tokens
        && before.fields == after.fields
        && before.title == after.title;
    stays
        .then_some(())
        .ok_or_else(|| format!("a comment made {after:?} of {before:?}"))
}

/// Nobody is given a node that leaves them out, for they created the ticket; and whoever stands in is active, and stands in
/// for somebody who has an absence.
pub fn who_gets_work_may_do_it(
    (before, after): (Option<&Ticket>, &Ticket),
    events: &[Event],
    workflow: &WorkflowVersion,
    directory: &Directory,
) -> Result<(), String> {
    let node_of = |id: TokenId| {
        let token = before.and_then(|ticket| ticket.token(id)).or_else(|| after.token(id));
        token.map(|token| &token.node)
    };
    // Whom one stood in for is stood in for by the next, who may be back since long.
    let is_handed_on = events.iter().any(|event| matches!(event, Event::HandedOver { .. }));
    for event in events {
        if let Event::Substituted { pairs, .. } = event
            && let Some((absent, by)) = pairs.iter().find(|(absent, by)| {
                let is_absent = is_handed_on || !directory.absences_of(absent).is_empty();
                absent == by || !is_absent || directory.active_user(by).is_none()
            })
        {
            return Err(format!("{by} stands in for {absent}"));
        }
        let (node, users): (Option<&NodeId>, Vec<&UserId>) = if let Event::NodeEntered { node, rest, .. } = event {
            (Some(node), rest.assignees().collect())
        } else if let Event::Escalated { token, to } = event {
            (node_of(*token), to.iter().collect())
        } else if let Event::Forwarded { token, to, .. }
        | Event::ForceForwarded { token, to }
        | Event::HandedOver { token, to, .. }
        | Event::SignerAdded { token, user: to, .. } = event
        {
            (node_of(*token), vec![to])
        } else {
            continue;
        };
        let props = node.and_then(|node| workflow.node(node)?.kind.as_normal());
        if props.is_some_and(|props| props.on_creator.excludes()) && users.contains(&&after.creator) {
            return Err(format!("the creator is given a node that leaves them out: {event:?}"));
        }
    }
    Ok(())
}

/// What a node does not let one write never changes: a step changes only fields that are `optional` or `required` at
/// the node where its edge begins, and a title only there or where it is made by itself.
pub fn only_writable_fields_change(
    before: Option<&Ticket>,
    after: &Ticket,
    events: &[Event],
    step: &CaseStep,
    workflow: &WorkflowVersion,
) -> Result<(), String> {
    let is_same = before.map_or(after.fields.is_empty() && after.title.is_empty(), |before| {
        before.fields == after.fields && before.title == after.title
    });
    if is_same {
        return Ok(());
    }
    let taken = events.iter().find_map(|event| {
        if let Event::ActionTaken(taken) = event {
            taken.node.clone().filter(|_| taken.kind.is_edge())
        } else {
            None
        }
    });
    let node = match step {
        CaseStep::Create { .. } => Some(workflow.start()),
        CaseStep::Handle { .. } => taken.and_then(|node| workflow.node(&node)),
        CaseStep::Pass { .. }
        | CaseStep::Publish { .. }
        | CaseStep::Directory { .. }
        | CaseStep::FireTimer { .. }
        | CaseStep::ReachDeadline { .. }
        | CaseStep::ReportHook { .. }
        | CaseStep::ReviewHolders { .. }
        | CaseStep::HandOver { .. }
        | CaseStep::Migrate { .. } => None,
    };
    let Some(node) = node else {
        return Err(format!("values changed without an edge taken by a person: {events:?}"));
    };
    let is_writable = |key| node.field_permissions.get(key).is_some_and(|one| one.is_writable());
    let no_fields = std::collections::BTreeMap::new();
    let was = before.map_or(&no_fields, |ticket| &ticket.fields);
    let changed = after.fields.iter().filter(|(key, value)| was.get(*key) != Some(*value));
    let gone = was.keys().filter(|key| !after.fields.contains_key(*key));
    if let Some(key) = changed.map(|(key, _)| key).chain(gone).find(|key| !is_writable(*key)) {
        return Err(format!(
            "field `{key}` changed, which node `{}` does not let one write",
            node.id
        ));
    }
    let title_was = before.map_or("", |ticket| ticket.title.as_str());
    let may_title = workflow.form.automatic_title().is_some() || workflow.form.title_key().is_some_and(is_writable);
    if after.title != title_was && !may_title {
        return Err(format!(
            "the title changed, which node `{}` does not let one write",
            node.id
        ));
    }
    Ok(())
}
