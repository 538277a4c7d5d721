//! Workflow definitions and their versions (semantics: definitions, versions): one stream per workflow.
//!
//! Here: a published version, ready to run: parsed, checked, with its graph. `definition` reads the JSON,
//! `validate` finds every problem, `graph` knows merges and regions, `form` the fields, `condition` what an edge asks.
//! The aggregate with its versions is in `workflow/{command,event,decide,apply}`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::account::notice_event::NoticeEvent;
use crate::id::{AppName, ChannelId, DeptId, EdgeId, FieldKey, NodeId, UserId, VersionName, WorkflowId};

pub mod aggregate;
pub mod apply;
pub mod command;
pub mod condition;
pub mod decide;
pub mod definition;
pub mod edge;
pub mod event;
pub mod form;
pub mod graph;
pub mod node;
pub mod problem;
pub mod secrets;
pub mod template;
pub mod validate;

pub use aggregate::{VersionState, Workflow};
pub use edge::{Edge, EdgeKind};
pub use form::{Component, ComponentKind, FieldPermission, Form};
pub use node::{
    Approval, ApprovalRule, AssigneeRule, Deadline, DeadlineStep, HookProps, Leaving, Node, NodeKind, NormalProps,
    OnCreator, OnNobody, Returns, StepDoes, Strategy, Term, TimerProps, Variable,
};

/// One version of a workflow, checked and never changing. Shared by every ticket on it.
#[derive(Debug)]
pub struct WorkflowVersion {
    /// `basic_info.id`, else the file's stem.
    pub workflow_id: WorkflowId,
    /// `basic_info.version`.
    pub version_name: VersionName,
    /// `basic_info.name`.
    pub name: String,
    /// `basic_info.description`.
    pub description: String,
    /// The form.
    pub form: Form,
    /// Nodes in definition order.
    pub nodes: Vec<Node>,
    /// Edges in definition order.
    pub edges: Vec<Edge>,
    /// Who has rights on its tickets.
    pub permission: PermissionInfo,
    /// Applications that may use it by the workflow's own list.
    pub authorized_apps: BTreeSet<AppName>,
    /// Notification templates and channels, event hooks: work of the effects runner.
    pub notification: NotificationInfo,
    /// Event hooks.
    pub event_hooks: Vec<EventHook>,
    /// The definition as it was given, unknown keys included.
    pub source: Arc<serde_json::Value>,
    /// Indexes, merges and regions.
    pub graph: graph::Graph,
}

/// `advanced_schema.permission_info`: rights on the workflow's tickets.
#[derive(Clone, Debug, Default)]
pub struct PermissionInfo {
    /// May intervene and see all.
    pub admins: BTreeSet<UserId>,
    /// May intervene and see all.
    pub dispatchers: BTreeSet<UserId>,
    /// May see all.
    pub viewers: BTreeSet<UserId>,
    /// Members of these and their descendants may see all.
    pub viewer_depts: BTreeSet<DeptId>,
}

/// `advanced_schema.notification_info`.
#[derive(Clone, Debug)]
pub struct NotificationInfo {
    /// Template of a message's title; without one, the event and the ticket's title.
    pub title_template: Localized,
    /// Template of a message's content; without one, where the ticket is and whom it waits for.
    pub content_template: Localized,
    /// Channels of the tenant over which people are told.
    pub channels: Vec<ChannelId>,
    /// What people are told of, besides incidents.
    pub events: Vec<NoticeEvent>,
    /// Fields that a message shows beside its content.
    pub fields: Vec<FieldKey>,
}

impl Default for NotificationInfo {
    fn default() -> Self {
        Self {
            title_template: Localized::default(),
            content_template: Localized::default(),
            channels: Vec::new(),
            events: NoticeEvent::USUAL.to_vec(),
            fields: Vec::new(),
        }
    }
}

/// A text in one language or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Localized {
    /// By language, in the order given; one text for all languages has none.
    pub texts: Vec<(String, String)>,
}

impl Localized {
    /// The text in the first of some languages that it is there in, else in `en`, else the first one. `zh` is there for
    /// whoever asks for `zh-CN`. `None` where there is no text at all.
    #[must_use]
    pub fn in_one_of<'t>(&'t self, langs: &[&str]) -> Option<&'t str> {
        let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_lowercase();
        let of = |tag: &str| {
            let exact = self.texts.iter().find(|(lang, _)| lang.eq_ignore_ascii_case(tag));
            exact.or_else(|| self.texts.iter().find(|(lang, _)| primary(lang) == primary(tag)))
        };
        let asked = langs.iter().filter(|lang| !lang.trim().is_empty());
        let found = asked.copied().chain(["en"]).find_map(of);
        let (_, text) = found.or_else(|| self.texts.first())?;
        Some(text.as_str()).filter(|text| !text.trim().is_empty())
    }
}

/// One entry of `advanced_schema.customization_info.hook_info_list`.
#[derive(Clone)]
pub struct EventHook {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it posts.
    pub url: String,
    /// Key of its signatures: a secret.
    pub token: crate::account::token::Secret,
    /// Events it wants: `pre_create`, `create`, `reject`, `withdraw`, `force_close`, `finish`.
    pub events: Vec<String>,
}

impl EventHook {
    /// Its id, or its name where it has none: what effects and incidents name.
    #[must_use]
    pub fn shown_id(&self) -> &str {
        if self.id.trim().is_empty() {
            &self.name
        } else {
            &self.id
        }
    }
}

impl std::fmt::Debug for EventHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventHook")
            .field("id", &self.id)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

impl WorkflowVersion {
    /// An event hook by what effects call it.
    #[must_use]
    pub fn event_hook(&self, id: &str) -> Option<&EventHook> {
        self.event_hooks.iter().find(|hook| hook.shown_id() == id)
    }

    /// The one start node.
    #[must_use]
    pub fn start(&self) -> &Node {
        &self.nodes[self.graph.start_idx]
    }

    /// The one end node.
    #[must_use]
    pub fn end(&self) -> &Node {
        &self.nodes[self.graph.end_idx]
    }

    /// A node by id.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.graph.node_idx.get(id).map(|idx| &self.nodes[*idx])
    }

    /// An edge by id.
    #[must_use]
    pub fn edge(&self, id: &EdgeId) -> Option<&Edge> {
        self.graph.edge_idx.get(id).map(|idx| &self.edges[*idx])
    }

    /// Edges that leave a node, in definition order.
    pub fn ways_out(&self, node: &NodeId) -> impl Iterator<Item = &Edge> {
        let idxs = self
            .graph
            .node_idx
            .get(node)
            .map_or(&[][..], |idx| &self.graph.ways_out[*idx]);
        idxs.iter().map(|idx| &self.edges[*idx])
    }

    /// The merge of a split; `None` for a node that is no split.
    #[must_use]
    pub fn merge_of(&self, split: &NodeId) -> Option<&NodeId> {
        self.graph.splits.get(split).map(|split| &split.merge)
    }

    /// Whether a node lies in a split's region: on the ways from it to its merge, the merge included, the split not.
    #[must_use]
    pub fn in_region(&self, split: &NodeId, node: &NodeId) -> bool {
        self.graph
            .splits
            .get(split)
            .is_some_and(|split| split.region.contains(node))
    }
}
