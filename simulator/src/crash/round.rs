//! One round: calls under way at once on as many tickets, what goes wrong with each, the restart, the repeats of the
//! clients, and everything that must hold then.
//!
//! How clients repeat a call that they heard nothing good of: with a key they send it again; with an expected version
//! they send it again and take `version_conflict` for an answer; with neither they look and leave it. Timers and
//! hooks are carried out again while the ticket still waits for them.

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::effect::{Awaited, awaited};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::Done;
use loonflow_engine::ticket::{Command, HookOutcome, Refusal, Ticket};
use loonflow_engine::time::Timestamp;
use loonflow_storage::{EventLog as _, MemoryLog, Position};
use sha2::{Digest, Sha256};

use super::boundary::{Attempt, Given, Process, Told};
use super::call::Prepared;
use super::invariants::{self, Broken};
use super::trouble::Trouble;

/// Repeats of one call before it is given up: troubles are scheduled, so two are enough.
const REPEATS_MAX: usize = 4;

/// A disk, the process over it, and what comes from outside.
#[derive(Clone, Debug)]
pub struct State {
    /// The process; its log is the disk.
    pub process: Process,
    /// The present instant.
    pub now: Timestamp,
    /// Tickets in order of creation.
    pub tickets: Vec<TicketId>,
    directory: Arc<Directory>,
    seed: u64,
    n_draws: u64,
    n_ids: u64,
}

/// What happened in one round.
#[derive(Clone, Debug, Default)]
pub struct RoundReport {
    /// Processes, or workers of tickets, that died.
    pub n_crashes: u64,
    /// Calls carried out, repeats included.
    pub n_calls: u64,
    /// What clients heard first, in the order of the calls.
    pub heard: Vec<String>,
}

impl State {
    /// An empty disk and a process over it.
    ///
    /// # Errors
    /// Never for an empty disk.
    pub fn new(directory: Arc<Directory>, seed: u64) -> Result<Self, Broken> {
        Ok(Self {
            process: Process::start(MemoryLog::new(), directory.clone())?,
            now: Timestamp(1_767_225_600_000),
            tickets: Vec::new(),
            directory,
            seed,
            n_draws: 0,
            n_ids: 0,
        })
    }

    /// The same with a disk of its own.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut fork = self.clone();
        fork.process.log = self.process.log.fork();
        fork
    }

    fn given(&mut self) -> Given {
        self.n_draws += 1;
        self.n_ids += 1;
        let ms = u64::try_from(self.now.0).unwrap_or(0);
        let mut bytes = [0u8; 10];
        bytes[2..].copy_from_slice(&self.n_ids.to_be_bytes());
        Given {
            now: self.now,
            draw: self.seed ^ self.n_draws.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            fresh: TicketId(uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid()),
        }
    }

    fn restart(&mut self) -> Result<(), Broken> {
        self.process = Process::start(self.process.log.clone(), self.directory.clone())?;
        Ok(())
    }

    /// Every ticket that is on disk, in order of creation.
    ///
    /// # Errors
    /// Where one does not read.
    pub fn all(&mut self) -> Result<Vec<Arc<Ticket>>, Broken> {
        let ids = self.tickets.clone();
        let found = ids.into_iter().map(|id| self.process.ticket(id));
        Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

/// What a call has come to so far.
struct Progress {
    /// The answer of the attempt that was written.
    written: Option<Done>,
    /// What the client goes by.
    answer: Option<Result<Done, Refusal>>,
    /// The effect that it speaks of, as it was before.
    effect: Option<Awaited>,
}

/// Carries a round out and checks everything; `troubles` and `again` name a trouble for each call, the latter for its
/// first repeat. What happened goes into `trace`.
///
/// # Errors
/// The invariant that does not hold.
pub fn carry_out(
    state: &mut State,
    calls: &[Prepared],
    troubles: &[Trouble],
    again: &[Trouble],
    trace: &mut Sha256,
) -> Result<RoundReport, Broken> {
    let mut report = RoundReport::default();
    let since = state.process.log.last_position();
    let mut progress = Vec::with_capacity(calls.len());
    for (call, trouble) in calls.iter().zip(troubles) {
        let effect = match call.ticket {
            Some(id) => state.process.ticket(id)?.and_then(|ticket| {
                let open = awaited(&ticket);
                call.effect(&open).cloned()
            }),
            None => None,
        };
        let mut one = Progress {
            written: None,
            answer: None,
            effect,
        };
        attempt(state, call, *trouble, &mut one, since, &mut report, trace)?;
        progress.push(one);
    }
    // The process dies with everything that was under way.
    if troubles.iter().any(|trouble| trouble.is_crash()) {
        state.restart()?;
        report.n_crashes += 1;
    }
    report.n_crashes += troubles.iter().filter(|one| **one == Trouble::WorkerDies).count() as u64;
    note_created(state, since)?;
    check_recovered(state, calls, since)?;
    for (idx, (call, one)) in calls.iter().zip(&mut progress).enumerate() {
        let second = again.get(idx).copied().unwrap_or(Trouble::None);
        settle(state, call, second, one, since, &mut report, trace)?;
    }
    let commits = read_since(state, since)?;
    let n_done = progress.iter().filter(|one| one.written.is_some()).count();
    invariants::done_once(commits.len(), n_done)?;
    for one in &progress {
        if let (Some(Ok(done)), Some(_)) = (&one.answer, &one.written) {
            invariants::acknowledged_is_kept(&commits, done)?;
        }
    }
    note_created(state, since)?;
    check_recovered(state, calls, since)?;
    let tickets = state.all()?;
    invariants::lists_equal_fold(state.process.lists(), &tickets, &state.directory)?;
    trace.update(state.process.log.last_position().to_le_bytes());
    Ok(report)
}

fn read_since(state: &State, since: Position) -> Result<Vec<Arc<loonflow_storage::Commit>>, Broken> {
    let commits = state.process.log.read_all(since, usize::MAX);
    commits.map_err(|error| Broken::new("acknowledged_is_kept", error.to_string()))
}

/// Tickets that came to be; those that a crash took along were never there.
fn note_created(state: &mut State, since: Position) -> Result<(), Broken> {
    for commit in read_since(state, since)? {
        if let Some(id) =
            loonflow_engine::runtime::commit::ticket_of(&commit.stream).filter(|_| commit.first_version == 1)
            && !state.tickets.contains(&id)
        {
            state.tickets.push(id);
        }
    }
    Ok(())
}

/// One attempt, and what must hold right behind it: of what was sent all or nothing is on disk, a refusal appended
/// nothing, what was answered is there.
fn attempt(
    state: &mut State,
    call: &Prepared,
    trouble: Trouble,
    progress: &mut Progress,
    since: Position,
    report: &mut RoundReport,
    trace: &mut Sha256,
) -> Result<(), Broken> {
    let before = state.process.log.last_position();
    let given = state.given();
    let Attempt { told, decided } = state.process.call(call, trouble, &given)?;
    report.n_calls += 1;
    report.heard.push(told.word());
    trace.update(trouble.word());
    trace.update(report.heard.last().map_or("", String::as_str));
    let n_appended = state.process.log.last_position() - before;
    let sent = decided.as_ref().and_then(|decided| decided.commit.as_ref());
    if let (Some(sent), Some(decided)) = (sent, &decided) {
        for event in &sent.events {
            trace.update(&event.payload);
        }
        invariants::whole_or_nothing(&state.process.log, before, sent, Some(trouble.is_written()))?;
        if trouble.is_written() {
            if progress.written.is_some() {
                return Err(Broken::new("done_once", "a repeat did it a second time"));
            }
            progress.written = Some(decided.done.clone());
        }
    }
    if let Told::Answer(answer) = told {
        match &answer {
            Ok(done) if n_appended > 0 => invariants::acknowledged_is_kept(&read_since(state, since)?, done)?,
            Ok(_) => {}
            Err(refusal) => invariants::done_once(usize::try_from(n_appended).unwrap_or(usize::MAX), 0)
                .map_err(|broken| Broken::new("done_once", format!("refused as {}, but {broken}", refusal.code())))?,
        }
        progress.answer = Some(answer);
    }
    Ok(())
}

/// Repeats a call until its client knows what became of it.
fn settle(
    state: &mut State,
    call: &Prepared,
    second: Trouble,
    progress: &mut Progress,
    since: Position,
    report: &mut RoundReport,
    trace: &mut Sha256,
) -> Result<(), Broken> {
    for n_repeat in 0..REPEATS_MAX {
        let asks_again = match (&call.caller, &call.asked, call.expected) {
            (Some(_), Some(_), _) | (Some(_), None, Some(_)) => progress.answer.is_none(),
            // Without key and version a client cannot tell, and leaves it.
            (Some(_), None, None) => false,
            (None, _, _) => progress.answer.is_none() && is_still_open(state, call, progress)?,
        };
        if !asks_again {
            break;
        }
        let trouble = if n_repeat == 0 { second } else { Trouble::None };
        attempt(state, call, trouble, progress, since, report, trace)?;
        if trouble.is_crash() {
            state.restart()?;
            report.n_crashes += 1;
        }
        report.n_crashes += u64::from(trouble == Trouble::WorkerDies);
    }
    check_repeats(state, call, progress)
}

fn is_still_open(state: &mut State, call: &Prepared, progress: &Progress) -> Result<bool, Broken> {
    let Some(effect) = &progress.effect else {
        return Ok(false);
    };
    let ticket = match call.ticket {
        Some(id) => state.process.ticket(id)?,
        None => None,
    };
    Ok(ticket.is_some_and(|ticket| awaited(&ticket).contains(effect)))
}

/// Once a call is done, asking again changes nothing and says so.
fn check_repeats(state: &mut State, call: &Prepared, progress: &Progress) -> Result<(), Broken> {
    let Some(first) = &progress.written else { return Ok(()) };
    let before = state.process.log.last_position();
    let ask = |state: &mut State, call: &Prepared| -> Result<Result<Done, Refusal>, Broken> {
        let given = state.given();
        match state.process.call(call, Trouble::None, &given)?.told {
            Told::Answer(answer) => Ok(answer),
            Told::Fault | Told::Nothing => Err(Broken::new("a_key_answers_first", "a repeat got no answer")),
        }
    };
    if call.asked.is_some() {
        let again = ask(state, call)?;
        invariants::a_key_answers_first(first, &again)?;
        let other = ask(state, &call.with_other_arguments())?;
        invariants::other_arguments_are_refused(&other)?;
    }
    if call.expected.is_some() {
        let stale = ask(
            state,
            &Prepared {
                asked: None,
                ..call.clone()
            },
        )?;
        invariants::versions_hold(&[], Some(&stale))?;
    }
    if let Command::ReportHook {
        outcome: HookOutcome::Succeeded,
        ..
    } = &call.command
    {
        let late = ask(state, call)?;
        if !matches!(late, Err(Refusal::NotWaiting { .. })) {
            return Err(Broken::new(
                "done_once",
                format!("a hook's answer came twice and was taken twice: {late:?}"),
            ));
        }
    }
    let n_more = state.process.log.last_position() - before;
    invariants::done_once(1 + usize::try_from(n_more).unwrap_or(usize::MAX), 1)
}

/// What a process knows of the tickets that were called is what the log says.
fn check_recovered(state: &mut State, calls: &[Prepared], since: Position) -> Result<(), Broken> {
    let commits = read_since(state, since)?;
    let created = commits
        .iter()
        .filter_map(|commit| loonflow_engine::runtime::commit::ticket_of(&commit.stream));
    let ids: std::collections::BTreeSet<TicketId> =
        created.chain(calls.iter().filter_map(|call| call.ticket)).collect();
    for id in ids {
        if let Some(ticket) = state.process.ticket(id)? {
            invariants::replay_equals_fold(&state.process.log, &ticket)?;
            invariants::effects_are_found(&state.process.log, &ticket)?;
        }
    }
    Ok(())
}
