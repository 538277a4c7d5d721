//! How long to wait before a call that failed is tried again (semantics: effects).

use std::time::Duration;

use sha2::{Digest, Sha256};

/// Tries of a call; after the last one it is parked.
pub(super) const TRIES_MAX: u32 = 10;
/// Pauses after the first failed try, the second, …, in seconds: the tenth try comes an hour after the first.
const PAUSES_S: [u64; TRIES_MAX as usize - 1] = [5, 15, 30, 60, 120, 240, 480, 900, 1_800];
/// A receiver that asks for more patience gets no more than an hour's.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// The pause after the `n_tries`-th try failed; `None` after the last one. Spread by a tenth up and down, by the call's id,
/// so that calls that failed together do not come together again, and the same in every run.
pub(super) fn after(n_tries: u32, webhook_id: &str, asked_for: Option<Duration>) -> Option<Duration> {
    let base = PAUSES_S.get(usize::try_from(n_tries).ok()?.checked_sub(1)?)?;
    let digest = Sha256::digest(format!("{webhook_id}:{n_tries}"));
    let head: [u8; 8] = digest.first_chunk().copied().unwrap_or_default();
    let spread = u64::from_be_bytes(head) % 201;
    let pause = Duration::from_millis(base * 1_000 * (900 + spread) / 1_000);
    Some(asked_for.map_or(pause, |asked| pause.max(asked.min(RETRY_AFTER_MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut sum = Duration::ZERO;
        for n in 1..TRIES_MAX {
            let pause = after(n, "msg_x_1_0", None).unwrap();
            let base = Duration::from_secs(PAUSES_S[n as usize - 1]);
            assert!(pause >= base * 9 / 10 && pause <= base * 11 / 10, "{n}: {pause:?}");
            assert_eq!(after(n, "msg_x_1_0", None), Some(pause), "the same every time");
            sum += base;
        }
        assert_eq!(sum, Duration::from_secs(3_650), "60 min 50 s");
        assert_eq!(after(TRIES_MAX, "msg_x_1_0", None), None);
        assert_eq!(after(0, "msg_x_1_0", None), None);
    }

    #[test]
    fn a_receiver_may_ask_for_patience_within_bounds() {
        let asked = |seconds| after(1, "a", Some(Duration::from_secs(seconds))).unwrap();
        assert!(asked(1) < Duration::from_secs(6), "never sooner than by itself");
        assert_eq!(asked(100), Duration::from_secs(100));
        assert_eq!(asked(1_000_000), RETRY_AFTER_MAX);
    }
}
