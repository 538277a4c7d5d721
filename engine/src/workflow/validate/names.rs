//! Rules on names of things outside a definition: users, departments, roles, calendars, channels, applications,
//! workflows (semantics: validation).

use std::collections::BTreeSet;

use crate::account::directory::Directory;
use crate::id::{DeptId, UserId};
use crate::limits::CHILDREN_DEPTH_MAX;
use crate::workflow::condition::Condition;
use crate::workflow::definition::Definition;
use crate::workflow::form::ComponentKind;
use crate::workflow::node::{AssigneeRule, NodeKind, TimerProps};
use crate::workflow::problem::Problem;

use super::{ValidationContext, spawned};

pub(super) fn check(definition: &Definition, context: &ValidationContext<'_>, problems: &mut Vec<Problem>) {
    sub_workflows(definition, context, problems);
    let Some(directory) = context.directory else { return };
    assignees(definition, directory, problems);
    calendars(definition, directory, problems);
    channels(definition, directory, problems);
    condition_values(definition, directory, problems);
    rights(definition, directory, problems);
    applications(definition, directory, problems);
}

fn sub_workflows(definition: &Definition, context: &ValidationContext<'_>, problems: &mut Vec<Problem>) {
    let Some(known) = context.known_workflows else { return };
    for node in &definition.nodes {
        let Some(props) = node.kind.as_normal() else { continue };
        let spawned = props.spawn.iter().map(|spawn| &spawn.workflow);
        let named: BTreeSet<_> = props.sub_workflows.iter().chain(spawned).collect();
        for workflow in named {
            if workflow != &definition.workflow_id && !known.has(workflow) {
                let sentence = format!(
                    "node `{}` opens tickets of `{workflow}`, which is not there yet",
                    node.id
                );
                problems.push(Problem::warning("unknown_workflow", sentence).at_node(&node.id));
            }
        }
    }
    let own = &definition.workflow_id;
    if let Some(way) = known.way_back(spawned(&definition.nodes), own) {
        let way: Vec<_> = way.iter().map(|workflow| format!("`{workflow}`")).collect();
        let sentence = format!(
            "a ticket of `{own}` opens sub-tickets of {} by itself: that goes on until they are {CHILDREN_DEPTH_MAX} \
             deep; take a `spawn` out of the circle",
            way.join(", which open some of ")
        );
        problems.push(Problem::warning("spawn_cycle", sentence));
    }
}

fn unknown(code: &'static str, what: &str, id: &str, place: &str) -> Problem {
    Problem::error(
        code,
        format!("{place} names the {what} `{id}`, not found in the directory: correct the id"),
    )
}

fn user_problem(directory: &Directory, user: &UserId, place: &str) -> Option<Problem> {
    match directory.user(user) {
        None => Some(unknown("unknown_user", "user", user.as_str(), place)),
        Some(user) if !user.is_active => Some(Problem::warning(
            "inactive_user",
            format!("{place} names the user `{}`, who is not active", user.id),
        )),
        Some(_) => None,
    }
}

fn dept_problem(directory: &Directory, dept: &DeptId, place: &str) -> Option<Problem> {
    let is_known = directory.depts.contains_key(dept);
    (!is_known).then(|| unknown("unknown_dept", "department", dept.as_str(), place))
}

fn assignees(definition: &Definition, directory: &Directory, problems: &mut Vec<Problem>) {
    for node in &definition.nodes {
        let rules = node.kind.as_normal().map(|props| &props.assignee).into_iter();
        let steps = node.deadline.iter().flat_map(|deadline| &deadline.steps);
        for rule in rules.chain(steps.filter_map(|step| step.does.to())) {
            let found = people_of(rule, directory, &format!("node `{}`", node.id));
            problems.extend(found.into_iter().map(|problem| problem.at_node(&node.id)));
        }
    }
}

fn people_of(rule: &AssigneeRule, directory: &Directory, place: &str) -> Vec<Problem> {
    match rule {
        AssigneeRule::Users(users) => users
            .iter()
            .filter_map(|user| user_problem(directory, user, place))
            .collect(),
        AssigneeRule::Depts(depts) => depts
            .iter()
            .filter_map(|dept| dept_problem(directory, dept, place))
            .collect(),
        AssigneeRule::Roles(roles) => roles
            .iter()
            .filter(|role| !directory.roles.contains_key(*role))
            .map(|role| unknown("unknown_role", "role", role.as_str(), place))
            .collect(),
        AssigneeRule::Variables(_)
        | AssigneeRule::TicketField(_)
        | AssigneeRule::ParentTicketField(_)
        | AssigneeRule::External(_) => Vec::new(),
    }
}

/// A warning: without the calendar, every hour counts as worked.
fn calendars(definition: &Definition, directory: &Directory, problems: &mut Vec<Problem>) {
    for node in &definition.nodes {
        let of_timer = if let NodeKind::Timer(TimerProps::Budget { calendar, .. }) = &node.kind {
            Some(calendar)
        } else {
            None
        };
        let of_deadline = node.deadline.as_ref().and_then(|deadline| deadline.calendar.as_ref());
        let Some(calendar) = of_timer.or(of_deadline) else {
            continue;
        };
        if directory.calendar(calendar).is_none() {
            let sentence = format!(
                "node `{}` counts by the calendar `{calendar}`, not found in the directory: correct the id, or add it to \
                 the tenant's `calendars`; until then every hour counts as worked",
                node.id
            );
            problems.push(Problem::warning("unknown_calendar", sentence).at_node(&node.id));
        }
    }
}

/// A warning: over a channel that is not there nobody is told.
fn channels(definition: &Definition, directory: &Directory, problems: &mut Vec<Problem>) {
    for channel in &definition.notification.channels {
        if directory.channel(channel).is_none() {
            let sentence = format!(
                "`notification_info` names the channel `{channel}`, not found in the directory: correct the id, or add it \
                 to the directory's `channels`; until then nobody is told over it"
            );
            problems.push(Problem::warning("unknown_channel", sentence));
        }
    }
}

fn condition_values(definition: &Definition, directory: &Directory, problems: &mut Vec<Problem>) {
    for edge in &definition.edges {
        let place = format!("a condition of edge `{}`", edge.id);
        for Condition { field, value, .. } in edge.conditions.iter().filter(|one| one.operator.takes_value()) {
            let Some(component) = definition.form.component(field) else {
                continue;
            };
            let parts = value.parts();
            let ids = parts.iter().map(String::as_str);
            let found: Vec<Problem> = if component.kind == ComponentKind::User {
                ids.filter_map(|id| user_problem(directory, &id.into(), &place))
                    .collect()
            } else if component.kind == ComponentKind::Department {
                ids.filter_map(|id| dept_problem(directory, &id.into(), &place))
                    .collect()
            } else {
                Vec::new()
            };
            problems.extend(
                found
                    .into_iter()
                    .map(|problem| problem.at_edge(&edge.id).at_field(field)),
            );
        }
    }
}

fn rights(definition: &Definition, directory: &Directory, problems: &mut Vec<Problem>) {
    let permission = &definition.permission;
    for (name, users) in [
        ("admin_id_list", &permission.admins),
        ("dispatcher_id_list", &permission.dispatchers),
        ("viewer_id_list", &permission.viewers),
    ] {
        problems.extend(
            users
                .iter()
                .filter_map(|user| user_problem(directory, user, &format!("`{name}`"))),
        );
    }
    let depts = permission.viewer_depts.iter();
    problems.extend(depts.filter_map(|dept| dept_problem(directory, dept, "`viewer_dept_id_list`")));
}

fn applications(definition: &Definition, directory: &Directory, problems: &mut Vec<Problem>) {
    for app in definition
        .authorized_apps
        .iter()
        .filter(|app| !directory.applications.contains_key(*app))
    {
        problems.push(unknown(
            "unknown_application",
            "application",
            app.as_str(),
            "`authorized_app_id_list`",
        ));
    }
}
