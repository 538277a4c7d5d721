//! Where hooks are posted to: a server that outlives those that are killed, answers well, late or badly by chance, and
//! remembers what it got.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::calls::Random;

/// How late an answer may be: long enough for a kill to come before it.
const LATE: Duration = Duration::from_millis(30);

/// See the module.
#[derive(Clone)]
pub(crate) struct Receiver {
    /// Where it listens.
    pub(crate) address: String,
    shared: Arc<Mutex<Shared>>,
    came: Arc<Notify>,
}

struct Shared {
    random: Random,
    n_got: usize,
    calls: BTreeMap<String, Call>,
}

/// All posts with one `webhook-id`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) body: Vec<u8>,
    /// How often it came.
    pub(crate) n_got: usize,
    /// Whether it came with another body too.
    pub(crate) differs: bool,
}

impl Call {
    /// A text of the body.
    pub(crate) fn text(&self, key: &str) -> String {
        let body: Value = serde_json::from_slice(&self.body).expect("the body is JSON");
        body[key].as_str().expect("a text").to_owned()
    }
}

impl Receiver {
    pub(crate) async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let receiver = Self {
            address: listener.local_addr().expect("a listener has an address").to_string(),
            shared: Arc::new(Mutex::new(Shared {
                random: Random(seed),
                n_got: 0,
                calls: BTreeMap::new(),
            })),
            came: Arc::new(Notify::new()),
        };
        let app = Router::new().fallback(answer).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    /// Posts so far.
    pub(crate) fn n_got(&self) -> usize {
        self.shared().n_got
    }

    /// Waits until so many have come.
    pub(crate) async fn got(&self, n: usize) {
        loop {
            let came = self.came.notified();
            if self.n_got() >= n {
                return;
            }
            came.await;
        }
    }

    /// All calls, by `webhook-id`.
    pub(crate) fn calls(&self) -> BTreeMap<String, Call> {
        self.shared().calls.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let id = headers
        .get("webhook-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let chance = {
        let mut shared = receiver.shared();
        shared.n_got += 1;
        let call = shared.calls.entry(id.to_owned()).or_insert_with(|| Call {
            body: body.to_vec(),
            n_got: 0,
            differs: false,
        });
        call.n_got += 1;
        call.differs |= call.body != body;
        shared.random.below(8)
    };
    receiver.came.notify_one();
    match chance {
        0 => (StatusCode::SERVICE_UNAVAILABLE, ""),
        1 | 2 => {
            tokio::time::sleep(LATE).await;
            (StatusCode::OK, "")
        }
        _ => (StatusCode::OK, "{\"code\": 0}"),
    }
}
