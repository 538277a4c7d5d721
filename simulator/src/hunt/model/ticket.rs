//! The state of a ticket: tokens and how they rest, fields, title, who had to do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::Id;
use super::back::Undo;
use super::definition::{Approval, Definition};

/// A ticket.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// The version it is on.
    pub(super) on: Arc<Definition>,
    pub(super) creator: Id,
    pub(super) created_ms: i64,
    /// A JSON text; empty where there is none.
    pub(super) title: Arc<Json>,
    /// Stored values by key, the title's aside. Like the sets below shared by copies until one of them changes it.
    pub(super) fields: Arc<BTreeMap<Id, Arc<Json>>>,
    /// Files that it has or had, each with a field that names it or did.
    pub(super) files: Vec<(Id, Arc<Json>)>,
    /// `act_state`.
    pub(super) state: &'static str,
    /// By age, oldest first.
    pub(super) tokens: Vec<Token>,
    pub(super) last_token: u64,
    pub(super) last_fork: u64,
    /// Hooks asked so far; the last one's number.
    pub(super) n_hook_requests: u32,
    pub(super) cc: Arc<BTreeSet<Id>>,
    /// Whoever is or was assigned or consulted.
    pub(super) assigned: Arc<BTreeSet<Id>>,
    /// Whoever took an action other than a comment.
    pub(super) processed: Arc<BTreeSet<Id>>,
    /// Who took the last edge out of each node, by the node's id.
    pub(super) last_handlers: Arc<BTreeMap<Id, Id>>,
    /// Who had a share in the vote that last let a token go from a node; nothing where it went without one.
    pub(super) last_voters: Arc<BTreeMap<Id, Vec<Id>>>,
    /// By node: how far the clock of its last stay ran: spent by an instant, and from that on until another; and which steps
    /// were done how often.
    pub(super) last_clocks: BTreeMap<Id, (i64, i64, i64, Vec<u32>)>,
    /// Stays so far.
    pub(super) n_stays: u64,
    /// How it was before the last commit, where that can be undone.
    pub(super) undo: Option<Box<Undo>>,
    /// Calls of event hooks that are owed: which hook, of which event.
    pub(super) owed: Arc<Vec<(Id, &'static str)>>,
    /// `needs_intervention`.
    pub(super) needs_help: bool,
    pub(super) is_discarded: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) id: u64,
    pub(super) node: usize,
    /// Outermost first.
    pub(super) forks: Vec<Fork>,
    pub(super) rest: Rest,
    /// The clock of its stay's deadline.
    pub(super) clock: Option<Clock>,
    /// Counts the ticket's stays.
    pub(super) stay: u64,
    /// Nodes of people that it has been on, with how many forks it had then.
    pub(super) been: BTreeSet<(usize, Id)>,
    /// Who may accept the node again.
    pub(super) candidates: Vec<Id>,
    /// Where the next edge leads straight back to, and to whom.
    pub(super) comes_back: Option<(Id, Vec<Id>)>,
    /// Whether it has come straight back.
    pub(super) has_come: bool,
}

/// The clock of a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// Spent by when it was set last.
    pub(super) spent_ms: i64,
    pub(super) set_ms: i64,
    /// Since when it stands.
    pub(super) until_ms: Option<i64>,
    pub(super) due_ms: Option<i64>,
    /// By step: how many times it was due.
    pub(super) n_done: Vec<u32>,
    /// Spent by when, and when, the ticket came to its version.
    pub(super) passed: Option<(i64, i64)>,
    /// Steps with when each is due, and whether it was given up.
    pub(super) alarms: Vec<(usize, i64, bool)>,
    /// The node has no deadline any more.
    pub(super) is_void: bool,
}

/// A fork: tokens that carry the same id come from one pass of one split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fork {
    pub(super) id: u64,
    pub(super) split: usize,
}

/// How a token rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// On its way.
    Moving,
    /// Waits at a merge.
    Joining,
    /// Nobody could be assigned.
    Unassigned,
    /// Any one of these acts, unless one of them asked someone: by whom and whom.
    Held {
        holders: Vec<Id>,
        consult: Option<(Id, Id)>,
    },
    /// One of these must accept first.
    Offered(Vec<Id>),
    /// Each of these votes.
    Voting(Vote),
    Timer {
        due_ms: i64,
    },
    Hook {
        /// The request made last, and the one with which the token came to the node.
        attempt: u32,
        first: u32,
        has_failed: bool,
    },
    Ended,
}

/// A vote under way, by the rule that the node had when it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vote {
    pub(super) rule: Approval,
    pub(super) shares: Vec<Share>,
    /// Votes cast so far, those taken back among them: tells which of two is the later.
    pub(super) n_cast: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) holder: Id,
    pub(super) vote: Option<Cast>,
    pub(super) is_dropped: bool,
    pub(super) consulted: Option<Id>,
    /// The place of the share that comes before it.
    pub(super) after: Option<usize>,
    /// Who had its holder act as well.
    pub(super) added_by: Option<Id>,
}

/// What somebody chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cast {
    pub(super) edge: Id,
    pub(super) is_against: bool,
    pub(super) when: u32,
}

/// Adds someone to a set.
pub(super) fn join(set: &mut Arc<BTreeSet<Id>>, user: &Id) {
    if !set.contains(user) {
        Arc::make_mut(set).insert(user.clone());
    }
}

impl Token {
    pub(super) fn new(id: u64, node: usize, forks: Vec<Fork>) -> Self {
        Self {
            id,
            node,
            forks,
            rest: Rest::Moving,
            clock: None,
            stay: 0,
            been: BTreeSet::new(),
            candidates: Vec::new(),
            comes_back: None,
            has_come: false,
        }
    }

    /// It has left all forks but the outermost so many.
    pub(super) fn leave_forks(&mut self, n_left: usize) {
        self.forks.truncate(n_left);
        let been = std::mem::take(&mut self.been);
        self.been = been
            .into_iter()
            .map(|(depth, node)| (depth.min(n_left), node))
            .collect();
    }

    /// Whether a step of its deadline could not be done and waits for somebody to look.
    pub(super) fn has_given_up(&self) -> bool {
        let mut alarms = self.clock.iter().flat_map(|clock| &clock.alarms);
        alarms.any(|(_, _, is_parked)| *is_parked)
    }
}

impl Ticket {
    /// A draft with one token on its way into start.
    pub(super) fn new(on: &Arc<Definition>, creator: &str, created_ms: i64) -> Self {
        Self {
            on: Arc::clone(on),
            creator: creator.into(),
            created_ms,
            title: Arc::new(Json::String(String::new())),
            fields: Arc::default(),
            state: "in_draft",
            tokens: vec![Token::new(1, on.start, Vec::new())],
            last_token: 1,
            last_fork: 0,
            n_hook_requests: 0,
            cc: Arc::default(),
            assigned: Arc::default(),
            processed: Arc::default(),
            last_handlers: Arc::default(),
            last_voters: Arc::default(),
            last_clocks: BTreeMap::new(),
            n_stays: 0,
            undo: None,
            files: Vec::new(),
            owed: Arc::default(),
            needs_help: false,
            is_discarded: false,
        }
    }

    /// Whether it is at end: only comments remain.
    pub(super) fn is_over(&self) -> bool {
        self.tokens.iter().any(|token| token.rest == Rest::Ended)
    }

    pub(super) fn token(&self, id: u64) -> Option<&Token> {
        self.tokens.iter().find(|token| token.id == id)
    }

    pub(super) fn token_mut(&mut self, id: u64) -> Option<&mut Token> {
        self.tokens.iter_mut().find(|token| token.id == id)
    }

    pub(super) fn title_text(&self) -> &str {
        self.title.as_str().unwrap_or_default()
    }

    /// The value of a field, by its place in the form; a title that is empty is none.
    pub(super) fn value_of(&self, field: usize) -> Option<&Json> {
        if self.on.title == Some(field) {
            return Some(&*self.title).filter(|title| *title != "");
        }
        self.fields.get(&self.on.fields[field].key).map(|value| &**value)
    }

    /// Whether someone is or was part of it (semantics: visibility).
    pub(super) fn is_related(&self, user: &str) -> bool {
        &*self.creator == user
            || self.cc.contains(user)
            || self.assigned.contains(user)
            || self.processed.contains(user)
    }
}
