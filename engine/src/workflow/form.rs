//! The form of a definition: rows of components, what a node lets one do with a field (semantics: definitions, fields).
//!
//! Not here: the types of components and their properties (`form::component`), which values a field takes
//! (`form::check`), the title (`form::title`), which fields one command may write (`ticket::field_rules`), how a
//! condition compares (`condition`).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::account::by_id::IdHash;
use crate::id::FieldKey;

pub mod accept;
pub mod check;
pub mod component;
pub mod title;

pub use check::ValueProblem;
pub use component::{Choice, Component, ComponentKind, NumberRule};

/// What a node lets one do with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FieldPermission {
    /// Not there.
    Hidden,
    /// Seen, not written.
    Readonly,
    /// May be written.
    Optional,
    /// Must be there.
    Required,
}

impl FieldPermission {
    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Readonly => "readonly",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }

    /// Reads the wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Hidden, Self::Readonly, Self::Optional, Self::Required]
            .into_iter()
            .find(|one| one.word() == word)
    }

    /// Whether the field may be written.
    #[must_use]
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Optional | Self::Required)
    }
}

/// A row of the form: layout only.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id among components.
    pub id: String,
    /// `component_key`.
    pub key: String,
    /// `component_name`.
    pub name: String,
    /// `description`.
    pub description: String,
    /// `label`, as given but without secrets.
    pub label: serde_json::Value,
    /// `layout`, as given but without secrets.
    pub layout: serde_json::Value,
    /// `props`, as given.
    pub props: serde_json::Value,
    /// Positions of its components in `Form::components`, in order.
    pub children: Vec<usize>,
}

/// `form_schema`: rows, and the components in them. Keys of components are unique in a published version.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Rows in definition order.
    pub rows: Vec<Row>,
    components: Vec<Component>,
    by_key: HashMap<FieldKey, usize, IdHash>,
    title: Option<usize>,
}

impl Form {
    /// A form of these; of components with one key the first counts (validation refuses the others).
    #[must_use]
    pub fn new(rows: Vec<Row>, components: Vec<Component>) -> Self {
        let mut by_key = HashMap::default();
        for (idx, component) in components.iter().enumerate() {
            by_key.entry(component.key.clone()).or_insert(idx);
        }
        let title = components
            .iter()
            .position(|component| component.kind == ComponentKind::Title);
        Self {
            rows,
            components,
            by_key,
            title,
        }
    }

    /// Components in definition order.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.iter()
    }

    /// Components of a row, in order.
    pub fn components_of<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = &'a Component> {
        row.children.iter().filter_map(|idx| self.components.get(*idx))
    }

    /// A component by key.
    #[must_use]
    pub fn component(&self, key: &FieldKey) -> Option<&Component> {
        self.by_key.get(key).map(|idx| &self.components[*idx])
    }

    /// The title component, if the form has one.
    #[must_use]
    pub fn title_component(&self) -> Option<&Component> {
        self.title.map(|idx| &self.components[idx])
    }
}
