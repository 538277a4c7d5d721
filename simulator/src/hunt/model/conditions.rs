//! Conditions on edges (semantics: conditions): or-ed groups of and-ed comparisons, by the field's type.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::definition::{Condition, Definition, Edge, Field};
use super::forms;
use super::people::People;
use super::ticket::Ticket;
use super::values;

/// Whether one of the edge's groups holds as a whole; an edge without conditions holds.
pub(super) fn hold(edge: &Edge, ticket: &Ticket, people: &People) -> bool {
    let holds = |condition: &Condition| holds(condition, &ticket.on, ticket, people);
    edge.groups.is_empty() || edge.groups.iter().any(|group| group.iter().all(holds))
}

fn holds(condition: &Condition, on: &Definition, ticket: &Ticket, people: &People) -> bool {
    let operator = condition.operator.as_str();
    let said = condition.field.and_then(|field| {
        let value = ticket
            .value_of(field)
            .filter(|value| !forms::is_blank(&on.fields[field], value))?;
        match operator {
            "is_empty" => Some(false),
            "is_not_empty" => Some(true),
            _ => compare(&on.fields[field], value, operator, &condition.value, people),
        }
    });
    // A value that is missing, or that its type cannot read, makes every operator false but these.
    said.unwrap_or(["!=", "not_contains", "not_in", "is_empty"].contains(&operator))
}

fn compare(field: &Field, value: &Json, operator: &str, with: &Json, people: &People) -> Option<bool> {
    let zone = &people.zone;
    match field.kind.as_str() {
        "select" | "radio" | "checkbox" | "user" | "department" => {
            let left: BTreeSet<String> = keys_in(field, value).into_iter().collect();
            let right: BTreeSet<String> = keys_in(field, with).into_iter().collect();
            let order = || {
                let single = left.len() == 1 && right.len() == 1;
                single.then(|| left.first().cmp(&right.first()))
            };
            Some(match operator {
                "==" => left == right,
                "!=" => left != right,
                "contains" => right.iter().all(|one| left.contains(one)),
                "not_contains" => !right.iter().all(|one| left.contains(one)),
                "in" => left.iter().all(|one| right.contains(one)),
                "not_in" => !left.iter().all(|one| right.contains(one)),
                ordered => order().is_some_and(|order| fits(order, ordered)),
            })
        }
        "number" => compare_one(value, operator, with, values::number),
        "date" => compare_one(value, operator, with, |text| {
            values::instant(text, zone).map(|ms| values::day_of(ms, zone))
        }),
        "datetime" => compare_one(value, operator, with, |text| values::instant(text, zone)),
        "time" => compare_one(value, operator, with, values::time_of_day),
        "title" | "text" | "textarea" | "richtext" | "link" => {
            let text = values::as_one_text(value);
            match operator {
                "contains" => Some(text.contains(&values::as_one_text(with))),
                "not_contains" => Some(!text.contains(&values::as_one_text(with))),
                _ => compare_one(value, operator, with, |text| Some(text.to_owned())),
            }
        }
        _ => None,
    }
}

/// Compares single values, read as the type reads them.
fn compare_one<T: Ord>(value: &Json, operator: &str, with: &Json, read: impl Fn(&str) -> Option<T>) -> Option<bool> {
    let left = read(&values::as_one_text(value))?;
    if operator == "in" || operator == "not_in" {
        let is_in = values::parts(with)
            .iter()
            .any(|part| read(part).as_ref() == Some(&left));
        return Some(is_in == (operator == "in"));
    }
    let right = read(&values::as_one_text(with))?;
    Some(match operator {
        "contains" => left == right,
        "not_contains" => left != right,
        ordered => fits(left.cmp(&right), ordered),
    })
}

fn fits(order: Ordering, operator: &str) -> bool {
    match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        _ => false,
    }
}

/// The keys or ids in a value; a text that is an option's key as a whole is one, commas and all.
pub(super) fn keys_in(field: &Field, value: &Json) -> Vec<String> {
    match value.as_str().map(str::trim) {
        Some(text) if field.options.iter().any(|(key, _)| key == text) => vec![text.to_owned()],
        Some(_) | None => values::parts(value),
    }
}
