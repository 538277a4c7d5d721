//! What only the log on disk does: reopening, locks, format, damage, a full disk, reads beside writes.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
use loonflow_storage::{Checkpoint, Error, EventLog, SledLog, SledOptions, Snapshot};

use crate::fixture::{commit, event, lines, open, options, stream, with_kv};

fn raw(directory: &Path) -> sled::Db {
    // The database's own threads may hold its lock for some milliseconds after the log was dropped.
    for _ in 0..500 {
        match sled::open(directory) {
            Ok(db) => return db,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    }
    panic!("the database stays locked");
}

/// Flips one bit in the value under the key that the function picks.
fn damage(directory: &Path, pick: impl Fn(&[u8]) -> bool, byte_idx: usize) {
    let db = raw(directory);
    let key = db
        .iter()
        .keys()
        .map(Result::unwrap)
        .find(|key| pick(key))
        .expect("such a key");
    let mut value = db.get(&key).unwrap().unwrap().to_vec();
    value[byte_idx] ^= 4;
    db.insert(key, value).unwrap();
    db.flush().unwrap();
}

fn filled(directory: &Path) {
    let log = open(directory);
    for version in 0..20 {
        drop(log.append(commit("a", version, &["some payload"])));
        drop(log.append(commit("b", version, &["some payload"])));
    }
    let mut large = with_kv(commit("large", 0, &[]), "k", Some(&[9; 10_000]));
    large.events = vec![event(vec![7; 30_000])];
    block_on(log.append(large)).unwrap();
}

#[test]
fn everything_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = Snapshot {
        version: 3,
        schema: 1,
        state: vec![5; 10_000],
    };
    let checkpoint = Checkpoint {
        position: 4,
        schema: 2,
        state: vec![6; 1_000_000],
    };
    filled(directory.path());
    let first = {
        let log = open(directory.path());
        log.put_snapshot(&stream("a"), &snapshot).unwrap();
        log.put_checkpoint("list", &checkpoint).unwrap();
        assert_eq!(log.last_position(), 41);
        log.read_all(0, 100).unwrap()
    };
    for round in 0..3 {
        let log = open(directory.path());
        assert_eq!(log.last_position(), 41 + round);
        assert_eq!(log.read_all(0, 41).unwrap(), first);
        assert_eq!(log.snapshot(&stream("a")).unwrap(), Some(snapshot.clone()));
        assert_eq!(log.checkpoint("list").unwrap(), Some(checkpoint.clone()));
        assert_eq!(log.kv_get("index", b"k").unwrap(), Some(vec![9; 10_000]));
        let conflict = block_on(log.append(commit("a", 0, &["x"])));
        assert!(matches!(conflict, Err(Error::Conflict { .. })));
        block_on(log.append(commit("b", 20 + round, &["x"]))).unwrap();
        log.verify().unwrap();
    }
}

#[test]
fn a_second_open_is_refused_until_the_first_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let path = directory.path().to_owned();
    assert_eq!(
        SledLog::open(&path, options()).unwrap_err(),
        Error::AlreadyOpen { path }
    );
    block_on(log.append(commit("a", 0, &["x"]))).unwrap();
    drop(log);
    assert_eq!(open(directory.path()).last_position(), 1);
}

#[test]
fn another_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    raw(directory.path()).insert(b"!format", &7u32.to_le_bytes()).unwrap();
    let error = SledLog::open(directory.path(), options()).unwrap_err();
    assert_eq!(error, Error::FormatVersion { found: 7, supported: 2 });

    let foreign = tempfile::tempdir().unwrap();
    raw(foreign.path()).insert(b"k", b"v").unwrap();
    let error = SledLog::open(foreign.path(), options()).unwrap_err();
    assert_eq!(error, Error::FormatVersion { found: 0, supported: 2 });
}

#[test]
fn a_log_of_format_1_gets_a_journal() {
    let directory = tempfile::tempdir().unwrap();
    let before = as_format_1(directory.path());
    for _ in 0..2 {
        let log = open(directory.path());
        assert_eq!(log.read_all(0, 100).unwrap(), before);
        assert_eq!(log.kv_get("index", b"k").unwrap(), Some(vec![9; 10_000]));
        assert_eq!(log.verify().unwrap().n_commits, 41);
    }
    assert!(directory.path().join("journal").exists());
    // The journal is a whole one: without the database it gives the same.
    std::fs::remove_file(directory.path().join("db")).unwrap();
    let log = open(directory.path());
    assert_eq!(log.read_all(0, 100).unwrap(), before);
    assert_eq!(log.kv_get("index", b"k").unwrap(), Some(vec![9; 10_000]));
    assert_eq!(block_on(log.append(commit("a", 20, &["x"]))).unwrap().position, 42);
    log.verify().unwrap();
}

/// Fills a log and takes away what format 1 had not; gives what it holds.
fn as_format_1(directory: &Path) -> Vec<std::sync::Arc<loonflow_storage::Commit>> {
    filled(directory);
    let before = open(directory).read_all(0, 100).unwrap();
    let db = raw(directory);
    db.insert(b"!format", &1u32.to_le_bytes()).unwrap();
    db.remove(b"!applied").unwrap();
    drop(db);
    without_journal(directory);
    before
}

/// Removes the journal, so that the index is all there is.
fn without_journal(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("journal") || name == "closed" {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}

#[test]
fn a_log_of_format_1_that_is_damaged_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    as_format_1(directory.path());
    damage(directory.path(), |key| key.starts_with(b"cb\0"), 30);
    let error = SledLog::open(directory.path(), options()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { position: Some(2), .. }), "{error}");
    assert!(!directory.path().join("journal").exists());
}

#[test]
fn whatever_is_done_to_the_database_the_journal_gives_it_back() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    let path = |name: &str| directory.path().join(name);
    let flip = |from: usize, to: usize| {
        let mut bytes = std::fs::read(path("db")).unwrap();
        let n_bytes = bytes.len();
        bytes[n_bytes * from / 8..n_bytes * to / 8]
            .iter_mut()
            .for_each(|byte| *byte = !*byte);
        std::fs::write(path("db"), bytes).unwrap();
    };
    let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    let hurts: [&dyn Fn(); 8] = [
        &|| flip(1, 4),
        &|| flip(0, 1),
        &|| write("conf", "segment_size: 7\nuse_compression: false\nversion: 0.34\nxxxx"),
        &|| write("conf", ""),
        &|| write("db", ""),
        &|| write("snap.00000000000000FF", "no snapshot"),
        &|| write("snap.0000000000000100.generating", "half of one"),
        &|| std::fs::remove_file(path("db")).unwrap(),
    ];
    for (hurt_idx, hurt) in hurts.iter().enumerate() {
        hurt();
        let log = open(directory.path());
        assert_eq!(log.last_position(), 41, "hurt {hurt_idx}");
        assert_eq!(log.verify().unwrap().n_commits, 41, "hurt {hurt_idx}");
        assert_eq!(log.kv_get("index", b"k").unwrap(), Some(vec![9; 10_000]));
    }
}

#[test]
fn a_database_that_is_damaged_while_it_was_closed_is_built_anew() {
    for first_byte in *b"cpkv" {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path());
        damage(directory.path(), |key| key[0] == first_byte, 6);
        std::fs::remove_file(directory.path().join("closed")).unwrap();
        let log = open(directory.path());
        assert_eq!(log.verify().unwrap().n_commits, 41);
        assert_eq!(log.kv_get("index", b"k").unwrap(), Some(vec![9; 10_000]));
    }
}

#[test]
fn a_flipped_bit_is_found_and_named() {
    let commit_of = |name: &'static str, version: u64, chunk: u16| {
        let suffix = [&version.to_be_bytes()[..], &chunk.to_be_bytes()].concat();
        move |key: &[u8]| key.starts_with(&[b"c", name.as_bytes(), &[0]].concat()) && key.ends_with(&suffix)
    };
    let verified = |pick: &dyn Fn(&[u8]) -> bool, byte_idx| {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path());
        damage(directory.path(), pick, byte_idx);
        without_journal(directory.path());
        match SledLog::open(directory.path(), options()).and_then(|log| log.verify()) {
            Err(Error::Corrupt { position, what }) => (position, what),
            other => panic!("{other:?}"),
        }
    };
    let (position, what) = verified(&commit_of("b", 3, 0), 30);
    assert_eq!(position, Some(6));
    assert_eq!(what, "commit of stream `b` at version `3` does not match its checksum");
    // The header, the checksum itself, a later chunk, a page of positions, an entry and its chunk.
    assert_eq!(verified(&commit_of("a", 20, 0), 8).0, Some(39));
    assert_eq!(verified(&commit_of("a", 1, 0), 0).0, Some(1));
    assert_eq!(verified(&commit_of("large", 1, 5), 100).0, Some(41));
    assert!(verified(&|key| key[0] == b'p', 6).1.contains("page"));
    assert!(
        verified(&|key| key[0] == b'k', 6)
            .1
            .contains("entry `k` of tree `index`")
    );
    assert!(
        verified(&|key| key[0] == b'v', 6)
            .1
            .contains("entry `k` of tree `index`")
    );
}

#[test]
fn a_missing_record_is_found_and_named() {
    let verified = |pick: &dyn Fn(&[u8]) -> bool| {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path());
        let db = raw(directory.path());
        let key = db
            .iter()
            .keys()
            .map(Result::unwrap)
            .find(|key| pick(key))
            .expect("such a key");
        db.remove(key).unwrap();
        drop(db);
        without_journal(directory.path());
        match SledLog::open(directory.path(), options()).and_then(|log| log.verify()) {
            Err(Error::Corrupt { position, .. }) => position,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(verified(&|key| key.starts_with(b"ca\0")), Some(1));
    assert_eq!(verified(&|key| key.starts_with(b"p")), Some(1));
    assert_eq!(
        verified(&|key| key.starts_with(b"clarge\0") && key.ends_with(&[3])),
        Some(41)
    );
}

#[test]
fn a_damaged_state_is_no_state() {
    let directory = tempfile::tempdir().unwrap();
    {
        let log = open(directory.path());
        log.put_snapshot(
            &stream("a"),
            &Snapshot {
                version: 3,
                schema: 1,
                state: vec![5; 100],
            },
        )
        .unwrap();
        log.put_checkpoint(
            "list",
            &Checkpoint {
                position: 4,
                schema: 2,
                state: vec![6; 10_000],
            },
        )
        .unwrap();
    }
    damage(directory.path(), |key| key[0] == b's', 20);
    damage(directory.path(), |key| key[0] == b't', 20);
    let log = open(directory.path());
    assert_eq!(log.snapshot(&stream("a")), Ok(None));
    assert_eq!(log.checkpoint("list"), Ok(None));
    log.put_checkpoint(
        "list",
        &Checkpoint {
            position: 5,
            schema: 2,
            state: vec![6; 10],
        },
    )
    .unwrap();
    assert_eq!(log.checkpoint("list").unwrap().unwrap().position, 5);
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    {
        let full = SledOptions {
            free_space_bytes_min: u64::MAX,
            ..options()
        };
        let log = SledLog::open(directory.path(), full).unwrap();
        assert_eq!(block_on(log.append(commit("a", 20, &["x"]))), Err(Error::Full));
        assert_eq!(log.kv_put("index", b"k", None), Err(Error::Full));
        assert_eq!(log.last_position(), 41);
    }
    let log = open(directory.path());
    assert_eq!(block_on(log.append(commit("a", 20, &["x"]))).unwrap().position, 42);
}

#[test]
fn an_overfull_queue_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let large = |version| {
        let mut large = commit("a", version, &[]);
        large.events = vec![event(vec![1; 7 << 20])];
        large
    };
    let answers: Vec<_> = (0..30).map(|version| log.append(large(version))).collect();
    let is_overloaded = |answer: &Result<_, Error>| matches!(answer, Err(Error::Overloaded { .. }));
    assert!(answers.into_iter().map(block_on).filter(is_overloaded).count() > 0);
    assert!(log.verify().unwrap().n_commits > 0);
}

#[test]
fn readers_see_whole_commits_beside_writers() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in 0..300 {
                let value = vec![u8::try_from(version % 256).unwrap(); 9000];
                let number = version.to_string();
                let both = with_kv(
                    with_kv(commit("a", version * 2, &[&number, "x"]), "k", Some(&value)),
                    &number,
                    Some(b""),
                );
                block_on(log.append(both)).unwrap();
                log.put_snapshot(
                    &stream("a"),
                    &Snapshot {
                        version,
                        schema: 1,
                        state: value.repeat(5),
                    },
                )
                .unwrap();
            }
            is_done.store(true, Ordering::Relaxed);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    let before = log.last_position();
                    let read = log.read_stream(&stream("a"), 0).unwrap();
                    assert!(read.len() as u64 >= before);
                    assert_eq!(
                        read.last().map_or(0, |commit| commit.last_version()),
                        read.len() as u64 * 2
                    );
                    if let Some(value) = log.kv_get("index", b"k").unwrap() {
                        assert!(value.len() == 9000 && value.iter().all(|byte| *byte == value[0]));
                    }
                    let n_entries = log.kv_scan("index", None, usize::MAX).unwrap().len() as u64;
                    // `k` and one for each commit.
                    assert!(n_entries <= log.last_position() + 1);
                    if let Some(snapshot) = log.snapshot(&stream("a")).unwrap() {
                        assert!(
                            snapshot
                                .state
                                .iter()
                                .all(|byte| u64::from(*byte) == snapshot.version % 256)
                        );
                    }
                    log.verify().unwrap();
                }
            });
        }
    });
    assert_eq!(lines(&log.read_stream(&stream("a"), 598).unwrap()), ["300 a@599 299,x"]);
}

#[test]
fn no_value_is_above_four_kib_and_no_file_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    {
        let log = open(directory.path());
        for version in 0..40 {
            let mut large = with_kv(commit("a", version, &[]), "k", Some(&vec![1; 500_000]));
            large.events = vec![event(vec![7; 200_000])];
            block_on(log.append(large)).unwrap();
        }
        log.put_checkpoint(
            "list",
            &Checkpoint {
                position: 4,
                schema: 2,
                state: vec![6; 3_000_000],
            },
        )
        .unwrap();
    }
    let db = raw(directory.path());
    assert!(db.iter().all(|entry| entry.unwrap().1.len() <= 4096));
    assert_eq!(std::fs::read_dir(directory.path().join("blobs")).unwrap().count(), 0);
}
