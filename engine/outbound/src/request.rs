//! A post as an HTTP request: its headers, and its bytes as they came.
//!
//! ```text
//! content-type, accept, user-agent     host, content-length: by the client
//! webhook-id, webhook-timestamp, timestamp
//! webhook-signature, signature         where there is a token
//! authorization                        where the address has a user
//! ```

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use loonflow_engine::runtime::Post;

use crate::signature;
use crate::target::Target;

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const TIMESTAMP: HeaderName = HeaderName::from_static("timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("loonflow/", env!("CARGO_PKG_VERSION")));

/// Builds the request.
///
/// # Errors
/// Why it cannot be sent, in words without secrets.
pub(crate) fn build(target: &Target, post: Post) -> Result<Request<Full<Bytes>>, String> {
    let seconds = post.at.0.div_euclid(1_000).to_string();
    let signatures =
        signature::sign(&post.token, &post.id, &seconds, &post.body).map_err(|problem| problem.to_string())?;
    let mut request = Request::new(Full::new(Bytes::from(post.body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.uri.clone();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ACCEPT, JSON);
    headers.insert(USER_AGENT, AGENT);
    headers.insert(WEBHOOK_ID, value(&post.id)?);
    headers.insert(WEBHOOK_TIMESTAMP, value(&seconds)?);
    headers.insert(TIMESTAMP, value(&seconds)?);
    if let Some(signatures) = signatures {
        headers.insert(WEBHOOK_SIGNATURE, value(&signatures.standard)?);
        headers.insert(SIGNATURE, value(&signatures.first)?);
    }
    if let Some(authorization) = &target.authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    Ok(request)
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::try_from(text).map_err(|_| "the id of the post is no header".to_owned())
}
