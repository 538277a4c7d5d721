//! `force_alter_node`: all tokens go, one is put on a normal node or start, assignees resolved anew
//! (semantics: actions).

use crate::ticket::ActState;
use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::Decision;
use crate::ticket::refusal::{Argument, Refusal};
use crate::workflow::NodeKind;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    let argument = Argument::TargetNode;
    let Some(target) = &handle.action.target_node_id else {
        return Err(Refusal::argument(
            argument,
            "",
            "it must name a normal node or the start node",
        ));
    };
    let kind = decision.context.workflow.node(target).map(|node| &node.kind);
    if !matches!(kind, Some(NodeKind::Normal(_) | NodeKind::Start)) {
        return Err(Refusal::argument(
            argument,
            target,
            "it must name a normal node or the start node",
        ));
    }
    decision.emit_action(action, &handle.action, None);
    decision.replace_tokens(target)?;
    decision.set_state(ActState::OnGoing);
    Ok(())
}
