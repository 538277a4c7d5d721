//! Brings a BPMN graph into the shape of a definition: one start, one end, one way to choose at each node.

use std::collections::BTreeSet;

use super::Findings;
use super::model::{Kind, Model};
use crate::formats::export::bpmn::{MODEL, NAMESPACE};
use crate::formats::xml::Element;

/// Nodes and flows, as they are to be.
#[derive(Clone)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// In document order, those put in last.
    pub(super) flows: Vec<Flow<'a>>,
    /// Ids of the document and of what was put in.
    taken: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// None where the node was put in.
    pub(super) element: Option<&'a Element>,
    /// Whether whoever does it chooses among its ways out.
    pub(super) chooses: bool,
    /// The flow that is taken where no condition holds.
    pub(super) default: Option<String>,
    is_gone: bool,
}

#[derive(Clone)]
pub(super) struct Flow<'a> {
    pub(super) id: String,
    pub(super) source: usize,
    pub(super) target: usize,
    /// None where the flow was put in.
    pub(super) element: Option<&'a Element>,
    /// Whether it ends everything in BPMN.
    terminates: bool,
    is_gone: bool,
}

impl<'a> Graph<'a> {
    pub(super) fn of(model: &Model<'a>, findings: &mut Findings) -> Self {
        let node = |one: &super::model::ModelNode<'a>| Node {
            id: one.id.clone(),
            kind: one.kind,
            element: Some(one.element),
            chooses: false,
            default: one.element.attribute("default").map(str::to_owned),
            is_gone: false,
        };
        let flow = |one: &super::model::ModelFlow<'a>| Flow {
            id: one.id.clone(),
            source: one.source,
            target: one.target,
            element: Some(one.element),
            terminates: model.nodes[one.target].kind == Kind::Terminate,
            is_gone: false,
        };
        let mut graph = Self {
            nodes: model.nodes.iter().map(node).collect(),
            flows: model.flows.iter().map(flow).collect(),
            taken: BTreeSet::new(),
        };
        let ids = graph.nodes.iter().map(|node| node.id.clone());
        graph.taken = ids.chain(graph.flows.iter().map(|flow| flow.id.clone())).collect();
        for flow in graph
            .flows
            .iter_mut()
            .filter(|flow| model.nodes[flow.source].kind.is_end())
        {
            flow.is_gone = true;
            findings.lost(
                "way_out_of_end",
                &flow.id,
                "leaves an end event: a ticket at its end goes nowhere, remove it",
            );
        }
        graph
    }

    /// Everything but what `join_before_end` does.
    pub(super) fn bring_into_shape(&mut self, findings: &mut Findings) {
        self.take_out_added(findings);
        self.take_out_choices(findings);
        self.one_start(findings);
        self.split_in_gateways(findings);
        self.one_end(findings);
        self.sweep();
    }

    fn ways_out(&self, node: usize) -> Vec<usize> {
        let ways = self.flows.iter().enumerate();
        ways.filter(|(_, flow)| flow.source == node && !flow.is_gone)
            .map(|(idx, _)| idx)
            .collect()
    }

    fn ways_in(&self, node: usize) -> Vec<usize> {
        let ways = self.flows.iter().enumerate();
        ways.filter(|(_, flow)| flow.target == node && !flow.is_gone)
            .map(|(idx, _)| idx)
            .collect()
    }

    fn fresh(&mut self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        let mut n = 2;
        while !self.taken.insert(id.clone()) {
            id = format!("{wanted}_{n}");
            n += 1;
        }
        id
    }

    fn put_node(&mut self, wanted: &str, kind: Kind) -> usize {
        let id = self.fresh(wanted);
        self.nodes.push(Node {
            id,
            kind,
            element: None,
            chooses: false,
            default: None,
            is_gone: false,
        });
        self.nodes.len() - 1
    }

    fn put_flow(&mut self, source: usize, target: usize) {
        let wanted = format!("{}_to_{}", self.nodes[source].id, self.nodes[target].id);
        let id = self.fresh(&wanted);
        self.flows.push(Flow {
            id,
            source,
            target,
            element: None,
            terminates: false,
            is_gone: false,
        });
    }

    /// Takes out what `export::bpmn` added, where it still is what was added.
    fn take_out_added(&mut self, findings: &mut Findings) {
        for idx in 0..self.nodes.len() {
            let Some(added) = self.nodes[idx]
                .element
                .and_then(|one| one.attribute_in(NAMESPACE, "added"))
            else {
                continue;
            };
            let (ways_in, ways_out) = (self.ways_in(idx), self.ways_out(idx));
            let is_taken_out = match (added, ways_in.as_slice(), ways_out.as_slice()) {
                ("start", [], [out]) if self.nodes[self.flows[*out].target].kind == Kind::Start => {
                    self.flows[*out].is_gone = true;
                    true
                }
                ("join" | "pass", _, [out]) if self.flows[*out].target != idx => {
                    let target = self.flows[*out].target;
                    self.flows[*out].is_gone = true;
                    ways_in.iter().for_each(|way| self.flows[*way].target = target);
                    true
                }
                ("choice", [into], _) if self.is_choice_of(idx, *into) => {
                    let source = self.flows[*into].source;
                    self.flows[*into].is_gone = true;
                    ways_out.iter().for_each(|way| self.flows[*way].source = source);
                    self.nodes[source].chooses = true;
                    true
                }
                _ => false,
            };
            self.nodes[idx].is_gone = is_taken_out;
            if !is_taken_out {
                let id = self.nodes[idx].id.clone();
                let sentence = "was added by an export and has been changed since: it stays, as what it is drawn as";
                findings.changed("added_changed", &id, sentence);
            }
        }
    }

    /// Whether a flow leads from a task, as its only way out, into the gateway.
    fn is_choice_of(&self, gateway: usize, into: usize) -> bool {
        let source = self.flows[into].source;
        let is_done_by_people = matches!(self.nodes[source].kind, Kind::Task | Kind::Start);
        is_done_by_people && source != gateway && self.ways_out(source).len() == 1
    }

    /// An exclusive gateway that asks nothing, behind a task: whoever does the task chooses.
    fn take_out_choices(&mut self, findings: &mut Findings) {
        for idx in 0..self.nodes.len() {
            if self.nodes[idx].is_gone || self.nodes[idx].kind != Kind::Exclusive {
                continue;
            }
            let (ways_in, ways_out) = (self.ways_in(idx), self.ways_out(idx));
            let asks = ways_out.iter().any(|way| {
                let flow = &self.flows[*way];
                Some(&flow.id) == self.nodes[idx].default.as_ref() || flow.has_condition()
            });
            if ways_out.len() < 2 || asks {
                continue;
            }
            let id = self.nodes[idx].id.clone();
            match ways_in.as_slice() {
                [into] if self.is_choice_of(idx, *into) => {
                    let source = self.flows[*into].source;
                    self.flows[*into].is_gone = true;
                    ways_out.iter().for_each(|way| self.flows[*way].source = source);
                    self.nodes[source].chooses = true;
                    self.nodes[idx].is_gone = true;
                    let sentence = format!(
                        "asks nothing: whoever does `{}` chooses among its ways, all of type `agree`; make one `reject` where it turns the ticket down",
                        self.nodes[source].id
                    );
                    findings.changed("choice_by_person", &id, sentence);
                }
                _ => findings.lost(
                    "gateway_asks_nothing",
                    &id,
                    "has several ways out without conditions, and no one task before it whose doer could choose: give each way but one a condition, and name the default",
                ),
            }
        }
    }

    fn one_start(&mut self, findings: &mut Findings) {
        let starts: Vec<usize> = self
            .alive()
            .filter(|idx| self.nodes[*idx].kind == Kind::Start)
            .collect();
        match starts.as_slice() {
            [_] => {}
            [] => {
                let first: Vec<usize> = self.alive().filter(|idx| self.ways_in(*idx).is_empty()).collect();
                if self.nodes.is_empty() || first.is_empty() {
                    findings.lost(
                        "no_start",
                        "",
                        "has no start event, and every node is led to: draw a start event",
                    );
                    return;
                }
                let start = self.put_node("start", Kind::Start);
                first.iter().for_each(|node| self.put_flow(start, *node));
                findings.changed(
                    "start_put_in",
                    "",
                    "has no start event: one leads to each node that nothing leads to",
                );
            }
            [first, others @ ..] => {
                for other in others {
                    let (ways_in, ways_out) = (self.ways_in(*other), self.ways_out(*other));
                    ways_out.iter().for_each(|way| self.flows[*way].source = *first);
                    ways_in.iter().for_each(|way| self.flows[*way].target = *first);
                    self.nodes[*other].is_gone = true;
                    let sentence = format!(
                        "is a second start: its ways leave `{}` now, as a choice",
                        self.nodes[*first].id
                    );
                    let id = self.nodes[*other].id.clone();
                    findings.changed("starts_merged", &id, sentence);
                }
                self.nodes[*first].chooses = true;
            }
        }
    }

    /// In BPMN a task with several ways out takes all, or all whose conditions hold.
    fn split_in_gateways(&mut self, findings: &mut Findings) {
        for idx in 0..self.nodes.len() {
            let node = &self.nodes[idx];
            let ways = self.ways_out(idx);
            if node.is_gone || node.chooses || node.kind.is_gateway() || ways.is_empty() {
                continue;
            }
            let asks = ways.iter().any(|way| self.flows[*way].has_condition());
            if ways.len() < 2 && !asks {
                continue;
            }
            let kind = if asks { Kind::Inclusive } else { Kind::Parallel };
            let id = node.id.clone();
            let gateway = self.put_node(&format!("{id}_split"), kind);
            // The default flow is the gateway's from now on.
            self.nodes[gateway].default = self.nodes[idx].default.take();
            ways.iter().for_each(|way| self.flows[*way].source = gateway);
            self.put_flow(idx, gateway);
            let word = if asks {
                "all whose conditions hold, an inclusive"
            } else {
                "all, a parallel"
            };
            let sentence = format!(
                "has several ways out, of which BPMN takes {word} gateway stands behind it now; draw an exclusive gateway if a person is to choose"
            );
            findings.changed("split_by_flows", &id, sentence);
        }
    }

    fn one_end(&mut self, findings: &mut Findings) {
        let ends: Vec<usize> = self.alive().filter(|idx| self.nodes[*idx].kind.is_end()).collect();
        let end = match ends.as_slice() {
            [] => {
                findings.changed(
                    "end_put_in",
                    "",
                    "has no end event: nodes without a way out lead to one",
                );
                self.put_node("end", Kind::End)
            }
            [first, others @ ..] => {
                for other in others {
                    self.ways_in(*other)
                        .iter()
                        .for_each(|way| self.flows[*way].target = *first);
                    self.nodes[*other].is_gone = true;
                    let sentence = format!("is another end: its ways lead to `{}` now", self.nodes[*first].id);
                    let id = self.nodes[*other].id.clone();
                    findings.changed("ends_merged", &id, sentence);
                }
                *first
            }
        };
        self.nodes[end].kind = Kind::End;
        let loose: Vec<usize> = self
            .alive()
            .filter(|idx| *idx != end && self.ways_out(*idx).is_empty())
            .collect();
        for node in loose {
            if !ends.is_empty() {
                let sentence = format!("has no way out: it leads to `{}` now", self.nodes[end].id);
                let id = self.nodes[node].id.clone();
                findings.changed("way_to_end_put_in", &id, sentence);
            }
            self.put_flow(node, end);
        }
    }

    /// Puts a gateway before the end that joins the branches of a split.
    pub(super) fn join_before_end(&mut self, split: &str) {
        let Some(split) = self.nodes.iter().position(|node| node.id == split) else {
            return;
        };
        let Some(end) = self.nodes.iter().position(|node| node.kind == Kind::End) else {
            return;
        };
        let mut is_reached = vec![false; self.nodes.len()];
        let mut open = vec![split];
        while let Some(node) = open.pop() {
            for way in self.ways_out(node) {
                let target = self.flows[way].target;
                if !std::mem::replace(&mut is_reached[target], true) {
                    open.push(target);
                }
            }
        }
        let apart: Vec<usize> = self.ways_in(end);
        let apart = apart
            .into_iter()
            .filter(|way| is_reached[self.flows[*way].source] && !self.flows[*way].terminates);
        let apart: Vec<usize> = apart.collect();
        let kind = self.nodes[split].kind;
        let wanted = format!("{}_join", self.nodes[split].id);
        let join = self.put_node(&wanted, kind);
        apart.iter().for_each(|way| self.flows[*way].target = join);
        self.put_flow(join, end);
    }

    fn alive(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|idx| !self.nodes[*idx].is_gone)
    }

    /// Drops what was taken out.
    fn sweep(&mut self) {
        let mut places = vec![usize::MAX; self.nodes.len()];
        for (place, idx) in self.alive().collect::<Vec<_>>().into_iter().enumerate() {
            places[idx] = place;
        }
        self.nodes.retain(|node| !node.is_gone);
        self.flows
            .retain(|flow| !flow.is_gone && places[flow.source] != usize::MAX && places[flow.target] != usize::MAX);
        for flow in &mut self.flows {
            (flow.source, flow.target) = (places[flow.source], places[flow.target]);
        }
    }
}

impl Flow<'_> {
    fn has_condition(&self) -> bool {
        self.element
            .is_some_and(|one| one.child(MODEL, "conditionExpression").is_some())
    }
}

impl Kind {
    pub(super) fn is_end(self) -> bool {
        matches!(self, Self::End | Self::Terminate)
    }

    pub(super) fn is_gateway(self) -> bool {
        matches!(self, Self::Exclusive | Self::Parallel | Self::Inclusive)
    }

    /// The definition's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End | Self::Terminate => "end",
            Self::Task => "normal",
            Self::Hook => "hook",
            Self::Timer => "timer",
            Self::Exclusive => "exclusive",
            Self::Parallel => "parallel",
            Self::Inclusive => "inclusive",
        }
    }
}
