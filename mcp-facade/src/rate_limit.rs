//! How often somebody may call, a user, an address or whoever has a call-back's address: a bucket of one second's calls, or
//! one minute's, that refills steadily.
//!
//! Not here: the bound on calls at once and their order, which are the engine's. By user and not by token: tokens, JWTs
//! above all, are had for the asking. The table is bounded, and those with a full allowance are forgotten first.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::error::ApiError;
use crate::limits::RATE_LIMITED_MAX;

/// Buckets of everybody seen lately.
pub struct RateLimiter<K> {
    /// Calls that a full bucket has.
    full: f64,
    per_s: f64,
    /// What is counted, in words.
    what: &'static str,
    /// The span that the bucket is for, in words.
    span: &'static str,
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    allowance: f64,
    filled_at: Instant,
}

impl<K: Hash + Eq> RateLimiter<K> {
    /// At most `per_s` calls a second, and as many at once. `what`, in the plural, is what a refusal says was used up.
    #[must_use]
    pub fn new(per_s: u32, what: &'static str) -> Self {
        let per_s = f64::from(per_s.max(1));
        Self::of(per_s, per_s, what, "second")
    }

    /// The same for a minute: at most `per_minute` calls, and as many at once.
    #[must_use]
    pub fn per_minute(per_minute: u32, what: &'static str) -> Self {
        let full = f64::from(per_minute.max(1));
        Self::of(full, full / 60.0, what, "minute")
    }

    fn of(full: f64, per_s: f64, what: &'static str, span: &'static str) -> Self {
        Self {
            full,
            per_s,
            what,
            span,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one call off somebody's allowance.
    ///
    /// # Errors
    /// `overloaded` with the seconds to wait.
    pub fn take(&self, who: K) -> Result<(), ApiError> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= RATE_LIMITED_MAX && !buckets.contains_key(&who) {
            buckets.retain(|_, bucket| self.allowance(bucket, now) < self.full);
            // All of them busy: a flood of addresses. Forgetting them is kinder than refusing everybody else.
            if buckets.len() >= RATE_LIMITED_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(who).or_insert(Bucket {
            allowance: self.full,
            filled_at: now,
        });
        bucket.allowance = self.allowance(bucket, now);
        bucket.filled_at = now;
        if bucket.allowance >= 1.0 {
            bucket.allowance -= 1.0;
            return Ok(());
        }
        let wait_s = ((1.0 - bucket.allowance) / self.per_s).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 1 to a minute's seconds"
        )]
        Err(ApiError::overloaded(
            format!("the {} are used up for now, {} a {}", self.what, self.full, self.span),
            wait_s as u64,
        ))
    }

    fn allowance(&self, bucket: &Bucket, now: Instant) -> f64 {
        let refill = now.saturating_duration_since(bucket.filled_at).as_secs_f64() * self.per_s;
        (bucket.allowance + refill).min(self.full)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Code;

    #[tokio::test(start_paused = true)]
    async fn one_user_is_slowed_down_and_another_is_not() {
        let limiter = RateLimiter::new(2, "calls of this user");
        assert!(limiter.take("a").is_ok() && limiter.take("a").is_ok());
        let error = limiter.take("a").expect_err("used up");
        assert_eq!(
            (error.code, &error.details["retry_after_seconds"]),
            (Code::Overloaded, &1.into())
        );
        assert_eq!(error.message, "the calls of this user are used up for now, 2 a second");
        assert!(limiter.take("b").is_ok());
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(limiter.take("a").is_ok());
        assert!(limiter.take("a").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_has_its_calls_in_whatever_order() {
        let limiter = RateLimiter::per_minute(60, "call-backs");
        for n in 0..60 {
            assert!(limiter.take("a").is_ok(), "{n}");
        }
        let error = limiter.take("a").expect_err("used up");
        assert_eq!(error.message, "the call-backs are used up for now, 60 a minute");
        assert_eq!(error.details["retry_after_seconds"], 1);
        tokio::time::advance(Duration::from_millis(1_010)).await;
        assert!(limiter.take("a").is_ok() && limiter.take("a").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_do_not_fill_the_memory() {
        let limiter = RateLimiter::new(1, "requests of this address");
        for n in 0..=2 * RATE_LIMITED_MAX {
            let _ = limiter.take(n);
        }
        assert!(limiter.buckets.lock().expect("not poisoned").len() <= RATE_LIMITED_MAX);
    }
}
