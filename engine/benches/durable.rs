//! Durable handles per second through the engine's door with 1, 64 and 512 callers, beside raw sled doing the same
//! batches in the same run.
//!
//! `cargo bench -p loonflow-engine --bench durable [-- --seconds 3 --rounds 3 --callers 512]`; with `--test` a tiny run.
//!
//! Each caller has a ticket of its own and comments on it, one call after the other: found, decided, encoded, appended,
//! synced, folded, shown in the list, answered. Raw sled gets the same batches: under the key of each ticket's next
//! commit (the stream's name, then the version) one value of the size of such a commit, in batches of as many as there
//! are callers, each batch followed by the same flush and fdatasync: nothing else. The two alternate in rounds and the median round counts, because the disk of a shared machine wanders. Not included: HTTP.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{
    ActAnswer, ActRequest, Caller, CreateRequest, Engine, EngineOptions, Ports, PublishRequest,
};
use loonflow_engine::ticket::Action;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::VersionState;
use loonflow_storage::{EventLog as _, SledLog, SledOptions};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |name: &str| -> Option<u64> {
        let mut after = args.iter().skip_while(|arg| *arg != name);
        after.nth(1).and_then(|value| value.parse().ok())
    };
    let is_test = args.iter().any(|arg| arg == "--test");
    let time = Duration::from_millis(if is_test {
        20
    } else {
        number("--seconds").unwrap_or(3) * 1000
    });
    let n_rounds = if is_test { 1 } else { number("--rounds").unwrap_or(3) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut out = std::io::stdout().lock();
    writeln!(out, "callers   raw sled /s   handles /s   ratio   p50 ms   p99 ms").expect("stdout");
    let all = match number("--callers") {
        Some(n_callers) => vec![n_callers as usize],
        None if is_test => vec![1, 8],
        None => vec![1, 64, 512],
    };
    for n_callers in all {
        let mut raws = Vec::new();
        let mut handles = Vec::new();
        for _ in 0..n_rounds {
            let (rate, latencies, n_bytes) = runtime.block_on(through_the_door(n_callers, time));
            handles.push((rate, latencies));
            raws.push((raw(n_callers, n_bytes, time), Vec::new()));
        }
        let (raw_rate, _) = median(&mut raws);
        let (rate, latencies) = median(&mut handles);
        let at = |percent: usize| {
            latencies
                .get(latencies.len() * percent / 100)
                .map_or(0.0, Duration::as_secs_f64)
        };
        let ratio = rate / raw_rate;
        let (p50, p99) = (at(50) * 1e3, at(99) * 1e3);
        writeln!(
            out,
            "{n_callers:>7} {raw_rate:>13.0} {rate:>12.0} {ratio:>7.2} {p50:>8.2} {p99:>8.2}"
        )
        .expect("stdout");
    }
}

fn median(rounds: &mut Vec<(f64, Vec<Duration>)>) -> (f64, Vec<Duration>) {
    rounds.sort_by(|left, right| left.0.total_cmp(&right.0));
    rounds.swap_remove(rounds.len() / 2)
}

/// Handles per second, the sorted times from call to answer, and the bytes of one of their commits.
async fn through_the_door(n_callers: usize, time: Duration) -> (f64, Vec<Duration>, usize) {
    let directory = tempfile::tempdir_in(target()).expect("a directory");
    let log = Arc::new(SledLog::open(directory.path(), SledOptions::default()).expect("a log"));
    let engine = Engine::start(Arc::clone(&log) as _, Ports::system(), EngineOptions::default())
        .await
        .expect("it starts");
    let caller = fill(&engine).await;
    let creations: Vec<_> = (0..n_callers)
        .map(|_| create(engine.clone(), caller.clone()))
        .map(tokio::spawn)
        .collect();
    let mut tickets = Vec::new();
    for creation in creations {
        tickets.push(creation.await.expect("a creation"));
    }
    let before = log.last_position();
    let started = Instant::now();
    let callers: Vec<_> = tickets
        .into_iter()
        .map(|ticket| (engine.clone(), caller.clone(), ticket))
        .map(|(engine, caller, ticket)| {
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while started.elapsed() < time {
                    let called = Instant::now();
                    let answer = engine.tickets().act(&caller, comment(ticket)).await.expect("no fault");
                    answer.expect("no refusal");
                    latencies.push(called.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for caller in callers {
        latencies.extend(caller.await.expect("a caller"));
    }
    let rate = latencies.len() as f64 / started.elapsed().as_secs_f64();
    assert_eq!(
        log.last_position() - before,
        latencies.len() as u64,
        "each answer is a commit"
    );
    let last = log.read_all(log.last_position() - 1, 1).expect("a commit").remove(0);
    let events = last.events.iter().map(|event| event.kind.len() + event.payload.len());
    let n_bytes = last.meta.len() + events.sum::<usize>();
    engine.close().await.expect("it closes");
    latencies.sort();
    (rate, latencies, n_bytes)
}

fn comment(ticket_id: TicketId) -> ActRequest {
    ActRequest {
        comment: Some("Seen, thank you; we come back to it tomorrow morning.".into()),
        ..ActRequest::new(ticket_id, Action::AddComment)
    }
}

async fn create(engine: Engine, caller: Caller) -> TicketId {
    let request = CreateRequest {
        take: Some("report".into()),
        fields: [("title", "Web is down"), ("service", "web"), ("severity", "sev2")]
            .map(|(key, value)| (key.into(), Value::text(value)))
            .into(),
        ..CreateRequest::new("incident".into())
    };
    match engine
        .tickets()
        .create(&caller, request)
        .await
        .expect("no fault")
        .expect("no refusal")
    {
        ActAnswer::Done(done) => done.ticket_id,
        ActAnswer::Preview(_) => unreachable!("nothing was rehearsed"),
    }
}

/// The fixtures' directory and one workflow.
async fn fill(engine: &Engine) -> Caller {
    let read = |path: &str| -> serde_json::Value {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).join(path);
        serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
    };
    let report = engine
        .directories()
        .import(&read("directory/acme.json"))
        .await
        .expect("no fault")
        .expect("it fits");
    let source = Arc::new(read("workflows/incident.json"));
    let state = VersionState::Default;
    let published = engine
        .workflows()
        .publish(PublishRequest {
            state,
            ..PublishRequest::new(report.tenant_id.clone(), source)
        })
        .await;
    published.expect("no fault").expect("it is sound");
    let (tenant_id, user_id) = engine
        .directories()
        .identify_email("dev@acme.example")
        .expect("dev is there");
    Caller {
        tenant_id,
        user_id,
        app: "loonflow".into(),
        access_token: None,
    }
}

/// Batches of raw sled: apply, flush, fdatasync; entries per second. Each batch has one more commit of each ticket.
fn raw(n_batch: usize, n_bytes: usize, time: Duration) -> f64 {
    let name = |ticket: usize| {
        let random = (ticket as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        format!("ct/00000000-0000-7000-8000-000000000001/01939f5a-{ticket:04x}-7000-8000-{random:012x}")
    };
    let names: Vec<String> = (0..n_batch).map(name).collect();
    let directory = tempfile::tempdir_in(target()).expect("a directory");
    let cache_capacity = SledOptions::default().cache_capacity_bytes;
    let config = sled::Config::new().path(directory.path());
    let db = config.cache_capacity(cache_capacity).open().expect("a database");
    let file = File::open(directory.path().join("db")).expect("its file");
    let started = Instant::now();
    let mut n_entries = 0_u64;
    while started.elapsed() < time {
        let mut batch = sled::Batch::default();
        for name in &names {
            let version = n_entries / n_batch as u64;
            let key = [name.as_bytes(), &[0], &version.to_be_bytes(), &[0, 0]].concat();
            batch.insert(key, vec![7; n_bytes]);
            n_entries += 1;
        }
        db.apply_batch(batch).expect("a batch");
        db.flush().expect("a flush");
        file.sync_data().expect("a sync");
    }
    n_entries as f64 / started.elapsed().as_secs_f64()
}

/// On the disk of the build, for a temporary directory may be memory.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
