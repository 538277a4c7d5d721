//! Directories: the people of each tenant, imported from files and looked up.
//!
//! Not here: the rules of an import (`account::import`, `account::decide`).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::account::directory::Directory;
use crate::account::import::DirectoryFile;
use crate::account::{self, Tenant, User, email, permission};
use crate::id::{AppName, TenantId, TicketId, UserId};
use crate::runtime::engine::Engine;
use crate::runtime::fault::{AuthProblem, Fault, OperatorRefusal};
use crate::runtime::registry::Change;
use crate::runtime::request::{Caller, ImportOptions, ImportReport, Page, UserQuery};
use crate::runtime::{Answer, OperatorAnswer};
use crate::text::Needle;
use crate::ticket::{Command, Refusal};

/// The people of all tenants.
#[derive(Clone, Copy, Debug)]
pub struct Directories<'e> {
    engine: &'e Engine,
}

impl Engine {
    /// The people of all tenants.
    #[must_use]
    pub fn directories(&self) -> Directories<'_> {
        Directories { engine: self }
    }
}

impl Directories<'_> {
    /// Brings a tenant's directory to what a file's JSON says; the tenant is made where it is new. Once more changes
    /// nothing. Tickets that only a user held who is no longer active are marked (semantics: intervention).
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn import(self, file: &serde_json::Value) -> OperatorAnswer<ImportReport> {
        self.import_as(file.clone(), ImportOptions::default()).await
    }

    /// The same, as a rehearsal or with whoever the file leaves out.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn import_as(self, file: serde_json::Value, options: ImportOptions) -> OperatorAnswer<ImportReport> {
        // A large file takes a while.
        let engine = self.engine.clone();
        let parsed = tokio::task::spawn_blocking(move || {
            let file = DirectoryFile::parse(&file)?;
            let known = engine.directories().of(&file.tenant.id);
            let is_new = |user: &UserId| known.as_ref().is_none_or(|known| known.user(user).is_none());
            let n_new = file.users.iter().filter(|entry| is_new(&entry.user.id)).count();
            Ok((file, known.map_or(0, |known| known.users.len()) + n_new))
        });
        let (file, n_users) = match parsed.await.map_err(|_| Fault::WorkerDied)? {
            Ok(parsed) => parsed,
            Err(problems) => return Ok(Err(OperatorRefusal::InvalidDirectory { problems })),
        };
        let (tenant_id, domain) = (file.tenant.id.clone(), file.tenant.domain.clone());
        let warnings = file.warnings.clone();
        let file = Box::new(file);
        let outcome = match self.engine.change(Change::Import { file, options }).await? {
            Ok(outcome) => outcome,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let n_reviewed = self.review(&tenant_id).await?;
        Ok(Ok(ImportReport {
            tenant_id,
            domain,
            n_changed: outcome.n_events,
            n_users,
            n_reviewed,
            missing: outcome.missing,
            warnings,
        }))
    }

    /// Does what is owed sessions and tickets after the directory's last changes, notes that it is done, and says how many
    /// tickets had people who came or went. What a crash breaks off is done by the next start.
    async fn review(self, tenant: &TenantId) -> Result<usize, Fault> {
        let owed = self.of(tenant).and_then(|directory| directory.unreviewed().cloned());
        let Some(owed) = owed else { return Ok(0) };
        let mut n_reviewed = 0;
        // Those who went leave tickets that nobody can act on; those who came back can act again.
        for user in &owed.users {
            // Whoever is made active again signs in again.
            self.engine.sign_in().end_all_of(tenant, user).await?;
            n_reviewed += self.review_holders(tenant, user).await?;
        }
        if let Some(before) = &owed.before {
            self.review_deadlines(tenant, before).await?;
        }
        let done = Change::Account {
            tenant: tenant.clone(),
            command: Box::new(account::command::Command::Review { version: owed.version }),
        };
        // No rule refuses it.
        let _refused = self.engine.change(done).await?;
        Ok(n_reviewed)
    }

    /// Does what crashes broke off, beside everything else; the next start goes on with what a fault leaves.
    pub(crate) fn review_owed(self) {
        if !self.engine.inner.options.runs_effects {
            return;
        }
        let tenants = self.engine.inner.registry.tenants();
        let owed = tenants
            .iter()
            .filter(|(_, tenant)| tenant.directory.unreviewed().is_some());
        let owed: Vec<TenantId> = owed.map(|(id, _)| id.clone()).collect();
        let engine = self.engine.clone();
        tokio::spawn(async move {
            for tenant in owed {
                if let Err(fault) = engine.directories().review(&tenant).await {
                    tracing::warn!(%tenant, %fault, "tickets could not be looked at again");
                }
            }
        });
    }

    /// Looks again at every ticket on which a user has a place.
    async fn review_holders(self, tenant: &TenantId, user: &UserId) -> Result<usize, Fault> {
        let held = self
            .engine
            .inner
            .lists
            .ask(tenant, |index| index.held_by(user))
            .unwrap_or_default();
        for ticket in &held {
            // A ticket that refuses has nothing to review.
            let _refused = self
                .engine
                .engine_command(tenant, *ticket, Command::ReviewHolders)
                .await?;
        }
        Ok(held.len())
    }

    /// Lets every open deadline count from now on by the calendars of now.
    async fn review_deadlines(self, tenant: &TenantId, before: &Arc<Directory>) -> Result<(), Fault> {
        let inner = &self.engine.inner;
        // Those that are due some time, and those of which a step alone is.
        let listed = inner.lists.ask(tenant, |index| index.with_due()).unwrap_or_default();
        let mut open: BTreeSet<TicketId> = listed.into_iter().collect();
        open.extend(inner.carrying.outbox.with_deadlines(tenant));
        for ticket in open {
            let before = before.clone();
            // A ticket that refuses has nothing to review.
            let _refused = self
                .engine
                .engine_command(tenant, ticket, Command::ReviewDeadlines { before })
                .await?;
        }
        Ok(())
    }

    /// All tenants, by id.
    #[must_use]
    pub fn tenants(self) -> Vec<Tenant> {
        self.engine
            .inner
            .registry
            .tenants()
            .values()
            .map(|tenant| tenant.directory.tenant.clone())
            .collect()
    }

    /// A tenant by its domain, whatever the case; `None` where several have it, which only logs have that were written
    /// before a domain had to be one tenant's own.
    #[must_use]
    pub fn by_domain(self, domain: &str) -> Option<TenantId> {
        let domain = domain.trim().to_lowercase();
        let tenants = self.tenants().into_iter();
        let mut found = tenants.filter(|tenant| tenant.domain.to_lowercase() == domain);
        match (found.next(), found.next()) {
            (Some(tenant), None) => Some(tenant.id),
            (Some(_) | None, _) => None,
        }
    }

    /// A tenant's directory as it is now.
    #[must_use]
    pub fn of(self, tenant: &TenantId) -> Option<Arc<Directory>> {
        self.engine
            .inner
            .registry
            .tenant(tenant)
            .map(|tenant| tenant.directory.clone())
    }

    /// Users of the caller's tenant, by id, inactive ones included; of a department only those who are linked to it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn users(self, caller: &Caller, query: UserQuery) -> Answer<Page<Arc<User>>> {
        let Some(tenant) = self.engine.inner.registry.find(&caller.tenant_id)? else {
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

    /// Whether a tenant has an application; its own it always has.
    #[must_use]
    pub fn has_application(self, tenant: &TenantId, app: &AppName) -> bool {
        let tenant = self.engine.inner.registry.tenant(tenant);
        tenant.is_some_and(|tenant| permission::is_application(&tenant.directory, app))
    }

    /// The active user with an e-mail address, over all tenants, whatever the case.
    ///
    /// # Errors
    /// `Invalid` or `UserInactive`.
    pub fn identify_email(self, email: &str) -> Result<(TenantId, UserId), AuthProblem> {
        let (tenant, user) = self.engine.inner.registry.by_email(email).ok_or(AuthProblem::Invalid)?;
        self.engine.inner.registry.active_user(&tenant, &user)?;
        Ok((tenant, user))
    }
}
