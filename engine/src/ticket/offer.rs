//! What a user may do on a ticket now: what is shown, and what is allowed, which is the same.
//!
//! `offers` puts together what the rules of all actions say. A page shows what [`offered`] makes of it; a decision takes
//! what `choose` finds in it, and what is not offered is refused here, and only here, in words that say who may or what
//! is open instead.
//!
//! Not here: who is offered an action, and who else may (`action/<name>`).

use std::collections::BTreeSet;

use crate::account::permission;
use crate::id::{NodeId, TokenId, UserId};
use crate::ticket::act::Taking;
use crate::ticket::action::{self, Asking, Chosen, Denied, Offering, Rule, Standing, return_to, rule};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::context::Context;
use crate::ticket::refusal::{Argument, Available, Refusal};
use crate::ticket::room::Room;
use crate::ticket::token::Token;
use crate::ticket::{ActState, Ticket, sub_ticket, visibility};
use crate::workflow::secrets::without_secrets;
use crate::workflow::{Edge, WorkflowVersion};

/// An action a user has, on one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedAction {
    /// What kind.
    pub kind: ActionKind,
    /// The edge's id, or the action's word.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// The node it acts on.
    pub node: NodeId,
    /// The token it acts on.
    pub token: TokenId,
    /// The edge's `props` as defined; of a return `target_node_ids`, and whether it takes `resume`; else an empty object.
    pub props: serde_json::Value,
    /// Whether there is no simple way back.
    pub is_destructive: bool,
}

/// Everything a user can do on a ticket now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferedActions {
    /// As assignee, creator or viewer; by age of the token, the comment last.
    pub actions: Vec<OfferedAction>,
    /// With the right to intervene.
    pub admin_actions: Vec<OfferedAction>,
}

impl OfferedActions {
    /// All of both lists.
    pub fn iter(&self) -> impl Iterator<Item = &OfferedAction> {
        self.actions.iter().chain(&self.admin_actions)
    }

    /// The first node the user may act on: `action_base_node_id`. A comment alone does not count where there is more.
    #[must_use]
    pub fn base_node(&self) -> Option<&NodeId> {
        self.actions.first().map(|action| &action.node)
    }

    /// The first node the user may intervene on: `admin_action_base_node_id`.
    #[must_use]
    pub fn admin_base_node(&self) -> Option<&NodeId> {
        self.admin_actions.first().map(|action| &action.node)
    }

    /// The node whose field permissions the user sees: the first where it may take an action of an assignee.
    #[must_use]
    pub fn acting_node(&self) -> Option<&NodeId> {
        let acts = |kind: ActionKind| {
            kind.is_edge()
                || matches!(
                    kind,
                    ActionKind::Accept | ActionKind::Forward | ActionKind::ConsultSubmit
                )
        };
        self.actions
            .iter()
            .find(|action| acts(action.kind))
            .map(|action| &action.node)
    }
}

/// An action a user has, as the rules find it. Nothing is copied: a decision looks at all and takes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer<'t, 'w> {
    pub(crate) kind: ActionKind,
    /// The edge it takes; `None` for actions of other kinds.
    pub(crate) edge: Option<&'w Edge>,
    /// The token it acts on.
    pub(crate) token: &'t Token,
}

impl<'w> Offer<'_, 'w> {
    /// The edge's id, or the action's word.
    pub(crate) fn id(&self) -> &'w str {
        self.kind.id(self.edge.map(|edge| &edge.id))
    }

    fn written_out(&self, workflow: &WorkflowVersion, by_force: bool) -> OfferedAction {
        OfferedAction {
            kind: self.kind,
            id: self.id().to_owned(),
            name: self.edge.map_or(rule(self.kind).title, Edge::shown_name).to_owned(),
            node: self.token.node.clone(),
            token: self.token.id,
            props: match self.edge {
                Some(edge) => without_secrets(&edge.props, false),
                None if self.kind == ActionKind::ReturnTo => return_to::props(self.token, workflow, by_force),
                None => serde_json::Value::Object(serde_json::Map::new()),
            },
            is_destructive: match self.edge {
                Some(edge) => self.kind == ActionKind::Reject && edge.target == workflow.end().id,
                None => rule(self.kind).is_destructive,
            },
        }
    }
}

/// Everything a user can do on a ticket now, see [`OfferedActions`].
#[derive(Debug, Default)]
pub(crate) struct Offers<'t, 'w> {
    pub(crate) actions: Vec<Offer<'t, 'w>>,
    pub(crate) admin_actions: Vec<Offer<'t, 'w>>,
}

impl<'t, 'w> Offers<'t, 'w> {
    /// All of both lists.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Offer<'t, 'w>> {
        self.actions.iter().chain(&self.admin_actions)
    }
}

/// What a user can do on a ticket now: what is shown. Empty for whoever may not view the ticket and for inactive or
/// unknown users.
#[must_use]
pub fn offered(ticket: &Ticket, user: &UserId, context: &Context<'_>) -> OfferedActions {
    let found = offers(ticket, user, context);
    let written_out = |offers: &[Offer<'_, '_>], by_force: bool| {
        let written_out = offers.iter().map(|one| one.written_out(context.workflow, by_force));
        written_out.collect()
    };
    OfferedActions {
        actions: written_out(&found.actions, false),
        admin_actions: written_out(&found.admin_actions, true),
    }
}

/// The one function behind what is shown and what is allowed (semantics: actions).
pub(crate) fn offers<'t, 'w>(ticket: &'t Ticket, user: &UserId, context: &Context<'w>) -> Offers<'t, 'w> {
    let mut found = Offers::default();
    let Some(oldest) = ticket.tokens.first().filter(|_| has_access(ticket, user, context)) else {
        return found;
    };
    // As many as most users have.
    found.actions.reserve(8);
    let asking = Asking { ticket, user, context };
    let is_draft = ticket.act_state == ActState::InDraft;
    let may_intervene = !is_draft && permission::may_intervene(context.directory, user, context.workflow);
    if !ticket.is_final() {
        for token in &ticket.tokens {
            let standing = asking.standing(token);
            if standing.acts && sub_ticket::waited_for(ticket, token, context.workflow).is_empty() {
                offer_edges(&mut found.actions, token, context);
            }
            offer_token(&mut found.actions, action::OF_TOKEN, &asking, &standing);
            if may_intervene {
                offer_token(&mut found.admin_actions, action::OF_TOKEN_BY_FORCE, &asking, &standing);
            }
        }
        offer_ticket(&mut found.actions, action::OF_TICKET, &asking, oldest);
    }
    if may_intervene {
        offer_ticket(&mut found.admin_actions, action::OF_EFFECTS_BY_FORCE, &asking, oldest);
        if !ticket.is_final() {
            offer_ticket(&mut found.admin_actions, action::OF_TICKET_BY_FORCE, &asking, oldest);
        }
    }
    let base = found.actions.first().map_or(oldest, |action| action.token);
    for rule in action::OF_VIEWER {
        push(&mut found.actions, rule.kind, base);
    }
    let room = Room::of(ticket);
    if room != Room::Free {
        found.actions.retain(|one| room.takes(one.kind));
        found.admin_actions.retain(|one| room.takes(one.kind));
    }
    found
}

/// Whether there can be any action at all for a user.
fn has_access(ticket: &Ticket, user: &UserId, context: &Context<'_>) -> bool {
    visibility::may_view(ticket, user, context.directory, context.workflow)
        && context.directory.active_user(user).is_some()
}

/// The edges that a person may take out of a token's node, in the order of the definition.
fn offer_edges<'t, 'w>(found: &mut Vec<Offer<'t, 'w>>, token: &'t Token, context: &Context<'w>) {
    let ways = context.workflow.ways_out(&token.node);
    found.extend(ways.filter_map(|edge| {
        Some(Offer {
            kind: ActionKind::of_edge(edge)?,
            edge: Some(edge),
            token,
        })
    }));
}

/// What is offered with a token.
fn offer_token<'t>(found: &mut Vec<Offer<'t, '_>>, rules: &[&Rule], asking: &Asking<'_>, standing: &Standing<'t>) {
    for rule in rules {
        if rule.offer.holds(asking, standing) {
            push(found, rule.kind, standing.token);
        }
    }
}

/// What is offered with the ticket as a whole.
fn offer_ticket<'t>(found: &mut Vec<Offer<'t, '_>>, rules: &[&Rule], asking: &Asking<'_>, oldest: &'t Token) {
    for rule in rules {
        if let Offering::Ticket(holds) = rule.offer
            && holds(asking)
        {
            push(found, rule.kind, oldest);
        }
    }
}

fn push<'t>(found: &mut Vec<Offer<'t, '_>>, kind: ActionKind, token: &'t Token) {
    found.push(Offer {
        kind,
        edge: None,
        token,
    });
}

/// Finds the offered action that a request means.
///
/// # Errors
/// Why there is none, or that several nodes fit.
pub(crate) fn choose<'w>(ticket: &Ticket, taking: &Taking<'_>, context: &Context<'w>) -> Result<Chosen<'w>, Refusal> {
    let user = taking.by;
    let offers = offers(ticket, user, context);
    Room::check(ticket, Some(taking.kind))?;
    let refuse = || deny(Asking { ticket, user, context }, taking, &offers);
    let is_meant = |one: &&Offer<'_, 'w>| one.kind == taking.kind && one.id() == taking.id();
    let is_ticket_wide = matches!(rule(taking.kind).offer, Offering::Ticket(_) | Offering::Viewer);
    if let (Some(node), true) = (taking.at, is_ticket_wide) {
        let Some(one) = offers.iter().find(is_meant) else {
            return Err(refuse());
        };
        let Some(token) = ticket.tokens.iter().find(|token| token.node == *node) else {
            return Err(Refusal::argument(
                Argument::Node,
                node,
                "the ticket is not at this node",
            ));
        };
        return Ok(Chosen {
            kind: one.kind,
            edge: None,
            node: node.clone(),
            token: token.id,
        });
    }
    let is_there = |one: &&Offer<'_, 'w>| taking.at.is_none_or(|node| one.token.node == *node);
    let fitting = || offers.iter().filter(is_meant).filter(is_there);
    // Two tokens on one node: the older acts first (semantics: game).
    let Some(oldest) = fitting().min_by_key(|one| one.token.id) else {
        return Err(refuse());
    };
    let node = &oldest.token.node;
    if fitting().any(|one| one.token.node != *node) {
        let nodes: BTreeSet<&NodeId> = fitting().map(|one| &one.token.node).collect();
        return Err(Refusal::AmbiguousNode {
            action_id: taking.id().to_owned(),
            nodes: nodes.into_iter().cloned().collect(),
        });
    }
    Ok(Chosen {
        kind: oldest.kind,
        edge: oldest.edge,
        node: node.clone(),
        token: oldest.token.id,
    })
}

/// The refusal of an edge or a return that would be theirs, were the node not waiting for its sub-tickets.
fn waits_for_children(asking: &Asking<'_>, taking: &Taking<'_>) -> Option<Refusal> {
    let workflow = asking.context.workflow;
    let leads_out = |token: &Token| match taking.action.edge() {
        Some(edge) => asking.standing(token).acts && workflow.ways_out(&token.node).any(|way| way.id == *edge),
        None => taking.kind == ActionKind::ReturnTo && return_to::is_offered(asking, &asking.standing(token)),
    };
    let is_meant = |token: &&Token| {
        let is_there = taking.at.is_none_or(|node| token.node == *node);
        is_there && leads_out(token)
    };
    let token = asking.ticket.tokens.iter().find(is_meant)?;
    let open = sub_ticket::waited_for(asking.ticket, token, workflow);
    (!open.is_empty()).then(|| Refusal::SubTicketsOpen {
        node: token.node.clone(),
        open,
    })
}

/// Says who may, where somebody else may; else what this user can do.
fn deny(asking: Asking<'_>, taking: &Taking<'_>, offers: &Offers<'_, '_>) -> Refusal {
    let (kind, id) = (taking.kind, taking.id());
    if let Some(waits) = waits_for_children(&asking, taking) {
        return waits;
    }
    let denied = Denied {
        asking,
        taking: *taking,
        may_intervene: !offers.admin_actions.is_empty(),
    };
    // With an id that is not its own it is no action of anybody.
    let is_one = kind.is_edge() || taking.action.edge().is_none();
    let who_may = (is_one && !asking.ticket.is_final()).then(|| (rule(kind).who_may)(&denied));
    match who_may.flatten() {
        Some(who_may) => Refusal::PermissionDenied {
            what: format!("action `{}` with id `{id}`", kind.word()),
            who_may,
        },
        None => Refusal::ActionNotAvailable {
            action_type: kind.word(),
            action_id: id.chars().take(80).collect(),
            available: offers
                .iter()
                .map(|one| Available {
                    kind: one.kind,
                    edge: one.edge.map(|edge| edge.id.clone()),
                    node: one.token.node.clone(),
                })
                .collect(),
        },
    }
}
