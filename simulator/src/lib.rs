//! Simulation of workflows: the real engine (its `decide`, its actors, its log) in a world where clock, ids,
//! randomness, disk and hooks are ours, so that a run is a function of its inputs and can be repeated bit for bit.
//!
//! Three jobs: prove or refute things about a **definition** (`check`, `shadow`), hunt for bugs in the **engine**
//! (`fuzz` beside the naive `model`, `crash`, and `selftest` for the hunt itself), forecast how **people** will fare
//! under load (`forecast`). What they find is a `case` of concrete steps with a `story` that a person can follow, and
//! goes to other tools in open formats (`export`, `import`).
//!
//! Modules in reading order: [`case`], [`world`], [`replay`], [`trace`] (a run and how it is repeated) · [`step`],
//! [`people`], [`strategy`] (random steps, people, definitions) · [`model`], [`invariants`], [`checker`] (what must
//! hold) · [`fuzz`], [`coverage`], [`goals`], [`shrink`], [`story`] (the search) · [`crash`] · [`check`], [`net`] ·
//! [`publishing`] · [`forecast`] · [`recorded`], [`shadow`] · [`export`], [`import`], [`expression`], [`xml`] · [`selftest`] ·
//! [`inputs`], [`cli`], [`commands`] (the program `loonflow-simulate`).
//!
//! Without the default feature `program` only what a server asks before it publishes a workflow is here: `check`, `fuzz`
//! and what they stand on, without the dependencies of reports, formats and the command line.
//!
//! Not simulated here: disks that break their promise, which `storage` tests.

pub mod case;
pub mod check;
pub mod checker;
#[cfg(feature = "program")]
pub mod cli;
#[cfg(feature = "program")]
pub mod commands;
pub mod coverage;
#[cfg(feature = "program")]
pub mod crash;
pub mod export;
pub mod expression;
#[cfg(feature = "program")]
pub mod forecast;
pub mod fuzz;
pub mod goals;
#[cfg(feature = "program")]
pub mod import;
pub mod inputs;
pub mod invariants;
pub mod model;
pub mod names;
pub mod net;
pub mod people;
pub mod publishing;
#[cfg(feature = "program")]
pub mod recorded;
pub mod replay;
#[cfg(feature = "program")]
pub mod selftest;
#[cfg(feature = "program")]
pub mod shadow;
pub mod shrink;
pub mod step;
pub mod story;
pub mod strategy;
pub mod trace;
pub mod world;
#[cfg(feature = "program")]
pub mod xml;
