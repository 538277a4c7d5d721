//! Which fields a command may write, and what must be there, checked before any event (semantics: fields).
//!
//! Not here: which values a field's type takes (`workflow::form`), who sees what (`visibility`).

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::id::FieldKey;
use crate::limits;
use crate::text::is_blank;
use crate::ticket::Ticket;
use crate::ticket::context::Context;
use crate::ticket::decision::Decision;
use crate::ticket::event::{Event, FieldChange};
use crate::ticket::file_rules;
use crate::ticket::refusal::{FieldProblem, FieldProblemKind, Refusal};
use crate::value::Value;
use crate::workflow::{FieldPermission, Node};

/// What is to be stored, once everything has been checked.
pub(crate) struct Changes {
    fields: Vec<FieldChange>,
    title: Option<String>,
}

/// Checks what was sent at a node; every problem at once.
pub(crate) fn check(
    ticket: &Ticket,
    context: &Context<'_>,
    node: &Node,
    sent: &BTreeMap<FieldKey, Value>,
    demand_required: bool,
) -> Result<Changes, Refusal> {
    let form = &context.workflow.form;
    let mut problems = Vec::new();
    // Keys that were sent with a value of which nothing is left to see, once it is as it would be stored.
    let mut blank = BTreeSet::new();
    let mut changes = Changes {
        fields: Vec::new(),
        title: None,
    };
    let writable = OnceCell::new();
    for (key, value) in sent {
        // The rest would not be told.
        if problems.len() == limits::FIELD_PROBLEMS_MAX {
            break;
        }
        let problem = |kind, problem: String, allowed: String| FieldProblem {
            key: key.clone(),
            kind,
            problem,
            allowed,
        };
        let Some(component) = form.component(key) else {
            let allowed: &String = writable.get_or_init(|| writable_at(context, node));
            problems.push(problem(
                FieldProblemKind::Unknown,
                "is no field of this form".into(),
                allowed.clone(),
            ));
            continue;
        };
        // A ticket without a title has an empty one, which is no value.
        let is_value = |value: &Value| form.title_key() != Some(key) || !value.is_empty();
        let stored = ticket.value_of(key, form);
        let stored = stored.as_deref().filter(|value| is_value(value));
        let permission = form.permission_at(node, key);
        if !permission.is_writable() {
            // A readonly field may repeat the value it has. A hidden one may not even do that: an answer that tells a
            // right guess from a wrong one would give the value away. The title is never a secret (semantics: fields).
            let is_secret = permission == FieldPermission::Hidden && form.title_key() != Some(key);
            let repeats = stored.is_some_and(|stored| stored.is_shown_as(value))
                || (stored.is_none() && component.is_blank(value));
            if is_secret || !repeats {
                let text = format!("is {} at node `{}`", permission.word(), node.id);
                problems.push(problem(FieldProblemKind::NotEditable, text, "leave it out".into()));
            }
            continue;
        }
        let checked = form
            .check_value(key, value, context.directory)
            .map_err(|wrong| (FieldProblemKind::Invalid, wrong));
        let checked = match checked {
            Ok(value) if component.is_file() => file_rules::settle(ticket, context, node, component, &value),
            checked => checked,
        };
        if checked.as_ref().is_ok_and(|stored| component.is_blank(stored)) {
            blank.insert(key);
        }
        match checked {
            Err((kind, wrong)) => problems.push(problem(kind, wrong.problem, wrong.allowed)),
            Ok(value) if form.title_key() == Some(key) => {
                changes.title = value
                    .as_text()
                    .filter(|text| !is_blank(text))
                    .map(|text| text.trim().to_owned());
            }
            Ok(value)
                if stored.is_some_and(|stored| stored.is_shown_as(&value))
                    || (stored.is_none() && component.is_blank(&value)) => {}
            Ok(to) => changes.fields.push(FieldChange {
                key: key.clone(),
                from: stored.cloned(),
                to,
            }),
        }
    }
    if demand_required {
        let is_there = |key: &FieldKey| {
            if sent.contains_key(key) {
                return !blank.contains(key);
            }
            match form.component(key) {
                _ if form.title_key() == Some(key) => !is_blank(&ticket.title),
                Some(component) => ticket.fields.get(key).is_some_and(|value| !component.is_blank(value)),
                None => false,
            }
        };
        let is_demanded = |key: &FieldKey| form.permission_at(node, key) == FieldPermission::Required;
        // As a rule all are there; then nothing has to be put into the form's order.
        let mut required = node
            .field_permissions
            .iter()
            .filter(|(_, said)| **said == FieldPermission::Required);
        let is_complete = required.all(|(key, _)| is_there(key) || !is_demanded(key));
        for component in form.components().filter(|_| !is_complete) {
            let key = &component.key;
            if is_demanded(key) && !is_there(key) {
                problems.push(FieldProblem {
                    key: key.clone(),
                    kind: FieldProblemKind::Missing,
                    problem: format!("is required at node `{}`", node.id),
                    allowed: format!("send a value for `{}`", component.name),
                });
            }
        }
    }
    problems.truncate(limits::FIELD_PROBLEMS_MAX);
    if problems.is_empty() {
        Ok(changes)
    } else {
        Err(Refusal::Fields { problems })
    }
}

/// Records what was checked, and renews an automatic title (semantics: titles).
pub(crate) fn store(decision: &mut Decision<'_>, changes: Changes) {
    // An automatic title follows its fields; the first one is made whatever there is, and one that is sent does not
    // replace it.
    let title = &decision.ticket.title;
    let is_sent = changes.title.as_ref().is_some_and(|sent| sent != title);
    let is_renewed = !changes.fields.is_empty() || title.is_empty() || is_sent;
    if !changes.fields.is_empty() {
        decision.emit(Event::FieldsChanged {
            changes: changes.fields,
        });
    }
    let title = if is_renewed { automatic_title(decision) } else { None };
    let title = title.or(changes.title).filter(|title| !is_blank(title));
    if let Some(title) = title.filter(|title| *title != decision.ticket.title) {
        decision.emit(Event::TitleChanged { title });
    }
}

fn automatic_title(decision: &Decision<'_>) -> Option<String> {
    let form = &decision.context.workflow.form;
    let directory = decision.context.directory;
    let template = form.automatic_title()?;
    let field_text = |key: &FieldKey| {
        let component = form.component(key)?;
        decision
            .ticket
            .fields
            .get(key)
            .map(|value| component.shown_text(value, directory))
    };
    let creator = directory
        .user(&decision.ticket.creator)
        .map_or("", |user| user.shown_name());
    // Written out only where it is asked for: it costs more than all the rest.
    let created_at = if template.contains("created_at") {
        decision.ticket.created_at.to_answer(directory.zone())
    } else {
        String::new()
    };
    let title = form.render_title(template, &field_text, creator, &created_at);
    Some(title.trim().chars().take(limits::TITLE_CHARS_MAX).collect())
}

fn writable_at(context: &Context<'_>, node: &Node) -> String {
    let form = &context.workflow.form;
    let keys = form.components().map(|component| &component.key);
    let writable = keys.filter(|key| form.permission_at(node, key).is_writable());
    match limits::listed(writable) {
        None => "no field may be written here".into(),
        Some(keys) => format!("one of {keys}"),
    }
}
