//! Sub-tickets that a normal node opens by itself when a ticket comes to it (semantics: sub-tickets).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::id::{FieldKey, WorkflowId};
use crate::value::Value;
use crate::workflow::definition::reader::{Place, Reader, get};

/// Sub-tickets of one workflow, one or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spawn {
    /// Of which workflow; its default version is taken.
    pub workflow: WorkflowId,
    /// How many.
    pub many: Many,
    /// Who is their creator.
    pub creator: SpawnCreator,
    /// The edge out of their start that is taken: `None` for its only agree edge, an empty text for none, which leaves
    /// them drafts.
    pub action_id: Option<String>,
    /// What they are filled in with.
    pub fields: BTreeMap<FieldKey, SpawnValue>,
}

/// How many sub-tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Many {
    /// So many.
    Count(u32),
    /// One for each entry of a field; none where it is empty.
    Each(FieldKey),
}

/// Who is the creator of a sub-ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnCreator {
    /// The parent's creator.
    Creator,
    /// Whoever brought the parent to the node; the parent's creator where nobody did.
    Actor,
}

/// What a field of a sub-ticket is filled in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpawnValue {
    /// The entry that it is opened for.
    Entry,
    /// A field of the parent.
    Field(FieldKey),
    /// This.
    Fixed(Value),
}

/// Most sub-tickets that a node opens of one workflow where their number is fixed.
const COUNT_MAX: u64 = 50;

pub(super) fn read(reader: &mut Reader, props: &Json, node: &Place) -> Vec<Spawn> {
    let found = reader.later(|own| {
        let mut found = Vec::new();
        for json in own.objects(props, "spawn", node) {
            let keys = ["workflow", "count", "each", "creator", "action_id", "fields"];
            // What is misspelt here would open the wrong tickets.
            own.strict_keys(json, &keys, "in `spawn`", node);
            found.extend(read_one(own, json, node));
        }
        Some(found)
    });
    found.unwrap_or_default()
}

fn read_one(reader: &mut Reader, json: &Json, node: &Place) -> Option<Spawn> {
    let mut bad = |sentence: &str| {
        reader.error("bad_spawn", node, &format!("has a `spawn` {sentence}"));
    };
    let workflow = get(json, "workflow").as_str().map(str::trim).unwrap_or_default();
    if workflow.is_empty() {
        bad("without `workflow`: say of which workflow the sub-tickets are");
        return None;
    }
    let (count, each) = (get(json, "count"), get(json, "each"));
    let each_of = each.as_str().map(str::trim).filter(|key| !key.is_empty());
    let count_of = if count.is_null() { Some(1) } else { count.as_u64() };
    let many = match (each_of, count_of.filter(|count| (1..=COUNT_MAX).contains(count))) {
        (Some(key), _) if count.is_null() => Many::Each(key.into()),
        (None, Some(count)) if each.is_null() => Many::Count(u32::try_from(count).unwrap_or(1)),
        (Some(_) | None, _) => {
            bad(&format!(
                "that needs `count`, a whole number from 1 to {COUNT_MAX}, or `each`, the key of a field"
            ));
            return None;
        }
    };
    let creator = match get(json, "creator").as_str() {
        None if get(json, "creator").is_null() => SpawnCreator::Creator,
        Some("creator") => SpawnCreator::Creator,
        Some("actor") => SpawnCreator::Actor,
        Some(_) | None => {
            bad("whose `creator` is neither `creator` nor `actor`");
            return None;
        }
    };
    let action_id = get(json, "action_id");
    if !action_id.is_null() && !action_id.is_string() {
        bad("whose `action_id` is no text");
        return None;
    }
    let action_id = action_id.as_str().map(|id| id.trim().to_owned());
    let mut fields = BTreeMap::new();
    for (key, value) in get(json, "fields").as_object().into_iter().flatten() {
        let Some(value) = read_value(value) else {
            bad(&format!(
                "whose field `{key}` is neither {{\"entry\": true}} nor {{\"field\": key}} nor {{\"value\": …}}"
            ));
            continue;
        };
        if value == SpawnValue::Entry && matches!(many, Many::Count(_)) {
            bad(&format!("whose field `{key}` takes the entry, and there is no `each`"));
        }
        fields.insert(FieldKey::from(key.as_str()), value);
    }
    Some(Spawn {
        workflow: workflow.into(),
        many,
        creator,
        action_id,
        fields,
    })
}

fn read_value(json: &Json) -> Option<SpawnValue> {
    let entries = json.as_object()?;
    let mut entries = entries.iter();
    let only = entries.next()?;
    if entries.next().is_some() {
        return None;
    }
    match (only.0.as_str(), only.1) {
        ("entry", Json::Bool(true)) => Some(SpawnValue::Entry),
        ("field", Json::String(key)) => Some(SpawnValue::Field(key.trim().into())),
        ("value", value) => Some(SpawnValue::Fixed(Value::from(value))),
        _ => None,
    }
}
