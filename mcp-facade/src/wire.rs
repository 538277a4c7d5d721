//! The words of the wire: what a call's arguments ask of the engine, and the parts that answers are made of.
//!
//! Here: types whose fields are the keys of the contract, one file per kind of thing; whatever spells an answer writes
//! them out. They own what they hold: what the engine showed is moved in. Not here: whole answers (`call`), reading
//! arguments (`arguments`, `call`), rules (the engine), errors (`error`). Invariants: the keys of the contract are all
//! there, whatever their values; what the engine did not show is not invented; answers stay short, for they fill an
//! assistant's context.

pub mod absence;
pub mod account;
pub mod action;
pub mod form;
pub mod history;
pub mod node;
pub mod page;
pub(crate) mod request;
pub mod ticket;
pub mod workflow;

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
