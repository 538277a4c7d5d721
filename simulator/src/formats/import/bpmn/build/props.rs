//! What each kind of node needs: when a timer is due, who does a task, where a hook posts.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::super::graph::Node;
use super::super::model::Kind;
use super::super::people::{self, CAMUNDA, ZEEBE};
use super::Builder;
use super::asked::Guess;
use crate::formats::export::bpmn::{MODEL, NAMESPACE};
use crate::formats::xml::Element;

impl Builder<'_, '_> {
    /// What the kind of node needs.
    pub(super) fn own_props(&mut self, idx: usize, is_ours: bool, props: &mut Map<String, Json>) {
        let node = &self.graph.nodes[idx];
        let Some(element) = node.element else { return };
        match node.kind {
            Kind::Timer => self.timer(idx, element, props),
            Kind::Task if !props.contains_key("assignee_type") => self.assignee(idx, element, props),
            Kind::Hook if !is_ours => self.hook(node, element, props),
            Kind::Start
            | Kind::End
            | Kind::Terminate
            | Kind::Task
            | Kind::Hook
            | Kind::Exclusive
            | Kind::Parallel
            | Kind::Inclusive => {}
        }
        self.repeats(node, element, props);
        self.tell_left_out(node, element, is_ours);
    }

    /// Work that BPMN does several times; a node is done once, but for one that each assignee has to do.
    fn repeats(&mut self, node: &Node<'_>, element: &Element, props: &mut Map<String, Json>) {
        if element.child(MODEL, "standardLoopCharacteristics").is_some() {
            self.findings.lost(
                "loop",
                &node.id,
                "is repeated while something holds: draw the loop with a gateway",
            );
        }
        if element.child(MODEL, "multiInstanceLoopCharacteristics").is_none() {
            return;
        }
        if node.kind == Kind::Task {
            if props.contains_key("assignee_type") {
                props.insert("assignment_strategy".into(), "whole".into());
            }
            self.findings.changed(
                "multi_instance",
                &node.id,
                "is done once for each of several: here by each assignee, strategy `whole`",
            );
        } else {
            self.findings.lost(
                "multi_instance",
                &node.id,
                "is done once for each of several, and here it is done once: let the program that it posts to do it for all, or draw it as often as it is done",
            );
        }
    }

    fn timer(&mut self, idx: usize, element: &Element, props: &mut Map<String, Json>) {
        let node = &self.graph.nodes[idx];
        let definition = element.child(MODEL, "timerEventDefinition");
        let text = |name: &str| {
            definition
                .and_then(|one| one.child(MODEL, name))
                .map(|one| one.text.trim().to_owned())
        };
        if let Some(duration) = text("timeDuration") {
            let inside = duration.trim_start_matches('=').trim();
            let inside = inside
                .strip_prefix("duration(")
                .and_then(|text| text.strip_suffix(')'))
                .unwrap_or(inside);
            let inside = inside.trim().trim_matches(['"', '\'']);
            // Anything but a duration is told by validation, with the node's id.
            props.insert("duration".into(), inside.into());
            return;
        }
        let date = text("timeDate").unwrap_or_default();
        let java = date.strip_prefix("${").or_else(|| date.strip_prefix("#{"));
        let field = java
            .and_then(|text| text.strip_suffix('}'))
            .or_else(|| date.strip_prefix('='));
        let field = field.map(|field| field.trim().trim_matches('`'));
        let is_field =
            |field: &&str| !field.is_empty() && !field.contains(['(', '"', ' ']) || self.known.contains(*field);
        if let Some(field) = field.filter(is_field) {
            props.insert("until_field".into(), field.into());
            self.need(field, &node.id, idx, Guess::Instant);
            return;
        }
        let sentence = "waits neither for a fixed time (`timeDuration`) nor for the date of a field (`timeDate` with `=field`): give it one of these";
        self.findings.lost("timer", &node.id, sentence);
    }

    fn assignee(&mut self, idx: usize, element: &Element, props: &mut Map<String, Json>) {
        let node = &self.graph.nodes[idx];
        let lane = self.model.lanes.get(&node.id);
        let found = people::assigned(&node.id, element, lane, self.findings);
        let (kind, value, strategy) = match (found, &self.options.assignee) {
            (Some(found), _) => (found.kind.to_owned(), found.value, found.strategy),
            (None, Some((kind, value))) => (kind.clone(), value.clone(), "direct"),
            (None, None) => {
                let sentence = "names nobody who does it: give it an assignee or candidates, or say `--assignee` for all such tasks";
                self.findings.lost("nobody_named", &node.id, sentence);
                return;
            }
        };
        if kind == "ticket_field" {
            self.need(&value, &node.id, idx, Guess::User);
        }
        props.insert("assignee_type".into(), kind.into());
        props.insert("assignee".into(), value.into());
        props.insert("assignment_strategy".into(), strategy.into());
    }

    fn hook(&mut self, node: &Node<'_>, element: &Element, props: &mut Map<String, Json>) {
        let is_url = |text: &str| {
            let text = text.trim().trim_start_matches('=').trim().trim_matches('"');
            text.starts_with("http").then(|| text.to_owned())
        };
        let extension = element.child(MODEL, "extensionElements");
        // Inputs named `url`, of connectors of either generation.
        let mut inputs = Vec::new();
        if let Some(mapping) = extension.and_then(|more| more.child(ZEEBE, "ioMapping")) {
            let found = mapping.children_named(ZEEBE, "input");
            let found = found.filter(|one| one.attribute("target") == Some("url"));
            inputs.extend(found.filter_map(|one| one.attribute("source").map(str::to_owned)));
        }
        for namespace in CAMUNDA {
            let connector = extension.and_then(|more| more.child(namespace, "connector"));
            let mapping = connector.and_then(|one| one.child(namespace, "inputOutput"));
            let found = mapping
                .into_iter()
                .flat_map(|one| one.children_named(namespace, "inputParameter"));
            inputs.extend(
                found
                    .filter(|one| one.attribute("name") == Some("url"))
                    .map(|one| one.text.clone()),
            );
        }
        match inputs.iter().find_map(|text| is_url(text)) {
            Some(url) => {
                props.insert("hook_url".into(), url.into());
            }
            None => self.findings.lost(
                "hook_without_url",
                &node.id,
                "is work of a program, and no fixed URL is named: put the address to post to into `hook_url`",
            ),
        }
    }

    /// What tools attach to an element and nothing here does anything with.
    fn tell_left_out(&mut self, node: &Node<'_>, element: &Element, is_ours: bool) {
        const FORMS: [&str; 3] = ["formData", "formProperty", "formDefinition"];
        const FORM_ATTRIBUTES: [&str; 2] = ["formKey", "formRef"];
        const ASSIGNEES: [&str; 3] = ["assignee", "candidateUsers", "candidateGroups"];
        const PARTS: [&str; 5] = [
            "extensionElements",
            "incoming",
            "outgoing",
            "multiInstanceLoopCharacteristics",
            "standardLoopCharacteristics",
        ];
        const OWNERS: [&str; 3] = ["potentialOwner", "humanPerformer", "performer"];
        // What is read depends on the kind of node: an assignee of a program's work says nothing here.
        let (extensions_read, attributes_read, parts_read): (Vec<&str>, Vec<&str>, Vec<&str>) = match node.kind {
            Kind::Start => (
                FORMS.into(),
                [&FORM_ATTRIBUTES[..], &["initiator"]].concat(),
                PARTS.into(),
            ),
            Kind::Task => (
                [&FORMS[..], &["assignmentDefinition"]].concat(),
                [&FORM_ATTRIBUTES[..], &ASSIGNEES].concat(),
                [&PARTS[..], &OWNERS].concat(),
            ),
            Kind::Hook => (vec!["ioMapping", "connector"], Vec::new(), PARTS.into()),
            Kind::End | Kind::Terminate | Kind::Timer | Kind::Exclusive | Kind::Parallel | Kind::Inclusive => {
                (Vec::new(), Vec::new(), PARTS.into())
            }
        };
        // Where an export's own extension says what a node is, nothing else is looked at.
        let is_read = |known: &[&str], name: &str| !is_ours && known.contains(&name);
        let extension = element.child(MODEL, "extensionElements");
        let extensions = extension.into_iter().flat_map(|more| &more.children);
        let extensions = extensions.filter(|one| one.namespace != NAMESPACE && one.name != "userTask");
        let extensions = extensions
            .map(|one| one.name.as_str())
            .filter(|name| !is_read(&extensions_read, name));
        let attributes = element
            .attributes
            .iter()
            .filter(|one| !matches!(one.namespace.as_str(), "" | NAMESPACE));
        let attributes = attributes
            .map(|one| one.name.as_str())
            .filter(|name| !is_read(&attributes_read, name));
        let parts = element.children.iter().filter(|one| one.namespace == MODEL);
        let parts = parts
            .map(|one| one.name.as_str())
            .filter(|name| !parts_read.contains(name) && !name.ends_with("EventDefinition"));
        // A sub-process is told as a whole.
        let is_whole = element.name.ends_with("rocess") || element.name == "transaction";
        let found: BTreeSet<&str> = if is_whole {
            BTreeSet::new()
        } else {
            extensions.chain(attributes).chain(parts).collect()
        };
        if !found.is_empty() {
            let names: Vec<String> = found.iter().map(|name| format!("`{name}`")).collect();
            let sentence = format!("has {}, which nothing here uses: left out", names.join(", "));
            self.findings.changed("left_out", &node.id, sentence);
        }
    }
}
