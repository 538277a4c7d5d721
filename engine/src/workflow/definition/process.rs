//! Reads `process_schema`: nodes and edges with the properties that rules look at
//! (semantics: definitions, assignees, sub-tickets).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::is_http;
use super::reader::{Place, Reader, get};
use crate::account::token::Secret;
use crate::id::{EdgeId, FieldKey, NodeId};
use crate::value::Value;
use crate::workflow::condition::{Condition, ConditionGroups, Operator};
use crate::workflow::edge::{Edge, EdgeKind};
use crate::workflow::form::FieldPermission;
use crate::workflow::node::{AssigneeRule, HookProps, Node, NodeKind, NormalProps, Strategy, TimerProps, Variable};

const NODE_KEYS: [&str; 5] = ["id", "name", "type", "layout", "props"];
const EDGE_KEYS: [&str; 7] = [
    "id",
    "name",
    "type",
    "source_node_id",
    "target_node_id",
    "layout",
    "props",
];
/// Keys of the `props` of every node.
const PROPS_KEYS: [&str; 2] = ["field_permissions", "allow_withdraw"];
const NORMAL_KEYS: [&str; 8] = [
    "assignee_type",
    "assignee",
    "assignment_strategy",
    "exclude_creator",
    "remember_last_assignee",
    "sub_workflows",
    "wait_for_sub_tickets",
    "auto_edge",
];

pub(super) fn read(reader: &mut Reader, schema: &Json) -> (Vec<Node>, Vec<Edge>) {
    let place = Place::of("`process_schema`");
    reader.keys(schema, &["node_info_list", "edge_info_list"], "", &place);
    let nodes = reader
        .objects(schema, "node_info_list", &place)
        .into_iter()
        .map(|info| node(reader, info))
        .collect();
    let edges = reader
        .objects(schema, "edge_info_list", &place)
        .into_iter()
        .map(|info| edge(reader, info))
        .collect();
    (nodes, edges)
}

fn node(reader: &mut Reader, info: &Json) -> Node {
    let id = NodeId::from(reader.text(info, "id", &Place::of("a node")));
    let place = Place::node(&id);
    if id.as_str().trim().is_empty() {
        reader.error("missing_id", &place, "has no `id`: give it one");
        reader.tear();
    }
    reader.keys(info, &NODE_KEYS, "", &place);
    let props = reader.object(info, "props", &place);
    let kind = kind(reader, info, props, &place);
    reader.keys(props, &[&PROPS_KEYS, props_keys(&kind)].concat(), "in `props`", &place);
    Node {
        name: reader.text(info, "name", &place),
        field_permissions: field_permissions(reader, props, &place),
        allow_withdraw: reader.flag(props, "allow_withdraw", &place),
        id,
        kind,
    }
}

fn kind(reader: &mut Reader, info: &Json, props: &Json, place: &Place) -> NodeKind {
    let word = reader.text(info, "type", place);
    match word.as_str() {
        "start" => NodeKind::Start,
        "normal" => NodeKind::Normal(Box::new(normal(reader, props, place))),
        "end" => NodeKind::End,
        "exclusive" => NodeKind::Exclusive {
            default_branch: edge_named(reader, props, "default_branch", place),
        },
        "parallel" => NodeKind::Parallel,
        "inclusive" => NodeKind::Inclusive {
            default_branch: edge_named(reader, props, "default_branch", place),
        },
        "timer" => NodeKind::Timer(timer(reader, props, place)),
        "hook" => NodeKind::Hook(Box::new(hook(reader, props, place))),
        _ => {
            let words = "start, normal, end, exclusive, parallel, inclusive, timer, hook";
            reader.error(
                "unknown_node_type",
                place,
                &format!("has the type `{word}`: take one of {words}"),
            );
            reader.tear();
            NodeKind::Parallel
        }
    }
}

/// Keys that the `props` of a kind of node has besides those that all have.
fn props_keys(kind: &NodeKind) -> &'static [&'static str] {
    match kind {
        NodeKind::Normal(_) => &NORMAL_KEYS,
        NodeKind::Exclusive { .. } | NodeKind::Inclusive { .. } => &["default_branch"],
        NodeKind::Timer(_) => &["duration", "until_field"],
        NodeKind::Hook(_) => &["hook_url", "hook_token", "is_async"],
        NodeKind::Start | NodeKind::End | NodeKind::Parallel => &[],
    }
}

fn edge_named(reader: &mut Reader, props: &Json, name: &str, place: &Place) -> Option<EdgeId> {
    Some(reader.text(props, name, place))
        .filter(|id| !id.trim().is_empty())
        .map(EdgeId::from)
}

fn field_permissions(reader: &mut Reader, props: &Json, place: &Place) -> BTreeMap<FieldKey, FieldPermission> {
    let mut found = BTreeMap::new();
    let given = reader.object(props, "field_permissions", place);
    for (key, word) in given.as_object().into_iter().flatten() {
        let key = FieldKey::from(key.as_str());
        let permission = word.as_str().and_then(FieldPermission::parse);
        if permission.is_none() {
            let place = Place {
                field: Some(key.clone()),
                ..place.clone()
            };
            let sentence =
                format!("gives the field `{key}` the permission {word}: take readonly, optional, required or hidden");
            reader.error("unknown_permission", &place, &sentence);
        }
        found.insert(key, permission.unwrap_or(FieldPermission::Hidden));
    }
    found
}

fn normal(reader: &mut Reader, props: &Json, place: &Place) -> NormalProps {
    NormalProps {
        assignee: assignee(reader, props, place),
        strategy: strategy(reader, props, place),
        exclude_creator: reader.flag(props, "exclude_creator", place),
        remember_last_assignee: reader.flag(props, "remember_last_assignee", place),
        sub_workflows: reader
            .texts(props, "sub_workflows", place)
            .into_iter()
            .map(Into::into)
            .collect(),
        wait_for_sub_tickets: reader.flag(props, "wait_for_sub_tickets", place),
        auto_edge: edge_named(reader, props, "auto_edge", place),
    }
}

fn assignee(reader: &mut Reader, props: &Json, place: &Place) -> AssigneeRule {
    let word = reader.text(props, "assignee_type", place);
    if word == "external" {
        // An address may hold commas, so it is not a list.
        let url = reader.text(props, "assignee", place).trim().to_owned();
        if url.is_empty() {
            reader.error(
                "assignee_missing",
                place,
                "has no `assignee`: give the address that is asked",
            );
        } else if !is_http(&url) {
            reader.error(
                "bad_assignee_url",
                place,
                "asks for its assignees at no http or https address",
            );
        }
        return AssigneeRule::External(url);
    }
    let named = reader.texts(props, "assignee", place);
    if word.trim().is_empty() || named.is_empty() {
        let missing = if named.is_empty() { "assignee" } else { "assignee_type" };
        reader.error(
            "assignee_missing",
            place,
            &format!("has no `{missing}`: say who is assigned"),
        );
    }
    match word.as_str() {
        "users" => AssigneeRule::Users(named.into_iter().map(Into::into).collect()),
        "depts" => AssigneeRule::Depts(named.into_iter().map(Into::into).collect()),
        "roles" => AssigneeRule::Roles(named.into_iter().map(Into::into).collect()),
        "ticket_field" => AssigneeRule::TicketField(named.into_iter().map(Into::into).collect()),
        "parent_ticket_field" => AssigneeRule::ParentTicketField(named.into_iter().map(Into::into).collect()),
        "variables" => AssigneeRule::Variables(variables(reader, &named, place)),
        "" => AssigneeRule::Users(Vec::new()),
        _ => {
            let words = "users, depts, roles, variables, ticket_field, parent_ticket_field, external";
            reader.error(
                "unknown_assignee_type",
                place,
                &format!("has the assignee_type `{word}`: take one of {words}"),
            );
            AssigneeRule::Users(Vec::new())
        }
    }
}

fn variables(reader: &mut Reader, named: &[String], place: &Place) -> Vec<Variable> {
    let mut found = Vec::new();
    for word in named {
        match Variable::ALL.iter().find(|(_, spelt)| spelt == word) {
            Some((variable, _)) => found.push(*variable),
            None => {
                let words = Variable::ALL.map(|(_, spelt)| spelt).join(", ");
                reader.error(
                    "unknown_variable",
                    place,
                    &format!("is assigned to `{word}`: take one of {words}"),
                );
            }
        }
    }
    found
}

fn strategy(reader: &mut Reader, props: &Json, place: &Place) -> Strategy {
    let words = "direct, random, voluntary or whole";
    match reader.text(props, "assignment_strategy", place).as_str() {
        "direct" => Strategy::Direct,
        "random" => Strategy::Random,
        "voluntary" => Strategy::Voluntary,
        "whole" | "all" => Strategy::Whole,
        "" => {
            reader.error(
                "strategy_missing",
                place,
                &format!("has no `assignment_strategy`: take {words}"),
            );
            Strategy::Direct
        }
        word => {
            reader.error(
                "unknown_strategy",
                place,
                &format!("has the assignment_strategy `{word}`: take {words}"),
            );
            Strategy::Direct
        }
    }
}

fn timer(reader: &mut Reader, props: &Json, place: &Place) -> TimerProps {
    let duration = reader.text(props, "duration", place);
    let until = reader.text(props, "until_field", place);
    match (duration.trim(), until.trim()) {
        ("", "") => {
            reader.error(
                "timer_without_duration",
                place,
                "does not say how long: give `duration` (`PT2H`) or `until_field`",
            );
            TimerProps::Duration(jiff::Span::new())
        }
        ("", until) => TimerProps::UntilField(FieldKey::from(until)),
        (duration, _) => TimerProps::Duration(span(duration).unwrap_or_else(|| {
            let sentence = format!("has the duration `{duration}`: write ISO 8601, for instance `PT2H` or `P3D`");
            reader.error("bad_duration", place, &sentence);
            jiff::Span::new()
        })),
    }
}

/// An ISO 8601 duration that is not negative and not longer than a century: a sum of dates stays within the range.
fn span(text: &str) -> Option<jiff::Span> {
    let span: jiff::Span = text.strip_prefix(['P', 'p']).and_then(|_| text.parse().ok())?;
    let hours = span.to_duration(jiff::civil::date(2000, 1, 1)).ok()?.as_hours();
    (0..=100 * 366 * 24).contains(&hours).then_some(span)
}

fn hook(reader: &mut Reader, props: &Json, place: &Place) -> HookProps {
    let url = reader.text(props, "hook_url", place).trim().to_owned();
    if url.is_empty() {
        reader.error("hook_without_url", place, "has no `hook_url`: say where to post");
    } else if !is_http(&url) {
        reader.error(
            "bad_hook_url",
            place,
            "has a `hook_url` that is no http or https address",
        );
    }
    HookProps {
        url,
        token: Secret::new(reader.text(props, "hook_token", place)),
        is_async: reader.flag(props, "is_async", place),
    }
}

fn edge(reader: &mut Reader, info: &Json) -> Edge {
    let id = EdgeId::from(reader.text(info, "id", &Place::of("an edge")));
    let place = Place::edge(&id);
    if id.as_str().trim().is_empty() {
        reader.error("missing_id", &place, "has no `id`: give it one");
    }
    let word = reader.text(info, "type", &place);
    let kind = EdgeKind::parse(&word).unwrap_or_else(|| {
        reader.error(
            "unknown_edge_type",
            &place,
            &format!("has the type `{word}`: take agree, reject, other or condition"),
        );
        EdgeKind::Other
    });
    reader.keys(info, &EDGE_KEYS, "", &place);
    let props = reader.object(info, "props", &place);
    reader.keys(
        props,
        &["condition_groups", "skip_fields_required_check"],
        "in `props`",
        &place,
    );
    Edge {
        name: reader.text(info, "name", &place),
        source: reader.text(info, "source_node_id", &place).into(),
        target: reader.text(info, "target_node_id", &place).into(),
        conditions: conditions(reader, props, &place),
        skip_fields_required_check: reader.flag(props, "skip_fields_required_check", &place),
        props: if props.is_null() {
            Json::Object(serde_json::Map::new())
        } else {
            props.clone()
        },
        id,
        kind,
    }
}

fn conditions(reader: &mut Reader, props: &Json, place: &Place) -> ConditionGroups {
    let mut groups = Vec::new();
    for group in reader.objects(props, "condition_groups", place) {
        reader.keys(group, &["conditions"], "in `condition_groups`", place);
        let mut conditions = Vec::new();
        for info in reader.objects(group, "conditions", place) {
            conditions.extend(condition(reader, info, place));
        }
        groups.push(conditions);
    }
    ConditionGroups::new(groups)
}

fn condition(reader: &mut Reader, info: &Json, place: &Place) -> Option<Condition> {
    // `field_type` is written by designers; the form knows the type.
    let known = ["field_name", "field_key", "field_type", "operator", "value"];
    reader.keys(info, &known, "in `conditions`", place);
    let named = reader.text(info, "field_name", place);
    let named = if named.trim().is_empty() {
        reader.text(info, "field_key", place)
    } else {
        named
    };
    if named.trim().is_empty() {
        reader.error(
            "condition_without_field",
            place,
            "has a condition without `field_name`: name the field it looks at",
        );
    }
    let word = reader.text(info, "operator", place);
    let operator = Operator::parse(word.trim());
    if operator.is_none() {
        let words = Operator::ALL.map(|(_, spelt)| spelt).join(", ");
        reader.error(
            "unknown_operator",
            place,
            &format!("has the operator `{word}`: take one of {words}"),
        );
    }
    let field = FieldKey::from(named);
    operator.map(|operator| Condition {
        field,
        operator,
        value: Value::from(get(info, "value")),
    })
}
