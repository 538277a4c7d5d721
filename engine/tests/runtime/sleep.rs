//! Actors that go to sleep and wake up, restarts.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{EngineOptions, HistoryQuery};
use loonflow_storage::{EventLog, MemoryLog, SledLog, SledOptions};

use crate::fixture::{World, agree, comment, done, handle, insist, until};

const HISTORY: HistoryQuery = HistoryQuery {
    with_effects: false,
    from_version: 0,
    page: 1,
    per_page: 100,
    reverse: false,
};

/// Far more tickets than may be live, all of them busy, idle time next to none, a snapshot after each event or two:
/// every comment is there, once, in the order in which it was said.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn going_to_sleep_loses_and_reorders_nothing() {
    let options = EngineOptions {
        live_tickets_max: 2,
        idle_ms: 1,
        snapshot_events: 2,
        ..EngineOptions::default()
    };
    let world = World::filled(Arc::new(MemoryLog::new()), options).await;
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(world.leave("2").await);
    }
    // Several writers to each ticket, each waiting for its own answer before it goes on.
    let writers: Vec<_> = ids
        .iter()
        .flat_map(|id| (0..3).map(|writer| (*id, writer)))
        .map(|(id, writer)| {
            let (engine, caller) = (world.engine.clone(), world.caller("dev"));
            tokio::spawn(async move {
                for step in 0..12 {
                    let request = handle(id, comment(&format!("{writer}/{step}")));
                    insist(|| engine.tickets().act(&caller, request.clone())).await.unwrap();
                    if step % 4 == writer {
                        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
                    }
                    engine.tickets().detail(&caller, id).await.unwrap().unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for id in ids {
        let history = world
            .engine
            .tickets()
            .history(&world.caller("dev"), id, HISTORY)
            .await
            .unwrap()
            .unwrap();
        let said: Vec<String> = history.rows.iter().filter_map(|entry| entry.comment.clone()).collect();
        assert_eq!(said.len(), 36);
        for writer in 0..3 {
            let own: Vec<&String> = said
                .iter()
                .filter(|text| text.starts_with(&format!("{writer}/")))
                .collect();
            assert_eq!(
                own,
                (0..12)
                    .map(|step| format!("{writer}/{step}"))
                    .collect::<Vec<_>>()
                    .iter()
                    .collect::<Vec<_>>()
            );
        }
    }
}

async fn details(world: &World, ids: &[TicketId]) -> Vec<String> {
    let mut found = Vec::new();
    for (idx, id) in ids.iter().enumerate() {
        let caller = world.caller(["dev", "erin", "hana"][idx % 3]);
        let detail = world.engine.tickets().detail(&caller, *id).await.unwrap().unwrap();
        found.push(format!(
            "{:?} {:?} {:?} {:?} {:?}",
            detail.row, detail.values, detail.permissions, detail.offered, detail.waiting_for
        ));
    }
    found
}

#[tokio::test]
async fn a_restart_replays_what_was_live() {
    for snapshot_events in [1, 5, 1_000] {
        let log = MemoryLog::new();
        let options = EngineOptions {
            snapshot_events,
            ..EngineOptions::default()
        };
        let world = World::filled(Arc::new(log.clone()), options.clone()).await;
        let mut ids = Vec::new();
        for round in 0..6 {
            let id = world.leave("2").await;
            for said in 0..round {
                world
                    .act("dev", id, comment(&format!("{said}")), BTreeMap::new())
                    .await
                    .unwrap();
            }
            if round % 2 == 1 {
                world
                    .act("erin", id, agree("approve_yes"), BTreeMap::new())
                    .await
                    .unwrap();
            }
            ids.push(id);
        }
        let live = details(&world, &ids).await;
        let ports = Arc::clone(&world.ports);
        world.engine.close().await.unwrap();
        log.reopen();
        let again = World::over(Arc::new(log), ports, options).await;
        assert_eq!(details(&again, &ids).await, live);
    }
}

#[tokio::test]
async fn a_log_on_disk_is_taken_up_where_it_was_left() {
    let directory = tempfile::tempdir().unwrap();
    let open = || SledLog::open(directory.path(), SledOptions::default());
    let world = World::filled(Arc::new(open().unwrap()), EngineOptions::default()).await;
    let id = world.leave("2").await;
    let live = details(&world, &[id]).await;
    let ports = Arc::clone(&world.ports);
    world.engine.close().await.unwrap();
    drop(world);

    // The directory is free once the last task of the closed engine has let go of the log, a moment after `close`.
    let mut reopened = None;
    until("the directory is free", async || {
        reopened = open().ok();
        reopened.is_some()
    })
    .await;
    let log = Arc::new(reopened.unwrap());
    let again = World::over(log, ports, EngineOptions::default()).await;
    assert_eq!(details(&again, &[id]).await, live);
    let request = handle(id, agree("approve_yes"));
    let answer = again.engine.tickets().act(&again.caller("erin"), request).await;
    assert_eq!(done(answer.unwrap().unwrap()).current_nodes[0].node_id.as_str(), "file");
    again.engine.close().await.unwrap();
}

#[tokio::test]
async fn after_close_every_call_says_so() {
    let log = MemoryLog::new();
    let world = World::filled(Arc::new(log.clone()), EngineOptions::default()).await;
    let id = world.leave("2").await;
    let version = world
        .engine
        .tickets()
        .detail(&world.caller("dev"), id)
        .await
        .unwrap()
        .unwrap()
        .row
        .version;
    world.engine.close().await.unwrap();
    assert!(!world.engine.is_ready());
    let dev = world.caller("dev");
    assert!(
        world
            .engine
            .tickets()
            .act(&dev, handle(id, comment("x")))
            .await
            .is_err()
    );
    log.reopen();
    assert_eq!(
        log.read_stream(&stream_of(&log, id), 0)
            .unwrap()
            .last()
            .unwrap()
            .last_version(),
        version
    );
}

/// The stream whose name ends with the ticket's id.
fn stream_of(log: &MemoryLog, id: TicketId) -> loonflow_storage::StreamId {
    let commits = log.read_all(0, usize::MAX).unwrap();
    let found = commits
        .iter()
        .map(|commit| &commit.stream)
        .find(|stream| stream.as_str().ends_with(&id.to_string()));
    found.expect("the ticket has a stream").clone()
}
