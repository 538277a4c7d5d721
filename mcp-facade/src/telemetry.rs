//! Logs: JSON lines on stderr, and nowhere else; on stdio, stdout belongs to the protocol.
//!
//! Not here: what is worth a line. Invariant: no line holds a token, an argument or a field's value. The protocol library
//! writes whole messages into its own logs, so everything of it below `ERROR` is dropped whatever the filter says.

use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging for the process; a second call changes nothing.
///
/// `filter` is in the notation of `tracing` (`info`, `loonflow_engine=debug`); blank means `info`.
///
/// # Errors
/// A sentence when the filter cannot be read.
pub fn start(filter: &str) -> Result<(), String> {
    let filter = if filter.trim().is_empty() {
        "info"
    } else {
        filter.trim()
    };
    let chosen = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(filter)
        .map_err(|error| format!("`LOONFLOW_LOG` cannot be read as a log filter: {error}"))?;
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(chosen.and(filter_fn(keeps_secrets)));
    // Fails only when something logs already, which is as good.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    log_panics();
    Ok(())
}

/// Whether a line's origin is known not to write messages of clients.
fn keeps_secrets(metadata: &Metadata<'_>) -> bool {
    !metadata.target().starts_with("rmcp") || *metadata.level() == Level::ERROR
}

/// A panic becomes one line like any other: message and place, no backtrace.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        tracing::error!(place, panic = text.unwrap_or("unknown"), "something panicked");
    }));
}

/// The line that every tool call leaves. `user_id` is empty where nobody was recognised; `code` is `ok` or the error's.
pub fn log_call(request_id: &str, tool: &str, user_id: &str, code: &str, duration: Duration) {
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(target: "loonflow::request", request_id, tool, user_id, code, duration_ms, "tool called");
}
