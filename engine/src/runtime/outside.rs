//! Asking outside addresses what a decision needs to know: outside the mailbox, each question once per command, with a
//! bound on everything (semantics: effects).
//!
//! Not here: which questions there are (`ticket::question`); posting (whoever implements [`Outside`]).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::ticket::{Question, Refusal, Replies, Reply};

/// Asks an outside address.
pub trait Outside: Send + Sync + 'static {
    /// Asks once, without trying again. An error says why there is no answer, in words that hold no secret.
    fn ask(&self, question: Question) -> Pin<Box<dyn Future<Output = Result<Reply, String>> + Send>>;
}

/// Questions of one command; each is a call to somebody else's server.
const QUESTIONS_MAX: usize = 16;
/// How often a command may be decided anew because a reply led to the next question.
const ROUNDS_MAX: usize = 8;
/// How long a command waits for all of its replies together: a person waits in front of it.
const ASKING_MAX: Duration = Duration::from_secs(20);
/// Questions on their way at once, of all commands: a slow address keeps no more than these.
const ON_THE_WAY_MAX: usize = 32;

/// Everybody who asks.
pub(crate) struct Outsides {
    port: Option<Arc<dyn Outside>>,
    on_the_way: Semaphore,
}

/// The questions of one command.
pub(crate) struct Asking {
    until: Instant,
    n_rounds: usize,
    n_questions: usize,
}

impl Outsides {
    pub(crate) fn new(port: Option<Arc<dyn Outside>>) -> Self {
        Self {
            port,
            on_the_way: Semaphore::new(ON_THE_WAY_MAX),
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
                let _permit = self
                    .on_the_way
                    .acquire()
                    .await
                    .map_err(|_| "the engine is closed".to_owned())?;
                port.ask(question.clone()).await
            };
            let reply = timeout_at(until, ask).await;
            let reply = reply.unwrap_or_else(|_| Err(format!("none within {} s", ASKING_MAX.as_secs())));
            match reply {
                Ok(reply) => Ok((question.id(), reply)),
                Err(why) => Err(unavailable(question, why)),
            }
        });
        for answered in join_all(asked).await {
            let (id, reply) = answered?;
            replies.insert(id, reply);
        }
        Ok(())
    }
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
        node: question.node.clone(),
        host: question.host(),
        why: why.chars().take(200).collect(),
    }
}
