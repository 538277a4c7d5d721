//! Simulation of workflows: the real engine (its `decide`, its actors, its log) in a world where clock, ids,
//! randomness, disk and hooks are ours, so that a run is a function of its inputs and can be repeated bit for bit.
//!
//! Three jobs: prove or refute things about a **definition** (`check`, `shadow`), hunt for bugs in the **engine**
//! (`fuzz` beside the naive `model`, `crash`, and `selftest` for the hunt itself), forecast how **people** will fare
//! under load (`forecast`). What they find is a `case` of concrete steps with a `story` that a person can follow, and
//! goes to other tools in open formats (`export`, `import`).
//!
//! One wing for each job, in the order in which they stand on each other; `tests/it/arrows.rs` holds it. Three wings are
//! packages of their own, for programs that want no more than those:
//! - [`world`] (`loonflow-world`): a world, its steps, and how a run is repeated; every wing stands on it;
//! - [`prove`] (`loonflow-prove`): definitions proved or refuted, exactly; the server asks it before it publishes;
//! - [`forecast`] (`loonflow-forecast`): people under load;
//! - [`crash`]: the engine killed between decision and answer;
//! - [`record`]: what a server recorded, and what would have come of it on another version;
//! - [`formats`]: open formats, written and read;
//! - [`hunt`]: people at random beside the naive model, and how what is found is made small and told;
//! - [`program`]: the command line of `loonflow-simulate`.
//!
//! Not simulated here: disks that break their promise, which `storage` tests.

pub mod crash;
pub mod formats;
pub mod hunt;
pub mod program;
pub mod record;

pub use loonflow_forecast as forecast;
pub use loonflow_prove as prove;
pub use loonflow_world as world;
