//! What a server recorded, read again: every commit of a ticket with the directory and the definition of that moment.
//!
//! Read from a data directory that no process has open, or from the JSON lines that `loonflow-ticket export` writes,
//! which are taken into memory. Commits come in the order of the log, so the directory and the parents of tickets are
//! as they were. Nothing is written, though opening a data directory may tidy up after a crash, as the server would.
//!
//! Not here: what commands caused the events (`command`), what else would have come of them (`shadow`).

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use loonflow_engine::account;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::codec;
use loonflow_engine::id::{TenantId, TicketId, VersionName, WorkflowId};
use loonflow_engine::ticket::{Event, Meta, Ticket, apply};
use loonflow_engine::workflow::{self, WorkflowVersion};
use loonflow_storage::{Commit, EventLog, MemoryLog, SledLog, SledOptions, backup};

use crate::world::names::Shared;

pub mod command;

/// Commits read at a time.
const BITE: usize = 256;

/// Where a recording is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The data directory of a server that does not run.
    Data(PathBuf),
    /// An export in JSON lines.
    Lines(PathBuf),
}

/// Opens a recording.
///
/// # Errors
/// A sentence that names the place: not there, in use, damaged.
pub fn open(source: &Source) -> anyhow::Result<Arc<dyn EventLog>> {
    match source {
        Source::Data(data) => open_data(data),
        Source::Lines(file) => {
            let shown = file.display();
            let opened = File::open(file).with_context(|| format!("cannot read `{shown}`"))?;
            if opened.metadata().is_ok_and(|found| found.is_dir()) {
                bail!(
                    "`{shown}` is a directory, not a file that `loonflow-ticket export` wrote; `--data` takes the data directory of a server"
                );
            }
            let log = MemoryLog::new();
            backup::import(&log, &mut BufReader::new(opened))
                .with_context(|| format!("`{shown}` is no whole export of `loonflow-ticket export`"))?;
            Ok(Arc::new(log))
        }
    }
}

fn open_data(data: &Path) -> anyhow::Result<Arc<dyn EventLog>> {
    let (path, shown) = (data.join("log"), data.display());
    let not_permitted = || {
        anyhow!(
            "the data directory `{shown}` may not be read by this user: run the command as the user of the server, or let it `export` a file and name that with `--log`"
        )
    };
    // Opening would make one.
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => bail!("there is no log in `{shown}`: name a data directory of the server"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(not_permitted()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            bail!(
                "`{shown}` is not a directory: name a data directory of the server, or the file of an export with `--log`"
            )
        }
        Err(error) => return Err(anyhow!(error).context(format!("the data directory `{shown}` cannot be read"))),
    }
    match SledLog::open(&path, SledOptions::default()) {
        Ok(log) => Ok(Arc::new(log)),
        Err(loonflow_storage::Error::AlreadyOpen { .. }) => {
            bail!("`{shown}` is in use: stop the server, or let `loonflow-ticket export` write a file and name it")
        }
        Err(loonflow_storage::Error::Io {
            kind: ErrorKind::PermissionDenied,
            ..
        }) => Err(not_permitted()),
        Err(error) => Err(anyhow!(error).context(format!("the log in `{shown}` cannot be opened"))),
    }
}

/// One commit of a ticket and what was so at that moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The tenant's directory, as it was.
    pub directory: &'a Directory,
    /// Names that two people of it share.
    pub shared: &'a Shared,
    /// The version the ticket was on before, or was created on; none where its stream does not hold it.
    pub version: Option<&'a Arc<WorkflowVersion>>,
    /// The ticket before; none at its creation.
    pub before: Option<&'a Ticket>,
    /// The ticket after.
    pub after: &'a Ticket,
    /// Its parent, as it was.
    pub parent: Option<&'a Ticket>,
    /// When and by whom.
    pub meta: &'a Meta,
    /// What happened.
    pub events: &'a [Event],
}

/// One tenant as far as the log has been read.
struct Tenant {
    directory: Directory,
    /// Read from the directory when it is first asked for, and forgotten when that changes.
    shared: OnceCell<Shared>,
    /// Versions by the workflow's part of the stream's name.
    workflows: BTreeMap<String, BTreeMap<VersionName, Arc<WorkflowVersion>>>,
}

/// Walks through a log and shows each commit of a ticket, in order.
///
/// # Errors
/// Where the log cannot be read or holds what this program does not understand; what `show` says.
pub fn walk(log: &dyn EventLog, show: &mut dyn FnMut(&Moment<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut reader = Reader::default();
    let mut after = 0;
    loop {
        let commits = log.read_all(after, BITE)?;
        let Some(last) = commits.last() else { return Ok(()) };
        after = last.position;
        for commit in &commits {
            let place = || {
                format!(
                    "the commit at position {} of stream `{}`",
                    commit.position, commit.stream
                )
            };
            reader.commit(commit, show).with_context(place)?;
        }
    }
}

#[derive(Default)]
struct Reader {
    /// By the tenant's part of stream names.
    tenants: BTreeMap<String, Tenant>,
    tickets: BTreeMap<(String, TicketId), Ticket>,
}

impl Reader {
    fn commit(
        &mut self,
        commit: &Commit,
        show: &mut dyn FnMut(&Moment<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut parts = commit.stream.as_str().splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("dir"), Some(tenant), None) => self.directory(tenant, commit),
            (Some("wf"), Some(tenant), Some(workflow)) => self.workflow(tenant, workflow, commit),
            (Some("t"), Some(tenant), Some(ticket)) => {
                let id = TicketId::parse(ticket).with_context(|| format!("`{ticket}` is no ticket's id"))?;
                self.ticket(tenant, id, commit, show)
            }
            _ => bail!("the stream is none of a directory, a workflow or a ticket"),
        }
    }

    fn tenant(&mut self, part: &str) -> &mut Tenant {
        self.tenants.entry(part.to_owned()).or_insert_with(|| Tenant {
            directory: Directory::empty(TenantId::from(part)),
            shared: OnceCell::new(),
            workflows: BTreeMap::new(),
        })
    }

    fn directory(&mut self, part: &str, commit: &Commit) -> anyhow::Result<()> {
        let tenant = self.tenant(part);
        tenant.shared = OnceCell::new();
        for stored in &commit.events {
            let event = codec::decode_account(&stored.kind, stored.schema, &stored.payload)?;
            let empty = Directory::empty(TenantId::from(part));
            let before = std::mem::replace(&mut tenant.directory, empty);
            tenant.directory = account::apply::apply(before, &event);
        }
        Ok(())
    }

    fn workflow(&mut self, part: &str, name: &str, commit: &Commit) -> anyhow::Result<()> {
        for stored in &commit.events {
            let event = codec::decode_workflow(&stored.kind, stored.schema, &stored.payload)?;
            let workflow::event::Event::VersionPublished {
                version_name, source, ..
            } = event
            else {
                continue;
            };
            let source = serde_json::from_str(&source).context("a published definition is no JSON")?;
            let version = WorkflowVersion::load_named(&source, Some(name)).map_err(|problems| {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                anyhow!("a published definition does not load: {}", problems.join("; "))
            })?;
            let versions = self.tenant(part).workflows.entry(name.to_owned()).or_default();
            versions.insert(version_name, Arc::new(version));
        }
        Ok(())
    }

    fn ticket(
        &mut self,
        part: &str,
        id: TicketId,
        commit: &Commit,
        show: &mut dyn FnMut(&Moment<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let meta: Meta = codec::decode("meta", codec::META_SCHEMA, &commit.meta)?;
        let decoded = commit.events.iter();
        let decoded = decoded.map(|stored| codec::decode_ticket(&stored.kind, stored.schema, &stored.payload));
        let events = decoded.collect::<Result<Vec<Event>, _>>()?;
        let key = (part.to_owned(), id);
        let before = self.tickets.get(&key).cloned();
        let after = events
            .iter()
            .fold(before.clone(), |ticket, event| apply(ticket, event, &meta))
            .context("the ticket's first event is not its creation")?;
        self.tenant(part);
        let tenant = &self.tenants[part];
        let of = before.as_ref().unwrap_or(&after);
        let version = tenant.version(&of.workflow_id, &of.version_name);
        let parent = after.parent.as_ref();
        let parent = parent.and_then(|(parent, _)| self.tickets.get(&(part.to_owned(), *parent)));
        show(&Moment {
            directory: &tenant.directory,
            shared: tenant.shared.get_or_init(|| Shared::of(&tenant.directory)),
            version,
            before: before.as_ref(),
            after: &after,
            parent,
            meta: &meta,
            events: &events,
        })?;
        self.tickets.insert(key, after);
        Ok(())
    }
}

impl Tenant {
    fn version(&self, workflow: &WorkflowId, name: &VersionName) -> Option<&Arc<WorkflowVersion>> {
        // A long id stands in the stream's name as a digest; then the definition tells it.
        let own = self
            .workflows
            .get(workflow.as_str())
            .and_then(|versions| versions.get(name));
        own.or_else(|| {
            let all = self.workflows.values().filter_map(|versions| versions.get(name));
            all.into_iter().find(|version| version.workflow_id == *workflow)
        })
    }
}
