//! Makes an answer small enough to be sent: bounds of one field, of one node and of one row do not add up to the bound of
//! a message, and an answer that is never sent would make a ticket unreadable, or a change look as if it had failed.
//!
//! What is too long is cut: texts first, then lists, no more than is needed. A cut text ends in words that say so, and
//! the answer has a key `cut` that says how to get the whole. Ids and names are shorter than the shortest cut. Not here:
//! people of a row, of which there are always few (the engine's views).

use serde_json::{Value, json};

use crate::wire::clipped;

/// Bytes kept free for the words about what was cut.
const WORDS_BYTES: usize = 4 * 1024;

/// Bytes of the words at the end of a cut text, at most.
const CUT_WORDS_BYTES: usize = 64;

/// Where texts and lists are cut, mildest first.
const STEPS: [Limits; 6] = [
    Limits::of(20_000, usize::MAX),
    Limits::of(5_000, usize::MAX),
    Limits::of(1_000, 1_000),
    Limits::of(1_000, 200),
    Limits::of(300, 50),
    Limits::of(300, 10),
];

#[derive(Clone, Copy)]
struct Limits {
    chars: usize,
    entries: usize,
}

impl Limits {
    const fn of(chars: usize, entries: usize) -> Self {
        Self { chars, entries }
    }
}

/// Cuts an answer of more than `bytes_max` bytes of JSON; `whole` says how to get what is cut.
pub(super) fn fit(answer: &mut Value, bytes_max: usize, whole: &str) {
    let room = bytes_max.saturating_sub(WORDS_BYTES);
    let fits = |limits: &&Limits| size(answer, **limits) <= room;
    let [.., hardest] = STEPS;
    let limits = STEPS.iter().find(fits).copied().unwrap_or(hardest);
    let mut cut = Cut::default();
    cut.apply(answer, limits);
    if let Value::Object(entries) = answer {
        let words = json!({ "n_texts": cut.n_texts, "n_lists": cut.n_lists, "whole": whole });
        entries.insert("cut".to_owned(), words);
    }
}

#[derive(Default)]
struct Cut {
    n_texts: usize,
    n_lists: usize,
}

impl Cut {
    fn apply(&mut self, value: &mut Value, limits: Limits) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => {
                if let Some(shorter) = clipped(text, limits.chars) {
                    *text = shorter;
                    self.n_texts += 1;
                }
            }
            Value::Array(entries) => {
                if entries.len() > limits.entries {
                    entries.truncate(limits.entries);
                    self.n_lists += 1;
                }
                for entry in entries {
                    self.apply(entry, limits);
                }
            }
            Value::Object(entries) => {
                for entry in entries.values_mut() {
                    self.apply(entry, limits);
                }
            }
        }
    }
}

/// Bytes of a value as JSON, were it cut so.
fn size(value: &Value, limits: Limits) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => {
            let mut chars = text.chars();
            let shown = chars.by_ref().take(limits.chars).map(written_bytes).sum::<usize>();
            let is_cut = chars.next().is_some();
            shown + 2 + if is_cut { CUT_WORDS_BYTES } else { 0 }
        }
        Value::Array(entries) => {
            let entries = entries.iter().take(limits.entries);
            2 + entries.map(|entry| size(entry, limits) + 1).sum::<usize>()
        }
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, entry)| key.chars().map(written_bytes).sum::<usize>() + 4 + size(entry, limits));
            2 + entries.sum::<usize>()
        }
    }
}

/// Bytes of a character in a JSON text.
fn written_bytes(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_answer_is_made_to_fit() {
        let long = "\u{1}中".repeat(100_000);
        let rows: Vec<Value> = (0..2_000)
            .map(|n| json!({ "id": n.to_string(), "people": vec!["x"; 300] }))
            .collect();
        let many: Vec<Value> = (0..12).map(|_| json!(long)).collect();
        for answer in [
            json!({ "a": long }),
            json!({ "rows": rows }),
            json!({ "a": many, "rows": rows, "kept": "id" }),
        ] {
            let mut cut = answer.clone();
            fit(&mut cut, 1 << 20, "ask for less");
            assert!(cut.to_string().len() <= 1 << 20, "{}", cut.to_string().len());
            assert_eq!(cut["cut"]["whole"], "ask for less");
            assert_eq!(cut["kept"], answer["kept"]);
        }
        let mut cut = json!({ "a": "x".repeat(30_000), "b": vec!["y"; 400_000] });
        fit(&mut cut, 1 << 20, "");
        assert!(cut["a"].as_str().unwrap().ends_with("… [cut: 30000 characters in all]"));
        assert_eq!(cut["b"].as_array().unwrap().len(), 1_000);
        assert_eq!(cut["cut"]["n_lists"], 1);
    }
}
