//! Forecasts: how people will fare under load, as discrete events through the real engine.
//!
//! ```text
//!   scenario (JSON) ─ load ─▶ scenario ─ plan ─▶ Plan ─ pool ─▶ n × replication ─▶ Pool ─ report ─▶ Forecast
//!                                                                │                              text, files, html
//!                     agenda (what is next), arrivals, desk (who takes what), engine (what happens then)
//! ```
//!
//! Who is assigned, how a fork joins, which branch a condition takes, what a refusal is: the engine decides, on the
//! definition as it will be published. The world around it is ours: when cases come, when people work and how fast,
//! what they choose and fill in.
//!
//! Not simulated: forward, consult, withdraw, the force actions, sub-tickets, delegates; people who work slower when
//! they do several things at once. Drawing is per case and purpose (`random`), so a result is a function of scenario
//! and seed, whatever the number of threads; and two scenarios meet the same cases.

use std::sync::atomic::AtomicU64;

pub mod agenda;
pub mod arrivals;
pub mod bottleneck;
pub mod chart;
pub mod compare;
pub mod desk;
pub mod distribution;
pub mod estimate;
pub mod files;
pub mod goal;
pub mod html;
pub mod level;
pub mod load;
pub mod measure;
pub mod observed;
pub mod plan;
pub mod pool;
pub mod quantity;
pub mod random;
pub mod replication;
pub mod report;
pub mod scenario;
pub mod tally;
pub mod text;
pub mod timeline;
pub mod unsteady;
pub mod weights;

pub use compare::Comparison;
pub use plan::Plan;
pub use report::Forecast;
pub use scenario::Scenario;

/// Runs a plan on so many threads; `progress` counts the cases that came, over all replications.
///
/// # Errors
/// A sentence, where the world cannot go on.
pub fn run(plan: &Plan, n_threads: usize, progress: &AtomicU64) -> anyhow::Result<Forecast> {
    let pool = pool::run(plan, n_threads, progress)?;
    Ok(Forecast::new(plan, &pool))
}
