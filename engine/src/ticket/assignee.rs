//! Who is assigned on entering a normal node (semantics: assignees, strategies): rule, directory and fields give users,
//! the strategy gives how they hold it.
//!
//! There is one way from a rule to people, for entering, for escalating and for whatever takes a token back to a node:
//! the rule or who is remembered, and then [`finding`]. Not here: asking an outside address (`question`).

use crate::id::UserId;
use crate::limits;
use crate::ticket::Ticket;
use crate::ticket::assignee::finding::{Finding, People};
use crate::ticket::ballot::Ballot;
use crate::ticket::context::{Context, Draw};
use crate::ticket::decision::GoesBack;
use crate::ticket::question::{Question, Replies};
use crate::ticket::token::{Rest, Token};
use crate::workflow::{AssigneeRule, Node, NormalProps, Strategy};

pub(crate) mod finding;

/// What a rule came to.
pub(crate) enum Resolved {
    /// Somebody holds it.
    To {
        rest: Rest,
        pool: Option<Vec<UserId>>,
        remembered: bool,
        /// Who is absent, and who stands in for them.
        stand_ins: Vec<(UserId, UserId)>,
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
    let finding = Finding::at(ticket, &node.id, context);
    let n_people_min = props.n_people_min() as usize;
    let known = match back {
        Some(GoesBack::To(people)) => people.clone(),
        Some(GoesBack::ToLast) => last_people(ticket, node, props),
        None if props.remember_last_assignee => last_people(ticket, node, props),
        None => Vec::new(),
    };
    let left = finding.of(known);
    // Where they are too few the rule is asked again: who remembers must not lower what a vote takes.
    if !left.users.is_empty() && left.users.len() >= n_people_min {
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
        None => named(&props.assignee, &finding, ticket, context),
    };
    match enough(&props.assignee, named, &finding, n_people_min, context) {
        Ok(people) => by_strategy(people, ticket, token, props, context.draw, false),
        Err(reason) => Resolved::Nobody { reason },
    }
}

/// Who acted at a node last; after a vote all who had a share.
fn last_people(ticket: &Ticket, node: &Node, props: &NormalProps) -> Vec<UserId> {
    let voters = ticket.last_voters.get(&node.id);
    match voters.filter(|_| props.strategy == Strategy::Whole) {
        Some(voters) => voters.clone(),
        None => ticket.last_handlers.get(&node.id).into_iter().cloned().collect(),
    }
}

/// Those who can act of those who are named; where they are not enough, those whom the node has instead.
///
/// # Errors
/// Why nobody can act.
fn enough(
    rule: &AssigneeRule,
    named: Vec<UserId>,
    finding: &Finding<'_>,
    n_people_min: usize,
    context: &Context<'_>,
) -> Result<People, String> {
    let n_named = named.len();
    let people = finding.of(named);
    let reason = match people.users.len() {
        0 if n_named == 0 => nobody_named(rule, context),
        0 if finding.on_creator.excludes() => {
            "everyone named is inactive or the creator, who is excluded here".to_owned()
        }
        0 => "everyone named is inactive".to_owned(),
        n if n > limits::ASSIGNEES_MAX => format!("{n} users are named, more than {}", limits::ASSIGNEES_MAX),
        n if n < n_people_min => format!("{n} people are left, and {n_people_min} have to vote for it"),
        _ => return Ok(people),
    };
    finding.instead(rule, n_people_min).ok_or(reason)
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
) -> Result<People, String> {
    let finding = Finding::at(ticket, &node.id, context);
    let named = named(to, &finding, ticket, context);
    enough(to, named, &finding, 1, context)
}

fn by_strategy(
    people: People,
    ticket: &Ticket,
    token: &Token,
    props: &NormalProps,
    draw: Draw,
    remembered: bool,
) -> Resolved {
    let users = &people.users;
    let (people, rest, pool) = match (props.strategy, draw) {
        (_, _) if users.len() == 1 => {
            let rest = Rest::held(users.clone());
            (people, rest, None)
        }
        (Strategy::Direct, _) => {
            let rest = Rest::held(users.clone());
            (people, rest, None)
        }
        (Strategy::Random, Draw::Preview) => {
            let (rest, pool) = (Rest::held(users.clone()), users.clone());
            (people, rest, Some(pool))
        }
        (Strategy::Random, Draw::Seed(seed)) => {
            // One seed per command: the token and version tell its draws apart.
            let mixed = splitmix(seed ^ splitmix(token.id.0) ^ splitmix(ticket.version).rotate_left(32));
            let idx = usize::try_from(mixed % users.len() as u64).unwrap_or(0);
            let (drawn, pool) = (users[idx].clone(), users.clone());
            (people, Rest::held(vec![drawn]), Some(pool))
        }
        (Strategy::Voluntary, _) => {
            let candidates = users.clone();
            (people, Rest::Offered { candidates }, None)
        }
        (Strategy::Whole, _) => {
            let ballot = Ballot::new(users.clone(), props.approval);
            (people, Rest::Voting(Box::new(ballot)), None)
        }
    };
    Resolved::To {
        rest,
        pool,
        remembered,
        stand_ins: people.stand_ins,
    }
}

/// The users a rule names, in the rule's order, inactive ones and duplicates included.
fn named(rule: &AssigneeRule, finding: &Finding<'_>, ticket: &Ticket, context: &Context<'_>) -> Vec<UserId> {
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
            .flat_map(|variable| finding.by_variable(*variable))
            .collect(),
        AssigneeRule::TicketField(keys) => users_in(ticket, keys),
        AssigneeRule::ParentTicketField(keys) => {
            context.parent.map(|parent| users_in(parent, keys)).unwrap_or_default()
        }
        AssigneeRule::External(_) => Vec::new(),
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
