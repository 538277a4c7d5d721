//! The world: one tenant, its definitions, its tickets with everything that happened to them, and a clock of ours.
//!
//! A command either happens whole or not at all. [`step`] and [`tape`] find commands, [`case`] and [`replay`] repeat
//! them, [`trace`] tells two runs apart; [`inputs`] reads definitions and directories, [`given`] is both together, and
//! [`names`] is how they are told. Not here: what must hold after a command, which each job says for itself.

pub mod case;
pub mod given;
pub mod inputs;
pub mod names;
pub mod replay;
pub mod step;
pub mod tape;
pub mod trace;

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::{self, directory::Directory, import::DirectoryFile};
use loonflow_engine::codec;
use loonflow_engine::id::{TicketId, VersionName, WorkflowId};
use loonflow_engine::ticket::{Command, Context, Draw, Event, Meta, Refusal, Ticket, decide, decide_with_outcome};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::apply::apply as publishing_apply;
use loonflow_engine::workflow::command::{Command as PublishCommand, Context as PublishContext};
use loonflow_engine::workflow::validate::ValidationContext;
use loonflow_engine::workflow::{VersionState, Workflow, WorkflowVersion, decide as publishing};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// A ticket with its whole past.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// As it is now.
    pub ticket: Ticket,
    /// Every commit, oldest first.
    pub commits: Vec<(Meta, Vec<Event>)>,
}

/// What a command that was carried out did.
#[derive(Debug)]
pub struct Done {
    /// Its ticket's place in [`World::tickets`].
    pub idx: usize,
    /// Whether it appended a commit, the ticket's last: a command may find that nothing has to happen.
    pub appended: bool,
    /// The ticket as it was; `None` where it was created.
    pub before: Option<Ticket>,
}

/// One tenant's world in memory.
#[derive(Clone, Debug)]
pub struct World {
    /// The directory; only [`World::set_directory`] changes it.
    pub directory: Arc<Directory>,
    /// The default version of each workflow: what new tickets are created on and running ones migrated to.
    pub workflows: BTreeMap<WorkflowId, Arc<WorkflowVersion>>,
    /// All tickets, in order of creation.
    pub tickets: Vec<Recorded>,
    /// The present instant; only [`World::pass`] moves it.
    pub now: Timestamp,
    /// How many draws were taken from the world's random source.
    pub n_draws: u64,
    /// Every version, the default ones included: a ticket stays on the one it was created on.
    versions: BTreeMap<WorkflowId, BTreeMap<VersionName, Arc<WorkflowVersion>>>,
    seed: u64,
}

impl World {
    /// A world without tickets, at 2026-01-01.
    #[must_use]
    pub fn new(directory: Arc<Directory>, workflows: Vec<Arc<WorkflowVersion>>, seed: u64) -> Self {
        let mut world = Self {
            directory,
            workflows: BTreeMap::new(),
            tickets: Vec::new(),
            now: Timestamp(1_767_225_600_000),
            n_draws: 0,
            versions: BTreeMap::new(),
            seed,
        };
        for workflow in workflows {
            world.add_version(workflow);
        }
        world
    }

    /// Lets time pass.
    pub fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    /// The directory becomes another one, of the same tenant. What it means for running tickets is found by
    /// [`Command::ReviewHolders`], as in the engine.
    pub fn set_directory(&mut self, directory: Arc<Directory>) {
        self.directory = directory;
    }

    /// Publishes a definition as the default version of its workflow, by the engine's own rules; `Ok(None)` where the
    /// same content is published already.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn publish(&mut self, definition: &Arc<Json>) -> Result<Option<Arc<WorkflowVersion>>, publishing::Refusal> {
        let context = PublishContext {
            now: self.now,
            operator: None,
            validation: ValidationContext {
                directory: Some(&self.directory),
                known_workflows: None,
            },
        };
        let id = WorkflowId::from(definition["basic_info"]["id"].as_str().unwrap_or_default());
        let name = VersionName::from(definition["basic_info"]["version"].as_str().unwrap_or_default());
        if let Some(known) = self.version(&id, &name) {
            return if known.source == *definition {
                Ok(None)
            } else {
                Err(publishing::Refusal::VersionExists { name })
            };
        }
        let aggregate = Workflow::new(self.directory.tenant.id.clone(), id);
        let command = PublishCommand::Publish {
            source: Arc::clone(definition),
            file_stem: None,
            state: VersionState::Default,
        };
        let events = publishing::decide(&aggregate, &command, &context)?;
        let aggregate = events.iter().fold(aggregate, publishing_apply);
        let published = aggregate.version_named(&name).cloned();
        if let Some(version) = &published {
            self.add_version(Arc::clone(version));
        }
        Ok(published)
    }

    /// Takes a version in, as the default of its workflow.
    pub fn add_version(&mut self, version: Arc<WorkflowVersion>) {
        let of_workflow = self.versions.entry(version.workflow_id.clone()).or_default();
        of_workflow.insert(version.version_name.clone(), Arc::clone(&version));
        self.workflows.insert(version.workflow_id.clone(), version);
    }

    /// A version by name.
    #[must_use]
    pub fn version(&self, workflow: &WorkflowId, name: &VersionName) -> Option<&Arc<WorkflowVersion>> {
        self.versions.get(workflow)?.get(name)
    }

    /// All versions of all workflows.
    pub fn all_versions(&self) -> impl Iterator<Item = &Arc<WorkflowVersion>> {
        self.versions.values().flat_map(BTreeMap::values)
    }

    /// The id that the next created ticket gets.
    #[must_use]
    pub fn next_ticket_id(&self) -> TicketId {
        let millis = u64::try_from(self.now.0).unwrap_or(0);
        let mut bytes = [0u8; 10];
        bytes[2..].copy_from_slice(&(self.tickets.len() as u64).to_be_bytes());
        TicketId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    /// The version that a ticket runs on.
    #[must_use]
    pub fn workflow_of(&self, ticket: &Ticket) -> Option<&Arc<WorkflowVersion>> {
        self.version(&ticket.workflow_id, &ticket.version_name)
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
            migrate_to: self.workflows.get(&workflow.workflow_id).map(Arc::as_ref),
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
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
        let done = self.attempt(idx, workflow, command)?;
        Ok((done.idx, self.events_of(&done).to_vec()))
    }

    /// As [`World::carry_out`], without a copy of the events.
    pub fn attempt(
        &mut self,
        idx: Option<usize>,
        workflow: &WorkflowVersion,
        command: &Command,
    ) -> Result<Done, Refusal> {
        let draw = Draw::Seed(self.seed ^ self.n_draws.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        self.n_draws += 1;
        let context = self.context(workflow, draw);
        let meta = command.meta(&context);
        let (events, ticket) = decide_with_outcome(idx.map(|idx| &self.tickets[idx].ticket), command, &context)?;
        let (idx, before) = match idx {
            Some(idx) => (idx, Some(std::mem::replace(&mut self.tickets[idx].ticket, ticket))),
            None => {
                self.tickets.push(Recorded {
                    ticket,
                    commits: Vec::new(),
                });
                (self.tickets.len() - 1, None)
            }
        };
        let appended = !events.is_empty();
        if appended {
            self.tickets[idx].commits.push((meta, events));
        }
        Ok(Done { idx, appended, before })
    }

    /// What a command appended.
    #[must_use]
    pub fn events_of(&self, done: &Done) -> &[Event] {
        match self.tickets.get(done.idx).and_then(|recorded| recorded.commits.last()) {
            Some((_, events)) if done.appended => events,
            Some(_) | None => &[],
        }
    }

    /// SHA-256 over everything that a command could change: tickets, their commits, the clock, the next id, the
    /// random source's place.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.now.0.to_le_bytes());
        hash.update(self.n_draws.to_le_bytes());
        hash.update(self.next_ticket_id().0.as_bytes());
        for recorded in &self.tickets {
            hash.update(codec::encode(&recorded.ticket));
            hash.update(codec::encode(&recorded.commits));
        }
        hash.finalize().into()
    }
}

/// A directory from a directory file; passwords are left out, for nobody signs in here. Beside what such a file has, the
/// directories of cases have a list `absences` of {`user`, `delegate`, `from`, `to`, `workflows`}, with instants in UTC ms.
///
/// # Errors
/// What is wrong with the file, as one text.
pub fn directory_from(source: &Json) -> Result<Arc<Directory>, String> {
    let file = DirectoryFile::parse(source).map_err(|problems| format!("{problems:?}"))?;
    let directory = Directory::new(file.tenant.clone());
    let command = account::command::Command::Import {
        file: Box::new(file),
        hashes: BTreeMap::new(),
    };
    let foreign = account::command::Foreign::default();
    let context = account::command::Context {
        now: Timestamp(0),
        foreign: &foreign,
    };
    let events = account::decide::decide(&directory, &command, &context).map_err(|refusal| refusal.to_string())?;
    let directory = events.iter().fold(directory, account::apply::apply);
    let absences = source["absences"].as_array().into_iter().flatten();
    let absences = (0..).zip(absences).map(|(n, entry)| absence(n, entry));
    Ok(Arc::new(absences.fold(directory, |directory, absence| {
        account::apply::apply(directory, &account::event::Event::AbsenceSet(absence))
    })))
}

/// An absence of a case's directory. Nothing asks here whether anybody could have set it.
fn absence(n: usize, entry: &Json) -> account::absence::Absence {
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    let time = |key: &str| Timestamp(entry[key].as_i64().unwrap_or_default());
    let workflows = entry["workflows"].as_array().into_iter().flatten();
    account::absence::Absence {
        id: format!("absence-{n}").into(),
        user: text("user").into(),
        from: time("from"),
        to: time("to"),
        delegate: text("delegate").into(),
        workflows: workflows.filter_map(Json::as_str).map(Into::into).collect(),
        by: None,
        set_at: Timestamp(0),
    }
}
