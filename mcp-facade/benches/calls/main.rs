//! Whole tool calls over HTTP with 1, 16 and 64 clients, beside an rmcp tool that does nothing but answer the same
//! bytes, in the same run.
//!
//! `cargo bench -p loonflow-mcp-facade --bench calls [-- --seconds 2 --rounds 3 --only detail]`; with `--test` a tiny run.
//!
//! Served: the real binary with its defaults (request log to /dev/null) and its log on the build's disk, where an
//! answer to a write means that it is synced; the other server is this program again, with the same settings of rmcp
//! and the same accept loop. Data: the example tenant, 256 leave requests of one creator before one approver. The
//! client is one thread of this process, on the same machine: its time is in every figure of both servers.
//! `handle` rejects and submits again by turns, four tickets to a client, each call with an idempotency key of its own;
//! `create` creates and submits.
//! The two servers alternate in rounds and the median round counts, because a shared machine wanders. `cpu` is the
//! processor time of the server process for one call, which other programs disturb less than the rate.
//! Not included: TLS, other people's proxies, the network, a model's tokens.

mod client;
mod nothing;
mod process;
mod world;

use std::io::Write as _;
use std::time::{Duration, Instant};

use client::Connection;
use process::Process;
use world::{Case, World};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1);
    if let Some(directory) = after(nothing::FLAG) {
        return nothing::serve(directory.as_ref());
    }
    let has = |name: &str| args.iter().any(|arg| arg == name);
    // `cargo bench` says `--bench`; as a test among others it is told nothing.
    let is_test = has("--test") || !has("--bench");
    let number = |name: &str, otherwise| after(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let options = Options {
        time: Duration::from_millis(if is_test { 20 } else { number("--seconds", 2) * 1000 }),
        n_rounds: if is_test { 1 } else { number("--rounds", 3) },
        only: after("--only").cloned(),
    };
    // One thread: the servers need the processors more.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(&options));
}

struct Options {
    time: Duration,
    n_rounds: u64,
    only: Option<String>,
}

async fn run(options: &Options) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let (world, real) = World::prepare(directory.path()).await;
    let nothing = Process::do_nothing(directory.path()).await;
    let mut out = std::io::stdout().lock();
    let head = "call     bytes clients |  calls/s  p50 ms  p99 ms  cpu us |  nothing/s  p50 ms  p99 ms  cpu us | ratio";
    writeln!(out, "{head}").expect("stdout");
    for case in Case::ALL {
        if options.only.as_ref().is_some_and(|only| only != case.name()) {
            continue;
        }
        for n_clients in [1, 16, 64] {
            let mut rounds = (Vec::new(), Vec::new());
            for _ in 0..options.n_rounds {
                let measure = async |server| measure(&world, case, server, n_clients, options.time).await;
                rounds.0.push(measure(&real).await);
                rounds.1.push(measure(&nothing).await);
            }
            let (call, nothing) = (median(rounds.0), median(rounds.1));
            writeln!(
                out,
                "{:<7} {:>6} {n_clients:>7} | {call} |   {nothing} | {:>5.2}",
                case.name(),
                call.answer_bytes,
                call.rate / nothing.rate
            )
            .expect("stdout");
        }
    }
}

/// One round.
struct Measured {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us: f64,
    answer_bytes: usize,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            rate,
            p50_ms,
            p99_ms,
            cpu_us,
            ..
        } = self;
        write!(f, "{rate:>8.0} {p50_ms:>7.2} {p99_ms:>7.2} {cpu_us:>7.0}")
    }
}

fn median(mut rounds: Vec<Measured>) -> Measured {
    rounds.sort_by(|left, right| left.rate.total_cmp(&right.rate));
    rounds.swap_remove(rounds.len() / 2)
}

/// Calls from so many clients at once, one after the other each, for so long.
async fn measure(world: &World, case: Case, server: &Process, n_clients: usize, time: Duration) -> Measured {
    let cpu = server.cpu_time();
    let started = Instant::now();
    let clients = (0..n_clients).map(|client_idx| async move {
        let mut connection = Connection::open(server.port).await;
        let mut latencies = Vec::new();
        let mut answer_bytes = 0;
        // At least one, however short the run.
        while latencies.is_empty() || started.elapsed() < time {
            let call = world.call(case, client_idx, latencies.len(), server.is_real);
            let sent = Instant::now();
            let answer = connection.exchange(&call).await;
            latencies.push(sent.elapsed());
            answer_bytes = answer.len();
        }
        (latencies, answer_bytes)
    });
    let (latencies, bytes): (Vec<Vec<Duration>>, Vec<usize>) =
        futures::future::join_all(clients).await.into_iter().unzip();
    let elapsed = started.elapsed();
    let mut latencies = latencies.concat();
    latencies.sort();
    let n_calls = latencies.len() as f64;
    let at = |percent: usize| latencies[latencies.len() * percent / 100].as_secs_f64() * 1e3;
    Measured {
        rate: n_calls / elapsed.as_secs_f64(),
        p50_ms: at(50),
        p99_ms: at(99),
        cpu_us: (server.cpu_time() - cpu).as_secs_f64() * 1e6 / n_calls,
        answer_bytes: bytes[0],
    }
}
