//! The test of the simulator itself: does it find what is known to be wrong?
//!
//! `definitions` have one mistake each, put in on purpose, and a twin without it; `bugs` are planted in the engine, in
//! builds with the feature `planted` alone.

#[cfg(feature = "planted")]
pub mod bugs;
pub mod definitions;
