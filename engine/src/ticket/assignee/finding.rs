//! From the people that a rule names to those who can act: who is not active goes, so does the creator where they may not
//! act, whoever is absent is stood in for, and each is there once (semantics: assignees, absence).

use std::collections::HashSet;

use crate::account::by_id::IdHash;
use crate::account::delegate;
use crate::account::permission::is_tenant_admin;
use crate::id::{NodeId, UserId};
use crate::limits;
use crate::ticket::Ticket;
use crate::ticket::context::Context;
use crate::workflow::{AssigneeRule, NodeKind, OnCreator, OnNobody, Variable};

/// How people are found for one node of a ticket.
pub(crate) struct Finding<'a> {
    ticket: &'a Ticket,
    context: &'a Context<'a>,
    pub(super) on_creator: OnCreator,
    on_nobody: OnNobody,
    /// Whether those who are absent are stood in for: the start node is the creator's, wherever they are.
    follows: bool,
}

/// Those who can act.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// In the order of the rule, each once.
    pub(crate) users: Vec<UserId>,
    /// Who is absent, and who of these stands in for them.
    pub(crate) stand_ins: Vec<(UserId, UserId)>,
}

impl<'a> Finding<'a> {
    pub(crate) fn at(ticket: &'a Ticket, node: &NodeId, context: &'a Context<'a>) -> Self {
        let kind = context.workflow.node(node).map(|node| &node.kind);
        let props = kind.and_then(NodeKind::as_normal);
        Self {
            ticket,
            context,
            on_creator: props.map_or(OnCreator::Allow, |props| props.on_creator),
            on_nobody: props.map_or(OnNobody::Refuse, |props| props.on_nobody),
            follows: props.is_some(),
        }
    }

    /// Whether the creator's being the creator keeps a person from acting.
    pub(crate) fn is_left_out(&self, user: &UserId) -> bool {
        self.on_creator.excludes() && *user == self.ticket.creator
    }

    /// Who acts for a person: whoever stands in for them, else they themselves.
    pub(crate) fn acts_for(&self, user: &UserId) -> UserId {
        if !self.follows {
            return user.clone();
        }
        let (at, workflow) = (self.context.now, &self.ticket.workflow_id);
        delegate::follow(self.context.directory, user, at, workflow, |next| {
            !self.is_left_out(next)
        })
    }

    /// Whether an absence of a person counts here and now, wherever it leads.
    pub(crate) fn is_absent(&self, user: &UserId) -> bool {
        let (at, workflow) = (self.context.now, &self.ticket.workflow_id);
        self.follows && delegate::in_force(self.context.directory, user, at, workflow).is_some()
    }

    /// Those who can act of those who are named.
    pub(crate) fn of(&self, named: impl IntoIterator<Item = UserId>) -> People {
        let named = named.into_iter();
        let mut seen = HashSet::with_capacity_and_hasher(named.size_hint().0, IdHash::default());
        let mut people = People::default();
        let may_hold = |user: &UserId| self.context.directory.active_user(user).is_some() && !self.is_left_out(user);
        for user in named.filter(may_hold) {
            let by = self.acts_for(&user);
            if by != user && !people.stand_ins.iter().any(|(absent, _)| *absent == user) {
                people.stand_ins.push((user, by.clone()));
            }
            if seen.insert(by.clone()) {
                people.users.push(by);
            }
        }
        people
    }

    /// Those who can act where a rule gave nobody, or not enough for `n_people_min`.
    pub(super) fn instead(&self, rule: &AssigneeRule, n_people_min: usize) -> Option<People> {
        let directory = self.context.directory;
        let groups: Vec<Vec<UserId>> = match self.on_nobody {
            OnNobody::Refuse => Vec::new(),
            OnNobody::NextAbove => self.above(rule),
            OnNobody::Admins => {
                let admins = directory.users.values().filter(|user| is_tenant_admin(user));
                vec![
                    self.context.workflow.permission.admins.iter().cloned().collect(),
                    admins.map(|user| user.id.clone()).collect(),
                ]
            }
        };
        let mut groups = groups.into_iter().map(|group| self.of(group));
        groups.find(|people| (n_people_min.max(1)..=limits::ASSIGNEES_MAX).contains(&people.users.len()))
    }

    /// The people of each department from the creator's upwards.
    fn above(&self, rule: &AssigneeRule) -> Vec<Vec<UserId>> {
        let AssigneeRule::Variables(variables) = rule else {
            return Vec::new();
        };
        let depts = self.depts();
        let levels = depts.iter().map(|dept| {
            let of_variable = |variable: &Variable| people_of(*variable, dept);
            variables.iter().flat_map(of_variable).collect::<Vec<_>>()
        });
        levels.filter(|people| !self.steps_over(people)).collect()
    }

    /// Whether people of a department give way to those above, because the creator is one of them.
    fn steps_over(&self, people: &[UserId]) -> bool {
        self.on_creator == OnCreator::NextAbove && people.contains(&self.ticket.creator)
    }

    /// The creator's department and those above it, nearest first.
    fn depts(&self) -> Vec<std::sync::Arc<crate::account::Dept>> {
        let directory = self.context.directory;
        let creator = directory.user(&self.ticket.creator);
        let dept = creator.and_then(|user| user.primary_dept());
        dept.map(|dept| directory.ancestors(dept)).unwrap_or_default()
    }

    /// Whom a variable names.
    pub(super) fn by_variable(&self, variable: Variable) -> Vec<UserId> {
        let depts = self.depts();
        let mut all = depts.iter().map(|dept| people_of(variable, dept));
        let first = match variable {
            Variable::Creator => return vec![self.ticket.creator.clone()],
            Variable::CreatorDeptApprover => all.find(|people| !people.is_empty()),
            Variable::CreatorDeptLeader => all.next(),
        };
        let first = first.unwrap_or_default();
        if !self.steps_over(&first) {
            return first;
        }
        // From where the first were found upwards.
        all.find(|people| !people.is_empty() && !self.steps_over(people))
            .unwrap_or_default()
    }
}

/// The people of one department that a variable stands for.
fn people_of(variable: Variable, dept: &crate::account::Dept) -> Vec<UserId> {
    match variable {
        Variable::Creator => Vec::new(),
        Variable::CreatorDeptApprover => dept.approvers.clone(),
        Variable::CreatorDeptLeader => dept.leader.iter().cloned().collect(),
    }
}
