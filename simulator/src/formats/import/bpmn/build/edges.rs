//! Edges: their names and types, and what they ask.

use loonflow_engine::workflow::condition::{Condition, Operator};
use serde_json::{Map, Value as Json, json};

use super::super::graph::{Flow, Node};
use super::super::model::Kind;
use super::asked::Guess;
use super::{Builder, kept_object, object, own, secrets_left_out};
use crate::formats::export::bpmn::MODEL;
use crate::formats::expression;
use crate::formats::xml::Element;

impl Builder<'_, '_> {
    pub(super) fn edge(&mut self, idx: usize) -> Json {
        let flow = &self.graph.flows[idx];
        let kept = own(flow.element, "edge");
        let kept_json = kept.and_then(|kept| kept_object(kept, &flow.id, self.findings));
        secrets_left_out(kept, &flow.id, self.findings);
        let is_ours = kept_json.is_some();
        let mut info = kept_json.unwrap_or_else(|| object(json!({ "label": {}, "layout": {}, "props": {} })));
        let source = &self.graph.nodes[flow.source];
        let is_chosen = matches!(source.kind, Kind::Start | Kind::Task);
        info.insert("id".into(), self.flow_ids[idx].as_str().into());
        let name = flow.element.and_then(|one| one.attribute("name"));
        match name.filter(|name| !name.trim().is_empty()) {
            Some(name) => {
                info.insert("name".into(), name.into());
            }
            None if is_ours => {}
            None => {
                let name = match source.kind {
                    Kind::Start => "Submit",
                    Kind::Task => "Complete",
                    Kind::End | Kind::Terminate | Kind::Hook | Kind::Timer => "",
                    Kind::Exclusive | Kind::Parallel | Kind::Inclusive => "",
                };
                info.insert("name".into(), name.into());
            }
        }
        if !is_ours {
            let kind = if is_chosen {
                "agree"
            } else if source.kind.is_gateway() {
                "condition"
            } else {
                "other"
            };
            info.insert("type".into(), kind.into());
        }
        info.insert("source_node_id".into(), self.node_ids[flow.source].as_str().into());
        info.insert("target_node_id".into(), self.node_ids[flow.target].as_str().into());
        self.conditions(flow, source, kept, &mut info);
        Json::Object(info)
    }

    fn conditions(&mut self, flow: &Flow<'_>, source: &Node<'_>, kept: Option<&Element>, info: &mut Map<String, Json>) {
        let expression = flow.element.and_then(|one| one.child(MODEL, "conditionExpression"));
        let text = expression.map(|one| one.text.trim());
        let drawn = kept.and_then(|kept| kept.attribute("expression"));
        if text == drawn.map(str::trim) {
            return;
        }
        let props = info.entry("props").or_insert_with(|| json!({}));
        let Some(props) = props.as_object_mut() else { return };
        let Some(text) = text else {
            props.remove("condition_groups");
            return;
        };
        if !matches!(source.kind, Kind::Exclusive | Kind::Inclusive) {
            let sentence = "has a condition and leaves no gateway that asks: it is left out, whoever acts chooses";
            self.findings.lost("condition_left_out", &flow.id, sentence);
            return;
        }
        let language = expression.and_then(|one| one.attribute("language")).unwrap_or_default();
        let is_program = ["script", "groovy", "python", "ruby", "juel+"]
            .iter()
            .any(|word| language.to_lowercase().contains(word));
        let read = if is_program {
            Err(format!("is written in {language}"))
        } else {
            expression::read(text)
        };
        match read {
            Ok(groups) => {
                for condition in groups.iter().flatten() {
                    self.need(condition.field.as_str(), &flow.id, flow.source, guess(condition));
                }
                props.insert("condition_groups".into(), groups_json(&groups));
            }
            Err(why) => {
                let shown: String = text.chars().take(120).collect();
                let sentence =
                    format!("has the condition `{shown}`, which {why}: write it as comparisons of fields with values");
                self.findings.lost("condition", &flow.id, sentence);
            }
        }
    }
}

/// The type of a field, guessed by what it is compared with.
fn guess(condition: &Condition) -> Guess {
    let parts = condition.value.parts();
    let are_all = |test: fn(&str) -> bool| !parts.is_empty() && parts.iter().all(|part| test(part));
    if condition.operator == Operator::Contains {
        Guess::Text
    } else if are_all(|part| matches!(part, "true" | "false")) {
        Guess::Flag
    } else if are_all(|part| part.parse::<f64>().is_ok()) {
        Guess::Number
    } else if parts.is_empty() {
        Guess::Open
    } else {
        Guess::Text
    }
}

fn groups_json(groups: &[Vec<Condition>]) -> Json {
    let one = |one: &Condition| {
        let word = Operator::ALL.iter().find(|(operator, _)| *operator == one.operator);
        let value = Json::from(&one.value);
        json!({ "field_name": one.field.as_str(), "operator": word.map_or("==", |(_, word)| word), "value": value })
    };
    let group = |group: &Vec<Condition>| json!({ "conditions": group.iter().map(one).collect::<Vec<_>>() });
    groups.iter().map(group).collect()
}
