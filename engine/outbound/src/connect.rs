//! Connections: the name is resolved, all its addresses are checked, and one of those very addresses is connected to.
//!
//! Not here: what is allowed (`guard`); keeping connections for the next post (hyper's pool, which asks for a new one here).
//!
//! Invariant: no byte is sent before the address of the peer is known to be one that the guard has let through.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use url::Host;

use crate::allow::AllowList;
use crate::guard::{self, NotAllowed};
use crate::limits::{ADDRESSES_TRIED_MAX, CONNECT_MAX, KEPT_MAX};
use crate::resolve::Resolve;
use crate::target::{host_and_port, is_secure};

/// Why there is no connection. None of it names an address that a name resolves to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectProblem {
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error("is no host")]
    NoHost,
    #[error("cannot be resolved")]
    Unresolved,
    #[error("took more than {} s to connect to", CONNECT_MAX.as_secs())]
    TooSlow,
    #[error("cannot be connected to: {0}")]
    Unreachable(io::ErrorKind),
    #[error(
        "is not called over TLS, for this machine has no list of certificate authorities; SSL_CERT_FILE can name one"
    )]
    NoAuthorities,
    #[error("cannot be spoken to over TLS: {0}")]
    Tls(io::Error),
    #[error("is not where the connection went")]
    OtherPeer,
}

/// Connects for the pool.
#[derive(Clone)]
pub(crate) struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    allow: AllowList,
    resolver: Arc<dyn Resolve>,
    tls: Option<TlsConnector>,
    kept: Arc<Semaphore>,
}

impl Connector {
    pub(crate) fn new(allow: AllowList, resolver: Arc<dyn Resolve>, tls: Option<TlsConnector>) -> Self {
        let kept = Arc::new(Semaphore::new(KEPT_MAX));
        let shared = Arc::new(Shared {
            allow,
            resolver,
            tls,
            kept,
        });
        Self { shared }
    }
}

impl tower::Service<Uri> for Connector {
    type Response = Opened;
    type Error = ConnectProblem;
    type Future = Pin<Box<dyn Future<Output = Result<Opened, ConnectProblem>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectProblem>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let opened = timeout(CONNECT_MAX, shared.open(&uri)).await;
            opened.unwrap_or(Err(ConnectProblem::TooSlow))
        })
    }
}

impl Shared {
    async fn open(&self, uri: &Uri) -> Result<Opened, ConnectProblem> {
        let end = Instant::now() + CONNECT_MAX;
        let (host, port) = host_and_port(uri).ok_or(ConnectProblem::NoHost)?;
        let tls = match (is_secure(uri), &self.tls) {
            (false, _) => None,
            (true, Some(tls)) => Some(tls),
            (true, None) => return Err(ConnectProblem::NoAuthorities),
        };
        let admitted = admitted(&self.allow, &*self.resolver, &host, port).await?;
        let stream = connect(&admitted, end).await?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = server_name(&host).ok_or(ConnectProblem::NoHost)?;
                let stream = tls.connect(name, stream).await.map_err(ConnectProblem::Tls)?;
                Box::new(stream)
            }
        };
        Ok(Opened {
            stream: TokioIo::new(stream),
            place: Arc::clone(&self.kept).try_acquire_owned().ok(),
        })
    }
}

/// The addresses of a host, all of which may be connected to.
pub(crate) async fn admitted(
    allow: &AllowList,
    resolver: &dyn Resolve,
    host: &Host<String>,
    port: u16,
) -> Result<Vec<SocketAddr>, ConnectProblem> {
    let addresses = match host {
        Host::Domain(name) => resolver.resolve(name).await.map_err(|_| ConnectProblem::Unresolved)?,
        Host::Ipv4(address) => vec![IpAddr::from(*address)],
        Host::Ipv6(address) => vec![IpAddr::from(*address)],
    };
    Ok(guard::admit(allow, host, port, &addresses)?)
}

/// Connects to the first address that answers; each gets its share of the time that is left.
async fn connect(admitted: &[SocketAddr], end: Instant) -> Result<TcpStream, ConnectProblem> {
    let mut problem = ConnectProblem::Unresolved;
    let tried = &admitted[..admitted.len().min(ADDRESSES_TRIED_MAX)];
    for (idx, address) in tried.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let n_left = u32::try_from(tried.len() - idx).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + left / n_left, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Asked of the kernel and not taken for granted.
                let peer = stream
                    .peer_addr()
                    .map_err(|error| ConnectProblem::Unreachable(error.kind()))?;
                if (peer.ip(), peer.port()) != (address.ip(), address.port()) {
                    return Err(ConnectProblem::OtherPeer);
                }
                // A post is one or two writes, and nobody is to wait for the other's acknowledgement.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => problem = ConnectProblem::Unreachable(error.kind()),
            Err(_) => problem = ConnectProblem::TooSlow,
        }
    }
    Err(problem)
}

/// The name that a certificate is to be for.
fn server_name(host: &Host<String>) -> Option<ServerName<'static>> {
    match host {
        Host::Domain(name) => ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::from(IpAddr::from(*address))),
        Host::Ipv6(address) => Some(ServerName::from(IpAddr::from(*address))),
    }
}

/// With or without TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection.
pub(crate) struct Opened {
    stream: TokioIo<Box<dyn Stream>>,
    /// Its place among those that may be kept; one without is closed when its request is answered.
    place: Option<OwnedSemaphorePermit>,
}

impl Connection for Opened {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.place.is_none() {
            connected.poison();
        }
        connected
    }
}

impl Read for Opened {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl Write for Opened {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
