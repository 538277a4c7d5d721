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
//! | a variable that is asked for and no form before has | a field of whoever acts last before |
//!
//! An exclusive gateway that asks nothing, behind a task, is that person's choice. A task with several ways out takes
//! all of them in BPMN, so it gets a gateway. Parallel branches that end apart are joined before the end.
//!
//! Where BPMN itself gets stuck or goes on twice, and a ticket does not, that is told.
//!
//! The parts: `model` reads the document, `tokens` plays it, `graph` brings it into the shape of a definition, `people` finds assignees,
//! `form` finds fields, `build` writes the definition.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use loonflow_engine::workflow::validate::{ValidationContext, check};
use serde_json::Value as Json;

use super::{Finding, Imported, Level};
use crate::formats::xml::{Bounds, parse};

mod build;
mod form;
mod graph;
mod model;
mod people;
mod tokens;

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
    /// By variable that no form has the nodes where it is filled in, a task or the start event each.
    pub fields: BTreeMap<String, Vec<String>>,
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
/// `options` name none of them, or has two elements of one id. Where `options` name a node that no person acts at, or
/// a field that nothing asks for.
pub fn bpmn(document: &[u8], options: &Options) -> anyhow::Result<Imported> {
    let root = parse(document, BOUNDS).context("the document cannot be read")?;
    let mut findings = Findings::default();
    let model = model::read(&root, options.process.as_deref(), &mut findings)?;
    let mut graph = graph::Graph::of(&model, &mut findings);
    graph.bring_into_shape(&mut findings);
    let definition = build::definition(&model, &graph, options, &mut findings);
    who_answers(&definition, options)?;
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
    tell_otherwise(&model, &mut findings);
    Ok(Imported::new(definition, findings.0))
}

/// Tells where BPMN gets stuck, or goes on twice, and a ticket does not.
fn tell_otherwise(model: &model::Model<'_>, findings: &mut Findings) {
    let otherwise = tokens::play(model);
    let is_ours = |node: &model::ModelNode<'_>| build::own(Some(node.element), "node").is_some();
    for idx in &otherwise.stuck {
        let node = &model.nodes[*idx];
        if !is_ours(node) {
            findings.changed(
                "stuck_in_bpmn",
                &node.id,
                "can wait for ever in BPMN, for a way into it that is not taken; here a gateway waits for the branches of its own fork only, and the ticket goes on: join what was split, with a gateway of the same kind",
            );
        }
    }
    for idx in &otherwise.twice {
        let node = &model.nodes[*idx];
        let is_told = findings
            .0
            .iter()
            .any(|one| one.code == "implicit_join" && one.element == node.id);
        if !is_ours(node) && !node.kind.is_end() && !is_told {
            findings.changed(
                "twice_in_bpmn",
                &node.id,
                "can be reached by two branches at once, and BPMN goes on from it once for each; here it goes on from where their fork is joined once: join them before it, with a gateway of the kind that split them",
            );
        }
    }
    if otherwise.is_cut {
        findings.changed(
            "not_played",
            &model.id,
            "is too large to be played as BPMN: whether joins in it wait for ever is not known",
        );
    }
}

/// Whether all that the caller says about fields could be done.
fn who_answers(definition: &Json, options: &Options) -> anyhow::Result<()> {
    let nodes = definition["process_schema"]["node_info_list"].as_array();
    let acted_at: Vec<&Json> = nodes
        .into_iter()
        .flatten()
        .filter(|node| matches!(node["type"].as_str(), Some("start" | "normal")))
        .collect();
    for (key, ids) in &options.fields {
        for id in ids {
            let node = acted_at.iter().find(|node| node["id"].as_str() == Some(id));
            let known = || {
                let known = acted_at.iter().filter_map(|node| node["id"].as_str());
                known
                    .take(20)
                    .map(|id| format!("`{id}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let node =
                node.with_context(|| format!("`--field {key}={id}`: nobody acts at `{id}`: take one of {}", known()))?;
            ensure!(
                node["props"]["field_permissions"].get(key).is_some(),
                "`--field {key}={id}`: nothing in the process asks for `{key}`: leave it out, or correct the name"
            );
        }
    }
    Ok(())
}

/// Where branches of a split meet nowhere before the end, the same with a gateway that joins them there; none where
/// that is not so or does not help.
fn join_before_end(
    model: &model::Model<'_>,
    graph: &graph::Graph<'_>,
    options: &Options,
    definition: &Json,
) -> Option<Json> {
    let n_apart = |definition: &Json| {
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
