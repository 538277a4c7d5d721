//! Variables that the process asks for and no form before lets anyone fill in: who answers them.
//!
//! In BPMN a variable has the value that the last work before the question gave it. So it becomes a field of whoever
//! acts last before: of every task (or the start node) from which the question is reached without another person's
//! work between. It must be filled in where every way from there leads to the question, else it may be. The requester
//! answers only where nobody acts after them: who asks for a payout must not be the one who approves it.
//!
//! Where a program's work lies between, the program may be what answers in BPMN; fields are written by people only, so
//! that is lost, until the caller says who answers ([`Options::fields`](super::super::Options::fields)).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::super::form;
use super::super::graph::Graph;
use super::super::model::Kind;
use super::Builder;
use crate::formats::import::Level;

/// What a field is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    /// Nothing is known but that something asks for it.
    Open,
    Flag,
    Number,
    Text,
    Instant,
    User,
}

impl Guess {
    /// What fits both; a text where they disagree, and what an assignment or a timer wants goes before conditions.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, same) if one == same => one,
            (Self::Open, other) | (other, Self::Open) => other,
            (Self::User, _) | (_, Self::User) => Self::User,
            (Self::Instant, _) | (_, Self::Instant) => Self::Instant,
            (Self::Flag | Self::Number | Self::Text, Self::Flag | Self::Number | Self::Text) => Self::Text,
        }
    }
}

/// A field that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Needed {
    guess: Guess,
    /// By node that asks the element that says so.
    askers: BTreeMap<usize, String>,
}

/// Who acts last before a node asks.
#[derive(Debug, Default)]
struct Before {
    /// By task or start node whether every way from there leads to the question.
    people: BTreeMap<usize, bool>,
    /// Programs that work after the last person.
    programs: BTreeSet<usize>,
    /// Of each node whether the question can be reached from it.
    upstream: Vec<bool>,
}

impl Builder<'_, '_> {
    /// Notes that an element, at a node, asks for a field.
    pub(super) fn need(&mut self, field: &str, element: &str, node: usize, guess: Guess) {
        let needed = self.needed.entry(field.to_owned()).or_insert_with(|| Needed {
            guess,
            askers: BTreeMap::new(),
        });
        needed.guess = needed.guess.and(guess);
        needed.askers.entry(node).or_insert_with(|| element.to_owned());
    }

    /// Lets people fill in what is asked for.
    pub(super) fn put_in_asked(&mut self, nodes: &mut [Json]) {
        let needed_by_key = std::mem::take(&mut self.needed);
        if needed_by_key.is_empty() {
            return;
        }
        let ways = Ways::of(self.graph);
        let writers = writers(nodes);
        // By node that asks; one may ask for many fields.
        let mut befores: BTreeMap<usize, Before> = BTreeMap::new();
        for (key, needed) in needed_by_key {
            if let Some((_, found)) = self.fields.get_mut(&key) {
                // A form knows only texts where an assignment wants a user.
                if needed.guess == Guess::User {
                    found.kind = "user";
                }
            }
            if self.known.contains(&key) {
                continue;
            }
            let mut answered: BTreeMap<usize, bool> = BTreeMap::new();
            if let Some(said) = self.options.fields.get(&key) {
                let said = said
                    .iter()
                    .filter_map(|id| self.node_ids.iter().position(|one| one == id));
                answered.extend(said.map(|node| (node, true)));
            } else {
                for (asker, element) in &needed.askers {
                    let before = befores.entry(*asker).or_insert_with(|| ways.before(self.graph, *asker));
                    let is_upstream = |node: &usize| before.upstream[*node];
                    if writers.get(&key).is_some_and(|all| all.iter().any(is_upstream)) {
                        continue;
                    }
                    for (node, is_sure) in &before.people {
                        *answered.entry(*node).or_insert(*is_sure) |= is_sure;
                    }
                    let (level, code, sentence) = told(&key, before, &self.node_ids);
                    self.findings.push(level, code, element, sentence);
                }
            }
            if !answered.is_empty() {
                self.put_in(&key, needed.guess);
            }
            for (node, is_sure) in answered {
                let permission = if is_sure { "required" } else { "optional" };
                if let Some(permissions) = permissions_mut(&mut nodes[node]) {
                    permissions.insert(key.clone(), permission.into());
                }
            }
        }
    }

    /// The field itself, where no form has it.
    fn put_in(&mut self, key: &str, guess: Guess) {
        if self.fields.contains_key(key) {
            return;
        }
        let mut props = Map::new();
        let kind = match guess {
            Guess::Flag => form::yes_or_no(&mut props),
            Guess::Number => "number",
            Guess::Open | Guess::Text => "text",
            Guess::Instant => "datetime",
            Guess::User => "user",
        };
        // The title comes first.
        let order = self.fields.len() + 1;
        let one = form::Use {
            key: key.to_owned(),
            name: key.to_owned(),
            kind,
            props,
            permission: "optional",
        };
        self.fields.insert(key.to_owned(), (order, one));
    }
}

/// What is told of a field that becomes somebody's.
fn told(key: &str, before: &Before, node_ids: &[String]) -> (Level, &'static str, String) {
    let shown = |nodes: &mut dyn Iterator<Item = &usize>| {
        let shown: Vec<String> = nodes.map(|node| format!("`{}`", node_ids[*node])).collect();
        shown.join(", ")
    };
    let (people, programs) = (shown(&mut before.people.keys()), shown(&mut before.programs.iter()));
    let what = format!("looks at `{key}`, which no form before it lets anyone fill in");
    if before.people.is_empty() {
        let sentence = format!("{what}, and nobody acts before it: say who answers with `--field {key}=NODE`");
        (Level::Lost, "nobody_answers", sentence)
    } else if programs.is_empty() {
        let sentence = format!("{what}: whoever acts last before it answers now, at {people}");
        (Level::Changed, "field_put_in", sentence)
    } else {
        let sentence = format!(
            "{what}; {programs} may compute it, and programs fill in nothing here: it is a field at {people} now; say who answers with `--field {key}=NODE`"
        );
        (Level::Lost, "field_of_a_program", sentence)
    }
}

/// By field the nodes whose form lets somebody fill it in.
fn writers(nodes: &[Json]) -> BTreeMap<String, Vec<usize>> {
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (idx, node) in nodes.iter().enumerate() {
        let permissions = node.get("props").and_then(|props| props.get("field_permissions"));
        let permissions = permissions.and_then(Json::as_object);
        for (key, said) in permissions.into_iter().flatten() {
            if matches!(said.as_str(), Some("optional" | "required")) {
                found.entry(key.clone()).or_default().push(idx);
            }
        }
    }
    found
}

/// What a node lets one do with fields.
fn permissions_mut(node: &mut Json) -> Option<&mut Map<String, Json>> {
    let permissions = node.get_mut("props")?.get_mut("field_permissions")?;
    permissions.as_object_mut()
}

/// By node the nodes that lead to it, and those it leads to.
struct Ways {
    into: Vec<Vec<usize>>,
    out: Vec<Vec<usize>>,
}

impl Ways {
    fn of(graph: &Graph<'_>) -> Self {
        let mut ways = Self {
            into: vec![Vec::new(); graph.nodes.len()],
            out: vec![Vec::new(); graph.nodes.len()],
        };
        for flow in &graph.flows {
            ways.into[flow.target].push(flow.source);
            ways.out[flow.source].push(flow.target);
        }
        ways
    }

    /// Back from a node to the last people on every way.
    fn before(&self, graph: &Graph<'_>, asker: usize) -> Before {
        let is_sure = self.leads_surely_to(graph, asker);
        let mut found = Before {
            upstream: self.upstream(asker),
            ..Before::default()
        };
        let mut is_seen = vec![false; graph.nodes.len()];
        let mut work = vec![asker];
        while let Some(node) = work.pop() {
            for source in self.into[node].iter().copied() {
                if std::mem::replace(&mut is_seen[source], true) {
                    continue;
                }
                let info = &graph.nodes[source];
                match info.kind {
                    Kind::Start | Kind::Task => {
                        let are_sure = self.out[source].iter().all(|target| is_sure[*target]);
                        found.people.insert(source, are_sure);
                        continue;
                    }
                    // What only sends gives nothing back.
                    Kind::Hook if info.element.is_none_or(|one| one.name != "sendTask") => {
                        found.programs.insert(source);
                    }
                    Kind::Hook | Kind::Timer | Kind::Exclusive | Kind::Parallel | Kind::Inclusive => {}
                    // Nothing leads on from an end.
                    Kind::End | Kind::Terminate => continue,
                }
                work.push(source);
            }
        }
        found
    }

    fn upstream(&self, from: usize) -> Vec<bool> {
        let mut is_seen = vec![false; self.into.len()];
        let mut work = vec![from];
        while let Some(node) = work.pop() {
            for source in self.into[node].iter().copied() {
                if !std::mem::replace(&mut is_seen[source], true) {
                    work.push(source);
                }
            }
        }
        is_seen
    }

    /// Of each node whether whatever enters it comes to `asker` before any person acts or the ticket ends.
    fn leads_surely_to(&self, graph: &Graph<'_>, asker: usize) -> Vec<bool> {
        let mut is_sure = vec![false; graph.nodes.len()];
        is_sure[asker] = true;
        let mut work = vec![asker];
        while let Some(node) = work.pop() {
            for source in self.into[node].iter().copied() {
                let is_passed = match graph.nodes[source].kind {
                    Kind::Parallel => true,
                    Kind::Exclusive | Kind::Inclusive | Kind::Hook | Kind::Timer => {
                        self.out[source].iter().all(|target| is_sure[*target])
                    }
                    Kind::Start | Kind::Task | Kind::End | Kind::Terminate => false,
                };
                if is_passed && !std::mem::replace(&mut is_sure[source], true) {
                    work.push(source);
                }
            }
        }
        is_sure
    }
}
