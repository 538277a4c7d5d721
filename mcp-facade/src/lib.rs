//! The facade of the ticket engine: assistants talk MCP to it, over Streamable HTTP and over stdio; programs talk REST; people
//! open its pages in a browser.
//!
//! Here: the words of the wire, who is calling, one table of errors, limits, settings, the command line. Not here: any
//! rule about tickets, which is the engine's; this crate parses, asks, and words the answer.
//!
//! In reading order: [`http`] and [`stdio`] take a request · [`mcp`] finds the tool, `rest` and [`console`]
//! spell calls for programs and for people · [`call`] guards the call, asks the
//! engine and answers · [`arguments`] reads what was sent (`exact_numbers` before it) · [`auth`] says who is calling · [`wire`] has the words of requests and answers · [`error`] words a
//! refusal.
//! Around them: [`config`], [`limits`], [`telemetry`], [`serve`] and [`stop`], [`descriptors`], [`admin`] (the local socket), [`cli`],
//! [`shifted_clock`].
//!
//! What clients may rely on is on one page, [`contract`]; comments cite its sections. The stable error codes are the
//! variants of [`error::Code`], one table with HTTP status and next step.

pub mod admin;
pub mod arguments;
pub mod auth;
pub mod call;
pub mod cli;
pub mod config;
pub mod console;
pub mod descriptors;
pub mod error;
mod exact_numbers;
pub mod forms;
pub mod http;
pub mod limits;
pub mod mcp;
pub mod rate_limit;
mod rest;
pub mod secret;
pub mod serve;
pub mod shifted_clock;
mod spelling;
pub mod state;
pub mod stdio;
pub mod stop;
pub mod telemetry;
pub mod wire;

#[cfg(test)]
mod endpoint_tests;
#[cfg(test)]
mod testing;

#[doc = include_str!("../docs/contract.md")]
pub mod contract {}

pub use http::app;
pub use state::AppState;
