//! The whole, from outside: what assistants, careless clients and strangers see of a running server.
//!
//! One binary, so that it links once. Every test has a server of its own, in the process, over a log in memory.

/// What answers say, and how large they are.
mod answers;
/// Which module knows which.
mod arrows;
/// Every tool × everybody.
mod auth_matrix;
/// What careless and hostile clients send.
mod bad_input;
/// The console: signing in, and tokens that people make on a page.
mod console;
/// Definitions, valid and not.
mod definitions;
/// What tickets cause outside: timers that fire, hooks that are called and call back.
mod effects;
/// Files: uploaded, put into tickets, read by some.
mod files;
/// Values that some may not see.
mod hidden;
/// The protocol in both eras, over HTTP and over streams.
mod mcp;
/// What the repository's pages say of the code.
mod pages;
/// The REST interface: signing in, and tokens.
mod rest;
/// JSON Schemas, and the examples of the pages on how to write a workflow.
mod schemas;
/// Nothing crosses a tenant.
mod tenancy;
/// Tickets from creation to their end, each of the fixture workflows.
mod ticket_life;
/// Habits that no lint holds.
mod tidy;
