//! One binary for the tests of the engine at work: everything goes through `EngineHandle`, mostly over the log in
//! memory.

#![cfg(feature = "runtime")]

/// Checkpoints of the lists: nobody waits for one, and whatever becomes of it the lists are right.
#[path = "runtime/checkpoints.rs"]
mod checkpoints;
/// Large directories, directories of several tenants, people who left.
#[path = "runtime/directories.rs"]
mod directories;
/// Many writers of one, and a writer of another.
#[path = "runtime/fairness.rs"]
mod fairness;
/// Logs and actors that fail: what was answered holds, what was not may be asked again.
#[path = "runtime/faults.rs"]
mod faults;
/// A started engine with the fixtures of the project in it, and ports that a test controls.
#[path = "runtime/fixture.rs"]
mod fixture;
/// Histories, page by page: the same as all at once.
#[path = "runtime/histories.rs"]
mod histories;
/// Repeats of a call answer what the first one did.
#[path = "runtime/idempotency.rs"]
mod idempotency;
/// Lists: own changes at once, the same after a restart, nothing of others.
#[path = "runtime/lists.rs"]
mod lists;
/// Directories, workflows, credentials.
#[path = "runtime/operator.rs"]
mod operator;
/// What was once wrong.
#[path = "runtime/regression.rs"]
mod regression;
/// Actors that go to sleep and wake up, restarts.
#[path = "runtime/sleep.rs"]
mod sleep;
/// One ticket under many hands; rehearsals; timers and hooks.
#[path = "runtime/tickets.rs"]
mod tickets;
/// What of the log cannot be read keeps itself from being served, and nothing else.
#[path = "runtime/unreadable.rs"]
mod unreadable;
/// The walk that says what would not be served.
#[path = "runtime/verify.rs"]
mod verify;
