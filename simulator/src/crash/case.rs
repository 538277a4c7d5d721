//! A crash as it is stored: definitions, directory, and every round with what went wrong in it, so that it can be seen
//! again whatever becomes of the generator. Told as a story, it is a page that a person can follow.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::WorkflowVersion;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::engine_walk::Base;
use super::invariants::Broken;
use super::trouble::Trouble;
use super::walk::{Round, Setting, Walk};
use crate::world::case::CaseStep;
use crate::world::directory_from;

/// Number of the form below.
pub const FORMAT: u32 = 1;
/// Lines of a story at most.
const LINES_MAX: usize = 20;

/// What was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The bare boundary decide → append → fold (`walk`).
    Boundary,
    /// The engine with its actors (`engine_walk`).
    Actors,
}

/// Plays rounds; what does not hold, and in which of them.
type Player = Box<dyn Fn(&[Round]) -> Option<(Broken, usize)>>;

/// A crash, ready to be repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrashCase {
    /// [`FORMAT`].
    pub format: u32,
    /// What was killed.
    pub level: Level,
    /// The invariant that failed.
    pub shows: String,
    /// What was found.
    pub found: String,
    /// The directory, as a directory file has it.
    pub directory: Json,
    /// Definitions, as their files have them.
    pub definitions: Vec<Json>,
    /// Seed of the world's draws.
    pub seed: u64,
    /// Round by round.
    pub rounds: Vec<Round>,
}

impl CrashCase {
    /// Reads one from its text.
    ///
    /// # Errors
    /// Where it is none, or of another form.
    pub fn from_text(text: &str) -> anyhow::Result<Self> {
        let case: Self = serde_json::from_str(text).context("this is no crash case")?;
        if case.format != FORMAT {
            bail!(
                "a crash case of form {} cannot be read, this program reads {FORMAT}",
                case.format
            );
        }
        Ok(case)
    }

    /// What the case starts from.
    ///
    /// # Errors
    /// Where directory or definitions do not load.
    pub fn setting(&self) -> anyhow::Result<Setting> {
        let directory: Arc<Directory> =
            directory_from(&self.directory).map_err(|why| anyhow::anyhow!("the case's directory: {why}"))?;
        let load = |source: &Json| -> anyhow::Result<Arc<WorkflowVersion>> {
            let loaded = WorkflowVersion::load(source);
            Ok(Arc::new(loaded.map_err(|problems| {
                anyhow::anyhow!("a definition of the case: {problems:?}")
            })?))
        };
        Ok(Setting {
            directory,
            workflows: self.definitions.iter().map(load).collect::<Result<_, _>>()?,
        })
    }

    /// Plays it; what does not hold, with the number of its round from 0.
    ///
    /// # Errors
    /// Where directory or definitions do not load.
    pub fn replay(&self) -> anyhow::Result<Option<(Broken, usize)>> {
        let player = self.player()?;
        Ok(player(&self.rounds))
    }

    /// Plays other rounds in the same setting.
    fn player(&self) -> anyhow::Result<Player> {
        let (setting, seed) = (self.setting()?, self.seed);
        Ok(match self.level {
            Level::Boundary => Box::new(move |rounds| match Walk::new(&setting, seed) {
                Ok(walk) => walk.replay(rounds),
                Err(broken) => Some((broken, 0)),
            }),
            Level::Actors => {
                let base = Base::new(setting, &self.directory, &self.definitions)?;
                Box::new(move |rounds| base.replay(seed, rounds))
            }
        })
    }

    /// Leaves out every round, call and trouble without which the same invariant still fails; so many tries at most.
    ///
    /// # Errors
    /// Where directory or definitions do not load.
    pub fn shrink(&mut self, n_tries: usize) -> anyhow::Result<()> {
        let player = self.player()?;
        let shows = self.shows.clone();
        let fails = |rounds: &[Round]| player(rounds).filter(|(broken, _)| broken.invariant == shows);
        let mut n_left = n_tries;
        let mut rounds = self.rounds.clone();
        // From the back: what is asked later depends on what is there, not the other way round. Where a round that
        // created a ticket goes, later ones name others by their order; such a try just does not fail as a rule.
        let mut idx = rounds.len();
        let mut has_changed = false;
        while n_left > 0 {
            if idx == 0 {
                if !std::mem::take(&mut has_changed) {
                    break;
                }
                idx = rounds.len();
            }
            idx -= 1;
            let mut without = rounds.clone();
            without.remove(idx);
            let simpler = simpler_rounds(&rounds[idx]).into_iter().map(|simpler| {
                let mut with = rounds.clone();
                with[idx] = simpler;
                with
            });
            let tried: Vec<Vec<Round>> = std::iter::once(without).chain(simpler).collect();
            for candidate in tried {
                n_left = n_left.saturating_sub(1);
                if let Some((broken, at)) = fails(&candidate) {
                    rounds = candidate;
                    rounds.truncate(at + 1);
                    self.found = broken.found;
                    has_changed = true;
                    // The same place once more, for it may go on.
                    idx = (idx + 1).min(rounds.len());
                    break;
                }
            }
        }
        self.rounds = rounds;
        Ok(())
    }

    /// Told in at most 20 lines, the latest rounds where there are more.
    #[must_use]
    pub fn story(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (idx, round) in self.rounds.iter().enumerate() {
            if round.pass_ms > 0 {
                lines.push(format!("{}. {} minutes pass", idx + 1, round.pass_ms / 60_000));
            }
            for (n_call, call) in round.calls.iter().enumerate() {
                let of = |troubles: &[Trouble]| troubles.get(n_call).copied().unwrap_or(Trouble::None);
                let mut line = format!("{}. {}", idx + 1, step_in_words(&call.step));
                if let Some(key) = &call.key {
                    line.push_str(&format!(", under key {key}"));
                }
                if call.expects {
                    line.push_str(", for the version it saw");
                }
                line.push_str(&format!(": {}", of(&round.troubles).told()));
                if of(&round.again) != Trouble::None {
                    line.push_str(&format!("; at the repeat {}", of(&round.again).told()));
                }
                lines.push(line);
            }
        }
        let n_left_out = lines.len().saturating_sub(LINES_MAX - 2);
        if n_left_out > 0 {
            lines.drain(..n_left_out);
            lines.insert(0, format!("({n_left_out} earlier lines are in the case)"));
        }
        lines.push(format!(
            "=> {}: {}",
            self.shows,
            self.found.chars().take(400).collect::<String>()
        ));
        lines
    }
}

/// The same round with one thing less in it.
fn simpler_rounds(round: &Round) -> Vec<Round> {
    let mut simpler = Vec::new();
    if round.calls.len() > 1 {
        for idx in 0..round.calls.len() {
            let mut without = round.clone();
            without.calls.remove(idx);
            for troubles in [&mut without.troubles, &mut without.again] {
                if idx < troubles.len() {
                    troubles.remove(idx);
                }
            }
            simpler.push(without);
        }
    }
    let plain = |troubles: &[Trouble]| troubles.iter().all(|trouble| *trouble == Trouble::None);
    if !plain(&round.again) {
        simpler.push(Round {
            again: Vec::new(),
            ..round.clone()
        });
    }
    if !plain(&round.troubles) {
        simpler.push(Round {
            troubles: vec![Trouble::None; round.troubles.len()],
            ..round.clone()
        });
    }
    if round.stores {
        simpler.push(Round {
            stores: false,
            ..round.clone()
        });
    }
    if round.pass_ms > 0 {
        simpler.push(Round {
            pass_ms: 0,
            ..round.clone()
        });
    }
    simpler
}

fn step_in_words(step: &CaseStep) -> String {
    match step {
        CaseStep::Pass { ms } => format!("{} minutes pass", ms / 60_000),
        CaseStep::Publish { .. } => "a definition is published".to_owned(),
        CaseStep::Directory { .. } => "the directory changes".to_owned(),
        CaseStep::Create {
            workflow,
            creator,
            action_id,
            ..
        } => match action_id {
            Some(edge) => format!("{creator} starts `{workflow}` with `{edge}`"),
            None => format!("{creator} drafts `{workflow}`"),
        },
        CaseStep::Handle {
            ticket,
            operator,
            action_type,
            action_id,
            node_id,
            ..
        } => {
            let at = node_id.as_ref().map(|node| format!(" at `{node}`")).unwrap_or_default();
            format!("{operator} takes {action_type} `{action_id}`{at} on ticket {ticket}")
        }
        CaseStep::HandOver { ticket, user } => format!("what {user} holds on ticket {ticket} is handed over"),
        CaseStep::ReachDeadline { ticket, token, step } => {
            format!("step {step} of the deadline of token {token} on ticket {ticket} is due")
        }
        CaseStep::FireTimer { ticket, token } => format!("the timer of token {token} on ticket {ticket} fires"),
        CaseStep::ReportHook {
            ticket, token, failed, ..
        } => {
            let how = if failed.is_some() { "fails" } else { "answers" };
            format!("the hook of token {token} on ticket {ticket} {how}")
        }
        CaseStep::ReviewHolders { ticket } => format!("the engine reviews ticket {ticket}"),
        CaseStep::Migrate { ticket, .. } => format!("ticket {ticket} is migrated"),
    }
}
