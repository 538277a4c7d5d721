//! A form as a viewer sees it: `form_schema`, and what may be done with each field.
//!
//! Not here: which permissions a viewer has and which values it sees (the engine's views). Invariant: of a hidden
//! component nothing appears, not even its key, and a row without a visible component is left out.

use std::collections::BTreeMap;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::FieldKey;
use loonflow_engine::value::Value as FieldValue;
use loonflow_engine::workflow::form::Row;
use loonflow_engine::workflow::{Component, ComponentKind, FieldPermission, WorkflowVersion};
use serde_json::{Map, Value, json};

use super::object;

/// What a form is filled with. Missing entries are empty.
#[derive(Clone, Copy)]
pub(crate) struct Filling<'a> {
    /// Permissions of every key of the form.
    pub(crate) permissions: &'a BTreeMap<FieldKey, FieldPermission>,
    /// Values that are shown.
    pub(crate) values: &'a BTreeMap<FieldKey, Value>,
    /// Why a value could not be had.
    pub(crate) errors: &'a BTreeMap<FieldKey, String>,
    /// Names behind ids.
    pub(crate) directory: &'a Directory,
}

impl Filling<'_> {
    fn permission(&self, key: &FieldKey) -> FieldPermission {
        self.permissions.get(key).copied().unwrap_or(FieldPermission::Hidden)
    }
}

/// `form_schema`, `field_permissions`, `required_fields`, `optional_fields`, `readonly_fields`, into `answer`.
pub(crate) fn put_form(
    answer: &mut Map<String, Value>,
    workflow: &WorkflowVersion,
    title: &str,
    filling: &Filling<'_>,
) {
    let rows: Value = workflow
        .form
        .rows
        .iter()
        .filter_map(|row| row_of(row, workflow, filling))
        .collect();
    answer.insert(
        "form_schema".to_owned(),
        object([
            ("component_info_list", rows),
            ("workflow_metadata", metadata(workflow, title)),
        ]),
    );
    let visible: Vec<(&str, FieldPermission)> = workflow
        .form
        .components()
        .map(|component| (component.key.as_str(), filling.permission(&component.key)))
        .filter(|(_, permission)| *permission != FieldPermission::Hidden)
        .collect();
    let permissions: Map<String, Value> = visible
        .iter()
        .map(|(key, permission)| ((*key).to_owned(), json!(permission.word())))
        .collect();
    answer.insert("field_permissions".to_owned(), Value::Object(permissions));
    for (name, wanted) in [
        ("required_fields", FieldPermission::Required),
        ("optional_fields", FieldPermission::Optional),
        ("readonly_fields", FieldPermission::Readonly),
    ] {
        let keys: Vec<&str> = visible
            .iter()
            .filter(|(_, permission)| *permission == wanted)
            .map(|(key, _)| *key)
            .collect();
        answer.insert(name.to_owned(), json!(keys));
    }
}

/// A version has no id beside its name.
fn metadata(workflow: &WorkflowVersion, title: &str) -> Value {
    json!({
        "id": workflow.workflow_id.as_str(),
        "name": workflow.name,
        "version_id": workflow.version_name.as_str(),
        "version_name": workflow.version_name.as_str(),
        "description": workflow.description,
        "ticket_detail_title": title,
    })
}

/// A row is layout only, so its free `props` are left out.
fn row_of(row: &Row, workflow: &WorkflowVersion, filling: &Filling<'_>) -> Option<Value> {
    let children: Vec<Value> = workflow
        .form
        .components_of(row)
        .filter(|component| filling.permission(&component.key) != FieldPermission::Hidden)
        .map(|component| child(component, filling))
        .collect();
    (!children.is_empty()).then(|| {
        object([
            ("id", row.id.as_str().into()),
            ("type", "row".into()),
            ("component_key", row.key.as_str().into()),
            ("component_name", row.name.as_str().into()),
            ("description", row.description.as_str().into()),
            ("label", row.label.clone()),
            ("layout", row.layout.clone()),
            ("children", children.into()),
        ])
    })
}

/// Values that are ids come with the names that people know, in `value_text`.
fn child(component: &Component, filling: &Filling<'_>) -> Value {
    let mut props = component.public_props.clone();
    let value = filling.values.get(&component.key).cloned().unwrap_or_default();
    if matches!(component.kind, ComponentKind::User | ComponentKind::Department) && !value.is_null() {
        let text = component.shown_text(&FieldValue::from(&value), filling.directory);
        props.insert("value_text".to_owned(), json!(text));
    }
    props.insert("value".to_owned(), value);
    if let Some(error) = filling.errors.get(&component.key) {
        props.insert("error".to_owned(), json!(error));
    }
    object([
        ("id", component.id.as_str().into()),
        ("type", component.kind.word().into()),
        ("component_key", component.key.as_str().into()),
        ("component_name", component.name.as_str().into()),
        ("component_permission", filling.permission(&component.key).word().into()),
        ("description", component.description.as_str().into()),
        ("label", component.label.clone()),
        ("layout", component.layout.clone()),
        ("props", props.into()),
    ])
}
