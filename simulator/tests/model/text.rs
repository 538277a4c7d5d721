//! Definitions written as lines, for situations that the fixtures do not reach.
//!
//! ```text
//! form amount:number tags:checkbox(a|b|c) who:user*          fields beside the title; `*` takes several
//! title {amount} of {creator}                                an automatic title
//! start amount=required                                      optional where nothing is said
//! node a normal users:ann,bob whole withdraw amount=readonly strategies, flags and permissions in any order
//! node g exclusive default:e2
//! node t timer until:when                                    or `timer PT2H`
//! edge e1 reject a -> g skip
//! edge e2 condition g -> end if amount > 10 and tags contains a or amount is_empty
//! ```
//! `start` and `end` need no line. Flags of normal nodes: `withdraw`, `exclude_creator`, `remember`.

use serde_json::{Map, Value as Json, json};

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

/// The definition that the lines say.
pub(crate) fn definition(id: &str, version: &str, text: &str) -> Json {
    let mut fields = vec![json!({"id": "c_title", "type": "title", "component_key": "title", "props": {}})];
    let mut start = Map::new();
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').expect("a word and what follows");
        let words: Vec<&str> = rest.split_whitespace().collect();
        match word {
            "form" => fields.extend(words.iter().map(|word| field(word))),
            "title" => {
                fields[0]["props"] = json!({"title_generate_mode": "automatic", "title_template": rest});
                start.insert("title".into(), json!("hidden"));
            }
            "start" => start.extend(words.iter().map(|word| permission(word))),
            "node" => nodes.push(node(&words)),
            "edge" => edges.push(edge(rest, &words)),
            other => panic!("line starts with `{other}`"),
        }
    }
    for field in &fields {
        let key = field["component_key"].as_str().expect("a key");
        start.entry(key).or_insert(json!("optional"));
    }
    nodes.insert(
        0,
        json!({"id": "start", "name": "Start", "type": "start", "props": {"field_permissions": start}}),
    );
    nodes.push(json!({"id": "end", "name": "End", "type": "end", "props": {}}));
    json!({
        "basic_info": {"id": id, "name": id, "version": version},
        "form_schema": {"component_info_list": [{"id": "row", "type": "row", "children": fields}]},
        "process_schema": {"node_info_list": nodes, "edge_info_list": edges},
        "advanced_schema": {"permission_info": {"admin_id_list": ["wad"], "dispatcher_id_list": ["dis"],
            "viewer_id_list": ["vie"], "viewer_dept_id_list": ["sub"]}},
    })
}

fn field(word: &str) -> Json {
    let (key, kind) = word.split_once(':').expect("key:kind");
    let (kind, is_multiple) = kind.strip_suffix('*').map_or((kind, false), |kind| (kind, true));
    let (kind, options) = kind.split_once('(').unwrap_or((kind, ""));
    let options = options.trim_end_matches(')').split('|').filter(|key| !key.is_empty());
    let options: Vec<Json> = options
        .map(|key| json!({"key": key, "label": key.to_uppercase()}))
        .collect();
    let mut props = json!({"options_with_keys": options});
    if is_multiple {
        props["multiple"] = json!(true);
    }
    json!({"id": format!("c_{key}"), "type": kind, "component_key": key, "component_name": key, "props": props})
}

fn permission(word: &str) -> (String, Json) {
    let (key, permission) = word.split_once('=').expect("key=permission");
    (key.to_owned(), json!(permission))
}

fn node(words: &[&str]) -> Json {
    let mut props = json!({"field_permissions": {}});
    for word in &words[2..] {
        match word.split_once(':') {
            Some(("default", edge)) => props["default_branch"] = json!(edge),
            Some(("until", key)) => props["until_field"] = json!(key),
            Some((kind, named)) => {
                props["assignee_type"] = json!(kind);
                props["assignee"] = json!(named);
            }
            None => match *word {
                "withdraw" => props["allow_withdraw"] = json!(true),
                "remember" => props["remember_last_assignee"] = json!(true),
                "exclude_creator" => props["exclude_creator"] = json!(true),
                duration if words[1] == "timer" => props["duration"] = json!(duration),
                strategy if !word.contains('=') => props["assignment_strategy"] = json!(strategy),
                said => {
                    let (key, permission) = permission(said);
                    props["field_permissions"][key] = permission;
                }
            },
        }
    }
    if words[1] == "normal" && props["assignment_strategy"].is_null() {
        props["assignment_strategy"] = json!("direct");
    }
    if words[1] == "hook" {
        props["hook_url"] = json!("https://hooks.example/");
    }
    json!({"id": words[0], "name": words[0], "type": words[1], "props": props})
}

fn edge(rest: &str, words: &[&str]) -> Json {
    let conditions = rest.split_once(" if ").map_or("", |(_, conditions)| conditions);
    let groups: Vec<Json> = conditions
        .split(" or ")
        .filter(|group| !group.is_empty())
        .map(|group| json!({"conditions": group.split(" and ").map(condition).collect::<Vec<_>>()}))
        .collect();
    json!({
        "id": words[0], "name": words[0], "type": words[1], "source_node_id": words[2], "target_node_id": words[4],
        "props": {"condition_groups": groups, "skip_fields_required_check": words.contains(&"skip")},
    })
}

fn condition(text: &str) -> Json {
    let mut words = text.split_whitespace();
    let (field, operator) = (words.next().expect("a field"), words.next().expect("an operator"));
    let value: String = words.collect::<Vec<_>>().join(" ");
    let value = serde_json::from_str(&value).unwrap_or(Json::String(value));
    json!({"field_name": field, "operator": operator, "value": value})
}
