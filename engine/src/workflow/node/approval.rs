//! `approval` of a normal node: how the votes of several people who all act are counted (semantics: votes).
//!
//! A version that was published before the key was known may say anything under it: what is wrong is kept as a fault, for
//! whoever publishes to hear of, and counts as not said. Not here: the counting itself (`ticket::ballot`).

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::keys::Unread;
use crate::workflow::definition::reader::{UNKNOWN_KEY, get};

const KEYS: [&str; 5] = ["rule", "n", "veto", "in_order", "abstain"];
const WORDS: &str = "all, any, majority, percent, count or sequence";
/// Shares of a whole.
const PERCENTS: std::ops::RangeInclusive<u64> = 1..=100;
/// As many as may be assigned.
const COUNTS: std::ops::RangeInclusive<u64> = 1..=1_000;

/// How votes are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Approval {
    /// How many votes for it take.
    pub rule: ApprovalRule,
    /// Whether one vote against ends it.
    pub veto: bool,
    /// Whether people vote one after the other.
    pub in_order: bool,
    /// Whether people may go without a vote.
    pub abstain: bool,
}

/// How many votes for it take. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApprovalRule {
    /// Everybody's.
    #[default]
    All,
    /// One.
    Any,
    /// More than half.
    Majority,
    /// So many of a hundred, rounded up.
    Percent(u32),
    /// So many, however many people there are.
    Count(u32),
}

impl ApprovalRule {
    /// The definition's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
            Self::Majority => "majority",
            Self::Percent(_) => "percent",
            Self::Count(_) => "count",
        }
    }

    /// The definition's `n`.
    #[must_use]
    pub fn n(self) -> Option<u32> {
        match self {
            Self::Percent(n) | Self::Count(n) => Some(n),
            Self::All | Self::Any | Self::Majority => None,
        }
    }

    /// With how many people a vote can be held at all: fewer than `count` asks for are never enough.
    #[must_use]
    pub fn n_people_min(self) -> u32 {
        match self {
            Self::Count(n) => n,
            Self::All | Self::Any | Self::Majority | Self::Percent(_) => 1,
        }
    }
}

/// What is wrong with what a definition says: a code, and a sentence that goes on from the place.
pub(super) type Fault = (&'static str, String);

/// Reads the key of a node whose people vote, or do not.
pub(super) fn read(props: &Json, votes: bool) -> (Approval, Vec<Fault>) {
    let given = get(props, "approval");
    if given.is_null() {
        return (Approval::default(), Vec::new());
    }
    let mut faults = Vec::new();
    let approval = read_object(given, &mut faults);
    if !votes {
        let sentence = "has an `approval` and does not ask everybody: make the strategy `whole`, or leave it out";
        faults.push(("approval_without_whole", sentence.to_owned()));
    }
    if faults.is_empty() {
        (approval, faults)
    } else {
        (Approval::default(), faults)
    }
}

fn read_object(given: &Json, faults: &mut Vec<Fault>) -> Approval {
    let mut bad = |sentence: String| faults.push(("bad_approval", sentence));
    if !given.is_object() {
        bad(format!(
            "has the `approval` {given}: give an object, such as {{\"rule\": \"majority\"}}"
        ));
        return Approval::default();
    }
    let mut flag = |key: &str| match get(given, key) {
        Json::Null => false,
        Json::Bool(flag) => *flag,
        other @ (Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_)) => {
            bad(format!("has {other} as `{key}` of its `approval`: give true or false"));
            false
        }
    };
    let (veto, in_order, abstain) = (flag("veto"), flag("in_order"), flag("abstain"));
    let said = get(given, "rule");
    let word = if said.is_null() {
        "all"
    } else {
        said.as_str().unwrap_or_default()
    };
    let n = get(given, "n");
    let mut number = |range: std::ops::RangeInclusive<u64>| {
        let number = n.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let (from, to) = (range.start(), range.end());
            bad(format!(
                "has {n} as `n` of its `approval`: the rule `{word}` takes {from} to {to}"
            ));
        }
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or(1)
    };
    let rule = match word {
        "all" | "sequence" => ApprovalRule::All,
        "any" => ApprovalRule::Any,
        "majority" => ApprovalRule::Majority,
        "percent" => ApprovalRule::Percent(number(PERCENTS)),
        "count" => ApprovalRule::Count(number(COUNTS)),
        _ => {
            bad(format!("has the `rule` {said} in its `approval`: take {WORDS}"));
            ApprovalRule::All
        }
    };
    if ["all", "sequence", "any", "majority"].contains(&word) && !n.is_null() {
        bad(format!(
            "has an `n` in its `approval`, and the rule `{word}` takes none: leave it out"
        ));
    }
    let unread = Unread::default().of(given, &KEYS);
    let unread = unread.into_iter().map(|sentence| format!("in `approval` {sentence}"));
    faults.extend(unread.map(|sentence| (UNKNOWN_KEY, sentence)));
    Approval {
        rule,
        veto,
        in_order: in_order || word == "sequence",
        abstain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(approval: Json) -> Vec<&'static str> {
        let (_, faults) = read(&json!({ "approval": approval }), true);
        faults.into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn every_rule_reads() {
        let read = |approval| read(&json!({ "approval": approval }), true).0;
        assert_eq!(read(json!(null)), Approval::default());
        assert_eq!(read(json!({})).rule, ApprovalRule::All);
        assert_eq!(read(json!({ "rule": "any", "veto": true })).rule, ApprovalRule::Any);
        assert_eq!(
            read(json!({ "rule": "percent", "n": 60, "abstain": true })),
            Approval {
                rule: ApprovalRule::Percent(60),
                abstain: true,
                ..Approval::default()
            }
        );
        assert_eq!(
            read(json!({ "rule": "count", "n": 1_000 })).rule,
            ApprovalRule::Count(1_000)
        );
        let sequence = read(json!({ "rule": "sequence" }));
        assert!(sequence.in_order && sequence.rule == ApprovalRule::All);
    }

    #[test]
    fn what_is_wrong_counts_as_not_said() {
        for (approval, code) in [
            (json!([]), "bad_approval"),
            (json!({ "rule": "most" }), "bad_approval"),
            (json!({ "rule": 1 }), "bad_approval"),
            (json!({ "rule": "percent" }), "bad_approval"),
            (json!({ "rule": "percent", "n": 101 }), "bad_approval"),
            (json!({ "rule": "percent", "n": 1.5 }), "bad_approval"),
            (json!({ "rule": "count", "n": 0 }), "bad_approval"),
            (json!({ "rule": "majority", "n": 2 }), "bad_approval"),
            (json!({ "rule": "any", "veto": "yes" }), "bad_approval"),
            (json!({ "rule": "any", "vetos": true }), "unknown_key"),
        ] {
            assert_eq!(faults(approval.clone()), [code], "{approval}");
            let (approval, _) = read(&json!({ "approval": approval }), true);
            assert_eq!(approval, Approval::default());
        }
        assert!(faults(json!({ "rule": "any", "_why": "x", "label": {} })).is_empty());
        let (approval, faults) = read(&json!({ "approval": { "rule": "any" } }), false);
        assert_eq!((approval, faults[0].0), (Approval::default(), "approval_without_whole"));
    }
}
