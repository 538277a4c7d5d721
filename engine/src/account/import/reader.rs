//! Reads parts of a directory file's JSON and notes every wrong shape, and keys that nothing reads.
//!
//! Not here: what the parts mean (`read`, `channels`).

use serde_json::Value as Json;

use super::ImportProblem;
use crate::keys::Unread;

/// Code of the warning of a key that nobody reads.
pub(super) const UNKNOWN_KEY: &str = "unknown_key";

/// See the module.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<ImportProblem>,
    pub(super) warnings: Vec<ImportProblem>,
    pub(super) unread: Unread,
}

impl Reader {
    /// Warns of keys of an object that are none of those its reader knows.
    pub(super) fn keys(&mut self, json: &Json, known: &[&str], place: &str) {
        let sentences = self.unread.of(json, known).into_iter();
        let warnings = sentences.map(|sentence| ImportProblem::new(UNKNOWN_KEY, format!("{place} {sentence}")));
        self.warnings.extend(warnings);
    }

    pub(super) fn problem(&mut self, code: &'static str, place: &str, sentence: &str) {
        self.problems
            .push(ImportProblem::new(code, format!("{place} {sentence}")));
    }

    /// How many problems there are so far.
    pub(super) fn n_problems(&self) -> usize {
        self.problems.len()
    }

    /// The objects of a list of the file.
    pub(super) fn entries<'a>(&mut self, json: &'a Json, name: &str) -> Vec<&'a Json> {
        let items = match &json[name] {
            Json::Null => &[],
            Json::Array(items) => items.as_slice(),
            Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
                self.problem("wrong_type", &format!("`{name}`"), "is no list");
                &[]
            }
        };
        if items.iter().any(|item| !item.is_object()) {
            self.problem("wrong_type", &format!("`{name}`"), "has something that is no object");
        }
        items.iter().filter(|item| item.is_object()).collect()
    }

    /// A text; empty where it is absent.
    pub(super) fn text(&mut self, json: &Json, name: &str, place: &str) -> String {
        match &json[name] {
            Json::Null => String::new(),
            Json::String(text) => text.clone(),
            Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                self.problem("wrong_type", place, &format!("has a `{name}` that is no text"));
                String::new()
            }
        }
    }

    /// A text that must be there.
    pub(super) fn needed(&mut self, json: &Json, name: &str, place: &str) -> String {
        let text = self.text(json, name, place);
        if text.trim().is_empty() && (json[name].is_null() || json[name].is_string()) {
            self.problem("missing", place, &format!("has no `{name}`"));
        }
        text
    }

    /// A text that may be null.
    pub(super) fn optional<T: From<String>>(&mut self, json: &Json, name: &str, place: &str) -> Option<T> {
        Some(self.text(json, name, place))
            .filter(|text| !text.trim().is_empty())
            .map(T::from)
    }

    pub(super) fn flag(&mut self, json: &Json, name: &str, default: bool, place: &str) -> bool {
        match &json[name] {
            Json::Null => default,
            Json::Bool(flag) => *flag,
            Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
                self.problem(
                    "wrong_type",
                    place,
                    &format!("has a `{name}` that is neither true nor false"),
                );
                default
            }
        }
    }

    /// A list of texts; empty where it is absent.
    pub(super) fn texts<T: From<String>>(&mut self, json: &Json, name: &str, place: &str) -> Vec<T> {
        let items = json[name].as_array().map_or(&[][..], Vec::as_slice);
        if !(json[name].is_array() || json[name].is_null()) || items.iter().any(|item| !item.is_string()) {
            self.problem("wrong_type", place, &format!("has a `{name}` that is no list of texts"));
        }
        items
            .iter()
            .filter_map(Json::as_str)
            .map(|text| T::from(text.to_owned()))
            .collect()
    }
}
