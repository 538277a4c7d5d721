//! Keys that the answers of several tools share, as tables for their output schemas.
//!
//! Not here: the answers themselves. Invariant: a key named here is in every answer of the tools that use the table.

use crate::mcp::schema::{Kind, Property, property};

/// Which page of a list.
pub(super) const PAGE: Property = property("page", Kind::Integer(1, None, None), "From 1; 0 is the last.");

/// How many rows of it.
pub(super) const PER_PAGE: Property = property("per_page", Kind::Integer(10, Some(1), None), "At most 100.");

/// A ticket in a list.
pub(super) const TICKET: &[Property] = &[
    property("id", Kind::Text, "Ticket id."),
    property("title", Kind::Text, "Title."),
    property("act_state", Kind::Text, "State."),
    property("creator_info", Kind::AnyObject, "Creator: id, name, alias."),
    property("workflow_info", Kind::AnyObject, "Workflow: id, name, description."),
    property("tenant_id", Kind::Text, "Tenant."),
    property("label", Kind::AnyObject, "Labels."),
    property("created_at", Kind::Text, "Time."),
    property("updated_at", Kind::Text, "Time."),
    property("version", Kind::Number, "For expected_version."),
    property("parent_ticket_id", Kind::Text, "Parent or empty."),
    property(
        "current_nodes",
        Kind::AnyRows,
        "Where it is: node_id, name, assignees (ten), n_assignees.",
    ),
    property("needs_intervention", Kind::Flag, "True if stuck."),
    property("waiting_since", Kind::Text, "For people; or empty."),
    property("due", Kind::Text, "Deadline or empty."),
    property("overdue", Kind::Flag, "Past `due`."),
    property("paused", Kind::Flag, "Clocks stand."),
];

/// What a dry run and a real call answer; which of the keys are there depends on `dry_run`.
pub(super) const HANDLED: &[Property] = &[
    property("dry_run", Kind::Flag, "Rehearsed."),
    property("ticket_id", Kind::Text, "Ticket id."),
    property("status", Kind::Text, "validated, handled, or draft: only you see it."),
    property("action_type", Kind::Text, "Action taken (real)."),
    property("action_id", Kind::Text, "Action taken (real)."),
    property("version", Kind::Number, "Ticket version."),
    property("act_state", Kind::Text, "State (real)."),
    property("current_nodes", Kind::AnyRows, "Where it is (real)."),
    property("replayed", Kind::Flag, "An earlier call's answer (real)."),
    property("validated_action", Kind::AnyObject, "The action (rehearsal)."),
    property("provided_fields", Kind::Texts, "Keys sent (rehearsal)."),
    property("required_fields", Kind::Texts, "Required keys (rehearsal)."),
    property("missing_required_fields", Kind::Texts, "Empty (rehearsal)."),
    property("preview", Kind::AnyObject, "What the real call does (rehearsal)."),
];

/// A form with what the caller may do to it.
pub(super) const FORM: &[Property] = &[
    property(
        "form_schema",
        Kind::AnyObject,
        "component_info_list (rows, children, values in props) and workflow_metadata.",
    ),
    property(
        "field_permissions",
        Kind::AnyObject,
        "Key to readonly, optional, required or hidden.",
    ),
    property("required_fields", Kind::Texts, "Keys that must be filled in."),
    property("optional_fields", Kind::Texts, "Keys that may be."),
    property("readonly_fields", Kind::Texts, "Keys that may not."),
    property(
        "actions",
        Kind::AnyRows,
        "Open now: id (for action_id), type (action_type), node_id, needs (action_props), name, props, destructive.",
    ),
    property("action_base_node_id", Kind::Text, "Node of the actions."),
    property("admin_actions", Kind::AnyRows, "What you may force, same keys."),
    property("admin_action_base_node_id", Kind::Text, "Node of the admin actions."),
    property("ticket", Kind::AnyObject, "The ticket as in ticket_list."),
    property("version", Kind::Number, "For expected_version."),
    property("waiting_for", Kind::AnyRows, "Who can act; what is missing; votes."),
    property("intervention", Kind::Text, "Why help is needed."),
    property("incidents", Kind::AnyRows, "Effects given up; retry_hook or skip them."),
    property("parent", Kind::AnyObject, "Ticket above."),
    property("children", Kind::AnyRows, "Tickets below."),
    property("n_children_hidden", Kind::Number, "Those you may not see."),
];
