//! Housekeeping in the background: puts idle tickets to sleep, forgets old idempotency keys, takes away files that nobody
//! uses.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::runtime::idempotency::{self, InFlight};
use crate::runtime::router::Router;

/// How often idempotency keys are swept: they are kept twice as long as promised, so an hour more does not matter.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Shortest pause between two looks at idle tickets.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// Works until the router, and so the engine, is gone.
pub(crate) async fn work(router: Weak<Router>, in_flight: Arc<InFlight>, idle_ms: u64) {
    let pause = Duration::from_millis(idle_ms / 4).clamp(PAUSE_MIN, SWEEP_EVERY);
    let idle_ms = i64::try_from(idle_ms).unwrap_or(i64::MAX);
    let mut since_sweep = Duration::ZERO;
    loop {
        tokio::time::sleep(pause).await;
        let Some(router) = router.upgrade() else { return };
        let now = router.shared.ports.clock.now();
        router.sleep_idle(now.plus_ms(-idle_ms));
        since_sweep += pause;
        if since_sweep >= SWEEP_EVERY {
            since_sweep = Duration::ZERO;
            let (log, in_flight) = (router.shared.log.clone(), in_flight.clone());
            match tokio::task::spawn_blocking(move || idempotency::sweep(&*log, &in_flight, now)).await {
                Ok(Ok(n_removed)) => tracing::debug!(n_removed, "old idempotency keys forgotten"),
                Ok(Err(fault)) => {
                    tracing::warn!(error = &fault as &dyn std::error::Error, "old idempotency keys stay");
                }
                Err(_) => return,
            }
            if let Some(files) = router.shared.files.clone() {
                match tokio::task::spawn_blocking(move || files.sweep(now)).await {
                    Ok(Ok((n_drafts, n_blobs))) => tracing::debug!(n_drafts, n_blobs, "unused files are gone"),
                    Ok(Err(fault)) => {
                        tracing::warn!(error = &fault as &dyn std::error::Error, "unused files stay");
                    }
                    Err(_) => return,
                }
            }
        }
    }
}
