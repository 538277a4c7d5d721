//! The wrapper that fails on schedule, over a log in memory.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use loonflow_storage::{Checkpoint, Error, EventLog, Fault, FaultyLog, LogStatus, MemoryLog, Snapshot};

use crate::fixture::{commit, lines, stream};

/// Appends five commits to one stream, each at the version that the log has then; `-` is a refused one.
fn run(schedule: &[(u64, Fault)]) -> (String, Vec<String>) {
    let inner = MemoryLog::new();
    let log = FaultyLog::new(Arc::new(inner.clone()), schedule.iter().cloned());
    let mut answers = Vec::new();
    for n_append in 1..=5 {
        let version = inner.last_position();
        let answer = log
            .append(commit("a", version, &[&n_append.to_string()]))
            .now_or_never();
        answers.push(match answer.expect("an answer at once") {
            Ok(head) => head.version.to_string(),
            Err(Error::Uncertain { .. }) => "uncertain".to_owned(),
            Err(Error::Stopped { .. }) => "stopped".to_owned(),
            Err(error) => error.to_string(),
        });
    }
    assert_eq!(log.n_appends(), 5);
    (answers.join(", "), lines(&inner.read_all(0, 10).unwrap()))
}

#[test]
fn a_schedule_is_kept() {
    let (answers, written) = run(&[(2, Fault::Refuse(Error::Full)), (4, Fault::Refuse(Error::Full))]);
    assert_eq!(answers, "1, the disk is full, 2, the disk is full, 3");
    assert_eq!(written, ["1 a@1 1", "2 a@2 3", "3 a@3 5"]);

    let (answers, written) = run(&[(2, Fault::UncertainWritten), (3, Fault::CrashBefore)]);
    assert_eq!(answers, "1, uncertain, stopped, stopped, stopped");
    assert_eq!(written, ["1 a@1 1", "2 a@2 2"]);

    let (answers, written) = run(&[(2, Fault::UncertainLost)]);
    assert_eq!(answers, "1, uncertain, stopped, stopped, stopped");
    assert_eq!(written, ["1 a@1 1"]);

    let (answers, written) = run(&[(3, Fault::CrashBefore)]);
    assert_eq!(answers, "1, 2, the log is closed, the log is closed, the log is closed");
    assert_eq!(written, ["1 a@1 1", "2 a@2 2"]);

    let (answers, written) = run(&[(3, Fault::CrashAfter)]);
    assert_eq!(answers, "1, 2, uncertain, the log is closed, the log is closed");
    assert_eq!(written, ["1 a@1 1", "2 a@2 2", "3 a@3 3"]);
}

#[test]
fn a_crash_ends_reads_and_subscriptions_until_the_log_is_reopened() {
    let log = FaultyLog::new(Arc::new(MemoryLog::new()), []);
    log.append(commit("a", 0, &["1"])).now_or_never().unwrap().unwrap();
    let mut subscription = log.subscribe(1);
    std::thread::scope(|scope| {
        let ended = scope.spawn(move || subscription.next_blocking());
        log.crash();
        assert_eq!(ended.join().unwrap(), Err(Error::Closed));
    });
    assert_eq!(log.read_all(0, 10), Err(Error::Closed));
    assert_eq!(log.kv_put("index", b"k", None), Err(Error::Closed));
    assert_eq!(log.subscribe(0).try_next(), Err(Error::Closed));
    log.reopen();
    assert_eq!(lines(&log.subscribe(0).try_next().unwrap().unwrap()), ["1 a@1 1"]);
    log.schedule(1, Fault::Refuse(Error::Full));
    log.append(commit("a", 1, &["2"])).now_or_never().unwrap().unwrap();
    assert_eq!(
        log.append(commit("a", 2, &["3"])).now_or_never().unwrap(),
        Err(Error::Full)
    );
}

/// As a log on disk answers after a write that failed, so that those above it are tested with what they will meet.
#[test]
fn a_log_that_has_stopped_says_so_to_every_write_and_goes_on_being_read() {
    let log = FaultyLog::new(Arc::new(MemoryLog::new()), [(2, Fault::UncertainLost)]);
    log.append(commit("a", 0, &["1"])).now_or_never().unwrap().unwrap();
    let lost = log.append(commit("a", 1, &["2"])).now_or_never().unwrap();
    assert!(matches!(lost, Err(Error::Uncertain { .. })), "{lost:?}");

    let what = || "scheduled".to_owned();
    let stopped = || Error::Stopped { what: what() };
    let stream = stream("a");
    let snapshot = Snapshot {
        version: 1,
        schema: 1,
        state: vec![1],
    };
    let checkpoint = Checkpoint {
        position: 1,
        schema: 1,
        state: vec![1],
    };
    assert_eq!(
        log.append(commit("a", 1, &["2"])).now_or_never().unwrap(),
        Err(stopped())
    );
    assert_eq!(log.kv_put("index", b"k", Some(b"v")), Err(stopped()));
    assert_eq!(log.put_snapshot(&stream, &snapshot), Err(stopped()));
    assert_eq!(log.put_checkpoint("list", &checkpoint), Err(stopped()));
    assert_eq!(log.status(), LogStatus::Stopped { what: what() });
    assert!(stopped().is_retryable());
    assert_eq!(lines(&log.read_all(0, 10).unwrap()), ["1 a@1 1"]);
    assert_eq!(log.snapshot(&stream), Ok(None));

    log.reopen();
    assert_eq!(log.status(), LogStatus::Open);
    log.append(commit("a", 1, &["2"])).now_or_never().unwrap().unwrap();
    log.kv_put("index", b"k", Some(b"v")).unwrap();
}

#[tokio::test(start_paused = true)]
async fn answers_come_late_when_delayed_or_held() {
    let delay = Duration::from_secs(7);
    let log = FaultyLog::new(Arc::new(MemoryLog::new()), [(1, Fault::Delay(delay)), (2, Fault::Hold)]);
    let started = tokio::time::Instant::now();
    log.append(commit("a", 0, &["1"])).await.unwrap();
    assert_eq!(started.elapsed(), delay);
    let mut held = log.append(commit("a", 1, &["2"]));
    assert_eq!((&mut held).now_or_never(), None);
    assert_eq!(log.last_position(), 2);
    log.release();
    assert_eq!(held.await.unwrap().version, 2);
}

#[test]
fn a_subscription_ends_when_the_last_handle_is_dropped() {
    let log = MemoryLog::new();
    let mut subscription = log.subscribe(0);
    log.append_now(commit("a", 0, &["1"])).unwrap();
    drop(log);
    assert_eq!(lines(&subscription.next_blocking().unwrap()), ["1 a@1 1"]);
    assert_eq!(subscription.next_blocking(), Err(Error::Closed));
}

#[test]
fn a_schedule_that_is_cleared_does_not_come_about() {
    let log = FaultyLog::new(Arc::new(MemoryLog::new()), []);
    log.schedule(0, Fault::CrashBefore);
    log.clear();
    log.append(commit("a", 0, &["1"])).now_or_never().unwrap().unwrap();
}

/// A fork holds what the log held, and from then on neither sees what the other takes.
#[test]
fn a_fork_of_a_log_in_memory_is_a_log_of_its_own() {
    let log = MemoryLog::new();
    log.append_now(commit("a", 0, &["1"])).unwrap();
    log.close().unwrap();
    let fork = log.fork();
    assert_eq!(lines(&fork.read_all(0, 10).unwrap()), ["1 a@1 1"]);
    fork.append_now(commit("a", 1, &["2"]))
        .expect("a fork is open, whatever the first is");
    assert_eq!((fork.last_position(), log.last_position()), (2, 1));
}
