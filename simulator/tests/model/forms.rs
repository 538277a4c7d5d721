//! Values of every type of field, and conditions of every operator on them: engine and model read them alike.

use std::collections::BTreeMap;

use loonflow_engine::id::{FieldKey, UserId};
use loonflow_engine::ticket::{Command, Create};
use loonflow_engine::value::Value;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::pair::{Fixtures, Pair, fixtures_of};
use crate::text::{definition, directory};

/// Types of fields that are stored, with options where they have some; `*` takes several.
const KINDS: [&str; 18] = [
    "title",
    "text",
    "textarea",
    "number",
    "select(a|b|c)",
    "select(a|b|a,b)*",
    "radio(1|2|a)",
    "checkbox(a|b|c)",
    "date",
    "time",
    "datetime",
    "user",
    "user*",
    "department",
    "department*",
    "link",
    "richtext",
    "file*",
];

/// Values of all kinds, right, nearly right and wrong.
fn texts() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "",
        " ",
        "a",
        "b",
        "a,b",
        " b , a ",
        ",",
        "c,c",
        "d",
        "1",
        "2",
        "true",
        "ann",
        "bob, cat",
        "off",
        "nobody",
        "top",
        "sub,far",
        "0",
        "-1",
        "1.50",
        "1.5",
        "1e2",
        "100",
        "+7",
        "0x10",
        "NaN",
        "12345678901234567890123456789",
        "0.0000000000000000000000000001",
        "2026-01-31",
        "2026-02-29",
        "2024-02-29",
        "1900-02-29",
        "2000-02-29",
        "2026-01-31 09:30:00",
        "2026-01-31 09:30",
        "2026-01-31T09:30:00Z",
        "2026-01-31T09:30:00+02:00",
        "2026-01-31 09:30:00 +0200",
        "2026-01-31 09:30:00+0200",
        "2026-01-31T09:30:00-0530",
        "2026-01-31 24:00:00",
        "2026-01-30T23:30:00-01:00",
        "2026-1-31",
        "20260131",
        "2026-W05-6",
        "2026-01-31T09:30:00.250Z",
        "9999-12-31",
        "0000-01-01",
        "0001-01-01",
        "10000-01-01",
        "2026-06-15 12:00:60",
        "2026-06-15T12:00:00[Europe/Paris]",
        "1969-12-31 23:59:59",
        "1970-01-01",
        "yesterday",
        "09:30",
        "09:30:00",
        "9:30",
        "09:30:00.5",
        "23:59:60",
        "24:00",
        "http://x.example/",
        "https://x.example/a?b=c",
        " https://x.example ",
        "ftp://x.example",
        "javascript:alert(1)",
        "x.example",
        "http://",
        "<p>a</p>",
        "<b onclick=\"x()\">a</b> & b",
        "<script>x</script>a",
        "a > b",
        "a\u{a0}b",
        "Longer text.",
        "A",
        "aa",
    ]);
    prop_oneof![
        8 => plain.prop_map(str::to_owned),
        1 => "[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?",
        1 => "-?[0-9]{1,4}(\\.[0-9]{1,3})?",
        1 => "[ -~]{0,8}",
        1 => prop::sample::select(vec![499_usize, 501, 2_001, 2_049]).prop_map(|n| "x".repeat(n)),
    ]
}

fn values() -> impl Strategy<Value = Json> {
    let file = (
        prop::sample::select(vec!["name", "url", "id", "file_url", "other"]),
        texts(),
    )
        .prop_map(|(key, text)| json!({ key: text }));
    let keys = prop::sample::subsequence(vec!["a", "b", "c"], 1..=3);
    let keys =
        (keys, any::<bool>()).prop_map(|(keys, is_list)| if is_list { json!(keys) } else { json!(keys.join(",")) });
    let one = prop_oneof![
        10 => texts().prop_map(Json::String),
        2 => (-3_i64..200).prop_map(|number| json!(number)),
        2 => prop::sample::select(vec![0.5, 1.0, 1.5, -0.25, 1e2, 100.125]).prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(Json::Bool),
        1 => Just(Json::Null),
        2 => file,
    ];
    prop_oneof![
        4 => one.clone(),
        3 => keys,
        2 => prop::collection::vec(one.clone(), 0..4).prop_map(Json::Array),
        1 => (0_usize..20, one).prop_map(|(depth, value)| (0..depth).fold(value, |inner, _| json!([inner]))),
    ]
}

fn create(workflow: &Pair, fields: &[(&str, &Json)]) -> Command {
    let fields: BTreeMap<FieldKey, Value> = fields
        .iter()
        .map(|(key, value)| (FieldKey::from(*key), Value::from(*value)))
        .collect();
    Command::Create(Create {
        via: None,
        ticket_id: workflow.world.next_ticket_id(),
        by: UserId::from("ann"),
        app: "loonflow".into(),
        take: Some("go".into()),
        fields,
        comment: None,
        cc: Vec::new(),
        parent: None,
    })
}

/// A form with one field `f` of a type, beside the title that is there anyway.
fn form_of(kind: &str) -> (String, &'static str) {
    if kind == "title" {
        return ("form other:text".to_owned(), "title");
    }
    (format!("form f:{kind}"), "f")
}

/// Time zones of the tenant: one ahead of UTC, one behind it with summer time.
const ZONES: [&str; 3] = ["UTC", "Asia/Shanghai", "America/New_York"];

fn one_of(definition: Json, zone: &str) -> Fixtures {
    let mut directory = directory();
    directory["tenant"]["time_zone"] = json!(zone);
    fixtures_of(directory, &[definition])
}

/// Operators of conditions.
const OPERATORS: [&str; 12] = [
    "==",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
    "contains",
    "not_contains",
    "in",
    "not_in",
    "is_empty",
    "is_not_empty",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 6 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

    /// A field takes the same values and stores them in the same form; the second write meets a stored one.
    #[test]
    fn fields_take_the_same_values(
        kind in prop::sample::select(KINDS.to_vec()),
        permission in prop::sample::select(vec!["required", "optional", "readonly", "hidden"]),
        first in values(),
        second in values(),
        repeats in any::<bool>(),
        zone in prop::sample::select(ZONES.to_vec()),
    ) {
        let (form, key) = form_of(kind);
        let text = format!(
            "{form}
             node a normal users:ann {key}={permission}
             edge go agree start -> a
             edge on agree a -> end"
        );
        let fixtures = one_of(definition("w", "1", &text), zone);
        let mut pair = Pair::new(&fixtures, 0);
        let workflow = fixtures.workflows[0].clone();
        let command = create(&pair, &[(key, &first)]);
        if pair.step(None, &workflow, &command).map_err(TestCaseError::fail)? {
            let second = if repeats { &first } else { &second };
            let Command::Create(create) = create(&pair, &[(key, second)]) else { unreachable!("a creation") };
            let handle = crate::pair::edge("ann", "agree", "on", create.fields);
            pair.step(Some(0), &workflow, &handle).map_err(TestCaseError::fail)?;
        }
    }

    /// A condition holds for the same values: a branch per operator shows all at once.
    #[test]
    fn conditions_hold_alike(
        kind in prop::sample::select(KINDS.to_vec()),
        with in values(),
        value in values(),
        is_same in any::<bool>(),
        zone in prop::sample::select(ZONES.to_vec()),
    ) {
        let sent = if is_same { &with } else { &value };
        conditions_of(kind, &with, &[sent], zone).map_err(TestCaseError::fail)?;
    }
}

/// A condition of every operator compares a field with a value: tickets with the values sent, and one without any.
fn conditions_of(kind: &str, with: &Json, sent: &[&Json], zone: &str) -> Result<(), String> {
    let (form, key) = form_of(kind);
    let mut text = format!(
        "{form}
         node g inclusive default:none
         node m inclusive
         node last normal users:ann
         edge go agree start -> g
         edge none condition g -> last
         edge none_on agree last -> m
         edge m_on other m -> end\n"
    );
    for (idx, operator) in OPERATORS.iter().enumerate() {
        text += &format!(
            "node n{idx} normal users:ann
             edge e{idx} condition g -> n{idx} if {key} {operator} V
             edge o{idx} agree n{idx} -> m\n"
        );
    }
    let mut source = definition("w", "1", &text);
    for edge in source["process_schema"]["edge_info_list"]
        .as_array_mut()
        .expect("edges")
    {
        let groups = &mut edge["props"]["condition_groups"];
        if groups[0].is_object() {
            groups[0]["conditions"][0]["value"] = with.clone();
        }
    }
    let fixtures = one_of(source, zone);
    let mut pair = Pair::new(&fixtures, 0);
    for value in sent {
        let command = create(&pair, &[(key, value)]);
        pair.step(None, &fixtures.workflows[0], &command)?;
    }
    let command = create(&pair, &[]);
    pair.step(None, &fixtures.workflows[0], &command)?;
    Ok(())
}

/// Every set of options against every other.
#[test]
fn sets_compare_alike() {
    let sets = (0..8_u32).map(|bits| {
        let keys = ["a", "b", "c"]
            .iter()
            .enumerate()
            .filter(|(idx, _)| bits >> idx & 1 == 1);
        keys.map(|(_, key)| *key).collect::<Vec<_>>()
    });
    let sets: Vec<Vec<&str>> = sets.collect();
    let sent: Vec<Json> = sets.iter().map(|keys| json!(keys)).collect();
    let sent: Vec<&Json> = sent.iter().collect();
    for with in &sets {
        conditions_of("checkbox(a|b|c)", &json!(with), &sent, "UTC").expect("no difference");
        conditions_of("select(a|b|c)*", &json!(with.join(",")), &sent, "UTC").expect("no difference");
    }
}
