//! Reads the arguments of a tool call: lenient in the spellings that real clients send, strict in everything else.
//!
//! Not here: which arguments a call has (`call`), and what their values mean (the engine).
//!
//! Rules: `null` counts as not sent. An integer may come as `5`, `5.0` or `"5"`, a boolean as `true` or `"true"`, an
//! object as itself or as a JSON text of one. Any other wrong type is `invalid_argument`, naming argument, type expected
//! and value got, shortened; an argument that the tool does not have is `invalid_argument` with the name that is meant.

pub mod names;
pub mod time_bound;

use loonflow_engine::limits::IDS_MAX;
use loonflow_engine::value::number;
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::exact_numbers;
use crate::limits::{PER_PAGE_MAX, SHOWN_VALUE_CHARS_MAX};
use crate::secret::Secret;

/// The argument that holds a token; its value is never shown.
pub const ACCESS_TOKEN: &str = "access_token";
/// The argument that names the application.
pub const APP_NAME: &str = "app_name";
/// The application where none is named.
pub const DEFAULT_APP_NAME: &str = "loonflow";

/// The arguments of one call, `null`s removed.
#[derive(Clone)]
pub struct Arguments(Map<String, Value>);

/// Rows of a list to answer: `page` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1; past the end for the last.
    pub page: u64,
    /// 1 to [`PER_PAGE_MAX`].
    pub per_page: u32,
}

impl Arguments {
    /// Takes a call's arguments, of which only those in `known` may be there.
    ///
    /// # Errors
    /// `invalid_argument` for the first unknown name, with the nearest known one and the whole list in `details`.
    pub fn new(sent: Map<String, Value>, known: &[&str]) -> Result<Self, ApiError> {
        let sent: Map<String, Value> = sent.into_iter().filter(|(_, value)| !value.is_null()).collect();
        if let Some(name) = sent.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(unknown(name, known));
        }
        Ok(Self(sent))
    }

    /// A text; `default` where it was not sent.
    ///
    /// # Errors
    /// `invalid_argument` for any other type.
    pub fn string(&mut self, name: &str, default: &str) -> Result<String, ApiError> {
        match self.0.remove(name) {
            None => Ok(default.to_owned()),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(wrong_type(name, "a string", &other)),
        }
    }

    /// A text without surrounding blanks that must be there and not empty.
    ///
    /// # Errors
    /// `invalid_argument` when it is missing, blank or no text.
    pub fn required_string(&mut self, name: &str) -> Result<String, ApiError> {
        let text = self.string(name, "")?;
        if text.trim().is_empty() {
            return Err(
                ApiError::invalid_argument(name, format!("argument `{name}` is required"))
                    .with_hint(format!("send `{name}` as a string")),
            );
        }
        Ok(text.trim().to_owned())
    }

    /// A text without surrounding blanks; `None` where it was not sent or is blank.
    ///
    /// # Errors
    /// `invalid_argument` for any other type.
    pub fn optional_string(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self.string(name, "")?;
        let text = text.trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// A secret text; `None` where it was not sent or is blank. A wrong value is not shown.
    ///
    /// # Errors
    /// `invalid_argument` for any other type.
    pub fn secret(&mut self, name: &str) -> Result<Option<Secret>, ApiError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok((!text.trim().is_empty()).then(|| Secret::new(text))),
            Some(_) => Err(ApiError::invalid_argument(
                name,
                format!("argument `{name}` must be a string"),
            )),
        }
    }

    /// The entries of a comma separated text, without blanks and empty ones, each once, in the order sent.
    ///
    /// # Errors
    /// `invalid_argument` for any other type.
    pub fn comma_separated(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let text = match self.0.remove(name) {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) => text,
            Some(other) => return Err(wrong_type(name, "a string, comma separated", &other)),
        };
        distinct(name, text.split(','))
    }

    /// The entries of a list of texts, or of a comma separated text, as [`Arguments::comma_separated`].
    ///
    /// # Errors
    /// `invalid_argument` for any other type.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        match self.0.remove(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => distinct(name, text.split(',')),
            Some(Value::Array(values)) if values.iter().all(Value::is_string) => {
                distinct(name, values.iter().filter_map(Value::as_str))
            }
            Some(other) => Err(wrong_type(name, "an array of strings", &other)),
        }
    }

    /// An integer from `range`; `default` where it was not sent.
    ///
    /// # Errors
    /// `invalid_argument` for any other type and for a value out of range.
    pub fn integer(&mut self, name: &str, default: i64, range: std::ops::RangeInclusive<i64>) -> Result<i64, ApiError> {
        let Some(value) = self.0.remove(name) else {
            return Ok(default);
        };
        let integer = as_integer(&value).ok_or_else(|| wrong_type(name, "an integer", &value))?;
        if range.contains(&integer) {
            return Ok(integer);
        }
        let (low, high) = range.into_inner();
        let expected = if high == i64::MAX {
            format!("{low} or more")
        } else {
            format!("from {low} to {high}")
        };
        Err(ApiError::invalid_argument(
            name,
            format!("argument `{name}` must be {expected}, got `{integer}`"),
        ))
    }

    /// A boolean; `default` where it was not sent.
    ///
    /// # Errors
    /// `invalid_argument` for any other type.
    pub fn boolean(&mut self, name: &str, default: bool) -> Result<bool, ApiError> {
        match self.0.remove(name) {
            None => Ok(default),
            Some(value) => as_boolean(&value).ok_or_else(|| wrong_type(name, "a boolean", &value)),
        }
    }

    /// An object, empty where it was not sent. Values inside, `null`s among them, stay as they came.
    ///
    /// # Errors
    /// `invalid_argument` for any other type, and for a text that is not a JSON object.
    pub fn object(&mut self, name: &str) -> Result<Map<String, Value>, ApiError> {
        match self.0.remove(name) {
            None => Ok(Map::new()),
            Some(value) => into_object(value).map_err(|value| wrong_type(name, "an object", &value)),
        }
    }

    /// One of `allowed`; `default` where it was not sent or is blank.
    ///
    /// # Errors
    /// `invalid_argument` with the allowed words for any other.
    pub fn one_of(&mut self, name: &str, default: &str, allowed: &[&str]) -> Result<String, ApiError> {
        let word = self.optional_string(name)?.unwrap_or_else(|| default.to_owned());
        if allowed.contains(&word.as_str()) {
            return Ok(word);
        }
        let message = format!(
            "argument `{name}` must be one of {}, got `{}`",
            quoted(allowed),
            shortened(&word)
        );
        Err(ApiError::invalid_argument(name, message)
            .with_hint(format!("send one of {}", quoted(allowed)))
            .with_details(json!({ "argument": name, "allowed": allowed })))
    }

    /// `page` and `per_page`. A page of 0 or below is the last one, as is one past the end; more rows than
    /// [`PER_PAGE_MAX`] are that many (contract: paging).
    ///
    /// # Errors
    /// `invalid_argument` when one is no integer, or `per_page` is below 1.
    pub fn page(&mut self) -> Result<Page, ApiError> {
        let page = self.integer("page", 1, i64::MIN..=i64::MAX)?;
        let per_page = self.integer("per_page", 10, 1..=i64::MAX)?;
        Ok(Page {
            page: u64::try_from(page).ok().filter(|page| *page > 0).unwrap_or(u64::MAX),
            per_page: u32::try_from(per_page).map_or(PER_PAGE_MAX, |rows| rows.min(PER_PAGE_MAX)),
        })
    }

    /// `reverse`: 1 newest first, 0 oldest first.
    ///
    /// # Errors
    /// `invalid_argument` for any other value.
    pub fn reverse(&mut self, default: bool) -> Result<bool, ApiError> {
        Ok(self.integer("reverse", i64::from(default), 0..=1)? == 1)
    }
}

/// The ids of argument `name` without blanks and empty ones, each once, in the order given.
///
/// # Errors
/// `invalid_argument` for more than [`IDS_MAX`].
pub(crate) fn distinct<'a>(name: &str, entries: impl Iterator<Item = &'a str>) -> Result<Vec<String>, ApiError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries.map(str::trim).filter(|entry| !entry.is_empty()) {
        if !seen.insert(entry) {
            continue;
        }
        if found.len() == IDS_MAX {
            let message = format!("argument `{name}` names more than {IDS_MAX}");
            return Err(ApiError::invalid_argument(name, message).with_hint(format!(
                "send at most {IDS_MAX} in a call, and the others in further calls"
            )));
        }
        found.push(entry.to_owned());
    }
    Ok(found)
}

/// `5`, `5.0` and `"5"`.
fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            // Beyond 2^53 a float no longer says which integer was meant.
            let exact = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked to be a whole number within 2^53"
            )]
            exact.then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn as_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(boolean) => Some(*boolean),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        Value::String(_) | Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The object that `value` is or spells; `value` back when it is none.
pub(crate) fn into_object(value: Value) -> Result<Map<String, Value>, Value> {
    if number::literal(&value).is_some() {
        return Err(value);
    }
    match value {
        Value::Object(object) => Ok(object),
        Value::String(text) => match exact_numbers::parse(&text) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) | Err(_) => Err(Value::String(text)),
        },
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => Err(other),
    }
}

fn unknown(name: &str, known: &[&str]) -> ApiError {
    names::unknown_key(name, known, &format!("there is no argument `{}`", shortened(name)))
}

/// `invalid_argument` for a value of another type than `expected`.
pub(crate) fn wrong_type(name: &str, expected: &str, got: &Value) -> ApiError {
    let shown = match number::literal(got) {
        Some(literal) => shortened(literal),
        None => shortened(&got.to_string()),
    };
    ApiError::invalid_argument(
        name,
        format!("argument `{name}` must be {expected}, got {} `{shown}`", type_word(got)),
    )
    .with_hint(format!("send `{name}` as {expected}"))
    .with_details(json!({ "argument": name, "expected": expected, "got": shown }))
}

fn type_word(value: &Value) -> &'static str {
    match value {
        _ if number::literal(value).is_some() => "the number",
        Value::Null => "null",
        Value::Bool(_) => "the boolean",
        Value::Number(_) => "the number",
        Value::String(_) => "the string",
        Value::Array(_) => "the array",
        Value::Object(_) => "the object",
    }
}

/// A text cut to [`SHOWN_VALUE_CHARS_MAX`] characters.
#[must_use]
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `a`, `b` and `c`, in backticks.
pub(crate) fn quoted(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
