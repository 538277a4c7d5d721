//! Random walks over the log on disk, with reopenings after this or that was lost, against a vector.

use std::collections::BTreeMap;

use futures::executor::block_on;
use loonflow_storage::{Error, EventLog};
use proptest::prelude::*;

use crate::fixture::{commit, open, stream, with_kv};

/// Few streams, versions and keys, so that they collide.
#[derive(Clone, Debug)]
enum Step {
    Append {
        stream: u8,
        version_off: i8,
        n_events: u8,
        n_bytes: u16,
    },
    /// Appends that are queued together and so share a batch.
    Burst {
        stream: u8,
        n_commits: u8,
    },
    Put {
        key: u8,
        n_bytes: Option<u16>,
    },
    Read {
        stream: u8,
        after: u8,
    },
    ReadAll {
        after: u8,
        n_max: u8,
    },
    Scan {
        after: u8,
        n_max: u8,
    },
    Reopen {
        lost: Lost,
    },
}

/// What is gone when the log is opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Nothing,
    /// The mark that the index was closed whole, as after a kill.
    Mark,
    /// The database: it is built anew from the journal.
    Database,
    /// The journal: it is made anew from the database.
    Journal,
    /// The name of the journal that counts, and the database.
    Manifest,
}

fn lose(lost: Lost, directory: &std::path::Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let is_lost = match lost {
            Lost::Nothing => false,
            Lost::Mark => name == "closed",
            Lost::Database => name == "db",
            Lost::Journal => name.starts_with("journal"),
            Lost::Manifest => name == "journal" || name == "db",
        };
        if is_lost {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let stream = 0..4u8;
    let n_bytes = prop_oneof![0..300u16, 4000..4200u16, 8100..8300u16, 0..20_000u16];
    prop_oneof![
        6 => (stream.clone(), prop_oneof![6 => Just(0i8), 1 => -2..3i8], 1..4u8, n_bytes.clone())
            .prop_map(|(stream, version_off, n_events, n_bytes)| Step::Append { stream, version_off, n_events, n_bytes }),
        2 => (stream.clone(), 1..20u8).prop_map(|(stream, n_commits)| Step::Burst { stream, n_commits }),
        2 => (0..6u8, proptest::option::of(n_bytes)).prop_map(|(key, n_bytes)| Step::Put { key, n_bytes }),
        2 => (stream, 0..60u8).prop_map(|(stream, after)| Step::Read { stream, after }),
        2 => (any::<u8>(), 0..40u8).prop_map(|(after, n_max)| Step::ReadAll { after, n_max }),
        1 => (0..7u8, 0..7u8).prop_map(|(after, n_max)| Step::Scan { after, n_max }),
        1 => prop_oneof![Just(Lost::Nothing), Just(Lost::Mark), Just(Lost::Database), Just(Lost::Journal), Just(Lost::Manifest)]
            .prop_map(|lost| Step::Reopen { lost }),
    ]
}

/// One commit: stream, first version, number of events, size of each payload.
type Row = (u8, u64, u64, usize);

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    entries: BTreeMap<u8, Vec<u8>>,
}

impl Model {
    fn version(&self, stream: u8) -> u64 {
        self.rows.iter().filter(|row| row.0 == stream).map(|row| row.2).sum()
    }
}

fn rows(commits: &[std::sync::Arc<loonflow_storage::Commit>]) -> Vec<Row> {
    let row = |commit: &std::sync::Arc<loonflow_storage::Commit>| {
        let stream = commit.stream.as_str().parse().unwrap();
        (
            stream,
            commit.first_version,
            commit.events.len() as u64,
            commit.events[0].payload.len(),
        )
    };
    commits.iter().map(row).collect()
}

fn walk(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Append {
                stream,
                version_off,
                n_events,
                n_bytes,
            } => {
                let version = model.version(stream);
                let expected = version.saturating_add_signed(version_off.into());
                let payload = "x".repeat(n_bytes.into());
                let payloads = vec![payload.as_str(); n_events.into()];
                let key = String::from(char::from(stream));
                let commit = with_kv(
                    commit(&stream.to_string(), expected, &payloads),
                    &key,
                    Some(payload.as_bytes()),
                );
                let answer = block_on(log.append(commit));
                if expected == version {
                    model.rows.push((stream, version + 1, n_events.into(), n_bytes.into()));
                    model.entries.insert(stream, payload.clone().into_bytes());
                    prop_assert_eq!(answer.map(|head| head.position), Ok(model.rows.len() as u64));
                } else {
                    let is_conflict = matches!(answer, Err(Error::Conflict { .. }));
                    prop_assert!(is_conflict);
                }
            }
            Step::Burst { stream, n_commits } => {
                let version = model.version(stream);
                let name = stream.to_string();
                let append = |i: u8| log.append(commit(&name, version + u64::from(i), &["x"]));
                let answers: Vec<_> = (0..n_commits).map(append).collect();
                for (i, answer) in (1..).zip(answers) {
                    prop_assert_eq!(block_on(answer).map(|head| head.version), Ok(version + i));
                    model.rows.push((stream, version + i, 1, 1));
                }
            }
            Step::Put { key, n_bytes } => {
                let value = n_bytes.map(|n_bytes| vec![key; n_bytes.into()]);
                log.kv_put("index", &[key], value.as_deref()).unwrap();
                match value {
                    Some(value) => model.entries.insert(key, value),
                    None => model.entries.remove(&key),
                };
            }
            Step::Read { stream: name, after } => {
                let is_wanted = |row: &&Row| row.0 == name && row.1 + row.2 - 1 > after.into();
                let expected: Vec<Row> = model.rows.iter().filter(is_wanted).copied().collect();
                let found = log.read_stream(&stream(&name.to_string()), after.into()).unwrap();
                prop_assert_eq!(rows(&found), expected);
            }
            Step::ReadAll { after, n_max } => {
                let expected: Vec<Row> = model
                    .rows
                    .iter()
                    .skip(after.into())
                    .take(n_max.into())
                    .copied()
                    .collect();
                prop_assert_eq!(rows(&log.read_all(after.into(), n_max.into()).unwrap()), expected);
            }
            Step::Scan { after, n_max } => {
                let found = log.kv_scan("index", Some(&[after]), n_max.into()).unwrap();
                let expected = model.entries.range(after + 1..).take(n_max.into());
                let expected: Vec<_> = expected.map(|(key, value)| (vec![*key], value.clone())).collect();
                prop_assert_eq!(found, expected);
            }
            Step::Reopen { lost } => {
                drop(log);
                lose(lost, directory.path());
                log = open(directory.path());
            }
        }
    }
    let report = log.verify().unwrap();
    prop_assert_eq!(report.n_commits, model.rows.len() as u64);
    prop_assert_eq!(report.n_events, model.rows.iter().map(|row| row.2).sum::<u64>());
    prop_assert_eq!(log.last_position(), report.n_commits);
    for name in 0..4u8 {
        let version = log
            .head(&stream(&name.to_string()))
            .unwrap()
            .map_or(0, |head| head.version);
        prop_assert_eq!(version, model.version(name));
    }
    Ok(())
}

proptest! {
    // A case writes to a disk a hundred times; more cases belong to a longer run (`PROPTEST_CASES`).
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_log_on_disk_is_a_vector(steps in proptest::collection::vec(step(), 1..60)) {
        walk(steps)?;
    }
}
