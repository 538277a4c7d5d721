//! What every implementation of the interface does, run over each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::executor::block_on;
use loonflow_storage::{
    Checkpoint, Error, EventLog, Expected, Head, KvWrite, NewCommit, Snapshot, StoredEvent, VerifyReport,
};

use crate::fixture::{self, Fixture, commit, event, line, lines, stream, with_kv};

/// One test per line and implementation.
macro_rules! contract {
    ($($test:ident)*) => {
        mod memory {
            $(#[test] fn $test() { super::$test(&crate::fixture::memory()); })*
        }
        mod faulty {
            $(#[test] fn $test() { super::$test(&crate::fixture::faulty()); })*
        }
        mod sled {
            $(#[test] fn $test() { super::$test(&crate::fixture::sled()); })*
        }
    };
}

contract! {
    an_empty_log_is_empty
    appends_give_gapless_positions_and_versions
    an_append_at_another_head_is_a_conflict_and_writes_nothing
    a_stream_is_read_from_any_version
    streams_whose_names_begin_alike_stay_apart
    everything_is_read_in_bites
    queued_commits_of_one_caller_keep_their_order
    exactly_one_producer_wins_each_version
    large_commits_come_back_whole
    entries_are_written_with_their_commit
    entries_are_scanned_in_key_order
    large_entries_are_replaced_and_removed
    snapshots_and_checkpoints_are_replaced
    a_subscription_gets_history_then_live_without_gaps
    a_subscription_ends_after_close
    what_is_out_of_bounds_is_refused
    a_closed_log_reads_and_refuses
}

fn append(log: &dyn EventLog, commit: NewCommit) -> Result<Head, Error> {
    block_on(log.append(commit))
}

fn an_empty_log_is_empty(Fixture { log, .. }: &Fixture) {
    assert_eq!(log.last_position(), 0);
    assert_eq!(log.head(&stream("a")), Ok(None));
    assert_eq!(log.read_stream(&stream("a"), 0), Ok(vec![]));
    assert_eq!(log.read_all(0, 10), Ok(vec![]));
    assert_eq!(log.snapshot(&stream("a")), Ok(None));
    assert_eq!(log.checkpoint("list"), Ok(None));
    assert_eq!(log.kv_get("index", b"a"), Ok(None));
    assert_eq!(log.kv_trees(), Ok(vec![]));
    assert_eq!(log.verify(), Ok(VerifyReport::default()));
    assert_eq!(log.subscribe(0).try_next(), Ok(None));
}

fn appends_give_gapless_positions_and_versions(Fixture { log, .. }: &Fixture) {
    assert_eq!(
        append(&**log, commit("a", 0, &["1", "2"])),
        Ok(Head {
            version: 2,
            position: 1
        })
    );
    assert_eq!(
        append(&**log, commit("b", 0, &["3"])),
        Ok(Head {
            version: 1,
            position: 2
        })
    );
    assert_eq!(
        append(&**log, commit("a", 2, &["4"])),
        Ok(Head {
            version: 3,
            position: 3
        })
    );
    assert_eq!(log.last_position(), 3);
    assert_eq!(
        log.head(&stream("a")),
        Ok(Some(Head {
            version: 3,
            position: 3
        }))
    );
    let commits = log.read_all(0, 10).unwrap();
    assert_eq!(lines(&commits), ["1 a@1 1,2", "2 b@1 3", "3 a@3 4"]);
    assert_eq!(commits[0].meta, b"meta of a");
    assert_eq!(*commits[0].events[0].kind, *"test.happened");
    assert_eq!(
        log.verify(),
        Ok(VerifyReport {
            n_streams: 2,
            n_commits: 3,
            n_events: 4
        })
    );
}

fn an_append_at_another_head_is_a_conflict_and_writes_nothing(Fixture { log, .. }: &Fixture) {
    let head = append(&**log, commit("a", 0, &["1", "2"])).unwrap();
    for (name, version, found) in [
        ("a", 0, Some(head)),
        ("a", 1, Some(head)),
        ("a", 3, Some(head)),
        ("b", 1, None),
    ] {
        let refused = with_kv(commit(name, version, &["no"]), "no", Some(b"no"));
        let expected = refused.expected;
        let error = append(&**log, refused).unwrap_err();
        assert_eq!(error, Error::Conflict { expected, found });
        assert!(error.is_retryable());
    }
    assert_eq!(log.last_position(), 1);
    assert_eq!(log.kv_get("index", b"no"), Ok(None));
    assert_eq!(
        append(&**log, commit("a", 2, &["3"])),
        Ok(Head {
            version: 3,
            position: 2
        })
    );
}

fn a_stream_is_read_from_any_version(Fixture { log, .. }: &Fixture) {
    append(&**log, commit("a", 0, &["1", "2"])).unwrap();
    append(&**log, commit("a", 2, &["3"])).unwrap();
    append(&**log, commit("a", 3, &["4", "5", "6"])).unwrap();
    let read = |after| lines(&log.read_stream(&stream("a"), after).unwrap());
    assert_eq!(read(0), ["1 a@1 1,2", "2 a@3 3", "3 a@4 4,5,6"]);
    // A commit that holds a later event comes whole.
    assert_eq!(read(1), ["1 a@1 1,2", "2 a@3 3", "3 a@4 4,5,6"]);
    assert_eq!(read(2), ["2 a@3 3", "3 a@4 4,5,6"]);
    assert_eq!(read(3), ["3 a@4 4,5,6"]);
    assert_eq!(read(5), ["3 a@4 4,5,6"]);
    assert!(read(6).is_empty());
    assert!(read(u64::MAX).is_empty());
}

fn streams_whose_names_begin_alike_stay_apart(Fixture { log, .. }: &Fixture) {
    let long = "x".repeat(200);
    for name in ["t", "t1", "t/1", "t\u{1}", long.as_str()] {
        append(&**log, commit(name, 0, &[name])).unwrap();
    }
    for name in ["t", "t1", "t/1", "t\u{1}", long.as_str()] {
        assert_eq!(log.read_stream(&stream(name), 0).unwrap().len(), 1, "{name}");
        assert_eq!(log.head(&stream(name)).unwrap().unwrap().version, 1, "{name}");
    }
    assert_eq!(log.verify().unwrap().n_streams, 5);
}

fn everything_is_read_in_bites(Fixture { log, .. }: &Fixture) {
    for i in 0..25 {
        append(&**log, commit(&format!("s{}", i % 4), i / 4, &["x"])).unwrap();
    }
    let mut after = 0;
    let mut sizes = Vec::new();
    loop {
        let bite = log.read_all(after, 7).unwrap();
        let Some(last) = bite.last() else { break };
        assert_eq!(bite[0].position, after + 1);
        after = last.position;
        sizes.push(bite.len());
    }
    assert_eq!(sizes, [7, 7, 7, 4]);
    assert!(log.read_all(0, 0).unwrap().is_empty());
}

fn queued_commits_of_one_caller_keep_their_order(Fixture { log, .. }: &Fixture) {
    let answers: Vec<_> = (0..200)
        .map(|version| log.append(commit("a", version, &["x"])))
        .collect();
    for (version, answer) in (1..).zip(answers) {
        assert_eq!(
            block_on(answer),
            Ok(Head {
                version,
                position: version
            })
        );
    }
    // A future that nobody waits for is a commit all the same.
    drop(log.append(commit("a", 200, &["y"])));
    assert_eq!(append(&**log, commit("a", 201, &["z"])).unwrap().version, 202);
}

fn exactly_one_producer_wins_each_version(Fixture { log, .. }: &Fixture) {
    const N_VERSIONS: u64 = 30;
    let n_won = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for version in 0..N_VERSIONS {
                    match append(&**log, commit("a", version, &["x"])) {
                        Ok(head) => {
                            assert_eq!(head.version, version + 1);
                            n_won.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => assert!(matches!(error, Error::Conflict { .. }), "{error}"),
                    }
                }
            });
        }
    });
    assert_eq!(n_won.into_inner(), N_VERSIONS);
    assert_eq!(
        log.verify(),
        Ok(VerifyReport {
            n_streams: 1,
            n_commits: N_VERSIONS,
            n_events: N_VERSIONS
        })
    );
}

fn large_commits_come_back_whole(Fixture { log, .. }: &Fixture) {
    // Around the borders of a chunk, and far above.
    let sizes = [
        0,
        1,
        4000,
        4040,
        4050,
        4060,
        4074,
        4092,
        4096,
        8166,
        8200,
        12_000,
        100 << 10,
        1 << 20,
    ];
    for (version, n_bytes) in (0..).zip(sizes) {
        let payload: Vec<u8> = (0..n_bytes).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut large = commit("large", version, &[]);
        large.events = vec![event(payload)];
        append(&**log, large).unwrap();
        append(&**log, commit("small", version, &["x"])).unwrap();
    }
    let commits = log.read_stream(&stream("large"), 0).unwrap();
    assert_eq!(
        commits
            .iter()
            .map(|commit| commit.events[0].payload.len())
            .collect::<Vec<_>>(),
        sizes
    );
    for large in &commits {
        assert!(
            large.events[0]
                .payload
                .iter()
                .enumerate()
                .all(|(i, byte)| usize::from(*byte) == i % 251)
        );
    }
    assert_eq!(log.read_stream(&stream("large"), 13).unwrap(), commits[13..]);
    assert_eq!(log.read_all(0, 100).unwrap().len(), 28);
    assert_eq!(log.head(&stream("large")).unwrap().unwrap().version, 14);
    assert_eq!(log.verify().unwrap().n_commits, 28);
}

fn entries_are_written_with_their_commit(Fixture { log, .. }: &Fixture) {
    append(&**log, with_kv(commit("a", 0, &["1"]), "k", Some(b"one"))).unwrap();
    assert_eq!(log.kv_get("index", b"k"), Ok(Some(b"one".to_vec())));
    let both = with_kv(with_kv(commit("a", 1, &["2"]), "k", None), "l", Some(b""));
    append(&**log, both).unwrap();
    assert_eq!(log.kv_get("index", b"k"), Ok(None));
    assert_eq!(log.kv_get("index", b"l"), Ok(Some(vec![])));
    // The last write of a commit counts.
    append(
        &**log,
        with_kv(with_kv(commit("a", 2, &["3"]), "m", Some(b"x")), "m", Some(b"y")),
    )
    .unwrap();
    assert_eq!(log.kv_get("index", b"m"), Ok(Some(b"y".to_vec())));
}

fn entries_are_scanned_in_key_order(Fixture { log, .. }: &Fixture) {
    for key in ["b", "a", "ab", "a\0", "", "c"] {
        log.kv_put("index", key.as_bytes(), Some(key.as_bytes())).unwrap();
    }
    log.kv_put("index2", b"other", Some(b"x")).unwrap();
    log.kv_put("inde", b"other", Some(b"x")).unwrap();
    log.kv_put("index", b"c", None).unwrap();
    let keys = |after: Option<&str>, n_max| -> Vec<String> {
        let entries = log.kv_scan("index", after.map(str::as_bytes), n_max).unwrap();
        entries
            .into_iter()
            .map(|(key, _)| String::from_utf8(key).unwrap())
            .collect()
    };
    assert_eq!(keys(None, 100), ["", "a", "a\0", "ab", "b"]);
    assert_eq!(keys(Some(""), 2), ["a", "a\0"]);
    assert_eq!(keys(Some("a"), 100), ["a\0", "ab", "b"]);
    assert_eq!(keys(Some("aa"), 100), ["ab", "b"]);
    assert!(keys(Some("b"), 100).is_empty());
    assert_eq!(log.kv_trees().unwrap(), ["inde", "index", "index2"]);
    log.kv_put("inde", b"other", None).unwrap();
    assert_eq!(log.kv_trees().unwrap(), ["index", "index2"]);
}

fn large_entries_are_replaced_and_removed(Fixture { log, .. }: &Fixture) {
    for (round, n_bytes) in (0..).zip([10, 100_000, 4091, 4092, 9000, 3, 50_000]) {
        let value = vec![round; n_bytes];
        if round % 2 == 0 {
            append(&**log, with_kv(commit("a", round.into(), &["x"]), "k", Some(&value))).unwrap();
        } else {
            log.kv_put("index", b"k", Some(&value)).unwrap();
            append(&**log, commit("a", round.into(), &["x"])).unwrap();
        }
        assert_eq!(log.kv_get("index", b"k"), Ok(Some(value.clone())));
        assert_eq!(log.kv_scan("index", None, 10), Ok(vec![(b"k".to_vec(), value)]));
    }
    log.kv_put("index", b"k", None).unwrap();
    assert_eq!(log.kv_get("index", b"k"), Ok(None));
    log.verify().unwrap();
}

fn snapshots_and_checkpoints_are_replaced(Fixture { log, .. }: &Fixture) {
    for (number, n_bytes) in (1..).zip([0, 10, 5_000, 3_000_000, 4_081, 4_082, 700_000, 20]) {
        let state = vec![u8::try_from(number).unwrap(); n_bytes];
        let snapshot = Snapshot {
            version: number,
            schema: 3,
            state: state.clone(),
        };
        log.put_snapshot(&stream("a"), &snapshot).unwrap();
        assert_eq!(log.snapshot(&stream("a")), Ok(Some(snapshot)));
        let checkpoint = Checkpoint {
            position: number,
            schema: 4,
            state,
        };
        log.put_checkpoint("a", &checkpoint).unwrap();
        assert_eq!(log.checkpoint("a"), Ok(Some(checkpoint)));
    }
    assert_eq!(log.snapshot(&stream("ab")), Ok(None));
    assert_eq!(log.checkpoint("b"), Ok(None));
}

fn a_subscription_gets_history_then_live_without_gaps(Fixture { log, .. }: &Fixture) {
    const N_STREAMS: u64 = 4;
    const N_EACH: u64 = 500;
    for name in 0..N_STREAMS {
        append(&**log, commit(&name.to_string(), 0, &["first"])).unwrap();
    }
    let read = |after: u64| {
        let mut subscription = log.subscribe(after);
        let mut seen = Vec::new();
        while subscription.position() < N_STREAMS * N_EACH {
            seen.extend(subscription.next_blocking().unwrap());
        }
        assert_eq!(subscription.try_next(), Ok(None));
        seen
    };
    std::thread::scope(|scope| {
        for name in 0..N_STREAMS {
            scope.spawn(move || {
                let answers: Vec<_> = (1..N_EACH)
                    .map(|version| log.append(commit(&name.to_string(), version, &["x"])))
                    .collect();
                for answer in answers {
                    block_on(answer).unwrap();
                }
            });
        }
        for after in [0, 0, 3, 1000] {
            scope.spawn(move || {
                let seen = read(after);
                assert!(
                    seen.iter()
                        .map(|commit| commit.position)
                        .eq(after + 1..=N_STREAMS * N_EACH)
                );
            });
        }
    });
    assert_eq!(lines(&read(0)), lines(&log.read_all(0, usize::MAX).unwrap()));
}

fn a_subscription_ends_after_close(Fixture { log, .. }: &Fixture) {
    let mut late = log.subscribe(0);
    let mut waiting = log.subscribe(1);
    std::thread::scope(|scope| {
        let ended = scope.spawn(move || {
            (
                waiting.next_blocking().map(|batch| line(&batch[0])),
                waiting.next_blocking(),
            )
        });
        append(&**log, commit("a", 0, &["1"])).unwrap();
        append(&**log, commit("a", 1, &["2"])).unwrap();
        log.close().unwrap();
        assert_eq!(ended.join().unwrap(), (Ok("2 a@2 2".to_owned()), Err(Error::Closed)));
    });
    assert_eq!(late.try_next().unwrap().map(|batch| batch.len()), Some(2));
    assert_eq!(late.try_next(), Err(Error::Closed));
    assert_eq!(late.next_blocking(), Err(Error::Closed));
    assert_eq!(log.subscribe(2).next_blocking(), Err(Error::Closed));
}

fn what_is_out_of_bounds_is_refused(Fixture { log, .. }: &Fixture) {
    let kv = |tree, n_key_bytes, n_value_bytes| {
        let mut commit = commit("a", 0, &["1"]);
        commit.kv = vec![KvWrite {
            tree,
            key: vec![1; n_key_bytes],
            value: Some(vec![1; n_value_bytes]),
        }];
        commit
    };
    let kind = |kind: &str| {
        let mut commit = commit("a", 0, &[]);
        commit.events = vec![StoredEvent {
            kind: kind.into(),
            schema: 1,
            payload: vec![],
        }];
        commit
    };
    let mut large = commit("a", 0, &["1"]);
    large.meta = vec![0; 9 << 20];
    let bad = [
        commit("a", 0, &[]),
        kind(""),
        kind(&"k".repeat(65)),
        large,
        kv("", 1, 1),
        kv("a tree with a name of thirty-three", 1, 1),
        kv("index", 201, 1),
        kv("index", 1, (1 << 20) + 1),
    ];
    for commit in bad {
        assert!(matches!(append(&**log, commit), Err(Error::Invalid { .. })));
    }
    assert!(matches!(log.kv_put("a\0b", b"k", None), Err(Error::Invalid { .. })));
    assert!(matches!(log.checkpoint(""), Err(Error::Invalid { .. })));
    assert_eq!(log.last_position(), 0);
    append(&**log, kv("index", 200, 1 << 20)).unwrap();
}

fn a_closed_log_reads_and_refuses(Fixture { log, .. }: &Fixture) {
    let answers: Vec<_> = (0..50)
        .map(|version| log.append(commit("a", version, &["x"])))
        .collect();
    log.close().unwrap();
    log.close().unwrap();
    // What was queued is finished.
    for answer in answers {
        block_on(answer).unwrap();
    }
    assert_eq!(append(&**log, commit("a", 50, &["no"])), Err(Error::Closed));
    assert_eq!(log.kv_put("index", b"k", None), Err(Error::Closed));
    let snapshot = Snapshot {
        version: 1,
        schema: 1,
        state: vec![],
    };
    assert_eq!(log.put_snapshot(&stream("a"), &snapshot), Err(Error::Closed));
    assert_eq!(log.read_stream(&stream("a"), 0).unwrap().len(), 50);
    assert_eq!(log.last_position(), 50);
}

#[test]
fn a_subscription_is_awaited_in_a_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    for fixture in [fixture::memory(), fixture::sled()] {
        runtime.block_on(async {
            let log = Arc::clone(&fixture.log);
            // More than the log keeps in memory, so that history comes from disk.
            let answers: Vec<_> = (0..5000)
                .map(|version| log.append(commit("a", version, &["x"])))
                .collect();
            for answer in answers {
                answer.await.unwrap();
            }
            let mut subscription = log.subscribe(0);
            let live = tokio::spawn(async move {
                for version in 5000..5100 {
                    log.append(commit("a", version, &["x"])).await.unwrap();
                }
            });
            let mut last = 0;
            while last < 5100 {
                for commit in subscription.next().await.unwrap() {
                    last += 1;
                    assert_eq!(commit.position, last);
                }
            }
            live.await.unwrap();
        });
        assert!(matches!(
            block_on(fixture.log.append(commit("a", 1, &["x"]))),
            Err(Error::Conflict {
                expected: Expected::Version(1),
                ..
            })
        ));
    }
}
