//! Everything over HTTP: the router of MCP, the REST interface and the console, and the accept loop around it.
//!
//! Not here: the protocol itself (rmcp), what is answered (`mcp`, `rest`, `console`). MCP is served without sessions, in both eras of the
//! protocol, so a restart or a balancer loses nothing; people's browsers have a session that outlives a restart.
//!
//! A connection is accepted (`listen`), has a place (`connections`), sends a request (`exchange`), which passes the gate
//! (`gate`: `origin`, `bodies`) and reaches the protocol.
//!
//! Invariants: an exchange ends within its deadline, also when the body trickles in; a body over the limit is answered,
//! not cut off; an answer outside of the protocol is JSON-RPC all the same and holds nothing of the server's insides.
//!
//! What all unfinished requests hold together is bounded, whoever sends them: heads by the number of connections and their
//! own bound, bodies and what they are parsed to by `bodies`, answers that wait for their clients by `connections`.

mod bodies;
mod call_backs;
mod connections;
mod exchange;
mod files;
mod gate;
mod hosts;
pub mod listen;
mod origin;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};

use self::gate::Gate;
use crate::error::ApiError;
use crate::exact_numbers::GROWTH_MAX;
use crate::limits::{BODY_BYTES_MAX, READINESS_MAX};
pub use crate::mcp::MCP_PATH;
use crate::mcp::TicketServer;
use crate::state::AppState;
use crate::{console, rest};

pub(crate) const HEALTHZ_PATH: &str = "/healthz";
pub(crate) const READYZ_PATH: &str = "/readyz";

/// All routes: `/mcp` (guides tell people to end an address with a slash: `/mcp/` is the same), the REST interface, the
/// console, files, the addresses at which hooks call back, `/healthz`, `/readyz`.
pub fn app(state: AppState) -> Router {
    let server = TicketServer::new(state.clone());
    app_with_server(state, server)
}

/// The same with a given server.
pub fn app_with_server(state: AppState, server: TicketServer) -> Router {
    let mut config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None)
        // The gate has measured what was sent; what comes from it may be longer.
        .with_max_request_body_bytes(BODY_BYTES_MAX * GROWTH_MAX)
        // Origins that are allowed are taken out by the gate; every other one is refused.
        .enforce_origin_validation();
    if !state.options().allowed_hosts.is_empty() {
        // The loopback names stay: an operator's own probes come from there.
        let names = config
            .allowed_hosts
            .iter()
            .chain(&state.options().allowed_hosts)
            .cloned()
            .collect::<Vec<_>>();
        config = config.with_allowed_hosts(names);
    }
    let mcp = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    let gate = Gate::new(state.clone());
    let forms = |routes: Router<AppState>, refused: fn(&ApiError) -> Response| {
        let gate = gate.clone();
        routes.layer(from_fn(move |request: Request, next: Next| {
            let gate = gate.clone();
            async move { gate::pass_form(&gate, request, next, refused).await }
        }))
    };
    Router::new()
        .route_service(MCP_PATH, mcp.clone())
        .route_service(&format!("{MCP_PATH}/"), mcp)
        .layer(from_fn_with_state(gate.clone(), gate::pass))
        .nest(rest::BASE, forms(rest::routes(), rest::refused))
        .merge(forms(console::routes(), console::refused))
        .merge(files::routes(gate.clone()))
        .merge(call_backs::routes(gate))
        .route(HEALTHZ_PATH, get(healthz))
        .route(READYZ_PATH, get(readyz))
        .fallback(not_found)
        .with_state(state)
}

/// Alive: the process answers.
async fn healthz() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Ready: calls can be answered, reads and writes. Where they cannot, `reason` says why: `full`, `stopped: …`.
async fn readyz(State(state): State<AppState>) -> Response {
    if state.stop().is_cancelled() {
        return json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "stopping" }));
    }
    let engine = state.engine().clone();
    // It asks the file system, which may hang where the disk does.
    let asked = tokio::task::spawn_blocking(move || engine.readiness());
    let reason = match tokio::time::timeout(READINESS_MAX, asked).await {
        Ok(Ok(readiness)) => match readiness.reason() {
            None => return json_response(StatusCode::OK, &json!({ "status": "ready" })),
            Some(reason) => reason,
        },
        Ok(Err(_)) | Err(_) => "the disk does not answer".to_owned(),
    };
    json_response(
        StatusCode::SERVICE_UNAVAILABLE,
        &json!({ "status": "not ready", "reason": reason }),
    )
}

async fn not_found(request: Request) -> Response {
    // A router within another does not get its own root with a slash.
    if request.uri().path().starts_with(rest::BASE) {
        return rest::not_found(request).await;
    }
    json_response(
        StatusCode::NOT_FOUND,
        &json!({ "error": { "message": "nothing is here; MCP is at `/mcp`, the REST interface below `/api/v1.0`, and people sign in at `/sign-in`" } }),
    )
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
