//! Normal node: waits for its assignees (semantics: assignees, strategies, sub-tickets).

use serde_json::Value as Json;

use crate::account::token::Secret;

use crate::id::{DeptId, EdgeId, FieldKey, NodeId, RoleId, UserId, WorkflowId};
use crate::workflow::definition::reader::{Place, Reader, get, is_http};
use crate::workflow::edge::Edge;
use crate::workflow::form::{ComponentKind, Form};
use crate::workflow::node::approval::{self, Approval, ApprovalRule, Fault};
use crate::workflow::node::people::{self, OnCreator, OnNobody};
use crate::workflow::node::spawn::{self, Many, Spawn, SpawnValue};
use crate::workflow::node::{Leaving, Node, NodeKind, Rule, is_there};
use crate::workflow::problem::Problem;

/// Code of the problem of a node that a ticket cannot be sent back to.
pub(in crate::workflow) const BAD_RETURN_TARGET: &str = "bad_return_target";

pub(super) const RULE: Rule = Rule {
    word: "normal",
    keys: &[
        "assignee_type",
        "assignee",
        "assignment_strategy",
        "exclude_creator",
        "remember_last_assignee",
        "sub_workflows",
        "wait_for_sub_tickets",
        "auto_edge",
        "auto_edge_failed",
        "spawn",
        "assignee_token",
        "approval",
        "deadline",
        "on_creator",
        "on_nobody",
        "skip_same_approver",
        "allow_add_signer",
        "allow_return",
        "allow_resume",
    ],
    leaving: Leaving::ByPeople,
    read: |reader, props, place| NodeKind::Normal(Box::new(read(reader, props, place))),
    check,
    check_fields,
};

/// Properties of a normal node.
#[derive(Clone, Debug)]
pub struct NormalProps {
    /// Who is assigned.
    pub assignee: AssigneeRule,
    /// How several assignees act.
    pub strategy: Strategy,
    /// Whether the creator may be an assignee here, and who is in place of them.
    pub on_creator: OnCreator,
    /// Whether the definition says anything of that: whoever wrote it has thought of it.
    is_creator_said: bool,
    /// Who is an assignee where nobody is found.
    pub on_nobody: OnNobody,
    /// Whoever agreed before in the same round need not act again.
    pub skip_same_approver: bool,
    /// Whoever can act may have others act as well.
    pub allow_add_signer: bool,
    /// A ticket that comes back goes to its last handler here.
    pub remember_last_assignee: bool,
    /// Workflows that may be opened below this node.
    pub sub_workflows: Vec<WorkflowId>,
    /// Edges are refused while children are open.
    pub wait_for_sub_tickets: bool,
    /// Taken when the last child ends, and all have finished.
    pub auto_edge: Option<EdgeId>,
    /// Taken when the last child ends, and one has not finished.
    pub auto_edge_failed: Option<EdgeId>,
    /// Sub-tickets that are opened on entering.
    pub spawn: Vec<Spawn>,
    /// Key of the signature with which an outside address is asked for assignees: a secret.
    pub assignee_token: Secret,
    /// How votes are counted; only where the strategy is [`Strategy::Whole`].
    pub approval: Approval,
    /// Where whoever acts may send a ticket back to.
    pub allow_return: Returns,
    /// Whether a ticket that is sent back from here may come straight back.
    pub allow_resume: bool,
    /// What is wrong with what is said of it, for whoever publishes.
    faults: Vec<Fault>,
}

impl NormalProps {
    /// With how many people a token can rest here: four eyes are four, or nobody's.
    #[must_use]
    pub fn n_people_min(&self) -> u32 {
        if self.strategy == Strategy::Whole {
            self.approval.rule.n_people_min()
        } else {
            1
        }
    }
}

/// Where a ticket may be sent back to from a node, of the nodes that it has been on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returns {
    /// Nowhere.
    Nowhere,
    /// To any of them.
    Anywhere,
    /// To these, as given.
    To(Vec<NodeId>),
}

impl Returns {
    /// Whether a node is one of them.
    #[must_use]
    pub fn allows(&self, node: &NodeId) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Anywhere => true,
            Self::To(nodes) => nodes.contains(node),
        }
    }
}

/// Who is assigned at a normal node; lists are as given, without duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssigneeRule {
    /// These users.
    Users(Vec<UserId>),
    /// Active members of these departments and their descendants.
    Depts(Vec<DeptId>),
    /// Active members of these roles.
    Roles(Vec<RoleId>),
    /// Found by relation to the creator.
    Variables(Vec<Variable>),
    /// Users named in these fields of the ticket.
    TicketField(Vec<FieldKey>),
    /// Users named in these fields of the parent ticket.
    ParentTicketField(Vec<FieldKey>),
    /// Asked from this URL (semantics: assignees).
    External(String),
}

/// Assignees found by relation to the creator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The creator.
    Creator,
    /// Approvers of the creator's primary department, else of the nearest ancestor that has some.
    CreatorDeptApprover,
    /// Leader of the creator's primary department.
    CreatorDeptLeader,
}

impl Variable {
    /// All, with their words.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Creator, "creator"),
        (Self::CreatorDeptApprover, "creator_dept_approver"),
        (Self::CreatorDeptLeader, "creator_dept_leader"),
    ];

    /// Whether it is people of a department, above whom there may be others.
    #[must_use]
    pub fn is_of_department(self) -> bool {
        match self {
            Self::Creator => false,
            Self::CreatorDeptApprover | Self::CreatorDeptLeader => true,
        }
    }

    /// The definition's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(variable, _)| *variable == self);
        found.map_or("", |(_, word)| word)
    }
}

/// How several assignees act. With one assignee every strategy is `Direct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Any one of them acts.
    Direct,
    /// One is drawn.
    Random,
    /// Someone must accept first.
    Voluntary,
    /// Everyone acts.
    Whole,
}

impl Strategy {
    /// All.
    pub const ALL: [Self; 4] = [Self::Direct, Self::Random, Self::Voluntary, Self::Whole];

    /// The definition's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Random => "random",
            Self::Voluntary => "voluntary",
            Self::Whole => "whole",
        }
    }
}

fn read(reader: &mut Reader, props: &Json, place: &Place) -> NormalProps {
    let assignee = assignee(reader, props, place);
    let strategy = strategy(reader, props, place);
    // A strategy that is missing or unknown is told of by itself.
    let is_other = Strategy::ALL
        .iter()
        .any(|one| *one != Strategy::Whole && get(props, "assignment_strategy") == one.word());
    let (approval, mut faults) = approval::read(props, !is_other);
    let excludes_creator = reader.flag(props, "exclude_creator", place);
    let of_department = |variable: &Variable| variable.is_of_department();
    let is_above = matches!(&assignee, AssigneeRule::Variables(variables) if variables.iter().all(of_department));
    let (on_creator, on_nobody) = people::read(props, excludes_creator, is_above, &mut faults);
    NormalProps {
        assignee,
        strategy,
        on_creator,
        is_creator_said: !get(props, "on_creator").is_null(),
        on_nobody,
        skip_same_approver: reader.flag(props, "skip_same_approver", place),
        allow_add_signer: reader.flag(props, "allow_add_signer", place),
        remember_last_assignee: reader.flag(props, "remember_last_assignee", place),
        sub_workflows: reader
            .texts(props, "sub_workflows", place)
            .into_iter()
            .map(Into::into)
            .collect(),
        wait_for_sub_tickets: reader.flag(props, "wait_for_sub_tickets", place),
        auto_edge: reader.edge(props, "auto_edge", place),
        auto_edge_failed: reader.edge(props, "auto_edge_failed", place),
        spawn: spawn::read(reader, props, place),
        assignee_token: Secret::new(reader.text(props, "assignee_token", place)),
        approval,
        allow_return: allow_return(props, &mut faults),
        allow_resume: allow_resume(props, &mut faults),
        faults,
    }
}

fn allow_return(props: &Json, faults: &mut Vec<Fault>) -> Returns {
    let given = get(props, "allow_return");
    let nodes = match given {
        Json::Null | Json::Bool(false) => return Returns::Nowhere,
        Json::Bool(true) => return Returns::Anywhere,
        Json::Array(nodes) => nodes.iter().map(Json::as_str).collect::<Option<Vec<&str>>>(),
        Json::Number(_) | Json::String(_) | Json::Object(_) => None,
    };
    if let Some(nodes) = nodes.filter(|nodes| !nodes.is_empty()) {
        return Returns::To(nodes.into_iter().map(NodeId::from).collect());
    }
    let sentence = format!("has the `allow_return` {given}: give true, or a list of ids of nodes");
    faults.push((BAD_RETURN_TARGET, sentence));
    Returns::Nowhere
}

fn allow_resume(props: &Json, faults: &mut Vec<Fault>) -> bool {
    match get(props, "allow_resume") {
        Json::Null => true,
        Json::Bool(flag) => *flag,
        given @ (Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_)) => {
            let sentence = format!("has {given} as `allow_resume`: give true or false");
            faults.push(("wrong_type", sentence));
            true
        }
    }
}

pub(super) fn assignee(reader: &mut Reader, props: &Json, place: &Place) -> AssigneeRule {
    let word = reader.text(props, "assignee_type", place);
    if word == "external" {
        // An address may hold commas, so it is not a list.
        let url = reader.text(props, "assignee", place).trim().to_owned();
        if url.is_empty() {
            reader.error(
                "assignee_missing",
                place,
                "has no `assignee`: give the address that is asked",
            );
        } else if !is_http(&url) {
            reader.error(
                "bad_assignee_url",
                place,
                "asks for its assignees at no http or https address",
            );
        }
        return AssigneeRule::External(url);
    }
    let named = reader.texts(props, "assignee", place);
    if word.trim().is_empty() || named.is_empty() {
        let missing = if named.is_empty() { "assignee" } else { "assignee_type" };
        reader.error(
            "assignee_missing",
            place,
            &format!("has no `{missing}`: say who is assigned"),
        );
    }
    match word.as_str() {
        "users" => AssigneeRule::Users(named.into_iter().map(Into::into).collect()),
        "depts" => AssigneeRule::Depts(named.into_iter().map(Into::into).collect()),
        "roles" => AssigneeRule::Roles(named.into_iter().map(Into::into).collect()),
        "ticket_field" => AssigneeRule::TicketField(named.into_iter().map(Into::into).collect()),
        "parent_ticket_field" => AssigneeRule::ParentTicketField(named.into_iter().map(Into::into).collect()),
        "variables" => AssigneeRule::Variables(variables(reader, &named, place)),
        "" => AssigneeRule::Users(Vec::new()),
        _ => {
            let words = "users, depts, roles, variables, ticket_field, parent_ticket_field, external";
            reader.error(
                "unknown_assignee_type",
                place,
                &format!("has the assignee_type `{word}`: take one of {words}"),
            );
            AssigneeRule::Users(Vec::new())
        }
    }
}

fn variables(reader: &mut Reader, named: &[String], place: &Place) -> Vec<Variable> {
    let mut found = Vec::new();
    for word in named {
        match Variable::ALL.iter().find(|(_, spelt)| spelt == word) {
            Some((variable, _)) => found.push(*variable),
            None => {
                let words = Variable::ALL.map(|(_, spelt)| spelt).join(", ");
                reader.error(
                    "unknown_variable",
                    place,
                    &format!("is assigned to `{word}`: take one of {words}"),
                );
            }
        }
    }
    found
}

fn strategy(reader: &mut Reader, props: &Json, place: &Place) -> Strategy {
    let words = "direct, random, voluntary or whole";
    let word = reader.text(props, "assignment_strategy", place);
    let strategy = Strategy::ALL.into_iter().find(|strategy| strategy.word() == word);
    // Older definitions say `all`.
    strategy
        .or((word == "all").then_some(Strategy::Whole))
        .unwrap_or_else(|| {
            let (code, sentence) = if word.is_empty() {
                (
                    "strategy_missing",
                    format!("has no `assignment_strategy`: take {words}"),
                )
            } else {
                (
                    "unknown_strategy",
                    format!("has the assignment_strategy `{word}`: take {words}"),
                )
            };
            reader.error(code, place, &sentence);
            Strategy::Direct
        })
}

fn check(node: &Node, ways: &[&Edge], problems: &mut Vec<Problem>) {
    let Some(props) = node.kind.as_normal() else { return };
    let named = [
        ("auto_edge", &props.auto_edge),
        ("auto_edge_failed", &props.auto_edge_failed),
    ];
    let named = named.into_iter().filter_map(|(key, edge)| Some((key, edge.as_ref()?)));
    if named.clone().next().is_some() && props.spawn.is_empty() && props.sub_workflows.is_empty() {
        let sentence = format!(
            "node `{}` takes an edge when its last sub-ticket ends, and opens none: give it `spawn` or `sub_workflows`",
            node.id
        );
        problems.push(Problem::warning("auto_edge_without_children", sentence).at_node(&node.id));
    }
    for (key, auto) in named.filter(|(_, auto)| !is_there(auto, ways)) {
        let sentence = format!(
            "node `{}` has the `{key}` `{auto}`, which does not leave it: name one that does",
            node.id
        );
        problems.push(
            Problem::error("unknown_auto_edge", sentence)
                .at_node(&node.id)
                .at_edge(auto),
        );
    }
    for (code, sentence) in &props.faults {
        let sentence = format!("node `{}` {sentence}", node.id);
        problems.push(Problem::error(code, sentence).at_node(&node.id));
    }
    if let (AssigneeRule::Users(users), ApprovalRule::Count(n)) = (&props.assignee, props.approval.rule)
        && users.len() < n as usize
    {
        let sentence = format!(
            "node `{}` asks for {n} votes of {} people: nobody can enter it, lower `n` or name more",
            node.id,
            users.len()
        );
        problems.push(Problem::warning("count_above_people", sentence).at_node(&node.id));
    }
    let is_of_department = |variable: &Variable| variable.is_of_department();
    if let (AssigneeRule::Variables(variables), OnCreator::Allow) = (&props.assignee, props.on_creator)
        && !props.is_creator_said
        && variables.iter().any(is_of_department)
    {
        let sentence = format!(
            "node `{}` is for people of the creator's department, who may be the creator: a leader approves what is \
             their own. Give it `\"on_creator\": \"next_above\"`, `exclude`, or `allow` where that is meant",
            node.id
        );
        problems.push(Problem::warning("self_approval_possible", sentence).at_node(&node.id));
    }
    if props.remember_last_assignee && props.strategy == Strategy::Whole {
        let sentence = format!(
            "node `{}` asks everybody (`whole`) and remembers who acted last (`remember_last_assignee`): a ticket \
             that comes back goes to those who had a vote, not to whoever the rule names by then",
            node.id
        );
        problems.push(Problem::warning("remembers_votes", sentence).at_node(&node.id));
    }
}

fn check_fields(node: &Node, form: &Form, problems: &mut Vec<Problem>) {
    for spawn in node.kind.as_normal().map_or(&[][..], |props| &props.spawn) {
        let of_fields = spawn.fields.values().filter_map(|value| match value {
            SpawnValue::Field(key) => Some(key),
            SpawnValue::Entry | SpawnValue::Fixed(_) => None,
        });
        let each = if let Many::Each(key) = &spawn.many {
            Some(key)
        } else {
            None
        };
        let single = each.and_then(|key| form.component(key)).filter(|one| !one.multiple);
        if let Some(field) = single {
            let sentence = format!(
                "node `{}` has a `spawn` for `each` entry of `{}`, which takes one value: name a field with `multiple`",
                node.id, field.key
            );
            problems.push(
                Problem::error("bad_spawn", sentence)
                    .at_node(&node.id)
                    .at_field(&field.key),
            );
        }
        for key in of_fields.chain(each).filter(|key| form.component(key).is_none()) {
            let what = format!(
                "node `{}` opens sub-tickets by `{key}`, which is no field of the form",
                node.id
            );
            problems.push(Problem::unknown_field(key, &what).at_node(&node.id));
        }
    }
    let Some(AssigneeRule::TicketField(keys)) = node.kind.as_normal().map(|props| &props.assignee) else {
        return;
    };
    for key in keys {
        problems.extend(node.looks_at(form, key, &[ComponentKind::User], "not_a_user_field"));
    }
}
