//! One binary for the tests of the engine at work: everything goes through `Engine`, mostly over the log in
//! memory.

#![cfg(feature = "runtime")]

/// Checkpoints of the lists: nobody waits for one, and whatever becomes of it the lists are right.
/// Absences set while it works, and handing over.
mod absences;
mod checkpoints;
/// Deadlines carried out, and lists by them.
mod deadlines;
/// Large directories, directories of several tenants, people who left.
mod directories;
/// Effects carried out.
mod effects;
/// Effects through crashes.
mod effects_crash;
/// Many writers of one, and a writer of another.
mod fairness;
/// Logs and actors that fail: what was answered holds, what was not may be asked again.
mod faults;
/// Uploads, reading, erasing, sweeping.
mod files;
/// A started engine with the fixtures of the project in it, and ports that a test controls.
mod fixture;
/// Histories, page by page: the same as all at once.
mod histories;
/// Repeats of a call answer what the first one did.
mod idempotency;
/// Lists: own changes at once, the same after a restart, nothing of others.
mod lists;
/// People are told: when, how often, and what becomes of it.
mod notices;
/// Directories, workflows, credentials.
mod operator;
/// What has to be asked outside.
mod outside;
/// What was once wrong.
mod regression;
mod reviews;
/// Passwords and sessions.
mod sign_in;
/// Actors that go to sleep and wake up, restarts.
mod sleep;
/// Sub-tickets at work.
mod sub_tickets;
/// One ticket under many hands; rehearsals; timers and hooks.
mod tickets;
/// What of the log cannot be read keeps itself from being served, and nothing else.
mod unreadable;
/// The walk that says what would not be served.
mod verify;
