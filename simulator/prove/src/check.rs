//! Exact checking of a definition: the token game is explored over every state it can come to, with the values of
//! fields told apart only as far as conditions and assignments do.
//!
//! ```text
//!   definition + directory ─▶ game (one per kind of creator) ─▶ explore ─▶ verdict ─▶ findings, each with its story
//!                              domain: classes of values          reduce: independent branches one after the other
//!                              classes: as far as asked           choose: what nothing changes is asked later
//!                                                                 way: the commands that matter for a story
//! ```
//!
//! Explored: what people do with edges, votes, timers that fire, hooks that answer well, everything automatic. Not
//! explored: withdrawals, returns and undoing, what admins do by force, forwards, signers, edges that a deadline takes,
//! sub-tickets, changes of the directory and absences on the way. A parent
//! ticket is taken to name somebody where it is asked to. An automatic title counts as any text.
//!
//! The interpreter shares with the engine the graph with its merges and regions, and how one condition compares; how
//! tokens move is written a second time here, and compared with the engine in tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{EdgeId, NodeId, UserId};
use loonflow_engine::workflow::{AssigneeRule, WorkflowVersion};
use loonflow_world::case::Checked;
use loonflow_world::names::Shared;
use serde_json::{Value as Json, json};

mod absence;
mod again;
mod assignees;
mod choose;
mod classes;
mod conditions;
mod deciders;
mod domain;
mod explore;
mod finding;
mod fire;
mod game;
mod markings;
mod reduce;
mod state;
mod story;
mod values;
mod verdict;
mod way;

pub use again::{Again, again, is_of_check};
pub use finding::{Finding, Severity};
pub use markings::{Marking, Markings, markings};
pub use state::Rest;
pub use story::Story;

use assignees::{Assignees, CreatorKind, KINDS_MAX, assignees, creator_kinds};
use explore::{Bounds, Graph, explore};
use game::Game;
use story::{Doer, Teller};

/// How far a check goes.
#[derive(Clone, Debug)]
pub struct Options {
    /// States kept of each exploration; where there are more, the verdict is unknown.
    pub states: usize,
    /// Explore every order of independent steps as well.
    pub is_full: bool,
    /// Two nodes that one person must never both do.
    pub separate: Option<(NodeId, NodeId)>,
    /// Look for so many absent people that block every ticket; 0 does not look.
    pub absent: usize,
}

impl Default for Options {
    /// 250,000 states: some hundred megabytes at the most.
    fn default() -> Self {
        Self {
            states: 250_000,
            is_full: false,
            separate: None,
            absent: 2,
        }
    }
}

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Everything was explored and nothing is wrong.
    Sound,
    /// Something is wrong.
    Unsound,
    /// A bound was met before something wrong was found.
    Unknown,
}

impl Outcome {
    /// As it is shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Unsound => "unsound",
            Self::Unknown => "unknown",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The verdict.
    pub outcome: Outcome,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// Which bounds were met, as sentences.
    pub bounds: Vec<String>,
    /// States explored, over all kinds of creators.
    pub n_states: usize,
    /// Moves between them.
    pub n_moves: usize,
}

impl Report {
    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "verdict": self.outcome.word(),
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
            "bounds": self.bounds, "states": self.n_states, "moves": self.n_moves,
        })
    }
}

/// Checks a definition against a directory. `directory_source` is the directory's file: it goes into the cases.
#[must_use]
pub fn check(
    workflow: &Arc<WorkflowVersion>,
    directory: &Arc<Directory>,
    directory_source: &Json,
    options: &Options,
) -> Report {
    let mut checker = Checker {
        teller: Teller {
            workflow,
            directory,
            directory_source,
            shared: Shared::of(directory),
        },
        options,
        findings: Vec::new(),
        bounds: BTreeSet::new(),
        n_states: 0,
        n_moves: 0,
    };
    checker.run();
    checker.report()
}

struct Checker<'a> {
    teller: Teller<'a>,
    options: &'a Options,
    findings: Vec<Finding>,
    bounds: BTreeSet<String>,
    n_states: usize,
    n_moves: usize,
}

impl Checker<'_> {
    fn run(&mut self) {
        let (workflow, directory) = (self.teller.workflow, self.teller.directory);
        let kinds = creator_kinds(workflow, directory);
        if kinds.is_empty() {
            self.bounds
                .insert("nobody in the directory is active, so nobody can create a ticket: give one with people in it with `--directory`"
                    .to_owned());
        }
        self.parents();
        for finding in deciders::deciders(workflow) {
            self.add(finding);
        }
        let mut taken = vec![false; workflow.edges.len()];
        let mut entered = vec![false; workflow.nodes.len()];
        let mut never: Option<Vec<u16>> = None;
        let mut is_complete = kinds.len() <= KINDS_MAX;
        if !is_complete {
            self.bounds.insert(format!(
                "assignments tell more than {KINDS_MAX} kinds of creators apart, the others were not looked at: give a \
                 directory with the people of one department at a time with `--directory`"
            ));
        }
        let mut last_game = None;
        let mut can_complete = true;
        for kind in kinds.iter().take(KINDS_MAX) {
            let game = match Game::new(workflow, directory, kind) {
                Ok(game) => game,
                Err(too_many) => {
                    self.bounds.insert(too_many);
                    is_complete = false;
                    continue;
                }
            };
            for field in game.fields.iter().filter(|field| !field.is_sure) {
                self.bounds.insert(format!(
                    "`{}` is compared by order, as a text is: not every kind of value it takes may have been looked at; make \
                     it a number, a date or a choice, or compare it with `==` and `in`",
                    field.key
                ));
            }
            let looked = conditions::look(&game);
            never = Some(match never {
                Some(before) => before.into_iter().filter(|edge| looked.never.contains(edge)).collect(),
                None => looked.never,
            });
            for gateway in &looked.not_looked_at {
                let node = &game.nodes[usize::from(*gateway)].id;
                let message = format!(
                    "`{node}` looks at too many fields at once for its conditions to be compared with one another: \
                     whether they overlap is not known"
                );
                self.add(Finding::new("overlaps_not_known", Severity::Note, message).at_node(node));
            }
            for finding in looked.findings {
                self.add(finding);
            }
            let (graph, bad, is_decided) = self.explore_well(&game);
            is_complete &= is_decided;
            or(&mut taken, &graph.taken);
            or(&mut entered, &graph.entered);
            can_complete &= bad.stuck.is_empty() && bad.livelock.is_none();
            for finding in verdict::completion(&game, &graph, &bad, &self.teller)
                .into_iter()
                .chain(verdict::refusals(&game, &graph, &self.teller))
                .chain(verdict::cancelling(&game, &graph))
            {
                self.add(finding);
            }
            last_game = Some(game);
        }
        if let Some(game) = last_game.filter(|_| is_complete) {
            for finding in verdict::dead(&game, &taken, &entered, &never.unwrap_or_default()) {
                self.add(finding);
            }
        }
        if let Some(largest) = kinds
            .iter()
            .max_by_key(|kind| kind.creators.len())
            .filter(|_| can_complete && is_complete)
        {
            self.absences(largest);
        }
        if let Some((one, other)) = self.options.separate.clone() {
            self.separation(&kinds, &one, &other);
        }
    }

    fn bounds_of(&self, is_full: bool) -> Bounds {
        Bounds {
            states: self.options.states,
            is_full,
            marked: [None; 2],
            asks_for_end: false,
        }
    }

    /// Reduced first. Where something is bad, it is told again from an exploration in full if that is a small one: in a
    /// reduced one, branches may have waited for one that is stuck. Answers also whether what was never taken is known.
    fn explore_well(&mut self, game: &Game<'_>) -> (Graph, verdict::Bad, bool) {
        let graph = explore(game, &self.bounds_of(self.options.is_full));
        let bad = verdict::bad(&graph);
        self.n_states += graph.n_explored();
        self.n_moves += graph.n_moves();
        let is_bad = bad.is_bad.contains(&true);
        if is_bad && !self.options.is_full {
            let bounds = Bounds {
                states: self.options.states.min(STATES_TOLD_AGAIN_MAX),
                ..self.bounds_of(true)
            };
            let full = explore(game, &bounds);
            if full.is_complete {
                let bad = verdict::bad(&full);
                return (full, bad, true);
            }
        }
        if graph.has_too_many_ways {
            self.bounds.insert(format!(
                "actions can go in too many ways: too many conditions look at once at the fields they write; let some \
                 of these be filled in at a later node, give gateways behind a merge a `default_branch`, or give more \
                 than {} states with `--states`, of which one action gets a tenth",
                self.options.states
            ));
        } else if !graph.is_complete {
            self.bounds.insert(format!(
                "more than {} states where `{}` is the creator: give more with `--states`, or let branches that go at the \
                 same time write fields of their own and meet where nothing can be refused",
                self.options.states,
                self.teller.shared.person(&game.creator, game.directory)
            ));
        }
        let is_decided = graph.is_complete && (self.options.is_full || !is_bad);
        (graph, bad, is_decided)
    }

    /// Adds a finding that no other kind of creator showed.
    fn add(&mut self, finding: Finding) {
        let known = self.findings.iter_mut().find(|known| known.place() == finding.place());
        match known {
            // A note of one kind of creator may be a defect for another.
            Some(known) if known.severity > finding.severity => *known = finding,
            Some(_) => {}
            None => self.findings.push(finding),
        }
    }

    fn parents(&mut self) {
        for node in &self.teller.workflow.nodes {
            if let Some(props) = node.kind.as_normal()
                && let AssigneeRule::ParentTicketField(_) = &props.assignee
            {
                let message = format!(
                    "`{}` takes its assignees from the parent ticket: a ticket without one is refused there; the rest \
                     of this check takes somebody to be named",
                    node.id
                );
                let finding = Finding::new("depends_on_parent", Severity::Note, message).at_node(&node.id);
                self.add(finding);
            }
        }
    }

    fn absences(&mut self, kind: &CreatorKind) {
        let teller = &self.teller;
        let kind = kind.with_outsider(teller.workflow, teller.directory);
        let Ok(game) = Game::new(teller.workflow, teller.directory, &kind) else {
            return;
        };
        let bounds = Bounds {
            asks_for_end: true,
            ..self.bounds_of(false)
        };
        for people in absence::blockers(&game, &kind, self.options.absent, &bounds) {
            let named = |user: &UserId| format!("`{}`", teller.shared.person(user, teller.directory));
            let names: Vec<String> = people.iter().map(named).collect();
            let message = format!(
                "no ticket that {} creates comes to the end while {} cannot act",
                named(&game.creator),
                names.join(" and ")
            );
            // Each set is a finding of its own, though all are about the same place.
            let finding = Finding::new("blocked_without", Severity::Note, message);
            self.findings.push(finding);
        }
    }

    /// Whether one person can do both nodes in one ticket: some creator's ticket can come to both, one person can be
    /// assigned at both in it, and the engine lets them.
    fn separation(&mut self, kinds: &[CreatorKind], one: &NodeId, other: &NodeId) {
        let (workflow, directory) = (self.teller.workflow, self.teller.directory);
        let mut not_played = None;
        for kind in kinds {
            let pairs = people_of_both(workflow, directory, kind, one, other);
            // Creators of a kind fare alike, so where one cannot bring a ticket to both nodes, none of them can.
            for (creator, person) in pairs {
                let kind = kind.created_by(&creator, workflow, directory);
                let Ok(game) = Game::new(workflow, directory, &kind) else {
                    break;
                };
                let bounds = Bounds {
                    marked: [one, other].map(|node| workflow.graph.node_idx.get(node).map(|idx| game::number(*idx))),
                    ..self.bounds_of(self.options.is_full)
                };
                let graph = explore(&game, &bounds);
                if !graph.is_complete {
                    self.bounds.insert(format!(
                        "more than {} states while nodes are told apart: give more with `--states`",
                        self.options.states
                    ));
                }
                let Some(state) = verdict::both_marked(&graph) else {
                    break;
                };
                let message = format!(
                    "`{}` can do both `{one}` and `{other}` in a ticket that `{}` creates: assign them to different \
                     people, or set `exclude_creator`",
                    self.teller.shared.person(&person, directory),
                    self.teller.shared.person(&creator, directory)
                );
                let doer = Doer {
                    person: &person,
                    nodes: [one, other],
                };
                match self
                    .teller
                    .tell_of(&game, &graph, state, &doer, "same_person", &message)
                {
                    Some(story) => {
                        let finding = Finding::new("same_person", Severity::Error, message);
                        self.add(finding.at_node(one).told(story));
                        return;
                    }
                    None => not_played = not_played.or(Some(person)),
                }
            }
        }
        if let Some(person) = not_played {
            self.bounds.insert(format!(
                "`{}` may be assigned at both `{one}` and `{other}`, and no ticket could be played in which they do both: \
                 play one with `run`, or assign the nodes to different people",
                self.teller.shared.person(&person, directory)
            ));
        }
    }

    fn report(mut self) -> Report {
        for finding in &mut self.findings {
            let (node, edge, field) = (finding.node.clone(), finding.edge.clone(), finding.field.clone());
            if let Some(story) = &mut finding.story {
                story.case.checked = Some(Checked {
                    node,
                    edge,
                    field,
                    separate: self.options.separate.clone(),
                    states: self.options.states,
                });
            }
        }
        self.findings
            .sort_by(|one, other| (one.severity, one.place()).cmp(&(other.severity, other.place())));
        let is_wrong = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        Report {
            outcome: match (is_wrong, self.bounds.is_empty()) {
                (true, _) => Outcome::Unsound,
                (false, true) => Outcome::Sound,
                (false, false) => Outcome::Unknown,
            },
            findings: self.findings,
            bounds: self.bounds.into_iter().collect(),
            n_states: self.n_states,
            n_moves: self.n_moves,
        }
    }
}

/// States of an exploration in full that only makes a verdict that is there already fuller. Where many branches go their
/// ways it would take seconds to meet the bound of the check, and tell nothing more.
const STATES_TOLD_AGAIN_MAX: usize = 10_000;

/// Pairs of a creator and a person tried of one kind of creators, when `--separate` is asked for.
const PAIRS_MAX: usize = 8;

/// Creators of a kind with somebody who can be assigned at both nodes of their ticket.
fn people_of_both(
    workflow: &WorkflowVersion,
    directory: &Directory,
    kind: &CreatorKind,
    one: &NodeId,
    other: &NodeId,
) -> Vec<(UserId, UserId)> {
    let pairs = kind.creators.iter().flat_map(|creator| {
        let who = |node: &NodeId| who_can_do(workflow, directory, creator, node);
        let (one, other) = (who(one), who(other));
        let both: Vec<_> = one.intersection(&other).take(PAIRS_MAX).cloned().collect();
        both.into_iter().map(|person| (creator.clone(), person))
    });
    pairs.take(PAIRS_MAX).collect()
}

/// Who may do a node: its assignees, anybody where fields or a parent name them, the creator at start.
fn who_can_do(workflow: &WorkflowVersion, directory: &Directory, creator: &UserId, node: &NodeId) -> BTreeSet<UserId> {
    let Some(node) = workflow.node(node) else {
        return BTreeSet::new();
    };
    let Some(props) = node.kind.as_normal() else {
        let creator = node.kind.is_left_by_people().then(|| creator.clone());
        return creator.into_iter().collect();
    };
    match assignees(workflow, props, directory, creator) {
        Assignees::Fixed(users) => users,
        Assignees::FromFields | Assignees::FromParent => {
            let active = directory
                .users
                .keys()
                .filter(|user| directory.active_user(user).is_some());
            active
                .filter(|user| !(props.on_creator.excludes() && *user == creator))
                .cloned()
                .collect()
        }
    }
}

fn or(all: &mut [bool], more: &[bool]) {
    for (one, more) in all.iter_mut().zip(more) {
        *one |= more;
    }
}

/// Edges of gateways that are never taken whatever is filled in, for their conditions hold for no values.
#[must_use]
pub fn impossible_edges(workflow: &WorkflowVersion, directory: &Directory) -> BTreeSet<EdgeId> {
    let mut found: Option<BTreeSet<u16>> = None;
    for kind in creator_kinds(workflow, directory) {
        let Ok(game) = Game::new(workflow, directory, &kind) else {
            return BTreeSet::new();
        };
        let never: BTreeSet<u16> = conditions::look(&game).never.into_iter().collect();
        found = Some(match found {
            Some(before) => before.intersection(&never).copied().collect(),
            None => never,
        });
    }
    found
        .unwrap_or_default()
        .into_iter()
        .map(|edge| workflow.edges[usize::from(edge)].id.clone())
        .collect()
}

/// Counts of findings by code, for tables.
#[must_use]
pub fn codes(report: &Report) -> BTreeMap<&'static str, usize> {
    let mut found = BTreeMap::new();
    for finding in &report.findings {
        *found.entry(finding.code).or_insert(0) += 1;
    }
    found
}
