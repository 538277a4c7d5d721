//! Where hooks are posted to: a server on a loopback address that answers as it is told and remembers what it got.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `{"code": 0}`.
    Good,
    /// This status, and nothing with it.
    Status(u16),
    /// Never.
    Silence,
    /// `{"code": 0}` and 2 MiB besides.
    Large,
    /// Sent on to another path of the same server.
    Elsewhere,
    /// A page for people.
    Garbage,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Got {
    /// The path of its address.
    pub path: String,
    /// What came with it.
    pub headers: HeaderMap,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl Got {
    /// A header that is there.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_else(|| panic!("no `{name}`: {:?}", self.headers))
    }

    /// The body.
    ///
    /// # Panics
    /// When it is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    got: Vec<Got>,
    then: VecDeque<Reply>,
    always: Reply,
}

impl Receiver {
    /// One that answers well.
    pub async fn start() -> Self {
        let receiver = Self::down().await;
        receiver.come_up().await;
        receiver
    }

    /// One that is not there yet: its address is known, and nobody listens at it.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn down() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self {
            address: listener.local_addr().expect("a listener has an address"),
            shared: Arc::new(Mutex::new(Shared {
                got: Vec::new(),
                then: VecDeque::new(),
                always: Reply::Good,
            })),
        }
    }

    /// Listens from now on.
    ///
    /// # Panics
    /// When somebody else has taken the port.
    pub async fn come_up(&self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is still free");
        let app = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
    }

    /// Answers the next requests to nodes so, one each; what is told of events is always taken.
    pub fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared().then.extend(replies);
    }

    /// Answers all others to nodes so.
    pub fn always(&self, reply: Reply) {
        self.shared().always = reply;
    }

    /// What came to a path, in order.
    #[must_use]
    pub fn got(&self, path: &str) -> Vec<Got> {
        let shared = self.shared();
        shared.got.iter().filter(|got| got.path == path).cloned().collect()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(receiver): State<Receiver>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 8 << 20).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let got = Got {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: body.to_vec(),
    };
    let is_event = got.path == "/audit";
    let reply = {
        let mut shared = receiver.shared();
        shared.got.push(got);
        if is_event {
            Reply::Good
        } else {
            shared.then.pop_front().unwrap_or(shared.always)
        }
    };
    match reply {
        Reply::Good => "{\"code\": 0}".into_response(),
        Reply::Status(status) => StatusCode::from_u16(status).unwrap_or_default().into_response(),
        Reply::Silence => std::future::pending().await,
        Reply::Large => format!("{{\"code\": 0, \"more\": \"{}\"}}", "x".repeat(2 << 20)).into_response(),
        Reply::Elsewhere => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")], Body::empty()).into_response(),
        Reply::Garbage => "<html>welcome</html>".into_response(),
    }
}
