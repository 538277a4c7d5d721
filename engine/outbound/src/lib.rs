//! The engine's way to outside addresses: posts over HTTP, signed, messages to chats, mail, and only to where it is allowed.
//!
//! ```text
//! Post ── target: is it an address, and whose? ── request: headers, signatures
//!                                                    │
//!                       pool of connections, or connect: resolver ── guard ── TCP ── TLS
//!                                                    │
//! Response ── status, body up to its bound, `Retry-After`
//! ```
//! A message to a chat is such a post with a signature of its own; mail goes over a relay, behind the same guard.
//!
//! Not here: what is posted, when, and how often it is tried (the engine); what an answer means (the engine too).
//!
//! Addresses come from whoever may write definitions, so each is taken for hostile: without an [`AllowList`] only
//! addresses of the public internet are connected to. The guard stands in the connector, behind the resolver, so a name
//! that resolves to something else the next time changes nothing: what was checked is what is connected to.
//!
//! ```no_run
//! # use loonflow_engine::runtime::Engine;
//! # use loonflow_outbound::{AllowList, HttpOutside, Settings};
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let outside = HttpOutside::new(Settings {
//!     allow: AllowList::parse(["hooks.internal:8443", "10.0.0.0/8"])?,
//!     ..Settings::default()
//! });
//! let engine = Engine::builder().outside(outside).start().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Built on hyper's client rather than on `reqwest`, which asks no resolver for an address in digits, shows the address
//! that it has connected to only when everything is sent, and has no bound on headers.

mod address;
mod allow;
mod body;
mod chat;
mod connect;
mod guard;
mod http_outside;
mod limits;
mod mail;
mod request;
mod resolve;
mod retry_after;
mod signature;
mod target;
mod tls;

pub use allow::{AllowList, BadEntry};
pub use http_outside::{HttpOutside, Settings};
pub use resolve::{Resolve, Resolved, SystemResolver};
pub use tls::Authorities;
