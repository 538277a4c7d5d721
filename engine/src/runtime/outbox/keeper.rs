//! Keeps a runner alive: starts it, and another where it died.

use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::runtime::outbox::runner::{Of, Runner};

/// Pause before another runner is started: one that dies at once must not keep the machine busy.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) enum Message {
    /// Start a runner.
    Start,
}

pub(crate) struct Keeper;

impl Actor for Keeper {
    type Msg = Message;
    type State = Of;
    type Arguments = Of;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        of: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        myself.send_message(Message::Start)?;
        Ok(of)
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        Message::Start: Message,
        of: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let started = Actor::spawn_linked(None, Runner, of.clone(), myself.get_cell()).await;
        if let Err(error) = started {
            tracing::error!(%error, "the runner of effects cannot be started; it is tried again");
            myself.send_after(PAUSE, || Message::Start);
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        of: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        // One that was stopped is not to be started again; staying alive is the point of this.
        if let SupervisionEvent::ActorFailed(_, error) = event
            && of.door.strong_count() > 0
        {
            tracing::error!(%error, "the runner of effects died; another is started");
            myself.send_after(PAUSE, || Message::Start);
        }
        Ok(())
    }
}
