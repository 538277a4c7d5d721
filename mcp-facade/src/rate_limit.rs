//! How often one token may call: a bucket of one second's calls that refills steadily.
//!
//! Not here: the bound on calls at once, which is the engine's. Tokens are remembered by digest, so this table holds no
//! secret; it is bounded, and those with a full allowance are forgotten first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::error::ApiError;
use crate::limits::RATE_LIMITED_TOKENS_MAX;
use crate::secret::Secret;

/// Buckets of all tokens seen lately.
pub struct RateLimiter {
    per_s: f64,
    buckets: Mutex<HashMap<[u8; 32], Bucket>>,
}

struct Bucket {
    allowance: f64,
    filled_at: Instant,
}

impl RateLimiter {
    /// At most `per_s` calls a second, and as many at once.
    #[must_use]
    pub fn new(per_s: u32) -> Self {
        Self {
            per_s: f64::from(per_s.max(1)),
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one call off the token's allowance.
    ///
    /// # Errors
    /// `overloaded` with the seconds to wait.
    pub fn take(&self, token: &Secret) -> Result<(), ApiError> {
        let now = Instant::now();
        let digest: [u8; 32] = Sha256::digest(token.expose().as_bytes()).into();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= RATE_LIMITED_TOKENS_MAX && !buckets.contains_key(&digest) {
            buckets.retain(|_, bucket| self.allowance(bucket, now) < self.per_s);
            // All of them busy: a flood of made-up tokens. Forgetting them is kinder than refusing real ones.
            if buckets.len() >= RATE_LIMITED_TOKENS_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(digest).or_insert(Bucket {
            allowance: self.per_s,
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
            reason = "from 1 to a few seconds"
        )]
        Err(ApiError::overloaded(
            "this token has used up its calls for now",
            wait_s as u64,
        ))
    }

    fn allowance(&self, bucket: &Bucket, now: Instant) -> f64 {
        let refill = now.saturating_duration_since(bucket.filled_at).as_secs_f64() * self.per_s;
        (bucket.allowance + refill).min(self.per_s)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Code;

    #[tokio::test(start_paused = true)]
    async fn one_token_is_slowed_down_and_another_is_not() {
        let limiter = RateLimiter::new(2);
        let (a, b) = (Secret::new("a"), Secret::new("b"));
        assert!(limiter.take(&a).is_ok() && limiter.take(&a).is_ok());
        let error = limiter.take(&a).expect_err("used up");
        assert_eq!(
            (error.code, &error.details["retry_after_seconds"]),
            (Code::Overloaded, &1.into())
        );
        assert!(limiter.take(&b).is_ok());
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(limiter.take(&a).is_ok());
        assert!(limiter.take(&a).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_tokens_do_not_fill_the_memory() {
        let limiter = RateLimiter::new(1);
        for n in 0..=2 * RATE_LIMITED_TOKENS_MAX {
            let _ = limiter.take(&Secret::new(n.to_string()));
        }
        assert!(limiter.buckets.lock().expect("not poisoned").len() <= RATE_LIMITED_TOKENS_MAX);
    }
}
