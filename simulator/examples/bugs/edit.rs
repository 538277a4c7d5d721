//! From the text of a file to the same with its bugs in it, each behind a switch.
//!
//! White space counts as one space wherever there is some, so that a passage survives a change of its indentation. A
//! passage stands where it stands whole: `ways` is not in `always`.

use std::fmt;
use std::ops::Range;

use crate::list::Bug;

/// A bug that cannot be put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    name: String,
    file: String,
    why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, file, why } = self;
        write!(f, "`{name}` no longer applies: `{file}` {why}")
    }
}

/// The text of a file with these bugs in it; else all that no longer apply.
pub(crate) fn switched(text: &str, bugs: &[&Bug]) -> Result<String, Vec<Broken>> {
    let mut places = Vec::new();
    let mut broken = Vec::new();
    for bug in bugs {
        match place(text, bug) {
            Ok(range) => places.push((range, *bug)),
            Err(why) => broken.push(of(bug, why)),
        }
    }
    places.sort_by_key(|(range, _)| range.start);
    for two in places.windows(2) {
        if two[1].0.start < two[0].0.end {
            broken.push(of(two[1].1, format!("has the bug `{}` there", two[0].1.name)));
        }
    }
    if !broken.is_empty() {
        return Err(broken);
    }
    let mut edited = String::with_capacity(text.len() + 100 * bugs.len());
    let mut done = 0;
    for (range, Bug { name, wrong, .. }) in places {
        let right = &text[range.clone()];
        edited.push_str(&text[done..range.start]);
        let switch = format!("crate::bugs::switch!({name}, {wrong}, {right})");
        // A block stays one: as the body of a match arm it has no comma after it.
        let is_block = right.starts_with('{');
        edited.push_str(&if is_block { format!("{{ {switch} }}") } else { switch });
        done = range.end;
    }
    edited.push_str(&text[done..]);
    Ok(edited)
}

fn of(bug: &Bug, why: String) -> Broken {
    Broken {
        name: bug.name.clone(),
        file: bug.file.clone(),
        why,
    }
}

/// Where the right text of a bug stands.
fn place(text: &str, bug: &Bug) -> Result<Range<usize>, String> {
    let at = once(text, bug.at())?;
    let right = once(&text[at.clone()], &bug.right)?;
    Ok(at.start + right.start..at.start + right.end)
}

/// The one place of a passage.
fn once(text: &str, passage: &str) -> Result<Range<usize>, String> {
    match places(text, passage).as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(format!("does not have `{passage}`")),
        several => Err(format!("has `{passage}` {} times", several.len())),
    }
}

fn places(text: &str, passage: &str) -> Vec<Range<usize>> {
    let words: Vec<&str> = passage.split_whitespace().collect();
    let is_whole = |range: &Range<usize>| !is_inside_a_word(text, range.start) && !is_inside_a_word(text, range.end);
    text.char_indices()
        .filter_map(|(start, _)| Some(start..start + length(&text[start..], &words)?))
        .filter(is_whole)
        .collect()
}

/// Bytes of a text that begins with these words, with white space between them.
fn length(text: &str, words: &[&str]) -> Option<usize> {
    let (first, others) = words.split_first()?;
    let mut rest = text.strip_prefix(first)?;
    for word in others {
        let next = rest.trim_start();
        if next.len() == rest.len() {
            return None;
        }
        rest = next.strip_prefix(word)?;
    }
    Some(text.len() - rest.len())
}

fn is_inside_a_word(text: &str, idx: usize) -> bool {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text[..idx].ends_with(is_of_word) && text[idx..].starts_with(is_of_word)
}
