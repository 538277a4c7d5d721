//! Checked steps a second. `cargo bench -p loonflow-simulator --bench steps`; run as a test it takes one small sample.
//!
//! One step: it is drawn, carried out dry and real, compared with the naive model (answer and ticket), held against the
//! local invariants, hashed. Apart: without coverage and with the sampled checks, and the same through proptest, which
//! draws the tapes and would shrink them. Not in it: making definitions, the log, the runtime.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loonflow_simulator::hunt::fuzz::Session;
use loonflow_simulator::hunt::start::Start;
use loonflow_simulator::hunt::watch::Checks;
use loonflow_simulator::world::inputs;
use loonflow_simulator::world::tape::Tape;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

/// Steps of a run.
const STEPS: u64 = 1_000;

/// The fixtures with their people, or random definitions.
fn settings() -> Vec<(&'static str, Vec<Start>)> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures"));
    let definitions = inputs::definitions(&[root.join("workflows")]).expect("fixtures");
    let versions = definitions
        .iter()
        .map(|one| one.runnable().expect("sound").clone())
        .collect();
    let (source, _) = inputs::directory(Some(&root.join("directory/acme.json")), &[]).expect("a directory");
    let fixtures = Start::read(&source, versions).expect("fixtures");
    let random = (0..32).map(|seed| Start::random(&mut Tape::random(seed))).collect();
    vec![("fixtures", vec![fixtures]), ("random", random)]
}

fn walk(start: &Start, seed: u64, checks: &Checks) -> u64 {
    let mut tape = Tape::random(seed);
    let mut session = Session::new(start, seed, checks, &[], &mut tape);
    session.run(&mut tape, STEPS).expect("every rule holds");
    session.watch.n_steps()
}

fn steps(criterion: &mut Criterion) {
    let local = Checks {
        sample_every: 0,
        at_end: false,
        ..Checks::default()
    };
    let cases = [
        (
            "local checks and model",
            Checks {
                counts: false,
                ..local.clone()
            },
        ),
        ("with coverage", local),
        ("with samples", Checks::default()),
    ];
    for (what, starts) in settings() {
        let mut group = criterion.benchmark_group(format!("steps/{what}"));
        group.throughput(Throughput::Elements(STEPS));
        for (name, checks) in &cases {
            let mut seed = 0;
            group.bench_function(*name, |bencher| {
                bencher.iter(|| {
                    seed += 1;
                    let start = &starts[seed as usize % starts.len()];
                    black_box(walk(start, seed, checks))
                });
            });
        }
        group.finish();
    }
}

/// The same steps from tapes that proptest draws: how many there are is only known afterwards, so it is counted.
fn through_proptest(criterion: &mut Criterion) {
    let checks = Checks {
        sample_every: 0,
        at_end: false,
        counts: false,
        ..Checks::default()
    };
    for (what, starts) in settings() {
        let mut group = criterion.benchmark_group(format!("proptest/{what}"));
        group.throughput(Throughput::Elements(STEPS));
        group.bench_function("local checks and model", |bencher| {
            bencher.iter_custom(|n_wanted| {
                // As many runs as make up the steps wanted, scaled to them.
                let (mut n_steps, mut seconds) = (0, Duration::ZERO);
                while n_steps < n_wanted * STEPS {
                    let begin = Instant::now();
                    n_steps += sixteen_cases(&starts, &checks);
                    seconds += begin.elapsed();
                }
                seconds.mul_f64((n_wanted * STEPS) as f64 / n_steps as f64)
            });
        });
        group.finish();
    }
}

fn sixteen_cases(starts: &[Start], checks: &Checks) -> u64 {
    let config = Config {
        cases: 16,
        failure_persistence: None,
        ..Config::default()
    };
    let n_steps = std::cell::Cell::new(0);
    let tapes = (any::<u64>(), vec(any::<u16>(), 4_000..16_000));
    let result = TestRunner::new(config).run(&tapes, |(seed, choices)| {
        let mut tape = Tape::new(choices);
        let start = &starts[seed as usize % starts.len()];
        let mut session = Session::new(start, seed, checks, &[], &mut tape);
        session.run(&mut tape, u64::MAX).expect("every rule holds");
        n_steps.set(n_steps.get() + session.watch.n_steps());
        Ok(())
    });
    result.expect("every rule holds");
    n_steps.get()
}

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group!(benches, steps, through_proptest);
criterion_main!(benches);
