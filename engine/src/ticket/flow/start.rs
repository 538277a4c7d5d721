//! Start node: the creator's. Where the creator is no longer active the token rests unassigned (semantics: assignees).

use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::token::{Rest, Token};

pub(super) fn enter(decision: &mut Decision<'_>, token: &Token) {
    let creator = decision.ticket.creator.clone();
    let is_active = decision.context.directory.active_user(&creator).is_some();
    let rest = if is_active {
        Rest::held(vec![creator])
    } else {
        Rest::Unassigned
    };
    let node = token.node.clone();
    decision.emit(Event::NodeEntered {
        token: token.id,
        node,
        rest,
        pool: None,
        remembered: false,
    });
}
