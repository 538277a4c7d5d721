//! Sub-tickets across two tickets: opened in the parent's stream first, created then; taken back where that is refused.
//!
//! Not here: the rules (`ticket::sub_ticket`), telling a parent how a sub-ticket ended (`outbox`).

use std::sync::Arc;

use crate::id::{NodeId, TenantId, TicketId, UserId, WorkflowId};
use crate::limits::{CHILDREN_DEPTH_MAX, CHILDREN_OF_STAY_MAX, CHILDREN_OPEN_MAX};
use crate::runtime::Answer;
use crate::runtime::commit::Origin;
use crate::runtime::engine::Engine;
use crate::runtime::fault::Fault;
use crate::runtime::registry::TenantState;
use crate::runtime::slot::Request;
use crate::ticket::event::{ChildEnd, OwedChild, Via};
use crate::ticket::sub_ticket::too_many;
use crate::ticket::{ActState, Argument, Command, Create, OpenChild, Refusal, Replies, Ticket};
use crate::workflow::{EdgeKind, WorkflowVersion};

/// A sub-ticket that somebody is about to open: below which node of which parent, of which workflow.
pub(crate) struct Below<'a> {
    pub(crate) parent: &'a Arc<Ticket>,
    pub(crate) node: &'a NodeId,
    pub(crate) child: TicketId,
    pub(crate) workflow_id: &'a WorkflowId,
    pub(crate) by: &'a UserId,
}

impl Engine {
    /// How many tickets are above one; no more than may be are counted.
    async fn depth_of(&self, tenant: &TenantId, ticket: &Ticket) -> Result<usize, Fault> {
        let mut depth = 0;
        let mut above = ticket.parent.as_ref().map(|(parent, _)| *parent);
        while let Some(parent) = above
            && depth < CHILDREN_DEPTH_MAX
        {
            depth += 1;
            let loaded = self.load(tenant, parent).await?;
            above = loaded.and_then(|(ticket, _)| ticket.parent.as_ref().map(|(parent, _)| *parent));
        }
        Ok(depth)
    }

    async fn opening(&self, tenant: &TenantId, below: &Below<'_>) -> Result<Command, Fault> {
        Ok(Command::OpenChild(OpenChild {
            child: below.child,
            workflow_id: below.workflow_id.clone(),
            node: below.node.clone(),
            by: below.by.clone(),
            depth: self.depth_of(tenant, below.parent).await?,
        }))
    }

    /// Whether the parent would take it.
    pub(crate) async fn rehearse_opening(&self, tenant: &TenantState, below: &Below<'_>) -> Answer<()> {
        let command = self.opening(&tenant.directory.tenant.id, below).await?;
        let workflow = self.inner.registry.version_of(tenant, below.parent)?;
        let rehearsed = self.rehearse(tenant, &workflow, Some(below.parent), &command, None);
        Ok(rehearsed.await?.map(drop))
    }

    /// Opens it in the parent's stream.
    pub(crate) async fn open_below(&self, tenant: &TenantId, below: &Below<'_>) -> Answer<()> {
        let command = self.opening(tenant, below).await?;
        Ok(self.engine_command(tenant, below.parent.id, command).await?.map(drop))
    }

    /// Notes in the parent's stream that a sub-ticket which was opened will not be there.
    pub(crate) async fn take_back(&self, tenant: &TenantId, parent: TicketId, child: TicketId) -> Result<(), Fault> {
        let state = ChildEnd::None;
        // Where that fails too, the parent looks by itself in a while.
        let _ = self
            .engine_command(tenant, parent, Command::EndChild { child, state })
            .await?;
        Ok(())
    }

    /// Opens what a draft below a parent needs before it is sent; whether it did. Where the parent has gone on, or others
    /// act there now, the ticket is below it by name alone.
    pub(crate) async fn open_for_draft(
        &self,
        tenant: &TenantId,
        draft: &Ticket,
        parent: Option<&Arc<Ticket>>,
        by: &UserId,
    ) -> Answer<bool> {
        let (Some((_, node)), Some(parent), ActState::InDraft) = (&draft.parent, parent, draft.act_state) else {
            return Ok(Ok(false));
        };
        if parent.children.contains_key(&draft.id) {
            return Ok(Ok(false));
        }
        let below = Below {
            parent,
            node,
            child: draft.id,
            workflow_id: &draft.workflow_id,
            by,
        };
        Ok(match self.open_below(tenant, &below).await? {
            Ok(()) => Ok(true),
            Err(refusal @ Refusal::SubTicketLimit { .. }) => Err(refusal),
            Err(_) => Ok(false),
        })
    }

    /// Creates a sub-ticket that a node of its parent opened; one that is there already is done.
    pub(crate) async fn create_spawned(&self, tenant_id: &TenantId, parent: TicketId, owed: OwedChild) -> Answer<()> {
        if self.load(tenant_id, owed.child).await?.is_some() {
            return Ok(Ok(()));
        }
        let (Some(tenant), Some((parent, _))) = (
            self.inner.registry.find(tenant_id)?,
            self.load(tenant_id, parent).await?,
        ) else {
            return Ok(Err(Refusal::TicketNotFound { id: parent.to_string() }));
        };
        let visit = parent.children.get(&owed.child).map(|child| child.visit);
        let place = visit.and_then(|visit| parent.children_of(visit).position(|(child, _)| child == owed.child));
        if place.is_some_and(|place| place >= CHILDREN_OF_STAY_MAX)
            || parent.n_open_children() > CHILDREN_OPEN_MAX
            || self.depth_of(tenant_id, &parent).await? >= CHILDREN_DEPTH_MAX
        {
            return Ok(Err(too_many()));
        }
        let workflow = tenant.workflows.get(&owed.workflow_id);
        let Some(workflow) = workflow.and_then(|workflow| workflow.version_to_start(None)).cloned() else {
            return Ok(Err(Refusal::WorkflowNotFound {
                id: owed.workflow_id.to_string(),
            }));
        };
        let take = match owed.action_id.as_deref() {
            Some("") => None,
            Some(id) => Some(id.into()),
            None => match only_agree(&workflow) {
                Ok(edge) => Some(edge),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let between = (parent.id, owed.child);
        let copied = self.copied_files(tenant_id, between, &owed.creator, &workflow.form, owed.fields);
        let fields = copied.await?;
        let command = Command::Create(Create {
            ticket_id: owed.child,
            by: owed.creator,
            app: parent.app.clone(),
            take,
            fields,
            comment: None,
            cc: Vec::new(),
            parent: Some((parent.id, owed.node)),
            via: Some(Via::Spawn),
        });
        let permit = self.admit(tenant_id, None).await?;
        let now = self.inner.shared.ports.clock.now();
        let lease = self.inner.router.lease(tenant_id, owed.child, now)?;
        let request = Request {
            command,
            create_on: Some(workflow),
            migrate_to: None,
            origin: Origin {
                app: Some(parent.app.clone()),
                access_token: None,
            },
            parent: Some(parent),
            expected_version: None,
            replies: Replies::default(),
            _permit: permit,
            idempotency: None,
        };
        Ok(self.command(lease, request).await?.map(drop))
    }
}

/// The only agree edge out of start.
fn only_agree(workflow: &WorkflowVersion) -> Result<crate::id::EdgeId, Refusal> {
    let mut ways = workflow
        .ways_out(&workflow.start().id)
        .filter(|edge| edge.kind == EdgeKind::Agree);
    match (ways.next(), ways.next()) {
        (Some(edge), None) => Ok(edge.id.clone()),
        (Some(_) | None, _) => {
            let problem = format!(
                "the start of workflow `{}` has not just one agree edge: name the one to take",
                workflow.workflow_id
            );
            Err(Refusal::argument(Argument::ActionId, "", problem))
        }
    }
}
