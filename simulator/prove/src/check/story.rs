//! The way to a finding, told in steps a person can follow, and as a case that the engine plays: whoever is assigned
//! acts, with values that the conditions ask for.
//!
//! Each story is played on the engine while it is told. One that does not go as the checker says is marked: then one
//! of the two is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, NodeId, UserId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{Act, Action, Command as Engine, Create, HookOutcome, Rest as EngineRest};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::{FieldPermission, WorkflowVersion};
use loonflow_world::World;
use loonflow_world::case::{Case, CaseStep, FORMAT, Fields};
use loonflow_world::names::{self, Shared};
use serde_json::Value as Json;

use super::domain::EMPTY;
use super::explore::{Graph, Refused};
use super::game::{Game, Kind};
use super::way::{Played, Way, way_round, way_to, whole_way_to};

/// Lines of a story; the middle of a longer one is left out.
const LINES_MAX: usize = 20;

/// How a finding comes about.
#[derive(Clone, Debug)]
pub struct Story {
    /// Who did what, one line each.
    pub lines: Vec<String>,
    /// The same, for the engine.
    pub case: Case,
    /// Whether the engine went the same way when it was told.
    pub is_played: bool,
}

/// What stories are told about.
pub(crate) struct Teller<'a> {
    pub(crate) workflow: &'a Arc<WorkflowVersion>,
    pub(crate) directory: &'a Arc<Directory>,
    pub(crate) directory_source: &'a Json,
    pub(crate) shared: Shared,
}

/// One person who is to act at several nodes of one ticket.
pub(crate) struct Doer<'a> {
    pub(crate) person: &'a UserId,
    pub(crate) nodes: [&'a NodeId; 2],
}

/// Draws of a ticket that are tried until the doer is the one who is drawn.
const DRAWS: u64 = 16;

impl Teller<'_> {
    /// The way to a state and, with `refused`, on to a command that is refused there.
    pub(crate) fn tell(
        &self,
        game: &Game<'_>,
        graph: &Graph,
        to: u32,
        refused: Option<&Refused>,
        shows: &str,
        found: &str,
    ) -> Story {
        let way = way_to(game, graph, to, refused);
        self.play(game, &way, None, 0).told(self, shows, found)
    }

    /// The way to where a ticket goes round for ever, and once round: the way itself, and how it is told.
    pub(crate) fn tell_round(
        &self,
        game: &Game<'_>,
        graph: &Graph,
        from: u32,
        shows: &str,
        found: &dyn Fn(&[Played]) -> String,
    ) -> (String, Vec<Played>, Story) {
        let way = way_round(game, graph, from);
        let round = way.steps[way.steps.len() - way.n_round..].to_vec();
        let message = found(&round);
        let story = self.play(game, &way, None, 0).told(self, shows, &message);
        (message, round, story)
    }

    /// The way to a state on which one person acts at both nodes; none where the engine lets nobody go so.
    pub(crate) fn tell_of(
        &self,
        game: &Game<'_>,
        graph: &Graph,
        to: u32,
        doer: &Doer<'_>,
        shows: &str,
        found: &str,
    ) -> Option<Story> {
        let way = whole_way_to(game, graph, to);
        let mut played = (0..DRAWS).map(|seed| self.play(game, &way, Some(doer), seed));
        let went = played.find(|player| {
            let acted_at = |node: &&NodeId| player.acted.contains(&(doer.person.clone(), (**node).clone()));
            player.is_played && doer.nodes.iter().all(acted_at)
        })?;
        Some(went.told(self, shows, found))
    }

    fn play<'p>(&'p self, game: &'p Game<'p>, way: &Way, doer: Option<&'p Doer<'p>>, seed: u64) -> Player<'p> {
        let mut player = Player {
            game,
            world: World::new(self.directory.clone(), vec![self.workflow.clone()], seed),
            workflow: self.workflow,
            shared: &self.shared,
            doer,
            seed,
            acted: BTreeSet::new(),
            steps: Vec::new(),
            lines: Vec::new(),
            is_played: true,
        };
        let n_before = way.steps.len() - way.n_round;
        for step in &way.steps[..n_before] {
            player.play(step);
        }
        let first = player.lines.len();
        for step in &way.steps[n_before..] {
            player.play(step);
        }
        if let Some(line) = player.lines.get_mut(first).filter(|_| way.n_round > 0) {
            line.insert_str(0, "then again and again: ");
            let as_before = if first == 0 {
                ", as at the beginning".to_owned()
            } else {
                format!(", as after step {first}")
            };
            player.add_to_last(&as_before);
        }
        player
    }
}

impl Player<'_> {
    /// What was played, as a story.
    fn told(self, teller: &Teller<'_>, shows: &str, found: &str) -> Story {
        let mut source = (*teller.workflow.source).clone();
        if let Some(info) = source.get_mut("basic_info").and_then(Json::as_object_mut) {
            info.entry("id")
                .or_insert_with(|| Json::from(teller.workflow.workflow_id.as_str()));
        }
        let case = Case {
            format: FORMAT,
            shows: shows.to_owned(),
            found: found.to_owned(),
            directory: teller.directory_source.clone(),
            definitions: vec![source],
            seed: self.seed,
            steps: self.steps,
            checked: None,
        };
        let mut lines = self.lines;
        if lines.len() > LINES_MAX {
            let n_left_out = lines.len() - LINES_MAX + 1;
            let tail = lines.split_off(lines.len() - LINES_MAX / 2);
            lines.truncate(LINES_MAX / 2 - 1);
            lines.push(format!("… {n_left_out} steps are left out here, the case has them …"));
            lines.extend(tail);
        }
        Story {
            lines,
            case,
            is_played: self.is_played,
        }
    }
}

struct Player<'a> {
    game: &'a Game<'a>,
    world: World,
    workflow: &'a Arc<WorkflowVersion>,
    shared: &'a Shared,
    doer: Option<&'a Doer<'a>>,
    seed: u64,
    /// Who acted where, accepting not counted.
    acted: BTreeSet<(UserId, NodeId)>,
    steps: Vec<CaseStep>,
    lines: Vec<String>,
    is_played: bool,
}

impl Player<'_> {
    fn play(&mut self, step: &Played) {
        let edge = &self.workflow.edges[usize::from(step.edge)];
        let node = &self.workflow.nodes[usize::from(step.node)];
        let is_automatic = self.game.nodes[usize::from(step.node)].kind == Kind::Automatic;
        let went_well = if is_automatic {
            self.by_itself(step)
        } else {
            let fields = self.fields(step, edge.skip_fields_required_check);
            if self.world.tickets.is_empty() {
                self.create(edge, fields)
            } else {
                self.handle(step, edge, &node.id, &fields)
            }
        };
        match (step.refusal, went_well) {
            (None, true) => {
                let nodes = &self.workflow.graph.node_idx;
                let tokens = self
                    .world
                    .tickets
                    .first()
                    .map(|one| one.ticket.tokens.clone())
                    .unwrap_or_default();
                let mut is: Vec<u16> = tokens
                    .iter()
                    .filter_map(|token| nodes.get(&token.node))
                    .map(|idx| super::game::number(*idx))
                    .collect();
                is.sort_unstable();
                let mut after = step.after.clone();
                after.sort_unstable();
                self.is_played &= is == after;
                let shown: Vec<String> = tokens.iter().map(|token| self.node_name(&token.node)).collect();
                self.add_to_last(&format!(": now at {}", names::counted(shown).join(", ")));
            }
            (Some(_), false) => {}
            (None, false) | (Some(_), true) => self.is_played = false,
        }
    }

    fn node_name(&self, node: &NodeId) -> String {
        names::node(node, Some(self.workflow))
    }

    fn person(&self, person: &UserId) -> String {
        self.shared.person(person, self.game.directory)
    }

    fn add_to_last(&mut self, text: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.push_str(text);
        }
    }

    /// What is sent along: the classes asked for, and anything at all for other fields that must be there.
    fn fields(&self, step: &Played, skips_required: bool) -> BTreeMap<FieldKey, Value> {
        let node = &self.workflow.nodes[usize::from(step.node)];
        let stored = |key: &FieldKey| {
            let ticket = self.world.tickets.first().map(|one| &one.ticket);
            ticket
                .and_then(|ticket| ticket.value_of(key, &self.workflow.form))
                .filter(|value| !value.is_empty())
        };
        let mut sent = BTreeMap::new();
        for (idx, class) in &step.classes {
            let field = &self.game.fields[*idx];
            if field.is_automatic || (*class == EMPTY && (field.is_title || stored(&field.key).is_none())) {
                continue;
            }
            if let Some(value) = field.values.get(*class) {
                let value = self.named_by_field(*idx, *class).unwrap_or_else(|| value.clone());
                sent.insert(field.key.clone(), value);
            }
        }
        for component in self.workflow.form.components() {
            let key = &component.key;
            let is_required = self.workflow.form.permission_at(node, key) == FieldPermission::Required;
            if is_required
                && !skips_required
                && !sent.contains_key(key)
                && stored(key).is_none()
                && let Ok(Some(value)) = self.game.filling(component)
            {
                sent.insert(key.clone(), value);
            }
        }
        sent
    }

    /// The doer, where a field is to name somebody for one of their nodes.
    fn named_by_field(&self, field: usize, class: usize) -> Option<Value> {
        let doer = self.doer?;
        let holders = &self.game.fields[field].gives_holder;
        let is_theirs = doer.nodes.iter().any(|node| {
            let node = self.workflow.graph.node_idx.get(*node);
            node.and_then(|node| holders.get(node))
                .is_some_and(|classes| classes >> class & 1 == 1)
        });
        is_theirs.then(|| Value::Text(doer.person.as_str().to_owned()))
    }

    fn create(&mut self, edge: &loonflow_engine::workflow::Edge, fields: BTreeMap<FieldKey, Value>) -> bool {
        let creator = self.game.creator.clone();
        self.lines.push(format!(
            "{} creates a ticket{}, and takes {}",
            self.person(&creator),
            with(&fields),
            names::edge(&edge.id, Some(self.workflow))
        ));
        self.acted.insert((creator.clone(), edge.source.clone()));
        self.steps.push(CaseStep::Create {
            workflow: self.workflow.workflow_id.clone(),
            creator: creator.clone(),
            action_id: Some(edge.id.clone()),
            fields: in_json(&fields),
            comment: None,
            cc: Vec::new(),
        });
        let command = Engine::Create(Create {
            via: None,
            ticket_id: self.world.next_ticket_id(),
            by: creator,
            app: "loonflow".into(),
            take: Some(edge.id.clone()),
            fields,
            comment: None,
            cc: Vec::new(),
            parent: None,
        });
        self.carry_out(None, &command)
    }

    fn carry_out(&mut self, ticket: Option<usize>, command: &Engine) -> bool {
        let workflow = self.workflow.clone();
        match self.world.carry_out(ticket, &workflow, command) {
            Ok(_) => true,
            Err(refusal) => {
                let sentence = names::in_sentence(&refusal.to_string(), self.workflow);
                self.add_to_last(&format!(": refused, {sentence}"));
                false
            }
        }
    }

    /// Lets a timer fire or a hook answer.
    fn by_itself(&mut self, step: &Played) -> bool {
        let node = &self.workflow.nodes[usize::from(step.node)].id;
        let Some(ticket) = self.world.tickets.first().map(|one| &one.ticket) else {
            return false;
        };
        let waits = |rest: &EngineRest| matches!(rest, EngineRest::Timer { .. } | EngineRest::Hook { .. });
        let Some(token) = ticket
            .tokens
            .iter()
            .find(|one| one.node == *node && waits(&one.rest))
            .cloned()
        else {
            return false;
        };
        let command = match &token.rest {
            EngineRest::Hook { attempt, .. } => {
                self.lines.push(format!("the hook of {} answers", self.node_name(node)));
                self.steps.push(CaseStep::ReportHook {
                    ticket: 0,
                    token: token.id.0,
                    attempt: *attempt,
                    failed: None,
                });
                Engine::ReportHook {
                    token: token.id,
                    attempt: *attempt,
                    outcome: HookOutcome::Succeeded,
                }
            }
            EngineRest::Timer { due } => {
                let ms = (due.0 - self.world.now.0).max(0);
                self.world.pass(ms);
                self.lines.push(format!("the timer of {} fires", self.node_name(node)));
                self.steps.push(CaseStep::Pass { ms });
                self.steps.push(CaseStep::FireTimer {
                    ticket: 0,
                    token: token.id.0,
                });
                Engine::FireTimer { token: token.id }
            }
            EngineRest::Moving
            | EngineRest::Joining
            | EngineRest::Unassigned
            | EngineRest::Held { .. }
            | EngineRest::Offered { .. }
            | EngineRest::Shared { .. }
            | EngineRest::Voting(_)
            | EngineRest::Ended => return false,
        };
        self.carry_out(Some(0), &command)
    }

    /// Lets whoever is assigned act: one, after accepting where that is needed, or everybody who has a share.
    fn handle(
        &mut self,
        step: &Played,
        edge: &loonflow_engine::workflow::Edge,
        node: &NodeId,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> bool {
        let Some(ticket) = self.world.tickets.first().map(|one| &one.ticket) else {
            return false;
        };
        let acts = |rest: &EngineRest| !rest.waiting_for().is_empty();
        let Some(token) = ticket
            .tokens
            .iter()
            .find(|one| one.node == *node && acts(&one.rest))
            .cloned()
        else {
            return false;
        };
        let mut people = token.rest.waiting_for();
        // Whoever is to act at both nodes goes first wherever they can.
        if let Some(place) = self
            .doer
            .and_then(|doer| people.iter().position(|one| one == doer.person))
        {
            people[..=place].rotate_right(1);
        }
        let is_vote = step.is_vote;
        match &token.rest {
            EngineRest::Offered { .. } => {
                people.truncate(1);
                if !people
                    .first()
                    .is_some_and(|person| self.act(person.clone(), node, Action::Accept, BTreeMap::new()))
                {
                    return false;
                }
            }
            EngineRest::Voting(_) if !is_vote => return self.vote(&token, edge, node, fields),
            EngineRest::Voting(_)
            | EngineRest::Shared { .. }
            | EngineRest::Held { .. }
            | EngineRest::Moving
            | EngineRest::Joining
            | EngineRest::Unassigned
            | EngineRest::Timer { .. }
            | EngineRest::Hook { .. }
            | EngineRest::Ended => people.truncate(1),
        }
        let Some(kind) = ActionKind::of_edge(edge) else {
            return false;
        };
        let action = Action::of(kind, edge.id.as_str(), None, None);
        people
            .into_iter()
            .all(|person| self.act(person, node, action.clone(), fields.clone()))
    }

    /// Lets one after the other vote for an edge until that decides it.
    fn vote(
        &mut self,
        token: &loonflow_engine::ticket::Token,
        edge: &loonflow_engine::workflow::Edge,
        node: &NodeId,
        fields: &BTreeMap<FieldKey, Value>,
    ) -> bool {
        let Some(kind) = ActionKind::of_edge(edge) else {
            return false;
        };
        let mut rest = token.rest.clone();
        loop {
            let people = rest.waiting_for();
            let doer = self.doer.map(|doer| doer.person);
            let first = people.iter().find(|one| Some(*one) == doer).or(people.first()).cloned();
            let action = Action::of(kind, edge.id.as_str(), None, None);
            if !first.is_some_and(|person| self.act(person, node, action, fields.clone())) {
                return false;
            }
            let ticket = self.world.tickets.first().map(|one| &one.ticket);
            let after = ticket.and_then(|ticket| ticket.token(token.id));
            match after {
                Some(after) if after.node == *node && is_same_vote(&rest, &after.rest) => {
                    rest = after.rest.clone();
                    self.add_to_last(": others still have to");
                }
                Some(_) | None => return true,
            }
        }
    }

    fn act(&mut self, operator: UserId, node: &NodeId, action: Action, fields: BTreeMap<FieldKey, Value>) -> bool {
        let at = format!(" at {}", self.node_name(node));
        let what = match action.edge() {
            Some(edge) => format!("takes {}", names::edge(edge, Some(self.workflow))),
            None => format!("does `{}`", action.id()),
        };
        self.lines
            .push(format!("{} {what}{at}{}", self.person(&operator), with(&fields)));
        if action.edge().is_some() {
            self.acted.insert((operator.clone(), node.clone()));
        }
        let command = Engine::Act(Act {
            closes_children: false,
            at: Some(node.clone()),
            fields,
            ..Act::new(operator, action)
        });
        self.steps
            .extend(CaseStep::from_command(Some(0), &self.workflow.workflow_id, &command));
        self.carry_out(Some(0), &command)
    }
}

/// Whether a vote is one before, with a vote more.
fn is_same_vote(before: &EngineRest, after: &EngineRest) -> bool {
    let n_cast = |rest: &EngineRest| match rest {
        EngineRest::Voting(ballot) => ballot.shares.iter().filter(|share| !share.is_open()).count(),
        EngineRest::Moving
        | EngineRest::Joining
        | EngineRest::Unassigned
        | EngineRest::Held { .. }
        | EngineRest::Offered { .. }
        | EngineRest::Shared { .. }
        | EngineRest::Timer { .. }
        | EngineRest::Hook { .. }
        | EngineRest::Ended => 0,
    };
    n_cast(after) > n_cast(before)
}

fn in_json(fields: &BTreeMap<FieldKey, Value>) -> Fields {
    let fields = fields.iter();
    fields.map(|(key, value)| (key.clone(), Json::from(value))).collect()
}

/// ` with a = 1, b = "x"`; nothing where there is nothing.
fn with(fields: &BTreeMap<FieldKey, Value>) -> String {
    if fields.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key} = {}", Json::from(value)))
        .collect();
    format!(" with {}", shown.join(", "))
}
