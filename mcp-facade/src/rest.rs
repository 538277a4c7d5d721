//! The REST interface below `/api/v1.0` (contract: rest): calls in the envelope that clients of the server know which this
//! one stands in for.
//!
//! Here: routes, and the envelope; one file below `rest` spells each resource. Not here: what a call takes and does
//! (`call`), bodies and their bounds (`http`).
//!
//! Invariant: every answer is an object with `code`, `data` and `msg`; cookies are neither read nor set, so no page of
//! another origin can call in somebody's name.

mod login;
mod personal_access_tokens;

use std::sync::OnceLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use serde_json::{Map, Value, json};

use crate::call::{self, CallContext};
use crate::error::{ApiError, Code};
use crate::limits::FORM_BYTES_MAX;
use crate::state::{Address, AppState, RequestId};

/// Where everything of the interface is.
pub(crate) const BASE: &str = "/api/v1.0";

/// The header that names the application.
const APP_NAME_HEADER: &str = "appname";

/// All routes, below [`BASE`].
pub(crate) fn routes() -> Router<AppState> {
    let allow = |methods: &'static str, route: MethodRouter<AppState>| {
        route.options(move || async move { (StatusCode::OK, [(header::ALLOW, methods)]) })
    };
    Router::new()
        .route("/login", allow("POST,OPTIONS", post(login::post)))
        .route(
            "/accounts/personal_access_tokens",
            allow(
                "GET,HEAD,POST,OPTIONS",
                get(personal_access_tokens::get).post(personal_access_tokens::post),
            ),
        )
        .route(
            "/accounts/personal_access_tokens/{id}",
            allow("DELETE,OPTIONS", delete(personal_access_tokens::delete)),
        )
        .method_not_allowed_fallback(wrong_method)
        .fallback(not_found)
}

/// What is at no path of the interface.
pub(crate) async fn not_found(request: Request) -> Response {
    let path = request.uri().path();
    let slash = if path.ends_with('/') {
        "; paths have no slash at their end"
    } else {
        ""
    };
    let message = format!("there is nothing at `{}`{slash}", crate::arguments::shortened(path));
    envelope(StatusCode::NOT_FOUND, -1, json!({}), &message)
}

async fn wrong_method(method: Method) -> Response {
    let message = format!(
        "the method `{}` is not allowed here",
        crate::arguments::shortened(method.as_str())
    );
    envelope(StatusCode::METHOD_NOT_ALLOWED, -1, json!({}), &message)
}

/// A refusal before any call.
pub(crate) fn refused(error: &ApiError) -> Response {
    failure(error)
}

/// One request, as every call needs it.
struct Asked {
    state: AppState,
    headers: HeaderMap,
    address: Address,
    request_id: String,
    body: Bytes,
    user_id: OnceLock<String>,
}

impl FromRequest<AppState> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        let body = axum::body::to_bytes(body, FORM_BYTES_MAX).await;
        Ok(Self {
            state: state.clone(),
            address: parts.extensions.get().copied().unwrap_or(Address(None)),
            request_id: request_id.unwrap_or_else(|| state.next_request_id()),
            headers: parts.headers,
            body: body.map_err(|_| refused(&too_large()))?,
            user_id: OnceLock::new(),
        })
    }
}

fn too_large() -> ApiError {
    ApiError::new(
        Code::PayloadTooLarge,
        format!("the body is over {FORM_BYTES_MAX} bytes"),
    )
}

impl Asked {
    /// Answers a call under its name, within the deadline and with its line in the log.
    async fn answer(&self, name: &str, call: impl Future<Output = Result<Value, ApiError>>) -> Response {
        self.answer_or(name, call, failure).await
    }

    /// The same with other words of what goes wrong.
    async fn answer_or(
        &self,
        name: &str,
        call: impl Future<Output = Result<Value, ApiError>>,
        failure: fn(&ApiError) -> Response,
    ) -> Response {
        match call::guarded(&self.state, name, &self.request_id, &self.user_id, call).await {
            Ok(data) => envelope(StatusCode::OK, 0, data, ""),
            Err(error) => failure(&error),
        }
    }

    /// Who calls: by a header, which has to be sent. The operator's token stands in for nobody here.
    fn enter(&self) -> Result<CallContext, ApiError> {
        let credential = call::sent_credential(&self.headers)?;
        let app_name = self.headers.get(APP_NAME_HEADER).and_then(|name| name.to_str().ok());
        let app_name = app_name.map(str::trim).filter(|name| !name.is_empty());
        call::enter(&self.state, &credential, app_name, &self.request_id, &self.user_id)
    }

    /// The body as an object, with these keys and no others.
    fn object(&self, known: &[&str]) -> Result<Map<String, Value>, ApiError> {
        let invalid = |why: &str| {
            ApiError::new(Code::InvalidArgument, format!("Request data is invalid:{why}"))
                .with_hint(format!("send a JSON object with {}", known.join(", ")))
        };
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => match object.keys().find(|key| !known.contains(&key.as_str())) {
                Some(key) => Err(invalid(&format!("Wrong key '{}'", crate::arguments::shortened(key)))),
                None => Ok(object),
            },
            Ok(_) => Err(invalid("not an object")),
            Err(_) => Err(invalid("not JSON")),
        }
    }
}

/// What went wrong. Whether a call was understood shows in the status only where clients look at it: 401 without a good
/// credential, and what has a meaning of its own to HTTP. Everything else is 200 with `code` −1.
fn failure(error: &ApiError) -> Response {
    let is_of_credential = error.code.status() == 401 || error.code == Code::UserInactive;
    let (status, msg) = if is_of_credential {
        (401, format!("permission check fail：{}", sentence(error)))
    } else if error.code == Code::PermissionDenied {
        (200, format!("has no permission: {}", sentence(error)))
    } else if error.code == Code::AccessTokenNotFound {
        (200, error.message.clone())
    } else {
        match error.code.status() {
            status @ (413 | 429 | 500..) => (status, sentence(error)),
            _ => (200, sentence(error)),
        }
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = envelope(status, -1, json!({}), &msg);
    if let Some(seconds) = error.details.get("retry_after_seconds").and_then(Value::as_u64) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// That of `login`: a wrong password is an answer, not a missing credential, and told in the words that clients know.
fn failure_of_login(error: &ApiError) -> Response {
    if matches!(error.code, Code::WrongPassword | Code::UserInactive) {
        return envelope(StatusCode::OK, -1, json!({}), &error.message);
    }
    failure(error)
}

fn sentence(error: &ApiError) -> String {
    format!("{}; {}", error.message, error.hint)
}

/// An answer of the interface.
pub(crate) fn envelope(status: StatusCode, code: i64, data: Value, msg: &str) -> Response {
    let body = json!({ "code": code, "data": data, "msg": msg });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        // Tokens are in some of them.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, body.to_string()).into_response()
}
