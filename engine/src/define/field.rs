//! Fields of a form, with what each node lets people do with them.

use serde_json::{Value as Json, json};

use super::{Object, set};
use crate::workflow::{ComponentKind, FieldPermission};

/// A field of a form.
///
/// It may be filled in at start and is shown wherever people act, unless it says otherwise: [`required_at`](Self::required_at),
/// [`optional_at`](Self::optional_at), [`readonly_at`](Self::readonly_at), [`hidden_at`](Self::hidden_at).
#[derive(Clone, Debug)]
pub struct Field {
    pub(super) key: String,
    kind: ComponentKind,
    name: Option<String>,
    description: Option<String>,
    props: Object,
    pub(super) permissions: Vec<(String, FieldPermission)>,
}

impl Field {
    /// A field of any type; `key` is the name by which everything else calls it.
    #[must_use]
    pub fn new(kind: ComponentKind, key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            kind,
            name: None,
            description: None,
            props: Object::new(),
            permissions: Vec::new(),
        }
    }

    /// The name by which everything else calls it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The ticket's title, under the key `title`.
    #[must_use]
    pub fn title() -> Self {
        Self::new(ComponentKind::Title, "title")
    }

    /// The ticket's title, put together from other fields, as in `{price} for {creator}`. Nobody fills it in.
    #[must_use]
    pub fn title_from(template: impl Into<String>) -> Self {
        Self::title()
            .prop("title_generate_mode", "automatic")
            .prop("title_template", template.into())
            .hidden_at("start")
    }

    /// One line of text.
    #[must_use]
    pub fn text(key: impl Into<String>) -> Self {
        Self::new(ComponentKind::Text, key)
    }

    /// Several lines of text.
    #[must_use]
    pub fn textarea(key: impl Into<String>) -> Self {
        Self::new(ComponentKind::Textarea, key)
    }

    /// A decimal number.
    #[must_use]
    pub fn number(key: impl Into<String>) -> Self {
        Self::new(ComponentKind::Number, key)
    }

    /// A day.
    #[must_use]
    pub fn date(key: impl Into<String>) -> Self {
        Self::new(ComponentKind::Date, key)
    }

    /// A user of the tenant.
    #[must_use]
    pub fn user(key: impl Into<String>) -> Self {
        Self::new(ComponentKind::User, key)
    }

    /// One of some options, each with what is stored and what people read.
    #[must_use]
    pub fn select<K: Into<String>, L: Into<String>>(
        key: impl Into<String>,
        options: impl IntoIterator<Item = (K, L)>,
    ) -> Self {
        Self::new(ComponentKind::Select, key).options(options)
    }

    /// What can be chosen, for a select, a radio or a checkbox.
    #[must_use]
    pub fn options<K: Into<String>, L: Into<String>>(self, options: impl IntoIterator<Item = (K, L)>) -> Self {
        let options: Json = options
            .into_iter()
            .map(|(key, label)| json!({ "key": key.into(), "label": label.into() }))
            .collect();
        self.prop("options_with_keys", options)
    }

    /// Whether it takes several values; a checkbox does anyway.
    #[must_use]
    pub fn multiple(self) -> Self {
        self.prop("multiple", true)
    }

    /// What people read; without it, the key.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What it is for, in a sentence.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Any other property of its type.
    #[must_use]
    pub fn prop(mut self, key: &str, value: impl Into<Json>) -> Self {
        set(&mut self.props, key, value);
        self
    }

    /// Must be filled in at a node.
    #[must_use]
    pub fn required_at(self, node: impl Into<String>) -> Self {
        self.at(node, FieldPermission::Required)
    }

    /// May be filled in at a node.
    #[must_use]
    pub fn optional_at(self, node: impl Into<String>) -> Self {
        self.at(node, FieldPermission::Optional)
    }

    /// Is only shown at a node.
    #[must_use]
    pub fn readonly_at(self, node: impl Into<String>) -> Self {
        self.at(node, FieldPermission::Readonly)
    }

    /// Is not shown at a node.
    #[must_use]
    pub fn hidden_at(self, node: impl Into<String>) -> Self {
        self.at(node, FieldPermission::Hidden)
    }

    fn at(mut self, node: impl Into<String>, permission: FieldPermission) -> Self {
        self.permissions.push((node.into(), permission));
        self
    }

    /// What a node lets people do with it: what was said last, else what it is without a word.
    pub(super) fn permission_at(&self, node: &str, is_start: bool) -> FieldPermission {
        let said = self.permissions.iter().rev().find(|(at, _)| at == node);
        match said {
            Some((_, permission)) => *permission,
            None if is_start && self.kind.is_stored() => FieldPermission::Optional,
            None => FieldPermission::Readonly,
        }
    }

    /// A row of the form with this field in it.
    pub(super) fn row(&self) -> Json {
        let mut component = json!({
            "id": format!("c_{}", self.key),
            "type": self.kind.word(),
            "component_key": self.key,
            "component_name": self.name.as_deref().unwrap_or(&self.key),
            "props": self.props,
        });
        if let Some(description) = &self.description {
            component["description"] = json!(description);
        }
        json!({ "id": format!("r_{}", self.key), "type": "row", "children": [component] })
    }
}
