//! Deadlines of nodes where people act (semantics: deadlines): when a stay is due, and what happens around that.
//!
//! What is misspelt here would let a deadline pass in silence, so an unknown key is an error too. A version that was
//! published when nothing read `deadline` is not held up by it: a deadline that does not read is none.
//!
//! Not here: setting and firing (`ticket/deadline`).

use serde_json::Value as Json;

use crate::calendar::Budget;
use crate::id::{CalendarId, EdgeId, FieldKey};
use crate::workflow::definition::reader::{Place, Reader, get};
use crate::workflow::edge::Edge;
use crate::workflow::form::{ComponentKind, Form};
use crate::workflow::node::normal::{self, AssigneeRule};
use crate::workflow::node::{Node, is_there};
use crate::workflow::problem::Problem;

/// Reminders of a step that does not say how many.
const TIMES: u32 = 10;
/// Most reminders of a step.
const TIMES_MAX: u32 = 100;
/// Most steps: each is an alarm of every stay.
const STEPS_MAX: usize = 100;

/// When a stay at a node is due, and what happens around that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When it is due.
    pub term: Term,
    /// By which calendar of the tenant time is counted; without one it always runs.
    pub calendar: Option<CalendarId>,
    /// Whether what the node's last stay has spent counts on.
    pub carry: bool,
    /// What happens when.
    pub steps: Vec<DeadlineStep>,
}

/// What a deadline is counted from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// So much working time of the stay.
    After(Budget),
    /// The instant in a date or datetime field.
    UntilField(FieldKey),
}

/// A step of a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadlineStep {
    /// How long after the due instant; before it where it is negative.
    pub at: Budget,
    /// What it does.
    pub does: StepDoes,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepDoes {
    /// People are reminded.
    Remind {
        /// Whom; `None` for those who can act.
        to: Option<AssigneeRule>,
        /// Again after so much working time.
        every: Option<Budget>,
        /// How often in all.
        times: u32,
    },
    /// Others hold the node from then on.
    Escalate {
        /// Who.
        to: AssigneeRule,
    },
    /// The ticket leaves the node.
    TakeEdge {
        /// Over which edge.
        edge: EdgeId,
    },
}

impl StepDoes {
    /// The definition's word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Remind { .. } => "remind",
            Self::Escalate { .. } => "escalate",
            Self::TakeEdge { .. } => "take_edge",
        }
    }

    /// The number of the last time that it is done, counted from 0.
    #[must_use]
    pub fn last(&self) -> u32 {
        match self {
            Self::Remind {
                every: Some(_), times, ..
            } => times - 1,
            Self::Remind { every: None, .. } | Self::Escalate { .. } | Self::TakeEdge { .. } => 0,
        }
    }
}

/// Reads the deadline of a node, where it has one that reads.
pub(crate) fn read(reader: &mut Reader, props: &Json, place: &Place, is_for_people: bool) -> Option<Box<Deadline>> {
    let json = get(props, "deadline");
    if json.is_null() {
        return None;
    }
    let found = reader.later(|own| {
        if is_for_people {
            return read_one(own, json, place);
        }
        let sentence = "has a `deadline`, and only a start or a normal node may have one: people act there";
        own.error("deadline_misplaced", place, sentence);
        None
    });
    found.map(Box::new)
}

fn read_one(own: &mut Reader, json: &Json, place: &Place) -> Option<Deadline> {
    if !json.is_object() {
        own.error("bad_deadline", place, "has a `deadline` that is no object");
        return None;
    }
    let keys = ["after", "until_field", "calendar", "carry", "steps"];
    own.strict_keys(json, &keys, "in `deadline`", place);
    let given = own.objects(json, "steps", place);
    if given.len() > STEPS_MAX {
        let sentence = format!(
            "has a `deadline` with {} steps: at most {STEPS_MAX} are taken",
            given.len()
        );
        own.error("bad_deadline", place, &sentence);
        return None;
    }
    let steps = given.into_iter().filter_map(|json| step(own, json, place)).collect();
    let [after, until, calendar] = ["after", "until_field", "calendar"].map(|key| own.text(json, key, place));
    let term = match (after.trim(), until.trim()) {
        ("", "") => {
            let sentence = "has a `deadline` that does not say when: give `after` (`P3D`) or `until_field`";
            own.error("bad_deadline", place, sentence);
            return None;
        }
        (after, "") => Term::After(budget(own, "after", after, place)),
        ("", until) => Term::UntilField(until.into()),
        (_, _) => {
            let sentence = "has a `deadline` with both `after` and `until_field`: give one of them";
            own.error("bad_deadline", place, sentence);
            return None;
        }
    };
    let calendar = calendar.trim();
    let carry = own.flag(json, "carry", place);
    if carry && matches!(term, Term::UntilField(_)) {
        let sentence = "has a `deadline` with `carry` and `until_field`: nothing is spent there, leave `carry` out";
        own.error("bad_deadline", place, sentence);
    }
    Some(Deadline {
        term,
        calendar: (!calendar.is_empty()).then(|| calendar.into()),
        carry,
        steps,
    })
}

fn step(own: &mut Reader, json: &Json, place: &Place) -> Option<DeadlineStep> {
    let keys = ["at", "do", "to", "edge", "every", "times"];
    own.strict_keys(json, &keys, "in `steps`", place);
    let at = own.text(json, "at", place);
    let at = match at.trim() {
        "" => Budget::default(),
        at => Budget::parse_signed(at).unwrap_or_else(|| {
            bad_duration(own, "at", at, place);
            Budget::default()
        }),
    };
    let word = own.text(json, "do", place);
    let is_there = |key: &str| !get(json, key).is_null();
    let odd: &[&str] = match word.as_str() {
        "remind" => &["edge"],
        "escalate" => &["edge", "every", "times"],
        "take_edge" => &["to", "every", "times"],
        _ => {
            let sentence =
                format!("has a `deadline` with a step that does `{word}`: take remind, escalate or take_edge");
            own.error("bad_deadline", place, &sentence);
            return None;
        }
    };
    for key in odd.iter().filter(|key| is_there(key)) {
        let sentence = format!("has a `deadline` with a step that does `{word}` and has `{key}`: leave it out");
        own.error("bad_deadline", place, &sentence);
    }
    let does = match word.as_str() {
        "remind" => remind(own, json, place),
        "escalate" => StepDoes::Escalate {
            to: rule(own, json, place).or_else(|| {
                let sentence = "has a `deadline` that escalates to nobody: give the step `to`";
                own.error("bad_deadline", place, sentence);
                None
            })?,
        },
        _ => StepDoes::TakeEdge {
            edge: own.edge(json, "edge", place).or_else(|| {
                let sentence = "has a `deadline` that takes no edge: give the step `edge`";
                own.error("bad_deadline", place, sentence);
                None
            })?,
        },
    };
    Some(DeadlineStep { at, does })
}

fn remind(own: &mut Reader, json: &Json, place: &Place) -> StepDoes {
    let every = own.text(json, "every", place);
    let every = match every.trim() {
        "" => None,
        text => Some(budget(own, "every", text, place)),
    };
    if every == Some(Budget::default()) && own.problems.is_empty() {
        let sentence = "has a `deadline` that reminds again after no time: make `every` longer";
        own.error("bad_deadline", place, sentence);
    }
    let given = get(json, "times");
    let times = if given.is_null() {
        Some(u64::from(TIMES))
    } else {
        given.as_u64()
    };
    let times = times.and_then(|times| u32::try_from(times).ok());
    let times = times
        .filter(|times| (1..=TIMES_MAX).contains(times))
        .unwrap_or_else(|| {
            let sentence = format!("has a `deadline` whose `times` is no whole number from 1 to {TIMES_MAX}");
            own.error("bad_deadline", place, &sentence);
            TIMES
        });
    if !given.is_null() && every.is_none() {
        let sentence = "has a `deadline` that reminds several `times` and does not say how far apart: give `every`";
        own.error("bad_deadline", place, sentence);
    }
    StepDoes::Remind {
        to: rule(own, json, place),
        every,
        times,
    }
}

/// Whom a step is about.
fn rule(own: &mut Reader, json: &Json, place: &Place) -> Option<AssigneeRule> {
    let to = own.object(json, "to", place);
    if to.is_null() {
        return None;
    }
    own.strict_keys(to, &["assignee_type", "assignee"], "in `to`", place);
    let rule = normal::assignee(own, to, place);
    if matches!(rule, AssigneeRule::External(_)) {
        let sentence = "has a `deadline` that asks an outside address for people: name them in another way";
        own.error("bad_deadline", place, sentence);
    }
    Some(rule)
}

fn budget(own: &mut Reader, key: &str, text: &str, place: &Place) -> Budget {
    Budget::parse(text).unwrap_or_else(|| {
        bad_duration(own, key, text, place);
        Budget::default()
    })
}

fn bad_duration(own: &mut Reader, key: &str, text: &str, place: &Place) {
    let sentence = format!(
        "has a `deadline` with `{key}` `{text}`: write days, hours, minutes and seconds in ISO 8601, for instance `P3D` or \
         `PT4H`"
    );
    own.error("bad_duration", place, &sentence);
}

/// Rules on the edges that steps take.
pub(crate) fn check(node: &Node, ways: &[&Edge], problems: &mut Vec<Problem>) {
    for step in node.deadline.iter().flat_map(|deadline| &deadline.steps) {
        if let StepDoes::TakeEdge { edge } = &step.does
            && !is_there(edge, ways)
        {
            let sentence = format!(
                "node `{}` has a deadline that takes the edge `{edge}`, which does not leave it: name one that does",
                node.id
            );
            let problem = Problem::error("unknown_deadline_edge", sentence);
            problems.push(problem.at_node(&node.id).at_edge(edge));
        }
    }
}

/// Rules on the fields that a deadline looks at.
pub(crate) fn check_fields(node: &Node, form: &Form, problems: &mut Vec<Problem>) {
    let Some(deadline) = &node.deadline else { return };
    if let Term::UntilField(key) = &deadline.term {
        let kinds = [ComponentKind::Date, ComponentKind::Datetime];
        problems.extend(node.looks_at(form, key, &kinds, "not_a_date_field"));
    }
    for rule in deadline.steps.iter().filter_map(|step| step.does.to()) {
        let AssigneeRule::TicketField(keys) = rule else {
            continue;
        };
        for key in keys {
            problems.extend(node.looks_at(form, key, &[ComponentKind::User], "not_a_user_field"));
        }
    }
}

impl StepDoes {
    /// Whom it is about, where it says so.
    #[must_use]
    pub fn to(&self) -> Option<&AssigneeRule> {
        match self {
            Self::Remind { to, .. } => to.as_ref(),
            Self::Escalate { to } => Some(to),
            Self::TakeEdge { .. } => None,
        }
    }
}
