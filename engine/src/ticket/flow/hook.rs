//! Hook node: the intent to post is an event; who posts is the effects runner (semantics: hooks, effects).

use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::token::Token;

pub(super) fn enter(decision: &mut Decision<'_>, token: &Token) {
    decision.emit(Event::HookRequested {
        token: token.id,
        node: token.node.clone(),
        attempt: decision.ticket.n_hook_requests + 1,
    });
}
