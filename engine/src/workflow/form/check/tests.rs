//! One line per value.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::account::import;
use crate::workflow::definition;
use crate::workflow::form::FieldPermission;
use crate::workflow::node::{Node, NodeKind};

const DEV: &str = "00000000-0000-7000-8000-000000000104";
const DANA: &str = "00000000-0000-7000-8000-000000000105";
const GONE: &str = "00000000-0000-7000-8000-000000000114";
const FINANCE: &str = "00000000-0000-7000-8000-000000000206";

fn form() -> Form {
    let options =
        json!([{"key": "a", "label": "Apple"}, {"key": "b", "label": "Berry"}, {"key": "x,y", "label": "Both"}]);
    let fields = [
        (
            "title",
            "title",
            json!({"title_generate_mode": "automatic", "title_template": "{creator}: {choice} {who} {n}"}),
        ),
        ("text", "text", json!({})),
        ("area", "textarea", json!({})),
        ("rich", "richtext", json!({})),
        ("n", "number", json!({"min": 0.5, "max": 60, "precision": 1})),
        (
            "whole",
            "number",
            json!({"allow_decimal": false, "allow_negative": false}),
        ),
        ("any", "number", json!({})),
        ("choice", "select", json!({"options_with_keys": options})),
        ("choices", "checkbox", json!({"options_with_keys": options})),
        ("day", "date", json!({})),
        ("at", "datetime", json!({})),
        ("time", "time", json!({})),
        ("who", "user", json!({})),
        ("team", "user", json!({"multiple": true})),
        ("dept", "department", json!({})),
        ("file", "file", json!({})),
        ("files", "file", json!({"multiple": true})),
        ("link", "link", json!({})),
        ("ext", "externaldata", json!({})),
        ("info", "act_state", json!({})),
    ];
    let children =
        fields.map(|(key, kind, props)| json!({"id": key, "component_key": key, "type": kind, "props": props}));
    let row = json!({"id": "row", "type": "row", "children": children});
    definition::read(&json!({"form_schema": {"component_info_list": [row]}}), None)
        .0
        .form
}

#[test]
fn values_by_type() {
    let (form, directory) = (form(), import::fixture("acme"));
    let long = |count: usize| json!("ä".repeat(count));
    let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
    let cases: &[(&str, Json, &str)] = &[
        ("gone", json!("x"), "is no field of this form"),
        ("text", json!(null), ""),
        ("n", json!(" "), ""),
        ("who", json!([]), ""),
        ("text", deep, "is nested too deeply"),
        ("title", long(500), ""),
        ("title", long(501), "has 501 characters"),
        ("text", long(2_000), ""),
        ("text", long(2_001), "has 2001 characters"),
        ("area", long(100_000), ""),
        ("area", long(100_001), "has 100001 characters"),
        ("text", json!(5), "is a number, not a text"),
        ("n", json!(0.5), ""),
        ("n", json!("60.0"), ""),
        ("n", json!(0), "is too small"),
        ("n", json!(61), "is too large"),
        ("n", json!(1.25), "has too many decimals"),
        ("n", json!("1.50"), ""),
        ("n", json!("one"), "is not a number of at most 28 digits"),
        ("n", json!([1]), "is a list, not a number"),
        ("whole", json!(3.0), ""),
        ("whole", json!(3.5), "has too many decimals"),
        ("whole", json!(-3), "is negative"),
        ("any", json!(-1e10), ""),
        ("any", json!("1e3"), ""),
        (
            "any",
            json!("0.10000000000000000000000000001"),
            "is not a number of at most 28 digits",
        ),
        ("any", json!(1e300), "is not a number of at most 28 digits"),
        ("choice", json!("a"), ""),
        ("choice", json!("x,y"), ""),
        ("choice", json!(["b"]), ""),
        ("choice", json!("a,b"), "names several"),
        ("choice", json!("c"), "has no option `c`"),
        ("choice", json!({"key": "a"}), "is an object"),
        ("choices", json!("a,b"), ""),
        ("choices", json!(["a", "x,y"]), ""),
        ("choices", json!(["a", null]), "has null in its list"),
        ("choices", json!(["a", "z"]), "has no option `z`"),
        ("choices", json!(","), "names nothing"),
        ("day", json!("2026-02-28"), ""),
        ("day", json!("2026-02-30"), "is no date"),
        ("day", json!(20_260_228), "is a number, not a text"),
        ("at", json!("2026-02-28 09:00:00"), ""),
        ("at", json!("2026-02-28T09:00:00+08:00"), ""),
        ("at", json!("tomorrow"), "is no date"),
        ("time", json!("09:30"), ""),
        ("time", json!("25:00"), "is no time of day"),
        ("time", json!("2026-02-28"), "is no time of day"),
        ("who", json!(DEV), ""),
        ("who", json!([DEV]), ""),
        ("who", json!([DEV, DANA]), "names several"),
        ("who", json!("nobody"), "has no user `nobody`"),
        ("team", json!(format!("{DEV}, {DANA}")), ""),
        ("team", json!([DEV, GONE]), "is no longer active"),
        ("team", json!(vec!["u"; 201]), "names more than 200"),
        ("dept", json!(FINANCE), ""),
        ("dept", json!(DEV), "has no department"),
        ("file", json!({"name": "a.pdf"}), ""),
        ("file", json!(["1"]), ""),
        ("file", json!([{"id": "1"}, {"id": "2"}]), "has 2 files"),
        ("file", json!("1"), ""),
        ("file", json!("1, 2"), "has 2 files"),
        ("file", json!(5), "is a number, not the id of a file"),
        ("files", json!("1,2"), ""),
        ("files", json!([{"id": "1"}, {"id": "2", "size": 5}]), ""),
        ("files", json!([{"size": 5}]), "does not say which file it means"),
        ("link", json!("https://a.example/?q=1"), ""),
        ("link", json!("ftp://a.example"), "is no such address"),
        ("link", json!("javascript:alert(1)"), "is no such address"),
        ("link", json!("a.example"), "is no such address"),
        ("ext", json!("x"), "is shown, never written"),
        ("info", json!("x"), "is shown, never written"),
    ];
    for (key, value, expected) in cases {
        let value = Value::from(value);
        match form.check_value(&FieldKey::from(*key), &value, &directory) {
            Ok(stored) => assert_eq!((stored, ""), (value, *expected), "{key}"),
            Err(problem) => {
                assert!(
                    !expected.is_empty() && problem.problem.contains(expected),
                    "{key}: {problem:?}"
                );
                assert!(!problem.allowed.is_empty());
            }
        }
    }
}

proptest! {
    /// A text without markup is stored as a parser would leave it.
    #[test]
    fn plain_rich_text_is_as_a_parser_leaves_it(text in "([a-zA-Z0-9 \n.,;:!?'\"(){}=/äß日١-]|\\PC){0,24}") {
        let stored = rich_text(&Value::text(text.clone())).unwrap();
        prop_assert_eq!(stored, Value::text(ammonia::clean(&text)));
    }
}

#[test]
fn rich_text_is_cleaned() {
    let sent = Value::text("<p onclick=x()>Hi <script>steal()</script><a href=\"javascript:x()\">link</a></p>");
    let stored = form()
        .check_value(&"rich".into(), &sent, &import::fixture("acme"))
        .unwrap();
    assert_eq!(stored, Value::text("<p>Hi <a rel=\"noopener noreferrer\">link</a></p>"));
    // What was stored may be sent back.
    assert_eq!(
        form()
            .check_value(&"rich".into(), &stored, &import::fixture("acme"))
            .unwrap(),
        stored
    );
}

#[test]
fn markup_that_costs_too_much_is_refused() {
    let directory = import::fixture("acme");
    let check = |markup: String| form().check_value(&"rich".into(), &Value::text(markup), &directory);
    for (unit, n, is_taken) in [
        ("<div>", 256, true),
        ("<div>", 257, false),
        ("<div></x>", 257, false),
        ("<ul><li>", 257, false),
        ("<div></div>", 9_000, true),
        ("<p>text<br>", 6_000, true),
        ("<li><dd>", 257, false),
        ("<p><b id=x></p>", 257, false),
        ("a < b ", 16_000, false),
        ("a < b ", 10_000, true),
    ] {
        assert_eq!(check(unit.repeat(n)).is_ok(), is_taken, "{unit} {n} times");
    }
}

#[test]
fn titles_are_made_of_what_people_read() {
    let (form, directory) = (form(), import::fixture("acme"));
    let values = [("choice", json!("a")), ("who", json!(DEV)), ("n", json!("2.5"))];
    let field_text = |key: &FieldKey| {
        let (_, value) = values.iter().find(|(name, _)| *name == key.as_str())?;
        Some(form.component(key)?.shown_text(&Value::from(value), &directory))
    };
    let title = form.render_title(form.automatic_title().unwrap(), &field_text, "Ada", "2026-01-01");
    assert_eq!(title, "Ada: Apple Dev Patel 2.5");
    assert_eq!(form.title_key().unwrap().as_str(), "title");
    assert_eq!(form.render_title("{text}\n{created_at}", &|_| None, "", "now"), " now");
    assert_eq!(
        form.render_title("{text}", &|_| Some("x".repeat(900)), "", "").len(),
        500
    );
    for (key, value, shown) in [
        ("choices", json!(["a", "gone"]), "Apple, gone"),
        ("choice", json!("x,y"), "Both"),
        ("team", json!(format!("{DEV},nobody")), "Dev Patel, nobody"),
        ("dept", json!(FINANCE), "Finance"),
        ("files", json!([{"name": "a.pdf"}, {"id": "7"}]), "a.pdf, 7"),
        ("n", json!(3), "3"),
        ("text", json!("a, b"), "a, b"),
        ("text", json!(null), ""),
    ] {
        let component = form.component(&FieldKey::from(key)).unwrap();
        assert_eq!(component.shown_text(&Value::from(&value), &directory), shown, "{key}");
    }
}

#[test]
fn permissions_of_a_node() {
    let form = form();
    let said = [
        ("text", FieldPermission::Required),
        ("info", FieldPermission::Optional),
        ("ext", FieldPermission::Required),
    ];
    let node = Node {
        id: "n".into(),
        name: "N".to_owned(),
        kind: NodeKind::Start,
        field_permissions: said
            .into_iter()
            .map(|(key, permission)| (key.into(), permission))
            .collect(),
        allow_withdraw: false,
        allow_undo: false,
        has_bad_undo: false,
        deadline: None,
    };
    for (key, expected) in [
        ("text", FieldPermission::Required),
        ("area", FieldPermission::Hidden),
        ("info", FieldPermission::Readonly),
        ("ext", FieldPermission::Readonly),
        ("gone", FieldPermission::Hidden),
    ] {
        assert_eq!(form.permission_at(&node, &key.into()), expected, "{key}");
    }
    let silent = Node {
        field_permissions: std::collections::BTreeMap::new(),
        ..node
    };
    assert_eq!(form.permission_at(&silent, &"info".into()), FieldPermission::Readonly);
    assert_eq!(form.permission_at(&silent, &"ext".into()), FieldPermission::Hidden);
}
