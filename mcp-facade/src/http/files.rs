//! Files of any size: `POST /files` takes one in, `GET /files/<id>` gives it out (contract: files).
//!
//! A file is written to the disk as it comes, and read from there as its client takes it: none is ever whole in memory.
//! What comes in is bounded, has to keep coming, and is nobody's until it is whole.
//!
//! A file is given out to be saved, never to be shown: whoever uploaded it may have written a page that would run in the
//! server's own name.
//!
//! Not here: who may have which file, what it is and what it is called (the engine).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use loonflow_engine::id::FileId;
use loonflow_engine::runtime::{OpenFile, Upload};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::bodies::Window;
use super::gate::Gate;
use crate::call::file_upload::{Answer, checked_name};
use crate::call::{self, CallContext};
use crate::console;
use crate::error::{ApiError, Code};
use crate::limits::{FILE_UNREAD_BYTES_MAX, UPLOAD_BYTES_MAX, UPLOAD_DEADLINE, UPLOAD_DISCARD_BYTES_MAX};
use crate::rest;
use crate::state::AppState;

/// The header that names the application.
const APP_NAME_HEADER: &str = "appname";

/// Both routes.
pub(super) fn routes(gate: Gate) -> Router<AppState> {
    let upload = {
        let gate = gate.clone();
        move |State(state): State<AppState>, request: Request| {
            let gate = gate.clone();
            async move { take_in(&state, &gate, request).await }
        }
    };
    let download = move |State(state): State<AppState>, Path(id): Path<String>, request: Request| {
        let gate = gate.clone();
        async move { give_out(&state, &gate, &id, request).await }
    };
    Router::new()
        .route("/files", post(upload).fallback(async || wrong_method("POST")))
        .route("/files/{id}", get(download).fallback(async || wrong_method("GET,HEAD")))
        // Bounded here, by what a file may have.
        .layer(DefaultBodyLimit::disable())
}

fn wrong_method(allowed: &'static str) -> Response {
    let mut response = rest::envelope(
        StatusCode::METHOD_NOT_ALLOWED,
        -1,
        json!({}),
        "the method is not allowed here",
    );
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn take_in(state: &AppState, gate: &Gate, request: Request) -> Response {
    let request_id = state.next_request_id();
    let answered = tokio::time::timeout(UPLOAD_DEADLINE, received(state, gate, request, &request_id));
    let answered = answered
        .await
        .unwrap_or_else(|_elapsed| Err(ApiError::overloaded("the file was not whole in time", 60)));
    let response = match answered {
        Ok(answer) => rest::envelope(StatusCode::OK, 0, answer.to_json(), ""),
        Err(error) => refused(&error),
    };
    with_request_id(response, &request_id)
}

/// Reads the one part of a body into an upload, and finishes it.
async fn received(state: &AppState, gate: &Gate, request: Request, request_id: &str) -> Result<Answer, ApiError> {
    gate.take_address(&request)?;
    gate.check_host(&request)?;
    let user_id = OnceLock::new();
    // Before anything is read: nobody unknown makes the server write.
    let context = enter(state, request.headers(), request_id, &user_id)?;
    let begun = async { context.answered(context.engine().files().upload(&context.caller).await) };
    let mut upload = call::guarded(state, "file_upload_begin", request_id, &user_id, begun).await?;
    gate.enter_body(&request);
    let unread = Arc::new(AtomicU64::new(0));
    let request = request.map(|body| paced(body, unread.clone()));
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| no_multipart())?;
    let name = copy(&context, &mut parts, &mut upload, &unread).await?;
    // In a task of its own, so that a client that hangs up now does not stop it half-way.
    let finish = async move { upload.finish(&name).await };
    let finished = async { Ok(Answer::from(&context.finish(finish).await?)) };
    call::guarded(state, "file_upload", request_id, &user_id, finished).await
}

/// A body that gives one piece each time it is looked at, its end as well, and breaks off once too much of it lies unread:
/// what stands before the part, or behind it, is nothing that anybody needs.
///
/// The reader of parts takes whatever is there, and takes a body that it found whole in the middle of a look for one that
/// was cut.
fn paced(body: Body, unread: Arc<AtomicU64>) -> Body {
    let pieces = futures::stream::try_unfold((body.into_data_stream(), unread), |(mut pieces, unread)| async move {
        tokio::task::yield_now().await;
        let Some(piece) = pieces.next().await else {
            return Ok(None);
        };
        let piece: Bytes = piece?;
        let n_bytes = piece.len() as u64;
        if unread.fetch_add(n_bytes, Ordering::Relaxed) + n_bytes > FILE_UNREAD_BYTES_MAX {
            return Err(axum::Error::new(std::io::Error::other("too much that is no file")));
        }
        Ok(Some((piece, (pieces, unread))))
    });
    Body::from_stream(pieces)
}

async fn copy(
    context: &CallContext,
    parts: &mut Multipart,
    upload: &mut Upload,
    unread: &AtomicU64,
) -> Result<String, ApiError> {
    let mut pace = Pace::new();
    let mut part = match pace.next(parts.next_field()).await? {
        Ok(Some(part)) => part,
        Ok(None) => return Err(no_multipart()),
        Err(_broken) => return Err(broken_off()),
    };
    let name = checked_name(part.file_name().unwrap_or_default())?.to_owned();
    let mut n_bytes = 0u64;
    loop {
        let piece: Bytes = match pace.next(part.chunk()).await? {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(_broken) => return Err(broken_off()),
        };
        unread.store(0, Ordering::Relaxed);
        pace.took(piece.len());
        n_bytes += piece.len() as u64;
        if n_bytes > UPLOAD_BYTES_MAX {
            discard(&mut part, &mut pace, unread).await;
            let message = format!("the file is over {UPLOAD_BYTES_MAX} bytes");
            return Err(ApiError::new(Code::PayloadTooLarge, message).with_hint("send a smaller file"));
        }
        context.answered(upload.write(&piece).await)?;
    }
    drop(part);
    match pace.next(parts.next_field()).await? {
        Ok(None) => Ok(name),
        Ok(Some(_)) => Err(ApiError::new(Code::InvalidArgument, "the body has more than one part")
            .with_hint("send each file in a request of its own")),
        Err(_broken) => Err(broken_off()),
    }
}

/// Reads on for a while, so that a client that sends too much sees the answer and not a closed connection.
async fn discard(part: &mut Field<'_>, pace: &mut Pace, unread: &AtomicU64) {
    let mut n_left = UPLOAD_DISCARD_BYTES_MAX;
    while let Ok(Ok(Some(piece))) = pace.next(part.chunk()).await {
        unread.store(0, Ordering::Relaxed);
        pace.took(piece.len());
        let Some(n_after) = n_left.checked_sub(piece.len() as u64) else {
            return;
        };
        n_left = n_after;
    }
}

/// A body has to keep coming, as any other does.
struct Pace(Window);

impl Pace {
    fn new() -> Self {
        Self(Window::new())
    }

    fn took(&mut self, n_bytes: usize) {
        self.0.take(n_bytes);
    }

    async fn next<T>(&mut self, piece: impl Future<Output = T>) -> Result<T, ApiError> {
        let mut piece = std::pin::pin!(piece);
        loop {
            match tokio::time::timeout_at(self.0.ends_at(), &mut piece).await {
                Ok(piece) => return Ok(piece),
                Err(_elapsed) => self.0.next()?,
            }
        }
    }
}

fn no_multipart() -> ApiError {
    ApiError::new(
        Code::InvalidArgument,
        "the body is not `multipart/form-data` with one part",
    )
    .with_hint("send the file as the one part, with its name in `filename`")
}

fn broken_off() -> ApiError {
    ApiError::new(
        Code::InvalidArgument,
        "the body broke off, or is no `multipart/form-data`",
    )
    .with_hint("send the request again")
}

async fn give_out(state: &AppState, gate: &Gate, id: &str, request: Request) -> Response {
    let (request_id, user_id) = (state.next_request_id(), OnceLock::new());
    let passed = gate.take_address(&request).and_then(|()| gate.check_host(&request));
    let headers = request.into_parts().0.headers;
    let opened = async {
        passed?;
        // A link on a page of ours brings no header.
        let context = match enter(state, &headers, &request_id, &user_id) {
            Err(missing) if missing.code == Code::TokenMissing => {
                let visitor = console::signed_in(state, &headers, &request_id, &user_id)?;
                visitor.ok_or(missing)?
            }
            entered => entered?,
        };
        let unknown = || ApiError::new(Code::UnknownFile, "there is no such file");
        let id = FileId::parse(id).ok_or_else(unknown)?;
        context.answered(context.engine().files().open(&context.caller, id).await)
    };
    let response = match call::guarded(state, "file_download", &request_id, &user_id, opened).await {
        Ok(file) => answered_with(file),
        Err(error) => refused(&error),
    };
    with_request_id(response, &request_id)
}

fn answered_with(file: OpenFile) -> Response {
    let (name, n_bytes) = (disposition(&file.info.name), file.info.n_bytes);
    let media_type = HeaderValue::from_str(&file.info.media_type);
    let headers = [
        (
            header::CONTENT_TYPE,
            media_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
        ),
        (header::CONTENT_DISPOSITION, name),
        (header::CONTENT_LENGTH, n_bytes.into()),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("sandbox; default-src 'none'"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ];
    // The next piece is read when the last one was taken.
    let pieces = futures::stream::try_unfold(file, |mut file| async move {
        let piece = file.next().await?;
        Ok::<_, loonflow_engine::runtime::Fault>(piece.map(|piece| (Bytes::from(piece), file)))
    });
    (headers, Body::from_stream(pieces)).into_response()
}

/// What may stand in `filename*` as it is (RFC 8187).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// That a file is to be saved, and as what (RFC 6266): once for those that read ASCII alone, once whole.
fn disposition(name: &str) -> HeaderValue {
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let whole = utf8_percent_encode(name, PLAIN);
    let text = if plain == name {
        format!("attachment; filename=\"{plain}\"")
    } else {
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// Who calls, by a header.
fn enter(
    state: &AppState,
    headers: &HeaderMap,
    request_id: &str,
    user_id: &OnceLock<String>,
) -> Result<CallContext, ApiError> {
    let credential = call::sent_credential(headers)?;
    let app_name = headers.get(APP_NAME_HEADER).and_then(|name| name.to_str().ok());
    let app_name = app_name.map(str::trim).filter(|name| !name.is_empty());
    call::enter(state, &credential, app_name, request_id, user_id)
}

fn refused(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let msg = format!("{}; {}", error.message, error.hint);
    let mut response = rest::envelope(status, -1, json!({ "error": error.code.as_str() }), &msg);
    if let Some(seconds) = error.details.get("retry_after_seconds").and_then(Value::as_u64) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn with_request_id(mut response: Response, request_id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_twice_where_they_must() {
        for (name, told) in [
            ("report.pdf", r#"attachment; filename="report.pdf""#),
            ("a b.pdf", r#"attachment; filename="a b.pdf""#),
            (
                "Größe.pdf",
                r#"attachment; filename="Gr__e.pdf"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf"#,
            ),
            (
                r#"a"; x=y\.pdf"#,
                r#"attachment; filename="a_; x=y_.pdf"; filename*=UTF-8''a%22%3B%20x%3Dy%5C.pdf"#,
            ),
            (
                "50%.pdf",
                r#"attachment; filename="50_.pdf"; filename*=UTF-8''50%25.pdf"#,
            ),
            (
                "报销.xlsx",
                r#"attachment; filename="__.xlsx"; filename*=UTF-8''%E6%8A%A5%E9%94%80.xlsx"#,
            ),
        ] {
            assert_eq!(disposition(name).to_str().expect("is ASCII"), told, "{name}");
        }
    }
}
