//! What goes through the engine's door and what comes back: plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account::directory::Directory;
use crate::account::import::{DirectoryFile, ImportProblem};
use crate::id::{
    AccessTokenId, AppName, DeptId, EdgeId, FieldKey, NodeId, TenantId, TicketId, UserId, VersionName, WorkflowId,
};
use crate::limits::REPORTED_PEOPLE_MAX;
use crate::ticket::place::CurrentNode;
use crate::ticket::{ActState, Action};
use crate::time::Timestamp;
use crate::value::Value;
use crate::view::preview::Preview;
use crate::workflow::VersionState;
use crate::workflow::problem::Problem;

/// Who calls: authenticated before it comes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose data it sees, and nobody else's.
    pub tenant_id: TenantId,
    /// The person.
    pub user_id: UserId,
    /// Through which application.
    pub app: AppName,
    /// With which personal access token.
    pub access_token: Option<AccessTokenId>,
}

/// A key under which a write is answered once (semantics: idempotency).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// As sent, 1 to `limits::IDEMPOTENCY_KEY_BYTES_MAX` bytes; it is the user's own.
    pub key: String,
    /// SHA-256 over everything asked for but tokens, as it was understood.
    pub fingerprint: [u8; 32],
    /// The same as it was made before, where it was made otherwise: a key that was kept then goes on working.
    pub older: Option<[u8; 32]>,
}

/// An action on a ticket.
#[derive(Clone, Debug)]
pub struct ActRequest {
    /// Which ticket.
    pub ticket_id: TicketId,
    /// What is to be done.
    pub action: Action,
    /// Which token is meant, by its node; needed where several would do.
    pub at: Option<NodeId>,
    /// What is said with it.
    pub comment: Option<String>,
    /// Values for the form.
    pub fields: BTreeMap<FieldKey, Value>,
    /// Only decide, change nothing.
    pub dry_run: bool,
    /// Refuse when the ticket is at another version.
    pub expected_version: Option<u64>,
    /// Of an action that takes all tokens away: whether open sub-tickets are closed too, as far as the caller may.
    pub closes_children: bool,
    /// Answer a repeat with the first answer.
    pub idempotency: Option<Idempotency>,
}

impl ActRequest {
    /// An action without comment and fields, on whatever version the ticket is at.
    #[must_use]
    pub fn new(ticket_id: TicketId, action: Action) -> Self {
        Self {
            ticket_id,
            action,
            at: None,
            comment: None,
            fields: BTreeMap::new(),
            dry_run: false,
            expected_version: None,
            closes_children: false,
            idempotency: None,
        }
    }
}

/// A new ticket.
#[derive(Clone, Debug)]
pub struct CreateRequest {
    /// On which workflow.
    pub workflow_id: WorkflowId,
    /// On which version; the default where none is named.
    pub version_name: Option<VersionName>,
    /// The edge out of start to take; `None` for a draft.
    pub take: Option<EdgeId>,
    /// Values for the form.
    pub fields: BTreeMap<FieldKey, Value>,
    /// What is said with it.
    pub comment: Option<String>,
    /// Who is put in copy.
    pub cc: Vec<UserId>,
    /// The parent and its node.
    pub parent: Option<(TicketId, NodeId)>,
    /// Only decide, change nothing.
    pub dry_run: bool,
    /// Answer a repeat with the first answer.
    pub idempotency: Option<Idempotency>,
}

impl CreateRequest {
    /// A draft without anything in it, on the default version.
    #[must_use]
    pub fn new(workflow_id: WorkflowId) -> Self {
        Self {
            workflow_id,
            version_name: None,
            take: None,
            fields: BTreeMap::new(),
            comment: None,
            cc: Vec::new(),
            parent: None,
            dry_run: false,
            idempotency: None,
        }
    }
}

/// What an action came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActAnswer {
    /// What it would do.
    Preview(Box<Preview>),
    /// What it did.
    Done(Done),
}

/// What an action did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The ticket.
    pub ticket_id: TicketId,
    /// Its version since.
    pub version: u64,
    /// Its state since.
    pub act_state: ActState,
    /// Where it is since.
    pub current_nodes: Vec<CurrentNode>,
    /// Whether this is the first answer again.
    pub replayed: bool,
}

/// Which part of a ticket's history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// Entries at this version or later; 0 for all.
    pub from_version: u64,
    /// From 1.
    pub page: u32,
    /// 1 to `limits::PER_PAGE_MAX`.
    pub per_page: u32,
    /// Newest first.
    pub reverse: bool,
    /// With what became of effects, which nobody did.
    pub with_effects: bool,
}

impl Default for HistoryQuery {
    /// The first page of everything, oldest first.
    fn default() -> Self {
        Self {
            from_version: 0,
            page: 1,
            per_page: crate::limits::PER_PAGE_MAX,
            reverse: false,
            with_effects: false,
        }
    }
}

/// Which users.
#[derive(Clone, Debug)]
pub struct UserQuery {
    /// Part of name, alias or e-mail, whatever the case; blank for all.
    pub search: String,
    /// Only these; `None` for no such filter.
    pub user_ids: Option<Vec<UserId>>,
    /// Only members of this department; `None` for no such filter.
    pub dept_id: Option<DeptId>,
    /// From 1.
    pub page: u32,
    /// 1 to `limits::PER_PAGE_MAX`.
    pub per_page: u32,
}

/// One page of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Which page this is: the last one where the page asked for is past the end.
    pub page: u32,
    /// Rows of a full page.
    pub per_page: u32,
    /// Rows of all pages.
    pub total: u64,
    /// Whether a page follows.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// The same page of other rows.
    #[must_use]
    pub fn map<U>(self, of: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(of).collect(),
            page: self.page,
            per_page: self.per_page,
            total: self.total,
            has_more: self.has_more,
        }
    }

    /// Cuts one page out of everything; only the rows of that page are cloned.
    #[must_use]
    pub fn cut(all: &[T], page: u32, per_page: u32) -> Self
    where
        T: Clone,
    {
        Self::counted(all.len(), page, per_page, |before, n| {
            all.iter().skip(before).take(n).cloned().collect()
        })
    }

    /// One page of something whose size is known; `rows` gives so many of them behind so many others.
    #[must_use]
    pub(crate) fn counted(total: usize, page: u32, per_page: u32, rows: impl FnOnce(usize, usize) -> Vec<T>) -> Self {
        let per_page = per_page.clamp(1, crate::limits::PER_PAGE_MAX);
        let n_pages = u32::try_from(total.div_ceil(per_page as usize))
            .unwrap_or(u32::MAX)
            .max(1);
        let page = page.clamp(1, n_pages);
        let before = (page - 1) as usize * per_page as usize;
        Self {
            rows: rows(before, per_page as usize),
            page,
            per_page,
            total: total as u64,
            has_more: page < n_pages,
        }
    }
}

/// A version of a workflow that is to be published.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The definition.
    pub source: Arc<serde_json::Value>,
    /// The stem of the file it is from: the workflow's id, where the definition has none.
    pub file_stem: Option<String>,
    /// What the version is for.
    pub state: VersionState,
    /// The user who asks; `None` for the operator at the machine.
    pub operator: Option<UserId>,
    /// Only check, change nothing.
    pub dry_run: bool,
}

impl PublishRequest {
    /// The default version from now on, published by the operator: of a definition in JSON, or of one made by
    /// [`define`](crate::define).
    #[must_use]
    pub fn new(tenant_id: impl Into<TenantId>, definition: impl Into<Arc<serde_json::Value>>) -> Self {
        Self {
            tenant_id: tenant_id.into(),
            source: definition.into(),
            file_stem: None,
            state: VersionState::Default,
            operator: None,
            dry_run: false,
        }
    }
}

/// How a directory is imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The file is the whole directory: whoever is active and not in it is deactivated.
    pub whole: bool,
    /// Say what would change, and change nothing.
    pub dry_run: bool,
}

/// Active users of a directory whom a file does not name. Importing the file as the whole directory deactivates them,
/// any other import leaves them, their tokens included, as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingUsers {
    /// How many.
    pub n_users: usize,
    /// The first `limits::REPORTED_PEOPLE_MAX` of them by id, with their e-mail addresses.
    pub first: Vec<(UserId, String)>,
}

impl MissingUsers {
    pub(crate) fn of(file: &DirectoryFile, directory: &Directory) -> Self {
        let first = file.missing_users(directory).take(REPORTED_PEOPLE_MAX);
        Self {
            n_users: file.n_missing_users(directory),
            first: first.map(|user| (user.id.clone(), user.email.clone())).collect(),
        }
    }
}

/// What an import of a directory came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportReport {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Its domain, as the file has it.
    pub domain: String,
    /// Entries that were new or changed, or would be; 0 when the directory said so already.
    pub n_changed: usize,
    /// Users of the directory since, or then, inactive ones included.
    pub n_users: usize,
    /// Tickets marked because whoever held them is no longer active.
    pub n_reviewed: usize,
    /// Who is in the directory and not in the file: deactivated where it was imported as the whole directory.
    pub missing: MissingUsers,
    /// Keys of the file that nothing reads.
    pub warnings: Vec<ImportProblem>,
}

/// What publishing a definition came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishReport {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The version.
    pub version_name: VersionName,
    /// Whether anything changed: the same content again is nothing.
    pub is_new: bool,
    /// What the version is for: as asked, or as it is where nothing changed.
    pub state: VersionState,
    /// Warnings, also of what nothing acts on yet; errors are a refusal.
    pub warnings: Vec<Problem>,
}

/// A personal access token as its user sees it: never the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTokenInfo {
    /// Its public id.
    pub id: AccessTokenId,
    /// What the user calls it.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Which tickets; see `view::ticket_list`.
pub use crate::view::ticket_list::{Category, ListQuery, Order};
