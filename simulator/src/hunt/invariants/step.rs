//! What one step may do to a ticket: invariants that look at the ticket before and after it.

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{EdgeId, NodeId, TokenId, UserId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{ActState, Back, Event, Ticket, Token};
use loonflow_engine::workflow::{EdgeKind, WorkflowVersion};

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
    // An undo puts back what was there before.
    if is_same || events.iter().any(|event| matches!(event, Event::Undone(_))) {
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

/// A return moves one token: all others are as they were.
pub fn a_return_moves_one_token(before: Option<&Ticket>, after: &Ticket, events: &[Event]) -> Result<(), String> {
    let returned = events.iter().find_map(|event| {
        if let Event::TokenReturned { token, .. } = event {
            return Some(*token);
        }
        None
    });
    let (Some(returned), Some(before)) = (returned, before) else {
        return Ok(());
    };
    let others = |ticket: &Ticket| -> Vec<Token> {
        let others = ticket.tokens.iter().filter(|token| token.id != returned);
        others.cloned().collect()
    };
    (others(before) == others(after))
        .then_some(())
        .ok_or_else(|| format!("a return made {:?} of {:?}", after.tokens, before.tokens))
}

/// A token that comes straight back comes to the node that had returned it, and to its people if one of them is left.
pub fn come_back_where_returned(before: Option<&Ticket>, events: &[Event]) -> Result<(), String> {
    for (idx, event) in events.iter().enumerate() {
        let Event::Resumed { token, to, .. } = event else {
            continue;
        };
        let was = before.and_then(|ticket| ticket.token(*token)?.back.clone());
        let Some(Back::ToCome { to: expected, people }) = was.as_deref() else {
            return Err(format!("{event:?} of a token that nobody had returned"));
        };
        let entered = events[idx + 1..].iter().find_map(|event| {
            if let Event::NodeEntered { node, rest, .. } = event {
                return Some((node, Some(rest)));
            }
            if let Event::TimerSet { node, .. } | Event::HookRequested { node, .. } = event {
                return Some((node, None));
            }
            None
        });
        let Some((node, rest)) = entered.filter(|(node, _)| *node == expected && to == expected) else {
            return Err(format!("{event:?} and then {entered:?}, not {expected}"));
        };
        // Who stands in for one of them is as good as that one.
        let in_place_of = |user: &UserId| {
            let pairs = events[idx + 1..].iter().find_map(|event| {
                if let Event::Substituted { pairs, .. } = event {
                    return pairs.iter().find(|(absent, by)| by == user && people.contains(absent));
                }
                None
            });
            pairs.map_or_else(|| user.clone(), |(absent, _)| absent.clone())
        };
        let holds: Vec<UserId> = rest.iter().flat_map(|rest| rest.assignees()).map(in_place_of).collect();
        if holds.iter().any(|user| people.contains(user)) && !holds.iter().all(|user| people.contains(user)) {
            return Err(format!("node `{node}` is {holds:?}'s, and was {people:?}'s"));
        }
    }
    Ok(())
}

/// An open ticket is rejected exactly if what moved it out of a node of people last was a reject edge, or a return by
/// whoever acted there.
pub fn rejected_says_how_it_came(
    before: Option<&Ticket>,
    after: &Ticket,
    events: &[Event],
    workflow: &WorkflowVersion,
) -> Result<(), String> {
    let is_undone = |event: &Event| matches!(event, Event::Undone(_));
    if after.is_final() || events.iter().any(is_undone) {
        return Ok(());
    }
    let is_peoples = |node: &NodeId| workflow.node(node).is_some_and(|node| node.kind.is_left_by_people());
    let is_reject = |edge: &EdgeId| workflow.edge(edge).is_some_and(|edge| edge.kind == EdgeKind::Reject);
    let mut expected = before.map(|ticket| ticket.act_state == ActState::Rejected);
    for event in events {
        // Whether by one who acts or by one who may intervene, no event says.
        if matches!(event, Event::TokenReturned { .. }) {
            return Ok(());
        } else if matches!(event, Event::Resumed { .. } | Event::TokensReplaced { .. }) {
            expected = Some(false);
        } else if let Event::EdgeTaken { edge, from, .. } = event
            && is_peoples(from)
        {
            expected = Some(is_reject(edge));
        }
    }
    let is_rejected = after.act_state == ActState::Rejected;
    (expected.unwrap_or(false) == is_rejected)
        .then_some(())
        .ok_or_else(|| format!("it is {:?} after {events:?}", after.act_state))
}
