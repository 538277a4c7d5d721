//! One binary for the tests of the log.
//!
//! `contract` what every implementation does · `model` random walks against a vector · `disk` what only the log
//! on disk does: reopening, locks, damage · `fault` the wrapper that fails on schedule · `backup` export, import.

#[path = "log/contract.rs"]
mod contract;
#[path = "log/fixture.rs"]
mod fixture;
