//! What becomes of people's places at a node: given to others, asked about, left.

use crate::id::UserId;
use crate::ticket::ballot::BallotShare;
use crate::ticket::token::{Consult, Rest};

pub(super) fn forward(rest: &mut Rest, from: &UserId, to: &UserId) {
    match rest {
        Rest::Held { holders, .. } => {
            if let Some(idx) = holders.iter().position(|holder| holder == from) {
                holders[idx] = to.clone();
            }
            let mut seen = Vec::new();
            holders.retain(|holder| {
                !seen.contains(holder) && {
                    seen.push(holder.clone());
                    true
                }
            });
        }
        Rest::Voting(ballot) => {
            if let Some(share) = ballot.of_mut(from) {
                share.holder = to.clone();
            }
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => {}
    }
}

/// Gives every part of a person to another; of two that the other would have, one stays. Nobody asks themselves.
pub(super) fn hand_over(rest: &mut Rest, from: &UserId, to: &UserId) {
    let give = |user: &mut UserId| {
        if user == from {
            user.clone_from(to);
        }
    };
    match rest {
        Rest::Held { holders, consult } => {
            give_once(holders, from, to);
            if let Some(one) = consult {
                give(&mut one.by);
                give(&mut one.to);
                if one.by == one.to {
                    *consult = None;
                }
            }
        }
        Rest::Offered { candidates } => {
            give_once(candidates, from, to);
            // Nobody is left to accept it before.
            if candidates.len() == 1 {
                *rest = Rest::held(std::mem::take(candidates));
            }
        }
        Rest::Voting(ballot) => {
            let has_share = ballot.of(to).is_some();
            for share in ballot.shares.iter_mut().filter(|share| share.is_kept()) {
                if share.is_open() && !has_share {
                    give(&mut share.holder);
                }
                if let Some(asked) = &mut share.consulted {
                    give(asked);
                }
                if share.consulted.as_ref() == Some(&share.holder) {
                    share.consulted = None;
                }
            }
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => {}
    }
}

/// Puts a person in the place of another; out, where they are there already.
fn give_once(users: &mut Vec<UserId>, from: &UserId, to: &UserId) {
    if users.contains(to) {
        users.retain(|user| user != from);
    } else if let Some(user) = users.iter_mut().find(|user| *user == from) {
        user.clone_from(to);
    }
}

pub(super) fn consult(rest: &mut Rest, by: &UserId, to: &UserId) {
    match rest {
        Rest::Held { consult, .. } => {
            *consult = Some(Consult {
                by: by.clone(),
                to: to.clone(),
            })
        }
        Rest::Voting(ballot) => {
            if let Some(share) = ballot.of_mut(by) {
                share.consulted = Some(to.clone());
            }
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => {}
    }
}

/// Ends what somebody was asked.
pub(super) fn end_consult(rest: &mut Rest, by: &UserId) {
    end_where(rest, |share| share.consulted.as_ref() == Some(by));
}

/// Ends what somebody has asked.
pub(super) fn take_back(rest: &mut Rest, by: &UserId) {
    end_where(rest, |share| share.is_kept() && share.holder == *by);
}

/// Ends the question of a node that is held, or those of shares of a vote.
fn end_where(rest: &mut Rest, is_it: impl Fn(&BallotShare) -> bool) {
    match rest {
        Rest::Held { consult, .. } => *consult = None,
        Rest::Voting(ballot) => {
            for share in ballot.shares.iter_mut().filter(|share| is_it(share)) {
                share.consulted = None;
            }
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => {}
    }
}

/// Ends what somebody was asked, and takes them out of those who may act; the last one stays.
pub(super) fn drop_holder(rest: &mut Rest, user: &UserId) {
    end_consult_of(rest, user);
    match rest {
        Rest::Held { holders, .. } => {
            if holders.len() > 1 {
                holders.retain(|holder| holder != user);
            }
        }
        Rest::Offered { candidates } => {
            if candidates.len() > 1 {
                candidates.retain(|candidate| candidate != user);
            }
            // Nobody is left to accept it before.
            if candidates.len() == 1 {
                *rest = Rest::held(std::mem::take(candidates));
            }
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Voting(_)
        | Rest::Ended => {}
    }
}

/// Ends a consultation, where it is this person's.
fn end_consult_of(rest: &mut Rest, user: &UserId) {
    if let Rest::Held { consult, .. } = rest
        && consult.as_ref().is_some_and(|consult| consult.to != *user)
    {
        return;
    }
    end_consult(rest, user);
}
