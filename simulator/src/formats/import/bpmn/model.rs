//! Reads a BPMN document: its process, flow nodes, flows, lanes and where shapes lie.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use loonflow_engine::limits::{EDGES_MAX, NODES_MAX};

use super::Findings;
use crate::formats::export::bpmn::{DC, DI, MODEL, NAMESPACE};
use crate::formats::xml::Element;

/// The process of a document.
pub(super) struct Model<'a> {
    pub(super) id: String,
    pub(super) process: &'a Element,
    /// In document order.
    pub(super) nodes: Vec<ModelNode<'a>>,
    /// In document order.
    pub(super) flows: Vec<ModelFlow<'a>>,
    /// Lane of each node that is in one.
    pub(super) lanes: BTreeMap<String, String>,
    /// Middle of each shape.
    pub(super) middles: BTreeMap<String, (f64, f64)>,
}

pub(super) struct ModelNode<'a> {
    pub(super) id: String,
    pub(super) element: &'a Element,
    pub(super) kind: Kind,
}

pub(super) struct ModelFlow<'a> {
    pub(super) id: String,
    pub(super) element: &'a Element,
    pub(super) source: usize,
    pub(super) target: usize,
}

/// What a flow node is for a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Start,
    End,
    Terminate,
    Task,
    Hook,
    Timer,
    Exclusive,
    Parallel,
    Inclusive,
}

/// Elements of a process that say nothing about its flow.
const REMARKS: [&str; 14] = [
    "documentation",
    "extensionElements",
    "laneSet",
    "textAnnotation",
    "association",
    "group",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "ioSpecification",
    "property",
    "auditing",
    "monitoring",
    "supports",
];

/// Reads the process that is asked for, or the only one.
pub(super) fn read<'a>(root: &'a Element, wanted: Option<&str>, findings: &mut Findings) -> anyhow::Result<Model<'a>> {
    if !root.is(MODEL, "definitions") {
        bail!(
            "its root is `{}` of the namespace `{}`: a BPMN 2.0 document begins with `definitions` of `{MODEL}`",
            root.name,
            root.namespace
        );
    }
    let process = choose(root, wanted)?;
    let id = process.attribute("id").unwrap_or("process").to_owned();
    let mut model = Model {
        id,
        process,
        nodes: Vec::new(),
        flows: Vec::new(),
        lanes: BTreeMap::new(),
        middles: BTreeMap::new(),
    };
    let mut ids = Ids::of(process);
    let mut by_id = BTreeMap::new();
    for element in &process.children {
        if let Some(kind) = kind(element, findings) {
            let id = ids.take(element)?;
            by_id.insert(id.clone(), model.nodes.len());
            model.nodes.push(ModelNode { id, element, kind });
        }
    }
    for element in process.children_named(MODEL, "sequenceFlow") {
        let id = ids.take(element)?;
        let end = |name: &str| element.attribute(name).map(str::trim).unwrap_or_default();
        match (by_id.get(end("sourceRef")), by_id.get(end("targetRef"))) {
            (Some(source), Some(target)) => model.flows.push(ModelFlow {
                id,
                element,
                source: *source,
                target: *target,
            }),
            _ => findings.lost(
                "loose_flow",
                &id,
                format!(
                    "leads from `{}` to `{}`, and one of them is no flow node that was taken over: draw it anew",
                    end("sourceRef"),
                    end("targetRef")
                ),
            ),
        }
    }
    let is_own = |element: &Element| element.attribute_in(NAMESPACE, "added").is_none();
    let n_nodes = model.nodes.iter().filter(|node| is_own(node.element)).count();
    let n_flows = model.flows.iter().filter(|flow| is_own(flow.element)).count();
    for (n, max, what) in [
        (n_nodes, NODES_MAX, "flow nodes"),
        (n_flows, EDGES_MAX, "sequence flows"),
        // An export adds a gateway or two to a node, and to each a flow.
        (model.nodes.len(), 4 * NODES_MAX, "flow nodes"),
        (model.flows.len(), EDGES_MAX + 4 * NODES_MAX, "sequence flows"),
    ] {
        if n > max {
            bail!(
                "process `{}` has {n} {what}, and {max} are read at most: split it",
                model.id
            );
        }
    }
    if model.nodes.is_empty() {
        bail!("process `{}` has no flow nodes: there is nothing to import", model.id);
    }
    remarks(process, findings);
    for flow in root
        .children_named(MODEL, "collaboration")
        .flat_map(|one| one.children_named(MODEL, "messageFlow"))
    {
        let id = flow.attribute("id").unwrap_or("messageFlow");
        let sentence = "is a message flow: tickets send no messages to one another, a hook can post to another system";
        findings.changed("message_flow", id, sentence);
    }
    lanes(process, &mut model.lanes);
    middles(root, &mut model.middles);
    Ok(model)
}

fn choose<'a>(root: &'a Element, wanted: Option<&str>) -> anyhow::Result<&'a Element> {
    let processes: Vec<&Element> = root.children_named(MODEL, "process").collect();
    let id = |process: &&Element| process.attribute("id").unwrap_or_default().to_owned();
    if let Some(wanted) = wanted {
        let found = processes.iter().find(|process| id(process) == wanted);
        let Some(found) = found else {
            bail!(
                "there is no process `{wanted}`: it has {}",
                list(&processes.iter().map(id).collect::<Vec<_>>())
            );
        };
        return Ok(found);
    }
    // A pool without content is an empty process.
    let has_nodes = |process: &&Element| {
        process
            .children
            .iter()
            .any(|child| !REMARKS.contains(&child.name.as_str()))
    };
    let filled: Vec<&Element> = processes.iter().copied().filter(has_nodes).collect();
    match filled.as_slice() {
        [only] => Ok(only),
        [] => bail!("it has no process with flow nodes: there is nothing to import"),
        [..] => bail!(
            "it has several processes: name one with `--process`, {}",
            list(&filled.iter().map(id).collect::<Vec<_>>())
        ),
    }
}

fn list(ids: &[String]) -> String {
    let shown: Vec<String> = ids.iter().take(20).map(|id| format!("`{id}`")).collect();
    if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(", ")
    }
}

/// Ids of a process: each its own; elements without one get one.
struct Ids {
    given: BTreeSet<String>,
    taken: BTreeSet<String>,
    /// Of each kind of element the number to try next.
    next: BTreeMap<String, usize>,
}

impl Ids {
    fn of(process: &Element) -> Self {
        let given = process.children.iter().filter_map(|child| child.attribute("id"));
        Self {
            given: given.map(str::to_owned).collect(),
            taken: BTreeSet::new(),
            next: BTreeMap::new(),
        }
    }

    fn take(&mut self, element: &Element) -> anyhow::Result<String> {
        match element.attribute("id").filter(|id| !id.trim().is_empty()) {
            Some(id) if self.taken.insert(id.to_owned()) => Ok(id.to_owned()),
            Some(id) => bail!("two elements have the id `{id}`: give each its own, for flows name them by it"),
            None => {
                // Counted on from the last one, for a document may have thousands without an id.
                let next = self.next.entry(element.name.clone()).or_insert(1);
                loop {
                    let id = format!("{}_{next}", element.name);
                    *next += 1;
                    if !self.given.contains(&id) && self.taken.insert(id.clone()) {
                        return Ok(id);
                    }
                }
            }
        }
    }
}

/// What an element is; none where it is no flow node, or one that cannot stand for anything.
fn kind(element: &Element, findings: &mut Findings) -> Option<Kind> {
    let id = element.attribute("id").unwrap_or(&element.name);
    if element.namespace != MODEL {
        return None;
    }
    let own = element
        .child(MODEL, "extensionElements")
        .and_then(|more| more.child(NAMESPACE, "node"));
    if own.and_then(|own| own.attribute("type")) == Some("start") && element.name == "userTask" {
        return Some(Kind::Start);
    }
    let event = element
        .children
        .iter()
        .find(|child| child.name.ends_with("EventDefinition"));
    let event = event.map(|event| event.name.as_str());
    match element.name.as_str() {
        "userTask" | "manualTask" => Some(Kind::Task),
        "task" => {
            findings.changed(
                "plain_task",
                id,
                "is a task of no kind: taken as one that a person does",
            );
            Some(Kind::Task)
        }
        "serviceTask" | "sendTask" => Some(Kind::Hook),
        "exclusiveGateway" => Some(Kind::Exclusive),
        "parallelGateway" => Some(Kind::Parallel),
        "inclusiveGateway" => Some(Kind::Inclusive),
        "startEvent" => {
            if let Some(event) = event {
                let sentence = format!("starts by `{event}`: here a person starts a ticket, or a program for one");
                findings.changed("start_by_event", id, sentence);
            }
            Some(Kind::Start)
        }
        "endEvent" => match event {
            None => Some(Kind::End),
            Some("terminateEventDefinition") => Some(Kind::Terminate),
            Some(event) => {
                let sentence = format!("ends with `{event}`: here a ticket just ends, an event hook can tell others");
                findings.lost("end_with_event", id, sentence);
                Some(Kind::End)
            }
        },
        "intermediateCatchEvent" if event == Some("timerEventDefinition") => Some(Kind::Timer),
        "intermediateThrowEvent" if event.is_none() => {
            findings.changed(
                "passed_through",
                id,
                "is an event that does nothing: taken as a gateway with one way out",
            );
            Some(Kind::Exclusive)
        }
        "intermediateCatchEvent" | "intermediateThrowEvent" | "receiveTask" => {
            let what = event.unwrap_or(&element.name);
            let sentence = format!(
                "is `{what}`, which nothing here waits for or sends: make it a service task, whose hook can wait for a call-back (`is_async`)"
            );
            findings.lost("event", id, sentence);
            Some(Kind::Hook)
        }
        "boundaryEvent" => {
            findings.lost(
                "boundary_event",
                id,
                "hangs on a task, and a task here is left by people only: draw its way as a flow of the task, or a timer on a branch beside it",
            );
            None
        }
        "eventBasedGateway" | "complexGateway" => {
            let sentence = format!(
                "is a {}, which there is none of here: draw it with exclusive, parallel or inclusive ones",
                element.name
            );
            findings.lost("gateway_kind", id, sentence);
            Some(Kind::Exclusive)
        }
        "scriptTask" | "businessRuleTask" => {
            let sentence = format!(
                "is a {}, and nothing is computed here: make it a service task that posts to a program",
                element.name
            );
            findings.lost("computed_task", id, sentence);
            Some(Kind::Hook)
        }
        "subProcess" | "transaction" | "adHocSubProcess" => {
            findings.lost(
                "sub_process",
                id,
                "has a process within: draw that in its place, or import it as a workflow of its own; a task stands in for it",
            );
            Some(Kind::Task)
        }
        "callActivity" => {
            findings.lost(
                "call_activity",
                id,
                "calls another process: a task stands in for it, whose `sub_workflows` may name the workflow to open below it",
            );
            Some(Kind::Task)
        }
        "sequenceFlow" => None,
        other if REMARKS.contains(&other) => None,
        other => {
            findings.lost(
                "unknown_element",
                id,
                format!("is a `{other}`, which is not understood: remove or redraw it"),
            );
            None
        }
    }
}

/// Tells once what is left out without an effect on the flow.
fn remarks(process: &Element, findings: &mut Findings) {
    let left_out = |name: &&str| !matches!(*name, "documentation" | "extensionElements" | "laneSet");
    for name in REMARKS.iter().copied().filter(left_out) {
        let n = process.children_named(MODEL, name).count();
        if n > 0 {
            findings.changed(
                "left_out",
                "",
                format!("{n} `{name}` are left out: they say nothing about the flow"),
            );
        }
    }
}

fn lanes(element: &Element, found: &mut BTreeMap<String, String>) {
    for set in element
        .children
        .iter()
        .filter(|child| matches!(child.name.as_str(), "laneSet" | "childLaneSet"))
    {
        for lane in set.children_named(MODEL, "lane") {
            let name = lane.attribute("name").filter(|name| !name.trim().is_empty());
            let name = name
                .or(lane.attribute("id"))
                .unwrap_or_default()
                .trim()
                .replace(',', " ");
            for node in lane.children_named(MODEL, "flowNodeRef") {
                found.insert(node.text.trim().to_owned(), name.clone());
            }
            // A lane within says more.
            lanes(lane, found);
        }
    }
}

fn middles(root: &Element, found: &mut BTreeMap<String, (f64, f64)>) {
    let planes = root
        .children_named(DI, "BPMNDiagram")
        .flat_map(|diagram| diagram.children_named(DI, "BPMNPlane"));
    for shape in planes.flat_map(|plane| plane.children_named(DI, "BPMNShape")) {
        let (Some(id), Some(bounds)) = (shape.attribute("bpmnElement"), shape.child(DC, "Bounds")) else {
            continue;
        };
        let number = |name: &str| bounds.attribute(name)?.trim().parse::<f64>().ok();
        let all = (number("x"), number("y"), number("width"), number("height"));
        if let (Some(x), Some(y), Some(width), Some(height)) = all {
            let middle = (x + width / 2.0, y + height / 2.0);
            if middle.0.abs() < 1e9 && middle.1.abs() < 1e9 {
                found.insert(id.to_owned(), middle);
            }
        }
    }
}
