//! One try of one call, from the ticket to the event that closes it.
//!
//! Address, key and time-out are those of the ticket's version now; the body is made from the ticket as the commit left it
//! that owes the call, so every try sends the same bytes. Not here: when it is tried (`runner`), what a decision makes of
//! its outcome (`ticket::closing`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::account::token::Secret;
use crate::effect::answer;
use crate::effect::body::{self, Body, webhook_id};
use crate::id::TenantId;
use crate::runtime::fault::Fault;
use crate::runtime::outbox::{Hands, Key, Tries, pause};
use crate::runtime::outside::{NoResponse, NotSent, Outside, Post, Response};
use crate::runtime::{commit, streams};
use crate::ticket::effect_table::Work;
use crate::ticket::{Command, EffectOutcome, Refusal};
use crate::workflow::{NodeKind, WorkflowVersion};

/// A larger body is not sent: receivers refuse it.
const BODY_BYTES_MAX: usize = 4 << 20;
/// A longer answer is none: nothing of it but a code and a sentence is looked at.
pub(super) const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long an event hook may take: a node says it itself.
const EVENT_HOOK_TIMEOUT: Duration = Duration::from_secs(15);
/// What a port gets beyond the time-out that it was told, before its try counts as failed.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// Status of an address that is gone for good.
const GONE: u16 = 410;
/// Statuses whose `Retry-After` is heeded.
const BUSY: [u16; 2] = [429, 503];
/// How often the event that closes a call is tried while the log takes none; then the call is made again, later.
const CLOSE_TRIES: u32 = 6;

/// What became of a try.
#[derive(Debug)]
pub(crate) enum Tried {
    /// The effect is closed, parked, or owed no longer.
    Ended,
    /// It is tried again.
    Again(Tries),
}

/// Where a call goes, as the ticket's version has it now.
struct Address<'w> {
    url: &'w str,
    token: &'w Secret,
    timeout: Duration,
    /// Whether a good answer means that it is taken on, and a call-back follows.
    is_async: bool,
}

/// Why a try failed.
pub(super) struct Failure {
    why: String,
    /// Whether trying again is of no use.
    is_final: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn of(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_final: false,
            retry_after: None,
        }
    }

    /// Of a message that was not sent.
    pub(super) fn because(not: NotSent) -> Self {
        let is_final = not.is_final || not.status == Some(GONE);
        Self {
            why: not.why,
            is_final,
            retry_after: not.retry_after,
        }
    }

    /// Why, without secrets.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    pub(super) fn for_good(why: impl Into<String>) -> Self {
        Self {
            is_final: true,
            ..Self::of(why)
        }
    }
}

/// The host that a call goes to, `Some("")` where its definition has none any more; `None` where it is owed no longer.
pub(super) async fn host(hands: &Hands, tenant: &TenantId, (ticket, effect): Key) -> Result<Option<String>, Fault> {
    let Some((ticket, workflow)) = hands.door.clone().current(tenant, ticket).await? else {
        return Ok(None);
    };
    let Some(open) = ticket.effects.get(effect).filter(|open| open.is_owed()) else {
        return Ok(None);
    };
    if let Work::Notice(notice) = &open.work {
        let directory = hands.door.directory(tenant)?;
        let channel = directory
            .as_ref()
            .and_then(|directory| directory.channel(&notice.channel));
        return Ok(Some(channel.map(|channel| channel.route.host()).unwrap_or_default()));
    }
    let url = address(&open.work, &workflow).and_then(|address| url::Url::parse(address.url.trim()).ok());
    let host = url.map(|url| {
        let name = url.host_str().unwrap_or_default();
        format!("{name}:{}", url.port_or_known_default().unwrap_or_default())
    });
    Ok(Some(host.unwrap_or_default()))
}

/// Tries a call once and closes its effect, or says when it is tried again.
pub(super) async fn call(
    hands: &Hands,
    port: &Arc<dyn Outside>,
    tenant: &TenantId,
    key: Key,
    n_before: u32,
) -> Result<Tried, Fault> {
    let (ticket_id, effect) = key;
    let Some((ticket, workflow)) = hands.door.clone().current(tenant, ticket_id).await? else {
        return Ok(Tried::Ended);
    };
    let Some(open) = ticket.effects.get(effect).filter(|open| open.is_owed()) else {
        return Ok(Tried::Ended);
    };
    let attempt = if let Work::Hook { attempt, .. } = open.work {
        Some(attempt)
    } else {
        None
    };
    let Some(address) = address(&open.work, &workflow) else {
        let failure = Failure::for_good("the workflow has no such hook any more");
        return park_or_wait(hands, tenant, key, attempt, n_before + 1, failure).await;
    };
    let call_back = address
        .is_async
        .then(|| hands.parts.call_backs.url(ticket_id, effect))
        .flatten();
    let body = body_of(hands, tenant, key, &open.work, call_back).await?;
    let posted = if body.len() > BODY_BYTES_MAX {
        Err(Failure::for_good(format!(
            "the body has {} bytes, more than {BODY_BYTES_MAX}",
            body.len()
        )))
    } else {
        post(hands, port, tenant, key, &address, body).await
    };
    match posted {
        Ok(status) => {
            let outcome = match attempt.filter(|_| address.is_async) {
                Some(attempt) => EffectOutcome::Accepted { attempt },
                None => EffectOutcome::Succeeded {
                    note: Some(format!("status {status}")),
                },
            };
            match close(hands, tenant, key, outcome.clone()).await? {
                Ok(()) => Ok(Tried::Ended),
                // Whoever is asked for the next people may be there in a while.
                Err(refusal @ Refusal::OutsideUnavailable { .. }) => {
                    if n_before + 1 >= pause::TRIES_MAX && went_on_alone(hands, tenant, key, outcome).await? {
                        return Ok(Tried::Ended);
                    }
                    let failure = Failure::of(refusal.to_string());
                    park_or_wait(hands, tenant, key, attempt, n_before + 1, failure).await
                }
                // The other side did its part: it is not called again for a fault of the definition.
                Err(refusal) => {
                    let failure = Failure::for_good(format!("it answered well, but: {refusal}"));
                    park_or_wait(hands, tenant, key, attempt, n_before + 1, failure).await
                }
            }
        }
        Err(failure) => park_or_wait(hands, tenant, key, attempt, n_before + 1, failure).await,
    }
}

/// Goes on without whoever would be asked for the next people: they are nobody, and the ticket's admins see to it.
async fn went_on_alone(
    hands: &Hands,
    tenant: &TenantId,
    (ticket, effect): Key,
    outcome: EffectOutcome,
) -> Result<bool, Fault> {
    let command = Command::CloseEffect { effect, outcome };
    Ok(hands.door.clone().command_alone(tenant, ticket, command).await?.is_ok())
}

/// After a failed try: another one later, or none.
pub(super) async fn park_or_wait(
    hands: &Hands,
    tenant: &TenantId,
    key: Key,
    attempt: Option<u32>,
    n_tries: u32,
    failure: Failure,
) -> Result<Tried, Fault> {
    let pause = pause::after(n_tries, &webhook_id(key.0, key.1), failure.retry_after);
    if let (Some(pause), false) = (pause, failure.is_final) {
        let ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let next = hands.parts.clock.now().plus_ms(ms);
        let is_held = false;
        return Ok(Tried::Again(Tries {
            n: n_tries,
            next,
            is_held,
        }));
    }
    let outcome = EffectOutcome::Failed {
        reason: failure.why,
        n_tries,
        attempt,
    };
    if let Err(refusal) = close(hands, tenant, key, outcome).await? {
        tracing::warn!(ticket.id = %key.0, effect = %key.1, %refusal, "an effect could not be parked");
    }
    Ok(Tried::Ended)
}

/// Closes an effect; one that is owed no longer is as good as closed. While the log takes nothing it is tried again.
pub(super) async fn close(
    hands: &Hands,
    tenant: &TenantId,
    (ticket, effect): Key,
    outcome: EffectOutcome,
) -> Result<Result<(), Refusal>, Fault> {
    let mut pause = Duration::from_millis(200);
    for n in 1.. {
        let command = Command::CloseEffect {
            effect,
            outcome: outcome.clone(),
        };
        match hands.door.clone().command(tenant, ticket, command).await {
            Ok(Ok(_)) => return Ok(Ok(())),
            Ok(Err(Refusal::NotWaiting { .. } | Refusal::TicketNotFound { .. })) => {
                tracing::debug!(ticket.id = %ticket, %effect, "what became of an effect came too late");
                return Ok(Ok(()));
            }
            Ok(Err(refusal)) => return Ok(Err(refusal)),
            Err(Fault::Closed) => return Err(Fault::Closed),
            Err(fault) if n >= CLOSE_TRIES => return Err(fault),
            Err(fault) => {
                tracing::debug!(
                    error = &fault as &dyn std::error::Error,
                    "an effect could not be closed yet"
                );
                tokio::time::sleep(pause).await;
                pause *= 3;
            }
        }
    }
    Ok(Ok(()))
}

/// Posts once; the status of a good answer.
async fn post(
    hands: &Hands,
    port: &Arc<dyn Outside>,
    tenant: &TenantId,
    (ticket, effect): Key,
    address: &Address<'_>,
    body: Vec<u8>,
) -> Result<u16, Failure> {
    let clock = &hands.parts.clock;
    let (at, began) = (clock.now(), Instant::now());
    let post = Post {
        url: address.url.trim().to_owned(),
        id: webhook_id(ticket, effect),
        at,
        body,
        token: address.token.clone(),
        timeout: address.timeout,
        response_bytes_max: ANSWER_BYTES_MAX,
    };
    let response = tokio::time::timeout(address.timeout + GRACE, port.post(post)).await;
    let response = response.unwrap_or_else(|_| Err(too_long()));
    let status = response.as_ref().ok().map(|response| response.status);
    let judged = judge(response);
    hands.parts.deliveries.note(
        tenant,
        crate::runtime::deliveries::Delivery {
            at,
            ticket,
            effect,
            target: shown(address.url),
            status,
            ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
            error: judged.as_ref().err().map(|failure| failure.why.clone()),
        },
    );
    judged
}

/// No answer came in time.
pub(super) fn too_long() -> NoResponse {
    NoResponse::Failed("it took too long".to_owned())
}

pub(super) fn judge(response: Result<Response, NoResponse>) -> Result<u16, Failure> {
    let response = response.map_err(|none| match none {
        NoResponse::Refused(why) => Failure::for_good(why),
        NoResponse::Failed(why) => Failure::of(why),
    })?;
    let status = response.status;
    answer::read(status, &response.body).map_err(|why| Failure {
        why,
        is_final: status == GONE,
        retry_after: response.retry_after.filter(|_| BUSY.contains(&status)),
    })?;
    Ok(status)
}

/// Host and path of an address: all of it that a log shows.
fn shown(url: &str) -> String {
    let Ok(url) = url::Url::parse(url.trim()) else {
        return String::new();
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}{}", url.host_str().unwrap_or_default(), url.path())
        .chars()
        .take(200)
        .collect()
}

fn address<'w>(work: &Work, workflow: &'w WorkflowVersion) -> Option<Address<'w>> {
    match work {
        Work::Hook { node, .. } => {
            let NodeKind::Hook(props) = &workflow.node(node)?.kind else {
                return None;
            };
            Some(Address {
                url: &props.url,
                token: &props.token,
                timeout: props.timeout,
                is_async: props.is_async,
            })
        }
        Work::EventHook { hook, .. } => workflow.event_hook(hook).map(|hook| Address {
            url: &hook.url,
            token: &hook.token,
            timeout: EVENT_HOOK_TIMEOUT,
            is_async: false,
        }),
        Work::Timer { .. }
        | Work::Deadline { .. }
        | Work::NoCallBack { .. }
        | Work::Child { .. }
        | Work::Reserved { .. }
        | Work::TellParent { .. }
        | Work::CloseChild { .. }
        | Work::Notice(_) => None,
    }
}

/// What is sent: the ticket as the commit left it that owes the call.
async fn body_of(
    hands: &Hands,
    tenant: &TenantId,
    (ticket, effect): Key,
    work: &Work,
    call_back: Option<String>,
) -> Result<Vec<u8>, Fault> {
    let (log, stream) = (hands.door.log(), streams::ticket(tenant, ticket));
    let read = tokio::task::spawn_blocking(move || commit::replay_to(&*log, &stream, effect.version));
    let then = read.await.map_err(|_| Fault::WorkerDied)??;
    let Some(commit::Then { ticket: then, meta, .. }) = then else {
        return Err(Fault::Inconsistent {
            what: format!("ticket `{ticket}` has no version {}", effect.version),
        });
    };
    let (kind, node) = match work {
        Work::EventHook { event, .. } => (event.as_str(), None),
        // A migration since has another name for the node; the body says what was then.
        Work::Hook { .. }
        | Work::Timer { .. }
        | Work::Deadline { .. }
        | Work::NoCallBack { .. }
        | Work::Child { .. }
        | Work::Reserved { .. }
        | Work::TellParent { .. }
        | Work::CloseChild { .. }
        | Work::Notice(_) => (
            body::OF_NODE,
            then.effects.get(effect).and_then(|open| open.work.node()),
        ),
    };
    let mut body = Body::of(&then, kind, node, |_| true).sent(effect, then.version, meta.at);
    body.callback_url = call_back;
    serde_json::to_vec(&body).map_err(|error| Fault::Inconsistent {
        what: format!("the body of effect {effect} of ticket `{ticket}` cannot be written: {error}"),
    })
}
