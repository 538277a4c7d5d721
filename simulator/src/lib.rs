//! Simulation of workflows: the real engine (its `decide`, its actors, its log) in a world where clock, ids,
//! randomness, disk and hooks are ours, so that a run is a function of its inputs and can be repeated bit for bit.
//!
//! Three jobs: prove or refute things about a **definition** (`check`, `shadow`), hunt for bugs in the **engine**
//! (`fuzz` beside the naive `model`, `crash`, and `selftest` for the hunt itself), forecast how **people** will fare
//! under load (`forecast`). What they find is a `case` of concrete steps with a `story` that a person can follow, and
//! goes to other tools in open formats (`export`, `import`).
//!
//! One wing for each job, in the order in which they stand on each other; `tests/it/arrows.rs` holds it:
//! - [`world`]: a world, its steps, and how a run is repeated; every wing stands on it, and knows few others;
//! - [`prove`]: definitions proved or refuted, exactly;
//! - [`crash`]: the engine killed between decision and answer;
//! - [`forecast`]: people under load;
//! - [`record`]: what a server recorded, and what would have come of it on another version;
//! - [`formats`]: open formats, written and read;
//! - [`hunt`]: people at random beside the naive model, and how what is found is made small and told;
//! - [`program`]: the command line of `loonflow-simulate`.
//!
//! Without the default feature `program` only what a server asks before it publishes a workflow is here: the proof, the
//! hunt and what they stand on, without the dependencies of reports, formats and the command line.
//!
//! Not simulated here: disks that break their promise, which `storage` tests.

#[cfg(feature = "program")]
pub mod crash;
#[cfg(feature = "program")]
pub mod forecast;
pub mod formats;
pub mod hunt;
#[cfg(feature = "program")]
pub mod program;
pub mod prove;
#[cfg(feature = "program")]
pub mod record;
pub mod world;
