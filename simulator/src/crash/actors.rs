//! The second level: the engine itself, with its actors, over a log that fails on schedule. It is killed, started again
//! over what the log holds, and asked again.
//!
//! Clock, ids and draws are ours and nothing waits for a clock, so a round with one call happens the same each time.
//! Of calls under way at once the order in which they come to the log is the runtime's, for reads leave its thread;
//! what must hold does not depend on it.
//!
//! Not here: the search for calls (`engine_walk`), what must hold (`invariants`).

use std::sync::Arc;

use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{
    ActAnswer, ActRequest, Answer, CreateRequest, Done, Engine, EngineOptions, Fault, PublishRequest, commit,
};
use loonflow_engine::ticket::{Command, Refusal};
use loonflow_storage::{EventLog, Fault as LogFault, FaultyLog, MemoryLog};
use serde_json::Value as Json;
use tokio::task::JoinHandle;

use super::call::Prepared;
use super::invariants::Broken;
use super::ports::Outside;
use super::trouble::Trouble;

/// Turns that the runtime is given for something to happen: far more than it takes on a busy machine.
const TURNS_MAX: u32 = 20_000_000;

/// An engine, its log, and the disk below that outlives both.
pub struct Machine {
    /// The disk.
    pub disk: MemoryLog,
    /// Clock, ids and draws.
    pub outside: Arc<Outside>,
    /// The running engine.
    pub engine: Engine,
    log: Arc<FaultyLog>,
}

/// What a caller got back, where it got anything.
pub type Heard = Option<Result<Done, Refusal>>;

/// Bounds so small that snapshots, checkpoints and sleeping tickets come about within a few calls.
fn options() -> EngineOptions {
    EngineOptions {
        live_tickets_max: 2,
        snapshot_events: 5,
        checkpoint_commits: 7,
        // The walk carries them out itself, each when its seed says so.
        runs_effects: false,
        ..EngineOptions::default()
    }
}

impl Machine {
    /// Starts over a disk.
    ///
    /// # Errors
    /// Where the engine does not start over what is there.
    pub async fn start(disk: MemoryLog, outside: Arc<Outside>) -> Result<Self, Broken> {
        let log = Arc::new(FaultyLog::new(Arc::new(disk.clone()), []));
        let engine = Engine::start(Arc::clone(&log) as Arc<dyn EventLog>, outside.ports(), options())
            .await
            .map_err(|fault| Broken::new("acknowledged_is_kept", format!("the engine does not start: {fault:?}")))?;
        Ok(Self {
            disk,
            outside,
            engine,
            log,
        })
    }

    /// Puts a directory and definitions on an empty disk.
    ///
    /// # Errors
    /// Where the engine does not take them.
    pub async fn fill(&self, directory: &Json, definitions: &[Json]) -> anyhow::Result<()> {
        let mut directory = directory.clone();
        // Nobody signs in here, and hashing passwords takes longer than a run.
        for user in directory["users"].as_array_mut().into_iter().flatten() {
            if let Some(user) = user.as_object_mut() {
                user.remove("password");
            }
        }
        let report = self.engine.directories().import(&directory).await??;
        for definition in definitions {
            let source = Arc::new(definition.clone());
            self.engine
                .workflows()
                .publish(PublishRequest::new(report.tenant_id.clone(), source))
                .await??;
        }
        Ok(())
    }

    /// Kills the process, wherever it is, and starts another over the disk.
    ///
    /// # Errors
    /// Where the engine does not start over what is there.
    pub async fn kill(self) -> Result<Self, Broken> {
        // The old log stays dead: whatever of the old process still runs gets nothing written.
        self.log.crash();
        let Self {
            disk, outside, engine, ..
        } = self;
        drop(engine);
        outside.break_draw(false);
        Self::start(disk, outside).await
    }

    /// Asks once.
    ///
    /// # Errors
    /// A fault of the machine.
    pub async fn ask(&self, call: &Prepared) -> Answer<Done> {
        ask(&self.engine, call).await
    }

    /// Sends calls at once, lets the trouble come, and says what each caller heard and how often something died.
    ///
    /// # Errors
    /// Where something never comes about, or the engine does not start again.
    pub async fn round(mut self, calls: &[Prepared], trouble: Trouble) -> Result<(Self, Vec<Heard>, u64), Broken> {
        let n_before = self.log.n_appends();
        match trouble {
            Trouble::DiesBeforeDecision => self.log.crash(),
            Trouble::DiesBeforeAppend | Trouble::DiesQueued => self.log.schedule(0, LogFault::CrashBefore),
            Trouble::DiesWritten => self.log.schedule(0, LogFault::CrashAfter),
            Trouble::DiesAcknowledged | Trouble::DiesFolded | Trouble::DiesAnswering | Trouble::LogSlow => {
                (0..calls.len() as u64).for_each(|n_between| self.log.schedule(n_between, LogFault::Hold));
            }
            Trouble::WorkerDies => {
                self.outside.break_draw(true);
            }
            Trouble::UncertainWritten => self.log.schedule(0, LogFault::UncertainWritten),
            Trouble::UncertainLost => self.log.schedule(0, LogFault::UncertainLost),
            Trouble::LogFull | Trouble::LogFails | Trouble::LogOverloaded | Trouble::LogConflicts => {
                if let Some(error) = trouble.log_error() {
                    self.log.schedule(0, LogFault::Refuse(error));
                }
            }
            Trouble::None | Trouble::DiesAnswered | Trouble::AnswerLost => {}
        }
        let mut tasks: Vec<JoinHandle<Answer<Done>>> = calls
            .iter()
            .map(|call| {
                let (engine, call) = (self.engine.clone(), call.clone());
                tokio::spawn(async move { ask(&engine, &call).await })
            })
            .collect();
        let is_held = matches!(
            trouble,
            Trouble::DiesAcknowledged | Trouble::DiesFolded | Trouble::DiesAnswering | Trouble::LogSlow
        );
        if is_held {
            // Every call is at the log, or is through without having come there.
            let log = Arc::clone(&self.log);
            let all_there = |tasks: &[JoinHandle<_>]| {
                let n_through = tasks.iter().filter(|task| task.is_finished()).count() as u64;
                log.n_appends() - n_before + n_through >= tasks.len() as u64
            };
            turns_until(|| all_there(&tasks)).await?;
            if trouble == Trouble::LogSlow {
                self.log.release();
                turns_until(|| tasks.iter().all(JoinHandle::is_finished)).await?;
            } else if trouble != Trouble::DiesAcknowledged {
                self.log.release();
                // A few turns: the worker folds, the list follows, the answer sets out.
                let n_turns = if trouble == Trouble::DiesFolded { 2 } else { 5 };
                for _ in 0..n_turns {
                    tokio::task::yield_now().await;
                }
            }
        } else {
            turns_until(|| tasks.iter().all(JoinHandle::is_finished)).await?;
        }
        let mut heard = Vec::with_capacity(tasks.len());
        let mut n_died = 0;
        for task in &mut tasks {
            if !task.is_finished() {
                task.abort();
                heard.push(None);
                continue;
            }
            let answer = match task.await {
                Ok(Ok(answer)) if trouble != Trouble::AnswerLost => Some(answer),
                Ok(Err(Fault::WorkerDied)) => {
                    n_died += 1;
                    None
                }
                Ok(Ok(_) | Err(_)) | Err(_) => None,
            };
            heard.push(answer);
        }
        drop(tasks);
        self.outside.break_draw(false);
        if trouble.is_crash() {
            self = self.kill().await?;
            n_died += 1;
        } else {
            // What was scheduled and did not come about must not come about later.
            self.log.clear();
        }
        Ok((self, heard, n_died))
    }
}

async fn turns_until(mut is_so: impl FnMut() -> bool) -> Result<(), Broken> {
    for _ in 0..TURNS_MAX {
        if is_so() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
    Err(Broken::new("a_call_ends", "a call neither ended nor came to the log"))
}

async fn ask(engine: &Engine, call: &Prepared) -> Answer<Done> {
    match (&call.command, &call.caller, call.ticket) {
        (Command::Create(create), Some(caller), _) => {
            let request = CreateRequest {
                workflow_id: call.workflow.workflow_id.clone(),
                version_name: None,
                take: create.take.clone(),
                fields: create.fields.clone(),
                comment: create.comment.clone(),
                cc: create.cc.clone(),
                parent: None,
                dry_run: false,
                idempotency: call.asked.clone(),
            };
            done(engine.tickets().create(caller, request).await)
        }
        (Command::Act(act), Some(caller), Some(ticket_id)) => {
            let request = ActRequest {
                closes_children: act.closes_children,
                ticket_id,
                action: act.action.clone(),
                at: act.at.clone(),
                comment: act.comment.clone(),
                fields: act.fields.clone(),
                dry_run: false,
                expected_version: call.expected,
                idempotency: call.asked.clone(),
            };
            done(engine.tickets().act(caller, request).await)
        }
        (Command::ReachDeadline { token, step }, _, Some(ticket)) => {
            engine.effects().reach_deadline(ticket, *token, *step).await
        }
        (Command::FireTimer { token }, _, Some(ticket)) => engine.effects().fire_timer(ticket, *token).await,
        (
            Command::ReportHook {
                token,
                attempt,
                outcome,
            },
            _,
            Some(ticket),
        ) => {
            engine
                .effects()
                .report_hook(ticket, *token, *attempt, outcome.clone())
                .await
        }
        (Command::CloseEffect { effect, outcome }, _, Some(ticket)) => {
            engine.effects().close(ticket, *effect, outcome.clone()).await
        }
        (
            Command::ReviewHolders
            | Command::HandOver { .. }
            | Command::ReviewDeadlines { .. }
            | Command::Migrate { .. }
            | Command::CloseEffect { .. }
            | Command::OpenChild(_)
            | Command::EndChild { .. }
            | Command::EraseFile { .. },
            ..,
        )
        | (Command::Create(_), None, _)
        | (
            Command::Act(_) | Command::FireTimer { .. } | Command::ReachDeadline { .. } | Command::ReportHook { .. },
            ..,
        ) => Ok(Err(Refusal::TicketNotFound { id: String::new() })),
    }
}

fn done(answer: Answer<ActAnswer>) -> Answer<Done> {
    Ok(answer?.and_then(|answer| match answer {
        ActAnswer::Done(done) => Ok(done),
        ActAnswer::Preview(_) => Err(Refusal::TicketNotFound {
            id: "a preview was answered".to_owned(),
        }),
    }))
}

/// The tickets on a disk in order of creation.
///
/// # Errors
/// Where the disk does not read.
pub fn tickets_on(disk: &MemoryLog) -> Result<Vec<TicketId>, Broken> {
    let commits = disk
        .read_all(0, usize::MAX)
        .map_err(|error| Broken::new("acknowledged_is_kept", error.to_string()))?;
    let first = commits.iter().filter(|commit| commit.first_version == 1);
    Ok(first.filter_map(|one| commit::ticket_of(&one.stream)).collect())
}
