//! A clock that stands still until a test moves it, so that times in answers are known and timers come due at once.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use loonflow_engine::port::Clock;
use loonflow_engine::time::Timestamp;

/// 2026-11-22T09:30:00Z, where every test begins.
pub const BEGIN: Timestamp = Timestamp(1_795_339_800_000);

/// See the module.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicI64::new(BEGIN.0))
    }
}

impl TestClock {
    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Seconds since 1970, as JWTs count.
    #[must_use]
    pub fn now_s(&self) -> i64 {
        self.now().0 / 1_000
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
