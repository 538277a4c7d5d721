//! Simulation of workflows: the engine's own decisions in a world where clock, ids and randomness are ours, so that
//! a run is a function of its inputs and can be repeated bit for bit.
//!
//! Simulated here: tickets on given definitions and one tenant's directory, by the pure core (`decide`, `apply`).
//! Not simulated yet: actors, the log and its failures, hooks that answer, more than one tenant; the search for defects
//! in definitions is not here yet either.
//! Forecasts of people under load are in `forecast`.
//! Not simulated yet: actors, the log and its failures, hooks that answer, more than one tenant; a second, naive
//! model of the rules and the search for defects in definitions are not here yet either.

pub mod case;
pub mod checker;
pub mod cli;
pub mod commands;
pub mod coverage;
pub mod crash;
pub mod fuzz;
pub mod goals;
pub mod export;
pub mod expression;
pub mod import;
pub mod forecast;
pub mod inputs;
pub mod invariants;
pub mod model;
pub mod people;
pub mod replay;
pub mod selftest;
pub mod shrink;
pub mod check;
pub mod export;
pub mod net;
pub mod selftest;
pub mod recorded;
pub mod shadow;
pub mod step;
pub mod story;
pub mod strategy;
pub mod trace;
pub mod world;
pub mod xml;
