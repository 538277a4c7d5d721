//! Fields of generated forms (`camunda:formData`) and of embedded form-js forms (`zeebe:userTaskForm`), and what a task
//! lets one do with them.

use serde_json::{Map, Value as Json, json};

use super::Findings;
use super::people::{CAMUNDA, ZEEBE};
use crate::formats::export::bpmn::MODEL;
use crate::formats::xml::Element;

/// Groups in a form-js form that are looked into.
const DEPTH_MAX: usize = 8;

/// A field as one task uses it.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) props: Map<String, Json>,
    pub(super) permission: &'static str,
}

/// The fields of a task's form, in its order.
pub(super) fn uses(id: &str, element: &Element, process: &Element, findings: &mut Findings) -> Vec<Use> {
    let mut found = Vec::new();
    let Some(extension) = element.child(MODEL, "extensionElements") else {
        tell_other_forms(id, element, findings);
        return found;
    };
    for namespace in CAMUNDA {
        let data = extension.child(namespace, "formData");
        let fields = data
            .into_iter()
            .flat_map(|data| data.children_named(namespace, "formField"));
        found.extend(fields.filter_map(|field| generated(id, namespace, field, findings)));
        // Activiti and Flowable have properties instead.
        let fields = extension.children_named(namespace, "formProperty");
        found.extend(fields.filter_map(|field| generated(id, namespace, field, findings)));
    }
    if let Some(definition) = extension.child(ZEEBE, "formDefinition") {
        let key = definition.attribute("formKey").unwrap_or_default();
        let wanted = key.rsplit(':').next().unwrap_or_default();
        let forms = process.child(MODEL, "extensionElements");
        let form = forms.and_then(|forms| {
            forms
                .children_named(ZEEBE, "userTaskForm")
                .find(|form| form.attribute("id") == Some(wanted))
        });
        match form.map(|form| serde_json::from_str::<Json>(&form.text)) {
            Some(Ok(form)) => embedded(id, &form, &mut found, findings, 0),
            Some(Err(error)) => {
                findings.lost(
                    "form_unreadable",
                    id,
                    format!("has an embedded form that is no JSON: {error}"),
                );
            }
            None => findings.lost(
                "form_elsewhere",
                id,
                "has a form that is not in this document: add its fields to the definition by hand",
            ),
        }
    }
    tell_other_forms(id, element, findings);
    found
}

fn tell_other_forms(id: &str, element: &Element, findings: &mut Findings) {
    let names = ["formKey", "formRef"];
    let is_elsewhere = |namespace: &&str| names.iter().any(|name| element.attribute_in(namespace, name).is_some());
    if CAMUNDA.iter().any(is_elsewhere) {
        let sentence = "has a form that is not in this document: add its fields to the definition by hand";
        findings.lost("form_elsewhere", id, sentence);
    }
}

/// A `formField`, or a `formProperty`.
fn generated(task: &str, namespace: &str, field: &Element, findings: &mut Findings) -> Option<Use> {
    let key = field.attribute("id").filter(|key| !key.trim().is_empty());
    let Some(key) = key else {
        findings.lost("field_without_id", task, "has a form field without `id`: give it one");
        return None;
    };
    let word = field.attribute("type").unwrap_or("string");
    let mut props = Map::new();
    let kind = match word {
        "string" => "text",
        "long" | "integer" | "double" => {
            props.insert("allow_decimal".into(), (word == "double").into());
            "number"
        }
        "boolean" => yes_or_no(&mut props),
        "date" => "date",
        "enum" => {
            let values = field.children_named(namespace, "value");
            let options = values.map(|value| {
                let id = value.attribute("id").unwrap_or_default();
                (id.to_owned(), value.attribute("name").unwrap_or(id).to_owned())
            });
            options_of(&mut props, options.collect());
            "select"
        }
        other => {
            let sentence = format!("has the field `{key}` of the type `{other}`: taken as a text");
            findings.changed("field_type", task, sentence);
            "text"
        }
    };
    let constraints = field.child(namespace, "validation");
    let constraints: Vec<&Element> = constraints
        .into_iter()
        .flat_map(|one| one.children_named(namespace, "constraint"))
        .collect();
    let constraint = |name: &str| {
        let mut found = constraints.iter().filter(|one| one.attribute("name") == Some(name));
        found.next().map(|one| one.attribute("config").unwrap_or("true"))
    };
    for bound in ["min", "max"] {
        if let Some(value) = constraint(bound).filter(|_| kind == "number") {
            props.insert(bound.into(), value.into());
        }
    }
    let is = |attribute: &str, value: &str| field.attribute(attribute) == Some(value);
    let permission = if constraint("readonly") == Some("true") || is("writable", "false") {
        "readonly"
    } else if constraint("required") == Some("true") || is("required", "true") {
        "required"
    } else {
        "optional"
    };
    if field.attribute("defaultValue").is_some() {
        findings.changed(
            "default_value",
            task,
            format!("has a default for the field `{key}`: fields have none here"),
        );
    }
    Some(Use {
        key: key.to_owned(),
        name: field
            .attribute("label")
            .or(field.attribute("name"))
            .unwrap_or(key)
            .to_owned(),
        kind,
        props,
        permission,
    })
}

/// The components of a form-js form.
fn embedded(task: &str, form: &Json, found: &mut Vec<Use>, findings: &mut Findings, depth: usize) {
    let components = form.get("components").and_then(Json::as_array);
    for component in components.into_iter().flatten() {
        if component.get("components").is_some() && depth < DEPTH_MAX {
            embedded(task, component, found, findings, depth + 1);
            continue;
        }
        found.extend(component_use(task, component, findings));
    }
}

fn component_use(task: &str, component: &Json, findings: &mut Findings) -> Option<Use> {
    let text = |name: &str| component.get(name).and_then(Json::as_str);
    let key = text("key").filter(|key| !key.trim().is_empty())?;
    let mut props = Map::new();
    let kind = match text("type").unwrap_or_default() {
        "textfield" => "text",
        "textarea" => "textarea",
        "number" => {
            let digits = component.get("decimalDigits").and_then(Json::as_u64);
            props.insert("allow_decimal".into(), (digits != Some(0)).into());
            "number"
        }
        "select" => choose(component, &mut props, "select"),
        "radio" => choose(component, &mut props, "radio"),
        "checklist" | "taglist" => choose(component, &mut props, "checkbox"),
        "checkbox" => yes_or_no(&mut props),
        "datetime" => match text("subtype") {
            Some("time") => "time",
            Some("datetime") => "datetime",
            Some(_) | None => "date",
        },
        other => {
            let sentence = format!("has the component `{key}` of the type `{other}`: taken as a text");
            findings.changed("field_type", task, sentence);
            "text"
        }
    };
    let validate = component.get("validate");
    for bound in ["min", "max"] {
        let value = validate.and_then(|one| one.get(bound)).filter(|value| !value.is_null());
        if let Some(value) = value.filter(|_| kind == "number") {
            props.insert(bound.into(), value.clone());
        }
    }
    let is_set =
        |from: Option<&Json>, name: &str| from.and_then(|one| one.get(name)).and_then(Json::as_bool) == Some(true);
    let permission = if is_set(Some(component), "readonly") || is_set(Some(component), "disabled") {
        "readonly"
    } else if is_set(validate, "required") {
        "required"
    } else {
        "optional"
    };
    Some(Use {
        key: key.to_owned(),
        name: text("label")
            .filter(|label| !label.trim().is_empty())
            .unwrap_or(key)
            .to_owned(),
        kind,
        props,
        permission,
    })
}

fn choose(component: &Json, props: &mut Map<String, Json>, kind: &'static str) -> &'static str {
    let values = component.get("values").and_then(Json::as_array);
    let option = |value: &Json| {
        let key = value.get("value").and_then(Json::as_str)?;
        Some((
            key.to_owned(),
            value.get("label").and_then(Json::as_str).unwrap_or(key).to_owned(),
        ))
    };
    options_of(props, values.into_iter().flatten().filter_map(option).collect());
    kind
}

/// A flag is a choice of two, so that conditions can compare it.
pub(super) fn yes_or_no(props: &mut Map<String, Json>) -> &'static str {
    options_of(
        props,
        vec![("true".into(), "Yes".into()), ("false".into(), "No".into())],
    );
    "radio"
}

fn options_of(props: &mut Map<String, Json>, options: Vec<(String, String)>) {
    let options = options
        .into_iter()
        .map(|(key, label)| json!({ "id": format!("o_{key}"), "key": key, "label": label }));
    props.insert("options_with_keys".into(), options.collect());
}
