//! Who has agreed in this round: since the ticket was sent, or went back last (semantics: approvals-before). Whoever did, and
//! nothing changed since, need not do it again where a node says so.
//!
//! A fold knows no workflow, so it keeps which edges were taken when; what an edge means is read off the version that the
//! ticket is on. A withdrawal, a force and a return are told by the events themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{EdgeId, TokenId, UserId};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::token::Rest;
use crate::ticket::{ActState, Ticket, field_rules, sub_ticket};
use crate::workflow::{Edge, EdgeKind, Node, NormalProps, WorkflowVersion};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Who took or voted for an agree edge, and the version with the last time they did.
    agreed: BTreeMap<UserId, u64>,
    /// When each edge was taken last, by version.
    taken: BTreeMap<EdgeId, u64>,
    /// The version by which the ticket went back last, as far as no edge says so.
    begun: u64,
    /// The version with the last action.
    acted: u64,
    /// The version with the action by which a value changed last.
    changed: u64,
    /// Who need not act, at which token, by which version: what follows at once is theirs.
    skipped: Option<(TokenId, UserId, u64)>,
}

impl Round {
    /// Whether an event can change anything.
    pub(crate) fn is_changed_by(event: &Event) -> bool {
        matches!(
            event,
            Event::ActionTaken(_)
                | Event::FieldsChanged { .. }
                | Event::TitleChanged { .. }
                | Event::EdgeTaken { .. }
                | Event::TokensReplaced { .. }
                | Event::StateChanged { .. }
                | Event::ApprovalSkipped { .. }
                | Event::TokenReturned { .. }
                | Event::Resumed { .. }
                | Event::VoteTakenBack { .. }
        )
    }

    /// Folds one event; `version` is the ticket's with it.
    pub(crate) fn apply(&mut self, event: &Event, version: u64, by: Option<&UserId>) {
        if let Event::ActionTaken(taken) = event {
            self.acted = version;
            if let (ActionKind::Agree, Some(user)) = (taken.kind, by) {
                self.agreed.insert(user.clone(), version);
            }
        }
        // What somebody fills in as they agree, they agree to.
        if matches!(event, Event::FieldsChanged { .. } | Event::TitleChanged { .. }) {
            self.changed = self.acted;
        }
        if let Event::VoteTakenBack { user, .. } = event {
            self.agreed.remove(user);
        }
        if let Event::EdgeTaken { edge, .. } | Event::Resumed { edge, .. } = event {
            self.taken.insert(edge.clone(), version);
        }
        if matches!(
            event,
            Event::TokensReplaced { .. } | Event::TokenReturned { .. } | Event::StateChanged { to: ActState::Rejected }
        ) {
            self.begun = version;
        }
        if let Event::ApprovalSkipped { token, user, .. } = event {
            self.skipped = Some((*token, user.clone(), version));
        }
    }

    /// Who need not act at a token that an event of this version moves: that one follows at once, behind a vote at the most.
    pub(crate) fn skipped(&self, token: TokenId, version: u64) -> Option<&UserId> {
        let (of, user, at) = self.skipped.as_ref()?;
        (*of == token && version <= at + 2).then_some(user)
    }

    /// The version with which a person agreed last in this round.
    #[must_use]
    pub fn agreed(&self, user: &UserId, workflow: &WorkflowVersion) -> Option<u64> {
        let agreed = *self.agreed.get(user)?;
        let begins = |edge: &Edge| edge.kind == EdgeKind::Reject || edge.source == workflow.start().id;
        let edges = self
            .taken
            .iter()
            .filter(|(id, _)| workflow.edge(id).is_some_and(begins));
        let begun = edges.map(|(_, version)| *version).max().unwrap_or(0).max(self.begun);
        (agreed > begun).then_some(agreed)
    }

    /// The same, where nothing has changed since.
    fn agreed_to_this(&self, user: &UserId, workflow: &WorkflowVersion) -> Option<u64> {
        self.agreed(user, workflow).filter(|agreed| *agreed >= self.changed)
    }
}

/// The only agree edge out of a node that lets people skip it, where a person could take it now without filling anything in.
fn edge_to_skip_by(decision: &Decision<'_>, token: TokenId, node: &Node, props: &NormalProps) -> Option<Edge> {
    if !props.skip_same_approver {
        return None;
    }
    let (ticket, context) = (&decision.ticket, decision.context);
    let mut ways = context
        .workflow
        .ways_out(&node.id)
        .filter(|edge| edge.kind == EdgeKind::Agree);
    let edge = ways.next().filter(|_| ways.next().is_none())?;
    let demand_required = !edge.skip_fields_required_check;
    let is_filled_in = field_rules::check(ticket, context, node, &BTreeMap::new(), demand_required).is_ok();
    let waits = !sub_ticket::waited_for(ticket, ticket.token(token)?, context.workflow).is_empty();
    (is_filled_in && !waits).then(|| edge.clone())
}

/// Who agreed to what there is now, of the holders of a token, and by which version.
fn who_agreed(ticket: &Ticket, token: TokenId, workflow: &WorkflowVersion, when: When) -> Option<(UserId, u64)> {
    let agreed = |user: &UserId| Some((user.clone(), ticket.round.agreed_to_this(user, workflow)?));
    match &ticket.token(token)?.rest {
        Rest::Held { holders, consult: None } => holders.iter().find_map(agreed),
        Rest::Voting(ballot) => {
            let turns = ballot.actionable().filter(|share| share.consulted.is_none());
            let mut turns = turns.filter(|share| when == When::Entering || share.after.is_some());
            turns.find_map(|share| agreed(&share.holder))
        }
        Rest::Held { .. }
        | Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => None,
    }
}

/// When it is looked who need not act.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// As a token comes to the node: everybody.
    Entering,
    /// As a vote goes on: whose turn it has become.
    NextTurn,
}

/// Says that the next person need not act at a token: the one, and the edge they agreed to. Nothing where nobody is left who
/// agreed before.
pub(crate) fn skip_one(decision: &mut Decision<'_>, token: TokenId, when: When) -> Option<(UserId, Edge)> {
    let workflow = decision.context.workflow;
    let node = workflow.node(&decision.ticket.token(token)?.node)?;
    let edge = edge_to_skip_by(decision, token, node, node.kind.as_normal()?)?;
    let (user, agreed_at) = who_agreed(&decision.ticket, token, workflow, when)?;
    decision.emit(Event::ApprovalSkipped {
        token,
        user: user.clone(),
        agreed_at,
    });
    Some((user, edge))
}
