//! Foreign formats read as definitions.
//!
//! What a definition cannot say is reported by the id of the element, with the way out, never dropped in silence; what
//! it says otherwise is reported too. The result is checked as publishing would check it. Not here: writing such
//! formats (`export`).

use std::fmt;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::validate::{Problem, ValidationContext, check};
use serde_json::{Value as Json, json};

pub mod bpmn;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something cannot be expressed: the definition is not the same until this is mended.
    Lost,
    /// Something is expressed in another way: worth a look.
    Changed,
}

impl Level {
    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Changed => "changed",
        }
    }
}

/// Something that could not be taken over as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// Stable word for programs.
    pub code: &'static str,
    /// Id of the element; empty where it is about the whole.
    pub element: String,
    /// What is so and how to mend it, for people.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.level.word(), self.code)?;
        if !self.element.is_empty() {
            write!(f, "`{}` ", self.element)?;
        }
        f.write_str(&self.message)
    }
}

/// A definition that was read, with all that is to be said about it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The definition, as its file has it.
    pub definition: Json,
    /// What could not be taken over as it stood, in the order of the document.
    pub findings: Vec<Finding>,
    /// What validation says of the definition.
    pub problems: Vec<Problem>,
}

impl Imported {
    /// Checks a definition that was read.
    fn new(definition: Json, findings: Vec<Finding>) -> Self {
        let (_, problems) = check(&definition, None, &ValidationContext::default());
        Self {
            definition,
            findings,
            problems,
        }
    }

    /// Checks it again, now that the people, departments and roles it may name are known.
    pub fn check_names(&mut self, directory: &Directory) {
        let context = ValidationContext {
            directory: Some(directory),
            known_workflows: None,
        };
        (_, self.problems) = check(&self.definition, None, &context);
    }

    /// Whether it can be published and says what the original said.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let is_lost = self.findings.iter().any(|finding| finding.level == Level::Lost);
        !is_lost && !self.problems.iter().any(Problem::is_error)
    }

    /// Everything for programs, the definition included.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let findings = self.findings.iter().map(|one| {
            json!({ "level": one.level.word(), "code": one.code, "element": one.element, "message": one.message })
        });
        json!({
            "is_whole": self.is_whole(),
            "findings": findings.collect::<Vec<_>>(),
            "problems": self.problems.iter().map(problem_json).collect::<Vec<_>>(),
            "definition": self.definition,
        })
    }
}

/// A problem of validation for programs.
#[must_use]
pub fn problem_json(problem: &Problem) -> Json {
    json!({
        "code": problem.code,
        "is_error": problem.is_error(),
        "node": problem.node.as_ref().map(|id| id.as_str()),
        "edge": problem.edge.as_ref().map(|id| id.as_str()),
        "field": problem.field.as_ref().map(|key| key.as_str()),
        "message": problem.message,
    })
}
