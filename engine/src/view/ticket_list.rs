//! Lists of tickets, answered by indexes: bitmaps over ticket ordinals (semantics: lists). No request walks all
//! tickets.
//!
//! Reading order: this file (what is asked and answered), `index` (what is kept, and how a commit changes it),
//! `membership` (which bitmaps a ticket is in), `title` (search in titles), `due` (deadlines), `query` (how they answer), `pool` (what cards
//! share), `segments` (what is stored together).
//!
//! Not here: who may view or use a workflow (the caller works that out once per query, see [`Viewer`]), rows as shown
//! (`row`), reading the log (`runtime`).
//!
//! Invariants: a list shows a ticket only where `ticket::visibility::may_view` would; the index equals a fold of the
//! log whatever the order in which tickets were created; nothing of it crosses tenants, as each tenant has its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::{NodeId, TicketId, UserId, VersionName, WorkflowId};
use crate::ticket::{ActState, Ticket};
use crate::time::Timestamp;

mod due;
mod index;
mod membership;
mod pool;
mod query;
mod segments;
#[cfg(test)]
mod tests;
mod title;

pub use index::{TenantIndex, as_listed};
pub(crate) use segments::encode_cards;

/// Which tickets, by what the caller has to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Category {
    /// It is an assignee now, or may accept.
    #[default]
    Duty,
    /// It created them.
    Owner,
    /// It is related to them.
    Relation,
    /// It processed them.
    Worked,
    /// Of workflows it may view.
    View,
    /// Of workflows it administers or dispatches.
    Intervene,
    /// All of the tenant; admins only.
    All,
}

impl Category {
    /// All categories.
    pub const ALL: [Self; 7] = [
        Self::Duty,
        Self::Owner,
        Self::Relation,
        Self::View,
        Self::Worked,
        Self::Intervene,
        Self::All,
    ];

    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Duty => "duty",
            Self::Owner => "owner",
            Self::Relation => "relation",
            Self::Worked => "worked",
            Self::View => "view",
            Self::Intervene => "intervene",
            Self::All => "all",
        }
    }

    /// Reads the wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.word() == word)
    }
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Order {
    /// When they were created.
    #[default]
    Created,
    /// When their deadlines are due; those without one last, by creation.
    Due,
}

impl Order {
    /// All, with the first as the default.
    pub const ALL: [Self; 2] = [Self::Created, Self::Due];

    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Due => "due",
        }
    }

    /// Reads the wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.word() == word)
    }
}

/// Which tickets, in which order, and which page of them. Filters that are empty or `None` let everything through;
/// all others must hold.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// By what the caller has to do with them.
    pub category: Category,
    /// Part of the title, whatever the case; blank for all.
    pub search: String,
    /// Created at this instant or later.
    pub created_from: Option<Timestamp>,
    /// Created at this instant or earlier.
    pub created_to: Option<Timestamp>,
    /// Of one of these workflows.
    pub workflow_ids: BTreeSet<WorkflowId>,
    /// With a token on one of these nodes.
    pub node_ids: BTreeSet<NodeId>,
    /// One of these; `Some` of an empty set finds nothing.
    pub ticket_ids: Option<BTreeSet<TicketId>>,
    /// In this state.
    pub act_state: Option<ActState>,
    /// Created by this user.
    pub creator_id: Option<UserId>,
    /// Children of this ticket.
    pub parent_ticket_id: Option<TicketId>,
    /// With a deadline that is due at this instant or earlier.
    pub due_by: Option<Timestamp>,
    /// With a deadline that is due earlier than this.
    pub due_before: Option<Timestamp>,
    /// What they are ordered by.
    pub order: Order,
    /// By creation: newest first; else oldest first. By deadline the first that is due comes first, whatever this says.
    pub newest_first: bool,
    /// Which page, from 1.
    pub page: u32,
    /// Rows of a page, 1 to `limits::PER_PAGE_MAX`.
    pub per_page: u32,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            category: Category::default(),
            search: String::new(),
            created_from: None,
            created_to: None,
            workflow_ids: BTreeSet::new(),
            node_ids: BTreeSet::new(),
            ticket_ids: None,
            act_state: None,
            creator_id: None,
            parent_ticket_id: None,
            due_by: None,
            due_before: None,
            order: Order::default(),
            newest_first: true,
            page: 1,
            per_page: 10,
        }
    }
}

/// Who asks, and what it may do by workflow version; worked out by the caller over [`TenantIndex::versions`].
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The user; active, of the index's tenant.
    pub user: UserId,
    /// Whether it administers the tenant.
    pub is_tenant_admin: bool,
    /// Versions whose tickets it sees, whatever it has to do with them (`permission::may_view_workflow`).
    pub view: BTreeSet<(WorkflowId, VersionName)>,
    /// Versions whose tickets it may force on (`permission::may_intervene`).
    pub intervene: BTreeSet<(WorkflowId, VersionName)>,
    /// Versions that the application may use (`permission::application_allows`): no other is in any answer.
    pub allowed: BTreeSet<(WorkflowId, VersionName)>,
}

/// One page of tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// The tickets in the order asked for, without their `fields`.
    pub tickets: Vec<Arc<Ticket>>,
    /// Which page this is, from 1: the last one where a later one was asked for.
    pub page: u32,
    /// Rows of a full page.
    pub per_page: u32,
    /// Tickets of all pages, exact.
    pub total: u64,
    /// Whether a page follows.
    pub has_more: bool,
    /// Parents of these tickets that the viewer may view too: of others it is told nothing (semantics: sub-tickets).
    pub parents: BTreeSet<TicketId>,
}
