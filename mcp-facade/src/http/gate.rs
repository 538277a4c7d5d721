//! What every request to `/mcp` passes on its way in and out.
//!
//! Not here: names and origins, which rmcp checks. In order: a request id; the deadline of the exchange; the body, read
//! to the end and refused when too large; with `--require-auth` a valid token; the `Accept` header, repaired. On the way
//! out: refusals in plain text become JSON-RPC errors, and texts of server faults are dropped.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use serde::de::IgnoredAny;
use serde_json::json;

use super::json_response;
use crate::auth::caller::recognise;
use crate::error::{ApiError, Code};
use crate::limits::{BODY_BYTES_MAX, EXCHANGE_DEADLINE};
use crate::mcp::{credential, identify};
use crate::state::{AppState, RequestId};

/// A body beyond [`BODY_BYTES_MAX`] is still read this many times over, so that the client sees the answer and not a
/// closed connection.
const BODY_DISCARD_FACTOR: usize = 16;

/// What rmcp asks clients to accept; answers are JSON.
const ACCEPT_BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

pub(super) async fn pass(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let request_id = state.next_request_id();
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let mut response = match tokio::time::timeout(EXCHANGE_DEADLINE, exchange(&state, request, next)).await {
        Ok(response) => response,
        Err(_elapsed) => refusal(&ApiError::overloaded("the request was not finished in time", 5)),
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

async fn exchange(state: &AppState, request: Request, next: Next) -> Response {
    // Before the body is read: without a token nobody makes the server hold a megabyte.
    if state.options().require_auth
        && let Err(error) = authenticate(state, request.headers())
    {
        return unauthorized(&error);
    }
    let (mut parts, body) = request.into_parts();
    let body = match read(&parts.headers, body).await {
        Ok(body) => body,
        Err(error) => return refusal(&error),
    };
    repair_accept(&mut parts.headers);
    let response = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    worded(response, &body).await
}

/// The whole body.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let declared: Option<usize> = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let mut kept = Vec::with_capacity(declared.unwrap_or(0).min(BODY_BYTES_MAX));
    let mut n_bytes = 0usize;
    let mut frames = body.into_data_stream();
    while let Some(frame) = frames.next().await {
        let Ok(frame) = frame else {
            return Err(ApiError::new(Code::InvalidArgument, "the body broke off").with_hint("send the request again"));
        };
        n_bytes = n_bytes.saturating_add(frame.len());
        if n_bytes <= BODY_BYTES_MAX {
            kept.extend_from_slice(&frame);
        } else if n_bytes > BODY_BYTES_MAX * BODY_DISCARD_FACTOR {
            break;
        } else {
            kept = Vec::new();
        }
    }
    if n_bytes > BODY_BYTES_MAX {
        return Err(ApiError::new(
            Code::PayloadTooLarge,
            format!("the body is over {BODY_BYTES_MAX} bytes"),
        ));
    }
    Ok(kept.into())
}

fn authenticate(state: &AppState, headers: &HeaderMap) -> Result<(), ApiError> {
    let identity = identify(state, &credential(state, None, Some(headers))?)?;
    recognise(state.engine(), &identity).map(|_caller| ())
}

/// Clients that take anything, or JSON, get JSON; rmcp insists on both names being there.
fn repair_accept(headers: &mut HeaderMap) {
    let mut values = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .peekable();
    let absent = values.peek().is_none();
    let takes_json = values.flat_map(|value| value.split(',')).any(|range| {
        let essence = range.split(';').next().unwrap_or_default().trim();
        ["*/*", "application/*", "application/json"]
            .iter()
            .any(|known| essence.eq_ignore_ascii_case(known))
    });
    if absent || takes_json {
        headers.insert(header::ACCEPT, ACCEPT_BOTH);
    }
}

/// A refusal before the protocol, as HTTP and as JSON-RPC.
fn refusal(error: &ApiError) -> Response {
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
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if status.as_u16() < 400 || json {
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
    fn accept_is_repaired_only_for_clients_that_take_json() {
        for (sent, repaired) in [
            (None, true),
            (Some("*/*"), true),
            (Some("application/json"), true),
            (Some("text/html, application/json;q=0.9"), true),
            (Some("Application/*"), true),
            (Some("application/json, text/event-stream"), true),
            (Some("text/event-stream"), false),
            (Some("text/html"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert(header::ACCEPT, HeaderValue::from_static(sent));
            }
            repair_accept(&mut headers);
            assert_eq!(headers.get(header::ACCEPT) == Some(&ACCEPT_BOTH), repaired, "{sent:?}");
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
