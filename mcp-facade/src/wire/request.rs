//! Parts of a request: texts become ids, words become kinds, and what cannot be one is refused.
//!
//! Not here: which parts a call has (`call`), whether a request may be carried out (the engine). An id that could not
//! exist is treated as one that does not: nothing is told about ids.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::id::{FieldKey, TicketId};
use loonflow_engine::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use loonflow_engine::runtime::{Caller, Idempotency};
use loonflow_engine::text::is_blank;
use loonflow_engine::ticket::Refusal;
use loonflow_engine::value::Value as FieldValue;
use loonflow_engine::workflow::decide::digest;
use serde_json::{Map, Value, json};

use crate::arguments::names::unknown_key;
use crate::arguments::{Page, distinct, shortened, wrong_type};
use crate::error::ApiError;

/// The ticket that a text names.
///
/// # Errors
/// `ticket_not_found`.
pub(crate) fn ticket_id(text: &str) -> Result<TicketId, ApiError> {
    TicketId::parse(text).ok_or_else(|| Refusal::TicketNotFound { id: shortened(text) }.into())
}

/// `page` and `per_page` as the engine takes them; a page beyond counting is past the end anyway.
pub(crate) fn numbers(page: Page) -> (u32, u32) {
    (u32::try_from(page.page).unwrap_or(u32::MAX), page.per_page)
}

pub(crate) fn ids<T: Ord + for<'a> From<&'a str>>(texts: &[String]) -> BTreeSet<T> {
    texts.iter().map(|text| T::from(text.as_str())).collect()
}

pub(crate) fn fields(sent: &Map<String, Value>) -> BTreeMap<FieldKey, FieldValue> {
    sent.iter()
        .map(|(key, value)| (FieldKey::from(key.as_str()), FieldValue::from(value)))
        .collect()
}

/// A call that changes something, for its key.
pub(crate) struct Keyed<'a> {
    /// What is called: part of the fingerprint, so never to be renamed.
    pub(crate) tool: &'static str,
    /// Who calls.
    pub(crate) caller: &'a Caller,
    /// Their name for the call.
    pub(crate) key: Option<&'a str>,
}

impl Keyed<'_> {
    /// The key with a digest of everything that makes it this call: who sends it through what, and what is asked for as
    /// it was `understood`, so that `null`, an empty text or another spelling of the same is the same call. Keys from
    /// before that are known by the digest of what was `sent`.
    pub(crate) fn idempotency(
        &self,
        understood: impl FnOnce() -> Value,
        sent: impl FnOnce() -> Value,
    ) -> Result<Option<Idempotency>, ApiError> {
        let Some(key) = self.key else { return Ok(None) };
        if key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
            let message = format!(
                "argument `idempotency_key` may have {IDEMPOTENCY_KEY_BYTES_MAX} bytes, got {}",
                key.len()
            );
            return Err(
                ApiError::invalid_argument("idempotency_key", message).with_hint("send a shorter one, as a UUID")
            );
        }
        Ok(Some(Idempotency {
            key: key.to_owned(),
            fingerprint: self.fingerprint("understood", understood()),
            older: Some(self.fingerprint("arguments", sent())),
        }))
    }

    fn fingerprint(&self, name: &str, asked: Value) -> [u8; 32] {
        let mut call = json!({
            "tool": self.tool,
            "tenant_id": self.caller.tenant_id.as_str(),
            "user_id": self.caller.user_id.as_str(),
            "app_name": self.caller.app.as_str(),
        });
        call[name] = asked;
        digest(&call)
    }
}

/// `action_props`: what is sent must be known, so that a misspelt comment is not lost without a word.
pub(crate) struct Props<'a>(&'a Map<String, Value>);

impl<'a> Props<'a> {
    pub(crate) fn new(sent: &'a Map<String, Value>, known: &[&str]) -> Result<Self, ApiError> {
        let unknown = sent
            .iter()
            .find(|(name, value)| !value.is_null() && !known.contains(&name.as_str()));
        match unknown {
            Some((name, _)) => {
                let message = format!("`action_props` has no key `{}`", shortened(name));
                Err(unknown_key(name, known, &message))
            }
            None => Ok(Self(sent)),
        }
    }

    /// A text; `None` where it was not sent or is blank.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !is_blank(text))),
            Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
                Err(wrong_type(&format!("action_props.{name}"), "a string", other))
            }
        }
    }

    /// A flag; false where it was not sent.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other @ (Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
                Err(wrong_type(&format!("action_props.{name}"), "true or false", other))
            }
        }
    }

    /// A list of texts, or a comma separated one.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let argument = format!("action_props.{name}");
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => distinct(&argument, text.split(',')),
            Some(Value::Array(values)) if values.iter().all(Value::is_string) => {
                distinct(&argument, values.iter().filter_map(Value::as_str))
            }
            Some(other) => Err(wrong_type(&argument, "an array of strings", other)),
        }
    }
}
