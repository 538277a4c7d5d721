//! Random conditions: every operator that a field's type has, with values that its type can read.

use serde_json::{Value as Json, json};

use super::Names;
use super::form::{Field, Form};
use crate::world::tape::Tape;

const ORDER: [&str; 4] = [">", ">=", "<", "<="];
const OTHER: [&str; 6] = ["==", "!=", "contains", "not_contains", "in", "not_in"];
const EMPTY: [&str; 2] = ["is_empty", "is_not_empty"];

/// `condition_groups` of an edge: one or two groups of one or two conditions.
#[must_use]
pub fn groups(tape: &mut Tape, form: &Form, names: &Names) -> Json {
    let mut groups = Vec::new();
    for _ in 0..1 + usize::from(tape.chance(1, 4)) {
        let mut conditions = Vec::new();
        for _ in 0..1 + usize::from(tape.chance(1, 4)) {
            conditions.extend(condition(tape, form, names));
        }
        groups.push(json!({ "conditions": conditions }));
    }
    json!(groups)
}

fn condition(tape: &mut Tape, form: &Form, names: &Names) -> Option<Json> {
    let stored: Vec<&Field> = form.fields.iter().filter(|field| field.is_stored()).collect();
    let field = tape.pick(&stored)?;
    let is_set = field.multiple && field.kind != "file";
    let mut operators: Vec<&str> = EMPTY.to_vec();
    if field.kind != "file" {
        operators.extend(OTHER);
        if !is_set {
            operators.extend(ORDER);
        }
    }
    let operator = tape.pick(&operators).copied()?;
    let one = value(tape, field, names);
    let value = match operator {
        "is_empty" | "is_not_empty" => Json::Null,
        "in" | "not_in" => {
            let two = value(tape, field, names);
            match (tape.next(2), one.as_str(), two.as_str()) {
                (0, Some(one), Some(two)) if !one.contains(',') && !two.contains(',') => json!(format!("{one},{two}")),
                _ => json!([one, two]),
            }
        }
        _ if is_set && tape.next(2) == 0 => json!([one, value(tape, field, names)]),
        _ => one,
    };
    Some(json!({ "field_name": field.key, "operator": operator, "value": value, "field_type": field.kind }))
}

fn value(tape: &mut Tape, field: &Field, names: &Names) -> Json {
    let pick = |tape: &mut Tape, all: &[String]| json!(tape.pick(all).cloned().unwrap_or_default());
    match field.kind.as_str() {
        "number" => [json!(1), json!("2.5"), json!(7), json!(20_000), json!(0)][tape.next(5)].clone(),
        "select" | "radio" | "checkbox" => pick(tape, &field.options),
        "date" => json!(["2026-01-03", "2026-01-10", "2026-02-01"][tape.next(3)]),
        "datetime" => json!(["2026-01-03", "2026-01-10 12:00:00", "2026-02-01T08:00:00Z"][tape.next(3)]),
        "time" => json!(["09:30", "12:00:00", "23:59:59"][tape.next(3)]),
        "user" => pick(tape, &names.users),
        "department" => pick(tape, &names.depts),
        "link" => json!("https://example.com/a"),
        _ => json!(["a", "b", "Urgent"][tape.next(3)]),
    }
}
