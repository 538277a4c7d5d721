//! Changes to directories: one commit, or several between `ImportBegun` and `ImportFinished` where one is too small.
//!
//! Readers see the directory before until the last commit is on disk, and after a restart until `ImportFinished` is
//! read. What a crash or a fault left half-way is found in the stream at the next change, which breaks it off first.

use std::sync::Arc;

use loonflow_storage::{EventLog, StoredEvent};

use super::{Changed, Entry, Outcome, State};
use crate::account::command::{Command, Context, Foreign};
use crate::account::directory::Directory;
use crate::account::event::Event;
use crate::account::import::{self, DirectoryFile};
use crate::account::{apply, decide, password};
use crate::codec;
use crate::id::TenantId;
use crate::limits::{IMPORT_PART_BYTES_MAX, IMPORT_PART_EVENTS_MAX};
use crate::runtime::fault::{Fault, OperatorRefusal};
use crate::runtime::request::{ImportOptions, MissingUsers};
use crate::runtime::streams;
use crate::time::Timestamp;

/// A directory with everything that its stream holds beyond it. Blocking.
pub(super) fn folded(log: &dyn EventLog, directory: Directory) -> Result<Directory, Fault> {
    let stream = streams::directory(&directory.tenant.id);
    let mut directory = directory;
    for commit in log.read_stream(&stream, directory.version)? {
        for stored in &commit.events {
            let event = codec::decode_account(&stored.kind, stored.schema, &stored.payload)?;
            directory = apply::apply(directory, &event);
        }
    }
    Ok(directory)
}

/// A change that was decided and is to be written.
struct Decided {
    /// Everything that goes into the stream, the marks of an import included.
    events: Vec<Event>,
    /// Of them, those that were decided.
    n_caused: usize,
    /// The events as the log takes them, commit by commit.
    parts: Vec<Vec<StoredEvent>>,
    /// The directory once they are on disk.
    after: Directory,
}

/// Decides a command on a directory. Takes its time for a large file.
fn decided(
    before: &Directory,
    command: &Command,
    now: Timestamp,
    foreign: &Foreign,
) -> Result<Decided, decide::Refusal> {
    let caused = decide::decide(before, command, &Context { now, foreign })?;
    let n_caused = caused.len();
    let mut events = Vec::with_capacity(n_caused + 3);
    if n_caused > 0 && before.has_open_import() {
        events.push(Event::ImportBrokenOff);
    }
    let mut parts = parts(&caused);
    if parts.len() > 1 {
        events.push(Event::ImportBegun);
        events.extend(caused);
        events.push(Event::ImportFinished);
        parts.push(vec![stored(&Event::ImportFinished)]);
        parts[0].insert(0, stored(&Event::ImportBegun));
    } else {
        events.extend(caused);
    }
    if let (Some(Event::ImportBrokenOff), Some(first)) = (events.first(), parts.first_mut()) {
        first.insert(0, stored(&Event::ImportBrokenOff));
    }
    let after = events.iter().fold(before.clone(), apply::apply);
    Ok(Decided {
        events,
        n_caused,
        parts,
        after,
    })
}

fn stored(event: &Event) -> StoredEvent {
    StoredEvent {
        kind: codec::account_kind(event).into(),
        schema: codec::ACCOUNT_SCHEMA,
        payload: codec::encode(event),
    }
}

/// Events in portions of one commit each.
fn parts(events: &[Event]) -> Vec<Vec<StoredEvent>> {
    let mut parts: Vec<Vec<StoredEvent>> = Vec::new();
    let mut n_bytes = 0;
    for event in events.iter().map(stored) {
        match parts.last_mut() {
            Some(part)
                if part.len() < IMPORT_PART_EVENTS_MAX && n_bytes + event.payload.len() <= IMPORT_PART_BYTES_MAX =>
            {
                n_bytes += event.payload.len();
                part.push(event);
            }
            Some(_) | None => {
                n_bytes = event.payload.len();
                parts.push(vec![event]);
            }
        }
    }
    parts
}

/// Whom the file leaves out, and the file as it is to be imported.
fn with_options(
    file: DirectoryFile,
    before: &Directory,
    options: ImportOptions,
) -> Result<(DirectoryFile, MissingUsers), decide::Refusal> {
    let missing = MissingUsers::of(&file, before);
    if !options.whole {
        return Ok((file, missing));
    }
    if let Some(problem) = import::check_whole(&file) {
        return Err(decide::Refusal::Invalid {
            problems: vec![problem],
        });
    }
    let leavers: Vec<_> = file.missing_users(before).cloned().collect();
    Ok((file.with_leavers(&leavers), missing))
}

impl State {
    /// Brings a directory to what a file says.
    pub(super) async fn import(&self, file: Box<DirectoryFile>, options: ImportOptions) -> Changed {
        let tenant = file.tenant.id.clone();
        self.registry.check_tenant(&tenant)?;
        let before = self.directory(&tenant).await?;
        let emails = file.users.iter().map(|entry| entry.user.email.as_str());
        let foreign = self.registry.foreign(&tenant, emails, Some(&file.tenant.domain));
        let (random, now) = (self.ports.random.clone(), self.ports.clock.now());
        // Hashing passwords and comparing a large file take their time, so they leave the actor's thread.
        let work = move || {
            let mut salt = || {
                let mut salt = [0u8; 16];
                salt.copy_from_slice(&random.secret_bytes()[..16]);
                salt
            };
            let (file, missing) = with_options(*file, &before, options)?;
            let hashes = password::missing_hashes(&file, &before, &mut salt);
            let file = Box::new(file);
            let decided = decided(&before, &Command::Import { file, hashes }, now, &foreign)?;
            Ok((before, decided, missing))
        };
        let (before, decided, missing) = match tokio::task::spawn_blocking(work).await.map_err(|_| Fault::WorkerDied)? {
            Ok(decided) => decided,
            Err(refusal) => return Ok(Err(OperatorRefusal::Account(refusal))),
        };
        let outcome = if options.dry_run {
            Outcome {
                n_events: decided.n_caused,
                ..Outcome::default()
            }
        } else {
            self.write(&before, decided).await?
        };
        Ok(Ok(Outcome { missing, ..outcome }))
    }

    /// Carries a command of one person or about one person out.
    pub(super) async fn change_account(&self, tenant: &TenantId, command: Command) -> Changed {
        if self.registry.find(tenant)?.is_none() {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        }
        let before = self.directory(tenant).await?;
        let foreign = match &command {
            Command::PutUser { user, .. } => self.registry.foreign(tenant, [user.email.as_str()].into_iter(), None),
            // A file has its own way in, which takes its size into account.
            Command::Import { .. }
            | Command::CreateAccessToken { .. }
            | Command::RevokeAccessToken { .. }
            | Command::Review { .. }
            | Command::SetAbsence(_)
            | Command::ClearAbsence { .. } => Foreign::default(),
        };
        match decided(&before, &command, self.ports.clock.now(), &foreign) {
            Ok(decided) => Ok(Ok(self.write(&before, decided).await?)),
            Err(refusal) => Ok(Err(refusal.into())),
        }
    }

    /// The directory as the log has it: beyond what is published where an append failed and is on disk nevertheless, or
    /// was one of several.
    async fn directory(&self, tenant: &TenantId) -> Result<Directory, Fault> {
        let published = self.registry.tenant(tenant);
        let published = published.map(|state| Directory::clone(&state.directory));
        let published = published.unwrap_or_else(|| Directory::empty(tenant.clone()));
        let log = Arc::clone(&self.log);
        let read = tokio::task::spawn_blocking(move || {
            let head = log.head(&streams::directory(&published.tenant.id))?;
            if head.is_some_and(|head| head.version > published.version) {
                folded(&*log, published)
            } else {
                Ok(published)
            }
        });
        read.await.map_err(|_| Fault::WorkerDied)?
    }

    /// Writes a decision and publishes it once all of it is on disk.
    async fn write(&self, before: &Directory, decided: Decided) -> Result<Outcome, Fault> {
        if decided.events.is_empty() {
            return Ok(Outcome::default());
        }
        let tenant = before.tenant.id.clone();
        let stream = streams::directory(&tenant);
        let published = self.registry.tenant(&tenant);
        let is_next = published.is_some_and(|state| state.directory.version == before.version);
        let entry = Entry::Directory(tenant);
        let mut version = before.version;
        for part in decided.parts {
            let n_events = part.len() as u64;
            self.append(stream.clone(), version, None, part, &entry).await?;
            version += n_events;
        }
        if is_next {
            self.registry.change_directory(before, decided.after, &decided.events);
        } else {
            self.registry.put_directory(decided.after);
        }
        Ok(Outcome {
            n_events: decided.n_caused,
            missing: MissingUsers::default(),
        })
    }
}
