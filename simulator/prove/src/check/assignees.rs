//! Who can be assigned where, by creator: the rules (semantics: assignees) that no value of a field decides, read from
//! the directory a second time, apart from the engine's own.
//!
//! Creators for whom every node answers alike are one kind: the token game is explored once for each kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::{Dept, UserType};
use loonflow_engine::id::UserId;
use loonflow_engine::limits::ASSIGNEES_MAX;
use loonflow_engine::workflow::{Approval, AssigneeRule, NormalProps, OnCreator, OnNobody, Variable, WorkflowVersion};

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
    /// All of them.
    pub(crate) creators: Vec<UserId>,
    /// By node in the order of the definition; none for nodes that nobody is assigned at.
    pub(crate) assignees: Vec<Option<Assignees>>,
}

/// Kinds that are told apart; more are told of as a bound.
pub(crate) const KINDS_MAX: usize = 64;

/// The kinds of active users, in the order of the first of each; at most one more than [`KINDS_MAX`].
pub(crate) fn creator_kinds(workflow: &WorkflowVersion, directory: &Directory) -> Vec<CreatorKind> {
    let props: Vec<Option<&NormalProps>> = workflow.nodes.iter().map(|node| node.kind.as_normal()).collect();
    // Departments and roles do not depend on who creates the ticket: they are looked up once.
    let named: Vec<Option<BTreeSet<UserId>>> = props
        .iter()
        .map(|props| {
            // Who is there instead of nobody may depend on the creator.
            let props = props.filter(|props| props.on_nobody == OnNobody::Refuse)?;
            named(&props.assignee, directory)
        })
        .collect();
    // What tells kinds apart is only whether someone, and whether several, can be assigned; who they are is kept of
    // the first.
    let mut kinds: BTreeMap<Vec<Option<usize>>, usize> = BTreeMap::new();
    let mut found: Vec<CreatorKind> = Vec::new();
    for creator in directory
        .users
        .keys()
        .filter(|user| directory.active_user(user).is_some())
    {
        let shape: Vec<Option<usize>> = props
            .iter()
            .zip(&named)
            .map(|(props, named)| {
                let props = (*props)?;
                Some(match named {
                    Some(users) => {
                        let is_left_out = props.on_creator.excludes() && users.contains(creator);
                        several(users.len() - usize::from(is_left_out), props)
                    }
                    None => match assignees(workflow, props, directory, creator) {
                        Assignees::Fixed(users) => several(users.len(), props),
                        Assignees::FromFields => usize::MAX,
                        Assignees::FromParent => usize::MAX - 1,
                    },
                })
            })
            .collect();
        if let Some(known) = kinds.get(&shape) {
            found[*known].creators.push(creator.clone());
        } else if found.len() <= KINDS_MAX {
            kinds.insert(shape, found.len());
            found.push(CreatorKind {
                example: creator.clone(),
                creators: vec![creator.clone()],
                assignees: props
                    .iter()
                    .map(|props| props.map(|props| assignees(workflow, props, directory, creator)))
                    .collect(),
            });
        }
    }
    found
}

impl CreatorKind {
    /// The same with another creator to stand for it: one whom no node is assigned to, if there is one.
    pub(crate) fn with_outsider(&self, workflow: &WorkflowVersion, directory: &Directory) -> Self {
        let is_assigned = |user: &&UserId| {
            self.assignees.iter().any(|assignees| match assignees {
                Some(Assignees::Fixed(users)) => users.contains(*user),
                Some(Assignees::FromFields | Assignees::FromParent) | None => false,
            })
        };
        let Some(outsider) = self.creators.iter().find(|user| !is_assigned(user)) else {
            return self.clone();
        };
        self.created_by(outsider, workflow, directory)
    }

    /// The same with this creator to stand for it.
    pub(crate) fn created_by(&self, creator: &UserId, workflow: &WorkflowVersion, directory: &Directory) -> Self {
        let of_node = |node: &loonflow_engine::workflow::Node| {
            let props = node.kind.as_normal()?;
            Some(assignees(workflow, props, directory, creator))
        };
        Self {
            example: creator.clone(),
            creators: self.creators.clone(),
            assignees: workflow.nodes.iter().map(of_node).collect(),
        }
    }
}

/// Nobody, one, or several: how many where they vote by another rule than everybody's.
fn several(n_users: usize, props: &NormalProps) -> usize {
    match n_users {
        n if n > ASSIGNEES_MAX || n < props.n_people_min() as usize => 0,
        n if props.approval == Approval::default() => n.min(2),
        n => n,
    }
}

/// Who a rule names, active and whoever creates the ticket; none where that depends on the ticket or its creator.
fn named(rule: &AssigneeRule, directory: &Directory) -> Option<BTreeSet<UserId>> {
    let users: Vec<UserId> = match rule {
        AssigneeRule::Users(users) => users.clone(),
        AssigneeRule::Depts(depts) => depts.iter().flat_map(|dept| directory.active_members(dept)).collect(),
        AssigneeRule::Roles(roles) => roles
            .iter()
            .flat_map(|role| directory.active_role_members(role))
            .cloned()
            .collect(),
        // The engine asks no outside address yet.
        AssigneeRule::External(_) => Vec::new(),
        AssigneeRule::Variables(_) | AssigneeRule::TicketField(_) | AssigneeRule::ParentTicketField(_) => return None,
    };
    Some(
        users
            .into_iter()
            .filter(|user| directory.active_user(user).is_some())
            .collect(),
    )
}

/// Who can be assigned at a node for this creator. Absences pass, so nobody is taken to be absent.
pub(crate) fn assignees(
    workflow: &WorkflowVersion,
    props: &NormalProps,
    directory: &Directory,
    creator: &UserId,
) -> Assignees {
    let users: BTreeSet<UserId> = match &props.assignee {
        AssigneeRule::TicketField(_) => return Assignees::FromFields,
        AssigneeRule::ParentTicketField(_) => return Assignees::FromParent,
        AssigneeRule::Variables(all) => all
            .iter()
            .flat_map(|one| by_variable(*one, props, directory, creator))
            .collect(),
        AssigneeRule::Users(_) | AssigneeRule::Depts(_) | AssigneeRule::Roles(_) | AssigneeRule::External(_) => {
            named(&props.assignee, directory).unwrap_or_default()
        }
    };
    let groups = std::iter::once(users).chain(instead(workflow, props, directory, creator));
    let may_hold =
        |user: &UserId| directory.active_user(user).is_some() && !(props.on_creator.excludes() && user == creator);
    let mut groups = groups.map(|users| users.into_iter().filter(may_hold).collect::<BTreeSet<UserId>>());
    // More than the engine takes count as nobody, and so do fewer than have to vote for it.
    let least = (props.n_people_min() as usize).max(1);
    let found = groups.find(|users| (least..=ASSIGNEES_MAX).contains(&users.len()));
    Assignees::Fixed(found.unwrap_or_default())
}

/// Who can be there instead of nobody, in the order in which they are tried.
fn instead(
    workflow: &WorkflowVersion,
    props: &NormalProps,
    directory: &Directory,
    creator: &UserId,
) -> Vec<BTreeSet<UserId>> {
    match (props.on_nobody, &props.assignee) {
        (OnNobody::Admins, _) => {
            let users = directory.users.values();
            let of_tenant = users.filter(|user| user.user_type == UserType::Admin);
            vec![
                workflow.permission.admins.iter().cloned().collect(),
                of_tenant.map(|user| user.id.clone()).collect(),
            ]
        }
        (OnNobody::NextAbove, AssigneeRule::Variables(all)) => {
            let levels = upwards(directory, creator).into_iter();
            let levels = levels.map(|dept| all.iter().flat_map(|one| people_of(*one, &dept)).collect());
            let gives_way =
                |users: &BTreeSet<UserId>| props.on_creator == OnCreator::NextAbove && users.contains(creator);
            levels.filter(|users| !gives_way(users)).collect()
        }
        (OnNobody::Refuse | OnNobody::NextAbove, _) => Vec::new(),
    }
}

/// The creator's department and those above it.
fn upwards(directory: &Directory, creator: &UserId) -> Vec<Arc<Dept>> {
    let dept = directory.user(creator).and_then(|user| user.primary_dept().cloned());
    dept.map(|dept| directory.ancestors(&dept)).unwrap_or_default()
}

fn people_of(variable: Variable, dept: &Dept) -> Vec<UserId> {
    match variable {
        Variable::Creator => Vec::new(),
        Variable::CreatorDeptApprover => dept.approvers.clone(),
        Variable::CreatorDeptLeader => dept.leader.iter().cloned().collect(),
    }
}

fn by_variable(variable: Variable, props: &NormalProps, directory: &Directory, creator: &UserId) -> Vec<UserId> {
    let depts = upwards(directory, creator);
    let mut levels = depts.iter().map(|dept| people_of(variable, dept));
    let first = match variable {
        Variable::Creator => return vec![creator.clone()],
        Variable::CreatorDeptApprover => levels.find(|people| !people.is_empty()),
        Variable::CreatorDeptLeader => levels.next(),
    };
    let first = first.unwrap_or_default();
    if props.on_creator != OnCreator::NextAbove || !first.contains(creator) {
        return first;
    }
    let above = levels.find(|people| !people.is_empty() && !people.contains(creator));
    above.unwrap_or_default()
}
