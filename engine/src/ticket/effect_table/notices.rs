//! Notices in the table of effects: one to whoever can no longer act is owed no longer (semantics: notices).

use super::{EffectTable, Work};
use crate::account::notice_event::NoticeEvent;
use crate::id::{TokenId, UserId};
use crate::ticket::event::{Event, SignerPosition};

/// Whose turn is over at a token.
enum Over<'e> {
    /// This person's.
    Of(&'e UserId),
    /// Everybody's but this person's.
    AllBut(&'e UserId),
    /// Everybody's.
    All,
}

fn over(event: &Event) -> Option<(TokenId, Over<'_>)> {
    if let Event::Forwarded { token, from: user, .. }
    | Event::Consulted { token, by: user, .. }
    | Event::ConsultSubmitted { token, by: user }
    | Event::VoteCast { token, user, .. }
    | Event::ShareDropped { token, user, .. }
    | Event::HolderDropped { token, user }
    | Event::HandedOver { token, from: user, .. }
    | Event::ConsultTakenBack { token, to: user, .. }
    | Event::SignerAdded {
        token,
        by: user,
        position: SignerPosition::Before,
        ..
    } = event
    {
        return Some((*token, Over::Of(user)));
    }
    if let Event::Accepted { token, user } = event {
        return Some((*token, Over::AllBut(user)));
    }
    if let Event::ForceForwarded { token, .. } | Event::Escalated { token, .. } = event {
        return Some((*token, Over::All));
    }
    None
}

impl EffectTable {
    /// Takes people whose turn an event ends off what they were to be told of it; what is for nobody any more goes.
    pub(super) fn end_turns(&mut self, event: &Event) {
        let Some((token, over)) = over(event) else { return };
        self.open.retain_mut(|(_, effect)| {
            let Work::Notice(notice) = &mut effect.work else {
                return true;
            };
            if notice.event != NoticeEvent::Assigned || notice.token != Some(token) {
                return true;
            }
            notice.to.retain(|user| match over {
                Over::Of(gone) => user != gone,
                Over::AllBut(left) => user == left,
                Over::All => false,
            });
            !notice.to.is_empty()
        });
    }
}
