//! Watches ticket actors: one that died is logged; the router finds it dead and the next call replays it.

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

pub(crate) struct Supervisor;

impl Actor for Supervisor {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        // Staying alive is the point: the default would stop with the first child.
        if let SupervisionEvent::ActorFailed(who, error) = event {
            tracing::error!(actor = %who.get_id(), error = %error, "a ticket's actor died; it is replayed when next used");
        }
        Ok(())
    }
}
