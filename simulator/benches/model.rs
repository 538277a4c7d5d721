//! What the naive model costs. `cargo bench -p loonflow-simulator --bench model`; run as a test it takes one small
//! sample.
//!
//! The steps are those of recorded random walks over the fixtures, about half of them refused. Apart: the model's step
//! alone, with its comparison of answer and ticket, and one user's offers. Not in it: the engine's own decision, the
//! choice of steps.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loonflow_engine::ticket::offer::offered;
use loonflow_engine::ticket::{Draw, Refusal, Ticket};
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::hunt::model::{Model, compare};
use loonflow_simulator::world::World;
use loonflow_simulator::world::case::CaseStep;
use loonflow_simulator::world::inputs;
use loonflow_simulator::world::step::next_step;
use loonflow_simulator::world::tape::Tape;

/// A step with what came of it in the engine.
struct Taken {
    step: CaseStep,
    now_ms: i64,
    drawn: Vec<String>,
    outcome: Result<(usize, Ticket), Refusal>,
}

/// A model without tickets and the steps of one walk.
fn recorded(seed: u64) -> (Model, World, Vec<Taken>) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures"));
    let definitions = inputs::definitions(&[root.join("workflows")]).expect("fixtures");
    let (people, directory) = inputs::directory(Some(&root.join("directory/acme.json")), &[]).expect("a directory");
    let mut model = Model::new(&people).expect("a directory");
    let mut versions: Vec<Arc<WorkflowVersion>> = Vec::new();
    for definition in &definitions {
        model.publish(&definition.source).expect("sound");
        versions.push(Arc::clone(definition.runnable().expect("sound")));
    }
    let mut world = World::new(directory, versions, seed);
    let mut random = seed | 1;
    let choices = (0..40_000).map(|_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 40) as u16
    });
    let mut tape = Tape::new(choices.collect());
    let mut taken = Vec::new();
    while !tape.is_used_up() {
        let Some(next) = next_step(&mut world, &mut tape) else {
            continue;
        };
        let step = CaseStep::from_command(next.ticket, &next.workflow.workflow_id, &next.command);
        let outcome = world.carry_out(next.ticket, &next.workflow, &next.command);
        taken.push(Taken {
            step: step.expect("a step of a case"),
            now_ms: world.now.0,
            drawn: outcome
                .as_ref()
                .map_or_else(|_| Vec::new(), |(_, events)| compare::drawn(events)),
            outcome: outcome.map(|(idx, _)| (idx, world.tickets[idx].ticket.clone())),
        });
    }
    (model, world, taken)
}

fn steps(criterion: &mut Criterion) {
    let walks: Vec<_> = (1..9).map(recorded).collect();
    let n_steps: usize = walks.iter().map(|(_, _, taken)| taken.len()).sum();
    let mut group = criterion.benchmark_group("model");
    group.throughput(Throughput::Elements(n_steps as u64));
    for compares in [false, true] {
        group.bench_function(if compares { "step and comparison" } else { "step" }, |bencher| {
            bencher.iter(|| {
                for (model, _, taken) in &walks {
                    let mut model = model.clone();
                    for one in taken {
                        let answer = black_box(model.step(&one.step, one.now_ms, &one.drawn));
                        if compares {
                            let engine = one.outcome.as_ref().map(|(idx, _)| *idx);
                            compare::answer(&model, &answer, engine).expect("the same");
                            if let Ok((idx, ticket)) = &one.outcome {
                                compare::ticket(&model, *idx, None, ticket).expect("the same");
                            }
                        }
                    }
                }
            });
        });
    }
    group.finish();
}

fn offers(criterion: &mut Criterion) {
    let (mut model, world, taken) = recorded(1);
    for one in &taken {
        model.step(&one.step, one.now_ms, &one.drawn);
    }
    let ticket = &world.tickets[0].ticket;
    let workflow = world.workflow_of(ticket).expect("its workflow");
    let user = &ticket.creator;
    let engine = offered(ticket, user, &world.context(workflow, Draw::Preview));
    criterion.bench_function("model/offers of one user", |bencher| {
        bencher.iter(|| compare::offers(&model, 0, black_box(user.as_str()), &engine).expect("the same"));
    });
}

criterion_group!(benches, steps, offers);
criterion_main!(benches);
