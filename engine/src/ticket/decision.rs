//! A decision under way: it folds each event it emits into a copy of the ticket with the same `apply` that a replay uses,
//! so later rules of one command see what earlier ones did; until the first event it looks at the ticket itself.
//!
//! Not here: who may do what (`offer`), what each action does (`action/<name>`), how tokens move (`flow`).

use std::borrow::Cow;

use crate::id::UserId;
use crate::ticket::context::Context;
use crate::ticket::event::{Event, Meta};
use crate::ticket::question::Question;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::Rest;
use crate::ticket::{ActState, Ticket};

/// A decision under way.
pub(crate) struct Decision<'a> {
    pub(crate) context: &'a Context<'a>,
    /// The ticket with everything emitted so far. Copied for the first event: most refusals come before it.
    pub(crate) ticket: Cow<'a, Ticket>,
    pub(crate) meta: Meta,
    pub(crate) events: Vec<Event>,
    /// What has to be asked before the events hold.
    pub(crate) questions: Vec<Question>,
    /// Moves that nobody asked for, see `limits::AUTOMATIC_MOVES_MAX`.
    pub(crate) n_moves: usize,
}

impl<'a> Decision<'a> {
    pub(crate) fn begin(context: &'a Context<'a>, ticket: Cow<'a, Ticket>, meta: Meta, events: Vec<Event>) -> Self {
        Self {
            context,
            ticket,
            meta,
            events,
            questions: Vec::new(),
            n_moves: 0,
        }
    }
}

impl Decision<'_> {
    /// Refuses what would still have to be asked.
    pub(crate) fn answered(&self) -> Result<(), Refusal> {
        match self.questions.first() {
            Some(question) => Err(Refusal::OutsideUnavailable {
                node: question.node.clone(),
                host: question.host(),
                why: "it was not asked".to_owned(),
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.ticket.to_mut().apply(&event, &self.meta);
        self.events.push(event);
    }

    /// Sets the state where it differs.
    pub(crate) fn set_state(&mut self, to: ActState) {
        if self.ticket.act_state != to {
            self.emit(Event::StateChanged { to });
        }
    }

    /// Marks or unmarks the ticket as needing intervention (semantics: intervention).
    pub(crate) fn review_holders(&mut self) {
        let needed = unattended(&self.ticket, self.context);
        match (&self.ticket.intervention, needed) {
            (None, Some(reason)) => self.emit(Event::InterventionNeeded { reason }),
            (Some(known), Some(reason)) if *known != reason => self.emit(Event::InterventionNeeded { reason }),
            (Some(_), None) => self.emit(Event::InterventionEnded),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// Why nobody can act on some token without help: nobody was assigned, everyone who holds it is inactive, a share of
/// a node where everyone acts belongs to an inactive user, or a hook failed. Drafts and tickets that are over never.
fn unattended(ticket: &Ticket, context: &Context<'_>) -> Option<String> {
    if ticket.is_final() || ticket.act_state == ActState::InDraft {
        return None;
    }
    let is_active = |user: &UserId| context.directory.active_user(user).is_some();
    ticket.tokens.iter().find_map(|token| {
        let node = &token.node;
        match &token.rest {
            Rest::Unassigned => Some(format!("nobody could be assigned at node `{node}`")),
            Rest::Held { .. } | Rest::Offered { .. } => (!token.rest.waiting().any(is_active))
                .then(|| format!("whoever holds node `{node}` is no longer active")),
            Rest::Shared { .. } => (!token.rest.waiting().all(is_active))
                .then(|| format!("someone who must act at node `{node}` is no longer active")),
            Rest::Hook { failed: Some(_), .. } => Some(format!("the hook of node `{node}` failed")),
            Rest::Hook { failed: None, .. } | Rest::Moving | Rest::Joining | Rest::Timer { .. } | Rest::Ended => None,
        }
    })
}
