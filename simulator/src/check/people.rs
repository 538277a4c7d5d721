//! Who can be assigned where, by creator: the rules of semantics 4 that no value of a field decides, read from the
//! directory a second time, apart from the engine's own.
//!
//! Creators for whom every node answers alike are one kind: the token game is explored once for each kind.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::UserId;
use loonflow_engine::limits::ASSIGNEES_MAX;
use loonflow_engine::workflow::{AssigneeRule, NodeKind, NormalProps, Variable, WorkflowVersion};

/// Who can be assigned at a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Assignees {
    /// These, whatever the fields say; nobody where it is empty.
    Fixed(BTreeSet<UserId>),
    /// Users named in fields.
    FromFields,
    /// Users named by the parent ticket: taken to be somebody.
    FromParent,
}

/// One kind of creator.
#[derive(Clone, Debug)]
pub(crate) struct CreatorKind {
    /// The creator who stands for the kind.
    pub(crate) example: UserId,
    /// How many there are.
    pub(crate) n_creators: usize,
    /// By node in the order of the definition; none for nodes that nobody is assigned at.
    pub(crate) assignees: Vec<Option<Assignees>>,
}

/// The kinds of active users, in the order of the first of each.
pub(crate) fn creator_kinds(workflow: &WorkflowVersion, directory: &Directory) -> Vec<CreatorKind> {
    // What tells kinds apart is only whether someone, and whether several, can be assigned, and who counts as a user
    // field's creator; who they are is kept of the first.
    let mut kinds: BTreeMap<Vec<Option<u8>>, CreatorKind> = BTreeMap::new();
    let mut order = Vec::new();
    for creator in directory
        .users
        .keys()
        .filter(|user| directory.active_user(user).is_some())
    {
        let assignees: Vec<Option<Assignees>> = workflow
            .nodes
            .iter()
            .map(|node| match &node.kind {
                NodeKind::Normal(props) => Some(assignees(props, directory, creator)),
                NodeKind::Start
                | NodeKind::End
                | NodeKind::Exclusive { .. }
                | NodeKind::Parallel
                | NodeKind::Inclusive { .. }
                | NodeKind::Timer(_)
                | NodeKind::Hook(_) => None,
            })
            .collect();
        let shape: Vec<Option<u8>> = assignees
            .iter()
            .map(|one| match one {
                Some(Assignees::Fixed(users)) => u8::try_from(users.len().min(2)).ok(),
                Some(Assignees::FromFields) => Some(3),
                Some(Assignees::FromParent) => Some(4),
                None => None,
            })
            .collect();
        match kinds.entry(shape.clone()) {
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().n_creators += 1,
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(CreatorKind {
                    example: creator.clone(),
                    n_creators: 1,
                    assignees,
                });
                order.push(shape);
            }
        }
    }
    order.iter().filter_map(|shape| kinds.remove(shape)).collect()
}

/// Who can be assigned at a node for this creator.
pub(crate) fn assignees(props: &NormalProps, directory: &Directory, creator: &UserId) -> Assignees {
    let named: Vec<UserId> = match &props.assignee {
        AssigneeRule::Users(users) => users.clone(),
        AssigneeRule::Depts(depts) => depts.iter().flat_map(|dept| directory.active_members(dept)).collect(),
        AssigneeRule::Roles(roles) => roles
            .iter()
            .flat_map(|role| directory.active_role_members(role))
            .collect(),
        AssigneeRule::Variables(all) => all
            .iter()
            .flat_map(|one| by_variable(*one, directory, creator))
            .collect(),
        AssigneeRule::TicketField(_) => return Assignees::FromFields,
        AssigneeRule::ParentTicketField(_) => return Assignees::FromParent,
        // The engine asks no outside address yet.
        AssigneeRule::External(_) => Vec::new(),
    };
    let may_hold = |user: &UserId| directory.active_user(user).is_some() && !(props.exclude_creator && user == creator);
    let users: BTreeSet<UserId> = named.into_iter().filter(may_hold).collect();
    // More than the engine takes count as nobody.
    Assignees::Fixed(if users.len() > ASSIGNEES_MAX {
        BTreeSet::new()
    } else {
        users
    })
}

fn by_variable(variable: Variable, directory: &Directory, creator: &UserId) -> Vec<UserId> {
    let dept = directory.user(creator).and_then(|user| user.primary_dept().cloned());
    match variable {
        Variable::Creator => vec![creator.clone()],
        Variable::CreatorDeptApprover => {
            let mut above = dept
                .map(|dept| directory.ancestors(&dept))
                .unwrap_or_default()
                .into_iter();
            above
                .find(|dept| !dept.approvers.is_empty())
                .map(|dept| dept.approvers.clone())
                .unwrap_or_default()
        }
        Variable::CreatorDeptLeader => {
            let own = dept.and_then(|dept| directory.depts.get(&dept).cloned());
            own.and_then(|dept| dept.leader.clone()).into_iter().collect()
        }
    }
}
