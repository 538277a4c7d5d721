//! One line per comparison.

use serde_json::{Value as Json, json};

use super::*;
use crate::workflow::definition;

/// A form with a field of each stored type, named for the type; `many` is a select of several.
fn form() -> Form {
    let options = json!([{"key": "a", "label": "A"}, {"key": "b", "label": "B"}, {"key": "c", "label": "C"}]);
    let mut children = Vec::new();
    for kind in ComponentKind::ALL {
        let props = json!({"options_with_keys": options});
        children.push(json!({"id": kind.word(), "component_key": kind.word(), "type": kind.word(), "props": props}));
    }
    let props = json!({"options_with_keys": options, "multiple": true});
    children.push(json!({"id": "many", "component_key": "many", "type": "select", "props": props}));
    let row = json!({"id": "row", "type": "row", "children": children});
    definition::read(&json!({"form_schema": {"component_info_list": [row]}}), None)
        .0
        .form
}

fn condition(field: &str, operator: &str, value: Json) -> Condition {
    let operator = Operator::parse(operator).unwrap();
    Condition {
        field: field.into(),
        operator,
        value: Value::from(&value),
    }
}

fn check(field: &str, stored: &Json, operator: &str, value: &Json, expected: bool) {
    let zone = crate::time::zone_named("Asia/Shanghai").unwrap();
    let value_of =
        |key: &FieldKey| (key.as_str() == field && !stored.is_null()).then(|| Cow::Owned(Value::from(stored)));
    let condition = condition(field, operator, value.clone());
    let held = ConditionGroups::new(vec![vec![condition]]).holds(&form(), &zone, &value_of);
    assert_eq!(held, expected, "{field}: {stored} {operator} {value}");
}

#[test]
fn comparisons_by_type() {
    let cases: &[(&str, Json, &str, Json, bool)] = &[
        ("number", json!(10), "==", json!("10.0"), true),
        ("number", json!("9"), "<", json!(10), true),
        ("number", json!(9), ">", json!("10"), false),
        ("number", json!(10_000.01), ">", json!("10000"), true),
        ("number", json!("0.1"), ">=", json!(0.1), true),
        ("number", json!(-1), "<=", json!(0), true),
        ("number", json!(2), "in", json!("1, 2,3"), true),
        ("number", json!(2), "in", json!([1, 2.0]), true),
        ("number", json!(4), "not_in", json!([1, 2]), true),
        ("number", json!(12), "contains", json!(1), false),
        ("number", json!(12), "contains", json!("12.0"), true),
        ("number", json!("much"), ">", json!(1), false),
        ("number", json!("much"), "!=", json!(1), true),
        ("text", json!("10"), "<", json!("9"), true),
        ("text", json!("Budget 2026"), "contains", json!("2026"), true),
        ("text", json!("Budget 2026"), "contains", json!("budget"), false),
        ("text", json!("Budget 2026"), "not_contains", json!("2027"), true),
        ("text", json!("5"), "==", json!(5), true),
        ("text", json!("b"), "in", json!("a,b"), true),
        ("text", json!("a,b"), "in", json!(["a,b"]), true),
        ("text", json!("x"), "!=", json!(""), true),
        ("title", json!("x"), "==", json!("x"), true),
        ("textarea", json!("line\nline"), "contains", json!("\n"), true),
        (
            "link",
            json!("https://a.example/x"),
            "contains",
            json!("a.example"),
            true,
        ),
        ("date", json!("2026-11-22"), "==", json!("2026-11-22 18:00:00"), true),
        ("date", json!("2026-11-22"), "<", json!("2026-11-23"), true),
        // In the tenant's zone this is the next day.
        ("date", json!("2026-11-22T20:00:00Z"), "==", json!("2026-11-23"), true),
        ("date", json!("2026-11-22"), "in", json!("2026-11-21,2026-11-22"), true),
        ("date", json!("2026-11-22"), ">", json!("soon"), false),
        (
            "datetime",
            json!("2026-11-22 08:00:00"),
            "==",
            json!("2026-11-22T00:00:00Z"),
            true,
        ),
        (
            "datetime",
            json!("2026-11-22 00:00:00"),
            "==",
            json!("2026-11-22"),
            true,
        ),
        ("datetime", json!("2026-11-22 00:00:01"), ">", json!("2026-11-22"), true),
        ("time", json!("9:30"), "==", json!("09:30:00"), false),
        ("time", json!("09:30"), "==", json!("09:30:00"), true),
        ("time", json!("10:00"), ">", json!("09:59"), true),
        ("radio", json!("a"), "==", json!("a"), true),
        ("radio", json!("a"), "!=", json!("b"), true),
        ("radio", json!("a"), "in", json!("a,b"), true),
        ("radio", json!("c"), "not_in", json!(["a", "b"]), true),
        ("radio", json!("a"), "<", json!("b"), true),
        ("radio", json!(["a"]), "==", json!("a"), true),
        ("many", json!(["a", "b"]), "==", json!("b,a"), true),
        ("many", json!("a,b"), "!=", json!(["a"]), true),
        ("many", json!(["a", "b"]), "contains", json!("a"), true),
        ("many", json!(["a", "b"]), "contains", json!("a,c"), false),
        ("many", json!(["a", "b"]), "not_contains", json!("c"), true),
        ("many", json!(["a", "b"]), "in", json!("a,b,c"), true),
        ("many", json!(["a", "c"]), "in", json!("a,b"), false),
        ("many", json!(["a", "c"]), "not_in", json!("a,b"), true),
        ("many", json!(["a", "b"]), ">=", json!("a"), false),
        ("checkbox", json!(["b"]), "contains", json!("b"), true),
        ("user", json!("u1"), "==", json!("u1"), true),
        ("user", json!("u1,u2"), "contains", json!("u2"), true),
        ("user", json!("u1"), "in", json!(["u1", "u2"]), true),
        ("department", json!(["d1"]), "==", json!("d1"), true),
        ("file", json!([{"name": "a"}]), "is_not_empty", json!(null), true),
        ("file", json!([{"name": "a"}]), "==", json!("a"), false),
        ("text", json!("x"), "is_empty", json!(null), false),
        ("creator_info", json!("u1"), "==", json!("u1"), false),
    ];
    for (field, stored, operator, value, expected) in cases {
        check(field, stored, operator, value, *expected);
    }
}

#[test]
fn a_missing_value_makes_all_false_but_four() {
    let form = form();
    let fields = form
        .components()
        .map(|component| component.key.to_string())
        .chain(["gone".to_owned()]);
    for field in fields {
        for (operator, word) in Operator::ALL {
            let expected = matches!(word, "!=" | "not_contains" | "not_in" | "is_empty");
            assert_eq!(operator.holds_for_missing(), expected);
            for missing in [json!(null), json!(" "), json!([])] {
                check(&field, &missing, word, &json!("1"), expected);
            }
        }
    }
}

#[test]
fn groups_are_ored_and_their_conditions_anded() {
    let (form, zone) = (form(), TimeZone::UTC);
    let value_of = |key: &FieldKey| Some(Cow::Owned(Value::text(key.as_str())));
    let one = |is_true: bool| condition("text", if is_true { "==" } else { "!=" }, json!("text"));
    let holds = |groups: &[&[bool]]| {
        let groups = groups
            .iter()
            .map(|group| group.iter().map(|flag| one(*flag)).collect())
            .collect();
        ConditionGroups::new(groups).holds(&form, &zone, &value_of)
    };
    assert!(holds(&[&[true, true]]));
    assert!(!holds(&[&[true, false]]));
    assert!(holds(&[&[true, false], &[true]]));
    assert!(!holds(&[&[false], &[false, true]]));
    assert!(
        !holds(&[&[], &[false]]),
        "an empty group asks nothing and lets nothing through"
    );
    assert!(holds(&[]) && ConditionGroups::new(vec![vec![], vec![]]).is_empty());
}
