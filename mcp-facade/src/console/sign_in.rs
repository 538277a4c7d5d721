//! Signing in and out.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;

use super::{SIGN_IN_PATH, TOKENS_PATH, Turn, Visit, assets, cookie, drawn, see};
use crate::call::sign_in::{self, Params};
use crate::error::{ApiError, Code};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    assets: &'static assets::Names,
    /// The tenant's name, where the server has one alone.
    tenant: Option<String>,
    email: String,
    next: String,
    /// What went wrong with the last try.
    problem: Option<String>,
    /// What went well.
    note: Option<&'static str>,
}

/// `GET /sign-in`.
pub(super) async fn get(visit: Visit) -> Response {
    let page = async {
        let next = own_path(visit.query("next").as_deref());
        match visit.visitor() {
            Ok(_) => return Err(Turn::See(next)),
            Err(Turn::SignIn | Turn::See(_)) => {}
            Err(refused) => return Err(refused),
        }
        let out = visit.query("out").is_some();
        let form = SignIn {
            note: out.then_some("You are signed out. Whoever has a copy of your session is, too."),
            next,
            ..SignIn::empty(&visit)
        };
        Ok(drawn(StatusCode::OK, &form))
    };
    visit.answer("sign_in_form", page).await
}

/// `POST /sign-in`.
pub(super) async fn post(visit: Visit) -> Response {
    let page = async {
        visit.check_origin()?;
        let params = Params {
            email: visit.field("email"),
            password: visit.secret_field("password"),
        };
        let (email, next) = (params.email.clone(), own_path(Some(&visit.field("next"))));
        let form = |problem: String| SignIn {
            email: email.clone(),
            next: next.clone(),
            problem: Some(problem),
            ..SignIn::empty(&visit)
        };
        if email.trim().is_empty() || params.password.expose().is_empty() {
            let form = form("Enter your e-mail address and your password.".to_owned());
            return Ok(drawn(StatusCode::UNPROCESSABLE_ENTITY, &form));
        }
        let from = sign_in::From {
            address: visit.address.0,
            request_id: &visit.request_id,
            user_id: &visit.user_id,
        };
        let secret = match sign_in::session(&visit.state, params, from).await {
            Ok(secret) => secret,
            Err(error) => {
                let words = words(&error).ok_or(error.clone())?;
                let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::UNAUTHORIZED);
                let mut response = drawn(status, &form(words));
                if let Some(seconds) = error
                    .details
                    .get("retry_after_seconds")
                    .and_then(serde_json::Value::as_u64)
                {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                return Err(Turn::Drawn(error, Box::new(response)));
            }
        };
        // The session that this browser had before is nobody's any longer.
        end(&visit).await?;
        let mut response = see(&next);
        if let Some(cookie) = cookie::keep(&visit.state, &secret) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        Ok(response)
    };
    visit.answer("sign_in", page).await
}

/// `POST /sign-out`.
pub(super) async fn out(visit: Visit) -> Response {
    let page = async {
        visit.check_origin()?;
        // For the line in the log.
        let _ = visit.visitor();
        end(&visit).await?;
        let mut response = see(&format!("{SIGN_IN_PATH}?out=1"));
        if let Some(cookie) = cookie::forget(&visit.state) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        Ok(response)
    };
    visit.answer("sign_out", page).await
}

/// Ends the session whose cookie came along.
async fn end(visit: &Visit) -> Result<(), ApiError> {
    let Some(secret) = cookie::read(&visit.state, &visit.headers) else {
        return Ok(());
    };
    let ended = visit.state.engine().sign_in().end(secret.expose()).await;
    ended.map_err(|fault| ApiError::of_fault(&fault, &visit.request_id))
}

impl SignIn {
    fn empty(visit: &Visit) -> Self {
        let mut tenants = visit.state.engine().directories().tenants().into_iter();
        let tenant = match (tenants.next(), tenants.next()) {
            (Some(one), None) => Some(one.name),
            (Some(_) | None, _) => None,
        };
        Self {
            assets: assets::names(),
            tenant,
            email: String::new(),
            next: TOKENS_PATH.to_owned(),
            problem: None,
            note: None,
        }
    }
}

/// What the form says of a try that failed; `None` where it is no matter of the form.
fn words(error: &ApiError) -> Option<String> {
    let seconds = || {
        let seconds = error.details["retry_after_seconds"].as_u64().unwrap_or(1);
        if seconds == 1 {
            "1 second".to_owned()
        } else {
            format!("{seconds} seconds")
        }
    };
    if error.code == Code::WrongPassword {
        Some("E-mail or password is not right.".to_owned())
    } else if error.code == Code::TooManyAttempts {
        Some(format!(
            "Too many attempts were not right. You can try again in {}.",
            seconds()
        ))
    } else if error.code == Code::UserInactive {
        Some("Your account is not active. Ask an administrator of your organisation.".to_owned())
    } else if error.code == Code::Overloaded {
        Some(format!(
            "Many people are signing in just now. Try again in {}.",
            seconds()
        ))
    } else {
        None
    }
}

/// A path of ours to go on to; the tokens where it is none, or could be another's address.
fn own_path(next: Option<&str>) -> String {
    let is_own = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            && next.len() <= 1_000
            && !next.starts_with(SIGN_IN_PATH)
    };
    next.filter(is_own).unwrap_or(TOKENS_PATH).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_own_pages_only() {
        for own in ["/me/tokens/new", "/me/tokens?revoked=a", "/"] {
            assert_eq!(own_path(Some(own)), own);
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "/a b",
            "/a\nb",
            "/\tb",
            "javascript:alert(1)",
            "me",
            "/sign-in",
            "/é",
        ] {
            assert_eq!(own_path(Some(other)), TOKENS_PATH, "{other}");
        }
        assert_eq!(own_path(None), TOKENS_PATH);
    }
}
