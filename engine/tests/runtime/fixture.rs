//! A started engine with the fixtures of the project in it, and ports that a test controls.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use loonflow_engine::id::{AppName, FieldKey, TenantId, TicketId, UserId};
use loonflow_engine::port::{Clock, IdSource, RandomSource};
use loonflow_engine::runtime::as_user::AsUser;
use loonflow_engine::runtime::{
    ActAnswer, ActRequest, Caller, CreateRequest, Done, Engine, EngineOptions, Fault, Idempotency, Ports,
    PublishRequest, UserQuery,
};
use loonflow_engine::ticket::{Action, Refusal};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::VersionState;
use loonflow_storage::{EventLog, MemoryBlobs, MemoryLog};
use serde_json::{Value as Json, json};

pub(crate) const ACME: &str = "00000000-0000-7000-8000-000000000001";
pub(crate) const GLOBEX: &str = "00000000-0000-7000-8000-000000000002";

/// In the order in which references between them resolve.
pub(crate) const WORKFLOWS: [&str; 7] = [
    "leave",
    "purchase",
    "incident",
    "access",
    "nested",
    "onboarding",
    "release",
];

/// Longest that any test waits for anything: far more than it takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Clock, ids and randomness in the hands of a test.
#[derive(Debug)]
pub(crate) struct TestPorts {
    now_ms: AtomicI64,
    n_ids: AtomicU64,
    /// Draws taken from the shared random source.
    pub(crate) n_draws: AtomicU64,
    n_secrets: AtomicU64,
    /// The next draw panics, once.
    pub(crate) is_draw_broken: AtomicBool,
}

impl Default for TestPorts {
    /// At 2026-01-01.
    fn default() -> Self {
        Self {
            now_ms: AtomicI64::new(1_767_225_600_000),
            n_ids: AtomicU64::new(0),
            n_draws: AtomicU64::new(0),
            n_secrets: AtomicU64::new(0),
            is_draw_broken: AtomicBool::new(false),
        }
    }
}

impl TestPorts {
    pub(crate) fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.now_ms.load(Ordering::SeqCst))
    }
}

struct Port(Arc<TestPorts>);

impl Clock for Port {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl IdSource for Port {
    fn ticket_id(&self, now: Timestamp) -> TicketId {
        let mut bytes = [0u8; 10];
        bytes[2..].copy_from_slice(&self.0.n_ids.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        let ms = u64::try_from(now.0).unwrap_or(0);
        TicketId(uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid())
    }
}

impl RandomSource for Port {
    fn draw(&self) -> u64 {
        assert!(
            !self.0.is_draw_broken.swap(false, Ordering::SeqCst),
            "the random source is broken"
        );
        self.0
            .n_draws
            .fetch_add(1, Ordering::SeqCst)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&self.0.n_secrets.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        bytes
    }
}

/// An engine under test.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) ports: Arc<TestPorts>,
}

impl World {
    /// Starts over a log, whatever is in it.
    pub(crate) async fn over(log: Arc<dyn EventLog>, ports: Arc<TestPorts>, options: EngineOptions) -> Self {
        let port = || Arc::new(Port(Arc::clone(&ports)));
        let given = Ports {
            clock: port(),
            ids: port(),
            random: port(),
            outside: None,
            blobs: Some(Arc::new(MemoryBlobs::new())),
        };
        let engine = Engine::start(log, given, options).await.expect("the engine starts");
        assert!(engine.is_ready());
        Self { engine, ports }
    }

    /// Starts over an empty log and puts both directories and all workflows of the fixtures in.
    pub(crate) async fn filled(log: Arc<dyn EventLog>, options: EngineOptions) -> Self {
        let world = Self::over(log, Arc::default(), options).await;
        world.fill().await;
        world
    }

    /// In memory, with usual bounds.
    pub(crate) async fn in_memory() -> Self {
        Self::filled(Arc::new(MemoryLog::new()), EngineOptions::default()).await
    }

    async fn fill(&self) {
        for tenant in ["acme", "globex"] {
            self.engine
                .directories()
                .import(&directory(tenant))
                .await
                .unwrap()
                .unwrap();
        }
        for name in WORKFLOWS {
            self.publish(name, |_| {}).await;
        }
    }

    /// Publishes a workflow of the fixtures as the default for Acme, changed before.
    pub(crate) async fn publish(&self, name: &str, change: impl FnOnce(&mut Json)) {
        let mut source = fixture(&format!("workflows/{name}.json"));
        change(&mut source);
        let acme = TenantId::from(ACME);
        let state = VersionState::Default;
        let report = self
            .engine
            .workflows()
            .publish(PublishRequest {
                file_stem: Some(name.into()),
                state,
                ..PublishRequest::new(acme.clone(), source)
            })
            .await;
        report.unwrap().unwrap();
    }

    /// A user of Acme by account name.
    pub(crate) fn user(&self, name: &str) -> UserId {
        let directory = self.engine.directories().of(&ACME.into()).expect("Acme is there");
        let user = directory.users.values().find(|user| user.name == name);
        user.unwrap_or_else(|| panic!("no user `{name}`")).id.clone()
    }

    /// A user of Acme as a caller.
    pub(crate) fn caller(&self, name: &str) -> Caller {
        caller_of(ACME, self.user(name).as_str())
    }

    /// Takes an action; the answer must be a done one.
    pub(crate) async fn act(
        &self,
        name: &str,
        ticket: TicketId,
        action: Said,
        fields: BTreeMap<FieldKey, Value>,
    ) -> Result<Done, Refusal> {
        let request = ActRequest {
            fields,
            ..handle(ticket, action)
        };
        self.engine
            .tickets()
            .act(&self.caller(name), request)
            .await
            .expect("no fault")
            .map(done)
    }

    /// `dev` asks for leave of some days; erin approves, then hana and hugo may file it.
    pub(crate) async fn leave(&self, days: &str) -> TicketId {
        let answer = self
            .engine
            .tickets()
            .create(&self.caller("dev"), leave(days))
            .await
            .unwrap()
            .unwrap();
        done(answer).ticket_id
    }
}

/// A fixture as JSON.
pub(crate) fn fixture(path: &str) -> Json {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).join(path);
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

/// A directory of the fixtures without passwords: hashing them takes longer than the tests.
pub(crate) fn directory(name: &str) -> Json {
    let mut file = fixture(&format!("directory/{name}.json"));
    for user in file["users"].as_array_mut().expect("users") {
        user.as_object_mut().expect("a user").remove("password");
    }
    file
}

/// The same with users made inactive.
pub(crate) fn directory_without(name: &str, inactive: &[&str]) -> Json {
    let mut file = directory(name);
    for user in file["users"].as_array_mut().expect("users") {
        if inactive.contains(&user["name"].as_str().expect("a name")) {
            user["is_active"] = json!(false);
        }
    }
    file
}

pub(crate) fn caller_of(tenant: &str, user: &str) -> Caller {
    Caller {
        tenant_id: tenant.into(),
        user_id: user.into(),
        app: AppName::from("loonflow"),
        access_token: None,
    }
}

pub(crate) fn fields<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<FieldKey, Value> {
    pairs
        .into_iter()
        .map(|(key, value)| (FieldKey::from(key), Value::text(value)))
        .collect()
}

pub(crate) fn leave(days: &str) -> CreateRequest {
    let dates = [("leave_start", "2026-03-02"), ("leave_end", "2026-03-06")];
    let mut fields = fields([("leave_type", "annual"), dates[0], dates[1]]);
    fields.insert("days".into(), Value::Number(days.to_owned()));
    CreateRequest {
        take: Some("submit".into()),
        fields,
        ..CreateRequest::new("leave".into())
    }
}

pub(crate) fn incident(title: &str) -> CreateRequest {
    let fields = fields([("title", title), ("service", "web"), ("severity", "sev2")]);
    CreateRequest {
        take: Some("report".into()),
        fields,
        ..CreateRequest::new("incident".into())
    }
}

/// An action, with what is said.
pub(crate) type Said = (Action, Option<String>);

pub(crate) fn handle(ticket_id: TicketId, (action, comment): Said) -> ActRequest {
    ActRequest {
        comment,
        ..ActRequest::new(ticket_id, action)
    }
}

/// The first users whose name, alias or address holds a text.
pub(crate) fn users_like(search: &str) -> UserQuery {
    UserQuery {
        search: search.into(),
        user_ids: None,
        dept_id: None,
        page: 1,
        per_page: 100,
    }
}

pub(crate) fn agree(edge: &str) -> Said {
    (Action::take(edge), None)
}

pub(crate) fn comment(text: &str) -> Said {
    (Action::AddComment, Some(text.to_owned()))
}

pub(crate) fn key(key: &str, fingerprint: u8) -> Option<Idempotency> {
    Some(Idempotency {
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
        older: None,
    })
}

pub(crate) fn done(answer: ActAnswer) -> Done {
    match answer {
        ActAnswer::Done(done) => done,
        ActAnswer::Preview(preview) => panic!("a preview: {preview:?}"),
    }
}

/// Asks again while the engine says that asking again may help.
pub(crate) async fn insist<T, F>(mut call: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, Fault>>,
{
    let attempt = async {
        loop {
            match call().await {
                Ok(answer) => return answer,
                Err(fault) if fault.is_retryable() => tokio::task::yield_now().await,
                Err(fault) => panic!("{fault}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, attempt).await.expect("in time")
}

/// Looks until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, looking).await.is_ok(),
        "not in time: {what}"
    );
}

/// A ticket's state and nodes as whoever may see all sees them, with ` !` where somebody is needed.
pub(crate) async fn standing(admin: &AsUser<'_>, ticket: TicketId) -> String {
    let detail = admin.on(ticket).detail().await.unwrap();
    let nodes = detail.row.current_nodes.iter();
    let nodes: Vec<&str> = nodes.map(|node| node.node_id.as_str()).collect();
    let help = if detail.intervention.is_some() { " !" } else { "" };
    format!("{} {}{help}", detail.row.act_state.word(), nodes.join(","))
}
