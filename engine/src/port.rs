//! What the engine needs from outside: a clock, fresh ids, randomness. Injected, so that a run is reproducible
//! bit for bit from its seed (semantics: time).
//!
//! The core never calls these: what it needs of them arrives in a command's `Context`.

use std::future::Future;
use std::pin::Pin;

use crate::id::TicketId;
use crate::time::Timestamp;

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// Ends when the clock was moved by hand. Whoever waits for an instant looks once a second anyway, so a clock that
    /// nobody moves by hand need not say anything.
    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

/// Fresh ids.
pub trait IdSource: Send + Sync + 'static {
    /// A ticket id that was never given before, a UUIDv7 of the instant.
    fn ticket_id(&self, now: Timestamp) -> TicketId;
}

/// The shared random source.
pub trait RandomSource: Send + Sync + 'static {
    /// A seed for the draws of one command. Not called for a dry run.
    fn draw(&self) -> u64;
    /// Bytes that nobody can guess, for secrets.
    fn secret_bytes(&self) -> [u8; 32];
}
