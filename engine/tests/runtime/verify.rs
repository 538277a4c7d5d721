//! The walk that says what would not be served: it names each damage by its place, and nothing that is sound.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loonflow_engine::runtime::verify::{FINDINGS_NAMED_MAX, Step, Verified, verify};
use loonflow_engine::runtime::{EngineOptions, commit};
use loonflow_storage::{Commit, EventLog, Expected, MemoryLog, NewCommit, Snapshot, StoredEvent, StreamId};
use tokio::sync::Notify;

use crate::fixture::{ACME, PATIENCE, World, agree, comment};

/// What a walk counts, and its findings.
fn walk(walk: impl FnOnce(&mut dyn FnMut(Step<'_>) -> ControlFlow<()>) -> Verified) -> (Verified, Vec<String>) {
    let mut found = Vec::new();
    let verified = walk(&mut |step| {
        if let Step::Bad(finding) = step {
            found.push(finding.to_string());
        }
        ControlFlow::Continue(())
    });
    (verified, found)
}

fn offline(log: &dyn EventLog) -> (Verified, Vec<String>) {
    walk(|watch| verify(log, None, watch).expect("the log reads"))
}

/// A log with two tickets, of which one has a snapshot, and the list as it was then. Nothing has it open.
async fn closed() -> (MemoryLog, StreamId) {
    let log = MemoryLog::new();
    let options = EngineOptions {
        snapshot_events: 3,
        ..EngineOptions::default()
    };
    let world = World::filled(Arc::new(log.clone()), options).await;
    let id = world.leave("2").await;
    world
        .act("erin", id, agree("approve_yes"), BTreeMap::new())
        .await
        .unwrap();
    world.leave("3").await;
    world.engine.close().await.unwrap();
    log.reopen();
    (log, commit::ticket_stream(&ACME.into(), id))
}

/// The same log with some commits changed.
fn changed(log: &MemoryLog, mut change: impl FnMut(&mut Commit)) -> MemoryLog {
    let other = MemoryLog::new();
    for tree in log.kv_trees().unwrap() {
        for (key, value) in log.kv_scan(&tree, None, usize::MAX).unwrap() {
            other.kv_put(&tree, &key, Some(&value)).unwrap();
        }
    }
    for commit in log.read_all(0, usize::MAX).unwrap() {
        let mut commit = Commit::clone(&commit);
        change(&mut commit);
        let expected = match commit.first_version {
            1 => Expected::NoStream,
            version => Expected::Version(version - 1),
        };
        let Commit {
            stream, meta, events, ..
        } = commit;
        let kv = Vec::new();
        other
            .append_now(NewCommit {
                stream,
                expected,
                meta,
                events,
                kv,
            })
            .unwrap();
    }
    other
}

#[tokio::test]
async fn a_sound_log_has_no_finding() {
    let (log, _) = closed().await;
    let (verified, found) = offline(&log);
    assert_eq!(found, Vec::<String>::new());
    let counts = (
        verified.n_directories,
        verified.n_workflows,
        verified.n_tickets,
        verified.n_listed,
    );
    assert_eq!(counts, (2, 7, 2, 2));
    assert_eq!(verified.n_events, log.verify().unwrap().n_events);
    assert!(verified.n_snapshots > 0 && verified.n_bad == 0);

    let world = World::over(Arc::new(log), Arc::default(), EngineOptions::default()).await;
    let online = walk(|watch| world.engine.verify(watch).expect("the log reads"));
    assert_eq!(online, (verified, found));
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_cause_no_finding() {
    let world = Arc::new(World::in_memory().await);
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(world.leave("2").await);
    }
    // As many rounds as no ticket is filled by: walks go on as long as somebody writes.
    let (is_done, has_walked) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let writing = {
        let (world, has_walked) = (Arc::clone(&world), Arc::clone(&has_walked));
        tokio::spawn(async move {
            for round in 0..200 {
                if round == 100 {
                    // Writers may be that much faster: another walk begins beside the rest.
                    tokio::time::timeout(PATIENCE, has_walked.notified()).await.unwrap();
                }
                for id in &ids {
                    world.act("dev", *id, comment("more"), BTreeMap::new()).await.unwrap();
                }
                world.leave("1").await;
            }
        })
    };
    let (engine, is_over) = (world.engine.clone(), Arc::clone(&is_done));
    let walking = tokio::task::spawn_blocking(move || {
        let (mut n_walks, mut found) = (0, Vec::new());
        while !is_over.load(Ordering::Relaxed) {
            found.extend(walk(|watch| engine.verify(watch).expect("the log reads")).1);
            n_walks += 1;
            has_walked.notify_one();
        }
        (n_walks, found)
    });
    let written = writing.await;
    is_done.store(true, Ordering::Relaxed);
    let (n_walks, found) = walking.await.unwrap();
    written.unwrap();
    assert_eq!(found, Vec::<String>::new());
    assert!(n_walks > 1, "{n_walks} walks beside 4,200 writes");
}

#[tokio::test]
async fn an_event_that_does_not_decode_names_its_ticket_alone() {
    let (log, stream) = closed().await;
    let mut position = 0;
    let log = changed(&log, |commit| {
        if commit.stream == stream && commit.first_version > 1 && position == 0 {
            commit.events[0].payload = vec![0xFF; 20];
            position = commit.position;
        }
    });
    let (verified, found) = offline(&log);
    let ticket = stream.as_str().rsplit('/').next().unwrap();
    assert_eq!((found.len(), verified.n_bad, verified.n_tickets), (1, 1, 2));
    assert!(
        found[0].starts_with(&format!(
            "ticket `{ticket}` of tenant `{ACME}` at position `{position}`: event "
        )) && found[0].contains("does not decode")
            && found[0].ends_with("the server would refuse this ticket"),
        "{found:?}"
    );
}

#[tokio::test]
async fn each_kind_of_damage_is_named() {
    let (log, stream) = closed().await;
    let one = |log: &MemoryLog, words: &[&str]| {
        let (verified, found) = offline(log);
        assert_eq!(verified.n_bad, 1, "{found:?}");
        for word in words {
            assert!(found[0].contains(word), "{found:?} without {word}");
        }
    };
    let of = |prefix: &'static str, change: fn(&mut Commit)| {
        let mut n_changed = 0;
        changed(&log, |commit| {
            if commit.stream.as_str().starts_with(prefix) && n_changed == 0 {
                change(commit);
                n_changed += 1;
            }
        })
    };
    let garble = |commit: &mut Commit| commit.events[0].payload = vec![0xFF; 20];
    one(&of("dir/", garble), &["the directory of tenant", "refuse this tenant"]);
    let unknown = |commit: &mut Commit| commit.events[0].schema = 99;
    one(
        &of("wf/", unknown),
        &["workflow `", "unknown type", "refuse this workflow"],
    );
    one(&of("t/", |commit| commit.meta = vec![0xFF; 20]), &["ticket `", "meta"]);
    let headless = |commit: &mut Commit| commit.events[0] = commit.events[1].clone();
    one(
        &of("t/", headless),
        &["ticket `", "event 1: the ticket was not created before"],
    );

    // A ticket under another's name.
    let other = StreamId::new(format!("t/{ACME}/01939f5a-3c00-7000-8000-000000000001"));
    let renamed = changed(&log, |commit| {
        if commit.stream == stream {
            commit.stream = other.clone();
        }
    });
    one(&renamed, &["01939f5a-3c00-7000-8000-000000000001", "it creates ticket"]);

    // A stream that nothing leads to, an entry that leads nowhere.
    let unnamed = log.fork();
    unnamed
        .kv_put("registry", format!("dir/{ACME}").as_bytes(), None)
        .unwrap();
    one(
        &unnamed,
        &["stream `dir/", "the registry does not name it", "would not see it"],
    );
    let nowhere = changed(&log, |commit| {
        if commit.stream.as_str() == "wf/00000000-0000-7000-8000-000000000001/release" {
            commit.stream = StreamId::new("wf/other/release");
        }
    });
    let (_, found) = offline(&nowhere);
    assert!(
        found
            .iter()
            .any(|found| found.contains("workflow `release`") && found.contains("has no event"))
    );
    assert!(found.iter().any(|found| found.contains("stream `wf/other/release`")));

    // A snapshot that is another state than the events make.
    let (ticket, _) = commit::replay(&log, &stream).unwrap();
    let mut ticket = ticket.unwrap();
    ticket.title = "another".to_owned();
    let wrong = log.fork();
    wrong.put_snapshot(&stream, &commit::snapshot_of(&ticket)).unwrap();
    one(&wrong, &["its snapshot at version", "wrong state"]);
    ticket.version += 100;
    wrong.put_snapshot(&stream, &commit::snapshot_of(&ticket)).unwrap();
    one(&wrong, &["which it does not have"]);
    // One that the engine passes over.
    let state = vec![0xFF];
    let snapshot = Snapshot {
        version: 1,
        schema: 2,
        state,
    };
    wrong.put_snapshot(&stream, &snapshot).unwrap();
    assert_eq!(offline(&wrong).1, Vec::<String>::new());
}

#[tokio::test]
async fn a_list_that_shows_something_else_is_named() {
    let (log, stream) = closed().await;
    let ticket = stream.as_str().rsplit('/').next().unwrap();
    // The list as it was, beside a log in which the ticket's last change is another.
    let mut first_meta = None;
    let other = changed(&log, |commit| {
        if commit.stream == stream {
            let meta = first_meta.get_or_insert_with(|| commit.meta.clone());
            commit.meta = meta.clone();
        }
    });
    copy_list(&log, &other);
    let (_, found) = offline(&other);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains(ticket) && found[0].contains("does not show it as"),
        "{found:?}"
    );
    // A list with tickets of a log that lost them.
    let renamed = changed(&log, |commit| {
        if commit.stream == stream {
            commit.stream = StreamId::new("x/1");
        }
    });
    copy_list(&log, &renamed);
    let (_, found) = offline(&renamed);
    assert!(
        found
            .iter()
            .any(|found| found.starts_with("the ticket list: it has 2 tickets")),
        "{found:?}"
    );
}

/// Carries the checkpoints of the list over.
fn copy_list(from: &MemoryLog, to: &MemoryLog) {
    let segments = (0..4).flat_map(|tenant| (0..4).map(move |segment| format!("ticket_list/{tenant}/{segment}")));
    for name in segments.chain(["ticket_list".to_owned()]) {
        if let Some(checkpoint) = from.checkpoint(&name).unwrap() {
            to.put_checkpoint(&name, &checkpoint).unwrap();
        }
    }
}

/// A commit of a stream that no part of the engine reads.
fn unknown(stream: &StreamId) -> NewCommit {
    NewCommit {
        stream: stream.clone(),
        expected: Expected::NoStream,
        meta: Vec::new(),
        events: vec![StoredEvent {
            kind: "x.y".into(),
            schema: 1,
            payload: Vec::new(),
        }],
        kv: Vec::new(),
    }
}

#[test]
fn findings_are_named_up_to_a_bound_and_counted_beyond() {
    let log = MemoryLog::new();
    for n in 0..FINDINGS_NAMED_MAX + 50 {
        log.append_now(unknown(&StreamId::new(format!("x/{n}")))).unwrap();
    }
    let (verified, found) = offline(&log);
    assert_eq!(found.len() as u64, FINDINGS_NAMED_MAX);
    assert_eq!(verified.n_bad, FINDINGS_NAMED_MAX + 50);
    // Whoever has enough ends the walk.
    let enough = verify(&log, None, &mut |_| ControlFlow::Break(())).unwrap();
    assert!(enough.n_bad <= 1);
}
