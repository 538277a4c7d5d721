//! Writes the definition: nodes, edges, the form, and what an export of ours kept in extension elements.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::id::NodeId;
use loonflow_engine::workflow::validate::{ValidationContext, check};
use serde_json::{Map, Value as Json, json};

use super::graph::{Graph, Node};
use super::model::{Kind, Model};
use super::people::{CAMUNDA, ZEEBE};
use super::{Findings, Options, form};
use crate::formats::export::bpmn::{MODEL, NAMESPACE, SECRETS_LEFT_OUT};
use crate::formats::xml::Element;

mod asked;
mod edges;
mod props;

/// How far a shape may lie from where an export drew it and still count as not moved.
const MOVED: f64 = 0.5;

/// The whole definition.
pub(super) fn definition(model: &Model<'_>, graph: &Graph<'_>, options: &Options, findings: &mut Findings) -> Json {
    let mut builder = Builder::new(model, graph, options, findings);
    let nodes: Vec<Json> = (0..graph.nodes.len()).map(|idx| builder.node(idx)).collect();
    let edges: Vec<Json> = (0..graph.flows.len()).map(|idx| builder.edge(idx)).collect();
    builder.finish(nodes, edges)
}

struct Builder<'a, 'f> {
    model: &'a Model<'a>,
    graph: &'a Graph<'a>,
    options: &'a Options,
    findings: &'f mut Findings,
    /// Everything but nodes and edges.
    base: Map<String, Json>,
    /// Whether `base` is an export's.
    is_ours: bool,
    scale: f64,
    /// Ids of nodes and flows as the definition has them.
    node_ids: Vec<String>,
    flow_ids: Vec<String>,
    /// Fields that are not in `base`, by key, with their order.
    fields: BTreeMap<String, (usize, form::Use)>,
    known: BTreeSet<String>,
    /// Fields that conditions, assignments or timers ask for.
    needed: BTreeMap<String, asked::Needed>,
}

impl<'a, 'f> Builder<'a, 'f> {
    fn new(model: &'a Model<'a>, graph: &'a Graph<'a>, options: &'a Options, findings: &'f mut Findings) -> Self {
        let kept = own(Some(model.process), "definition");
        let kept_json = kept.and_then(|kept| kept_object(kept, &model.id, findings));
        secrets_left_out(kept, &model.id, findings);
        let is_ours = kept_json.is_some();
        let base = kept_json.unwrap_or_else(|| skeleton(model));
        let scale = kept.and_then(|kept| kept.attribute("scale")?.parse::<f64>().ok());
        let mut taken = BTreeSet::new();
        // An id that an export had to change comes back, unless the element is a copy.
        let mut id_of = |id: &str, element: Option<&Element>, name: &str| {
            let kept = own(element, name).and_then(|kept| kept.attribute("id"));
            let is_of_it = |kept: &&str| {
                let like = kept.chars().map(|c| {
                    if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') {
                        c
                    } else {
                        '_'
                    }
                });
                let like: String = like.take(120).collect();
                id == *kept || id.strip_prefix("id_").unwrap_or(id).starts_with(&like)
            };
            let id = kept
                .filter(is_of_it)
                .filter(|kept| !taken.contains(*kept))
                .unwrap_or(id)
                .to_owned();
            taken.insert(id.clone());
            id
        };
        let node_ids = graph
            .nodes
            .iter()
            .map(|node| id_of(&node.id, node.element, "node"))
            .collect();
        let flow_ids = graph
            .flows
            .iter()
            .map(|flow| id_of(&flow.id, flow.element, "edge"))
            .collect();
        Self {
            model,
            graph,
            options,
            findings,
            known: keys_of(&base),
            base,
            is_ours,
            scale: scale.filter(|scale| *scale >= 1.0).unwrap_or(1.0),
            node_ids,
            flow_ids,
            fields: BTreeMap::new(),
            needed: BTreeMap::new(),
        }
    }

    fn node(&mut self, idx: usize) -> Json {
        let node = &self.graph.nodes[idx];
        let kept = own(node.element, "node");
        let kept_json = kept.and_then(|kept| kept_object(kept, &node.id, self.findings));
        secrets_left_out(kept, &node.id, self.findings);
        let is_ours = kept_json.is_some();
        let mut info = kept_json.unwrap_or_else(|| object(json!({ "label": {}, "layout": {} })));
        info.insert("id".into(), self.node_ids[idx].as_str().into());
        let name = node.element.and_then(|one| one.attribute("name")).unwrap_or_default();
        let name = if name.trim().is_empty() {
            self.name_of(node)
        } else {
            name.to_owned()
        };
        info.insert("name".into(), name.into());
        info.insert("type".into(), node.kind.word().into());
        self.layout(node, kept, &mut info);
        let mut props = match info.remove("props") {
            Some(Json::Object(props)) => props,
            Some(other) if !other.is_null() => {
                // An export kept it as it was; validation says what is wrong with it.
                info.insert("props".into(), other);
                return Json::Object(info);
            }
            Some(_) | None => Map::new(),
        };
        self.default_branch(idx, &mut props);
        self.own_props(idx, is_ours, &mut props);
        if !is_ours {
            let permissions = self.permissions(node);
            props.insert("field_permissions".into(), Json::Object(permissions));
        }
        info.insert("props".into(), Json::Object(props));
        Json::Object(info)
    }

    fn name_of(&self, node: &Node<'_>) -> String {
        match node.kind {
            Kind::Start => "Start".to_owned(),
            Kind::End | Kind::Terminate => "End".to_owned(),
            Kind::Task | Kind::Hook | Kind::Timer | Kind::Exclusive | Kind::Parallel | Kind::Inclusive => {
                node.id.clone()
            }
        }
    }

    /// Where an export drew it, its layout is what it was; else it lies where it is drawn.
    fn layout(&self, node: &Node<'_>, kept: Option<&Element>, info: &mut Map<String, Json>) {
        let Some((x, y)) = self.model.middles.get(&node.id) else {
            return;
        };
        let was = |name: &str| kept?.attribute(name)?.parse::<f64>().ok();
        let is_at = |was: Option<f64>, is: f64| was.is_some_and(|was| (was - is).abs() < MOVED);
        if is_at(was("x"), *x) && is_at(was("y"), *y) {
            return;
        }
        let mut layout = info.remove("layout").map(object).unwrap_or_default();
        for (name, value) in [("x", x), ("y", y)] {
            layout.insert(name.into(), json!((value / self.scale).round()));
        }
        info.insert("layout".into(), Json::Object(layout));
    }

    fn default_branch(&mut self, idx: usize, props: &mut Map<String, Json>) {
        let node = &self.graph.nodes[idx];
        let Some(default) = &node.default else { return };
        let flow = self
            .graph
            .flows
            .iter()
            .position(|flow| flow.id == *default && flow.source == idx);
        match flow {
            Some(flow) if matches!(node.kind, Kind::Exclusive | Kind::Inclusive) => {
                props.insert("default_branch".into(), self.flow_ids[flow].as_str().into());
            }
            Some(_) => {}
            None => {
                let sentence = format!("has the default flow `{default}`, which does not leave it: name one that does");
                self.findings.lost("default_flow", &node.id, sentence);
            }
        }
    }

    fn permissions(&mut self, node: &Node<'_>) -> Map<String, Json> {
        let mut found = Map::new();
        let Some(element) = node.element else { return found };
        if !matches!(node.kind, Kind::Start | Kind::Task) {
            return found;
        }
        for one in form::uses(&node.id, element, self.model.process, self.findings) {
            found.insert(one.key.clone(), one.permission.into());
            if self.known.contains(&one.key) {
                continue;
            }
            // The title comes first.
            let order = self.fields.len() + 1;
            match self.fields.get(&one.key) {
                None => {
                    self.fields.insert(one.key.clone(), (order, one));
                }
                Some((_, first)) if first.kind == one.kind => {}
                Some((_, first)) => {
                    let sentence = format!(
                        "has the field `{}` as {}, and another task has it as {}: the latter counts",
                        one.key, one.kind, first.kind
                    );
                    self.findings.lost("field_of_two_types", &node.id, sentence);
                }
            }
        }
        found
    }

    fn finish(mut self, mut nodes: Vec<Json>, edges: Vec<Json>) -> Json {
        self.put_in_asked(&mut nodes);
        if !self.is_ours {
            match self.fields.get_mut("title") {
                Some((_, title)) => title.kind = "title",
                None => {
                    let one = form::Use {
                        key: "title".into(),
                        name: "Title".into(),
                        kind: "title",
                        props: Map::new(),
                        permission: "required",
                    };
                    self.fields.insert("title".into(), (0, one));
                    self.findings.changed(
                        "title_put_in",
                        &self.model.id,
                        "has no title: a field of that name is filled in at start",
                    );
                    for (idx, node) in self.graph.nodes.iter().enumerate() {
                        let permission = match node.kind {
                            Kind::Start => "required",
                            Kind::Task => "readonly",
                            Kind::End | Kind::Terminate | Kind::Hook | Kind::Timer => continue,
                            Kind::Exclusive | Kind::Parallel | Kind::Inclusive => continue,
                        };
                        permit(&mut nodes[idx], "title", permission);
                    }
                }
            }
        }
        self.put_fields();
        let process = self.base.entry("process_schema").or_insert_with(|| json!({}));
        if let Some(process) = process.as_object_mut() {
            process.insert("node_info_list".into(), nodes.into());
            process.insert("edge_info_list".into(), edges.into());
        }
        self.basic_info();
        Json::Object(self.base)
    }

    /// Appends a row for each field that is new.
    fn put_fields(&mut self) {
        let mut fields: Vec<(usize, form::Use)> = std::mem::take(&mut self.fields).into_values().collect();
        fields.sort_by(|a, b| (a.0, &a.1.key).cmp(&(b.0, &b.1.key)));
        let schema = self.base.entry("form_schema").or_insert_with(|| json!({}));
        let Some(schema) = schema.as_object_mut() else { return };
        let rows = schema.entry("component_info_list").or_insert_with(|| json!([]));
        let Some(rows) = rows.as_array_mut() else { return };
        for (_, one) in fields {
            let order = rows.len();
            let row = format!("row_{}", one.key);
            rows.push(json!({
                "id": row, "type": "row", "component_key": row, "component_name": "", "description": "",
                "label": {}, "layout": { "span": 12, "order_id": order }, "props": {},
                "children": [{
                    "id": format!("c_{}", one.key), "type": one.kind, "component_key": one.key,
                    "component_name": one.name, "description": "", "label": {}, "layout": { "span": 12 },
                    "props": one.props,
                }],
            }));
        }
    }

    /// Name and description are BPMN's where it says something else than the export did.
    fn basic_info(&mut self) {
        let process = self.model.process;
        let info = self.base.entry("basic_info").or_insert_with(|| json!({}));
        let Some(info) = info.as_object_mut() else { return };
        let id = info.get("id").and_then(Json::as_str).map(str::to_owned);
        let kept = own(Some(process), "definition").and_then(|kept| kept.attribute("id"));
        let id = id.or(kept.map(str::to_owned)).unwrap_or_else(|| self.model.id.clone());
        let said =
            |info: &Map<String, Json>, name: &str| info.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        if let Some(name) = process.attribute("name").filter(|name| !name.trim().is_empty()) {
            let is_default = said(info, "name").trim().is_empty() && name == id;
            if said(info, "name") != name && !is_default {
                info.insert("name".into(), name.into());
            }
        }
        let documentation = process.child(MODEL, "documentation").map(|one| one.text.as_str());
        if let Some(text) = documentation.filter(|text| said(info, "description") != **text) {
            info.insert("description".into(), text.into());
        }
    }
}

/// An extension element of ours.
pub(super) fn own<'a>(element: Option<&'a Element>, name: &str) -> Option<&'a Element> {
    element?.child(MODEL, "extensionElements")?.child(NAMESPACE, name)
}

/// Tells what an export left out of an element.
fn secrets_left_out(kept: Option<&Element>, id: &str, findings: &mut Findings) {
    let sentence = match kept.and_then(|kept| kept.attribute(SECRETS_LEFT_OUT)) {
        None => return,
        // Exports once did not say which.
        Some("true") => "was exported without the tokens of its hooks: put them in again".to_owned(),
        Some(places) => {
            let places = places.split(", ").collect::<Vec<_>>().join("`, `");
            format!("was exported without its secrets at `{places}`: put them in again")
        }
    };
    findings.changed("secrets_left_out", id, sentence);
}

fn kept_object(kept: &Element, id: &str, findings: &mut Findings) -> Option<Map<String, Json>> {
    match serde_json::from_str(&kept.text) {
        Ok(Json::Object(found)) => Some(found),
        Ok(_) | Err(_) => {
            let sentence = format!(
                "has a `loonflow:{}` that is no JSON object: it is read as if it were not there",
                kept.name
            );
            findings.lost("extension_unreadable", id, sentence);
            None
        }
    }
}

fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(found) => found,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => Map::new(),
    }
}

fn skeleton(model: &Model<'_>) -> Map<String, Json> {
    let process = model.process;
    let tag = CAMUNDA
        .iter()
        .find_map(|namespace| process.attribute_in(namespace, "versionTag"));
    let extension = process.child(MODEL, "extensionElements");
    let zeebe = extension.and_then(|more| more.child(ZEEBE, "versionTag")?.attribute("value"));
    let version = tag.or(zeebe).filter(|tag| !tag.trim().is_empty()).unwrap_or("1.0");
    let name = process
        .attribute("name")
        .filter(|name| !name.trim().is_empty())
        .unwrap_or(&model.id);
    object(json!({
        "basic_info": { "id": model.id, "name": name, "description": "", "version": version },
        "form_schema": { "component_info_list": [] },
        "process_schema": {},
        "advanced_schema": {
            "notification_info": { "title_template": "", "content_template": "", "selected_channel_list": [] },
            "permission_info": {
                "admin_id_list": [], "dispatcher_id_list": [], "viewer_id_list": [], "viewer_dept_id_list": [],
            },
            "customization_info": { "authorized_app_id_list": [], "label": {}, "hook_info_list": [] },
        },
    }))
}

fn keys_of(base: &Map<String, Json>) -> BTreeSet<String> {
    let rows = base
        .get("form_schema")
        .and_then(|schema| schema.get("component_info_list"))
        .and_then(Json::as_array);
    let children = rows
        .into_iter()
        .flatten()
        .filter_map(|row| row.get("children")?.as_array());
    let keys = children
        .flatten()
        .filter_map(|child| child.get("component_key")?.as_str());
    keys.map(str::to_owned).collect()
}

fn permit(node: &mut Json, key: &str, permission: &str) {
    let permissions = node
        .get_mut("props")
        .and_then(|props| props.get_mut("field_permissions"));
    if let Some(permissions) = permissions.and_then(Json::as_object_mut) {
        permissions.entry(key).or_insert_with(|| permission.into());
    }
}

/// Tells where parallel branches meet at a node that BPMN would run once for each of them.
pub(super) fn tell_implicit_joins(model: &Model<'_>, definition: &Json, findings: &mut Findings) {
    let (version, _) = check(definition, None, &ValidationContext::default());
    let Some(version) = version else { return };
    let merges: BTreeSet<&NodeId> = version.graph.splits.values().map(|split| &split.merge).collect();
    for merge in merges {
        let node = model.nodes.iter().find(|node| node.id == merge.as_str());
        let Some(node) = node.filter(|node| !matches!(node.kind, Kind::Parallel | Kind::Inclusive)) else {
            continue;
        };
        if own(Some(node.element), "node").is_none() {
            let sentence = "is where parallel branches meet: BPMN would run it once for each, here they are joined and it runs once";
            findings.changed("implicit_join", &node.id, sentence);
        }
    }
}
