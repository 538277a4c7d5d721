//! What the engine's events mean for people: which stays of tokens begin and end, and what has to be done at them.

use loonflow_engine::id::{NodeId, TokenId, UserId};
use loonflow_engine::ticket::{ActState, Event, Rest, Ticket};
use loonflow_engine::workflow::EdgeKind;

use super::{Case, Phase, Replication, Stay, What};
use crate::agenda::{CaseKey, Happening};
use crate::desk::{Item, ItemKey, Rank};
use crate::random::Purpose;
use crate::scenario::QueueOrder;

/// Parts of one visit whose draws are told apart: as many as a node may have assignees.
const PARTS: u32 = 1_009;

/// Who has to act at a stay that began: a part each, of those who may.
struct Ready {
    stay: u32,
    parts: Vec<Vec<usize>>,
    is_offered: bool,
}

impl Replication<'_> {
    /// Takes note of what a command did to a case.
    pub(super) fn absorb(&mut self, key: CaseKey, events: &[Event]) {
        let Some(case) = self.cases.get_mut(key) else { return };
        let mut stays = std::mem::take(&mut case.stays);
        let mut n_stays = case.n_stays;
        let is_measured = case.is_measured;
        let mut ready = Vec::new();
        let mut voted = Vec::new();
        let now = self.now;
        for event in events {
            let mut begin = |stays: &mut Vec<Stay>, token: TokenId, node: &NodeId, what: What| {
                let node = self.plan.node_idx(node).unwrap_or_default();
                n_stays += 1;
                stays.push(Stay {
                    id: n_stays,
                    token,
                    node,
                    since: now,
                    is_new: true,
                    turn: 0,
                    what,
                });
                n_stays
            };
            match event {
                Event::EdgeTaken { token, edge, .. } => {
                    self.close(&mut stays, is_measured, &|one| one == *token);
                    self.count_edge(key, edge);
                }
                Event::Forked { token, branches, .. } => {
                    self.close(&mut stays, is_measured, &|one| one == *token);
                    for branch in branches {
                        self.count_edge(key, &branch.edge);
                    }
                }
                Event::ForkLeft { cancelled, .. } => {
                    self.close(&mut stays, is_measured, &|one| cancelled.contains(&one));
                }
                Event::TokensReplaced { removed, .. } => {
                    self.close(&mut stays, is_measured, &|one| removed.contains(&one));
                }
                Event::Joined { tokens, .. } => {
                    self.close(&mut stays, is_measured, &|one| tokens.contains(&one));
                }
                Event::JoinAwaited { token, node } => {
                    begin(&mut stays, *token, node, What::Join);
                }
                Event::NodeEntered { token, node, rest, .. } => match rest {
                    Rest::Held { .. } | Rest::Offered { .. } => {
                        let stay = begin(&mut stays, *token, node, What::Work(Vec::new()));
                        ready.push(Ready {
                            stay,
                            parts: vec![self.people_of(&rest.waiting_for())],
                            is_offered: matches!(rest, Rest::Offered { .. }),
                        });
                    }
                    Rest::Voting(ballot) => {
                        let stay = begin(&mut stays, *token, node, What::Work(Vec::new()));
                        let parts = ballot
                            .actionable()
                            .map(|share| self.people_of(std::slice::from_ref(&share.holder)));
                        ready.push(Ready {
                            stay,
                            parts: parts.collect(),
                            is_offered: false,
                        });
                    }
                    Rest::Unassigned => {
                        begin(&mut stays, *token, node, What::Stuck);
                    }
                    Rest::Moving
                    | Rest::Joining
                    | Rest::Shared { .. }
                    | Rest::Timer { .. }
                    | Rest::Hook { .. }
                    | Rest::Ended => {}
                },
                Event::TimerSet { token, node, due } => {
                    // One that goes with its field is set again.
                    if let Some(stay) = stays.iter_mut().find(|stay| stay.token == *token) {
                        stay.what = What::Timer(due.0);
                        self.agenda.plan(due.0.max(now), Happening::Timer(key, stay.id));
                        continue;
                    }
                    begin(&mut stays, *token, node, What::Timer(due.0));
                }
                Event::HookRequested { token, node, attempt } => {
                    match stays.iter_mut().find(|stay| stay.token == *token) {
                        Some(stay) => {
                            stay.what = What::Hook(*attempt);
                            let (id, node, turn) = (stay.id, stay.node, stay.turn);
                            self.ask(key, id, node, turn, *attempt);
                        }
                        None => {
                            begin(&mut stays, *token, node, What::Hook(*attempt));
                        }
                    }
                }
                Event::HookFailed { token, .. } => {
                    if let Some(stay) = stays.iter_mut().find(|stay| stay.token == *token) {
                        stay.what = What::Stuck;
                        self.seen.nodes[stay.node].n_failures += 1;
                        let retry_after = self.plan.nodes[stay.node].retry_after_ms;
                        if let (Some(after), true) = (retry_after, self.plan.admin.is_some()) {
                            self.agenda.plan(now + after, Happening::Retry(key, stay.id));
                        }
                    }
                }
                Event::VoteCast { token, user, .. } | Event::ShareDropped { token, user, .. } => {
                    voted.push((*token, user.clone()));
                }
                Event::DeadlineSet { token, steps, .. } => {
                    for (step, due) in steps {
                        self.agenda
                            .plan(due.0.max(now), Happening::Deadline(key, *token, *step));
                    }
                }
                Event::DeadlineReached { token, step, next, .. } => {
                    if let Some(due) = next {
                        self.agenda
                            .plan(due.0.max(now), Happening::Deadline(key, *token, *step));
                    }
                }
                // For others it is a new piece of work.
                Event::Escalated { token, to } => {
                    let node = stays.iter().find(|stay| stay.token == *token).map(|stay| stay.node);
                    self.close(&mut stays, is_measured, &|one| one == *token);
                    if let Some(node) = node {
                        let node = &self.plan.nodes[node].id;
                        let stay = begin(&mut stays, *token, node, What::Work(Vec::new()));
                        ready.push(Ready {
                            stay,
                            parts: vec![self.people_of(to)],
                            is_offered: false,
                        });
                    }
                }
                Event::TicketCreated(_)
                | Event::ActionTaken(_)
                | Event::FieldsChanged { .. }
                | Event::TitleChanged { .. }
                | Event::TimerFired { .. }
                | Event::HookSucceeded { .. }
                | Event::Accepted { .. }
                | Event::Forwarded { .. }
                | Event::Consulted { .. }
                | Event::ConsultSubmitted { .. }
                | Event::ForceForwarded { .. }
                | Event::StateChanged { .. }
                | Event::InterventionNeeded { .. }
                | Event::InterventionEnded
                | Event::Discarded
                | Event::EffectsOwed { .. }
                | Event::EffectDone { .. }
                | Event::EffectParked { .. }
                | Event::EffectRetried { .. }
                | Event::EffectSkipped { .. }
                | Event::HookAccepted { .. }
                | Event::WaitSkipped { .. }
                | Event::ChildOpened { .. }
                | Event::ChildEnded { .. }
                | Event::FileErased { .. }
                | Event::ActedAs { .. }
                | Event::Asked { .. }
                | Event::VoteTakenBack { .. }
                | Event::HolderDropped { .. }
                | Event::Substituted { .. }
                | Event::HandedOver { .. }
                | Event::SignerAdded { .. }
                | Event::ApprovalSkipped { .. }
                // Nobody goes back in a forecast.
                | Event::ConsultTakenBack { .. }
                | Event::GivenBack { .. }
                | Event::TokenReturned { .. }
                | Event::Resumed { .. }
                | Event::UndoKept
                | Event::Undone(_)
                | Event::Migrated { .. } => {}
            }
        }
        let Some(case) = self.cases.get_mut(key) else { return };
        case.n_stays = n_stays;
        if case.ticket.is_final() {
            self.close(&mut stays, is_measured, &|_| true);
            self.finish(key);
            return;
        }
        let turns = turns(&case.ticket, &voted);
        self.settle(key, &mut stays, ready);
        for (token, number, holder) in turns {
            self.take_turn(key, &mut stays, token, number, &holder);
        }
        if let Some(case) = self.cases.get_mut(key) {
            case.stays = stays;
        }
    }

    /// Lets the next one vote where people vote in order.
    fn take_turn(&mut self, key: CaseKey, stays: &mut [Stay], token: TokenId, number: u32, holder: &UserId) {
        let people = self.people_of(std::slice::from_ref(holder));
        let Some(stay) = stays.iter_mut().find(|stay| stay.token == token) else {
            return;
        };
        let turn = stay.turn.wrapping_add(number);
        let item = self.put(key, stay.id, stay.node, turn, people, false);
        match (&mut stay.what, item) {
            (What::Work(items), Some(item)) => items.push(item),
            (What::Work(_) | What::Timer(_) | What::Hook(_) | What::Join | What::Stuck, _) => stay.what = What::Stuck,
        }
    }

    /// Stays that outlast the command: work gets ready, timers run, systems are asked.
    fn settle(&mut self, key: CaseKey, stays: &mut [Stay], mut ready: Vec<Ready>) {
        for stay in stays.iter_mut().filter(|stay| stay.is_new) {
            stay.is_new = false;
            let Some(case) = self.cases.get_mut(key) else { return };
            stay.turn = case.visit(stay.node).wrapping_mul(PARTS);
            if case.is_measured {
                self.seen.nodes[stay.node].n_visits += 1;
            }
            let of_stay = ready.iter_mut().find(|one| one.stay == stay.id);
            match (&mut stay.what, of_stay) {
                (What::Work(items), Some(ready)) => {
                    let parts = std::mem::take(&mut ready.parts);
                    for (part, people) in (0..).zip(parts) {
                        let turn = stay.turn.wrapping_add(part);
                        items.extend(self.put(key, stay.id, stay.node, turn, people, ready.is_offered));
                    }
                    if items.is_empty() {
                        stay.what = What::Stuck;
                    }
                }
                (What::Timer(due), _) => {
                    self.agenda.plan((*due).max(self.now), Happening::Timer(key, stay.id));
                }
                (What::Hook(attempt), _) => {
                    let attempt = *attempt;
                    self.ask(key, stay.id, stay.node, stay.turn, attempt);
                }
                (What::Work(_) | What::Join | What::Stuck, _) => {}
            }
        }
    }

    /// Puts work on the desk.
    fn put(
        &mut self,
        key: CaseKey,
        stay: u32,
        node: usize,
        turn: u32,
        people: Vec<usize>,
        is_offered: bool,
    ) -> Option<ItemKey> {
        if people.is_empty() {
            return None;
        }
        let group = self.desk.group(people, self.plan);
        let case = self.cases.get(key)?;
        let item = Item {
            case: key,
            number: case.number,
            stay,
            node,
            turn,
            group,
            rank: self.rank(case),
            is_offered,
            ready: self.now,
            taken: None,
        };
        self.n_items += 1;
        let key = self.items.insert(item);
        self.desk.enqueue(key, &self.items[key]);
        self.seen.nodes[node].queue.up(self.now);
        self.fresh.push(key);
        Some(key)
    }

    fn rank(&self, case: &Case) -> Rank {
        let urgency = match &self.plan.priority {
            None => 0,
            Some((field, order)) => {
                let value = case.ticket.value_of(field, &self.plan.workflow.form);
                order
                    .iter()
                    .position(|one| Some(one) == value.as_deref())
                    .unwrap_or(order.len())
            }
        };
        let order = match self.plan.scenario.queue {
            QueueOrder::Fifo => self.now,
            QueueOrder::Lifo => -self.now,
            QueueOrder::OldestCase => case.arrived,
        };
        (urgency, order, self.n_items)
    }

    /// Asks an outside system.
    fn ask(&mut self, key: CaseKey, stay: u32, node: usize, turn: u32, attempt: u32) {
        let Some(case) = self.cases.get(key) else { return };
        let place = u32::try_from(node).unwrap_or(0);
        let mut random = self
            .streams
            .of(case.number, Purpose::Answer, place, turn.wrapping_add(attempt));
        let after = crate::quantity::round_ms(self.plan.nodes[node].answer.sample(&mut random));
        self.agenda
            .plan(self.now + after, Happening::Answer(key, stay, attempt));
    }

    /// Ends the stays of some tokens, and calls their work off.
    fn close(&mut self, stays: &mut Vec<Stay>, is_measured: bool, is_meant: &dyn Fn(TokenId) -> bool) {
        let mut idx = 0;
        while idx < stays.len() {
            if !is_meant(stays[idx].token) {
                idx += 1;
                continue;
            }
            let stay = stays.remove(idx);
            if is_measured && !stay.is_new {
                self.seen.nodes[stay.node].stay_ms += u128::try_from(self.now - stay.since).unwrap_or(0);
            }
            if let What::Work(items) = stay.what {
                items.into_iter().for_each(|item| self.call_off(item));
            }
        }
    }

    fn call_off(&mut self, key: ItemKey) {
        let Some(item) = self.items.remove(key) else { return };
        match item.taken {
            Some((person, since)) => self.free(person, since),
            None => {
                self.desk.dequeue(&item);
                self.seen.nodes[item.node].queue.down(self.now);
            }
        }
    }

    /// Nobody can move a stay on.
    pub(super) fn stick(&mut self, key: CaseKey, stay: u32) {
        let Some(case) = self.cases.get_mut(key) else { return };
        let Some(stay) = case.stays.iter_mut().find(|one| one.id == stay) else {
            return;
        };
        if let What::Work(items) = std::mem::replace(&mut stay.what, What::Stuck) {
            items.into_iter().for_each(|item| self.call_off(item));
        }
    }

    /// Two tokens on one node: the engine moves the older one, so the work on the younger is there again.
    pub(super) fn repeat_if_open(&mut self, item: Item) {
        let Some(case) = self.cases.get(item.case) else { return };
        let is_open =
            |stay: &&Stay| stay.id == item.stay && matches!(&stay.what, What::Work(items) if items.is_empty());
        if !case.stays.iter().any(|stay| is_open(&stay)) {
            return;
        }
        let members = self.desk.groups[item.group].members.clone();
        let again = self.put(item.case, item.stay, item.node, item.turn, members, item.is_offered);
        let stay = self
            .cases
            .get_mut(item.case)
            .and_then(|case| case.stays.iter_mut().find(|one| one.id == item.stay));
        if let Some(Stay {
            what: What::Work(items),
            ..
        }) = stay
        {
            items.extend(again);
        }
    }

    fn count_edge(&mut self, key: CaseKey, edge: &loonflow_engine::id::EdgeId) {
        let Some(idx) = self.plan.workflow.graph.edge_idx.get(edge) else {
            return;
        };
        let Some(case) = self.cases.get_mut(key) else { return };
        if case.is_measured {
            self.seen.edges[*idx] += 1;
        }
        if self.plan.workflow.edges[*idx].kind == EdgeKind::Reject {
            case.n_rejections += 1;
        }
    }

    /// A case is over.
    fn finish(&mut self, key: CaseKey) {
        let Some(case) = self.cases.remove(key) else { return };
        let seen = &mut self.seen;
        seen.open.down(self.now);
        *seen.ended_as.entry(word(case.ticket.act_state)).or_default() += 1;
        if self.phase == Phase::Measured {
            seen.n_ended_in_window += 1;
        }
        if case.is_measured {
            seen.cycle.add(self.now - case.arrived);
            seen.wait_sum_ms += u128::try_from(case.wait_ms).unwrap_or(0);
            seen.work_sum_ms += u128::try_from(case.work_ms).unwrap_or(0);
            seen.n_rejections += case.n_rejections;
            seen.n_repeating += u64::from(case.visits.iter().any(|(_, n)| *n > 1));
        }
    }

    /// Positions of users who can work.
    fn people_of(&self, users: &[UserId]) -> Vec<usize> {
        users
            .iter()
            .filter_map(|user| self.plan.person_of.get(user))
            .copied()
            .collect()
    }
}

impl Case {
    /// One more visit to a node; how many there were before.
    fn visit(&mut self, node: usize) -> u32 {
        match self.visits.iter_mut().find(|(one, _)| *one == node) {
            Some((_, n)) => {
                *n += 1;
                *n - 1
            }
            None => {
                self.visits.push((node, 1));
                0
            }
        }
    }
}

/// Whose turn it is since somebody voted: token, place of the share, person.
fn turns(ticket: &Ticket, voted: &[(TokenId, UserId)]) -> Vec<(TokenId, u32, UserId)> {
    let mut found = Vec::new();
    for (token, user) in voted {
        let Some(Rest::Voting(ballot)) = ticket.token(*token).map(|token| &token.rest) else {
            continue;
        };
        for (place, share) in (0..).zip(&ballot.shares) {
            let before = share.after.and_then(|number| ballot.shares.get(number as usize - 1));
            if ballot.is_actionable(share) && before.is_some_and(|before| before.holder == *user && !before.is_open()) {
                found.push((*token, place, share.holder.clone()));
            }
        }
    }
    found
}

fn word(state: ActState) -> &'static str {
    state.word()
}
