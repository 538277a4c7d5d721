//! The test of the simulator itself: does it find what is known to be wrong?
//!
//! `bugs` are planted in the engine, in builds with the feature `planted` alone.

#[cfg(feature = "planted")]
pub mod bugs;
