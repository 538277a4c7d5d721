//! MCP over standard input and output, one message a line.
//!
//! Not here: logs, which go to stderr. Invariant: nothing but protocol is written to stdout.

use rmcp::ServiceExt;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::stdio_pipes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::auth::caller::recognise;
use crate::call::{credential, identify};
use crate::exact_numbers;
use crate::limits::STDIO_LINE_BYTES_MAX;
use crate::mcp::TicketServer;
use crate::state::AppState;
use crate::stop;

/// Serves the process's own standard streams until the client closes them or the process is asked to stop.
///
/// # Errors
/// A sentence when the client does not open with anything of the protocol.
pub async fn serve(state: &AppState) -> Result<(), String> {
    if let Some(warning) = token_warning(state) {
        tracing::warn!("{warning}");
    }
    let (input, output) = stdio_pipes();
    serve_streams(TicketServer::new(state.clone()), state, input, output).await
}

/// What is wrong with the token that the process was started with, told before a person wonders why every call is
/// refused. No reason not to start: calls may bring their own, and the user may be imported yet.
fn token_warning(state: &AppState) -> Option<String> {
    let credential = match credential(state, None, None) {
        Ok(credential) => credential,
        Err(error) => return Some(format!("calls need a token: {error}")),
    };
    let error = identify(state, &credential)
        .and_then(|identity| recognise(state.engine(), &identity))
        .err()?;
    let error = credential.source.explain(error);
    Some(format!(
        "calls that bring no token of their own will be refused: {error}"
    ))
}

/// Serves one client over any pair of streams.
///
/// # Errors
/// As [`serve`].
pub async fn serve_streams<R, W>(server: TicketServer, state: &AppState, input: R, output: W) -> Result<(), String>
where
    R: AsyncRead + Send + Sync + Unpin + 'static,
    W: AsyncWrite + Send + Sync + Unpin + 'static,
{
    let transport = AsyncRwTransport::new_server(exact_numbers::Stream::new(input), output)
        .with_max_line_length(STDIO_LINE_BYTES_MAX);
    let running = tokio::select! {
        running = server.serve(transport) => running.map_err(|error| format!("the client did not begin: {error}"))?,
        () = state.stop().cancelled() => return Ok(()),
    };
    let closing = running.cancellation_token();
    let mut waiting = std::pin::pin!(running.waiting());
    tokio::select! {
        _ = &mut waiting => {}
        () = state.stop().cancelled() => {
            // Answers are written before the connection is given up, never the other way round.
            stop::drain(state).await;
            closing.cancel();
            let _ = waiting.await;
        }
    }
    Ok(())
}
