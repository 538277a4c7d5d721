//! What an engine is started with: ports to the outside, and bounds, each with its reason.

use std::fmt;
use std::sync::Arc;

use loonflow_storage::BlobStore;

use crate::port::{Clock, IdSource, RandomSource};
use crate::runtime::outside::Outside;

/// Clock, ids and randomness, injected so that a run is reproducible (semantics: time).
#[derive(Clone)]
pub struct Ports {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdSource>,
    /// The shared random source.
    pub random: Arc<dyn RandomSource>,
    /// Who asks outside addresses; `None` where nobody does, so that a node whose people are asked for has nobody.
    pub outside: Option<Arc<dyn Outside>>,
    /// Where bytes of files are kept; `None` where nobody keeps files, so that a field takes none.
    pub blobs: Option<Arc<dyn BlobStore>>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

/// Bounds of a running engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Writing calls under way at once; one more is answered `Overloaded`. Ten group commits of the log's size: more
    /// would only wait longer, and each waits in a mailbox without a bound of its own.
    pub calls_max: usize,
    /// Tickets with a live actor. At a few KiB each, tens of MiB; the oldest idle ones go first.
    pub live_tickets_max: usize,
    /// Milliseconds without a message or read after which an actor goes: a person's train of thought.
    pub idle_ms: u64,
    /// Events after which a ticket's state is stored: replaying fewer takes less than a millisecond.
    pub snapshot_events: u64,
    /// Commits after which the list's state is stored, at least. Reading so many at a start takes about a second.
    pub checkpoint_commits: u64,
    /// Whether timers are fired and hooks are posted to. Without it they are owed and shown, and whoever drives the engine
    /// by hand carries them out: a test, a simulation.
    pub runs_effects: bool,
    /// Where the server is reached from outside (`https://tickets.example`): hooks call back there. Without it they
    /// cannot.
    pub public_url: Option<String>,
    /// Where people reach its pages: links in notices lead to `<link_url>/t/<ticket id>`. Without it they have none.
    pub link_url: Option<String>,
    /// Bytes that the files of one tenant may have together, the same bytes counted once.
    pub file_bytes_of_tenant_max: u64,
    /// Milliseconds that a writer waits to see its change in the list before it is answered anyway.
    pub list_wait_ms: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            calls_max: 8_192,
            live_tickets_max: 10_000,
            idle_ms: 300_000,
            snapshot_events: 100,
            checkpoint_commits: 50_000,
            runs_effects: true,
            public_url: None,
            link_url: None,
            file_bytes_of_tenant_max: 10 << 30,
            list_wait_ms: 2_000,
        }
    }
}
