//! What every request to `/mcp` passes on its way in and out; and, shorter, what one to the REST interface or the console
//! does, and a call-back.
//!
//! Not here: names under which the server is addressed, which rmcp checks. In order: a request id; the origin, where a web
//! page calls; the rate of the address; the deadline of the exchange; with `--require-auth` a valid token; the body, read
//! to the end; the `Accept` header, repaired. On the way out: refusals in plain text become JSON-RPC errors, texts of
//! server faults are dropped, and a client that takes nothing but an event stream gets the answer as its one event.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::de::IgnoredAny;
use serde_json::json;

use super::bodies::{self, Bodies};
use super::connections::{Connection, Phase, address_of};
use super::origin::{self, Origins};
use super::{hosts, json_response};
use crate::auth::caller::recognise;
use crate::call::{credential, identify};
use crate::error::{ApiError, Code};
use crate::exact_numbers;
use crate::limits::{ANSWER_BYTES_MAX, BODY_BYTES_FREE, CALL_BACK_BYTES_MAX, EXCHANGE_DEADLINE, FORM_BYTES_MAX};
use crate::rate_limit::RateLimiter;
use crate::state::{Address, AppState, RequestId};

/// What rmcp asks clients to accept; answers are JSON.
const ACCEPT_BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What all requests of a server share.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    state: AppState,
    origins: Origins,
    bodies: Bodies,
    addresses: Option<RateLimiter<IpAddr>>,
}

impl Gate {
    /// Takes one request off the allowance of the address that a call-back comes from.
    ///
    /// # Errors
    /// `overloaded`.
    pub(super) fn take_address(&self, request: &Request) -> Result<(), ApiError> {
        let connection = request.extensions().get::<Connection>();
        self.0.take_address(connection).map(|_address| ())
    }

    /// The body of a call-back. Neither the name that it addresses nor an origin is asked for: it comes from a program, by
    /// whatever way, and its address is all that it has to know.
    ///
    /// # Errors
    /// Why it cannot be had: it is too large, too slow, or there is no room.
    pub(super) async fn call_back_body(&self, request: Request) -> Result<Bytes, ApiError> {
        self.0
            .small_body(request, true, CALL_BACK_BYTES_MAX)
            .await
            .map(|(_parts, bytes)| bytes)
    }

    /// Refuses a request that addresses another name than the server's.
    ///
    /// # Errors
    /// `permission_denied`.
    pub(super) fn check_host(&self, request: &Request) -> Result<(), ApiError> {
        hosts::check(self.0.state.options(), request.uri(), request.headers())
    }

    /// Notes that a connection sends a body, of somebody who is known.
    pub(super) fn enter_body(&self, request: &Request) {
        if let Some(connection) = request.extensions().get::<Connection>() {
            connection.enter(Phase::Body { is_known: true });
        }
    }

    pub(super) fn new(state: AppState) -> Self {
        let options = state.options();
        let addresses = options.address_rate_limit_per_s;
        Self(Arc::new(Inner {
            origins: Origins::new(&options.allowed_origins),
            bodies: Bodies::new(),
            addresses: addresses.map(|per_s| RateLimiter::new(per_s, "requests of this address")),
            state,
        }))
    }
}

pub(super) async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let gate = &*gate.0;
    let request_id = gate.state.next_request_id();
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let origin = gate.origins.of_request(request.uri(), request.headers());
    if let Some(origin) = &origin
        && origin::is_preflight(request.method(), request.headers())
    {
        return origin::preflight(origin);
    }
    if origin.is_some() {
        request.headers_mut().remove(header::ORIGIN);
    }
    let mut response = match tokio::time::timeout(EXCHANGE_DEADLINE, gate.exchange(request, next)).await {
        Ok(response) => response,
        Err(_elapsed) => refusal(&ApiError::overloaded("the request was not finished in time", 5)),
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    if let Some(origin) = &origin {
        origin::readable(&mut response, origin);
    }
    response
}

/// Passes a request on to the REST interface or the console; `refused` words what is refused before them.
pub(super) async fn pass_form(
    gate: &Gate,
    mut request: Request,
    next: Next,
    refused: fn(&ApiError) -> Response,
) -> Response {
    let gate = &*gate.0;
    let request_id = gate.state.next_request_id();
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let answered = async {
        match gate.receive(request).await {
            Ok(request) => next.run(request).await,
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

impl Inner {
    async fn exchange(&self, request: Request, next: Next) -> Response {
        let connection = request.extensions().get::<Connection>().cloned();
        if let Err(error) = self.take_address(connection.as_ref()) {
            return refusal(&error);
        }
        // Before the body is read: without a token nobody makes the server hold a megabyte.
        if self.state.options().require_auth
            && let Err(error) = self.authenticate(request.headers())
        {
            return unauthorized(&error);
        }
        let (mut parts, body) = request.into_parts();
        // Asked only where it makes a difference: a token is checked again by the call.
        let is_large = bodies::declared(&parts.headers).is_none_or(|n_bytes| n_bytes > BODY_BYTES_FREE);
        let is_known = is_large && self.authenticate(&parts.headers).is_ok();
        let enter = |phase| connection.as_ref().is_none_or(|connection| connection.enter(phase));
        enter(Phase::Body { is_known });
        let received = match self.bodies.read(&parts.headers, body, is_known).await {
            Ok(received) => received,
            Err(error) => return refusal(&error),
        };
        if !enter(Phase::Call) {
            return refusal(&ApiError::overloaded("the connection had to close", 1));
        }
        let accepts = Accepts::of(&parts.headers);
        if accepts != Accepts::Neither {
            parts.headers.insert(header::ACCEPT, ACCEPT_BOTH);
        }
        let exact = exact_numbers::in_message(&received.bytes);
        parts.headers.insert(header::CONTENT_LENGTH, exact.len().into());
        let response = next.run(Request::from_parts(parts, Body::from(exact))).await;
        let response = worded(response, &received.bytes).await;
        if accepts == Accepts::EventsOnly {
            as_event(response).await
        } else {
            response
        }
    }

    /// Takes one request off an address's allowance, and says which address it is; `None` for this machine.
    fn take_address(&self, connection: Option<&Connection>) -> Result<Option<IpAddr>, ApiError> {
        let address = connection.and_then(|connection| address_of(connection.peer()));
        if let (Some(addresses), Some(address)) = (&self.addresses, address) {
            addresses.take(address)?;
        }
        Ok(address)
    }

    /// What a request to the REST interface or the console passes: the rate of its address, the name that it addresses, its
    /// body, which is small and read to the end.
    async fn receive(&self, request: Request) -> Result<Request, ApiError> {
        let connection = request.extensions().get::<Connection>().cloned();
        let address = self.take_address(connection.as_ref())?;
        hosts::check(self.state.options(), request.uri(), request.headers())?;
        let (mut parts, bytes) = self.small_body(request, false, FORM_BYTES_MAX).await?;
        parts.extensions.insert(Address(address));
        Ok(Request::from_parts(parts, Body::from(bytes)))
    }

    /// A body of at most `bytes_max`, read to the end.
    async fn small_body(&self, request: Request, is_known: bool, bytes_max: usize) -> Result<(Parts, Bytes), ApiError> {
        let connection = request.extensions().get::<Connection>().cloned();
        let (parts, body) = request.into_parts();
        let enter = |phase| connection.as_ref().is_none_or(|connection| connection.enter(phase));
        enter(Phase::Body { is_known });
        let received = self.bodies.read(&parts.headers, body, is_known).await?;
        if received.bytes.len() > bytes_max {
            let message = format!("the body is over {bytes_max} bytes");
            return Err(ApiError::new(Code::PayloadTooLarge, message));
        }
        if !enter(Phase::Call) {
            return Err(ApiError::overloaded("the connection had to close", 1));
        }
        Ok((parts, received.bytes))
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let credential = credential(&self.state, None, Some(headers))?;
        identify(&self.state, &credential)
            .and_then(|identity| recognise(self.state.engine(), &identity))
            .map(|_caller| ())
            .map_err(|error| credential.source.explain(error))
    }
}

/// What a client takes. rmcp insists on both kinds being named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepts {
    /// JSON, or anything.
    Json,
    /// An event stream and no JSON.
    EventsOnly,
    /// Nothing that an answer could be.
    Neither,
}

impl Accepts {
    fn of(headers: &HeaderMap) -> Self {
        let mut values = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .peekable();
        if values.peek().is_none() {
            return Self::Json;
        }
        let named: Vec<&str> = values
            .flat_map(|value| value.split(','))
            .map(|range| range.split(';').next().unwrap_or_default().trim_ascii())
            .collect();
        let takes = |kinds: &[&str]| {
            named
                .iter()
                .any(|range| kinds.iter().any(|kind| range.eq_ignore_ascii_case(kind)))
        };
        if takes(&["*/*", "application/*", "application/json"]) {
            Self::Json
        } else if takes(&["text/event-stream", "text/*"]) {
            Self::EventsOnly
        } else {
            Self::Neither
        }
    }
}

/// A JSON answer as a stream of one event.
async fn as_event(response: Response) -> Response {
    if response.status() != StatusCode::OK || !is_json(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // An answer holds its value twice, the second time escaped.
    let Ok(json) = axum::body::to_bytes(body, 4 * ANSWER_BYTES_MAX).await else {
        return refusal(&ApiError::new(
            Code::AnswerTooLarge,
            "the answer is larger than an event may be",
        ));
    };
    // JSON as it is written here has no line breaks outside of its texts, and none unescaped in them.
    let event = [&b"event: message\ndata: "[..], &json[..], &b"\n\n"[..]].concat();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, EVENT_STREAM);
    Response::from_parts(parts, Body::from(event))
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// A refusal before the protocol, as HTTP and as JSON-RPC.
pub(super) fn refusal(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({
        "jsonrpc": "2.0",
        "id": null,
        "error": { "code": -32600, "message": error.to_string(), "data": error.to_json() },
    });
    let mut response = json_response(status, &body);
    if let Some(seconds) = error
        .details
        .get("retry_after_seconds")
        .and_then(serde_json::Value::as_u64)
    {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// 401 and what to send; other refusals of a token (too many calls) keep their status.
fn unauthorized(error: &ApiError) -> Response {
    let mut response = refusal(error);
    if matches!(error.code, Code::Overloaded | Code::Internal) {
        return response;
    }
    let challenge = if error.code == Code::TokenMissing {
        HeaderValue::from_static(r#"Bearer realm="loonflow-ticket""#)
    } else {
        let code = error.code;
        HeaderValue::from_str(&format!(
            r#"Bearer realm="loonflow-ticket", error="invalid_token", error_description="{code}""#
        ))
        .unwrap_or(HeaderValue::from_static("Bearer"))
    };
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// Rewords what rmcp refuses in plain text.
async fn worded(response: Response, sent: &Bytes) -> Response {
    let status = response.status();
    if status.as_u16() < 400 || is_json(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, 4096).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let unreadable = status == StatusCode::UNSUPPORTED_MEDIA_TYPE && !text.contains("Content-Type");
    let (status, code, message) = if unreadable && serde_json::from_slice::<IgnoredAny>(sent).is_err() {
        (StatusCode::BAD_REQUEST, -32700, "the body is not JSON".to_owned())
    } else if unreadable {
        (
            StatusCode::BAD_REQUEST,
            -32600,
            "the body is not one JSON-RPC 2.0 message".to_owned(),
        )
    } else if status.is_server_error() {
        (status, -32603, "the server could not finish this request".to_owned())
    } else {
        (status, -32600, text.into_owned())
    };
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } }).to_string();
    parts.status = status;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_take_json_or_events_or_neither() {
        for (sent, takes) in [
            (None, Accepts::Json),
            (Some("*/*"), Accepts::Json),
            (Some("application/json"), Accepts::Json),
            (Some("text/html, application/json;q=0.9"), Accepts::Json),
            (Some("Application/*"), Accepts::Json),
            (Some("application/json, text/event-stream"), Accepts::Json),
            (Some("text/event-stream"), Accepts::EventsOnly),
            (Some("Text/Event-Stream;q=1"), Accepts::EventsOnly),
            (Some("text/html"), Accepts::Neither),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert(header::ACCEPT, HeaderValue::from_static(sent));
            }
            assert_eq!(Accepts::of(&headers), takes, "{sent:?}");
        }
    }

    #[test]
    fn a_bad_token_is_challenged() {
        let response = unauthorized(&ApiError::new(Code::TokenExpired, "over"));
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(
            response.headers()[header::WWW_AUTHENTICATE]
                .to_str()
                .expect("text")
                .contains("invalid_token")
        );
        let response = unauthorized(&ApiError::overloaded("busy", 3));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "3");
    }
}
