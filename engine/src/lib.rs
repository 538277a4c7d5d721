//! A ticket engine: every ticket replays its events from a log, and a workflow decides who may do what at which node.
//!
//! The core is plain functions without I/O, clock, randomness or async: `ticket::decide(state, command, context)`
//! gives events or a refusal, `apply(state, event)` gives the next state. With the feature `runtime` (the default)
//! an [`Engine`](runtime::Engine) runs it over a log with one actor per live ticket.
//!
//! Invariants, mostly about what is absent:
//! - The log is the truth: every other state is a fold of events and can be thrown away and rebuilt.
//! - The core never waits; time, ids and randomness arrive as data.
//! - `decide` never changes state; `apply` never refuses and knows no rules; a replay never causes an effect.
//! - What is offered is what is allowed: one function is behind [`ticket::offer::offered`] and a decision.
//! - Everything has a bound, in [`limits`].
//!
//! Modules in reading order: [`id`], [`time`], [`text`], [`value`], [`limits`], [`port`] · [`account`] (tenants, directory,
//! rights) · [`workflow`] (definitions) · [`ticket`] (the game) · [`view`] (answers) · [`codec`] (bytes) · `runtime`.
//!
//! Pages: [`semantics`], the reference that comments cite by section; [`writing_definitions`] and
//! [`writing_directories`] for people who write workflows.

pub mod account;
pub mod codec;
pub mod effect;
pub mod id;
mod keys;
pub mod limits;
pub mod port;
#[cfg(feature = "runtime")]
pub mod runtime;
pub mod text;
pub mod ticket;
pub mod time;
pub mod value;
pub mod view;
pub mod workflow;

#[doc = include_str!("../docs/semantics.md")]
pub mod semantics {}

#[doc = include_str!("../docs/definition.md")]
pub mod writing_definitions {}

#[doc = include_str!("../docs/directory.md")]
pub mod writing_directories {}
