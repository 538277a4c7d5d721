//! Handing over what somebody who is away holds to whoever acts for them (semantics: absence).

use super::acts::in_place_at;
use super::definition::NodeKind;
use super::moves::Run;
use super::ticket::{Rest, join};
use super::{Id, Refused, votes};

/// Whatever somebody who is away has on a ticket goes to whoever acts for them, node by node, where it can.
pub(super) fn hand_over(run: &mut Run<'_>, user: &Id) -> Result<(), Refused> {
    let mut answer = Err("not_waiting");
    if run.ticket.state == "in_draft" || run.ticket.is_over() {
        return answer;
    }
    for id in run.ticket.tokens.iter().map(|token| token.id).collect::<Vec<_>>() {
        let Some(token) = run.ticket.token(id) else { continue };
        let node = token.node;
        let is_away = run.people.stand_in(user, run.now_ms, &run.ticket.on.workflow).is_some();
        let is_normal = matches!(run.ticket.on.nodes[node].kind, NodeKind::Normal(_));
        if !is_away || !is_normal || !is_there(&token.rest, user) {
            continue;
        }
        let to = in_place_at(run, node, user);
        let mut tried = run.clone();
        match give_all(&mut tried, id, user, &to) {
            Ok(()) => {
                *run = tried;
                answer = Ok(());
            }
            Err(code) if answer == Err("not_waiting") => answer = Err(code),
            Err(_) => {}
        }
    }
    answer
}

/// Whether somebody has something to give.
fn is_there(rest: &Rest, user: &Id) -> bool {
    match rest {
        Rest::Held { holders, consult } => {
            holders.contains(user) || consult.as_ref().is_some_and(|(_, asked)| asked == user)
        }
        Rest::Offered(candidates) => candidates.contains(user),
        Rest::Voting(vote) => {
            let mut left = vote.left();
            left.any(|share| share.vote.is_none() && share.holder == *user || share.consulted.as_ref() == Some(user))
        }
        Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Timer { .. } | Rest::Hook { .. } | Rest::Ended => false,
    }
}

fn give_all(run: &mut Run<'_>, id: u64, user: &Id, to: &Id) -> Result<(), Refused> {
    if user == to {
        return Err("no_assignee");
    }
    join(&mut run.ticket.assigned, to);
    join(&mut run.ticket.assigned, user);
    let renamed = |one: &mut Id| {
        if *one == *user {
            *one = to.clone();
        }
    };
    let mut merges = false;
    let Some(token) = run.ticket.token_mut(id) else {
        return Err("not_waiting");
    };
    match &mut token.rest {
        Rest::Held { holders, consult } => {
            if consult.as_ref().is_some_and(|(by, asked)| by == to && asked == user) {
                return Err("no_assignee");
            }
            if holders.contains(user) {
                token.candidates.clear();
            }
            give_place(holders, user, to);
            if let Some((by, asked)) = consult {
                renamed(by);
                renamed(asked);
            }
            if consult.as_ref().is_some_and(|(by, asked)| by == asked) {
                *consult = None;
            }
        }
        Rest::Offered(candidates) => {
            give_place(candidates, user, to);
            if let [last] = candidates.as_slice() {
                token.rest = Rest::Held {
                    holders: vec![last.clone()],
                    consult: None,
                };
            }
        }
        Rest::Voting(vote) => {
            let has_share = |who: &Id| vote.left().any(|share| share.holder == *who);
            let is_asked = |who: &Id| vote.left().any(|share| share.consulted.as_ref() == Some(who));
            let has_open = vote.left().any(|share| share.vote.is_none() && share.holder == *user);
            merges = has_open && has_share(to);
            if is_asked(user) && (has_share(to) || is_asked(to)) || merges && !vote.can_lose_one() {
                return Err("no_assignee");
            }
            for share in vote.shares.iter_mut().filter(|share| !share.is_dropped) {
                if share.vote.is_none() && !merges {
                    renamed(&mut share.holder);
                }
                if let Some(asked) = &mut share.consulted {
                    renamed(asked);
                }
                if share.consulted.as_ref() == Some(&share.holder) {
                    share.consulted = None;
                }
            }
        }
        Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Timer { .. } | Rest::Hook { .. } | Rest::Ended => {}
    }
    if merges {
        votes::drop_share(run, id, user)
    } else {
        Ok(())
    }
}

/// Puts somebody in the place of another, or takes that one out where they are there already.
fn give_place(users: &mut Vec<Id>, user: &Id, to: &Id) {
    match users.iter().position(|one| one == user) {
        Some(at) if users.contains(to) => drop(users.remove(at)),
        Some(at) => users[at] = to.clone(),
        None => {}
    }
}
