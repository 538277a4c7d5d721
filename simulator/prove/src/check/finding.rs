//! What a check finds: a stable code, how bad it is, where, a sentence that says how to mend it, and the way there.
//!
//! | code | what | severity |
//! |---|---|---|
//! | `stuck` | a ticket that can be brought to where nothing moves it on | error |
//! | `livelock` | a ticket that can be brought to where it goes round and never ends | error |
//! | `dead_node`, `dead_edge` | never entered, never taken | error |
//! | `never_holds` | an edge whose conditions hold for no values | error |
//! | `condition_gap` | values for which no branch of a gateway holds, and no default | error |
//! | `no_assignee` | a node that nobody can be assigned at; a warning where the same person can mend it | error |
//! | `unfillable_field` | a field that must be there and takes no value | error |
//! | `same_person` | one person may do what was asked to be separate | error |
//! | `endless_moves` | automatic moves that never end | error |
//! | `overlap`, `condition_never_holds` | see `conditions` | warning |
//! | `requester_decides`, `never_filled` | see `deciders`; a note where those between see the value | warning |
//! | `default_never_taken`, `cancels_others`, `depends_on_parent`, `blocked_without`, `overlaps_not_known` | worth knowing | note |

use loonflow_engine::id::NodeId;
use loonflow_engine::value::Value;
use serde_json::{Value as Json, json};

use super::story::Story;

/// Codes of findings that come with a story, and so with a case.
pub(crate) const STORY_CODES: [&str; 6] = [
    "stuck",
    "livelock",
    "condition_gap",
    "no_assignee",
    "same_person",
    "endless_moves",
];

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The definition is not sound.
    Error,
    /// Worth a look.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// As it is shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// See the head of this file.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Stable word for programs.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The node it is about.
    pub node: Option<String>,
    /// The edge it is about.
    pub edge: Option<String>,
    /// The field it is about.
    pub field: Option<String>,
    /// For people.
    pub message: String,
    /// How it comes about.
    pub story: Option<Box<Story>>,
}

impl Finding {
    pub(crate) fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            node: None,
            edge: None,
            field: None,
            message: message.into(),
            story: None,
        }
    }

    pub(crate) fn at_node(self, node: &NodeId) -> Self {
        Self {
            node: Some(node.as_str().to_owned()),
            ..self
        }
    }

    pub(crate) fn at_edge(self, edge: &str) -> Self {
        Self {
            edge: Some(edge.to_owned()),
            ..self
        }
    }

    pub(crate) fn at_field(self, field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..self
        }
    }

    pub(crate) fn told(self, story: Story) -> Self {
        Self {
            story: Some(Box::new(story)),
            ..self
        }
    }

    /// What two kinds of creators may both show.
    pub(crate) fn place(&self) -> (&'static str, Option<String>, Option<String>, Option<String>) {
        (self.code, self.node.clone(), self.edge.clone(), self.field.clone())
    }

    /// For people: the sentence and, where it is worth more than a note, how it comes about.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} {}: {}", self.severity.word(), self.code, self.message)];
        let Some(story) = self.story.as_ref().filter(|_| self.severity != Severity::Note) else {
            return lines;
        };
        let steps = story.lines.iter().enumerate();
        lines.extend(steps.map(|(idx, line)| format!("    {}. {line}", idx + 1)));
        if !story.is_played {
            lines.push("    (the engine did not go this way: please report it)".to_owned());
        }
        lines
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut found = json!({ "code": self.code, "severity": self.severity.word(), "message": self.message });
        for (name, text) in [("node", &self.node), ("edge", &self.edge), ("field", &self.field)] {
            if let Some(text) = text {
                found[name] = json!(text);
            }
        }
        if let Some(story) = &self.story {
            found["story"] = json!(story.lines);
            found["played"] = json!(story.is_played);
            found["case"] = json!(story.case);
        }
        found
    }
}

/// `amount = 5`; `amount left empty`.
pub(crate) fn shown_value(key: &str, value: &Value) -> String {
    if value.is_empty() {
        format!("{key} left empty")
    } else {
        format!("{key} = {}", Json::from(value))
    }
}
