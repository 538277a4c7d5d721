//! `force_alter_node`: all tokens go, one is put on a normal node or start, assignees resolved anew
//! (semantics: actions).

use crate::ticket::ActState;
use crate::ticket::action::{Chosen, Offering, Rule, Taking, emit_action, interveners};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::flow;
use crate::ticket::refusal::{Argument, Refusal};

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
    let argument = Argument::TargetNode;
    let Some(target) = &taking.request.target_node_id else {
        return Err(Refusal::argument(
            argument,
            "",
            "it must name a normal node or the start node",
        ));
    };
    let node = decision.context.workflow.node(target);
    if !node.is_some_and(|node| node.kind.is_left_by_people()) {
        return Err(Refusal::argument(
            argument,
            target,
            "it must name a normal node or the start node",
        ));
    }
    emit_action(decision, action, taking.request, None);
    flow::replace_tokens(decision, target)?;
    decision.set_state(ActState::OnGoing);
    Ok(())
}
