//! A whole server in the process: engine over a log in memory, facade, socket, clock, a token for every active person.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use loonflow_engine::effect::Awaited;
use loonflow_engine::id::{AccessTokenId, TenantId, TicketId, UserId};
use loonflow_engine::runtime::{Engine, EngineOptions, Outside, Ports, PublishRequest};
use loonflow_mcp_facade::auth::jwt;
use loonflow_mcp_facade::http::listen;
use loonflow_mcp_facade::secret::Secret;
use loonflow_mcp_facade::state::Options;
use loonflow_mcp_facade::{AppState, app};
use loonflow_storage::memory::MemoryLog;
use loonflow_storage::{EventLog, MemoryBlobs};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::client::{Client, Transport};
use crate::clock::TestClock;
use crate::fixtures;
use crate::raw::Raw;
use crate::yard;

/// Of those who have one.
pub const PASSWORD: &str = "change-me";

/// The key of JWTs.
pub const JWT_KEY: &str = "0123456789abcdef0123456789abcdef";

/// Somebody of one of the two tenants.
#[derive(Debug, Clone)]
pub struct Person {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its id.
    pub id: UserId,
    /// Its e-mail address.
    pub email: String,
    /// Its token; empty for whoever is inactive.
    pub token: String,
}

/// A running server. It stops when this goes out of scope.
pub struct TestServer {
    /// The door to the engine, for what no tool does: timers, hooks, operators.
    pub engine: Engine,
    /// The facade's state.
    pub state: AppState,
    /// Where it listens.
    pub address: SocketAddr,
    /// What is written down.
    pub log: Arc<MemoryLog>,
    /// The time.
    pub clock: Arc<TestClock>,
    people: BTreeMap<String, Person>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.state.stop().cancel();
    }
}

impl TestServer {
    /// Acme with the seven workflows, Globex with its memo.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// The same with other options; a JWT key is set in any case.
    pub async fn start_with(options: Options) -> Self {
        let acme = (
            fixtures::directory("acme"),
            fixtures::WORKFLOWS.map(fixtures::workflow).to_vec(),
        );
        let globex = (fixtures::directory("globex"), vec![fixtures::memo()]);
        Self::of(options, vec![acme, globex]).await
    }

    /// The same with a password, [`PASSWORD`], for three people of Acme: ada, erin and dev. For everybody it takes seconds.
    pub async fn with_passwords(options: Options) -> Self {
        let server = Self::start_with(options).await;
        server.set_passwords(&["ada", "erin", "dev"], PASSWORD).await;
        server
    }

    /// Kestrel Yard alone, with these workflows.
    pub async fn yard(workflows: Vec<Value>) -> Self {
        Self::of(Options::default(), vec![(yard::directory(), workflows)]).await
    }

    /// Acme with these workflows, on an engine that fires timers and calls hooks by itself, as a server does; these call
    /// back over the socket.
    pub async fn carrying_out(outside: impl Outside, workflows: Vec<Value>) -> Self {
        let acme = (fixtures::directory("acme"), workflows);
        Self::with(Options::default(), vec![acme], Some(Arc::new(outside))).await
    }

    /// The same with another directory of Acme.
    pub async fn carrying_out_with(outside: impl Outside, directory: Value, workflows: Vec<Value>) -> Self {
        Self::with(
            Options::default(),
            vec![(directory, workflows)],
            Some(Arc::new(outside)),
        )
        .await
    }

    /// Tenants by their directories, each with its workflows. A walk fires timers and answers hooks itself.
    pub async fn of(options: Options, tenants: Vec<(Value, Vec<Value>)>) -> Self {
        Self::with(options, tenants, None).await
    }

    /// The same; with somebody who calls outside, effects are carried out.
    ///
    /// # Panics
    /// When anything of it fails.
    async fn with(options: Options, tenants: Vec<(Value, Vec<Value>)>, outside: Option<Arc<dyn Outside>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let log = Arc::new(MemoryLog::new());
        let clock = Arc::new(TestClock::default());
        let engine_options = EngineOptions {
            runs_effects: outside.is_some(),
            public_url: Some(format!("http://{address}")),
            link_url: Some(format!("http://{address}")),
            ..EngineOptions::default()
        };
        let ports = Ports {
            clock: clock.clone(),
            outside,
            blobs: Some(Arc::new(MemoryBlobs::new())),
            ..Ports::system()
        };
        let engine = Engine::start(log.clone(), ports, engine_options)
            .await
            .expect("the engine starts");
        let mut people = BTreeMap::new();
        for (directory, workflows) in tenants {
            let tenant = import(&engine, &directory).await;
            for workflow in workflows {
                publish(&engine, &tenant, workflow).await;
            }
            for user in directory["users"].as_array().expect("a directory has users") {
                let text = |key: &str| user[key].as_str().expect("a user has texts").to_owned();
                let id = UserId::from(text("id"));
                let token = if user["is_active"] == true {
                    token_for(&engine, &tenant, &id, Some(30)).await.1
                } else {
                    String::new()
                };
                let person = Person {
                    tenant: tenant.clone(),
                    id,
                    email: text("email"),
                    token,
                };
                people.insert(text("name"), person);
            }
        }
        let options = Options {
            jwt_secret: Some(Secret::new(JWT_KEY)),
            ..options
        };
        let state = AppState::new(engine.clone(), clock.clone(), options);
        tokio::spawn(listen::serve(listener, app(state.clone()), state.stop().clone()));
        Self {
            engine,
            state,
            address,
            log,
            clock,
            people,
        }
    }

    /// Somebody by name.
    ///
    /// # Panics
    /// When nobody is called so.
    #[must_use]
    pub fn person(&self, name: &str) -> &Person {
        self.people
            .get(name)
            .unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    /// Somebody's id.
    #[must_use]
    pub fn id(&self, name: &str) -> &str {
        self.person(name).id.as_str()
    }

    /// Somebody's token.
    #[must_use]
    pub fn token(&self, name: &str) -> &str {
        &self.person(name).token
    }

    /// The name behind an id; the id where it is nobody's.
    #[must_use]
    pub fn name_of<'a>(&'a self, id: &'a str) -> &'a str {
        let found = self.people.iter().find(|(_, person)| person.id.as_str() == id);
        found.map_or(id, |(name, _)| name)
    }

    /// Another token for somebody: its id and its text.
    pub async fn new_token(&self, name: &str, days: Option<u32>) -> (AccessTokenId, String) {
        let person = self.person(name);
        token_for(&self.engine, &person.tenant, &person.id, days).await
    }

    /// Takes a token back.
    ///
    /// # Panics
    /// When it is not that person's.
    pub async fn revoke(&self, name: &str, token: &AccessTokenId) {
        let person = self.person(name);
        let revoked = self
            .engine
            .access_tokens()
            .revoke(&person.tenant, &person.id, token)
            .await
            .expect("no fault");
        revoked.expect("the token is revoked");
    }

    /// Makes somebody of Acme inactive.
    pub async fn deactivate(&self, name: &str) {
        let mut directory = fixtures::directory("acme");
        for user in directory["users"].as_array_mut().into_iter().flatten() {
            if user["name"] == name {
                user["is_active"] = false.into();
            }
        }
        import(&self.engine, &directory).await;
    }

    /// Publishes a definition in Acme.
    pub async fn publish(&self, workflow: Value) {
        publish(&self.engine, &self.person("ada").tenant, workflow).await;
    }

    /// A JWT with these claims, signed with `key`.
    ///
    /// # Panics
    /// When the claims cannot be written.
    #[must_use]
    pub fn jwt(claims: &Value, key: &str) -> String {
        jwt::sign(claims, &Secret::new(key)).expect("claims are JSON")
    }

    /// A client with somebody's token, over HTTP, in the era of `initialize`.
    pub async fn client(&self, name: &str) -> Client {
        self.client_over(Transport::Http, name).await
    }

    /// A client with somebody's token.
    pub async fn client_over(&self, transport: Transport, name: &str) -> Client {
        Client::connect(self, transport, self.token(name)).await
    }

    /// Raw requests with somebody's token; without any for `""`.
    #[must_use]
    pub fn raw(&self, name: &str) -> Raw {
        let token = if name.is_empty() { "" } else { self.token(name) };
        Raw::new(self.address, token)
    }

    /// A browser that was never here.
    #[must_use]
    pub fn browser(&self) -> Browser {
        Browser::new(self.address)
    }

    /// Gives people of Acme a password; everybody who was made inactive is active again.
    pub async fn set_passwords(&self, names: &[&str], password: &str) {
        let mut directory = fixtures::directory("acme");
        for user in directory["users"].as_array_mut().into_iter().flatten() {
            if names.iter().any(|name| user["name"] == *name) {
                user["password"] = password.into();
            }
        }
        import(&self.engine, &directory).await;
    }

    /// Position of the last commit: as long as it stays, nothing was written.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.log.last_position()
    }

    /// Timers and hooks that a ticket waits for.
    ///
    /// # Panics
    /// When there is no such ticket.
    pub async fn open_effects(&self, ticket: &str) -> Vec<Awaited> {
        let ticket = ticket_id(ticket);
        let effects = self.engine.effects().awaited(ticket).await.expect("no fault");
        effects.expect("the ticket is there")
    }
}

/// A ticket's id as the engine takes it.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn ticket_id(text: &str) -> TicketId {
    TicketId::parse(text).expect("a ticket id is a UUID")
}

async fn import(engine: &Engine, directory: &Value) -> TenantId {
    let report = engine.directories().import(directory).await.expect("no fault");
    report.expect("the directory imports").tenant_id
}

async fn publish(engine: &Engine, tenant: &TenantId, workflow: Value) {
    let published = engine
        .workflows()
        .publish(PublishRequest::new(tenant.clone(), workflow))
        .await
        .expect("no fault");
    published.expect("the workflow is published");
}

async fn token_for(engine: &Engine, tenant: &TenantId, user: &UserId, days: Option<u32>) -> (AccessTokenId, String) {
    let made = engine
        .access_tokens()
        .create(tenant, user, "test", days)
        .await
        .expect("no fault");
    let (id, text) = made.expect("the token is made");
    (id, text.expose().to_owned())
}
