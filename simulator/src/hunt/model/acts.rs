//! What a person's action does, what a timer and a hook do, and how a ticket is created
//! (semantics: assignees, actions).

use super::assign::in_place_of;
use super::back::{self, Back, Undo};
use super::definition::NodeKind;
use super::moves::Run;
use super::offers::{Offer, offers, offers_to, sees};
use super::people::People;
use super::ticket::{Rest, Share, Ticket, join};
use super::{Id, Refused, forms, votes};
use crate::world::case::Fields;

/// A comment may have this many characters, as a textarea.
const COMMENT_CHARS_MAX: usize = 100_000;

/// Actions on the ticket as a whole.
const WHOLE: [&str; 7] = [
    "add_comment",
    "withdraw",
    "force_close",
    "force_alter_node",
    "discard",
    "retry_hook",
    "skip",
];

/// Why a step was turned down.
#[derive(Debug)]
pub(super) enum Failed {
    Code(Refused),
    /// Every problem with its field.
    Fields(Vec<(String, Refused)>),
}

impl From<Refused> for Failed {
    fn from(code: Refused) -> Self {
        Self::Code(code)
    }
}

/// A creation as asked for.
pub(super) struct Creation<'a> {
    pub(super) creator: &'a str,
    pub(super) action_id: Option<&'a str>,
    pub(super) fields: &'a Fields,
    pub(super) comment: Option<&'a str>,
    pub(super) cc: Vec<&'a str>,
}

/// An action as asked for.
pub(super) struct Request<'a> {
    pub(super) operator: &'a str,
    pub(super) action_type: &'a str,
    pub(super) action_id: &'a str,
    pub(super) node_id: Option<&'a str>,
    pub(super) comment: Option<&'a str>,
    pub(super) target_assignee: Option<&'a str>,
    pub(super) target_node: Option<&'a str>,
    pub(super) resume: bool,
    pub(super) fields: &'a Fields,
}

/// Any active user starts a workflow; with an edge the ticket goes on at once, without one it is a draft.
pub(super) fn create(run: &mut Run<'_>, creation: &Creation<'_>) -> Result<(), Failed> {
    if !run.people.is_active(creation.creator) {
        return Err(Failed::Code("permission_denied"));
    }
    check_comment(creation.comment)?;
    for user in &creation.cc {
        if !run.people.is_active(user) {
            return Err(Failed::Code("invalid_argument"));
        }
        join(&mut run.ticket.cc, &(*user).into());
    }
    run.settle()?;
    let start = run.ticket.on.start;
    let Some(action_id) = creation.action_id else {
        let changes = forms::check(&run.ticket, run.people, start, creation.fields, false).map_err(Failed::Fields)?;
        forms::store(&mut run.ticket, run.people, changes);
        return Ok(());
    };
    let offered = offers(&run.ticket, creation.creator, run.people);
    let is_meant = |offer: &&Offer| offer.edge.is_some() && offer.id(&run.ticket.on) == action_id;
    let chosen = offered.actions.iter().find(is_meant).ok_or("action_not_available")?;
    take_edge(run, chosen, creation.fields)
}

/// The offered action that is meant: what is not offered is refused here.
pub(super) fn choose(ticket: &Ticket, people: &People, request: &Request<'_>) -> Result<Offer, Refused> {
    // A claim has the id `accept`; with another id the word is an older spelling of `agree`.
    let word = match request.action_type {
        "accept" if request.action_id != "accept" => "agree",
        word => word,
    };
    let operator = people.user(request.operator).filter(|user| sees(ticket, user, people));
    let operator = operator.ok_or("ticket_not_found")?;
    check_comment(request.comment)?;
    let offered = offers_to(ticket, operator, people);
    let is_asked = |offer: &Offer| offer.word == word && offer.id(&ticket.on) == request.action_id;
    let all = offered.actions.into_iter().chain(offered.admin);
    let mut fitting: Vec<Offer> = all.filter(is_asked).collect();
    if fitting.is_empty() {
        return Err("action_not_available");
    }
    if let Some(node_id) = request.node_id {
        let is_there = |node: usize| *ticket.on.nodes[node].id == *node_id;
        // These concern the ticket as a whole: any node with a token will do.
        if WHOLE.contains(&word) {
            if !ticket.tokens.iter().any(|token| is_there(token.node)) {
                return Err("invalid_argument");
            }
        } else {
            fitting.retain(|offer| is_there(offer.node));
        }
    }
    // Of several tokens on one node the older acts first.
    let oldest = fitting
        .iter()
        .min_by_key(|offer| offer.token)
        .ok_or("action_not_available")?;
    if fitting.iter().any(|offer| offer.node != oldest.node) {
        return Err("ambiguous_node");
    }
    Ok(oldest.clone())
}

/// Carries a chosen action out.
pub(super) fn handle(run: &mut Run<'_>, request: &Request<'_>, chosen: &Offer) -> Result<(), Failed> {
    if chosen.edge.is_some() {
        return take_edge(run, chosen, request.fields);
    }
    if !request.fields.is_empty() {
        return Err(Failed::Code("invalid_argument"));
    }
    let operator = run.person().cloned().ok_or("action_not_available")?;
    match chosen.word {
        "accept" => {
            let rest = run.ticket.token(chosen.token).map(|token| token.rest.clone());
            run.rest(chosen.token, held_by(operator.clone()));
            if let (Some(token), Some(Rest::Offered(candidates))) = (run.ticket.token_mut(chosen.token), rest) {
                token.candidates = candidates;
            }
        }
        "return_to" => back::return_to(run, request, chosen, &operator)?,
        "undo" => back::undo(run, chosen, &operator),
        "take_back" => take_back(run, request, chosen, &operator)?,
        "add_signer" => add_signer(run, request, chosen, &operator)?,
        "give_back" => {
            let token = run.ticket.token(chosen.token).ok_or("action_not_available")?;
            let people = run.people;
            let left = token.candidates.iter().filter(|user| people.is_active(user));
            let left: Vec<Id> = left.cloned().collect();
            run.rest(chosen.token, Rest::Offered(left));
        }
        "forward" => forward(run, request, chosen, &operator)?,
        "consult" => consult(run, request, chosen, &operator)?,
        "consult_submit" => end_consult(run, chosen, &operator),
        "abstain" => votes::drop_share(run, chosen.token, &operator)?,
        "add_comment" => {
            if request.comment.is_none_or(|comment| comment.trim().is_empty()) {
                return Err(Failed::Code("invalid_argument"));
            }
            // A comment does not make one a processor.
            run.keeps_undo = true;
            return Ok(());
        }
        "withdraw" => {
            run.told.push("withdraw");
            run.restart_at(run.ticket.on.start)?;
            run.ticket.state = "withdrawn";
        }
        "force_forward" => {
            let named = target_assignee(run, request, Some(chosen.node))?;
            let target = in_place_at(run, chosen.node, &named);
            join(&mut run.ticket.assigned, &named);
            run.rest(chosen.token, held_by(target));
        }
        "force_close" => {
            run.told.push("force_close");
            run.restart_at(run.ticket.on.end)?;
            run.ticket.state = "closed";
        }
        "force_alter_node" => {
            let on = &run.ticket.on;
            let target = request.target_node.and_then(|id| on.node_at(id));
            let is_fit = |node: &usize| matches!(on.nodes[*node].kind, NodeKind::Start | NodeKind::Normal(_));
            let target = target.filter(is_fit).ok_or("invalid_argument")?;
            run.back = Some(Back::Last);
            run.restart_at(target)?;
            run.ticket.state = "on_going";
        }
        "retry_hook" => {
            let failed = waiting(run, request, |rest| matches!(rest, Rest::Hook { has_failed: true, .. }));
            let given_up = given_up(run, request.node_id);
            for (id, step) in &given_up {
                let clock = run.ticket.token_mut(*id).and_then(|token| token.clock.as_mut());
                let alarms = clock.into_iter().flat_map(|clock| &mut clock.alarms);
                alarms
                    .filter(|alarm| alarm.0 == *step)
                    .for_each(|alarm| alarm.2 = false);
            }
            if failed.is_empty() && given_up.is_empty() {
                return Err(Failed::Code("invalid_argument"));
            }
            for id in failed {
                run.ticket.n_hook_requests += 1;
                let request = run.ticket.n_hook_requests;
                if let Some(Rest::Hook {
                    attempt, has_failed, ..
                }) = run.ticket.token_mut(id).map(|token| &mut token.rest)
                {
                    (*attempt, *has_failed) = (request, false);
                }
            }
        }
        "skip" => {
            let waits = waiting(run, request, |rest| {
                matches!(rest, Rest::Hook { .. } | Rest::Timer { .. })
            });
            let node_of = |id: &u64| run.ticket.token(*id).map(|token| token.node);
            // A step of a deadline that was given up is skipped where nothing else could be meant.
            let given_up = given_up(run, None);
            if let (true, [], [(id, step)]) = (request.node_id.is_none(), &waits[..], &given_up[..]) {
                let clock = run.ticket.token_mut(*id).and_then(|token| token.clock.as_mut());
                if let Some(clock) = clock {
                    clock.alarms.retain(|alarm| alarm.0 != *step);
                    clock.n_done[*step] += 1;
                }
                join(&mut run.ticket.processed, &operator);
                return Ok(());
            }
            if request.node_id.is_none() && !given_up.is_empty() {
                return Err(Failed::Code("invalid_argument"));
            }
            let oldest = *waits.iter().min().ok_or("invalid_argument")?;
            if waits.iter().any(|id| node_of(id) != node_of(&oldest)) {
                return Err(Failed::Code("ambiguous_node"));
            }
            go_on_by_itself(run, oldest)?;
        }
        "discard" => {
            run.ticket.is_discarded = true;
            run.ticket.owed = Default::default();
        }
        _ => return Err(Failed::Code("action_not_available")),
    }
    join(&mut run.ticket.processed, &operator);
    Ok(())
}

/// Fields are checked and stored, then the edge is taken; where everyone votes, once that is decided.
fn take_edge(run: &mut Run<'_>, chosen: &Offer, fields: &Fields) -> Result<(), Failed> {
    let on = run.ticket.on.clone();
    let Some(edge_idx) = chosen.edge else {
        return Err(Failed::Code("action_not_available"));
    };
    let edge = &on.edges[edge_idx];
    let changes =
        forms::check(&run.ticket, run.people, chosen.node, fields, !edge.skips_required).map_err(Failed::Fields)?;
    if on.nodes[chosen.node].allow_undo && run.ticket.state != "in_draft" {
        let mut before = run.ticket.clone();
        before.undo = None;
        run.kept = run.person().map(|by| Undo {
            by: by.clone(),
            at_ms: run.now_ms,
            before,
        });
    }
    forms::store(&mut run.ticket, run.people, changes);
    let operator = run.person().cloned();
    if let Some(operator) = &operator {
        join(&mut run.ticket.processed, operator);
    }
    let votes = run
        .ticket
        .token(chosen.token)
        .is_some_and(|token| matches!(token.rest, Rest::Voting(_)));
    match operator {
        Some(voter) if votes => votes::cast(run, chosen.token, &voter, edge_idx)?,
        Some(_) | None => run.leave_by(chosen.token, edge_idx)?,
    }
    Ok(())
}

/// What the operator asked, else whom they added.
fn take_back(run: &mut Run<'_>, request: &Request<'_>, chosen: &Offer, operator: &Id) -> Result<(), Refused> {
    let token = run.ticket.token_mut(chosen.token).ok_or("action_not_available")?;
    let is_meant = |user: &Id| request.target_assignee.is_none_or(|named| *named == **user);
    if back::asked_by(token, operator).is_some_and(is_meant) {
        if let Rest::Held { consult, .. } = &mut token.rest {
            *consult = None;
        } else if let Rest::Voting(vote) = &mut token.rest
            && let Some(share) = vote.share_of(operator)
        {
            share.consulted = None;
        }
        return Ok(());
    }
    let added = votes::added_by(token, operator)
        .into_iter()
        .filter(|user| is_meant(user));
    let [user] = added
        .cloned()
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "invalid_argument")?;
    votes::drop_share(run, chosen.token, &user)
}

/// Somebody else has to act as well; who does already cannot be added.
fn add_signer(run: &mut Run<'_>, request: &Request<'_>, chosen: &Offer, operator: &Id) -> Result<(), Refused> {
    let named = target_assignee(run, request, Some(chosen.node))?;
    let target = in_place_at(run, chosen.node, &named);
    let token = run.ticket.token_mut(chosen.token).ok_or("action_not_available")?;
    votes::add(&mut token.rest, operator, &target)?;
    token.candidates.clear();
    join(&mut run.ticket.assigned, &target);
    join(&mut run.ticket.assigned, &named);
    Ok(())
}

/// Someone else takes the operator's place; where everyone acts, only someone without a share.
fn forward(run: &mut Run<'_>, request: &Request<'_>, chosen: &Offer, operator: &Id) -> Result<(), Refused> {
    let named = target_assignee(run, request, Some(chosen.node))?;
    let target = in_place_at(run, chosen.node, &named);
    if target == *operator {
        return Err("invalid_argument");
    }
    let token = run.ticket.token_mut(chosen.token).ok_or("action_not_available")?;
    if matches!(token.rest, Rest::Held { .. }) {
        token.candidates.clear();
    }
    match &mut token.rest {
        Rest::Held { holders, .. } => {
            let at = holders.iter().position(|holder| holder == operator);
            if holders.contains(&target) {
                holders.retain(|holder| holder != operator);
            } else if let Some(at) = at {
                holders[at] = target.clone();
            }
        }
        Rest::Voting(vote) => {
            if vote.share_of(&target).is_some() {
                return Err("invalid_argument");
            }
            if let Some(share) = vote.share_of(operator) {
                share.holder = target.clone();
            }
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered(_)
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => return Err("action_not_available"),
    }
    join(&mut run.ticket.assigned, &target);
    join(&mut run.ticket.assigned, &named);
    Ok(())
}

/// Someone else holds the node, or the operator's share of it, until it answers.
fn consult(run: &mut Run<'_>, request: &Request<'_>, chosen: &Offer, operator: &Id) -> Result<(), Refused> {
    let named = target_assignee(run, request, None)?;
    let target = in_place_at(run, chosen.node, &named);
    if target == *operator {
        return Err("invalid_argument");
    }
    let token = run.ticket.token_mut(chosen.token).ok_or("action_not_available")?;
    match &mut token.rest {
        Rest::Held { consult, .. } => *consult = Some((operator.clone(), target.clone())),
        Rest::Voting(vote) => {
            let has_part = |share: &Share| share.holder == target || share.consulted.as_ref() == Some(&target);
            if vote.left().any(has_part) {
                return Err("invalid_argument");
            }
            if let Some(share) = vote.share_of(operator) {
                share.consulted = Some(target.clone());
            }
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered(_)
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => return Err("action_not_available"),
    }
    join(&mut run.ticket.assigned, &target);
    join(&mut run.ticket.assigned, &named);
    Ok(())
}

/// The node, or the share, returns to whoever held it.
fn end_consult(run: &mut Run<'_>, chosen: &Offer, operator: &Id) {
    let Some(token) = run.ticket.token_mut(chosen.token) else {
        return;
    };
    match &mut token.rest {
        Rest::Held { consult, .. } => *consult = None,
        Rest::Voting(vote) => {
            for share in vote
                .shares
                .iter_mut()
                .filter(|share| share.consulted.as_ref() == Some(operator))
            {
                share.consulted = None;
            }
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered(_)
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => {}
    }
}

/// Who acts for somebody at a node.
pub(super) fn in_place_at(run: &Run<'_>, node: usize, user: &Id) -> Id {
    match &run.ticket.on.nodes[node].kind {
        NodeKind::Normal(normal) => in_place_of(run, normal, user),
        NodeKind::Start
        | NodeKind::End
        | NodeKind::Exclusive { .. }
        | NodeKind::Parallel
        | NodeKind::Inclusive { .. }
        | NodeKind::TimerFor(_)
        | NodeKind::TimerBudget(..)
        | NodeKind::TimerUntil(_)
        | NodeKind::Hook => user.clone(),
    }
}

/// Whom an action concerns: an active user; where the node is given to it, not a creator whom the node excludes.
fn target_assignee(run: &Run<'_>, request: &Request<'_>, given: Option<usize>) -> Result<Id, Refused> {
    let target = request.target_assignee.unwrap_or_default();
    let excludes = |node: usize| match &run.ticket.on.nodes[node].kind {
        NodeKind::Normal(normal) => normal.excludes(),
        NodeKind::Start
        | NodeKind::End
        | NodeKind::Exclusive { .. }
        | NodeKind::Parallel
        | NodeKind::Inclusive { .. }
        | NodeKind::TimerFor(_)
        | NodeKind::TimerBudget(..)
        | NodeKind::TimerUntil(_)
        | NodeKind::Hook => false,
    };
    let is_excluded = *run.ticket.creator == *target && given.is_some_and(excludes);
    if is_excluded || !run.people.is_active(target) {
        return Err("invalid_argument");
    }
    Ok(target.into())
}

fn held_by(user: Id) -> Rest {
    Rest::Held {
        holders: vec![user],
        consult: None,
    }
}

fn check_comment(comment: Option<&str>) -> Result<(), Refused> {
    let is_long = |text: &str| text.len() > COMMENT_CHARS_MAX && text.chars().count() > COMMENT_CHARS_MAX;
    if comment.is_some_and(is_long) {
        return Err("invalid_argument");
    }
    Ok(())
}

/// A timer that is due takes its node's one way out.
pub(super) fn fire_timer(run: &mut Run<'_>, token: u64) -> Result<(), Refused> {
    match run.ticket.token(token).map(|token| &token.rest) {
        Some(Rest::Timer { due_ms }) if *due_ms <= run.now_ms => go_on_by_itself(run, token),
        Some(_) | None => Err("not_waiting"),
    }
}

/// Tokens that rest in such a way, at the node that is named or at any: those that came to a hook first come first.
fn waiting(run: &Run<'_>, request: &Request<'_>, fits: impl Fn(&Rest) -> bool) -> Vec<u64> {
    let on = &run.ticket.on;
    let is_there = |node: usize| request.node_id.is_none_or(|id| *on.nodes[node].id == *id);
    let tokens = run.ticket.tokens.iter();
    let mut found: Vec<_> = tokens
        .filter(|token| fits(&token.rest) && is_there(token.node))
        .collect();
    found.sort_by_key(|token| {
        if let Rest::Hook { first, .. } = token.rest {
            first
        } else {
            0
        }
    });
    found.iter().map(|token| token.id).collect()
}

/// Steps of deadlines that were given up, at a node or at any: of which token, and which.
fn given_up(run: &Run<'_>, node_id: Option<&str>) -> Vec<(u64, usize)> {
    let on = &run.ticket.on;
    let is_there = |node: usize| node_id.is_none_or(|id| *on.nodes[node].id == *id);
    let tokens = run.ticket.tokens.iter().filter(|token| is_there(token.node));
    let mut found = Vec::new();
    for token in tokens {
        let alarms = token.clock.iter().flat_map(|clock| &clock.alarms);
        found.extend(alarms.filter(|alarm| alarm.2).map(|alarm| (token.id, alarm.0)));
    }
    found
}

/// A hook that went well takes its node's one way out, whichever request of this stay it answers; one that failed waits
/// for an admin, and that is said of the request made last. An answer to any other request is about nothing.
pub(super) fn report_hook(run: &mut Run<'_>, id: u64, reported: u32, failed: bool) -> Result<(), Refused> {
    let token = run.ticket.token_mut(id).ok_or("not_waiting")?;
    let Rest::Hook {
        attempt,
        first,
        has_failed,
    } = &mut token.rest
    else {
        return Err("not_waiting");
    };
    let is_of_stay = (*first..=*attempt).contains(&reported);
    if !is_of_stay || (failed && (*has_failed || *attempt != reported)) {
        return Err("not_waiting");
    }
    if failed {
        *has_failed = true;
        return Ok(());
    }
    go_on_by_itself(run, id)
}

/// Nobody's doing: the state stays what the last person made it, unless the ticket ends.
fn go_on_by_itself(run: &mut Run<'_>, token: u64) -> Result<(), Refused> {
    let node = run.ticket.token(token).ok_or("not_waiting")?.node;
    let way = *run.ticket.on.nodes[node].ways.first().ok_or("not_waiting")?;
    run.take(token, way);
    run.settle()?;
    if run.ticket.is_over() && run.ticket.state != "rejected" {
        run.ticket.state = "finished";
    }
    Ok(())
}
