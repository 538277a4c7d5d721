//! The hunt for bugs in the engine: people act at random in a world whose every step is checked.
//!
//! In reading order: [`generate`] (definitions, directories and requests from a tape) · [`model`], [`invariants`],
//! [`watch`] (what must hold, and when it is asked) · [`start`], [`fuzz`], [`coverage`], [`goals`] (the search) ·
//! [`shrink`], [`story`] (what was found, made small and told) · [`selftest`]
//! (does the hunt find bugs that were put into the engine?).

pub mod coverage;
pub mod fuzz;
pub mod generate;
pub mod goals;
pub mod invariants;
pub mod model;
pub mod selftest;
pub mod shrink;
pub mod start;
pub mod story;
pub mod watch;
