//! `force_alter_node`: all tokens go, one is put on a normal node or start, where it goes to whoever acted there last, if
//! they still may (semantics: actions, going-back).

use crate::ticket::ActState;
use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action, interveners};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::{Decision, GoesBack};
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::{flow, sub_ticket};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::ForceAlterNode,
    title: "Force to another node",
    needs: &[Argument::TargetNode],
    is_destructive: true,
    is_admin: true,
    offer: Offering::Ticket(|_| true),
    who_may: interveners,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let named = taking.action.to_node();
    let node = named.and_then(|id| decision.context.workflow.node(id));
    let Some(target) = node.filter(|node| node.kind.is_left_by_people()) else {
        let named = named.map_or("", |id| id.as_str());
        let problem = "it must name a normal node or the start node";
        return Err(Refusal::argument(Argument::TargetNode, named, problem));
    };
    emit_action(decision, action, taking);
    if taking.closes_children {
        sub_ticket::close(decision, taking.by, None);
    }
    decision.goes_back = Some(GoesBack::ToLast);
    flow::replace_tokens(decision, &target.id)?;
    decision.set_state(ActState::OnGoing);
    Ok(())
}
