//! `accounts/personal_access_tokens`: the caller's own, for whoever signed in.

use axum::extract::Path;
use axum::response::Response;
use loonflow_engine::time::Timestamp;
use serde_json::{Value, json};

use super::Asked;
use crate::call::own_access_tokens::{self, DAYS_USUAL, Params};
use crate::error::{ApiError, Code};
use crate::limits::TOKEN_LABEL_CHARS_MAX;

/// `GET`: the newest first, not paged.
pub(super) async fn get(asked: Asked) -> Response {
    let list = async {
        let tokens = own_access_tokens::list(&asked.enter()?).await?;
        let rows: Vec<Value> = tokens
            .iter()
            .map(|token| {
                json!({
                    "id": token.id.as_str(),
                    "label": token.label,
                    "masked_token": own_access_tokens::masked(&token.id),
                    "expires_at": time(token.expires_at),
                    "created_at": time(Some(token.created_at)),
                    "last_used_at": time(token.last_used_at),
                    "revoked": token.revoked_at.is_some(),
                })
            })
            .collect();
        Ok(json!({ "personal_access_token_list": rows }))
    };
    asked.answer("access_token_list", list).await
}

/// `POST`: the token's text is in this answer and in no other.
pub(super) async fn post(asked: Asked) -> Response {
    let create = async {
        let context = asked.enter()?;
        let made = own_access_tokens::create(&context, params(&asked)?).await?;
        Ok(json!({
            "id": made.info.id.as_str(),
            "token": made.token.expose(),
            "label": made.info.label,
            "expires_at": time(made.info.expires_at),
            "masked_hint": own_access_tokens::masked(&made.info.id),
        }))
    };
    asked.answer("access_token_create", create).await
}

/// `DELETE {id}`.
pub(super) async fn delete(Path(id): Path<String>, asked: Asked) -> Response {
    let revoke = async {
        own_access_tokens::revoke(&asked.enter()?, &id).await?;
        Ok(json!({}))
    };
    asked.answer("access_token_revoke", revoke).await
}

fn params(asked: &Asked) -> Result<Params, ApiError> {
    let object = asked.object(&["label", "expires_in_days"])?;
    let wrong = |key: &str, expected: &str| {
        let message = format!("Request data is invalid:'{key}' must be {expected}");
        ApiError::new(Code::InvalidArgument, message).with_hint(format!("send `{key}` as {expected}, or leave it out"))
    };
    // Longer ones are cut, as the other server does.
    let label: String = match object.get("label") {
        None | Some(Value::Null) => String::new(),
        Some(label) => {
            let label = label.as_str().ok_or_else(|| wrong("label", "a text"))?;
            label.trim().chars().take(TOKEN_LABEL_CHARS_MAX).collect()
        }
    };
    let days = match object.get("expires_in_days") {
        None | Some(Value::Null) => i64::from(DAYS_USUAL),
        Some(days) => days
            .as_i64()
            .ok_or_else(|| wrong("expires_in_days", "a whole number"))?,
    };
    Params::new(&label, days)
}

/// `2026-12-27 14:25:37`, in UTC; nothing for never.
fn time(at: Option<Timestamp>) -> String {
    let utc = |at: Timestamp| at.to_answer(&jiff::tz::TimeZone::UTC);
    at.map(utc)
        .map_or_else(String::new, |text| text.trim_end_matches(" +0000").to_owned())
}
