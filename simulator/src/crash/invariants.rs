//! What must hold whatever died, one function each; the doc sentence is the invariant. Each answers `Err` with what was
//! found. The same functions judge both levels, the bare boundary and the engine with its actors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::effect::{Awaited, Effect, awaited};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{Done, commit};
use loonflow_engine::ticket::{Refusal, Ticket, Token, apply};
use loonflow_engine::view::ticket_list::{Category, ListQuery, TenantIndex, Viewer, as_listed};
use loonflow_storage::{Commit, EventLog, NewCommit, Position};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {found}")]
pub struct Broken {
    /// The name of its function.
    pub invariant: &'static str,
    /// What was found instead.
    pub found: String,
}

impl Broken {
    /// An invariant with what was found.
    pub fn new(invariant: &'static str, found: impl Into<String>) -> Self {
        Self {
            invariant,
            found: found.into(),
        }
    }
}

/// The names of all invariants of this module.
pub const ALL: [&str; 9] = [
    "acknowledged_is_kept",
    "whole_or_nothing",
    "done_once",
    "a_key_answers_first",
    "other_arguments_are_refused",
    "versions_hold",
    "replay_equals_fold",
    "lists_equal_fold",
    "effects_are_found",
];

type Held = Result<(), Broken>;

fn hold(invariant: &'static str, holds: bool, found: impl FnOnce() -> String) -> Held {
    if holds {
        Ok(())
    } else {
        Err(Broken::new(invariant, found()))
    }
}

/// Nothing acknowledged is lost: the commit that a client was told of is in the log, at the version it was told.
pub fn acknowledged_is_kept(commits: &[Arc<Commit>], done: &Done) -> Held {
    let is_there = commits.iter().any(|commit| {
        commit.last_version() == done.version && commit::ticket_of(&commit.stream) == Some(done.ticket_id)
    });
    hold("acknowledged_is_kept", is_there, || {
        format!(
            "ticket {} at version {} was answered and is not in the log",
            done.ticket_id, done.version
        )
    })
}

/// Nothing is half done: of a commit that was sent, all events and the answer under its key are in the log, or nothing.
pub fn whole_or_nothing(log: &dyn EventLog, since: Position, sent: &NewCommit, must_be_there: Option<bool>) -> Held {
    let name = "whole_or_nothing";
    let read = log
        .read_all(since, usize::MAX)
        .map_err(|error| Broken::new(name, error.to_string()))?;
    let found = read.iter().find(|commit| commit.stream == sent.stream);
    let is_there = found.is_some_and(|commit| commit.meta == sent.meta && commit.events == sent.events);
    hold(name, found.is_none() || is_there, || {
        format!("of the commit to {} another one is in the log", sent.stream)
    })?;
    for write in &sent.kv {
        let kept = log
            .kv_get(write.tree, &write.key)
            .map_err(|error| Broken::new(name, error.to_string()))?;
        hold(name, !is_there || kept == write.value, || {
            format!("the commit to {} is there, its answer is not", sent.stream)
        })?;
        hold(name, is_there || kept != write.value, || {
            format!("the commit to {} is not there, its answer is", sent.stream)
        })?;
    }
    hold(name, must_be_there.is_none_or(|must| must == is_there), || {
        format!("the commit to {} is there: {is_there}", sent.stream)
    })
}

/// Nothing is done twice, and nothing that was not asked for: as many commits as calls that did something.
pub fn done_once(n_commits: usize, n_done: usize) -> Held {
    hold("done_once", n_commits == n_done, || {
        format!("{n_done} calls did something, {n_commits} commits are in the log")
    })
}

/// A repeat under an idempotency key is answered with the first answer.
pub fn a_key_answers_first(first: &Done, again: &Result<Done, Refusal>) -> Held {
    let mut expected = first.clone();
    expected.replayed = true;
    hold("a_key_answers_first", again.as_ref() == Ok(&expected), || {
        format!("first {first:?}, again {again:?}")
    })
}

/// Other arguments under a key that was answered are `idempotency_mismatch`.
pub fn other_arguments_are_refused(again: &Result<Done, Refusal>) -> Held {
    let is_mismatch = matches!(again, Err(Refusal::IdempotencyMismatch { .. }));
    hold("other_arguments_are_refused", is_mismatch, || {
        format!("answered {again:?}")
    })
}

/// Expected versions hold: a call made for another version is `version_conflict`, and the versions in every stream have
/// no gaps, so none was decided on another.
pub fn versions_hold(commits: &[Arc<Commit>], stale: Option<&Result<Done, Refusal>>) -> Held {
    let name = "versions_hold";
    if let Some(answer) = stale {
        let is_conflict = matches!(answer, Err(Refusal::VersionConflict { .. }));
        hold(name, is_conflict, || format!("a stale call was answered {answer:?}"))?;
    }
    let mut heads = BTreeMap::new();
    for commit in commits {
        let before = heads.insert(&commit.stream, commit.last_version()).unwrap_or(0);
        hold(name, commit.first_version == before + 1, || {
            format!(
                "{} goes from version {before} to {}",
                commit.stream, commit.first_version
            )
        })?;
    }
    Ok(())
}

/// A worker that died, or a process that was started again, has the ticket that all events of its stream fold to, the
/// snapshot it may have begun with or not.
pub fn replay_equals_fold(log: &dyn EventLog, ticket: &Ticket) -> Held {
    let folded = fold(log, ticket)?;
    hold("replay_equals_fold", folded.as_ref() == Some(ticket), || {
        format!("read {ticket:?}, folded {folded:?}")
    })
}

/// The ticket that all events of its stream fold to, without a snapshot.
pub fn fold(log: &dyn EventLog, of: &Ticket) -> Result<Option<Ticket>, Broken> {
    let fail = |error: String| Broken::new("replay_equals_fold", error);
    let stream = commit::ticket_stream(&of.tenant_id, of.id);
    let commits = log.read_stream(&stream, 0).map_err(|error| fail(error.to_string()))?;
    let mut folded = None;
    for commit in &commits {
        let (meta, events) = commit::read(commit).map_err(|error| fail(error.to_string()))?;
        for event in &events {
            folded = apply(folded, event, &meta);
        }
    }
    Ok(folded)
}

/// Every list equals the fold of the events: it has every ticket but discarded ones, each as it is, and gives each
/// person the tickets that wait for it.
pub fn lists_equal_fold(index: &TenantIndex, tickets: &[Arc<Ticket>], directory: &Directory) -> Held {
    let name = "lists_equal_fold";
    let versions: BTreeSet<_> = index.versions().into_iter().collect();
    let listed = |category: Category, user: &loonflow_engine::id::UserId| -> BTreeMap<TicketId, Arc<Ticket>> {
        let viewer = Viewer {
            user: user.clone(),
            is_tenant_admin: true,
            view: versions.clone(),
            intervene: versions.clone(),
            allowed: versions.clone(),
        };
        let mut found = BTreeMap::new();
        let mut query = ListQuery {
            category,
            per_page: loonflow_engine::limits::PER_PAGE_MAX,
            ..ListQuery::default()
        };
        loop {
            let page = index.query(&query, &viewer);
            found.extend(page.tickets.into_iter().map(|ticket| (ticket.id, ticket)));
            if !page.has_more {
                return found;
            }
            query.page += 1;
        }
    };
    let live: Vec<&Arc<Ticket>> = tickets.iter().filter(|ticket| !ticket.is_discarded).collect();
    hold(name, index.len() == live.len(), || {
        format!("{} tickets are listed, {} there", index.len(), live.len())
    })?;
    let someone = "nobody".into();
    let all = listed(Category::All, &someone);
    for ticket in &live {
        if ticket.act_state == loonflow_engine::ticket::ActState::InDraft {
            continue;
        }
        let card = as_listed(ticket);
        hold(name, all.get(&ticket.id).is_some_and(|found| **found == card), || {
            format!("listed {:?}, there {card:?}", all.get(&ticket.id))
        })?;
    }
    let waiting = live.iter().flat_map(|ticket| {
        let of = |token: &Token| [token.rest.waiting_for(), token.rest.assignees().cloned().collect()];
        let people = ticket.tokens.iter().flat_map(of).flatten();
        people.map(|user| (user, ticket.id))
    });
    let waiting: BTreeSet<_> = waiting.collect();
    for user in directory.users.keys() {
        let held: BTreeSet<TicketId> = index.held_by(user).into_iter().collect();
        let expected: BTreeSet<TicketId> = waiting
            .iter()
            .filter(|(one, _)| one == user)
            .map(|(_, ticket)| *ticket)
            .collect();
        hold(name, held == expected, || {
            format!("{user} is shown {held:?}, has a place at {expected:?}")
        })?;
    }
    Ok(())
}

/// Every open effect is found again: the timers and hooks that a ticket waits for are those that its events began and
/// did not end.
pub fn effects_are_found(log: &dyn EventLog, ticket: &Ticket) -> Held {
    use loonflow_engine::ticket::{Event, OwedAgain};
    let name = "effects_are_found";
    let stream = commit::ticket_stream(&ticket.tenant_id, ticket.id);
    let commits = log
        .read_stream(&stream, 0)
        .map_err(|error| Broken::new(name, error.to_string()))?;
    // Read off the events alone, with another bookkeeping than the ticket's own.
    let mut open: BTreeMap<loonflow_engine::id::TokenId, Awaited> = BTreeMap::new();
    for commit in &commits {
        let (_, events) = commit::read(commit).map_err(|error| Broken::new(name, error.to_string()))?;
        for event in &events {
            if let Event::TimerSet { token, node, due } = event {
                let (token, node, due) = (*token, node.clone(), *due);
                let effect = Effect::Timer { token, node, due };
                open.insert(token, Awaited { effect, failed: None });
            } else if let Event::HookRequested { token, node, attempt } = event {
                let (token, node, attempt) = (*token, node.clone(), *attempt);
                let effect = Effect::Hook { token, node, attempt };
                open.insert(token, Awaited { effect, failed: None });
            } else if let Event::HookFailed { token, reason, .. } = event
                && let Some(one) = open.get_mut(token)
            {
                one.failed = Some(reason.clone());
            } else if let Event::EdgeTaken { token, .. } | Event::TokenReturned { token, .. } = event {
                open.remove(token);
            } else if let Event::Undone(undone) = event {
                open.retain(|token, _| !undone.ended.contains(token));
                // Timers that are waited for again are set again.
                for owed in &undone.owed {
                    if let OwedAgain::Hook {
                        token,
                        node,
                        attempt,
                        failed,
                        ..
                    } = owed
                    {
                        let (token, node, attempt) = (*token, node.clone(), *attempt);
                        let effect = Effect::Hook { token, node, attempt };
                        let failed = failed.as_ref().map(|(reason, _)| reason.clone());
                        open.insert(token, Awaited { effect, failed });
                    }
                }
            } else if let Event::TokensReplaced { removed, .. } | Event::ForkLeft { cancelled: removed, .. } = event {
                open.retain(|token, _| !removed.contains(token));
            } else if let Event::Migrated { tokens, .. } = event {
                for (id, to) in tokens {
                    let effect = open.get_mut(id).map(|one| &mut one.effect);
                    if let Some(Effect::Timer { node, .. } | Effect::Hook { node, .. }) = effect {
                        *node = to.clone();
                    }
                }
            }
        }
    }
    let expected: Vec<Awaited> = open.into_values().collect();
    let found = awaited(ticket);
    hold(name, found == expected, || {
        format!("found {found:?}, begun and not ended {expected:?}")
    })
}
