//! Reads parts of a JSON definition and notes what has the wrong shape, so that one pass finds every problem.
//!
//! Not here: what the parts mean (`definition`). A part that is absent or null reads as its empty form.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value as Json;

use crate::id::{EdgeId, FieldKey, NodeId};
use crate::keys::Unread;
pub(crate) use crate::text::is_http;
use crate::workflow::problem::Problem;

/// Code of the warning of a key that nobody reads.
pub(crate) const UNKNOWN_KEY: &str = "unknown_key";

/// Where in the definition something stands.
#[derive(Clone, Default)]
pub(crate) struct Place {
    /// For sentences: ``node `approve` ``.
    pub(crate) what: String,
    /// The node, if it is about one.
    pub(crate) node: Option<NodeId>,
    /// The edge, if it is about one.
    pub(crate) edge: Option<EdgeId>,
    /// The field, if it is about one.
    pub(crate) field: Option<FieldKey>,
}

impl Place {
    pub(crate) fn of(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    pub(crate) fn node(id: &NodeId) -> Self {
        Self {
            node: Some(id.clone()),
            ..Self::of(format!("node `{id}`"))
        }
    }

    pub(crate) fn edge(id: &EdgeId) -> Self {
        Self {
            edge: Some(id.clone()),
            ..Self::of(format!("edge `{id}`"))
        }
    }

    pub(crate) fn field(key: &FieldKey) -> Self {
        Self {
            field: Some(key.clone()),
            ..Self::of(format!("field `{key}`"))
        }
    }
}

/// Collects problems while reading.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) problems: Vec<Problem>,
    /// Problems that keep a definition from being published and do not keep a published one from running: what they are
    /// about reads as if it were not there.
    of_new: Vec<Problem>,
    unread: Unread,
    /// Whether parts were left out since the last `was_whole`, so that others may seem to be missing.
    is_torn: bool,
}

impl Reader {
    /// Notes an error; the sentence begins with the place.
    pub(crate) fn error(&mut self, code: &'static str, place: &Place, sentence: &str) {
        self.note(Problem::error(code, format!("{} {sentence}", place.what)), place);
    }

    /// Notes a warning; the sentence begins with the place.
    pub(crate) fn warning(&mut self, code: &'static str, place: &Place, sentence: &str) {
        self.note(Problem::warning(code, format!("{} {sentence}", place.what)), place);
    }

    fn note(&mut self, mut problem: Problem, place: &Place) {
        problem.node.clone_from(&place.node);
        problem.edge.clone_from(&place.edge);
        problem.field.clone_from(&place.field);
        self.problems.push(problem);
    }

    /// Warns of keys of an object that are none of those its reader knows. `part` names the object where it is not the
    /// place itself: ``in `props` ``.
    pub(crate) fn keys(&mut self, json: &Json, known: &[&str], part: &str, place: &Place) {
        let part = if part.is_empty() {
            String::new()
        } else {
            format!(" {part}")
        };
        for sentence in self.unread.of(json, known) {
            let sentence = format!("{}{part} {sentence}", place.what);
            self.note(Problem::warning(UNKNOWN_KEY, sentence), place);
        }
    }

    /// As [`keys`](Self::keys), where a strange key is an error.
    pub(crate) fn strict_keys(&mut self, json: &Json, known: &[&str], part: &str, place: &Place) {
        for sentence in self.unread.of(json, known) {
            self.error(UNKNOWN_KEY, place, &format!("{part} {sentence}"));
        }
    }

    /// Reads what nothing read when the first definitions were published: a problem with it counts for a new definition
    /// alone, and what has one reads as if it were not there.
    pub(crate) fn later<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut own = Self::default();
        let found = read(&mut own);
        let problems = own.into_problems();
        let is_right = !problems.iter().any(Problem::is_error);
        self.note_of_new(problems);
        found.filter(|_| is_right)
    }

    /// Notes problems that count for a new definition alone.
    pub(crate) fn note_of_new(&mut self, problems: Vec<Problem>) {
        self.of_new.extend(problems);
    }

    /// What counts for a new definition alone.
    pub(crate) fn take_of_new(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.of_new)
    }

    /// What was found.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        let more = self.unread.more();
        self.problems
            .extend(more.map(|more| Problem::warning(UNKNOWN_KEY, more)));
        self.problems
    }

    /// A duration of so many seconds; `None` where none is given. Another one is an error.
    pub(crate) fn seconds(
        &mut self,
        from: &Json,
        name: &str,
        allowed: RangeInclusive<u64>,
        place: &Place,
    ) -> Option<Duration> {
        let text = self.text(from, name, place);
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let span = text.parse::<jiff::Span>().ok();
        let span = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
        let seconds = span.and_then(|span| u64::try_from(span.as_secs()).ok());
        let seconds = seconds.filter(|seconds| allowed.contains(seconds));
        if seconds.is_none() {
            let (least, most) = allowed.into_inner();
            let sentence = format!("has the `{name}` `{text}`: write `PT{least}S` to `PT{most}S`");
            self.error("bad_duration", place, &sentence);
        }
        seconds.map(Duration::from_secs)
    }

    /// Whether everything was taken in since the last time this was asked.
    pub(crate) fn was_whole(&mut self) -> bool {
        !std::mem::take(&mut self.is_torn)
    }

    /// Notes that a part is left out.
    pub(crate) fn tear(&mut self) {
        self.is_torn = true;
    }

    fn wrong_type(&mut self, name: &str, expected: &str, found: &Json, place: &Place) {
        let found = match found {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a text",
            Json::Array(_) => "a list",
            Json::Object(_) => "an object",
        };
        self.error(
            "wrong_type",
            place,
            &format!("has {found} as `{name}`: give {expected}"),
        );
    }

    /// An object; null where it is absent or something else.
    pub(crate) fn object<'a>(&mut self, from: &'a Json, name: &str, place: &Place) -> &'a Json {
        match get(from, name) {
            Json::Null => &Json::Null,
            found @ Json::Object(_) => found,
            found @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
                self.wrong_type(name, "an object", found, place);
                self.tear();
                &Json::Null
            }
        }
    }

    /// The elements of a list of objects; elements that are none are noted and left out.
    pub(crate) fn objects<'a>(&mut self, from: &'a Json, name: &str, place: &Place) -> Vec<&'a Json> {
        let mut found = Vec::new();
        for item in self.list(from, name, place) {
            if item.is_object() {
                found.push(item);
            } else {
                self.wrong_type(name, "a list of objects", item, place);
                self.tear();
            }
        }
        found
    }

    /// The elements of a list.
    pub(crate) fn list<'a>(&mut self, from: &'a Json, name: &str, place: &Place) -> &'a [Json] {
        match get(from, name) {
            Json::Null => &[],
            Json::Array(items) => items,
            found @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_)) => {
                self.wrong_type(name, "a list", found, place);
                self.tear();
                &[]
            }
        }
    }

    /// A text, as given.
    pub(crate) fn text(&mut self, from: &Json, name: &str, place: &Place) -> String {
        match get(from, name) {
            Json::Null => String::new(),
            Json::String(text) => text.clone(),
            found @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
                self.wrong_type(name, "a text", found, place);
                String::new()
            }
        }
    }

    /// A boolean; false where it is absent.
    pub(crate) fn flag(&mut self, from: &Json, name: &str, place: &Place) -> bool {
        match get(from, name) {
            Json::Null => false,
            Json::Bool(flag) => *flag,
            found @ (Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_)) => {
                self.wrong_type(name, "true or false", found, place);
                false
            }
        }
    }

    /// The id of an edge; `None` where it is absent or blank.
    pub(crate) fn edge(&mut self, from: &Json, name: &str, place: &Place) -> Option<EdgeId> {
        let id = self.text(from, name, place);
        (!id.trim().is_empty()).then(|| EdgeId::from(id))
    }

    /// Texts from a list or a comma separated text: trimmed, blank ones and repetitions left out.
    pub(crate) fn texts(&mut self, from: &Json, name: &str, place: &Place) -> Vec<String> {
        let given: Vec<&str> = match get(from, name) {
            Json::Null => Vec::new(),
            Json::String(text) => text.split(',').collect(),
            Json::Array(items) => {
                for odd in items.iter().filter(|item| !item.is_string()) {
                    self.wrong_type(name, "texts", odd, place);
                }
                items.iter().filter_map(Json::as_str).collect()
            }
            found @ (Json::Bool(_) | Json::Number(_) | Json::Object(_)) => {
                self.wrong_type(name, "a comma separated text or a list of texts", found, place);
                Vec::new()
            }
        };
        let mut seen = BTreeSet::new();
        let given = given.into_iter().map(str::trim).filter(|text| !text.is_empty());
        given.filter(|text| seen.insert(*text)).map(str::to_owned).collect()
    }
}

/// An entry of an object; null where there is none.
pub(crate) fn get<'a>(from: &'a Json, name: &str) -> &'a Json {
    from.get(name).unwrap_or(&Json::Null)
}
