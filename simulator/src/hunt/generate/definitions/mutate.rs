//! A definition changed a little, as a new version of it would be: permissions, assignees, conditions, a node with
//! another id, a node more, a rejection less.

use loonflow_engine::account::directory::Directory;
use serde_json::{Value as Json, json};

use super::form::Form;
use super::{Names, checked, condition, process};
use crate::world::tape::Tape;

/// Changes that are tried before none is made.
const TRIES: usize = 4;

/// The definition with one to three changes that the engine takes; as it was where none of the tries is taken.
#[must_use]
pub fn mutated(tape: &mut Tape, definition: &Json, names: &Names, directory: &Directory) -> Json {
    for _ in 0..TRIES {
        let mut changed = definition.clone();
        for _ in 0..=tape.next(3) {
            change(tape, &mut changed, names);
        }
        if changed != *definition && checked(&changed, Some(directory)).0.is_some() {
            return changed;
        }
    }
    definition.clone()
}

fn change(tape: &mut Tape, definition: &mut Json, names: &Names) {
    let form = Form::of(definition);
    match tape.next(9) {
        0 | 1 => {
            let field = tape.next(form.fields.len());
            if let (Some(node), Some(field)) = (picked(tape, nodes(definition), |_| true), form.fields.get(field)) {
                let is_hidden = node["type"] == "start" && field.is_automatic_title();
                let word = process::permission(tape, field.is_stored(), is_hidden).unwrap_or("hidden");
                node["props"]["field_permissions"][&field.key] = json!(word);
            }
        }
        2 | 3 => {
            if let Some(node) = picked(tape, nodes(definition), |node| node["type"] == "normal") {
                let props = process::assignment(tape, &form, names);
                for (name, value) in props.as_object().into_iter().flatten() {
                    node["props"][name] = value.clone();
                }
            }
        }
        4 => rename(tape, definition),
        5 => insert(tape, definition, &form, names),
        6 => {
            let edges = definition["process_schema"]["edge_info_list"].as_array_mut();
            let Some(edges) = edges else { return };
            let rejects = edges
                .iter()
                .enumerate()
                .filter(|(_, edge)| edge["type"] == "reject")
                .map(|(idx, _)| idx);
            let rejects: Vec<usize> = rejects.collect();
            if let Some(idx) = tape.pick(&rejects) {
                edges.remove(*idx);
            }
        }
        7 => {
            let has_conditions = |edge: &Json| edge["props"]["condition_groups"].is_array();
            if let Some(edge) = picked(tape, edges(definition), has_conditions) {
                edge["props"]["condition_groups"] = condition::groups(tape, &form, names);
            }
        }
        _ => {
            let users = Names::some(tape, &names.users, 2);
            let list = ["admin_id_list", "dispatcher_id_list", "viewer_id_list"][tape.next(3)];
            definition["advanced_schema"]["permission_info"][list] = json!(users);
        }
    }
}

fn nodes(definition: &mut Json) -> Option<&mut Vec<Json>> {
    definition["process_schema"]["node_info_list"].as_array_mut()
}

fn edges(definition: &mut Json) -> Option<&mut Vec<Json>> {
    definition["process_schema"]["edge_info_list"].as_array_mut()
}

fn picked<'a>(tape: &mut Tape, all: Option<&'a mut Vec<Json>>, fits: impl Fn(&Json) -> bool) -> Option<&'a mut Json> {
    let mut fitting: Vec<&mut Json> = all?.iter_mut().filter(|one| fits(one)).collect();
    let idx = tape.next(fitting.len());
    (idx < fitting.len()).then(|| fitting.swap_remove(idx))
}

/// A node gets another id and keeps its place.
fn rename(tape: &mut Tape, definition: &mut Json) {
    let Some(node) = picked(tape, nodes(definition), |_| true) else {
        return;
    };
    let old = node["id"].as_str().unwrap_or_default().to_owned();
    let new = format!("{old}_n");
    node["id"] = json!(new);
    for edge in edges(definition).into_iter().flatten() {
        for end in ["source_node_id", "target_node_id"] {
            if edge[end] == old.as_str() {
                edge[end] = json!(new);
            }
        }
    }
}

/// A normal node comes to stand in the midst of an edge.
fn insert(tape: &mut Tape, definition: &mut Json, form: &Form, names: &Names) {
    let n_nodes = nodes(definition).map_or(0, |nodes| nodes.len());
    let id = format!("more_{n_nodes}");
    let Some(edge) = picked(tape, edges(definition), |_| true) else {
        return;
    };
    let target = std::mem::replace(&mut edge["target_node_id"], json!(id));
    let mut props = process::assignment(tape, form, names);
    props["field_permissions"] = json!({});
    if let Some(nodes) = nodes(definition) {
        nodes.push(json!({ "id": id, "name": id, "type": "normal", "props": props }));
    }
    if let Some(edges) = edges(definition) {
        edges.push(json!({
            "id": format!("out_{id}"), "name": "Go on", "type": "agree", "source_node_id": id, "target_node_id": target,
            "props": {},
        }));
    }
}
