//! Small commits and logs to append them to.

use std::sync::Arc;

use loonflow_storage::{
    Commit, EventLog, Expected, FaultyLog, KvWrite, MemoryLog, NewCommit, SledLog, SledOptions, StoredEvent, StreamId,
};

/// A log with the directory it lies in, where it has one.
pub(crate) struct Fixture {
    pub(crate) log: Arc<dyn EventLog>,
    _directory: Option<tempfile::TempDir>,
}

pub(crate) fn memory() -> Fixture {
    Fixture {
        log: Arc::new(MemoryLog::new()),
        _directory: None,
    }
}

/// The wrapper with nothing on its schedule.
pub(crate) fn faulty() -> Fixture {
    Fixture {
        log: Arc::new(FaultyLog::new(Arc::new(MemoryLog::new()), [])),
        _directory: None,
    }
}

pub(crate) fn sled() -> Fixture {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = open(directory.path());
    Fixture {
        log: Arc::new(log),
        _directory: Some(directory),
    }
}

pub(crate) fn open(directory: &std::path::Path) -> SledLog {
    SledLog::open(directory, options()).expect("the log opens")
}

/// A small cache, so that reads meet the disk.
pub(crate) fn options() -> SledOptions {
    SledOptions {
        cache_capacity_bytes: 4 << 20,
        free_space_bytes_min: 1 << 20,
    }
}

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name)
}

/// A commit of events with these payloads; version 0 expects no stream.
pub(crate) fn commit(name: &str, version: u64, payloads: &[&str]) -> NewCommit {
    NewCommit {
        stream: stream(name),
        expected: if version == 0 {
            Expected::NoStream
        } else {
            Expected::Version(version)
        },
        meta: format!("meta of {name}").into_bytes(),
        events: payloads
            .iter()
            .map(|payload| event(payload.as_bytes().to_vec()))
            .collect(),
        kv: Vec::new(),
    }
}

pub(crate) fn event(payload: Vec<u8>) -> StoredEvent {
    StoredEvent {
        kind: "test.happened".into(),
        schema: 1,
        payload,
    }
}

pub(crate) fn with_kv(mut commit: NewCommit, key: &str, value: Option<&[u8]>) -> NewCommit {
    commit.kv.push(KvWrite {
        tree: "index",
        key: key.as_bytes().to_vec(),
        value: value.map(<[u8]>::to_vec),
    });
    commit
}

/// A commit as one line: `position stream@first_version payload,payload`.
pub(crate) fn line(commit: &Commit) -> String {
    let payloads: Vec<_> = commit
        .events
        .iter()
        .map(|event| String::from_utf8_lossy(&event.payload))
        .collect();
    format!(
        "{} {}@{} {}",
        commit.position,
        commit.stream,
        commit.first_version,
        payloads.join(",")
    )
}

pub(crate) fn lines(commits: &[Arc<Commit>]) -> Vec<String> {
    commits.iter().map(|commit| line(commit)).collect()
}
