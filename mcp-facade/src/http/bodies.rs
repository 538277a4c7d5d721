//! Bodies of requests: read to the end, refused when too large, given up when too slow, bounded together.
//!
//! A small body is nobody's burden. A larger one is counted, as it comes in and until it is answered, against one of two
//! budgets: with a good token in a header, or without. Of those read so far only a part is parsed at once, for values take
//! much more room than the bytes they are read from; the others wait their turn.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::{ApiError, Code};
use crate::limits::{
    BODIES_ANONYMOUS_BYTES_MAX, BODIES_BYTES_MAX, BODIES_PARSED_SHARE, BODY_BYTES_FREE, BODY_BYTES_MAX,
    BODY_PROGRESS_BYTES_MIN, BODY_PROGRESS_MAX,
};

/// A body beyond [`BODY_BYTES_MAX`] is still read this many times over, so that the client sees the answer and not a
/// closed connection.
const BODY_DISCARD_FACTOR: usize = 16;

/// Bytes by which a body's hold on its budget grows, so that it is not asked for at every packet.
const STEP_BYTES: usize = 64 * 1024;

/// Seconds after which a body that found no room may come again.
const RETRY_S: u64 = 2;

/// The budgets of all bodies.
pub(super) struct Bodies {
    known: Budget,
    anonymous: Budget,
}

struct Budget {
    /// Bytes that may be held.
    held: Arc<Semaphore>,
    /// Bytes that may be parsed and carried out.
    parsed: Arc<Semaphore>,
}

/// A whole body, and its hold on the budget for as long as it is answered.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _held: Option<OwnedSemaphorePermit>,
    _parsed: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self::with_room(BODIES_BYTES_MAX, BODIES_ANONYMOUS_BYTES_MAX)
    }

    fn with_room(known_bytes: usize, anonymous_bytes: usize) -> Self {
        let budget = |n_bytes: usize| Budget {
            held: Arc::new(Semaphore::new(n_bytes)),
            parsed: Arc::new(Semaphore::new((n_bytes / BODIES_PARSED_SHARE).max(BODY_BYTES_MAX))),
        };
        Self {
            known: budget(known_bytes),
            anonymous: budget(anonymous_bytes),
        }
    }

    /// Reads a body to its end, and waits until it may be parsed.
    ///
    /// # Errors
    /// `payload_too_large`; `overloaded` where there is no room; `invalid_argument` where it broke off or came too slowly.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body, is_known: bool) -> Result<Received, ApiError> {
        let budget = if is_known { &self.known } else { &self.anonymous };
        let mut kept = Vec::with_capacity(declared(headers).unwrap_or(0).min(BODY_BYTES_FREE));
        let mut held: Option<OwnedSemaphorePermit> = None;
        let mut n_bytes = 0usize;
        let mut frames = body.into_data_stream();
        let mut window = Window::new();
        loop {
            let frame = match tokio::time::timeout_at(window.ends_at, frames.next()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(_))) => {
                    return Err(
                        ApiError::new(Code::InvalidArgument, "the body broke off").with_hint("send the request again")
                    );
                }
                Ok(None) => break,
                Err(_elapsed) => {
                    window.next()?;
                    continue;
                }
            };
            window.take(frame.len());
            n_bytes = n_bytes.saturating_add(frame.len());
            if n_bytes <= BODY_BYTES_MAX {
                budget.hold(&mut held, n_bytes)?;
                kept.extend_from_slice(&frame);
            } else if n_bytes > BODY_BYTES_MAX * BODY_DISCARD_FACTOR {
                break;
            } else {
                kept = Vec::new();
                held = None;
            }
        }
        if n_bytes > BODY_BYTES_MAX {
            return Err(ApiError::new(
                Code::PayloadTooLarge,
                format!("the body is over {BODY_BYTES_MAX} bytes"),
            ));
        }
        let parsed = match u32::try_from(kept.len()) {
            Ok(n_bytes) if kept.len() > BODY_BYTES_FREE => Some(
                budget
                    .parsed
                    .clone()
                    .acquire_many_owned(n_bytes)
                    .await
                    .map_err(|_| no_room())?,
            ),
            Ok(_) | Err(_) => None,
        };
        Ok(Received {
            bytes: kept.into(),
            _held: held,
            _parsed: parsed,
        })
    }
}

impl Budget {
    /// Holds room for `n_bytes` in all; what is free of charge needs none.
    fn hold(&self, held: &mut Option<OwnedSemaphorePermit>, n_bytes: usize) -> Result<(), ApiError> {
        let n_held = held.as_ref().map_or(BODY_BYTES_FREE, OwnedSemaphorePermit::num_permits);
        if n_bytes <= n_held {
            return Ok(());
        }
        let n_more = u32::try_from((n_bytes - n_held).next_multiple_of(STEP_BYTES)).map_err(|_| no_room())?;
        let more = self
            .held
            .clone()
            .try_acquire_many_owned(n_more)
            .map_err(|_| no_room())?;
        match held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

/// The length that a request says its body has; `None` where it says none.
pub(super) fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn no_room() -> ApiError {
    ApiError::overloaded("more is being sent than the server takes at once", RETRY_S)
}

/// What has come in since when.
pub(super) struct Window {
    ends_at: Instant,
    n_bytes: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            ends_at: Instant::now() + BODY_PROGRESS_MAX,
            n_bytes: 0,
        }
    }

    pub(super) fn ends_at(&self) -> Instant {
        self.ends_at
    }

    pub(super) fn take(&mut self, n_bytes: usize) {
        self.n_bytes += n_bytes;
    }

    /// The next one, where enough has come in this one.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub(super) fn next(&mut self) -> Result<(), ApiError> {
        if self.n_bytes >= BODY_PROGRESS_BYTES_MIN {
            *self = Self::new();
            return Ok(());
        }
        let seconds = BODY_PROGRESS_MAX.as_secs();
        let message = format!(
            "the body came too slowly: {} bytes in {seconds} seconds, where {BODY_PROGRESS_BYTES_MIN} are the least",
            self.n_bytes
        );
        Err(ApiError::new(Code::InvalidArgument, message).with_hint("send the whole body at once"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::stream;

    use super::*;

    /// `n_pieces` of a size, with a pause before each, and then nothing more for ever.
    fn trickle(n_bytes: usize, n_pieces: usize, pause: Duration) -> Body {
        let pieces = stream::unfold(0, move |n_sent| async move {
            if n_sent == n_pieces {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::convert::Infallible>(vec![b' '; n_bytes]), n_sent + 1))
        });
        Body::from_stream(pieces)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_or_trickles_is_given_up() {
        for (body, within_s) in [
            (trickle(1_000_000, 1, Duration::ZERO), 10),
            (trickle(1, 1_000, Duration::from_millis(100)), 5),
            (trickle(BODY_PROGRESS_BYTES_MIN, 3, Duration::from_secs(4)), 25),
        ] {
            let started = Instant::now();
            let Err(error) = Bodies::new().read(&HeaderMap::new(), body, false).await else {
                panic!("it never ends");
            };
            assert!(error.message.contains("too slowly"), "{error}");
            assert!(
                started.elapsed() <= Duration::from_secs(within_s),
                "{:?}",
                started.elapsed()
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_are_bounded_together_and_those_with_a_token_apart() {
        let bodies = Arc::new(Bodies::with_room(3 * BODY_BYTES_MAX, 3 * BODY_BYTES_MAX));
        let unfinished: Vec<_> = (0..400)
            .map(|_| {
                let bodies = bodies.clone();
                tokio::spawn(async move {
                    let body = trickle(1_000_000, 1, Duration::ZERO);
                    bodies.read(&HeaderMap::new(), body, false).await.err()
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let n_refused = unfinished.iter().filter(|task| task.is_finished()).count();
        assert_eq!(n_refused, 400 - 3, "each megabyte is counted");
        let read = async |n_bytes: usize, is_known| {
            let body = Body::from(vec![b' '; n_bytes]);
            bodies
                .read(&HeaderMap::new(), body, is_known)
                .await
                .map(|received| received.bytes.len())
        };
        assert_eq!(read(BODY_BYTES_FREE, false).await.ok(), Some(BODY_BYTES_FREE));
        assert!(
            read(BODY_BYTES_FREE + 1, false)
                .await
                .is_err_and(|error| error.code == Code::Overloaded)
        );
        assert_eq!(read(BODY_BYTES_MAX, true).await.ok(), Some(BODY_BYTES_MAX));
        // Once they are given up there is room again.
        for task in unfinished {
            assert!(task.await.expect("ends").is_some());
        }
        assert_eq!(read(BODY_BYTES_MAX, false).await.ok(), Some(BODY_BYTES_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn few_large_bodies_are_parsed_at_once() {
        let bodies = Bodies::with_room(4 * BODY_BYTES_MAX, 4 * BODY_BYTES_MAX);
        let large = async || {
            bodies
                .read(&HeaderMap::new(), Body::from(vec![b' '; BODY_BYTES_MAX]), true)
                .await
        };
        let first = large().await.expect("has room");
        let second = tokio::time::timeout(Duration::from_secs(1), large()).await;
        assert!(second.is_err(), "it waits for the first");
        drop(first);
        assert!(large().await.is_ok());
    }
}
