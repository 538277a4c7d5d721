//! How often a password may be tried, and how many are checked at once: nobody without a token costs much.
//!
//! Checking a password takes some 20 MiB and tens of milliseconds, so two are checked at once, a few wait, and everybody
//! else is told to come again. After some tries that failed one waits, twice as long each time: for an e-mail address from
//! one place, for an e-mail address from everywhere, and for a place whatever the address. A try counts before it is
//! checked, so many at once gain nothing, and whoever has to wait is told so whether the password is right or not.
//!
//! Not here: whether a password is right (the engine). All tables are in memory: a restart forgets them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::{ApiError, Code};
use crate::limits::{
    PASSWORD_TRIES_OF_ADDRESS, PASSWORD_TRIES_OF_EMAIL, PASSWORD_TRIES_OF_PLACE, PASSWORD_WAIT_MAX,
    PASSWORD_WAIT_OF_PLACE_MAX, PASSWORDS_AT_ONCE, PASSWORDS_WAITING_MAX, RATE_LIMITED_MAX,
};

/// Time after which a try is forgotten, once nobody waits for it.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(900);
/// Seconds after which a try that found no place may come again.
const RETRY_S: u64 = 2;

/// See the module.
pub struct Attempts {
    checked: Arc<Semaphore>,
    /// Those that are checked and those that wait for it.
    entered: Arc<Semaphore>,
    /// An e-mail address from one place.
    of_place: Table<(String, Option<IpAddr>)>,
    /// An e-mail address, from wherever.
    of_email: Table<String>,
    /// A place; `None`, this machine, is not counted: a proxy on it speaks for everybody.
    of_address: Table<IpAddr>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            checked: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
            entered: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE + PASSWORDS_WAITING_MAX)),
            of_place: Table::new(PASSWORD_TRIES_OF_PLACE),
            of_email: Table::new(PASSWORD_TRIES_OF_EMAIL),
            of_address: Table::new(PASSWORD_TRIES_OF_ADDRESS),
        }
    }
}

impl Attempts {
    /// Checks a password off the async threads, if it is time for a try and there is a place. `email` as directories keep
    /// it, so that no spelling of it is another.
    ///
    /// # Errors
    /// `too_many_attempts` or `overloaded`, each with the seconds to wait; `internal_error` where the check panicked.
    pub async fn check<T: Send + 'static, E: Send + 'static>(
        &self,
        email: &str,
        address: Option<IpAddr>,
        request_id: &str,
        check: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<Result<T, E>, ApiError> {
        // Before the try counts: whoever finds no place has not tried.
        let crowded = || ApiError::overloaded("more people sign in than the server can check at once", RETRY_S);
        let entered = Arc::clone(&self.entered).try_acquire_owned().map_err(|_| crowded())?;
        let place = (email.to_owned(), address);
        let now = Instant::now();
        let wait = [
            self.of_place.wait(&place, now),
            self.of_email.wait(&place.0, now),
            address.map_or(Duration::ZERO, |address| self.of_address.wait(&address, now)),
        ];
        let wait = wait.into_iter().max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(too_many(wait));
        }
        // A proxy on this machine speaks for everybody: whoever is meant may be behind it too.
        let wait_max = address.map_or(PASSWORD_WAIT_MAX, |_| PASSWORD_WAIT_OF_PLACE_MAX);
        self.of_place.count(place.clone(), wait_max, now);
        self.of_email.count(place.0.clone(), PASSWORD_WAIT_MAX, now);
        if let Some(address) = address {
            self.of_address.count(address, PASSWORD_WAIT_MAX, now);
        }
        let checked = Arc::clone(&self.checked).acquire_owned().await.map_err(|_| crowded())?;
        let answer = tokio::task::spawn_blocking(move || {
            // Held until the check has ended, also where the client has gone.
            let _places = (entered, checked);
            check()
        });
        let answer = answer.await.map_err(|_panicked| ApiError::internal(request_id))?;
        if answer.is_ok() {
            self.of_place.forget(&place);
            self.of_email.forget(&place.0);
            if let Some(address) = address {
                self.of_address.give_back(&address);
            }
        }
        Ok(answer)
    }
}

fn too_many(wait: Duration) -> ApiError {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let mut error = ApiError::overloaded("too many attempts to sign in failed", seconds);
    error.code = Code::TooManyAttempts;
    error.hint = format!(
        "wait {seconds} second{} and try again",
        if seconds == 1 { "" } else { "s" }
    );
    error
}

/// Tries that failed, and those under way.
struct Table<K> {
    /// That many are free.
    n_free: u32,
    tries: Mutex<HashMap<K, Tries>>,
}

struct Tries {
    n: u32,
    last_at: Instant,
    /// When the next one may be.
    next_at: Instant,
}

impl<K: Hash + Eq> Table<K> {
    fn new(n_free: u32) -> Self {
        Self {
            n_free,
            tries: Mutex::default(),
        }
    }

    fn wait(&self, key: &K, now: Instant) -> Duration {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = tries.get(key);
        tries.map_or(Duration::ZERO, |tries| tries.next_at.saturating_duration_since(now))
    }

    fn count(&self, key: K, wait_max: Duration, now: Instant) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= RATE_LIMITED_MAX && !tries.contains_key(&key) {
            tries.retain(|_, one| now < one.last_at.max(one.next_at) + FORGOTTEN_AFTER);
            // A flood of keys that were tried once or so does not make those forgotten that were tried often.
            for n_kept in [1, self.n_free, u32::MAX] {
                if tries.len() >= RATE_LIMITED_MAX {
                    tries.retain(|_, one| one.n > n_kept);
                }
            }
        }
        let one = tries.entry(key).or_insert(Tries {
            n: 0,
            last_at: now,
            next_at: now,
        });
        if now >= one.last_at.max(one.next_at) + FORGOTTEN_AFTER {
            one.n = 0;
        }
        one.n = one.n.saturating_add(1);
        one.last_at = now;
        if let Some(beyond) = (one.n + 1).checked_sub(self.n_free).filter(|beyond| *beyond > 0) {
            let wait = Duration::from_secs(1u64.checked_shl(beyond).unwrap_or(u64::MAX));
            one.next_at = now + wait.min(wait_max);
        }
    }

    fn forget(&self, key: &K) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.remove(key);
    }

    /// One of them did not fail.
    fn give_back(&self, key: &K) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = tries.get_mut(key) {
            one.n = one.n.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = None;

    async fn fail(attempts: &Attempts, email: &str, address: Option<IpAddr>) -> Result<(), ApiError> {
        let failed = attempts.check(email, address, "1", || Err::<(), ()>(())).await;
        failed.map(|_wrong| ())
    }

    fn seconds(refused: Result<(), ApiError>) -> u64 {
        let error = refused.expect_err("has to wait");
        assert_eq!(error.code, Code::TooManyAttempts);
        error.details["retry_after_seconds"].as_u64().expect("a number")
    }

    #[tokio::test(start_paused = true)]
    async fn one_waits_longer_after_each_try_and_nobody_else_does() {
        let attempts = Attempts::default();
        for _ in 0..PASSWORD_TRIES_OF_PLACE {
            fail(&attempts, "a", HERE).await.expect("is free");
        }
        assert_eq!(seconds(fail(&attempts, "a", HERE).await), 2);
        // A right password has to wait as well, and so says nothing.
        let right = attempts.check("a", HERE, "1", || Ok::<(), ()>(())).await;
        assert!(right.is_err());
        fail(&attempts, "b", HERE).await.expect("another address");
        let elsewhere = Some(IpAddr::from([10, 0, 0, 1]));
        fail(&attempts, "a", elsewhere).await.expect("another place");
        tokio::time::advance(Duration::from_secs(2)).await;
        fail(&attempts, "a", HERE).await.expect("has waited");
        assert_eq!(seconds(fail(&attempts, "a", HERE).await), 4);
        tokio::time::advance(Duration::from_secs(4)).await;
        let right = attempts.check("a", HERE, "1", || Ok::<(), ()>(())).await;
        assert!(matches!(right, Ok(Ok(()))));
        fail(&attempts, "a", HERE).await.expect("begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn many_places_guess_no_faster_and_one_place_no_more_addresses() {
        let attempts = Attempts::default();
        let place = |n: u32| Some(IpAddr::from(n.to_be_bytes()));
        for n in 0..PASSWORD_TRIES_OF_EMAIL {
            fail(&attempts, "a", place(n)).await.expect("is free");
        }
        assert_eq!(seconds(fail(&attempts, "a", place(1_000)).await), 2);
        for n in 0..PASSWORD_TRIES_OF_ADDRESS {
            fail(&attempts, &format!("user {n}"), place(2_000))
                .await
                .expect("is free");
        }
        assert_eq!(seconds(fail(&attempts, "somebody", place(2_000)).await), 2);
        for n in 0..20 {
            tokio::time::advance(PASSWORD_WAIT_MAX).await;
            fail(&attempts, &format!("somebody {n}"), place(2_000))
                .await
                .expect("never longer than the most");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_neither_fills_the_memory_nor_forgives_anybody() {
        let attempts = Attempts::default();
        for _ in 0..PASSWORD_TRIES_OF_PLACE {
            fail(&attempts, "victim", HERE).await.expect("is free");
        }
        let now = Instant::now();
        for n in 0..2 * RATE_LIMITED_MAX {
            attempts.of_place.count((n.to_string(), HERE), PASSWORD_WAIT_MAX, now);
        }
        assert!(attempts.of_place.tries.lock().expect("not poisoned").len() <= RATE_LIMITED_MAX);
        assert_eq!(seconds(fail(&attempts, "victim", HERE).await), 2);
    }

    #[tokio::test]
    async fn few_are_checked_at_once_and_few_wait() {
        let attempts = Arc::new(Attempts::default());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let n_max = PASSWORDS_AT_ONCE + PASSWORDS_WAITING_MAX;
        let running: Vec<_> = (0..n_max)
            .map(|n| {
                let (attempts, held) = (Arc::clone(&attempts), Arc::clone(&held));
                tokio::spawn(async move {
                    let wait = move || held.lock().expect("not poisoned").recv().map_err(|_| ());
                    attempts.check(&n.to_string(), HERE, "1", wait).await
                })
            })
            .collect();
        while attempts.entered.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = fail(&attempts, "one more", HERE).await.expect_err("no place");
        assert_eq!(refused.code, Code::Overloaded);
        for _ in 0..n_max {
            release.send(()).expect("is held");
        }
        for one in running {
            assert!(matches!(one.await.expect("no panic"), Ok(Ok(()))));
        }
        fail(&attempts, "one more", HERE).await.expect("a place");
    }
}
