//! Who is assigned on entering a normal node (semantics: assignees, strategies): rule, directory and fields give users,
//! the strategy gives how they hold it.
//!
//! Not here: delegates in absence, which come with the effects; asking an outside address (`question`).

use std::collections::HashSet;

use crate::account::by_id::IdHash;
use crate::id::UserId;
use crate::limits;
use crate::ticket::Ticket;
use crate::ticket::ballot::Ballot;
use crate::ticket::context::{Context, Draw};
use crate::ticket::decision::GoesBack;
use crate::ticket::question::{Question, Replies};
use crate::ticket::token::{Rest, Token};
use crate::workflow::{AssigneeRule, Node, NormalProps, Strategy, Variable};

/// What a rule came to.
pub(crate) enum Resolved {
    /// Somebody holds it.
    To {
        rest: Rest,
        pool: Option<Vec<UserId>>,
        remembered: bool,
    },
    /// Nobody is left, and why.
    Nobody { reason: String },
    /// An outside address has to be asked first.
    Asks(Question),
}

/// Finds them. `back`: to whom a token comes back, before the rule is asked.
pub(crate) fn resolve(
    ticket: &Ticket,
    token: &Token,
    (node, props): (&Node, &NormalProps),
    back: Option<&GoesBack>,
    context: &Context<'_>,
) -> Resolved {
    let may_hold = |user: &UserId| {
        context.directory.active_user(user).is_some() && !(props.exclude_creator && *user == ticket.creator)
    };
    let n_people_min = props.n_people_min() as usize;
    let known: Vec<&UserId> = match back {
        Some(GoesBack::To(people)) => people.iter().collect(),
        Some(GoesBack::ToLast) => last_people(ticket, node, props),
        None if props.remember_last_assignee => last_people(ticket, node, props),
        None => Vec::new(),
    };
    let left: Vec<UserId> = known.into_iter().filter(|user| may_hold(user)).cloned().collect();
    // Where they are too few the rule is asked again: who remembers must not lower what a vote takes.
    if !left.is_empty() && left.len() >= n_people_min {
        return by_strategy(left, ticket, token, props, context.draw, true);
    }
    let question = match (&props.assignee, context.replies) {
        (AssigneeRule::External(url), Some(_)) => {
            let source = (url.as_str(), &props.assignee_token);
            Some(Question::assignees(ticket, &node.id, source, context.workflow))
        }
        (_, Some(_) | None) => None,
    };
    let named = match question {
        Some(question) => match context.replies.and_then(|replies| replies.get(&question.id())) {
            Some(reply) => Replies::people(reply, context.directory),
            None => return Resolved::Asks(question),
        },
        None => named(&props.assignee, ticket, context),
    };
    let n_named = named.len();
    let mut seen = HashSet::with_capacity_and_hasher(n_named, IdHash::default());
    let users: Vec<UserId> = named
        .into_iter()
        .filter(|user| may_hold(user) && seen.insert(user.clone()))
        .collect();
    match users.len() {
        0 if n_named == 0 => Resolved::Nobody {
            reason: nobody_named(&props.assignee, context),
        },
        0 if props.exclude_creator => Resolved::Nobody {
            reason: "everyone named is inactive or the creator, who is excluded here".into(),
        },
        0 => Resolved::Nobody {
            reason: "everyone named is inactive".into(),
        },
        n if n > limits::ASSIGNEES_MAX => Resolved::Nobody {
            reason: format!("{n} users are named, more than {}", limits::ASSIGNEES_MAX),
        },
        n if n < n_people_min => Resolved::Nobody {
            reason: format!("{n} people are left, and {n_people_min} have to vote for it"),
        },
        _ => by_strategy(users, ticket, token, props, context.draw, false),
    }
}

/// Who acted at a node last; after a vote all who had a share.
fn last_people<'t>(ticket: &'t Ticket, node: &Node, props: &NormalProps) -> Vec<&'t UserId> {
    let voters = ticket.last_voters.get(&node.id);
    match voters.filter(|_| props.strategy == Strategy::Whole) {
        Some(voters) => voters.iter().collect(),
        None => ticket.last_handlers.get(&node.id).into_iter().collect(),
    }
}

/// Who holds a node after an escalation: whoever a rule names and may hold it, any one of them acting.
///
/// # Errors
/// Why nobody does.
pub(crate) fn escalated(
    ticket: &Ticket,
    node: &Node,
    to: &AssigneeRule,
    context: &Context<'_>,
) -> Result<Vec<UserId>, String> {
    let excludes_creator = node.kind.as_normal().is_some_and(|props| props.exclude_creator);
    let is_left_out =
        |user: &UserId| context.directory.active_user(user).is_none() || excludes_creator && *user == ticket.creator;
    let named = named(to, ticket, context);
    if named.is_empty() {
        return Err(nobody_named(to, context));
    }
    let mut seen = HashSet::with_capacity_and_hasher(named.len(), IdHash::default());
    let users = named
        .into_iter()
        .filter(|user| !is_left_out(user) && seen.insert(user.clone()));
    let users: Vec<UserId> = users.collect();
    match users.len() {
        0 => Err("everyone named is inactive, or the creator where they are excluded".to_owned()),
        n if n > limits::ASSIGNEES_MAX => Err(format!("{n} users are named, more than {}", limits::ASSIGNEES_MAX)),
        _ => Ok(users),
    }
}

fn by_strategy(
    users: Vec<UserId>,
    ticket: &Ticket,
    token: &Token,
    props: &NormalProps,
    draw: Draw,
    remembered: bool,
) -> Resolved {
    let (rest, pool) = match (props.strategy, draw) {
        // One person holds it alone, whatever the strategy.
        _ if users.len() == 1 => (Rest::held(users), None),
        (Strategy::Direct, _) => (Rest::held(users), None),
        (Strategy::Random, Draw::Preview) => (Rest::held(users.clone()), Some(users)),
        (Strategy::Random, Draw::Seed(seed)) => {
            // One seed per command: the token and version tell its draws apart.
            let mixed = splitmix(seed ^ splitmix(token.id.0) ^ splitmix(ticket.version).rotate_left(32));
            let idx = usize::try_from(mixed % users.len() as u64).unwrap_or(0);
            (Rest::held(vec![users[idx].clone()]), Some(users))
        }
        (Strategy::Voluntary, _) => (Rest::Offered { candidates: users }, None),
        (Strategy::Whole, _) => (Rest::Voting(Box::new(Ballot::new(users, props.approval))), None),
    };
    Resolved::To { rest, pool, remembered }
}

/// The users a rule names, in the rule's order, inactive ones and duplicates included.
fn named(rule: &AssigneeRule, ticket: &Ticket, context: &Context<'_>) -> Vec<UserId> {
    let directory = context.directory;
    let users_in = |ticket: &Ticket, keys: &[crate::id::FieldKey]| -> Vec<UserId> {
        let values = keys.iter().filter_map(|key| ticket.fields.get(key));
        values.flat_map(|value| value.parts()).map(UserId::from).collect()
    };
    match rule {
        AssigneeRule::Users(users) => users.clone(),
        AssigneeRule::Depts(depts) => depts.iter().flat_map(|dept| directory.active_members(dept)).collect(),
        AssigneeRule::Roles(roles) => roles
            .iter()
            .flat_map(|role| directory.active_role_members(role))
            .cloned()
            .collect(),
        AssigneeRule::Variables(variables) => variables
            .iter()
            .flat_map(|variable| by_variable(*variable, ticket, context))
            .collect(),
        AssigneeRule::TicketField(keys) => users_in(ticket, keys),
        AssigneeRule::ParentTicketField(keys) => {
            context.parent.map(|parent| users_in(parent, keys)).unwrap_or_default()
        }
        AssigneeRule::External(_) => Vec::new(),
    }
}

fn by_variable(variable: Variable, ticket: &Ticket, context: &Context<'_>) -> Vec<UserId> {
    let directory = context.directory;
    let dept = || {
        directory
            .user(&ticket.creator)
            .and_then(|user| user.primary_dept().cloned())
    };
    match variable {
        Variable::Creator => vec![ticket.creator.clone()],
        Variable::CreatorDeptApprover => {
            let above = dept().map(|dept| directory.ancestors(&dept)).unwrap_or_default();
            above
                .into_iter()
                .find(|dept| !dept.approvers.is_empty())
                .map(|dept| dept.approvers.clone())
                .unwrap_or_default()
        }
        Variable::CreatorDeptLeader => {
            let own = dept().and_then(|dept| directory.depts.get(&dept).cloned());
            own.and_then(|dept| dept.leader.clone()).into_iter().collect()
        }
    }
}

fn nobody_named(rule: &AssigneeRule, context: &Context<'_>) -> String {
    match rule {
        AssigneeRule::Users(_) => "no user is named".into(),
        AssigneeRule::Depts(_) => "the departments have no active members".into(),
        AssigneeRule::Roles(_) => "the roles have no active members".into(),
        AssigneeRule::Variables(_) => "the creator's department has nobody for this".into(),
        AssigneeRule::TicketField(keys) => format!("no user is filled in at {}", shown(keys)),
        AssigneeRule::ParentTicketField(keys) => format!("the parent ticket names no user at {}", shown(keys)),
        AssigneeRule::External(_) if context.replies.is_some() => "the outside address named nobody known".into(),
        AssigneeRule::External(_) => "assignees from an outside address are not available yet".into(),
    }
}

fn shown(keys: &[crate::id::FieldKey]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// SplitMix64 (Steele, Lea, Flood 2014): spreads a seed over all bits.
fn splitmix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published outputs for the seed 1234567: the state grows by the golden ratio each time.
    #[test]
    fn splitmix_is_the_published_one() {
        let states = (0..5u64).map(|n| 1_234_567_u64.wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        assert_eq!(
            states.map(splitmix).collect::<Vec<_>>(),
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }
}
