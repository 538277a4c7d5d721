//! The actions (semantics: actions): their words, and the one gate that says which of them a user has.
//!
//! `ticket_prepare_handle` shows what [`offered`] returns and `decide` carries out only what it returns, so what is
//! offered works and what is not offered is refused. What each action does is in `action/<name>.rs`.

use serde::{Deserialize, Serialize};

use crate::account::permission;
use crate::id::{EdgeId, NodeId, TokenId, UserId};
use crate::ticket::command::Context;
use crate::ticket::room::Room;
use crate::ticket::token::{Rest, Token};
use crate::ticket::{ActState, Ticket, visibility};
use crate::workflow::secrets::without_secrets;
use crate::workflow::{Edge, EdgeKind, NodeKind, WorkflowVersion};

pub(crate) mod accept;
pub(crate) mod add_comment;
pub(crate) mod consult;
pub(crate) mod consult_submit;
pub(crate) mod discard;
pub(crate) mod force_alter_node;
pub(crate) mod force_close;
pub(crate) mod force_forward;
pub(crate) mod forward;
pub(crate) mod retry_hook;
pub(crate) mod take_edge;
pub(crate) mod withdraw;

/// Kinds of actions. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ActionKind {
    /// Takes an agree edge.
    Agree,
    /// Takes a reject edge.
    Reject,
    /// Takes another edge.
    Other,
    /// Claims a node that several may have.
    Accept,
    /// Gives the place to someone else.
    Forward,
    /// Asks someone.
    Consult,
    /// Gives an answer to who asked.
    ConsultSubmit,
    /// Says something.
    AddComment,
    /// Takes the ticket back to start.
    Withdraw,
    /// Gives a node to someone by force.
    ForceForward,
    /// Ends the ticket by force.
    ForceClose,
    /// Moves the ticket to a node by force.
    ForceAlterNode,
    /// Posts a failed hook again.
    RetryHook,
    /// Throws a draft away.
    Discard,
}

impl ActionKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Agree,
        Self::Reject,
        Self::Other,
        Self::Accept,
        Self::Forward,
        Self::Consult,
        Self::ConsultSubmit,
        Self::AddComment,
        Self::Withdraw,
        Self::ForceForward,
        Self::ForceClose,
        Self::ForceAlterNode,
        Self::RetryHook,
        Self::Discard,
    ];

    /// The wire word: `action_type`, and `action_id` of all but edges.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Reject => "reject",
            Self::Other => "other",
            Self::Accept => "accept",
            Self::Forward => "forward",
            Self::Consult => "consult",
            Self::ConsultSubmit => "consult_submit",
            Self::AddComment => "add_comment",
            Self::Withdraw => "withdraw",
            Self::ForceForward => "force_forward",
            Self::ForceClose => "force_close",
            Self::ForceAlterNode => "force_alter_node",
            Self::RetryHook => "retry_hook",
            Self::Discard => "discard",
        }
    }

    /// Reads `action_type` together with `action_id`: `accept` is a claim when the id is `accept`, else the agree
    /// edge of that id (semantics: actions). `None` for a word that is no action.
    #[must_use]
    pub fn parse(action_type: &str, action_id: &str) -> Option<Self> {
        let kind = Self::ALL.into_iter().find(|kind| kind.word() == action_type)?;
        Some(if kind == Self::Accept && action_id != Self::Accept.word() {
            Self::Agree
        } else {
            kind
        })
    }

    /// The action that takes an edge; `None` for one that only a gateway takes.
    #[must_use]
    pub fn of_edge(edge: &Edge) -> Option<Self> {
        match edge.kind {
            EdgeKind::Agree => Some(Self::Agree),
            EdgeKind::Reject => Some(Self::Reject),
            EdgeKind::Other => Some(Self::Other),
            EdgeKind::Condition => None,
        }
    }

    /// The `action_id`: the edge's id, or the action's word.
    pub(crate) fn id(self, edge: Option<&EdgeId>) -> &str {
        edge.map_or(self.word(), EdgeId::as_str)
    }

    /// Whether it takes an edge.
    #[must_use]
    pub fn is_edge(self) -> bool {
        matches!(self, Self::Agree | Self::Reject | Self::Other)
    }

    /// Whether it needs the right to intervene.
    #[must_use]
    pub fn is_admin(self) -> bool {
        matches!(
            self,
            Self::ForceForward | Self::ForceClose | Self::ForceAlterNode | Self::RetryHook
        )
    }

    /// The `action_props` it cannot do without.
    #[must_use]
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Forward | Self::Consult | Self::ForceForward => &["target_assignee_id"],
            Self::ForceAlterNode => &["target_node_id"],
            Self::AddComment => &["comment"],
            Self::Agree
            | Self::Reject
            | Self::Other
            | Self::Accept
            | Self::ConsultSubmit
            | Self::Withdraw
            | Self::ForceClose
            | Self::RetryHook
            | Self::Discard => &[],
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Agree => "Agree",
            Self::Reject => "Reject",
            Self::Other => "Go on",
            Self::Accept => "Accept",
            Self::Forward => "Forward",
            Self::Consult => "Consult",
            Self::ConsultSubmit => "Answer the consultation",
            Self::AddComment => "Comment",
            Self::Withdraw => "Withdraw",
            Self::ForceForward => "Force forward",
            Self::ForceClose => "Force close",
            Self::ForceAlterNode => "Force to another node",
            Self::RetryHook => "Retry the hook",
            Self::Discard => "Discard the draft",
        }
    }
}

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
    /// The edge's `props` as defined; an empty object for other actions.
    pub props: serde_json::Value,
    /// Whether there is no simple way back.
    pub is_destructive: bool,
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

    fn written_out(&self, workflow: &WorkflowVersion) -> OfferedAction {
        OfferedAction {
            kind: self.kind,
            id: self.id().to_owned(),
            name: self.edge.map_or(self.kind.title(), Edge::shown_name).to_owned(),
            node: self.token.node.clone(),
            token: self.token.id,
            props: self.edge.map_or_else(
                || serde_json::Value::Object(serde_json::Map::new()),
                |edge| without_secrets(&edge.props, false),
            ),
            is_destructive: match self.edge {
                Some(edge) => self.kind == ActionKind::Reject && edge.target == workflow.end().id,
                None => matches!(
                    self.kind,
                    ActionKind::Withdraw | ActionKind::ForceClose | ActionKind::ForceAlterNode | ActionKind::Discard
                ),
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
    let written_out = |offers: &[Offer<'_, '_>]| offers.iter().map(|one| one.written_out(context.workflow)).collect();
    OfferedActions {
        actions: written_out(&found.actions),
        admin_actions: written_out(&found.admin_actions),
    }
}

/// The one function behind what is shown and what is allowed (semantics: offers).
pub(crate) fn offers<'t, 'w>(ticket: &'t Ticket, user: &UserId, context: &Context<'w>) -> Offers<'t, 'w> {
    let mut found = Offers::default();
    if !has_access(ticket, user, context) {
        return found;
    }
    // As many as most users have.
    found.actions.reserve(8);
    let is_final = ticket.is_final();
    let is_draft = ticket.act_state == ActState::InDraft;
    if !is_final {
        for token in &ticket.tokens {
            offer_token(&mut found.actions, ticket, token, user, context);
        }
        let Some(oldest) = ticket.tokens.first() else {
            return found;
        };
        if is_draft && ticket.creator == *user {
            push(&mut found.actions, ActionKind::Discard, oldest);
        }
        if !is_draft && ticket.creator == *user && may_withdraw(ticket, context) {
            push(&mut found.actions, ActionKind::Withdraw, oldest);
        }
        if !is_draft && permission::may_intervene(context.directory, user, context.workflow) {
            offer_admin(&mut found.admin_actions, ticket, oldest);
        }
    }
    let base = found.actions.first().map(|action| action.token);
    let base = base.or_else(|| ticket.tokens.first());
    if let Some(base) = base {
        push(&mut found.actions, ActionKind::AddComment, base);
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

/// Offers what a user has on a token.
fn offer_token<'t, 'w>(
    found: &mut Vec<Offer<'t, 'w>>,
    ticket: &Ticket,
    token: &'t Token,
    user: &UserId,
    context: &Context<'w>,
) {
    let may_act = match &token.rest {
        Rest::Held { holders, consult: None } => holders.contains(user),
        Rest::Held {
            consult: Some(consult), ..
        } => {
            if consult.to == *user {
                push(found, ActionKind::ConsultSubmit, token);
            }
            false
        }
        Rest::Offered { candidates } => {
            if candidates.contains(user) {
                push(found, ActionKind::Accept, token);
            }
            false
        }
        Rest::Shared { shares } => {
            if shares.iter().any(|share| share.consulted.as_ref() == Some(user)) {
                push(found, ActionKind::ConsultSubmit, token);
                false
            } else {
                shares
                    .iter()
                    .any(|share| share.holder == *user && share.vote.is_none() && share.consulted.is_none())
            }
        }
        Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Timer { .. } | Rest::Hook { .. } | Rest::Ended => false,
    };
    if !may_act {
        return;
    }
    let workflow = context.workflow;
    let ways = workflow.ways_out(&token.node);
    found.extend(ways.filter_map(|edge| {
        Some(Offer {
            kind: ActionKind::of_edge(edge)?,
            edge: Some(edge),
            token,
        })
    }));
    let is_normal = matches!(
        workflow.node(&token.node).map(|node| &node.kind),
        Some(NodeKind::Normal(_))
    );
    // The start node is the creator's (semantics: actions): it is neither forwarded nor held by someone consulted.
    if is_normal && ticket.act_state != ActState::InDraft {
        push(found, ActionKind::Forward, token);
        push(found, ActionKind::Consult, token);
    }
}

fn offer_admin<'t>(found: &mut Vec<Offer<'t, '_>>, ticket: &'t Ticket, oldest: &'t Token) {
    for token in &ticket.tokens {
        match &token.rest {
            Rest::Held { .. } | Rest::Offered { .. } | Rest::Shared { .. } | Rest::Unassigned => {
                push(found, ActionKind::ForceForward, token);
            }
            Rest::Hook { failed: Some(_), .. } => push(found, ActionKind::RetryHook, token),
            Rest::Hook { failed: None, .. } | Rest::Moving | Rest::Joining | Rest::Timer { .. } | Rest::Ended => {}
        }
    }
    push(found, ActionKind::ForceClose, oldest);
    push(found, ActionKind::ForceAlterNode, oldest);
}

fn push<'t>(found: &mut Vec<Offer<'t, '_>>, kind: ActionKind, token: &'t Token) {
    found.push(Offer {
        kind,
        edge: None,
        token,
    });
}

/// Every node with a token allows it, tokens waiting at a merge aside, and the ticket is not at start.
fn may_withdraw(ticket: &Ticket, context: &Context<'_>) -> bool {
    let start = &context.workflow.start().id;
    ticket.tokens.iter().all(|token| {
        token.node != *start
            && (matches!(token.rest, Rest::Joining)
                || context
                    .workflow
                    .node(&token.node)
                    .is_some_and(|node| node.allow_withdraw))
    })
}
