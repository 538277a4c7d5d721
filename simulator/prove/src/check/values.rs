//! Values that a field takes, enough of them to tell apart everything a definition asks about it: of every interval
//! between the numbers it is compared with one, of every set of options that conditions name one, and so on.
//!
//! Candidates are only offered here; `Form::check_value` decides which of them the field takes, and `domain` which of
//! them the conditions can tell apart. Not here: whether a person may write the field at all (`game`).

use std::collections::BTreeSet;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FileId, UserId};
use loonflow_engine::ticket::FileInfo;
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::condition::Condition;
use loonflow_engine::workflow::form::accept::Accept;
use loonflow_engine::workflow::{Component, ComponentKind};
use rust_decimal::Decimal;

/// Options, users or parts of a text that are combined; two to the power of it are tried.
const COMBINED_MAX: usize = 10;

/// Why the values of a field are too many to be looked at one by one.
pub(super) type TooMany = String;

/// Values that are not empty, plain ones first; some of them may not be taken by the field.
pub(super) fn candidates(
    component: &Component,
    conditions: &[&Condition],
    directory: &Directory,
    creator: &UserId,
) -> Result<Vec<Value>, TooMany> {
    let constants: BTreeSet<String> = conditions
        .iter()
        .flat_map(|condition| {
            let mut texts = condition.value.parts();
            texts.extend(condition.value.as_text().map(str::to_owned));
            texts
        })
        .collect();
    Ok(match component.kind {
        ComponentKind::Number => numbers(component, &constants),
        ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox if !component.multiple => {
            // All of them: an order among options tells apart even those that no condition names.
            component
                .options
                .iter()
                .map(|one| Value::text(one.key.clone()))
                .collect()
        }
        ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => {
            let named = |key: &str| constants.iter().any(|text| text == key);
            let keys = component.options.iter().map(|one| one.key.clone());
            let (mut keys, others): (Vec<String>, Vec<String>) = keys.partition(|key| named(key));
            // An option that nobody asks about stands for all of them.
            keys.extend(others.into_iter().next());
            subsets(component, &keys)?
        }
        ComponentKind::User => {
            let active = |id: &UserId| directory.active_user(id).is_some();
            let named = |id: &UserId| *id == *creator || constants.contains(id.as_str());
            let mut ids: Vec<String> = directory
                .users
                .keys()
                .filter(|id| active(id) && !named(id))
                .take(1)
                .map(|id| id.as_str().to_owned())
                .collect();
            let known = directory.users.keys().filter(|id| active(id) && named(id));
            ids.extend(known.map(|id| id.as_str().to_owned()));
            singles_or_subsets(component, ids)?
        }
        ComponentKind::Department => {
            let named = |id: &str| constants.contains(id);
            let all = directory.depts.keys().map(|id| id.as_str().to_owned());
            let (mut ids, others): (Vec<String>, Vec<String>) = all.partition(|id| named(id));
            ids.splice(0..0, others.into_iter().take(1));
            singles_or_subsets(component, ids)?
        }
        ComponentKind::Date => days(&constants, directory),
        ComponentKind::Datetime => instants(&constants, directory),
        ComponentKind::Time => times(&constants),
        ComponentKind::Title | ComponentKind::Text | ComponentKind::Textarea | ComponentKind::Richtext => {
            texts(&constants, "")?
        }
        ComponentKind::Link => texts(&constants, "https://example.com/")?,
        ComponentKind::File => {
            // One that fits what the field takes, as far as it says so.
            let (name, media_type) = match component.accept.first() {
                Some(Accept::Type(media_type)) => ("file".to_owned(), media_type.clone()),
                Some(Accept::Family(family)) => ("file".to_owned(), format!("{family}x")),
                Some(Accept::Ending(ending)) => (format!("file{ending}"), "application/octet-stream".to_owned()),
                None => ("plan.pdf".to_owned(), "application/pdf".to_owned()),
            };
            let Some(id) = FileId::parse("00000000-0000-4000-8000-000000000001") else {
                return Ok(Vec::new());
            };
            let one = FileInfo {
                id,
                name,
                n_bytes: 5,
                media_type,
                sha256: [1; 32],
            };
            vec![Value::List(vec![one.to_value()])]
        }
        ComponentKind::Externaldata
        | ComponentKind::CreatorInfo
        | ComponentKind::CreatedAt
        | ComponentKind::ActState
        | ComponentKind::WorkflowInfo
        | ComponentKind::CurrentAssigneeInfos
        | ComponentKind::TicketNodeInfos => Vec::new(),
    })
}

/// Whether the candidates of a type, with these conditions, are surely enough: an order among texts that also asks for
/// parts of them, or among people, departments and sets, is not.
pub(super) fn are_surely_enough(component: &Component, conditions: &[&Condition]) -> bool {
    let is_ordered_one_by_one = match component.kind {
        ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => !component.multiple,
        ComponentKind::Number | ComponentKind::Date | ComponentKind::Time | ComponentKind::Datetime => true,
        ComponentKind::Title
        | ComponentKind::Text
        | ComponentKind::Textarea
        | ComponentKind::Richtext
        | ComponentKind::Link
        | ComponentKind::User
        | ComponentKind::Department
        | ComponentKind::File
        | ComponentKind::Externaldata
        | ComponentKind::CreatorInfo
        | ComponentKind::CreatedAt
        | ComponentKind::ActState
        | ComponentKind::WorkflowInfo
        | ComponentKind::CurrentAssigneeInfos
        | ComponentKind::TicketNodeInfos => false,
    };
    is_ordered_one_by_one || !conditions.iter().any(|condition| condition.operator.is_order())
}

fn singles_or_subsets(component: &Component, keys: Vec<String>) -> Result<Vec<Value>, TooMany> {
    if component.multiple {
        subsets(component, &keys)
    } else {
        Ok(keys.into_iter().map(Value::Text).collect())
    }
}

/// Every set of keys but the empty one, small ones first.
fn subsets(component: &Component, keys: &[String]) -> Result<Vec<Value>, TooMany> {
    if keys.len() > COMBINED_MAX {
        return Err(format!(
            "conditions name {} values of `{}`, more than {COMBINED_MAX} cannot be combined: let conditions ask for \
             fewer of them, or split the field in two",
            keys.len(),
            component.key
        ));
    }
    let mut sets: Vec<u32> = (1..1u32 << keys.len()).collect();
    sets.sort_by_key(|bits| (bits.count_ones(), *bits));
    let chosen = |bits: u32| {
        let keys = keys.iter().enumerate().filter(move |(idx, _)| bits >> idx & 1 == 1);
        Value::List(keys.map(|(_, key)| Value::text(key.clone())).collect())
    };
    Ok(sets.into_iter().map(chosen).collect())
}

/// A number in each interval between the constants and bounds, and each of these: next to every one of them lies the
/// next number with as many decimals as the field takes.
fn numbers(component: &Component, constants: &BTreeSet<String>) -> Vec<Value> {
    let rule = &component.number;
    let mut points: BTreeSet<Decimal> = constants
        .iter()
        .filter_map(|text| {
            text.trim()
                .parse()
                .ok()
                .or_else(|| Decimal::from_scientific(text.trim()).ok())
        })
        .collect();
    points.extend(rule.min);
    points.extend(rule.max);
    let finest = points.iter().map(|point| point.normalize().scale()).max().unwrap_or(0);
    // Where the field takes any number of decimals, one more than anybody asks about lies between any two of them.
    let decimals = rule.decimals_max.unwrap_or(finest + 1).min(20);
    let step = Decimal::new(1, decimals);
    let mut found = BTreeSet::new();
    for point in points.iter().copied().chain([Decimal::ZERO, Decimal::ONE]) {
        let below = point.round_dp_with_strategy(decimals, rust_decimal::RoundingStrategy::ToNegativeInfinity);
        let above = point.round_dp_with_strategy(decimals, rust_decimal::RoundingStrategy::ToPositiveInfinity);
        let near = [
            Some(point),
            Some(below),
            Some(above),
            below.checked_sub(step),
            above.checked_add(step),
            below.checked_sub(Decimal::ONE),
            above.checked_add(Decimal::ONE),
        ];
        found.extend(near.into_iter().flatten().map(|near| near.normalize()));
    }
    // Round numbers first: they read better in a story.
    let mut found: Vec<Decimal> = found.into_iter().collect();
    found.sort_by_key(|number| (number.scale(), number.is_sign_negative(), *number));
    found
        .into_iter()
        .map(|number| Value::Number(number.to_string()))
        .collect()
}

const A_DAY_MS: i64 = 86_400_000;

fn days(constants: &BTreeSet<String>, directory: &Directory) -> Vec<Value> {
    let zone = directory.zone();
    let mut found = BTreeSet::new();
    for text in constants {
        let Some(instant) = Timestamp::parse(text, zone) else {
            continue;
        };
        // A day may have 23 or 25 hours: noon, moved by whole days, never misses one.
        let noon = instant.plus_ms(A_DAY_MS / 2);
        found.extend([-A_DAY_MS, 0, A_DAY_MS].map(|ms| noon.plus_ms(ms).day_in(zone).to_string()));
        found.insert(instant.day_in(zone).to_string());
    }
    found.insert("2026-01-31".to_owned());
    found.into_iter().map(Value::Text).collect()
}

fn instants(constants: &BTreeSet<String>, directory: &Directory) -> Vec<Value> {
    let instants = constants
        .iter()
        .filter_map(|text| Timestamp::parse(text, directory.zone()));
    let near = instants.flat_map(|instant| [-1, 0, 1].map(|ms| instant.plus_ms(ms).to_rfc3339()));
    let mut found: Vec<Value> = vec![Value::text("2026-01-31T09:30:00.000Z")];
    found.extend(near.collect::<BTreeSet<_>>().into_iter().map(Value::Text));
    found
}

fn times(constants: &BTreeSet<String>) -> Vec<Value> {
    let mut found = vec![
        Value::text("09:30:00"),
        Value::text("00:00:00"),
        Value::text("23:59:59.999"),
    ];
    for text in constants {
        found.push(Value::text(text.clone()));
        let parts: Vec<i64> = text
            .split([':', '.', ','])
            .take(3)
            .filter_map(|part| part.parse().ok())
            .collect();
        let seconds = parts
            .iter()
            .chain([0, 0, 0].iter())
            .take(3)
            .fold(0, |sum, part| sum * 60 + part);
        let near = [seconds - 1, seconds, seconds + 1];
        found.extend(
            near.into_iter()
                .filter(|second| (0..86_400).contains(second))
                .map(|second| {
                    Value::text(format!(
                        "{:02}:{:02}:{:02}",
                        second / 3600,
                        second / 60 % 60,
                        second % 60
                    ))
                }),
        );
    }
    found
}

/// Each constant alone, just after it in the order of texts, and every combination of them as parts of a longer text.
fn texts(constants: &BTreeSet<String>, before: &str) -> Result<Vec<Value>, TooMany> {
    let constants: Vec<&String> = constants.iter().filter(|text| !text.trim().is_empty()).collect();
    if constants.len() > COMBINED_MAX {
        return Err(format!(
            "conditions name {} texts, more than {COMBINED_MAX} cannot be combined: make the field a choice",
            constants.len()
        ));
    }
    let mut found = vec![format!("{before}Z"), format!("{before}0"), format!("{before}~")];
    for bits in 0..1u32 << constants.len() {
        let parts = constants.iter().enumerate().filter(|(idx, _)| bits >> idx & 1 == 1);
        let parts: Vec<&str> = parts.map(|(_, text)| text.as_str()).collect();
        found.push(format!("{before}~{}~", parts.join("~")));
    }
    for text in constants {
        found.extend([text.clone(), format!("{text}!"), format!("{text}~")]);
        let mut shorter = text.clone();
        shorter.pop();
        found.push(shorter);
    }
    Ok(found
        .into_iter()
        .filter(|text| !text.trim().is_empty())
        .map(Value::Text)
        .collect())
}
