//! What a command does to a ticket: events, or a refusal. Pure: the same ticket, command and context give the same
//! answer, and nothing is changed here.
//!
//! A decision folds each event it emits into a copy of the ticket with the same `apply` that a replay uses, so later
//! rules of one command see what earlier ones did; until the first event it looks at the ticket itself. A dry run is
//! this same function with `Draw::Preview`.
//!
//! Not here: which action a request means (`gate`), what each action does (`action/<name>`), how tokens move (`flow`).

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::id::{EdgeId, NodeId, TokenId, UserId};
use crate::limits;
use crate::text::is_blank;
use crate::ticket::action::{self, ActionKind, Chosen};
use crate::ticket::command::{ActionRequest, Command, Context, Create, Handle, HookOutcome};
use crate::ticket::event::{ActionTaken, Event, Meta, Processor, TicketCreated};
use crate::ticket::gate::choose;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::room::Room;
use crate::ticket::token::Rest;
use crate::ticket::{ActState, Ticket, field_rules, flow, migrate, visibility};

/// Decides one command. `ticket` is `None` for [`Command::Create`] only.
///
/// # Errors
/// A [`Refusal`]; then nothing may be appended.
pub fn decide(ticket: Option<&Ticket>, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    decide_on_copy(ticket, command, context).map(|(events, _)| events)
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
    decide_on_copy(ticket, command, context).map(|(events, ticket)| (events, ticket.into_owned()))
}

/// The ticket is borrowed where nothing has to happen.
fn decide_on_copy<'a>(
    ticket: Option<&'a Ticket>,
    command: &Command,
    context: &'a Context<'a>,
) -> Result<(Vec<Event>, Cow<'a, Ticket>), Refusal> {
    let meta = command.meta(context);
    match (ticket, command) {
        (None, Command::Create(create)) => decide_create(create, context, meta),
        (Some(ticket), command) => {
            if ticket.is_discarded {
                return Err(Refusal::TicketNotFound {
                    id: ticket.id.to_string(),
                });
            }
            let mut decision = Decision {
                context,
                ticket: Cow::Borrowed(ticket),
                meta,
                events: Vec::new(),
                n_moves: 0,
            };
            decide_on(&mut decision, command)?;
            decision.review_holders();
            Ok((decision.events, decision.ticket))
        }
        (None, command) => Err(Refusal::NotWaiting {
            what: format!("{command:?}"),
        }),
    }
}

impl Command {
    /// Who causes it.
    #[must_use]
    pub fn processor(&self) -> Processor {
        match self {
            Self::Create(create) => Processor::User(create.creator.clone()),
            Self::Handle(handle) => Processor::User(handle.operator.clone()),
            Self::FireTimer { .. } => Processor::Timer,
            Self::ReportHook { .. } => Processor::Hook,
            Self::Migrate {
                operator: Some(user), ..
            } => Processor::User(user.clone()),
            Self::Migrate { operator: None, .. } | Self::ReviewHolders => Processor::System,
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

/// A decision under way.
pub(crate) struct Decision<'a> {
    pub(crate) context: &'a Context<'a>,
    /// The ticket with everything emitted so far. Copied for the first event: most refusals come before it.
    pub(crate) ticket: Cow<'a, Ticket>,
    pub(crate) meta: Meta,
    pub(crate) events: Vec<Event>,
    /// Moves that nobody asked for, see `limits::AUTOMATIC_MOVES_MAX`.
    pub(crate) n_moves: usize,
}

impl Decision<'_> {
    pub(crate) fn emit(&mut self, event: Event) {
        self.ticket.to_mut().apply(&event, &self.meta);
        self.events.push(event);
    }

    /// Records who did what; what it caused follows.
    pub(crate) fn emit_action(&mut self, action: &Chosen<'_>, request: &ActionRequest, target: Option<&UserId>) {
        self.emit(Event::ActionTaken(Box::new(ActionTaken {
            kind: action.kind,
            action_id: action.id().to_owned(),
            node: Some(action.node.clone()),
            token: Some(action.token),
            target: target.cloned(),
            comment: comment_of(request.comment.as_deref()),
        })));
    }

    /// Takes all tokens away and lets one enter a node: withdraw and the force actions.
    pub(crate) fn replace_tokens(&mut self, node: &NodeId) -> Result<(), Refusal> {
        let removed = self.ticket.tokens.iter().map(|token| token.id).collect();
        let token = TokenId(self.ticket.last_token.0 + 1);
        self.emit(Event::TokensReplaced {
            removed,
            token,
            node: node.clone(),
        });
        flow::settle(self)
    }

    /// Sets the state where it differs.
    pub(crate) fn set_state(&mut self, to: ActState) {
        if self.ticket.act_state != to {
            self.emit(Event::StateChanged { to });
        }
    }

    /// The state after tokens have moved: at end, a ticket whose last edge by a person was a reject stays rejected.
    pub(crate) fn settle_state(&mut self, open: ActState) {
        let over = if open == ActState::Rejected {
            ActState::Rejected
        } else {
            ActState::Finished
        };
        self.set_state(if self.ticket.is_final() { over } else { open });
    }

    /// Marks or unmarks the ticket as needing intervention (semantics: intervention).
    fn review_holders(&mut self) {
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

fn decide_create<'a>(
    create: &Create,
    context: &'a Context<'a>,
    meta: Meta,
) -> Result<(Vec<Event>, Cow<'a, Ticket>), Refusal> {
    // Else a draft would come to be that nobody can open, for any active user may start a workflow
    // (semantics: visibility).
    if context.directory.active_user(&create.creator).is_none() {
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
    if let Some((parent, node)) = &create.parent {
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
        creator: create.creator.clone(),
        app: create.app.clone(),
        parent: create.parent.clone(),
        cc: cc.into_iter().collect(),
    }));
    let Some(ticket) = super::apply(None, &created, &meta) else {
        return Err(Refusal::NotWaiting {
            what: "a creation".into(),
        });
    };
    let mut decision = Decision {
        context,
        ticket: Cow::Owned(ticket),
        meta,
        events: vec![created],
        n_moves: 0,
    };
    flow::settle(&mut decision)?;
    match &create.action_id {
        None => {
            let changes = field_rules::check(
                &decision.ticket,
                context,
                context.workflow.start(),
                &create.fields,
                false,
            )?;
            if comment_of(create.comment.as_deref()).is_some() {
                let request = request_of(ActionKind::AddComment, None, create);
                let action = choose(&decision, &create.creator, &request)?;
                decision.emit_action(&action, &request, None);
            }
            field_rules::store(&mut decision, changes);
        }
        Some(edge) => {
            let kind = context
                .workflow
                .edge(edge)
                .and_then(ActionKind::of_edge)
                .unwrap_or(ActionKind::Agree);
            let request = request_of(kind, Some(edge), create);
            let action = choose(&decision, &create.creator, &request)?;
            action::take_edge::carry_out(&mut decision, &action, &request, &create.fields)?;
        }
    }
    decision.review_holders();
    Ok((decision.events, decision.ticket))
}

fn request_of(kind: ActionKind, edge: Option<&EdgeId>, create: &Create) -> ActionRequest {
    ActionRequest {
        kind,
        action_id: kind.id(edge).to_owned(),
        node_id: None,
        comment: create.comment.clone(),
        target_assignee_id: None,
        target_node_id: None,
    }
}

fn decide_on(decision: &mut Decision<'_>, command: &Command) -> Result<(), Refusal> {
    match command {
        Command::Create(create) => Err(Refusal::argument(
            Argument::TicketId,
            create.ticket_id,
            "it exists already",
        )),
        Command::Handle(handle) => decide_handle(decision, handle),
        Command::FireTimer { token } => {
            let Some(one) = decision.ticket.token(*token) else {
                return Err(not_waiting("timer", *token));
            };
            let (node, Rest::Timer { due }) = (one.node.clone(), &one.rest) else {
                return Err(not_waiting("timer", *token));
            };
            Room::check(&decision.ticket, None)?;
            if decision.context.now < *due {
                return Err(Refusal::NotWaiting {
                    what: format!("timer of node `{node}` is due at {due}"),
                });
            }
            decision.emit(Event::TimerFired {
                token: *token,
                node: node.clone(),
            });
            leave_automatically(decision, *token, &node)
        }
        Command::ReportHook {
            token,
            attempt,
            outcome,
        } => {
            let Some(one) = decision.ticket.token(*token) else {
                return Err(not_waiting("hook", *token));
            };
            let (node, Rest::Hook { attempt: open, failed }) = (one.node.clone(), &one.rest) else {
                return Err(not_waiting("hook", *token));
            };
            Room::check(&decision.ticket, None)?;
            match outcome {
                _ if open != attempt => Err(not_waiting("hook", *token)),
                HookOutcome::Succeeded => {
                    decision.emit(Event::HookSucceeded {
                        token: *token,
                        node: node.clone(),
                    });
                    leave_automatically(decision, *token, &node)
                }
                HookOutcome::Failed(_) if failed.is_some() => Err(not_waiting("hook", *token)),
                HookOutcome::Failed(reason) => {
                    decision.emit(Event::HookFailed {
                        token: *token,
                        node,
                        reason: reason.clone(),
                    });
                    Ok(())
                }
            }
        }
        Command::Migrate { operator, nodes } => migrate::decide(decision, operator.as_ref(), nodes),
        Command::ReviewHolders => Ok(()),
    }
}

/// Takes the one way out of a timer or hook node.
fn leave_automatically(decision: &mut Decision<'_>, token: TokenId, node: &NodeId) -> Result<(), Refusal> {
    let Some(edge) = decision.context.workflow.ways_out(node).next() else {
        return Err(not_waiting("way out", token));
    };
    flow::take(decision, token, edge);
    flow::settle(decision)?;
    let state = decision.ticket.act_state;
    decision.settle_state(state);
    Ok(())
}

fn not_waiting(what: &str, token: TokenId) -> Refusal {
    Refusal::NotWaiting {
        what: format!("{what} of token {}", token.0),
    }
}

fn decide_handle(decision: &mut Decision<'_>, handle: &Handle) -> Result<(), Refusal> {
    let context = decision.context;
    if !visibility::may_view(&decision.ticket, &handle.operator, context.directory, context.workflow) {
        return Err(Refusal::TicketNotFound {
            id: decision.ticket.id.to_string(),
        });
    }
    check_comment(handle.action.comment.as_deref())?;
    let request = &handle.action;
    let action = choose(decision, &handle.operator, request)?;
    if !handle.fields.is_empty() && !action.kind.is_edge() {
        let problem = "only an action that takes an edge takes fields; leave them out";
        return Err(Refusal::argument(
            Argument::Fields,
            format!("{} fields", handle.fields.len()),
            problem,
        ));
    }
    match action.kind {
        ActionKind::Agree | ActionKind::Reject | ActionKind::Other => {
            action::take_edge::carry_out(decision, &action, request, &handle.fields)
        }
        ActionKind::Accept => action::accept::carry_out(decision, &action, handle),
        ActionKind::Forward => action::forward::carry_out(decision, &action, handle),
        ActionKind::Consult => action::consult::carry_out(decision, &action, handle),
        ActionKind::ConsultSubmit => action::consult_submit::carry_out(decision, &action, handle),
        ActionKind::AddComment => action::add_comment::carry_out(decision, &action, handle),
        ActionKind::Withdraw => action::withdraw::carry_out(decision, &action, handle),
        ActionKind::ForceForward => action::force_forward::carry_out(decision, &action, handle),
        ActionKind::ForceClose => action::force_close::carry_out(decision, &action, handle),
        ActionKind::ForceAlterNode => action::force_alter_node::carry_out(decision, &action, handle),
        ActionKind::RetryHook => action::retry_hook::carry_out(decision, &action, handle),
        ActionKind::Discard => action::discard::carry_out(decision, &action, handle),
    }
}

/// A comment worth keeping.
pub(crate) fn comment_of(comment: Option<&str>) -> Option<String> {
    comment.filter(|text| !is_blank(text)).map(str::to_owned)
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

/// The person an action concerns: must be named, exist in the tenant, be active and not be the operator.
pub(crate) fn target_user(decision: &Decision<'_>, handle: &Handle) -> Result<UserId, Refusal> {
    let argument = Argument::TargetUser;
    let Some(target) = handle
        .action
        .target_assignee_id
        .as_ref()
        .filter(|id| !id.as_str().trim().is_empty())
    else {
        return Err(Refusal::argument(argument, "", "it must name an active user"));
    };
    if decision.context.directory.active_user(target).is_none() {
        return Err(Refusal::argument(
            argument,
            target,
            "there is no active user with this id",
        ));
    }
    Ok(target.clone())
}

/// No self-approval: nobody gives a node that excludes the creator to the creator (semantics: assignees).
pub(crate) fn check_not_excluded(decision: &Decision<'_>, node: &NodeId, target: &UserId) -> Result<(), Refusal> {
    let excluded = match decision.context.workflow.node(node).map(|node| &node.kind) {
        Some(crate::workflow::NodeKind::Normal(props)) => props.exclude_creator && decision.ticket.creator == *target,
        Some(_) | None => false,
    };
    if excluded {
        let problem = "the creator may not act at this node";
        return Err(Refusal::argument(Argument::TargetUser, target, problem));
    }
    Ok(())
}
