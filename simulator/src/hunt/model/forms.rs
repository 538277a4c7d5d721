//! Which fields a step may write, which values they take, what must be there, and the title
//! (semantics: fields, values, titles).

use std::sync::Arc;

use serde_json::Value as Json;

use super::definition::{Definition, Field, Permission};
use super::people::People;
use super::ticket::Ticket;
use super::{Refused, conditions, files, values};
use crate::world::case::Fields;

const TITLE_CHARS_MAX: usize = 500;
const TEXT_CHARS_MAX: usize = 2_000;
const LONG_TEXT_CHARS_MAX: usize = 100_000;
const LINK_CHARS_MAX: usize = 2_048;
const PARTS_MAX: usize = 200;
const DEPTH_MAX: usize = 16;
/// Elements one inside the other in a rich text.
const MARKUP_DEPTH_MAX: usize = 256;

/// A field with the value to store.
pub(super) type Change = (usize, Arc<Json>);

/// Checks what was sent at a node: every problem with its field, or what is to be stored.
pub(super) fn check(
    ticket: &Ticket,
    people: &People,
    node: usize,
    sent: &Fields,
    demands_required: bool,
) -> Result<Vec<Change>, Vec<(String, Refused)>> {
    let on = &ticket.on;
    let permissions = &on.nodes[node].permissions;
    let (mut changes, mut problems) = (Vec::new(), Vec::new());
    for (key, value) in sent {
        let Some(idx) = on.field_at(key.as_str()) else {
            problems.push((key.as_str().to_owned(), "unknown_field"));
            continue;
        };
        let field = &on.fields[idx];
        let stored = ticket.value_of(idx);
        let repeats = stored == Some(value) || (stored.is_none() && is_blank(field, value));
        match permissions[idx] {
            Permission::Optional | Permission::Required => match taken(ticket, people, permissions, idx, value) {
                // What is stored of rich text is what was cleaned: a `<` that opens no tag is text there.
                Ok(new) if stored == Some(&*new) || (stored.is_none() && is_blank(field, &new)) => {}
                Ok(value) => changes.push((idx, value)),
                Err(code) => problems.push((key.as_str().to_owned(), code)),
            },
            Permission::Readonly if repeats => {}
            // Even a right guess at a hidden value is refused, else the answer would give it away; a title is no secret.
            Permission::Hidden if repeats && on.title == Some(idx) => {}
            Permission::Readonly | Permission::Hidden => problems.push((key.as_str().to_owned(), "field_not_editable")),
        }
    }
    for (idx, field) in on.fields.iter().enumerate().filter(|_| demands_required) {
        let new = sent
            .get(&*field.key)
            .and_then(|value| taken(ticket, people, permissions, idx, value).ok());
        let value = new
            .as_deref()
            .or_else(|| sent.get(&*field.key))
            .or_else(|| ticket.value_of(idx));
        if permissions[idx] == Permission::Required && value.is_none_or(|value| is_blank(field, value)) {
            problems.push((field.key.to_string(), "missing_required_fields"));
        }
    }
    if problems.is_empty() {
        Ok(changes)
    } else {
        Err(problems)
    }
}

/// What is stored of a value that was sent for a field, or why not.
fn taken(
    ticket: &Ticket,
    people: &People,
    permissions: &[Permission],
    idx: usize,
    value: &Json,
) -> Result<Arc<Json>, Refused> {
    let field = &ticket.on.fields[idx];
    let value = check_value(field, value, people).ok_or("invalid_field_value")?;
    if &*field.kind == "file" && !values::is_empty(&value) {
        files::taken(ticket, permissions, idx, &value).map(Arc::new)
    } else {
        Ok(value)
    }
}

/// The one code of several problems: what is plainly wrong before what is only not there yet.
pub(super) fn code_of(problems: &[(String, Refused)]) -> Refused {
    let order = [
        "unknown_field",
        "field_not_editable",
        "invalid_field_value",
        "unknown_file",
        "file_type_not_allowed",
    ];
    let is_there = |code: &&&str| problems.iter().any(|(_, problem)| problem == *code);
    order
        .iter()
        .find(is_there)
        .copied()
        .unwrap_or("missing_required_fields")
}

/// Stores what was checked. An automatic title is made at first and renewed when fields change, and a title that is sent
/// does not replace it. A title is never emptied.
pub(super) fn store(ticket: &mut Ticket, people: &People, changes: Vec<Change>) {
    let on = Arc::clone(&ticket.on);
    let mut title = None;
    let mut is_renewed = ticket.title_text().is_empty();
    for (idx, value) in changes {
        if on.title == Some(idx) {
            title = value.as_str().map(|text| text.trim().to_owned());
            is_renewed |= title.as_deref().is_some_and(|title| title != ticket.title_text());
        } else {
            let key = &on.fields[idx].key;
            if &*on.fields[idx].kind == "file" {
                files::note(ticket, key, &value);
            }
            let stored = ticket.fields.get(key);
            is_renewed |= stored != Some(&value) && !(stored.is_none() && values::is_empty(&value));
            Arc::make_mut(&mut ticket.fields).insert(key.clone(), value);
        }
    }
    let template = on.title.and_then(|idx| on.fields[idx].template.as_deref());
    let made = template.filter(|_| is_renewed);
    let made = made.map(|template| automatic_title(template, ticket, &on, people));
    if let Some(title) = made.or(title).filter(|title| !title.is_empty())
        && title != ticket.title_text()
    {
        ticket.title = Arc::new(Json::String(title));
    }
}

/// Fills the names in braces in. `creator` and `created_at` are the ticket's own.
fn automatic_title(template: &str, ticket: &Ticket, on: &Definition, people: &People) -> String {
    let mut title = String::new();
    for piece in template.split_inclusive(['{', '}']) {
        match piece.strip_suffix('}') {
            None => title.push_str(piece.strip_suffix('{').unwrap_or(piece)),
            Some(name) => title.push_str(&match name.trim() {
                "creator" => people.shown_name(&ticket.creator).to_owned(),
                "created_at" => created_at(ticket, people),
                key => on
                    .field_at(key)
                    .and_then(|idx| Some(shown(&on.fields[idx], ticket.fields.get(key)?, people)))
                    .unwrap_or_default(),
            }),
        }
    }
    let plain = title.chars().take(TITLE_CHARS_MAX);
    let plain: String = plain.map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().to_owned()
}

fn created_at(ticket: &Ticket, people: &People) -> String {
    let instant = jiff::Timestamp::from_millisecond(ticket.created_ms).unwrap_or_default();
    let local = instant.to_zoned_datetime(people.zone.clone());
    local.strftime("%Y-%m-%d %H:%M:%S %z").to_string()
}

/// A value as people read it: labels and names instead of keys and ids.
fn shown(field: &Field, value: &Json, people: &People) -> String {
    let label = |key: String| {
        let known = field.options.iter().find(|(known, _)| *known == key);
        known.map_or(key.clone(), |(_, label)| label.clone())
    };
    let texts: Vec<String> = match field.kind.as_str() {
        "select" | "radio" | "checkbox" => conditions::keys_in(field, value).into_iter().map(label).collect(),
        "user" => {
            let named = |id: String| match people.user(&id).is_some() {
                true => people.shown_name(&id).to_owned(),
                false => id,
            };
            values::parts(value).into_iter().map(named).collect()
        }
        "department" => {
            let named = |id: String| {
                people
                    .depts
                    .get(id.as_str())
                    .map_or(id.clone(), |dept| dept.name.clone())
            };
            values::parts(value).into_iter().map(named).collect()
        }
        "file" => files_in(value).iter().filter_map(file_name).collect(),
        _ => match value.as_str() {
            Some(text) => vec![text.to_owned()],
            None => values::parts(value),
        },
    };
    texts.join(", ")
}

/// Whether a field takes a value, and in which form it is stored: rich text cleaned, all else as sent.
fn check_value(field: &Field, value: &Json, people: &People) -> Option<Arc<Json>> {
    let takes = is_shallow(value, DEPTH_MAX)
        && (values::is_empty(value)
            || match field.kind.as_str() {
                "title" => is_text(value, TITLE_CHARS_MAX),
                "text" => is_text(value, TEXT_CHARS_MAX),
                "textarea" => is_text(value, LONG_TEXT_CHARS_MAX),
                "richtext" => return rich_text(value),
                "number" => is_number(field, value),
                "select" | "radio" | "checkbox" => {
                    is_made_of(field, value, &|key| field.options.iter().any(|(known, _)| known == key))
                }
                "user" => is_made_of(field, value, &|id| people.is_active(id)),
                "department" => is_made_of(field, value, &|id| people.depts.contains_key(id)),
                "date" | "datetime" => value
                    .as_str()
                    .is_some_and(|text| values::instant(text, &people.zone).is_some()),
                "time" => value.as_str().is_some_and(|text| values::time_of_day(text).is_some()),
                "link" => value
                    .as_str()
                    .is_some_and(|text| text.chars().count() <= LINK_CHARS_MAX && is_http(text) == Some(true)),
                "file" => are_files(field, value),
                _ => false,
            });
    takes.then(|| Arc::new(value.clone()))
}

fn is_shallow(value: &Json, levels: usize) -> bool {
    let below = |item: &Json| levels > 0 && is_shallow(item, levels - 1);
    match value {
        Json::Array(items) => levels > 0 && items.iter().all(below),
        Json::Object(entries) => levels > 0 && entries.values().all(below),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => true,
    }
}

fn is_text(value: &Json, chars_max: usize) -> bool {
    value.as_str().is_some_and(|text| text.chars().count() <= chars_max)
}

fn is_number(field: &Field, value: &Json) -> bool {
    values::number_in(value).is_some_and(|number| {
        field.min.is_none_or(|min| number >= min)
            && field.max.is_none_or(|max| number <= max)
            && (field.allows_negative || number >= rust_decimal::Decimal::ZERO)
            && field
                .decimals
                .is_none_or(|decimals| number.normalize().scale() <= decimals)
    })
}

/// One or several keys or ids, each of which is known; several only where the field takes several.
fn is_made_of(field: &Field, value: &Json, is_known: &dyn Fn(&str) -> bool) -> bool {
    let is_odd = |item: &Json| item.is_null() || item.is_array() || item.is_object();
    let has_odd = value.is_object() || value.as_array().is_some_and(|items| items.iter().any(is_odd));
    let keys = conditions::keys_in(field, value);
    let most = if field.multiple { PARTS_MAX } else { 1 };
    !has_odd && (1..=most).contains(&keys.len()) && keys.iter().all(|key| is_known(key))
}

/// Whether an address is one of http or https; `None` for what is no address.
fn is_http(text: &str) -> Option<bool> {
    let address = url::Url::parse(text.trim()).ok()?;
    Some(["http", "https"].contains(&address.scheme()))
}

/// What may name a file, the most readable first.
const FILE_WORDS: [&str; 8] = ["name", "file_name", "url", "file_url", "path", "id", "file_id", "uid"];

fn file_name(file: &Json) -> Option<String> {
    let said = FILE_WORDS
        .iter()
        .filter_map(|word| file.get(word)?.as_str())
        .find(|text| !text.trim().is_empty());
    let text = file.as_str().or(said);
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The descriptors in a value: a list of them, or one.
fn files_in(value: &Json) -> &[Json] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// Ids of files, or objects that say which file they mean.
fn are_files(field: &Field, value: &Json) -> bool {
    let files = files::named(value);
    let is_file = |file: &Json| match file {
        Json::String(text) => !text.trim().is_empty(),
        Json::Object(_) => file_name(file).is_some() && is_short(file),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => false,
    };
    files.len() <= if field.multiple { PARTS_MAX } else { 1 } && files.iter().all(is_file)
}

fn is_short(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => true,
        Json::String(text) => text.chars().count() <= TEXT_CHARS_MAX,
        Json::Array(items) => items.len() <= PARTS_MAX && items.iter().all(is_short),
        Json::Object(entries) => entries.len() <= PARTS_MAX && entries.values().all(is_short),
    }
}

/// Cleaned of scripts by the library that knows how; a text without mark-up needs no cleaning.
fn rich_text(value: &Json) -> Option<Arc<Json>> {
    let sent = value
        .as_str()
        .filter(|text| text.chars().count() <= LONG_TEXT_CHARS_MAX)?;
    if !sent.contains(['<', '>', '&', '\u{a0}', '\r', '\0']) {
        return Some(Arc::new(value.clone()));
    }
    if markup_depth(sent) > MARKUP_DEPTH_MAX {
        return None;
    }
    let cleaned = ammonia::clean(sent);
    (cleaned.chars().count() <= LONG_TEXT_CHARS_MAX).then(|| Arc::new(Json::String(cleaned)))
}

/// Whether a person sees nothing of a value: of rich text, nothing between its tags and no picture.
pub(super) fn is_blank(field: &Field, value: &Json) -> bool {
    let Some(markup) = value.as_str().filter(|_| &*field.kind == "richtext") else {
        return values::is_empty(value);
    };
    let mut pieces = markup.split('<');
    let before = pieces.next().unwrap_or_default();
    let is_nothing = |text: &str| text.replace("&nbsp;", " ").trim().is_empty();
    is_nothing(before)
        && pieces.all(|piece| {
            let (tag, after) = piece.split_once('>').unwrap_or((piece, ""));
            !(tag.starts_with("img") && tag.contains("src=")) && is_nothing(after)
        })
}

/// How many elements are open at once, every begin tag having its end tag but those that have none.
fn markup_depth(markup: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for tag in markup.split('<').skip(1) {
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !name.is_empty() && !["br", "hr", "img", "wbr", "input"].contains(&name.as_str()) {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}
