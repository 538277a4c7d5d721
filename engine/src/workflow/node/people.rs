//! What becomes of the creator among the people of a normal node, and what where nobody is left (semantics: assignees).

use serde_json::Value as Json;

use crate::workflow::definition::reader::get;
use crate::workflow::node::approval::Fault;

/// What becomes of the creator among the people that are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCreator {
    /// They are one of them.
    Allow,
    /// They are left out.
    Exclude,
    /// They are left out, and where they are among those of a department, the people above take their place.
    NextAbove,
}

impl OnCreator {
    /// All, with their words.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Allow, "allow"),
        (Self::Exclude, "exclude"),
        (Self::NextAbove, "next_above"),
    ];

    /// The definition's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(one, _)| *one == self);
        found.map_or("", |(_, word)| word)
    }

    /// Whether the creator may not act.
    #[must_use]
    pub fn excludes(self) -> bool {
        match self {
            Self::Allow => false,
            Self::Exclude | Self::NextAbove => true,
        }
    }
}

/// What becomes of a node that nobody is found for, or too few people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnNobody {
    /// A person's command is refused; where nobody caused the move, the node waits for help.
    Refuse,
    /// The people of the nearest department above who are enough.
    NextAbove,
    /// The active admins of the workflow, else of the tenant.
    Admins,
}

impl OnNobody {
    /// All, with their words.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Refuse, "refuse"),
        (Self::NextAbove, "next_above"),
        (Self::Admins, "admins"),
    ];

    /// The definition's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(one, _)| *one == self);
        found.map_or("", |(_, word)| word)
    }
}

/// Reads both keys, and the older one that says the same as one word of the first. A word that is none counts as not said.
/// `is_above`: whether the rule names people of departments alone, above whom there may be others.
pub(super) fn read(props: &Json, excludes: bool, is_above: bool, faults: &mut Vec<Fault>) -> (OnCreator, OnNobody) {
    let said = word(props, "on_creator", &OnCreator::ALL, faults).unwrap_or(OnCreator::Allow);
    // Of two that contradict each other, the one counts by which nobody approves what is their own.
    let on_creator = if excludes && said == OnCreator::Allow {
        OnCreator::Exclude
    } else {
        said
    };
    let on_nobody = word(props, "on_nobody", &OnNobody::ALL, faults).unwrap_or(OnNobody::Refuse);
    let mut misplaced = |key: &str| {
        let sentence = format!(
            "has `next_above` as `{key}`, and there is something above the creator's department alone: assign \
             `creator_dept_approver` or `creator_dept_leader` and nobody else, or take another word"
        );
        faults.push(("next_above_misplaced", sentence));
    };
    let (mut creator, mut nobody) = (on_creator, on_nobody);
    if creator == OnCreator::NextAbove && !is_above {
        misplaced("on_creator");
        creator = OnCreator::Exclude;
    }
    if nobody == OnNobody::NextAbove && !is_above {
        misplaced("on_nobody");
        nobody = OnNobody::Refuse;
    }
    (creator, nobody)
}

fn word<T: Copy>(props: &Json, key: &str, all: &[(T, &str)], faults: &mut Vec<Fault>) -> Option<T> {
    let given = get(props, key);
    if given.is_null() || given == "" {
        return None;
    }
    let found = all.iter().find(|(_, word)| given == *word);
    if found.is_none() {
        let words = all.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(", ");
        let code = if key == "on_creator" {
            "unknown_on_creator"
        } else {
            "unknown_on_nobody"
        };
        faults.push((code, format!("has {given} as `{key}`: take one of {words}")));
    }
    found.map(|(value, _)| *value)
}
