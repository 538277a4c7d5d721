//! Who can be assigned where, by creator: the rules (semantics: assignees) that no value of a field decides, read from
//! the directory a second time, apart from the engine's own.
//!
//! Creators for whom every node answers alike are one kind: the token game is explored once for each kind.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::UserId;
use loonflow_engine::limits::ASSIGNEES_MAX;
use loonflow_engine::workflow::{Approval, AssigneeRule, NormalProps, Variable, WorkflowVersion};

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
        .map(|props| props.and_then(|props| named(&props.assignee, directory)))
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
                        let is_left_out = props.exclude_creator && users.contains(creator);
                        several(users.len() - usize::from(is_left_out), props)
                    }
                    None => match assignees(props, directory, creator) {
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
                    .map(|props| props.map(|props| assignees(props, directory, creator)))
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
            Some(assignees(props, directory, creator))
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

/// Who can be assigned at a node for this creator.
pub(crate) fn assignees(props: &NormalProps, directory: &Directory, creator: &UserId) -> Assignees {
    let users: BTreeSet<UserId> = match &props.assignee {
        AssigneeRule::TicketField(_) => return Assignees::FromFields,
        AssigneeRule::ParentTicketField(_) => return Assignees::FromParent,
        AssigneeRule::Variables(all) => all
            .iter()
            .flat_map(|one| by_variable(*one, directory, creator))
            .collect(),
        AssigneeRule::Users(_) | AssigneeRule::Depts(_) | AssigneeRule::Roles(_) | AssigneeRule::External(_) => {
            named(&props.assignee, directory).unwrap_or_default()
        }
    };
    let may_hold = |user: &UserId| directory.active_user(user).is_some() && !(props.exclude_creator && user == creator);
    let users: BTreeSet<UserId> = users.into_iter().filter(may_hold).collect();
    // More than the engine takes count as nobody, and so do fewer than have to vote for it.
    Assignees::Fixed(
        if users.len() > ASSIGNEES_MAX || users.len() < props.n_people_min() as usize {
            BTreeSet::new()
        } else {
            users
        },
    )
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
