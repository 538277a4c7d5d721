//! Questions: one ticket, its history, lists of tickets, workflows, users. Nothing here writes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::account::directory::Directory;
use crate::account::{User, email, permission};
use crate::id::{NodeId, TenantId, TicketId, UserId, VersionName, WorkflowId};
use crate::runtime::Answer;
use crate::runtime::engine::Engine;
use crate::runtime::request::{Caller, HistoryQuery, Page, UserQuery};
use crate::text::Needle;
use crate::ticket::event::{Event, Meta};
use crate::ticket::{Refusal, visibility};
use crate::view::flow_history::{self, HistoryEntry, OutlineRow};
use crate::view::row::TicketRow;
use crate::view::ticket_detail::{self, CreateForm, TicketDetail};
use crate::view::ticket_list::{Category, ListQuery, Viewer};
use crate::workflow::WorkflowVersion;

impl Engine {
    /// A tenant's directory as it is now.
    #[must_use]
    pub fn directory(&self, tenant: &TenantId) -> Option<Arc<Directory>> {
        self.inner
            .registry
            .tenant(tenant)
            .map(|tenant| tenant.directory.clone())
    }

    /// A ticket as the caller sees it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn detail(&self, caller: &Caller, ticket_id: TicketId) -> Answer<TicketDetail> {
        let now = self.inner.shared.ports.clock.now();
        let seen = match self.viewable(caller, ticket_id).await? {
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
        if let Some((parent, _)) = seen.ticket.parent {
            let is_seen = self.viewable(caller, parent).await?.is_ok();
            detail.row.parent_ticket_id = is_seen.then_some(parent);
        }
        Ok(Ok(detail))
    }

    /// What happened to a ticket, as far as the caller may see it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn history(
        &self,
        caller: &Caller,
        ticket_id: TicketId,
        query: HistoryQuery,
    ) -> Answer<Page<HistoryEntry>> {
        let seen = match self.viewable(caller, ticket_id).await? {
            Ok(seen) => seen,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now = self.inner.shared.ports.clock.now();
        let detail = ticket_detail::detail(
            &seen.ticket,
            &seen.workflow,
            &seen.tenant.directory,
            &caller.user_id,
            now,
        );
        let permissions = visibility::field_permissions(&seen.workflow, detail.offered.acting_node());
        let (workflow, directory) = (seen.workflow, seen.tenant.directory.clone());
        let tell = move |row: &OutlineRow, meta: &Meta, events: &[Event]| {
            flow_history::entry(row, meta, events, &workflow, &directory, &permissions)
        };
        let log = self.inner.shared.log.clone();
        self.inner.histories.page(log, &seen.ticket, query, tell).await
    }

    /// Finds tickets.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list(&self, caller: &Caller, mut query: ListQuery) -> Answer<Page<TicketRow>> {
        let Some(tenant) = self.inner.registry.find(&caller.tenant_id)? else {
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
        let found = self.inner.lists.ask(&caller.tenant_id, |index| {
            let versions = index.versions();
            let fitting = |fits: &dyn Fn(&WorkflowVersion) -> bool| -> BTreeSet<(WorkflowId, VersionName)> {
                let fits = |(workflow, version): &&(WorkflowId, VersionName)| {
                    tenant.version(workflow, version).is_some_and(|version| fits(version))
                };
                versions.iter().filter(fits).cloned().collect()
            };
            let viewer = Viewer {
                user: caller.user_id.clone(),
                is_tenant_admin,
                view: fitting(&|version| permission::may_view_workflow(directory, &caller.user_id, version)),
                intervene: fitting(&|version| permission::may_intervene(directory, &caller.user_id, version)),
                allowed: fitting(&|version| permission::application_allows(directory, &caller.app, version)),
            };
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
        &self,
        caller: &Caller,
        workflow_id: &WorkflowId,
        version_name: Option<&VersionName>,
    ) -> Answer<CreateForm> {
        Ok(self
            .startable(caller, workflow_id, version_name)?
            .map(|(tenant, version)| ticket_detail::create_form(&version, &tenant.directory, &caller.user_id)))
    }

    /// Workflows the caller may start, by id: their default versions, whose name, id or description holds `search`
    /// whatever the case.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn workflows(
        &self,
        caller: &Caller,
        search: &str,
        page: u32,
        per_page: u32,
    ) -> Answer<Page<Arc<WorkflowVersion>>> {
        let needle = Needle::of(search.trim());
        let Some(tenant) = self.inner.registry.find(&caller.tenant_id)? else {
            return Ok(Ok(Page::cut(&[], page, per_page)));
        };
        let holds = |text: &str| needle.is_in(text);
        let defaults = tenant
            .workflows
            .values()
            .filter_map(|workflow| workflow.default_version());
        let startable = defaults.filter(|version| {
            permission::application_allows(&tenant.directory, &caller.app, version)
                && (holds(version.workflow_id.as_str()) || holds(&version.name) || holds(&version.description))
        });
        let all: Vec<Arc<WorkflowVersion>> = startable.cloned().collect();
        Ok(Ok(Page::cut(&all, page, per_page)))
    }

    /// Whether there is a workflow of this id that the caller's application may use.
    #[must_use]
    pub fn has_workflow(&self, caller: &Caller, workflow: &WorkflowId) -> bool {
        self.has_version(caller, |version| version.workflow_id == *workflow)
    }

    /// Whether a workflow that the caller's application may use has a node of this id.
    #[must_use]
    pub fn has_node(&self, caller: &Caller, node: &NodeId) -> bool {
        self.has_version(caller, |version| version.node(node).is_some())
    }

    fn has_version(&self, caller: &Caller, is_meant: impl Fn(&WorkflowVersion) -> bool) -> bool {
        let Some(tenant) = self.inner.registry.tenant(&caller.tenant_id) else {
            return false;
        };
        let workflows = tenant.workflows.values();
        let mut versions = workflows.flat_map(|workflow| workflow.versions.values());
        versions.any(|version| {
            is_meant(&version.definition)
                && permission::application_allows(&tenant.directory, &caller.app, &version.definition)
        })
    }

    /// Users of the caller's tenant, by id, inactive ones included; of a department only those who are linked to it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn users(&self, caller: &Caller, query: UserQuery) -> Answer<Page<Arc<User>>> {
        let Some(tenant) = self.inner.registry.find(&caller.tenant_id)? else {
            return Ok(Ok(Page::cut(&[], query.page, query.per_page)));
        };
        let directory = &tenant.directory;
        if !permission::is_application(directory, &caller.app) {
            return Ok(Err(Refusal::AppNotAllowed {
                app: caller.app.to_string(),
            }));
        }
        let (page, per_page, search) = (query.page, query.per_page, query.search.trim());
        let linked = match query.dept_id.as_ref().map(|dept| directory.linked(dept)) {
            Some(None) => return Ok(Ok(Page::cut(&[], page, per_page))),
            Some(linked) => linked,
            None => None,
        };
        let user = |id| directory.users.get(id);
        if search.is_empty() && query.user_ids.is_none() {
            // An index counts them, so that the rows of the page alone are looked up.
            return Ok(Ok(match linked {
                Some(linked) => Page::counted(linked.len(), page, per_page, |before, n| {
                    let ids = linked.iter().skip(before).take(n);
                    ids.filter_map(user).cloned().collect()
                }),
                None => Page::counted(directory.users.len(), page, per_page, |before, n| {
                    directory.users.values().skip(before).take(n).cloned().collect()
                }),
            }));
        }
        let (needle, address) = (Needle::of(search), email::folded(&query.search));
        let fits = |user: &&Arc<User>| {
            search.is_empty() || needle.is_in(&user.name) || needle.is_in(&user.alias) || user.email.contains(&address)
        };
        let found: Vec<&Arc<User>> = match (&query.user_ids, linked) {
            (Some(ids), linked) => {
                let ids: BTreeSet<_> = ids.iter().collect();
                let is_linked = |id: &&UserId| linked.is_none_or(|linked| linked.contains(*id));
                ids.into_iter()
                    .filter(is_linked)
                    .filter_map(user)
                    .filter(fits)
                    .collect()
            }
            (None, Some(linked)) => linked.iter().filter_map(user).filter(fits).collect(),
            (None, None) => directory.users.values().filter(fits).collect(),
        };
        Ok(Ok(Page::counted(found.len(), page, per_page, |before, n| {
            found.iter().skip(before).take(n).copied().cloned().collect()
        })))
    }
}
