//! A small world for tests: the engine over a log in memory, with the demo's tenant and workflows, at a fixed time.
//!
//! Invariant: two worlds that were asked the same are the same, ids and times included; only tokens differ.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use loonflow_engine::demo;
use loonflow_engine::id::{TenantId, TicketId, UserId};
use loonflow_engine::port::{Clock, IdSource, RandomSource};
use loonflow_engine::runtime::{Caller, Engine, EngineOptions, Ports, PublishRequest};
use loonflow_engine::time::Timestamp;
use loonflow_storage::{EventLog, MemoryLog};
use serde_json::Value;

use crate::arguments::{Arguments, DEFAULT_APP_NAME};
use crate::call::CallContext;
use crate::error::ApiError;
use crate::mcp::tools;
use crate::state::{AppState, Options};

/// 2026-11-22 09:30:00 +0000.
pub(crate) const NOW: Timestamp = Timestamp(1_795_339_800_000);

/// Clock, ids and randomness that are the same every time.
#[derive(Default)]
struct Still {
    next: AtomicU64,
    days: AtomicI64,
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW.plus_ms(self.days.load(Ordering::Relaxed) * 86_400_000)
    }
}

impl IdSource for Still {
    fn ticket_id(&self, _now: Timestamp) -> TicketId {
        let n = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        TicketId::parse(&format!("00000000-0000-7000-9000-{n:012}")).expect("well-formed")
    }
}

impl RandomSource for Still {
    fn draw(&self) -> u64 {
        7
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let n = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut bytes = [0; 32];
        // The id of a token is made of its first bytes, so these differ.
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        bytes
    }
}

/// The engine and who is in it.
pub(crate) struct World {
    /// In front of the engine.
    pub(crate) state: AppState,
    /// The engine.
    pub(crate) engine: Engine,
    /// Acme.
    pub(crate) tenant: TenantId,
    clock: Arc<Still>,
}

impl World {
    /// Acme with its leave and purchase workflows, and no ticket.
    pub(crate) async fn new(options: Options) -> Self {
        Self::over(Arc::new(MemoryLog::new()), options).await
    }

    /// The same over a log, which may hold it already.
    pub(crate) async fn over(log: Arc<dyn EventLog>, options: Options) -> Self {
        let clock = Arc::new(Still::default());
        let ports = Ports {
            clock: clock.clone(),
            ids: clock.clone(),
            // Apart, so that tokens do not change the tickets' ids.
            random: Arc::new(Still::default()),
            outside: None,
            blobs: Some(Arc::new(loonflow_storage::MemoryBlobs::new())),
        };
        let engine = Engine::start(log, ports, EngineOptions::default())
            .await
            .expect("starts");
        let imported = engine
            .directories()
            .import(&directory_without(""))
            .await
            .expect("no fault")
            .expect("imports");
        for id in ["leave", "purchase"] {
            let source = demo::workflow(id).expect("is one of them");
            let source = Arc::new(serde_json::from_str(source).expect("is JSON"));
            let published = engine
                .workflows()
                .publish(PublishRequest::new(imported.tenant_id.clone(), source))
                .await;
            published.expect("no fault").expect("publishes");
        }
        Self {
            state: AppState::new(engine.clone(), clock.clone(), options),
            engine,
            tenant: imported.tenant_id,
            clock,
        }
    }

    /// A user's id by account name.
    pub(crate) fn user(&self, name: &str) -> UserId {
        let directory = self.engine.directories().of(&self.tenant).expect("is there");
        let user = directory.users.values().find(|user| user.name == name);
        user.expect("is there").id.clone()
    }

    /// A fresh token of a user.
    pub(crate) async fn token(&self, name: &str) -> String {
        self.token_for(name, None).await
    }

    /// The same with an end.
    pub(crate) async fn token_for(&self, name: &str, days: Option<u32>) -> String {
        let made = self
            .engine
            .access_tokens()
            .create(&self.tenant, &self.user(name), "test", days)
            .await;
        let (_id, text) = made.expect("no fault").expect("is made");
        text.expose().to_owned()
    }

    /// Revokes a user's token.
    pub(crate) async fn revoke(&self, name: &str, token: &str) {
        let id = token.split('.').nth(1).expect("has parts").into();
        let revoked = self
            .engine
            .access_tokens()
            .revoke(&self.tenant, &self.user(name), &id)
            .await;
        revoked.expect("no fault").expect("is revoked");
    }

    /// Deactivates a user.
    pub(crate) async fn deactivate(&self, name: &str) {
        let imported = self.engine.directories().import(&directory_without(name)).await;
        imported.expect("no fault").expect("imports");
    }

    /// Lets days go by.
    pub(crate) fn advance_days(&self, n_days: i64) {
        self.clock.days.fetch_add(n_days, Ordering::Relaxed);
    }

    /// Calls a tool as a user, as it would be called with that user's token.
    pub(crate) async fn call(&self, name: &str, tool: &str, arguments: Value) -> Result<Value, ApiError> {
        let entry = tools::all().find(tool).expect("is a tool");
        let Value::Object(sent) = arguments else {
            unreachable!("an object")
        };
        let context = CallContext {
            state: self.state.clone(),
            caller: Caller {
                tenant_id: self.tenant.clone(),
                user_id: self.user(name),
                app: DEFAULT_APP_NAME.into(),
                access_token: None,
            },
            request_id: "1".to_owned(),
        };
        (entry.run)(&context, Arguments::new(sent, &entry.arguments)?).await
    }
}

/// Acme with one user deactivated. Without passwords: hashing them takes long, and nobody needs one here.
fn directory_without(name: &str) -> Value {
    let mut directory: Value = serde_json::from_str(demo::DIRECTORY).expect("is JSON");
    for user in directory["users"].as_array_mut().expect("a list") {
        user.as_object_mut().expect("an object").remove("password");
        if user["name"] == name {
            user["is_active"] = false.into();
        }
    }
    directory
}
