//! [`AppState`]: everything that one call needs and that outlives it, cheap to clone.
//!
//! Not here: the settings' meaning (`config`) and how a process starts (`main`).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use loonflow_engine::id::{TenantId, UserId};
use loonflow_engine::port::Clock;
use loonflow_engine::runtime::Engine;
use loonflow_engine::time::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{Attempts, JwtVerifier};
use crate::forms::Forms;
use crate::limits;
use crate::rate_limit::RateLimiter;
use crate::secret::Secret;

/// Shared by all calls of a process.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    engine: Engine,
    clock: Arc<dyn Clock>,
    machine_clock: Arc<dyn Clock>,
    options: Options,
    jwt: Option<JwtVerifier>,
    rate_limiter: Option<RateLimiter<(TenantId, UserId)>>,
    attempts: Attempts,
    forms: Forms,
    calls: TaskTracker,
    stop: CancellationToken,
    started: String,
    next_request: AtomicU64,
}

/// What an operator decides about the endpoint; the defaults are those of a server on its own machine.
#[derive(Debug, Clone)]
pub struct Options {
    /// The token of a call that brings none; absent where it may not serve the transport.
    pub environment_token: Option<Secret>,
    /// The HS256 key of JWTs; without it they are refused, and none are made.
    pub jwt_secret: Option<Secret>,
    /// HTTP requests without a valid token get 401 before any protocol.
    pub require_auth: bool,
    /// Calls per second of one user, whatever the tokens; `None` for no limit.
    pub rate_limit_per_s: Option<u32>,
    /// HTTP requests per second of one address, this machine's apart; `None` for no limit.
    pub address_rate_limit_per_s: Option<u32>,
    /// Names under which the endpoint may be addressed; empty for the loopback names.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call; empty for none.
    pub allowed_origins: Vec<String>,
    /// Where people reach the server, `https://tickets.example.com`, without a slash at its end; `None`: as they address it.
    pub public_url: Option<String>,
    /// Time within which a call is answered; [`limits::CALL_DEADLINE`] but in tests.
    pub call_deadline: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            environment_token: None,
            jwt_secret: None,
            require_auth: false,
            rate_limit_per_s: None,
            address_rate_limit_per_s: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            public_url: None,
            call_deadline: limits::CALL_DEADLINE,
        }
    }
}

impl AppState {
    /// A state in front of an engine. `clock` is the engine's own, so that both have the same time.
    #[must_use]
    pub fn new(engine: Engine, clock: Arc<dyn Clock>, options: Options) -> Self {
        let machine_clock = Arc::clone(&clock);
        Self::with_clocks(engine, clock, machine_clock, options)
    }

    /// The same where the engine's clock is not the machine's: JWTs go by the latter, since others make them too, and
    /// nobody has to sign in again when time is skipped.
    #[must_use]
    pub fn with_clocks(engine: Engine, clock: Arc<dyn Clock>, machine_clock: Arc<dyn Clock>, options: Options) -> Self {
        // Tells the request ids of two runs apart.
        let started = format!("{:x}", machine_clock.now().0 / 1_000);
        Self(Arc::new(Inner {
            engine,
            clock,
            machine_clock,
            jwt: options.jwt_secret.as_ref().map(JwtVerifier::new),
            rate_limiter: options
                .rate_limit_per_s
                .map(|per_s| RateLimiter::new(per_s, "calls of this user")),
            options,
            attempts: Attempts::default(),
            forms: Forms::default(),
            calls: TaskTracker::new(),
            stop: CancellationToken::new(),
            started,
            next_request: AtomicU64::new(1),
        }))
    }

    /// The door to the engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// What time it is for the engine.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Seconds since 1970 on the machine's clock, by which JWTs count.
    #[must_use]
    pub fn now_s(&self) -> u64 {
        u64::try_from(self.0.machine_clock.now().0 / 1_000).unwrap_or_default()
    }

    /// The operator's decisions.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Checks JWTs, where a key is configured.
    #[must_use]
    pub fn jwt(&self) -> Option<&JwtVerifier> {
        self.0.jwt.as_ref()
    }

    /// Counts the calls of each user, where a rate is configured.
    #[must_use]
    pub fn rate_limiter(&self) -> Option<&RateLimiter<(TenantId, UserId)>> {
        self.0.rate_limiter.as_ref()
    }

    /// Bounds how often passwords are tried.
    #[must_use]
    pub fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    /// Forms that were carried out.
    #[must_use]
    pub fn forms(&self) -> &Forms {
        &self.0.forms
    }

    /// Counts calls in flight; a stop waits for it.
    #[must_use]
    pub fn calls(&self) -> &TaskTracker {
        &self.0.calls
    }

    /// Cancelled when the process is asked to stop: nothing new is taken, calls in flight are finished.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// A request id that no other request of this or an earlier run has.
    #[must_use]
    pub fn next_request_id(&self) -> String {
        format!(
            "{}-{:x}",
            self.0.started,
            self.0.next_request.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// The id of one request, in HTTP extensions and in the answer's header `X-Request-Id`.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Who is at the other end, in HTTP extensions; `None` for this machine, on which a proxy speaks for everybody.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub Option<IpAddr>);
