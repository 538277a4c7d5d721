//! The first level: one process at the boundary decide → append → fold, over a log in memory, without actors or
//! waiting, so that it can die between any two steps and a million times in minutes.
//!
//! It calls what the actors call (`engine::runtime::commit`), in their order. What a process has in memory is gone
//! with it; what a [`MemoryLog`] holds is what a disk would.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::commit::{self, Decided, Origin, Step};
use loonflow_engine::runtime::{Done, Fault};
use loonflow_engine::ticket::{Command, Context, Draw, Refusal, Ticket};
use loonflow_engine::time::Timestamp;
use loonflow_engine::view::ticket_list::TenantIndex;
use loonflow_storage::{Checkpoint, EventLog as _, MemoryLog, Position};

use super::call::Prepared;
use super::invariants::Broken;
use super::trouble::Trouble;

/// Name of the list's checkpoint.
const PROJECTION: &str = "ticket_list";
const SCHEMA: u16 = 1;

/// What a client hears of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// An answer.
    Answer(Result<Done, Refusal>),
    /// That something is wrong with the machine: it may have happened or not.
    Fault,
    /// Nothing.
    Nothing,
}

impl Told {
    /// A short word, for traces and stories.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Answer(Ok(done)) if done.replayed => format!("the first answer again, version {}", done.version),
            Self::Answer(Ok(done)) => format!("done, version {}", done.version),
            Self::Answer(Err(refusal)) => format!("refused, {}", refusal.code()),
            Self::Fault => "a fault".to_owned(),
            Self::Nothing => "nothing".to_owned(),
        }
    }
}

/// What became of a call.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What the client heard.
    pub told: Told,
    /// What was decided, where a decision was made.
    pub decided: Option<Decided>,
}

/// What is given to a call from outside: instant, draw, id of a new ticket.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// The present instant.
    pub now: Timestamp,
    /// The draw of this command.
    pub draw: u64,
    /// The id that a creation takes.
    pub fresh: TicketId,
}

/// One process with everything that it has in memory.
#[derive(Clone, Debug)]
pub struct Process {
    /// The disk: outlives the process.
    pub log: MemoryLog,
    directory: Arc<Directory>,
    tickets: BTreeMap<TicketId, Arc<Ticket>>,
    lists: Arc<TenantIndex>,
    read: Position,
}

impl Process {
    /// Starts over what is on disk: the list from its checkpoint and the commits after it; tickets when they are asked
    /// for.
    ///
    /// # Errors
    /// Where what is on disk does not read.
    pub fn start(log: MemoryLog, directory: Arc<Directory>) -> Result<Self, Broken> {
        let unreadable = |what: String| Broken::new("acknowledged_is_kept", what);
        let checkpoint = log
            .checkpoint(PROJECTION)
            .map_err(|error| unreadable(error.to_string()))?;
        let (lists, read) = match checkpoint {
            Some(checkpoint) => {
                let lists = TenantIndex::decode(&checkpoint.state);
                (
                    lists.map_err(|error| unreadable(error.to_string()))?,
                    checkpoint.position,
                )
            }
            None => (TenantIndex::new(), 0),
        };
        let mut process = Self {
            log,
            directory,
            tickets: BTreeMap::new(),
            lists: Arc::new(lists),
            read,
        };
        process.fold()?;
        Ok(process)
    }

    /// The list as it is.
    #[must_use]
    pub fn lists(&self) -> &TenantIndex {
        &self.lists
    }

    /// A ticket: from memory, else from the log; `None` where there is none.
    ///
    /// # Errors
    /// Where what is on disk does not read.
    pub fn ticket(&mut self, id: TicketId) -> Result<Option<Arc<Ticket>>, Broken> {
        if let Some(ticket) = self.tickets.get(&id) {
            return Ok(Some(ticket.clone()));
        }
        let stream = commit::ticket_stream(&self.directory.tenant.id, id);
        let (ticket, _) =
            commit::replay(&self.log, &stream).map_err(|fault| Broken::new("replay_equals_fold", fault.to_string()))?;
        let ticket = ticket.map(Arc::new);
        if let Some(ticket) = &ticket {
            self.tickets.insert(id, ticket.clone());
        }
        Ok(ticket)
    }

    /// Stores the list, and one ticket's state, as a running process does now and then.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub fn store(&self, snapshot: Option<TicketId>) -> Result<(), Broken> {
        let failed = |error: loonflow_storage::Error| Broken::new("replay_equals_fold", error.to_string());
        let checkpoint = Checkpoint {
            position: self.read,
            schema: SCHEMA,
            state: self.lists.encode(),
        };
        self.log.put_checkpoint(PROJECTION, &checkpoint).map_err(failed)?;
        if let Some(ticket) = snapshot.and_then(|id| self.tickets.get(&id)) {
            let stream = commit::ticket_stream(&ticket.tenant_id, ticket.id);
            self.log
                .put_snapshot(&stream, &commit::snapshot_of(ticket))
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Carries a call out as far as the trouble lets it come.
    ///
    /// # Errors
    /// Where what is on disk does not read.
    pub fn call(&mut self, call: &Prepared, trouble: Trouble, given: &Given) -> Result<Attempt, Broken> {
        let silent = Attempt {
            told: Told::Nothing,
            decided: None,
        };
        if trouble == Trouble::DiesBeforeDecision {
            return Ok(silent);
        }
        if let (Some(caller), Some(asked)) = (&call.caller, &call.asked) {
            let known = commit::answered(&self.log, caller, asked);
            match known.map_err(|fault| unreadable_key(&fault))? {
                Ok(None) => {}
                Ok(Some(done)) => return Ok(heard(trouble, Ok(done), None)),
                Err(refusal) => return Ok(heard(trouble, Err(refusal), None)),
            }
        }
        if trouble == Trouble::WorkerDies {
            if let Some(id) = call.ticket {
                self.tickets.remove(&id);
            }
            return Ok(Attempt {
                told: Told::Fault,
                decided: None,
            });
        }
        let before = match call.ticket {
            Some(id) => self.ticket(id)?,
            None => None,
        };
        let decided = match self.decide(call, before.as_deref(), given) {
            Ok(decided) => decided,
            Err(refusal) => return Ok(heard(trouble, Err(refusal), None)),
        };
        let Some(commit) = decided.commit.clone() else {
            return Ok(heard(trouble, Ok(decided.done.clone()), Some(decided)));
        };
        if trouble.log_error().is_some() || trouble == Trouble::UncertainLost {
            // Only the log knows what happened: the worker reads its ticket again.
            self.tickets.remove(&decided.after.id);
            return Ok(Attempt {
                told: Told::Fault,
                decided: Some(decided),
            });
        }
        if !trouble.is_written() {
            return Ok(Attempt {
                decided: Some(decided),
                ..silent
            });
        }
        self.log
            .append_now(commit)
            .map_err(|error| Broken::new("versions_hold", format!("the log does not take the commit: {error}")))?;
        if trouble == Trouble::UncertainWritten {
            self.tickets.remove(&decided.after.id);
            return Ok(Attempt {
                told: Told::Fault,
                decided: Some(decided),
            });
        }
        if !trouble.is_folded() {
            return Ok(Attempt {
                decided: Some(decided),
                ..silent
            });
        }
        self.tickets.insert(decided.after.id, Arc::new(decided.after.clone()));
        self.fold()?;
        Ok(heard(trouble, Ok(decided.done.clone()), Some(decided)))
    }

    fn decide(&self, call: &Prepared, before: Option<&Ticket>, given: &Given) -> Result<Decided, Refusal> {
        let fresh;
        let command = if let Command::Create(create) = &call.command {
            let mut create = create.clone();
            create.ticket_id = given.fresh;
            fresh = Command::Create(create);
            &fresh
        } else {
            let Some(before) = before else {
                return Err(Refusal::TicketNotFound {
                    id: call.ticket.map(|id| id.to_string()).unwrap_or_default(),
                });
            };
            commit::check_version(call.expected, Some(before))?;
            &call.command
        };
        let context = Context {
            now: given.now,
            directory: &self.directory,
            workflow: &call.workflow,
            draw: Draw::Seed(given.draw),
            parent: None,
            migrate_to: None,
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
        };
        let origin = Origin {
            app: call.caller.as_ref().map(|caller| caller.app.clone()),
            access_token: None,
        };
        let keep = call.caller.as_ref().zip(call.asked.as_ref());
        match commit::decided(before, command, &context, &origin, keep)? {
            Step::Decided(decided) => Ok(*decided),
            // Nobody asks outside addresses here, so nothing has to be asked.
            Step::Needs(_) => Err(Refusal::NotWaiting {
                what: "questions to outside addresses".to_owned(),
            }),
        }
    }

    /// Folds what the log holds beyond what the list has read.
    fn fold(&mut self) -> Result<(), Broken> {
        let failed = |what: String| Broken::new("lists_equal_fold", what);
        let commits = self
            .log
            .read_all(self.read, usize::MAX)
            .map_err(|error| failed(error.to_string()))?;
        if commits.is_empty() {
            return Ok(());
        }
        let lists = Arc::make_mut(&mut self.lists);
        for one in &commits {
            if let Some(ticket) = commit::ticket_of(&one.stream) {
                let (meta, events) = commit::read(one).map_err(|error| failed(error.to_string()))?;
                lists.fold(ticket, &meta, &events);
            }
            self.read = one.position;
        }
        Ok(())
    }
}

fn heard(trouble: Trouble, answer: Result<Done, Refusal>, decided: Option<Decided>) -> Attempt {
    let told = if trouble.is_heard() {
        Told::Answer(answer)
    } else {
        Told::Nothing
    };
    Attempt { told, decided }
}

fn unreadable_key(fault: &Fault) -> Broken {
    Broken::new(
        "a_key_answers_first",
        format!("the record of a key does not read: {fault}"),
    )
}
