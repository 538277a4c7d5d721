//! A random form: a title as a rule, and a few fields of any type.

use serde_json::{Value as Json, json};

use crate::world::tape::Tape;

/// Types of fields that people fill in, the title aside.
pub const FILLED: [&str; 14] = [
    "text",
    "textarea",
    "number",
    "select",
    "radio",
    "checkbox",
    "date",
    "time",
    "datetime",
    "user",
    "department",
    "file",
    "link",
    "richtext",
];
/// Types that are only shown.
pub const SHOWN: [&str; 7] = [
    "externaldata",
    "creator_info",
    "created_at",
    "act_state",
    "workflow_info",
    "current_assignee_infos",
    "ticket_node_infos",
];

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its key.
    pub key: String,
    /// Its type.
    pub kind: String,
    /// Whether it takes several values.
    pub multiple: bool,
    /// Keys of its options.
    pub options: Vec<String>,
    /// `props`.
    pub props: Json,
}

impl Field {
    /// Whether a ticket keeps a value for it.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.kind == "title" || FILLED.contains(&self.kind.as_str())
    }

    /// Whether it is a title that is made by itself.
    #[must_use]
    pub fn is_automatic_title(&self) -> bool {
        self.kind == "title" && self.props["title_generate_mode"] == "automatic"
    }
}

/// A form.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its fields in order.
    pub fields: Vec<Field>,
}

impl Form {
    /// Drawn from a tape.
    #[must_use]
    pub fn drawn(tape: &mut Tape) -> Self {
        let mut fields = Vec::new();
        for idx in 0..2 + tape.next(5) {
            let kind = FILLED[tape.next(FILLED.len())];
            fields.push(filled(tape, kind, idx));
        }
        for idx in 0..tape.next(3) {
            let kind = SHOWN[tape.next(SHOWN.len())];
            fields.push(Field {
                key: format!("{kind}_{idx}"),
                kind: kind.to_owned(),
                multiple: false,
                options: Vec::new(),
                props: json!({}),
            });
        }
        if !tape.chance(1, 12) {
            let props = if tape.chance(1, 4) {
                let named = fields[tape.next(fields.len())].clone();
                let named = if named.is_stored() {
                    format!("{{{}}}", named.key)
                } else {
                    String::new()
                };
                let template = format!("{{creator}} {named} {{created_at}}");
                json!({ "title_generate_mode": "automatic", "title_template": template })
            } else {
                json!({})
            };
            let title = Field {
                key: "title".to_owned(),
                kind: "title".to_owned(),
                multiple: false,
                options: Vec::new(),
                props,
            };
            fields.insert(0, title);
        }
        Self { fields }
    }

    /// The form of a definition, as its file has it.
    #[must_use]
    pub fn of(definition: &Json) -> Self {
        let rows = definition["form_schema"]["component_info_list"].as_array();
        let components = rows
            .into_iter()
            .flatten()
            .flat_map(|row| row["children"].as_array())
            .flatten();
        let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
        let fields = components.map(|component| {
            let options = component["props"]["options_with_keys"].as_array().into_iter().flatten();
            let kind = text(&component["type"]);
            Field {
                key: text(&component["component_key"]),
                multiple: component["props"]["multiple"].as_bool().unwrap_or(kind == "checkbox"),
                kind,
                options: options.map(|option| text(&option["key"])).collect(),
                props: component["props"].clone(),
            }
        });
        Self {
            fields: fields.collect(),
        }
    }

    /// Fields of some types.
    pub fn of_kinds<'a>(&'a self, kinds: &'a [&str]) -> impl Iterator<Item = &'a Field> {
        self.fields
            .iter()
            .filter(move |field| kinds.contains(&field.kind.as_str()))
    }

    /// `form_schema`.
    #[must_use]
    pub fn schema(&self) -> Json {
        let rows = self.fields.iter().enumerate().map(|(idx, field)| {
            json!({
                "id": format!("row_{idx}"), "type": "row", "component_key": format!("row_{idx}"), "props": {},
                "children": [{
                    "id": format!("c_{}", field.key), "type": field.kind, "component_key": field.key,
                    "component_name": field.key, "props": field.props,
                }],
            })
        });
        json!({ "component_info_list": rows.collect::<Vec<_>>() })
    }
}

fn filled(tape: &mut Tape, kind: &str, idx: usize) -> Field {
    let mut props = json!({});
    let mut options = Vec::new();
    let mut multiple = false;
    match kind {
        "number" => {
            if tape.chance(1, 3) {
                props["min"] = json!(-5);
            }
            if tape.chance(1, 3) {
                props["max"] = json!(30_000);
            }
            match tape.next(6) {
                4 => props["precision"] = json!(1),
                5 => props["allow_decimal"] = json!(false),
                3 => props["allow_negative"] = json!(false),
                _ => {}
            }
        }
        "select" | "radio" | "checkbox" => {
            options = ["red", "green", "blue"][..2 + tape.next(2)]
                .iter()
                .map(|one| (*one).to_owned())
                .collect();
            let listed = options.iter().map(|key| json!({ "id": key, "label": key, "key": key }));
            props["options_with_keys"] = listed.collect();
            multiple = kind == "checkbox" || (kind == "select" && tape.chance(1, 2));
            props["multiple"] = json!(multiple);
        }
        "user" | "department" | "file" => {
            multiple = tape.chance(1, 2);
            props["multiple"] = json!(multiple);
            if kind == "file" && tape.chance(1, 2) {
                let accept = [json!(["application/pdf"]), json!(["image/*", ".txt"]), json!([".PDF"])];
                props["accept"] = accept[tape.next(accept.len())].clone();
            }
        }
        _ => {}
    }
    Field {
        key: format!("{kind}_{idx}"),
        kind: kind.to_owned(),
        multiple,
        options,
        props,
    }
}
