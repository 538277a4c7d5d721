//! People at work: who takes what, what they do when they are done, timers that run out, systems that answer.

use std::collections::BTreeMap;

use anyhow::bail;
use loonflow_engine::id::{FieldKey, NodeId, TokenId};
use loonflow_engine::ticket::{Act, Action, ActionKind, Command, HookOutcome};
use loonflow_engine::value::Value;
use rand::RngExt as _;

use super::{Phase, Replication, Stay, What};
use crate::agenda::{CaseKey, Happening};
use crate::desk::ItemKey;
use crate::plan::Plan;
use crate::random::Purpose;
use crate::timeline::{Instant, YEARS_MAX};

impl Replication<'_> {
    /// Gives work that became ready to who is free, and new work to who became free.
    pub(super) fn give_out(&mut self) -> anyhow::Result<()> {
        // A claim that is refused frees somebody again.
        while !self.fresh.is_empty() || !self.freed.is_empty() {
            let mut fresh = std::mem::take(&mut self.fresh);
            let mut freed = std::mem::take(&mut self.freed);
            for key in fresh.drain(..) {
                self.offer(key, &freed)?;
            }
            for person in freed.drain(..) {
                while let Some(next) = self.desk.next_for(person, self.now) {
                    self.take(next, person)?;
                }
                if let Some(at) = self.desk.wakes_at(person, self.now) {
                    self.agenda.plan(at, Happening::Wake(person));
                }
            }
            // The emptied lists are used again: there is one of each per event.
            fresh.append(&mut self.fresh);
            freed.append(&mut self.freed);
            (self.fresh, self.freed) = (fresh, freed);
        }
        Ok(())
    }

    /// Gives new work to somebody free, `but` those who look for work themselves.
    fn offer(&mut self, key: ItemKey, but: &[usize]) -> anyhow::Result<()> {
        // Whoever is free may take older work first, which waited for their shift to begin.
        while let Some(item) = self.items.get(key).filter(|item| item.taken.is_none()) {
            let Some(person) = self.desk.free_for(item, self.now, but, &self.streams) else {
                for (person, at) in self.desk.to_wake(item.group, self.now) {
                    self.agenda.plan(at, Happening::Wake(person));
                }
                break;
            };
            let Some(next) = self.desk.next_for(person, self.now) else {
                break;
            };
            self.take(next, person)?;
        }
        Ok(())
    }

    /// Somebody takes work up.
    fn take(&mut self, key: ItemKey, person: usize) -> anyhow::Result<()> {
        let (now, plan) = (self.now, self.plan);
        let Some(item) = self.items.get_mut(key) else {
            return Ok(());
        };
        self.desk.dequeue(item);
        item.taken = Some((person, now));
        let node = &mut self.seen.nodes[item.node];
        node.queue.down(now);
        if let Some(case) = self.cases.get_mut(item.case).filter(|case| case.is_measured) {
            let wait = now - item.ready;
            case.wait_ms += wait;
            node.wait.add(wait);
            if self.desk.groups[item.group].misses_one(item.ready, now) {
                node.while_away.add(wait);
            }
            if wait > 0 {
                let line = &mut self.desk.groups[item.group].line;
                let on_duty = line.worked(now) - line.worked(item.ready);
                node.off_duty_ms += u128::try_from(wait - on_duty).unwrap_or(0);
            }
        }
        let place = u32::try_from(item.node).unwrap_or(0);
        let work_ms =
            plan.nodes[item.node]
                .work
                .sample(&mut self.streams.of(item.number, Purpose::Work, place, item.turn));
        let Ok(until) = self.desk.take(person, now, work_ms) else {
            bail!(
                "`people`: {} has too little time left within {YEARS_MAX} years to finish work at node `{}`",
                plan.people[person].name,
                plan.nodes[item.node].id
            );
        };
        self.agenda.plan(until, Happening::Done(key));
        if item.is_offered {
            let (case, stay, node) = (item.case, item.stay, item.node);
            let command = self.act(
                person,
                item_node(plan, node),
                ActionKind::Accept,
                "accept",
                BTreeMap::new(),
            );
            if !self.command(case, &command)? {
                self.stick(case, stay);
            }
        }
        Ok(())
    }

    fn act(
        &self,
        person: usize,
        node: &NodeId,
        kind: ActionKind,
        action_id: &str,
        fields: BTreeMap<FieldKey, Value>,
    ) -> Command {
        Command::Act(Act {
            closes_children: false,
            at: Some(node.clone()),
            fields,
            ..Act::new(
                self.plan.people[person].id.clone(),
                Action::of(kind, action_id, None, None),
            )
        })
    }

    /// Somebody is done with work: they take an edge.
    pub(super) fn done(&mut self, key: ItemKey) -> anyhow::Result<()> {
        // Work that was called off meanwhile is gone.
        let Some(item) = self.items.remove(key) else {
            return Ok(());
        };
        let Some((person, since)) = item.taken else {
            return Ok(());
        };
        let (now, plan) = (self.now, self.plan);
        let line = &mut self.desk.people[person].line;
        let work_ms = line.worked(now) - line.worked(since);
        self.free(person, since);
        self.seen.people[person].n_done += 1;
        let Some(case) = self.cases.get_mut(item.case) else {
            return Ok(());
        };
        if case.is_measured {
            case.work_ms += work_ms;
            let node = &mut self.seen.nodes[item.node];
            node.work.add(work_ms);
            node.pause_ms += u128::try_from(now - since - work_ms).unwrap_or(0);
            *self.seen.handled.entry((item.node, person)).or_default() += 1;
        }
        if let Some(stay) = case.stays.iter_mut().find(|stay| stay.id == item.stay)
            && let What::Work(items) = &mut stay.what
        {
            items.retain(|one| *one != key);
        }
        let Some(edge) = self.choice(item.number, item.node, item.turn) else {
            bail!("node `{}` has no edge that a person takes", plan.nodes[item.node].id);
        };
        let edge = &plan.workflow.edges[edge];
        let kind = ActionKind::of_edge(edge).unwrap_or(ActionKind::Agree);
        let is_start = item.node == plan.workflow.graph.start_idx;
        let fields = if is_start {
            BTreeMap::new()
        } else {
            self.fields(item.number, item.node, item.turn)
        };
        let command = self.act(person, item_node(plan, item.node), kind, edge.id.as_str(), fields);
        if self.command(item.case, &command)? {
            self.repeat_if_open(item);
        } else {
            self.stick(item.case, item.stay);
        }
        Ok(())
    }

    /// Somebody has a hand free again.
    pub(super) fn free(&mut self, person: usize, since: Instant) {
        if self.phase == Phase::Measured {
            self.add_busy(person, since, self.now);
        }
        self.desk.release(person, self.now);
        self.freed.push(person);
    }

    pub(super) fn timer(&mut self, key: CaseKey, stay: u32) -> anyhow::Result<()> {
        let found = self
            .cases
            .get(key)
            .and_then(|case| case.stays.iter().find(|one| one.id == stay));
        let Some(Stay {
            token,
            what: What::Timer(due),
            ..
        }) = found
        else {
            return Ok(());
        };
        if *due > self.now {
            return Ok(());
        }
        let command = Command::FireTimer { token: *token };
        if !self.command(key, &command)? {
            self.stick(key, stay);
        }
        Ok(())
    }

    /// A step of a deadline may be due: a pause since, or the end of the stay, leaves it undone.
    pub(super) fn deadline(&mut self, key: CaseKey, of: TokenId, step: u32) -> anyhow::Result<()> {
        let Some(case) = self.cases.get(key) else { return Ok(()) };
        let now = self.now;
        let is_due = case.ticket.effects.iter().any(|(_, open)| {
            let step_of = open.work.step().filter(|_| open.is_owed());
            step_of.is_some_and(|(token, idx, due)| token == of && idx == step && due.0 <= now)
        });
        if is_due {
            self.command(key, &Command::ReachDeadline { token: of, step })?;
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, key: CaseKey, stay: u32, attempt: u32) -> anyhow::Result<()> {
        let Some(case) = self.cases.get(key) else { return Ok(()) };
        let found = case.stays.iter().find(|one| one.id == stay);
        let Some(Stay {
            token,
            node,
            turn,
            what: What::Hook(open),
            ..
        }) = found
        else {
            return Ok(());
        };
        if *open != attempt {
            return Ok(());
        }
        let place = u32::try_from(*node).unwrap_or(0);
        let turn = turn.wrapping_add(attempt);
        let draw: f64 = self.streams.of(case.number, Purpose::Failure, place, turn).random();
        let outcome = if draw < self.plan.nodes[*node].failure {
            HookOutcome::Failed("no answer".to_owned())
        } else {
            HookOutcome::Succeeded
        };
        let command = Command::ReportHook {
            token: *token,
            attempt,
            outcome,
        };
        if !self.command(key, &command)? {
            self.stick(key, stay);
        }
        Ok(())
    }

    pub(super) fn retry(&mut self, key: CaseKey, stay: u32) -> anyhow::Result<()> {
        let found = self
            .cases
            .get(key)
            .and_then(|case| case.stays.iter().find(|one| one.id == stay));
        let Some(Stay {
            node,
            what: What::Stuck,
            ..
        }) = found
        else {
            return Ok(());
        };
        let admin = self
            .plan
            .admin
            .as_ref()
            .and_then(|admin| self.plan.person_of.get(admin));
        let Some(admin) = admin else { return Ok(()) };
        let node = item_node(self.plan, *node);
        let command = self.act(
            *admin,
            node,
            ActionKind::RetryHook,
            ActionKind::RetryHook.word(),
            BTreeMap::new(),
        );
        // Where it is refused, the stay is as stuck as it was.
        self.command(key, &command)?;
        Ok(())
    }
}

fn item_node(plan: &Plan, node: usize) -> &NodeId {
    &plan.nodes[node].id
}
