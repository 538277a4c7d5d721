//! The whole, from outside: what assistants, careless clients and strangers see of a running server.
//!
//! One binary, so that it links once. Every test has a server of its own, in the process, over a log in memory.

/// What careless and hostile clients send.
mod bad_input;
/// The protocol in both eras, over HTTP and over streams.
mod mcp;
/// Tickets from creation to their end, each of the fixture workflows.
mod ticket_life;
