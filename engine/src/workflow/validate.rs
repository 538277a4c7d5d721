//! Finds every problem of a definition at once (semantics: validation), and builds the version where no error is.
//!
//! One function per rule, in `validate::{process,fields,graph,ids,names}`; wrong shapes are found while reading
//! (`definition`). A problem that only follows from another is not reported: rules that walk the graph run only where
//! start, end, ids and edges are in order, merges are looked for only where every node has a way to the end, and where
//! a part of the form or of the process could not be read at all, nothing is said to be missing from it.
//! Problems come in the order of the rules, within one in the order of the definition.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::account::directory::Directory;
use crate::id::WorkflowId;
use crate::limits::{DEFINITION_BYTES_MAX, EDGES_MAX, NODES_MAX};
use crate::workflow::definition::{self, Definition};
use crate::workflow::graph::Graph;
use crate::workflow::{Node, Workflow, WorkflowVersion};

mod fields;
mod graph;
mod ids;
mod names;
mod process;
mod unheeded;

pub use crate::workflow::problem::{Problem, Severity};
pub use unheeded::unheeded;

/// What a definition is checked against besides itself; nothing is checked against what is not given.
#[derive(Clone, Copy, Debug, Default)]
pub struct ValidationContext<'a> {
    /// The tenant's directory: users, departments, roles, applications must be there.
    pub directory: Option<&'a Directory>,
    /// Workflows of the tenant: a reference to one that is not there yet is a warning, and so is a circle of them.
    pub known_workflows: Option<&'a KnownWorkflows>,
}

/// Workflows of a tenant, each with those whose tickets its default version opens by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownWorkflows(BTreeMap<WorkflowId, BTreeSet<WorkflowId>>);

impl KnownWorkflows {
    /// Of a tenant's workflows.
    pub fn of<'w>(workflows: impl IntoIterator<Item = &'w Workflow>) -> Self {
        let opens = |workflow: &Workflow| {
            let version = workflow.default_version();
            version.map_or_else(BTreeSet::new, |version| spawned(&version.nodes))
        };
        Self(workflows.into_iter().map(|one| (one.id.clone(), opens(one))).collect())
    }

    /// As if this version were the default of its workflow.
    pub fn add(&mut self, version: &WorkflowVersion) {
        self.0.insert(version.workflow_id.clone(), spawned(&version.nodes));
    }

    fn has(&self, workflow: &WorkflowId) -> bool {
        self.0.contains_key(workflow)
    }

    /// A way from one of these back to a workflow, each opened by the one before: the shortest.
    fn way_back(&self, from: BTreeSet<WorkflowId>, to: &WorkflowId) -> Option<Vec<WorkflowId>> {
        let mut seen = from.clone();
        let mut ways: VecDeque<Vec<WorkflowId>> = from.into_iter().map(|one| vec![one]).collect();
        while let Some(way) = ways.pop_front() {
            let last = way.last().filter(|last| *last != to);
            let Some(last) = last else { return Some(way) };
            for next in self.0.get(last).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    ways.push_back(way.iter().chain([next]).cloned().collect());
                }
            }
        }
        None
    }
}

impl FromIterator<WorkflowId> for KnownWorkflows {
    /// Workflows that open no tickets.
    fn from_iter<I: IntoIterator<Item = WorkflowId>>(ids: I) -> Self {
        Self(ids.into_iter().map(|id| (id, BTreeSet::new())).collect())
    }
}

/// Workflows whose tickets open when one comes to these nodes.
fn spawned(nodes: &[Node]) -> BTreeSet<WorkflowId> {
    let props = nodes.iter().filter_map(|node| node.kind.as_normal());
    props
        .flat_map(|props| &props.spawn)
        .map(|spawn| spawn.workflow.clone())
        .collect()
}

/// Checks a definition; the version is there if no problem is an error. Without `basic_info.id` the workflow is named
/// for the file's stem.
#[must_use]
pub fn check(
    source: &Json,
    file_stem: Option<&str>,
    context: &ValidationContext<'_>,
) -> (Option<WorkflowVersion>, Vec<Problem>) {
    let (mut definition, mut problems) = definition::read(source, file_stem);
    problems.append(&mut definition.of_new);
    size(source, &definition, &mut problems);
    if problems.iter().any(|problem| problem.code == "too_large") {
        return (None, problems);
    }
    if definition.process_is_whole {
        process::check(&definition, &mut problems);
    }
    if definition.form_is_whole {
        fields::check(&definition, &mut problems);
    }
    ids::check(&definition, &mut problems);
    names::check(&definition, context, &mut problems);
    let graph = graph::check(&definition, &mut problems);
    match graph {
        Some(graph) if !problems.iter().any(Problem::is_error) => {
            (Some(WorkflowVersion::new(definition, graph, source)), problems)
        }
        Some(_) | None => (None, problems),
    }
}

impl WorkflowVersion {
    /// Builds a version from a definition that was published: only what running a ticket needs is checked, so a rule
    /// added since, or a user who left, does not stop a replay.
    ///
    /// # Errors
    /// The problems, where the definition cannot be run at all.
    pub fn load(source: &Json) -> Result<Self, Vec<Problem>> {
        Self::load_named(source, None)
    }

    /// As `load`, for a definition that was named for its file's stem.
    ///
    /// # Errors
    /// As `load`.
    pub fn load_named(source: &Json, file_stem: Option<&str>) -> Result<Self, Vec<Problem>> {
        let (definition, mut problems) = definition::read(source, file_stem);
        process::check_structure(&definition, &mut problems);
        match graph::check_splits(&definition, &mut problems) {
            Some(graph) if !problems.iter().any(Problem::is_error) => Ok(Self::new(definition, graph, source)),
            Some(_) | None => Err(problems),
        }
    }

    fn new(definition: Definition, graph: Graph, source: &Json) -> Self {
        Self {
            workflow_id: definition.workflow_id,
            version_name: definition.version_name,
            name: definition.name,
            description: definition.description,
            form: definition.form,
            nodes: definition.nodes,
            edges: definition.edges,
            permission: definition.permission,
            authorized_apps: definition.authorized_apps,
            notification: definition.notification,
            event_hooks: definition.event_hooks,
            source: Arc::new(source.clone()),
            graph,
        }
    }
}

/// Bounds of a definition as a whole.
fn size(source: &Json, definition: &Definition, problems: &mut Vec<Problem>) {
    let bytes = source.to_string().len();
    for (count, max, what) in [
        (bytes, DEFINITION_BYTES_MAX, "bytes"),
        (definition.nodes.len(), NODES_MAX, "nodes"),
        (definition.edges.len(), EDGES_MAX, "edges"),
    ] {
        if count > max {
            let sentence = format!("the definition has {count} {what}: at most {max} are allowed, split the workflow");
            problems.push(Problem::error("too_large", sentence));
        }
    }
}

#[cfg(test)]
mod tests;
