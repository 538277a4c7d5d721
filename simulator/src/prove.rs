//! Proofs about definitions: what `check` proves or refutes, and the nets that other tools judge them by.
//!
//! [`check`] explores every state of a ticket on a definition, [`net`] is the definition as a Petri net, and
//! [`selftest`] asks whether mistakes that were put in on purpose are found.

pub mod check;
pub mod net;
pub mod selftest;
