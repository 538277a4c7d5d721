//! What a run is made of, drawn from a tape: definitions and directories, then what people ask for, with which values.
//!
//! [`nets`] are definitions that need not be sound: what the proof is held against a walk of the engine with.

pub mod definitions;
pub mod nets;
pub mod requests;
pub mod values;
