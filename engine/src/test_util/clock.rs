//! A clock that a test moves.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::port::Clock;
use crate::time::Timestamp;

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Shown>>);

#[derive(Debug)]
struct Shown {
    now: Timestamp,
    n_moves: u64,
    waiting: Vec<Waker>,
}

impl ManualClock {
    /// A clock that shows this instant.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Shown {
            now,
            n_moves: 0,
            waiting: Vec::new(),
        })))
    }

    /// Lets so many milliseconds pass; negative ones turn it back, as clocks do.
    pub fn pass_ms(&self, ms: i64) {
        self.change(|now| now.plus_ms(ms));
    }

    /// Shows this instant from now on.
    pub fn set(&self, now: Timestamp) {
        self.change(|_| now);
    }

    fn change(&self, to: impl FnOnce(Timestamp) -> Timestamp) {
        let waiting = {
            let mut shown = self.shown();
            shown.now = to(shown.now);
            shown.n_moves += 1;
            std::mem::take(&mut shown.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.shown().now
    }

    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let clock = self.clone();
        let n_moves = clock.shown().n_moves;
        Box::pin(poll_fn(move |context| {
            let mut shown = clock.shown();
            if shown.n_moves != n_moves {
                return Poll::Ready(());
            }
            // Whoever asks again and again waits once.
            shown.waiting.retain(|waiting| !waiting.will_wake(context.waker()));
            // Whoever asks again and again waits once.
            shown.waiting.retain(|waiting| !waiting.will_wake(context.waker()));
            shown.waiting.push(context.waker().clone());
            Poll::Pending
        }))
    }
}
