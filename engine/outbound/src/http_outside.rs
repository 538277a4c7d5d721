//! Posts over HTTP/1.1: one request, its response whatever it says, never a second try.
//!
//! Not here: redirects, cookies, compression and proxies, on purpose. A redirect would lead past what was signed and
//! checked, so it is a response like any other; a proxy would connect in our place, past the guard.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use loonflow_engine::runtime::{Message, NoResponse, NotSent, Outside, Post, Response, Sending, Sent};
use tokio::time::timeout;

use crate::allow::AllowList;
use crate::body::{self, BodyProblem};
use crate::chat;
use crate::connect::{ConnectProblem, Connector};
use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX, IDLE_MAX, IDLE_OF_HOST_MAX, WORDS_MAX};
use crate::mail::{Letter, Mailer};
use crate::resolve::{Resolve, SystemResolver};
use crate::target::Target;
use crate::tls::{self, Authorities};
use crate::{request, retry_after};

/// What a client is made of. By default the public internet alone is called, over the machine's resolver and authorities.
#[derive(Clone)]
pub struct Settings {
    /// What may be called beside the public internet.
    pub allow: AllowList,
    /// Who finds the addresses of names.
    pub resolver: Arc<dyn Resolve>,
    /// Whose certificates are believed.
    pub authorities: Authorities,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow: AllowList::default(),
            resolver: Arc::new(SystemResolver::default()),
            authorities: Authorities::default(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("allow", &self.allow)
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}

/// Posts over HTTP. Clones share their connections.
#[derive(Clone)]
pub struct HttpOutside {
    client: Client<Connector, Full<Bytes>>,
    mailer: Arc<Mailer>,
}

impl fmt::Debug for HttpOutside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOutside").finish_non_exhaustive()
    }
}

impl HttpOutside {
    /// A client; reads the machine's list of authorities.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings {
            allow,
            resolver,
            authorities,
        } = settings;
        let mailer = Arc::new(Mailer::new(allow.clone(), Arc::clone(&resolver), authorities.clone()));
        let connector = Connector::new(allow, resolver, tls::connector(&authorities));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_OF_HOST_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .http1_max_headers(HEADERS_MAX)
            .build(connector);
        Self { client, mailer }
    }
}

impl Outside for HttpOutside {
    fn post(&self, post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        let client = self.clone();
        Box::pin(async move { client.try_once(post).await })
    }

    fn send(&self, message: Message) -> Pin<Box<dyn Future<Output = Result<Sent, NotSent>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            match message.sending {
                Sending::Mail { relay, to, mail } => {
                    let letter = Letter {
                        relay: &relay,
                        to: &to,
                        mail: &mail,
                        id: &message.id,
                        at: message.at,
                    };
                    client.mailer.send(letter, message.timeout).await
                }
                Sending::Chat { posting, body } => {
                    let post = chat::post(&posting, body, &message.id, (message.at, message.timeout))?;
                    match client.try_once(post).await {
                        Ok(response) => chat::judge(&posting, &response),
                        Err(NoResponse::Refused(why)) => Err(NotSent::refused(why)),
                        Err(NoResponse::Failed(why)) => Err(NotSent::failed(why)),
                    }
                }
            }
        })
    }
}

impl HttpOutside {
    async fn try_once(&self, post: Post) -> Result<Response, NoResponse> {
        let target = Target::read(&post.url).map_err(|told| NoResponse::Refused(told.to_owned()))?;
        let within = post.timeout;
        let tried = timeout(within, self.exchange(&target, post)).await;
        tried.unwrap_or_else(|_| Err(failed(&target, &format!("has not answered within {}", span(within)))))
    }

    async fn exchange(&self, target: &Target, post: Post) -> Result<Response, NoResponse> {
        let (at, bytes_max) = (post.at, post.response_bytes_max);
        let request = request::build(target, post).map_err(NoResponse::Refused)?;
        let response = self.client.request(request).await;
        let response = response.map_err(|error| no_response(target, &error))?;
        let status = response.status().as_u16();
        let retry_after = retry_after::read(response.headers(), at);
        let body = body::read(response, bytes_max).await.map_err(|problem| match problem {
            BodyProblem::TooLarge => failed(target, &format!("answers with more than {bytes_max} bytes")),
            BodyProblem::Broken(error) => failed(target, &format!("broke off its answer: {}", of_http(&error))),
        })?;
        Ok(Response {
            status,
            body,
            retry_after,
        })
    }
}

/// Names the host, which may be shown; nothing else of the address may.
fn failed(target: &Target, what: &str) -> NoResponse {
    NoResponse::Failed(format!("`{}` {what}", target.host))
}

/// The words of what went wrong before there was a head: those of our connector, or hyper's.
fn no_response(target: &Target, error: &legacy::Error) -> NoResponse {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(problem) = inner.downcast_ref::<ConnectProblem>() {
            return match problem {
                ConnectProblem::NotAllowed(refused) => NoResponse::Refused(refused.to_string()),
                ConnectProblem::NoHost
                | ConnectProblem::Unresolved
                | ConnectProblem::TooSlow
                | ConnectProblem::Unreachable(_)
                | ConnectProblem::NoAuthorities
                | ConnectProblem::Tls(_)
                | ConnectProblem::OtherPeer => failed(target, &short(&problem.to_string())),
            };
        }
        if let Some(error) = inner.downcast_ref::<hyper::Error>() {
            return failed(target, &format!("did not answer the request: {}", of_http(error)));
        }
        cause = inner.source();
    }
    failed(target, "did not answer the request")
}

/// What hyper says of a response, which holds nothing of it.
fn of_http(error: &hyper::Error) -> String {
    let told = error.to_string();
    match error.source() {
        Some(cause) => short(&format!("{told}: {cause}")),
        None => short(&told),
    }
}

fn short(text: &str) -> String {
    text.chars().take(WORDS_MAX).collect()
}

fn span(span: Duration) -> String {
    match span.subsec_millis() {
        0 => format!("{} s", span.as_secs()),
        _ => format!("{} ms", span.as_millis()),
    }
}
