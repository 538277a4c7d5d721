//! The ports of a real machine: the wall clock, UUIDv7 ids, randomness of the operating system.

use std::sync::{Arc, Mutex};

use crate::id::TicketId;
use crate::port::{Clock, IdSource, RandomSource};
use crate::runtime::options::Ports;
use crate::time::Timestamp;

impl Ports {
    /// The ports of this machine.
    #[must_use]
    pub fn system() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7::default()),
            random: Arc::new(SystemRandom),
            outside: None,
            blobs: None,
        }
    }
}

/// The wall clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// UUIDv7 ids that rise within a process, also within one millisecond and when the clock steps back
/// (RFC 9562 §6.2, method 1: a counter in front of the random bits).
#[derive(Debug, Default)]
pub struct UuidV7 {
    last: Mutex<(u64, u32)>,
}

impl IdSource for UuidV7 {
    fn ticket_id(&self, now: Timestamp) -> TicketId {
        let mut bytes = [0u8; 10];
        fill(&mut bytes);
        let millis = {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let now = u64::try_from(now.0).unwrap_or(0);
            *last = if now > last.0 { (now, 0) } else { (last.0, last.1 + 1) };
            // Twelve bits stand before the variant bits and eighteen of ours follow them: the counter fills both.
            let counter = last.1;
            bytes[0] = (counter >> 22) as u8;
            bytes[1] = (counter >> 14) as u8;
            bytes[2] = ((counter >> 8) & 0x3f) as u8;
            bytes[3] = counter as u8;
            last.0
        };
        TicketId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }
}

/// Randomness of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    fn draw(&self) -> u64 {
        let mut bytes = [0u8; 8];
        fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [0u8; 32];
        fill(&mut bytes);
        bytes
    }
}

/// A machine without randomness cannot make secrets or ids: going on would be worse than stopping.
fn fill(bytes: &mut [u8]) {
    assert!(
        getrandom::fill(bytes).is_ok(),
        "the operating system gives no random bytes"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_whatever_the_clock_does() {
        let ids = UuidV7::default();
        let mut last = ids.ticket_id(Timestamp(1_000));
        for step in 0..20_000 {
            let now = if step % 7 == 0 { 900 } else { 1_000 + step / 500 };
            let next = ids.ticket_id(Timestamp(now));
            assert!(next > last, "{last} {next}");
            assert_eq!(next.0.get_version_num(), 7);
            last = next;
        }
    }
}
