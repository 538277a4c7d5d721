//! The aggregate Ticket: what its stream folds to.
//!
//! Reading order: `act_state` and `token` (what a ticket is), `event` and `apply` (how it came to be), `command`,
//! `action` (what is offered, and to whom), `room` (what there is room for), `gate` (which of it is meant), `decide`
//! (what a command does), `closing` and `effect_table` (what is owed the outside), `deadline` and `clock` (until when), `flow`
//! (how tokens move), `path` and `undo` (how they go back), `ballot` and `voting` (votes), `holders` (who is no longer active),
//! `assignee`, `substitute` (who is absent), `signer`, `round` (who has agreed), `field_rules`, `file`, `file_rules`, `visibility`.
//!
//! Invariants: a ticket has at least one token until it is discarded; tokens are sorted by age; no token is
//! `Moving` between commands; exactly one token is `Ended` when the ticket is over, and then it is the only one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{AppName, FieldKey, FileId, NodeId, TenantId, TicketId, TokenId, UserId, VersionName, WorkflowId};
use crate::time::Timestamp;
use crate::value::Value;

pub mod act;
pub mod act_state;
pub(crate) mod action;
pub mod action_kind;
pub mod apply;
pub(crate) mod assignee;
pub mod ballot;
pub mod clock;
pub(crate) mod closing;
pub mod command;
pub mod context;
pub(crate) mod deadline;
pub mod decide;
pub(crate) mod decision;
pub mod effect_table;
pub mod event;
pub(crate) mod field_rules;
pub mod file;
pub(crate) mod file_rules;
pub(crate) mod flow;
pub(crate) mod holders;
pub(crate) mod migrate;
pub mod notices;
pub mod offer;
pub mod path;
pub mod place;
pub mod question;
pub mod refusal;
pub(crate) mod room;
pub mod round;
pub mod signer;
pub mod sub_ticket;
pub mod substitute;
pub mod token;
pub(crate) mod undo;
pub mod visibility;
pub(crate) mod voting;

pub use act::{Act, Action};
pub use act_state::ActState;
pub use action_kind::ActionKind;
pub use apply::apply;
pub use ballot::{Ballot, BallotShare, ShareState};
pub use clock::{Clock, Clocks};
pub use command::{Command, Create, EffectOutcome, HookOutcome, OpenChild};
pub use context::{Context, Draw};
pub use decide::{Verdict, decide, decide_or_ask, decide_with_outcome};
pub use effect_table::{EffectTable, OpenEffect, Parked, Work};
pub use event::{
    Cause, ChildEnd, DropReason, EffectId, Event, Meta, OwedAgain, OwedEffect, OwedNotice, Processor, SignerPosition,
    Step, Undone, Via,
};
pub use file::{Drafts, FileInfo, Files, TicketFile};
pub use offer::{OfferedAction, OfferedActions};
pub use path::Path;
pub use place::{CurrentNode, current_nodes};
pub use question::{Question, QuestionId, QuestionKind, Replies, Reply};
pub use refusal::{Argument, Available, FieldProblem, FieldProblemKind, Refusal};
pub use round::Round;
pub use signer::Signers;
pub use substitute::StandIns;
pub use token::{Back, Consult, ForkId, Rest, Share, Token};

/// A sub-ticket as its parent knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// The stay that opened it: the version of the event that brought the token to rest there.
    pub visit: u64,
    /// How it ended; `None` while it is open.
    pub state: Option<ChildEnd>,
}

/// A commit that can be undone. Kept for the last one alone, and only where the node lets one undo: it holds the ticket
/// twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoable {
    /// Whose commit it is.
    pub by: UserId,
    /// The ticket's version with its `UndoKept`.
    pub commit: u64,
    /// The ticket as it was then.
    pub before: Ticket,
    /// What it owes: people are told of it, and nothing else.
    pub told: Vec<(EffectId, OwedEffect)>,
    /// Whether something has happened since.
    pub is_over: bool,
}

/// A ticket. Only `apply` changes it. What can be large is shared by copies until one of them changes it: a decision
/// copies its ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// The version it is on.
    pub version_name: VersionName,
    /// Who created it.
    pub creator: UserId,
    /// Through which application.
    pub app: AppName,
    /// When it was created.
    pub created_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
    /// Its title, shown to whoever may see the ticket.
    pub title: String,
    /// Stored field values, the title's aside; hidden ones included.
    pub fields: Arc<BTreeMap<FieldKey, Value>>,
    /// Its state.
    pub act_state: ActState,
    /// Its start node, by the id that it had when the ticket was last there or created.
    pub start: NodeId,
    /// How it was before the last commit that can be undone; `None` where there is none, or too much has happened since.
    pub undoable: Option<Arc<Undoable>>,
    /// Its tokens by age, oldest first.
    pub tokens: Vec<Token>,
    /// Events so far, comments included.
    pub version: u64,
    /// The version after the last commit that was more than bookkeeping of effects: a call that was made for it, or for
    /// one since, was made for what there is.
    pub settled_version: u64,
    /// When its last commit was decided: no commit is earlier than one before it, whatever the clock does.
    pub decided_at: Timestamp,
    /// Bytes of texts and values in these events, about ([`Event::n_bytes`]).
    pub n_bytes: u64,
    /// Id of the token made last.
    pub last_token: TokenId,
    /// Hooks requested so far: the last request's number.
    pub n_hook_requests: u32,
    /// Its parent and the parent's node.
    pub parent: Option<(TicketId, NodeId)>,
    /// Who was put in copy.
    pub cc: Arc<BTreeSet<UserId>>,
    /// Whoever is or was assigned or consulted.
    pub assigned: Arc<BTreeSet<UserId>>,
    /// Whoever took an action on it other than a comment.
    pub processed: Arc<BTreeSet<UserId>>,
    /// Who took the last edge out of each node.
    pub last_handlers: Arc<BTreeMap<NodeId, UserId>>,
    /// Its sub-tickets, by id; those that were opened before this was recorded are not here.
    pub children: Arc<BTreeMap<TicketId, Child>>,
    /// Who had a share of the vote by which a token last left each node; none where it left without one.
    pub last_voters: Arc<BTreeMap<NodeId, Vec<UserId>>>,
    /// Who stands in for whom at its tokens.
    pub stand_ins: Arc<StandIns>,
    /// Who was added by whom to those who act at its tokens.
    pub signers: Arc<Signers>,
    /// Who has agreed since it was sent or went back last.
    pub round: Arc<Round>,
    /// Clocks of the deadlines of its stays.
    pub clocks: Arc<Clocks>,
    /// What it owes the outside.
    pub effects: Arc<EffectTable>,
    /// How the last visit of each hook node ended, by the id of its effect: a call-back that says the same again is not
    /// an error.
    pub answered_hooks: Arc<BTreeMap<NodeId, EffectId>>,
    /// Files that it has or had, by id.
    pub files: Arc<BTreeMap<FileId, TicketFile>>,
    /// Why nobody can act without help, where that is so.
    pub intervention: Option<String>,
    /// A draft that was thrown away: it answers as if it did not exist.
    pub is_discarded: bool,
}

impl Ticket {
    /// Whether it is over: only comments remain (semantics: states).
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.is_discarded || self.tokens.iter().any(|token| matches!(token.rest, Rest::Ended))
    }

    /// A token by id.
    #[must_use]
    pub fn token(&self, id: TokenId) -> Option<&Token> {
        self.tokens.iter().find(|token| token.id == id)
    }

    /// A field's value, the title's included.
    #[must_use]
    pub fn value_of(&self, key: &FieldKey, form: &crate::workflow::Form) -> Option<Cow<'_, Value>> {
        if form.title_key() == Some(key) {
            return Some(Cow::Owned(Value::text(self.title.clone())));
        }
        self.fields.get(key).map(Cow::Borrowed)
    }

    /// Whether the user is or was part of it: creator, assignee, processor, consulted, in copy (semantics: visibility).
    #[must_use]
    pub fn is_related(&self, user: &UserId) -> bool {
        self.creator == *user || self.cc.contains(user) || self.assigned.contains(user) || self.processed.contains(user)
    }
}
