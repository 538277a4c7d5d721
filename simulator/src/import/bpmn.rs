//! BPMN 2.0 as a definition: what drawing tools write, and what `export::bpmn` wrote.
//!
//! | BPMN | definition |
//! |---|---|
//! | start event | the start node; several become one with several ways out |
//! | end event | the end node; several become one |
//! | user, manual, plain task | a normal node; assignee and candidates of `camunda:`, `zeebe:` and `potentialOwner`, else the lane as a role |
//! | service, send task | a hook; its URL from a connector, where one is named |
//! | exclusive, parallel, inclusive gateway | the same |
//! | timer catch event | a timer: a duration, or a date that a field holds |
//! | intermediate throw event without a definition | passed through |
//! | condition | condition groups, see `expression` |
//! | generated forms, embedded form-js forms | fields, and what each task lets one do with them |
//!
//! An exclusive gateway that asks nothing, behind a task, is that person's choice. A task with several ways out takes
//! all of them in BPMN, so it gets a gateway. Parallel branches that end apart are joined before the end.
//!
//! The parts: `model` reads the document, `graph` brings it into the shape of a definition, `people` finds assignees,
//! `form` finds fields, `build` writes the definition.

use anyhow::Context as _;
use loonflow_engine::workflow::validate::{ValidationContext, check};

use super::{Finding, Imported, Level};
use crate::xml::{Bounds, parse};

mod build;
mod form;
mod graph;
mod model;
mod people;

/// What is read at most: a diagram of the largest definition with room for what tools add.
pub const BOUNDS: Bounds = Bounds {
    n_bytes: 16 << 20,
    depth: 64,
    n_elements: 400_000,
    n_attributes: 64,
};

/// Findings kept; more of them help nobody.
const FINDINGS_MAX: usize = 1_000;

/// What the caller decides.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which process, where the document has several.
    pub process: Option<String>,
    /// `assignee_type` and `assignee` of tasks that name nobody.
    pub assignee: Option<(String, String)>,
}

/// Findings as they are made.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn lost(&mut self, code: &'static str, element: &str, message: impl Into<String>) {
        self.push(Level::Lost, code, element, message.into());
    }

    fn changed(&mut self, code: &'static str, element: &str, message: impl Into<String>) {
        self.push(Level::Changed, code, element, message.into());
    }

    fn push(&mut self, level: Level, code: &'static str, element: &str, message: String) {
        if self.0.len() == FINDINGS_MAX {
            self.0.push(Finding {
                level: Level::Lost,
                code: "too_many_findings",
                element: String::new(),
                message: format!("more than {FINDINGS_MAX} findings: mend these first"),
            });
        }
        if self.0.len() < FINDINGS_MAX {
            self.0.push(Finding {
                level,
                code,
                element: element.chars().take(120).collect(),
                message,
            });
        }
    }
}

/// Reads a BPMN document.
///
/// # Errors
/// Where there is no process to read in it: it is no XML or no BPMN, beyond [`BOUNDS`], has several processes and
/// `options` name none of them, or has two elements of one id.
pub fn bpmn(document: &[u8], options: &Options) -> anyhow::Result<Imported> {
    let root = parse(document, BOUNDS).context("the document cannot be read")?;
    let mut findings = Findings::default();
    let model = model::read(&root, options.process.as_deref(), &mut findings)?;
    let mut graph = graph::Graph::of(&model, &mut findings);
    graph.bring_into_shape(&mut findings);
    let definition = build::definition(&model, &graph, options, &mut findings);
    let definition = if let Some(joined) = join_before_end(&model, &graph, options, &definition) {
        findings.changed(
            "branches_joined",
            "",
            "parallel branches end apart; a gateway joins them before the end, where a ticket ends once",
        );
        joined
    } else {
        definition
    };
    build::tell_implicit_joins(&model, &definition, &mut findings);
    Ok(Imported::new(definition, findings.0))
}

/// Where branches of a split meet nowhere before the end, the same with a gateway that joins them there; none where
/// that is not so or does not help.
fn join_before_end(
    model: &model::Model<'_>,
    graph: &graph::Graph<'_>,
    options: &Options,
    definition: &serde_json::Value,
) -> Option<serde_json::Value> {
    let n_apart = |definition: &serde_json::Value| {
        let (_, problems) = check(definition, None, &ValidationContext::default());
        let apart = problems
            .into_iter()
            .filter(|problem| problem.code == "split_without_merge");
        apart.filter_map(|problem| problem.node).collect::<Vec<_>>()
    };
    let before = n_apart(definition);
    let mut joined = graph.clone();
    for split in &before {
        joined.join_before_end(split.as_str());
    }
    // The findings of this second reading are those of the first.
    let after = build::definition(model, &joined, options, &mut Findings::default());
    (!before.is_empty() && n_apart(&after).len() < before.len()).then_some(after)
}
