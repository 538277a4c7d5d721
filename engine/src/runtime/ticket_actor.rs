//! One live ticket: replays it from the log, then takes one command at a time: decide, append, fold, publish, reply.
//!
//! A refusal is a reply. After an append that went wrong the state is dropped and read again, for only the log knows
//! what happened. `handle` never answers `Err`; a panic in a decision kills the actor, its callers get a fault, and
//! the next call finds it gone and starts another.
//!
//! Invariant: what is published is what the log holds, or was a moment ago; never more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::id::{TenantId, TicketId};
use crate::runtime::Answer;
use crate::runtime::commit::{self, Decided, Step};
use crate::runtime::fault::Fault;
use crate::runtime::request::Done;
use crate::runtime::slot::{Message, Published, Request, Shared, Taken};
use crate::runtime::streams;
use crate::ticket::{Context, Draw, Files, Question, Refusal, Ticket};

pub(crate) struct Arguments {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tenant: TenantId,
    pub(crate) ticket: TicketId,
    pub(crate) published: Arc<Published>,
}

pub(crate) struct State {
    of: Arguments,
    /// The ticket; `None` while it is not there or has to be read (again).
    ticket: Option<Arc<Ticket>>,
    is_read: bool,
    /// Version of the last stored snapshot.
    snapshot_version: u64,
}

impl Drop for State {
    fn drop(&mut self) {
        self.of.published.is_gone.store(true, Ordering::Release);
    }
}

pub(crate) struct TicketActor;

impl Actor for TicketActor {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(&self, _: ActorRef<Message>, of: Arguments) -> Result<State, ActorProcessingErr> {
        Ok(State {
            of,
            ticket: None,
            is_read: false,
            snapshot_version: 0,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Load { reply, lease } => {
                let answer = state.read().await.map(|()| state.ticket.clone());
                drop(lease);
                let _ = reply.send(answer);
            }
            Message::Command { request, reply, lease } => {
                let answer = state.handle(request).await;
                // Stored after the answer was decided, before the next command: a snapshot is never of a middle.
                let due = state.snapshot_due();
                let answer = answer.map(|answer| {
                    answer.map(|taken| match taken {
                        Ok((done, position)) => {
                            drop(lease);
                            Taken::Done(done, position)
                        }
                        Err((questions, request)) => Taken::Needs(questions, request, lease),
                    })
                });
                // Whoever asked may have gone; what was written stands.
                let _ = reply.send(answer);
                if due {
                    state.store_snapshot().await;
                }
            }
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Message>, state: &mut State) -> Result<(), ActorProcessingErr> {
        if state
            .ticket
            .as_ref()
            .is_some_and(|ticket| ticket.version >= state.snapshot_version + SNAPSHOT_AT_STOP)
        {
            state.store_snapshot().await;
        }
        Ok(())
    }
}

/// Events since the last snapshot that make one worth storing when a ticket goes to sleep.
const SNAPSHOT_AT_STOP: u64 = 50;

impl State {
    async fn read(&mut self) -> Result<(), Fault> {
        if self.is_read {
            return Ok(());
        }
        let (log, stream) = (
            self.of.shared.log.clone(),
            streams::ticket(&self.of.tenant, self.of.ticket),
        );
        let unreadable = self.of.shared.unreadable.clone();
        let read = tokio::task::spawn_blocking(move || {
            commit::replay(&*log, &stream).inspect_err(|fault| {
                if let Fault::Unreadable { why, .. } = fault {
                    unreadable.note(stream.as_str(), why);
                }
            })
        });
        let (ticket, snapshot_version) = read.await.map_err(|_| Fault::WorkerDied)??;
        self.ticket = ticket.map(Arc::new);
        self.snapshot_version = snapshot_version;
        self.is_read = true;
        self.publish();
        Ok(())
    }

    fn publish(&self) {
        self.of.published.ticket.store(self.ticket.clone());
    }

    fn forget(&mut self) {
        self.ticket = None;
        self.is_read = false;
        self.of.published.ticket.store(None);
    }

    /// Carries a command out, or gives it back with what has to be asked first.
    async fn handle(&mut self, request: Box<Request>) -> Answer<Result<(Done, u64), (Vec<Question>, Box<Request>)>> {
        self.read().await?;
        let shared = self.of.shared.clone();
        let Some(tenant) = shared.registry.find(&self.of.tenant)? else {
            return Ok(Err(Refusal::TicketNotFound {
                id: self.of.ticket.to_string(),
            }));
        };
        let before = self.ticket.clone();
        let workflow = match (&before, &request.create_on) {
            (Some(ticket), _) => shared.registry.version_of(&tenant, ticket)?,
            (None, Some(create_on)) => create_on.clone(),
            (None, None) => {
                return Ok(Err(Refusal::TicketNotFound {
                    id: self.of.ticket.to_string(),
                }));
            }
        };
        if let Err(refusal) = commit::check_version(request.expected_version, before.as_deref()) {
            return Ok(Err(refusal));
        }
        let migrate_to = request
            .migrate_to
            .as_ref()
            .and_then(|name| tenant.version(&workflow.workflow_id, name));
        let now = commit::decided_at(shared.ports.clock.now(), before.as_deref());
        // In hand until the commit is on disk: nobody else takes them into another ticket meanwhile.
        let drafts = shared
            .claimed_drafts(&self.of.tenant, &workflow, &request.command, now)
            .await?;
        let context = Context {
            now,
            directory: &tenant.directory,
            workflow: &workflow,
            draw: Draw::Seed(shared.ports.random.draw()),
            parent: request.parent.as_deref(),
            migrate_to: migrate_to.map(|version| &**version),
            replies: Some(&request.replies),
            files: drafts
                .as_ref()
                .map_or(Files::Unkept, |(drafts, _)| Files::Drafts(drafts)),
        };
        let keep = request.idempotency.as_ref().map(|(caller, asked, _)| (caller, asked));
        let decided = match commit::decided(before.as_deref(), &request.command, &context, &request.origin, keep) {
            Ok(Step::Decided(decided)) => decided,
            Ok(Step::Needs(questions)) => return Ok(Ok(Err((questions, request)))),
            Err(refusal) => {
                if let Some((_, claim)) = &drafts {
                    shared.note_use(&self.of.tenant, &request.command, claim, now).await?;
                }
                return Ok(Err(refusal));
            }
        };
        let Decided { commit, after, done } = *decided;
        let Some(commit) = commit else {
            return Ok(Ok(Ok((done, 0))));
        };
        match shared.log.append(commit).await {
            Ok(head) => {
                self.ticket = Some(Arc::new(after));
                self.publish();
                Ok(Ok(Ok((done, head.position))))
            }
            Err(error) => {
                self.forget();
                Err(error.into())
            }
        }
    }

    fn snapshot_due(&self) -> bool {
        let every = self.of.shared.snapshot_events.max(1);
        self.ticket
            .as_ref()
            .is_some_and(|ticket| ticket.version >= self.snapshot_version + every)
    }

    async fn store_snapshot(&mut self) {
        let Some(ticket) = self.ticket.clone() else { return };
        let (log, stream) = (
            self.of.shared.log.clone(),
            streams::ticket(&self.of.tenant, self.of.ticket),
        );
        self.snapshot_version = ticket.version;
        let stored = tokio::task::spawn_blocking(move || log.put_snapshot(&stream, &commit::snapshot_of(&ticket)));
        if let Ok(Err(error)) = stored.await {
            // Disposable: the next replay reads more events.
            tracing::warn!(ticket.id = %self.of.ticket, %error, "a snapshot could not be stored");
        }
    }
}
