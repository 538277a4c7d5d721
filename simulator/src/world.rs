//! The world: one tenant, its definitions, its tickets with everything that happened to them, and a clock of ours.
//!
//! A command either happens whole or not at all. Not here: what must hold after it (`invariants`), how random steps
//! become commands (`step`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loonflow_engine::account::{self, directory::Directory, import::DirectoryFile};
use loonflow_engine::id::{TicketId, WorkflowId};
use loonflow_engine::ticket::{Command, Context, Draw, Event, Meta, Refusal, Ticket, apply, decide};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::WorkflowVersion;

/// A ticket with its whole past.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// As it is now.
    pub ticket: Ticket,
    /// Every commit, oldest first.
    pub commits: Vec<(Meta, Vec<Event>)>,
}

/// One tenant's world in memory.
#[derive(Clone, Debug)]
pub struct World {
    /// The directory; steps do not change it.
    pub directory: Arc<Directory>,
    /// The definitions that tickets can be created on.
    pub workflows: BTreeMap<WorkflowId, Arc<WorkflowVersion>>,
    /// All tickets, in order of creation.
    pub tickets: Vec<Recorded>,
    /// The present instant; only [`World::pass`] moves it.
    pub now: Timestamp,
    /// How many draws were taken from the world's random source.
    pub n_draws: u64,
    seed: u64,
}

impl World {
    /// A world without tickets, at 2026-01-01.
    #[must_use]
    pub fn new(directory: Arc<Directory>, workflows: Vec<Arc<WorkflowVersion>>, seed: u64) -> Self {
        let by_id = workflows
            .into_iter()
            .map(|workflow| (workflow.workflow_id.clone(), workflow))
            .collect();
        let now = Timestamp(1_767_225_600_000);
        Self {
            directory,
            workflows: by_id,
            tickets: Vec::new(),
            now,
            n_draws: 0,
            seed,
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    /// The id that the next created ticket gets.
    #[must_use]
    pub fn next_ticket_id(&self) -> TicketId {
        let millis = u64::try_from(self.now.0).unwrap_or(0);
        let mut bytes = [0u8; 10];
        bytes[2..].copy_from_slice(&(self.tickets.len() as u64).to_be_bytes());
        TicketId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    /// The version that a ticket, or a new one on the workflow, runs on.
    #[must_use]
    pub fn workflow_of(&self, ticket: &Ticket) -> Option<&Arc<WorkflowVersion>> {
        self.workflows.get(&ticket.workflow_id)
    }

    /// What a decision looks at, with the draw as given.
    #[must_use]
    pub fn context<'a>(&'a self, workflow: &'a WorkflowVersion, draw: Draw) -> Context<'a> {
        Context {
            now: self.now,
            directory: &self.directory,
            workflow,
            draw,
            parent: None,
            migrate_to: None,
        }
    }

    /// What a command would do; takes no draw and changes nothing.
    pub fn rehearse(
        &self,
        idx: Option<usize>,
        workflow: &WorkflowVersion,
        command: &Command,
    ) -> Result<Vec<Event>, Refusal> {
        let context = self.context(workflow, Draw::Preview);
        decide(idx.map(|idx| &self.tickets[idx].ticket), command, &context)
    }

    /// Carries a command out; the index of its ticket and what happened.
    pub fn carry_out(
        &mut self,
        idx: Option<usize>,
        workflow: &Arc<WorkflowVersion>,
        command: &Command,
    ) -> Result<(usize, Vec<Event>), Refusal> {
        let draw = Draw::Seed(self.seed ^ self.n_draws.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        self.n_draws += 1;
        let context = Context {
            now: self.now,
            directory: &self.directory,
            workflow,
            draw,
            parent: None,
            migrate_to: None,
        };
        let events = decide(idx.map(|idx| &self.tickets[idx].ticket), command, &context)?;
        let meta = command.meta(&context);
        let mut ticket = idx.map(|idx| self.tickets[idx].ticket.clone());
        for event in &events {
            ticket = apply(ticket, event, &meta);
        }
        let Some(ticket) = ticket else {
            return Err(Refusal::NotWaiting {
                what: "a creation".into(),
            });
        };
        let idx = match idx {
            Some(idx) => {
                self.tickets[idx].ticket = ticket;
                idx
            }
            None => {
                self.tickets.push(Recorded {
                    ticket,
                    commits: Vec::new(),
                });
                self.tickets.len() - 1
            }
        };
        self.tickets[idx].commits.push((meta, events.clone()));
        Ok((idx, events))
    }
}

/// A directory from the text of a directory file; passwords are left out, for nobody signs in here.
///
/// # Errors
/// What is wrong with the file, as one text.
pub fn directory_from(text: &str) -> Result<Arc<Directory>, String> {
    let source: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let file = DirectoryFile::parse(&source).map_err(|problems| format!("{problems:?}"))?;
    let directory = Directory::new(file.tenant.clone());
    let command = account::command::Command::Import {
        file: Box::new(file),
        hashes: BTreeMap::new(),
    };
    let foreign_emails = BTreeSet::new();
    let context = account::command::Context {
        now: Timestamp(0),
        foreign_emails: &foreign_emails,
    };
    let events = account::decide::decide(&directory, &command, &context).map_err(|refusal| refusal.to_string())?;
    Ok(Arc::new(events.iter().fold(directory, account::apply::apply)))
}
