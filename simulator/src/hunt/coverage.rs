//! What a run has reached: nodes, edges, conditions both ways, actions, refusals, and who did what with which field
//! where. Counts only; runs are added up.
//!
//! Not here: goals of a run (`goals`), how it is told (`coverage::report`).

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{EdgeId, FieldKey, NodeId, UserId, VersionName, WorkflowId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{Command, Event, Step, Ticket};
use loonflow_engine::workflow::WorkflowVersion;

use crate::world::World;

pub mod report;

/// Cells of one version's matrix that are counted at most: 40 users on 60 nodes with 60 fields are two million.
/// Beyond, the matrix is left out and said to be.
const MATRIX_CELLS_MAX: usize = 4_000_000;
const N_KINDS: usize = ActionKind::ALL.len();

/// What was reached in one version of a workflow.
#[derive(Clone, Debug)]
pub struct VersionCoverage {
    /// The version.
    pub version: Arc<WorkflowVersion>,
    /// Entries into each node.
    pub nodes: Vec<u64>,
    /// Times each edge was taken.
    pub edges: Vec<u64>,
    /// Of each edge's conditions, one after the other: times it did not hold, times it did.
    pub conditions: Vec<Vec<[u64; 2]>>,
    /// Tried, done by cell; empty where there are too many cells.
    matrix: Vec<[u32; 2]>,
    users: Vec<UserId>,
    fields: BTreeMap<FieldKey, usize>,
}

impl VersionCoverage {
    fn new(version: &Arc<WorkflowVersion>, world: &World) -> Self {
        let users: Vec<UserId> = world.directory.users.keys().cloned().collect();
        let keys = version.form.components().map(|component| component.key.clone());
        let fields: BTreeMap<FieldKey, usize> = keys.zip(1..).collect();
        // One more user stands for everybody who is not in the directory, one more field for a request without any.
        let n_cells = (users.len() + 1) * version.nodes.len() * (fields.len() + 1) * N_KINDS;
        Self {
            version: Arc::clone(version),
            nodes: vec![0; version.nodes.len()],
            edges: vec![0; version.edges.len()],
            conditions: version
                .edges
                .iter()
                .map(|edge| vec![[0; 2]; edge.conditions.iter().count()])
                .collect(),
            matrix: vec![[0; 2]; if n_cells <= MATRIX_CELLS_MAX { n_cells } else { 0 }],
            users,
            fields,
        }
    }

    /// Cells of the user × node × field × action matrix: all, tried, done. `None` where there are too many to count.
    #[must_use]
    pub fn matrix(&self) -> Option<[usize; 3]> {
        (!self.matrix.is_empty()).then(|| {
            let tried = self.matrix.iter().filter(|[tried, _]| *tried > 0).count();
            let done = self.matrix.iter().filter(|[_, done]| *done > 0).count();
            [self.matrix.len(), tried, done]
        })
    }

    /// How often a user tried an action at a node with a field among those sent (`None`: with no field), and how often
    /// it was done.
    #[must_use]
    pub fn cell(&self, user: &UserId, node: &NodeId, field: Option<&FieldKey>, kind: ActionKind) -> [u32; 2] {
        let Some(node) = self.version.graph.node_idx.get(node) else {
            return [0; 2];
        };
        let field = field.map_or(Some(0), |key| self.fields.get(key).copied());
        let place = field.map(|field| self.place(self.user(user), *node, field, kind));
        place
            .and_then(|place| self.matrix.get(place).copied())
            .unwrap_or_default()
    }

    fn user(&self, user: &UserId) -> usize {
        self.users.binary_search(user).unwrap_or(self.users.len())
    }

    fn place(&self, user: usize, node: usize, field: usize, kind: ActionKind) -> usize {
        ((user * self.nodes.len() + node) * (self.fields.len() + 1) + field) * N_KINDS + kind as usize
    }

    fn count(
        &mut self,
        user: &UserId,
        node: usize,
        fields: impl Iterator<Item = FieldKey>,
        kind: ActionKind,
        done: bool,
    ) {
        if self.matrix.is_empty() {
            return;
        }
        let user = self.user(user);
        let add = |this: &mut Self, field: usize| {
            let place = this.place(user, node, field, kind);
            let cell = &mut this.matrix[place];
            cell[0] = cell[0].saturating_add(1);
            cell[1] = cell[1].saturating_add(u32::from(done));
        };
        let mut is_bare = true;
        for key in fields {
            if let Some(field) = self.fields.get(&key).copied() {
                is_bare = false;
                add(self, field);
            }
        }
        if is_bare {
            add(self, 0);
        }
    }

    fn add(&mut self, other: &Self) {
        let pairs = self
            .nodes
            .iter_mut()
            .zip(&other.nodes)
            .chain(self.edges.iter_mut().zip(&other.edges));
        pairs.for_each(|(own, other)| *own += other);
        for (own, other) in self
            .conditions
            .iter_mut()
            .flatten()
            .zip(other.conditions.iter().flatten())
        {
            *own = [own[0] + other[0], own[1] + other[1]];
        }
        if self.matrix.len() == other.matrix.len() {
            for (own, other) in self.matrix.iter_mut().zip(&other.matrix) {
                *own = [own[0].saturating_add(other[0]), own[1].saturating_add(other[1])];
            }
        }
    }

    fn edge(&mut self, id: &EdgeId) {
        if let Some(idx) = self.version.graph.edge_idx.get(id) {
            self.edges[*idx] += 1;
        }
    }

    fn node(&mut self, id: &NodeId) {
        if let Some(idx) = self.version.graph.node_idx.get(id) {
            self.nodes[*idx] += 1;
        }
    }
}

/// What one or several runs have reached.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// What was reached in versions that are no longer in `versions`, without names.
    pub condensed: report::Summary,
    /// By version.
    pub versions: BTreeMap<(WorkflowId, VersionName), VersionCoverage>,
    /// Of each kind of action: refused, done.
    pub actions: [[u64; 2]; N_KINDS],
    /// Refusals by code.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Requests of people: all, refused ones.
    pub requests: [u64; 2],
    /// Steps that people did not ask for: timers, hooks, reviews, migrations; all, refused ones.
    pub engine_steps: [u64; 2],
    /// Publishings, changes of the directory, passages of time.
    pub world_steps: u64,
}

impl Coverage {
    /// Notes what became of a request.
    pub fn request(
        &mut self,
        world: &World,
        workflow: &Arc<WorkflowVersion>,
        ticket: Option<&Ticket>,
        command: &Command,
        refused: Option<&'static str>,
    ) {
        if let Some(code) = refused {
            *self.refusals.entry(code).or_default() += 1;
        }
        let is_refused = u64::from(refused.is_some());
        let (user, kind, asked, fields) = match command {
            Command::Create(create) => {
                let edge = create.take.as_ref().and_then(|edge| workflow.edge(edge));
                let kind = edge.and_then(ActionKind::of_edge).unwrap_or(ActionKind::Agree);
                (&create.by, kind, None, &create.fields)
            }
            Command::Act(act) => (&act.by, act.action.kind(workflow), act.at.as_ref(), &act.fields),
            Command::FireTimer { .. }
            | Command::ReachDeadline { .. }
            | Command::ReviewDeadlines { .. }
            | Command::ReportHook { .. }
            | Command::CloseEffect { .. }
            | Command::OpenChild(_)
            | Command::EndChild { .. }
            | Command::EraseFile { .. }
            | Command::Migrate { .. }
            | Command::ReviewHolders
            | Command::HandOver { .. } => {
                self.engine_steps[0] += 1;
                self.engine_steps[1] += is_refused;
                return;
            }
        };
        self.requests[0] += 1;
        self.requests[1] += is_refused;
        self.actions[kind as usize][usize::from(refused.is_none())] += 1;
        // Where no node was named, the oldest token's stands for it.
        let node = asked.or_else(|| ticket.and_then(|ticket| ticket.tokens.first()).map(|token| &token.node));
        let node = node.unwrap_or(&workflow.start().id);
        if let Some(node) = workflow.graph.node_idx.get(node).copied() {
            let of_version = self.of(world, workflow);
            of_version.count(user, node, fields.keys().cloned(), kind, refused.is_none());
        }
    }

    /// Notes where tokens went.
    pub fn events(&mut self, world: &World, workflow: &Arc<WorkflowVersion>, after: &Ticket, events: &[Event]) {
        let of_version = self.of(world, workflow);
        for event in events {
            match event.step() {
                Some(Step::Edge { edge, from, to, .. }) => {
                    of_version.edge(edge);
                    of_version.node(to);
                    of_version.gateway(from, after, &world.directory);
                }
                Some(Step::Forked { fork, branches, .. }) => {
                    for branch in branches {
                        of_version.edge(&branch.edge);
                        of_version.node(&branch.to);
                    }
                    of_version.gateway(&fork.split, after, &world.directory);
                }
                Some(Step::Created(created)) => of_version.node(&created.start),
                Some(Step::Replaced { node, .. }) => of_version.node(node),
                Some(Step::Returned { to, .. }) => of_version.node(to),
                Some(Step::Undone(_)) => {}
                Some(Step::Joined { .. } | Step::ForkLeft { .. } | Step::Migrated { .. } | Step::Discarded) | None => {}
            }
        }
    }

    /// Keeps counts alone of what was reached in all versions but those given: random definitions, and those published
    /// in a run, have names that mean nothing, and their number has no bound.
    pub fn condense(&mut self, kept: &[Arc<WorkflowVersion>]) {
        let is_kept = |version: &VersionCoverage| kept.iter().any(|one| Arc::ptr_eq(one, &version.version));
        for version in self.versions.values().filter(|version| !is_kept(version)) {
            let mut summary = report::Summary::of(version);
            summary.forget_names();
            self.condensed.add(summary);
        }
        self.versions.retain(|_, version| is_kept(version));
    }

    /// Adds what another run has reached.
    pub fn add(&mut self, other: &Self) {
        self.condensed.add(other.condensed.clone());
        for (name, version) in &other.versions {
            match self.versions.get_mut(name) {
                Some(own) => own.add(version),
                None => {
                    self.versions.insert(name.clone(), version.clone());
                }
            }
        }
        for (own, other) in self.actions.iter_mut().zip(&other.actions) {
            *own = [own[0] + other[0], own[1] + other[1]];
        }
        for (code, n) in &other.refusals {
            *self.refusals.entry(code).or_default() += n;
        }
        self.requests = [
            self.requests[0] + other.requests[0],
            self.requests[1] + other.requests[1],
        ];
        let (own, other_steps) = (self.engine_steps, other.engine_steps);
        self.engine_steps = [own[0] + other_steps[0], own[1] + other_steps[1]];
        self.world_steps += other.world_steps;
    }

    fn of(&mut self, world: &World, workflow: &Arc<WorkflowVersion>) -> &mut VersionCoverage {
        let key = (workflow.workflow_id.clone(), workflow.version_name.clone());
        let new = || VersionCoverage::new(workflow, world);
        self.versions.entry(key).or_insert_with(new)
    }
}

impl VersionCoverage {
    /// Asks every condition of a gateway that was passed; values are those at the end of the step.
    fn gateway(&mut self, id: &NodeId, after: &Ticket, directory: &Directory) {
        let version = Arc::clone(&self.version);
        let Some(idx) = version.graph.node_idx.get(id).copied() else {
            return;
        };
        if !version.nodes[idx].kind.is_choice() {
            return;
        }
        for edge in &version.graph.ways_out[idx] {
            for (place, condition) in version.edges[*edge].conditions.iter().enumerate() {
                let holds = condition.holds(&version.form, directory.zone(), &|key| {
                    after.value_of(key, &version.form)
                });
                self.conditions[*edge][place][usize::from(holds)] += 1;
            }
        }
    }
}
