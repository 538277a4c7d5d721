//! Signing in with e-mail address and password: a session for a browser, or a JWT for a program.
//!
//! Not here: how often somebody may try (`auth::attempts`), what a session is (the engine), cookies (`console`).

use std::net::IpAddr;
use std::sync::OnceLock;

use loonflow_engine::account::token::Secret as EngineSecret;
use loonflow_engine::account::{User, email};
use loonflow_engine::runtime::{AuthProblem, SignedIn};
use serde_json::{Value, json};

use crate::auth::jwt;
use crate::error::{ApiError, Code};
use crate::limits::JWT_LIFE;
use crate::secret::Secret;
use crate::state::AppState;

/// What somebody signs in with.
#[derive(Debug, Clone)]
pub struct Params {
    /// In whatever case.
    pub email: String,
    /// As typed.
    pub password: Secret,
}

/// What a try to sign in needs to know of its request.
#[derive(Debug, Clone, Copy)]
pub struct From<'a> {
    /// Who is at the other end; `None` for this machine.
    pub address: Option<IpAddr>,
    /// The request's id.
    pub request_id: &'a str,
    /// Set once it is known who signs in.
    pub user_id: &'a OnceLock<String>,
}

/// A session's secret, for the cookie.
///
/// # Errors
/// `wrong_password`, `user_inactive`, `too_many_attempts`, `overloaded`, and what the log says.
pub(crate) async fn session(state: &AppState, params: Params, from: From<'_>) -> Result<Secret, ApiError> {
    let who = check(state, params, from).await?;
    let begun = state.engine().sign_in().begin(&who).await;
    let secret = begun.map_err(|fault| ApiError::of_fault(&fault, from.request_id))?;
    Ok(Secret::new(secret.expose()))
}

/// A JWT that this server takes.
///
/// # Errors
/// As [`session`], and `not_configured` where the server has no key.
pub(crate) async fn jwt(state: &AppState, params: Params, from: From<'_>) -> Result<Secret, ApiError> {
    // First, so that nobody tries passwords to learn it.
    let key = state.options().jwt_secret.as_ref().ok_or_else(|| {
        ApiError::new(Code::NotConfigured, "this server has no key to sign a JWT with")
            .with_hint("use a personal access token, or ask the operator to set `LOONFLOW_JWT_SECRET`")
    })?;
    let who = check(state, params, from).await?;
    let directory = state.engine().directories().of(&who.tenant_id);
    let user = directory.as_ref().and_then(|directory| directory.user(&who.user_id));
    let user = user.ok_or_else(wrong)?;
    let claims = claims(user, who.tenant_id.as_str(), state.now_s());
    let signed = jwt::sign(&claims, key).map_err(|_| ApiError::internal(from.request_id))?;
    Ok(Secret::new(signed))
}

async fn check(state: &AppState, params: Params, from: From<'_>) -> Result<SignedIn, ApiError> {
    let folded = email::folded(&params.email);
    let engine = state.engine().clone();
    let check = {
        let folded = folded.clone();
        move || {
            engine
                .sign_in()
                .check_password(&folded, &EngineSecret::new(params.password.expose()))
        }
    };
    let checked = state
        .attempts()
        .check(&folded, from.address, from.request_id, check)
        .await?;
    let who = checked.map_err(|problem| match problem {
        AuthProblem::Invalid | AuthProblem::Expired | AuthProblem::Revoked => wrong(),
        AuthProblem::UserInactive => ApiError::new(Code::UserInactive, "user is not active"),
        AuthProblem::DirectoryUnreadable => problem.into(),
    })?;
    // Set once: this is the only place.
    let _ = from.user_id.set(who.user_id.to_string());
    Ok(who)
}

/// The same words whether nobody has the address or the password is another.
fn wrong() -> ApiError {
    ApiError::new(Code::WrongPassword, "username or password is incorrect")
}

/// Claims as clients of the server that this one stands in for read them. Only `exp` and `data.email` are read here: user,
/// type and tenant are looked up at each call.
fn claims(user: &User, tenant: &str, now_s: u64) -> Value {
    json!({
        "iat": now_s,
        "exp": now_s + JWT_LIFE.as_secs(),
        "data": {
            "id": user.id.as_str(),
            "label": {},
            "creator_info": {},
            "tenant_id": tenant,
            "name": user.name,
            "alias": user.alias,
            "external_user_id": "",
            "email": user.email,
            "phone": user.phone,
            "is_active": user.is_active,
            "type": user.user_type.word(),
            "avatar": user.avatar,
            "lang": user.lang,
        },
    })
}
