//! A workflow: fields, nodes and edges put together.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Field, Node, Object, set, texts};
use crate::value::Value;
use crate::workflow::WorkflowVersion;
use crate::workflow::condition::Operator;
use crate::workflow::edge::EdgeKind;
use crate::workflow::validate::{self, Problem, ValidationContext};

/// A version of a workflow.
///
/// The first step that is named is where an edge from `start` usually leads; `start` and `end` need no line. Edges from
/// a step are buttons that people press, edges from a gateway are taken by their conditions.
#[derive(Clone, Debug)]
pub struct Workflow {
    id: String,
    version: String,
    name: Option<String>,
    description: String,
    fields: Vec<Field>,
    nodes: Vec<Node>,
    edges: Vec<Json>,
    permission: Object,
    advanced: Object,
}

impl Workflow {
    /// An empty workflow: a version of this name of the workflow of this id.
    #[must_use]
    pub fn new(id: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            version: version.into(),
            name: None,
            description: String::new(),
            fields: Vec::new(),
            nodes: vec![Node::start(), Node::end()],
            edges: Vec::new(),
            permission: Object::new(),
            advanced: Object::new(),
        }
    }

    /// What people read; without it, the id.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What it is for, in a sentence.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a field, in a row of its own.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Adds a node; one with the id of another takes its place, so that `start` and `end` can be named.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        match self.nodes.iter_mut().find(|one| one.id == node.id) {
            Some(one) => *one = node,
            // The end stays last: it is read last too.
            None => self.nodes.insert(self.nodes.len() - 1, node),
        }
        self
    }

    /// Adds an edge that agrees.
    #[must_use]
    pub fn agree(self, id: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.edge(EdgeKind::Agree, id, from, to)
    }

    /// Adds an edge that rejects: a ticket that ends by it is rejected.
    #[must_use]
    pub fn reject(self, id: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.edge(EdgeKind::Reject, id, from, to)
    }

    /// Adds an edge that neither agrees nor rejects.
    #[must_use]
    pub fn other(self, id: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.edge(EdgeKind::Other, id, from, to)
    }

    /// Adds an edge out of a gateway; [`when`](Self::when) says when it is taken.
    #[must_use]
    pub fn way(self, id: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.edge(EdgeKind::Condition, id, from, to)
    }

    /// Adds an edge of any kind.
    #[must_use]
    pub fn edge(
        mut self,
        kind: EdgeKind,
        id: impl Into<String>,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Self {
        let id = id.into();
        self.edges.push(json!({
            "id": id,
            "name": id,
            "type": kind.word(),
            "source_node_id": from.into(),
            "target_node_id": to.into(),
            "props": {},
        }));
        self
    }

    /// The edge that was added last is taken if this holds; said again, if either holds.
    #[must_use]
    pub fn when(mut self, field: impl Into<String>, operator: Operator, value: impl Into<Value>) -> Self {
        if let Some(groups) = self.groups() {
            groups.push(json!({ "conditions": [] }));
        }
        self.and(field, operator, value)
    }

    /// What was said last must hold together with this.
    #[must_use]
    pub fn and(mut self, field: impl Into<String>, operator: Operator, value: impl Into<Value>) -> Self {
        let value = Json::from(&value.into());
        let condition = json!({ "field_name": field.into(), "operator": operator.word(), "value": value });
        let group = self.groups().and_then(|groups| groups.last_mut());
        if let Some(conditions) = group.and_then(|group| group["conditions"].as_array_mut()) {
            conditions.push(condition);
        }
        self
    }

    /// The or-ed groups of the edge that was added last.
    fn groups(&mut self) -> Option<&mut Vec<Json>> {
        let props = self.edges.last_mut()?["props"].as_object_mut()?;
        props
            .entry("condition_groups")
            .or_insert_with(|| json!([]))
            .as_array_mut()
    }

    /// What people read on the edge that was added last; without it, its id.
    #[must_use]
    pub fn called(mut self, name: impl Into<String>) -> Self {
        if let Some(edge) = self.edges.last_mut() {
            edge["name"] = json!(name.into());
        }
        self
    }

    /// The edge that was added last may be taken though required fields are empty.
    #[must_use]
    pub fn skipping_required_fields(mut self) -> Self {
        if let Some(edge) = self.edges.last_mut() {
            edge["props"]["skip_fields_required_check"] = json!(true);
        }
        self
    }

    /// Users who may intervene and see every ticket.
    #[must_use]
    pub fn admins<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        set(&mut self.permission, "admin_id_list", texts(ids));
        self
    }

    /// Users who may intervene and see every ticket, as dispatchers.
    #[must_use]
    pub fn dispatchers<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        set(&mut self.permission, "dispatcher_id_list", texts(ids));
        self
    }

    /// Users who may see every ticket.
    #[must_use]
    pub fn viewers<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        set(&mut self.permission, "viewer_id_list", texts(ids));
        self
    }

    /// An address that is told of events: `create`, `reject`, `withdraw`, `force_close`, `finish`. `token` signs what is
    /// posted.
    #[must_use]
    pub fn event_hook<T: Into<String>>(
        mut self,
        id: impl Into<String>,
        url: impl Into<String>,
        token: impl Into<String>,
        events: impl IntoIterator<Item = T>,
    ) -> Self {
        let id = id.into();
        let hook = json!({
            "id": id,
            "name": id,
            "url": url.into(),
            "token": token.into(),
            "event_list": texts(events),
        });
        let info = self.advanced.entry("customization_info").or_insert_with(|| json!({}));
        if let Some(Json::Array(hooks)) = info.get_mut("hook_info_list") {
            hooks.push(hook);
        } else {
            info["hook_info_list"] = json!([hook]);
        }
        self
    }

    /// Channels of the tenant over which people are told, and of what; none for what is usual.
    #[must_use]
    pub fn notices<T: Into<String>, E: Into<String>>(
        self,
        channels: impl IntoIterator<Item = T>,
        events: impl IntoIterator<Item = E>,
    ) -> Self {
        let (channels, events) = (texts(channels), texts(events));
        let mut info = json!({ "selected_channel_list": channels });
        if events.as_array().is_some_and(|events| !events.is_empty()) {
            info["events"] = events;
        }
        self.advanced("notification_info", info)
    }

    /// Another part of `advanced_schema`: texts of notices, event hooks, applications.
    #[must_use]
    pub fn advanced(mut self, key: &str, value: impl Into<Json>) -> Self {
        set(&mut self.advanced, key, value);
        self
    }

    /// The definition as JSON: what a file of the same workflow holds.
    #[must_use]
    pub fn definition(&self) -> Json {
        let mut advanced = self.advanced.clone();
        if !self.permission.is_empty() {
            set(&mut advanced, "permission_info", self.permission.clone());
        }
        let mut definition = json!({
            "basic_info": {
                "id": self.id,
                "name": self.name.as_deref().unwrap_or(&self.id),
                "description": self.description,
                "version": self.version,
            },
            "form_schema": { "component_info_list": self.fields.iter().map(Field::row).collect::<Vec<_>>() },
            "process_schema": {
                "node_info_list": self.nodes.iter().map(|node| node.json(self.permissions_at(node))).collect::<Vec<_>>(),
                "edge_info_list": self.edges,
            },
        });
        if !advanced.is_empty() {
            definition["advanced_schema"] = advanced.into();
        }
        definition
    }

    /// What of a node's fields is said: of those where people act all, of others those that were named.
    fn permissions_at(&self, node: &Node) -> Object {
        let acts = matches!(node.kind, "start" | "normal");
        let mut permissions = Object::new();
        for field in &self.fields {
            if acts || field.permissions.iter().any(|(at, _)| *at == node.id) {
                let permission = field.permission_at(&node.id, node.kind == "start");
                set(&mut permissions, &field.key, permission.word());
            }
        }
        permissions
    }

    /// Checks it by itself, without a directory; publishing checks it against that too.
    #[must_use]
    pub fn check(&self) -> (Option<WorkflowVersion>, Vec<Problem>) {
        validate::check(&self.definition(), None, &ValidationContext::default())
    }
}

impl From<Workflow> for Arc<Json> {
    fn from(workflow: Workflow) -> Self {
        Self::new(workflow.definition())
    }
}
