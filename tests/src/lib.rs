//! The harness: a whole server in the process, and clients of every kind.
//!
//! Here: [`TestServer`] (engine over a log in memory, the facade in front of it, a real socket, a clock that stands
//! still until it is moved), [`Client`] (rmcp's own, over HTTP in both eras of the protocol and over streams), [`Raw`]
//! (HTTP that no well-behaved client sends), [`Browser`] (pages and forms, without a screen), [`Receiver`] (where hooks are posted to), [`Mailbox`] (where mail is sent to), [`Walk`] (one ticket taken from step to step, every step rehearsed first).
//! Not here: any expectation about a workflow; those are in `it`.
//!
//! Everything here panics where something goes wrong that a test did not ask for: a test that fails is a panic.

pub mod browser;
pub mod client;
pub mod clock;
pub mod fixtures;
pub mod mailbox;
pub mod raw;
pub mod receiver;
pub mod server;
pub mod walk;
pub mod yard;

pub use browser::{Browser, Page};
pub use client::{Client, Outcome, Transport};
pub use clock::TestClock;
pub use mailbox::Mailbox;
pub use raw::Raw;
pub use receiver::{Receiver, Reply};
pub use server::{PASSWORD, TestServer};
pub use walk::Walk;
