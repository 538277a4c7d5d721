//! Timers by the hundred thousand over a log on disk: due in the same second, and pending over a restart.
//!
//! `cargo bench -p loonflow-engine --bench timers [-- --tickets 100000 --probes 200]`; with `--test` a tiny run.
//!
//! As many tickets as asked for come to a timer node. Then: how long a stop takes and how long the next start, and how much
//! memory the process has; how long reading a ticket's page takes while nothing is due, and while all timers fire at once;
//! how many fire in a second, beside creations in a second through the same door in the same run, which are one commit
//! each as well.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loonflow_engine::define::{Assign, Field, Node, People, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{Engine, EngineOptions, Ports, PublishRequest};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_storage::{SledLog, SledOptions};

/// Callers that create tickets side by side: a batch of the log.
const CALLERS: usize = 256;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |name: &str| -> Option<usize> {
        let mut after = args.iter().skip_while(|arg| *arg != name);
        after.nth(1).and_then(|value| value.parse().ok())
    };
    let is_test = args.iter().any(|arg| arg == "--test");
    let n_tickets = number("--tickets").unwrap_or(if is_test { 200 } else { 100_000 });
    let n_probes = number("--probes").unwrap_or(if is_test { 5 } else { 200 });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(run(n_tickets, n_probes));
}

async fn run(n_tickets: usize, n_probes: usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = ManualClock::at(NOW);
    let engine = open(dir.path(), &clock).await;
    let people = People::of("shop", "shop.example").user("ann");
    let imported = engine.directories().import(&people.directory()).await;
    imported.expect("no fault").expect("is taken");
    let published = engine
        .workflows()
        .publish(PublishRequest::new("shop", workflow()))
        .await;
    published.expect("no fault").expect("publishes");

    let began = Instant::now();
    let tickets = create(&engine, n_tickets).await;
    let created = rate(n_tickets, began.elapsed());
    say(&format!(
        "{n_tickets} tickets at a timer: {created:.0} created a second, {} MB",
        megabytes()
    ));

    let began = Instant::now();
    engine.close().await.expect("it closes");
    let stopped = began.elapsed();
    drop(engine);
    let began = Instant::now();
    let engine = open(dir.path(), &clock).await;
    say(&format!(
        "stop {:.1} s, start {:.1} s with {} effects open, {} MB",
        stopped.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        engine.effects().n_open(),
        megabytes()
    ));

    let quiet = probe(&engine, &tickets, n_probes).await;
    clock.pass_ms(3_600_000);
    let began = Instant::now();
    let firing = probe(&engine, &tickets, n_probes).await;
    while engine.effects().n_open() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let fired = rate(n_tickets, began.elapsed());
    say(&format!(
        "{fired:.0} fired a second ({:.2} of creations), {} MB",
        fired / created,
        megabytes()
    ));
    say(&format!(
        "a ticket's page: p50 {:.2} ms, p99 {:.2} ms quiet; p50 {:.2} ms, p99 {:.2} ms while they fire",
        quiet.0, quiet.1, firing.0, firing.1
    ));
    engine.close().await.expect("it closes");
}

fn workflow() -> Workflow {
    Workflow::new("w", "1")
        .field(Field::title())
        .node(Node::timer("wait", "PT1H"))
        .node(Node::step("check", Assign::users(["ann"])))
        .agree("go", "start", "wait")
        .way("on", "wait", "check")
        .agree("done", "check", "end")
}

async fn open(path: &Path, clock: &ManualClock) -> Engine {
    let log = SledLog::open(path, SledOptions::default()).expect("opens");
    let ports = Ports {
        clock: Arc::new(clock.clone()),
        ..Ports::system()
    };
    let started = Engine::start(Arc::new(log), ports, EngineOptions::default()).await;
    started.expect("starts")
}

async fn create(engine: &Engine, n_tickets: usize) -> Vec<TicketId> {
    let callers = (0..CALLERS.min(n_tickets)).map(|caller| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut created = Vec::new();
            for _ in (caller..n_tickets).step_by(CALLERS) {
                let ann = engine.as_user("shop", "ann");
                let done = ann.create("w").set("title", "T").take("go").await.expect("is created");
                created.push(done.ticket_id);
            }
            created
        })
    });
    let mut all = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        all.extend(caller.await.expect("it ends"));
    }
    all
}

/// Reads pages of tickets one after the other; the middle and the slow end, in milliseconds.
async fn probe(engine: &Engine, tickets: &[TicketId], n_probes: usize) -> (f64, f64) {
    let mut took = Vec::with_capacity(n_probes);
    for idx in 0..n_probes {
        let ticket = tickets[(idx * 7_919) % tickets.len()];
        let began = Instant::now();
        let page = engine.as_user("shop", "ann").on(ticket).detail().await;
        page.expect("is shown");
        took.push(began.elapsed().as_secs_f64() * 1_000.0);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    took.sort_by(f64::total_cmp);
    (took[n_probes / 2], took[(n_probes * 99 / 100).min(n_probes - 1)])
}

fn rate(n: usize, time: Duration) -> f64 {
    n as f64 / time.as_secs_f64().max(1e-9)
}

/// Resident memory of the process; 0 where the system does not say.
fn megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1_024
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("stdout");
}
