//! What a definition looks like in BPMN: shapes and flows, with the gateways that BPMN needs and a definition does not.
//!
//! Added shapes say what the engine does by itself, so that other tools run or check the diagram as we mean it; a
//! re-import takes them out again:
//!
//! | added | where | why |
//! |---|---|---|
//! | start event | before the start node, which is a task of the creator | rejected tickets return to it, and nothing may lead to a start event |
//! | exclusive gateway, `choice` | after a task with several ways out | several flows out of a task would all be taken |
//! | parallel or inclusive gateway, `join` | before a merge that is not itself such a gateway | a task runs once for each token |
//! | exclusive gateway, `pass` | before a split or merge that is also reached from elsewhere | a gateway would wait for those ways too |
//! | exclusive gateway, `pass` | before a parallel merge, where one branch comes by several ways | it would wait for a token on each of them |
//!
//! Not expressed, see [`not_said`]: that an edge out of a fork cancels the fork's other tokens (such a flow says so in
//! its documentation), and that a branch may be entered from outside of it: from another one, or past the fork.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::id::NodeId;
use loonflow_engine::workflow::graph::Split;
use loonflow_engine::workflow::{Edge, Node, NodeKind, WorkflowVersion};

use crate::formats::expression;
use crate::formats::xml::is_name;

/// What a shape is in BPMN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShapeKind {
    StartEvent,
    EndEvent,
    UserTask,
    ServiceTask,
    TimerEvent,
    Exclusive,
    Parallel,
    Inclusive,
}

impl ShapeKind {
    /// Width and height, as BPMN tools draw it.
    pub(super) fn size(self) -> (f64, f64) {
        match self {
            Self::StartEvent | Self::EndEvent | Self::TimerEvent => (36.0, 36.0),
            Self::UserTask | Self::ServiceTask => (100.0, 80.0),
            Self::Exclusive | Self::Parallel | Self::Inclusive => (50.0, 50.0),
        }
    }

    pub(super) fn element(self) -> &'static str {
        match self {
            Self::StartEvent => "bpmn:startEvent",
            Self::EndEvent => "bpmn:endEvent",
            Self::UserTask => "bpmn:userTask",
            Self::ServiceTask => "bpmn:serviceTask",
            Self::TimerEvent => "bpmn:intermediateCatchEvent",
            Self::Exclusive => "bpmn:exclusiveGateway",
            Self::Parallel => "bpmn:parallelGateway",
            Self::Inclusive => "bpmn:inclusiveGateway",
        }
    }
}

/// Why a shape was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Start,
    Choice,
    Join,
    Pass,
}

impl Added {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Choice => "choice",
            Self::Join => "join",
            Self::Pass => "pass",
        }
    }
}

/// A node, or a shape that was added beside one.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) id: String,
    pub(super) kind: ShapeKind,
    /// Position of the node, or of the one beside which this was added.
    pub(super) node: usize,
    pub(super) added: Option<Added>,
    /// How many shapes lie between this added one and its node.
    pub(super) rank: usize,
}

/// A sequence flow.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) id: String,
    /// Positions of shapes.
    pub(super) source: usize,
    pub(super) target: usize,
    /// Position of the edge; none for a flow that was added.
    pub(super) edge: Option<usize>,
    pub(super) expression: Option<String>,
    pub(super) documentation: Option<String>,
}

/// Everything to be drawn.
#[derive(Debug)]
pub(super) struct Drawing {
    /// The nodes in definition order, then what was added.
    pub(super) shapes: Vec<Shape>,
    pub(super) flows: Vec<Flow>,
    pub(super) names: Names,
}

/// Gives each element an id that XML takes, unique in the document.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// Of each name that was wanted more than once the number to try next.
    next: BTreeMap<String, usize>,
}

impl Names {
    /// The id itself where it can stand, else one like it.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let mut base: String = wanted
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') {
                    c
                } else {
                    '_'
                }
            })
            .take(120)
            .collect();
        if !is_name(&base) {
            base.insert_str(0, "id_");
        }
        if self.taken.insert(base.clone()) {
            return base;
        }
        let next = self.next.entry(base.clone()).or_insert(2);
        loop {
            let name = format!("{base}_{next}");
            *next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Keeps a name for whoever needs it as it is.
    fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    fn release(&mut self, name: &str) {
        self.taken.remove(name);
    }
}

impl Drawing {
    pub(super) fn of(version: &WorkflowVersion) -> Self {
        let mut drawing = Self {
            shapes: Vec::new(),
            flows: Vec::new(),
            names: Names::default(),
        };
        // Ids of the definition come first, so that what is added makes way for them.
        let nodes = version.nodes.iter().map(|node| node.id.as_str());
        let own: Vec<&str> = nodes
            .chain(version.edges.iter().map(|edge| edge.id.as_str()))
            .filter(|id| is_name(id))
            .collect();
        own.iter().for_each(|id| drawing.names.reserve(id));
        for (idx, node) in version.nodes.iter().enumerate() {
            drawing.names.release(node.id.as_str());
            let id = drawing.names.take(node.id.as_str());
            drawing.shapes.push(Shape {
                id,
                kind: kind_of(node),
                node: idx,
                added: None,
                rank: 0,
            });
        }
        let start = version.graph.start_idx;
        let event = drawing.add(start, ShapeKind::StartEvent, Added::Start, 1);
        drawing.join(event, start);
        let ways_out = drawing.ways_out(version);
        let ways_in = drawing.ways_in(version);
        for (idx, edge) in version.edges.iter().enumerate() {
            drawing.edge(version, idx, edge, &ways_out, &ways_in);
        }
        drawing
    }

    fn add(&mut self, node: usize, kind: ShapeKind, added: Added, rank: usize) -> usize {
        let wanted = format!("{}_{}", self.shapes[node].id, added.word());
        let id = self.names.take(&wanted);
        self.shapes.push(Shape {
            id,
            kind,
            node,
            added: Some(added),
            rank,
        });
        self.shapes.len() - 1
    }

    /// The rank of the furthest shape that was added before a node.
    fn rank_before(&self, node: usize) -> usize {
        let before = self.shapes.iter().filter(|one| one.node == node);
        let before = before.filter(|one| matches!(one.added, Some(Added::Start | Added::Join | Added::Pass)));
        before.map(|one| one.rank).max().unwrap_or(0)
    }

    /// A flow that was added.
    fn join(&mut self, source: usize, target: usize) {
        let wanted = format!("{}_to_{}", self.shapes[source].id, self.shapes[target].id);
        let id = self.names.take(&wanted);
        self.flows.push(Flow {
            id,
            source,
            target,
            edge: None,
            expression: None,
            documentation: None,
        });
    }

    /// Of each node the shape that its edges leave: itself, or the choice behind it.
    fn ways_out(&mut self, version: &WorkflowVersion) -> Vec<usize> {
        let mut found = Vec::new();
        for (idx, ways) in version.graph.ways_out.iter().enumerate() {
            let is_left_by_people = version.nodes[idx].kind.is_left_by_people();
            if is_left_by_people && ways.len() > 1 {
                let choice = self.add(idx, ShapeKind::Exclusive, Added::Choice, 1);
                self.join(idx, choice);
                found.push(choice);
            } else {
                found.push(idx);
            }
        }
        found
    }

    /// Of each edge the shape that it leads to: the target, or what waits or passes before it.
    fn ways_in(&mut self, version: &WorkflowVersion) -> Vec<usize> {
        let graph = &version.graph;
        let mut found: Vec<usize> = version.edges.iter().map(|edge| graph.node_idx[&edge.target]).collect();
        for (target, ways) in graph.ways_in.iter().enumerate() {
            let target_kind = self.shapes[target].kind;
            // Splits that come together here, inner ones first.
            let mut splits: Vec<_> = graph
                .splits
                .iter()
                .filter(|(_, split)| split.merge == version.nodes[target].id)
                .collect();
            splits.sort_by_key(|(id, split)| (split.region.len(), graph.node_idx[*id]));
            let mut of_split: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            let mut others = Vec::new();
            for way in ways {
                let source = &version.edges[*way].source;
                let is_inside = |(id, split): &(&_, &loonflow_engine::workflow::graph::Split)| {
                    source == *id || (split.region.contains(source) && *source != split.merge)
                };
                match splits.iter().position(is_inside) {
                    Some(split) => of_split.entry(split).or_default().push(*way),
                    None => others.push(*way),
                }
            }
            // The outermost join is the node itself where it is such a gateway and nothing else leads to it.
            let mut next_in: Vec<usize> = Vec::new();
            let mut shapes: Vec<usize> = Vec::new();
            let n_splits = splits.len();
            for (place, (id, _)) in splits.iter().enumerate() {
                let kind = kind_of(&version.nodes[graph.node_idx[*id]]);
                let is_last = place + 1 == n_splits;
                let holds_all = splits[..place]
                    .iter()
                    .all(|(inner, _)| splits[place].1.region.contains(*inner));
                let is_native = is_last && holds_all && others.is_empty() && kind == target_kind;
                shapes.push(if is_native {
                    target
                } else {
                    self.add(target, kind, Added::Join, n_splits - place)
                });
            }
            // Of each split the joins of inner ones that lead to its own.
            let mut inner_joins: Vec<Vec<(&NodeId, usize)>> = vec![Vec::new(); n_splits];
            for (place, (id, split)) in splits.iter().enumerate() {
                let ways = of_split.remove(&place).unwrap_or_default();
                let inner = std::mem::take(&mut inner_joins[place]);
                let is_parallel = kind_of(&version.nodes[graph.node_idx[*id]]) == ShapeKind::Parallel;
                let branches = Branches::of(version, id, split);
                let by_way = ways.iter().map(|way| (branches.of_edge(*way), In::Edge(*way)));
                let by_join = inner
                    .iter()
                    .map(|(split, join)| (branches.of_node(split), In::Join(*join)));
                let mut by_branch: BTreeMap<Vec<usize>, Vec<In>> = BTreeMap::new();
                for (branches, one) in by_way.chain(by_join) {
                    by_branch.entry(branches).or_default().push(one);
                }
                for (branches, ins) in by_branch {
                    // One branch brings one token, by whichever of its ways: a parallel gateway would wait on each.
                    let to = if is_parallel && branches.len() == 1 && ins.len() > 1 {
                        let rank = 1 + self.rank_before(target);
                        let pass = self.add(target, ShapeKind::Exclusive, Added::Pass, rank);
                        self.join(pass, shapes[place]);
                        pass
                    } else {
                        shapes[place]
                    };
                    for one in ins {
                        match one {
                            In::Edge(way) => found[way] = to,
                            In::Join(join) => self.join(join, to),
                        }
                    }
                }
                if shapes[place] == target {
                    continue;
                }
                let outer = (place + 1..n_splits).find(|outer| splits[*outer].1.region.contains(*id));
                match outer {
                    Some(outer) => inner_joins[outer].push((*id, shapes[place])),
                    None => next_in.push(shapes[place]),
                }
            }
            let waits_for_all = matches!(target_kind, ShapeKind::Parallel | ShapeKind::Inclusive);
            let passes = waits_for_all && !shapes.contains(&target) && next_in.len() + others.len() > 1;
            let before = if passes {
                let pass = self.add(target, ShapeKind::Exclusive, Added::Pass, 1);
                // It stands between all others and the node.
                for shape in self.shapes[..pass].iter_mut().filter(|one| one.node == target) {
                    shape.rank += usize::from(matches!(shape.added, Some(Added::Join | Added::Pass)));
                }
                self.join(pass, target);
                pass
            } else {
                target
            };
            for shape in next_in {
                self.join(shape, before);
            }
            for way in others {
                found[way] = before;
            }
        }
        found
    }

    fn edge(&mut self, version: &WorkflowVersion, idx: usize, edge: &Edge, ways_out: &[usize], ways_in: &[usize]) {
        let source = version.graph.node_idx[&edge.source];
        self.names.release(edge.id.as_str());
        let id = self.names.take(edge.id.as_str());
        let from = ways_out[source];
        let asks = version.nodes[source].kind.is_choice();
        let expression = if self.shapes[from].added == Some(Added::Choice) {
            Some(format!("=action = {}", expression::quoted(edge.id.as_str())))
        } else if asks && !edge.conditions.is_empty() {
            Some(expression::write(edge.conditions.groups(), &version.form))
        } else {
            None
        };
        self.flows.push(Flow {
            id,
            source: from,
            target: ways_in[idx],
            edge: Some(idx),
            expression,
            documentation: left_fork(version, edge).map(|split| {
                format!("Leaves the fork of `{split}` early: the engine then cancels the fork's other branches, which this diagram cannot say.")
            }),
        });
    }
}

/// What leads into a join: an edge, or the join of an inner split.
enum In {
    Edge(usize),
    Join(usize),
}

/// Which branches of a split come by a node before its merge.
struct Branches<'a> {
    version: &'a WorkflowVersion,
    split: &'a NodeId,
    /// By branch, in the order of the split's ways out.
    reached: Vec<BTreeSet<&'a NodeId>>,
}

impl<'a> Branches<'a> {
    fn of(version: &'a WorkflowVersion, id: &'a NodeId, split: &'a Split) -> Self {
        let graph = &version.graph;
        let reached = graph.ways_out[graph.node_idx[id]].iter().map(|edge| {
            let mut reached = BTreeSet::new();
            let mut work = vec![&version.edges[*edge].target];
            while let Some(node) = work.pop() {
                if *node == split.merge || !split.region.contains(node) || !reached.insert(node) {
                    continue;
                }
                let out = graph.ways_out[graph.node_idx[node]].iter();
                work.extend(out.map(|edge| &version.edges[*edge].target));
            }
            reached
        });
        Self {
            version,
            split: id,
            reached: reached.collect(),
        }
    }

    fn of_node(&self, node: &NodeId) -> Vec<usize> {
        let branches = self.reached.iter().enumerate();
        branches
            .filter(|(_, reached)| reached.contains(node))
            .map(|(branch, _)| branch)
            .collect()
    }

    fn of_edge(&self, edge: usize) -> Vec<usize> {
        let graph = &self.version.graph;
        let source = &self.version.edges[edge].source;
        if source != self.split {
            return self.of_node(source);
        }
        let ways = graph.ways_out[graph.node_idx[source]].iter();
        ways.enumerate()
            .filter(|(_, way)| **way == edge)
            .map(|(branch, _)| branch)
            .collect()
    }
}

/// What the diagram cannot say of a version, in sentences: edges that leave a fork early, and edges that lead into a branch
/// of a parallel fork from outside of it, after which other engines wait for ever.
#[must_use]
pub fn not_said(version: &WorkflowVersion) -> Vec<String> {
    let mut found = Vec::new();
    for edge in &version.edges {
        if let Some(split) = left_fork(version, edge) {
            found.push(format!(
                "the edge `{}` leaves the fork of `{split}` early and cancels its other branches: the diagram says that in words only",
                edge.id
            ));
        }
    }
    for (id, split) in &version.graph.splits {
        let is_parallel = kind_of(&version.nodes[version.graph.node_idx[id]]) == ShapeKind::Parallel;
        let branches = Branches::of(version, id, split);
        let comes_by = |edge: &Edge| split.region.contains(&edge.target) && edge.target != split.merge;
        for (idx, edge) in version
            .edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| is_parallel && comes_by(edge))
        {
            let (from, to) = (branches.of_edge(idx), branches.of_node(&edge.target));
            let begins = |other: &&Edge| other.source == *id && other.target == edge.target;
            let how = if edge.source == *id {
                let n_begin = version.edges.iter().filter(begins).count();
                (n_begin > 1).then_some("where another branch of it begins as well")
            } else if edge.source == split.merge || !split.region.contains(&edge.source) {
                Some("into one of its branches from outside")
            } else {
                (from.len() < to.len()).then_some("where another of its branches comes by as well")
            };
            if let Some(how) = how {
                found.push(format!(
                    "the edge `{}` leads to `{}` of the fork of `{id}`, {how}: other engines that run the diagram may wait \
                     for ever at `{}`",
                    edge.id, edge.target, split.merge
                ));
            }
        }
    }
    found
}

/// The fork that an edge leaves before its merge, if it does.
pub(crate) fn left_fork(version: &WorkflowVersion, edge: &Edge) -> Option<String> {
    let mut splits = version.graph.splits.iter();
    let left = splits.find(|(_, split)| {
        split.region.contains(&edge.source) && edge.source != split.merge && !split.region.contains(&edge.target)
    });
    left.map(|(id, _)| id.to_string())
}

fn kind_of(node: &Node) -> ShapeKind {
    match &node.kind {
        NodeKind::Start | NodeKind::Normal(_) => ShapeKind::UserTask,
        NodeKind::End => ShapeKind::EndEvent,
        NodeKind::Exclusive { .. } => ShapeKind::Exclusive,
        NodeKind::Parallel => ShapeKind::Parallel,
        NodeKind::Inclusive { .. } => ShapeKind::Inclusive,
        NodeKind::Timer(_) => ShapeKind::TimerEvent,
        NodeKind::Hook(_) => ShapeKind::ServiceTask,
    }
}
