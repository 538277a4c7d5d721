//! What of the log cannot be read or does not fold: named for operators, kept from being served, in nobody else's way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many are named; more of them are only counted, as by then it is not the single event that matters.
const NAMED_MAX: usize = 1_000;
/// Characters of a reason: a decoder's sentence fits.
const WHY_CHARS_MAX: usize = 300;

/// Something that is kept from being served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its stream in the log.
    pub stream: String,
    /// Why, in words.
    pub why: String,
}

/// All that was found so far.
#[derive(Debug, Default)]
pub(crate) struct Unreadables {
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    named: BTreeMap<String, String>,
    n_unnamed: u64,
}

impl Unreadables {
    /// Notes something down, and tells the log where it is new.
    pub(crate) fn note(&self, stream: &str, why: &str) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.named.contains_key(stream) {
            return;
        }
        if found.named.len() >= NAMED_MAX {
            found.n_unnamed += 1;
            if found.n_unnamed == 1 {
                tracing::error!("more than {NAMED_MAX} streams cannot be read; the others are not named");
            }
            return;
        }
        tracing::error!(stream, why, "a stream cannot be read; it alone is not served");
        let why = why.chars().take(WHY_CHARS_MAX).collect();
        found.named.insert(stream.to_owned(), why);
    }

    /// Those named, by stream.
    pub(crate) fn all(&self) -> Vec<Unreadable> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let named = found.named.iter();
        named
            .map(|(stream, why)| Unreadable {
                stream: stream.clone(),
                why: why.clone(),
            })
            .collect()
    }
}
