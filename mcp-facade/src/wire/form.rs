//! A form as a viewer sees it: `form_schema`, and what may be done with each field.
//!
//! Not here: which permissions a viewer has and which values it sees (the engine's views). Invariant: of a hidden
//! component nothing appears, not even its key, and a row without a visible component is left out.

use std::collections::BTreeMap;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, VersionName, WorkflowId};
use loonflow_engine::value::Value as FieldValue;
use loonflow_engine::workflow::form::Row;
use loonflow_engine::workflow::{Component, ComponentKind, FieldPermission, WorkflowVersion};
use serde::Serialize;
use serde_json::{Map, Value};

/// A form with what may be done to its fields; hidden ones are in none of the parts.
#[derive(Debug, Clone, Serialize)]
pub struct Form {
    /// Rows and components, with values.
    pub form_schema: FormSchema,
    /// What may be done with each field.
    pub field_permissions: BTreeMap<FieldKey, &'static str>,
    /// Keys that must be filled in, in the order of the form.
    pub required_fields: Vec<FieldKey>,
    /// Keys that may be.
    pub optional_fields: Vec<FieldKey>,
    /// Keys that may not.
    pub readonly_fields: Vec<FieldKey>,
}

/// `form_schema`.
#[derive(Debug, Clone, Serialize)]
pub struct FormSchema {
    /// Rows in the order of the form.
    pub component_info_list: Vec<FormRow>,
    /// Whose form it is.
    pub workflow_metadata: WorkflowMetadata,
}

/// The workflow of a form. A version has no id beside its name.
#[derive(Debug, Clone, Serialize)]
pub struct WorkflowMetadata {
    /// The workflow's id.
    pub id: WorkflowId,
    /// Its name.
    pub name: String,
    /// The version's name.
    pub version_id: VersionName,
    /// The same.
    pub version_name: VersionName,
    /// Its description.
    pub description: String,
    /// The ticket's title; the workflow's name where there is no ticket yet.
    pub ticket_detail_title: String,
}

/// A row of a form: layout only, so its free `props` are left out.
#[derive(Debug, Clone, Serialize)]
pub struct FormRow {
    /// Its id among components.
    pub id: String,
    /// `row`.
    #[serde(rename = "type")]
    pub component_type: &'static str,
    /// Its key.
    pub component_key: String,
    /// Its name.
    pub component_name: String,
    /// Its description.
    pub description: String,
    /// As the definition has it.
    pub label: Value,
    /// As the definition has it.
    pub layout: Value,
    /// Its components.
    pub children: Vec<FormComponent>,
}

/// A component of a form: a field, or what the form shows beside them.
#[derive(Debug, Clone, Serialize)]
pub struct FormComponent {
    /// Its id among components.
    pub id: String,
    /// Its type's word.
    #[serde(rename = "type")]
    pub component_type: &'static str,
    /// Its key, by which values and permissions name it.
    pub component_key: FieldKey,
    /// Its name.
    pub component_name: String,
    /// What may be done with it.
    pub component_permission: &'static str,
    /// Its description.
    pub description: String,
    /// As the definition has it.
    pub label: Value,
    /// As the definition has it.
    pub layout: Value,
    /// As the definition has it, without secrets; with `value`, with `value_text` where the value is ids that have
    /// names, and with `error` where a value could not be had.
    pub props: Map<String, Value>,
}

/// What a form is filled with. Missing entries are empty.
pub(crate) struct Filling<'a> {
    /// Permissions of every key of the form.
    pub(crate) permissions: &'a BTreeMap<FieldKey, FieldPermission>,
    /// Values that are shown.
    pub(crate) values: BTreeMap<FieldKey, Value>,
    /// Why a value could not be had.
    pub(crate) errors: BTreeMap<FieldKey, String>,
    /// Names behind ids.
    pub(crate) directory: &'a Directory,
}

impl Form {
    /// The form of a version, under a title.
    pub(crate) fn of(workflow: &WorkflowVersion, title: String, mut filling: Filling<'_>) -> Self {
        let rows = workflow.form.rows.iter();
        let form_schema = FormSchema {
            component_info_list: rows
                .filter_map(|row| FormRow::of(row, workflow, &mut filling))
                .collect(),
            workflow_metadata: WorkflowMetadata {
                id: workflow.workflow_id.clone(),
                name: workflow.name.clone(),
                version_id: workflow.version_name.clone(),
                version_name: workflow.version_name.clone(),
                description: workflow.description.clone(),
                ticket_detail_title: title,
            },
        };
        let mut form = Self {
            form_schema,
            field_permissions: BTreeMap::new(),
            required_fields: Vec::new(),
            optional_fields: Vec::new(),
            readonly_fields: Vec::new(),
        };
        for key in workflow.form.components().map(|component| &component.key) {
            let permission = filling.permission(key);
            let keys = match permission {
                FieldPermission::Hidden => continue,
                FieldPermission::Required => &mut form.required_fields,
                FieldPermission::Optional => &mut form.optional_fields,
                FieldPermission::Readonly => &mut form.readonly_fields,
            };
            keys.push(key.clone());
            form.field_permissions.insert(key.clone(), permission.word());
        }
        form
    }
}

impl FormRow {
    fn of(row: &Row, workflow: &WorkflowVersion, filling: &mut Filling<'_>) -> Option<Self> {
        let children: Vec<FormComponent> = workflow
            .form
            .components_of(row)
            .filter_map(|component| FormComponent::of(component, filling))
            .collect();
        (!children.is_empty()).then(|| Self {
            id: row.id.clone(),
            component_type: "row",
            component_key: row.key.clone(),
            component_name: row.name.clone(),
            description: row.description.clone(),
            label: row.label.clone(),
            layout: row.layout.clone(),
            children,
        })
    }
}

impl FormComponent {
    /// A component that is not hidden. Values that are ids come with the names that people know.
    fn of(component: &Component, filling: &mut Filling<'_>) -> Option<Self> {
        let permission = filling.permission(&component.key);
        if permission == FieldPermission::Hidden {
            return None;
        }
        let mut props = component.public_props.clone();
        let value = filling.values.remove(&component.key).unwrap_or_default();
        if matches!(component.kind, ComponentKind::User | ComponentKind::Department) && !value.is_null() {
            let text = component.shown_text(&FieldValue::from(&value), filling.directory);
            props.insert("value_text".to_owned(), text.into());
        }
        props.insert("value".to_owned(), value);
        if let Some(error) = filling.errors.remove(&component.key) {
            props.insert("error".to_owned(), error.into());
        }
        Some(Self {
            id: component.id.clone(),
            component_type: component.kind.word(),
            component_key: component.key.clone(),
            component_name: component.name.clone(),
            component_permission: permission.word(),
            description: component.description.clone(),
            label: component.label.clone(),
            layout: component.layout.clone(),
            props,
        })
    }
}

impl Filling<'_> {
    fn permission(&self, key: &FieldKey) -> FieldPermission {
        self.permissions.get(key).copied().unwrap_or(FieldPermission::Hidden)
    }
}
