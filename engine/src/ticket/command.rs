//! What can be asked of a ticket.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account::directory::Directory;
use crate::id::{AppName, EdgeId, FieldKey, FileId, NodeId, TicketId, TokenId, UserId, WorkflowId};
use crate::ticket::act::Act;
use crate::ticket::event::{ChildEnd, EffectId, Via};
use crate::value::Value;

/// A request to a ticket.
#[derive(Clone, Debug)]
pub enum Command {
    /// Bring it into being.
    Create(Create),
    /// A person takes an action.
    Act(Act),
    /// The timer that a token waits at came due.
    FireTimer {
        /// The token that waits.
        token: TokenId,
    },
    /// A step of the deadline of a token's stay came due.
    ReachDeadline {
        /// The token that rests.
        token: TokenId,
        /// Which step.
        step: u32,
    },
    /// The hook that a token waits at answered, or failed for good.
    ReportHook {
        /// The token that waits.
        token: TokenId,
        /// Which request this is about. A success of any request of this visit is one; a failure counts for the newest
        /// alone.
        attempt: u32,
        /// How it went.
        outcome: HookOutcome,
    },
    /// Something became of an effect; one that no longer applies is `not_waiting`.
    CloseEffect {
        /// Which.
        effect: EffectId,
        /// What became of it.
        outcome: EffectOutcome,
    },
    /// Open a sub-ticket, which is created then.
    OpenChild(OpenChild),
    /// A sub-ticket ended, or never came to be.
    EndChild {
        /// Which.
        child: TicketId,
        /// How.
        state: ChildEnd,
    },
    /// Go over to `Context::migrate_to`; an admin's or the operator's.
    Migrate {
        /// The admin; `None` for the operator at the machine.
        operator: Option<UserId>,
        /// Old node to new node; nodes not named keep their id.
        nodes: BTreeMap<NodeId, NodeId>,
    },
    /// Take a file's bytes away for good; a tenant admin's.
    EraseFile {
        /// Which.
        file: FileId,
        /// The admin.
        by: UserId,
        /// Why.
        reason: String,
    },
    /// Look again whether somebody can act, after users changed.
    ReviewHolders,
    /// Give what somebody who is absent holds to whoever stands in for them.
    HandOver {
        /// Who is absent.
        user: UserId,
        /// Who asks: they or a tenant admin, which whoever sends it has made sure of; `None` for the operator at the
        /// machine.
        by: Option<UserId>,
    },
    /// Count open deadlines from now on by the calendars of now.
    ReviewDeadlines {
        /// The directory by whose calendars they have run until now.
        before: Arc<Directory>,
    },
}

/// How a hook went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// Well.
    Succeeded,
    /// Not at all; the reason is shown to admins and holds no secret.
    Failed(String),
}

/// What became of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectOutcome {
    /// The instant that it waited for has come.
    CameDue,
    /// It was carried out; for a hook node: the outside system has done what it was asked for.
    Succeeded {
        /// What came of it (a status), without secrets.
        note: Option<String>,
    },
    /// An asynchronous hook was taken on: it calls back.
    Accepted {
        /// Which request was.
        attempt: u32,
    },
    /// It failed for good.
    Failed {
        /// Why; shown to those who may intervene, and holds no secret.
        reason: String,
        /// How often it was tried.
        n_tries: u32,
        /// Of a hook node: which request failed; `None` for whichever is the newest.
        attempt: Option<u32>,
    },
}

/// See [`Command::OpenChild`].
#[derive(Clone, Debug)]
pub struct OpenChild {
    /// Its id.
    pub child: TicketId,
    /// Of which workflow it is to be.
    pub workflow_id: WorkflowId,
    /// Below which node.
    pub node: NodeId,
    /// Who opens it.
    pub by: UserId,
    /// How many tickets are above the parent.
    pub depth: usize,
}

/// See [`Command::Create`].
#[derive(Clone, Debug)]
pub struct Create {
    /// A fresh id.
    pub ticket_id: TicketId,
    /// Who creates it.
    pub by: UserId,
    /// Through which application.
    pub app: AppName,
    /// The edge out of start to take; `None` for a draft.
    pub take: Option<EdgeId>,
    /// Values for the form.
    pub fields: BTreeMap<FieldKey, Value>,
    /// What is said with it.
    pub comment: Option<String>,
    /// Who is put in copy.
    pub cc: Vec<UserId>,
    /// The parent and its node; `Context::parent` holds the ticket.
    pub parent: Option<(TicketId, NodeId)>,
    /// By what it is created in the creator's name; `None` where they do it themselves. Then a parent need not be at its
    /// node any more: the ticket was opened while it was.
    pub via: Option<Via>,
}
