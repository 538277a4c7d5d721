//! Proofs about definitions: what `check` proves or refutes, and the nets that other tools judge them by.
//!
//! In reading order: [`check`] explores every state of a ticket on a definition · [`publishing`] is the same as one
//! question, asked before a definition is published · [`net`] is the definition as a Petri net · [`selftest`] asks
//! whether mistakes that were put in on purpose are found.
//!
//! Not here: people at random, who also meet what a proof leaves out (`loonflow-simulator`, wing `hunt`).

pub mod check;
pub mod net;
pub mod publishing;
pub mod selftest;
