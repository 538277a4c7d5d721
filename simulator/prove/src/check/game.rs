//! A definition made ready for exploring: nodes and edges by number, fields with their classes, who can act where for
//! one kind of creator, and which fields still matter from a node on.
//!
//! Not here: states and moves (`state`, `fire`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{NodeId, UserId};
use loonflow_engine::value::Value;
use loonflow_engine::view::example::example_value;
use loonflow_engine::workflow::{
    Approval, ApprovalRule, AssigneeRule, ComponentKind, EdgeKind, FieldPermission, NodeKind, Strategy, WorkflowVersion,
};

use super::assignees::{Assignees, CreatorKind};
use super::domain::{Domain, domains};
use super::state::{Rest, Token};
use super::values::{TooMany, candidates};

/// Fields that the way of a ticket may depend on: bits of a word.
const FIELDS_MAX: usize = 64;

/// What a node does with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Start,
    Normal,
    End,
    Exclusive,
    Parallel,
    Inclusive,
    /// A timer or a hook.
    Automatic,
}

/// Whether somebody can be assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holders {
    /// Always.
    Somebody,
    /// Never.
    Nobody,
    /// Where one of these fields is in one of these classes.
    ByFields(Vec<(u8, u64)>),
}

/// A split and its region.
#[derive(Clone, Debug)]
pub(crate) struct SplitInfo {
    pub(crate) merge: u16,
    pub(crate) region: Vec<bool>,
}

#[derive(Clone, Debug)]
pub(crate) struct NodeInfo {
    pub(crate) id: NodeId,
    pub(crate) kind: Kind,
    pub(crate) out: Vec<u16>,
    pub(crate) default: Option<u16>,
    pub(crate) split: Option<SplitInfo>,
    pub(crate) holders: Holders,
    /// Several people each have a share, so fields can change while the token stays.
    pub(crate) has_shares: bool,
    /// Where they have: whether a vote for, and one against, may leave the token where it is.
    pub(crate) votes_stay: (bool, bool),
    /// Whether the last handler is remembered, where that can make a difference: a bit of `State::marks`.
    pub(crate) remembers: Option<u8>,
    /// Fields that may be written here.
    pub(crate) writes: u64,
    /// Fields that must be there.
    pub(crate) requires: u64,
    /// Required fields that take no value at all.
    pub(crate) unfillable: Vec<String>,
    /// Fields that still matter to a token that rests here.
    pub(crate) live: u64,
    /// Fields that matter to one that is about to enter.
    pub(crate) entering: u64,
    /// Whether there are values with which no way out of this gateway opens, or nobody can be assigned at this node.
    pub(crate) may_refuse: bool,
    /// Automatic moves that may follow on entering, the entering itself included.
    pub(crate) n_moves: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct EdgeInfo {
    pub(crate) id: String,
    pub(crate) source: u16,
    pub(crate) target: u16,
    pub(crate) kind: EdgeKind,
    pub(crate) skips_required: bool,
    /// Whoever would have to take it cannot.
    pub(crate) is_blocked: bool,
    /// Fields its conditions look at, by number.
    pub(crate) reads: Vec<u8>,
    pub(crate) has_conditions: bool,
}

impl EdgeInfo {
    /// The same as bits.
    pub(crate) fn reads_bits(&self) -> u64 {
        self.reads.iter().fold(0, |bits, field| bits | 1 << field)
    }
}

/// A definition, ready for exploring.
#[derive(Clone, Debug)]
pub(crate) struct Game<'a> {
    pub(crate) workflow: &'a WorkflowVersion,
    pub(crate) directory: &'a Directory,
    pub(crate) creator: UserId,
    pub(crate) nodes: Vec<NodeInfo>,
    pub(crate) edges: Vec<EdgeInfo>,
    pub(crate) fields: Vec<Domain>,
    pub(crate) start: u16,
}

impl<'a> Game<'a> {
    /// Makes a definition ready, for one kind of creator.
    pub(crate) fn new(
        workflow: &'a WorkflowVersion,
        directory: &'a Directory,
        kind: &CreatorKind,
    ) -> Result<Self, TooMany> {
        let fields = domains(workflow, directory, &kind.example)?;
        if fields.len() > FIELDS_MAX {
            return Err(format!(
                "conditions look at {} fields, more than {FIELDS_MAX}: check the definition in parts, each with the \
                 conditions of one of them",
                fields.len()
            ));
        }
        let mut game = Self {
            workflow,
            directory,
            creator: kind.example.clone(),
            nodes: Vec::new(),
            edges: Vec::new(),
            fields,
            start: number(workflow.graph.start_idx),
        };
        game.edges = game.edge_infos();
        let mut n_remembered = 0;
        for idx in 0..workflow.nodes.len() {
            let node = game.node_info(idx, kind, &mut n_remembered)?;
            game.nodes.push(node);
        }
        game.find_live();
        game.find_firm();
        Ok(game)
    }

    /// Fields that matter to a token.
    pub(crate) fn live_for(&self, token: &Token) -> u64 {
        let node = &self.nodes[usize::from(token.node)];
        match (token.rest, self.way(token)) {
            (Rest::Deciding, Some(edge)) => {
                let edge = &self.edges[usize::from(edge)];
                edge.reads_bits() | self.nodes[usize::from(edge.target)].entering
            }
            (Rest::Deciding, None) => node.entering,
            (Rest::Moving | Rest::Waiting | Rest::Joining | Rest::Unassigned | Rest::Ended, _) => node.live,
        }
    }

    /// The one way out that a token waits to be decided.
    pub(crate) fn way(&self, token: &Token) -> Option<u16> {
        let place = usize::from(token.way).checked_sub(1)?;
        self.nodes[usize::from(token.node)].out.get(place).copied()
    }

    fn edge_infos(&self) -> Vec<EdgeInfo> {
        let node_idx = &self.workflow.graph.node_idx;
        let info = |edge: &loonflow_engine::workflow::Edge| EdgeInfo {
            id: edge.id.as_str().to_owned(),
            source: node_idx.get(&edge.source).map_or(0, |idx| number(*idx)),
            target: node_idx.get(&edge.target).map_or(0, |idx| number(*idx)),
            kind: edge.kind,
            skips_required: edge.skip_fields_required_check,
            is_blocked: false,
            reads: self
                .fields
                .iter()
                .enumerate()
                .filter(|(_, field)| edge.conditions.iter().any(|condition| condition.field == field.key))
                .filter_map(|(idx, _)| u8::try_from(idx).ok())
                .collect(),
            has_conditions: !edge.conditions.is_empty(),
        };
        self.workflow.edges.iter().map(info).collect()
    }

    fn node_info(&self, idx: usize, kind: &CreatorKind, n_remembered: &mut u8) -> Result<NodeInfo, TooMany> {
        let workflow = self.workflow;
        let node = &workflow.nodes[idx];
        let out: Vec<u16> = workflow.graph.ways_out[idx].iter().map(|edge| number(*edge)).collect();
        let default = node.kind.default_branch().and_then(|default| {
            let is_it = |edge: &u16| workflow.edges[usize::from(*edge)].id == *default;
            out.iter().copied().find(is_it)
        });
        let what = match node.kind {
            NodeKind::Start => Kind::Start,
            NodeKind::Normal(_) => Kind::Normal,
            NodeKind::End => Kind::End,
            NodeKind::Exclusive { .. } => Kind::Exclusive,
            NodeKind::Parallel => Kind::Parallel,
            NodeKind::Inclusive { .. } => Kind::Inclusive,
            NodeKind::Timer(_) | NodeKind::Hook(_) => Kind::Automatic,
        };
        let split = workflow.graph.splits.get(&node.id).map(|split| SplitInfo {
            merge: workflow.graph.node_idx.get(&split.merge).map_or(0, |idx| number(*idx)),
            region: workflow
                .nodes
                .iter()
                .map(|node| split.region.contains(&node.id))
                .collect(),
        });
        let mut info = NodeInfo {
            id: node.id.clone(),
            kind: what,
            out,
            default,
            split,
            holders: Holders::Somebody,
            has_shares: false,
            votes_stay: (false, false),
            remembers: None,
            writes: 0,
            requires: 0,
            unfillable: Vec::new(),
            live: 0,
            entering: 0,
            may_refuse: false,
            n_moves: 1,
        };
        if !node.kind.is_left_by_people() {
            return Ok(info);
        }
        for (field, domain) in self.fields.iter().enumerate() {
            let permission = workflow.form.permission_at(node, &domain.key);
            info.writes |= u64::from(permission.is_writable()) << field;
            info.requires |= u64::from(permission == FieldPermission::Required) << field;
        }
        for component in workflow.form.components() {
            let permission = workflow.form.permission_at(node, &component.key);
            if permission == FieldPermission::Required && !self.is_fillable(component)? {
                info.unfillable.push(component.key.as_str().to_owned());
            }
        }
        if let (NodeKind::Normal(props), Some(assignees)) = (&node.kind, &kind.assignees[idx]) {
            (info.holders, info.has_shares) = match assignees {
                Assignees::Fixed(users) if users.is_empty() => (Holders::Nobody, false),
                Assignees::Fixed(users) => (Holders::Somebody, props.strategy == Strategy::Whole && users.len() > 1),
                Assignees::FromParent => (Holders::Somebody, props.strategy == Strategy::Whole),
                Assignees::FromFields => {
                    let AssigneeRule::TicketField(keys) = &props.assignee else {
                        return Err(format!("node `{}` takes its assignees from nowhere", node.id));
                    };
                    let givers = self
                        .fields
                        .iter()
                        .enumerate()
                        .filter(|(_, field)| keys.contains(&field.key));
                    let by_field = |(number, field): (usize, &Domain)| {
                        Some((u8::try_from(number).ok()?, *field.gives_holder.get(&idx)?))
                    };
                    let shares = props.strategy == Strategy::Whole;
                    (Holders::ByFields(givers.filter_map(by_field).collect()), shares)
                }
            };
            let rule = props.approval.rule;
            if rule.n_people_min() > 1 && info.has_shares && !matches!(assignees, Assignees::Fixed(_)) {
                return Err(format!(
                    "node `{}` takes a number of votes, and how many people there are depends on fields",
                    node.id
                ));
            }
            if info.has_shares {
                info.votes_stay = votes_stay(props.approval, assignees);
            }
            // Nobody can have acted where nobody was ever assigned.
            if props.remember_last_assignee && matches!(info.holders, Holders::ByFields(_)) && *n_remembered < 32 {
                info.remembers = Some(*n_remembered);
                *n_remembered += 1;
            }
        }
        Ok(info)
    }

    /// Whether a field takes any value at all.
    fn is_fillable(&self, component: &loonflow_engine::workflow::Component) -> Result<bool, TooMany> {
        if component.kind == ComponentKind::Title {
            return Ok(true);
        }
        Ok(self.filling(component)?.is_some())
    }

    /// Some value that a field takes, the plainest.
    pub(crate) fn filling(&self, component: &loonflow_engine::workflow::Component) -> Result<Option<Value>, TooMany> {
        let example = Value::from(&example_value(component, self.directory, &self.creator));
        let mut all = std::iter::once(example).chain(candidates(component, &[], self.directory, &self.creator)?);
        let is_taken = |value: &Value| {
            !value.is_empty()
                && self
                    .workflow
                    .form
                    .check_value(&component.key, value, self.directory)
                    .is_ok()
        };
        Ok(all.find(is_taken))
    }

    /// Whether an edge's conditions hold where its fields are in these classes.
    pub(crate) fn holds(&self, edge: u16, class_of: &dyn Fn(u8) -> usize) -> bool {
        let value_of = |key: &loonflow_engine::id::FieldKey| {
            let field = self.fields.iter().position(|field| field.key == *key)?;
            let class = class_of(u8::try_from(field).ok()?);
            self.fields[field].values.get(class).map(Cow::Borrowed)
        };
        let conditions = &self.workflow.edges[usize::from(edge)].conditions;
        conditions.holds(&self.workflow.form, self.directory.zone(), &value_of)
    }

    /// Whether a gateway asks an edge's conditions: a default without any is taken only when nothing else fits.
    pub(crate) fn is_asked(&self, node: &NodeInfo, edge: u16) -> bool {
        node.default != Some(edge) || self.edges[usize::from(edge)].has_conditions
    }

    /// Fields a gateway looks at, all of its ways out together.
    pub(crate) fn reads_of_gateway(&self, node: &NodeInfo) -> u64 {
        let asked = node.out.iter().filter(|edge| self.is_asked(node, **edge));
        asked
            .flat_map(|edge| &self.edges[usize::from(*edge)].reads)
            .fold(0, |bits, field| bits | 1 << field)
    }

    /// Fields that decide who is assigned on entering a node.
    pub(crate) fn reads_on_entering(&self, node: &NodeInfo) -> u64 {
        match (&node.kind, &node.holders) {
            (Kind::Exclusive | Kind::Inclusive, _) => self.reads_of_gateway(node),
            (_, Holders::ByFields(fields)) => fields.iter().fold(0, |bits, (field, _)| bits | 1 << field),
            (_, Holders::Somebody | Holders::Nobody) => 0,
        }
    }

    /// What writing at a node puts an end to: everything but the title, of which an empty one is not taken.
    pub(crate) fn overwrites(&self, node: &NodeInfo) -> u64 {
        let kept = self.fields.iter().enumerate().filter(|(_, field)| field.is_title);
        node.writes & !kept.fold(0, |bits, (idx, _)| bits | 1 << idx)
    }

    /// The classic analysis of liveness: a field matters at a node where some way on looks at it before it is written.
    fn find_live(&mut self) {
        let mut on_entering: Vec<u64> = vec![0; self.nodes.len()];
        loop {
            let mut is_settled = true;
            for idx in (0..self.nodes.len()).rev() {
                let node = &self.nodes[idx];
                let after = node.out.iter().fold(0, |bits, edge| {
                    bits | on_entering[usize::from(self.edges[usize::from(*edge)].target)]
                });
                let resting = after & !self.overwrites(node);
                let entering = resting | self.reads_on_entering(node);
                is_settled &= entering == on_entering[idx] && resting == node.live;
                on_entering[idx] = entering;
                self.nodes[idx].live = resting;
            }
            if is_settled {
                break;
            }
        }
        for (node, entering) in self.nodes.iter_mut().zip(&on_entering) {
            node.entering = *entering;
        }
        // A token that waits at a merge goes on into it.
        let merges: BTreeMap<u16, ()> = self
            .nodes
            .iter()
            .filter_map(|node| node.split.as_ref())
            .map(|split| (split.merge, ()))
            .collect();
        for merge in merges.into_keys() {
            self.nodes[usize::from(merge)].live |= on_entering[usize::from(merge)];
        }
    }
}

/// A position in a definition; the engine's own bounds keep it far below the type's.
pub(crate) fn number(idx: usize) -> u16 {
    u16::try_from(idx).unwrap_or(u16::MAX)
}

/// Whether a vote for, and one against, may leave a vote open: always where it is not known how many there are.
fn votes_stay(approval: Approval, assignees: &Assignees) -> (bool, bool) {
    let is_one_enough = matches!(approval.rule, ApprovalRule::Any | ApprovalRule::Count(1));
    let is_all = approval.rule == ApprovalRule::All;
    match assignees {
        Assignees::Fixed(users) => {
            let n_shares = u32::try_from(users.len()).unwrap_or(u32::MAX);
            let n_needed = approval.rule.n_needed(n_shares);
            (n_needed > 1, !approval.veto && n_needed < n_shares)
        }
        Assignees::FromFields | Assignees::FromParent => (!is_one_enough, !approval.veto && !is_all),
    }
}
