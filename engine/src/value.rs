//! Values of fields, labels and free properties: JSON in a form that a positional codec can carry.
//!
//! Not here: what a field's type allows (`workflow::form`), how two values compare (`workflow::condition`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A JSON value, kept as it was sent so that it is given back in the same form (semantics 6).
///
/// Variants are stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub enum Value {
    /// `null`: counts as empty.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as its JSON text, so that no digit is lost.
    Number(String),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// Shorthand for a text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text, where this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// About how many bytes it has: those of its texts, and a few for what holds them.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        /// What a value has without its text.
        const EACH: usize = 8;
        EACH + match self {
            Self::Null | Self::Bool(_) => 0,
            Self::Number(text) | Self::Text(text) => text.len(),
            Self::List(values) => values.iter().map(Self::n_bytes).sum(),
            Self::Map(entries) => entries.iter().map(|(key, value)| key.len() + value.n_bytes()).sum(),
        }
    }

    /// Whether a required field counts as not filled in: null, a blank text, an empty list or object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) | Self::Number(_) => false,
            Self::Text(text) => text.trim().is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }

    /// The parts of a multiple value: the elements of a list, or of a comma separated text; a lone value is one part.
    /// Parts are trimmed, empty ones dropped; a number's part is its text.
    #[must_use]
    pub fn parts(&self) -> Vec<String> {
        match self {
            Self::Null | Self::Map(_) => Vec::new(),
            Self::Bool(flag) => vec![flag.to_string()],
            Self::Number(number) => vec![number.clone()],
            Self::Text(text) => text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
            Self::List(items) => items
                .iter()
                .filter_map(|item| match item {
                    Self::Text(text) => Some(text.trim().to_owned()),
                    Self::Number(number) => Some(number.clone()),
                    Self::Bool(flag) => Some(flag.to_string()),
                    Self::Null | Self::List(_) | Self::Map(_) => None,
                })
                .filter(|part| !part.is_empty())
                .collect(),
        }
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::Number(number) => Self::Number(number.to_string()),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::from(value)))
                    .collect(),
            ),
        }
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            // Numbers come from JSON, so their text reads back; anything else is shown as text rather than lost.
            Value::Number(number) => serde_json::from_str(number).unwrap_or_else(|_| Self::String(number.clone())),
            Value::Text(text) => Self::String(text.clone()),
            Value::List(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Map(entries) => Self::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::from(value)))
                    .collect(),
            ),
        }
    }
}
