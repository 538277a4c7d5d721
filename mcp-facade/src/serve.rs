//! Serves one process's transport from start to stop.
//!
//! Not here: opening the log and the engine, and closing them afterwards (the binary).

use std::net::SocketAddr;

use tokio::time::Instant;

use crate::config::{Config, Transport};
use crate::http::{self, MCP_PATH, listen};
use crate::limits::DRAIN_MAX;
use crate::state::AppState;
use crate::{descriptors, stdio, stop};

/// Serves until a signal, or on stdio until the client closes; then finishes the calls in flight. `listening` is told the
/// address as soon as connections are taken; on stdio it is not called.
///
/// # Errors
/// A sentence when the transport cannot be opened.
pub async fn run(config: &Config, state: &AppState, listening: impl FnOnce(SocketAddr)) -> Result<(), String> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    stop::on_signal(state.stop().clone()).map_err(|error| format!("signals cannot be handled: {error}"))?;
    match config.transport {
        Transport::Stdio => stdio::serve(state).await?,
        Transport::StreamableHttp => {
            let connections_max = descriptors::connections_max()?;
            let (listener, address) = listen::bind(&config.host, config.port).await?;
            tracing::info!(%address, path = MCP_PATH, "listening");
            listening(address);
            let stopped = tokio::spawn({
                let stop = state.stop().clone();
                async move {
                    stop.cancelled().await;
                    Instant::now()
                }
            });
            let app = http::app(state.clone());
            if !listen::serve_at_most(listener, app, state.stop().clone(), connections_max).await {
                tracing::warn!("requests were still in flight at the stop");
            }
            // What is left are calls whose clients have hung up.
            let stopped_at = stopped.await.unwrap_or_else(|_| Instant::now());
            stop::drain_by(state, stopped_at + DRAIN_MAX).await;
        }
    }
    Ok(())
}
