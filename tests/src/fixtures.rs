//! The fixture files, and a workflow for the second tenant.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The seven workflows of tenant Acme, by id.
pub const WORKFLOWS: [&str; 7] = [
    "access",
    "incident",
    "leave",
    "nested",
    "onboarding",
    "purchase",
    "release",
];

/// The workspace's root.
#[must_use]
pub fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// The fixtures are the engine's, which can be tested without the rest of the workspace.
fn place() -> PathBuf {
    root().join("engine/fixtures")
}

/// Files of a folder below `engine/fixtures`, sorted by name: stem and content.
///
/// # Panics
/// When a file cannot be read or is no JSON.
#[must_use]
pub fn folder(name: &str) -> Vec<(String, Value)> {
    let folder = place().join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<(String, Value)> = entries
        .map(|entry| {
            let path = entry.expect("a folder reads").path();
            let stem = path
                .file_stem()
                .expect("a file has a name")
                .to_string_lossy()
                .into_owned();
            (stem, read(&path))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// A workflow of the fixtures.
#[must_use]
pub fn workflow(id: &str) -> Value {
    read(&place().join(format!("workflows/{id}.json")))
}

/// A directory of the fixtures, without its passwords: hashing those takes seconds, and no tool asks for one.
///
/// # Panics
/// When the file has no list of users.
#[must_use]
pub fn directory(name: &str) -> Value {
    let mut directory = read(&place().join(format!("directory/{name}.json")));
    for user in directory["users"].as_array_mut().expect("a directory has users") {
        user.as_object_mut().expect("a user is an object").remove("password");
    }
    directory
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A workflow of tenant Globex: gil writes a memo, gina reads it. Its ids occur nowhere in Acme.
#[must_use]
pub fn memo() -> Value {
    let field = json!({
        "id": "c_memo_title", "type": "title", "component_key": "title", "component_name": "Title",
        "description": "", "label": {}, "layout": {}, "props": {}
    });
    let row = json!({
        "id": "row_memo", "type": "row", "component_key": "row_memo", "component_name": "", "description": "",
        "label": {}, "layout": {}, "props": {}, "children": [field]
    });
    let node = |id: &str, kind: &str, props: Value| json!({ "id": id, "name": id, "type": kind, "label": {}, "layout": {}, "props": props });
    let edge = |id: &str, from: &str, to: &str| {
        json!({
            "id": id, "name": id, "type": "agree", "source_node_id": from, "target_node_id": to,
            "label": {}, "layout": {}, "props": {}
        })
    };
    json!({
        "basic_info": { "id": "memo", "name": "Memo", "description": "Written and read.", "version": "1.0" },
        "form_schema": { "component_info_list": [row] },
        "process_schema": {
            "node_info_list": [
                node("memo_start", "start", json!({ "field_permissions": { "title": "required" } })),
                node("memo_read", "normal", json!({
                    "field_permissions": { "title": "readonly" }, "assignee_type": "users",
                    "assignee": "00000000-0000-7000-8000-000000000901", "assignment_strategy": "direct"
                })),
                node("memo_end", "end", json!({ "field_permissions": {} }))
            ],
            "edge_info_list": [edge("memo_send", "memo_start", "memo_read"), edge("memo_done", "memo_read", "memo_end")]
        },
        "advanced_schema": {
            "notification_info": { "title_template": "{title}", "content_template": "{title}", "selected_channel_list": [] },
            "permission_info": { "admin_id_list": [], "dispatcher_id_list": [], "viewer_id_list": [], "viewer_dept_id_list": [] },
            "customization_info": { "authorized_app_id_list": [], "label": {}, "hook_info_list": [] }
        }
    })
}
