//! Random walks at the second level: rounds of calls to the engine with its actors, a trouble in each, the engine
//! started again where it died, clients that ask again, and what must hold then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loonflow_engine::account::permission;
use loonflow_engine::effect::{Awaited, awaited};
use loonflow_engine::id::{TicketId, UserId};
use loonflow_engine::runtime::{Caller, Done, Fault, commit};
use loonflow_engine::ticket::{ActState, Command, HookOutcome, Refusal, Ticket};
use loonflow_engine::view::row::TicketRow;
use loonflow_engine::view::ticket_list::{Category, ListQuery};
use loonflow_storage::{Commit, EventLog as _, MemoryLog, Position};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::actors::{Heard, Machine, tickets_on};
use super::call::{Call, Prepared};
use super::invariants::{self, Broken};
use super::ports::Outside;
use super::trouble::Trouble;
use super::walk::{Random, Round, Setting, WalkReport, draw_calls};
use crate::world::tape::Tape;
use crate::world::{Recorded, World};

/// Repeats of one call before it is given up.
const REPEATS_MAX: usize = 4;

/// An engine's world with definitions and people in it, from which every walk begins.
#[derive(Clone, Debug)]
pub struct Base {
    /// What walks start from.
    pub setting: Setting,
    /// A disk with directory and definitions on it.
    disk: MemoryLog,
}

impl Base {
    /// Puts directory and definitions, as their files have them, on a disk.
    ///
    /// # Errors
    /// Where they do not load, or the engine does not take them.
    pub fn new(setting: Setting, directory: &Json, definitions: &[Json]) -> anyhow::Result<Self> {
        let disk = MemoryLog::new();
        let filled = disk.clone();
        runtime()?.block_on(async {
            let machine = Machine::start(filled, Outside::new(START, 0)).await?;
            machine.fill(directory, definitions).await
        })?;
        Ok(Self { setting, disk })
    }

    /// Walks so many rounds from a seed.
    #[must_use]
    pub fn walk(&self, seed: u64, n_rounds: u64) -> WalkReport {
        let mut report = WalkReport::default();
        let mut past = Vec::new();
        let mut trace = Sha256::new();
        let result = block_on(async {
            let mut walk = Walk::new(self, seed).await?;
            let mut tape = Tape::new(Random::tape(seed));
            while report.n_rounds < n_rounds && !tape.is_used_up() {
                let then = walk.world.now;
                let calls = draw_calls(&mut walk.world, &mut tape, &mut walk.n_keys);
                let trouble = Trouble::ALL[tape.next(Trouble::ALL.len())];
                let second = Trouble::ALL[tape.next(Trouble::ALL.len() * 2).min(Trouble::ALL.len() - 1)];
                let round = Round {
                    pass_ms: walk.world.now.0 - then.0,
                    troubles: vec![trouble; calls.len()],
                    again: vec![second; calls.len()],
                    calls,
                    stores: false,
                };
                past.push(round.clone());
                walk.world.now = then;
                report.n_rounds += 1;
                report.n_branches += 1;
                for trouble in &round.troubles {
                    *report.by_trouble.entry(*trouble).or_default() += 1;
                }
                walk = walk.play(&round, &mut report, &mut trace).await?;
            }
            Ok(())
        });
        report.hash = trace.finalize().into();
        report.failure = result.err().map(|broken| (broken, past));
        report
    }

    /// Plays rounds as they are stored; what does not hold, and in which round.
    #[must_use]
    pub fn replay(&self, seed: u64, rounds: &[Round]) -> Option<(Broken, usize)> {
        let mut report = WalkReport::default();
        let mut trace = Sha256::new();
        let mut at = 0;
        let result = block_on(async {
            let mut walk = Walk::new(self, seed).await?;
            for (idx, round) in rounds.iter().enumerate() {
                at = idx;
                walk = walk.play(round, &mut report, &mut trace).await?;
            }
            Ok(())
        });
        result.err().map(|broken| (broken, at))
    }
}

/// 2026-01-01, as everywhere in the simulation.
const START: loonflow_engine::time::Timestamp = loonflow_engine::time::Timestamp(1_767_225_600_000);

/// One thread: tasks of the engine take turns in an order that is the same each time.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()
}

fn block_on(walk: impl Future<Output = Result<(), Broken>>) -> Result<(), Broken> {
    match runtime() {
        Ok(runtime) => runtime.block_on(walk),
        Err(error) => Err(Broken::new(
            "the_machine_runs",
            format!("no runtime can be started: {error}"),
        )),
    }
}

/// One walk under way.
struct Walk {
    machine: Machine,
    /// What calls are drawn in: the tickets as the disk has them.
    world: World,
    n_keys: u64,
}

/// What a call has come to.
struct Progress {
    heard: Heard,
    /// The effect that it speaks of, as it was before.
    effect: Option<Awaited>,
}

impl Walk {
    async fn new(base: &Base, seed: u64) -> Result<Self, Broken> {
        let setting = &base.setting;
        Ok(Self {
            machine: Machine::start(base.disk.fork(), Outside::new(START, seed)).await?,
            world: World::new(setting.directory.clone(), setting.workflows.clone(), seed),
            n_keys: 0,
        })
    }

    async fn play(mut self, round: &Round, report: &mut WalkReport, trace: &mut Sha256) -> Result<Self, Broken> {
        self.world.pass(round.pass_ms);
        self.machine.outside.set_now(self.world.now);
        let calls: Vec<Prepared> = round.calls.iter().filter_map(|call| self.prepare(call)).collect();
        let since = self.machine.disk.last_position();
        let effects: Vec<Option<Awaited>> = calls.iter().map(|call| self.effect_of(call)).collect();
        let trouble = round.troubles.first().copied().unwrap_or(Trouble::None);
        let (machine, heard, n_died) = self.machine.round(&calls, trouble).await?;
        self.machine = machine;
        report.n_crashes += n_died;
        report.n_calls += calls.len() as u64;
        let mut progress: Vec<Progress> = heard
            .into_iter()
            .zip(effects)
            .map(|(heard, effect)| Progress { heard, effect })
            .collect();
        self.check_answers(&calls, &progress, since)?;
        let second = round.again.first().copied().unwrap_or(Trouble::None);
        for (call, one) in calls.iter().zip(&mut progress) {
            self = self.settle(call, one, second, since, report).await?;
        }
        self.check_answers(&calls, &progress, since)?;
        self.check_count(&calls, &progress, since)?;
        for (call, one) in calls.iter().zip(&progress) {
            self.check_repeats(call, one, since).await?;
        }
        self.see()?;
        self.check_views(&calls).await?;
        for one in &progress {
            match &one.heard {
                Some(Ok(done)) => trace.update(done.version.to_le_bytes()),
                Some(Err(refusal)) => trace.update(refusal.code()),
                None => trace.update("nothing"),
            }
        }
        trace.update(trouble.word());
        trace.update(self.machine.disk.last_position().to_le_bytes());
        Ok(self)
    }

    /// The engine gives ids by itself, so what is left to do is the rest.
    fn prepare(&self, call: &Call) -> Option<Prepared> {
        Prepared::new(&self.world, call)
            .filter(|call| !matches!(call.command, Command::ReviewHolders | Command::Migrate { .. }))
    }

    fn effect_of(&self, call: &Prepared) -> Option<Awaited> {
        let ticket = self
            .world
            .tickets
            .iter()
            .find(|one| Some(one.ticket.id) == call.ticket)?;
        call.effect(&awaited(&ticket.ticket)).cloned()
    }

    fn commits(&self, since: Position) -> Result<Vec<Arc<Commit>>, Broken> {
        let read = self.machine.disk.read_all(since, usize::MAX);
        read.map_err(|error| Broken::new("acknowledged_is_kept", error.to_string()))
    }

    /// What was answered is on disk; of a call with a key, the commit and the answer under the key are, or neither.
    fn check_answers(&self, calls: &[Prepared], progress: &[Progress], since: Position) -> Result<(), Broken> {
        let commits = self.commits(since)?;
        for (call, one) in calls.iter().zip(progress) {
            if let Some(Ok(done)) = &one.heard {
                invariants::acknowledged_is_kept(&commits, done)?;
            }
            let (Some(caller), Some(asked), Some(ticket)) = (&call.caller, &call.asked, call.ticket) else {
                continue;
            };
            let kept = commit::answered(&self.machine.disk, caller, asked)
                .map_err(|fault| Broken::new("whole_or_nothing", fault.to_string()))?;
            let is_kept = matches!(kept, Ok(Some(_)));
            let is_written = commits
                .iter()
                .any(|commit| commit::ticket_of(&commit.stream) == Some(ticket));
            if is_kept != is_written {
                let found =
                    format!("of a call to ticket {ticket} the commit is there: {is_written}, its answer: {is_kept}");
                return Err(Broken::new("whole_or_nothing", found));
            }
        }
        Ok(())
    }

    /// Asks again until the caller knows what became of it.
    async fn settle(
        mut self,
        call: &Prepared,
        one: &mut Progress,
        second: Trouble,
        since: Position,
        report: &mut WalkReport,
    ) -> Result<Self, Broken> {
        for n_repeat in 0..REPEATS_MAX {
            let asks_again = one.heard.is_none()
                && match (&call.caller, &call.asked, call.expected) {
                    (Some(_), Some(_), _) | (Some(_), None, Some(_)) => true,
                    (Some(_), None, None) => false,
                    (None, ..) => self.is_still_open(call, one)?,
                };
            if !asks_again {
                break;
            }
            let trouble = if n_repeat == 0 { second } else { Trouble::None };
            let (machine, heard, n_died) = self.machine.round(std::slice::from_ref(call), trouble).await?;
            self.machine = machine;
            report.n_crashes += n_died;
            report.n_calls += 1;
            one.heard = heard.into_iter().next().flatten();
            // Whoever asked for a version that is gone looks whether it was its own call that took it away.
            let is_own = |commit: &Arc<Commit>| commit::ticket_of(&commit.stream) == call.ticket;
            if matches!(one.heard, Some(Err(Refusal::VersionConflict { .. })))
                && self.commits(since)?.iter().any(is_own)
            {
                break;
            }
        }
        Ok(self)
    }

    fn is_still_open(&self, call: &Prepared, one: &Progress) -> Result<bool, Broken> {
        let (Some(effect), Some(id)) = (&one.effect, call.ticket) else {
            return Ok(false);
        };
        let ticket = self.fold(id)?;
        Ok(ticket.is_some_and(|ticket| awaited(&ticket).contains(effect)))
    }

    fn fold(&self, id: TicketId) -> Result<Option<Ticket>, Broken> {
        let stream = commit::ticket_stream(&self.world.directory.tenant.id, id);
        let commits = self.machine.disk.read_stream(&stream, 0);
        let commits = commits.map_err(|error| Broken::new("replay_equals_fold", error.to_string()))?;
        let mut ticket = None;
        for commit in &commits {
            let (meta, events) =
                commit::read(commit).map_err(|error| Broken::new("replay_equals_fold", error.to_string()))?;
            for event in &events {
                ticket = loonflow_engine::ticket::apply(ticket, event, &meta);
            }
        }
        Ok(ticket)
    }

    /// No call did anything twice: as many commits as calls that are known to have done something, and at most one more
    /// for each that nobody knows of.
    fn check_count(&self, calls: &[Prepared], progress: &[Progress], since: Position) -> Result<(), Broken> {
        let commits = self.commits(since)?;
        let streams: BTreeSet<_> = commits.iter().map(|commit| &commit.stream).collect();
        if streams.len() != commits.len() {
            return Err(Broken::new("done_once", "a ticket has two commits of one call"));
        }
        let mut known = 0;
        let mut unknown = 0;
        for (call, one) in calls.iter().zip(progress) {
            match &one.heard {
                Some(Ok(_)) => known += 1,
                // Perhaps its own earlier attempt, the answer to which was lost.
                Some(Err(Refusal::VersionConflict { .. })) if call.expected.is_some() => unknown += 1,
                Some(Err(_)) if call.asked.is_some() => {}
                // A ticket that its own earlier attempt took out of its sight.
                Some(Err(_)) if call.expected.is_some() => unknown += 1,
                Some(Err(_)) => {}
                None => unknown += 1,
            }
        }
        let n = commits.len();
        if n < known || n > known + unknown {
            let found = format!("{known} calls did something and {unknown} perhaps, {n} commits are in the log");
            return Err(Broken::new("done_once", found));
        }
        Ok(())
    }

    /// Once a call is done, asking again changes nothing and says so.
    async fn check_repeats(&self, call: &Prepared, one: &Progress, since: Position) -> Result<(), Broken> {
        let Some(Ok(first)) = &one.heard else { return Ok(()) };
        let before = self.machine.disk.last_position();
        if call.asked.is_some() {
            let again = self.ask(call).await?;
            invariants::a_key_answers_first(first, &again)?;
            let other = self.ask(&call.with_other_arguments()).await?;
            invariants::other_arguments_are_refused(&other)?;
        }
        if call.expected.is_some() {
            let stale = Prepared {
                asked: None,
                ..call.clone()
            };
            let stale = self.ask(&stale).await?;
            // A discarded draft is found by nobody, whatever version is asked for.
            if !matches!(stale, Err(Refusal::TicketNotFound { .. })) {
                invariants::versions_hold(
                    &self.commits(since)?.into_iter().take(0).collect::<Vec<_>>(),
                    Some(&stale),
                )?;
            }
        }
        if let Command::ReportHook {
            outcome: HookOutcome::Succeeded,
            ..
        } = &call.command
        {
            let late = self.ask(call).await?;
            if !matches!(late, Err(Refusal::NotWaiting { .. })) {
                let found = format!("a hook's answer came twice and was taken twice: {late:?}");
                return Err(Broken::new("done_once", found));
            }
        }
        let n_more = self.machine.disk.last_position() - before;
        invariants::done_once(1 + usize::try_from(n_more).unwrap_or(usize::MAX), 1)
    }

    async fn ask(&self, call: &Prepared) -> Result<Result<Done, Refusal>, Broken> {
        let answer = self.machine.ask(call).await;
        answer.map_err(|fault| Broken::new("a_call_ends", format!("nothing is wrong, and yet: {fault:?}")))
    }

    /// Takes what is on disk into the world that calls are drawn in.
    fn see(&mut self) -> Result<(), Broken> {
        let commits = self.commits(0)?;
        invariants::versions_hold(&commits, None)?;
        for (idx, id) in tickets_on(&self.machine.disk)?.into_iter().enumerate() {
            let Some(ticket) = self.fold(id)? else { continue };
            match self.world.tickets.get_mut(idx) {
                Some(known) => known.ticket = ticket,
                None => self.world.tickets.push(Recorded {
                    ticket,
                    commits: Vec::new(),
                }),
            }
        }
        Ok(())
    }

    /// What the engine shows, of tickets and in lists, is what the events of the log fold to.
    async fn check_views(&self, calls: &[Prepared]) -> Result<(), Broken> {
        let tickets: Vec<&Ticket> = self.world.tickets.iter().map(|one| &one.ticket).collect();
        for ticket in &tickets {
            let is_called = calls.iter().any(|call| call.ticket == Some(ticket.id));
            if !is_called || ticket.is_discarded {
                continue;
            }
            let open = self.machine.engine.effects().awaited(ticket.id).await;
            let open = open.map_err(|fault| died(&fault))?;
            let expected = awaited(ticket);
            if open.as_ref() != Ok(&expected) {
                return Err(Broken::new(
                    "effects_are_found",
                    format!("found {open:?}, open {expected:?}"),
                ));
            }
            invariants::effects_are_found(&self.machine.disk, ticket)?;
            let detail = self
                .machine
                .engine
                .tickets()
                .detail(&self.caller(&ticket.creator), ticket.id)
                .await;
            let detail = detail.map_err(|fault| died(&fault))?;
            let expected = self.row(ticket);
            let row = detail.map(|detail| detail.row);
            if expected.is_some() && row.as_ref().ok() != expected.as_ref() {
                return Err(Broken::new(
                    "replay_equals_fold",
                    format!("shown {row:?}, folded {expected:?}"),
                ));
            }
        }
        self.check_lists(&tickets).await
    }

    async fn check_lists(&self, tickets: &[&Ticket]) -> Result<(), Broken> {
        let live = || tickets.iter().filter(|ticket| !ticket.is_discarded);
        let mut waiting: BTreeMap<&UserId, BTreeSet<TicketId>> = BTreeMap::new();
        let people: Vec<(UserId, TicketId)> = live()
            .flat_map(|ticket| ticket.tokens.iter().map(move |token| (token, ticket.id)))
            .flat_map(|(token, id)| token.rest.waiting_for().into_iter().map(move |user| (user, id)))
            .collect();
        for (user, id) in &people {
            waiting.entry(user).or_default().insert(*id);
        }
        for user in self.world.directory.users.values().filter(|user| user.is_active) {
            let rows = self.list(&user.id, Category::Duty).await?;
            let found: BTreeSet<TicketId> = rows.iter().map(|row| row.id).collect();
            let expected = waiting.get(&user.id).cloned().unwrap_or_default();
            if found != expected {
                let found = format!("{} is shown {found:?}, is waited for at {expected:?}", user.id);
                return Err(Broken::new("lists_equal_fold", found));
            }
            if permission::is_tenant_admin(user) {
                let rows = self.list(&user.id, Category::All).await?;
                let visible = live().filter(|one| one.act_state != ActState::InDraft || one.creator == user.id);
                let expected: Vec<TicketRow> = visible.filter_map(|ticket| self.row(ticket)).collect();
                let sorted = |mut rows: Vec<TicketRow>| {
                    rows.sort_by_key(|row| row.id);
                    rows
                };
                let (found, expected) = (sorted(rows), sorted(expected));
                if found != expected {
                    let found = format!("{} is shown {found:?}, there is {expected:?}", user.id);
                    return Err(Broken::new("lists_equal_fold", found));
                }
            }
        }
        Ok(())
    }

    async fn list(&self, user: &UserId, category: Category) -> Result<Vec<TicketRow>, Broken> {
        let query = ListQuery {
            category,
            per_page: loonflow_engine::limits::PER_PAGE_MAX,
            ..ListQuery::default()
        };
        let page = self.machine.engine.tickets().list(&self.caller(user), query).await;
        let page = page.map_err(|fault| died(&fault))?;
        page.map(|page| page.rows)
            .map_err(|refusal| Broken::new("lists_equal_fold", format!("{user} is refused a list: {refusal}")))
    }

    fn row(&self, ticket: &Ticket) -> Option<TicketRow> {
        let workflow = self.world.workflow_of(ticket)?;
        Some(TicketRow::of(ticket, workflow, &self.world.directory))
    }

    fn caller(&self, user: &UserId) -> Caller {
        Caller {
            tenant_id: self.world.directory.tenant.id.clone(),
            user_id: user.clone(),
            app: "loonflow".into(),
            access_token: None,
        }
    }
}

fn died(fault: &Fault) -> Broken {
    Broken::new(
        "a_call_ends",
        format!("a question was answered with a fault: {fault:?}"),
    )
}
