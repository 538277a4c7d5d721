//! Kestrel Yard: a tenant of three people and one short workflow, for what was seen to go wrong there.

use serde_json::{Value, json};

/// The directory: `mira`, an admin, `ana` and `cleo`.
#[must_use]
pub fn directory() -> Value {
    let depts = json!([{ "dept_id": "d-yard", "is_primary": true }]);
    let user = |name: &str, word: &str| {
        let (id, email) = (format!("u-{name}"), format!("{name}@kestrel.example"));
        json!({ "id": id, "name": name, "email": email, "type": word, "is_active": true, "depts": depts })
    };
    json!({
        "tenant": { "id": "t-k", "name": "Kestrel Yard", "domain": "kestrel.example", "time_zone": "Europe/Berlin" },
        "users": [user("mira", "admin"), user("ana", "normal"), user("cleo", "normal")],
        "depts": [{ "id": "d-yard", "name": "Yard" }],
        "applications": [{ "name": "loonflow", "workflow_ids": "*" }],
    })
}

/// The workflow `w`: `go` from start to `a`, where `u-ana` fills in a rich text and takes `ok` to the end.
#[must_use]
pub fn workflow() -> Value {
    let component = |id: &str, word: &str, key: &str, name: &str| json!({ "id": id, "type": word, "component_key": key, "component_name": name });
    json!({
        "basic_info": { "id": "w", "name": "W", "version": "1" },
        "form_schema": { "component_info_list": [{
            "id": "r", "type": "row", "component_key": "r",
            "children": [
                component("c1", "title", "title", "Title"),
                component("c2", "number", "n", "N"),
                component("c3", "richtext", "rt", "Text"),
            ],
        }] },
        "process_schema": {
            "node_info_list": [
                { "id": "start", "name": "Start", "type": "start",
                  "props": { "field_permissions": { "title": "required", "n": "optional" } } },
                { "id": "a", "name": "A", "type": "normal", "props": {
                    "field_permissions": { "n": "readonly", "rt": "required" },
                    "assignee_type": "users", "assignee": "u-ana", "assignment_strategy": "direct" } },
                { "id": "end", "name": "End", "type": "end" },
            ],
            "edge_info_list": [
                { "id": "go", "name": "Go", "type": "agree", "source_node_id": "start", "target_node_id": "a" },
                { "id": "ok", "name": "Ok", "type": "agree", "source_node_id": "a", "target_node_id": "end" },
            ],
        },
    })
}

/// A place in a definition that a test changes, by a JSON pointer.
///
/// # Panics
/// Where there is none.
pub fn at<'a>(definition: &'a mut Value, pointer: &str) -> &'a mut Value {
    definition
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("nothing is at {pointer}"))
}
