//! People who are no longer active go out of what they hold, where others are left (semantics: intervention).
//!
//! Not here: whether the ticket needs help after that (`decision`).

use crate::id::{TokenId, UserId};
use crate::ticket::ActState;
use crate::ticket::ballot::{Ballot, BallotShare};
use crate::ticket::decision::Decision;
use crate::ticket::event::{DropReason, Event};
use crate::ticket::token::Rest;
use crate::ticket::voting;

/// Looks at every token, oldest first.
pub(crate) fn review(decision: &mut Decision<'_>) {
    if decision.ticket.is_final() || decision.ticket.act_state == ActState::InDraft {
        return;
    }
    let tokens: Vec<TokenId> = decision.ticket.tokens.iter().map(|token| token.id).collect();
    for token in tokens {
        drop_holders(decision, token);
        drop_shares(decision, token);
    }
}

/// Ends what they were asked, and takes them out of those who may act while somebody else is left.
fn drop_holders(decision: &mut Decision<'_>, token: TokenId) {
    let directory = decision.context.directory;
    let is_gone = |user: &&UserId| directory.active_user(user).is_none();
    let Some(rest) = decision.ticket.token(token).map(|token| &token.rest) else {
        return;
    };
    let of_several = |users: &[UserId]| -> Vec<UserId> {
        let gone: Vec<UserId> = users.iter().filter(is_gone).cloned().collect();
        if gone.len() < users.len() { gone } else { Vec::new() }
    };
    let mut gone = match rest {
        Rest::Held { holders, consult } => {
            let mut gone = of_several(holders);
            gone.extend(consult.iter().map(|consult| &consult.to).filter(is_gone).cloned());
            gone
        }
        Rest::Offered { candidates } => of_several(candidates),
        Rest::Voting(ballot) => {
            let asked = ballot.shares.iter().filter_map(|share| share.consulted.as_ref());
            asked.filter(is_gone).cloned().collect()
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => Vec::new(),
    };
    // Whoever holds the node may have been asked as well.
    let mut seen = Vec::new();
    gone.retain(|user| {
        !seen.contains(user) && {
            seen.push(user.clone());
            true
        }
    });
    for user in gone {
        decision.emit(Event::HolderDropped { token, user });
    }
}

/// Drops their open shares by number, each where enough people are left and what it may decide can be done.
fn drop_shares(decision: &mut Decision<'_>, token: TokenId) {
    let directory = decision.context.directory;
    let is_gone = |user: &UserId| directory.active_user(user).is_none();
    let gone: Vec<UserId> = match decision.ticket.token(token).map(|token| &token.rest) {
        Some(Rest::Voting(ballot)) => {
            let open = ballot.shares.iter().filter(|share| share.is_open());
            open.map(|share| share.holder.clone()).filter(is_gone).collect()
        }
        Some(_) | None => return,
    };
    for user in gone {
        let rest = decision.ticket.token(token).map(|token| &token.rest);
        // Once the vote is decided the token is elsewhere.
        let is_open = |ballot: &Ballot| ballot.of(&user).is_some_and(BallotShare::is_open);
        if !rest
            .and_then(voting::ballot)
            .is_some_and(|ballot| is_open(ballot) && ballot.may_drop_one())
        {
            return;
        }
        let before = decision.mark();
        if voting::drop_share(decision, token, user, DropReason::Deactivated).is_err() {
            decision.return_to(before);
        }
    }
}
