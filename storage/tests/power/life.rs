//! The process whose power is cut: opens the log, folds, appends, reads, checks, exports, closes, in an order that its
//! seed gives, and says in a file beside the log what it begins and what was acknowledged.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use futures::executor::block_on;
use loonflow_storage::{
    Checkpoint, EventLog, Expected, KvWrite, NewCommit, SledLog, SledOptions, Snapshot, StoredEvent, StreamId, backup,
};

use crate::Random;
use crate::run::{BIG, SEED};

/// A small cache, so that reads meet the disk.
pub(crate) fn options() -> SledOptions {
    SledOptions {
        cache_capacity_bytes: 1 << 20,
        free_space_bytes_min: 1 << 20,
    }
}

/// What is said goes through the shim, so that it has its place in time among the writes of the log.
pub(crate) struct Mouth(Mutex<File>);

impl Mouth {
    pub(crate) fn open(path: &Path) -> Self {
        let file = File::options().create(true).append(true).open(path);
        Self(Mutex::new(file.expect("the file of words")))
    }

    pub(crate) fn say(&self, what: &str) {
        let mut file = self.0.lock().expect("no panic while speaking");
        file.write_all(format!("{what}\n").as_bytes()).expect("said");
    }
}

/// One life, to its end unless it is killed.
pub(crate) fn live(root: &Path) -> ExitCode {
    let number = |name: &str| {
        let text = std::env::var(name).expect("a setting of the harness");
        text.parse::<u64>().expect("a number")
    };
    let seed = number(SEED);
    let is_big = number(BIG) == 1;
    let mut random = Random(seed);
    let mouth = Mouth::open(&root.join("words"));
    mouth.say("begin opening");
    let log = match SledLog::open(root.join("log"), options()) {
        Ok(log) => log,
        Err(error) => {
            mouth.say(&format!("failed to open: {error}"));
            return ExitCode::FAILURE;
        }
    };
    mouth.say("begin folding");
    let mut folded = 0;
    while folded < log.last_position() {
        folded += log.read_all(folded, 64).expect("read").len() as u64;
    }
    for round in 0..6 {
        let moment = random.pick(&[
            "load",
            "load",
            "load",
            "verifying",
            "exporting",
            "checkpointing",
            "snapshotting",
            "reading",
            "entries",
        ]);
        mouth.say(&format!("begin {moment}"));
        match moment {
            "load" => load(&log, &mouth, seed, round, is_big),
            "verifying" => drop(log.verify().expect("verified")),
            "exporting" => drop(backup::export(&log, &mut std::io::sink()).expect("exported")),
            "checkpointing" => checkpoint(&log, &mut random),
            "snapshotting" => snapshot(&log, &mut random),
            "reading" => read(&log, &mut random),
            _ => entries(&log, &mouth, seed, round),
        }
    }
    if random.percent(30) {
        mouth.say("begin restoring");
        let mut export = Vec::new();
        backup::export(&log, &mut export).expect("exported");
        let name = format!("restored-{seed}");
        let restored = SledLog::open(root.join(&name), options()).expect("a new log");
        backup::import(&restored, &mut &export[..]).expect("restored");
        restored.close().expect("closed");
        mouth.say(&format!("restored {name} {}", restored.last_position()));
    }
    mouth.say("begin closing");
    log.close().expect("closed");
    drop(log);
    mouth.say("begin nothing");
    ExitCode::SUCCESS
}

fn load(log: &SledLog, mouth: &Mouth, seed: u64, round: u64, is_big: bool) {
    std::thread::scope(|scope| {
        for thread in 0..6 {
            scope.spawn(move || {
                let mut random = Random(seed ^ (round << 8) ^ thread);
                let stream = StreamId::new(format!("s{}", seed * 100 + round * 10 + thread));
                let mut expected = Expected::NoStream;
                for n in 0..if is_big { 3 } else { 12 } {
                    let id = format!("{seed}-{round}-{thread}-{n}");
                    let n_bytes = if is_big {
                        100_000
                    } else {
                        random.pick(&[10, 10, 500, 9_000])
                    };
                    let head = block_on(log.append(commit(&stream, expected, &id, n_bytes))).expect("appended");
                    mouth.say(&format!("ack {id}"));
                    expected = Expected::Version(head.version);
                }
            });
        }
    });
}

/// A commit that can be known again by its id, with an entry of the same.
pub(crate) fn commit(stream: &StreamId, expected: Expected, id: &str, n_bytes: usize) -> NewCommit {
    NewCommit {
        stream: stream.clone(),
        expected,
        meta: b"meta".to_vec(),
        events: vec![StoredEvent {
            kind: "power.cut".into(),
            schema: 1,
            payload: format!("@{id}@{}", "x".repeat(n_bytes)).into_bytes(),
        }],
        kv: vec![KvWrite {
            tree: "with",
            key: id.as_bytes().to_vec(),
            value: Some(id.as_bytes().to_vec()),
        }],
    }
}

fn entries(log: &SledLog, mouth: &Mouth, seed: u64, round: u64) {
    for n in 0..4 {
        let key = format!("{seed}-{round}-{n}");
        log.kv_put("alone", key.as_bytes(), Some(&vec![7; 6_000]))
            .expect("written");
        mouth.say(&format!("entry {key}"));
    }
}

fn checkpoint(log: &SledLog, random: &mut Random) {
    let checkpoint = Checkpoint {
        position: log.last_position(),
        schema: 1,
        state: vec![6; usize::try_from(10_000 + random.below(1_000_000)).expect("a size")],
    };
    log.put_checkpoint("list", &checkpoint).expect("stored");
}

fn snapshot(log: &SledLog, random: &mut Random) {
    for commit in log.read_all(random.below(log.last_position()), 8).expect("read") {
        let snapshot = Snapshot {
            version: commit.last_version(),
            schema: 1,
            state: vec![5; 20_000],
        };
        log.put_snapshot(&commit.stream, &snapshot).expect("stored");
    }
}

/// An idle server that is read: by stream, by entry, from everywhere.
fn read(log: &SledLog, random: &mut Random) {
    for _ in 0..60 {
        for commit in log.read_all(random.below(log.last_position()), 4).expect("read") {
            let stream = log.read_stream(&commit.stream, 0).expect("read");
            assert!(!stream.is_empty());
        }
    }
    log.kv_scan("with", None, 500).expect("read");
}
