//! `login`: a JWT for e-mail address and password.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Asked, failure_of_login};
use crate::call::sign_in;
use crate::error::{ApiError, Code};
use crate::secret::Secret;

/// `POST login`.
pub(super) async fn post(asked: Asked) -> Response {
    let login = async {
        let params = params(&asked.body)?;
        let from = sign_in::From {
            address: asked.address.0,
            request_id: &asked.request_id,
            user_id: &asked.user_id,
        };
        let jwt = sign_in::jwt(&asked.state, params, from).await?;
        Ok(json!({ "jwt": jwt.expose() }))
    };
    asked.answer_or("login", login, failure_of_login).await
}

/// Unknown keys are passed over, as clients of the other server expect. No error repeats anything of the body.
fn params(body: &[u8]) -> Result<sign_in::Params, ApiError> {
    let invalid = || {
        ApiError::new(Code::InvalidArgument, "invalid params")
            .with_hint("send a JSON object with the texts `email` and `password`")
    };
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        return Err(invalid());
    };
    let text = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Err(invalid()),
    };
    Ok(sign_in::Params {
        email: text("email")?.to_owned(),
        password: Secret::new(text("password")?),
    })
}
