//! A server on a loopback address that answers each request as it is told, and remembers what it got; and the posts that
//! tests send.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loonflow_engine::account::token::Secret;
use loonflow_engine::runtime::{NoResponse, Outside, Post, Response};
use loonflow_engine::time::Timestamp;
use loonflow_outbound::{AllowList, HttpOutside, Settings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is done with a request, in this order.
#[derive(Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Again and again, until the client hangs up.
    Flood(Vec<u8>),
    /// Nothing, until the client hangs up.
    Hold,
    Close,
}

/// A request as it came.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// `POST /path HTTP/1.1`
    pub(crate) line: String,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct Counts {
    seen: Mutex<Vec<Seen>>,
    n_opened: AtomicUsize,
    n_closed: AtomicUsize,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
}

impl Server {
    /// Does the same with each request.
    pub(crate) async fn start(steps: Vec<Step>) -> Self {
        Self::start_at("127.0.0.1:0", steps).await
    }

    pub(crate) async fn start_at(address: &str, steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (steps, counts) = (steps.clone(), Arc::clone(&shared));
                tokio::spawn(async move { serve(stream, &steps, &counts).await });
            }
        });
        Self { address, counts }
    }

    /// Answers each request with a status, further headers and a body.
    pub(crate) async fn answering(status: &str, headers: &str, body: &[u8]) -> Self {
        Self::start(vec![Step::Send(response(status, headers, body))]).await
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.counts.seen.lock().unwrap().clone()
    }

    pub(crate) fn n_opened(&self) -> usize {
        self.counts.n_opened.load(Ordering::SeqCst)
    }

    /// Waits until the client has closed so many connections.
    pub(crate) async fn closed(&self, n: usize) {
        let closed = async {
            while self.counts.n_closed.load(Ordering::SeqCst) < n {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, closed)
            .await
            .expect("the connection is closed");
    }
}

pub(crate) fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, steps: &[Step], counts: &Counts) {
    counts.n_opened.fetch_add(1, Ordering::SeqCst);
    while let Some(seen) = read(&mut stream).await {
        counts.seen.lock().unwrap().push(seen);
        if answer(&mut stream, steps).await.is_none() {
            break;
        }
    }
    counts.n_closed.fetch_add(1, Ordering::SeqCst);
}

/// `None` when the connection is at its end.
pub(crate) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, steps: &[Step]) -> Option<()> {
    for step in steps {
        match step {
            Step::Send(bytes) => stream.write_all(bytes).await.ok()?,
            Step::Flood(bytes) => loop {
                stream.write_all(bytes).await.ok()?;
            },
            Step::Hold => {
                let _ = stream.read(&mut [0; 64]).await;
                return None;
            }
            Step::Close => return None,
        }
    }
    Some(())
}

/// The next request; `None` where the client has hung up.
pub(crate) async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let n_bytes: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < n_bytes {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { line, headers, body })
}

/// A client that may call what is listed.
pub(crate) fn allowing(entries: &[&str]) -> HttpOutside {
    HttpOutside::new(Settings {
        allow: AllowList::parse(entries.iter().copied()).unwrap(),
        ..Settings::default()
    })
}

/// A client that may call this machine.
pub(crate) fn local() -> HttpOutside {
    allowing(&["127.0.0.0/8"])
}

/// A post of `{}` without a token.
pub(crate) fn post(url: &str) -> Post {
    Post {
        url: url.to_owned(),
        id: "msg_1".to_owned(),
        at: Timestamp(1_614_265_330_999),
        body: b"{}".to_vec(),
        token: Secret::default(),
        timeout: PATIENCE,
        response_bytes_max: 1 << 20,
    }
}

pub(crate) async fn send(client: &HttpOutside, url: &str) -> Result<Response, NoResponse> {
    client.post(post(url)).await
}

/// The words of what may be tried again.
pub(crate) fn failed(answer: Result<Response, NoResponse>) -> String {
    match answer {
        Err(NoResponse::Failed(words)) => words,
        other => panic!("has not failed: {other:?}"),
    }
}

/// The words of what may not.
pub(crate) fn refused(answer: Result<Response, NoResponse>) -> String {
    match answer {
        Err(NoResponse::Refused(words)) => words,
        other => panic!("is not refused: {other:?}"),
    }
}
