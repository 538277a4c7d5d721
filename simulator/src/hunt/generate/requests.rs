//! What people, clocks and outside systems do next in a world: one concrete step after the other, from a tape.
//!
//! Most requests are made by someone who may, from where the tokens are; the rest by whoever comes along, with
//! whatever arguments. Besides: time, timers, hooks, new versions, migrations, people who leave and come back.
//! Guided: values are drawn from what the definition's conditions compare with and from what lies beside it.
//!
//! Not here: random definitions (`definitions`), how a step is carried out and checked (`watch`).

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::{EdgeId, UserId, VersionName, WorkflowId};
use loonflow_engine::ticket::substitute::has_place;
use loonflow_engine::ticket::{ActState, ActionKind, Rest, Ticket, Token};
use loonflow_engine::workflow::{Node, Returns, WorkflowVersion};
use serde_json::{Value as Json, json};

use crate::hunt::generate::definitions::{Names, calendars, mutated};
use crate::hunt::generate::values::Values;
use crate::world::World;
use crate::world::case::{CaseStep, Fields};
use crate::world::tape::Tape;

mod single;

use single::{
    active_user, any_edge, any_node, any_related, any_ticket, any_user, back, bare, change_dept, change_person,
    comment, force, forcer, left_by_somebody, migrate, on, pass,
};

/// Tickets that are looked at besides now and then an older one: few, so that steps meet.
const RECENT: usize = 4;
/// Tickets of a world at most: a world with more would say nothing new.
const TICKETS_MAX: usize = 64;

/// Kinds of steps that a run may leave out: runs without some find what runs with all of them drown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// Whether definitions are published again, changed.
    pub publishes: bool,
    /// Whether the directory changes.
    pub directory_changes: bool,
    /// Whether force is used.
    pub forces: bool,
    /// Of 16 requests, how many are put together without a look at the ticket.
    pub malformed: usize,
}

impl Habits {
    /// Drawn for one run.
    #[must_use]
    pub fn drawn(tape: &mut Tape) -> Self {
        Self {
            publishes: tape.next(4) != 3,
            directory_changes: tape.next(3) != 2,
            forces: tape.next(4) != 3,
            malformed: 2 + tape.next(3),
        }
    }
}

/// People of one world.
#[derive(Clone, Debug)]
pub struct People {
    habits: Habits,
    /// Whom new versions can name.
    names: Names,
    /// Directories that the world changes between: the first is the one it began with.
    directories: Vec<Arc<Json>>,
    directory_now: usize,
    values: BTreeMap<WorkflowId, BTreeMap<VersionName, Arc<Values>>>,
    /// Counts texts, so that each is written once.
    n_texts: u64,
    n_published: u64,
}

impl People {
    /// People of a directory, as its file has it.
    #[must_use]
    pub fn new(directory: &Json, habits: Habits) -> Self {
        Self {
            habits,
            names: Names::of(directory),
            directories: vec![Arc::new(directory.clone())],
            directory_now: 0,
            values: BTreeMap::new(),
            n_texts: 0,
            n_published: 0,
        }
    }

    /// The next step.
    pub fn next(&mut self, world: &World, tape: &mut Tape) -> CaseStep {
        match tape.next(1024) {
            1022..=1023 if self.habits.publishes => {
                if let Some(step) = self.publish(world, tape) {
                    return step;
                }
            }
            1017..=1021 if self.habits.directory_changes => return self.change_directory(world, tape),
            1001..=1016 if self.habits.publishes => {
                if let Some(step) = migrate(world, tape) {
                    return step;
                }
            }
            981..=1000 => {
                if let Some(ticket) = any_ticket(world, tape) {
                    return CaseStep::ReviewHolders { ticket };
                }
            }
            939..=980 => return pass(world, tape),
            _ => {}
        }
        if let Some((ticket, user)) = held_by_somebody_absent(world, tape)
            && tape.chance(1, 12)
        {
            return CaseStep::HandOver { ticket, user };
        }
        if let Some(ticket) = left_by_somebody(world)
            && tape.chance(1, 8)
        {
            return CaseStep::ReviewHolders { ticket };
        }
        let n_open = world
            .tickets
            .iter()
            .rev()
            .take(RECENT)
            .filter(|one| !one.ticket.is_final())
            .count();
        let is_room = world.tickets.len() < TICKETS_MAX;
        if world.tickets.is_empty() || (is_room && (n_open == 0 || (n_open < RECENT && tape.chance(1, 24)))) {
            return self.create(world, tape);
        }
        let Some(ticket) = any_ticket(world, tape) else {
            return self.create(world, tape);
        };
        let Some(workflow) = world.workflow_of(&world.tickets[ticket].ticket) else {
            return CaseStep::ReviewHolders { ticket };
        };
        let workflow = Arc::clone(workflow);
        match tape.next(16) {
            n if n < self.habits.malformed => self.malformed(world, ticket, &workflow, tape),
            _ => self.sensible(world, ticket, &workflow, tape),
        }
    }

    fn values(&mut self, workflow: &Arc<WorkflowVersion>) -> Arc<Values> {
        let of_workflow = self.values.get(&workflow.workflow_id);
        if let Some(values) = of_workflow.and_then(|versions| versions.get(&workflow.version_name)) {
            return Arc::clone(values);
        }
        let values = Arc::new(Values::of(workflow));
        let of_workflow = self.values.entry(workflow.workflow_id.clone()).or_default();
        of_workflow.insert(workflow.version_name.clone(), Arc::clone(&values));
        values
    }

    fn fields(
        &mut self,
        world: &World,
        ticket: Option<&Ticket>,
        workflow: &Arc<WorkflowVersion>,
        node: &Node,
        tape: &mut Tape,
    ) -> Fields {
        let values = self.values(workflow);
        values.filled(world, ticket, node, tape, &mut self.n_texts)
    }

    fn create(&mut self, world: &World, tape: &mut Tape) -> CaseStep {
        let workflows: Vec<&Arc<WorkflowVersion>> = world.workflows.values().collect();
        let Some(workflow) = tape.pick(&workflows).map(|one| Arc::clone(one)) else {
            return CaseStep::Pass { ms: 1 };
        };
        let edges: Vec<&EdgeId> = workflow.ways_out(&workflow.start().id).map(|edge| &edge.id).collect();
        let action_id = if tape.chance(1, 6) {
            None
        } else if tape.chance(1, 24) {
            Some(any_edge(&workflow, tape))
        } else {
            tape.pick(&edges).map(|edge| EdgeId::clone(edge))
        };
        CaseStep::Create {
            workflow: workflow.workflow_id.clone(),
            creator: active_user(world, tape),
            action_id,
            fields: self.fields(world, None, &workflow, workflow.start(), tape),
            comment: tape.chance(1, 4).then(|| "first".to_owned()),
            cc: if tape.chance(1, 8) {
                vec![any_user(world, tape)]
            } else {
                Vec::new()
            },
        }
    }

    /// Someone who may does what it may; values and arguments are mostly right.
    fn sensible(&mut self, world: &World, idx: usize, workflow: &Arc<WorkflowVersion>, tape: &mut Tape) -> CaseStep {
        let ticket = &world.tickets[idx].ticket;
        let roll = tape.next(32);
        if roll == 31 {
            return bare(idx, &ticket.creator, ActionKind::Withdraw);
        }
        if roll == 30 && ticket.act_state == ActState::InDraft {
            return bare(idx, &ticket.creator, ActionKind::Discard);
        }
        if roll >= 28 && self.habits.forces {
            return force(world, idx, workflow, tape);
        }
        if roll == 27 {
            return comment(idx, &any_related(ticket, tape), ticket.tokens.first(), tape);
        }
        let alarms: Vec<_> = ticket.effects.iter().filter_map(|(_, open)| open.work.step()).collect();
        if !alarms.is_empty() && tape.chance(1, 4) {
            // Mostly the one that is due first.
            let first = alarms.iter().min_by_key(|(_, _, due)| *due);
            let picked = if tape.chance(1, 4) { tape.pick(&alarms) } else { first };
            if let Some((token, step, _)) = picked {
                return CaseStep::ReachDeadline {
                    ticket: idx,
                    token: token.0,
                    step: *step,
                };
            }
        }
        if let (Some(undoable), true) = (&ticket.undoable, tape.chance(1, 3)) {
            return bare(idx, &undoable.by, ActionKind::Undo);
        }
        let Some(token) = tape.pick(&ticket.tokens) else {
            return comment(idx, &ticket.creator, None, tape);
        };
        if self.habits.forces && tape.chance(1, 24) {
            return back(idx, &forcer(world, workflow, tape), token, workflow, tape);
        }
        match &token.rest {
            Rest::Held {
                consult: Some(consult), ..
            } if tape.chance(1, 4) => on(idx, &consult.by, ActionKind::TakeBack, token),
            Rest::Held {
                consult: Some(consult), ..
            } => on(idx, &consult.to, ActionKind::ConsultSubmit, token),
            Rest::Held { holders, consult: None } => match tape.pick(holders) {
                Some(holder) if !token.candidates.is_empty() && tape.chance(1, 4) => {
                    on(idx, holder, ActionKind::GiveBack, token)
                }
                Some(holder) => {
                    let holder = holder.clone();
                    self.held(world, idx, workflow, token, &holder, tape)
                }
                None => comment(idx, &ticket.creator, Some(token), tape),
            },
            Rest::Offered { candidates } => match tape.pick(candidates) {
                Some(user) => on(idx, user, ActionKind::Accept, token),
                None => comment(idx, &ticket.creator, Some(token), tape),
            },
            Rest::Voting(ballot) => {
                // Mostly somebody whose turn it is.
                let turns: Vec<_> = ballot.actionable().collect();
                let anyone: Vec<_> = ballot.shares.iter().collect();
                let shares = if tape.chance(1, 12) { &anyone } else { &turns };
                let voted = anyone.iter().filter(|share| share.vote().is_some());
                let voted: Vec<_> = voted.collect();
                if let (Some(share), true) = (tape.pick(&voted), tape.chance(1, 6)) {
                    return on(idx, &share.holder, ActionKind::Undo, token);
                }
                if ticket.signers.n_added(token.id) > 0 && tape.chance(1, 4) {
                    let holder = tape.pick(&anyone).map_or(&ticket.creator, |share| &share.holder);
                    return on(idx, holder, ActionKind::TakeBack, token);
                }
                match tape.pick(shares) {
                    Some(share) if share.consulted.is_some() && tape.chance(1, 4) => {
                        on(idx, &share.holder, ActionKind::TakeBack, token)
                    }
                    Some(share) => match &share.consulted {
                        Some(asked) => on(idx, asked, ActionKind::ConsultSubmit, token),
                        None if tape.chance(1, 6) => on(idx, &share.holder, ActionKind::Abstain, token),
                        None => {
                            let holder = share.holder.clone();
                            self.held(world, idx, workflow, token, &holder, tape)
                        }
                    },
                    None => comment(idx, &ticket.creator, Some(token), tape),
                }
            }
            Rest::Timer { .. } => {
                if self.habits.forces && tape.chance(1, 8) {
                    return on(idx, &forcer(world, workflow, tape), ActionKind::Skip, token);
                }
                CaseStep::FireTimer {
                    ticket: idx,
                    token: token.id.0,
                }
            }
            Rest::Hook { attempt, failed } => {
                if self.habits.forces && tape.chance(1, 16) {
                    return on(idx, &forcer(world, workflow, tape), ActionKind::Skip, token);
                }
                if failed.is_some() && self.habits.forces && tape.next(3) != 0 {
                    return on(idx, &forcer(world, workflow, tape), ActionKind::RetryHook, token);
                }
                CaseStep::ReportHook {
                    ticket: idx,
                    token: token.id.0,
                    attempt: attempt + u32::from(tape.chance(1, 8)),
                    failed: tape.chance(1, 3).then(|| "no answer".to_owned()),
                }
            }
            Rest::Unassigned => force(world, idx, workflow, tape),
            Rest::Joining | Rest::Moving | Rest::Shared { .. } | Rest::Ended => {
                comment(idx, &any_related(ticket, tape), Some(token), tape)
            }
        }
    }

    /// What a holder does: mostly takes an edge.
    fn held(
        &mut self,
        world: &World,
        idx: usize,
        workflow: &Arc<WorkflowVersion>,
        token: &Token,
        holder: &UserId,
        tape: &mut Tape,
    ) -> CaseStep {
        let is_returned = node_returns(workflow, token);
        if is_returned && tape.chance(1, 4) {
            return back(idx, holder, token, workflow, tape);
        }
        let roll = tape.next(12);
        let node = workflow.node(&token.node).and_then(|node| node.kind.as_normal());
        let adds = node.is_some_and(|props| props.allow_add_signer) && tape.chance(1, 6);
        if roll >= 10 || adds {
            let kind = match roll {
                _ if adds => ActionKind::AddSigner,
                10 => ActionKind::Forward,
                _ => ActionKind::Consult,
            };
            let mut step = on(idx, holder, kind, token);
            if let CaseStep::Handle { target_assignee_id, .. } = &mut step {
                *target_assignee_id = Some(active_user(world, tape));
            }
            return step;
        }
        let ways = workflow
            .ways_out(&token.node)
            .filter_map(|edge| Some((ActionKind::of_edge(edge)?, edge)));
        let ways: Vec<_> = ways.collect();
        let (Some((kind, edge)), Some(node)) = (tape.pick(&ways), workflow.node(&token.node)) else {
            return comment(idx, holder, Some(token), tape);
        };
        let is_alone = world.tickets[idx].ticket.tokens.len() == 1;
        CaseStep::Handle {
            ticket: idx,
            operator: holder.clone(),
            action_type: kind.word().to_owned(),
            action_id: edge.id.as_str().to_owned(),
            node_id: (!is_alone || tape.next(2) == 0).then(|| token.node.clone()),
            comment: tape.chance(1, 4).then(|| "so be it".to_owned()),
            target_assignee_id: None,
            target_node_id: None,
            resume: false,
            fields: self.fields(world, Some(&world.tickets[idx].ticket), workflow, node, tape),
        }
    }

    /// A request put together without a look at the ticket, or a sensible one by somebody else.
    fn malformed(&mut self, world: &World, idx: usize, workflow: &Arc<WorkflowVersion>, tape: &mut Tape) -> CaseStep {
        if tape.next(3) == 0 {
            let mut step = self.sensible(world, idx, workflow, tape);
            match &mut step {
                CaseStep::Handle { operator, .. } => *operator = any_user(world, tape),
                CaseStep::ReachDeadline { step, .. } => *step += 1,
                CaseStep::FireTimer { token, .. } | CaseStep::ReportHook { token, .. } => *token += 1,
                CaseStep::Pass { .. }
                | CaseStep::Publish { .. }
                | CaseStep::Directory { .. }
                | CaseStep::Create { .. }
                | CaseStep::ReviewHolders { .. }
                | CaseStep::HandOver { .. }
                | CaseStep::Migrate { .. } => {}
            }
            return step;
        }
        let kind = ActionKind::ALL[tape.next(ActionKind::ALL.len())];
        let action_id = match tape.next(4) {
            0 => "no such thing".to_owned(),
            1 | 2 if !kind.is_edge() => kind.word().to_owned(),
            _ => any_edge(workflow, tape).as_str().to_owned(),
        };
        let fields = if tape.next(3) == 0 {
            self.fields(world, None, workflow, workflow.start(), tape)
        } else {
            BTreeMap::new()
        };
        CaseStep::Handle {
            ticket: idx,
            operator: any_user(world, tape),
            action_type: kind.word().to_owned(),
            action_id,
            node_id: tape.chance(1, 2).then(|| any_node(workflow, tape)),
            comment: tape.chance(1, 2).then(|| "?".to_owned()),
            target_assignee_id: tape.chance(1, 2).then(|| any_user(world, tape)),
            target_node_id: tape.chance(1, 2).then(|| any_node(workflow, tape)),
            resume: tape.chance(1, 4),
            fields,
        }
    }

    /// A changed definition of a workflow under a new version's name; now and then an unchanged one under its old name.
    fn publish(&mut self, world: &World, tape: &mut Tape) -> Option<CaseStep> {
        let workflows: Vec<&Arc<WorkflowVersion>> = world.workflows.values().collect();
        let workflow = tape.pick(&workflows)?;
        self.n_published += 1;
        let mut definition = Json::clone(&workflow.source);
        if tape.next(8) != 0 {
            definition["basic_info"]["id"] = workflow.workflow_id.as_str().into();
            definition = mutated(tape, &definition, &self.names, &world.directory);
            definition["basic_info"]["version"] = format!("fuzz-{}", self.n_published).into();
        }
        Some(CaseStep::Publish {
            definition: Arc::new(definition),
        })
    }

    /// Someone leaves, comes back, changes roles or departments, hours of work change, or everything is as it was at
    /// first.
    fn change_directory(&mut self, world: &World, tape: &mut Tape) -> CaseStep {
        if tape.next(4) == 0 {
            self.directory_now = 0;
            let directory = Arc::clone(&self.directories[0]);
            return CaseStep::Directory { directory };
        }
        let mut directory = Json::clone(&self.directories[self.directory_now]);
        let users = world.directory.users.len();
        if tape.chance(1, 3) {
            directory["absences"] = absences(world, tape);
        } else if tape.chance(1, 8) {
            change_dept(&mut directory, &self.names, tape);
        } else if tape.chance(1, 8) {
            directory["tenant"]["calendars"] = calendars(tape);
        } else if let Some(users) = directory["users"].as_array_mut().filter(|_| users > 0) {
            let idx = tape.next(users.len());
            change_person(&mut users[idx], &self.names, tape);
        }
        let known = self.directories.iter().position(|one| **one == directory);
        self.directory_now = known.unwrap_or_else(|| {
            self.directories.push(Arc::new(directory));
            self.directories.len() - 1
        });
        CaseStep::Directory {
            directory: Arc::clone(&self.directories[self.directory_now]),
        }
    }
}

/// Who is away about now, and who stands in; now and then in a circle, for one workflow alone, or not any more. One of a
/// person for all workflows, and perhaps one for some.
fn absences(world: &World, tape: &mut Tape) -> Json {
    const HOUR_MS: i64 = 3_600_000;
    let users: Vec<&UserId> = world.directory.users.keys().collect();
    let workflows: Vec<&WorkflowId> = world.workflows.keys().collect();
    let mut found = Vec::new();
    for user in &users {
        for is_for_all in [true, false] {
            if !tape.chance(1, 3) {
                continue;
            }
            let delegate = users[tape.next(users.len())];
            if delegate == *user {
                continue;
            }
            let from = world.now.0 - HOUR_MS * tape.next(48) as i64;
            let to = from + HOUR_MS * (1 + tape.next(24 * 20)) as i64;
            let named: Vec<&WorkflowId> = if is_for_all {
                Vec::new()
            } else {
                tape.pick(&workflows).into_iter().copied().collect()
            };
            if is_for_all || !named.is_empty() {
                found.push(json!({ "user": user, "delegate": delegate, "from": from, "to": to, "workflows": named }));
            }
        }
    }
    found.into()
}

/// A ticket with somebody who has a place there and is absent.
fn held_by_somebody_absent(world: &World, tape: &mut Tape) -> Option<(usize, UserId)> {
    let absent: Vec<&UserId> = world.directory.absences().map(|absence| &absence.user).collect();
    let user = (*tape.pick(&absent)?).clone();
    let is_theirs = |ticket: &Ticket| ticket.tokens.iter().any(|token| has_place(token, &user));
    let ticket = world.tickets.iter().rposition(|one| is_theirs(&one.ticket))?;
    Some((ticket, user))
}

/// Whether whoever acts at a token's node may send it back.
fn node_returns(workflow: &WorkflowVersion, token: &Token) -> bool {
    let node = workflow.node(&token.node).and_then(|node| node.kind.as_normal());
    node.is_some_and(|props| props.allow_return != Returns::Nowhere)
}
