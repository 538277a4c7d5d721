//! Checkpoints of the lists: nobody waits for one, and whatever becomes of it the lists are right.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::EngineOptions;
use loonflow_engine::view::ticket_list::{Category, ListQuery};
use loonflow_storage::{Error, EventLog, FaultyLog, MemoryLog};

use crate::fixture::*;

fn often() -> EngineOptions {
    EngineOptions {
        checkpoint_commits: 1,
        ..EngineOptions::default()
    }
}

/// Ids and versions of what a user created, oldest first.
async fn rows(world: &World) -> Vec<(TicketId, u64)> {
    let query = ListQuery {
        category: Category::Owner,
        newest_first: false,
        per_page: 100,
        ..ListQuery::default()
    };
    let page = world
        .engine
        .tickets()
        .list(&world.caller("dev"), query)
        .await
        .unwrap()
        .unwrap();
    page.rows.into_iter().map(|row| (row.id, row.version)).collect()
}

/// The follower stopped for each checkpoint, and all writers with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_for_a_checkpoint() {
    let memory = MemoryLog::new();
    let log = Arc::new(FaultyLog::new(Arc::new(memory.clone()), []));
    let world = World::filled(log.clone(), often()).await;
    let n_waiting = Arc::new(AtomicU64::new(0));
    // Held until the other end is dropped, be it by a test that fails.
    let (held, gate) = mpsc::channel::<()>();
    log.before_checkpoint({
        let (gate, n_waiting) = (Mutex::new(gate), n_waiting.clone());
        move |_| {
            n_waiting.fetch_add(1, Ordering::SeqCst);
            assert!(gate.lock().unwrap().recv().is_err(), "nothing is sent");
            Ok(())
        }
    });
    let mut written = vec![world.leave("2").await];
    until("a checkpoint is being stored", async || {
        n_waiting.load(Ordering::SeqCst) > 0
    })
    .await;
    for _ in 0..5 {
        written.push(world.leave("2").await);
        world
            .act("dev", written[0], comment("x"), BTreeMap::new())
            .await
            .unwrap();
        let rows = rows(&world).await;
        assert_eq!(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>(), written);
        let detail = world.engine.tickets().detail(&world.caller("dev"), written[0]).await;
        assert_eq!(rows[0].1, detail.unwrap().unwrap().row.version);
    }
    drop(held);
    let before = rows(&world).await;
    let ports = world.ports.clone();
    world.engine.close().await.unwrap();
    memory.reopen();
    let again = World::over(Arc::new(memory), ports, often()).await;
    assert_eq!(rows(&again).await, before);
}

/// The process dies, or the disk fails, after any number of stored parts.
#[tokio::test]
async fn a_checkpoint_that_was_stored_in_part_does_no_harm() {
    for n_stored in 0..12 {
        let memory = MemoryLog::new();
        let log = Arc::new(FaultyLog::new(Arc::new(memory.clone()), []));
        let world = World::filled(log.clone(), often()).await;
        let n_parts = AtomicU64::new(0);
        log.before_checkpoint(move |_| {
            if n_parts.fetch_add(1, Ordering::SeqCst) < n_stored {
                return Ok(());
            }
            Err(Error::Full)
        });
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(world.leave("2").await);
            for id in &ids {
                world.act("dev", *id, comment("x"), BTreeMap::new()).await.unwrap();
            }
        }
        let before = rows(&world).await;
        let ports = world.ports.clone();
        if n_stored % 2 == 0 {
            log.crash();
        } else {
            world.engine.close().await.unwrap();
            memory.reopen();
        }
        let again = World::over(Arc::new(memory.fork()), ports, often()).await;
        assert_eq!(rows(&again).await, before, "after {n_stored}");
        // And what follows is folded on top of it.
        again.act("dev", ids[0], comment("x"), BTreeMap::new()).await.unwrap();
        assert_eq!(rows(&again).await[0].1, before[0].1 + 1);
    }
}

/// A stop has a time to end by, so it may leave changes out of the checkpoint; the next start reads them from the log.
#[tokio::test]
async fn a_stop_ends_well_though_checkpoints_fail() {
    let memory = MemoryLog::new();
    let log = Arc::new(FaultyLog::new(Arc::new(memory.clone()), []));
    let world = World::filled(log.clone(), EngineOptions::default()).await;
    let id = world.leave("2").await;
    log.before_checkpoint(|_| Err(Error::Full));
    let ports = world.ports.clone();
    world.engine.close().await.unwrap();
    memory.reopen();
    assert!(memory.checkpoint("ticket_list").unwrap().is_none());
    let again = World::over(Arc::new(memory), ports, EngineOptions::default()).await;
    assert_eq!(rows(&again).await.len(), 1);
    again.act("dev", id, comment("x"), BTreeMap::new()).await.unwrap();
}
