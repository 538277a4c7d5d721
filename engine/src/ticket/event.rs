//! What can have happened to a ticket: one variant per fact, past tense, with everything a replay needs.
//!
//! Stored by position and field order through `codec`: only ever append variants; a changed variant is a new schema.
//! Not here: who caused it and when (`Meta`, one per commit).

use serde::{Deserialize, Serialize};

use crate::id::{AccessTokenId, AppName, EdgeId, FileId, NodeId, TicketId, TokenId, UserId, VersionName, WorkflowId};
use crate::ticket::act_state::ActState;
use crate::ticket::token::{ForkId, Rest};
use crate::time::Timestamp;

mod owed;
mod parts;
mod reading;
mod size;
mod undone;
mod words;

pub use owed::{AskedQuestion, ChildEnd, EffectId, OwedChild, OwedEffect, OwedNotice};
pub use parts::{ActionTaken, Branch, FieldChange, TicketCreated};
pub use reading::{Cause, Step};
pub use undone::{OwedAgain, Undone};
pub use words::{DropReason, SignerPosition, Via};

/// When and by whom a commit was caused; one for all events of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// When it was decided.
    pub at: Timestamp,
    /// Who caused it.
    pub by: Processor,
    /// The application it came through.
    pub app: Option<AppName>,
    /// The personal access token it came with.
    pub access_token: Option<AccessTokenId>,
}

/// Who or what moves a ticket. Stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Processor {
    /// A person.
    User(UserId),
    /// A timer that came due.
    Timer,
    /// An outside system that answered.
    Hook,
    /// The engine itself, or its operator at the machine.
    System,
}

impl Processor {
    /// The person, where it is one.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        if let Self::User(user) = self { Some(user) } else { None }
    }
}

/// A fact about one ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A ticket came to be, with one token on the way to start.
    TicketCreated(Box<TicketCreated>),
    /// Someone took an action; what it did follows in the same commit.
    ActionTaken(Box<ActionTaken>),
    /// Fields got values.
    FieldsChanged {
        /// In the order of keys.
        changes: Vec<FieldChange>,
    },
    /// The title changed.
    TitleChanged {
        /// The new title.
        title: String,
    },
    /// A token left a node over an edge and is on its way into another.
    EdgeTaken {
        /// Which token.
        token: TokenId,
        /// Over which edge.
        edge: EdgeId,
        /// From which node.
        from: NodeId,
        /// Into which node.
        to: NodeId,
    },
    /// A split replaced a token by one on each branch.
    Forked {
        /// The token that is gone.
        token: TokenId,
        /// The new fork.
        fork: ForkId,
        /// The new tokens, each on its way into its target.
        branches: Vec<Branch>,
    },
    /// A token reached the merge of its fork and waits for the others.
    JoinAwaited {
        /// Which token.
        token: TokenId,
        /// The merge.
        node: NodeId,
    },
    /// Every token of a fork had reached the merge: they became one.
    Joined {
        /// The fork that is closed.
        fork: ForkId,
        /// The merge.
        node: NodeId,
        /// All of them; `into` among them.
        tokens: Vec<TokenId>,
        /// The one that goes on: the oldest.
        into: TokenId,
    },
    /// Tokens went because another left their fork early.
    ForkLeft {
        /// The outermost fork that was left.
        fork: ForkId,
        /// The token that left and lives on outside of it.
        token: TokenId,
        /// The others of the fork.
        cancelled: Vec<TokenId>,
    },
    /// All tokens went and one was put on a node: withdraw and the force actions.
    TokensReplaced {
        /// Those that are gone.
        removed: Vec<TokenId>,
        /// The new one, on its way into the node.
        token: TokenId,
        /// Where it was put.
        node: NodeId,
    },
    /// A token came to rest on a node.
    NodeEntered {
        /// Which token.
        token: TokenId,
        /// The node.
        node: NodeId,
        /// How it rests: who holds it, or what it waits for.
        rest: Rest,
        /// Those among whom one was drawn; in a preview the holders are this whole pool.
        pool: Option<Vec<UserId>>,
        /// Whether the last handler got it back.
        remembered: bool,
    },
    /// A timer is to fire.
    TimerSet {
        /// The token that waits.
        token: TokenId,
        /// The timer node.
        node: NodeId,
        /// When.
        due: Timestamp,
    },
    /// A timer fired.
    TimerFired {
        /// The token that waited.
        token: TokenId,
        /// The timer node.
        node: NodeId,
    },
    /// A hook is to be posted.
    HookRequested {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// Counts the ticket's requests from 1, so that no two have one number: an answer to one that is over, however
        /// late, is never taken for that of another hook, or of the same hook on a later round of a loop. Tickets of
        /// older versions may have a number twice, in their past.
        attempt: u32,
    },
    /// A hook answered well.
    HookSucceeded {
        /// The token that waited.
        token: TokenId,
        /// The hook node.
        node: NodeId,
    },
    /// A hook failed for good; someone may retry it.
    HookFailed {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// What went wrong, without secrets.
        reason: String,
    },
    /// A candidate made the node its own.
    Accepted {
        /// Which token.
        token: TokenId,
        /// Who.
        user: UserId,
    },
    /// A person took the place of another.
    Forwarded {
        /// Which token.
        token: TokenId,
        /// Who gave it away.
        from: UserId,
        /// Who has it now.
        to: UserId,
    },
    /// A holder asked someone.
    Consulted {
        /// Which token.
        token: TokenId,
        /// Who asked.
        by: UserId,
        /// Who was asked.
        to: UserId,
    },
    /// The one who was asked gave it back.
    ConsultSubmitted {
        /// Which token.
        token: TokenId,
        /// Who was asked.
        by: UserId,
    },
    /// One of several who all must act has chosen an edge.
    VoteCast {
        /// Which token.
        token: TokenId,
        /// Who.
        user: UserId,
        /// The edge chosen.
        edge: EdgeId,
    },
    /// A node was given to one person by force.
    ForceForwarded {
        /// Which token.
        token: TokenId,
        /// Who has it now.
        to: UserId,
    },
    /// The state changed.
    StateChanged {
        /// To what.
        to: ActState,
    },
    /// Nobody can act any more without help.
    InterventionNeeded {
        /// Why, for people.
        reason: String,
    },
    /// Somebody can act again.
    InterventionEnded,
    /// A draft was thrown away.
    Discarded,
    /// The ticket went over to another version of its workflow.
    Migrated {
        /// From which.
        from: VersionName,
        /// To which.
        to: VersionName,
        /// Every token with its new node.
        tokens: Vec<(TokenId, NodeId)>,
        /// Open forks whose split has another id now.
        forks: Vec<(ForkId, NodeId)>,
    },
    /// The outside is to be told: debts are recorded, not derived, so another release owes the same (semantics: effects).
    /// At most one in a commit, behind everything but what it does to the intervention.
    EffectsOwed {
        /// Never empty; each has the version of this event and its place here for an id.
        effects: Vec<OwedEffect>,
    },
    /// An effect was carried out.
    EffectDone {
        /// Which.
        effect: EffectId,
        /// What came of it (a status), without secrets.
        note: Option<String>,
    },
    /// An effect was given up for now: somebody has to retry or skip it.
    EffectParked {
        /// Which.
        effect: EffectId,
        /// What went wrong, without secrets.
        reason: String,
        /// How often it was tried.
        n_tries: u32,
    },
    /// A parked effect is owed anew.
    EffectRetried {
        /// Which.
        effect: EffectId,
    },
    /// A parked effect is owed no longer.
    EffectSkipped {
        /// Which.
        effect: EffectId,
    },
    /// An asynchronous hook was taken on: it is not posted again, its call-back is waited for.
    HookAccepted {
        /// The token that waits.
        token: TokenId,
        /// The hook node.
        node: NodeId,
        /// Which request was taken on.
        attempt: u32,
        /// When the call-back must have come.
        due: Option<Timestamp>,
    },
    /// Somebody let a token go on from a timer or a hook without waiting for it.
    WaitSkipped {
        /// The token that waited.
        token: TokenId,
        /// The timer or hook node.
        node: NodeId,
    },
    /// A sub-ticket was opened: it counts from here, whether it is there already or not.
    ChildOpened {
        /// Its id.
        child: TicketId,
        /// The token whose stay opened it.
        token: TokenId,
        /// Its node.
        node: NodeId,
        /// Of which workflow it is.
        workflow_id: WorkflowId,
        /// Who opened it; `None` where the node did.
        by: Option<UserId>,
    },
    /// A sub-ticket ended.
    ChildEnded {
        /// Which.
        child: TicketId,
        /// How.
        state: ChildEnd,
    },
    /// What follows was done in somebody's name, and not by them at the server.
    ActedAs {
        /// By what.
        via: Via,
    },
    /// Outside addresses were asked before this was decided. Behind a creation, else first.
    Asked {
        /// Never empty.
        questions: Vec<AskedQuestion>,
    },
    /// A share of a vote counts no longer.
    ShareDropped {
        /// Which token.
        token: TokenId,
        /// Whose share.
        user: UserId,
        /// Why.
        why: DropReason,
    },
    /// A vote counts no longer, and its share is open again.
    VoteTakenBack {
        /// Which token.
        token: TokenId,
        /// Whose vote.
        user: UserId,
    },
    /// Somebody who is no longer active can no longer act: others can, or were asked for nothing but an answer.
    HolderDropped {
        /// Which token.
        token: TokenId,
        /// Who.
        user: UserId,
    },
    /// The clock of a stay's deadline was set: it runs from now on, or stands. Alarms that were set for the stay before
    /// are void.
    DeadlineSet {
        /// The token that rests.
        token: TokenId,
        /// Its node.
        node: NodeId,
        /// Working milliseconds that are spent by now.
        spent_ms: i64,
        /// When the stay is due; `None` where that is not known, or not in reach.
        due: Option<Timestamp>,
        /// Whether the clock stands.
        stands: bool,
        /// What is due when; the alarm of each is named for this event and its place here.
        steps: Vec<(u32, Timestamp)>,
    },
    /// A step of a deadline came due; what it does follows in the same commit.
    DeadlineReached {
        /// The token that rests.
        token: TokenId,
        /// Its node.
        node: NodeId,
        /// Which step.
        step: u32,
        /// How many times it was due before.
        nth: u32,
        /// How many more times fell away, because they were due by now as well.
        missed: u32,
        /// When it is due again.
        next: Option<Timestamp>,
    },
    /// Others hold a node in place of whoever did.
    Escalated {
        /// The token that rests there.
        token: TokenId,
        /// Who hold it; at least one.
        to: Vec<UserId>,
    },
    /// Work came to people because others are absent, who see the ticket from now on.
    Substituted {
        /// The token.
        token: TokenId,
        /// Who is absent, and who acts for them; at least one. Where one of a pool was drawn, those of the whole pool.
        pairs: Vec<(UserId, UserId)>,
    },
    /// Somebody who is absent gave all that they had at a token to whoever stands in: their place, their open share unless
    /// the other has one, what they were asked.
    HandedOver {
        /// The token.
        token: TokenId,
        /// Who is absent.
        from: UserId,
        /// Who has it now.
        to: UserId,
        /// Who had it handed over; `None` for the operator at the machine.
        by: Option<UserId>,
    },
    /// Somebody acts at a node besides those who did: a node of one person is a vote of all from then on.
    SignerAdded {
        /// The token that rests there.
        token: TokenId,
        /// Who had them act as well.
        by: UserId,
        /// Who.
        user: UserId,
        /// In which order.
        position: SignerPosition,
    },
    /// Somebody need not act, for they agreed to the same before; that they do follows in the same commit.
    ApprovalSkipped {
        /// The token that rests.
        token: TokenId,
        /// Who.
        user: UserId,
        /// The ticket's version with what they did when they agreed.
        agreed_at: u64,
    },
    /// Whoever had asked somebody takes the question back.
    ConsultTakenBack {
        /// Which token.
        token: TokenId,
        /// Who had asked.
        by: UserId,
        /// Whom.
        to: UserId,
    },
    /// Whoever had made a node their own gives it back to those who could have.
    GivenBack {
        /// Which token.
        token: TokenId,
        /// Who may accept it; at least two.
        candidates: Vec<UserId>,
    },
    /// A token went back to a node that it had been on, without an edge.
    TokenReturned {
        /// Which token.
        token: TokenId,
        /// From which node.
        from: NodeId,
        /// Into which node.
        to: NodeId,
        /// Whether the next edge that is no reject leads straight back, and to whom.
        resume: Option<Vec<UserId>>,
    },
    /// A token that had been returned left over an edge, and went straight back to the node that had returned it.
    Resumed {
        /// Which token.
        token: TokenId,
        /// From which node.
        from: NodeId,
        /// Over which edge, wherever that leads.
        edge: EdgeId,
        /// Into which node.
        to: NodeId,
    },
    /// What follows in the commit can be undone by whoever acts: how the ticket is now is kept for that.
    UndoKept,
    /// What a commit did was taken back.
    Undone(Box<Undone>),
    /// A file's bytes were taken away for good; what the ticket knows of it since is that it was there.
    FileErased {
        /// Which.
        file: FileId,
        /// Why, in an admin's words.
        reason: String,
    },
}

impl Event {
    /// Stable name of the event's type, as stored and as previews list it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TicketCreated(_) => "ticket_created",
            Self::ActionTaken(_) => "action_taken",
            Self::FieldsChanged { .. } => "fields_changed",
            Self::TitleChanged { .. } => "title_changed",
            Self::EdgeTaken { .. } => "edge_taken",
            Self::Forked { .. } => "forked",
            Self::JoinAwaited { .. } => "join_awaited",
            Self::Joined { .. } => "joined",
            Self::ForkLeft { .. } => "fork_left",
            Self::TokensReplaced { .. } => "tokens_replaced",
            Self::NodeEntered { .. } => "node_entered",
            Self::TimerSet { .. } => "timer_set",
            Self::TimerFired { .. } => "timer_fired",
            Self::HookRequested { .. } => "hook_requested",
            Self::HookSucceeded { .. } => "hook_succeeded",
            Self::HookFailed { .. } => "hook_failed",
            Self::Accepted { .. } => "accepted",
            Self::Forwarded { .. } => "forwarded",
            Self::Consulted { .. } => "consulted",
            Self::ConsultSubmitted { .. } => "consult_submitted",
            Self::VoteCast { .. } => "vote_cast",
            Self::ForceForwarded { .. } => "force_forwarded",
            Self::StateChanged { .. } => "state_changed",
            Self::InterventionNeeded { .. } => "intervention_needed",
            Self::InterventionEnded => "intervention_ended",
            Self::Discarded => "discarded",
            Self::Migrated { .. } => "migrated",
            Self::EffectsOwed { .. } => "effects_owed",
            Self::EffectDone { .. } => "effect_done",
            Self::EffectParked { .. } => "effect_parked",
            Self::EffectRetried { .. } => "effect_retried",
            Self::EffectSkipped { .. } => "effect_skipped",
            Self::HookAccepted { .. } => "hook_accepted",
            Self::WaitSkipped { .. } => "wait_skipped",
            Self::ChildOpened { .. } => "child_opened",
            Self::ChildEnded { .. } => "child_ended",
            Self::ActedAs { .. } => "acted_as",
            Self::Asked { .. } => "asked",
            Self::ShareDropped { .. } => "share_dropped",
            Self::VoteTakenBack { .. } => "vote_taken_back",
            Self::HolderDropped { .. } => "holder_dropped",
            Self::DeadlineSet { .. } => "deadline_set",
            Self::DeadlineReached { .. } => "deadline_reached",
            Self::Escalated { .. } => "escalated",
            Self::Substituted { .. } => "substituted",
            Self::HandedOver { .. } => "handed_over",
            Self::SignerAdded { .. } => "signer_added",
            Self::ApprovalSkipped { .. } => "approval_skipped",
            Self::ConsultTakenBack { .. } => "consult_taken_back",
            Self::GivenBack { .. } => "given_back",
            Self::TokenReturned { .. } => "token_returned",
            Self::Resumed { .. } => "resumed",
            Self::UndoKept => "undo_kept",
            Self::Undone(_) => "undone",
            Self::FileErased { .. } => "file_erased",
        }
    }
}
