//! A decision under way: it folds each event it emits into a copy of the ticket with the same `apply` that a replay uses,
//! so later rules of one command see what earlier ones did; until the first event it looks at the ticket itself.
//!
//! Not here: who may do what (`offer`), what each action does (`action/<name>`), how tokens move (`flow`).

use std::borrow::Cow;

use crate::effect;
use crate::id::UserId;
use crate::ticket::context::Context;
use crate::ticket::effect_table::Work;
use crate::ticket::event::{ChildEnd, Event, Meta, OwedEffect};
use crate::ticket::question::{Question, Replies, Reply};
use crate::ticket::refusal::Refusal;
use crate::ticket::token::{Rest, Token};
use crate::ticket::{ActState, Ticket};
use crate::workflow::definition::PRE_CREATE;
use crate::workflow::{EventHook, WorkflowVersion};

/// A decision under way.
pub(crate) struct Decision<'a> {
    pub(crate) context: &'a Context<'a>,
    /// The ticket with everything emitted so far. Copied for the first event: most refusals come before it.
    pub(crate) ticket: Cow<'a, Ticket>,
    pub(crate) meta: Meta,
    pub(crate) events: Vec<Event>,
    /// What has to be asked before the events hold.
    pub(crate) questions: Vec<Question>,
    /// What the commit owes besides what its events say.
    pub(crate) owed: Vec<OwedEffect>,
    /// The node that a token enters next is one that it comes back to.
    pub(crate) goes_back: Option<GoesBack>,
    /// Whether the ticket was over before.
    was_final: bool,
    /// The ticket before, as far as it says who is told of the commit.
    pub(crate) before: Before,
    /// Whether the ticket was a draft before: leaving that is its sending.
    was_draft: bool,
    /// Moves that nobody asked for, see `limits::AUTOMATIC_MOVES_MAX`.
    pub(crate) n_moves: usize,
}

/// To whom a token comes back, where they may still hold the node.
#[derive(Clone, Debug)]
pub(crate) enum GoesBack {
    /// To whoever acted at the node last; after a vote to all who had a share.
    ToLast,
    /// To these.
    To(Vec<UserId>),
}

/// The ticket before a commit, as far as it says who is told.
#[derive(Debug, Default)]
pub(crate) struct Before {
    pub(crate) tokens: Vec<Token>,
    pub(crate) intervention: Option<String>,
    pub(crate) was_final: bool,
}

impl Before {
    /// Of a ticket; of one whose workflow tells nobody there is nothing to remember.
    pub(crate) fn of(ticket: &Ticket, workflow: &WorkflowVersion) -> Self {
        if workflow.notification.channels.is_empty() {
            return Self::default();
        }
        Self {
            tokens: ticket.tokens.clone(),
            intervention: ticket.intervention.clone(),
            was_final: ticket.is_final(),
        }
    }

    /// The same stay of a token.
    pub(crate) fn stay_of(&self, token: &Token) -> Option<&Token> {
        let is_it = |one: &&Token| one.id == token.id && one.visit == token.visit;
        self.tokens.iter().find(is_it)
    }
}

/// How far a decision is: what may turn out not to be possible is tried from here.
pub(crate) struct Mark<'a> {
    ticket: Cow<'a, Ticket>,
    n_events: usize,
    n_questions: usize,
    n_moves: usize,
}

impl<'a> Decision<'a> {
    pub(crate) fn begin(context: &'a Context<'a>, ticket: Cow<'a, Ticket>, meta: Meta, events: Vec<Event>) -> Self {
        Self {
            context,
            owed: Vec::new(),
            goes_back: None,
            was_final: ticket.is_final(),
            before: Before::of(&ticket, context.workflow),
            was_draft: ticket.act_state == ActState::InDraft,
            ticket,
            meta,
            events,
            questions: Vec::new(),
            n_moves: 0,
        }
    }
}

impl<'a> Decision<'a> {
    /// Refuses what would still have to be asked.
    pub(crate) fn answered(&self) -> Result<(), Refusal> {
        match self.questions.first() {
            Some(question) => Err(Refusal::OutsideUnavailable {
                place: question.place.clone(),
                host: question.host(),
                why: "it was not asked".to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Records what was asked outside for this.
    pub(crate) fn record_asked(&mut self) {
        let questions = self.context.replies.map(Replies::asked).unwrap_or_default();
        if !questions.is_empty() {
            self.emit(Event::Asked { questions });
        }
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.ticket.to_mut().apply(&event, &self.meta);
        self.events.push(event);
    }

    /// How far it is, to come back to.
    pub(crate) fn mark(&self) -> Mark<'a> {
        Mark {
            ticket: self.ticket.clone(),
            n_events: self.events.len(),
            n_questions: self.questions.len(),
            n_moves: self.n_moves,
        }
    }

    /// As if nothing had happened since.
    pub(crate) fn return_to(&mut self, mark: Mark<'a>) {
        self.ticket = mark.ticket;
        self.events.truncate(mark.n_events);
        self.questions.truncate(mark.n_questions);
        self.n_moves = mark.n_moves;
    }

    /// Sets the state where it differs.
    pub(crate) fn set_state(&mut self, to: ActState) {
        if self.ticket.act_state != to {
            self.emit(Event::StateChanged { to });
        }
    }

    /// Ends every commit: notes what it owes, and whether somebody can act.
    ///
    /// # Errors
    /// `creation_refused`, where a hook that is asked before a ticket is sent does not agree.
    pub(crate) fn finish(&mut self) -> Result<(), Refusal> {
        let is_open = self.ticket.act_state == ActState::InDraft || self.ticket.is_discarded;
        if self.was_draft && !is_open {
            self.ask_before_sending()?;
        }
        let mut effects = effect::owed(&self.events, self.was_draft, self.context.workflow);
        effects.append(&mut self.owed);
        if let (Some((parent, _)), true, false) = (&self.ticket.parent, self.ticket.is_final(), self.was_final) {
            let (parent, state) = (*parent, self.how_it_ended());
            effects.push(OwedEffect::TellParent { parent, state });
        }
        if !effects.is_empty() {
            self.emit(Event::EffectsOwed { effects });
        }
        self.review_holders();
        Ok(())
    }

    /// Why the ticket needs help, where it does.
    pub(crate) fn help(&self) -> Option<String> {
        needs_help(&self.ticket, self.context)
    }

    /// Why nobody can act on some token, where that is so.
    pub(crate) fn unattended(&self) -> Option<String> {
        unattended(&self.ticket, self.context)
    }

    fn how_it_ended(&self) -> ChildEnd {
        if self.ticket.is_discarded {
            return ChildEnd::Discarded;
        }
        match self.ticket.act_state {
            ActState::Closed => ChildEnd::Closed,
            ActState::Rejected => ChildEnd::Rejected,
            ActState::Finished | ActState::InDraft | ActState::OnGoing | ActState::Withdrawn => ChildEnd::Finished,
        }
    }

    /// Does something, or leaves all as it was where that is refused.
    pub(crate) fn attempt(&mut self, act: impl FnOnce(&mut Self) -> Result<(), Refusal>) {
        let before = self.ticket.clone();
        let marks = (self.events.len(), self.questions.len(), self.owed.len(), self.n_moves);
        if act(self).is_err() {
            self.ticket = before;
            self.events.truncate(marks.0);
            self.questions.truncate(marks.1);
            self.owed.truncate(marks.2);
            self.n_moves = marks.3;
        }
    }

    /// Asks the event hooks that want to agree; the first of them that does not decides.
    fn ask_before_sending(&mut self) -> Result<(), Refusal> {
        let (workflow, Some(replies)) = (self.context.workflow, self.context.replies) else {
            return Ok(());
        };
        let asks = |hook: &&EventHook| hook.events.iter().any(|event| event == PRE_CREATE);
        for hook in workflow.event_hooks.iter().filter(asks) {
            let question = Question::pre_create(&self.ticket, hook, workflow);
            match replies.get(&question.id()) {
                Some(Reply::Refused { said }) => {
                    return Err(Refusal::CreationRefused {
                        hook: hook.shown_id().to_owned(),
                        said: said.clone(),
                    });
                }
                Some(Reply::Agreed | Reply::People(_) | Reply::Value(_)) => {}
                None => self.questions.push(question),
            }
        }
        Ok(())
    }

    /// Marks or unmarks the ticket as needing intervention (semantics: intervention).
    fn review_holders(&mut self) {
        let needed = self.help();
        match (&self.ticket.intervention, needed) {
            (None, Some(reason)) => self.emit(Event::InterventionNeeded { reason }),
            (Some(known), Some(reason)) if *known != reason => self.emit(Event::InterventionNeeded { reason }),
            (Some(_), None) => self.emit(Event::InterventionEnded),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// Why the ticket needs help: nobody can act on some token, or an effect was given up.
fn needs_help(ticket: &Ticket, context: &Context<'_>) -> Option<String> {
    unattended(ticket, context).or_else(|| {
        let parked = ticket.effects.parked();
        let (_, effect, _) = parked.first()?;
        Some(match &effect.work {
            Work::Timer { node, .. } => format!("the timer of node `{node}` could not be fired"),
            Work::Deadline { node, .. } => format!("a step of the deadline of node `{node}` could not be done"),
            Work::Hook { node, .. } | Work::NoCallBack { node, .. } => format!("the hook of node `{node}` failed"),
            Work::EventHook { hook, event } => format!("event hook `{hook}` was not told of `{event}`"),
            Work::Child { node, .. } => format!("a sub-ticket of node `{node}` could not be created"),
            Work::Reserved { .. } => "a sub-ticket could not be looked for".to_owned(),
            Work::TellParent { .. } => "the parent ticket could not be told".to_owned(),
            Work::CloseChild { .. } => "a sub-ticket could not be closed".to_owned(),
            Work::Notice(notice) => format!("people were not told over channel `{}`", notice.channel),
        })
    })
}

/// Why nobody can act on some token without help: nobody was assigned, everyone who holds it is inactive, a share of
/// a vote that could not be dropped belongs to an inactive user, or a hook failed. Drafts and tickets that are over never.
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
            Rest::Voting(ballot) => {
                let mut open = ballot.shares.iter().filter(|share| share.is_open());
                let is_stuck = open.any(|share| !is_active(share.consulted.as_ref().unwrap_or(&share.holder)));
                is_stuck.then(|| format!("someone who must act at node `{node}` is no longer active"))
            }
            Rest::Hook { failed: Some(_), .. } => Some(format!("the hook of node `{node}` failed")),
            Rest::Hook { failed: None, .. }
            | Rest::Moving
            | Rest::Joining
            | Rest::Shared { .. }
            | Rest::Timer { .. }
            | Rest::Ended => None,
        }
    })
}
