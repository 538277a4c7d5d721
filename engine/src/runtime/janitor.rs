//! Housekeeping in the background: puts idle tickets to sleep, forgets old idempotency keys.

use std::sync::Weak;
use std::time::Duration;

use crate::runtime::handle::Inner;
use crate::runtime::idempotency;

/// How often idempotency keys are swept: they are kept twice as long as promised, so an hour more does not matter.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Shortest pause between two looks at idle tickets.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// Works until the engine is gone.
pub(crate) async fn work(engine: Weak<Inner>) {
    let mut since_sweep = Duration::ZERO;
    loop {
        let Some(pause) = engine
            .upgrade()
            .map(|engine| Duration::from_millis(engine.options.idle_ms / 4))
        else {
            return;
        };
        let pause = pause.clamp(PAUSE_MIN, SWEEP_EVERY);
        tokio::time::sleep(pause).await;
        let Some(engine) = engine.upgrade() else { return };
        let now = engine.shared.ports.clock.now();
        let idle_ms = i64::try_from(engine.options.idle_ms).unwrap_or(i64::MAX);
        engine.router.sleep_idle(now.plus_ms(-idle_ms));
        since_sweep += pause;
        if since_sweep >= SWEEP_EVERY {
            since_sweep = Duration::ZERO;
            let (log, in_flight) = (engine.shared.log.clone(), engine.in_flight.clone());
            match tokio::task::spawn_blocking(move || idempotency::sweep(&*log, &in_flight, now)).await {
                Ok(Ok(n_removed)) => tracing::debug!(n_removed, "old idempotency keys forgotten"),
                Ok(Err(fault)) => {
                    tracing::warn!(error = &fault as &dyn std::error::Error, "old idempotency keys stay");
                }
                Err(_) => return,
            }
        }
    }
}
