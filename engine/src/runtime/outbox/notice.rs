//! One try of a notice: who is told now, with what, over which address.
//!
//! Address, language, what people have chosen and whether they are still there are read when it is sent; what it says is
//! the ticket as the commit left it that owes the notice. Several that were held for one receiver are one message, which
//! closes them all.
//!
//! Not here: what a message looks like (`notice`), how it reaches anybody (the port), when it is tried (`runner`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::account::User;
use crate::account::channel::{Channel, Digest, PostKind, Route, is_address};
use crate::account::directory::Directory;
use crate::effect::body::webhook_id;
use crate::id::{NodeId, TenantId, TokenId, UserId};
use crate::notice::{Draft, Lang, Notice, Reader, content, digest};
use crate::runtime::commit::{self, Then};
use crate::runtime::deliveries::Delivery;
use crate::runtime::fault::Fault;
use crate::runtime::outbox::attempt::{self, Failure, Tried};
use crate::runtime::outbox::{Hands, Key, Receiver, Tries};
use crate::runtime::outside::{Message, NotSent, Outside, Post, Sending};
use crate::runtime::streams;
use crate::ticket::event::{Event, OwedNotice};
use crate::ticket::{EffectId, EffectOutcome, Ticket, Work};
use crate::time::Timestamp;
use crate::workflow::WorkflowVersion;

/// How long a chat may take.
const CHAT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a relay may take: many look a sender up before they greet.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// Effects that one message closes: each is a commit.
const CLOSED_MAX: usize = 1_000;
/// Pause before an effect is looked at again that is part of another's message.
const AGAIN_MS: i64 = 1_000;

/// A notice that is owed, with what it is made from.
struct Owed {
    key: Key,
    notice: OwedNotice,
    workflow: Arc<WorkflowVersion>,
    then: Then,
}

/// What was sent, or not.
struct Outcome {
    status: Option<u16>,
    sent: Result<String, Failure>,
}

/// Tries once and closes the effect, or says when it is tried again.
pub(super) async fn send(
    hands: &Hands,
    port: &Arc<dyn Outside>,
    tenant: &TenantId,
    key: Key,
    (notice, since): (&OwedNotice, Timestamp),
    n_before: u32,
) -> Result<Tried, Fault> {
    let now = hands.parts.clock.now();
    let tries = hands.parts.outbox.tries_of(key);
    // Another's message was about it too, and failed.
    if let Some(tries) = tries.filter(|tries| tries.next > now) {
        return Ok(Tried::Again(tries));
    }
    let gone = |what: String| Failure::for_good(what);
    let Some(directory) = hands.door.directory(tenant)? else {
        return Ok(Tried::Ended);
    };
    let Some(channel) = directory.channel(&notice.channel) else {
        let failure = gone(format!("the tenant has no channel `{}` any more", notice.channel));
        return attempt::park_or_wait(hands, tenant, key, None, n_before + 1, failure).await;
    };
    let to = match readers(notice, channel, &directory) {
        Ok(to) => to,
        Err(why) => return not_sent(hands, tenant, key, why).await,
    };
    let receiver = hands.parts.outbox.receiver_of(tenant, notice);
    let was_held = tries.is_some_and(|tries| tries.is_held);
    let wanted = digest_of(notice, channel, &directory);
    let due = digest::due(wanted, since, directory.zone());
    let held = |next| {
        Ok(Tried::Again(Tries {
            n: n_before,
            next,
            is_held: true,
        }))
    };
    if let Some(due) = due.filter(|due| *due > now) {
        return held(due);
    }
    let is_one_of_many = was_held || due.is_some();
    let others = if is_one_of_many {
        hands
            .parts
            .outbox
            .owed_to(&receiver, notice.event.can_wait(), CLOSED_MAX)
    } else {
        Vec::new()
    };
    let Some(claim) = hands.parts.holding.claim(key, others) else {
        let next = now.plus_ms(AGAIN_MS);
        return Ok(Tried::Again(Tries {
            n: n_before,
            next,
            is_held: was_held,
        }));
    };
    if let Err(until) = hands.parts.holding.admit(&receiver, now) {
        return held(until);
    }
    // While it is made and sent it counts; whatever ends that, a fault too, takes it back where nothing was sent.
    let made = make(hands, tenant, &directory, claim.keys()).await;
    let (listed, wanted_keys) = match made {
        Ok(made) => made,
        Err(fault) => {
            hands.parts.holding.failed(&receiver);
            return Err(fault);
        }
    };
    if !wanted_keys.contains(&key) {
        hands.parts.holding.failed(&receiver);
        return Ok(Tried::Ended);
    }
    let outcome = carry(
        hands,
        port,
        tenant,
        (channel, &directory),
        &listed,
        (key, wanted_keys.len(), &to),
    )
    .await?;
    match outcome.sent {
        Ok(note) => {
            let note = format!("{note}; {}", webhook_id(key.0, key.1));
            for key in &wanted_keys {
                let note = Some(note.clone());
                let _closed = attempt::close(hands, tenant, *key, EffectOutcome::Succeeded { note }).await?;
            }
            Ok(Tried::Ended)
        }
        Err(failure) => {
            hands.parts.holding.failed(&receiver);
            let (why, n_tries) = (failure.why().to_owned(), n_before + 1);
            let tried = attempt::park_or_wait(hands, tenant, key, None, n_tries, failure).await?;
            let others = wanted_keys.iter().filter(|other| **other != key);
            Ok(match tried {
                Tried::Again(tries) => {
                    let is_held = is_one_of_many;
                    let tries = Tries { is_held, ..tries };
                    others.for_each(|other| hands.parts.outbox.note_tries(*other, Some(tries)));
                    Tried::Again(tries)
                }
                Tried::Ended => {
                    for other in others {
                        let outcome = EffectOutcome::Failed {
                            reason: why.clone(),
                            n_tries,
                            attempt: None,
                        };
                        let _closed = attempt::close(hands, tenant, *other, outcome).await?;
                    }
                    Tried::Ended
                }
            })
        }
    }
}

/// Who of those a notice is for is told over a channel.
///
/// # Errors
/// Why nobody is.
fn readers<'d>(
    notice: &OwedNotice,
    channel: &Channel,
    directory: &'d Directory,
) -> Result<Vec<&'d User>, &'static str> {
    let mut why = "inactive";
    let mut to = Vec::new();
    for id in &notice.to {
        let Some(user) = directory.active_user(id) else {
            continue;
        };
        if notice.event.can_be_off() && directory.notice_choice(id).off.contains(&notice.event) {
            why = "opted_out";
        } else if matches!(channel.route, Route::Mail(_)) && !is_address(&user.email) {
            why = "no_address";
        } else {
            to.push(&**user);
        }
    }
    if to.is_empty() { Err(why) } else { Ok(to) }
}

/// How often the reader of a notice wants to be told such.
fn digest_of(notice: &OwedNotice, channel: &Channel, directory: &Directory) -> Digest {
    match notice.to.as_slice() {
        [user] if channel.route.is_personal() && notice.event.can_wait() => directory.notice_choice(user).digest,
        _ => Digest::None,
    }
}

async fn not_sent(hands: &Hands, tenant: &TenantId, key: Key, why: &str) -> Result<Tried, Fault> {
    let note = Some(format!("not_sent:{why}"));
    let _closed = attempt::close(hands, tenant, key, EffectOutcome::Succeeded { note }).await?;
    Ok(Tried::Ended)
}

/// Those effects that are still to be told of, of the first of them with what a message needs; whoever has switched
/// something off since is not told of it.
async fn make(
    hands: &Hands,
    tenant: &TenantId,
    directory: &Directory,
    keys: &[Key],
) -> Result<(Vec<Owed>, Vec<Key>), Fault> {
    let (mut listed, mut wanted) = (Vec::new(), Vec::new());
    for key in keys {
        let Some((ticket, workflow)) = hands.door.clone().current(tenant, key.0).await? else {
            continue;
        };
        let Some(notice) = owed(&ticket, key.1) else { continue };
        if let Some(channel) = directory.channel(&notice.channel)
            && let Err(why) = readers(notice, channel, directory)
        {
            not_sent(hands, tenant, *key, why).await?;
            continue;
        }
        wanted.push(*key);
        if listed.len() < digest::LISTED_MAX {
            listed.push(Owed {
                key: *key,
                notice: notice.clone(),
                workflow,
                then: then(hands, tenant, *key).await?,
            });
        }
    }
    Ok((listed, wanted))
}

fn owed(ticket: &Ticket, effect: EffectId) -> Option<&OwedNotice> {
    let open = ticket.effects.get(effect).filter(|open| open.is_owed())?;
    if let Work::Notice(notice) = &open.work {
        return Some(notice);
    }
    None
}

/// The ticket as the commit left it that owes an effect.
async fn then(hands: &Hands, tenant: &TenantId, (ticket, effect): Key) -> Result<Then, Fault> {
    let (log, stream) = (hands.door.log(), streams::ticket(tenant, ticket));
    let read = tokio::task::spawn_blocking(move || commit::replay_to(&*log, &stream, effect.version));
    let then = read.await.map_err(|_| Fault::WorkerDied)??;
    then.ok_or_else(|| Fault::Inconsistent {
        what: format!("ticket `{ticket}` has no version {}", effect.version),
    })
}

impl Owed {
    fn draft<'o>(&'o self, directory: &'o Directory, public_url: Option<&'o str>) -> Draft<'o> {
        let comment = self.then.events.iter().find_map(|event| {
            if let Event::ActionTaken(taken) = event {
                return taken.comment.as_deref();
            }
            None
        });
        let (token, node): (Option<TokenId>, Option<&NodeId>) = (self.notice.token, self.notice.node.as_ref());
        Draft {
            ticket: &self.then.ticket,
            workflow: &self.workflow,
            directory,
            event: self.notice.event,
            token,
            node,
            by: self.then.meta.by.user(),
            comment,
            public_url,
        }
    }
}

/// Makes the message and sends it; notes what became of it.
async fn carry(
    hands: &Hands,
    port: &Arc<dyn Outside>,
    tenant: &TenantId,
    (channel, directory): (&Channel, &Directory),
    listed: &[Owed],
    (key, n_all, to): (Key, usize, &[&User]),
) -> Result<Outcome, Fault> {
    let (at, began) = (hands.parts.clock.now(), Instant::now());
    let id = webhook_id(key.0, key.1);
    // A group reads what nobody has hidden from it, and several people at once are a group.
    let reader = match to {
        [user] if channel.route.is_personal() => Reader::Person(user),
        _ => Reader::Group,
    };
    let public_url = hands.parts.link_url.as_deref();
    let read = |owed: &Owed| owed.draft(directory, public_url).read_by(&reader);
    let message = || -> Notice {
        let notices: Vec<Notice> = listed.iter().map(read).collect();
        match notices.as_slice() {
            [one] if n_all == 1 => one.clone(),
            several => {
                let lang = several.first().map_or(Lang::En, |first| first.lang);
                digest::combined(several, n_all, lang)
            }
        }
    };
    let sending = match &channel.route {
        Route::Mail(relay) => Sending::Mail {
            relay: relay.clone(),
            to: to.iter().map(|user| user.email.clone()).collect(),
            mail: content::mail(&message()),
        },
        Route::Post(posting) if posting.kind == PostKind::Webhook => {
            let bodies = listed.iter().map(|owed| {
                let draft = owed.draft(directory, public_url);
                let then = (owed.key.1, owed.then.ticket.version, owed.then.meta.at);
                content::webhook(&draft, &read(owed), &channel.id, (&reader, to), then)
            });
            let bodies: Result<Vec<Json>, serde_json::Error> = bodies.collect();
            let bodies = bodies.map_err(|error| Fault::Inconsistent {
                what: format!(
                    "the body of effect {} of ticket `{}` cannot be written: {error}",
                    key.1, key.0
                ),
            })?;
            let body = match bodies.as_slice() {
                [one] if n_all == 1 => one.clone(),
                _ => content::webhook_digest(&id, tenant, at, bodies, n_all),
            };
            let post = Post {
                url: posting.url.expose().to_owned(),
                id,
                at,
                body: body.to_string().into_bytes(),
                token: posting.secret.clone(),
                timeout: CHAT_TIMEOUT,
                response_bytes_max: attempt::ANSWER_BYTES_MAX,
            };
            let response = tokio::time::timeout(CHAT_TIMEOUT + attempt::GRACE, port.post(post)).await;
            let response = response.unwrap_or_else(|_| Err(attempt::too_long()));
            let status = response.as_ref().ok().map(|response| response.status);
            let sent = attempt::judge(response).map(|status| format!("status {status}"));
            let outcome = Outcome { status, sent };
            note(hands, tenant, channel, key, (at, began), &outcome);
            return Ok(outcome);
        }
        Route::Post(posting) => Sending::Chat {
            posting: posting.clone(),
            body: content::chat(posting.kind, &message()),
        },
    };
    let timeout = match &sending {
        Sending::Mail { .. } => MAIL_TIMEOUT,
        Sending::Chat { .. } => CHAT_TIMEOUT,
    };
    let message = Message {
        id,
        at,
        timeout,
        sending,
    };
    let sent = tokio::time::timeout(timeout + attempt::GRACE, port.send(message)).await;
    let outcome = match sent.unwrap_or_else(|_| Err(NotSent::failed("it took too long"))) {
        Ok(sent) => Outcome {
            status: sent.status,
            sent: Ok(sent.note),
        },
        Err(not) => Outcome {
            status: not.status,
            sent: Err(Failure::because(not)),
        },
    };
    note(hands, tenant, channel, key, (at, began), &outcome);
    Ok(outcome)
}

/// Puts a try into the delivery log. The path of a chat's address is its key, so the host alone is shown.
fn note(
    hands: &Hands,
    tenant: &TenantId,
    channel: &Channel,
    (ticket, effect): Key,
    (at, began): (Timestamp, Instant),
    outcome: &Outcome,
) {
    let delivery = Delivery {
        at,
        ticket,
        effect,
        target: format!("{} (channel {})", channel.route.host(), channel.id),
        status: outcome.status,
        ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
        error: outcome.sent.as_ref().err().map(|failure| failure.why().to_owned()),
    };
    hands.parts.deliveries.note(tenant, delivery);
}

/// Who a notice goes to: one person, or a group.
pub(super) fn receiver(tenant: &TenantId, notice: &OwedNotice) -> Receiver {
    let person: Option<UserId> = notice.to.first().filter(|_| notice.to.len() == 1).cloned();
    (tenant.clone(), notice.channel.clone(), person)
}
