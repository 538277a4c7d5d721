//! Finds every problem of a definition at once (semantics: validation), and builds the version where no error is.
//!
//! One function per rule, in `validate::{process,fields,graph,ids,names}`; wrong shapes are found while reading
//! (`definition`). A problem that only follows from another is not reported: rules that walk the graph run only where
//! start, end, ids and edges are in order, merges are looked for only where every node has a way to the end, and where
//! a part of the form or of the process could not be read at all, nothing is said to be missing from it.
//! Problems come in the order of the rules, within one in the order of the definition.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::account::directory::Directory;
use crate::id::WorkflowId;
use crate::limits::{DEFINITION_BYTES_MAX, EDGES_MAX, NODES_MAX};
use crate::workflow::WorkflowVersion;
use crate::workflow::definition::{self, Definition};
use crate::workflow::graph::Graph;

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
    /// Workflows of the tenant: a reference to one that is not there yet is a warning.
    pub known_workflows: Option<&'a BTreeSet<WorkflowId>>,
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
