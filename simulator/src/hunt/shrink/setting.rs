//! A smaller setting of a case: definitions nobody uses go, then edges, nodes, fields, people and the time zone, as
//! long as what is left can be published and the case still fails.

use serde_json::{Value as Json, json};

use super::{Failing, Shrinking, setting_of};
use crate::world::case::{Case, CaseStep};

/// Makes definitions and directory smaller.
pub(super) fn simplify(shrinking: &mut Shrinking<'_>, case: &mut Case, failing: &mut Failing) {
    let mut at = case.definitions.len();
    while at > 0 && case.definitions.len() > 1 {
        at -= 1;
        let mut smaller = case.clone();
        smaller.definitions.remove(at);
        take_if_failing(shrinking, case, smaller, failing);
    }
    // A published version's definition and a changed directory hold whole copies: those stay as they are.
    let is_fixed = |step: &CaseStep| matches!(step, CaseStep::Publish { .. } | CaseStep::Directory { .. });
    if failing.steps.iter().any(|linked| is_fixed(&linked.step)) {
        return;
    }
    loop {
        let mut has_changed = false;
        for at in 0..case.definitions.len() {
            let mut n = 0;
            while let Some(definition) = smaller_definition(&case.definitions[at], n) {
                if shrinking.is_spent() {
                    return;
                }
                let mut smaller = case.clone();
                smaller.definitions[at] = definition;
                if take_if_failing(shrinking, case, smaller, failing) {
                    has_changed = true;
                } else {
                    n += 1;
                }
            }
        }
        let mut n = 0;
        while let Some(directory) = without(&case.directory, "users", n) {
            let mut smaller = case.clone();
            smaller.directory = directory;
            if take_if_failing(shrinking, case, smaller, failing) {
                has_changed = true;
            } else {
                n += 1;
            }
        }
        if case.directory["tenant"]["time_zone"]
            .as_str()
            .is_some_and(|zone| zone != "UTC")
        {
            let mut smaller = case.clone();
            smaller.directory["tenant"]["time_zone"] = json!("UTC");
            has_changed |= take_if_failing(shrinking, case, smaller, failing);
        }
        if !has_changed || shrinking.is_spent() {
            return;
        }
    }
}

fn take_if_failing(shrinking: &mut Shrinking<'_>, case: &mut Case, smaller: Case, failing: &mut Failing) -> bool {
    let Some(setting) = setting_of(&smaller.directory, &smaller.definitions) else {
        return false;
    };
    let former = std::mem::replace(&mut shrinking.setting, setting);
    match shrinking.fails(&failing.steps) {
        // No step may go on the way: which one can is found out by `remove_steps`.
        Some(found) if found.steps.len() == failing.steps.len() => {
            *failing = found;
            *case = smaller;
            true
        }
        Some(_) | None => {
            shrinking.setting = former;
            false
        }
    }
}

fn without(json: &Json, list: &str, at: usize) -> Option<Json> {
    let mut smaller = json.clone();
    let items = smaller[list].as_array_mut()?;
    (at < items.len()).then(|| items.remove(at))?;
    Some(smaller)
}

/// The `n`-th way to make a definition smaller; `None` beyond the last.
fn smaller_definition(definition: &Json, n: usize) -> Option<Json> {
    let mut smaller = definition.clone();
    let len = |json: &Json| json.as_array().map_or(0, Vec::len);
    let n_nodes = len(&definition["process_schema"]["node_info_list"]);
    let n_edges = len(&definition["process_schema"]["edge_info_list"]);
    let n_rows = len(&definition["form_schema"]["component_info_list"]);
    if n < n_nodes {
        bypass(&mut smaller, n);
    } else if n < n_nodes + n_edges {
        smaller["process_schema"]["edge_info_list"]
            .as_array_mut()?
            .remove(n - n_nodes);
    } else if n < n_nodes + n_edges + n_rows {
        let row = smaller["form_schema"]["component_info_list"]
            .as_array_mut()?
            .remove(n - n_nodes - n_edges);
        for component in row["children"].as_array().into_iter().flatten() {
            let key = component["component_key"].as_str().unwrap_or_default();
            for node in smaller["process_schema"]["node_info_list"].as_array_mut()? {
                if let Some(permissions) = node["props"]["field_permissions"].as_object_mut() {
                    permissions.remove(key);
                }
            }
        }
    } else if n == n_nodes + n_edges + n_rows {
        smaller["advanced_schema"] = json!({});
    } else {
        return None;
    }
    // Nothing may be done twice: a change that changes nothing would be taken for ever.
    if smaller == *definition {
        Some(json!(null))
    } else {
        Some(smaller)
    }
}

/// Takes a node out: what led to it leads to where its first way out leads; its ways out go.
fn bypass(definition: &mut Json, at: usize) {
    let Some(nodes) = definition["process_schema"]["node_info_list"].as_array_mut() else {
        return;
    };
    let id = nodes.remove(at)["id"].clone();
    let Some(edges) = definition["process_schema"]["edge_info_list"].as_array_mut() else {
        return;
    };
    let target = edges
        .iter()
        .find(|edge| edge["source_node_id"] == id)
        .map(|edge| edge["target_node_id"].clone());
    edges.retain(|edge| edge["source_node_id"] != id);
    for edge in edges.iter_mut().filter(|edge| edge["target_node_id"] == id) {
        if let Some(target) = &target {
            edge["target_node_id"] = target.clone();
        }
    }
}
