//! Whatever value a field takes, some class stands for it: random conditions on random fields, and random values.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_world::directory_from;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

/// Read once: parsing takes longer than a case.
static DIRECTORY: LazyLock<Arc<Directory>> = LazyLock::new(directory);

fn directory() -> Arc<Directory> {
    let user = |id: &str, is_active: bool| {
        json!({ "id": id, "name": id, "alias": id, "email": format!("{id}@domain.example"), "type": "normal",
            "is_active": is_active, "depts": [{ "dept_id": "all", "is_primary": true }], "roles": [] })
    };
    let source = json!({
        "tenant": { "id": "domain", "name": "Domain", "domain": "domain.example", "time_zone": "Europe/Berlin" },
        "users": [user("ann", true), user("bob", true), user("cem", true), user("dee", false)],
        "depts": [{ "id": "all", "name": "All" }, { "id": "lab", "name": "Lab" }],
        "roles": [], "applications": [{ "name": "loonflow", "workflow_ids": "*" }],
    });
    directory_from(&source).expect("a directory")
}

type FieldKind = (Json, &'static [&'static str], Vec<Json>, Vec<Json>);

/// Of a kind of field: its type and properties, its operators, constants that conditions compare with, and values that
/// people send.
fn kinds() -> Vec<FieldKind> {
    const ORDER: &[&str] = &[
        "==",
        "!=",
        ">",
        ">=",
        "<",
        "<=",
        "in",
        "not_in",
        "is_empty",
        "is_not_empty",
    ];
    const SETS: &[&str] = &[
        "==",
        "!=",
        "contains",
        "not_contains",
        "in",
        "not_in",
        "is_empty",
        "is_not_empty",
    ];
    const TEXTS: &[&str] = SETS;
    let options = json!([{ "key": "x" }, { "key": "y" }, { "key": "z" }, { "key": "w" }]);
    let numbers: Vec<Json> = ["0", "1", "1.5", "-2", "7", "7.25", "100"].map(|one| json!(one)).into();
    let more_numbers: Vec<Json> = [
        "0", "0.1", "1", "1.49", "1.5", "1.51", "-2", "-3", "-1.999", "6.999", "7", "7.2", "7.25", "8", "99", "100",
        "101",
    ]
    .map(|one| json!(one))
    .into();
    let sets: Vec<Json> = vec![
        json!("x"),
        json!("y"),
        json!(["x", "y"]),
        json!(["y", "z"]),
        json!(["x", "y", "z"]),
        json!(["w"]),
    ];
    let days: Vec<Json> = [
        "2026-03-28",
        "2026-03-29",
        "2026-03-30",
        "2026-10-25",
        "2027-01-01",
        "1999-12-31",
        "2026-03-29 02:30:00",
    ]
    .map(|one| json!(one))
    .into();
    let times: Vec<Json> = ["00:00", "08:00:00", "08:00:01", "07:59:59.5", "12:30", "23:59:59"]
        .map(|one| json!(one))
        .into();
    let texts: Vec<Json> = ["a", "ab", "b", "ba", "abc", "x"].map(|one| json!(one)).into();
    let more_texts: Vec<Json> = [
        "a", "ab", "b", "ba", "abc", "x", "ax", "xab", "aba", "babc", "q", "ab x", "bb",
    ]
    .map(|one| json!(one))
    .into();
    let people: Vec<Json> = ["ann", "bob", "cem"].map(|one| json!(one)).into();
    let field = |kind: &str, props: Json| json!({ "id": "f", "type": kind, "component_key": "f", "component_name": "f", "props": props });
    vec![
        (field("number", json!({})), ORDER, numbers.clone(), more_numbers.clone()),
        (
            field("number", json!({ "min": 0.5, "max": 60, "precision": 1 })),
            ORDER,
            numbers.clone(),
            more_numbers.clone(),
        ),
        (
            field("number", json!({ "allow_decimal": false, "allow_negative": false })),
            ORDER,
            numbers,
            more_numbers,
        ),
        (
            field("select", json!({ "options_with_keys": options })),
            ORDER,
            sets[..2].to_vec(),
            sets.clone(),
        ),
        (
            field("checkbox", json!({ "options_with_keys": options })),
            SETS,
            sets.clone(),
            sets,
        ),
        (field("date", json!({})), ORDER, days.clone(), days.clone()),
        (field("datetime", json!({})), ORDER, days.clone(), days),
        (field("time", json!({})), ORDER, times.clone(), times),
        (field("text", json!({})), TEXTS, texts, more_texts),
        (
            field("user", json!({ "multiple": true })),
            SETS,
            people.clone(),
            vec![json!("ann"), json!(["ann", "bob"]), json!("cem,bob")],
        ),
        (field("user", json!({})), SETS, people.clone(), people),
        (
            field("department", json!({})),
            SETS,
            vec![json!("lab")],
            vec![json!("lab"), json!("all")],
        ),
    ]
}

fn definition(field: &Json, conditions: &[Json]) -> Json {
    let edge = |id: String, kind: &str, from: &str, to: &str, props: Json| json!({ "id": id, "name": id, "type": kind, "source_node_id": from, "target_node_id": to, "props": props });
    let mut edges = vec![edge("submit".into(), "agree", "start", "by", json!({}))];
    edges.push(edge("rest".into(), "condition", "by", "end", json!({})));
    for (idx, condition) in conditions.iter().enumerate() {
        let props = json!({ "condition_groups": [{ "conditions": [condition] }] });
        edges.push(edge(format!("e{idx}"), "condition", "by", "end", props));
    }
    json!({
        "basic_info": { "id": "domain", "version": "1" },
        "form_schema": { "component_info_list": [
            { "id": "row", "type": "row", "component_key": "row", "children": [field] },
        ] },
        "process_schema": { "node_info_list": [
            { "id": "start", "name": "Start", "type": "start", "props": { "field_permissions": { "f": "optional" } } },
            { "id": "by", "name": "By", "type": "exclusive", "props": { "default_branch": "rest" } },
            { "id": "end", "name": "End", "type": "end" },
        ], "edge_info_list": edges },
        "advanced_schema": {},
    })
}

proptest! {
    #[test]
    fn every_value_has_a_class(
        kind in any::<prop::sample::Index>(),
        asked in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
        sent in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        number in -30_000_i64..30_000,
    ) {
        let directory = &*DIRECTORY;
        let kinds = kinds();
        let (field, operators, constants, values) = kind.get(&kinds);
        let conditions: Vec<Json> = asked
            .iter()
            .map(|(operator, value)| {
                json!({ "field_name": "f", "operator": operator.get(operators), "value": value.get(constants) })
            })
            .collect();
        let source = definition(field, &conditions);
        let version = WorkflowVersion::load(&source).expect("it loads");
        let domains = domains(&version, directory, &"ann".into()).expect("few classes");
        prop_assert_eq!(domains.len(), 1);
        prop_assert!(domains[0].is_sure);
        let answers = |value: &Value| -> Vec<bool> {
            let all = version.edges.iter().flat_map(|edge| edge.conditions.iter());
            all.map(|one| one.holds(&version.form, directory.zone(), &|_| Some(Cow::Borrowed(value)))).collect()
        };
        let mut values: Vec<Json> = sent.iter().map(|one| one.get(values).clone()).collect();
        if field["type"] == json!("number") {
            // Any number with up to three decimals, near the constants as well as far from them.
            values.push(json!(format!("{}.{:03}", number / 1000, number.unsigned_abs() % 1000)));
        }
        for value in values {
            let value = Value::from(&value);
            if version.form.check_value(&"f".into(), &value, directory).is_err() {
                continue;
            }
            let is_known = domains[0].values[1..].iter().any(|class| answers(class) == answers(&value));
            prop_assert!(is_known, "{value:?} of {field} with {conditions:?}: {:?}", domains[0].values);
        }
        for class in &domains[0].values[1..] {
            prop_assert!(version.form.check_value(&"f".into(), class, directory).is_ok(), "{class:?} cannot be sent");
        }
    }
}
