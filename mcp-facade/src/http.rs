//! MCP over HTTP: the router, and the accept loop around it.
//!
//! Not here: the protocol itself (rmcp) and the calls (`mcp`). Every connection is served without sessions, in both eras
//! of the protocol, so a restart or a balancer loses nothing.
//!
//! Invariants: an exchange ends within its deadline, also when the body trickles in; a body over the limit is answered,
//! not cut off; an answer outside of the protocol is JSON-RPC all the same and holds nothing of the server's insides.

mod gate;
pub mod listen;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};

use crate::limits::BODY_BYTES_MAX;
use crate::mcp::TicketServer;
use crate::state::AppState;

/// Where MCP is spoken.
pub const MCP_PATH: &str = "/mcp";

/// All routes: `/mcp`, `/healthz`, `/readyz`.
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
        .with_max_request_body_bytes(BODY_BYTES_MAX)
        .with_allowed_origins(&state.options().allowed_origins)
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
    Router::new()
        .route_service(MCP_PATH, mcp)
        .layer(from_fn_with_state(state.clone(), gate::pass))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(not_found)
        .with_state(state)
}

/// Alive: the process answers.
async fn healthz() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Ready: calls can be answered.
async fn readyz(State(state): State<AppState>) -> Response {
    if state.stop().is_cancelled() {
        return json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "stopping" }));
    }
    if state.engine().is_ready() {
        json_response(StatusCode::OK, &json!({ "status": "ready" }))
    } else {
        json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready" }))
    }
}

async fn not_found() -> Response {
    json_response(
        StatusCode::NOT_FOUND,
        &json!({ "error": { "message": "nothing is here; MCP is at `/mcp`" } }),
    )
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
