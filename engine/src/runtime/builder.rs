//! Putting an engine together: the log it stands on, the ports it asks, the bounds it keeps.

use std::fmt;
use std::sync::Arc;

use loonflow_storage::{BlobStore, EventLog, MemoryBlobs, MemoryLog};

use crate::port::{Clock, IdSource, RandomSource};
use crate::runtime::engine::Engine;
use crate::runtime::fault::Fault;
use crate::runtime::options::{EngineOptions, Ports};
use crate::runtime::outside::Outside;

/// What an engine is started with. Without a word: a log in memory, the clock, the ids and the randomness of this
/// machine, and the bounds of [`EngineOptions::default`].
#[must_use = "an engine runs once it is started"]
pub struct EngineBuilder {
    log: Option<Arc<dyn EventLog>>,
    ports: Ports,
    options: EngineOptions,
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine to be put together and started.
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            log: None,
            ports: Ports::system(),
            options: EngineOptions::default(),
        }
    }
}

impl EngineBuilder {
    /// The log that everything is in; without one, what happens is forgotten with the process.
    pub fn log(self, log: impl EventLog + 'static) -> Self {
        self.shared_log(Arc::new(log))
    }

    /// The same, for a log that others read too.
    pub fn shared_log(mut self, log: Arc<dyn EventLog>) -> Self {
        self.log = Some(log);
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.ports.clock = Arc::new(clock);
        self
    }

    /// Where fresh ids come from.
    pub fn ids(mut self, ids: impl IdSource) -> Self {
        self.ports.ids = Arc::new(ids);
        self
    }

    /// Where randomness comes from: draws of assignees, and secrets.
    pub fn random(mut self, random: impl RandomSource) -> Self {
        self.ports.random = Arc::new(random);
        self
    }

    /// Who asks outside addresses; without one, nobody does.
    pub fn outside(mut self, outside: impl Outside) -> Self {
        self.ports.outside = Some(Arc::new(outside));
        self
    }

    /// Where bytes of files are kept. Without it an engine whose log is given keeps none, and one whose log is in memory
    /// keeps them there too.
    pub fn blobs(mut self, blobs: impl BlobStore) -> Self {
        self.ports.blobs = Some(Arc::new(blobs));
        self
    }

    /// All ports at once.
    pub fn ports(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// The bounds.
    pub fn options(mut self, options: EngineOptions) -> Self {
        self.options = options;
        self
    }

    /// Folds what the log holds, and serves.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn start(mut self) -> Result<Engine, Fault> {
        if self.log.is_none() && self.ports.blobs.is_none() {
            self.ports.blobs = Some(Arc::new(MemoryBlobs::new()));
        }
        let log = self.log.unwrap_or_else(|| Arc::new(MemoryLog::new()));
        Engine::start(log, self.ports, self.options).await
    }
}
