//! One replication: cases come, people work, the engine decides, until no case is left or the time is over.
//!
//! Every move of a case is a command to the real engine (`decide_with_outcome`), and who has to do what is read from
//! the events it answers with (`replication::absorb`). Who takes what, and what they do when they are done, is in
//! `replication::work`. Nothing here knows what a gateway or a strategy is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::bail;
use loonflow_engine::account::permission::OWN_APPLICATION;
use loonflow_engine::id::{FieldKey, TicketId, TokenId};
use loonflow_engine::ticket::{Command, Context, Create, Draw, Ticket, decide_with_outcome};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use rand::RngExt as _;
use slotmap::SlotMap;

use super::agenda::{Agenda, CaseKey, Happening};
use super::arrivals::Arrivals;
use super::desk::{Desk, Item, ItemKey};
use super::observed::Observed;
use super::plan::Plan;
use super::random::{Purpose, Streams};
use super::scenario::{Stop, WarmUp};
use super::timeline::{Instant, NoTimeLeft, YEARS_MAX};

mod absorb;
mod work;

/// Commands on one case: a definition and choices that go round for ever are found out, before the ticket is full.
const COMMANDS_MAX: u32 = 1_000;
/// Arrivals between two reports of progress.
const PROGRESS_EVERY: u64 = 256;

/// A case under way.
#[derive(Debug)]
struct Case {
    ticket: Ticket,
    number: u64,
    arrived: Instant,
    is_measured: bool,
    n_commands: u32,
    n_stays: u32,
    n_rejections: u64,
    wait_ms: i64,
    work_ms: i64,
    stays: Vec<Stay>,
    /// Of each node how often a token came to rest there.
    visits: Vec<(usize, u32)>,
}

/// A token at rest on a node.
#[derive(Debug)]
struct Stay {
    id: u32,
    token: TokenId,
    node: usize,
    since: Instant,
    /// Came to be with the command that is being looked at.
    is_new: bool,
    /// Tells the draws of this stay from those of others at the node.
    turn: u32,
    what: What,
}

#[derive(Debug)]
enum What {
    /// People have to act, each on an item.
    Work(Vec<ItemKey>),
    /// A timer runs.
    Timer(Instant),
    /// An outside system is asked, for the time with this number.
    Hook(u32),
    /// Waits for other branches.
    Join,
    /// Nobody can act.
    Stuck,
}

/// Whether figures are being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measured,
    Over,
}

struct Replication<'p> {
    plan: &'p Plan,
    streams: Streams,
    now: Instant,
    phase: Phase,
    agenda: Agenda,
    desk: Desk,
    cases: SlotMap<CaseKey, Case>,
    items: SlotMap<ItemKey, Item>,
    n_items: u64,
    /// Work that became ready with the command that is being looked at.
    fresh: Vec<ItemKey>,
    /// Who became free with it.
    freed: Vec<usize>,
    seen: Observed,
}

/// Runs one replication; `progress` counts the cases that came.
///
/// # Errors
/// A sentence, where the world cannot go on: a calendar that never opens again, a case that goes round for ever.
pub fn run(plan: &Plan, number: u32, progress: &AtomicU64) -> anyhow::Result<Observed> {
    let streams = Streams::new(plan.scenario.seed, number);
    let mut replication = Replication {
        plan,
        streams,
        now: plan.start,
        phase: Phase::WarmUp,
        agenda: Agenda::default(),
        desk: Desk::new(plan),
        cases: SlotMap::with_key(),
        items: SlotMap::with_key(),
        n_items: 0,
        fresh: Vec::new(),
        freed: Vec::new(),
        seen: Observed::new(plan),
    };
    replication.run(progress)?;
    Ok(replication.seen)
}

impl<'p> Replication<'p> {
    fn run(&mut self, progress: &AtomicU64) -> anyhow::Result<()> {
        let plan = self.plan;
        let mut arrivals = Arrivals::new(plan, &self.streams);
        let last = plan.start + YEARS_MAX * 366 * 86_400_000;
        if let Some(at) = plan.warm_up_to {
            self.agenda.plan(at, Happening::WarmUpEnd);
        }
        let n_cases = match &plan.scenario.stop {
            Stop::Cases(n) => Some(*n),
            Stop::After(length) => {
                self.agenda.plan(plan.start + length.whole_ms(), Happening::Stop);
                None
            }
        };
        self.plan_arrival(&mut arrivals)?;
        let mut n_told = 0;
        while let Some((at, what)) = self.agenda.pop() {
            if at > last {
                bail!(
                    "after {YEARS_MAX} years {} cases are still open: people cannot keep up, or `stop` is too far away",
                    self.cases.len()
                );
            }
            self.now = at;
            match what {
                Happening::Arrival if self.phase == Phase::Over => {}
                Happening::Arrival => {
                    if plan.warm_up_to.is_none() && self.phase == Phase::WarmUp {
                        let WarmUp::Cases(n) = &plan.scenario.warm_up else {
                            continue;
                        };
                        if self.seen.n_arrived >= *n {
                            self.begin();
                        }
                    }
                    self.arrive()?;
                    if self.seen.n_arrived - n_told >= PROGRESS_EVERY {
                        progress.fetch_add(self.seen.n_arrived - n_told, Ordering::Relaxed);
                        n_told = self.seen.n_arrived;
                    }
                    if n_cases.is_some_and(|n| self.seen.n_arrived >= n) {
                        self.end();
                    } else {
                        self.plan_arrival(&mut arrivals)?;
                    }
                }
                Happening::WarmUpEnd => self.begin(),
                Happening::Stop => self.end(),
                Happening::Done(item) => self.done(item)?,
                Happening::Wake(person) => {
                    self.desk.awake(person);
                    self.freed.push(person);
                }
                Happening::Timer(case, stay) => self.timer(case, stay)?,
                Happening::Deadline(case, token, step) => self.deadline(case, token, step)?,
                Happening::Answer(case, stay, attempt) => self.answer(case, stay, attempt)?,
                Happening::Retry(case, stay) => self.retry(case, stay)?,
            }
            self.give_out()?;
            if self.phase == Phase::Over && !plan.drain {
                break;
            }
        }
        // Times that run out before the stop, or before the warm-up is over, end the figures as well.
        self.end();
        progress.fetch_add(self.seen.n_arrived - n_told, Ordering::Relaxed);
        self.seen.ended = self.now;
        self.seen.n_open = self.cases.len() as u64;
        let is_stuck = |case: &&Case| case.stays.iter().any(|stay| matches!(stay.what, What::Stuck));
        self.seen.n_stuck = if plan.drain {
            // Nothing more happens: whoever has to act never comes back.
            self.seen.n_open
        } else {
            self.cases.values().filter(is_stuck).count() as u64
        };
        Ok(())
    }

    fn plan_arrival(&mut self, arrivals: &mut Arrivals<'_>) -> anyhow::Result<()> {
        match arrivals.following() {
            Ok(Some(at)) => self.agenda.plan(at, Happening::Arrival),
            // With no more to come, a run by number of cases is over when the last has come.
            Ok(None) if matches!(self.plan.scenario.stop, Stop::Cases(_)) => self.end(),
            Ok(None) => {}
            Err(NoTimeLeft) => {
                bail!("`arrivals`: within {YEARS_MAX} years the calendar opens too little for more cases")
            }
        }
        Ok(())
    }

    /// Figures begin.
    fn begin(&mut self) {
        if self.phase != Phase::WarmUp {
            return;
        }
        self.phase = Phase::Measured;
        let now = self.now;
        self.seen.window = (now, now);
        self.seen.open.begin(now);
        self.seen.nodes.iter_mut().for_each(|node| node.queue.begin(now));
    }

    /// Figures over time end.
    fn end(&mut self) {
        if self.phase == Phase::Over {
            return;
        }
        self.begin();
        self.phase = Phase::Over;
        let now = self.now;
        self.seen.window.1 = now;
        self.seen.open.end(now);
        self.seen.nodes.iter_mut().for_each(|node| node.queue.end(now));
        let under_way: Vec<(usize, Instant)> = self.items.values().filter_map(|item| item.taken).collect();
        for (person, since) in under_way {
            self.add_busy(person, since, now);
        }
        let from = self.seen.window.0;
        for person in 0..self.seen.people.len() {
            let line = &mut self.desk.people[person].line;
            let at_work = line.worked(now) - line.worked(from);
            self.seen.people[person].capacity_ms = at_work * i64::from(self.desk.hands(person));
        }
    }

    /// Work within the window.
    fn add_busy(&mut self, person: usize, since: Instant, until: Instant) {
        let since = since.max(self.seen.window.0);
        if since < until {
            let line = &mut self.desk.people[person].line;
            self.seen.people[person].busy_ms += line.worked(until) - line.worked(since);
        }
    }

    fn arrive(&mut self) -> anyhow::Result<()> {
        let number = self.seen.n_arrived;
        self.seen.n_arrived += 1;
        let plan = self.plan;
        let place = self.streams.of(number, Purpose::Creator, 0, 0).random();
        let Some(creator) = plan.creators.at(place) else {
            bail!("`creators`: nobody can create a case");
        };
        let start = plan.workflow.graph.start_idx;
        let Some(edge) = self.choice(number, start, 0) else {
            bail!("the start node has no edge that a person takes");
        };
        let command = Command::Create(Create {
            via: None,
            ticket_id: ticket_id(self.now, number),
            by: plan.people[*creator].id.clone(),
            app: OWN_APPLICATION.into(),
            take: Some(plan.workflow.edges[edge].id.clone()),
            fields: self.fields(number, start, 0),
            comment: None,
            cc: Vec::new(),
            parent: None,
        });
        self.seen.n_commands += 1;
        match decide_with_outcome(None, &command, &self.context(number, 0)) {
            Err(refusal) => {
                self.seen.n_refused += 1;
                self.seen.refuse(format!("creation: {refusal}"));
            }
            Ok((events, ticket)) => {
                self.seen.open.up(self.now);
                let key = self.cases.insert(Case {
                    ticket,
                    number,
                    arrived: self.now,
                    is_measured: self.phase == Phase::Measured,
                    n_commands: 1,
                    n_stays: 0,
                    n_rejections: 0,
                    wait_ms: 0,
                    work_ms: 0,
                    stays: Vec::new(),
                    visits: Vec::new(),
                });
                self.absorb(key, &events);
            }
        }
        Ok(())
    }

    fn context(&self, number: u64, n_commands: u32) -> Context<'p> {
        let plan = self.plan;
        Context {
            now: Timestamp(self.now),
            directory: &plan.directory,
            workflow: &plan.workflow,
            draw: Draw::Seed(self.streams.seed(number, Purpose::Engine, 0, n_commands)),
            parent: None,
            migrate_to: None,
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
        }
    }

    /// What is filled in at a node. What was filled in at start stays as it is when a case comes back to it.
    fn fields(&self, number: u64, node: usize, turn: u32) -> BTreeMap<FieldKey, Value> {
        let plans = self.plan.nodes[node].fields.iter();
        let place = u32::try_from(node).unwrap_or(0);
        let values = plans.enumerate().map(|(idx, field)| {
            let idx = u32::try_from(idx).unwrap_or(0);
            let turn = turn.wrapping_mul(4_099).wrapping_add(idx);
            let mut random = self.streams.of(number, Purpose::Field, place, turn);
            (field.key.clone(), field.value(&mut random))
        });
        values.collect()
    }

    /// The edge somebody takes, by its position.
    fn choice(&self, number: u64, node: usize, turn: u32) -> Option<usize> {
        let place = u32::try_from(node).unwrap_or(0);
        let draw = self.streams.of(number, Purpose::Choice, place, turn).random();
        self.plan.nodes[node].choices.at(draw).copied()
    }

    /// Carries a command on a case out; whether the engine did.
    fn command(&mut self, key: CaseKey, command: &Command) -> anyhow::Result<bool> {
        let Some(case) = self.cases.get_mut(key) else {
            return Ok(false);
        };
        case.n_commands += 1;
        let (number, n_commands) = (case.number, case.n_commands);
        if n_commands > COMMANDS_MAX {
            let at: Vec<&str> = case.ticket.tokens.iter().map(|token| token.node.as_str()).collect();
            bail!(
                "case {number} took {COMMANDS_MAX} steps and is still at `{}`: look at the `choices` and `failure` of \
                 the nodes it goes round by",
                at.join("`, `")
            );
        }
        self.seen.n_commands += 1;
        let context = self.context(number, n_commands);
        let Some(case) = self.cases.get_mut(key) else {
            return Ok(false);
        };
        match decide_with_outcome(Some(&case.ticket), command, &context) {
            Ok((events, ticket)) => {
                case.ticket = ticket;
                self.absorb(key, &events);
                Ok(true)
            }
            Err(refusal) => {
                self.seen.refuse(refusal.to_string());
                Ok(false)
            }
        }
    }
}

/// A UUIDv7 of the instant and the case's number.
fn ticket_id(now: Instant, number: u64) -> TicketId {
    let millis = u64::try_from(now).unwrap_or(0);
    let mut bytes = [0u8; 10];
    bytes[2..].copy_from_slice(&number.to_be_bytes());
    TicketId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}
