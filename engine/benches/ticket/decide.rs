//! `decide` alone: the rules, without actor, bytes or disk.
//!
//! `cargo bench -p loonflow-engine --bench decide`; with `--test` each case runs once.
//!
//! Cases: a comment (one event); an agree that checks fields and moves one token; a submit that goes through a parallel
//! split and resolves three assignee rules; what is offered to an assignee. Data: the fixtures' directory of 14 people
//! and their workflows. Not included: reading the ticket, the fold of the events after the append.

mod stage;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use loonflow_engine::ticket::offer::offered;
use loonflow_engine::ticket::{Command, Draw, Ticket, apply, decide};
use loonflow_engine::value::Value;

use stage::Stage;

fn benches(criterion: &mut Criterion) {
    let leave = Stage::new("leave");
    let asked = created(&leave, &leave.create_command(&stage::leave()));
    let mut group = criterion.benchmark_group("decide");
    let comment = leave.act("dev", "add_comment");
    group.bench_function("comment", |b| {
        b.iter(|| decide(Some(black_box(&asked)), &comment, &leave.context()))
    });
    let agree = leave.act("erin", "approve_yes");
    group.bench_function("agree", |b| {
        b.iter(|| decide(Some(black_box(&asked)), &agree, &leave.context()))
    });
    let onboarding = Stage::new("onboarding");
    let create = onboarding.create_command(&onboarding_fields());
    group.bench_function("create_and_split", |b| {
        b.iter(|| decide(None, black_box(&create), &onboarding.context()))
    });
    let erin = leave.user("erin");
    let context = loonflow_engine::ticket::Context {
        draw: Draw::Preview,
        ..leave.context()
    };
    group.bench_function("offered", |b| b.iter(|| offered(black_box(&asked), &erin, &context)));
    group.finish();
    for command in [&comment, &agree] {
        assert!(
            decide(Some(&asked), command, &leave.context()).is_ok(),
            "the case is no refusal"
        );
    }
    assert!(
        decide(None, &create, &onboarding.context()).is_ok(),
        "the case is no refusal"
    );
}

fn created(stage: &Stage, command: &Command) -> Ticket {
    let events = decide(None, command, &stage.context()).expect("no refusal");
    let meta = command.meta(&stage.context());
    let folded = events.iter().fold(None, |ticket, event| apply(ticket, event, &meta));
    folded.expect("a ticket")
}

fn onboarding_fields() -> [(&'static str, Value); 4] {
    let text = Value::text;
    [
        ("title", text("Welcome")),
        ("newcomer", text("Nia New")),
        ("buddy", text("00000000-0000-7000-8000-000000000105")),
        ("first_day", text("2026-03-02")),
    ]
}

criterion_group!(all, benches);
criterion_main!(all);
