//! Actions: one file each, which says its name, who is offered it, who may take it otherwise, what it needs, and what it
//! does.
//!
//! A new action is a kind (`action_kind`), its file, and its lines here. Not here: putting the offers of all of them
//! together, and finding the one that a request means (`offer`).

use crate::account::person::Person;
use crate::id::{NodeId, TokenId, UserId};
use crate::text::is_blank;
use crate::ticket::act::Taking;
use crate::ticket::action_kind::ActionKind;
use crate::ticket::assignee::finding::Finding;
use crate::ticket::context::Context;
use crate::ticket::decision::Decision;
use crate::ticket::event::{ActionTaken, Event};
use crate::ticket::place::waited_for;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::{Rest, Token};
use crate::ticket::{ActState, Ticket, substitute};
use crate::workflow::Edge;

mod abstain;
mod accept;
mod add_comment;
mod add_signer;
mod consult;
mod consult_submit;
mod discard;
mod force_alter_node;
mod force_close;
mod force_forward;
mod forward;
mod give_back;
mod retry_hook;
pub(super) mod return_to;
mod skip;
mod take_back;
mod take_edge;
mod undo;
mod withdraw;

/// What an action is.
pub(crate) struct Rule {
    pub(crate) kind: ActionKind,
    /// Name shown to people; an edge has its own.
    pub(crate) title: &'static str,
    /// What it cannot do without.
    pub(crate) needs: &'static [Argument],
    /// Whether there is no simple way back.
    pub(crate) is_destructive: bool,
    /// Whether it is offered to those who may intervene, and to nobody else.
    pub(crate) is_admin: bool,
    pub(crate) offer: Offering,
    /// Who may take it where somebody who asked for it may not, in words; `None` where that helps nobody.
    pub(crate) who_may: fn(&Denied<'_>) -> Option<String>,
    pub(crate) carry_out: fn(&mut Decision<'_>, &Chosen<'_>, &Taking<'_>) -> Result<(), Refusal>,
}

/// What an action is offered with.
pub(crate) enum Offering {
    /// Each edge of its kind that leads out of a node where the user acts.
    Edges,
    /// Each token of which this says so.
    Token(fn(&Asking<'_>, &Standing<'_>) -> bool),
    /// The ticket as a whole, if this says so: shown at its oldest token, and taken at any.
    Ticket(fn(&Asking<'_>) -> bool),
    /// The same for whoever sees the ticket, over or not: shown at the node where they act.
    Viewer,
}

/// What is offered with a token, in this order, behind the edges.
pub(crate) const OF_TOKEN: &[&Rule] = &[
    &accept::RULE,
    &consult_submit::RULE,
    &forward::RULE,
    &consult::RULE,
    &abstain::RULE,
    &add_signer::RULE,
    &take_back::RULE,
    &return_to::RULE,
    &undo::RULE,
    &give_back::RULE,
];
/// What is offered with the ticket as a whole.
pub(crate) const OF_TICKET: &[&Rule] = &[&discard::RULE, &withdraw::RULE];
/// What is offered with a token to those who may intervene.
pub(crate) const OF_TOKEN_BY_FORCE: &[&Rule] = &[&force_forward::RULE, &return_to::BY_FORCE];
/// What is offered to them with the ticket.
pub(crate) const OF_TICKET_BY_FORCE: &[&Rule] = &[&force_close::RULE, &force_alter_node::RULE];
/// What is offered to them with what the ticket owes, also once it is over.
pub(crate) const OF_EFFECTS_BY_FORCE: &[&Rule] = &[&retry_hook::RULE, &skip::RULE];
/// What is offered to whoever sees the ticket, last of all.
pub(crate) const OF_VIEWER: &[&Rule] = &[&add_comment::RULE];

impl Offering {
    /// Whether it is offered with a token.
    pub(crate) fn holds(&self, asking: &Asking<'_>, standing: &Standing<'_>) -> bool {
        match self {
            Self::Token(holds) => holds(asking, standing),
            Self::Edges | Self::Ticket(_) | Self::Viewer => false,
        }
    }
}

/// The rule of a kind; of one that those who may intervene have as well, that of everybody else.
pub(crate) fn rule(kind: ActionKind) -> &'static Rule {
    match kind {
        ActionKind::Agree => &take_edge::AGREE,
        ActionKind::Reject => &take_edge::REJECT,
        ActionKind::Other => &take_edge::OTHER,
        ActionKind::Accept => &accept::RULE,
        ActionKind::Forward => &forward::RULE,
        ActionKind::Consult => &consult::RULE,
        ActionKind::ConsultSubmit => &consult_submit::RULE,
        ActionKind::AddComment => &add_comment::RULE,
        ActionKind::Withdraw => &withdraw::RULE,
        ActionKind::ForceForward => &force_forward::RULE,
        ActionKind::ForceClose => &force_close::RULE,
        ActionKind::ForceAlterNode => &force_alter_node::RULE,
        ActionKind::RetryHook => &retry_hook::RULE,
        ActionKind::Discard => &discard::RULE,
        ActionKind::Skip => &skip::RULE,
        ActionKind::Abstain => &abstain::RULE,
        ActionKind::AddSigner => &add_signer::RULE,
        ActionKind::TakeBack => &take_back::RULE,
        ActionKind::ReturnTo => &return_to::RULE,
        ActionKind::Undo => &undo::RULE,
        ActionKind::GiveBack => &give_back::RULE,
    }
}

impl ActionKind {
    /// Whether nobody has it without the right to intervene.
    #[must_use]
    pub fn is_admin(self) -> bool {
        rule(self).is_admin
    }

    /// What a request for it cannot do without.
    #[must_use]
    pub fn needs(self) -> &'static [Argument] {
        rule(self).needs
    }
}

/// Who asks what they may do.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) ticket: &'a Ticket,
    pub(crate) user: &'a UserId,
    pub(crate) context: &'a Context<'a>,
}

/// An action that was asked for and is not offered.
pub(crate) struct Denied<'a> {
    pub(crate) asking: Asking<'a>,
    pub(crate) taking: Taking<'a>,
    /// Whether those who asked are offered something of those who may intervene.
    pub(crate) may_intervene: bool,
}

/// An action that a decision takes.
#[derive(Clone, Debug)]
pub(crate) struct Chosen<'w> {
    pub(crate) kind: ActionKind,
    /// The edge it takes; `None` for actions of other kinds.
    pub(crate) edge: Option<&'w Edge>,
    /// The node it acts on: where several would do, the one that was asked for.
    pub(crate) node: NodeId,
    /// The token it acts on.
    pub(crate) token: TokenId,
}

impl Chosen<'_> {
    /// The edge's id, or the action's word.
    pub(crate) fn id(&self) -> &str {
        self.kind.id(self.edge.map(|edge| &edge.id))
    }
}

/// A token, and how the user stands to it.
pub(crate) struct Standing<'t> {
    pub(crate) token: &'t Token,
    /// Whether they act on it.
    pub(crate) acts: bool,
    /// Whether they may give it to others: neither in a draft, nor from a node that is nobody's to give.
    pub(crate) may_give: bool,
}

impl Asking<'_> {
    /// How the user stands to a token.
    pub(crate) fn standing<'t>(&self, token: &'t Token) -> Standing<'t> {
        let acts = self.acts_on(token);
        let is_draft = self.ticket.act_state == ActState::InDraft;
        Standing {
            token,
            acts,
            may_give: acts && !is_draft && self.is_given_on(&token.node),
        }
    }

    /// Whether the user acts on a token: holds it and is not waiting for somebody they asked, or has an open share.
    fn acts_on(&self, token: &Token) -> bool {
        match &token.rest {
            Rest::Held { holders, consult: None } => holders.contains(self.user),
            Rest::Held { consult: Some(_), .. } => false,
            Rest::Offered { .. } => false,
            Rest::Voting(ballot) => {
                let is_asked = ballot.kept().any(|share| share.consulted.as_ref() == Some(self.user));
                let mut turns = ballot.actionable();
                !is_asked && turns.any(|share| share.holder == *self.user && share.consulted.is_none())
            }
            Rest::Moving
            | Rest::Joining
            | Rest::Unassigned
            | Rest::Shared { .. }
            | Rest::Timer { .. }
            | Rest::Hook { .. }
            | Rest::Ended => false,
        }
    }

    /// Whether a node can be given to others: the start node is the creator's (semantics: assignees), so it is neither
    /// forwarded nor held by someone consulted.
    fn is_given_on(&self, node: &NodeId) -> bool {
        let node = self.context.workflow.node(node);
        node.is_some_and(|node| node.kind.as_normal().is_some())
    }
}

impl Denied<'_> {
    /// The first token that fits and waits for others: which node, and for whom.
    pub(crate) fn waits_for(&self, is_meant: impl Fn(&Token) -> bool) -> Option<String> {
        let Asking { ticket, user, context } = self.asking;
        let is_there = |token: &&Token| self.taking.at.is_none_or(|node| token.node == *node);
        ticket.tokens.iter().filter(is_there).find_map(|token| {
            let users = waited_for(&token.rest, context.directory);
            let is_others = !users.is_empty() && users.iter().all(|one| *one != user);
            (is_meant(token) && is_others)
                .then(|| format!("node `{}` waits for {}", token.node, self.names(users.into_iter())))
        })
    }

    /// The first ten of some people.
    pub(crate) fn names<'u>(&self, users: impl Iterator<Item = &'u UserId>) -> String {
        let shown = users
            .take(10)
            .map(|user| Person::of(user, self.asking.context.directory));
        shown
            .map(|person| format!("{} ({})", person.shown(), person.id))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// Whether a person holds the token, alone or with others.
fn is_held(token: &Token) -> bool {
    matches!(token.rest, Rest::Held { .. } | Rest::Voting(_))
}

/// Those who may intervene, for somebody who may not.
fn interveners(denied: &Denied<'_>) -> Option<String> {
    let who = "the tenant's admins and the workflow's admins and dispatchers may";
    (!denied.may_intervene).then(|| who.to_owned())
}

/// Whoever holds a token that can be given to others.
fn holders(denied: &Denied<'_>) -> Option<String> {
    denied.waits_for(|token| is_held(token) && denied.asking.is_given_on(&token.node))
}

/// Nobody else may take it.
fn nobody(_: &Denied<'_>) -> Option<String> {
    None
}

/// Records who did what; what it caused follows.
pub(crate) fn emit_action(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) {
    decision.emit(Event::ActionTaken(Box::new(ActionTaken {
        kind: action.kind,
        action_id: action.id().to_owned(),
        node: Some(action.node.clone()),
        token: Some(action.token),
        target: taking.action.to_user().cloned(),
        comment: comment_of(taking.comment),
    })));
}

/// A comment worth keeping.
pub(crate) fn comment_of(comment: Option<&str>) -> Option<String> {
    comment.filter(|text| !is_blank(text)).map(str::to_owned)
}

/// The person an action concerns: must be named, exist in the tenant, be active and not be the operator.
fn target_user(decision: &Decision<'_>, taking: &Taking<'_>) -> Result<UserId, Refusal> {
    let argument = Argument::TargetUser;
    let named = taking.action.to_user();
    let Some(target) = named.filter(|id| !id.as_str().trim().is_empty()) else {
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

/// Who acts when a node is given to a person: whoever stands in for them while they are absent, as far as that one may
/// act there.
fn acts_for(decision: &Decision<'_>, node: &NodeId, target: &UserId) -> UserId {
    Finding::at(&decision.ticket, node, decision.context).acts_for(target)
}

/// Records that somebody acts for another, where they do.
fn record_stand_in(decision: &mut Decision<'_>, token: TokenId, absent: UserId, by: UserId) {
    if absent != by {
        substitute::record(decision, token, vec![(absent, by)]);
    }
}

/// No self-approval: nobody gives a node that excludes the creator to the creator (semantics: assignees).
fn check_not_excluded(decision: &Decision<'_>, node: &NodeId, target: &UserId) -> Result<(), Refusal> {
    let props = decision
        .context
        .workflow
        .node(node)
        .and_then(|node| node.kind.as_normal());
    let excludes = props.is_some_and(|props| props.on_creator.excludes());
    if excludes && decision.ticket.creator == *target {
        let problem = "the creator may not act at this node";
        return Err(Refusal::argument(Argument::TargetUser, target, problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_rule_and_is_offered_once() {
        let lists = [
            OF_TOKEN,
            OF_TICKET,
            OF_TOKEN_BY_FORCE,
            OF_TICKET_BY_FORCE,
            OF_EFFECTS_BY_FORCE,
            OF_VIEWER,
        ];
        for kind in ActionKind::ALL {
            assert_eq!(rule(kind).kind, kind);
            let n_places = lists
                .iter()
                .flat_map(|list| list.iter())
                .filter(|rule| rule.kind == kind)
                .count();
            // Whoever acts may return a ticket, and those who may intervene.
            let n_expected = if kind == ActionKind::ReturnTo {
                2
            } else {
                usize::from(!kind.is_edge())
            };
            assert_eq!(n_places, n_expected, "{kind:?}");
            let by_force = [OF_TOKEN_BY_FORCE, OF_TICKET_BY_FORCE, OF_EFFECTS_BY_FORCE];
            let mut of_force = by_force.iter().flat_map(|list| list.iter());
            let is_by_force = of_force.any(|rule| rule.kind == kind);
            assert_eq!(kind.is_admin(), is_by_force && n_places == 1, "{kind:?}");
        }
    }
}
