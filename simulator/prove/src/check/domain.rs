//! What a definition can tell about a field's value: its classes. Two values are in one class where every condition,
//! and every node that takes its assignees from the field, answers the same for both; one value stands for each.
//!
//! A state of the token game keeps of each field the set of classes that its value may still be in, as bits.

use std::borrow::Cow;
use std::collections::BTreeMap;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, UserId};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::condition::Condition;
use loonflow_engine::workflow::{AssigneeRule, Component, ComponentKind, WorkflowVersion};

use super::values::{TooMany, are_surely_enough, candidates};

/// Classes of one field: bits of a word.
pub(crate) const CLASSES_MAX: usize = 64;

/// The class of a value that is missing.
pub(crate) const EMPTY: usize = 0;

/// The classes of one field.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    /// The field.
    pub(crate) key: FieldKey,
    /// A value of each class, the empty one first.
    pub(crate) values: Vec<Value>,
    /// By node that takes assignees from it, in the order of the definition: of each class whether someone may act.
    pub(crate) gives_holder: BTreeMap<usize, u64>,
    /// The title: an empty one does not replace one that is there.
    pub(crate) is_title: bool,
    /// An automatic title, which nobody writes and every edge may change.
    pub(crate) is_automatic: bool,
    /// False where a class may have been missed, see `values::are_surely_enough`.
    pub(crate) is_sure: bool,
}

impl Domain {
    /// Every class.
    pub(crate) fn all(&self) -> u64 {
        if self.values.len() == CLASSES_MAX {
            u64::MAX
        } else {
            (1 << self.values.len()) - 1
        }
    }
}

/// The fields that the way of a ticket can depend on, as one creator meets them.
pub(crate) fn domains(
    workflow: &WorkflowVersion,
    directory: &Directory,
    creator: &UserId,
) -> Result<Vec<Domain>, TooMany> {
    let mut asked: BTreeMap<&FieldKey, Vec<&Condition>> = BTreeMap::new();
    for edge in &workflow.edges {
        let source = workflow.node(&edge.source);
        let chooses = source.is_some_and(|node| node.kind.is_choice());
        for condition in edge.conditions.iter().filter(|_| chooses) {
            asked.entry(&condition.field).or_default().push(condition);
        }
    }
    for node in &workflow.nodes {
        if let Some(props) = node.kind.as_normal()
            && let AssigneeRule::TicketField(keys) = &props.assignee
        {
            for key in keys {
                asked.entry(key).or_default();
            }
        }
    }
    let known = asked
        .into_iter()
        .filter_map(|(key, conditions)| Some((workflow.form.component(key)?, conditions)));
    known
        .map(|(component, conditions)| domain(workflow, directory, creator, component, &conditions))
        .collect()
}

fn domain(
    workflow: &WorkflowVersion,
    directory: &Directory,
    creator: &UserId,
    component: &Component,
    conditions: &[&Condition],
) -> Result<Domain, TooMany> {
    let form = &workflow.form;
    let takers: Vec<(usize, bool)> = workflow
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(idx, node)| {
            let props = node.kind.as_normal()?;
            match &props.assignee {
                AssigneeRule::TicketField(keys) if keys.contains(&component.key) => {
                    Some((idx, props.on_creator.excludes()))
                }
                AssigneeRule::TicketField(_)
                | AssigneeRule::Users(_)
                | AssigneeRule::Depts(_)
                | AssigneeRule::Roles(_)
                | AssigneeRule::Variables(_)
                | AssigneeRule::ParentTicketField(_)
                | AssigneeRule::External(_) => None,
            }
        })
        .collect();
    let holds_one = |value: &Value, excludes: bool| {
        component.kind == ComponentKind::User
            && value
                .parts()
                .into_iter()
                .map(UserId::from)
                .any(|user| directory.active_user(&user).is_some() && !(excludes && user == *creator))
    };
    let signature = |value: &Value| -> Vec<bool> {
        let answers = conditions
            .iter()
            .map(|condition| condition.holds(form, directory.zone(), &|_| Some(Cow::Borrowed(value))));
        let holders = takers.iter().map(|(_, excludes)| holds_one(value, *excludes));
        answers.chain(holders).collect()
    };
    let mut values = vec![Value::Null];
    let mut seen: Vec<Vec<bool>> = Vec::new();
    for value in candidates(component, conditions, directory, creator)? {
        if value.is_empty() || form.check_value(&component.key, &value, directory).is_err() {
            continue;
        }
        let signature = signature(&value);
        if !seen.contains(&signature) {
            seen.push(signature);
            values.push(value);
        }
    }
    if values.len() > CLASSES_MAX {
        return Err(format!(
            "conditions tell {} kinds of values of `{}` apart, more than {CLASSES_MAX}: let fewer \
             conditions ask for it, or ask for it in several fields",
            values.len(),
            component.key
        ));
    }
    let gives_holder = takers
        .iter()
        .map(|(node, excludes)| {
            let classes = values
                .iter()
                .enumerate()
                .filter(|(_, value)| holds_one(value, *excludes));
            (*node, classes.fold(0, |bits, (class, _)| bits | 1 << class))
        })
        .collect();
    let is_title = component.kind == ComponentKind::Title;
    Ok(Domain {
        key: component.key.clone(),
        is_automatic: is_title && form.automatic_title().is_some(),
        is_title,
        is_sure: are_surely_enough(component, conditions),
        values,
        gives_holder,
    })
}

#[cfg(test)]
mod tests;
