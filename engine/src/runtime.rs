//! The engine at work over a log: one actor per live ticket, a registry of directories and workflows, projections.
//!
//! ```text
//!  Engine ── the only door: tickets, workflows, directories, access_tokens, effects
//!    │       admission, order of checks, idempotency
//!    │
//!    ├─ Registry ─────────── snapshots of directories and workflows, read without a mailbox
//!    │    └─ RegistryActor   the one writer of both kinds of streams
//!    ├─ Sessions ─────────── who signed in, in memory and in the log's key-value store
//!    ├─ Router ───────────── live tickets by id, in shards; leases keep what is in use
//!    │    └─ Supervisor      forgets actors that died; the next call replays them
//!    │         ├─ TicketActor   decide → append → apply → publish → reply, one command at a time
//!    │         └─ …
//!    └─ Projections ──────── one follower of the log feeds them all, and stores their checkpoints
//!         ├─ TicketLists     the list indexes of all tenants
//!         └─ Outbox          what all tickets owe the outside; a Runner carries it out
//!  EventLog (storage) ────── one writer, one fsync per batch
//! ```
//!
//! `verify` walks the whole log beside all that and says what would not be served.
//!
//! Order of a write: admission (in fair order), idempotency key, ticket found and viewable, application, expected version,
//! decision, append, fold, projection caught up, answer. A dry run stops after the decision, on the published snapshot.
//! Not here: rules (`ticket`), bytes (`codec`), the wire (the facade).

pub mod absences;
pub mod access_tokens;
mod admission;
pub mod as_user;
pub mod builder;
mod call_backs;
pub mod commit;
pub mod deliveries;
pub mod directories;
pub mod effects;
pub mod engine;
pub mod error;
pub mod fault;
pub mod files;
mod history;
mod idempotency;
mod janitor;
mod kept_files;

pub mod options;
mod outbox;
pub mod outside;
mod projection;

mod registry;
pub mod request;
mod router;
mod sessions;
pub mod sign_in;
mod slot;
mod streams;
mod sub_tickets;
mod supervisor;
pub mod system_ports;
mod ticket_actor;
mod ticket_lists;
pub mod tickets;
mod unreadable;
pub mod verify;
pub mod workflows;

pub use absences::{AbsenceReport, AbsenceRequest, HandOverReport};
pub use builder::EngineBuilder;
pub use deliveries::Delivery;
pub use effects::CallBack;
pub use engine::Engine;
pub use error::Error;
pub use fault::{AuthProblem, Fault, OperatorRefusal, Readiness};
pub use files::OpenFile;
pub use kept_files::Upload;
pub use options::{EngineOptions, Ports};
pub use outside::{Message, NoResponse, NotSent, Outside, Post, Response, Sending, Sent};
pub use request::{
    AccessTokenInfo, ActAnswer, ActRequest, Caller, Category, CreateRequest, Done, HistoryQuery, Idempotency,
    ImportOptions, ImportReport, ListQuery, MissingUsers, Order, Page, PublishReport, PublishRequest, UserQuery,
};
pub use sign_in::SignedIn;
pub use unreadable::Unreadable;

/// What every data method answers: a fault is lifted with `?`, a refusal has to be looked at.
pub type Answer<T> = Result<Result<T, crate::ticket::Refusal>, Fault>;

/// What a method answers that concerns no ticket, in the same way.
pub type OperatorAnswer<T> = Result<Result<T, OperatorRefusal>, Fault>;
