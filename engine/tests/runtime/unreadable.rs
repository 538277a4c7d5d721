//! What of the log cannot be read keeps itself from being served, and nothing else: live, after a restart, and after a
//! restart from a checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{AuthProblem, EngineOptions, Fault, PublishRequest};
use loonflow_engine::view::ticket_list::{Category, ListQuery};
use loonflow_storage::{EventLog, Expected, MemoryLog, NewCommit, StoredEvent, StreamId};

use crate::fixture::*;

async fn over_memory() -> (World, MemoryLog) {
    let log = MemoryLog::new();
    let world = World::filled(Arc::new(log.clone()), EngineOptions::default()).await;
    (world, log)
}

/// Appends an event to a stream that no program reads.
fn spoil(log: &MemoryLog, stream: &str) {
    let stream = StreamId::new(stream);
    let head = log.head(&stream).unwrap();
    log.append_now(NewCommit {
        stream,
        expected: head.map_or(Expected::NoStream, |head| Expected::Version(head.version)),
        meta: Vec::new(),
        events: vec![StoredEvent {
            kind: "ticket.from_the_future".into(),
            schema: 9,
            payload: vec![1],
        }],
        kv: Vec::new(),
    })
    .unwrap();
}

async fn restarted(world: World, log: &MemoryLog) -> World {
    let ports = Arc::clone(&world.ports);
    world.engine.close().await.unwrap();
    log.reopen();
    World::over(Arc::new(log.clone()), ports, EngineOptions::default()).await
}

fn named(world: &World) -> Vec<String> {
    let unreadable = world.engine.unreadable().into_iter();
    unreadable.map(|one| one.stream).collect()
}

async fn listed(world: &World) -> Vec<TicketId> {
    let query = ListQuery {
        category: Category::Owner,
        newest_first: false,
        ..ListQuery::default()
    };
    let page = world
        .engine
        .tickets()
        .list(&world.caller("dev"), query)
        .await
        .unwrap()
        .unwrap();
    page.rows.into_iter().map(|row| row.id).collect()
}

fn is_unreadable<T: std::fmt::Debug>(answer: Result<T, Fault>, what: &str) {
    let fault = answer.unwrap_err();
    assert!(matches!(fault, Fault::Unreadable { .. }), "{fault:?}");
    assert!(fault.to_string().contains(what) && !fault.is_retryable(), "{fault}");
}

#[tokio::test]
async fn an_event_that_does_not_decode_keeps_its_ticket_alone() {
    let (world, log) = over_memory().await;
    let (bad, good) = (world.leave("2").await, world.leave("3").await);
    let streams = [
        format!("t/{ACME}/01939f5a-3c00-7000-8000-0000000000aa"),
        format!("t/{ACME}/{bad}"),
    ];
    streams.iter().for_each(|stream| spoil(&log, stream));
    // The list goes on: whoever writes sees its change in it.
    let third = world.leave("4").await;
    assert_eq!(listed(&world).await, [bad, good, third]);
    let mut world = world;
    for _ in 0..2 {
        assert_eq!(named(&world), streams);
        assert!(world.engine.is_ready());
        world.act("dev", good, comment("x"), BTreeMap::new()).await.unwrap();
        world = restarted(world, &log).await;
        assert_eq!(
            listed(&world).await,
            [bad, good, third],
            "its row is what was read last"
        );
        let dev = world.caller("dev");
        is_unreadable(world.engine.tickets().detail(&dev, bad).await, &bad.to_string());
        is_unreadable(
            world.engine.tickets().act(&dev, handle(bad, comment("x"))).await,
            &bad.to_string(),
        );
    }
}

#[tokio::test]
async fn commits_that_do_not_fold_keep_their_ticket_alone() {
    let (world, log) = over_memory().await;
    let first = world.leave("2").await;
    let stream = StreamId::new(format!("t/{ACME}/{first}"));
    let commits = log.read_stream(&stream, 0).unwrap();
    let copy = |stream: String, from: usize| {
        log.append_now(NewCommit {
            stream: StreamId::new(stream),
            expected: Expected::NoStream,
            meta: commits[0].meta.clone(),
            events: commits[0].events[from..].to_vec(),
            kv: Vec::new(),
        })
        .unwrap();
    };
    let streams = [
        format!("t/{ACME}/01939f5a-3c00-7000-8000-0000000000aa"),
        format!("t/{ACME}/01939f5a-3c00-7000-8000-0000000000ab"),
    ];
    copy(streams[0].clone(), 1);
    // Another ticket's creation.
    copy(streams[1].clone(), 0);
    world.act("dev", first, comment("x"), BTreeMap::new()).await.unwrap();
    let world = restarted(world, &log).await;
    assert_eq!(named(&world), streams);
    assert_eq!(listed(&world).await, [first]);
    for stream in streams {
        let id = TicketId::parse(stream.rsplit_once('/').unwrap().1).unwrap();
        is_unreadable(
            world.engine.tickets().detail(&world.caller("dev"), id).await,
            &id.to_string(),
        );
    }
}

#[tokio::test]
async fn a_bad_event_of_a_directory_keeps_its_tenant_alone() {
    let (world, log) = over_memory().await;
    let id = world.leave("2").await;
    let (tenant, user) = world
        .engine
        .directories()
        .identify_email("gina@globex.example")
        .unwrap();
    spoil(&log, &format!("dir/{GLOBEX}"));
    let world = restarted(world, &log).await;
    assert_eq!(named(&world), [format!("dir/{GLOBEX}")]);
    let problem = world
        .engine
        .directories()
        .identify_email("gina@globex.example")
        .unwrap_err();
    assert_eq!(problem, AuthProblem::DirectoryUnreadable);
    let gina = caller_of(tenant.as_str(), user.as_str());
    is_unreadable(world.engine.tickets().list(&gina, ListQuery::default()).await, GLOBEX);
    is_unreadable(world.engine.tickets().detail(&gina, id).await, GLOBEX);
    is_unreadable(world.engine.directories().import(&directory("globex")).await, GLOBEX);
    world.act("dev", id, comment("x"), BTreeMap::new()).await.unwrap();
}

#[tokio::test]
async fn a_bad_event_of_a_workflow_keeps_the_workflow_alone() {
    let (world, log) = over_memory().await;
    let id = world.leave("2").await;
    let other = world
        .engine
        .tickets()
        .create(&world.caller("dev"), incident("Down"))
        .await;
    let other = done(other.unwrap().unwrap()).ticket_id;
    spoil(&log, &format!("wf/{ACME}/leave"));
    let world = restarted(world, &log).await;
    assert_eq!(named(&world), [format!("wf/{ACME}/leave")]);
    let dev = world.caller("dev");
    is_unreadable(world.engine.tickets().detail(&dev, id).await, "workflow `leave`");
    is_unreadable(
        world.engine.tickets().create(&dev, leave("1")).await,
        "workflow `leave`",
    );
    let source = Arc::new(fixture("workflows/leave.json"));
    let acme = loonflow_engine::id::TenantId::from(ACME);
    let published = world.engine.workflows().publish(PublishRequest {
        file_stem: Some("leave".into()),
        ..PublishRequest::new(acme.clone(), source)
    });
    is_unreadable(published.await, "workflow `leave`");
    world.act("dev", other, comment("x"), BTreeMap::new()).await.unwrap();
}
