//! Workflows: as a row of `workflow_list`, and as the form of a ticket that is not there yet.

use std::collections::BTreeMap;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::limits::LISTED_MAX;
use loonflow_engine::view::ticket_detail::{CreateForm, not_running};
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::{Map, Value, json};

use super::action::{actions, node_or_empty};
use super::form::{Filling, put_form};
use super::put_notes;

/// A row of `workflow_list`.
pub(crate) fn row(workflow: &WorkflowVersion) -> Value {
    json!({
        "id": workflow.workflow_id.as_str(),
        "name": workflow.name,
        "description": workflow.description,
        "version_id": workflow.version_name.as_str(),
        "version_name": workflow.version_name.as_str(),
    })
}

/// The answer of `ticket_prepare_create`. `notes` tell what of the workflow does not run yet; `example` is a whole call of `ticket_create` that passes as a rehearsal.
pub(crate) fn create_form(form: &CreateForm, directory: &Directory) -> Value {
    let mut answer = Map::new();
    let filling = Filling {
        permissions: &form.permissions,
        values: &BTreeMap::new(),
        errors: &BTreeMap::new(),
        directory,
    };
    let workflow = &form.workflow;
    put_form(&mut answer, workflow, &workflow.name, &filling);
    answer.insert("actions".to_owned(), actions(&form.actions));
    answer.insert(
        "action_base_node_id".to_owned(),
        node_or_empty(Some(&workflow.start().id)),
    );
    let notes: Vec<String> = workflow
        .nodes
        .iter()
        .filter_map(|node| Some(format!("node `{}` ({}): {}", node.id, node.name, not_running(node)?)))
        .take(LISTED_MAX)
        .collect();
    let fields: Map<String, Value> = form
        .example_fields
        .iter()
        .map(|(key, value)| (key.as_str().to_owned(), value.clone()))
        .collect();
    answer.insert(
        "example".to_owned(),
        json!({
            "workflow_id": workflow.workflow_id.as_str(),
            "version_name": workflow.version_name.as_str(),
            "action_id": form.actions.first().map_or("", |action| action.id.as_str()),
            "fields": fields,
            "dry_run": true,
        }),
    );
    let mut answer = Value::Object(answer);
    put_notes(&mut answer, notes);
    answer
}
