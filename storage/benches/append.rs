//! Durable appends per second with 1, 64 and 512 producers, beside raw sled in the same run.
//!
//! `cargo bench -p loonflow-storage --bench append [-- --seconds 3 --rounds 3]`; with `--test` a tiny run.
//!
//! Data: streams with time-ordered names of 45 bytes, five commits each; a commit has three events and 300 bytes
//! of payload and meta. A producer is a task that appends, waits for the answer and appends again.
//! Raw sled gets one key and one value of the same size a commit, in batches of as many as there are producers,
//! each batch followed by the same flush and fdatasync: no heads, no checksums, no positions, no answers.
//! The two alternate in rounds and the median round counts, because the disk of a shared machine wanders.
//! Not included: encoding of events, actors, HTTP.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use loonflow_storage::{EventLog, Expected, NewCommit, SledLog, SledOptions, StoredEvent, StreamId};

const COMMITS_PER_STREAM: u64 = 5;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        args.iter()
            .skip_while(|arg| *arg != name)
            .nth(1)
            .and_then(|value| value.parse().ok())
    };
    let is_test = args.iter().any(|arg| arg == "--test");
    let time = Duration::from_millis(if is_test {
        20
    } else {
        number("--seconds").unwrap_or(3) * 1000
    });
    let n_rounds = if is_test { 1 } else { number("--rounds").unwrap_or(3) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let mut out = std::io::stdout().lock();
    let head = "producers   raw sled /s   log /s   ratio   log p50 ms   p99 ms";
    writeln!(out, "{head}").expect("stdout");
    for n_producers in [1, 64, 512] {
        let mut raws = Vec::new();
        let mut logs = Vec::new();
        for _ in 0..n_rounds {
            raws.push((raw(n_producers, time), Vec::new()));
            logs.push(runtime.block_on(log(n_producers, time)));
        }
        let (raw_rate, _) = median(&mut raws);
        let (log_rate, latencies) = median(&mut logs);
        let at = |percent: usize| {
            latencies
                .get(latencies.len() * percent / 100)
                .map_or(0.0, Duration::as_secs_f64)
        };
        writeln!(
            out,
            "{n_producers:>9} {raw_rate:>13.0} {log_rate:>8.0} {:>7.2} {:>12.2} {:>8.2}",
            log_rate / raw_rate,
            at(50) * 1e3,
            at(99) * 1e3
        )
        .expect("stdout");
    }
}

fn median(rounds: &mut Vec<(f64, Vec<Duration>)>) -> (f64, Vec<Duration>) {
    rounds.sort_by(|left, right| left.0.total_cmp(&right.0));
    rounds.swap_remove(rounds.len() / 2)
}

/// Commits per second, and the sorted times from append to answer.
async fn log(n_producers: u64, time: Duration) -> (f64, Vec<Duration>) {
    let directory = tempfile::tempdir_in(directory()).expect("a directory");
    let log = Arc::new(SledLog::open(directory.path(), SledOptions::default()).expect("a log"));
    let streams = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let producers: Vec<_> = (0..n_producers)
        .map(|_| (Arc::clone(&log), Arc::clone(&streams)))
        .map(|(log, streams)| {
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let stream = StreamId::new(name(streams.fetch_add(1, Ordering::Relaxed)));
                    for commit_idx in 0..COMMITS_PER_STREAM {
                        if started.elapsed() > time {
                            return latencies;
                        }
                        let appended = Instant::now();
                        log.append(commit(stream.clone(), commit_idx * 3))
                            .await
                            .expect("an append");
                        latencies.push(appended.elapsed());
                    }
                }
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for producer in producers {
        latencies.extend(producer.await.expect("a producer"));
    }
    let rate = latencies.len() as f64 / started.elapsed().as_secs_f64();
    assert_eq!(log.last_position(), latencies.len() as u64);
    latencies.sort();
    (rate, latencies)
}

/// Values per second of raw sled in batches of one for each producer.
fn raw(n_producers: u64, time: Duration) -> f64 {
    let directory = tempfile::tempdir_in(directory()).expect("a directory");
    let cache_capacity = SledOptions::default().cache_capacity_bytes;
    let db = sled::Config::new()
        .path(directory.path())
        .cache_capacity(cache_capacity)
        .open()
        .expect("sled");
    let file = File::open(directory.path().join("db")).expect("the file of sled");
    let n_bytes: usize = {
        let commit = commit(StreamId::new("x"), 0);
        commit.meta.len()
            + commit
                .events
                .iter()
                .map(|event| event.kind.len() + event.payload.len())
                .sum::<usize>()
    };
    let value = vec![7; n_bytes];
    let started = Instant::now();
    let mut n_values = 0;
    while started.elapsed() < time {
        let mut batch = sled::Batch::default();
        for producer in 0..n_producers {
            let commit_idx = n_values / n_producers;
            let stream = commit_idx / COMMITS_PER_STREAM * n_producers + producer;
            let key = format!("{}{:010}", name(stream), commit_idx % COMMITS_PER_STREAM);
            batch.insert(key.as_bytes(), &value[..]);
        }
        db.apply_batch(batch).expect("a batch");
        db.flush().expect("a flush");
        file.sync_data().expect("a sync");
        n_values += n_producers;
    }
    n_values as f64 / started.elapsed().as_secs_f64()
}

/// On the disk that is measured: the build's, as the system's temporary directory may be in memory.
fn directory() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// A name with its time in front, as a UUIDv7 has it.
fn name(stream: u64) -> String {
    let random = stream.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "ticket/{:08x}-{:04x}-7000-8000-{:012x}",
        stream >> 16,
        stream & 0xffff,
        random >> 16
    )
}

fn commit(stream: StreamId, version: u64) -> NewCommit {
    let event = |kind: &str| StoredEvent {
        kind: kind.into(),
        schema: 1,
        payload: vec![7; 70],
    };
    NewCommit {
        stream,
        expected: if version == 0 {
            Expected::NoStream
        } else {
            Expected::Version(version)
        },
        meta: vec![7; 40],
        events: vec![
            event("ticket.edge_taken"),
            event("ticket.node_entered"),
            event("ticket.assigned"),
        ],
        kv: Vec::new(),
    }
}
