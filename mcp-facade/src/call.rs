//! A call: what somebody asks of the engine, whatever spelling it came in.
//!
//! `call/<operation>.rs` owns an operation's parameters, what they become for the engine, and its answer: a type, which
//! each spelling writes out as it likes. MCP, REST and the console are spellings of them, and take the same road:
//! `credential` and `enter`, or `enter_session`, say who calls and whether they may now, `guarded` answers in time and writes
//! the line of the request log.
//!
//! Invariants: every call is answered within the deadline, also when it panics or hangs; every call leaves one line in
//! the request log.
//!
//! Not here: how a call is spelt (`mcp`, `rest`, `console`), words of the wire (`wire`), rules (the engine).

pub mod absence_clear;
pub mod absence_list;
pub mod absence_set;
mod context;
pub mod file_upload;
mod notes;
pub mod own_access_tokens;
pub mod sign_in;
pub mod ticket_create;
pub mod ticket_detail;
pub mod ticket_handle;
pub mod ticket_history;
pub mod ticket_list;
pub mod ticket_prepare_create;
pub mod ticket_prepare_handle;
pub mod user_list;
pub mod workflow_list;

use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;

use axum::http::HeaderMap;
use futures::FutureExt;
use loonflow_engine::runtime::{AuthProblem, Caller};
use tokio::time::Instant;

pub use self::context::CallContext;
use crate::arguments::DEFAULT_APP_NAME;
use crate::auth::{self, Credential, Identity, credentials};
use crate::error::{ApiError, Code};
use crate::secret::Secret;
use crate::state::AppState;
use crate::telemetry;

/// Answers a call within the deadline, whatever it does, and writes its line in the request log; `user_id` is set once
/// it is known who calls.
///
/// # Errors
/// Those of the call, `overloaded` where it takes too long, `internal_error` where it panics.
pub(crate) async fn guarded<T>(
    state: &AppState,
    name: &str,
    request_id: &str,
    user_id: &OnceLock<String>,
    call: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let _in_flight = state.calls().token();
    let started = Instant::now();
    let deadline = state.options().call_deadline;
    let call = AssertUnwindSafe(call).catch_unwind();
    let answered = match tokio::time::timeout(deadline, call).await {
        Ok(Ok(answered)) => answered,
        // The panic hook has logged what and where.
        Ok(Err(_panic)) => Err(ApiError::internal(request_id)),
        Err(_elapsed) => Err(
            ApiError::overloaded("the call was not answered in time and may still be carried out", 5)
                .with_hint("wait 5 seconds, look at the ticket, and repeat with the same idempotency_key"),
        ),
    };
    let code = answered.as_ref().err().map_or("ok", |error| error.code.as_str());
    let user_id = user_id.get().map_or("", String::as_str);
    telemetry::log_call(request_id, name, user_id, code, started.elapsed());
    answered
}

/// Lets a caller in: user and application, then rate.
///
/// # Errors
/// Why not: `token_invalid`, `token_expired`, `token_revoked`, `user_inactive`, `app_not_allowed`, `overloaded`.
pub(crate) fn enter(
    state: &AppState,
    credential: &Credential,
    app_name: Option<&str>,
    request_id: &str,
    user_id: &OnceLock<String>,
) -> Result<CallContext, ApiError> {
    let app_name = app_name.unwrap_or(DEFAULT_APP_NAME);
    let caller = identify(state, credential)
        .and_then(|identity| auth::caller::caller(state.engine(), &identity, app_name))
        .map_err(|error| credential.source.explain(error))?;
    enter_as(state, caller, request_id, user_id)
}

/// Lets the user of a browser's session in; `None` where it does not go on.
///
/// # Errors
/// Why a user who is signed in may not call now: `overloaded`.
pub(crate) fn enter_session(
    state: &AppState,
    secret: &Secret,
    request_id: &str,
    user_id: &OnceLock<String>,
) -> Result<Option<CallContext>, ApiError> {
    let (tenant_id, user_id_found) = match state.engine().sign_in().identify(secret.expose()) {
        Ok(found) => found,
        Err(AuthProblem::DirectoryUnreadable) => return Err(AuthProblem::DirectoryUnreadable.into()),
        Err(AuthProblem::Invalid | AuthProblem::Expired | AuthProblem::Revoked | AuthProblem::UserInactive) => {
            return Ok(None);
        }
    };
    let caller = Caller {
        tenant_id,
        user_id: user_id_found,
        app: DEFAULT_APP_NAME.into(),
        access_token: None,
    };
    enter_as(state, caller, request_id, user_id).map(Some)
}

fn enter_as(
    state: &AppState,
    caller: Caller,
    request_id: &str,
    user_id: &OnceLock<String>,
) -> Result<CallContext, ApiError> {
    let _ = user_id.set(caller.user_id.to_string());
    if let Some(limiter) = state.rate_limiter() {
        limiter.take((caller.tenant_id.clone(), caller.user_id.clone()))?;
    }
    Ok(CallContext {
        state: state.clone(),
        caller,
        request_id: request_id.to_owned(),
    })
}

/// The credential that decides about a call.
///
/// # Errors
/// `token_missing`.
pub(crate) fn credential(
    state: &AppState,
    argument: Option<&str>,
    headers: Option<&HeaderMap>,
) -> Result<Credential, ApiError> {
    credentials::find(argument, headers, state.options().environment_token.as_ref()).ok_or_else(|| {
        let missing = ApiError::new(Code::TokenMissing, "no token came with the call");
        match headers {
            Some(_) => missing,
            // A process that talks over stdio is started with its token.
            None => missing.with_hint(
                "start the server with the token in the environment variable `LOONFLOW_MCP_ACCESS_TOKEN`, or send \
                 it in the argument `access_token`",
            ),
        }
    })
}

/// The same where nothing stands in for a credential that was not sent: what a page of another origin can send must not
/// act in anybody's name.
///
/// # Errors
/// `token_missing`.
pub(crate) fn sent_credential(headers: &HeaderMap) -> Result<Credential, ApiError> {
    credentials::find(None, Some(headers), None).ok_or_else(|| {
        ApiError::new(Code::TokenMissing, "no token came with the call")
            .with_hint("send a token in the header `Authorization: Bearer <token>`")
    })
}

/// Who a credential belongs to, as far as the directory is not needed for it.
///
/// # Errors
/// `token_invalid`, `token_expired`.
pub(crate) fn identify(state: &AppState, credential: &Credential) -> Result<Identity, ApiError> {
    auth::identify(credential, state.jwt(), state.now_s())
}

#[cfg(test)]
mod tests;
