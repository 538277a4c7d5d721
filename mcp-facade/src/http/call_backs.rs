//! Where asynchronous hooks call back: `POST /hooks/<token>` (contract: call-backs).
//!
//! Who has the address may call it, and nobody else: it is asked for no credential, no origin and no name of the server.
//! So the address is a secret, and stands in no log. One that was not made here is told so before anything is read,
//! counted or written.
//!
//! Not here: what a call-back means, which is the engine's.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use loonflow_engine::runtime::CallBack;
use serde_json::{Value, json};

use super::gate::Gate;
use crate::call;
use crate::error::{ApiError, Code};
use crate::limits::{CALL_BACKS_PER_MINUTE, EXCHANGE_DEADLINE};
use crate::rate_limit::RateLimiter;
use crate::rest;
use crate::state::AppState;

/// Calls of each address, those of this server alone.
type Limiter = Arc<RateLimiter<String>>;

/// The one route.
pub(super) fn routes(gate: Gate) -> Router<AppState> {
    let limiter: Limiter = Arc::new(RateLimiter::per_minute(
        CALL_BACKS_PER_MINUTE,
        "call-backs to this address",
    ));
    let answer = move |State(state): State<AppState>, Path(token): Path<String>, request: Request| {
        let (gate, limiter) = (gate.clone(), limiter.clone());
        async move { answer(&state, &gate, &limiter, token, request).await }
    };
    Router::new().route("/hooks/{token}", post(answer).fallback(wrong_method))
}

async fn wrong_method() -> Response {
    let mut response = told(StatusCode::METHOD_NOT_ALLOWED, "hooks call back with `POST`");
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn answer(state: &AppState, gate: &Gate, limiter: &Limiter, token: String, request: Request) -> Response {
    let request_id = state.next_request_id();
    let answered = async {
        if let Err(error) = gate.take_address(&request) {
            return refused(&error);
        }
        if !state.engine().effects().is_call_back(&token) {
            return unknown();
        }
        if let Err(error) = limiter.take(token.clone()) {
            return refused_as(StatusCode::TOO_MANY_REQUESTS, &error);
        }
        let body = match gate.call_back_body(request).await {
            Ok(body) => body,
            Err(error) => return refused(&error),
        };
        let call = async {
            let taken = state.engine().effects().call_back(&token, &body).await;
            taken
                .map_err(|fault| ApiError::of_fault(&fault, &request_id))
                .and_then(judged)
        };
        match call::guarded(state, "call_back", &request_id, &OnceLock::new(), call).await {
            Ok(()) => rest::envelope(StatusCode::OK, 0, json!({}), ""),
            Err(error) => refused(&error),
        }
    };
    let mut response = match tokio::time::timeout(EXCHANGE_DEADLINE, answered).await {
        Ok(response) => response,
        Err(_elapsed) => refused(&ApiError::overloaded("the request was not finished in time", 5)),
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// What the engine made of it, as an error where it took nothing, so that the request log has its code.
fn judged(call_back: CallBack) -> Result<(), ApiError> {
    match call_back {
        CallBack::Taken => Ok(()),
        CallBack::Gone => Err(ApiError::new(
            Code::NotWaiting,
            "nothing waits for this call-back any more, or it said otherwise before",
        )
        .with_hint("do not call again")),
        CallBack::Unknown => Err(ApiError::new(Code::TicketNotFound, UNKNOWN).with_hint(UNKNOWN_HINT)),
        CallBack::Unreadable => Err(ApiError::new(
            Code::InvalidArgument,
            "the body is no JSON object with a whole number `code`",
        )
        .with_hint("send `{\"code\": 0}`, or another code and why in `msg`")),
        CallBack::NotNow => Err(ApiError::overloaded("the ticket cannot go on just now", 60)),
    }
}

const UNKNOWN: &str = "this address was not made here";
const UNKNOWN_HINT: &str = "use the `callback_url` that the hook was sent";

/// The same answer to every address that is not one of ours. It leaves no line in the log: anybody can cause it.
fn unknown() -> Response {
    told(StatusCode::NOT_FOUND, &format!("{UNKNOWN}; {UNKNOWN_HINT}"))
}

fn refused(error: &ApiError) -> Response {
    let status = if error.code == Code::NotWaiting {
        StatusCode::GONE
    } else {
        StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    };
    refused_as(status, error)
}

fn refused_as(status: StatusCode, error: &ApiError) -> Response {
    let mut response = told(status, &format!("{}; {}", error.message, error.hint));
    if let Some(seconds) = error.details.get("retry_after_seconds").and_then(Value::as_u64) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn told(status: StatusCode, msg: &str) -> Response {
    rest::envelope(status, -1, json!({}), msg)
}
