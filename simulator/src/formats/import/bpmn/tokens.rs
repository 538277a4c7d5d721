//! BPMN's own token game over the diagram as it is drawn: where it means something else than the definition does.
//!
//! A parallel gateway of BPMN waits for a token on each of its ways; one of a definition waits for the branches of its
//! own fork, wherever they come in. So a diagram may get stuck in BPMN and go on here, and where branches meet without a
//! join BPMN goes on once for each. Both are told.
//!
//! ```text
//!   a marking: of each flow whether a token is on it ─▶ one node fires, in every way it can ─▶ markings …
//! ```
//!
//! As each flow leads to one node, no node can take another's token: whatever is enabled stays so, and it is enough to
//! let one node fire at a time (a persistent set). The one nearest to the start goes first, so that tokens which can
//! meet do. What conditions ask is not looked at: each may hold or not. An inclusive join waits while a token may still
//! come to one of its empty ways; a terminating end goes last.

use std::collections::{BTreeSet, VecDeque};

use rustc_hash::FxHashSet;

use super::model::{Kind, Model};
use crate::formats::export::bpmn::MODEL;

/// Markings looked at, counted in words of 64 flows: some ten megabytes.
const WORDS_MAX: usize = 1 << 20;

/// Ways out of which every choice of some is looked at.
const CHOICES_MAX: usize = 8;

/// Where BPMN does something else.
#[derive(Debug, Default)]
pub(super) struct Otherwise {
    /// Joins that can wait for ever.
    pub(super) stuck: BTreeSet<usize>,
    /// Nodes to which two tokens can be on their way at once.
    pub(super) twice: BTreeSet<usize>,
    /// Whether there was more to look at than is looked at.
    pub(super) is_cut: bool,
}

type Marking = Box<[u64]>;

struct Net<'m, 'a> {
    model: &'m Model<'a>,
    into: Vec<Vec<usize>>,
    out: Vec<Vec<usize>>,
    /// Steps from a start.
    depth: Vec<usize>,
    /// Of each way into an inclusive join the flows from which it can be reached.
    upstream: Vec<Option<Marking>>,
}

/// Plays the diagram from each of its starts.
pub(super) fn play(model: &Model<'_>) -> Otherwise {
    let net = Net::of(model);
    let mut found = Otherwise::default();
    let n_words = model.flows.len().div_ceil(64).max(1);
    let mut known: FxHashSet<Marking> = FxHashSet::default();
    let mut work = Vec::new();
    let starts = model
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.kind == Kind::Start);
    for (start, _) in starts {
        let nothing = vec![0; n_words].into_boxed_slice();
        net.leave(&nothing, start, &mut found, &mut work);
    }
    work.retain(|marking| known.insert(marking.clone()));
    while let Some(marking) = work.pop() {
        if known.len().saturating_mul(n_words) > WORDS_MAX {
            found.is_cut = true;
            break;
        }
        let mut next = Vec::new();
        net.step(&marking, &mut found, &mut next);
        work.extend(next.into_iter().filter(|marking| known.insert(marking.clone())));
    }
    found
}

impl<'m, 'a> Net<'m, 'a> {
    fn of(model: &'m Model<'a>) -> Self {
        let mut net = Self {
            model,
            into: vec![Vec::new(); model.nodes.len()],
            out: vec![Vec::new(); model.nodes.len()],
            depth: vec![usize::MAX; model.nodes.len()],
            upstream: vec![None; model.flows.len()],
        };
        for (idx, flow) in model.flows.iter().enumerate() {
            net.into[flow.target].push(idx);
            net.out[flow.source].push(idx);
        }
        let starts = model
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.kind == Kind::Start);
        let mut open: VecDeque<usize> = starts.map(|(idx, _)| idx).collect();
        open.iter().for_each(|start| net.depth[*start] = 0);
        while let Some(node) = open.pop_front() {
            for flow in &net.out[node] {
                let target = model.flows[*flow].target;
                if net.depth[target] == usize::MAX {
                    net.depth[target] = net.depth[node] + 1;
                    open.push_back(target);
                }
            }
        }
        let joins = model
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.kind == Kind::Inclusive);
        for (join, _) in joins.filter(|(idx, _)| net.into[*idx].len() > 1) {
            for way in net.into[join].clone() {
                net.upstream[way] = Some(net.upstream_of(way, join));
            }
        }
        net
    }

    /// Flows from which a flow can be reached without going through the join it leads to.
    fn upstream_of(&self, way: usize, join: usize) -> Marking {
        let mut found = vec![0; self.model.flows.len().div_ceil(64).max(1)].into_boxed_slice();
        let mut work = vec![way];
        while let Some(flow) = work.pop() {
            let source = self.model.flows[flow].source;
            if source == join {
                continue;
            }
            for before in &self.into[source] {
                if !has(&found, *before) {
                    set(&mut found, *before);
                    work.push(*before);
                }
            }
        }
        found
    }

    /// Lets the enabled node nearest to the start fire; where none is, tells who waits.
    fn step(&self, marking: &Marking, found: &mut Otherwise, next: &mut Vec<Marking>) {
        let marked: BTreeSet<usize> = flows(marking).map(|flow| self.model.flows[flow].target).collect();
        let rank = |node: &usize| {
            (
                self.model.nodes[*node].kind == Kind::Terminate,
                self.depth[*node],
                *node,
            )
        };
        let enabled = marked.iter().copied().filter(|node| self.is_enabled(*node, marking));
        let Some(node) = enabled.min_by_key(rank) else {
            // No token is left, or none can go on.
            let waits = |node: &usize| matches!(self.model.nodes[*node].kind, Kind::Parallel | Kind::Inclusive);
            found.stuck.extend(marked.into_iter().filter(waits));
            return;
        };
        let mut before = marking.clone();
        match self.model.nodes[node].kind {
            Kind::Terminate => return,
            Kind::Parallel | Kind::Inclusive => self.into[node].iter().for_each(|flow| unset(&mut before, *flow)),
            Kind::Start | Kind::End | Kind::Task | Kind::Hook | Kind::Timer | Kind::Exclusive => {
                if let Some(flow) = self.into[node].iter().find(|flow| has(marking, **flow)) {
                    unset(&mut before, *flow);
                }
            }
        }
        self.leave(&before, node, found, next);
    }

    fn is_enabled(&self, node: usize, marking: &Marking) -> bool {
        let into = &self.into[node];
        match self.model.nodes[node].kind {
            Kind::Parallel => into.iter().all(|flow| has(marking, *flow)),
            Kind::Inclusive => into.iter().filter(|flow| !has(marking, **flow)).all(|flow| {
                let upstream = self.upstream[*flow].as_ref();
                !upstream.is_some_and(|all| {
                    let both = all.iter().zip(marking.iter());
                    let own = |flow: usize| self.model.flows[flow].target == node;
                    both.enumerate()
                        .any(|(word, (one, other))| bits(one & other).any(|bit| !own(word * 64 + bit)))
                })
            }),
            Kind::Start | Kind::End | Kind::Terminate | Kind::Task | Kind::Hook | Kind::Timer | Kind::Exclusive => true,
        }
    }

    /// Puts tokens on the ways out of a node, in every way it may choose.
    fn leave(&self, before: &Marking, node: usize, found: &mut Otherwise, next: &mut Vec<Marking>) {
        let out = &self.out[node];
        let info = &self.model.nodes[node];
        let asks = || {
            let asks = |flow: &usize| {
                self.model.flows[*flow]
                    .element
                    .child(MODEL, "conditionExpression")
                    .is_some()
            };
            out.iter().any(asks)
        };
        let is_some_of = match info.kind {
            Kind::Inclusive => true,
            Kind::Start | Kind::Task | Kind::Hook | Kind::Timer => asks(),
            Kind::End | Kind::Terminate | Kind::Exclusive | Kind::Parallel => false,
        };
        if info.kind.is_end() || out.is_empty() {
            next.push(before.clone());
        } else if info.kind == Kind::Exclusive {
            for flow in out {
                self.arrive(before, &[*flow], found, next);
            }
        } else if is_some_of && out.len() > 1 {
            if out.len() > CHOICES_MAX {
                found.is_cut = true;
                return;
            }
            for choice in 1_usize..1 << out.len() {
                let chosen = out.iter().enumerate().filter(|(place, _)| choice >> place & 1 == 1);
                let chosen: Vec<usize> = chosen.map(|(_, flow)| *flow).collect();
                self.arrive(before, &chosen, found, next);
            }
        } else {
            self.arrive(before, out, found, next);
        }
    }

    fn arrive(&self, before: &Marking, chosen: &[usize], found: &mut Otherwise, next: &mut Vec<Marking>) {
        let mut after = before.clone();
        let mut is_safe = true;
        for flow in chosen {
            if has(&after, *flow) {
                found.twice.insert(self.model.flows[*flow].target);
                is_safe = false;
            }
            set(&mut after, *flow);
        }
        if is_safe {
            next.push(after);
        }
    }
}

fn has(marking: &Marking, flow: usize) -> bool {
    marking[flow / 64] >> (flow % 64) & 1 == 1
}

fn set(marking: &mut Marking, flow: usize) {
    marking[flow / 64] |= 1 << (flow % 64);
}

fn unset(marking: &mut Marking, flow: usize) {
    marking[flow / 64] &= !(1 << (flow % 64));
}

fn bits(word: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |bit| word >> bit & 1 == 1)
}

fn flows(marking: &Marking) -> impl Iterator<Item = usize> + '_ {
    let words = marking.iter().enumerate();
    words.flat_map(|(word, all)| bits(*all).map(move |bit| word * 64 + bit))
}
