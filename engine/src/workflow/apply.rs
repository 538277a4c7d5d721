//! Folds events into a workflow. Never refuses and knows no rules.

use std::sync::Arc;

use super::aggregate::{PublishedVersion, Workflow};
use super::event::Event;
use crate::workflow::WorkflowVersion;

/// The workflow after an event.
///
/// # Panics
/// Where a stored definition does not load: it did when it was published, so the log is damaged or this program has a
/// bug, and going on without the version would lose every ticket on it.
#[must_use]
pub fn apply(workflow: Workflow, event: &Event) -> Workflow {
    let id = workflow.id.clone();
    try_apply(workflow, event).unwrap_or_else(|reason| panic!("workflow `{id}`: {reason}"))
}

/// The workflow after an event that comes from a log which may be damaged.
///
/// # Errors
/// Where a stored definition does not load, which one and why.
pub fn try_apply(mut workflow: Workflow, event: &Event) -> Result<Workflow, String> {
    workflow.version += 1;
    match event {
        Event::VersionPublished {
            version_name,
            source,
            digest,
            state,
            at,
            by,
        } => {
            let definition = load(&workflow, source)
                .map_err(|reason| format!("version `{version_name}` does not load: {reason}"))?;
            let published = PublishedVersion {
                state: *state,
                definition: Arc::new(definition),
                digest: *digest,
                published_at: *at,
                published_by: by.clone(),
            };
            workflow.versions.insert(version_name.clone(), published);
        }
        Event::VersionStateChanged {
            version_name, state, ..
        } => {
            if let Some(version) = workflow.versions.get_mut(version_name) {
                version.state = *state;
            }
        }
    }
    Ok(workflow)
}

fn load(workflow: &Workflow, source: &str) -> Result<WorkflowVersion, String> {
    let source = serde_json::from_str(source).map_err(|error| error.to_string())?;
    // A definition without an id was named for its file, and the stream has that name.
    WorkflowVersion::load_named(&source, Some(workflow.id.as_str()))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}
