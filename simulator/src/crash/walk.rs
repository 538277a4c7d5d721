//! Random walks at the first level: in every round, every way to die or fail is tried on a disk of its own; one of them
//! becomes the past of the next round, so that crashes pile up.
//!
//! A walk is a function of definitions, directory and seed; its SHA-256 says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_storage::EventLog as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::call::{Call, Prepared};
use super::invariants::{self, Broken};
use super::round::{RoundReport, State, carry_out};
use super::trouble::Trouble;
use crate::world::case::CaseStep;
use crate::world::step::next_step;
use crate::world::tape::Tape;
use crate::world::{Recorded, World};

/// Most calls under way at once.
const CALLS_MAX: usize = 3;
/// Choices of a walk: enough for some hundred rounds.
const CHOICES: usize = 6_000;

/// A round as it is stored: who asked what, and what went wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Milliseconds that pass before it.
    #[serde(default)]
    pub pass_ms: i64,
    /// The calls, on different tickets.
    pub calls: Vec<Call>,
    /// What goes wrong with each.
    pub troubles: Vec<Trouble>,
    /// What goes wrong with the first repeat of each.
    #[serde(default)]
    pub again: Vec<Trouble>,
    /// Whether the process stores the list and the ticket of the first call behind it, as it does now and then.
    #[serde(default)]
    pub stores: bool,
}

/// What walks start from.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Who is there.
    pub directory: Arc<Directory>,
    /// What tickets are created on.
    pub workflows: Vec<Arc<WorkflowVersion>>,
}

/// What a walk came to.
#[derive(Clone, Debug, Default)]
pub struct WalkReport {
    /// Rounds walked.
    pub n_rounds: u64,
    /// Branches tried.
    pub n_branches: u64,
    /// Processes and workers that died.
    pub n_crashes: u64,
    /// Calls carried out, repeats included.
    pub n_calls: u64,
    /// How often each trouble was met by a first call.
    pub by_trouble: BTreeMap<Trouble, u64>,
    /// SHA-256 over everything that happened.
    pub hash: [u8; 32],
    /// The rounds that became the past of the later ones.
    pub past: Vec<Round>,
    /// What does not hold, with the rounds that lead there.
    pub failure: Option<(Broken, Vec<Round>)>,
}

/// One walk under way.
pub struct Walk {
    world: World,
    state: State,
    past: Vec<Round>,
    n_keys: u64,
    trace: Sha256,
    report: WalkReport,
}

impl WalkReport {
    /// Of a walk that failed before its first round.
    #[must_use]
    pub fn failed(broken: Broken) -> Self {
        Self {
            failure: Some((broken, Vec::new())),
            ..Self::default()
        }
    }
}

impl Setting {
    /// One walk of so many rounds.
    #[must_use]
    pub fn walk(&self, seed: u64, n_rounds: u64) -> WalkReport {
        match Walk::new(self, seed) {
            Ok(walk) => walk.run(seed, n_rounds),
            Err(broken) => WalkReport::failed(broken),
        }
    }
}

impl Walk {
    /// A walk at its start.
    ///
    /// # Errors
    /// Never for an empty disk.
    pub fn new(setting: &Setting, seed: u64) -> Result<Self, Broken> {
        Ok(Self {
            world: World::new(setting.directory.clone(), setting.workflows.clone(), seed),
            state: State::new(setting.directory.clone(), seed)?,
            past: Vec::new(),
            n_keys: 0,
            trace: Sha256::new(),
            report: WalkReport::default(),
        })
    }

    /// Walks until so many rounds are done, or something does not hold.
    #[must_use]
    pub fn run(mut self, seed: u64, n_rounds: u64) -> WalkReport {
        let mut tape = Tape::new(Random::tape(seed));
        while self.report.n_rounds < n_rounds && !tape.is_used_up() {
            let calls = draw_calls(&mut self.world, &mut tape, &mut self.n_keys);
            if calls.is_empty() {
                continue;
            }
            self.report.n_rounds += 1;
            if let Err(failed) = self.try_all(calls, &mut tape) {
                let (broken, round) = *failed;
                let mut past = std::mem::take(&mut self.past);
                past.push(round);
                self.report.failure = Some((broken, past));
                break;
            }
        }
        self.report.past = self.past;
        self.report.hash = self.trace.finalize().into();
        self.report
    }

    /// Plays rounds as they are stored; what does not hold, where something does not.
    #[must_use]
    pub fn replay(mut self, rounds: &[Round]) -> Option<(Broken, usize)> {
        for (idx, round) in rounds.iter().enumerate() {
            if let Err(broken) = self.play(round) {
                return Some((broken, idx));
            }
        }
        None
    }

    /// What clients heard in the last round that was played, for stories.
    ///
    /// # Errors
    /// What does not hold.
    pub fn play(&mut self, round: &Round) -> Result<RoundReport, Broken> {
        self.pass(round.pass_ms);
        let prepared = self.prepare(&round.calls);
        let played = carry_out(
            &mut self.state,
            &prepared,
            &round.troubles,
            &round.again,
            &mut self.trace,
        )?;
        if round.stores {
            self.state
                .process
                .store(prepared.first().and_then(|call| call.ticket))?;
        }
        self.see()?;
        Ok(played)
    }

    /// The disk.
    #[must_use]
    pub fn log(&self) -> &loonflow_storage::MemoryLog {
        &self.state.process.log
    }

    /// The tickets on it, in order of creation.
    #[must_use]
    pub fn tickets(&self) -> &[loonflow_engine::id::TicketId] {
        &self.state.tickets
    }

    fn pass(&mut self, ms: i64) {
        self.state.now = self.state.now.plus_ms(ms);
        self.world.now = self.state.now;
    }

    /// Calls that cannot be made in this world are left out.
    fn prepare(&self, calls: &[Call]) -> Vec<Prepared> {
        calls
            .iter()
            .filter_map(|call| Prepared::new(&self.world, call))
            .collect()
    }

    /// Tries every way for these calls to go wrong, each on a disk of its own, then goes on with one of them.
    fn try_all(&mut self, calls: Vec<Call>, tape: &mut Tape) -> Result<(), Box<(Broken, Round)>> {
        let pass_ms = self.world.now.0 - self.state.now.0;
        self.state.now = self.world.now;
        let prepared = self.prepare(&calls);
        let round = Round {
            pass_ms,
            calls,
            stores: tape.next(6) == 0,
            ..Round::default()
        };
        let ways: Vec<Vec<Trouble>> = if prepared.len() == 1 {
            Trouble::ALL.iter().map(|trouble| vec![*trouble]).collect()
        } else {
            let mut ways = Trouble::of_batch(prepared.len());
            ways.push(vec![Trouble::None; prepared.len()]);
            ways
        };
        let chosen = tape.next(ways.len());
        // Every other branch meets a second trouble in its first repeat, another one each time.
        let shift = tape.next(Trouble::ALL.len());
        let mut kept = None;
        for (idx, troubles) in ways.into_iter().enumerate() {
            let second = if idx % 2 == 1 {
                Trouble::ALL[(idx + shift) % Trouble::ALL.len()]
            } else {
                Trouble::None
            };
            let tried = Round {
                again: vec![second; troubles.len()],
                troubles,
                ..round.clone()
            };
            let mut branch = self.state.fork();
            let played = carry_out(&mut branch, &prepared, &tried.troubles, &tried.again, &mut self.trace);
            let played = match played {
                Ok(played) => played,
                Err(broken) => return Err(Box::new((broken, tried))),
            };
            self.count(&tried, &played);
            if idx == chosen {
                kept = Some((branch, tried));
            }
        }
        if let Some((branch, tried)) = kept {
            self.state = branch;
            let stored = if tried.stores {
                self.state.process.store(prepared.first().and_then(|call| call.ticket))
            } else {
                Ok(())
            };
            self.past.push(tried.clone());
            stored
                .and_then(|()| self.see())
                .map_err(|broken| Box::new((broken, tried)))?;
        }
        Ok(())
    }

    fn count(&mut self, tried: &Round, played: &RoundReport) {
        self.report.n_branches += 1;
        self.report.n_crashes += played.n_crashes;
        self.report.n_calls += played.n_calls;
        for trouble in &tried.troubles {
            *self.report.by_trouble.entry(*trouble).or_default() += 1;
        }
    }

    /// Takes what was done into the world that the next calls are drawn in, and checks the whole log.
    fn see(&mut self) -> Result<(), Broken> {
        let commits = self
            .state
            .process
            .log
            .read_all(0, usize::MAX)
            .map_err(|error| Broken::new("versions_hold", error.to_string()))?;
        invariants::versions_hold(&commits, None)?;
        for (idx, ticket) in self.state.all()?.into_iter().enumerate() {
            match self.world.tickets.get_mut(idx) {
                Some(known) if known.ticket.version == ticket.version => {}
                Some(known) => known.ticket = Arc::unwrap_or_clone(ticket),
                None => self.world.tickets.push(Recorded {
                    ticket: Arc::unwrap_or_clone(ticket),
                    commits: Vec::new(),
                }),
            }
        }
        Ok(())
    }
}

/// Reads calls off the tape, each on another ticket; time may pass in the world meanwhile.
pub(super) fn draw_calls(world: &mut World, tape: &mut Tape, n_keys: &mut u64) -> Vec<Call> {
    let n_calls = [1, 1, 1, 2, 3][tape.next(5)].min(CALLS_MAX);
    let mut calls: Vec<Call> = Vec::new();
    let mut seen = Vec::new();
    for _ in 0..n_calls {
        let Some(step) = next_step(world, tape) else {
            continue;
        };
        if seen.contains(&step.ticket) {
            continue;
        }
        seen.push(step.ticket);
        let workflow = &step.workflow.workflow_id;
        let Some(case_step) = CaseStep::from_command(step.ticket, workflow, &step.command) else {
            continue;
        };
        *n_keys += 1;
        calls.push(Call {
            step: case_step,
            key: (tape.next(4) > 0).then(|| format!("k{}", n_keys)),
            expects: step.ticket.is_some() && tape.next(2) == 0,
        });
    }
    calls
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Random(u64);

impl Random {
    /// The choices of a walk.
    pub(super) fn tape(seed: u64) -> Vec<u16> {
        let mut random = Self(seed);
        (0..CHOICES).map(|_| random.next_u16()).collect()
    }

    fn next_u16(&mut self) -> u16 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 48) as u16
    }
}
