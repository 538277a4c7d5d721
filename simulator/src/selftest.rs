//! The test of the simulator itself: does it find what is known to be wrong?
//!
//! `definitions` have one mistake each, put in on purpose, and a twin without it; `bugs` hunts those that are put into a
//! copy of the engine.

pub mod bugs;
pub mod definitions;
