//! How the wire spells the parts of a request that the engine knows (`Argument`).

use loonflow_engine::ticket::Argument;

/// What the keys of `action_props` begin with in a path.
const ACTION_PROPS: &str = "action_props.";

/// The path of a part of a request.
pub(crate) fn spelt(argument: Argument) -> &'static str {
    match argument {
        Argument::TicketId => "ticket_id",
        Argument::WorkflowId => "workflow_id",
        Argument::Version => "version",
        Argument::NodeMap => "nodes",
        Argument::ActionId => "action_id",
        Argument::Node => "action_props.node_id",
        Argument::TargetUser => "action_props.target_assignee_id",
        Argument::TargetNode => "action_props.target_node_id",
        Argument::Comment => "action_props.comment",
        Argument::Fields => "fields",
        Argument::Cc => "action_props.cc_to_user_id_list",
        Argument::ParentTicket => "parent_ticket_id",
        Argument::ParentNode => "parent_ticket_node_id",
        Argument::Effect => "action_props.effect",
        Argument::Children => "action_props.children",
        Argument::Position => "action_props.position",
        Argument::Resume => "action_props.resume",
        Argument::PerPage => "per_page",
        Argument::IdempotencyKey => "idempotency_key",
    }
}

/// The key of a part of `action_props` within it, which is its name elsewhere.
pub(crate) fn key(argument: Argument) -> &'static str {
    let path = spelt(argument);
    path.strip_prefix(ACTION_PROPS).unwrap_or(path)
}
