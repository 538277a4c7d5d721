//! A clock that stands still until a test moves it, so that times in answers are known and timers come due at once.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use loonflow_engine::port::Clock;
use loonflow_engine::time::Timestamp;
use tokio::sync::watch;

/// 2026-11-22T09:30:00Z, where every test begins.
pub const BEGIN: Timestamp = Timestamp(1_795_339_800_000);

/// See the module.
#[derive(Debug)]
pub struct TestClock(watch::Sender<i64>);

impl Default for TestClock {
    fn default() -> Self {
        Self(watch::Sender::new(BEGIN.0))
    }
}

impl TestClock {
    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.send_modify(|now| *now += ms);
    }

    /// Seconds since 1970, as JWTs count.
    #[must_use]
    pub fn now_s(&self) -> i64 {
        self.now().0 / 1_000
    }

    /// How long ago the test began.
    #[must_use]
    pub fn passed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now().0 - BEGIN.0).unwrap_or_default())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.borrow())
    }

    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut moves = self.0.subscribe();
        Box::pin(async move {
            if moves.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
