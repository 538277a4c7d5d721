//! Replay of one ticket with 20 events: decoded from bytes and folded, as an actor does that wakes up.
//!
//! `cargo bench -p loonflow-engine --bench replay`; with `--test` each case runs once.
//!
//! Cases: decode alone; fold alone; both; the same ticket from its snapshot. Data: a leave request with comments, from
//! the fixtures. Not included: reading the bytes from the log, starting the actor.

mod stage;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loonflow_engine::codec;
use loonflow_engine::ticket::{Event, Meta, Ticket, apply, decide};

use stage::Stage;

const EVENTS: usize = 20;

/// A leave request with comments until it has enough events.
fn history(stage: &Stage) -> Vec<(Meta, Event)> {
    let create = stage.create_command(&stage::leave());
    let mut told = Vec::new();
    let mut ticket: Option<Ticket> = None;
    let mut next = create;
    while told.len() < EVENTS {
        let events = decide(ticket.as_ref(), &next, &stage.context()).expect("no refusal");
        let meta = next.meta(&stage.context());
        for event in events.into_iter().take(EVENTS - told.len()) {
            ticket = apply(ticket, &event, &meta);
            told.push((meta.clone(), event));
        }
        next = stage.act("dev", "add_comment");
    }
    told
}

fn fold<'a>(events: impl Iterator<Item = (&'a Meta, Event)>) -> Option<Ticket> {
    events.fold(None, |ticket, (meta, event)| apply(ticket, &event, meta))
}

fn benches(criterion: &mut Criterion) {
    let stage = Stage::new("leave");
    let told = history(&stage);
    let stored: Vec<(Vec<u8>, String, Vec<u8>)> = told
        .iter()
        .map(|(meta, event)| (codec::encode(meta), codec::ticket_kind(event), codec::encode(event)))
        .collect();
    let decoded = || {
        stored.iter().map(|(meta, kind, payload)| {
            let meta: Meta = codec::decode("meta", codec::META_SCHEMA, meta).expect("a meta");
            (
                meta,
                codec::decode_ticket(kind, codec::TICKET_SCHEMA, payload).expect("an event"),
            )
        })
    };
    let folded = fold(told.iter().map(|(meta, event)| (meta, event.clone()))).expect("a ticket");
    let snapshot = codec::encode(&folded);

    let mut group = criterion.benchmark_group("replay_20_events");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("decode", |b| b.iter(|| decoded().for_each(|one| drop(black_box(one)))));
    group.bench_function("fold", |b| {
        b.iter(|| fold(black_box(&told).iter().map(|(meta, one)| (meta, one.clone()))))
    });
    group.bench_function("decode_and_fold", |b| {
        b.iter(|| decoded().fold(None, |ticket, (meta, event)| apply(ticket, &event, &meta)));
    });
    group.bench_function("snapshot", |b| {
        b.iter(|| codec::decode::<Ticket>("snapshot", 1, black_box(&snapshot)).expect("a ticket"));
    });
    group.finish();
    let again = decoded().fold(None, |ticket, (meta, event)| apply(ticket, &event, &meta));
    assert_eq!(again.as_ref(), Some(&folded));
    assert_eq!(folded.version, EVENTS as u64);
}

criterion_group!(all, benches);
criterion_main!(all);
