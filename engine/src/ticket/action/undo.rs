//! `undo`: whoever took an edge, or cast a vote, takes it back while nothing has come of it (semantics: going-back).

use std::sync::Arc;

use crate::id::TokenId;
use crate::ticket::act::Taking;
use crate::ticket::action::{Asking, Chosen, Denied, Offering, Rule, emit_action};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::ballot::Ballot;
use crate::ticket::decision::Decision;
use crate::ticket::event::{Event, FieldChange, Undone};
use crate::ticket::refusal::Refusal;
use crate::ticket::token::{Rest, Token};
use crate::ticket::{Ticket, Undoable, notices, undo, voting};
use crate::value::Value;

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::Undo,
    title: "Undo",
    needs: &[],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|asking, standing| {
        let token = standing.token;
        undoable(asking.ticket).is_some_and(|(one, at)| one.by == *asking.user && at == token.id)
            || has_vote_to_undo(asking, token)
    }),
    who_may,
    carry_out,
};

/// The last commit, where it can be undone, and the oldest token that it has brought to rest: it took an edge, and the
/// ticket is not over.
fn undoable(ticket: &Ticket) -> Option<(&Arc<Undoable>, TokenId)> {
    let undoable = ticket.undoable.as_ref().filter(|_| !ticket.is_final())?;
    let moved = ticket.tokens.iter().find(|token| token.visit > undoable.commit)?;
    Some((undoable, moved.id))
}

/// Whether somebody has a vote under way that they can take back: nobody whose turn it was because of it has voted.
fn has_vote_to_undo(asking: &Asking<'_>, token: &Token) -> bool {
    let node = asking.context.workflow.node(&token.node);
    let lets = node.is_some_and(|node| node.allow_undo);
    let ballot = voting::ballot(&token.rest).filter(|_| lets);
    ballot.is_some_and(|ballot| {
        let own = ballot
            .shares
            .iter()
            .position(|share| share.is_kept() && share.holder == *asking.user);
        own.is_some_and(|idx| ballot.shares[idx].vote().is_some() && !has_been_followed(ballot, idx))
    })
}

/// Whether a share that stands after one, however far, has voted.
fn has_been_followed(ballot: &Ballot, idx: usize) -> bool {
    // A share stands after one that comes before it in the list, or was added behind it: look until nothing is found.
    let mut found = vec![idx];
    let mut next = 0;
    while let Some(before) = found.get(next).copied() {
        next += 1;
        for (after, share) in ballot.shares.iter().enumerate() {
            let stands_after = share.after.and_then(|number| usize::try_from(number).ok()) == Some(before + 1);
            if stands_after && !found.contains(&after) {
                if share.vote().is_some() {
                    return true;
                }
                found.push(after);
            }
        }
    }
    false
}

fn who_may(denied: &Denied<'_>) -> Option<String> {
    let (one, _) = undoable(denied.asking.ticket)?;
    let is_other = one.by != *denied.asking.user;
    is_other.then(|| format!("only who acted last may, {}", denied.names(std::iter::once(&one.by))))
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let of_edge = undoable(&decision.ticket).filter(|(one, at)| one.by == *taking.by && *at == action.token);
    let of_edge = of_edge.map(|(one, _)| Arc::clone(one));
    emit_action(decision, action, taking);
    match of_edge {
        Some(undoable) => {
            let recalled = notices::recalled(&decision.ticket, &undoable.told);
            decision.owed.extend(recalled);
            put_back(decision, &undoable);
        }
        None => decision.emit(Event::VoteTakenBack {
            token: action.token,
            user: taking.by.clone(),
        }),
    }
    Ok(())
}

fn put_back(decision: &mut Decision<'_>, undoable: &Undoable) {
    let before = &undoable.before;
    let now = &decision.ticket;
    let changes = now
        .fields
        .iter()
        .filter(|(key, value)| before.fields.get(*key) != Some(value));
    let changes = changes.map(|(key, value)| FieldChange {
        key: key.clone(),
        from: Some(value.clone()),
        // What is stored once stays a field: nothing in it counts as no value.
        to: before.fields.get(key).cloned().unwrap_or(Value::Null),
    });
    let changes: Vec<FieldChange> = changes.collect();
    let undone = Undone::of(undoable, now);
    let again = undo::changed(before, now);
    let is_title_changed = before.title != now.title;
    if !changes.is_empty() {
        decision.emit(Event::FieldsChanged { changes });
    }
    if is_title_changed {
        let title = before.title.clone();
        decision.emit(Event::TitleChanged { title });
    }
    // Timers of stays that are open again are due when they were; deadlines are set at the end of every commit.
    let again = before.tokens.iter().filter(|token| again.contains(&token.id));
    let timers = again.filter_map(|token| match token.rest {
        Rest::Timer { due } => Some(Event::TimerSet {
            token: token.id,
            node: token.node.clone(),
            due,
        }),
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Held { .. }
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Hook { .. }
        | Rest::Ended
        | Rest::Voting(_) => None,
    });
    let timers: Vec<Event> = timers.collect();
    decision.emit(Event::Undone(Box::new(undone)));
    for timer in timers {
        decision.emit(timer);
    }
}
