//! How large an event is: what bounds a ticket's size is counted by.

use crate::id::UserId;
use crate::ticket::event::{Event, FieldChange};

impl Event {
    /// About how many bytes it has stored: exact for what can be large in it, which is what people write and lists of
    /// people, and a round number for the rest.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        /// What an event has besides.
        const EACH: usize = 64;
        let people = |users: &[UserId]| users.iter().map(|user| user.as_str().len() + 1).sum::<usize>();
        let large = match self {
            Self::TicketCreated(created) => people(&created.cc),
            Self::ActionTaken(taken) => taken.comment.as_ref().map_or(0, String::len),
            Self::FieldsChanged { changes } => changes.iter().map(FieldChange::n_bytes).sum(),
            Self::TitleChanged { title } => title.len(),
            Self::NodeEntered { rest, pool, .. } => {
                let assigned = rest.assignees().map(|user| user.as_str().len() + 1);
                assigned.sum::<usize>() + pool.as_deref().map_or(0, people)
            }
            Self::HookFailed { reason, .. }
            | Self::InterventionNeeded { reason }
            | Self::EffectParked { reason, .. }
            | Self::FileErased { reason, .. } => reason.len(),
            Self::EffectsOwed { effects } => effects.iter().map(|effect| EACH + effect.n_bytes()).sum(),
            Self::Asked { questions } => questions
                .iter()
                .map(|asked| EACH + asked.place.len() + asked.host.len())
                .sum(),
            Self::EffectDone { note, .. } => note.as_ref().map_or(0, String::len),
            Self::Escalated { to, .. } => people(to),
            Self::Substituted { pairs, .. } => {
                let each = pairs
                    .iter()
                    .map(|(absent, by)| absent.as_str().len() + by.as_str().len() + 2);
                each.sum::<usize>()
            }
            Self::GivenBack { candidates, .. } => people(candidates),
            Self::TokenReturned { resume, .. } => resume.as_deref().map_or(0, people),
            Self::Undone(undone) => {
                let assigned = undone.tokens.iter().flat_map(|token| token.rest.assignees());
                let assigned = assigned.map(|user| user.as_str().len() + 1);
                let n_rows = undone.tokens.len() + undone.clocks.len() + undone.owed.len();
                assigned.sum::<usize>() + EACH * n_rows
            }
            Self::DeadlineSet { steps, .. } => 10 * steps.len(),
            Self::Forked { branches, .. } => EACH * branches.len(),
            Self::Joined { tokens, .. } => tokens.len(),
            Self::ForkLeft { cancelled, .. } => cancelled.len(),
            Self::TokensReplaced { removed, .. } => removed.len(),
            Self::Migrated { tokens, forks, .. } => EACH * (tokens.len() + forks.len()),
            Self::EdgeTaken { .. }
            | Self::JoinAwaited { .. }
            | Self::TimerSet { .. }
            | Self::TimerFired { .. }
            | Self::HookRequested { .. }
            | Self::HookSucceeded { .. }
            | Self::Accepted { .. }
            | Self::Forwarded { .. }
            | Self::Consulted { .. }
            | Self::ConsultSubmitted { .. }
            | Self::VoteCast { .. }
            | Self::ForceForwarded { .. }
            | Self::StateChanged { .. }
            | Self::InterventionEnded
            | Self::Discarded
            | Self::HookAccepted { .. }
            | Self::WaitSkipped { .. }
            | Self::ShareDropped { .. }
            | Self::VoteTakenBack { .. }
            | Self::HolderDropped { .. }
            | Self::EffectRetried { .. }
            | Self::EffectSkipped { .. }
            | Self::ChildOpened { .. }
            | Self::ChildEnded { .. }
            | Self::DeadlineReached { .. }
            | Self::HandedOver { .. }
            | Self::SignerAdded { .. }
            | Self::ApprovalSkipped { .. }
            | Self::ConsultTakenBack { .. }
            | Self::Resumed { .. }
            | Self::UndoKept
            | Self::ActedAs { .. } => 0,
        };
        (EACH + large) as u64
    }
}
