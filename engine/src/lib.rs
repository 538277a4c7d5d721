//! A ticket engine: every ticket replays its events from a log, and a workflow decides who may do what at which node.
//!
//! ```
//! use loonflow_engine::define::{Assign, Field, Node, People, Workflow};
//! use loonflow_engine::{Engine, Error, PublishRequest};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let engine = Engine::builder().start().await?; // `.log(…)` keeps what happens
//!
//! let people = People::of("shop", "shop.example").user("ann").user("bob");
//! engine.directories().import(&people.directory()).await??;
//!
//! let purchase = Workflow::new("purchase", "1.0")
//!     .field(Field::title().required_at("start"))
//!     .node(Node::step("decide", Assign::users(["bob"])))
//!     .agree("ask", "start", "decide")
//!     .agree("buy", "decide", "end")
//!     .reject("no", "decide", "start");
//! engine.workflows().publish(PublishRequest::new("shop", purchase)).await??;
//!
//! let (ann, bob) = (engine.as_user("shop", "ann"), engine.as_user("shop", "bob"));
//! let ticket = ann.create("purchase").set("title", "A chair").take("ask").await?.ticket_id;
//!
//! // The same decision without the write: what would it come to?
//! let preview = bob.on(ticket).take("buy").rehearse().await?;
//! assert_eq!(preview.act_state.word(), "finished");
//!
//! // Who may not is told who may.
//! let refused = ann.on(ticket).take("buy").await.unwrap_err();
//! assert!(refused.to_string().contains("node `decide` waits for bob"), "{refused}");
//!
//! bob.on(ticket).take("buy").comment("go ahead").await?;
//! engine.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Three ways to use it
//! - **Embedded**, as above: an [`Engine`] runs over a log, with one actor per live ticket. `examples/embedded.rs` keeps
//!   its log on disk, `examples/service.rs` stands behind a web service of its own, `examples/own_workflow.rs` tests a
//!   workflow.
//! - **The pure core**, without I/O, clock, randomness or async: [`ticket::decide()`] takes a state, a command and a context
//!   to events or a refusal, [`ticket::apply()`] takes a state and an event to the next state. Nothing else changes a
//!   ticket.
//! - **As a server** for assistants and people: the crate `loonflow-mcp-facade`.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `runtime` | yes | [`Engine`]: actors over a log. Without it the crate is the pure core: no tokio, no actors, no storage |
//! | `sled` | yes | the log on disk of `loonflow-storage`; without it, a log in memory and whatever implements `EventLog` |
//! | `passwords` | yes | argon2id: hashes of passwords that a directory file gives in clear. Without it such a file is refused |
//! | `richtext` | yes | cleans fields of type `richtext` of scripts. Without it one that holds mark-up is refused |
//! | `demo` | no | an organisation to try things on: a directory and seven workflows |
//! | `test-util` | no | `test_util`: workflows and stories written as lines of text, a clock that stands still |
//!
//! The oldest compiler that is promised is the one that `Cargo.toml` names as `rust-version`; raising it is no breaking
//! change before 1.0.
//!
//! # Invariants, mostly about what is absent
//! - The log is the truth: every other state is a fold of events and can be thrown away and rebuilt.
//! - The core never waits; time, ids and randomness arrive as data.
//! - `decide` never changes state; `apply` never refuses and knows no rules; a replay never causes an effect.
//! - What is offered is what is allowed: one function is behind [`ticket::offer::offered`] and a decision.
//! - Everything has a bound, in [`limits`].
//!
//! # Reading order
//! [`id`], [`time`], [`text`], [`value`], [`limits`], [`port`] · [`calendar`] (working time) · [`account`] (tenants, directory, rights) · [`workflow`]
//! (definitions) · [`ticket`] (the game) · [`view`] (answers) · [`notice`] (messages) · [`codec`] (bytes) · [`define`] (definitions in Rust) ·
//! [`runtime`] · `demo` (an organisation to try things on).
//!
//! Pages: [`semantics`], the reference that comments cite by section; [`writing_definitions`] and
//! [`writing_directories`] for people who write workflows.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod account;
pub mod calendar;
pub mod codec;
pub mod define;
#[cfg(feature = "demo")]
pub mod demo;
pub mod effect;
pub mod id;
mod keys;
pub mod limits;
pub mod notice;
pub mod port;
#[cfg(feature = "runtime")]
pub mod runtime;
#[cfg(any(test, feature = "test-util"))]
pub mod test_util;
pub mod text;
pub mod ticket;
pub mod time;
pub mod value;
pub mod view;
pub mod workflow;

#[cfg(feature = "runtime")]
pub use runtime::{
    ActRequest, Caller, CreateRequest, Done, Engine, EngineBuilder, EngineOptions, Error, Fault, PublishRequest,
};
pub use ticket::{Act, Action, Refusal};

#[doc = include_str!("../docs/semantics.md")]
pub mod semantics {}

#[doc = include_str!("../docs/definition.md")]
pub mod writing_definitions {}

#[doc = include_str!("../docs/directory.md")]
pub mod writing_directories {}
