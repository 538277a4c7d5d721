//! Posting to outside addresses: the port, and asking through it what a decision needs to know, outside the mailbox, each
//! question once per command, with a bound on everything (semantics: effects).
//!
//! Not here: which questions there are (`ticket::question`), what is owed the outside and when it is tried (`outbox`), how
//! bytes reach an address (whoever implements [`Outside`]).

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared, join_all};
use serde_json::Value as Json;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::account::channel::{Posting, Relay};
use crate::account::token::Secret;
use crate::notice::Mail;
use crate::port::Clock;
use crate::ticket::{Question, QuestionId, Refusal, Replies, Reply};
use crate::time::Timestamp;

/// Posts to outside addresses.
pub trait Outside: Send + Sync + 'static {
    /// Posts once, without trying again.
    fn post(&self, post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>>;

    /// Sends a message to people once, without trying again. Whoever posts to programs alone need not know how.
    fn send(&self, message: Message) -> Pin<Box<dyn Future<Output = Result<Sent, NotSent>> + Send>> {
        drop(message);
        Box::pin(std::future::ready(Err(NotSent::refused("nobody sends messages here"))))
    }
}

/// One try of one message.
#[derive(Clone)]
pub struct Message {
    /// The same in every try.
    pub id: String,
    /// When this try is made; signatures name it.
    pub at: Timestamp,
    /// How long the try may take, answer included.
    pub timeout: Duration,
    /// What goes where.
    pub sending: Sending,
}

impl fmt::Debug for Message {
    /// Without addresses, what it says, and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What goes where.
#[derive(Clone)]
pub enum Sending {
    /// A mail over a relay.
    Mail {
        /// The relay.
        relay: Relay,
        /// E-mail addresses of whoever gets it; at least one.
        to: Vec<String>,
        /// What it says.
        mail: Mail,
    },
    /// A post to a chat.
    Chat {
        /// The address, and the key that signs.
        posting: Posting,
        /// What it says, as the chat reads it, without a signature.
        body: serde_json::Map<String, Json>,
    },
}

impl fmt::Debug for Sending {
    /// Its kind alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mail { .. } => "Mail",
            Self::Chat { .. } => "Chat",
        })
    }
}

/// A message that is on its way: a relay or a chat has taken it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The status that was answered, where the protocol has one.
    pub status: Option<u16>,
    /// What was answered, for the record; no secrets.
    pub note: String,
}

/// Why a message was not sent; in words without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// Why.
    pub why: String,
    /// Whether trying again is of no use.
    pub is_final: bool,
    /// The status that was answered, where there was one.
    pub status: Option<u16>,
    /// How long to wait, where it was said.
    pub retry_after: Option<Duration>,
}

impl NotSent {
    /// It failed and may be tried again.
    #[must_use]
    pub fn failed(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_final: false,
            status: None,
            retry_after: None,
        }
    }

    /// Trying again is of no use.
    #[must_use]
    pub fn refused(why: impl Into<String>) -> Self {
        Self {
            is_final: true,
            ..Self::failed(why)
        }
    }
}

/// One try of one call.
#[derive(Clone)]
pub struct Post {
    /// Where to; it may carry credentials.
    pub url: String,
    /// Header `webhook-id`: the same in every try.
    pub id: String,
    /// Header `webhook-timestamp`, in seconds there: when this try is made.
    pub at: Timestamp,
    /// JSON, sent and signed as it is.
    pub body: Vec<u8>,
    /// Key of the signature; several parted by blanks sign each, none signs nothing.
    pub token: Secret,
    /// How long the try may take, answer included.
    pub timeout: Duration,
    /// A longer answer is none.
    pub response_bytes_max: usize,
}

impl fmt::Debug for Post {
    /// Without address, body and key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status; a redirect is not followed.
    pub status: u16,
    /// All of it.
    pub body: Vec<u8>,
    /// What `Retry-After` says, in seconds or as a date.
    pub retry_after: Option<Duration>,
}

impl fmt::Debug for Response {
    /// Without the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why nothing came back; in words without secrets: of an address the host at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoResponse {
    /// The address may not be posted to, now or later.
    Refused(String),
    /// It failed and may be tried again.
    Failed(String),
}

impl NoResponse {
    /// Why.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Refused(why) | Self::Failed(why) => why,
        }
    }
}

/// Questions of one command; each is a call to somebody else's server.
const QUESTIONS_MAX: usize = 16;
/// How often a command may be decided anew because a reply led to the next question.
const ROUNDS_MAX: usize = 8;
/// How long a command waits for all of its replies together: a person waits in front of it.
const ASKING_MAX: Duration = Duration::from_secs(20);
/// Questions on their way at once, of all commands: a slow address keeps no more than these.
const ON_THE_WAY_MAX: usize = 32;
/// How long a page waits for the values of its fields together.
const FETCHING_MAX: Duration = Duration::from_secs(5);
/// Bytes of a value that is shown.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// Bytes of a reply: a thousand people by e-mail address.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// Everybody who asks.
pub(crate) struct Outsides {
    port: Option<Arc<dyn Outside>>,
    clock: Arc<dyn Clock>,
    on_the_way: Arc<Semaphore>,
    /// Fetches of values on their way, so that equal ones share one call.
    fetches: Mutex<HashMap<QuestionId, WeakShared<Fetch>>>,
}

/// A value on its way.
type Fetch = BoxFuture<'static, Result<Json, String>>;

/// The questions of one command.
pub(crate) struct Asking {
    until: Instant,
    n_rounds: usize,
    n_questions: usize,
}

impl Outsides {
    pub(crate) fn new(port: Option<Arc<dyn Outside>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            port,
            clock,
            on_the_way: Arc::new(Semaphore::new(ON_THE_WAY_MAX)),
            fetches: Mutex::default(),
        }
    }

    /// Puts the replies to open questions beside those there are.
    ///
    /// # Errors
    /// `outside_unavailable` where one has no answer, or there are more than may be.
    pub(crate) async fn answer(
        &self,
        asking: &mut Asking,
        questions: Vec<Question>,
        replies: &mut Replies,
    ) -> Result<(), Refusal> {
        let Some(first) = questions.first() else { return Ok(()) };
        asking.n_rounds += 1;
        asking.n_questions += questions.len();
        if asking.n_rounds > ROUNDS_MAX || asking.n_questions > QUESTIONS_MAX {
            let why = format!("an action may ask {QUESTIONS_MAX} questions in {ROUNDS_MAX} rounds");
            return Err(unavailable(first, why));
        }
        let Some(port) = &self.port else {
            return Err(unavailable(first, "nobody asks it".to_owned()));
        };
        let until = asking.until;
        let asked = questions.iter().map(|question| async move {
            let ask = async {
                let permit = self.on_the_way.acquire().await;
                let _permit = permit.map_err(|_| "the engine is closed".to_owned())?;
                let left = until.saturating_duration_since(Instant::now());
                let response = port.post(self.post_of(question, left)).await;
                let response = response.map_err(|none| none.why().to_owned())?;
                reply_of(question, &response)
            };
            let reply = timeout_at(until, ask).await;
            let reply = reply.unwrap_or_else(|_| Err(format!("none within {} s", ASKING_MAX.as_secs())));
            match reply {
                Ok(reply) => Ok((question, reply)),
                Err(why) => Err(unavailable(question, why)),
            }
        });
        for answered in join_all(asked).await {
            let (question, reply) = answered?;
            replies.insert(question, reply);
        }
        Ok(())
    }

    /// Fetches values that are shown and never stored, all of one page together; in the order of the questions.
    pub(crate) async fn fetch(&self, questions: Vec<(Question, Duration)>) -> Vec<Result<Json, String>> {
        let fetched = questions
            .into_iter()
            .enumerate()
            .map(|(place, (question, at_most))| async move {
                if place >= QUESTIONS_MAX {
                    return Err(format!("a page shows {QUESTIONS_MAX} fields from outside at most"));
                }
                let at_most = at_most.min(FETCHING_MAX);
                let value = tokio::time::timeout(at_most, self.fetch_one(&question, at_most)?).await;
                value.unwrap_or_else(|_| Err("no answer in time".to_owned()))
            });
        join_all(fetched).await
    }

    /// The call for a value: one that is on its way already, where there is one.
    fn fetch_one(&self, question: &Question, timeout: Duration) -> Result<Shared<Fetch>, String> {
        let port = self.port.clone().ok_or("nobody asks for it here")?;
        let id = question.id();
        let mut fetches = self.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = fetches.get(&id).and_then(WeakShared::upgrade) {
            return Ok(known);
        }
        // Those that have ended go when another begins: there are never more than are on their way.
        fetches.retain(|_, fetch| fetch.upgrade().is_some());
        let mut post = self.post_of(question, timeout);
        post.response_bytes_max = VALUE_BYTES_MAX;
        let (on_the_way, kind) = (self.on_the_way.clone(), question.kind);
        let fetch: Fetch = Box::pin(async move {
            let permit = on_the_way.acquire().await;
            let _permit = permit.map_err(|_| "the engine is closed".to_owned())?;
            let response = port.post(post).await.map_err(|none| none.why().to_owned())?;
            match Reply::read(kind, response.status, &response.body)? {
                Reply::Value(value) => Ok(value),
                Reply::People(_) | Reply::Agreed | Reply::Refused { .. } => Ok(Json::Null),
            }
        });
        let fetch = fetch.shared();
        if let Some(weak) = fetch.downgrade() {
            fetches.insert(id, weak);
        }
        Ok(fetch)
    }

    fn post_of(&self, question: &Question, timeout: Duration) -> Post {
        Post {
            url: question.url().to_owned(),
            id: question.id().to_string(),
            at: self.clock.now(),
            body: question.body().to_string().into_bytes(),
            token: question.token().clone(),
            timeout,
            response_bytes_max: REPLY_BYTES_MAX,
        }
    }
}

/// What a question was answered.
fn reply_of(question: &Question, response: &Response) -> Result<Reply, String> {
    Reply::read(question.kind, response.status, &response.body)
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            until: Instant::now() + ASKING_MAX,
            n_rounds: 0,
            n_questions: 0,
        }
    }
}

fn unavailable(question: &Question, why: String) -> Refusal {
    Refusal::OutsideUnavailable {
        place: question.place.clone(),
        host: question.host(),
        why: why.chars().take(200).collect(),
    }
}
