//! `agree`, `reject`, `other`: fields are checked and stored, then the edge is taken (semantics: actions, strategies).
//!
//! Where everyone acts (`whole`), a reject is taken at once, any other choice is a vote, and the last one moves the
//! token along the edge chosen last.

use std::collections::BTreeMap;

use crate::id::FieldKey;
use crate::ticket::action::{ActionKind, Chosen};
use crate::ticket::command::ActionRequest;
use crate::ticket::decide::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::Rest;
use crate::ticket::{ActState, field_rules, flow};
use crate::value::Value;

pub(crate) fn carry_out(
    decision: &mut Decision<'_>,
    action: &Chosen<'_>,
    request: &ActionRequest,
    fields: &BTreeMap<FieldKey, Value>,
) -> Result<(), Refusal> {
    let workflow = decision.context.workflow;
    let (Some(edge), Some(node)) = (action.edge, workflow.node(&action.node)) else {
        return Err(Refusal::argument(
            Argument::ActionId,
            action.id(),
            "there is no such edge",
        ));
    };
    let demand_required = !edge.skip_fields_required_check;
    let changes = field_rules::check(&decision.ticket, decision.context, node, fields, demand_required)?;
    decision.emit_action(action, request, None);
    field_rules::store(decision, changes);

    let is_shared = decision
        .ticket
        .token(action.token)
        .is_some_and(|token| matches!(token.rest, Rest::Shared { .. }));
    if let (true, Some(user)) = (is_shared, decision.meta.by.user().cloned()) {
        decision.emit(Event::VoteCast {
            token: action.token,
            user,
            edge: edge.id.clone(),
        });
        let is_open = decision
            .ticket
            .token(action.token)
            .is_some_and(|token| token.rest.waiting().next().is_some());
        if action.kind != ActionKind::Reject && is_open {
            return Ok(());
        }
    }
    flow::take(decision, action.token, edge);
    flow::settle(decision)?;
    decision.settle_state(if action.kind == ActionKind::Reject {
        ActState::Rejected
    } else {
        ActState::OnGoing
    });
    Ok(())
}
