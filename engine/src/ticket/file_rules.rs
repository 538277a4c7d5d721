//! Which files a command may name, what is stored of them, and who may have one erased (semantics: files).
//!
//! Not here: what a ticket knows of its files (`file`).

use crate::account::permission;
use crate::id::{FieldKey, FileId, UserId};
use crate::ticket::Ticket;
use crate::ticket::context::Context;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::file::{FileInfo, Files, entries, id_of};
use crate::ticket::refusal::{FieldProblemKind, Refusal};
use crate::value::Value;
use crate::workflow::form::check::ValueProblem;
use crate::workflow::{Component, FieldPermission, Node};

/// What is stored for a value that was sent for a file field: a descriptor of each file that it names.
pub(crate) fn settle(
    ticket: &Ticket,
    context: &Context<'_>,
    node: &Node,
    component: &Component,
    sent: &Value,
) -> Result<Value, (FieldProblemKind, ValueProblem)> {
    if sent.is_empty() {
        return Ok(sent.clone());
    }
    let stored = ticket.fields.get(&component.key).map(entries).unwrap_or_default();
    let mut settled: Vec<Value> = Vec::new();
    for entry in entries(sent) {
        let id = id_of(&entry);
        // What is in the field stays as it is, also where it is of a time before files were kept, or erased since.
        let kept = stored
            .iter()
            .find(|stored| **stored == entry || (id.is_some() && id_of(stored) == id));
        let one = match (kept, id) {
            (Some(kept), _) => kept.clone(),
            (None, None) => return Err(unknown(&entry)),
            (None, Some(id)) => {
                let found = in_ticket(ticket, context, node, id);
                let found = found.or_else(|| draft(context, id, &entry));
                let Some(info) = found else {
                    return Err(match context.files {
                        Files::Unkept => unkept(),
                        Files::Drafts(_) | Files::AsDescribed => unknown(&entry),
                    });
                };
                if !component.takes_file(&info.name, &info.media_type) {
                    return Err(wrong_type(component, &info));
                }
                info.to_value()
            }
        };
        if !settled.contains(&one) {
            settled.push(one);
        }
    }
    let is_alone = matches!(sent, Value::Map(_)) || matches!(sent, Value::Text(text) if !text.contains(','));
    Ok(match settled.pop() {
        Some(one) if is_alone => one,
        last => {
            settled.extend(last);
            Value::List(settled)
        }
    })
}

/// A file of the ticket that whoever acts at a node sees there.
fn in_ticket(ticket: &Ticket, context: &Context<'_>, node: &Node, id: FileId) -> Option<FileInfo> {
    let file = ticket.files.get(&id).filter(|file| !file.is_erased)?;
    let form = &context.workflow.form;
    let is_seen = |key: &FieldKey| form.permission_at(node, key) != FieldPermission::Hidden;
    file.fields.iter().any(is_seen).then(|| file.info.clone())
}

fn draft(context: &Context<'_>, id: FileId, entry: &Value) -> Option<FileInfo> {
    match context.files {
        Files::Unkept => None,
        Files::Drafts(drafts) => drafts.0.get(&id).cloned(),
        Files::AsDescribed => FileInfo::of_value(entry),
    }
}

fn unknown(entry: &Value) -> (FieldProblemKind, ValueProblem) {
    let named = match entry {
        Value::Text(text) => text.chars().take(64).collect(),
        Value::Map(entries) => entries
            .get("id")
            .and_then(Value::as_text)
            .unwrap_or_default()
            .to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => String::new(),
    };
    let named: String = named.chars().take(64).collect();
    (
        FieldProblemKind::UnknownFile,
        ValueProblem {
            problem: format!("names the file `{named}`, which is neither yours and unused nor in this ticket"),
            allowed: "the id of a file that you uploaded within a day, or of one that the ticket has".to_owned(),
        },
    )
}

fn unkept() -> (FieldProblemKind, ValueProblem) {
    (
        FieldProblemKind::Invalid,
        ValueProblem {
            problem: "names a file, and no files are kept here".to_owned(),
            allowed: "leave it out".to_owned(),
        },
    )
}

fn wrong_type(component: &Component, info: &FileInfo) -> (FieldProblemKind, ValueProblem) {
    let allowed: Vec<String> = component.accept.iter().map(ToString::to_string).collect();
    (
        FieldProblemKind::FileType,
        ValueProblem {
            problem: format!("does not take `{}`, which is `{}`", info.name, info.media_type),
            allowed: format!("files of {}", allowed.join(", ")),
        },
    )
}

/// Decides that a file's bytes go: a tenant admin's.
pub(crate) fn erase(decision: &mut Decision<'_>, file: FileId, by: &UserId, reason: &str) -> Result<(), Refusal> {
    let directory = decision.context.directory;
    if !directory.user(by).is_some_and(|user| permission::is_tenant_admin(user)) {
        return Err(Refusal::PermissionDenied {
            what: "erasing a file".into(),
            who_may: "the tenant's admins may".into(),
        });
    }
    match decision.ticket.files.get(&file) {
        None => Err(Refusal::UnknownFile { id: file.to_string() }),
        Some(known) if known.is_erased => Err(Refusal::FileErased { id: file.to_string() }),
        Some(_) => {
            decision.emit(Event::FileErased {
                file,
                reason: reason.to_owned(),
            });
            Ok(())
        }
    }
}
