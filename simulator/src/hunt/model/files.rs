//! Files in fields (semantics: files): which a value may name, and what is stored of it. Everybody has whatever file they
//! describe whole, as in the world that this stands beside.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::definition::Permission;
use super::ticket::Ticket;
use super::{Id, Refused};

/// What a value names, one by one.
pub(super) fn named(value: &Json) -> Vec<Json> {
    match value {
        Json::Array(items) => items.clone(),
        Json::String(text) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(Json::from).collect()
        }
        Json::Null => Vec::new(),
        Json::Bool(_) | Json::Number(_) | Json::Object(_) => vec![value.clone()],
    }
}

fn id_of(entry: &Json) -> Option<uuid::Uuid> {
    let text = entry.as_str().or_else(|| entry["id"].as_str())?;
    uuid::Uuid::try_parse(text.trim()).ok()
}

/// The same file with nothing but what is kept of it; `None` where it is not described whole.
fn described(entry: &Json) -> Option<Json> {
    let (id, digest) = (id_of(entry).filter(|_| entry.is_object())?, entry["sha256"].as_str()?);
    let is_whole = digest.len() == 64 && digest.chars().all(|digit| digit.is_ascii_hexdigit());
    is_whole.then_some(())?;
    Some(json!({
        "id": id.to_string(),
        "name": entry["name"].as_str()?,
        "size": entry["size"].as_u64()?,
        "type": entry["type"].as_str()?,
        "sha256": digest.to_lowercase(),
    }))
}

fn fits(accept: &[String], file: &Json) -> bool {
    let (name, kind) = (
        file["name"].as_str().unwrap_or_default(),
        file["type"].as_str().unwrap_or_default(),
    );
    accept.is_empty()
        || accept
            .iter()
            .any(|entry| match (entry.starts_with('.'), entry.strip_suffix('*')) {
                (true, _) => name.to_lowercase().ends_with(entry.as_str()),
                (false, Some(family)) => kind.to_lowercase().starts_with(family),
                (false, None) => kind.to_lowercase() == *entry,
            })
}

/// What is stored of a value that is not empty.
pub(super) fn taken(ticket: &Ticket, permissions: &[Permission], idx: usize, value: &Json) -> Result<Json, Refused> {
    let field = &ticket.on.fields[idx];
    let stored = ticket
        .fields
        .get(&field.key)
        .map_or_else(Vec::new, |value| named(value));
    let mut all: Vec<Json> = Vec::new();
    for entry in named(value) {
        let id = id_of(&entry);
        let is_same = |one: &&Json| **one == entry || (id.is_some() && id_of(one) == id);
        let one = match stored.iter().find(is_same) {
            Some(one) => one.clone(),
            None => {
                // Once in the ticket, always in it: named by whoever sees a field that had it.
                let is_seen = |(of, file): &&(Id, Arc<Json>)| {
                    let of = ticket.on.field_at(of);
                    of.is_some_and(|of| permissions[of] != Permission::Hidden) && id.is_some() && id_of(file) == id
                };
                let known = ticket.files.iter().find(is_seen).map(|(_, file)| Json::clone(file));
                let file = known.or_else(|| described(&entry)).ok_or("unknown_file")?;
                if !fits(&field.accept, &file) {
                    return Err("file_type_not_allowed");
                }
                file
            }
        };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    let is_alone = value.is_object() || value.as_str().is_some_and(|text| !text.contains(','));
    Ok(match all.pop() {
        Some(one) if is_alone => one,
        last => {
            all.extend(last);
            Json::Array(all)
        }
    })
}

/// Notes which files a value that was stored has.
pub(super) fn note(ticket: &mut Ticket, key: &Id, value: &Json) {
    for file in named(value).iter().filter_map(described) {
        // What was known first of a file is what counts.
        let first = ticket.files.iter().find(|(_, known)| id_of(known) == id_of(&file));
        let file = first.map_or_else(|| Arc::new(file), |(_, known)| known.clone());
        let one = (key.clone(), file);
        if !ticket.files.contains(&one) {
            ticket.files.push(one);
        }
    }
}
