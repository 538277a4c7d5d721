//! The caller's personal access tokens: list, make, revoke.
//!
//! Only for a person who signed in: a token neither makes nor revokes tokens, so one that got out cannot outlive its end.
//!
//! Not here: how a token is shown (`rest`, `console`), its bounds (the engine).

use loonflow_engine::id::AccessTokenId;
use loonflow_engine::limits::ACCESS_TOKEN_DAYS_MAX;
use loonflow_engine::runtime::{AccessTokenInfo, Fault, OperatorRefusal};
use loonflow_engine::time::Timestamp;

use super::CallContext;
use crate::error::{ApiError, Code};
use crate::limits::TOKEN_LABEL_CHARS_MAX;
use crate::secret::Secret;

/// Days that a token lives where nobody says.
pub const DAYS_USUAL: u32 = 90;

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    label: String,
    days: Option<u32>,
}

impl Params {
    /// Reads a label, without blanks around it, and the days until the token's end, 0 for none.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn new(label: &str, days: i64) -> Result<Self, ApiError> {
        let label = label.trim();
        let n_chars = label.chars().count();
        if n_chars > TOKEN_LABEL_CHARS_MAX {
            let message = format!("the label has {n_chars} characters, over {TOKEN_LABEL_CHARS_MAX}");
            return Err(ApiError::invalid_argument("label", message).with_hint("shorten it"));
        }
        let days = match u32::try_from(days) {
            Ok(0) => None,
            Ok(days) if days <= ACCESS_TOKEN_DAYS_MAX => Some(days),
            Ok(_) | Err(_) => {
                let message = format!("a token lives 1 to {ACCESS_TOKEN_DAYS_MAX} days, not {days}");
                let hint = format!("send 1 to {ACCESS_TOKEN_DAYS_MAX}, or 0 for a token without an end");
                return Err(ApiError::invalid_argument("expires_in_days", message).with_hint(hint));
            }
        };
        Ok(Self {
            label: label.to_owned(),
            days,
        })
    }
}

/// A token that was made just now.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its text, shown this once.
    pub token: Secret,
    /// What lists show of it.
    pub info: AccessTokenInfo,
}

/// The caller's tokens, the newest first, revoked and expired ones included.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn list(context: &CallContext) -> Result<Vec<AccessTokenInfo>, ApiError> {
    in_person(context)?;
    let listed = context
        .engine()
        .access_tokens()
        .list(&context.caller.tenant_id, &context.caller.user_id)
        .await;
    let mut tokens = answered(context, listed)?;
    tokens.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
    Ok(tokens)
}

/// Makes a token.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn create(context: &CallContext, params: Params) -> Result<Made, ApiError> {
    in_person(context)?;
    let (engine, caller, asked) = (context.engine().clone(), context.caller.clone(), params.clone());
    // In a task of its own, so that a client that hangs up does not stop it half-way.
    let made = async move {
        engine
            .access_tokens()
            .create(&caller.tenant_id, &caller.user_id, &asked.label, asked.days)
            .await
    };
    let made = context.state.calls().spawn(made).await;
    let made = made.map_err(|_panicked| ApiError::internal(&context.request_id))?;
    let (id, token) = answered(context, made)?;
    let directory = context.directory()?;
    let kept = directory.access_tokens.get(&id);
    let created_at = kept.map_or_else(|| context.state.now(), |kept| kept.created_at);
    Ok(Made {
        token: Secret::new(token.expose()),
        info: AccessTokenInfo {
            id,
            label: params.label,
            created_at,
            expires_at: kept.and_then(|kept| kept.expires_at),
            revoked_at: None,
            last_used_at: None,
        },
    })
}

/// Takes a token back. One of somebody else, one that does not exist and one that was taken back before answer alike.
///
/// # Errors
/// `access_token_not_found`.
pub(crate) async fn revoke(context: &CallContext, id: &str) -> Result<(), ApiError> {
    let id = AccessTokenId::from(id);
    let own = list(context).await?;
    if !own.iter().any(|one| one.id == id && one.revoked_at.is_none()) {
        return Err(ApiError::new(
            Code::AccessTokenNotFound,
            "Token not found or already revoked",
        ));
    }
    let (engine, caller) = (context.engine().clone(), context.caller.clone());
    let revoked = async move {
        engine
            .access_tokens()
            .revoke(&caller.tenant_id, &caller.user_id, &id)
            .await
    };
    let revoked = context.state.calls().spawn(revoked).await;
    answered(
        context,
        revoked.map_err(|_panicked| ApiError::internal(&context.request_id))?,
    )
}

/// What a token is known by where its text is not.
pub(crate) fn masked(id: &AccessTokenId) -> String {
    format!("lfpat.{id}.…")
}

/// Whether a token works at an instant.
pub(crate) fn is_live(token: &AccessTokenInfo, now: Timestamp) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|end| now < end)
}

fn in_person(context: &CallContext) -> Result<(), ApiError> {
    if context.caller.access_token.is_none() {
        return Ok(());
    }
    let message = "a personal access token does not list, make or revoke personal access tokens";
    Err(ApiError::new(Code::PermissionDenied, message)
        .with_hint("sign in at `/sign-in`, or use the JWT that `POST /api/v1.0/login` answers"))
}

fn answered<T>(context: &CallContext, answer: Result<Result<T, OperatorRefusal>, Fault>) -> Result<T, ApiError> {
    match answer {
        Ok(answer) => answer.map_err(ApiError::from),
        Err(fault) => Err(ApiError::of_fault(&fault, &context.request_id)),
    }
}
