//! Serves one process's transport from start to stop.
//!
//! Not here: opening what stands behind the backend, and flushing it afterwards (`main`).

use std::net::SocketAddr;
use std::sync::Arc;

use crate::backend::Backend;
use crate::config::{Config, Transport};
use crate::http::{self, MCP_PATH, listen};
use crate::state::AppState;
use crate::{stdio, stop};

/// A state for the settings, in front of `backend`.
#[must_use]
pub fn state(config: &Config, backend: Arc<dyn Backend>) -> AppState {
    AppState::new(backend, config.options.clone(), jsonwebtoken::get_current_timestamp())
}

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
            let (listener, address) = listen::bind(&config.host, config.port).await?;
            tracing::info!(%address, path = MCP_PATH, "listening");
            listening(address);
            if !listen::serve(listener, http::app(state.clone()), state.stop().clone()).await {
                tracing::warn!("requests were still in flight at the stop");
            }
        }
    }
    Ok(())
}
