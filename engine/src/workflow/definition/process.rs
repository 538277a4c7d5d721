//! Reads `process_schema`: nodes and edges with the properties that rules look at (semantics: definitions).
//!
//! Not here: the properties of one kind of node (`node/<kind>`).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::reader::{Place, Reader, get};
use crate::id::{EdgeId, FieldKey, NodeId};
use crate::value::Value;
use crate::workflow::condition::{Condition, ConditionGroups, Operator};
use crate::workflow::edge::{Edge, EdgeKind};
use crate::workflow::form::FieldPermission;
use crate::workflow::node::{self, Node, NodeKind, deadline};

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
pub(super) fn read(reader: &mut Reader, schema: &Json) -> (Vec<Node>, Vec<Edge>) {
    let place = Place::of("`process_schema`");
    reader.keys(schema, &["node_info_list", "edge_info_list"], "", &place);
    let nodes = reader
        .objects(schema, "node_info_list", &place)
        .into_iter()
        .map(|info| read_node(reader, info))
        .collect();
    let edges = reader
        .objects(schema, "edge_info_list", &place)
        .into_iter()
        .map(|info| edge(reader, info))
        .collect();
    (nodes, edges)
}

fn read_node(reader: &mut Reader, info: &Json) -> Node {
    let id = NodeId::from(reader.text(info, "id", &Place::of("a node")));
    let place = Place::node(&id);
    if id.as_str().trim().is_empty() {
        reader.error("missing_id", &place, "has no `id`: give it one");
        reader.tear();
    }
    reader.keys(info, &NODE_KEYS, "", &place);
    let props = reader.object(info, "props", &place);
    let kind = kind(reader, info, props, &place);
    let is_for_people = kind.is_left_by_people();
    let deadline = deadline::read(reader, props, &place, is_for_people);
    let mut known = [&PROPS_KEYS, kind.rule().keys].concat();
    if is_for_people {
        known.push("allow_undo");
    }
    if !is_for_people && props.get("deadline").is_some() {
        // It is said to be misplaced, which is more than that nobody reads it.
        known.push("deadline");
    }
    reader.keys(props, &known, "in `props`", &place);
    Node {
        name: reader.text(info, "name", &place),
        field_permissions: field_permissions(reader, props, &place),
        allow_withdraw: reader.flag(props, "allow_withdraw", &place),
        allow_undo: is_for_people && get(props, "allow_undo") == &Json::Bool(true),
        has_bad_undo: is_for_people && !matches!(get(props, "allow_undo"), Json::Null | Json::Bool(_)),
        id,
        kind,
        deadline,
    }
}

fn kind(reader: &mut Reader, info: &Json, props: &Json, place: &Place) -> NodeKind {
    let word = reader.text(info, "type", place);
    if let Some(rule) = node::KINDS.iter().find(|rule| rule.word == word) {
        return (rule.read)(reader, props, place);
    }
    let words = node::KINDS.map(|rule| rule.word).join(", ");
    reader.error(
        "unknown_node_type",
        place,
        &format!("has the type `{word}`: take one of {words}"),
    );
    reader.tear();
    NodeKind::Parallel
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
