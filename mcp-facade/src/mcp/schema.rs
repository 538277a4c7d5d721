//! Plain JSON Schemas from static tables: one `type` and a description per property, nothing else that a strict client
//! might stumble over (no `$ref`, `anyOf`, `oneOf`, `format`, null types).
//!
//! Not here: checking arguments against them; schemas are documentation, `arguments` checks.
//!
//! Output schemas name no required keys: a refused call answers `{"error": …}` in the same place, and some clients hold
//! that against the schema too.

use serde_json::{Map, Value, json};

/// One property of an object.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// Its key.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it means, in a few words.
    pub description: &'static str,
}

/// The type of a property, and for arguments the default.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text, `""` where not sent.
    Text,
    /// A text with another default.
    TextOr(&'static str),
    /// A text that must be sent.
    Required,
    /// One of some words, the first where not sent.
    Choice(&'static [&'static str]),
    /// An integer: default, least, most.
    Integer(i64, Option<i64>, Option<i64>),
    /// A boolean and its default.
    Boolean(bool),
    /// An object with any keys.
    AnyObject,
    /// An object with these keys.
    Object(&'static [Property]),
    /// In an answer: an integer.
    Number,
    /// In an answer: true or false.
    Flag,
    /// In an answer: a list of texts.
    Texts,
    /// In an answer: a list of objects with any keys.
    AnyRows,
    /// In an answer: a list of objects with these keys.
    Rows(&'static [Property]),
}

/// A property; reads well in tables.
#[must_use]
pub const fn property(name: &'static str, kind: Kind, description: &'static str) -> Property {
    Property {
        name,
        kind,
        description,
    }
}

/// The object schema of a table. `required` is written only where a property is [`Kind::Required`].
#[must_use]
pub fn object(properties: &[&[Property]]) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    let all = || properties.iter().copied().flatten();
    let written: Map<String, Value> = all()
        .map(|property| (property.name.to_owned(), written(property)))
        .collect();
    schema.insert("properties".to_owned(), Value::Object(written));
    let required: Vec<&str> = all()
        .filter(|property| matches!(property.kind, Kind::Required))
        .map(|property| property.name)
        .collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn written(property: &Property) -> Value {
    let mut schema = match property.kind {
        Kind::Text => json!({ "type": "string", "default": "" }),
        Kind::TextOr(default) => json!({ "type": "string", "default": default }),
        Kind::Required => json!({ "type": "string" }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words, "default": words.first() }),
        Kind::Integer(default, least, most) => {
            let mut schema = json!({ "type": "integer", "default": default });
            if let Some(least) = least {
                schema["minimum"] = json!(least);
            }
            if let Some(most) = most {
                schema["maximum"] = json!(most);
            }
            schema
        }
        Kind::Boolean(default) => json!({ "type": "boolean", "default": default }),
        Kind::AnyObject => json!({ "type": "object" }),
        Kind::Object(properties) => Value::Object(object(&[properties])),
        Kind::Number => json!({ "type": "integer" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::AnyRows => json!({ "type": "array", "items": { "type": "object" } }),
        Kind::Rows(properties) => json!({ "type": "array", "items": object(&[properties]) }),
    };
    schema["description"] = json!(property.description);
    schema
}

/// The schema of an answer: as [`object`], but texts have no default.
#[must_use]
pub fn answer(properties: &[Property]) -> Map<String, Value> {
    let mut schema = object(&[properties]);
    strip_defaults(&mut schema);
    schema
}

fn strip_defaults(schema: &mut Map<String, Value>) {
    schema.remove("default");
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties
            .values_mut()
            .filter_map(Value::as_object_mut)
            .for_each(strip_defaults);
    }
    if let Some(Value::Object(items)) = schema.get_mut("items") {
        strip_defaults(items);
    }
}
