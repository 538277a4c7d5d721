//! Findings of a run as JUnit XML, which build servers show as tests: a suite per file or workflow, a case per thing
//! that was looked at.
//!
//! Times are left out: they would differ from run to run.

use loonflow_engine::workflow::validate::Problem;

use crate::formats::import::{Imported, Level};
use crate::formats::xml::XmlWriter;
use crate::record::shadow::{Outcome, Report};
use crate::world::inputs::Definition;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is wrong.
    Passed,
    /// Something is wrong.
    Failed {
        /// Stable word.
        kind: String,
        /// In one sentence.
        message: String,
        /// The whole story.
        story: String,
    },
    /// A bound was met before an answer was found, or it is only worth a look.
    Skipped {
        /// Why.
        message: String,
    },
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What, within its suite.
    pub name: String,
    /// How it ended.
    pub ended: Ended,
}

/// The cases of one file or workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// Which.
    pub name: String,
    /// In order.
    pub cases: Vec<Case>,
}

/// Suites as one document.
#[must_use]
pub fn junit(suites: &[Suite]) -> String {
    let mut xml = XmlWriter::new();
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    xml.open(
        "testsuites",
        &[
            ("name", "loonflow-simulate"),
            ("tests", &all().count().to_string()),
            ("failures", &all().filter(|case| case.is_failed()).count().to_string()),
            ("errors", "0"),
        ],
    );
    for suite in suites {
        let count = |is: &dyn Fn(&Case) -> bool| suite.cases.iter().filter(|case| is(case)).count().to_string();
        xml.open(
            "testsuite",
            &[
                ("name", &suite.name),
                ("tests", &suite.cases.len().to_string()),
                ("failures", &count(&Case::is_failed)),
                ("errors", "0"),
                ("skipped", &count(&|case| matches!(case.ended, Ended::Skipped { .. }))),
            ],
        );
        for case in &suite.cases {
            let attributes = [("classname", suite.name.as_str()), ("name", case.name.as_str())];
            match &case.ended {
                Ended::Passed => xml.empty("testcase", &attributes),
                Ended::Failed { kind, message, story } => {
                    xml.open("testcase", &attributes);
                    xml.text("failure", &[("type", kind), ("message", message)], story);
                    xml.close();
                }
                Ended::Skipped { message } => {
                    xml.open("testcase", &attributes);
                    xml.empty("skipped", &[("message", message)]);
                    xml.close();
                }
            }
        }
        xml.close();
    }
    xml.finish()
}

impl Case {
    fn is_failed(&self) -> bool {
        matches!(self.ended, Ended::Failed { .. })
    }
}

/// A definition as a suite: each problem a case, or one case that passes.
#[must_use]
pub fn of_definition(definition: &Definition) -> Suite {
    suite(&definition.shown, definition.problems.iter().map(of_problem).collect())
}

/// An import as a suite: each finding and problem a case, or one case that passes.
#[must_use]
pub fn of_import(shown: &str, imported: &Imported) -> Suite {
    let findings = imported.findings.iter().map(|finding| Case {
        name: format!("{} {}", finding.code, finding.element).trim_end().to_owned(),
        ended: match finding.level {
            Level::Lost => Ended::Failed {
                kind: finding.code.to_owned(),
                message: finding.message.clone(),
                story: finding.to_string(),
            },
            Level::Changed => Ended::Skipped {
                message: finding.message.clone(),
            },
        },
    });
    suite(
        shown,
        findings.chain(imported.problems.iter().map(of_problem)).collect(),
    )
}

/// A shadow's report as a suite: each ticket a case.
#[must_use]
pub fn of_shadow(report: &Report) -> Suite {
    let case = |ticket: &crate::record::shadow::TicketReport| {
        let gravest = ticket.differences.iter().find(|one| one.outcome == ticket.outcome);
        let message = gravest.map_or(String::new(), |one| {
            format!(
                "step {}, {}: recorded {}, candidate {}",
                one.step, one.done, one.recorded, one.candidate
            )
        });
        let ended = match ticket.outcome {
            Outcome::Same => Ended::Passed,
            Outcome::OtherAssignee | Outcome::OtherPath => Ended::Skipped { message },
            Outcome::NotAllowed | Outcome::Stuck => Ended::Failed {
                kind: ticket.outcome.word().to_owned(),
                story: message.clone(),
                message,
            },
        };
        Case {
            name: ticket.id.to_string(),
            ended,
        }
    };
    Suite {
        name: format!("{} on {}", report.workflow, report.candidate),
        cases: report.tickets.iter().map(case).collect(),
    }
}

fn suite(name: &str, mut cases: Vec<Case>) -> Suite {
    if cases.is_empty() {
        cases.push(Case {
            name: "valid".to_owned(),
            ended: Ended::Passed,
        });
    }
    Suite {
        name: name.to_owned(),
        cases,
    }
}

fn of_problem(problem: &Problem) -> Case {
    let place = [
        problem.node.as_ref().map(|id| format!("node {id}")),
        problem.edge.as_ref().map(|id| format!("edge {id}")),
        problem.field.as_ref().map(|key| format!("field {key}")),
    ];
    let place: Vec<String> = place.into_iter().flatten().collect();
    Case {
        name: format!("{} {}", problem.code, place.join(" ")).trim_end().to_owned(),
        ended: if problem.is_error() {
            Ended::Failed {
                kind: problem.code.to_owned(),
                message: problem.message.clone(),
                story: problem.to_string(),
            }
        } else {
            Ended::Skipped {
                message: problem.message.clone(),
            }
        },
    }
}
