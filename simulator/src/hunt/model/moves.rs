//! The token game (semantics: game, merges): takes edges, moves tokens until all rest, forks, joins, leaves forks
//! early.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::assign::assign;
use super::back::{self, Back, Undo, is_for_people};
use super::definition::{Definition, NodeKind};
use super::people::People;
use super::ticket::{Fork, Rest, Ticket, Token, join};
use super::{Id, Refused, conditions, deadlines, values, working};

/// More moves than this in one step are an error, not a hang.
const MOVES_MAX: usize = 1_000;
/// More tokens than this are one as well.
const TOKENS_MAX: usize = 1_000;

/// Who caused a step.
#[derive(Clone, Debug)]
pub(super) enum By {
    Person(Id),
    Timer,
    Hook,
    Nobody,
}

/// One step under way, on a copy of the ticket.
#[derive(Clone)]
pub(super) struct Run<'a> {
    pub(super) ticket: Ticket,
    pub(super) people: &'a People,
    pub(super) now_ms: i64,
    pub(super) by: By,
    /// Whom the engine drew, in order.
    drawn: &'a [String],
    n_drawn: usize,
    has_bad_draw: bool,
    n_moves: usize,
    /// A migration sets the deadlines of its new version itself.
    pub(super) is_migration: bool,
    /// The state before.
    was: &'static str,
    /// Values as they were before.
    fields: Arc<BTreeMap<Id, Arc<Json>>>,
    /// What others are told of, but for what the state says.
    pub(super) told: Vec<&'static str>,
    /// To whom the token that is on its way comes back.
    pub(super) back: Option<Back>,
    /// How the ticket was before, where what is done now can be undone.
    pub(super) kept: Option<Undo>,
    /// Whether what was done before can still be undone.
    pub(super) keeps_undo: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(ticket: Ticket, people: &'a People, now_ms: i64, by: By, drawn: &'a [String]) -> Self {
        Self {
            was: ticket.state,
            fields: Arc::clone(&ticket.fields),
            told: Vec::new(),
            back: None,
            kept: None,
            keeps_undo: false,
            ticket,
            people,
            now_ms,
            by,
            drawn,
            n_drawn: 0,
            has_bad_draw: false,
            n_moves: 0,
            is_migration: false,
        }
    }

    /// The person who acts; nobody for what the engine does by itself.
    pub(super) fn person(&self) -> Option<&Id> {
        match &self.by {
            By::Person(user) => Some(user),
            By::Timer | By::Hook | By::Nobody => None,
        }
    }

    /// Owes a call of every event hook that is to be told of what happened. A ticket is created for others when it is
    /// sent.
    pub(super) fn owe(&mut self) {
        if self.was == "in_draft" && self.ticket.state != "in_draft" {
            self.told.push("create");
        }
        if self.was != "finished" && self.ticket.state == "finished" {
            self.told.push("finish");
        }
        let on = self.on();
        for event in std::mem::take(&mut self.told) {
            let wanting = on
                .hooks
                .iter()
                .filter(|(_, events)| events.iter().any(|one| **one == *event));
            let calls: Vec<_> = wanting.map(|(hook, _)| (hook.clone(), event)).collect();
            if !calls.is_empty() {
                Arc::make_mut(&mut self.ticket.owed).extend(calls);
            }
        }
    }

    /// Sets what goes by the clock as the ticket stands now: deadlines, and timers whose field has changed.
    pub(super) fn set_times(&mut self) {
        let on = self.on();
        let value = |fields: &BTreeMap<Id, Arc<Json>>, field: usize| fields.get(&on.fields[field].key).cloned();
        let is_changed = |field: &usize| value(&self.fields, *field) != value(&self.ticket.fields, *field);
        let changed: Vec<usize> = (0..on.fields.len()).filter(is_changed).collect();
        if !self.ticket.is_over() && self.ticket.state != "in_draft" {
            for idx in 0..self.ticket.tokens.len() {
                let token = &self.ticket.tokens[idx];
                if let (Rest::Timer { .. }, NodeKind::TimerUntil(Some(field))) =
                    (&token.rest, &on.nodes[token.node].kind)
                    && changed.contains(field)
                {
                    let text = self.ticket.value_of(*field).and_then(Json::as_str);
                    if let Some(due_ms) = text.and_then(|text| values::instant(text, &self.people.zone)) {
                        self.ticket.tokens[idx].rest = Rest::Timer { due_ms };
                    }
                }
            }
        }
        if !self.is_migration {
            deadlines::set(self, &changed);
        }
    }

    /// The next of those drawn, who must be in the pool. Without one the first of the pool stands in, so that a step
    /// that is turned down later is turned down for the right reason.
    pub(super) fn draw(&mut self, pool: &[Id]) -> Id {
        let drawn = self.drawn.get(self.n_drawn);
        self.n_drawn += 1;
        let found = drawn.and_then(|drawn| pool.iter().find(|user| ***user == **drawn));
        self.has_bad_draw |= found.is_none();
        found.unwrap_or(&pool[0]).clone()
    }

    /// Whether a draw does not fit, or one was made for nothing.
    pub(super) fn is_badly_drawn(&self) -> bool {
        self.has_bad_draw || self.n_drawn != self.drawn.len()
    }

    fn on(&self) -> Arc<Definition> {
        Arc::clone(&self.ticket.on)
    }

    /// A token that takes an edge leaves its node, and every fork whose region does not hold the target.
    pub(super) fn take(&mut self, id: u64, edge: usize) {
        let on = self.on();
        let edge = &on.edges[edge];
        if edge.kind == "reject" && matches!(on.nodes[edge.from].kind, NodeKind::Normal(_)) {
            self.told.push("reject");
        }
        // Whoever lets a token go from a node that people handle is its last handler.
        let rests_with = |token: &Token| matches!(token.rest, Rest::Held { .. } | Rest::Voting(_));
        let is_handled = self.ticket.token(id).is_some_and(rests_with);
        self.leave(id, edge.to, is_handled);
        self.leave_forks(id, edge.to);
    }

    /// A token's stay is over, and it is on its way into another node.
    pub(super) fn leave(&mut self, id: u64, to: usize, is_handled: bool) {
        let on = self.on();
        let Some(left) = self.ticket.token(id).cloned() else {
            return;
        };
        let node = &on.nodes[left.node].id;
        if let (Some(person), true) = (self.person().cloned(), is_handled)
            && self.ticket.last_handlers.get(node) != Some(&person)
        {
            Arc::make_mut(&mut self.ticket.last_handlers).insert(node.clone(), person);
        }
        let voters: Option<Vec<Id>> = if let Rest::Voting(vote) = &left.rest {
            Some(vote.left().map(|share| share.holder.clone()).collect())
        } else {
            None
        };
        if self.ticket.last_voters.get(node) != voters.as_ref() {
            let known = Arc::make_mut(&mut self.ticket.last_voters);
            match voters {
                Some(voters) => known.insert(node.clone(), voters),
                None => known.remove(node),
            };
        }
        deadlines::leave(&on, &mut self.ticket, &left, self.now_ms);
        if let Some(token) = self.ticket.token_mut(id) {
            if is_for_people(&left.rest) {
                token.been.insert((left.forks.len(), node.clone()));
            }
            (token.node, token.rest, token.clock) = (to, Rest::Moving, None);
            (token.candidates, token.comes_back, token.has_come) = (Vec::new(), None, false);
        }
    }

    /// A token leaves a node of people, and the edge says the state, whoever or whatever it was taken by.
    pub(super) fn leave_by(&mut self, id: u64, edge: usize) -> Result<(), Refused> {
        let on = self.on();
        let is_reject = on.edges[edge].kind == "reject";
        let back = self.ticket.token(id).and_then(|token| {
            let (node, people) = token.comes_back.clone()?;
            let node = on.node_at(&node)?;
            let rests = !matches!(
                on.nodes[node].kind,
                NodeKind::End | NodeKind::Exclusive { .. } | NodeKind::Parallel | NodeKind::Inclusive { .. }
            );
            (rests && back::fits(&on, token, node)).then_some((node, people))
        });
        match back.filter(|_| !is_reject) {
            Some((node, people)) => {
                let rests_with = |token: &Token| matches!(token.rest, Rest::Held { .. } | Rest::Voting(_));
                let is_handled = self.ticket.token(id).is_some_and(rests_with);
                self.leave(id, node, is_handled);
                if let Some(token) = self.ticket.token_mut(id) {
                    token.has_come = true;
                }
                self.back = Some(Back::These(people));
            }
            None => self.take(id, edge),
        }
        self.settle()?;
        self.ticket.state = match (is_reject, self.ticket.is_over()) {
            (true, _) => "rejected",
            (false, true) => "finished",
            (false, false) => "on_going",
        };
        Ok(())
    }

    /// Cancels the other tokens of the outermost fork that is left, and so of those nested in it.
    fn leave_forks(&mut self, id: u64, target: usize) {
        let on = self.on();
        let Some(token) = self.ticket.token_mut(id) else { return };
        let is_left = |fork: &Fork| !on.in_region(fork.split, target);
        if let Some(at) = token.forks.iter().position(is_left) {
            let left = token.forks[at];
            token.leave_forks(at);
            self.gone(|one| one.forks.contains(&left));
        }
    }

    /// Tokens go.
    fn gone(&mut self, is_gone: impl Fn(&Token) -> bool) {
        let on = self.on();
        let gone: Vec<Token> = self.ticket.tokens.iter().filter(|one| is_gone(one)).cloned().collect();
        self.ticket.tokens.retain(|one| !is_gone(one));
        for token in &gone {
            deadlines::leave(&on, &mut self.ticket, token, self.now_ms);
        }
    }

    /// All tokens go, and one enters a node.
    pub(super) fn restart_at(&mut self, node: usize) -> Result<(), Refused> {
        let on = self.on();
        let mut been: BTreeSet<(usize, Id)> = BTreeSet::new();
        for token in &self.ticket.tokens {
            been.extend(token.been.iter().map(|(_, node)| (0, node.clone())));
            been.extend(is_for_people(&token.rest).then(|| (0, on.nodes[token.node].id.clone())));
        }
        self.gone(|_| true);
        self.add(node, Vec::new(), been);
        self.settle()
    }

    fn add(&mut self, node: usize, forks: Vec<Fork>, been: BTreeSet<(usize, Id)>) -> u64 {
        self.ticket.last_token += 1;
        let token = Token::new(self.ticket.last_token, node, forks);
        self.ticket.tokens.push(Token { been, ..token });
        self.ticket.last_token
    }

    /// Moves tokens, the oldest first, until every one rests.
    pub(super) fn settle(&mut self) -> Result<(), Refused> {
        while let Some(token) = self.ticket.tokens.iter().find(|token| token.rest == Rest::Moving) {
            let token = token.clone();
            self.n_moves += 1;
            if self.n_moves > MOVES_MAX || self.ticket.tokens.len() > TOKENS_MAX {
                return Err("too_many_moves");
            }
            self.enter(&token)?;
        }
        Ok(())
    }

    fn enter(&mut self, token: &Token) -> Result<(), Refused> {
        let on = self.on();
        let back = self.back.take();
        if let Some(fork) = token
            .forks
            .last()
            .filter(|fork| on.merge_of(fork.split) == Some(token.node))
        {
            self.join(token, *fork);
            return Ok(());
        }
        let node = &on.nodes[token.node];
        match &node.kind {
            NodeKind::Start => {
                let creator = self.ticket.creator.clone();
                self.rest(
                    token.id,
                    if self.people.is_active(&creator) {
                        Rest::Held {
                            holders: vec![creator],
                            consult: None,
                        }
                    } else {
                        Rest::Unassigned
                    },
                );
            }
            NodeKind::Normal(normal) => {
                let rest = match assign(self, &node.id, normal, back) {
                    Some(rest) => rest,
                    None if self.person().is_some() => return Err("no_assignee"),
                    None => Rest::Unassigned,
                };
                self.rest(token.id, rest);
            }
            NodeKind::End => {
                self.gone(|one| one.id != token.id);
                self.rest(token.id, Rest::Ended);
            }
            NodeKind::Exclusive { default } => {
                let fitting = self.fitting(&node.ways, *default);
                let way = fitting.first().copied().or(*default).ok_or("no_branch_matches")?;
                self.take(token.id, way);
            }
            NodeKind::Parallel => self.go_on(token, &node.ways, node.ways.len() > 1),
            NodeKind::Inclusive { default } => {
                let mut ways = self.fitting(&node.ways, *default);
                if ways.is_empty() {
                    ways.push(default.ok_or("no_branch_matches")?);
                }
                self.go_on(token, &ways, node.ways.len() > 1);
            }
            NodeKind::TimerFor(span) => {
                let due_ms = self.after(span);
                self.rest(token.id, Rest::Timer { due_ms });
            }
            NodeKind::TimerBudget(budget, calendar) => {
                let calendar = self.people.calendars.get(calendar);
                let due_ms = working::due(calendar, self.now_ms, *budget);
                self.rest(token.id, Rest::Timer { due_ms });
            }
            NodeKind::TimerUntil(field) => {
                // Without a date that can be read there is nothing to wait for.
                let text = field.and_then(|field| self.ticket.value_of(field)?.as_str());
                let due = text.and_then(|text| values::instant(text, &self.people.zone));
                let due_ms = due.unwrap_or(self.now_ms);
                self.rest(token.id, Rest::Timer { due_ms });
            }
            NodeKind::Hook => {
                self.ticket.n_hook_requests += 1;
                let attempt = self.ticket.n_hook_requests;
                let rest = Rest::Hook {
                    attempt,
                    first: attempt,
                    has_failed: false,
                };
                self.rest(token.id, rest);
            }
        }
        Ok(())
    }

    /// Ways whose conditions hold. A default without conditions is for when none does.
    fn fitting(&self, ways: &[usize], default: Option<usize>) -> Vec<usize> {
        let fits = |way: &&usize| {
            let edge = &self.ticket.on.edges[**way];
            let is_last_resort = default == Some(**way) && edge.groups.is_empty();
            !is_last_resort && conditions::hold(edge, &self.ticket, self.people)
        };
        ways.iter().filter(fits).copied().collect()
    }

    /// A token on each way, all of one new fork; where the node is no split, the token itself.
    fn go_on(&mut self, token: &Token, ways: &[usize], is_split: bool) {
        if !is_split {
            self.take(token.id, ways[0]);
            return;
        }
        let on = self.on();
        self.ticket.last_fork += 1;
        let mut forks = token.forks.clone();
        forks.push(Fork {
            id: self.ticket.last_fork,
            split: token.node,
        });
        self.ticket.tokens.retain(|one| one.id != token.id);
        let branches = ways.iter().map(|way| on.edges[*way].to);
        let branches: Vec<(u64, usize)> = branches
            .map(|target| (self.add(target, forks.clone(), token.been.clone()), target))
            .collect();
        for (id, target) in branches {
            self.leave_forks(id, target);
        }
    }

    /// A token of a fork at its merge waits until every token of that fork has come, then they become one.
    fn join(&mut self, token: &Token, fork: Fork) {
        self.rest(token.id, Rest::Joining);
        let of_fork = || self.ticket.tokens.iter().filter(|one| one.forks.contains(&fork));
        let has_come =
            |one: &Token| one.rest == Rest::Joining && one.node == token.node && one.forks.last() == Some(&fork);
        if of_fork().all(has_come) {
            let oldest = of_fork().map(|one| one.id).min().unwrap_or(token.id);
            let been: BTreeSet<(usize, Id)> = of_fork().flat_map(|one| one.been.iter().cloned()).collect();
            self.ticket
                .tokens
                .retain(|one| one.id == oldest || !one.forks.contains(&fork));
            if let Some(one) = self.ticket.token_mut(oldest) {
                one.been = been;
                one.leave_forks(one.forks.len() - 1);
                one.rest = Rest::Moving;
            }
        }
    }

    /// Puts a token to rest; whoever it rests with is assigned.
    pub(super) fn rest(&mut self, id: u64, rest: Rest) {
        match &rest {
            Rest::Held { holders: users, .. } | Rest::Offered(users) => {
                users.iter().for_each(|user| join(&mut self.ticket.assigned, user));
            }
            Rest::Voting(vote) => {
                let holders = vote.shares.iter().map(|share| &share.holder);
                holders.for_each(|user| join(&mut self.ticket.assigned, user));
            }
            Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Timer { .. } | Rest::Hook { .. } | Rest::Ended => {}
        }
        let stay = self.ticket.n_stays + 1;
        if let Some(token) = self.ticket.token_mut(id) {
            let is_new = token.rest == Rest::Moving;
            token.candidates.clear();
            token.rest = rest;
            if is_new {
                token.stay = stay;
                self.ticket.n_stays = stay;
            }
        }
    }

    /// Now and a calendar span, as people of the tenant count it.
    fn after(&self, span: &jiff::Span) -> i64 {
        let now = jiff::Timestamp::from_millisecond(self.now_ms).unwrap_or_default();
        let moved = now.to_zoned_datetime(self.people.zone.clone()).checked_add(*span);
        moved.map_or(values::LAST_MS, |moved| moved.timestamp().as_millisecond())
    }
}

/// Whether nobody can act on some token without help (semantics: intervention): nobody was assigned, whoever holds it
/// is inactive, one of those who all must act is, or a hook failed. Drafts and tickets that are over need none.
pub(super) fn needs_help(ticket: &Ticket, people: &People) -> bool {
    let is_active = |user: &Id| people.is_active(user);
    let is_stuck = |token: &Token| match &token.rest {
        Rest::Unassigned | Rest::Hook { has_failed: true, .. } => true,
        Rest::Held {
            consult: Some((_, to)), ..
        } => !is_active(to),
        Rest::Held { holders: users, .. } | Rest::Offered(users) => !users.iter().any(is_active),
        Rest::Voting(vote) => vote
            .left()
            .filter(|share| share.vote.is_none())
            .any(|share| !is_active(share.consulted.as_ref().unwrap_or(&share.holder))),
        Rest::Hook { has_failed: false, .. } | Rest::Moving | Rest::Joining | Rest::Timer { .. } | Rest::Ended => false,
    };
    ticket.state != "in_draft"
        && !ticket.is_discarded
        && !ticket.is_over()
        && ticket
            .tokens
            .iter()
            .any(|token| is_stuck(token) || token.has_given_up())
}
