//! The console: pages for people, who sign in with their e-mail address and password (contract: console).
//!
//! Here: routes, who is signed in, and what every page is sent with; one file below `console` spells each page, one template
//! draws it. Not here: what a call takes and does (`call`), sessions (the engine), bodies and their bounds (`http`).
//!
//! Invariants: what changes something is a form that is posted, and it is taken from a page of our own origin alone; every page
//! is whole without script; nothing that somebody typed reaches a page unescaped; no page is kept in a cache.

mod assets;
mod cookie;
mod origin;
mod sign_in;
mod ticket;
mod tokens;
mod when;

use std::sync::{Mutex, OnceLock, PoisonError};

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::call::{self, CallContext};
use crate::error::{ApiError, Code};
use crate::limits::FORM_BYTES_MAX;
use crate::secret::Secret;
use crate::state::{Address, AppState, RequestId};

/// Where people sign in.
pub const SIGN_IN_PATH: &str = "/sign-in";
/// Where people make tokens.
pub const TOKENS_PATH: &str = "/me/tokens";

/// Own style and own script from own files, forms to ourselves, no frames around, nothing else.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// All routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(home))
        .route("/me", get(home))
        .route(SIGN_IN_PATH, get(sign_in::get).post(sign_in::post))
        .route("/sign-out", get(home).post(sign_in::out))
        .route(TOKENS_PATH, get(tokens::get).post(tokens::post))
        .route("/me/tokens/new", get(tokens::new))
        .route("/me/tokens/{id}/revoke", get(tokens::ask).post(tokens::revoke))
        .route("/t/{id}", get(ticket::get))
        .route("/assets/{name}", get(assets::get))
        .method_not_allowed_fallback(wrong_method)
}

async fn home() -> Response {
    see(TOKENS_PATH)
}

async fn wrong_method() -> Response {
    let message = "this page is read with GET; its forms are sent with POST";
    refused(&ApiError::new(Code::InvalidArgument, message).with_hint("go back to the start and try from there"))
}

/// Why no page comes of a request.
enum Turn {
    /// Nobody is signed in, or no longer.
    SignIn,
    /// To another page.
    See(String),
    Refused(ApiError),
    /// The same, with a page of its own; the line in the log names the refusal.
    Drawn(ApiError, Box<Response>),
}

impl From<ApiError> for Turn {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

type Page = Result<Response, Turn>;

/// One request, as every page needs it.
struct Visit {
    state: AppState,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    address: Address,
    request_id: String,
    body: Bytes,
    user_id: OnceLock<String>,
}

impl FromRequest<AppState> for Visit {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        let body = axum::body::to_bytes(body, FORM_BYTES_MAX).await;
        Ok(Self {
            state: state.clone(),
            address: parts.extensions.get().copied().unwrap_or(Address(None)),
            request_id: request_id.unwrap_or_else(|| state.next_request_id()),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: body.map_err(|_| refused(&ApiError::new(Code::PayloadTooLarge, "the form is too large")))?,
            user_id: OnceLock::new(),
        })
    }
}

/// Whose browser a request comes from, for what a page links to; `None` where nobody is signed in.
///
/// # Errors
/// Why a user who is signed in may not call now: `overloaded`.
pub(crate) fn signed_in(
    state: &AppState,
    headers: &HeaderMap,
    request_id: &str,
    user_id: &OnceLock<String>,
) -> Result<Option<CallContext>, ApiError> {
    match cookie::read(state, headers) {
        Some(secret) => call::enter_session(state, &secret, request_id, user_id),
        None => Ok(None),
    }
}

/// Whoever is signed in.
struct Visitor {
    context: CallContext,
    /// What every page says of them.
    shell: Shell,
}

/// What stands around a page.
struct Shell {
    tenant: String,
    name: String,
    initials: String,
    assets: &'static assets::Names,
}

impl Visit {
    /// Answers a visit under its name, within the deadline and with its line in the log.
    async fn answer(&self, name: &str, page: impl Future<Output = Page>) -> Response {
        let drawn = Mutex::new(None);
        let call = async {
            match page.await {
                Err(Turn::Refused(error)) => Err(error),
                Err(Turn::Drawn(error, response)) => {
                    *drawn.lock().unwrap_or_else(PoisonError::into_inner) = Some(*response);
                    Err(error)
                }
                Ok(response) => Ok(Ok(response)),
                Err(turn) => Ok(Err(turn)),
            }
        };
        match call::guarded(&self.state, name, &self.request_id, &self.user_id, call).await {
            Ok(Ok(response)) => response,
            Ok(Err(Turn::See(path))) => see(&path),
            Ok(Err(Turn::SignIn)) if self.method == Method::GET || self.method == Method::HEAD => {
                see(&format!("{SIGN_IN_PATH}?next={}", encoded(self.uri.path())))
            }
            Ok(Err(Turn::SignIn)) => see(SIGN_IN_PATH),
            Ok(Err(Turn::Refused(error) | Turn::Drawn(error, _))) | Err(error) => {
                let drawn = drawn.into_inner().unwrap_or_else(PoisonError::into_inner);
                drawn.unwrap_or_else(|| refused(&error))
            }
        }
    }

    /// Who is signed in.
    fn visitor(&self) -> Result<Visitor, Turn> {
        let secret = cookie::read(&self.state, &self.headers).ok_or(Turn::SignIn)?;
        let context =
            call::enter_session(&self.state, &secret, &self.request_id, &self.user_id)?.ok_or(Turn::SignIn)?;
        let directory = context.directory()?;
        let user = directory.user(&context.caller.user_id).ok_or(Turn::SignIn)?;
        let name = user.shown_name().to_owned();
        let shell = Shell {
            tenant: directory.tenant.name.clone(),
            initials: initials(&name),
            name,
            assets: assets::names(),
        };
        Ok(Visitor { context, shell })
    }

    /// Refuses a form that was not sent by a page of ours.
    fn check_origin(&self) -> Result<(), Turn> {
        Ok(origin::check(self.state.options(), &self.headers)?)
    }

    /// A field of the form that was sent; empty where it is not there.
    fn field(&self, name: &str) -> String {
        value(&self.body, name).unwrap_or_default()
    }

    /// The same, for what must never be shown.
    fn secret_field(&self, name: &str) -> Secret {
        Secret::new(value(&self.body, name).unwrap_or_default())
    }

    /// A part of the address behind the question mark.
    fn query(&self, name: &str) -> Option<String> {
        value(self.uri.query().unwrap_or_default().as_bytes(), name)
    }

    /// Where the server is for whoever visits.
    fn own_url(&self) -> String {
        let host = self.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let public = self.state.options().public_url.clone();
        public.unwrap_or_else(|| format!("http://{}", host.unwrap_or("127.0.0.1")))
    }
}

fn value(form: &[u8], name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(form);
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A text as part of an address.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The first letters of the first and last word of a name.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// To another page, which the browser gets with GET.
fn see(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    guard(&mut response);
    response
}

/// A page that is drawn.
fn drawn(status: StatusCode, template: &impl Template) -> Response {
    let Ok(html) = template.render() else {
        // A template that compiles is drawn; the text of a page is all that could be in the way.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let kind = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    )];
    let mut response = (status, kind, html).into_response();
    guard(&mut response);
    response
}

/// What browsers are told of every page.
fn guard(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        // With `no-referrer` browsers send forms of ours from an origin `null`.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ] {
        headers.insert(name, value);
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    assets: &'static assets::Names,
    title: &'static str,
    message: String,
    hint: String,
}

/// A page that says what went wrong.
pub(crate) fn refused(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = if status.is_server_error() {
        "That did not work, and it is not your fault"
    } else {
        "That did not work"
    };
    let problem = Problem {
        assets: assets::names(),
        title,
        message: capital(&error.message),
        hint: capital(&error.hint),
    };
    let mut response = drawn(status, &problem);
    if let Some(seconds) = error
        .details
        .get("retry_after_seconds")
        .and_then(serde_json::Value::as_u64)
    {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A sentence of the table of errors as a person reads it.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars.filter(|c| *c != '`')).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_have_initials() {
        for (name, expected) in [
            ("Erin Eng-Lead", "EE"),
            ("dev", "D"),
            ("Ana Maria de Souza", "AS"),
            ("", ""),
            ("王 芳", "王芳"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn an_address_and_a_form_are_read_alike() {
        assert_eq!(
            value(b"a=1&label=caf%C3%A9+%3Cb%3E&a=2", "label").as_deref(),
            Some("café <b>")
        );
        assert_eq!(value(b"a=1&a=2", "a").as_deref(), Some("1"));
        assert_eq!(value(b"\xff%", "a"), None);
        assert_eq!(encoded("/me/tokens?x=<&"), "%2Fme%2Ftokens%3Fx%3D%3C%26");
    }
}
