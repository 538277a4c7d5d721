//! Holds the model against the engine: tickets, answers, offers, what is seen. The only file of the model that names
//! the engine's types.
//!
//! Answers must be the same refusal code, with these exceptions, where the semantics say that a step is refused but
//! not with which of two codes:
//!
//! | engine | model | why either will do |
//! |---|---|---|
//! | `permission_denied` | `action_not_available` | "what is not offered is refused": which of the two is a matter of the hint's wording (whether somebody else could do it) |
//!
//! Of refused fields not only the code but every field with its problem must be the same.

use std::sync::Arc;

use loonflow_engine::ticket::visibility;
use loonflow_engine::ticket::{
    Back, Ballot, BallotShare, Event, ForkId, OfferedAction, OfferedActions, Refusal, Rest as EngineRest, Ticket, Work,
};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::{FieldPermission, WorkflowVersion};
use serde_json::Value as Json;

use super::definition::{Definition, Permission};
use super::offers::{Offer, fields_seen, may_view, offers as model_offers};
use super::ticket::{Fork, Rest, Share, Token, Vote};
use super::{Answer, Id, Model};

/// Most problems of fields that the engine lists in one refusal.
const PROBLEMS_LISTED_MAX: usize = 64;

/// Codes of the engine and the model that mean the same refusal, see the table above.
const SAME_CODES: [(&str, &str); 1] = [("permission_denied", "action_not_available")];

/// Whom the engine drew, in order, in the events of one step.
#[must_use]
pub fn drawn(events: &[Event]) -> Vec<String> {
    let mut found = Vec::new();
    for event in events {
        if let Event::NodeEntered {
            pool: Some(_),
            rest: EngineRest::Held { holders, .. },
            ..
        } = event
        {
            found.extend(holders.iter().map(|holder| holder.as_str().to_owned()));
        }
    }
    found
}

/// Whether the model's answer is the engine's: the ticket it was carried out on, or the same refusal. Ask at once: the
/// model remembers the problems of fields of its last step only.
///
/// # Errors
/// How they differ.
pub fn answer(model: &Model, answer: &Answer, engine: Result<usize, &Refusal>) -> Result<(), String> {
    match (answer, engine) {
        (Answer::Done { ticket }, Ok(idx)) if *ticket == idx => Ok(()),
        (Answer::Refused { .. }, Err(Refusal::Fields { problems })) => {
            let mut theirs: Vec<(&str, &str)> = problems
                .iter()
                .map(|problem| (problem.key.as_str(), problem.kind.code()))
                .collect();
            let mut ours: Vec<(&str, &str)> = model.field_problems.iter().map(|(key, code)| (&**key, *code)).collect();
            ours.truncate(PROBLEMS_LISTED_MAX);
            theirs.sort_unstable();
            ours.sort_unstable();
            same("problems of fields", &theirs, &ours)
        }
        (Answer::Refused { code }, Err(refusal))
            if *code == refusal.code() || SAME_CODES.contains(&(refusal.code(), code)) =>
        {
            Ok(())
        }
        (Answer::Done { .. } | Answer::Refused { .. } | Answer::Nothing, engine) => {
            let engine = engine.map_err(|refusal| format!("{}: {refusal}", refusal.code()));
            Err(format!("the answers differ: engine {engine:?}, model {answer:?}"))
        }
    }
}

/// Whether the model's ticket is the engine's, after a step that both took, `before` being the engine's ticket as it
/// was. Ask after every step: what neither side has touched was found the same before and is not looked at again.
///
/// # Errors
/// The first difference.
pub fn ticket(model: &Model, idx: usize, before: Option<&Ticket>, engine: &Ticket) -> Result<(), String> {
    let Some(ours) = model.tickets.get(idx) else {
        return Err(format!("the model has no ticket {idx}"));
    };
    let on = &*ours.on;
    same("workflow", engine.workflow_id.as_str(), &*on.workflow)?;
    same("version", engine.version_name.as_str(), &*on.version)?;
    same("creator", engine.creator.as_str(), &*ours.creator)?;
    same("act_state", engine.act_state.word(), ours.state)?;
    same("discarded", &engine.is_discarded, &ours.is_discarded)?;
    same("needs intervention", &engine.intervention.is_some(), &ours.needs_help)?;
    same("title", engine.title.as_str(), ours.title_text())?;
    // Shared with the ticket before: a copy shares what it does not change, on either side.
    let both = before.zip(model.before.as_ref());
    macro_rules! is_untouched {
        ($part:ident) => {
            both.is_some_and(|(theirs, own)| {
                Arc::ptr_eq(&theirs.$part, &engine.$part) && Arc::ptr_eq(&own.$part, &ours.$part)
            })
        };
    }
    if !is_untouched!(fields) {
        let mut pairs = engine.fields.iter().zip(&*ours.fields);
        let is_same = engine.fields.len() == ours.fields.len()
            && pairs.all(|((key, theirs), (own, value))| key.as_str() == &**own && is_value(theirs, value));
        if !is_same {
            return Err(differ("fields", &engine.fields, &ours.fields));
        }
    }
    if !is_untouched!(cc) {
        people("copied", engine.cc.iter(), ours.cc.iter())?;
    }
    if !is_untouched!(assigned) {
        people("assigned", engine.assigned.iter(), ours.assigned.iter())?;
    }
    if !is_untouched!(processed) {
        people("processed", engine.processed.iter(), ours.processed.iter())?;
    }
    if !is_untouched!(last_handlers) {
        let theirs = engine.last_handlers.iter();
        let theirs = theirs.map(|(node, user)| (node.as_str(), user.as_str()));
        let own = ours.last_handlers.iter().map(|(node, user)| (&**node, &**user));
        if !theirs.eq(own) {
            return Err(differ("last handlers", &engine.last_handlers, &ours.last_handlers));
        }
    }
    if !is_untouched!(last_voters) {
        let (mut theirs, mut own) = (engine.last_voters.iter(), ours.last_voters.iter());
        let is_same = theirs.len() == own.len()
            && theirs.all(|(node, users)| {
                own.next().is_some_and(|(own, voters)| {
                    node.as_str() == &**own
                        && users
                            .iter()
                            .map(|user| user.as_str())
                            .eq(voters.iter().map(|one| &**one))
                })
            });
        if !is_same {
            return Err(differ("last voters", &engine.last_voters, &ours.last_voters));
        }
    }
    effects(engine, &ours.owed, &ours.tokens)?;
    let counting = ours.tokens.iter().filter_map(|token| token.clock.as_ref());
    let counting: Vec<_> = counting.filter(|clock| !clock.is_void).collect();
    let running = counting.iter().filter(|clock| clock.until_ms.is_none());
    let due = running.filter_map(|clock| clock.due_ms).min();
    same("due", &engine.clocks.due().map(|due| due.0), &due)?;
    let stand = !counting.is_empty() && counting.iter().all(|clock| clock.until_ms.is_some());
    same("paused", &engine.clocks.are_all_standing(), &stand)?;
    tokens(&engine.tokens, &ours.tokens, on)
}

/// What is owed: a call for each that the model owes, in its order, and one thing for each token that waits for it.
fn effects(engine: &Ticket, ours: &[(Id, &'static str)], tokens: &[Token]) -> Result<(), String> {
    let (mut calls, mut waits, mut alarms) = (Vec::new(), Vec::new(), Vec::new());
    for (_, effect) in engine.effects.iter() {
        match &effect.work {
            Work::EventHook { hook, event } => calls.push((hook.as_str(), event.as_str())),
            Work::Timer { token, due, .. } => waits.push((*token, EngineRest::Timer { due: *due })),
            Work::Hook { token, attempt, .. } => {
                let failed = effect.parked.as_ref().map(|parked| parked.reason.clone());
                waits.push((
                    *token,
                    EngineRest::Hook {
                        attempt: *attempt,
                        failed,
                    },
                ));
            }
            Work::Deadline { token, step, due, .. } => {
                alarms.push((token.0, *step as usize, due.0, effect.parked.is_some()));
            }
            Work::NoCallBack { .. }
            | Work::Child { .. }
            | Work::Reserved { .. }
            | Work::TellParent { .. }
            | Work::CloseChild { .. }
            | Work::Notice(_) => {}
        }
    }
    let own: Vec<(&str, &str)> = ours.iter().map(|(hook, event)| (&**hook, *event)).collect();
    same("calls owed", &calls, &own)?;
    alarms.sort_unstable();
    let mut own_alarms = Vec::new();
    for token in tokens {
        let known = token.clock.iter().flat_map(|clock| &clock.alarms);
        own_alarms.extend(known.map(|(step, due, is_parked)| (token.id, *step, *due, *is_parked)));
    }
    own_alarms.sort_unstable();
    same("alarms of deadlines", &alarms, &own_alarms)?;
    let is_wait = |rest: &EngineRest| matches!(rest, EngineRest::Timer { .. } | EngineRest::Hook { .. });
    let waiting = engine
        .tokens
        .iter()
        .filter(|token| is_wait(&token.rest) && !engine.is_discarded);
    let mut waiting: Vec<_> = waiting.map(|token| (token.id, token.rest.clone())).collect();
    waits.sort_by_key(|(token, _)| *token);
    waiting.sort_by_key(|(token, _)| *token);
    same("effects of tokens", &waits, &waiting)
}

fn tokens(theirs: &[loonflow_engine::ticket::Token], ours: &[Token], on: &Definition) -> Result<(), String> {
    let described = || differ("tokens", &theirs, &shown_tokens(ours, on));
    if theirs.len() != ours.len() {
        return Err(described());
    }
    // Both name forks their own way: the same names must belong together throughout.
    let mut known: Vec<(&ForkId, Fork)> = Vec::new();
    for (theirs, ours) in theirs.iter().zip(ours) {
        let is_same = theirs.id.0 == ours.id
            && theirs.node.as_str() == &*on.nodes[ours.node].id
            && theirs.forks.len() == ours.forks.len()
            && is_rest(&theirs.rest, &ours.rest)
            && is_path(theirs, ours);
        if !is_same {
            return Err(described());
        }
        for (fork, own) in theirs.forks.iter().zip(&ours.forks) {
            let is_new = match known.iter().find(|(one, other)| *one == fork || other == own) {
                Some((one, other)) if *one == fork && other == own => false,
                Some(_) => return Err(described()),
                None => true,
            };
            if fork.split.as_str() != &*on.nodes[own.split].id {
                return Err(described());
            }
            if is_new {
                known.push((fork, *own));
            }
        }
    }
    Ok(())
}

/// Whether a token has been at the same nodes, and goes on in the same way.
fn is_path(theirs: &loonflow_engine::ticket::Token, ours: &Token) -> bool {
    let been = |n_forks: usize| ours.been.iter().filter(move |(depth, _)| *depth == n_forks);
    let levels = 0..=theirs.forks.len();
    let comes_back = match theirs.back.as_deref() {
        Some(Back::ToCome { to, people }) => ours
            .comes_back
            .as_ref()
            .is_some_and(|(node, own)| **node == *to.as_str() && is_set(people, own)),
        Some(Back::HasCome) | None => ours.comes_back.is_none(),
    };
    comes_back
        && theirs.has_come_back() == ours.has_come
        && is_set(&theirs.candidates, &ours.candidates)
        && levels.into_iter().all(|n_forks| {
            let theirs = theirs.path.since_fork(n_forks).map(|node| node.as_str());
            theirs.eq(been(n_forks).map(|(_, node)| &**node))
        })
}

fn shown_tokens(tokens: &[Token], on: &Definition) -> String {
    let shown = tokens.iter().map(|token| {
        let forks: Vec<String> = token
            .forks
            .iter()
            .map(|fork| format!("{}#{}", on.nodes[fork.split].id, fork.id))
            .collect();
        format!(
            "{} at {} in {forks:?}: {:?}",
            token.id, on.nodes[token.node].id, token.rest
        )
    });
    shown.collect::<Vec<_>>().join("; ")
}

/// Whether a token rests in the same way and for the same people, in whatever order.
fn is_rest(theirs: &EngineRest, ours: &Rest) -> bool {
    match (theirs, ours) {
        (EngineRest::Moving, Rest::Moving)
        | (EngineRest::Joining, Rest::Joining)
        | (EngineRest::Unassigned, Rest::Unassigned)
        | (EngineRest::Ended, Rest::Ended) => true,
        (
            EngineRest::Held { holders, consult },
            Rest::Held {
                holders: own,
                consult: asked,
            },
        ) => {
            let consult = consult
                .as_ref()
                .map(|consult| (consult.by.as_str(), consult.to.as_str()));
            is_set(holders, own) && consult == asked.as_ref().map(|(by, to)| (&**by, &**to))
        }
        (EngineRest::Offered { candidates }, Rest::Offered(own)) => is_set(candidates, own),
        (EngineRest::Voting(ballot), Rest::Voting(vote)) => is_vote(ballot, vote),
        (EngineRest::Timer { due }, Rest::Timer { due_ms }) => due.0 == *due_ms,
        (
            EngineRest::Hook { attempt, failed },
            Rest::Hook {
                attempt: own,
                has_failed,
                first: _,
            },
        ) => attempt == own && failed.is_some() == *has_failed,
        (
            EngineRest::Moving
            | EngineRest::Joining
            | EngineRest::Unassigned
            | EngineRest::Held { .. }
            | EngineRest::Offered { .. }
            | EngineRest::Shared { .. }
            | EngineRest::Voting(_)
            | EngineRest::Timer { .. }
            | EngineRest::Hook { .. }
            | EngineRest::Ended,
            _,
        ) => false,
    }
}

/// Whether two votes go by one rule, and everybody's share in them is the same, in the same place.
fn is_vote(ballot: &Ballot, vote: &Vote) -> bool {
    let rule = &vote.rule;
    let is_rule = (ballot.rule.word(), ballot.veto, ballot.abstain) == (rule.word.as_str(), rule.veto, rule.abstain)
        && ballot.rule.n().is_none_or(|n| u64::from(n) == rule.n);
    let is_share = |(share, own): (&BallotShare, &Share)| {
        share.holder.as_str() == &*own.holder
            && share.vote().map(|edge| edge.as_str()) == own.vote.as_ref().map(|cast| &*cast.edge)
            && share.is_kept() != own.is_dropped
            && share.consulted.as_ref().map(|user| user.as_str()) == own.consulted.as_deref()
            && share.after.map(|number| number as usize) == own.after.map(|place| place + 1)
    };
    is_rule && ballot.shares.len() == vote.shares.len() && ballot.shares.iter().zip(&vote.shares).all(is_share)
}

fn is_set(theirs: &[loonflow_engine::id::UserId], ours: &[Id]) -> bool {
    theirs.len() == ours.len() && theirs.iter().all(|user| ours.iter().any(|one| **one == *user.as_str()))
}

fn people<'a>(
    what: &str,
    theirs: impl Iterator<Item = &'a loonflow_engine::id::UserId> + Clone,
    ours: impl Iterator<Item = &'a Id> + Clone,
) -> Result<(), String> {
    if theirs
        .clone()
        .map(|user| user.as_str())
        .eq(ours.clone().map(|user| &**user))
    {
        return Ok(());
    }
    Err(differ(what, &theirs.collect::<Vec<_>>(), &ours.collect::<Vec<_>>()))
}

fn is_value(theirs: &Value, ours: &Json) -> bool {
    match (theirs, ours) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(flag), Json::Bool(own)) => flag == own,
        (Value::Number(text), Json::Number(own)) => *text == own.to_string(),
        (Value::Text(text), Json::String(own)) => text == own,
        (Value::List(items), Json::Array(own)) => {
            items.len() == own.len() && items.iter().zip(own).all(|(item, own)| is_value(item, own))
        }
        (Value::Map(entries), Json::Object(own)) => {
            entries.len() == own.len()
                && entries
                    .iter()
                    .all(|(key, entry)| own.get(key).is_some_and(|own| is_value(entry, own)))
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Map(_), _) => false,
    }
}

/// Whether a user has the same actions in both, each on the same token, and the same ones come first.
///
/// # Errors
/// How they differ.
pub fn offers(model: &Model, idx: usize, user: &str, engine: &OfferedActions) -> Result<(), String> {
    let Some(ticket) = model.tickets.get(idx) else {
        return Err(format!("the model has no ticket {idx}"));
    };
    let ours = model_offers(ticket, user, &model.people);
    list(user, "actions", &engine.actions, &ours.actions, &ticket.on)?;
    list(user, "admin actions", &engine.admin_actions, &ours.admin, &ticket.on)
}

fn list(user: &str, what: &str, theirs: &[OfferedAction], ours: &[Offer], on: &Definition) -> Result<(), String> {
    let theirs = theirs
        .iter()
        .map(|one| (one.kind.word(), one.id.as_str(), one.node.as_str(), one.token.0));
    let ours = ours
        .iter()
        .map(|one| (one.word, one.id(on), &*on.nodes[one.node].id, one.token));
    let (mut theirs, mut ours) = (theirs.collect::<Vec<_>>(), ours.collect::<Vec<_>>());
    let what = format!("{what} of `{user}`");
    // The first names the base node; for the rest the semantics give no order.
    same(&what, &theirs.first().map(|one| one.2), &ours.first().map(|one| one.2))?;
    theirs.sort_unstable();
    ours.sort_unstable();
    same(&what, &theirs, &ours)
}

/// Whether a user sees the ticket in both or in neither, and if so the same of its fields.
///
/// # Errors
/// How they differ.
pub fn seen(
    model: &Model,
    idx: usize,
    user: &str,
    engine_sees: bool,
    workflow: &WorkflowVersion,
    engine_offers: &OfferedActions,
) -> Result<(), String> {
    let Some(ticket) = model.tickets.get(idx) else {
        return Err(format!("the model has no ticket {idx}"));
    };
    let sees = may_view(ticket, user, &model.people);
    same(&format!("whether `{user}` sees the ticket"), &engine_sees, &sees)?;
    if !sees {
        return Ok(());
    }
    let theirs = visibility::field_permissions(workflow, engine_offers.acting_node());
    let own = model_offers(ticket, user, &model.people);
    let ours = fields_seen(ticket, &own);
    let theirs = theirs.iter().map(|(key, permission)| (key.as_str(), *permission));
    let ours = ours.iter().map(|(key, permission)| (*key, permission_of(*permission)));
    same(
        &format!("fields as `{user}` sees them"),
        &theirs.collect::<Vec<_>>(),
        &ours.collect::<Vec<_>>(),
    )
}

fn permission_of(permission: Permission) -> FieldPermission {
    match permission {
        Permission::Hidden => FieldPermission::Hidden,
        Permission::Readonly => FieldPermission::Readonly,
        Permission::Optional => FieldPermission::Optional,
        Permission::Required => FieldPermission::Required,
    }
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, theirs: &T, ours: &T) -> Result<(), String> {
    if theirs == ours {
        return Ok(());
    }
    Err(differ(what, &theirs, &ours))
}

fn differ(what: &str, theirs: &dyn std::fmt::Debug, ours: &dyn std::fmt::Debug) -> String {
    format!("{what} differ: engine {theirs:?}, model {ours:?}")
}
