//! The checks that cost more than a step: made on a sample of the steps and at the end of a run.

use loonflow_engine::id::UserId;
use loonflow_engine::ticket::offer::offered;
use loonflow_engine::ticket::{Command, Draw, Event, Meta, Refusal, Ticket, visibility};
use loonflow_engine::view::ticket_list::TenantIndex;

use super::{Checked, LATEST, Watch, caught, failure, named};
use crate::hunt::invariants::{self, gate, lists, storage, tenants, views};
use crate::hunt::model::{Model, compare};
use crate::world::replay::Translated;
use crate::world::{Done, World};

impl Watch {
    pub(super) fn is_sampled(&self) -> bool {
        self.checks.sample_every > 0 && self.n_steps.is_multiple_of(u64::from(self.checks.sample_every))
    }

    pub(super) fn is_wanted(&self, invariant: &str) -> bool {
        self.checks.only.as_deref().is_none_or(|only| only == invariant)
    }

    /// A sample of a ticket for the user whose turn it is, or for all of them.
    pub(super) fn sample_in_turn(&mut self, idx: usize) -> Checked {
        self.n_samples += 1;
        let users = self.users_in_turn();
        users.iter().try_for_each(|user| self.sample(idx, user))
    }

    fn users_in_turn(&self) -> Vec<UserId> {
        let users = self.world.directory.users.keys();
        if self.checks.thorough {
            return users.cloned().collect();
        }
        let turn = self.n_samples % self.world.directory.users.len().max(1);
        users.skip(turn).take(1).cloned().collect()
    }

    /// What is checked of a ticket for one user.
    fn sample(&mut self, idx: usize, user: &UserId) -> Checked {
        let world = &self.world;
        let recorded = &world.tickets[idx];
        if self.is_wanted("replay_equals_live") {
            hold!(invariants::replay_equals_live(recorded))?;
        }
        if self.is_wanted("events_survive_storage") {
            if self.n_stored.len() <= idx {
                self.n_stored.resize(idx + 1, 0);
            }
            let fresh = &recorded.commits[self.n_stored[idx].min(recorded.commits.len())..];
            hold!(storage::events_survive_storage(fresh))?;
            self.n_stored[idx] = recorded.commits.len();
        }
        if self.is_wanted("offered_equals_allowed") {
            hold!(gate::offered_equals_allowed(world, idx, user))?;
        }
        if self.is_wanted("nothing_hidden_is_shown") {
            hold!(views::nothing_hidden_is_shown(world, recorded, user))?;
        }
        if let Some(model) = self.model.as_ref().filter(|_| self.is_wanted("the_model_offers_alike")) {
            named("the_model_offers_alike", alike(world, model, idx, user))?;
        }
        if self.is_wanted("other_tenants_are_kept_out") {
            let others = self.others.get_or_insert_with(|| tenants::namesakes(&world.directory));
            hold!(tenants::other_tenants_are_kept_out(world, others, idx, user))?;
        }
        Ok(())
    }

    pub(super) fn sample_refusal(&self, translated: &Translated, refusal: &Refusal) -> Checked {
        let (Some(idx), Command::Act(act)) = (translated.ticket, &translated.command) else {
            return Ok(());
        };
        // What the operator sent itself is no secret to it; such requests are left to the others.
        if !act.fields.is_empty() || !self.is_wanted("refusals_hide") {
            return Ok(());
        }
        let recorded = &self.world.tickets[idx];
        hold!(views::refusals_hide(&self.world, recorded, &act.by, refusal))
    }

    pub(super) fn sample_preview(&self, before: &Ticket, done: &Done, operator: &UserId, dry: &[Event]) -> Checked {
        if !self.is_wanted("previews_hide") {
            return Ok(());
        }
        let recorded = &self.world.tickets[done.idx];
        let Some(((meta, _), earlier)) = recorded.commits.split_last().filter(|_| done.appended) else {
            return Ok(());
        };
        let was = crate::world::Recorded {
            ticket: before.clone(),
            commits: earlier.to_vec(),
        };
        let meta: &Meta = meta;
        hold!(views::previews_hide(&self.world, &was, operator, dry, meta))
    }

    /// Everything once more at the end of a run; the rehearsals of all offers leave the world's hash as it is.
    ///
    /// # Errors
    /// As for [`Watch::step`].
    pub fn finish(&mut self) -> Checked {
        caught(|| self.check_all())
    }

    fn check_all(&mut self) -> Checked {
        if !self.checks.at_end {
            return Ok(());
        }
        let is_hashed = self.is_wanted("a_dry_run_changes_nothing");
        let before = is_hashed.then(|| self.world.digest());
        // The latest are those that something can still happen to, as a rule.
        let n_tickets = self.world.tickets.len();
        let first = if self.checks.thorough {
            0
        } else {
            n_tickets.saturating_sub(LATEST)
        };
        for idx in first..n_tickets {
            self.sample_in_turn(idx)?;
        }
        if before != is_hashed.then(|| self.world.digest()) {
            return Err(failure(
                "a_dry_run_changes_nothing",
                "the world's hash is another".into(),
            ));
        }
        self.check_lists()
    }

    fn check_lists(&self) -> Checked {
        if !self.checks.lists || !self.is_wanted("lists_equal_a_walk") {
            return Ok(());
        }
        let index = lists::index_of(&self.world);
        let stored = TenantIndex::decode(&index.encode());
        let stored = stored.map_err(|error| failure("lists_equal_a_walk", error.to_string()))?;
        for user in self.users_in_turn() {
            hold!(lists::lists_equal_a_walk(&self.world, &index, &user))?;
            hold!(lists::lists_equal_a_walk(&self.world, &stored, &user))?;
        }
        Ok(())
    }
}

/// A user is offered and shown the same by engine and model.
fn alike(world: &World, model: &Model, idx: usize, user: &UserId) -> Result<(), String> {
    let ticket = &world.tickets[idx].ticket;
    let Some(workflow) = world.workflow_of(ticket) else {
        return Err(format!("the version of {ticket:?} is gone"));
    };
    let offers = offered(ticket, user, &world.context(workflow, Draw::Preview));
    compare::offers(model, idx, user.as_str(), &offers)?;
    let sees = visibility::may_view(ticket, user, &world.directory, workflow);
    compare::seen(model, idx, user.as_str(), sees, workflow, &offers)
}
