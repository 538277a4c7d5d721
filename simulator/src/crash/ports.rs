//! Clock, ids and randomness of an engine under simulation: counters that outlive its processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use loonflow_engine::id::TicketId;
use loonflow_engine::port::{Clock, IdSource, RandomSource};
use loonflow_engine::runtime::Ports;
use loonflow_engine::time::Timestamp;

/// What a worker says that dies on schedule.
pub const PLANNED_PANIC: &str = "the random source is broken on purpose";

/// What comes from outside, in the simulation's hands.
#[derive(Debug)]
pub struct Outside {
    now_ms: AtomicI64,
    n_ids: AtomicU64,
    n_draws: AtomicU64,
    seed: u64,
    /// The next draw panics, once: that is how a worker dies over a decision.
    is_draw_broken: AtomicBool,
}

impl Outside {
    /// At an instant, with draws from a seed.
    #[must_use]
    pub fn new(now: Timestamp, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            now_ms: AtomicI64::new(now.0),
            n_ids: AtomicU64::new(0),
            n_draws: AtomicU64::new(0),
            seed,
            is_draw_broken: AtomicBool::new(false),
        })
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Timestamp) {
        self.now_ms.store(now.0, Ordering::SeqCst);
    }

    /// Lets the next draw panic, or not any more; whether it was still to come.
    pub fn break_draw(&self, is_broken: bool) -> bool {
        self.is_draw_broken.swap(is_broken, Ordering::SeqCst)
    }

    /// As an engine takes them.
    #[must_use]
    pub fn ports(self: &Arc<Self>) -> Ports {
        let port = || Arc::new(Port(Arc::clone(self)));
        Ports {
            clock: port(),
            ids: port(),
            random: port(),
            outside: None,
            blobs: None,
        }
    }
}

struct Port(Arc<Outside>);

impl Clock for Port {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.now_ms.load(Ordering::SeqCst))
    }
}

impl IdSource for Port {
    fn ticket_id(&self, now: Timestamp) -> TicketId {
        let mut bytes = [0u8; 10];
        bytes[2..].copy_from_slice(&self.0.n_ids.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        let ms = u64::try_from(now.0).unwrap_or(0);
        TicketId(uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid())
    }
}

impl RandomSource for Port {
    fn draw(&self) -> u64 {
        assert!(!self.0.is_draw_broken.swap(false, Ordering::SeqCst), "{PLANNED_PANIC}");
        let n = self.0.n_draws.fetch_add(1, Ordering::SeqCst);
        self.0.seed ^ n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&self.0.n_draws.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        bytes
    }
}
