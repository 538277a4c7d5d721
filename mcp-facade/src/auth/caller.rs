//! From an [`Identity`] to the engine's [`Caller`]: an active user of a tenant, and the application that speaks for it.
//!
//! Not here: whether the application may use a workflow, which the engine asks call by call. Wait-free: the directory is
//! a snapshot.

use loonflow_engine::id::{AccessTokenId, AppName, TenantId, UserId};
use loonflow_engine::runtime::{AuthProblem, Caller, Engine};

use super::Identity;
use crate::arguments::shortened;
use crate::error::{ApiError, Code};

/// The active user whose credential this is, with the token's id where it is a personal access token.
///
/// # Errors
/// `token_invalid`, `token_expired`, `token_revoked`, `user_inactive`.
pub fn recognise(engine: &Engine, identity: &Identity) -> Result<(TenantId, UserId, Option<AccessTokenId>), ApiError> {
    let found = match identity {
        Identity::PersonalAccessToken(token) => engine
            .access_tokens()
            .identify(&token.id, token.secret.expose())
            .map(|(tenant, user, id)| (tenant, user, Some(id))),
        Identity::Email(email) => engine
            .directories()
            .identify_email(email)
            .map(|(tenant, user)| (tenant, user, None)),
    };
    found.map_err(|problem: AuthProblem| problem.into())
}

/// The caller that an identity is, through an application that its tenant has.
///
/// # Errors
/// As [`recognise`], and `app_not_allowed`.
pub fn caller(engine: &Engine, identity: &Identity, app_name: &str) -> Result<Caller, ApiError> {
    let (tenant_id, user_id, access_token) = recognise(engine, identity)?;
    let app = AppName::from(app_name);
    if !engine.directories().has_application(&tenant_id, &app) {
        let message = format!("there is no application `{}`", shortened(app_name));
        return Err(ApiError::new(Code::AppNotAllowed, message));
    }
    Ok(Caller {
        tenant_id,
        user_id,
        app,
        access_token,
    })
}
