//! The runner: an actor that starts calls and fires alarms when they may be, and notes what became of them.
//!
//! It keeps nothing that the outbox does not have, but for what is under way: where it dies, its supervisor starts another,
//! which begins with all that is owed. What was under way then is carried out again: an effect is carried out at least
//! once, and its `webhook-id` says that it is the same.
//!
//! Not here: what is owed (`outbox`), which calls may run (`dispatch`), what a try does (`attempt`).

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::FutureExt;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::id::{TenantId, TicketId};
use crate::runtime::fault::Fault;
use crate::runtime::outbox::attempt::{self, Tried};
use crate::runtime::outbox::dispatch::{Dispatch, Host, IN_FLIGHT_MAX, OF_HOST_MAX};
use crate::runtime::outbox::{Door, Hands, Key, Parts, Tries, message, notice, pause};
use crate::ticket::effect_table::{Lane, Work};
use crate::ticket::{Command, EffectOutcome, Refusal};
use crate::time::Timestamp;

/// Alarms that fire at once: each is a commit, and a log's batch takes more than these.
const FIRING_MAX: usize = 64;
/// Commands to other tickets at once: each is a commit too.
const MESSAGES_MAX: usize = 64;
/// Tickets that are looked at in one go.
const LOOK_TICKETS: usize = 1_000;
/// Pause after a fault of the log, which is nobody's try.
const FAULT_PAUSE_MS: i64 = 5_000;
/// Pause before an alarm is fired again that came too early, by a clock that was set back.
const AGAIN_MS: i64 = 1_000;
/// Longest sleep while something waits for an instant: a clock that is set forward is noticed within it.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// Wakes the runner, and counts what it has under way.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// When the runner next has something to do by the clock.
    next: Mutex<Option<Timestamp>>,
    /// A look was asked for and has not begun.
    is_asked: AtomicBool,
    n_under_way: AtomicUsize,
    is_stopped: AtomicBool,
}

impl Pulse {
    /// Lets nothing more begin.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
    }

    /// Waits until nothing is under way.
    pub(crate) async fn idle(&self) {
        while self.n_under_way.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn next(&self) -> Option<Timestamp> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) enum Message {
    /// Something may be owed, or due.
    Look,
    /// The host of a call is known; `None` where it is owed no longer, an error where that could not be told.
    Host(Key, Result<Option<Host>, ()>),
    /// A call was tried.
    Tried(Key, Result<Tried, ()>),
    /// An alarm was fired, or is to be put back.
    Fired(Key, Option<Tries>),
}

/// What a runner is of.
#[derive(Clone)]
pub(crate) struct Of {
    /// The engine; it may be gone.
    pub(crate) door: Weak<dyn Door>,
    pub(crate) parts: Arc<Parts>,
    pub(crate) pulse: Arc<Pulse>,
}

/// See the module.
pub(crate) struct Runner;

pub(crate) struct State {
    of: Of,
    /// Calls to the outside.
    calls: Dispatch,
    /// Commands to other tickets.
    messages: Dispatch,
    /// Calls that are known, by ticket.
    known: HashMap<TicketId, Vec<Key>>,
    firing: HashSet<Key>,
}

impl Actor for Runner {
    type Msg = Message;
    type State = State;
    type Arguments = Of;

    async fn pre_start(&self, myself: ActorRef<Message>, of: Of) -> Result<State, ActorProcessingErr> {
        of.parts.outbox.touch_all();
        tokio::spawn(beat(of.clone(), myself));
        Ok(State {
            of,
            calls: Dispatch::new(IN_FLIGHT_MAX, OF_HOST_MAX),
            messages: Dispatch::new(MESSAGES_MAX, MESSAGES_MAX),
            known: HashMap::new(),
            firing: HashSet::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Some(door) = state.of.door.upgrade() else {
            myself.stop(None);
            return Ok(());
        };
        let parts = state.of.parts.clone();
        let hands = Hands { door, parts };
        let now = hands.parts.clock.now();
        match message {
            Message::Look => state.of.pulse.is_asked.store(false, Ordering::Release),
            Message::Host(key, Ok(host)) => state.calls.found(key, host),
            Message::Host(key, Err(())) => state.calls.not_found(key, now.plus_ms(FAULT_PAUSE_MS)),
            Message::Tried(key, tried) => state.tried(&hands, key, tried, now),
            Message::Fired(key, again) => {
                state.firing.remove(&key);
                if let Some(tries) = again {
                    if tries.n > 0 {
                        hands.parts.outbox.note_tries(key, Some(tries));
                    }
                    hands.parts.outbox.put_back(key, tries.next);
                }
            }
        }
        if !state.of.pulse.is_stopped.load(Ordering::Acquire) {
            state.look(&hands, &myself, now);
        }
        Ok(())
    }
}

impl State {
    /// Takes in what changed, and starts what may be started.
    fn look(&mut self, hands: &Hands, myself: &ActorRef<Message>, now: Timestamp) {
        let outbox = &hands.parts.outbox;
        let touched = outbox.take_touched(LOOK_TICKETS);
        if touched.len() == LOOK_TICKETS {
            outbox.changed.notify_one();
        }
        for ticket in touched {
            self.sync(hands, ticket, now);
        }
        self.calls.wake(now);
        self.messages.wake(now);
        self.fire(hands, myself, now);
        self.send(hands, myself);
        if let Some(port) = &hands.parts.outside {
            while let Some((key, tenant)) = self.calls.next_look() {
                let gave_way = Message::Host(key, Err(()));
                self.spawn(hands, myself, gave_way, move |hands| async move {
                    let host = attempt::host(&hands, &tenant, key).await;
                    Message::Host(key, host.map_err(|fault| told(&fault)))
                });
            }
            while let Some(started) = self.calls.next_call() {
                let port = port.clone();
                let (tenant, n_tries) = (started.tenant, started.n_tries);
                let gave_way = Message::Tried(started.key, Err(()));
                self.spawn(hands, myself, gave_way, move |hands| async move {
                    let tried = match hands.parts.outbox.notice_of(started.key) {
                        Some((owed, since)) => {
                            notice::send(&hands, &port, &tenant, started.key, (&owed, since), n_tries).await
                        }
                        None => attempt::call(&hands, &port, &tenant, started.key, n_tries).await,
                    };
                    Message::Tried(started.key, tried.map_err(|fault| told(&fault)))
                });
            }
        }
        // While all places are taken, what is due waits for one of them to be free.
        let is_firing_free = self.firing.len() < FIRING_MAX;
        let first_due = outbox.first_due().filter(|_| is_firing_free);
        let waits = [first_due, self.calls.first_wait(), self.messages.first_wait()];
        let next = waits.into_iter().flatten().min();
        *self.of.pulse.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Takes in what a ticket owes: of each lane the first alone.
    fn sync(&mut self, hands: &Hands, ticket: TicketId, now: Timestamp) {
        let owing = hands.parts.outbox.owing(ticket);
        let mut still = Vec::new();
        if let Some(owing) = &owing {
            let mut lanes: HashSet<Lane<'_>> = HashSet::new();
            for (effect, open) in owing.table.iter().filter(|(_, open)| open.is_owed()) {
                if let Some(lane) = open.work.lane()
                    && lanes.insert(lane)
                {
                    let key = (ticket, effect);
                    let tries = owing.tries.get(&effect).copied();
                    let dispatch = if open.work.is_internal() {
                        &mut self.messages
                    } else {
                        &mut self.calls
                    };
                    dispatch.owe(key, &owing.tenant, open.since, tries, now);
                    still.push(key);
                }
            }
        }
        let known = self.known.remove(&ticket).unwrap_or_default();
        self.calls.keep_only(&known, &still);
        self.messages.keep_only(&known, &still);
        if !still.is_empty() {
            self.known.insert(ticket, still);
        }
    }

    fn tried(&mut self, hands: &Hands, key: Key, tried: Result<Tried, ()>, now: Timestamp) {
        let again = match tried {
            Ok(Tried::Ended) => None,
            Ok(Tried::Again(tries)) => Some(tries),
            // A fault of this side is not one of the call's tries.
            Err(()) => {
                let known = hands.parts.outbox.tries_of(key);
                let next = now.plus_ms(FAULT_PAUSE_MS);
                Some(Tries {
                    n: known.map_or(0, |tries| tries.n),
                    next,
                    is_held: known.is_some_and(|tries| tries.is_held),
                })
            }
        };
        let dispatch = if self.messages.knows(key) {
            &mut self.messages
        } else {
            &mut self.calls
        };
        let is_owed = dispatch.ended(key, again);
        hands.parts.outbox.note_tries(key, again.filter(|_| is_owed));
        // What it was in the way of may begin, and what the commit that closed it left.
        self.sync(hands, key.0, now);
    }

    /// Sends commands to other tickets: nowhere has to be looked up for them.
    fn send(&mut self, hands: &Hands, myself: &ActorRef<Message>) {
        while let Some((key, _)) = self.messages.next_look() {
            self.messages.found(key, Some(Host::new()));
        }
        while let Some(started) = self.messages.next_call() {
            let (tenant, n_tries) = (started.tenant, started.n_tries);
            let gave_way = Message::Tried(started.key, Err(()));
            self.spawn(hands, myself, gave_way, move |hands| async move {
                let tried = message::send(&hands, &tenant, started.key, n_tries).await;
                Message::Tried(started.key, tried.map_err(|fault| told(&fault)))
            });
        }
    }

    /// Fires alarms that are due, the oldest first.
    fn fire(&mut self, hands: &Hands, myself: &ActorRef<Message>, now: Timestamp) {
        while self.firing.len() < FIRING_MAX {
            let due = hands.parts.outbox.take_due(now, FIRING_MAX - self.firing.len());
            if due.is_empty() {
                break;
            }
            for (tenant, _, key) in due {
                // A commit since has put it back; whoever fires it puts it back where it must.
                if !self.firing.insert(key) {
                    continue;
                }
                let next = now.plus_ms(FAULT_PAUSE_MS);
                let gave_way = Message::Fired(
                    key,
                    Some(Tries {
                        n: 0,
                        next,
                        is_held: false,
                    }),
                );
                self.spawn(hands, myself, gave_way, move |hands| async move {
                    Message::Fired(key, fire(&hands, &tenant, key).await)
                });
            }
        }
    }

    /// Carries something out beside the mailbox; a panic in it says what it was given for that.
    fn spawn<F>(
        &self,
        hands: &Hands,
        myself: &ActorRef<Message>,
        gave_way: Message,
        work: impl FnOnce(Hands) -> F + Send + 'static,
    ) where
        F: Future<Output = Message> + Send + 'static,
    {
        let (hands, myself, pulse) = (hands.clone(), myself.clone(), self.of.pulse.clone());
        pulse.n_under_way.fetch_add(1, Ordering::AcqRel);
        let work = AssertUnwindSafe(work(hands)).catch_unwind();
        tokio::spawn(async move {
            let done = work.await.unwrap_or_else(|_| {
                tracing::error!("carrying out an effect gave way; it is tried again");
                gave_way
            });
            pulse.n_under_way.fetch_sub(1, Ordering::AcqRel);
            let _ = myself.send_message(done);
        });
    }
}

/// Fires an alarm; says when it is to be fired again, where it has to be.
async fn fire(hands: &Hands, tenant: &TenantId, (ticket, effect): Key) -> Option<Tries> {
    let outcome = match came_due(hands, tenant, (ticket, effect)).await {
        Ok(outcome) => outcome,
        Err(fault) => {
            told(&fault);
            let next = hands.parts.clock.now().plus_ms(FAULT_PAUSE_MS);
            return Some(Tries {
                n: 0,
                next,
                is_held: false,
            });
        }
    };
    let command = Command::CloseEffect { effect, outcome };
    let done = hands.door.clone().command(tenant, ticket, command).await;
    let now = hands.parts.clock.now();
    let n_before = || hands.parts.outbox.tries_of((ticket, effect)).map_or(0, |tries| tries.n);
    match done {
        Ok(Ok(_) | Err(Refusal::TicketNotFound { .. })) => None,
        // It is owed no longer, or the clock was set back meanwhile: then it is still there to be put back.
        Ok(Err(Refusal::NotWaiting { .. })) => {
            let next = now.plus_ms(AGAIN_MS);
            Some(Tries {
                n: 0,
                next,
                is_held: false,
            })
        }
        Ok(Err(refusal)) => {
            let n = n_before() + 1;
            // Nobody is found outside: the ticket goes on without, and its admins see to it.
            if n >= pause::TRIES_MAX && matches!(refusal, Refusal::OutsideUnavailable { .. }) {
                let command = Command::CloseEffect {
                    effect,
                    outcome: EffectOutcome::CameDue,
                };
                if matches!(
                    hands.door.clone().command_alone(tenant, ticket, command).await,
                    Ok(Ok(_))
                ) {
                    return None;
                }
            }
            let id = crate::effect::body::webhook_id(ticket, effect);
            if let Some(pause) = pause::after(n, &id, None) {
                let ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                let next = now.plus_ms(ms);
                return Some(Tries {
                    n,
                    next,
                    is_held: false,
                });
            }
            let outcome = EffectOutcome::Failed {
                reason: format!("it came due, but: {refusal}"),
                n_tries: n,
                attempt: None,
            };
            let parked = attempt::close(hands, tenant, (ticket, effect), outcome).await;
            let next = now.plus_ms(FAULT_PAUSE_MS);
            (!matches!(parked, Ok(Ok(())))).then_some(Tries {
                n: n - 1,
                next,
                is_held: false,
            })
        }
        Err(fault) => {
            told(&fault);
            let next = now.plus_ms(FAULT_PAUSE_MS);
            Some(Tries {
                n: n_before(),
                next,
                is_held: false,
            })
        }
    }
}

/// What has become of an alarm that is due: a sub-ticket that somebody was about to create may be there.
async fn came_due(hands: &Hands, tenant: &TenantId, (ticket, effect): Key) -> Result<EffectOutcome, Fault> {
    let owing = hands.parts.outbox.owing(ticket);
    let work = owing.and_then(|owing| owing.table.get(effect).map(|open| open.work.clone()));
    if let Some(Work::Reserved { child, .. }) = work
        && hands.door.clone().current(tenant, child).await?.is_some()
    {
        return Ok(EffectOutcome::Succeeded { note: None });
    }
    Ok(EffectOutcome::CameDue)
}

/// Says in the program's log that an effect has to wait for this side.
fn told(fault: &Fault) {
    if !matches!(fault, Fault::Closed) {
        tracing::warn!(error = fault as &dyn std::error::Error, "an effect has to wait");
    }
}

/// Wakes the runner whenever the outbox changes, the clock is moved, or what it waits for is there.
async fn beat(of: Of, runner: ActorRef<Message>) {
    let Of { door, parts, pulse } = of;
    loop {
        if door.strong_count() == 0 || pulse.is_stopped.load(Ordering::Acquire) {
            return;
        }
        let (outbox, clock) = (&parts.outbox, &parts.clock);
        // Before the look: a clock that is moved while that goes on is not missed.
        let moved = clock.moved();
        if !pulse.is_asked.swap(true, Ordering::AcqRel) && runner.send_message(Message::Look).is_err() {
            return;
        }
        let sleep = async {
            match pulse.next() {
                Some(next) => {
                    let left = u64::try_from(next.0.saturating_sub(clock.now().0)).unwrap_or(0);
                    tokio::time::sleep(Duration::from_millis(left.max(1)).min(SLEEP_MAX)).await;
                }
                // It is told where there is something; looking once in a while notices that the engine is gone.
                None => tokio::time::sleep(SLEEP_MAX).await,
            }
        };
        tokio::select! {
            () = outbox.changed.notified() => {}
            () = moved => {}
            () = sleep => {}
        }
    }
}
