//! Tickets: creating them, acting on them, looking at them. A rehearsal is the same call with `dry_run`.
//!
//! Not here: what an action does (`ticket`), what of a ticket is shown (`view`).

use std::collections::{BTreeMap, BTreeSet};

use crate::account::permission;
use crate::id::{NodeId, TenantId, TicketId, UserId, VersionName, WorkflowId};
use crate::runtime::Answer;
use crate::runtime::commit;
use crate::runtime::engine::{Engine, Viewable, origin_of};
use crate::runtime::registry::TenantState;
use crate::runtime::request::{ActAnswer, ActRequest, Caller, CreateRequest, Done, HistoryQuery, Page};
use crate::runtime::slot::Request;
use crate::runtime::sub_tickets::Below;
use crate::ticket::event::{Event, Meta};
use crate::ticket::{Act, Argument, Command, Create, Question, Refusal, Replies, sub_ticket};
use crate::view::flow_history::{self, HistoryEntry, OutlineRow};
use crate::view::row::TicketRow;
use crate::view::ticket_detail::{self, CreateForm, Relative, TicketDetail};
use crate::view::ticket_list::{Category, ListQuery, Viewer};
use crate::workflow::{Component, WorkflowVersion};

/// What is done with tickets and asked of them.
#[derive(Clone, Copy, Debug)]
pub struct Tickets<'e> {
    engine: &'e Engine,
}

impl Engine {
    /// What is done with tickets and asked of them.
    #[must_use]
    pub fn tickets(&self) -> Tickets<'_> {
        Tickets { engine: self }
    }
}

impl Tickets<'_> {
    /// Takes an action on a ticket, or rehearses it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn act(self, caller: &Caller, request: ActRequest) -> Answer<ActAnswer> {
        let permit = self.engine.admit(&caller.tenant_id, Some(&caller.user_id)).await?;
        // A repeat is answered from the key alone: what it did may have taken the ticket out of sight.
        let asked = request.idempotency.filter(|_| !request.dry_run);
        let keep = match self.engine.idempotency(caller, asked).await? {
            Ok((keep, None)) => keep,
            Ok((_, Some(done))) => return Ok(Ok(ActAnswer::Done(done))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let seen = match self.engine.viewable(caller, request.ticket_id).await? {
            Ok(seen) => seen,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let command = Command::Act(Act {
            closes_children: request.closes_children,
            by: caller.user_id.clone(),
            action: request.action,
            at: request.at,
            comment: request.comment,
            fields: request.fields,
        });
        let parent = self.engine.parent_of(&caller.tenant_id, &seen.ticket).await?;
        if request.dry_run {
            if let Err(refusal) = commit::check_version(request.expected_version, Some(&seen.ticket)) {
                return Ok(Err(refusal));
            }
            let (tenant, workflow) = (&seen.tenant, &seen.workflow);
            let rehearsed = self
                .engine
                .rehearse(tenant, workflow, Some(&seen.ticket), &command, parent.as_deref());
            return rehearsed.await;
        }
        let (ticket_id, above) = (seen.ticket.id, parent.as_ref().map(|parent| parent.id));
        // A draft counts for its parent from its sending.
        let opened = if matches!(&command, Command::Act(act) if act.action.edge().is_some()) {
            let opened = self
                .engine
                .open_for_draft(&caller.tenant_id, &seen.ticket, parent.as_ref(), &caller.user_id);
            match opened.await? {
                Ok(opened) => opened,
                Err(refusal) => return Ok(Err(refusal)),
            }
        } else {
            false
        };
        let request = Request {
            command,
            create_on: None,
            migrate_to: None,
            parent,
            origin: origin_of(caller),
            expected_version: request.expected_version,
            replies: Replies::default(),
            _permit: permit,
            idempotency: keep,
        };
        let done = self.engine.command(seen.lease, request).await?;
        if let (Err(_), Some(parent), true) = (&done, above, opened) {
            self.engine.take_back(&caller.tenant_id, parent, ticket_id).await?;
        }
        Ok(done.map(ActAnswer::Done))
    }

    /// Creates a ticket, or rehearses it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn create(self, caller: &Caller, request: CreateRequest) -> Answer<ActAnswer> {
        let permit = self.engine.admit(&caller.tenant_id, Some(&caller.user_id)).await?;
        let asked = request.idempotency.clone().filter(|_| !request.dry_run);
        let keep = match self.engine.idempotency(caller, asked).await? {
            Ok((keep, None)) => keep,
            Ok((_, Some(done))) => return Ok(Ok(ActAnswer::Done(done))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (tenant, workflow) =
            match self
                .engine
                .startable(caller, &request.workflow_id, request.version_name.as_ref())?
            {
                Ok(found) => found,
                Err(refusal) => return Ok(Err(refusal)),
            };
        let parent = match &request.parent {
            None => None,
            Some((parent, node)) => match self.engine.viewable(caller, *parent).await? {
                Ok(seen) => match sub_ticket::check(&seen.workflow, node, &request.workflow_id) {
                    Ok(()) => Some(seen.ticket),
                    Err(refusal) => return Ok(Err(refusal)),
                },
                Err(refusal @ Refusal::TicketNotFound { .. }) => {
                    let problem = format!("{refusal}; name a ticket that you may view");
                    return Ok(Err(Refusal::argument(Argument::ParentTicket, parent, problem)));
                }
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let now = self.engine.inner.shared.ports.clock.now();
        let create = |ticket_id| {
            Command::Create(Create {
                ticket_id,
                by: caller.user_id.clone(),
                app: caller.app.clone(),
                take: request.take.clone(),
                fields: request.fields.clone(),
                comment: request.comment.clone(),
                cc: request.cc.clone(),
                parent: request.parent.clone(),
                via: None,
            })
        };
        // A draft counts for its parent from its sending.
        let sent_below = match (&request.parent, &parent) {
            (Some((_, node)), Some(parent)) if request.take.is_some() => Some((parent, node)),
            (Some(_) | None, _) => None,
        };
        let below = |child| {
            sent_below.map(|(parent, node)| Below {
                parent,
                node,
                child,
                workflow_id: &request.workflow_id,
                by: &caller.user_id,
            })
        };
        if request.dry_run || sent_below.is_some() {
            // A rehearsal takes no id from the source: nobody sees the one it has.
            let nobody = TicketId(uuid::Uuid::nil());
            let rehearsed = self
                .engine
                .rehearse(&tenant, &workflow, None, &create(nobody), parent.as_deref())
                .await?;
            let taken = match below(nobody) {
                Some(below) => self.engine.rehearse_opening(&tenant, &below).await?,
                None => Ok(()),
            };
            match (rehearsed, taken) {
                (Err(refusal), _) | (Ok(_), Err(refusal)) => return Ok(Err(refusal)),
                (Ok(preview), Ok(())) if request.dry_run => return Ok(Ok(preview)),
                (Ok(_), Ok(())) => {}
            }
        }
        let ticket_id = self.engine.inner.shared.ports.ids.ticket_id(now);
        let opened = match below(ticket_id) {
            Some(below) => match self.engine.open_below(&caller.tenant_id, &below).await? {
                Ok(()) => Some(below.parent.id),
                Err(refusal) => return Ok(Err(refusal)),
            },
            None => None,
        };
        let lease = self.engine.inner.router.lease(&caller.tenant_id, ticket_id, now)?;
        let request = Request {
            command: create(ticket_id),
            create_on: Some(workflow),
            migrate_to: None,
            parent,
            origin: origin_of(caller),
            expected_version: None,
            replies: Replies::default(),
            _permit: permit,
            idempotency: keep,
        };
        let done = self.engine.command(lease, request).await?;
        if let (Err(_), Some(parent)) = (&done, opened) {
            self.engine.take_back(&caller.tenant_id, parent, ticket_id).await?;
        }
        Ok(done.map(ActAnswer::Done))
    }

    /// A ticket as the caller sees it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn detail(self, caller: &Caller, ticket_id: TicketId) -> Answer<TicketDetail> {
        let now = self.engine.inner.shared.ports.clock.now();
        let seen = match self.engine.viewable(caller, ticket_id).await? {
            Ok(seen) => seen,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut detail = ticket_detail::detail(
            &seen.ticket,
            &seen.workflow,
            &seen.tenant.directory,
            &caller.user_id,
            now,
        );
        if let Some((parent, _)) = seen.ticket.parent
            && let Ok(parent) = self.engine.viewable(caller, parent).await?
        {
            detail.row.parent_ticket_id = Some(parent.ticket.id);
            detail.parent = Some(Relative::of(&parent.ticket, &parent.workflow));
        } else {
            detail.row.parent_ticket_id = None;
        }
        self.fetch_external(caller, &seen, &mut detail).await;
        let directory = &seen.tenant.directory;
        let is_tenant_admin = directory
            .user(&caller.user_id)
            .is_some_and(|user| permission::is_tenant_admin(user));
        let found = self.engine.inner.lists.ask(&caller.tenant_id, |index| {
            let viewer = viewer(caller, &seen.tenant, &index.versions(), is_tenant_admin);
            index.children(ticket_id, &viewer)
        });
        if let Some((children, n_hidden)) = found {
            let relatives = children.iter().filter_map(|child| {
                let version = seen.tenant.version(&child.workflow_id, &child.version_name)?;
                Some(Relative::of(child, version))
            });
            (detail.children, detail.n_children_hidden) = (relatives.collect(), n_hidden);
        }
        Ok(Ok(detail))
    }

    /// Fetches the values that a page shows from outside, or says why there are none.
    async fn fetch_external(self, caller: &Caller, seen: &Viewable, detail: &mut TicketDetail) {
        let form = &seen.workflow.form;
        let mut questions = Vec::new();
        let mut keys = Vec::new();
        for key in &detail.external {
            let Some(source) = form.component(key).and_then(Component::source) else {
                let why = "the workflow does not say where its value comes from";
                detail.field_errors.insert(key.clone(), why.to_owned());
                continue;
            };
            let question = Question::external(&seen.ticket, key, &source, &caller.user_id, &seen.workflow);
            questions.push((question, source.timeout));
            keys.push(key.clone());
        }
        let fetched = self.engine.inner.shared.outsides.fetch(questions).await;
        for (key, value) in keys.into_iter().zip(fetched) {
            match value {
                Ok(value) => drop(detail.values.insert(key, value)),
                Err(why) => drop(detail.field_errors.insert(key, why)),
            }
        }
    }

    /// What happened to a ticket, as far as the caller may see it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn history(
        self,
        caller: &Caller,
        ticket_id: TicketId,
        query: HistoryQuery,
    ) -> Answer<Page<HistoryEntry>> {
        let seen = match self.engine.viewable(caller, ticket_id).await? {
            Ok(seen) => seen,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now = self.engine.inner.shared.ports.clock.now();
        let permissions = ticket_detail::permissions(
            &seen.ticket,
            &seen.workflow,
            &seen.tenant.directory,
            &caller.user_id,
            now,
        );
        let (workflow, directory) = (seen.workflow, seen.tenant.directory.clone());
        let files = seen.ticket.files.clone();
        let tell = move |row: &OutlineRow, meta: &Meta, events: &[Event]| {
            let mut entry = flow_history::entry(row, meta, events, &workflow, &directory, &permissions);
            entry.hide_erased(&|id| files.get(&id).is_some_and(|file| file.is_erased));
            entry
        };
        let log = self.engine.inner.shared.log.clone();
        self.engine.inner.histories.page(log, &seen.ticket, query, tell).await
    }

    /// Finds tickets.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list(self, caller: &Caller, mut query: ListQuery) -> Answer<Page<TicketRow>> {
        let Some(tenant) = self.engine.inner.registry.find(&caller.tenant_id)? else {
            return Ok(Err(Refusal::TicketNotFound { id: String::new() }));
        };
        query.per_page = query.per_page.clamp(1, crate::limits::PER_PAGE_MAX);
        let directory = &tenant.directory;
        let is_tenant_admin = directory
            .user(&caller.user_id)
            .is_some_and(|user| permission::is_tenant_admin(user));
        if query.category == Category::All && !is_tenant_admin {
            let what = "the list `all`".into();
            return Ok(Err(Refusal::PermissionDenied {
                what,
                who_may: "the tenant's admins may".into(),
            }));
        }
        let found = self.engine.inner.lists.ask(&caller.tenant_id, |index| {
            let viewer = viewer(caller, &tenant, &index.versions(), is_tenant_admin);
            index.query(&query, &viewer)
        });
        let Some(found) = found else {
            return Ok(Ok(Page::cut(&[], query.page, query.per_page)));
        };
        let rows = found.tickets.iter().filter_map(|ticket| {
            let version = tenant.version(&ticket.workflow_id, &ticket.version_name)?;
            let parent = ticket.parent.as_ref().map(|(id, _)| *id);
            Some(TicketRow {
                parent_ticket_id: parent.filter(|id| found.parents.contains(id)),
                ..TicketRow::of(ticket, version, directory)
            })
        });
        Ok(Ok(Page {
            rows: rows.collect(),
            page: found.page,
            per_page: found.per_page,
            total: found.total,
            has_more: found.has_more,
        }))
    }

    /// The start form of a workflow, of its default version where none is named.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn prepare_create(
        self,
        caller: &Caller,
        workflow_id: &WorkflowId,
        version_name: Option<&VersionName>,
    ) -> Answer<CreateForm> {
        Ok(self
            .engine
            .startable(caller, workflow_id, version_name)?
            .map(|(tenant, version)| ticket_detail::create_form(&version, &tenant.directory, &caller.user_id)))
    }

    /// Takes a running ticket to another version of its workflow. `nodes` maps nodes whose id changed; `operator` is
    /// the user who asks, `None` the operator at the machine.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn migrate(
        self,
        tenant: &TenantId,
        ticket_id: TicketId,
        version_name: &VersionName,
        nodes: BTreeMap<NodeId, NodeId>,
        operator: Option<&UserId>,
    ) -> Answer<Done> {
        let command = Command::Migrate {
            operator: operator.cloned(),
            nodes,
        };
        let version = Some(version_name.clone());
        self.engine
            .system_command(tenant, ticket_id, command, version, Replies::default())
            .await
    }
}

/// What a caller may see of the versions that tickets are on.
fn viewer(
    caller: &Caller,
    tenant: &TenantState,
    versions: &[(WorkflowId, VersionName)],
    is_tenant_admin: bool,
) -> Viewer {
    let directory = &tenant.directory;
    let fitting = |fits: &dyn Fn(&WorkflowVersion) -> bool| -> BTreeSet<(WorkflowId, VersionName)> {
        let fits = |(workflow, version): &&(WorkflowId, VersionName)| {
            tenant.version(workflow, version).is_some_and(|version| fits(version))
        };
        versions.iter().filter(fits).cloned().collect()
    };
    Viewer {
        user: caller.user_id.clone(),
        is_tenant_admin,
        view: fitting(&|version| permission::may_view_workflow(directory, &caller.user_id, version)),
        intervene: fitting(&|version| permission::may_intervene(directory, &caller.user_id, version)),
        allowed: fitting(&|version| permission::application_allows(directory, &caller.app, version)),
    }
}
