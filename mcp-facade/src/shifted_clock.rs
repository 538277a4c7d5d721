//! A clock ahead of the machine's, and moved on while the server runs, so that a workflow with timers can be tried
//! without waiting.
//!
//! Not here: who may move it (`admin`'s socket), and which times go by it: all of the engine's, and not those of JWTs.
//!
//! Invariant: it goes forward only, since a log's times do. A start begins anew with what it was started with.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::{Span, SpanRelativeTo};
use loonflow_engine::port::Clock;
use loonflow_engine::time::Timestamp;
use tokio::sync::watch;

/// Milliseconds that a clock may be ahead: a century, as long as a timer may be.
const AHEAD_MAX_MS: i64 = 100 * 366 * 86_400_000;

/// See the module.
pub struct ShiftedClock {
    machine: Arc<dyn Clock>,
    ahead_ms: watch::Sender<i64>,
}

impl ShiftedClock {
    /// A clock so many milliseconds ahead of another.
    #[must_use]
    pub fn ahead_of(machine: Arc<dyn Clock>, ahead_ms: i64) -> Self {
        Self {
            machine,
            ahead_ms: watch::Sender::new(ahead_ms),
        }
    }

    /// Milliseconds that it is ahead.
    #[must_use]
    pub fn ahead_ms(&self) -> i64 {
        *self.ahead_ms.borrow()
    }

    /// Moves it on; whoever waits for an instant looks at once.
    ///
    /// # Errors
    /// A sentence, where it would be ahead more than a century.
    pub fn move_on(&self, by_ms: i64) -> Result<(), String> {
        let mut moved = Err("a clock is at most a century ahead".to_owned());
        self.ahead_ms.send_if_modified(|ahead_ms| {
            let next = ahead_ms.saturating_add(by_ms.max(0));
            if next > AHEAD_MAX_MS {
                return false;
            }
            moved = Ok(());
            *ahead_ms = next;
            true
        });
        moved
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        self.machine.now().plus_ms(self.ahead_ms())
    }

    fn moved(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut moves = self.ahead_ms.subscribe();
        Box::pin(async move {
            if moves.changed().await.is_err() {
                // The clock is gone, and nobody moves it any more.
                std::future::pending::<()>().await;
            }
        })
    }
}

/// The milliseconds of a span as people write it (`3d`, `+2h 30m`) or as ISO 8601 has it (`P3DT2H`). A day has 24 hours.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence.
pub fn parse_span(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "must be a span of weeks, days, hours, minutes or seconds, as `3d`, `+2h 30m` or `P3DT2H`, got `{text}`"
        )
    };
    let span: Span = text.parse().map_err(|_| wrong())?;
    let span = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong())?;
    if span.is_negative() {
        return Err(format!("goes forward only, got `{text}`"));
    }
    match i64::try_from(span.as_millis()) {
        Ok(ms) if ms <= AHEAD_MAX_MS => Ok(ms),
        Ok(_) | Err(_) => Err(format!("is at most a century, got `{text}`")),
    }
}

/// A span in whole units, `3d 2h`; `0s` for none.
#[must_use]
pub fn span_text(ms: i64) -> String {
    let mut left_s = ms / 1_000;
    let mut text = String::new();
    for (unit, unit_s) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        let n = left_s / unit_s;
        left_s %= unit_s;
        if n > 0 || (unit_s == 1 && text.is_empty()) {
            text = format!("{text}{}{n}{unit}", if text.is_empty() { "" } else { " " });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp(1_000)
        }
    }

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (text, ms) in [
            ("+0s", 0),
            ("3d", 3 * 86_400_000),
            ("+3d", 3 * 86_400_000),
            ("P3D", 3 * 86_400_000),
            ("+PT36H", 36 * 3_600_000),
            ("2h 30m", 150 * 60_000),
            (" 1w ", 7 * 86_400_000),
            ("250ms", 250),
        ] {
            assert_eq!(parse_span(text), Ok(ms), "{text}");
        }
        for (text, words) in [
            ("", "must be a span"),
            ("3", "must be a span"),
            ("soon", "must be a span"),
            ("P1M", "must be a span"),
            ("1y", "must be a span"),
            ("-3d", "goes forward only"),
            ("-PT1S", "goes forward only"),
            ("50000d", "at most a century"),
        ] {
            let problem = parse_span(text).expect_err(text);
            assert!(problem.contains(words), "{text}: {problem}");
        }
        for (ms, text) in [
            (0, "0s"),
            (999, "0s"),
            (61_000, "1m 1s"),
            (3 * 86_400_000 + 7_200_000, "3d 2h"),
        ] {
            assert_eq!(span_text(ms), text);
        }
    }

    #[tokio::test]
    async fn whoever_waits_is_told_of_a_move() {
        let clock = ShiftedClock::ahead_of(Arc::new(Still), 500);
        assert_eq!(clock.now(), Timestamp(1_500));
        let mut waiting = clock.moved();
        assert!(futures::poll!(&mut waiting).is_pending());
        clock.move_on(1_000).expect("may be moved");
        waiting.await;
        assert_eq!(clock.now(), Timestamp(2_500));
        assert!(futures::poll!(&mut clock.moved()).is_pending(), "that move is over");
        assert!(clock.move_on(AHEAD_MAX_MS).is_err());
        assert_eq!(clock.ahead_ms(), 1_500);
    }
}
