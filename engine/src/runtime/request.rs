//! What goes through the engine's door and what comes back: plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{
    AccessTokenId, AppName, DeptId, EdgeId, FieldKey, NodeId, TenantId, TicketId, TokenId, UserId, VersionName,
    WorkflowId,
};
use crate::port::{Clock, IdSource, RandomSource};
use crate::ticket::{ActState, ActionRequest};
use crate::time::Timestamp;
use crate::value::Value;
use crate::view::preview::Preview;
use crate::view::row::CurrentNode;
use crate::workflow::problem::Problem;

/// Clock, ids and randomness.
#[derive(Clone)]
pub struct Ports {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdSource>,
    /// Draws and secrets.
    pub random: Arc<dyn RandomSource>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports")
    }
}

/// Bounds of one engine, each with its unit and reason.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Live tickets: each is an actor of some 10 KiB. More are put to sleep, longest idle first.
    pub live_tickets_max: usize,
    /// Milliseconds after which an idle ticket is put to sleep.
    pub idle_ms: i64,
    /// Requests under way: mailboxes have no bound of their own. Twice what the log takes in one batch.
    pub requests_max: usize,
    /// Events after which a snapshot is stored: a replay of more is slower than a decision.
    pub snapshot_every: u64,
    /// Commits after which the projection stores a checkpoint: bounds the tail that a restart reads.
    pub checkpoint_every: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            live_tickets_max: 20_000,
            idle_ms: 10 * 60_000,
            requests_max: 2_048,
            snapshot_every: 100,
            checkpoint_every: 50_000,
        }
    }
}

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

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthProblem {
    /// There is no such token or user, or the secret is wrong.
    #[error("the credential is not valid")]
    Invalid,
    /// The token has ended.
    #[error("the access token has expired")]
    Expired,
    /// The token was taken back.
    #[error("the access token was revoked")]
    Revoked,
    /// The user is no longer active.
    #[error("the user is not active")]
    UserInactive,
}

impl AuthProblem {
    /// The stable code (contract, errors).
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "token_invalid",
            Self::Expired => "token_expired",
            Self::Revoked => "token_revoked",
            Self::UserInactive => "user_inactive",
        }
    }
}

/// A key under which a write is answered once (semantics 10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// As sent, 1 to `limits::IDEMPOTENCY_KEY_BYTES_MAX` bytes; it is the user's own.
    pub key: String,
    /// SHA-256 over everything asked for but tokens.
    pub fingerprint: [u8; 32],
}

/// An action on a ticket.
#[derive(Clone, Debug)]
pub struct HandleRequest {
    /// Which ticket.
    pub ticket_id: TicketId,
    /// What is to be done.
    pub action: ActionRequest,
    /// Values for the form.
    pub fields: BTreeMap<FieldKey, Value>,
    /// Only decide, change nothing.
    pub dry_run: bool,
    /// Refuse when the ticket is at another version.
    pub expected_version: Option<u64>,
    /// Answer a repeat with the first answer.
    pub idempotency: Option<Idempotency>,
}

/// A new ticket.
#[derive(Clone, Debug)]
pub struct CreateRequest {
    /// On which workflow.
    pub workflow_id: WorkflowId,
    /// On which version; the default where none is named.
    pub version_name: Option<VersionName>,
    /// The edge out of start; `None` for a draft.
    pub action_id: Option<EdgeId>,
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

/// What an action came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandleAnswer {
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
    pub page: usize,
    /// 1 to `limits::PER_PAGE_MAX`.
    pub per_page: usize,
    /// Newest first.
    pub reverse: bool,
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
    pub page: usize,
    /// 1 to `limits::PER_PAGE_MAX`.
    pub per_page: usize,
}

/// One page of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Which page this is: the last one where the page asked for is past the end.
    pub page: usize,
    /// Rows of a full page.
    pub per_page: usize,
    /// Rows of all pages.
    pub total: usize,
    /// Whether a page follows.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Cuts one page out of everything.
    #[must_use]
    pub fn cut(all: Vec<T>, page: usize, per_page: usize) -> Self {
        let (total, per_page) = (all.len(), per_page.max(1));
        let page = page.clamp(1, total.div_ceil(per_page).max(1));
        let rows: Vec<T> = all.into_iter().skip((page - 1) * per_page).take(per_page).collect();
        Self {
            rows,
            page,
            per_page,
            total,
            has_more: page * per_page < total,
        }
    }
}

/// Work of a ticket that waits to be completed from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenEffect {
    /// A timer is to fire.
    Timer {
        /// The token that waits.
        token: TokenId,
        /// Where.
        node: NodeId,
        /// When.
        due: Timestamp,
    },
    /// A hook is to be posted.
    Hook {
        /// The token that waits.
        token: TokenId,
        /// Where.
        node: NodeId,
        /// Which request.
        attempt: u32,
        /// Why it failed for good, where it did.
        failed: Option<String>,
    },
}

/// What an import of a directory came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Entries that were new or changed; 0 when the directory said so already.
    pub n_changed: usize,
    /// Tickets marked because whoever held them is no longer active.
    pub n_reviewed: usize,
}

/// What publishing a definition came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishReport {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The version.
    pub version_name: VersionName,
    /// Whether anything changed: the same content again is nothing.
    pub is_new: bool,
    /// Warnings; errors are a refusal.
    pub warnings: Vec<Problem>,
}
