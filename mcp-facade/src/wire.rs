//! The words of the wire: what a tool's arguments ask of the engine, and what its answers look like as JSON.
//!
//! Here: conversions, one file per kind of thing. Not here: reading arguments (`arguments`, `call`), rules (the
//! engine), errors (`error`). Invariants: the keys of the contract are all there, whatever their values; what the engine
//! did not show is not invented; answers stay short, for they fill an assistant's context.

pub(crate) mod account;
pub(crate) mod action;
pub(crate) mod form;
pub(crate) mod history;
pub(crate) mod node;
pub(crate) mod page;
pub(crate) mod request;
pub(crate) mod ticket;
pub(crate) mod workflow;

use serde_json::Value;

/// An object whose parts are moved in. `json!` copies what it is given, and so a tree once for each of its levels.
pub(crate) fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    entries.into_iter().collect()
}

/// Puts `notes` into an answer, where there are any.
pub(crate) fn put_notes(answer: &mut Value, notes: Vec<String>) {
    if !notes.is_empty() {
        answer["notes"] = notes.into();
    }
}

/// A text of at most so many characters, with words about the rest where there is one.
pub(crate) fn clipped(text: &str, chars: usize) -> Option<String> {
    let (end, _) = text.char_indices().nth(chars)?;
    Some(format!("{}{}", &text[..end], words(text)))
}

fn words(text: &str) -> String {
    format!("… [cut: {} characters in all]", text.chars().count())
}

#[cfg(test)]
mod tests;
