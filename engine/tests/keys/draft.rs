//! A definition in JSON that works, to be changed key by key.

use std::sync::{Arc, LazyLock};

use loonflow_engine::account::directory::Directory;
use loonflow_engine::test_util::{Story, directory};
use loonflow_engine::ticket::Refusal;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_engine::workflow::validate::{Problem, ValidationContext, check};
use serde_json::{Value as Json, json};

static DIRECTORY: LazyLock<Arc<Directory>> = LazyLock::new(|| directory(&["off"]));

/// Start, a step `a` of bob, end; a title, and fields that may be filled in at start and are read at `a`.
#[derive(Clone)]
pub(crate) struct Draft(pub(crate) Json);

impl Draft {
    pub(crate) fn new() -> Self {
        let fields = [
            ("title", "title", json!({})),
            ("amount", "number", json!({})),
            ("note", "text", json!({})),
            ("who", "user", json!({"multiple": true})),
            ("due", "datetime", json!({})),
        ];
        let fields = fields.map(|(key, kind, props)| component(key, kind, &props));
        Self(json!({
            "basic_info": {"id": "w", "name": "W", "version": "1"},
            "form_schema": {"component_info_list": [{"id": "row", "type": "row", "children": fields}]},
            "process_schema": {
                "node_info_list": [
                    {"id": "start", "name": "Start", "type": "start", "props": {"field_permissions": {
                        "title": "required", "amount": "optional", "note": "optional", "who": "optional",
                        "due": "optional",
                    }}},
                    step("a", &["bob"]),
                    {"id": "end", "name": "End", "type": "end"},
                ],
                "edge_info_list": [
                    edge("go", "agree", "start", "a"),
                    edge("ok", "agree", "a", "end"),
                    edge("no", "reject", "a", "start"),
                ],
            },
            "advanced_schema": {"permission_info": {"admin_id_list": ["wad"]}},
        }))
    }

    /// The one with this id among nodes, edges and fields.
    pub(crate) fn at(&mut self, id: &str) -> &mut Json {
        let process = &self.0["process_schema"];
        let place = ["node_info_list", "edge_info_list"].into_iter().find_map(|list| {
            let idx = process[list].as_array()?.iter().position(|one| one["id"] == id)?;
            Some(format!("/process_schema/{list}/{idx}"))
        });
        let place = place.or_else(|| {
            let children = self.0["form_schema"]["component_info_list"][0]["children"].as_array()?;
            let idx = children.iter().position(|one| one["id"] == id)?;
            Some(format!("/form_schema/component_info_list/0/children/{idx}"))
        });
        let place = place.unwrap_or_else(|| panic!("nothing has the id {id}"));
        self.0.pointer_mut(&place).expect("it was found")
    }

    /// The same with a key of the `props` of a node, an edge or a field.
    pub(crate) fn with(mut self, id: &str, key: &str, value: impl Into<Json>) -> Self {
        self.at(id)["props"][key] = value.into();
        self
    }

    /// The same without it.
    pub(crate) fn without(mut self, id: &str, key: &str) -> Self {
        let props = self.at(id)["props"].as_object_mut().expect("props");
        props.remove(key).expect("it was there");
        self
    }

    /// The same with a key anywhere: `/basic_info/name`.
    pub(crate) fn set(mut self, pointer: &str, value: impl Into<Json>) -> Self {
        let (place, key) = pointer.rsplit_once('/').expect("a pointer");
        let place = self
            .0
            .pointer_mut(place)
            .unwrap_or_else(|| panic!("nothing at {place}"));
        match key.parse::<usize>() {
            Ok(idx) if place.is_array() => place[idx] = value.into(),
            Ok(_) | Err(_) => place[key] = value.into(),
        }
        self
    }

    /// The same with something of the list of this name more: `node_info_list`, `edge_info_list`, or fields.
    pub(crate) fn node(mut self, node: Json) -> Self {
        push(&mut self.0["process_schema"]["node_info_list"], node);
        self
    }

    pub(crate) fn edge(mut self, id: &str, kind: &str, from: &str, to: &str) -> Self {
        push(
            &mut self.0["process_schema"]["edge_info_list"],
            edge(id, kind, from, to),
        );
        self
    }

    /// The same with a field more, which may be filled in at start and changed at `a`.
    pub(crate) fn field(mut self, key: &str, kind: &str, props: Json) -> Self {
        let row = &mut self.0["form_schema"]["component_info_list"][0];
        push(&mut row["children"], component(key, kind, &props));
        for node in ["start", "a"] {
            self.at(node)["props"]["field_permissions"][key] = "optional".into();
        }
        self
    }

    /// With a field whose permission at start is another one.
    pub(crate) fn permits(mut self, node: &str, field: &str, permission: &str) -> Self {
        self.at(node)["props"]["field_permissions"][field] = permission.into();
        self
    }

    fn checked(&self) -> (Option<WorkflowVersion>, Vec<Problem>) {
        let context = ValidationContext {
            directory: Some(&DIRECTORY),
            known_workflows: None,
        };
        check(&self.0, None, &context)
    }

    /// Codes of what publishing says of it, warnings too.
    pub(crate) fn problems(&self) -> Vec<&'static str> {
        self.checked().1.iter().map(|problem| problem.code).collect()
    }

    /// It as a version that runs.
    pub(crate) fn version(&self) -> Arc<WorkflowVersion> {
        let (version, problems) = self.checked();
        Arc::new(version.unwrap_or_else(|| panic!("{problems:#?}")))
    }

    /// Ann takes `go` with a title and these fields.
    pub(crate) fn submit(&self, fields: &[(&'static str, Value)]) -> Story {
        self.try_submit(fields)
            .unwrap_or_else(|refusal| panic!("refused: {refusal}"))
    }

    pub(crate) fn try_submit(&self, fields: &[(&'static str, Value)]) -> Result<Story, Refusal> {
        self.by("ann", fields)
    }

    /// The same by somebody else.
    pub(crate) fn by(&self, who: &str, fields: &[(&'static str, Value)]) -> Result<Story, Refusal> {
        Story::submit_with(&self.version(), who, fields)
    }
}

fn push(list: &mut Json, one: Json) {
    list.as_array_mut().expect("a list").push(one);
}

fn component(key: &str, kind: &str, props: &Json) -> Json {
    json!({"id": key, "type": kind, "component_key": key, "component_name": key.to_uppercase(), "props": props})
}

/// A node at which any of these people act.
pub(crate) fn step(id: &str, people: &[&str]) -> Json {
    json!({"id": id, "name": id.to_uppercase(), "type": "normal", "props": {
        "assignee_type": "users", "assignee": people, "assignment_strategy": "direct",
        "field_permissions": {"title": "readonly", "amount": "optional", "note": "readonly", "due": "optional"},
    }})
}

/// A node of another kind.
pub(crate) fn node(id: &str, kind: &str, props: Json) -> Json {
    json!({"id": id, "name": id.to_uppercase(), "type": kind, "props": props})
}

fn edge(id: &str, kind: &str, from: &str, to: &str) -> Json {
    json!({"id": id, "name": id.to_uppercase(), "type": kind, "source_node_id": from, "target_node_id": to,
        "props": {}})
}
