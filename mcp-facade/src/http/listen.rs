//! The accept loop: places for connections, `TCP_NODELAY`, and the drain at a stop.
//!
//! Not here: routes (`http`), who gets a place and who gives way (`connections`). The loop is ours because `axum::serve`
//! leaves Nagle's delay on, which costs a streamed answer 40 ms, and has neither a cap nor time-outs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::connections::Connections;
use super::exchange;
use crate::limits::{CONNECTIONS_CLOSING_MAX, CONNECTIONS_MAX, CONNECTIONS_RESERVED, DRAIN_MAX, HEAD_BYTES_MAX};

/// Pause after an accept that failed, as when descriptors run out, so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// How often it is looked for connections whose time is over.
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// Opens the listening socket.
///
/// # Errors
/// A sentence that names the setting.
pub async fn bind(host: &str, port: u16) -> Result<(TcpListener, SocketAddr), String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let listener = TcpListener::bind((bare, port))
        .await
        .map_err(|error| format!("cannot listen on `{host}` port {port} (`--host`, `--port`): {error}"))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("the listening socket has no address: {error}"))?;
    Ok((listener, address))
}

/// Serves until `stop`, then finishes the requests in flight, at most [`DRAIN_MAX`]. Says whether all were finished.
pub async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) -> bool {
    serve_at_most(listener, app, stop, CONNECTIONS_MAX).await
}

/// [`serve`] with another cap.
pub async fn serve_at_most(
    listener: TcpListener,
    app: Router,
    stop: CancellationToken,
    connections_max: usize,
) -> bool {
    let mut http = http1::Builder::new();
    // No timer: how long a head may take depends on what the connection did before, which the table knows.
    http.max_buf_size(HEAD_BYTES_MAX).header_read_timeout(None);
    let app = TowerToHyperService::new(app);
    let connections = Connections::new(connections_max);
    // Of all sockets, those that are closing among them.
    let sockets = Arc::new(Semaphore::new(
        connections_max + CONNECTIONS_RESERVED + CONNECTIONS_CLOSING_MAX,
    ));
    let graceful = GracefulShutdown::new();
    let sweeper = tokio::spawn(sweep(connections.clone()));
    loop {
        let accepted = async {
            let socket = Arc::clone(&sockets).acquire_owned().await.ok()?;
            Some((socket, listener.accept().await))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => break,
        };
        let Some((socket, accepted)) = accepted else { break };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let Some(connection) = connections.admit(peer.ip()) else {
            continue;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let service = service_fn({
            let (connection, app) = (connection.clone(), app.clone());
            move |request| exchange::answer(connection.clone(), app.clone(), request)
        });
        let serving = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            tokio::select! {
                // A client that goes away or sends no HTTP is no event for an operator.
                _ = serving => {}
                () = connection.closing() => {}
            }
            drop(socket);
        });
    }
    drop(listener);
    let drained = tokio::time::timeout(DRAIN_MAX, graceful.shutdown()).await.is_ok();
    sweeper.abort();
    drained
}

async fn sweep(connections: Arc<Connections>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        connections.close_overdue();
    }
}
