//! End node: the ticket is over. Whatever tokens are left elsewhere go, so it completes once.
//!
//! No region holds the end, so an edge into it has left every fork; tokens can be left only after a migration.

use crate::id::TokenId;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::token::{Rest, Token};

pub(super) fn enter(decision: &mut Decision<'_>, token: &Token) {
    let mut ended = token.id;
    if decision.ticket.tokens.len() > 1 {
        let removed = decision.ticket.tokens.iter().map(|one| one.id).collect();
        ended = TokenId(decision.ticket.last_token.0 + 1);
        decision.emit(Event::TokensReplaced {
            removed,
            token: ended,
            node: token.node.clone(),
        });
    }
    let node = token.node.clone();
    decision.emit(Event::NodeEntered {
        token: ended,
        node,
        rest: Rest::Ended,
        pool: None,
        remembered: false,
    });
}
