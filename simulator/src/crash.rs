//! Crashes and faults: whatever dies and wherever, nothing acknowledged is lost, nothing is half done, nothing is done
//! twice.
//!
//! Two levels. `walk` and `round` cut the power at the bare `boundary` decide → append → fold, every way in every round,
//! a million times in minutes. `actors` and
//! `engine_walk` do so to the engine itself, over a log that fails on schedule. What can go wrong is
//! in `trouble`, what must hold in `invariants`, and what clients ask in `call`.
//!
//! Not here: whether what was decided is right (the fuzz), whether a disk keeps what it says (`storage`).

pub mod actors;
pub mod boundary;
pub mod call;
pub mod case;
pub mod engine_walk;
pub mod invariants;
pub mod ports;
pub mod round;
pub mod trouble;
pub mod walk;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use self::trouble::Trouble;
use self::walk::WalkReport;

/// What walks over many seeds came to.
#[derive(Clone, Debug, Default)]
pub struct CrashReport {
    /// Walks made.
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

/// One walk from a seed.
pub type WalkOfSeed<'a> = &'a (dyn Fn(u64) -> WalkReport + Sync);

/// Walks from so many seeds on, split over threads; a walk is one of either level's.
pub fn walks(seed: u64, n_seeds: u64, n_threads: usize, walk: WalkOfSeed<'_>) -> CrashReport {
    let next = AtomicU64::new(0);
    let done: Mutex<BTreeMap<u64, WalkReport>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..n_threads.max(1) {
            scope.spawn(|| {
                loop {
                    let idx = next.fetch_add(1, Ordering::Relaxed);
                    if idx >= n_seeds {
                        return;
                    }
                    let report = walk(seed.wrapping_add(idx));
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(idx, report);
                }
            });
        }
    });
    let mut report = CrashReport::default();
    let mut hash = Sha256::new();
    for (idx, walk) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
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
            report.failure = Some((seed.wrapping_add(idx), broken, rounds));
        }
    }
    report.hash = crate::world::trace::hex(&hash.finalize().into());
    report
}
