//! What the form and the head of a definition say.

use loonflow_engine::ticket::Refusal;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::validate::{ValidationContext, check};
use loonflow_engine::workflow::{Component, WorkflowVersion};
use serde_json::json;

use crate::Honoured;
use crate::draft::Draft;

pub(crate) const HONOURED: &[Honoured] = &[
    ("basic_info.id", key_basic_info_id),
    ("basic_info.name", key_basic_info_name),
    ("basic_info.description", key_basic_info_description),
    ("basic_info.version", key_basic_info_version),
    ("row.id", key_component_id),
    ("row.type", key_component_type),
    ("row.component_key", key_given_back),
    ("row.component_name", key_given_back),
    ("row.description", key_given_back),
    ("component.id", key_component_id),
    ("component.type", key_component_type),
    ("component.component_key", key_component_component_key),
    ("component.component_name", key_component_component_name),
    ("component.description", key_component_description),
    ("title_props.title_generate_mode", key_title_generate_mode),
    ("title_props.title_template", key_title_template),
    ("number_props.allow_decimal", key_number_allow_decimal),
    ("number_props.allow_negative", key_number_allow_negative),
    ("number_props.precision", key_number_precision),
    ("number_props.min", key_number_min),
    ("number_props.max", key_number_max),
    ("number_props.unit_suffix", key_given_back),
    ("choice_props.multiple", key_multiple),
    ("several_props.multiple", key_multiple),
    ("option.id", key_given_back),
    ("option.key", key_options),
    ("option.label", key_options),
    ("title_props.placeholder", key_given_back),
    ("number_props.placeholder", key_given_back),
    ("choice_props.placeholder", key_given_back),
    ("several_props.placeholder", key_given_back),
    ("plain_props.placeholder", key_given_back),
    ("file_props.placeholder", key_given_back),
];

fn number(text: &str) -> Value {
    Value::Number(text.into())
}

fn component<'w>(version: &'w WorkflowVersion, key: &str) -> &'w Component {
    version.form.components().find(|one| one.key.as_str() == key).unwrap()
}

/// Why a value is refused at start, or `taken`.
fn value(draft: &Draft, key: &'static str, value: Value) -> &'static str {
    match draft.try_submit(&[(key, value)]) {
        Ok(_) => "taken",
        Err(Refusal::Fields { problems }) => problems[0].kind.code(),
        Err(other) => other.code(),
    }
}

#[test]
fn key_basic_info_id() {
    assert_eq!(Draft::new().version().workflow_id.as_str(), "w");
    let mut unnamed = Draft::new().0;
    unnamed["basic_info"].as_object_mut().unwrap().remove("id");
    let (version, _) = check(&unnamed, Some("leave"), &ValidationContext::default());
    assert_eq!(version.unwrap().workflow_id.as_str(), "leave", "for its file");
    assert_eq!(Draft::new().set("/basic_info/id", "a,b").problems(), ["bad_id"]);
}

#[test]
fn key_basic_info_name() {
    assert_eq!(Draft::new().set("/basic_info/name", "Leave").version().name, "Leave");
    let mut unnamed = Draft::new();
    unnamed.0["basic_info"].as_object_mut().unwrap().remove("name");
    assert_eq!(unnamed.version().name, "w", "without it, the id");
}

#[test]
fn key_basic_info_description() {
    let told = Draft::new().set("/basic_info/description", "Days off.").version();
    assert_eq!(told.description, "Days off.");
    assert_eq!(Draft::new().version().description, "");
}

#[test]
fn key_basic_info_version() {
    assert_eq!(Draft::new().version().version_name.as_str(), "1");
    let mut unnamed = Draft::new();
    unnamed.0["basic_info"].as_object_mut().unwrap().remove("version");
    assert_eq!(unnamed.problems(), ["version_missing"]);
}

#[test]
fn key_component_id() {
    let twice = Draft::new().set("/form_schema/component_info_list/0/id", "note");
    assert_eq!(twice.problems(), ["duplicate_id"]);
}

#[test]
fn key_component_type() {
    let draft = Draft::new().field("day", "date", json!({}));
    assert_eq!(value(&draft, "day", Value::text("2026-02-28")), "taken");
    assert_eq!(value(&draft, "day", Value::text("tomorrow")), "invalid_field_value");
    let unknown = Draft::new().field("day", "moon", json!({}));
    assert_eq!(unknown.problems(), ["unknown_component_type"]);
    let row = Draft::new().set("/form_schema/component_info_list/0/type", "column");
    assert!(row.problems().contains(&"not_a_row"), "{:?}", row.problems());
}

#[test]
fn key_component_component_key() {
    let story = Draft::new().submit(&[("note", Value::text("so"))]);
    assert_eq!(story.ticket.fields["note"], Value::text("so"));
    let mut twice = Draft::new();
    twice.at("amount")["component_key"] = "note".into();
    assert!(twice.problems().contains(&"duplicate_key"), "{:?}", twice.problems());
    assert_eq!(value(&Draft::new(), "nothing", Value::text("x")), "unknown_field");
}

#[test]
fn key_component_component_name() {
    let version = Draft::new().version();
    let field = component(&version, "note");
    assert_eq!(field.name, "NOTE");
}

#[test]
fn key_component_description() {
    let mut draft = Draft::new();
    draft.at("note")["description"] = "In short.".into();
    let version = draft.version();
    let field = component(&version, "note");
    assert_eq!(field.description, "In short.");
}

#[test]
fn key_title_generate_mode() {
    let made = Draft::new()
        .permits("start", "title", "hidden")
        .with("title", "title_generate_mode", "automatic")
        .with("title", "title_template", "Note {note}");
    let story = made.submit(&[("note", Value::text("so"))]);
    assert_eq!(story.ticket.title, "Note so");
    let written = made
        .with("title", "title_generate_mode", "manual")
        .permits("start", "title", "required");
    assert_eq!(written.submit(&[]).ticket.title, "T", "people write it");
}

#[test]
fn key_title_template() {
    let draft = Draft::new()
        .permits("start", "title", "hidden")
        .with("title", "title_generate_mode", "automatic")
        .with("title", "title_template", "{amount} by {creator}");
    assert_eq!(draft.submit(&[("amount", number("3"))]).ticket.title, "3 by ANN.");
    let unknown = draft.with("title", "title_template", "{moon}");
    assert_eq!(unknown.problems(), ["bad_template"]);
}

#[test]
fn key_number_allow_decimal() {
    let draft = Draft::new();
    assert_eq!(value(&draft, "amount", number("1.5")), "taken");
    let whole = draft.with("amount", "allow_decimal", false);
    assert_eq!(value(&whole, "amount", number("1.5")), "invalid_field_value");
    assert_eq!(value(&whole, "amount", number("2")), "taken");
}

#[test]
fn key_number_allow_negative() {
    let draft = Draft::new();
    assert_eq!(value(&draft, "amount", number("-1")), "taken");
    let positive = draft.with("amount", "allow_negative", false);
    assert_eq!(value(&positive, "amount", number("-1")), "invalid_field_value");
}

#[test]
fn key_number_precision() {
    let draft = Draft::new().with("amount", "precision", 2);
    assert_eq!(value(&draft, "amount", number("1.25")), "taken");
    assert_eq!(value(&draft, "amount", number("1.255")), "invalid_field_value");
}

#[test]
fn key_number_min() {
    let draft = Draft::new().with("amount", "min", 10);
    assert_eq!(value(&draft, "amount", number("10")), "taken");
    assert_eq!(value(&draft, "amount", number("9.99")), "invalid_field_value");
    let crossed = draft.with("amount", "max", 9);
    assert_eq!(crossed.problems(), ["bad_number_rule"]);
}

#[test]
fn key_number_max() {
    let draft = Draft::new().with("amount", "max", "10.5");
    assert_eq!(value(&draft, "amount", number("10.5")), "taken");
    assert_eq!(value(&draft, "amount", number("10.51")), "invalid_field_value");
}

#[test]
fn key_options() {
    let options = json!({"options_with_keys": [{"key": "r", "label": "Red"}, {"key": "b"}]});
    let draft = Draft::new().field("colour", "select", options);
    assert_eq!(value(&draft, "colour", Value::text("r")), "taken");
    assert_eq!(
        value(&draft, "colour", Value::text("Red")),
        "invalid_field_value",
        "the key counts"
    );
    let version = draft.version();
    let field = component(&version, "colour");
    let shown: Vec<_> = field.options.iter().map(|option| option.label.as_str()).collect();
    assert_eq!(shown, ["Red", "b"], "without a label, the key");
    assert_eq!(
        Draft::new().field("colour", "select", json!({})).problems(),
        ["options_missing"]
    );
}

#[test]
fn key_multiple() {
    let several = || Value::List(["ann", "bob"].map(Value::text).to_vec());
    for (kind, taken) in [(json!({"multiple": true}), "taken"), (json!({}), "invalid_field_value")] {
        assert_eq!(
            value(&Draft::new().field("them", "user", kind), "them", several()),
            taken
        );
    }
    let options = |multiple: bool| {
        let options = [json!({"key": "ann"}), json!({"key": "bob"})];
        json!({"options_with_keys": options, "multiple": multiple})
    };
    for (multiple, taken) in [(true, "taken"), (false, "invalid_field_value")] {
        let draft = Draft::new().field("them", "select", options(multiple));
        assert_eq!(value(&draft, "them", several()), taken);
    }
}

/// What is for designers and pages is kept as it is, and nothing acts on it.
#[test]
pub(crate) fn key_given_back() {
    let mut draft = Draft::new()
        .set("/basic_info/label", json!({"team": "x"}))
        .set("/form_schema/component_info_list/0/component_key", "row_1")
        .set("/form_schema/component_info_list/0/component_name", "Order")
        .set("/form_schema/component_info_list/0/description", "What it is about.")
        .set("/form_schema/component_info_list/0/label", "l")
        .set("/form_schema/component_info_list/0/layout", json!({"span": 2}))
        .set("/form_schema/component_info_list/0/props", json!({"gutter": 4}))
        .set("/advanced_schema/label", [1])
        .set(
            "/advanced_schema/customization_info",
            json!({
                "label": "l",
                "hook_info_list": [{"id": "h", "name": "audit", "description": "Tells it.", "url": "https://x.example/",
                    "token": "t", "event_list": ["finish"], "label": "l"}],
            }),
        )
        .set("/advanced_schema/permission_info/label", "l")
        .with("amount", "unit_suffix", "EUR")
        .field(
            "colour",
            "select",
            json!({"placeholder": "?", "options_with_keys": [{"key": "r", "id": "o_1"}]}),
        );
    for field in ["title", "amount", "note", "who"] {
        draft = draft.with(field, "placeholder", "for example");
    }
    for id in ["start", "a", "end", "go", "note"] {
        draft.at(id)["label"] = json!({"colour": "red"});
        draft.at(id)["layout"] = json!({"x": 1, "y": 2});
    }
    assert_eq!(draft.problems(), [""; 0]);
    let version = draft.version();
    assert_eq!(*version.source, draft.0);
    let (told, plain) = (draft.submit(&[]), Draft::new().submit(&[]));
    assert_eq!((told.at(), told.offers("bob")), (plain.at(), plain.offers("bob")));
}
