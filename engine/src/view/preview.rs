//! What a rehearsed command would do, read off the very events it would append.

use std::collections::BTreeMap;

use crate::account::person::Person;
use crate::effect::body::{self, Body};
use crate::effect::{Effect, effects};
use crate::id::{FieldKey, NodeId, UserId};
use crate::ticket::context::Context;
use crate::ticket::event::{Cause, Event, FieldChange, Meta, Step};
use crate::ticket::offer::offered;
use crate::ticket::place::{CurrentNode, current_nodes};
use crate::ticket::{ActState, Question, Ticket, Token, apply, visibility};
use crate::value::Value;
use crate::view::ticket_detail::stand_ins;
use crate::view::vote::VoteOutlook;
use crate::workflow::{FieldPermission, WorkflowVersion};

/// One step of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move {
    /// Where it left.
    pub from: NodeId,
    /// Where it came to.
    pub to: NodeId,
    /// The edge, or the action's word where no edge was taken.
    pub via: String,
}

/// What would be owed the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreviewedEffect {
    /// What.
    pub effect: Effect,
    /// Of a hook: what it would be sent, with those fields alone that the operator may see, and without ids and times of
    /// the call.
    pub body: Option<serde_json::Value>,
}

/// What a command would do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// The ticket's version now; 0 for one that is not there yet.
    pub version: u64,
    /// The state it would have.
    pub act_state: ActState,
    /// Values that would change, the title's included.
    pub field_changes: Vec<FieldChange>,
    /// Steps that tokens would make, in order.
    pub moves: Vec<Move>,
    /// Where the ticket would be; with a draw pending, the whole pool is named.
    pub current_nodes: Vec<CurrentNode>,
    /// What would be owed the outside, in order.
    pub effects: Vec<PreviewedEffect>,
    /// Names of the events, in order.
    pub events: Vec<&'static str>,
    /// Fields required at the node that the action acts on.
    pub required_fields: Vec<FieldKey>,
    /// People among whom one will be drawn, by node.
    pub pools: BTreeMap<NodeId, Vec<Person>>,
    /// By node: who would act there for somebody who is absent, and for whom.
    pub stand_ins: BTreeMap<NodeId, Vec<(Person, Person)>>,
    /// What it makes of a vote.
    pub vote: Option<VoteOutlook>,
    /// What outside addresses would be asked, with those fields alone that the operator may see; what they decide is not
    /// foreseen.
    pub asks: Vec<Question>,
    /// What the operator may see of the fields.
    shown: BTreeMap<FieldKey, FieldPermission>,
}

impl Preview {
    /// The same, with what outside addresses would be asked.
    #[must_use]
    pub fn asking(mut self, questions: Vec<Question>) -> Self {
        let shows = |key: &str| self.shown.get(key).is_some_and(|one| *one != FieldPermission::Hidden);
        self.asks = questions.into_iter().map(|question| question.shown(shows)).collect();
        self
    }
}

/// Reads a preview off events that `decide` gave for `before`.
#[must_use]
pub fn preview(before: Option<&Ticket>, events: &[Event], meta: &Meta, context: &Context<'_>) -> Preview {
    let mut after = before.cloned();
    let mut field_changes = Vec::new();
    let mut pools = BTreeMap::new();
    let mut acting_node = None;
    let mut vote = None;
    for event in events {
        if let Event::ActionTaken(taken) = event
            && taken.kind.is_edge()
        {
            acting_node.clone_from(&taken.node);
        } else if let Event::TicketCreated(created) = event {
            acting_node = Some(created.start.clone());
        } else if let Event::NodeEntered {
            node, pool: Some(pool), ..
        } = event
        {
            let people: Vec<Person> = pool
                .iter()
                .map(|user: &UserId| Person::of(user, context.directory))
                .collect();
            pools.insert(node.clone(), people);
        }
        field_changes.extend(changes_of(event, after.as_ref(), context.workflow));
        after = apply(after, event, meta);
        vote = VoteOutlook::of(event, after.as_ref(), context.workflow).or(vote);
    }
    let is_undo = events.iter().any(|event| matches!(event, Event::Undone(_)));
    if let (true, Some(before), Some(user)) = (is_undo, before, meta.by.user()) {
        // What goes back is of a node where the operator acts no longer: they see of it what they see now.
        acting_node = offered(before, user, context).acting_node().cloned();
    }
    let shown = visibility::field_permissions(context.workflow, acting_node.as_ref());
    if is_undo {
        let is_seen = |key: &FieldKey| shown.get(key).is_some_and(|one| *one != FieldPermission::Hidden);
        let title = context.workflow.form.title_key();
        field_changes.retain(|change: &FieldChange| title == Some(&change.key) || is_seen(&change.key));
    }
    let required_fields = acting_node
        .as_ref()
        .and_then(|node| context.workflow.node(node))
        .map(|node| {
            let keys = context
                .workflow
                .form
                .components()
                .map(|component| component.key.clone());
            keys.filter(|key| context.workflow.form.permission_at(node, key) == FieldPermission::Required)
                .collect()
        });
    Preview {
        version: before.map_or(0, |ticket| ticket.version),
        act_state: after.as_ref().map_or(ActState::InDraft, |ticket| ticket.act_state),
        field_changes,
        moves: moves(before, events, meta),
        current_nodes: after
            .as_ref()
            .map(|ticket| current_nodes(ticket, context.workflow, context.directory))
            .unwrap_or_default(),
        effects: effects(events)
            .into_iter()
            .map(|effect| PreviewedEffect {
                body: after.as_ref().and_then(|after| body(&effect, after, &shown)),
                effect,
            })
            .collect(),
        events: events.iter().map(Event::name).collect(),
        required_fields: required_fields.unwrap_or_default(),
        pools,
        stand_ins: after.iter().flat_map(|after| stand_ins_of(after, context)).collect(),
        vote,
        asks: Vec::new(),
        shown,
    }
}

/// Who stands in for whom at the nodes of a ticket.
fn stand_ins_of(ticket: &Ticket, context: &Context<'_>) -> BTreeMap<NodeId, Vec<(Person, Person)>> {
    let mut found: BTreeMap<NodeId, Vec<(Person, Person)>> = BTreeMap::new();
    for token in &ticket.tokens {
        for (by, absent) in stand_ins(ticket, token, context.directory) {
            let of_node = found.entry(token.node.clone()).or_default();
            of_node.push((Person::of(&by, context.directory), absent));
        }
    }
    found
}

/// What a hook would be sent.
fn body(effect: &Effect, after: &Ticket, shown: &BTreeMap<FieldKey, FieldPermission>) -> Option<serde_json::Value> {
    let (kind, node) = match effect {
        Effect::Hook { node, .. } => (body::OF_NODE, Some(node)),
        Effect::CallEventHook { event, .. } => (event.as_str(), None),
        Effect::Timer { .. }
        | Effect::Deadline { .. }
        | Effect::Notice(_)
        | Effect::CreateChild { .. }
        | Effect::CloseChild { .. }
        | Effect::TellParent { .. } => return None,
    };
    let shows = |key: &FieldKey| is_shown(shown, key);
    serde_json::to_value(Body::of(after, kind, node, shows)).ok()
}

fn is_shown(shown: &BTreeMap<FieldKey, FieldPermission>, key: &FieldKey) -> bool {
    shown
        .get(key)
        .is_some_and(|permission| *permission != FieldPermission::Hidden)
}

/// Field changes of one event; a new title is a change of the title field. `before` is the ticket it applies to.
#[must_use]
pub fn changes_of(event: &Event, before: Option<&Ticket>, workflow: &WorkflowVersion) -> Vec<FieldChange> {
    if let Event::FieldsChanged { changes } = event {
        return changes.clone();
    }
    if let (Event::TitleChanged { title }, Some(key)) = (event, workflow.form.title_key()) {
        let from = before
            .map(|ticket| ticket.title.as_str())
            .filter(|title| !title.is_empty())
            .map(Value::text);
        return vec![FieldChange {
            key: key.clone(),
            from,
            to: Value::text(title.clone()),
        }];
    }
    Vec::new()
}

/// Steps that tokens make through some events of one commit, in order.
#[must_use]
pub fn moves(before: Option<&Ticket>, events: &[Event], meta: &Meta) -> Vec<Move> {
    let mut ticket = before.cloned();
    let mut found: Vec<Move> = Vec::new();
    let mut word = "";
    for event in events {
        if let Some(Cause::Action(taken)) = event.cause() {
            word = taken.kind.word();
        }
        match event.step() {
            Some(Step::Edge { edge, from, to, .. }) => found.push(Move {
                from: from.clone(),
                to: to.clone(),
                via: edge.as_str().to_owned(),
            }),
            Some(Step::Forked { fork, branches, .. }) => found.extend(branches.iter().map(|branch| Move {
                from: fork.split.clone(),
                to: branch.to.clone(),
                via: branch.edge.as_str().to_owned(),
            })),
            Some(Step::Replaced { removed, node }) => {
                let tokens = ticket.iter().flat_map(|ticket| &ticket.tokens);
                for token in tokens.filter(|token| removed.contains(&token.id)) {
                    let step = Move {
                        from: token.node.clone(),
                        to: node.clone(),
                        via: word.to_owned(),
                    };
                    if !found.contains(&step) {
                        found.push(step);
                    }
                }
            }
            Some(Step::Migrated { tokens, .. }) => {
                for (id, to) in tokens {
                    if let Some(token) = ticket.as_ref().and_then(|ticket| ticket.token(*id)) {
                        found.push(Move {
                            from: token.node.clone(),
                            to: to.clone(),
                            via: "migrate".to_owned(),
                        });
                    }
                }
            }
            Some(Step::Returned { from, to, .. }) => found.push(Move {
                from: from.clone(),
                to: to.clone(),
                via: word.to_owned(),
            }),
            Some(Step::Undone(undone)) => {
                let known = ticket.as_ref().map_or(&[][..], |ticket| &ticket.tokens);
                let is_again = |token: &&Token| !known.iter().any(|one| (one.id, one.visit) == (token.id, token.visit));
                let is_over = |one: &&Token| {
                    let mut tokens = undone.tokens.iter();
                    !tokens.any(|token| (one.id, one.visit) == (token.id, token.visit))
                };
                let ended = known.iter().filter(is_over);
                for (from, to) in ended.flat_map(|from| undone.tokens.iter().filter(is_again).map(move |to| (from, to)))
                {
                    let step = Move {
                        from: from.node.clone(),
                        to: to.node.clone(),
                        via: word.to_owned(),
                    };
                    if !found.contains(&step) {
                        found.push(step);
                    }
                }
            }
            Some(Step::Created(_) | Step::Joined { .. } | Step::ForkLeft { .. } | Step::Discarded) | None => {}
        }
        ticket = apply(ticket, event, meta);
    }
    found
}
