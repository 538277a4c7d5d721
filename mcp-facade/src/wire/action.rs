//! Actions that are open, and what became of one: a rehearsal or the real thing.

use loonflow_engine::id::{FieldKey, NodeId, TicketId};
use loonflow_engine::limits::WAITED_FOR_MAX;
use loonflow_engine::runtime::Done;
use loonflow_engine::ticket::ballot::count::Outcome;
use loonflow_engine::ticket::{self, ActState, Argument, Question, event};
use loonflow_engine::view::preview;
use serde::Serialize;
use serde_json::{Map, Value};

use super::account::{Person, first};
use super::node::{CurrentNode, current_nodes};
use crate::spelling;

/// An action that is open.
#[derive(Debug, Clone, Serialize)]
pub struct OfferedAction {
    /// The edge's id, or the action's word.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// The action's word.
    #[serde(rename = "type")]
    pub action_type: &'static str,
    /// The edge's `props` as defined; an empty object for other actions.
    pub props: Value,
    /// The node it acts on.
    pub node_id: NodeId,
    /// Whether there is no simple way back.
    pub destructive: bool,
    /// The `action_props` it cannot do without.
    pub needs: Vec<&'static str>,
}

/// A list of open actions.
pub(crate) fn actions(offered: Vec<ticket::OfferedAction>) -> Vec<OfferedAction> {
    let needs: Vec<_> = offered.iter().map(|action| needs_of(action, &offered)).collect();
    let with_needs = offered.into_iter().zip(needs);
    with_needs
        .map(|(action, needs)| OfferedAction {
            id: action.id,
            name: action.name,
            action_type: action.kind.word(),
            props: action.props,
            node_id: action.node,
            destructive: action.is_destructive,
            needs,
        })
        .collect()
}

/// What an action cannot do without: the node too where the same action is open at another.
fn needs_of(action: &ticket::OfferedAction, offered: &[ticket::OfferedAction]) -> Vec<&'static str> {
    let mut needs: Vec<_> = action.kind.needs().iter().map(|one| spelling::key(*one)).collect();
    let is_elsewhere = |other: &ticket::OfferedAction| {
        (other.kind, &other.id) == (action.kind, &action.id) && other.node != action.node
    };
    if offered.iter().any(is_elsewhere) {
        needs.push(spelling::key(Argument::Node));
    }
    needs
}

/// `action_type` of a creation, which is none of the actions on a ticket.
pub(crate) const CREATE: &str = "create";

/// An action as it was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// The action's word.
    pub action_type: String,
    /// The edge's id, or the same word.
    pub action_id: String,
    /// Properties, as sent.
    pub action_props: Map<String, Value>,
}

/// The answer of a rehearsal.
#[derive(Debug, Clone, Serialize)]
pub struct Rehearsed {
    /// True.
    pub dry_run: bool,
    /// The ticket, where it is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// `validated`.
    pub status: &'static str,
    /// What was rehearsed.
    pub validated_action: Asked,
    /// Keys of the fields that were sent.
    pub provided_fields: Vec<String>,
    /// Keys that the node requires.
    pub required_fields: Vec<FieldKey>,
    /// Always empty: with any missing the call is refused.
    pub missing_required_fields: Vec<FieldKey>,
    /// The ticket's version now; 0 where it is not there yet.
    pub version: u64,
    /// What the real call would do.
    pub preview: Preview,
}

impl Rehearsed {
    /// The answer of a rehearsal; `fields` are the keys of those that were sent.
    pub(crate) fn of(
        ticket_id: Option<TicketId>,
        asked: Asked,
        fields: Vec<String>,
        mut preview: preview::Preview,
    ) -> Self {
        Self {
            dry_run: true,
            ticket_id,
            status: "validated",
            validated_action: asked,
            provided_fields: fields,
            required_fields: std::mem::take(&mut preview.required_fields),
            missing_required_fields: Vec::new(),
            version: preview.version,
            preview: preview.into(),
        }
    }
}

/// The answer of a real call.
#[derive(Debug, Clone, Serialize)]
pub struct Handled {
    /// False.
    pub dry_run: bool,
    /// The ticket.
    pub ticket_id: TicketId,
    /// `handled`, or `draft`.
    pub status: &'static str,
    /// The action's word.
    pub action_type: String,
    /// The edge's id, or the same word.
    pub action_id: String,
    /// The ticket's version since.
    pub version: u64,
    /// Its state since.
    pub act_state: &'static str,
    /// Where it is since.
    pub current_nodes: Vec<CurrentNode>,
    /// Whether this is the first answer again.
    pub replayed: bool,
}

impl Handled {
    /// The answer of a real call. A draft that is created is not handled: only its creator sees it until it leaves
    /// start.
    pub(crate) fn of(asked: Asked, done: Done) -> Self {
        let is_draft = asked.action_type == CREATE && done.act_state == ActState::InDraft;
        Self {
            dry_run: false,
            ticket_id: done.ticket_id,
            status: if is_draft { "draft" } else { "handled" },
            action_type: asked.action_type,
            action_id: asked.action_id,
            version: done.version,
            act_state: done.act_state.word(),
            current_nodes: current_nodes(done.current_nodes),
            replayed: done.replayed,
        }
    }
}

/// What a rehearsed command would do.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The state the ticket would have.
    pub act_state: &'static str,
    /// Values that would change.
    pub field_changes: Vec<FieldChange>,
    /// Steps that tokens would make.
    pub moves: Vec<Move>,
    /// Where the ticket would be.
    pub current_nodes: Vec<CurrentNode>,
    /// What the outside would be told.
    pub effects: Vec<Effect>,
    /// Names of the events, in order.
    pub events: Vec<&'static str>,
    /// Only where somebody will be drawn: among whom.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<Pool>,
    /// Only where somebody is absent: who would act for whom.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stand_ins: Vec<StandIn>,
    /// Only where outside addresses would be asked: what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask>,
    /// Only for a vote: what it comes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vote: Option<VoteOutlook>,
}

/// What an outside address would be asked.
#[derive(Debug, Clone, Serialize)]
pub struct Ask {
    /// `assignees` or `pre_create`.
    pub kind: &'static str,
    /// The node or event hook that asks.
    pub place: String,
    /// The host that would be asked.
    pub host: String,
    /// What it would be sent, but for what is hidden from the caller.
    pub body: Value,
}

impl From<Question> for Ask {
    fn from(question: Question) -> Self {
        Self {
            kind: question.kind.word(),
            host: question.host(),
            body: question.body().clone(),
            place: question.place,
        }
    }
}

/// What a call would make of a vote.
#[derive(Debug, Clone, Serialize)]
pub struct VoteOutlook {
    /// How many votes for it take.
    pub needed: u32,
    /// Votes for it, with what the call brings.
    #[serde(rename = "for")]
    pub n_for: u32,
    /// Whether it decides, and what: `for` or `against`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decides: Option<&'static str>,
}

impl From<preview::Preview> for Preview {
    fn from(preview: preview::Preview) -> Self {
        let pools = preview.pools.into_iter().map(|(node_id, pool)| Pool {
            node_id,
            n_people: pool.len(),
            people: first(pool, WAITED_FOR_MAX),
        });
        let stand_ins = preview.stand_ins.into_iter().flat_map(|(node_id, pairs)| {
            pairs.into_iter().map(move |(person, absent)| StandIn {
                node_id: node_id.clone(),
                person: Person::from(person),
                on_behalf_of: Person::from(absent),
            })
        });
        Self {
            act_state: preview.act_state.word(),
            field_changes: field_changes(preview.field_changes),
            moves: moves(preview.moves),
            current_nodes: current_nodes(preview.current_nodes),
            effects: preview.effects.into_iter().map(Effect::from).collect(),
            asks: preview.asks.into_iter().map(Ask::from).collect(),
            events: preview.events,
            pools: pools.collect(),
            stand_ins: stand_ins.collect(),
            vote: preview.vote.map(|vote| VoteOutlook {
                needed: vote.n_needed,
                n_for: vote.n_for,
                decides: vote.decides.map(Outcome::word),
            }),
        }
    }
}

/// Somebody who would act because another is absent.
#[derive(Debug, Clone, Serialize)]
pub struct StandIn {
    /// At which node.
    pub node_id: NodeId,
    /// Who would act.
    pub person: Person,
    /// Who is absent.
    pub on_behalf_of: Person,
}

/// People among whom one will be drawn.
#[derive(Debug, Clone, Serialize)]
pub struct Pool {
    /// For which node.
    pub node_id: NodeId,
    /// The first of them.
    pub people: Vec<Person>,
    /// How many there are.
    pub n_people: usize,
}

/// What the outside would be told.
#[derive(Debug, Clone, Serialize)]
pub struct Effect {
    /// What kind of thing.
    pub kind: &'static str,
    /// Whom or what it is about.
    pub target: String,
    /// Only for what waits for an instant: when it is due, by RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Only for hooks: what would be sent, but for what is hidden from the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl From<preview::PreviewedEffect> for Effect {
    fn from(previewed: preview::PreviewedEffect) -> Self {
        let effect = previewed.effect;
        Self {
            kind: effect.kind(),
            target: effect.target(),
            at: effect.at().map(|at| at.to_rfc3339()),
            body: previewed.body,
        }
    }
}

/// One field that got a value.
#[derive(Debug, Clone, Serialize)]
pub struct FieldChange {
    /// Which.
    pub key: FieldKey,
    /// What it was; null where it had none.
    pub from: Option<Value>,
    /// What it is.
    pub to: Value,
}

pub(super) fn field_changes(changes: Vec<event::FieldChange>) -> Vec<FieldChange> {
    let changes = changes.into_iter();
    changes
        .map(|change| FieldChange {
            from: change.from.as_ref().map(Value::from),
            to: Value::from(&change.to),
            key: change.key,
        })
        .collect()
}

/// One step of a token.
#[derive(Debug, Clone, Serialize)]
pub struct Move {
    /// Where it left.
    pub from: NodeId,
    /// Where it came to.
    pub to: NodeId,
    /// The edge, or the action's word where no edge was taken.
    pub via: String,
}

pub(super) fn moves(moves: Vec<preview::Move>) -> Vec<Move> {
    let moves = moves.into_iter();
    moves
        .map(|step| Move {
            from: step.from,
            to: step.to,
            via: step.via,
        })
        .collect()
}
