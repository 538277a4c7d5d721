//! One request and its answer on a connection, around the router: what the connection's place in the table says, heads
//! that are refused, and the answer's way out, as far as its client takes it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use futures::StreamExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::connections::{Connection, Phase};
use super::{HEALTHZ_PATH, READYZ_PATH, gate};
use crate::error::{ApiError, Code};
use crate::limits::{ANSWER_BYTES_FREE, BODY_BYTES_MAX, HEAD_BYTES_MAX, RESERVE_HEAD_MAX};

/// Bytes of an answer that are handed over at a time, so that it shows how far its client has come.
const FRAME_BYTES: usize = 16 * 1024;

/// Seconds after which a client that found no place may come again.
const RETRY_S: u64 = 5;

/// Answers a request.
pub(super) async fn answer(
    connection: Connection,
    app: TowerToHyperService<Router>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    if !connection.enter(Phase::Call) {
        // Nobody reads it: the connection closes now. What matters is that the request is not carried out.
        return Ok(crowded());
    }
    let response = if let Some(refused) = refused_head(&request) {
        refused
    } else if connection.is_reserve() && !is_probe(&request) {
        // Read first: closing on unread bytes would reset the answer away.
        let _ = tokio::time::timeout(RESERVE_HEAD_MAX, discard(request.into_body())).await;
        crowded()
    } else {
        request.extensions_mut().insert(connection.clone());
        app.call(request).await?
    };
    let n_bytes = usize::try_from(hyper::body::Body::size_hint(response.body()).lower()).unwrap_or(usize::MAX);
    let is_counted = n_bytes > ANSWER_BYTES_FREE;
    let response = if connection.answer(if is_counted { n_bytes } else { 0 }) {
        response
    } else {
        crowded()
    };
    Ok(response.map(|body| {
        Body::new(Outgoing {
            body,
            rest: Bytes::new(),
            connection,
        })
    }))
}

fn is_probe<B>(request: &Request<B>) -> bool {
    [HEALTHZ_PATH, READYZ_PATH].contains(&request.uri().path())
}

/// Heads that are read in two ways by two programs, or are larger than any that a client sends.
fn refused_head<B>(request: &Request<B>) -> Option<Response> {
    let headers = request.headers();
    // The HTTP library's own bound is that of its buffer, which one read overshoots.
    let n_bytes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum::<usize>()
        + request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if n_bytes > HEAD_BYTES_MAX {
        let message = format!("the head of the request is over {HEAD_BYTES_MAX} bytes");
        let refused = ApiError::new(Code::PayloadTooLarge, message).with_hint("send shorter headers");
        return Some(closing(&refused, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    let twice = [header::HOST, header::ORIGIN, header::CONTENT_TYPE]
        .into_iter()
        .find(|name| headers.get_all(name).iter().count() > 1)?;
    let message = format!("the header `{twice}` is there more than once");
    let refused = ApiError::new(Code::InvalidArgument, message).with_hint("send it once");
    Some(closing(&refused, StatusCode::BAD_REQUEST))
}

/// There is no place for this request now.
fn crowded() -> Response {
    let refused = ApiError::overloaded("too many connections", RETRY_S);
    closing(&refused, StatusCode::SERVICE_UNAVAILABLE)
}

/// A refusal after which the connection closes.
fn closing(error: &ApiError, status: StatusCode) -> Response {
    let mut response = gate::refusal(error);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn discard(body: Incoming) {
    let mut n_left = BODY_BYTES_MAX;
    let mut frames = Body::new(body).into_data_stream();
    while let Some(Ok(frame)) = frames.next().await {
        let Some(n_after) = n_left.checked_sub(frame.len()) else {
            return;
        };
        n_left = n_after;
    }
}

/// An answer on its way out. Handed over piece by piece, it is asked for the next one only when the client has taken most
/// of those before.
struct Outgoing {
    body: Body,
    rest: Bytes,
    connection: Connection,
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.connection.enter(Phase::Head { is_first: false });
    }
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
                return Poll::Ready(None);
            };
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => self.rest = data,
                Ok(Err(other)) => return Poll::Ready(Some(Ok(other))),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let n_bytes = self.rest.len().min(FRAME_BYTES);
        let piece = self.rest.split_to(n_bytes);
        self.connection.took(n_bytes);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let n_rest = self.rest.len() as u64;
        let of_body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + n_rest);
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper + n_rest);
        }
        hint
    }
}
