//! What must hold, one function each; the doc sentence is the invariant. Each answers `Err` with what was found.
//!
//! Here: replay, dry runs, tokens, states. By subject: what one step may do (`step`), who may do what (`gate`), what is
//! shown (`views`), `lists`, what is stored (`storage`), other tenants (`tenants`). When each is asked: `watch`.

use std::collections::BTreeSet;

use loonflow_engine::ticket::{ActState, Ballot, Event, Rest, Ticket, apply};
use loonflow_engine::workflow::{NodeKind, WorkflowVersion};

use crate::world::Recorded;

pub mod gate;
pub mod lists;
pub mod step;
pub mod storage;
pub mod tenants;
pub mod views;

/// Every invariant by the name of the function that states it, and its sentence as stories tell it.
pub const SENTENCES: [(&str, &str); 26] = [
    (
        "replay_equals_live",
        "a replay of a ticket's commits gives the ticket as it is",
    ),
    (
        "dry_equals_real",
        "a dry run's events and refusals are those of the real call, a random draw aside",
    ),
    (
        "a_dry_run_changes_nothing",
        "a dry run leaves log, ids, clock and random source untouched",
    ),
    (
        "a_refusal_appends_nothing",
        "a refused request leaves everything as it was",
    ),
    (
        "version_grows_by_events",
        "a ticket's version grows by the number of events",
    ),
    (
        "final_stays_final",
        "finished and closed are final: only comments remain",
    ),
    (
        "only_writable_fields_change",
        "what a node does not let one write never changes",
    ),
    (
        "a_return_moves_one_token",
        "a return moves one token and leaves all others as they are",
    ),
    (
        "come_back_where_returned",
        "what comes straight back comes to the node and the people that returned it",
    ),
    (
        "rejected_says_how_it_came",
        "an open ticket is rejected exactly if a reject edge or a return moved it last",
    ),
    (
        "state_fits_tokens",
        "a ticket is over exactly where its one token is at end",
    ),
    (
        "tokens_rest_where_they_can",
        "every token rests on a node that waits, in that node's way",
    ),
    (
        "who_gets_work_may_do_it",
        "nobody is given a node whom it leaves out, and who stands in is active and stands in for somebody who is absent",
    ),
    (
        "forks_close",
        "tokens stay in the region of their forks, and no merge waits for ever",
    ),
    (
        "offered_equals_allowed",
        "what is offered works, and what is not offered is refused",
    ),
    (
        "nothing_hidden_is_shown",
        "a viewer is shown what its node shows, and nothing hidden",
    ),
    ("previews_hide", "a preview shows nothing hidden"),
    ("refusals_hide", "a refusal tells nothing hidden"),
    (
        "other_tenants_are_kept_out",
        "no tenant sees or moves a ticket of another",
    ),
    ("lists_equal_a_walk", "every list equals the fold of the events"),
    (
        "events_survive_storage",
        "an event is the same after it was stored and read back",
    ),
    (
        "the_model_answers_alike",
        "the naive model does the same, or refuses with the same code",
    ),
    (
        "the_model_has_the_same_ticket",
        "the naive model's ticket is the engine's",
    ),
    ("the_model_offers_alike", "the naive model offers and shows the same"),
    (
        "the_model_follows",
        "the naive model takes the definitions and directories that the engine takes",
    ),
    ("the_engine_never_panics", "the engine never panics"),
];

/// The sentence of an invariant; its name where it has none.
#[must_use]
pub fn sentence_of(invariant: &str) -> &str {
    let known = SENTENCES.iter().find(|(name, _)| *name == invariant);
    known.map_or(invariant, |(_, sentence)| sentence)
}

/// A replay of a ticket's commits gives the ticket as it is.
pub fn replay_equals_live(recorded: &Recorded) -> Result<(), String> {
    let mut ticket = None;
    for (meta, events) in &recorded.commits {
        for event in events {
            ticket = apply(ticket, event, meta);
        }
    }
    (ticket.as_ref() == Some(&recorded.ticket))
        .then_some(())
        .ok_or_else(|| format!("replayed {ticket:?}, live {:?}", recorded.ticket))
}

/// A ticket's version counts its events.
pub fn version_counts_events(recorded: &Recorded) -> Result<(), String> {
    let n: usize = recorded.commits.iter().map(|(_, events)| events.len()).sum();
    (recorded.ticket.version == n as u64)
        .then_some(())
        .ok_or_else(|| format!("{n} events, version {}", recorded.ticket.version))
}

/// Between commands every token rests on a node that waits, in the way that its kind of node waits.
pub fn tokens_rest_where_they_can(ticket: &Ticket, workflow: &WorkflowVersion) -> Result<(), String> {
    if ticket.tokens.is_empty() {
        return Err("no token is left".into());
    }
    for token in &ticket.tokens {
        let Some(node) = workflow.node(&token.node) else {
            return Err(format!("{token:?} is nowhere"));
        };
        let fits = match &token.rest {
            Rest::Moving => false,
            Rest::Joining => token
                .forks
                .last()
                .is_some_and(|fork| workflow.merge_of(&fork.split) == Some(&token.node)),
            Rest::Held { holders, .. } => !holders.is_empty() && node.kind.is_left_by_people(),
            Rest::Unassigned => node.kind.is_left_by_people(),
            Rest::Offered { candidates } => candidates.len() > 1 && node.kind.as_normal().is_some(),
            Rest::Voting(ballot) => is_vote(ballot) && node.kind.as_normal().is_some(),
            Rest::Shared { .. } => false,
            Rest::Timer { .. } => matches!(node.kind, NodeKind::Timer(_)),
            Rest::Hook { .. } => matches!(node.kind, NodeKind::Hook(_)),
            Rest::Ended => matches!(node.kind, NodeKind::End) && ticket.tokens.len() == 1,
        };
        if !fits {
            return Err(format!("{token:?} cannot rest at {}", node.id));
        }
    }
    Ok(())
}

/// A person has one share, as many are left as the rule takes at least, and there are votes to come.
fn is_vote(ballot: &Ballot) -> bool {
    let holders: BTreeSet<_> = ballot.kept().map(|share| &share.holder).collect();
    let n_kept = ballot.kept().count();
    holders.len() == n_kept
        && n_kept >= ballot.rule.n_people_min() as usize
        && ballot.shares.len() > 1
        && ballot.actionable().next().is_some()
}

/// Every token lies in the region of every fork it belongs to, and no merge waits for ever: a fork with a token that
/// waits at its merge has another token that does not.
pub fn forks_close(ticket: &Ticket, workflow: &WorkflowVersion) -> Result<(), String> {
    for token in &ticket.tokens {
        if let Some(fork) = token
            .forks
            .iter()
            .find(|fork| !workflow.in_region(&fork.split, &token.node))
        {
            return Err(format!("{token:?} is outside of {fork:?}"));
        }
        let Some(fork) = token.forks.last().filter(|_| token.rest == Rest::Joining) else {
            continue;
        };
        let is_missing = |one: &&loonflow_engine::ticket::Token| {
            one.forks.contains(fork) && !(one.rest == Rest::Joining && one.forks.last() == Some(fork))
        };
        if ticket.tokens.iter().find(is_missing).is_none() {
            return Err(format!("{token:?} waits for nobody"));
        }
    }
    Ok(())
}

/// A ticket that is over has one token, at end, and its state is `finished`, `closed` or `rejected`; one that is not
/// over is neither finished nor closed.
pub fn state_fits_tokens(ticket: &Ticket) -> Result<(), String> {
    let is_over = matches!(ticket.act_state, ActState::Finished | ActState::Closed);
    let fits = if ticket.tokens.iter().any(|token| token.rest == Rest::Ended) {
        is_over || ticket.act_state == ActState::Rejected
    } else {
        !is_over
    };
    fits.then_some(())
        .ok_or_else(|| format!("{:?} with {:?}", ticket.act_state, ticket.tokens))
}

/// A dry run's events are those of the real call, a random draw aside.
pub fn dry_equals_real(dry: &[Event], real: &[Event]) -> Result<(), String> {
    let same = dry.len() == real.len() && dry.iter().zip(real).all(|(dry, real)| same_but_for_draw(dry, real));
    same.then_some(()).ok_or_else(|| format!("dry {dry:?}, real {real:?}"))
}

fn same_but_for_draw(dry: &Event, real: &Event) -> bool {
    match (dry, real) {
        (
            Event::NodeEntered {
                token,
                node,
                pool: Some(pool),
                rest: _,
                remembered,
            },
            Event::NodeEntered {
                token: token2,
                node: node2,
                pool: Some(pool2),
                rest: Rest::Held { holders, .. },
                remembered: remembered2,
            },
        ) => {
            (token, node, pool, remembered) == (token2, node2, pool2, remembered2)
                && holders.len() == 1
                && holders.iter().all(|holder| pool.contains(holder))
        }
        (dry, real) => dry == real,
    }
}
