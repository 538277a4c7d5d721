//! Votes (semantics: votes): whose turn it is, when the outcome is certain, which edge it takes, whose share is dropped.
//!
//! What is certain is found by going through all that the votes still to come could bring.

use super::definition::Approval;
use super::moves::Run;
use super::ticket::{Cast, Rest, Share, Ticket, Token, Vote};
use super::{Id, Refused};

/// So many people can be added at a node.
const ADDED_MAX: usize = 50;

impl Vote {
    pub(super) fn new(people: Vec<Id>, rule: &Approval) -> Self {
        let shares = people.into_iter().enumerate().map(|(place, holder)| Share {
            holder,
            vote: None,
            is_dropped: false,
            consulted: None,
            after: place.checked_sub(1).filter(|_| rule.in_order),
            added_by: None,
        });
        Self {
            rule: rule.clone(),
            shares: shares.collect(),
            n_cast: 0,
        }
    }

    /// Shares that are neither voted nor dropped, and behind none that is so.
    pub(super) fn turns(&self) -> Vec<&Share> {
        let is_open = |share: &Share| share.vote.is_none() && !share.is_dropped;
        let is_turn =
            |share: &&Share| is_open(share) && !share.after.is_some_and(|before| is_open(&self.shares[before]));
        self.shares.iter().filter(is_turn).collect()
    }

    pub(super) fn left(&self) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(|share| !share.is_dropped)
    }

    pub(super) fn share_of(&mut self, user: &str) -> Option<&mut Share> {
        self.shares
            .iter_mut()
            .find(|share| !share.is_dropped && *share.holder == *user)
    }

    /// Somebody has to be left, and for a count as many as it asks for.
    pub(super) fn can_lose_one(&self) -> bool {
        let n_after = self.left().count() - 1;
        n_after >= 1 && (self.rule.word != "count" || n_after as u64 >= self.rule.n)
    }

    /// Whether so many of all who are left are enough.
    fn is_enough(&self, n_for: usize) -> bool {
        let n_all = self.left().count();
        let (n_for, n_all) = (n_for as u64, n_all as u64);
        match self.rule.word.as_str() {
            "any" => n_for >= 1,
            "majority" => 2 * n_for > n_all,
            "percent" => n_for >= 1 && 100 * n_for >= self.rule.n * n_all,
            "count" => n_for >= self.rule.n,
            _ => n_for == n_all,
        }
    }

    /// The edge that is taken, once the outcome is certain.
    fn outcome(&self) -> Option<Id> {
        let casts: Vec<&Cast> = self.left().filter_map(|share| share.vote.as_ref()).collect();
        let n_for = casts.iter().filter(|cast| !cast.is_against).count();
        let n_open = self.left().count() - casts.len();
        let is_vetoed = self.rule.veto && n_for < casts.len();
        let wins = if is_vetoed {
            false
        } else if self.rule.veto {
            // Whoever is still to come may be against, and would then end it: it ends for it with the vote that is enough.
            if !self.is_enough(n_for) {
                return None;
            }
            true
        } else {
            let could_win: Vec<bool> = (0..=n_open).map(|more| self.is_enough(n_for + more)).collect();
            if could_win.iter().any(|wins| *wins != could_win[0]) {
                return None;
            }
            could_win[0]
        };
        let of_side = casts.into_iter().filter(|cast| cast.is_against != wins);
        of_side.max_by_key(|cast| cast.when).map(|cast| cast.edge.clone())
    }
}

/// Casts a vote.
pub(super) fn cast(run: &mut Run<'_>, token: u64, voter: &Id, edge: usize) -> Result<(), Refused> {
    let (edge, is_against) = {
        let edge = &run.ticket.on.edges[edge];
        (edge.id.clone(), edge.kind == "reject")
    };
    if let Some(vote) = vote_at(&mut run.ticket, token) {
        vote.n_cast += 1;
        let when = vote.n_cast;
        if let Some(share) = vote.share_of(voter) {
            share.vote = Some(Cast { edge, is_against, when });
        }
    }
    decide(run, token)
}

/// Drops a share.
pub(super) fn drop_share(run: &mut Run<'_>, token: u64, user: &Id) -> Result<(), Refused> {
    if let Some(share) = vote_at(&mut run.ticket, token).and_then(|vote| vote.share_of(user)) {
        share.is_dropped = true;
        share.consulted = None;
    }
    decide(run, token)
}

/// Whom somebody added who have not voted, where one less is enough.
pub(super) fn added_by<'t>(token: &'t Token, user: &Id) -> Vec<&'t Id> {
    let Some(vote) = vote_of(token).filter(|vote| vote.can_lose_one()) else {
        return Vec::new();
    };
    let added = vote
        .left()
        .filter(|share| share.vote.is_none() && share.added_by.as_ref() == Some(user));
    added.map(|share| &share.holder).collect()
}

/// Has somebody act beside an operator, who held the node alone or has a share of it.
pub(super) fn add(rest: &mut Rest, by: &Id, user: &Id) -> Result<(), Refused> {
    if let Rest::Held { holders, .. } = rest {
        let all = Approval {
            word: "all".into(),
            n: 0,
            veto: false,
            in_order: false,
            abstain: false,
        };
        *rest = Rest::Voting(Vote::new(std::mem::take(holders), &all));
    }
    let Rest::Voting(vote) = rest else {
        return Err("action_not_available");
    };
    let n_added = vote.shares.iter().filter(|share| share.added_by.is_some()).count();
    if vote.share_of(user).is_some() || n_added >= ADDED_MAX {
        return Err("invalid_argument");
    }
    vote.shares.push(Share {
        holder: user.clone(),
        vote: None,
        is_dropped: false,
        consulted: None,
        after: None,
        added_by: Some(by.clone()),
    });
    Ok(())
}

fn vote_of(token: &Token) -> Option<&Vote> {
    if let Rest::Voting(vote) = &token.rest {
        return Some(vote);
    }
    None
}

fn vote_at(ticket: &mut Ticket, token: u64) -> Option<&mut Vote> {
    match &mut ticket.token_mut(token)?.rest {
        Rest::Voting(vote) => Some(vote),
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Held { .. }
        | Rest::Offered(_)
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => None,
    }
}

fn decide(run: &mut Run<'_>, token: u64) -> Result<(), Refused> {
    let Some(edge) = vote_at(&mut run.ticket, token).and_then(|vote| vote.outcome()) else {
        return Ok(());
    };
    let at = run.ticket.on.edges.iter().position(|one| one.id == edge);
    run.leave_by(token, at.ok_or("not_waiting")?)
}

/// Whoever is no longer active goes out of what they hold while somebody else is left there.
pub(super) fn review(run: &mut Run<'_>) {
    if run.ticket.state == "in_draft" || run.ticket.is_over() {
        return;
    }
    let people = run.people;
    let is_gone = |user: &Id| !people.is_active(user);
    for id in run.ticket.tokens.iter().map(|token| token.id).collect::<Vec<_>>() {
        if let Some(token) = run.ticket.token_mut(id) {
            leave_place(token, &is_gone);
        }
        let Some(vote) = vote_at(&mut run.ticket, id) else {
            continue;
        };
        let gone = vote
            .left()
            .filter(|share| share.vote.is_none() && is_gone(&share.holder));
        for user in gone.map(|share| share.holder.clone()).collect::<Vec<_>>() {
            let is_still_there = |vote: &mut Vote| vote.can_lose_one() && vote.share_of(&user).is_some();
            if !vote_at(&mut run.ticket, id).is_some_and(is_still_there) {
                break;
            }
            // What it decides may turn out not to be possible: then it is as it was.
            let mut tried = run.clone();
            if drop_share(&mut tried, id, &user).is_ok() {
                *run = tried;
            }
        }
    }
}

fn leave_place(token: &mut Token, is_gone: &dyn Fn(&Id) -> bool) {
    let stay = |users: &mut Vec<Id>| {
        if !users.iter().all(is_gone) {
            users.retain(|user| !is_gone(user));
        }
    };
    match &mut token.rest {
        Rest::Held { holders, consult } => {
            stay(holders);
            if consult.as_ref().is_some_and(|(_, to)| is_gone(to)) {
                *consult = None;
            }
        }
        Rest::Offered(candidates) => {
            stay(candidates);
            if let [last] = candidates.as_slice() {
                token.rest = Rest::Held {
                    holders: vec![last.clone()],
                    consult: None,
                };
            }
        }
        Rest::Voting(vote) => {
            for share in &mut vote.shares {
                if share.consulted.as_ref().is_some_and(is_gone) {
                    share.consulted = None;
                }
            }
        }
        Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Timer { .. } | Rest::Hook { .. } | Rest::Ended => {}
    }
}
