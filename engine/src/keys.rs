//! Keys of JSON objects that nobody reads: most are misspelt, and what they were to say is lost in silence.
//!
//! Each reader has the list of its keys beside it. Free are keys that hold a user's own data: `label`, and whatever
//! begins with `_` or `$`. Not here: where an object stands, and what comes of an unread key (the readers).

use serde_json::Value as Json;

/// Unread keys that are told of one file: enough to see what went wrong.
const TOLD_MAX: usize = 64;
/// Characters of a key that are shown; a longer one is no misspelling.
const SHOWN_CHARS_MAX: usize = 60;
/// Likeness, of 1, from which a known key is taken for what was meant.
const LIKENESS_MIN: f64 = 0.75;

/// Words that people take for one of our keys though they are not spelt alike.
const ALIASES: [(&str, &str); 18] = [
    ("nodes", "node_info_list"),
    ("node_list", "node_info_list"),
    ("edges", "edge_info_list"),
    ("edge_list", "edge_info_list"),
    ("components", "component_info_list"),
    ("fields", "component_info_list"),
    ("rows", "component_info_list"),
    ("departments", "depts"),
    ("department_id", "dept_id"),
    ("manager", "leader"),
    ("parent", "parent_id"),
    ("admins", "admin_id_list"),
    ("options", "options_with_keys"),
    ("active", "is_active"),
    ("time_zone", "zone"),
    ("timezone", "zone"),
    ("hours", "week"),
    ("holidays", "special"),
];

/// Collects the unread keys of one file.
#[derive(Default)]
pub(crate) struct Unread {
    n_found: usize,
}

impl Unread {
    /// Sentences on the keys of an object that are none of `known`; each goes on from the place of the object.
    pub(crate) fn of(&mut self, json: &Json, known: &[&str]) -> Vec<String> {
        let mut sentences = Vec::new();
        for key in json.as_object().into_iter().flat_map(|object| object.keys()) {
            if known.contains(&key.as_str()) || key == "label" || key.starts_with(['_', '$']) {
                continue;
            }
            self.n_found += 1;
            if self.n_found <= TOLD_MAX {
                sentences.push(sentence(key, known));
            }
        }
        sentences
    }

    /// That there are more than were told.
    pub(crate) fn more(&self) -> Option<String> {
        let n_more = self.n_found.checked_sub(TOLD_MAX).filter(|n_more| *n_more > 0)?;
        Some(format!("{n_more} more keys are read by nothing"))
    }
}

fn sentence(key: &str, known: &[&str]) -> String {
    let shown: String = key.chars().take(SHOWN_CHARS_MAX).collect();
    let way_out = match nearest(key, known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!(
            "there are {}; a key for data of your own begins with `_`",
            listed(known)
        ),
    };
    format!("has the key `{}`, which nothing reads: {way_out}", shown.escape_debug())
}

fn listed(known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
    if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    }
}

fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    if key.chars().count() > SHOWN_CHARS_MAX {
        return None;
    }
    let folded = key.to_lowercase().replace(['-', ' ', '.'], "_");
    let alias = ALIASES
        .iter()
        .find(|(word, _)| *word == folded)
        .map(|(_, meant)| *meant);
    let alias = alias.and_then(|meant| known.iter().find(|one| **one == meant));
    let likeness = |word: &str| strsim::jaro_winkler(&folded, word).max(strsim::normalized_levenshtein(&folded, word));
    let likest = || {
        let rated = known.iter().map(|word| (likeness(word), word));
        let likest = rated.max_by(|(a, _), (b, _)| a.total_cmp(b));
        likest
            .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
            .map(|(_, word)| word)
    };
    alias.or_else(likest).copied()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_key_is_named() {
        let known = ["assignee", "assignee_type", "node_info_list", "depts"];
        for (key, word) in [
            ("assignee_typ", "did you mean `assignee_type`?"),
            ("assigneeType", "did you mean `assignee_type`?"),
            ("nodes", "did you mean `node_info_list`?"),
            ("departments", "did you mean `depts`?"),
            ("zzz", "there are `assignee`, `assignee_type`"),
            (&"assignee".repeat(20), "there are"),
        ] {
            let sentences = Unread::default().of(&json!({ key: 1 }), &known);
            assert!(sentences.len() == 1 && sentences[0].contains(word), "{sentences:?}");
        }
        let own = json!({ "label": {}, "_note": 1, "$schema": "x", "depts": [] });
        assert!(Unread::default().of(&own, &known).is_empty());
        assert!(Unread::default().of(&json!([1]), &known).is_empty());
    }

    #[test]
    fn many_are_counted() {
        let many: Json = (0..100)
            .map(|n| (format!("x{n}"), Json::Null))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let mut unread = Unread::default();
        assert_eq!(unread.of(&many, &["id"]).len(), TOLD_MAX);
        assert_eq!(unread.more(), Some("36 more keys are read by nothing".to_owned()));
    }
}
