//! Definitions written as lines, for situations that the fixtures do not reach; see `loonflow_engine::test_util::flow`.

use loonflow_engine::test_util;
use serde_json::{Value as Json, json};

/// People: ann, bob, cat, dan, adm (tenant admin), wad, dis, vie (the workflow's), cat and out (in its
/// viewer department and below it), off (inactive).
pub(crate) fn directory() -> Json {
    let user = |id: &str| {
        let dept = match id {
            "cat" => "sub",
            "out" => "deep",
            _ => "top",
        };
        let roles: &[&str] = if ["ann", "bob", "off"].contains(&id) {
            &["crew"]
        } else {
            &[]
        };
        json!({
            "id": id, "name": id, "alias": if id == "bob" { "" } else { "A. Lias" }, "email": format!("{id}@x.example"),
            "type": if id == "adm" { "admin" } else { "normal" }, "is_active": id != "off",
            "depts": [{"dept_id": dept, "is_primary": true}], "roles": roles,
        })
    };
    let users: Vec<Json> = ["ann", "bob", "cat", "dan", "adm", "wad", "dis", "vie", "out", "off"]
        .map(user)
        .into();
    json!({
        "tenant": {"id": "t", "name": "T", "domain": "x.example", "time_zone": "UTC"},
        "users": users,
        "depts": [
            {"id": "top", "name": "Top", "parent_id": null, "leader": "dan", "approvers": ["bob", "off"]},
            {"id": "sub", "name": "Sub", "parent_id": "top", "leader": null, "approvers": []},
            {"id": "deep", "name": "Deep", "parent_id": "sub", "leader": null, "approvers": []},
            {"id": "far", "name": "Far", "parent_id": null, "leader": null, "approvers": []},
        ],
        "roles": [{"id": "crew", "name": "crew"}, {"id": "empty", "name": "empty"}],
        "applications": [{"name": "loonflow", "workflow_ids": "*"}],
    })
}

/// The definition that the lines say; the members of a department are viewers of it too.
pub(crate) fn definition(id: &str, version: &str, text: &str) -> Json {
    let mut definition = test_util::definition(id, version, text).definition();
    definition["advanced_schema"]["permission_info"]["viewer_dept_id_list"] = json!(["sub"]);
    definition
}
