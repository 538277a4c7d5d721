//! Nodes of a definition (semantics: definitions): what every kind has, and one file per kind with its properties, the
//! reading of them from JSON, and the rules that hold for it alone.
//!
//! A new kind is its file here, its lines below, and its file in `ticket::flow`, which says what a token does at it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::id::{EdgeId, FieldKey, NodeId};
use crate::workflow::definition::reader::{Place, Reader};
use crate::workflow::edge::Edge;
use crate::workflow::form::{ComponentKind, FieldPermission, Form};
use crate::workflow::problem::Problem;

mod approval;
pub(crate) mod deadline;
mod gateway;
mod hook;
mod normal;
mod people;
pub(crate) mod spawn;
mod timer;

pub use approval::{Approval, ApprovalRule};
pub use deadline::{Deadline, DeadlineStep, StepDoes, Term};
pub use hook::HookProps;
pub(in crate::workflow) use normal::BAD_RETURN_TARGET;
pub use normal::{AssigneeRule, NormalProps, Returns, Strategy, Variable};
pub use people::{OnCreator, OnNobody};
pub use spawn::{Many, Spawn, SpawnCreator, SpawnValue};
pub use timer::TimerProps;

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id; nodes and edges share one space.
    pub id: NodeId,
    /// Name shown to people.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// Permission by field; a field that is not there is hidden here (`Form::permission_at` knows the exceptions).
    pub field_permissions: BTreeMap<FieldKey, FieldPermission>,
    /// Whether the creator may withdraw while a token is here.
    pub allow_withdraw: bool,
    /// Whether whoever takes an edge or votes here may undo it; only where people act.
    pub allow_undo: bool,
    /// Whether what it says of that is neither true nor false, for whoever publishes: it counts as not said.
    pub(in crate::workflow) has_bad_undo: bool,
    /// When a stay here is due; only where people act.
    pub deadline: Option<Box<Deadline>>,
}

impl Node {
    /// What is wrong with a field that the node looks at, where it may be of these kinds.
    fn looks_at(&self, form: &Form, key: &FieldKey, kinds: &[ComponentKind], code: &'static str) -> Option<Problem> {
        let id = &self.id;
        let Some(component) = form.component(key) else {
            let what = format!("node `{id}` looks at `{key}`, which is no field of the form");
            return Some(Problem::unknown_field(key, &what).at_node(id));
        };
        if kinds.contains(&component.kind) {
            return None;
        }
        let words = kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" or ");
        let sentence = format!(
            "node `{id}` looks at `{key}`, which is of type `{}`: name a field of type {words}",
            component.kind.word()
        );
        Some(Problem::error(code, sentence).at_node(id).at_field(key))
    }
}

impl Form {
    /// What a node lets one do with a field (semantics: definitions): what it says; hidden where it says nothing, but
    /// readonly for an information component. Information and external components are never writable, and a key
    /// that is no field is hidden.
    #[must_use]
    pub fn permission_at(&self, node: &Node, key: &FieldKey) -> FieldPermission {
        let Some(component) = self.component(key) else {
            return FieldPermission::Hidden;
        };
        match node.field_permissions.get(key) {
            Some(said) if said.is_writable() && !component.kind.is_stored() => FieldPermission::Readonly,
            Some(said) => *said,
            None if component.kind.is_information() => FieldPermission::Readonly,
            None => FieldPermission::Hidden,
        }
    }
}

/// Kinds of nodes.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Where a ticket begins; the creator's.
    Start,
    /// Waits for its assignees.
    Normal(Box<NormalProps>),
    /// Where a ticket ends; nobody's.
    End,
    /// Takes the first way out whose conditions hold.
    Exclusive {
        /// Taken when none holds.
        default_branch: Option<EdgeId>,
    },
    /// Takes every way out.
    Parallel,
    /// Takes every way out whose conditions hold.
    Inclusive {
        /// Taken when none holds.
        default_branch: Option<EdgeId>,
    },
    /// Waits for an instant.
    Timer(TimerProps),
    /// Waits for an outside system.
    Hook(Box<HookProps>),
}

/// How a token leaves a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// A person takes one of the ways out.
    ByPeople,
    /// By itself, at once, along the first way out whose conditions hold.
    FirstFit,
    /// By itself, at once, along every way out.
    AllWays,
    /// By itself, at once, along every way out whose conditions hold.
    EveryFit,
    /// By itself, along its only way out, at once or when what it waits for has come.
    OnlyWay,
    /// Never: the ticket is over.
    Never,
}

/// What a kind of node is. What a token does at it is in the file of the same name in `ticket::flow`.
pub(crate) struct Rule {
    /// The definition's word.
    pub(crate) word: &'static str,
    /// Keys that its `props` have besides those of every node.
    pub(crate) keys: &'static [&'static str],
    pub(crate) leaving: Leaving,
    /// Reads its `props`.
    pub(crate) read: fn(&mut Reader, &Json, &Place) -> NodeKind,
    /// Rules on one node with its ways out.
    pub(crate) check: fn(&Node, &[&Edge], &mut Vec<Problem>),
    /// Rules on the fields that the node itself looks at.
    pub(crate) check_fields: fn(&Node, &Form, &mut Vec<Problem>),
}

const START: Rule = Rule {
    word: "start",
    keys: &["deadline"],
    leaving: Leaving::ByPeople,
    read: |_, _, _| NodeKind::Start,
    check: |_, _, _| {},
    check_fields: |_, _, _| {},
};

const END: Rule = Rule {
    word: "end",
    keys: &[],
    leaving: Leaving::Never,
    read: |_, _, _| NodeKind::End,
    check: |_, _, _| {},
    check_fields: |_, _, _| {},
};

/// Every kind, in the order in which pages and refusals name them.
pub(crate) const KINDS: [&Rule; 8] = [
    &START,
    &normal::RULE,
    &END,
    &gateway::EXCLUSIVE,
    &gateway::PARALLEL,
    &gateway::INCLUSIVE,
    &timer::RULE,
    &hook::RULE,
];

impl NodeKind {
    pub(crate) fn rule(&self) -> &'static Rule {
        match self {
            Self::Start => &START,
            Self::Normal(_) => &normal::RULE,
            Self::End => &END,
            Self::Exclusive { .. } => &gateway::EXCLUSIVE,
            Self::Parallel => &gateway::PARALLEL,
            Self::Inclusive { .. } => &gateway::INCLUSIVE,
            Self::Timer(_) => &timer::RULE,
            Self::Hook(_) => &hook::RULE,
        }
    }

    /// The definition's word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.rule().word
    }

    /// How a token leaves it.
    #[must_use]
    pub fn leaving(&self) -> Leaving {
        self.rule().leaving
    }

    /// Whether people take its ways out, so that a token rests here with somebody.
    #[must_use]
    pub fn is_left_by_people(&self) -> bool {
        self.leaving() == Leaving::ByPeople
    }

    /// Whether a token moves on from here at once, and may have several ways to.
    #[must_use]
    pub fn is_gateway(&self) -> bool {
        self.is_choice() || self.is_split()
    }

    /// Whether conditions decide which ways a token takes.
    #[must_use]
    pub fn is_choice(&self) -> bool {
        matches!(self.leaving(), Leaving::FirstFit | Leaving::EveryFit)
    }

    /// Whether several ways can be taken at once.
    #[must_use]
    pub fn is_split(&self) -> bool {
        matches!(self.leaving(), Leaving::AllWays | Leaving::EveryFit)
    }

    /// The way out that is taken where no condition holds; only choices have one.
    #[must_use]
    pub fn default_branch(&self) -> Option<&EdgeId> {
        match self {
            Self::Exclusive { default_branch } | Self::Inclusive { default_branch } => default_branch.as_ref(),
            Self::Start | Self::Normal(_) | Self::End | Self::Parallel | Self::Timer(_) | Self::Hook(_) => None,
        }
    }

    /// The properties of a normal node.
    #[must_use]
    pub fn as_normal(&self) -> Option<&NormalProps> {
        match self {
            Self::Normal(props) => Some(props),
            Self::Start
            | Self::End
            | Self::Exclusive { .. }
            | Self::Parallel
            | Self::Inclusive { .. }
            | Self::Timer(_)
            | Self::Hook(_) => None,
        }
    }
}

fn is_there(named: &EdgeId, ways: &[&Edge]) -> bool {
    ways.iter().any(|edge| edge.id == *named)
}
