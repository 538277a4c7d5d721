//! Crashes and faults: whatever dies and wherever, nothing acknowledged is lost, nothing is half done, nothing is done
//! twice.
//!
//! Two levels. `walk` and `round` cut the power at the bare `boundary` decide → append → fold, every way in every round,
//! a million times in minutes. The real actors over a log that fails on schedule come in `actors`. What can go wrong is
//! in `trouble`, what must hold in `invariants`, and what clients ask in `call`.
//!
//! Not here: whether what was decided is right (the fuzz), whether a disk keeps what it says (`storage`).

pub mod boundary;
pub mod call;
pub mod case;
mod convert;
pub mod invariants;
pub mod round;
pub mod trouble;
pub mod walk;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use self::trouble::Trouble;
use self::walk::{Setting, Walk, WalkReport};

/// Walks over many seeds at the first level, split over threads.
#[derive(Clone, Debug)]
pub struct BoundaryRun {
    /// What walks start from.
    pub setting: Setting,
    /// The first seed; the others follow.
    pub seed: u64,
    /// Seeds.
    pub n_seeds: u64,
    /// Rounds of each walk.
    pub n_rounds: u64,
    /// Threads.
    pub n_threads: usize,
}

/// What walks over many seeds came to.
#[derive(Clone, Debug, Default)]
pub struct BoundaryReport {
    /// Walks, rounds, branches, crashes and calls.
    pub n_walks: u64,
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
    /// SHA-256 over the hashes of all walks in the order of their seeds: the same whatever the number of threads.
    pub hash: String,
    /// The first failure by seed.
    pub failure: Option<(u64, invariants::Broken, Vec<walk::Round>)>,
}

impl BoundaryRun {
    /// Walks; `seen` is told the number of walks that are done.
    pub fn run(&self, seen: &(dyn Fn(u64) + Sync)) -> BoundaryReport {
        let next = AtomicU64::new(0);
        let done: Mutex<BTreeMap<u64, WalkReport>> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..self.n_threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let idx = next.fetch_add(1, Ordering::Relaxed);
                        if idx >= self.n_seeds {
                            return;
                        }
                        let seed = self.seed.wrapping_add(idx);
                        let report = match Walk::new(&self.setting, seed) {
                            Ok(walk) => walk.run(seed, self.n_rounds),
                            Err(broken) => WalkReport {
                                failure: Some((broken, Vec::new())),
                                ..WalkReport::default()
                            },
                        };
                        let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        done.insert(idx, report);
                        seen(done.len() as u64);
                    }
                });
            }
        });
        let mut report = BoundaryReport::default();
        let mut hash = Sha256::new();
        let done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (idx, walk) in done {
            hash.update(walk.hash);
            report.n_walks += 1;
            report.n_rounds += walk.n_rounds;
            report.n_branches += walk.n_branches;
            report.n_crashes += walk.n_crashes;
            report.n_calls += walk.n_calls;
            for (trouble, n) in walk.by_trouble {
                *report.by_trouble.entry(trouble).or_default() += n;
            }
            if let (None, Some((broken, rounds))) = (&report.failure, walk.failure) {
                report.failure = Some((self.seed.wrapping_add(idx), broken, rounds));
            }
        }
        report.hash = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        report
    }
}
