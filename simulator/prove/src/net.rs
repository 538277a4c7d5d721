//! A definition as a Petri net: what other tools for processes read, and what an independent oracle judges.
//!
//! Places are nodes where a token is, told apart by the branches of forks it came along (a net has no forks of its
//! own, so each branch gets its own copy of what it can come to); a merge is a transition that takes one token from
//! every branch. Choices are free: data are left out. There is one source and one sink.
//!
//! Not every definition is a plain net: an edge that leaves a fork early takes tokens from wherever they are, and how
//! many an inclusive merge waits for was decided at its split. Then [`NotPlain`] says why.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::id::{EdgeId, NodeId};
use loonflow_engine::workflow::{EdgeKind, Leaving, WorkflowVersion};

pub mod trace;

/// Places of a net: copies for branches within branches multiply.
const PLACES_MAX: usize = 20_000;

/// The forks a token came along: each split, and which of its branches.
pub type Context = Vec<(NodeId, usize)>;

/// What a transition is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A ticket is created.
    Create,
    /// An edge is taken.
    Edge(EdgeId),
    /// A split opens a fork.
    Fork(NodeId),
    /// The fork of a split is closed.
    Join(NodeId),
}

impl Step {
    fn word(&self) -> String {
        match self {
            Self::Create => "create".to_owned(),
            Self::Edge(edge) => edge.as_str().to_owned(),
            Self::Fork(split) => format!("fork:{split}"),
            Self::Join(split) => format!("join:{split}"),
        }
    }
}

/// One transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// What happens.
    pub step: Step,
    /// To which copy: the forks of the token before it; for a join, those outside of it.
    pub context: Context,
    /// The name, unique in the net.
    pub label: String,
    /// Places it takes a token from.
    pub inputs: Vec<usize>,
    /// Places it puts a token on.
    pub outputs: Vec<usize>,
}

/// A Petri net with one source and one sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Net {
    /// Names of places, unique.
    pub places: Vec<String>,
    /// Transitions.
    pub transitions: Vec<Transition>,
    /// Where the one token is at first.
    pub source: usize,
    /// Where it is at last.
    pub sink: usize,
}

/// Why a definition is no plain net.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPlain {
    /// An edge leaves a fork early.
    #[error("the edge `{0}` leaves a fork early and takes the tokens of other branches along, which no plain net does")]
    Cancelling(EdgeId),
    /// A split that opens some of its branches.
    #[error(
        "the inclusive split `{0}` opens some of its branches and its merge waits for these, which no plain net does"
    )]
    Inclusive(NodeId),
    /// Too many copies.
    #[error("its branches within branches would make a net of more than {PLACES_MAX} places")]
    TooLarge,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Source,
    At(usize, Context),
    /// At the merge of the innermost fork, from one branch.
    Joining(Context),
}

struct Builder<'a> {
    workflow: &'a WorkflowVersion,
    places: Vec<Place>,
    known: BTreeMap<Place, usize>,
    transitions: Vec<Transition>,
    joins: BTreeSet<Context>,
    impossible: &'a BTreeSet<EdgeId>,
}

/// The net of a definition. Edges that are known never to be taken, for no value fulfils their conditions, can be named
/// as `impossible` and are left out.
///
/// # Errors
/// Why it is no plain net.
pub fn net(workflow: &WorkflowVersion, impossible: &BTreeSet<EdgeId>) -> Result<Net, NotPlain> {
    let mut builder = Builder {
        workflow,
        places: Vec::new(),
        known: BTreeMap::new(),
        transitions: Vec::new(),
        joins: BTreeSet::new(),
        impossible,
    };
    let source = builder.place(Place::Source);
    let start = builder.place(Place::At(workflow.graph.start_idx, Vec::new()));
    builder.transition(Step::Create, Vec::new(), vec![source], vec![start]);
    let mut done = 0;
    loop {
        while done < builder.places.len() {
            if builder.places.len() > PLACES_MAX {
                return Err(NotPlain::TooLarge);
            }
            builder.go_on(done)?;
            done += 1;
        }
        // A node that no way leads to belongs to the net all the same: a defect that an oracle is to see.
        let reached: BTreeSet<usize> = builder.nodes_reached();
        let Some(left) = (0..workflow.nodes.len()).find(|idx| !reached.contains(idx)) else {
            break;
        };
        builder.place(Place::At(left, Vec::new()));
    }
    let sink = builder.place(Place::At(workflow.graph.end_idx, Vec::new()));
    Ok(builder.finish(source, sink))
}

impl Builder<'_> {
    fn nodes_reached(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for place in &self.places {
            match place {
                Place::Source => {}
                Place::At(node, _) => {
                    found.insert(*node);
                }
                Place::Joining(context) => {
                    let merge = context.last().and_then(|(split, _)| self.workflow.merge_of(split));
                    found.extend(merge.and_then(|merge| self.workflow.graph.node_idx.get(merge)));
                }
            }
        }
        found
    }

    fn place(&mut self, place: Place) -> usize {
        if let Some(known) = self.known.get(&place) {
            return *known;
        }
        self.places.push(place.clone());
        self.known.insert(place, self.places.len() - 1);
        self.places.len() - 1
    }

    fn transition(&mut self, step: Step, context: Context, inputs: Vec<usize>, outputs: Vec<usize>) {
        self.transitions.push(Transition {
            label: step.word(),
            step,
            context,
            inputs,
            outputs,
        });
    }

    /// The place of a token that comes over an edge to a node.
    fn arrive(&mut self, edge: &EdgeId, node: usize, context: &Context) -> Result<usize, NotPlain> {
        let id = &self.workflow.nodes[node].id;
        if context.iter().any(|(split, _)| !self.workflow.in_region(split, id)) {
            return Err(NotPlain::Cancelling(edge.clone()));
        }
        Ok(self.enter(node, context))
    }

    fn enter(&mut self, node: usize, context: &Context) -> usize {
        let id = &self.workflow.nodes[node].id;
        match context.last() {
            Some((split, _)) if self.workflow.merge_of(split) == Some(id) => {
                self.join(split.clone(), node, context);
                self.place(Place::Joining(context.clone()))
            }
            Some(_) | None => self.place(Place::At(node, context.clone())),
        }
    }

    /// The transition that closes a fork, once for all of its branches.
    fn join(&mut self, split: NodeId, merge: usize, context: &Context) {
        let outer: Context = context[..context.len() - 1].to_vec();
        let mut key = outer.clone();
        key.push((split.clone(), 0));
        if !self.joins.insert(key) {
            return;
        }
        let n_branches = self.workflow.ways_out(&split).count();
        let inputs = (0..n_branches)
            .map(|branch| {
                let mut context = outer.clone();
                context.push((split.clone(), branch));
                self.place(Place::Joining(context))
            })
            .collect();
        let output = self.enter(merge, &outer);
        self.transition(Step::Join(split), outer, inputs, vec![output]);
    }

    /// Everything that can happen from a place.
    fn go_on(&mut self, place: usize) -> Result<(), NotPlain> {
        let Place::At(idx, context) = self.places[place].clone() else {
            return Ok(());
        };
        let node = &self.workflow.nodes[idx];
        let targets: Vec<(EdgeId, usize)> = self.workflow.graph.ways_out[idx]
            .iter()
            .map(|edge| &self.workflow.edges[*edge])
            .filter(|edge| !node.kind.is_left_by_people() || edge.kind != EdgeKind::Condition)
            .filter_map(|edge| Some((edge.id.clone(), *self.workflow.graph.node_idx.get(&edge.target)?)))
            .collect();
        match node.kind.leaving() {
            Leaving::Never => {}
            Leaving::AllWays if targets.len() > 1 => {
                let mut outputs = Vec::new();
                for (branch, (edge, target)) in targets.iter().enumerate() {
                    let mut inner = context.clone();
                    inner.push((node.id.clone(), branch));
                    outputs.push(self.arrive(edge, *target, &inner)?);
                }
                self.transition(Step::Fork(node.id.clone()), context, vec![place], outputs);
            }
            Leaving::EveryFit if targets.len() > 1 => return Err(NotPlain::Inclusive(node.id.clone())),
            Leaving::OnlyWay => self.over(place, &context, targets.into_iter().take(1))?,
            Leaving::ByPeople | Leaving::FirstFit | Leaving::AllWays | Leaving::EveryFit => {
                self.over(place, &context, targets.into_iter())?;
            }
        }
        Ok(())
    }

    fn over(
        &mut self,
        place: usize,
        context: &Context,
        targets: impl Iterator<Item = (EdgeId, usize)>,
    ) -> Result<(), NotPlain> {
        for (edge, target) in targets {
            if self.impossible.contains(&edge) {
                continue;
            }
            let output = self.arrive(&edge, target, context)?;
            self.transition(Step::Edge(edge), context.clone(), vec![place], vec![output]);
        }
        Ok(())
    }

    fn finish(self, source: usize, sink: usize) -> Net {
        let shown = |context: &Context| {
            let branches = context.iter().map(|(split, branch)| format!("{split}.{branch}"));
            branches.collect::<Vec<_>>().join("/")
        };
        let places = self.places.iter().map(|place| match place {
            Place::Source => "created".to_owned(),
            Place::At(node, context) => named(self.workflow.nodes[*node].id.as_str(), &shown(context)),
            Place::Joining(context) => named("joining", &shown(context)),
        });
        let places = places.collect();
        let mut transitions = self.transitions;
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for transition in &transitions {
            *count.entry(transition.label.clone()).or_insert(0) += 1;
        }
        for transition in &mut transitions {
            if count.get(&transition.label).is_some_and(|count| *count > 1) {
                transition.label = named(&transition.label, &shown(&transition.context));
            }
        }
        Net {
            places,
            transitions,
            source,
            sink,
        }
    }
}

/// `approve`, or `approve @ split.0/inner.1` in a branch.
fn named(name: &str, context: &str) -> String {
    if context.is_empty() {
        name.to_owned()
    } else {
        format!("{name} @ {context}")
    }
}

impl Net {
    /// The transition of a step in a context.
    #[must_use]
    pub fn find(&self, step: &Step, context: &Context) -> Option<&Transition> {
        self.transitions
            .iter()
            .find(|one| one.step == *step && one.context == *context)
    }

    /// Whether a transition can happen where there are so many tokens on each place.
    #[must_use]
    pub fn is_enabled(&self, marking: &[usize], transition: &Transition) -> bool {
        transition
            .inputs
            .iter()
            .all(|place| marking.get(*place).is_some_and(|tokens| *tokens > 0))
    }

    /// The marking after a transition.
    #[must_use]
    pub fn after(&self, marking: &[usize], transition: &Transition) -> Vec<usize> {
        let mut after = marking.to_vec();
        for place in &transition.inputs {
            after[*place] = after[*place].saturating_sub(1);
        }
        for place in &transition.outputs {
            after[*place] += 1;
        }
        after
    }

    /// One token on the source.
    #[must_use]
    pub fn initial(&self) -> Vec<usize> {
        let mut marking = vec![0; self.places.len()];
        marking[self.source] = 1;
        marking
    }
}
