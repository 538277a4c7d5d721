//! What a command does to a ticket: events, or a refusal. Pure: the same ticket, command and context give the same
//! answer, and nothing is changed here.
//!
//! A dry run is this same function with `Draw::Preview`.
//!
//! Not here: which action a request means (`offer`), what each action does (`action/<name>`), what closes an effect
//! (`closing`), how tokens move (`flow`).

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::limits;
use crate::ticket::act::{Act, Action, Taking};
use crate::ticket::action::{comment_of, emit_action, rule};
use crate::ticket::command::{Command, Create, EffectOutcome};
use crate::ticket::context::Context;
use crate::ticket::decision::Decision;
use crate::ticket::event::{Event, Meta, Processor, TicketCreated};
use crate::ticket::offer::choose;
use crate::ticket::question::Question;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::{
    Ticket, closing, deadline, field_rules, file_rules, flow, holders, migrate, notices, sub_ticket, substitute,
    visibility,
};

/// What a decision comes to, but for a refusal.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// These events; the decision has folded them already.
    Events {
        /// What is to be appended; nothing where nothing changes.
        events: Vec<Event>,
        /// The ticket as they leave it.
        after: Box<Ticket>,
    },
    /// Nothing yet: these have to be answered first, all of them, and may be followed by others.
    Needs {
        /// At least one, in the order in which they came up.
        questions: Vec<Question>,
        /// What would happen, but for what the replies decide: a node whose people are asked for has nobody.
        events: Vec<Event>,
    },
}

/// Decides one command. `ticket` is `None` for [`Command::Create`] only.
///
/// # Errors
/// A [`Refusal`]; then nothing may be appended. With [`Context::replies`], a question that is open is one too.
pub fn decide(ticket: Option<&Ticket>, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let decision = decide_on_copy(ticket, command, context)?;
    decision.answered()?;
    Ok(decision.events)
}

/// As [`decide`], with the ticket as the events leave it: the decision has folded them already.
///
/// # Errors
/// As [`decide`].
pub fn decide_with_outcome(
    ticket: Option<&Ticket>,
    command: &Command,
    context: &Context<'_>,
) -> Result<(Vec<Event>, Ticket), Refusal> {
    let decision = decide_on_copy(ticket, command, context)?;
    decision.answered()?;
    Ok((decision.events, decision.ticket.into_owned()))
}

/// Decides one command, or says what has to be asked first; see [`Context::replies`].
///
/// # Errors
/// A [`Refusal`]; then nothing may be appended, and nobody need be asked.
pub fn decide_or_ask(ticket: Option<&Ticket>, command: &Command, context: &Context<'_>) -> Result<Verdict, Refusal> {
    let decision = decide_on_copy(ticket, command, context)?;
    let (events, questions) = (decision.events, decision.questions);
    Ok(if questions.is_empty() {
        Verdict::Events {
            events,
            after: Box::new(decision.ticket.into_owned()),
        }
    } else {
        Verdict::Needs { questions, events }
    })
}

/// The ticket is borrowed where nothing has to happen.
fn decide_on_copy<'a>(
    ticket: Option<&'a Ticket>,
    command: &Command,
    context: &'a Context<'a>,
) -> Result<Decision<'a>, Refusal> {
    let meta = command.meta(context);
    match (ticket, command) {
        (None, Command::Create(create)) => decide_create(create, context, meta),
        (Some(ticket), command) => {
            if ticket.is_discarded {
                return Err(Refusal::TicketNotFound {
                    id: ticket.id.to_string(),
                });
            }
            let mut decision = Decision::begin(context, Cow::Borrowed(ticket), meta, Vec::new());
            decision.record_asked();
            decide_on(&mut decision, command)?;
            end(&mut decision)?;
            Ok(decision)
        }
        (None, command) => Err(Refusal::NotWaiting {
            what: format!("{command:?}"),
        }),
    }
}

/// Ends every commit: sets clocks, and notes who is told of it and what else it owes.
fn end(decision: &mut Decision<'_>) -> Result<(), Refusal> {
    deadline::settle(decision);
    let notices = notices::owed(decision);
    decision.owed.extend(notices);
    decision.finish()
}

impl Command {
    /// Who causes it.
    #[must_use]
    pub fn processor(&self) -> Processor {
        match self {
            Self::Create(create) => Processor::User(create.by.clone()),
            Self::Act(act) => Processor::User(act.by.clone()),
            Self::FireTimer { .. }
            | Self::ReachDeadline { .. }
            | Self::CloseEffect {
                outcome: EffectOutcome::CameDue,
                ..
            } => Processor::Timer,
            Self::ReportHook { .. } | Self::CloseEffect { .. } => Processor::Hook,
            Self::Migrate {
                operator: Some(user), ..
            } => Processor::User(user.clone()),
            Self::OpenChild(open) => Processor::User(open.by.clone()),
            Self::EraseFile { by, .. } => Processor::User(by.clone()),
            Self::Migrate { operator: None, .. }
            | Self::ReviewHolders
            | Self::HandOver { .. }
            | Self::ReviewDeadlines { .. }
            | Self::EndChild { .. } => Processor::System,
        }
    }

    /// When and by whom, without the application and token that only the caller knows.
    #[must_use]
    pub fn meta(&self, context: &Context<'_>) -> Meta {
        Meta {
            at: context.now,
            by: self.processor(),
            app: None,
            access_token: None,
        }
    }
}

fn decide_create<'a>(create: &Create, context: &'a Context<'a>, meta: Meta) -> Result<Decision<'a>, Refusal> {
    // Else a draft would come to be that nobody can open, for any active user may start a workflow
    // (semantics: visibility).
    if context.directory.active_user(&create.by).is_none() {
        return Err(Refusal::PermissionDenied {
            what: "a creation".into(),
            who_may: "any active user of the tenant may".into(),
        });
    }
    check_comment(create.comment.as_deref())?;
    let mut cc = BTreeSet::new();
    for user in &create.cc {
        if context.directory.active_user(user).is_none() {
            return Err(Refusal::argument(Argument::Cc, user, "it must name active users"));
        }
        cc.insert(user.clone());
    }
    if let (Some((parent, node)), None) = (&create.parent, create.via) {
        let is_there = context.parent.is_some_and(|ticket| {
            ticket.id == *parent && !ticket.is_final() && ticket.tokens.iter().any(|token| token.node == *node)
        });
        if !is_there {
            return Err(Refusal::argument(
                Argument::ParentNode,
                node,
                "the parent must be open and at this node",
            ));
        }
    }
    let created = Event::TicketCreated(Box::new(TicketCreated {
        ticket_id: create.ticket_id,
        tenant_id: context.directory.tenant.id.clone(),
        workflow_id: context.workflow.workflow_id.clone(),
        version_name: context.workflow.version_name.clone(),
        start: context.workflow.start().id.clone(),
        creator: create.by.clone(),
        app: create.app.clone(),
        parent: create.parent.clone(),
        cc: cc.into_iter().collect(),
    }));
    let Some(ticket) = super::apply(None, &created, &meta) else {
        return Err(Refusal::NotWaiting {
            what: "a creation".into(),
        });
    };
    let mut decision = Decision::begin(context, Cow::Owned(ticket), meta, vec![created]);
    decision.record_asked();
    if let Some(via) = create.via {
        decision.emit(Event::ActedAs { via });
    }
    flow::settle(&mut decision)?;
    let action = create.take.clone().map_or(Action::AddComment, Action::take);
    let taking = Taking {
        by: &create.by,
        kind: action.kind(context.workflow),
        action: &action,
        at: None,
        comment: create.comment.as_deref(),
        fields: &create.fields,
        closes_children: false,
    };
    if create.take.is_some() {
        let chosen = choose(&decision.ticket, &taking, context)?;
        (rule(chosen.kind).carry_out)(&mut decision, &chosen, &taking)?;
    } else {
        let start = context.workflow.start();
        let changes = field_rules::check(&decision.ticket, context, start, &create.fields, false)?;
        if comment_of(taking.comment).is_some() {
            let chosen = choose(&decision.ticket, &taking, context)?;
            emit_action(&mut decision, &chosen, &taking);
        }
        field_rules::store(&mut decision, changes);
    }
    end(&mut decision)?;
    Ok(decision)
}

fn decide_on(decision: &mut Decision<'_>, command: &Command) -> Result<(), Refusal> {
    match command {
        Command::Create(create) => Err(Refusal::argument(
            Argument::TicketId,
            create.ticket_id,
            "it exists already",
        )),
        Command::Act(act) => decide_act(decision, act),
        Command::FireTimer { token } => closing::fire_timer(decision, *token),
        Command::ReachDeadline { token, step } => closing::reach_deadline(decision, *token, *step),
        Command::ReportHook {
            token,
            attempt,
            outcome,
        } => closing::report_hook(decision, *token, *attempt, outcome),
        Command::CloseEffect { effect, outcome } => closing::close(decision, *effect, outcome),
        Command::OpenChild(open) => sub_ticket::open(decision, open),
        Command::EndChild { child, state } => sub_ticket::end(decision, *child, *state),
        Command::Migrate { operator, nodes } => migrate::decide(decision, operator.as_ref(), nodes),
        Command::EraseFile { file, by, reason } => {
            check_comment(Some(reason))?;
            file_rules::erase(decision, *file, by, reason)
        }
        Command::ReviewHolders => {
            holders::review(decision);
            Ok(())
        }
        Command::HandOver { user, by } => substitute::hand_over(decision, user, by.as_ref()),
        Command::ReviewDeadlines { before } => {
            deadline::review(decision, before);
            Ok(())
        }
    }
}

fn decide_act(decision: &mut Decision<'_>, act: &Act) -> Result<(), Refusal> {
    let context = decision.context;
    if !visibility::may_view(&decision.ticket, &act.by, context.directory, context.workflow) {
        return Err(Refusal::TicketNotFound {
            id: decision.ticket.id.to_string(),
        });
    }
    check_comment(act.comment.as_deref())?;
    let taking = Taking::of(act, context.workflow);
    let chosen = choose(&decision.ticket, &taking, context)?;
    if !act.fields.is_empty() && !chosen.kind.is_edge() {
        let problem = "only an action that takes an edge takes fields; leave them out";
        return Err(Refusal::argument(
            Argument::Fields,
            format!("{} fields", act.fields.len()),
            problem,
        ));
    }
    (rule(chosen.kind).carry_out)(decision, &chosen, &taking)
}

fn check_comment(comment: Option<&str>) -> Result<(), Refusal> {
    match comment {
        Some(text) if text.chars().count() > limits::COMMENT_CHARS_MAX => Err(Refusal::argument(
            Argument::Comment,
            text,
            format!("it may have {} characters at most", limits::COMMENT_CHARS_MAX),
        )),
        Some(_) | None => Ok(()),
    }
}
