//! The cookie that a browser keeps of a session.
//!
//! Not here: what its value stands for (the engine). No script reads it, no page of another site sends it along with a form, and
//! where the public address is `https` it goes over TLS alone and nobody but this very host can have set it (`__Host-`).
//!
//! `Lax` and not `Strict`, so that a link in a mail or in another program finds one signed in; what changes something is
//! posted, and refused unless it comes from a page of ours (`origin`).

use axum::http::{HeaderMap, HeaderValue, header};
use loonflow_engine::limits::SESSION_MS;

use crate::secret::Secret;
use crate::state::AppState;

const PLAIN: &str = "loonflow_session";
const OVER_TLS: &str = "__Host-loonflow_session";

fn is_over_tls(state: &AppState) -> bool {
    let public = state.options().public_url.as_deref();
    public.is_some_and(|url| url.starts_with("https://"))
}

/// The session's secret, where a browser sent one.
pub(super) fn read(state: &AppState, headers: &HeaderMap) -> Option<Secret> {
    let name = if is_over_tls(state) { OVER_TLS } else { PLAIN };
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| Secret::new(value))
}

/// Keeps a session's secret.
pub(super) fn keep(state: &AppState, secret: &Secret) -> Option<HeaderValue> {
    written(state, secret.expose(), SESSION_MS / 1_000)
}

/// Forgets it.
pub(super) fn forget(state: &AppState) -> Option<HeaderValue> {
    written(state, "", 0)
}

fn written(state: &AppState, value: &str, seconds: i64) -> Option<HeaderValue> {
    let (name, secure) = if is_over_tls(state) {
        (OVER_TLS, "; Secure")
    } else {
        (PLAIN, "")
    };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).ok()?;
    // Nothing that prints headers prints it.
    cookie.set_sensitive(true);
    Some(cookie)
}
