//! Who is told because of a commit, of what and over which channels (semantics: notices).
//!
//! The people are read off the ticket before and after, so it is the same whatever action brought them there: whoever can
//! act now and could not before is told. Not here: what they are told (`notice`), when it is sent (the runtime's outbox).
//!
//! Nobody is told of what they did themselves, but of what they must not miss: reminders and incidents.

use std::collections::BTreeSet;

use crate::account::directory::Directory;
use crate::account::notice_event::NoticeEvent;
use crate::account::permission::is_tenant_admin;
use crate::id::{TokenId, UserId};
use crate::limits::{TOLD_MAX, TOLD_OF_INCIDENT_MAX};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::assignee;
use crate::ticket::decision::{Before, Decision};
use crate::ticket::effect_table::Work;
use crate::ticket::event::{EffectId, Event, OwedEffect, OwedNotice};
use crate::ticket::token::{Rest, Token};
use crate::ticket::{ActState, Cause, Ticket, sub_ticket};
use crate::workflow::{Node, StepDoes, WorkflowVersion};

/// People who are to be told of one thing.
struct Told<'t> {
    event: NoticeEvent,
    at: Option<&'t Token>,
    to: Vec<UserId>,
}

/// What a commit owes people, in the order of the tokens; ask when everything else in it is decided.
pub(super) fn owed(decision: &Decision<'_>) -> Vec<OwedEffect> {
    let (before, help) = (&decision.before, decision.help());
    let context = decision.context;
    let workflow = context.migrate_to.unwrap_or(context.workflow);
    let ticket: &Ticket = &decision.ticket;
    let info = &workflow.notification;
    let known = info.channels.iter().filter_map(|id| context.directory.channel(id));
    let channels: Vec<_> = known.collect();
    if channels.is_empty() || ticket.is_discarded || ticket.act_state == ActState::InDraft {
        return Vec::new();
    }
    let mut told = Vec::new();
    for token in &ticket.tokens {
        of_token(decision, before, token, workflow, &mut told);
    }
    of_ticket(decision, before, &mut told);
    incident(decision, before, help.as_deref(), workflow, &mut told);
    let mut owed = Vec::new();
    for Told { event, at, to } in told {
        if event.is_chosen() && !info.events.contains(&event) {
            continue;
        }
        for channel in &channels {
            let notice = |to: Vec<UserId>| {
                OwedEffect::Notice(Box::new(OwedNotice {
                    event,
                    channel: channel.id.clone(),
                    to,
                    token: at.map(|token| token.id),
                    node: at.map(|token| token.node.clone()),
                }))
            };
            if channel.route.is_personal() {
                owed.extend(to.iter().map(|user| notice(vec![user.clone()])));
            } else {
                owed.push(notice(to.clone()));
            }
        }
    }
    owed
}

/// What is owed to whoever was told that they can act by a commit that is undone: `owed` is what that commit owed. What was
/// not sent yet is still open, ends with its visit and needs no correction; so ask before the tokens are put back.
#[must_use]
pub fn recalled(ticket: &Ticket, owed: &[(EffectId, OwedEffect)]) -> Vec<OwedEffect> {
    let sent = owed.iter().filter(|(id, _)| ticket.effects.get(*id).is_none());
    let corrected = sent.filter_map(|(_, effect)| {
        let OwedEffect::Notice(notice) = effect else {
            return None;
        };
        (notice.event == NoticeEvent::Assigned).then(|| {
            OwedEffect::Notice(Box::new(OwedNotice {
                event: NoticeEvent::Recalled,
                // It stays whatever becomes of the stay that it is about.
                token: None,
                ..OwedNotice::clone(notice)
            }))
        })
    });
    corrected.collect()
}

fn of_token<'t>(
    decision: &'t Decision<'_>,
    before: &Before,
    token: &'t Token,
    workflow: &WorkflowVersion,
    told: &mut Vec<Told<'t>>,
) {
    let Some(node) = workflow.node(&token.node) else { return };
    let known = before.stay_of(token);
    if token.node == workflow.start().id {
        let is_back = known.is_none() && token.rest.waiting().next().is_some();
        if is_back {
            let to = vec![decision.ticket.creator.clone()];
            tell(decision, told, NoticeEvent::Returned, Some(token), to);
        }
    }
    reminders(decision, token, node, told);
    if node.kind.as_normal().is_none() {
        return;
    }
    let could: BTreeSet<&UserId> = known.iter().flat_map(|known| known.rest.waiting()).collect();
    let answered = answered(decision, token, known);
    // Who held it while somebody else was asked knows of it.
    let knew: BTreeSet<&UserId> = match (&answered, known) {
        (Some(_), Some(known)) => known.rest.assignees().collect(),
        (_, _) => BTreeSet::new(),
    };
    let is_again = children_ended(decision, token, known, workflow);
    let is_new = |user: &&UserId| is_again || !(could.contains(*user) || knew.contains(*user));
    let to: Vec<UserId> = token.rest.waiting().filter(is_new).cloned().collect();
    tell(decision, told, NoticeEvent::Assigned, Some(token), to);
    if let Some(asker) = answered {
        tell(decision, told, NoticeEvent::Answered, Some(token), vec![asker]);
    }
}

/// Who has an answer now: whoever had asked the person who submits.
fn answered(decision: &Decision<'_>, token: &Token, known: Option<&Token>) -> Option<UserId> {
    let submitter = decision.events.iter().find_map(|event| {
        if let Event::ConsultSubmitted { token: of, by } = event
            && *of == token.id
        {
            return Some(by);
        }
        None
    })?;
    match &known?.rest {
        Rest::Held { consult, .. } => consult.as_ref().map(|consult| consult.by.clone()),
        Rest::Voting(ballot) => {
            let mut shares = ballot.kept();
            let share = shares.find(|share| share.consulted.as_ref() == Some(submitter));
            share.map(|share| share.holder.clone())
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => None,
    }
}

/// Whether the last sub-ticket that a stay waited for has ended and the stay goes on: people can act again.
fn children_ended(decision: &Decision<'_>, token: &Token, known: Option<&Token>, workflow: &WorkflowVersion) -> bool {
    let ended = |event: &Event| {
        if let Event::ChildEnded { child, .. } = event {
            let child = decision.ticket.children.get(child);
            return child.is_some_and(|child| child.visit == token.visit);
        }
        false
    };
    let waits = workflow.node(&token.node).and_then(|node| node.kind.as_normal());
    known.is_some()
        && waits.is_some_and(|props| props.wait_for_sub_tickets)
        && decision.events.iter().any(ended)
        && sub_ticket::waited_for(&decision.ticket, token, workflow).is_empty()
}

fn reminders<'t>(decision: &'t Decision<'_>, token: &'t Token, node: &Node, told: &mut Vec<Told<'t>>) {
    for event in &decision.events {
        let Event::DeadlineReached { token: of, step, .. } = event else {
            continue;
        };
        let steps = node.deadline.as_deref().map(|deadline| &deadline.steps);
        let step = steps.and_then(|steps| steps.get(usize::try_from(*step).ok()?));
        let (Some(StepDoes::Remind { to, .. }), true) = (step.map(|step| &step.does), *of == token.id) else {
            continue;
        };
        let to = match to {
            None => token.rest.waiting().cloned().collect(),
            // Where nobody is found nobody is reminded: those who can act go on.
            Some(rule) => assignee::escalated(&decision.ticket, node, rule, decision.context)
                .map(|found| found.users)
                .unwrap_or_default(),
        };
        tell(decision, told, NoticeEvent::Reminder, Some(token), to);
    }
}

fn of_ticket<'t>(decision: &'t Decision<'_>, before: &Before, told: &mut Vec<Told<'t>>) {
    let ticket = &decision.ticket;
    let concerned = || {
        std::iter::once(&ticket.creator)
            .chain(ticket.cc.iter())
            .cloned()
            .collect()
    };
    if ticket.is_final() && !before.was_final {
        let event = if ticket.act_state == ActState::Closed {
            NoticeEvent::Closed
        } else {
            NoticeEvent::Finished
        };
        tell(decision, told, event, None, concerned());
    }
    let is_comment = |event: &Event| matches!(event, Event::ActionTaken(taken) if taken.kind == ActionKind::AddComment);
    if decision.events.iter().any(is_comment) {
        let acting = ticket.tokens.iter().flat_map(|token| token.rest.waiting());
        let to = acting.chain([&ticket.creator]).cloned().collect();
        tell(decision, told, NoticeEvent::Commented, None, to);
    }
}

/// Admins are told of whatever has just failed, and when nobody can act. That they could not be told is no news to them.
fn incident<'t>(
    decision: &'t Decision<'_>,
    before: &Before,
    help: Option<&str>,
    workflow: &WorkflowVersion,
    told: &mut Vec<Told<'t>>,
) {
    let is_of_incident = |work: &Work| matches!(work, Work::Notice(notice) if notice.event == NoticeEvent::Incident);
    let failed = decision.events.iter().find_map(|event| {
        if let Some(Cause::HookFailed { token, .. }) = event.cause() {
            return Some(Some(token));
        }
        let Some(Cause::EffectParked { effect, .. }) = event.cause() else {
            return None;
        };
        let work = decision.ticket.effects.get(effect).map(|open| &open.work);
        let is_news = !work.is_some_and(is_of_incident);
        is_news.then(|| work.and_then(Work::token))
    });
    let parked = decision.ticket.effects.parked();
    let is_parked_alone = parked.iter().all(|(_, open, _)| is_of_incident(&open.work));
    let is_stuck = help.is_some_and(|why| before.intervention.as_deref() != Some(why))
        && decision.unattended().is_some()
        && (before.intervention.is_none() || !is_parked_alone);
    let Some(at) = failed.or(is_stuck.then_some(None)) else {
        return;
    };
    let token = at.and_then(|id: TokenId| decision.ticket.token(id));
    let to = admins(decision.context.directory, workflow);
    tell(decision, told, NoticeEvent::Incident, token, to);
}

/// Who is told of incidents: the workflow's admins, else the tenant's.
fn admins(directory: &Directory, workflow: &WorkflowVersion) -> Vec<UserId> {
    let own = workflow
        .permission
        .admins
        .iter()
        .filter(|id| directory.active_user(id).is_some());
    let own: Vec<UserId> = own.take(TOLD_OF_INCIDENT_MAX).cloned().collect();
    if !own.is_empty() {
        return own;
    }
    let users = directory.users.values().filter(|user| is_tenant_admin(user));
    users.map(|user| user.id.clone()).take(TOLD_OF_INCIDENT_MAX).collect()
}

/// Notes people who are to be told, each once, in their order.
fn tell<'t>(
    decision: &Decision<'_>,
    told: &mut Vec<Told<'t>>,
    event: NoticeEvent,
    at: Option<&'t Token>,
    to: Vec<UserId>,
) {
    let causer = decision.meta.by.user();
    let is_own =
        |user: &UserId| !matches!(event, NoticeEvent::Reminder | NoticeEvent::Incident) && causer == Some(user);
    let mut seen = BTreeSet::new();
    let to = to.into_iter().filter(|user| !is_own(user) && seen.insert(user.clone()));
    let to: Vec<UserId> = to.take(TOLD_MAX).collect();
    if !to.is_empty() {
        told.push(Told { event, at, to });
    }
}
