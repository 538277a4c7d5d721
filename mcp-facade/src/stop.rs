//! A stop: SIGTERM or SIGINT, calls in flight are finished, and the process ends in time.
//!
//! Not here: what is flushed after the drain (`main`).

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::DRAIN_MAX;
use crate::state::AppState;

/// Cancels `stop` at the first SIGTERM or SIGINT. A second one ends the process at once, with exit code 130.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn on_signal(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut n_signals = 0;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            n_signals += 1;
            if n_signals > 1 {
                std::process::exit(130);
            }
            tracing::info!("stopping: finishing the calls in flight");
            stop.cancel();
        }
    });
    Ok(())
}

/// Waits for the calls in flight, at most [`DRAIN_MAX`]. Says whether all were finished.
pub async fn drain(state: &AppState) -> bool {
    drain_by(state, Instant::now() + DRAIN_MAX).await
}

/// The same until a moment.
pub async fn drain_by(state: &AppState, deadline: Instant) -> bool {
    state.calls().close();
    let drained = tokio::time::timeout_at(deadline, state.calls().wait()).await.is_ok();
    if !drained {
        tracing::warn!(n_calls = state.calls().len(), "calls were still in flight at the stop");
    }
    drained
}
