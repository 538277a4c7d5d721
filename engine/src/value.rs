//! Values of fields, labels and free properties: JSON in a form that a positional codec can carry.
//!
//! Not here: what a field's type allows (`workflow::form`), how two values compare (`workflow::condition`), numbers
//! that JSON readers would change (`number`).

pub mod number;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::is_blank;

/// A JSON value, kept as it was sent so that it is given back in the same form (semantics: fields).
///
/// Variants are stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub enum Value {
    /// `null`: counts as empty.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as its JSON text, so that no digit is lost. Written as JSON again, one with more digits than JSON readers
    /// keep becomes a text.
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

    /// Whether nothing is in it: null, a text of which nothing is seen, an empty list or object. Whether a field counts
    /// as not filled in is asked of its component (`Component::is_blank`), for rich text has tags as well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) | Self::Number(_) => false,
            Self::Text(text) => is_blank(text),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }

    /// Whether both look the same to whoever is shown them: a long number and the text of its digits do.
    #[must_use]
    pub fn is_shown_as(&self, other: &Self) -> bool {
        self == other
            || matches!((self, other), (Self::Number(number), Self::Text(text)) | (Self::Text(text), Self::Number(number))
                if number == text && !number::survives(number))
    }

    /// The parts of a multiple value: the elements of a list, or of a comma separated text; a lone value is one part.
    /// Parts are trimmed, empty ones dropped; a number's part is its text.
    #[must_use]
    pub fn parts(&self) -> Vec<String> {
        self.parts_up_to(usize::MAX)
    }

    /// The first `n_parts` of them.
    pub(crate) fn parts_up_to(&self, n_parts: usize) -> Vec<String> {
        match self {
            Self::Null | Self::Map(_) => Vec::new(),
            Self::Bool(flag) => vec![flag.to_string()],
            Self::Number(number) => vec![number.clone()],
            Self::Text(text) => text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .take(n_parts)
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
                .take(n_parts)
                .collect(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<rust_decimal::Decimal> for Value {
    fn from(number: rust_decimal::Decimal) -> Self {
        Self::Number(number.to_string())
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
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
            serde_json::Value::Object(entries) => match number::literal(json) {
                Some(literal) => Self::Number(literal.to_owned()),
                None => Self::Map(
                    entries
                        .iter()
                        .map(|(key, value)| (key.clone(), Self::from(value)))
                        .collect(),
                ),
            },
        }
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            // Many readers keep 17 digits: a number that has more is given as a text, which all of them leave alone.
            Value::Number(number) if !number::survives(number) => Self::String(number.clone()),
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
