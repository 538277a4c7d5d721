//! Who is assigned on entering a normal node (semantics: assignees).

use super::Id;
use super::back::Back;
use super::definition::Normal;
use super::moves::Run;
use super::ticket::{Rest, Vote, join};
use super::values;

/// More people than this at one node are a mistake in the definition.
const ASSIGNEES_MAX: usize = 1_000;
/// Steps from one who is away to whoever acts.
const DELEGATES_MAX: usize = 10;

/// How the token rests on the node; `None` where nobody is left to act on it.
pub(super) fn assign(run: &mut Run<'_>, node: &Id, normal: &Normal, back: Option<Back>) -> Option<Rest> {
    let ticket = &run.ticket;
    let votes = ["whole", "all"].contains(&normal.strategy.as_str());
    let n_least = if votes && normal.approval.word == "count" {
        normal.approval.n
    } else {
        1
    };
    let again: Vec<Id> = match (back, ticket.last_voters.get(node).filter(|_| votes)) {
        (Some(Back::These(people)), _) => people,
        (None, _) if !normal.remember_last_assignee => Vec::new(),
        (_, Some(voters)) => voters.clone(),
        (_, None) => ticket.last_handlers.get(node).into_iter().cloned().collect(),
    };
    let (again, absent) = can_act(run, normal, again);
    if !again.is_empty() && again.len() as u64 >= n_least {
        return Some(held_in_its_way(run, again, &absent, normal));
    }
    let (pool, absent) = enough(run, normal, normal, n_least)?;
    Some(held_in_its_way(run, pool, &absent, normal))
}

fn held_in_its_way(run: &mut Run<'_>, pool: Vec<Id>, absent: &[(Id, Id)], normal: &Normal) -> Rest {
    let held_by = |holders| Rest::Held { holders, consult: None };
    if pool.len() > 1 && normal.strategy == "random" {
        let drawn = vec![run.draw(&pool)];
        see(run, &drawn, absent);
        return held_by(drawn);
    }
    see(run, &pool, absent);
    if pool.len() == 1 {
        return held_by(pool);
    }
    match normal.strategy.as_str() {
        "voluntary" => Rest::Offered(pool),
        "whole" | "all" => Rest::Voting(Vote::new(pool, &normal.approval)),
        _ => held_by(pool),
    }
}

/// Whoever a rule names and may hold a node; where they are too few or too many, whoever is there instead.
pub(super) fn enough(run: &Run<'_>, at: &Normal, rule: &Normal, n_least: u64) -> Option<Found> {
    let creator = &run.ticket.creator;
    let mut groups = vec![named(run, at, rule)];
    match at.on_nobody {
        "next_above" if rule.assignee_type == "variables" => {
            let levels: Vec<Vec<Vec<Id>>> = rule
                .assignee
                .iter()
                .map(|one| run.people.levels(creator, one))
                .collect();
            let n_levels = levels.iter().map(Vec::len).max().unwrap_or(0);
            for level in 0..n_levels {
                let people: Vec<Id> = levels.iter().flat_map(|one| one[level].clone()).collect();
                if !(at.on_creator == "next_above" && people.contains(creator)) {
                    groups.push(people);
                }
            }
        }
        "admins" => {
            groups.push(run.ticket.on.admins.iter().cloned().collect());
            groups.push(run.people.admins());
        }
        _ => {}
    }
    groups.into_iter().find_map(|group| {
        let found = can_act(run, at, group);
        let n = found.0.len();
        (n as u64 >= n_least.max(1) && n <= ASSIGNEES_MAX).then_some(found)
    })
}

/// Who acts, each once; and who is absent, each with who stands in.
pub(super) type Found = (Vec<Id>, Vec<(Id, Id)>);

/// Whoever can act of some people at a node.
fn can_act(run: &Run<'_>, at: &Normal, named: Vec<Id>) -> Found {
    let (mut pool, mut absent) = (Vec::new(), Vec::new());
    for user in named {
        if !run.people.is_active(&user) || at.excludes() && user == run.ticket.creator {
            continue;
        }
        let by = in_place_of(run, at, &user);
        if !pool.contains(&by) {
            pool.push(by.clone());
        }
        if by != user {
            absent.push((user, by));
        }
    }
    (pool, absent)
}

/// Who acts for somebody at a node: from one who is away to the next, while that may be.
pub(super) fn in_place_of(run: &Run<'_>, at: &Normal, user: &Id) -> Id {
    if !at.follows {
        return user.clone();
    }
    let mut way = vec![user.clone()];
    while let Some(next) = run
        .people
        .stand_in(&way[way.len() - 1], run.now_ms, &run.ticket.on.workflow)
    {
        let may_act = run.people.is_active(next) && !(at.excludes() && *next == run.ticket.creator);
        if !may_act || way.contains(next) || way.len() > DELEGATES_MAX {
            break;
        }
        way.push(next.clone());
    }
    way.swap_remove(way.len() - 1)
}

/// Whoever is absent goes on seeing what others do in their place.
pub(super) fn see(run: &mut Run<'_>, acting: &[Id], absent: &[(Id, Id)]) {
    for (user, by) in absent {
        if acting.contains(by) {
            join(&mut run.ticket.assigned, user);
        }
    }
}

/// Everybody whom the rule names. An outside address and a parent's fields name nobody here (sections 8 and 9).
fn named(run: &Run<'_>, at: &Normal, normal: &Normal) -> Vec<Id> {
    let creator = &run.ticket.creator;
    let of_each = |of: &dyn Fn(&Id) -> Vec<Id>| normal.assignee.iter().flat_map(of).collect();
    match normal.assignee_type.as_str() {
        "users" => normal.assignee.clone(),
        "depts" => of_each(&|dept| run.people.members(dept)),
        "roles" => of_each(&|role| run.people.with_role(role)),
        "variables" => of_each(&|variable| match &**variable {
            "creator" => vec![creator.clone()],
            other => {
                let levels = run.people.levels(creator, other);
                // Approvers are looked for upwards; a department has a leader or none.
                let from = match other {
                    "creator_dept_approver" => levels.iter().position(|some| !some.is_empty()),
                    _ => (!levels.is_empty()).then_some(0),
                };
                let Some(from) = from else { return Vec::new() };
                if at.on_creator != "next_above" || !levels[from].contains(creator) {
                    return levels[from].clone();
                }
                let above = levels[from..].iter();
                let mut above = above.filter(|some| !some.is_empty() && !some.contains(creator));
                above.next().cloned().unwrap_or_default()
            }
        }),
        "ticket_field" => of_each(&|key| {
            let value = run.ticket.fields.get(key);
            let parts = value.map(|value| values::parts(value)).unwrap_or_default();
            parts.into_iter().map(Id::from).collect()
        }),
        _ => Vec::new(),
    }
}
