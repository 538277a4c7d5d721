//! The accept loop: connection cap, `TCP_NODELAY`, time-outs for slow clients, and the drain at a stop.
//!
//! Not here: routes (`http`). The loop is ours because `axum::serve` leaves Nagle's delay on, which costs a streamed
//! answer 40 ms, and has neither a cap nor time-outs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::limits::{CONNECTIONS_MAX, CONNECTIONS_REFUSED_AT_ONCE_MAX, DRAIN_MAX, HEAD_BYTES_MAX, HEAD_READ_MAX};

/// Pause after an accept that failed, as when descriptors run out, so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

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
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_READ_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    let service = TowerToHyperService::new(app);
    let open = Arc::new(Semaphore::new(connections_max));
    let refused = Arc::new(Semaphore::new(CONNECTIONS_REFUSED_AT_ONCE_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let Ok(permit) = Arc::clone(&open).try_acquire_owned() else {
            if let Ok(permit) = Arc::clone(&refused).try_acquire_owned() {
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(Duration::from_secs(2), refuse(stream)).await;
                    drop(permit);
                });
            }
            continue;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service.clone()));
        tokio::spawn(async move {
            // A client that goes away or sends no HTTP is no event for an operator.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    tokio::time::timeout(DRAIN_MAX, graceful.shutdown()).await.is_ok()
}

/// Says `overloaded` and closes. The request is read first: closing on unread bytes would reset the answer away.
async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    const BODY: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"overloaded: too many connections. Wait 5 seconds and call again.","data":{"code":"overloaded","message":"too many connections","hint":"wait 5 seconds and call again","details":{"retry_after_seconds":5}}}}"#;
    let mut head = [0; 4096];
    let _ = stream.read(&mut head).await?;
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 5\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    while stream.read(&mut head).await? > 0 {}
    Ok(())
}
