//! Reads `form_schema`: rows, their components, and the properties of each type (semantics: definitions, values).

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::reader::{Place, Reader, get, is_http};
use crate::id::FieldKey;
use crate::workflow::form::accept::Accept;
use crate::workflow::form::check::decimal;
use crate::workflow::form::component::{Choice, Component, ComponentKind, NumberRule};
use crate::workflow::form::{Form, Row};
use crate::workflow::secrets::without_secrets;

/// Keys of a component; a row has `children` too.
const COMPONENT_KEYS: [&str; 7] = [
    "id",
    "type",
    "component_key",
    "component_name",
    "description",
    "layout",
    "props",
];

/// Keys of the `props` of a kind of component; `None` where they are the outside source's own.
fn props_keys(kind: ComponentKind) -> Option<&'static [&'static str]> {
    match kind {
        ComponentKind::Title => Some(&["placeholder", "title_generate_mode", "title_template"]),
        ComponentKind::Number => Some(&[
            "placeholder",
            "allow_decimal",
            "allow_negative",
            "precision",
            "min",
            "max",
            "unit_suffix",
        ]),
        ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => {
            Some(&["placeholder", "options_with_keys", "multiple"])
        }
        ComponentKind::User | ComponentKind::Department => Some(&["placeholder", "multiple"]),
        ComponentKind::File => Some(&["placeholder", "multiple", "accept"]),
        ComponentKind::Text
        | ComponentKind::Textarea
        | ComponentKind::Date
        | ComponentKind::Time
        | ComponentKind::Datetime
        | ComponentKind::Link
        | ComponentKind::Richtext
        | ComponentKind::CreatorInfo
        | ComponentKind::CreatedAt
        | ComponentKind::ActState
        | ComponentKind::WorkflowInfo
        | ComponentKind::CurrentAssigneeInfos
        | ComponentKind::TicketNodeInfos => Some(&["placeholder"]),
        ComponentKind::Externaldata => None,
    }
}

pub(super) fn read(reader: &mut Reader, schema: &Json) -> Form {
    let place = Place::of("`form_schema`");
    reader.keys(schema, &["component_info_list"], "", &place);
    let mut seen = Seen::default();
    let (mut rows, mut components) = (Vec::new(), Vec::new());
    for info in reader.objects(schema, "component_info_list", &place) {
        let (id, key) = (
            reader.text(info, "id", &place),
            reader.text(info, "component_key", &place),
        );
        let place = Place::of(format!("row `{id}`"));
        if get(info, "type").as_str() != Some("row") {
            reader.error(
                "not_a_row",
                &place,
                "is no row: put components into the `children` of an entry of type `row`",
            );
            reader.tear();
            continue;
        }
        reader.keys(info, &[&COMPONENT_KEYS[..], &["children"]].concat(), "", &place);
        seen.id(reader, &id, &place);
        let mut children = Vec::new();
        for child in reader.objects(info, "children", &place) {
            children.push(components.len());
            components.push(component(reader, child, &mut seen));
        }
        rows.push(Row {
            id,
            key,
            name: reader.text(info, "component_name", &place),
            description: reader.text(info, "description", &place),
            label: without_secrets(get(info, "label"), false),
            layout: without_secrets(get(info, "layout"), false),
            props: get(info, "props").clone(),
            children,
        });
    }
    Form::new(rows, components)
}

/// Ids and keys met so far; each is unique in a form.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<String>,
    keys: BTreeSet<String>,
}

impl Seen {
    fn id(&mut self, reader: &mut Reader, id: &str, place: &Place) {
        if id.trim().is_empty() {
            reader.error("missing_id", place, "has no `id`: give it one");
        } else if !self.ids.insert(id.to_owned()) {
            reader.error(
                "duplicate_id",
                place,
                &format!("has the id `{id}` of another component: give each its own"),
            );
        }
    }

    fn key(&mut self, reader: &mut Reader, key: &str, place: &Place) {
        if key.trim().is_empty() {
            reader.error("missing_key", place, "has no `component_key`: give it one");
            reader.tear();
        } else if !self.keys.insert(key.to_owned()) {
            reader.error(
                "duplicate_key",
                place,
                &format!("has the key `{key}` of another field: give each its own"),
            );
        }
    }
}

fn component(reader: &mut Reader, info: &Json, seen: &mut Seen) -> Component {
    let id = reader.text(info, "id", &Place::of("a component"));
    let key = reader.text(info, "component_key", &Place::of(format!("component `{id}`")));
    let place = if key.trim().is_empty() {
        Place::of(format!("component `{id}`"))
    } else {
        Place::field(&FieldKey::from(key.as_str()))
    };
    seen.id(reader, &id, &place);
    seen.key(reader, &key, &place);
    let word = reader.text(info, "type", &place);
    let kind = ComponentKind::parse(&word).unwrap_or_else(|| {
        let words = ComponentKind::ALL
            .iter()
            .map(|kind| kind.word())
            .collect::<Vec<_>>()
            .join(", ");
        reader.error(
            "unknown_component_type",
            &place,
            &format!("has the type `{word}`: take one of {words}"),
        );
        ComponentKind::Text
    });
    reader.keys(info, &COMPONENT_KEYS, "", &place);
    let props = reader.object(info, "props", &place);
    if let Some(known) = props_keys(kind) {
        reader.keys(props, known, "in `props`", &place);
    }
    if kind.is_external() {
        source(reader, props, &place);
    }
    let options = if kind.has_options() {
        options(reader, props, &place)
    } else {
        Vec::new()
    };
    let accept = if kind == ComponentKind::File {
        accept(reader, props, &place)
    } else {
        Vec::new()
    };
    let multiple = match get(props, "multiple") {
        Json::Null => kind == ComponentKind::Checkbox,
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            reader.flag(props, "multiple", &place)
        }
    };
    Component {
        name: reader.text(info, "component_name", &place),
        description: reader.text(info, "description", &place),
        label: without_secrets(get(info, "label"), false),
        layout: without_secrets(get(info, "layout"), false),
        number: number(
            reader,
            if kind == ComponentKind::Number {
                props
            } else {
                &Json::Null
            },
            &place,
        ),
        public_props: match without_secrets(props, kind.is_external()) {
            Json::Object(props) => props,
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => serde_json::Map::new(),
        },
        props: if props.is_null() {
            Json::Object(serde_json::Map::new())
        } else {
            props.clone()
        },
        key: key.into(),
        id,
        kind,
        options,
        multiple,
        accept,
    }
}

/// Which files a field takes.
fn accept(reader: &mut Reader, props: &Json, place: &Place) -> Vec<Accept> {
    let mut bad = |what: &str| {
        let sentence = format!(
            "has an `accept` with {what}: write a list of types (`application/pdf`, `image/*`) or endings (`.csv`)"
        );
        reader.error("bad_accept", place, &sentence);
    };
    let entries = match get(props, "accept") {
        Json::Null => return Vec::new(),
        Json::Array(entries) => entries,
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            bad("something that is no list");
            return Vec::new();
        }
    };
    let mut accept = Vec::new();
    for entry in entries {
        match entry.as_str().and_then(Accept::parse) {
            Some(one) => accept.push(one),
            None => bad(&format!("`{}`", entry.as_str().unwrap_or("something that is no text"))),
        }
    }
    accept
}

/// How long a source may take at most, in seconds: whoever looks at a ticket waits for it.
const SOURCE_TIMEOUTS: std::ops::RangeInclusive<u64> = 1..=5;

/// What is said of the source of a component that is fetched when shown.
fn source(reader: &mut Reader, props: &Json, place: &Place) {
    let url = reader.text(props, "url", place);
    let _secret = reader.text(props, "token", place);
    if url.trim().is_empty() {
        let sentence = "does not say where its value comes from: give `url` in its `props`";
        reader.warning("external_without_url", place, sentence);
    } else if !is_http(&url) {
        reader.error("bad_source_url", place, "has a `url` that is no http or https address");
    }
    reader.later(|own| own.seconds(props, "timeout", SOURCE_TIMEOUTS, place));
}

fn options(reader: &mut Reader, props: &Json, place: &Place) -> Vec<Choice> {
    let mut options: Vec<Choice> = Vec::new();
    let mut seen = BTreeSet::new();
    for info in reader.objects(props, "options_with_keys", place) {
        let key = match get(info, "key") {
            // Existing definitions number their options; the key is its text.
            Json::Number(number) => number.to_string(),
            Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
                reader.text(info, "key", place).trim().to_owned()
            }
        };
        reader.keys(info, &["id", "key"], "in `options_with_keys`", place);
        let label = reader.text(info, "label", place);
        if key.is_empty() {
            reader.error(
                "option_without_key",
                place,
                "has an option without `key`: give each its own",
            );
        } else if !seen.insert(key.clone()) {
            reader.error(
                "duplicate_option",
                place,
                &format!("has two options with the key `{key}`: give each its own"),
            );
        } else {
            options.push(Choice {
                label: if label.trim().is_empty() { key.clone() } else { label },
                key,
            });
        }
    }
    if options.is_empty() {
        reader.error(
            "options_missing",
            place,
            "has nothing to choose: fill in `options_with_keys`",
        );
    }
    options
}

fn number(reader: &mut Reader, props: &Json, place: &Place) -> NumberRule {
    let mut bound = |name: &str| -> Option<Decimal> {
        let text = match get(props, name) {
            Json::Null => return None,
            Json::Number(number) => number.to_string(),
            Json::String(text) if text.trim().is_empty() => return None,
            Json::String(text) => text.clone(),
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => String::new(),
        };
        let bound = decimal(&text);
        if bound.is_none() {
            reader.error(
                "bad_number_rule",
                place,
                &format!("has a `{name}` that is no number: give one or leave it out"),
            );
        }
        bound
    };
    let (min, max, precision) = (bound("min"), bound("max"), bound("precision"));
    if min.is_some() && max.is_some() && min > max {
        reader.error(
            "bad_number_rule",
            place,
            "has a `min` above its `max`: no number would do",
        );
    }
    let precision = precision.and_then(|digits| {
        let digits = digits.is_integer().then(|| u32::try_from(digits).ok()).flatten();
        if digits.is_none() {
            reader.error(
                "bad_number_rule",
                place,
                "has a `precision` that is no count of digits: give 0 or more",
            );
        }
        digits
    });
    let is_false = |name: &str| get(props, name) == &Json::Bool(false);
    for name in ["allow_decimal", "allow_negative"] {
        reader.flag(props, name, place);
    }
    NumberRule {
        min,
        max,
        decimals_max: if is_false("allow_decimal") { Some(0) } else { precision },
        allow_negative: !is_false("allow_negative"),
    }
}
