//! Writes a drawing as BPMN 2.0 XML.
//!
//! What BPMN can say is said in BPMN alone: names, kinds, default flows, durations. All else of a definition stands
//! as JSON in extension elements of the namespace [`super::NAMESPACE`].

use loonflow_engine::workflow::{Edge, Node, NodeKind, WorkflowVersion};
use serde_json::{Map, Value as Json};

use super::NAMESPACE;
use super::drawing::{Drawing, Flow, Names, Shape};
use super::layout::{Layout, Point};
use super::secrets::Taken;
use crate::formats::expression;
use crate::formats::xml::XmlWriter;

/// Namespaces of BPMN 2.0 and its diagrams.
pub(crate) const MODEL: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
pub(crate) const DI: &str = "http://www.omg.org/spec/BPMN/20100524/DI";
pub(crate) const DC: &str = "http://www.omg.org/spec/DD/20100524/DC";
const WAYPOINTS: &str = "http://www.omg.org/spec/DD/20100524/DI";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The attribute that names what was left out of an element's JSON.
pub(crate) const SECRETS_LEFT_OUT: &str = "secretsLeftOut";

pub(super) struct Sheet<'a> {
    pub(super) version: &'a WorkflowVersion,
    pub(super) drawing: Drawing,
    pub(super) layout: Layout,
    pub(super) with_secrets: bool,
}

impl Sheet<'_> {
    /// The whole document.
    pub(super) fn write(mut self) -> String {
        let mut names = std::mem::take(&mut self.drawing.names);
        let process = names.take(self.version.workflow_id.as_str());
        let mut xml = XmlWriter::new();
        xml.open(
            "bpmn:definitions",
            &[
                ("xmlns:bpmn", MODEL),
                ("xmlns:bpmndi", DI),
                ("xmlns:dc", DC),
                ("xmlns:di", WAYPOINTS),
                ("xmlns:xsi", INSTANCE),
                ("xmlns:loonflow", NAMESPACE),
                ("id", &names.take("definitions")),
                ("targetNamespace", NAMESPACE),
                ("exporter", "loonflow-simulate"),
            ],
        );
        self.process(&mut xml, &process);
        self.diagram(&mut xml, &process, &mut names);
        xml.finish()
    }

    fn process(&self, xml: &mut XmlWriter, id: &str) {
        let name = self.version.source.get("basic_info").and_then(|info| info.get("name"));
        let name = name.and_then(Json::as_str).unwrap_or(&self.version.name);
        xml.open("bpmn:process", &[("id", id), ("name", name), ("isExecutable", "true")]);
        if !self.version.description.is_empty() {
            xml.text("bpmn:documentation", &[], &self.version.description);
        }
        let mut rest = object(&self.version.source);
        if let Some(Json::Object(process)) = rest.get_mut("process_schema") {
            process.remove("node_info_list");
            process.remove("edge_info_list");
        }
        let without = self.secrets(&mut rest, Taken::of_definition);
        let scale = self.layout.scale.map(|scale| scale.to_string());
        let mut attributes = vec![("id", self.version.workflow_id.as_str())];
        attributes.extend(scale.as_deref().map(|scale| ("scale", scale)));
        attributes.extend(without.as_deref().map(|places| (SECRETS_LEFT_OUT, places)));
        xml.open("bpmn:extensionElements", &[]);
        xml.text("loonflow:definition", &attributes, &Json::Object(rest).to_string());
        xml.close();
        let mut ways = vec![(Vec::new(), Vec::new()); self.drawing.shapes.len()];
        for flow in &self.drawing.flows {
            ways[flow.target].0.push(flow.id.as_str());
            ways[flow.source].1.push(flow.id.as_str());
        }
        for ((idx, shape), (into, out)) in self.drawing.shapes.iter().enumerate().zip(&ways) {
            self.shape(xml, idx, shape, into, out);
        }
        for flow in &self.drawing.flows {
            self.flow(xml, flow);
        }
        xml.close();
    }

    /// Takes secrets out of what goes into the diagram, unless they are asked for; where they were.
    fn secrets(&self, rest: &mut Map<String, Json>, take: impl Fn(&mut Map<String, Json>) -> Taken) -> Option<String> {
        if self.with_secrets {
            return None;
        }
        take(rest).places()
    }

    fn source(&self, list: &str, idx: usize) -> Map<String, Json> {
        let process = self.version.source.get("process_schema");
        let info = process
            .and_then(|process| process.get(list))
            .and_then(|list| list.get(idx));
        info.map(object).unwrap_or_default()
    }

    fn shape(&self, xml: &mut XmlWriter, idx: usize, shape: &Shape, into: &[&str], out: &[&str]) {
        let node = &self.version.nodes[shape.node];
        let mut attributes = vec![("id", shape.id.as_str())];
        let default = node.kind.default_branch().filter(|_| shape.added.is_none());
        let default = default.and_then(|edge| self.version.graph.edge_idx.get(edge));
        let default = default.and_then(|edge| self.drawing.flows.iter().find(|flow| flow.edge == Some(*edge)));
        if shape.added.is_none() {
            attributes.push(("name", &node.name));
        }
        attributes.extend(default.map(|flow| ("default", flow.id.as_str())));
        attributes.extend(shape.added.map(|added| ("loonflow:added", added.word())));
        xml.open(shape.kind.element(), &attributes);
        if shape.added.is_none() {
            self.node(xml, idx, shape, node);
        }
        for flow in into {
            xml.text("bpmn:incoming", &[], flow);
        }
        for flow in out {
            xml.text("bpmn:outgoing", &[], flow);
        }
        if let (NodeKind::Timer(_), None) = (&node.kind, shape.added) {
            self.timer(xml, shape.node);
        }
        xml.close();
    }

    fn node(&self, xml: &mut XmlWriter, idx: usize, shape: &Shape, node: &Node) {
        let mut rest = self.source("node_info_list", shape.node);
        for said in ["id", "name", "type"] {
            rest.remove(said);
        }
        if let Some(props) = rest.get_mut("props").and_then(Json::as_object_mut) {
            let timer = timer_prop(props);
            props.remove("default_branch");
            if let (NodeKind::Timer(_), Some(name)) = (&node.kind, timer) {
                props.remove(name);
            }
        }
        let without = self.secrets(&mut rest, Taken::of_node);
        let at = self.layout.middles[idx];
        let (x, y) = (number(at.x), number(at.y));
        let mut attributes = vec![
            ("id", node.id.as_str()),
            ("type", node.kind.word()),
            ("x", x.as_str()),
            ("y", y.as_str()),
        ];
        attributes.extend(without.as_deref().map(|places| (SECRETS_LEFT_OUT, places)));
        xml.open("bpmn:extensionElements", &[]);
        xml.text("loonflow:node", &attributes, &Json::Object(rest).to_string());
        xml.close();
    }

    fn timer(&self, xml: &mut XmlWriter, node: usize) {
        let rest = self.source("node_info_list", node);
        let props = rest.get("props").and_then(Json::as_object);
        let (name, text) = props
            .and_then(|props| {
                let name = timer_prop(props)?;
                Some((name, props.get(name)?.as_str()?))
            })
            .unwrap_or_default();
        xml.open("bpmn:timerEventDefinition", &[]);
        let kind = [("xsi:type", "bpmn:tFormalExpression")];
        if name == "until_field" {
            let until = format!("={}", expression::name(&text.trim().into()));
            xml.text("bpmn:timeDate", &kind, &until);
        } else {
            xml.text("bpmn:timeDuration", &kind, text);
        }
        xml.close();
    }

    fn flow(&self, xml: &mut XmlWriter, flow: &Flow) {
        let edge = flow.edge.map(|idx| (idx, &self.version.edges[idx]));
        let shapes = &self.drawing.shapes;
        let mut attributes = vec![("id", flow.id.as_str())];
        attributes.extend(
            edge.filter(|(_, edge)| !edge.name.is_empty())
                .map(|(_, edge)| ("name", edge.name.as_str())),
        );
        attributes.push(("sourceRef", &shapes[flow.source].id));
        attributes.push(("targetRef", &shapes[flow.target].id));
        let Some((idx, edge)) = edge else {
            attributes.push(("loonflow:added", "flow"));
            xml.empty("bpmn:sequenceFlow", &attributes);
            return;
        };
        xml.open("bpmn:sequenceFlow", &attributes);
        if let Some(text) = &flow.documentation {
            xml.text("bpmn:documentation", &[], text);
        }
        self.edge(xml, idx, edge, flow);
        if let Some(text) = &flow.expression {
            let kind = [("xsi:type", "bpmn:tFormalExpression")];
            xml.text("bpmn:conditionExpression", &kind, text);
        }
        xml.close();
    }

    fn edge(&self, xml: &mut XmlWriter, idx: usize, edge: &Edge, flow: &Flow) {
        let mut rest = self.source("edge_info_list", idx);
        for said in ["id", "source_node_id", "target_node_id"] {
            rest.remove(said);
        }
        if !edge.name.is_empty() {
            rest.remove("name");
        }
        let mut attributes = vec![("id", edge.id.as_str())];
        // What the conditions look like in BPMN, so that a change there is noticed.
        attributes.extend(flow.expression.as_deref().map(|text| ("expression", text)));
        let without = self.secrets(&mut rest, Taken::of_edge);
        attributes.extend(without.as_deref().map(|places| (SECRETS_LEFT_OUT, places)));
        xml.open("bpmn:extensionElements", &[]);
        xml.text("loonflow:edge", &attributes, &Json::Object(rest).to_string());
        xml.close();
    }

    fn diagram(&self, xml: &mut XmlWriter, process: &str, names: &mut Names) {
        xml.open("bpmndi:BPMNDiagram", &[("id", &names.take("diagram"))]);
        xml.open(
            "bpmndi:BPMNPlane",
            &[("id", &names.take("plane")), ("bpmnElement", process)],
        );
        for (shape, middle) in self.drawing.shapes.iter().zip(&self.layout.middles) {
            let id = names.take(&format!("{}_di", shape.id));
            xml.open("bpmndi:BPMNShape", &[("id", &id), ("bpmnElement", &shape.id)]);
            let (width, height) = shape.kind.size();
            let (x, y) = (number(middle.x - width / 2.0), number(middle.y - height / 2.0));
            let (width, height) = (number(width), number(height));
            xml.empty(
                "dc:Bounds",
                &[("x", &x), ("y", &y), ("width", &width), ("height", &height)],
            );
            xml.close();
        }
        for (flow, points) in self.drawing.flows.iter().zip(&self.layout.waypoints) {
            let id = names.take(&format!("{}_di", flow.id));
            xml.open("bpmndi:BPMNEdge", &[("id", &id), ("bpmnElement", &flow.id)]);
            for Point { x, y } in points {
                xml.empty("di:waypoint", &[("x", &number(*x)), ("y", &number(*y))]);
            }
            xml.close();
        }
        xml.close();
        xml.close();
    }
}

fn object(json: &Json) -> Map<String, Json> {
    json.as_object().cloned().unwrap_or_default()
}

/// Coordinates to a thousandth, so that a diagram does not hang on the last bit of a sum.
fn number(value: f64) -> String {
    ((value * 1_000.0).round() / 1_000.0).to_string()
}

/// Which property says when a timer is due: the duration wins (semantics: timers).
fn timer_prop(props: &Map<String, Json>) -> Option<&'static str> {
    let is_said = |name: &&str| {
        let text = props.get(*name).and_then(Json::as_str);
        text.is_some_and(|text| !text.trim().is_empty())
    };
    ["duration", "until_field"].into_iter().find(is_said)
}
