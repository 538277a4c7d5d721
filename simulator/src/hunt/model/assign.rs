//! Who is assigned on entering a normal node (semantics: assignees).

use super::Id;
use super::back::Back;
use super::definition::Normal;
use super::moves::Run;
use super::ticket::{Rest, Vote};
use super::values;

/// More people than this at one node are a mistake in the definition.
const ASSIGNEES_MAX: usize = 1_000;

/// How the token rests on the node; `None` where nobody is left to act on it.
pub(super) fn assign(run: &mut Run<'_>, node: &Id, normal: &Normal, back: Option<Back>) -> Option<Rest> {
    let ticket = &run.ticket;
    let may_hold = |user: &Id| run.people.is_active(user) && !(normal.exclude_creator && *user == run.ticket.creator);
    let votes = ["whole", "all"].contains(&normal.strategy.as_str());
    let n_least = if votes && normal.approval.word == "count" {
        normal.approval.n
    } else {
        1
    };
    let mut again: Vec<Id> = match (back, ticket.last_voters.get(node).filter(|_| votes)) {
        (Some(Back::These(people)), _) => people,
        (None, _) if !normal.remember_last_assignee => Vec::new(),
        (_, Some(voters)) => voters.clone(),
        (_, None) => ticket.last_handlers.get(node).into_iter().cloned().collect(),
    };
    again.retain(|user| may_hold(user));
    if !again.is_empty() && again.len() as u64 >= n_least {
        return Some(held_in_its_way(run, again, normal));
    }
    let pool = people_of(run, normal, normal.exclude_creator);
    if (pool.len() as u64) < n_least || pool.len() > ASSIGNEES_MAX {
        return None;
    }
    Some(held_in_its_way(run, pool, normal))
}

fn held_in_its_way(run: &mut Run<'_>, pool: Vec<Id>, normal: &Normal) -> Rest {
    let held_by = |holders| Rest::Held { holders, consult: None };
    if pool.len() == 1 {
        return held_by(pool);
    }
    match normal.strategy.as_str() {
        "random" => held_by(vec![run.draw(&pool)]),
        "voluntary" => Rest::Offered(pool),
        "whole" | "all" => Rest::Voting(Vote::new(pool, &normal.approval)),
        _ => held_by(pool),
    }
}

/// Whoever a rule names and may hold a node, each once; nobody where there are too many.
pub(super) fn people_of(run: &Run<'_>, normal: &Normal, excludes_creator: bool) -> Vec<Id> {
    let may_hold = |user: &Id| run.people.is_active(user) && !(excludes_creator && *user == run.ticket.creator);
    let mut pool: Vec<Id> = Vec::new();
    for user in named(run, normal) {
        if may_hold(&user) && !pool.contains(&user) {
            pool.push(user);
        }
    }
    if pool.len() > ASSIGNEES_MAX { Vec::new() } else { pool }
}

/// Everybody whom the rule names. An outside address and a parent's fields name nobody here (sections 8 and 9).
fn named(run: &Run<'_>, normal: &Normal) -> Vec<Id> {
    let creator = &run.ticket.creator;
    let of_each = |of: &dyn Fn(&Id) -> Vec<Id>| normal.assignee.iter().flat_map(of).collect();
    match normal.assignee_type.as_str() {
        "users" => normal.assignee.clone(),
        "depts" => of_each(&|dept| run.people.members(dept)),
        "roles" => of_each(&|role| run.people.with_role(role)),
        "variables" => of_each(&|variable| match &**variable {
            "creator" => vec![creator.clone()],
            "creator_dept_approver" => run.people.approvers_for(creator),
            "creator_dept_leader" => run.people.leader_for(creator).into_iter().collect(),
            _ => Vec::new(),
        }),
        "ticket_field" => of_each(&|key| {
            let value = run.ticket.fields.get(key);
            let parts = value.map(|value| values::parts(value)).unwrap_or_default();
            parts.into_iter().map(Id::from).collect()
        }),
        _ => Vec::new(),
    }
}
