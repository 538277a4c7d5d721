//! Values for fields: mostly such as the type takes, often such as a condition asks for, or just beside it.

use std::collections::BTreeMap;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, NodeId};
use loonflow_engine::ticket::Ticket;
use loonflow_engine::workflow::{Component, ComponentKind, FieldPermission, Node, WorkflowVersion};
use serde_json::{Value as Json, json};

use crate::hunt::invariants::views::MARK;
use crate::world::World;
use crate::world::case::Fields;
use crate::world::tape::Tape;

/// Of one version, what each field may be filled with.
#[derive(Clone, Debug)]
pub struct Values {
    fields: Vec<Field>,
    /// Of each node, the fields that may be written there, and whether they must be there.
    writable: BTreeMap<NodeId, Vec<(usize, bool)>>,
}

#[derive(Clone, Debug)]
struct Field {
    key: FieldKey,
    kind: ComponentKind,
    multiple: bool,
    /// What the type takes, and what conditions ask for.
    good: Vec<Json>,
    /// What the type does not take.
    bad: Vec<Json>,
}

impl Values {
    /// Reads off a version what its fields take and what its conditions compare with.
    #[must_use]
    pub fn of(workflow: &WorkflowVersion) -> Self {
        let components: Vec<&Component> = workflow.form.components().collect();
        let fields = components.iter().map(|component| Field {
            key: component.key.clone(),
            kind: component.kind,
            multiple: component.multiple,
            good: good(component, &asked_for(workflow, component)),
            bad: bad(component),
        });
        let writable = workflow.nodes.iter().map(|node| {
            let at = |component: &&Component| workflow.form.permission_at(node, &component.key);
            let places = components
                .iter()
                .enumerate()
                .filter(|(_, component)| at(component).is_writable());
            let places = places.map(|(idx, component)| (idx, at(component) == FieldPermission::Required));
            (node.id.clone(), places.collect())
        });
        Self {
            writable: writable.collect(),
            fields: fields.collect(),
        }
    }

    /// Values for a node: as a rule those that must be there and some of those that may; now and then one left out,
    /// one that its type does not take, one that may not be written, or one that is no field.
    pub fn filled(
        &self,
        world: &World,
        ticket: Option<&Ticket>,
        node: &Node,
        tape: &mut Tape,
        n_texts: &mut u64,
    ) -> Fields {
        let mut found = Fields::new();
        for (idx, is_required) in self.writable.get(&node.id).map_or(&[][..], Vec::as_slice) {
            let field = &self.fields[*idx];
            let is_stored = ticket.is_some_and(|ticket| ticket.fields.contains_key(&field.key));
            let is_sent = match (is_required, is_stored) {
                (true, false) => tape.next(32) != 31,
                (true, true) | (false, true) => tape.next(3) == 0,
                (false, false) => tape.next(2) == 0,
            };
            if is_sent {
                found.insert(field.key.clone(), self.value(field, world, tape, n_texts));
            }
        }
        match tape.next(32) {
            30 => {
                if let Some(field) = tape.pick(&self.fields) {
                    found.insert(field.key.clone(), self.value(field, world, tape, n_texts));
                }
            }
            31 => {
                found.insert("no_such_field".into(), json!("?"));
            }
            29 => {
                // What the ticket has already, wherever it may be written.
                let stored: Vec<_> = ticket.iter().flat_map(|ticket| &*ticket.fields).collect();
                if let Some((key, value)) = tape.pick(&stored) {
                    found.insert(FieldKey::clone(key), Json::from(*value));
                }
            }
            _ => {}
        }
        found
    }

    fn value(&self, field: &Field, world: &World, tape: &mut Tape, n_texts: &mut u64) -> Json {
        let roll = tape.next(64);
        if roll == 63 && !field.bad.is_empty() {
            return tape.pick(&field.bad).cloned().unwrap_or_default();
        }
        if roll == 62 {
            return json!("");
        }
        let is_marked = roll.is_multiple_of(2);
        let marked = |n_texts: &mut u64| {
            *n_texts += 1;
            format!("{MARK}{n_texts}-{}", field.key)
        };
        match field.kind {
            // Texts that occur nowhere else show where a hidden value leaks; but conditions have to be met as well.
            ComponentKind::Text | ComponentKind::Textarea | ComponentKind::Title if is_marked => {
                json!(marked(n_texts))
            }
            ComponentKind::Richtext if is_marked => json!(format!("<p>{}</p>", marked(n_texts))),
            ComponentKind::Link if is_marked => json!(format!("https://example.com/{}", marked(n_texts))),
            ComponentKind::User => people(&world.directory, field, tape),
            ComponentKind::Department => {
                let depts: Vec<&str> = world.directory.depts.keys().map(|dept| dept.as_str()).collect();
                some_of(&depts, field.multiple, tape)
            }
            ComponentKind::Title
            | ComponentKind::Text
            | ComponentKind::Textarea
            | ComponentKind::Richtext
            | ComponentKind::Link
            | ComponentKind::Number
            | ComponentKind::Select
            | ComponentKind::Radio
            | ComponentKind::Checkbox
            | ComponentKind::Date
            | ComponentKind::Time
            | ComponentKind::Datetime
            | ComponentKind::File
            | ComponentKind::Externaldata
            | ComponentKind::CreatorInfo
            | ComponentKind::CreatedAt
            | ComponentKind::ActState
            | ComponentKind::WorkflowInfo
            | ComponentKind::CurrentAssigneeInfos
            | ComponentKind::TicketNodeInfos => tape.pick(&field.good).cloned().unwrap_or(json!("overwritten")),
        }
    }
}

/// Mostly people who are there.
fn people(directory: &Directory, field: &Field, tape: &mut Tape) -> Json {
    let is_anyone = tape.chance(1, 16);
    let users = directory.users.values().filter(|user| user.is_active || is_anyone);
    let users: Vec<&str> = users.map(|user| user.id.as_str()).collect();
    // A condition may ask for somebody in particular.
    match tape.pick(&field.good) {
        Some(asked) if tape.next(3) == 0 => asked.clone(),
        Some(_) | None => some_of(&users, field.multiple, tape),
    }
}

fn some_of(ids: &[&str], multiple: bool, tape: &mut Tape) -> Json {
    let first = tape.pick(ids).copied().unwrap_or_default();
    let second = tape.pick(ids).copied().unwrap_or_default();
    match tape.next(4) {
        0 if multiple && first != second => json!([first, second]),
        1 if multiple => json!(format!("{first}, {second}")),
        2 if multiple => json!([first]),
        _ => json!(first),
    }
}

/// Values that conditions on the field compare with.
fn asked_for(workflow: &WorkflowVersion, component: &Component) -> Vec<Json> {
    let conditions = workflow.edges.iter().flat_map(|edge| edge.conditions.iter());
    let mut found = Vec::new();
    for condition in conditions.filter(|one| one.field == component.key && one.operator.takes_value()) {
        let value = Json::from(&condition.value);
        for part in condition.value.parts() {
            found.push(json!(part));
        }
        found.push(value);
    }
    found
}

/// What the type takes: what is asked for and its neighbours, and something else.
fn good(component: &Component, asked: &[Json]) -> Vec<Json> {
    let mut found: Vec<Json> = asked.to_vec();
    match component.kind {
        ComponentKind::Number => {
            let numbers: Vec<f64> = asked.iter().filter_map(as_number).collect();
            // One below, one above, and half of one: enough to be on either side whatever the operator.
            found = numbers
                .iter()
                .flat_map(|number| [*number, number - 1.0, number + 1.0, number + 0.5])
                .filter_map(number)
                .collect();
            let bounds = [component.number.min, component.number.max];
            found.extend(
                bounds
                    .into_iter()
                    .flatten()
                    .filter_map(|bound| serde_json::from_str(&bound.normalize().to_string()).ok()),
            );
            found.extend([json!(1), json!(7), json!("2.5"), json!(-3), json!(20_000)]);
        }
        ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => {
            let keys: Vec<&str> = component.options.iter().map(|choice| choice.key.as_str()).collect();
            found = keys.iter().map(|key| json!(key)).collect();
            if component.multiple {
                for (idx, first) in keys.iter().enumerate() {
                    found.extend(keys[idx + 1..].iter().map(|second| json!([first, second])));
                }
                found.push(json!(keys));
            }
        }
        ComponentKind::Date | ComponentKind::Datetime => {
            let days = asked.iter().filter_map(Json::as_str).filter_map(|text| text.get(..10));
            let beside = days.flat_map(neighbours).map(Json::from);
            found.extend(beside.collect::<Vec<_>>());
            found.extend([json!("2026-01-03"), json!("2026-02-01 08:00:00"), json!("2025-12-31")]);
        }
        ComponentKind::Time => found.extend([json!("09:30"), json!("00:00:00"), json!("23:59:59")]),
        ComponentKind::File => {
            let (plan, scan) = (file(1, "plan.pdf", "application/pdf"), file(2, "scan.png", "image/png"));
            let id = scan["id"].clone();
            found = vec![json!([plan]), scan, json!([id]), json!([plan, plan])];
        }
        ComponentKind::Link => found.push(json!("https://example.com/a")),
        ComponentKind::Title | ComponentKind::Text | ComponentKind::Textarea | ComponentKind::Richtext => {
            let longer: Vec<Json> = asked
                .iter()
                .filter_map(Json::as_str)
                .map(|text| json!(format!("{text} b")))
                .collect();
            found.extend(longer);
            found.extend([json!("a"), json!("Urgent: a, b")]);
        }
        // From the directory, when it is drawn.
        ComponentKind::User | ComponentKind::Department => {}
        ComponentKind::Externaldata
        | ComponentKind::CreatorInfo
        | ComponentKind::CreatedAt
        | ComponentKind::ActState
        | ComponentKind::WorkflowInfo
        | ComponentKind::CurrentAssigneeInfos
        | ComponentKind::TicketNodeInfos => {}
    }
    found
}

/// A file as a draft describes it: the world takes whatever is described whole.
fn file(n: u8, name: &str, kind: &str) -> Json {
    json!({
        "id": format!("00000000-0000-4000-8000-00000000000{n}"),
        "name": name,
        "size": 5,
        "type": kind,
        "sha256": format!("0{n}").repeat(32),
    })
}

fn bad(component: &Component) -> Vec<Json> {
    match component.kind {
        ComponentKind::Number => vec![json!("many"), json!(true), json!("1e30"), json!([1, 2])],
        ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => {
            vec![json!("no such option"), json!({})]
        }
        ComponentKind::Date | ComponentKind::Datetime => vec![json!("2026-02-30"), json!("soon"), json!(5)],
        ComponentKind::Time => vec![json!("25:00"), json!("noon")],
        ComponentKind::User => vec![json!("nobody"), json!([["x"]])],
        ComponentKind::Department => vec![json!("nowhere"), json!(true)],
        ComponentKind::File => vec![
            json!("plan.pdf"),
            json!([{ "url": "javascript:alert(1)" }]),
            json!([5]),
            file(3, "a", "b")["id"].clone(),
        ],
        ComponentKind::Link => vec![json!("ftp://example.com"), json!("example")],
        ComponentKind::Title | ComponentKind::Text | ComponentKind::Textarea | ComponentKind::Richtext => {
            vec![json!(7), json!(["a"]), json!({ "a": 1 })]
        }
        ComponentKind::Externaldata
        | ComponentKind::CreatorInfo
        | ComponentKind::CreatedAt
        | ComponentKind::ActState
        | ComponentKind::WorkflowInfo
        | ComponentKind::CurrentAssigneeInfos
        | ComponentKind::TicketNodeInfos => Vec::new(),
    }
}

fn as_number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn number(number: f64) -> Option<Json> {
    // Whole numbers as such: `3` and `3.0` are the same decimal, but people write the former.
    let is_whole = number.fract() == 0.0 && number.abs() < 1e15;
    if is_whole {
        Some(json!(number as i64))
    } else {
        serde_json::Number::from_f64(number).map(Json::Number)
    }
}

/// The day itself and those beside it in the same month, as far as they are sure to exist.
fn neighbours(day: &str) -> Vec<String> {
    let (Some(month), Some(number)) = (day.get(..8), day.get(8..10).and_then(|text| text.parse::<u32>().ok())) else {
        return Vec::new();
    };
    let days = [number.saturating_sub(1), number, number + 1].into_iter();
    days.filter(|day| (1..=28).contains(day))
        .map(|day| format!("{month}{day:02}"))
        .collect()
}
