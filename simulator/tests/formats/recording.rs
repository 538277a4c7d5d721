//! A recording as a server would have made it: directory, definitions and tickets in one log.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::{self, directory::Directory, import::DirectoryFile};
use loonflow_engine::codec;
use loonflow_engine::ticket::{Event, Meta, Processor};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::event::Event as Published;
use loonflow_engine::workflow::{VersionState, WorkflowVersion};
use loonflow_simulator::formats::export::history::History;
use loonflow_storage::{EventLog, Expected, MemoryLog, NewCommit, StoredEvent, StreamId};
use serde_json::Value as Json;

/// A log in memory, to append to.
pub(crate) struct Recording {
    pub(crate) log: MemoryLog,
    heads: BTreeMap<String, u64>,
}

impl Recording {
    /// With a directory and definitions in it.
    pub(crate) fn new(directory: &Json, versions: &[Arc<WorkflowVersion>]) -> Self {
        let mut recording = Self {
            log: MemoryLog::new(),
            heads: BTreeMap::new(),
        };
        recording.directory(directory);
        for version in versions {
            let event = Published::VersionPublished {
                version_name: version.version_name.clone(),
                source: version.source.to_string(),
                digest: [0; 32],
                state: VersionState::Default,
                at: Timestamp(0),
                by: None,
            };
            let stored = stored(
                codec::workflow_kind(&event),
                codec::WORKFLOW_SCHEMA,
                codec::encode(&event),
            );
            recording.append(format!("wf/acme/{}", version.workflow_id), &system(), vec![stored]);
        }
        recording
    }

    /// The directory becomes this one.
    fn directory(&mut self, source: &Json) {
        let file = DirectoryFile::parse(source).expect("a directory");
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
        let events = account::decide::decide(&directory, &command, &context).expect("an import");
        let store = |event| stored(codec::account_kind(event), codec::ACCOUNT_SCHEMA, codec::encode(event));
        self.append("dir/acme".to_owned(), &system(), events.iter().map(store).collect());
    }

    /// Tickets with all that happened to them, in the order of time.
    pub(crate) fn tickets(&mut self, histories: &[History]) {
        let mut commits: Vec<(&History, &(Meta, Vec<Event>))> = histories
            .iter()
            .flat_map(|history| history.commits.iter().map(move |commit| (history, commit)))
            .collect();
        commits.sort_by_key(|(_, (meta, _))| meta.at);
        for (history, (meta, events)) in commits {
            let store = |event| stored(codec::ticket_kind(event), codec::TICKET_SCHEMA, codec::encode(event));
            self.append(
                format!("t/acme/{}", history.ticket),
                meta,
                events.iter().map(store).collect(),
            );
        }
    }

    fn append(&mut self, stream: String, meta: &Meta, events: Vec<StoredEvent>) {
        let head = self.heads.entry(stream.clone()).or_insert(0);
        let expected = if *head == 0 {
            Expected::NoStream
        } else {
            Expected::Version(*head)
        };
        *head += events.len() as u64;
        let commit = NewCommit {
            stream: StreamId::new(stream),
            expected,
            meta: codec::encode(meta),
            events,
            kv: Vec::new(),
        };
        // An append to memory is done when the call returns.
        drop(self.log.append(commit));
    }

    /// The same as JSON lines.
    pub(crate) fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        loonflow_storage::backup::export(&self.log, &mut lines).expect("an export");
        lines
    }
}

fn stored(kind: String, schema: u16, payload: Vec<u8>) -> StoredEvent {
    StoredEvent {
        kind: kind.into(),
        schema,
        payload,
    }
}

fn system() -> Meta {
    Meta {
        at: Timestamp(0),
        by: Processor::System,
        app: None,
        access_token: None,
    }
}
