//! What nodes, edges and their conditions say.

use loonflow_engine::test_util::With;
use loonflow_engine::ticket::visibility;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::FieldPermission;
use serde_json::{Value as Json, json};

use crate::Honoured;
use crate::draft::{Draft, node, step};

pub(crate) const HONOURED: &[Honoured] = &[
    ("node.id", key_node_id),
    ("node.name", key_node_name),
    ("node.type", key_node_type),
    ("start_props.field_permissions", key_field_permissions),
    ("node_props.field_permissions", key_field_permissions_elsewhere),
    ("choosing_props.field_permissions", key_field_permissions_elsewhere),
    ("normal_props.field_permissions", key_field_permissions),
    ("timer_props.field_permissions", key_field_permissions_elsewhere),
    ("hook_props.field_permissions", key_field_permissions_elsewhere),
    ("start_props.allow_withdraw", key_allow_withdraw),
    ("node_props.allow_withdraw", key_allow_withdraw),
    ("choosing_props.allow_withdraw", key_allow_withdraw),
    ("normal_props.allow_withdraw", key_allow_withdraw),
    ("timer_props.allow_withdraw", key_allow_withdraw),
    ("hook_props.allow_withdraw", key_allow_withdraw),
    ("choosing_props.default_branch", key_default_branch),
    ("edge.id", key_edge_id),
    ("edge.name", key_edge_name),
    ("edge.type", key_edge_type),
    ("edge.source_node_id", key_edge_source_node_id),
    ("edge.target_node_id", key_edge_target_node_id),
    ("edge_props.skip_fields_required_check", key_skip_fields_required_check),
    ("condition.field_name", key_condition_field_name),
    ("condition.field_key", key_condition_field_key),
    ("condition.field_type", key_condition_field_type),
    ("condition.operator", key_condition_operator),
    ("condition.value", key_condition_value),
    (
        "advanced_schema.permission_info.admin_id_list",
        key_permission_admin_id_list,
    ),
    (
        "advanced_schema.permission_info.dispatcher_id_list",
        key_permission_dispatcher_id_list,
    ),
    (
        "advanced_schema.permission_info.viewer_id_list",
        key_permission_viewer_id_list,
    ),
    (
        "advanced_schema.permission_info.viewer_dept_id_list",
        key_permission_viewer_dept_id_list,
    ),
];

fn number(text: &str) -> Value {
    Value::Number(text.into())
}

/// The value of the process' edge list at an edge.
fn on_edge(mut draft: Draft, edge: &str, key: &str, value: &str) -> Draft {
    draft.at(edge)[key] = value.into();
    draft
}

/// Start, a choice of this kind, and steps `a` and `b` behind it, the way to `a` on these conditions.
fn choice(kind: &str, conditions: Json) -> Draft {
    let mut draft = Draft::new()
        .node(node("c", kind, json!({"default_branch": "else"})))
        .node(step("b", &["cat"]))
        .edge("if", "condition", "c", "a")
        .edge("else", "condition", "c", "b")
        .edge("fine", "agree", "b", "end")
        .with("if", "condition_groups", json!([{"conditions": conditions}]));
    draft.at("go")["target_node_id"] = "c".into();
    if kind == "inclusive" {
        draft = draft.node(step("m", &["bob"])).edge("done", "agree", "m", "end");
        for way in ["ok", "fine"] {
            draft.at(way)["target_node_id"] = "m".into();
        }
    }
    draft
}

/// Whether the way to `a` is taken with these fields.
fn holds(draft: &Draft, fields: &[(&'static str, Value)]) -> bool {
    draft.submit(fields).at() == "on_going a(bob)"
}

#[test]
fn key_node_id() {
    assert_eq!(Draft::new().submit(&[]).at(), "on_going a(bob)");
    let twice = Draft::new().node(step("a", &["cat"]));
    assert_eq!(twice.problems(), ["duplicate_id"]);
}

#[test]
fn key_node_name() {
    let draft = on_edge(Draft::new(), "a", "name", "Check");
    let version = draft.version();
    assert_eq!(version.node(&"a".into()).unwrap().name, "Check");
    assert_eq!(on_edge(draft, "a", "name", " ").problems(), ["unnamed_node"]);
}

#[test]
fn key_node_type() {
    let draft = on_edge(Draft::new(), "a", "type", "moon");
    assert!(
        draft.problems().contains(&"unknown_node_type"),
        "{:?}",
        draft.problems()
    );
    // Each word's own way of waiting or passing: `waiting`, `choice`, and this of a fork.
    let mut fork = Draft::new()
        .node(node("f", "parallel", json!({})))
        .node(step("b", &["cat"]))
        .edge("one", "condition", "f", "a")
        .edge("two", "condition", "f", "b")
        .node(step("m", &["bob"]))
        .edge("fine", "agree", "b", "m")
        .edge("done", "agree", "m", "end");
    fork.at("ok")["target_node_id"] = "m".into();
    fork.at("go")["target_node_id"] = "f".into();
    assert_eq!(fork.submit(&[]).at(), "on_going a(bob) b(cat)");
}

#[test]
fn key_field_permissions() {
    let draft = Draft::new()
        .permits("a", "amount", "required")
        .permits("a", "who", "hidden");
    let mut story = draft.submit(&[]);
    assert_eq!(story.refused("bob", "ok"), "missing_required_fields");
    let with = |key: &'static str, value: Value| With {
        fields: vec![(key, value)],
        ..With::default()
    };
    for (field, value) in [("note", Value::text("x")), ("who", Value::text("ann"))] {
        let refusal = story.act_with("bob", "agree", "ok", with(field, value)).unwrap_err();
        assert_eq!(refusal.code(), "field_not_editable", "{field}");
    }
    story
        .act_with("bob", "agree", "ok", with("amount", number("2")))
        .unwrap();
    assert_eq!(story.at(), "finished end");
    let unknown = Draft::new().permits("a", "moon", "optional");
    assert_eq!(unknown.problems(), ["unknown_field"]);
    let word = Draft::new().permits("a", "amount", "maybe");
    assert_eq!(word.problems(), ["unknown_permission"]);
}

/// Where nobody fills anything in, permissions say what viewers see: what at least one node does not hide.
#[test]
fn key_field_permissions_elsewhere() {
    for (kind, props) in [
        ("exclusive", json!({"default_branch": "on"})),
        ("parallel", json!({})),
        ("timer", json!({"duration": "PT1H"})),
        ("hook", json!({"hook_url": "https://x.example/", "hook_token": "k"})),
        ("end", json!({})),
    ] {
        let mut draft = Draft::new()
            .field("late", "text", json!({}))
            .permits("start", "late", "hidden")
            .permits("a", "late", "hidden");
        let mut id = "end";
        if kind != "end" {
            draft = draft.node(node("n", kind, props)).edge("on", "condition", "n", "a");
            draft.at("go")["target_node_id"] = "n".into();
            id = "n";
        }
        for (permission, shown) in [
            ("readonly", FieldPermission::Readonly),
            ("hidden", FieldPermission::Hidden),
        ] {
            let version = draft
                .clone()
                .with(id, "field_permissions", json!({"late": permission}))
                .version();
            let seen = visibility::field_permissions(&version, None);
            assert_eq!(seen["late"], shown, "{kind}");
        }
        let unknown = draft.with(id, "field_permissions", json!({"moon": "readonly"}));
        assert_eq!(unknown.problems(), ["unknown_field"], "{kind}");
    }
}

#[test]
fn key_allow_withdraw() {
    let offers = |draft: &Draft| draft.submit(&[]).offers("ann");
    assert!(!offers(&Draft::new()).contains("withdraw"));
    assert!(offers(&Draft::new().with("a", "allow_withdraw", true)).contains("withdraw"));
    for (kind, props) in [
        ("timer", json!({"duration": "PT1H"})),
        ("hook", json!({"hook_url": "https://x.example/", "hook_token": "k"})),
    ] {
        for allows in [false, true] {
            let mut draft = Draft::new()
                .node(node("n", kind, props.clone()))
                .edge("on", "condition", "n", "a")
                .with("n", "allow_withdraw", allows);
            draft.at("go")["target_node_id"] = "n".into();
            assert_eq!(offers(&draft).contains("withdraw"), allows, "{kind}");
        }
    }
    // No ticket rests at a gateway; one that is back at start is withdrawn or rejected already; at the end it is over.
    let mut resting = Draft::new().with("start", "allow_withdraw", true).submit(&[]);
    assert!(!resting.act("bob", "no").offers("ann").contains("withdraw"));
    assert_eq!(Draft::new().with("end", "allow_withdraw", true).problems(), [""; 0]);
}

#[test]
fn key_default_branch() {
    let draft = choice(
        "exclusive",
        json!([{"field_name": "amount", "operator": ">", "value": 10}]),
    );
    assert_eq!(draft.submit(&[("amount", number("5"))]).at(), "on_going b(cat)");
    let unknown = draft.clone().with("c", "default_branch", "moon");
    assert_eq!(
        unknown.problems(),
        ["gateway_without_condition", "unknown_default_branch"]
    );
    let none = draft.without("c", "default_branch");
    assert!(
        !none.problems().is_empty(),
        "one way has no condition and is no default"
    );
}

#[test]
fn key_edge_id() {
    assert_eq!(Draft::new().submit(&[]).act("bob", "ok").at(), "finished end");
    assert_eq!(
        Draft::new()
            .submit(&[])
            .act_with("bob", "agree", "moon", With::default())
            .unwrap_err()
            .code(),
        "action_not_available"
    );
    let twice = Draft::new().edge("ok", "other", "a", "end");
    assert_eq!(twice.problems(), ["duplicate_id"]);
}

#[test]
fn key_edge_name() {
    let draft = on_edge(Draft::new(), "ok", "name", "Approve");
    let offered = draft.submit(&[]).offered("bob");
    let names: Vec<_> = offered.iter().map(|action| action.name.to_string()).collect();
    assert!(names.contains(&"Approve".into()), "{names:?}");
}

#[test]
fn key_edge_type() {
    for (kind, at) in [
        ("agree", "finished end"),
        ("accept", "finished end"),
        ("other", "finished end"),
        ("reject", "rejected end"),
    ] {
        let draft = on_edge(Draft::new(), "ok", "type", kind);
        assert_eq!(draft.submit(&[]).act("bob", "ok").at(), at, "{kind}");
    }
    assert_eq!(
        on_edge(Draft::new(), "ok", "type", "moon").problems(),
        ["unknown_edge_type"]
    );
    let by_itself = on_edge(Draft::new(), "ok", "type", "condition");
    assert!(!by_itself.problems().is_empty(), "people take no conditions");
}

#[test]
fn key_edge_source_node_id() {
    let draft = Draft::new().edge("more", "other", "a", "start");
    assert!(draft.submit(&[]).offers("bob").contains("more"));
    let unknown = on_edge(draft, "more", "source_node_id", "moon");
    assert!(
        unknown.problems().contains(&"dangling_edge"),
        "{:?}",
        unknown.problems()
    );
}

#[test]
fn key_edge_target_node_id() {
    assert_eq!(Draft::new().submit(&[]).act("bob", "no").at(), "rejected start(ann)");
    let unknown = on_edge(Draft::new(), "no", "target_node_id", "moon");
    assert!(
        unknown.problems().contains(&"dangling_edge"),
        "{:?}",
        unknown.problems()
    );
}

#[test]
fn key_skip_fields_required_check() {
    let draft = Draft::new().permits("a", "amount", "required");
    assert_eq!(draft.submit(&[]).refused("bob", "ok"), "missing_required_fields");
    let skips = draft.with("ok", "skip_fields_required_check", true);
    assert_eq!(skips.submit(&[]).act("bob", "ok").at(), "finished end");
}

#[test]
fn key_condition_field_name() {
    let draft = choice(
        "inclusive",
        json!([{"field_name": "amount", "operator": ">", "value": 10}]),
    );
    assert!(holds(&draft, &[("amount", number("11"))]) && !holds(&draft, &[("amount", number("10"))]));
    let unknown = choice(
        "exclusive",
        json!([{"field_name": "moon", "operator": ">", "value": 10}]),
    );
    assert_eq!(unknown.problems(), ["unknown_field"]);
}

#[test]
fn key_condition_field_key() {
    let draft = choice(
        "exclusive",
        json!([{"field_key": "amount", "operator": ">", "value": 10}]),
    );
    assert!(holds(&draft, &[("amount", number("11"))]) && !holds(&draft, &[("amount", number("10"))]));
    let both = json!([{"field_name": "note", "field_key": "amount", "operator": "is_empty"}]);
    assert!(
        holds(&choice("exclusive", both), &[("amount", number("1"))]),
        "`field_name` counts"
    );
}

#[test]
fn key_condition_field_type() {
    let wrong = json!([{"field_name": "amount", "field_type": "text", "operator": ">", "value": "9"}]);
    assert!(
        holds(&choice("exclusive", wrong), &[("amount", number("10"))]),
        "the form knows better"
    );
}

#[test]
fn key_condition_operator() {
    let unknown = choice(
        "exclusive",
        json!([{"field_name": "amount", "operator": "~", "value": 1}]),
    );
    assert_eq!(unknown.problems(), ["unknown_operator", "gateway_without_condition"]);
    let misplaced = choice(
        "exclusive",
        json!([{"field_name": "who", "operator": ">", "value": "bob"}]),
    );
    assert_eq!(misplaced.problems(), ["operator_not_for_type"]);
    for (operator, holding) in [
        ("==", true),
        ("!=", false),
        (">=", true),
        ("<", false),
        ("is_not_empty", true),
    ] {
        let draft = choice(
            "exclusive",
            json!([{"field_name": "amount", "operator": operator, "value": "5.0"}]),
        );
        assert_eq!(holds(&draft, &[("amount", number("5"))]), holding, "{operator}");
    }
}

#[test]
fn key_condition_value() {
    let draft = choice(
        "exclusive",
        json!([{"field_name": "note", "operator": "in", "value": ["a", "b"]}]),
    );
    assert!(holds(&draft, &[("note", Value::text("b"))]) && !holds(&draft, &[("note", Value::text("c"))]));
    let unreadable = choice(
        "exclusive",
        json!([{"field_name": "amount", "operator": ">", "value": "many"}]),
    );
    assert_eq!(unreadable.problems(), ["bad_condition_value"]);
}

#[test]
fn key_permission_admin_id_list() {
    let story = Draft::new().submit(&[]);
    assert!(story.offers("wad").contains("force_close") && !story.offers("dan").contains("force_close"));
    let unknown = Draft::new().set("/advanced_schema/permission_info/admin_id_list", ["moon"]);
    assert_eq!(unknown.problems(), ["unknown_user"]);
}

#[test]
fn key_permission_dispatcher_id_list() {
    let draft = Draft::new().set("/advanced_schema/permission_info/dispatcher_id_list", "dan, dis");
    assert!(draft.submit(&[]).offers("dan").contains("force_forward"));
    let unknown = draft.set("/advanced_schema/permission_info/dispatcher_id_list", "moon");
    assert_eq!(unknown.problems(), ["unknown_user"]);
}

fn sees(draft: &Draft, who: &str) -> bool {
    let story = draft.submit(&[]);
    visibility::may_view(&story.ticket, &who.into(), &story.directory, &story.workflow)
}

#[test]
fn key_permission_viewer_id_list() {
    assert!(!sees(&Draft::new(), "out"));
    let draft = Draft::new().set("/advanced_schema/permission_info/viewer_id_list", ["out"]);
    assert!(sees(&draft, "out"));
    assert!(!draft.submit(&[]).offers("out").contains("ok"), "and does nothing");
    let unknown = draft.set("/advanced_schema/permission_info/viewer_id_list", ["moon"]);
    assert_eq!(unknown.problems(), ["unknown_user"]);
}

#[test]
fn key_permission_viewer_dept_id_list() {
    let draft = Draft::new().set("/advanced_schema/permission_info/viewer_dept_id_list", ["sub"]);
    assert!(sees(&draft, "cat") && !sees(&draft, "dan"));
    let unknown = draft.set("/advanced_schema/permission_info/viewer_dept_id_list", ["moon"]);
    assert_eq!(unknown.problems(), ["unknown_dept"]);
}
