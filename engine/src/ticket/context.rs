//! What a decision may look at besides the ticket.

use crate::account::directory::Directory;
use crate::ticket::Ticket;
use crate::ticket::file::Files;
use crate::ticket::question::Replies;
use crate::time::Timestamp;
use crate::workflow::WorkflowVersion;

/// What a decision looks at besides the ticket. Times, ids and randomness arrive here as data.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// The tenant's directory.
    pub directory: &'a Directory,
    /// The version the ticket is on, or is created on.
    pub workflow: &'a WorkflowVersion,
    /// How draws are made.
    pub draw: Draw,
    /// The parent, for assignees from its fields and for creation below it.
    pub parent: Option<&'a Ticket>,
    /// The version to go over to.
    pub migrate_to: Option<&'a WorkflowVersion>,
    /// What outside addresses have answered so far; `None` where nobody asks them.
    pub replies: Option<&'a Replies>,
    /// Which files may come into the ticket.
    pub files: Files<'a>,
}

/// How draws are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// From this seed, one per command.
    Seed(u64),
    /// Not at all: a preview shows the pool.
    Preview,
}
